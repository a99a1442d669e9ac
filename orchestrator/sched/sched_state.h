#ifndef LRSEARCH_SCHED_STATE_H
#define LRSEARCH_SCHED_STATE_H

#include "sched/sched.h"

/* The inside of the scheduler, for the files of this folder only.
 *
 *     AWAITED --HELLO--> IDLE --assign--> BUSY --result--> IDLE
 *        any --silent, gone, wrong version--> LOST   (final: its late words are dropped and
 * counted) */
enum worker_state { WORKER_AWAITED, WORKER_IDLE, WORKER_BUSY, WORKER_LOST };

struct worker {
    enum worker_state state;
    struct msg_hello hello;
    uint64_t heard_ms, pinged_ms, started_ms;
    uint32_t trial_id, attempt; /* BUSY */
};

struct queued {
    uint32_t id, attempt;
    struct trial_spec spec;
};

struct sched {
    struct transport *transport;
    struct sched_limits limits;
    struct sched_owner owner;
    struct msg_hello self;  /* goes with every PING */
    struct worker *workers; /* by rank; [0] unused */
    struct queued *queue;
    size_t queue_first, queue_end, queue_capacity;
    uint64_t now_ms, checked_ms, nonce, stale, bad;
};

/* One incoming message each (on_hello.c, ...). */
int sched_on_hello(struct sched *sched, int peer, const struct msg_hello *hello,
                   struct lr_error *err);
int sched_on_progress(struct sched *sched, int peer, const struct msg_progress *progress);
int sched_on_result(struct sched *sched, int peer, const struct msg_result *result);
int sched_on_pong(struct sched *sched, int peer);

/* Whether (id, attempt) is what `peer` trains; otherwise counts a stale message. */
bool sched_is_current(struct sched *sched, int peer, uint32_t id, uint32_t attempt);
/* A PING, at once. */
int sched_ping(struct sched *sched, int peer, struct lr_error *err);
/* Gives a worker up; its trial ends LOST with "rank 3 on host node7: why". */
int sched_lose(struct sched *sched, int peer, const char *why);

#endif
