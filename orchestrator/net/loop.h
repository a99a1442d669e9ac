#ifndef LRSEARCH_LOOP_H
#define LRSEARCH_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include "lrsearch/transport.h"

/* The coordinator's event loop, in one thread: libuv drives the transport with a one-shot timer
 * that backs off from 1 ms to 20 ms without messages and returns to 1 ms after one (under 2 % of a
 * core when idle). It catches SIGINT, SIGTERM, SIGUSR1 and SIGUSR2. */

/* An error from any of these ends the loop, which returns it. */
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
    /* Runs until the handler is done or fails, then restores the previous signal handlers. */
    int (*run)(struct transport *transport, const struct loop_handler *handler,
               struct lr_error *err);
    /* Whether a signal is pending: it is passed to handler->signal once the current callback
     * returns. To be called from the handler's callbacks only. NULL: no signals. */
    bool (*signaled)(void);
};
extern const struct loop_ops loop_uv;

#endif
