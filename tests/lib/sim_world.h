#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include "net/loop.h"

/* A cluster in one process, in virtual time: workers as state machines behind a transport that
 * loses, doubles, delays and reorders messages, and a loop that drives the coordinator through it.
 * Every draw follows from the seed. There is one world at a time. */

struct sim_faults {
    int workers;
    uint32_t latency_ms;    /* a message takes 1 to so many, each its own: they overtake */
    double lose, repeat;    /* probabilities, of each message */
    double fail;            /* of each attempt: the trainer reports a failure */
    double kill_s, pause_s; /* mean time of a worker until it dies, or is silent; 0: never */
    double slow;            /* workers are up to so many times slower */
    bool deaths_seen;       /* alive() knows about the dead, as on one host */
    uint32_t job_ms;        /* sim_loop_threads: a job takes up to so long, each its own */
    double end_s;           /* the coordinator is killed, or gets `end_signal`, then; 0: never */
    int end_signal;         /* 0: it is killed */

    /* ... and what the workers are; 0 or NULL: two ranks on a host that say nothing of their speed,
     * groups without any cost, and a loss of the world's own */
    int host_ranks;                                 /* of each host, and its cores */
    double flops, link_latency_s, link_bytes_per_s; /* as in HELLO */
    /* spans: the group is on several hosts */
    double (*seconds_per_token)(const struct trial_spec *spec, int ranks, bool spans);
    double (*loss)(const struct trial_spec *spec); /* NaN: it diverges */
    uint32_t look_ms; /* a leader looks up so often, and the coordinator ticks */
};

/* What the workers did, of all sessions since sim_begin(). */
struct sim_account {
    double busy_rank_s; /* ranks times time in a group that trains */
    double work_s;      /* the same tokens on one rank: of seconds_per_token() only */
    double tokens;
    uint32_t regroups; /* times that a group grew */
};
struct sim_account sim_account(void);

/* What survives a session: how far each trial's checkpoint goes, as files do. */
void sim_forget_checkpoints(void);

/* A session's cluster. The transport is the world's, until the next sim_begin(). */
struct transport *sim_begin(uint64_t seed, const struct sim_faults *faults);
void sim_end(void);
extern const struct loop_ops sim_loop;         /* without threads: jobs are done at once */
extern const struct loop_ops sim_loop_threads; /* a thread for each job; the same virtual time */

bool sim_coordinator_was_killed(void);
double sim_now_s(void);
unsigned sim_results_beside_jobs(void); /* that the coordinator got while a job was in flight */

#define SIM_KILLED (-99) /* what the loop returns then */

#endif
