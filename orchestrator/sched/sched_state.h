#ifndef LRSEARCH_SCHED_STATE_H
#define LRSEARCH_SCHED_STATE_H

#include "sched/sched.h"
#include "sched/width.h"

/* The scheduler's inside, which only the files of this folder see. */

enum worker_state {
    WORKER_AWAITED,
    WORKER_IDLE,
    WORKER_BUSY,
    WORKER_LEAVING, /* still has an attempt that is over for us */
    WORKER_SILENT,
    WORKER_LOST,
    WORKER_STATES
};

struct host { /* name: as in HELLO */
    char name[64];
    uint32_t strikes;      /* workers lost, attempts failed; a trial's repeated ones once */
    uint32_t strike_trial; /* of the last strike; 0: none */
    bool left_out;
    uint32_t workers; /* that have sent HELLO */
    uint32_t cores;   /* that these may use together; 0: unknown */
    uint32_t idle;    /* workers that may be assigned */
    uint32_t busy;    /* BUSY and LEAVING ones */
};

struct worker {
    enum worker_state state;
    bool quiet; /* no answer for QUIET_MS */
    struct msg_hello hello;
    struct host *host; /* NULL before HELLO */
    uint32_t slot;     /* index on its host, from 0; selects its GPUs */
    uint64_t heard_ms, pinged_ms;
    struct run *run; /* BUSY: that it trains; otherwise NULL */
    /* Of its last assignment: */
    uint32_t trial_id, attempt, epoch;
    bool leads;
    uint64_t serial;
    char members[GROUP_TEXT];
    uint64_t job_nonce; /* PONGs up to this nonce precede it */
};

/* An attempt that a rank or a group trains. Of an attempt whose only rank is quiet there are two,
 * each other's twin. */
struct run {
    uint32_t id, attempt; /* id 0: this struct is free */
    struct sched_cost cost;
    struct msg_assign job; /* spec and place; the rest is each worker's */
    /* As ordered: ranks[0] leads. The first `trained` are in the group for certain; those behind
     * have been told to join, and the leader has been told of them. */
    struct group_members members;
    int trained;
    struct run *twin;
    bool twice;     /* has or had a twin: no second one, no growth */
    bool withdrawn; /* a growth was: its leader may have taken in a rank that is gone */
    uint64_t started_ms, progress_ms, left_ms; /* left: the first follower did; 0: none has */
    uint64_t tokens;       /* of the PROGRESS from which the time of a step is measured, */
    double seconds;        /* and its time */
    int measured;          /* ranks that it was of; 0: none yet */
    double step_s;         /* measured; 0: not yet */
    uint64_t shown_tokens; /* of the last point that the owner got, of both twins */
    struct sched_use use;
    uint64_t used_ms; /* time up to which `use` counts */
};

/* How idle ranks are divided: scratch of share.c, with room for one of each per rank. */
struct share {
    bool *taken;              /* by rank: idle, and meant for something already */
    int *ranks;               /* idle ones, host by host */
    struct width_host *hosts; /* as sched->hosts */
    struct width_item *items;
    struct sched_job *jobs; /* of items that wait */
    struct run **runs;      /* of items that run */
    int count;              /* of items */
};

struct sched {
    struct transport *transport;
    struct sched_limits limits;
    struct sched_owner owner;
    struct msg_hello self;  /* sent with every PING */
    struct worker *workers; /* by rank; [0] unused */
    struct host *hosts;     /* room for one per rank */
    size_t host_count;
    struct run *runs;                 /* room for one per rank */
    uint32_t running;                 /* attempts: twins count once */
    uint32_t tally[WORKER_STATES][2]; /* workers by state and `quiet` */
    /* The queue: a job's number counts from the beginning, queue[number - queue_base]. */
    struct sched_job *queue; /* id 0: withdrawn */
    size_t queue_first, queue_end, queue_capacity;
    uint64_t queue_base; /* number of queue[0] */
    uint32_t queued;
    uint64_t *number_of; /* by trial id; the job's number + 1, 0: not queued */
    size_t number_capacity;
    struct width_model model;
    struct share share;
    bool draining, held;
    uint64_t now_ms, ticked_ms, checked_ms, grown_ms;
    uint64_t serial, nonce, stale, bad;
};

/* ---- workers.c: states, and messages to a worker ---- */

bool worker_is_usable(const struct worker *worker); /* may be assigned */
void worker_set(struct sched *sched, int peer, enum worker_state state, bool quiet);
/* (id, attempt) is its last assignment. */
bool worker_has(const struct worker *worker, uint32_t id, uint32_t attempt);
/* Sets the worker LOST for good, and tells the owner. */
int dismiss_worker(struct sched *sched, int peer, const char *why, struct lr_error *err);
int send_stop(struct sched *sched, int peer, struct lr_error *err);
int send_ping(struct sched *sched, int peer, struct lr_error *err);
int send_job(struct sched *sched, int peer, struct lr_error *err); /* BUSY only */
int send_group(struct sched *sched, const struct run *run, struct lr_error *err);
int send_cancel(struct sched *sched, int peer, uint32_t id, uint32_t attempt, bool save,
                struct lr_error *err);

/* ---- hosts.c ---- */

struct host *host_find(struct sched *sched, const char *name); /* or adds it */
/* Cores that its workers do not use yet; large when unknown. */
/* Counts the cores of a worker that said HELLO, unless another rank of the host has the same. */
void host_add_cores(struct sched *sched, int peer);
int host_room(const struct sched *sched, const struct host *host);
/* Sets the worker idle; stops it if its host is left out. */
int release_worker(struct sched *sched, int peer, struct lr_error *err);
/* Counts a failure on the worker's host (trial 0: no trial was involved). At two strikes the host
 * is left out, as long as another host has workers: its idle workers stop at once, busy ones after
 * their trial. */
int strike_host(struct sched *sched, int peer, uint32_t trial_id, struct lr_error *err);

/* ---- trial_queue.c ---- */

const struct sched_job *queue_front(struct sched *sched); /* NULL: empty */
void queue_pop(struct sched *sched);
void queue_clear(struct sched *sched);

/* ---- runs.c: the life of an attempt ---- */

int run_begin(struct sched *sched, const struct sched_job *job, const int *ranks, int count,
              struct lr_error *err);
/* A second time, on `rank`, of what a quiet worker trains. */
int run_begin_twin(struct sched *sched, struct run *first, int rank, struct lr_error *err);
/* Tells the leader and `count` idle ranks that these join. */
int run_grow(struct sched *sched, struct run *run, const int *ranks, int count,
             struct lr_error *err);
int run_progress(struct sched *sched, struct run *run, int peer,
                 const struct msg_progress *progress, struct lr_error *err);
/* The result of a member that has it as its assignment. */
int run_result(struct sched *sched, struct run *run, int peer, const struct trial_result *result,
               struct lr_error *err);
/* A member is gone for this run: ends it as LOST, with the message "rank 3 on host node7: why";
 * leaves it as it was if the member only was to join, or if a twin trains on. */
int run_lose(struct sched *sched, struct run *run, int peer, const char *why, struct lr_error *err);
bool run_is_pending(const struct run *run); /* ranks have been told to join and have not yet */
double run_steps_left(const struct run *run);
struct width_job run_width_job(const struct sched_cost *cost);

/* ---- share.c: who trains what ---- */

bool share_init(struct share *share, size_t ranks); /* false: no memory */
void share_release(struct share *share);
int share_workers(struct sched *sched, struct lr_error *err);

/* ---- silence.c ---- */

int check_worker(struct sched *sched, int peer, struct lr_error *err);
int check_run(struct sched *sched, struct run *run, struct lr_error *err);
int hear_worker(struct sched *sched, int peer, struct lr_error *err);
void forgive_stall(struct sched *sched);

#endif
