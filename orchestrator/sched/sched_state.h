#ifndef LRSEARCH_SCHED_STATE_H
#define LRSEARCH_SCHED_STATE_H

#include "sched/sched.h"

/* The inside of the scheduler, for the files of this folder only.
 *
 *     AWAITED --HELLO--> IDLE --assign--> BUSY --RESULT--> IDLE
 *     BUSY --trial too long--> LEAVING --RESULT, or a PONG that says so--> IDLE
 *     any --silent--> SILENT --heard again--> LEAVING
 *     any --process gone, wrong version, host left out--> LOST      (final)
 *
 * An attempt that was given up stays given up: what its worker still says is dropped and counted.
 */
enum worker_state {
    WORKER_AWAITED,
    WORKER_IDLE,
    WORKER_BUSY,
    WORKER_LEAVING, /* an attempt that nobody waits for */
    WORKER_SILENT,
    WORKER_LOST
};

struct host { /* by its name in HELLO */
    char name[64];
    uint32_t strikes;      /* workers lost and attempts failed, each trial counted once */
    uint32_t strike_trial; /* of the last strike; 0: none */
    bool left_out;
    uint32_t workers; /* that said HELLO */
};

struct worker {
    enum worker_state state;
    struct msg_hello hello;
    struct host *host; /* NULL before HELLO */
    uint32_t slot;     /* its number there, from 0: which of the GPUs are its */
    uint64_t heard_ms, pinged_ms, started_ms;
    struct msg_assign job; /* the last assignment; BUSY: the current one */
    uint64_t job_nonce;    /* PONGs up to here were asked for before it */
};

struct queued {
    struct msg_assign job;
    int avoid; /* rank where it failed before; 0: none */
};

struct sched {
    struct transport *transport;
    struct sched_limits limits;
    struct sched_owner owner;
    struct msg_hello self;  /* goes with every PING */
    struct worker *workers; /* by rank; [0] unused */
    struct host *hosts;     /* room for one a rank */
    size_t host_count;
    struct queued *queue;
    size_t queue_first, queue_end, queue_capacity;
    bool draining;
    uint64_t now_ms, ticked_ms, checked_ms;
    uint64_t serial, nonce, stale, bad;
};

/* One incoming message each (on_hello.c, ...). */
int sched_on_hello(struct sched *sched, int peer, const struct msg_hello *hello,
                   struct lr_error *err);
int sched_on_progress(struct sched *sched, int peer, const struct msg_progress *progress);
int sched_on_result(struct sched *sched, int peer, const struct msg_result *result,
                    struct lr_error *err);
int sched_on_pong(struct sched *sched, int peer, const struct msg_pong *pong, struct lr_error *err);

/* Whether (id, attempt) is what `peer` trains; otherwise counts a stale message. */
bool sched_is_current(struct sched *sched, int peer, uint32_t id, uint32_t attempt);
/* A PING, at once. */
int sched_ping(struct sched *sched, int peer, struct lr_error *err);
int sched_cancel(struct sched *sched, int peer, uint32_t id, uint32_t attempt, bool save,
                 struct lr_error *err);
/* Gives a worker up, as SILENT or LOST; its trial ends LOST with "rank 3 on host node7: why". */
int sched_lose(struct sched *sched, int peer, enum worker_state state, const char *why,
               struct lr_error *err);
/* Gives up what it trains, and tells the owner why; the worker stays. */
int sched_give_up(struct sched *sched, int peer, const char *why);

/* hosts.c: the host of that name, made when it is new. */
struct host *sched_host(struct sched *sched, const char *name);
/* Something went wrong there (trial 0: with no trial). The second time the host is left out, as
 * long as another one has workers: its idle workers are stopped, busy ones after their trial. */
int sched_strike(struct sched *sched, int peer, uint32_t trial_id, struct lr_error *err);
/* A worker has nothing to do: it waits, or leaves with its host. */
int sched_release(struct sched *sched, int peer, struct lr_error *err);

#endif
