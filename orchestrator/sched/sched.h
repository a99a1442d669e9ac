#ifndef LRSEARCH_SCHED_H
#define LRSEARCH_SCHED_H

#include <stdbool.h>
#include <stdint.h>
#include "campaign/trial_state.h"
#include "lrsearch/error.h"
#include "lrsearch/transport.h"

/* Gives trials to idle workers and turns their messages into calls of the owner. Knows time only as
 * `now_ms`, a monotonic clock passed in, so that a test can run it on a virtual one. Time in which
 * it was not called itself (a machine that was asleep) counts against nobody. */

struct sched;

struct sched_limits {
    uint64_t silence_ms;    /* a worker unheard for so long is left alone until it is heard again,
                               and its trial is lost; 0: never */
    uint64_t trial_time_ms; /* a trial running for so long is canceled and lost; 0: never */
};

/* What the scheduler tells its owner, at once, from inside sched_message() or sched_tick(), whose
 * `err` it passes on. Any callback may call sched_enqueue(). Its error ends that call. */
struct sched_owner {
    void *context;
    /* Trial `id` was given to `rank`, which said `hello`. `attempt` is the enqueued one. Called
     * before the message is sent, so that the journal knows first. */
    int (*started)(void *context, uint32_t id, uint32_t attempt, int rank,
                   const struct msg_hello *hello, struct lr_error *err);
    int (*progress)(void *context, const struct msg_progress *progress, int rank,
                    struct lr_error *err);
    /* An attempt ended; outcome LOST when its worker vanished (result->message says how). */
    int (*ended)(void *context, uint32_t id, uint32_t attempt, const struct trial_result *result,
                 struct lr_error *err);
};

struct sched_counts {
    uint32_t queued, running;
    uint32_t workers_idle, workers_busy, workers_lost, workers_awaited; /* awaited: no HELLO yet;
                                                                           lost: silent ones too */
    uint64_t stale_messages; /* dropped: of an attempt that is not running there */
    uint64_t bad_messages;
};

/* `self` is this process's HELLO. */
int sched_create(struct sched **out, struct transport *transport, const struct msg_hello *self,
                 const struct sched_limits *limits, const struct sched_owner *owner,
                 uint64_t now_ms, struct lr_error *err);
void sched_destroy(struct sched *sched);

/* Queues an attempt at a trial, first in, first out. `job` is copied; its serial is set later.
 * avoid: the rank where it failed before, which gets it again only when no other is idle; 0:
 * none. */
int sched_enqueue(struct sched *sched, const struct msg_assign *job, int avoid,
                  struct lr_error *err);

/* Takes back a trial that was queued and has not started; nothing happens when it has. */
void sched_withdraw(struct sched *sched, uint32_t id);

/* One incoming message from `peer`. */
int sched_message(struct sched *sched, int peer, const struct message *message, uint64_t now_ms,
                  struct lr_error *err);
/* Time passed: assigns, pings, finds the lost. Call it at least every 500 ms, and after messages.
 * LR_EWORKERS when every worker is lost, or none said HELLO within a minute, and trials wait. */
int sched_tick(struct sched *sched, uint64_t now_ms, struct lr_error *err);

/* Empties the queue, assigns nothing more, and asks busy workers to write their checkpoint and
 * stop: each attempt ends, CANCELED where it was stopped. Over when sched_counts().running is 0. */
void sched_drain(struct sched *sched);
void sched_stop_workers(struct sched *sched); /* STOP to every worker that is not lost */
struct sched_counts sched_counts(const struct sched *sched);

#endif
