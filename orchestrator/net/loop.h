#ifndef LRSEARCH_LOOP_H
#define LRSEARCH_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include "lrsearch/transport.h"

/* The coordinator's event loop: libuv drives the transport with a one-shot timer that backs off
 * from 1 ms to 20 ms while nothing comes and returns to 1 ms after a message (one thread, under 2 %
 * of a core when idle), and catches SIGINT, SIGTERM, SIGUSR1, SIGUSR2. */

/* An error of any of these ends the loop, which returns it. */
struct loop_handler {
    void *context;
    int (*message)(void *context, int peer, const struct message *message, uint64_t now_ms,
                   struct lr_error *err);
    /* After messages, else every 200 ms. *done ends the loop. */
    int (*tick)(void *context, uint64_t now_ms, bool *done, struct lr_error *err);
    int (*signal)(void *context, int signal_number, uint64_t now_ms, struct lr_error *err);
};

struct loop_ops {
    uint64_t (*now_ms)(void); /* monotonic */
    /* Until the handler is done or fails. Signal handlers are then as they were before. */
    int (*run)(struct transport *transport, const struct loop_handler *handler,
               struct lr_error *err);
    /* Whether a signal has come that the handler has not been told of: it is, once its other call
     * returns. Only a call of the handler may ask; NULL: signals do not come by themselves. */
    bool (*signaled)(void);
};
extern const struct loop_ops loop_uv;

#endif
