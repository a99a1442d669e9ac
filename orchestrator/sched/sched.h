#ifndef LRSEARCH_SCHED_H
#define LRSEARCH_SCHED_H

#include <stdbool.h>
#include <stdint.h>
#include "campaign/trial_state.h"
#include "lrsearch/error.h"
#include "lrsearch/transport.h"

/* Assigns trials to idle workers and turns their messages into calls of the owner. The time is
 * passed in as `now_ms`, a monotonic clock, so that tests can use a virtual one. Time during which
 * no function was called (a suspended machine) does not count against workers. */

struct sched;

struct sched_limits {
    uint64_t silence_ms;    /* a worker that is silent for this long gets no trials until its next
                               message, and its trial is lost; 0: never */
    uint64_t trial_time_ms; /* a trial that runs for this long is canceled and counts as lost; 0:
                               never */
};

/* Callbacks to the owner, from inside sched_message() and sched_tick(). `err` is theirs, and a
 * callback's error ends that call. Any callback may call sched_enqueue(). */
struct sched_owner {
    void *context;
    /* Trial `id` was assigned to `rank`, whose HELLO is `hello`. `attempt` is the queued one.
     * Called before the assignment is sent, so that the journal has it first. */
    int (*started)(void *context, uint32_t id, uint32_t attempt, int rank,
                   const struct msg_hello *hello, struct lr_error *err);
    int (*progress)(void *context, const struct msg_progress *progress, int rank,
                    struct lr_error *err);
    /* An attempt ended; outcome LOST if its worker was lost or it ran too long (result->message has
     * the reason). */
    int (*ended)(void *context, uint32_t id, uint32_t attempt, const struct trial_result *result,
                 struct lr_error *err);
};

struct sched_counts {
    uint32_t queued, running;
    uint32_t workers_idle, workers_busy, workers_lost, workers_awaited; /* awaited: no HELLO yet;
                                                                           lost: silent ones
                                                                           included */
    uint64_t stale_messages; /* dropped: the attempt does not run on that worker */
    uint64_t bad_messages;
};

/* `self` is this process's HELLO. */
int sched_create(struct sched **out, struct transport *transport, const struct msg_hello *self,
                 const struct sched_limits *limits, const struct sched_owner *owner,
                 uint64_t now_ms, struct lr_error *err);
void sched_destroy(struct sched *sched);

/* Queues an attempt of a trial, first in, first out. `job` is copied; its serial and slot are set
 * later. avoid: the rank where it failed before, used only if no other is idle; 0: none. */
int sched_enqueue(struct sched *sched, const struct msg_assign *job, int avoid,
                  struct lr_error *err);

/* Removes a trial from the queue; no effect if it has started. */
void sched_withdraw(struct sched *sched, uint32_t id);

/* Handles one message from `peer`. */
int sched_message(struct sched *sched, int peer, const struct message *message, uint64_t now_ms,
                  struct lr_error *err);
/* Assigns trials, sends PINGs, finds lost workers. Call it at least every 500 ms, and after
 * messages. LR_EWORKERS if trials wait and every worker is lost (no HELLO within a minute counts as
 * lost). */
int sched_tick(struct sched *sched, uint64_t now_ms, struct lr_error *err);

/* While held, sched_tick() assigns nothing: started() is not called. */
void sched_hold(struct sched *sched, bool held);

/* Empties the queue, assigns nothing more, and cancels running trials after a checkpoint: each
 * attempt ends, CANCELED if it was stopped. Finished when sched_counts().running is 0. */
void sched_drain(struct sched *sched);
void sched_stop_workers(struct sched *sched); /* STOP to every worker that is not lost */
struct sched_counts sched_counts(const struct sched *sched);

#endif
