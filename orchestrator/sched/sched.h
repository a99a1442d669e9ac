#ifndef LRSEARCH_SCHED_H
#define LRSEARCH_SCHED_H

#include <stdbool.h>
#include <stdint.h>
#include "campaign/trial_state.h"
#include "lrsearch/error.h"
#include "lrsearch/transport.h"

/* Assigns trials to idle workers, alone or in groups (lrsearch/group.h), and turns their messages
 * into calls of the owner. The time is passed in as `now_ms`, a monotonic clock, so that tests can
 * use a virtual one. Time during which no function was called (a suspended machine) does not count
 * against workers. */

struct sched;
struct width_model;

struct sched_limits {
    uint64_t silence_ms;      /* a worker that is silent for this long gets no trials until its next
                                 message, and its trial is lost; 0: never */
    uint64_t trial_time_ms;   /* a trial that runs for this long is canceled and counts as lost; 0:
                                 never */
    uint32_t ranks_per_trial; /* 0: by the cost model (width.h); else so many, a power of two, or
                                 what the trial's slices and the live workers allow */
    uint32_t threads;         /* cores that a rank uses; 0 counts as 1 */
};

/* What a training costs: a group is as wide as pays. All 0: unknown, one rank trains it. */
struct sched_cost {
    uint64_t tokens, begun_tokens; /* where it ends; where it begins: > 0 with a shared prefix */
    uint64_t step_tokens;
    double step_flops; /* of a step on one rank */
    double parameters;
    uint32_t slices; /* of a batch: most ranks that can share it; 1: always one rank */
};

/* Of a trial that begins at `begun_tokens`. */
struct sched_cost sched_cost_of(const struct trial_spec *spec, uint64_t begun_tokens);

struct sched_job {
    uint32_t id, attempt;
    int avoid; /* rank where it failed before, used only if no other is idle; 0: none */
    struct sched_cost cost;
};

/* What an attempt used. */
struct sched_use {
    uint32_t ranks; /* the most at a time */
    double rank_s;  /* sum of its ranks' time */
};

enum sched_news { WORKER_QUIET, WORKER_HEARD, WORKER_GONE };

/* Callbacks to the owner, from inside sched_message() and sched_tick(). `err` is theirs, and a
 * callback's error ends that call. Any callback may call sched_enqueue(). */
struct sched_owner {
    void *context;
    /* Fills spec and place of an assignment, just before it starts. */
    int (*describe)(void *context, uint32_t id, uint32_t attempt, struct msg_assign *job,
                    struct lr_error *err);
    /* Trial `id` was assigned to these ranks; `hello` is the leader's. `attempt` is the queued one.
     * Called before the assignment is sent, so that the journal has it first. */
    int (*started)(void *context, uint32_t id, uint32_t attempt,
                   const struct group_members *members, const struct msg_hello *hello,
                   struct lr_error *err);
    /* Its group has grown to these. */
    int (*grown)(void *context, uint32_t id, uint32_t attempt, const struct group_members *members,
                 struct lr_error *err);
    int (*progress)(void *context, const struct msg_progress *progress, int rank,
                    struct lr_error *err);
    /* An attempt ended; outcome LOST if a worker was lost or it ran too long (result->message has
     * the reason). */
    int (*ended)(void *context, uint32_t id, uint32_t attempt, const struct trial_result *result,
                 const struct sched_use *use, struct lr_error *err);
    /* A worker has not answered for 30 s, answers again, or is gone for good, and why. hello:
     * NULL before its HELLO. */
    int (*news)(void *context, int rank, const struct msg_hello *hello, enum sched_news news,
                const char *why, struct lr_error *err);
};

/* Each worker counts once. */
struct sched_counts {
    uint32_t queued, running;            /* attempts */
    uint32_t workers_idle, workers_busy; /* live */
    uint32_t workers_silent;  /* no answer for 30 s, or no HELLO within a minute; may come back */
    uint32_t workers_lost;    /* gone for good */
    uint32_t workers_awaited; /* no HELLO yet */
    uint64_t stale_messages;  /* dropped: the attempt does not run on that worker */
    uint64_t bad_messages;
};

/* `self` is this process's HELLO. */
int sched_create(struct sched **out, struct transport *transport, const struct msg_hello *self,
                 const struct sched_limits *limits, const struct sched_owner *owner,
                 uint64_t now_ms, struct lr_error *err);
void sched_destroy(struct sched *sched);

/* Queues an attempt of a trial, first in, first out. */
int sched_enqueue(struct sched *sched, const struct sched_job *job, struct lr_error *err);

/* Removes a trial from the queue; no effect if it has started. */
void sched_withdraw(struct sched *sched, uint32_t id);

/* Handles one message from `peer`. */
int sched_message(struct sched *sched, int peer, const struct message *message, uint64_t now_ms,
                  struct lr_error *err);
/* Assigns trials, lets groups grow, sends PINGs, finds lost workers. Call it at least every 500 ms,
 * and after messages. LR_EWORKERS if trials wait and every worker is lost or silent for too long
 * (no HELLO within a minute counts as that). */
int sched_tick(struct sched *sched, uint64_t now_ms, struct lr_error *err);

/* While held, sched_tick() assigns nothing: started() is not called. */
void sched_hold(struct sched *sched, bool held);

/* Empties the queue, assigns nothing more, and cancels running trials after a checkpoint: each
 * attempt ends, CANCELED if it was stopped. Finished when sched_counts().running is 0. */
void sched_drain(struct sched *sched);
void sched_stop_workers(struct sched *sched); /* STOP to every worker that is not lost */
struct sched_counts sched_counts(const struct sched *sched);
/* What the cost model assumes and has learned; valid as long as the scheduler. */
const struct width_model *sched_model(const struct sched *sched);

#endif
