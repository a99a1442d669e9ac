#ifndef LRSEARCH_LOOP_H
#define LRSEARCH_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include "lrsearch/transport.h"

/* The coordinator's event loop, in one thread: libuv drives the transport with a one-shot timer
 * that backs off from 1 ms to 20 ms without messages and returns to 1 ms after one (under 2 % of a
 * core when idle). It catches SIGINT, SIGTERM, SIGUSR1 and SIGUSR2. What takes longer than 20 ms is
 * a job, which runs on a thread beside the loop. */

/* An error from any of these ends the loop, which returns it. */
struct loop_handler {
    void *context;
    int (*message)(void *context, int peer, const struct message *message, uint64_t now_ms,
                   struct lr_error *err);
    /* After messages, else every 200 ms. *done ends the loop. */
    int (*tick)(void *context, uint64_t now_ms, bool *done, struct lr_error *err);
    int (*signal)(void *context, int signal_number, uint64_t now_ms, struct lr_error *err);
};

/* A computation beside the loop. At most one is in flight. */
struct loop_job {
    void *context;
    /* On another thread, while the handler's callbacks go on: it may use what they do not write,
     * but not the transport, and of the loop now_ms() and interrupted() only. It returns soon after
     * interrupted() has become true. */
    void (*run)(void *context);
    /* On the loop's thread, after run() has returned and the handler has had the signals; a tick
     * follows. May start the next job. Not called if the loop has ended meanwhile. An error ends
     * the loop, which returns it. */
    int (*done)(void *context, uint64_t now_ms, struct lr_error *err);
};

struct loop_ops {
    uint64_t (*now_ms)(void); /* monotonic */
    /* Runs until the handler is done or fails and no job is in flight, then restores the previous
     * signal handlers. */
    int (*run)(struct transport *transport, const struct loop_handler *handler,
               struct lr_error *err);
    /* Starts a job; *job is copied. To be called on the loop's thread while run() runs and no other
     * job is in flight. NULL: there are no threads, and the caller computes at once. */
    void (*work)(const struct loop_job *job);
    /* The job in flight is to end: a signal was caught, or the loop ends. It stays true until the
     * job has returned. Callable on any thread. NULL: never. */
    bool (*interrupted)(void);
};
extern const struct loop_ops loop_uv;

#endif
