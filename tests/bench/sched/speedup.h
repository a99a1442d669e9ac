#ifndef TESTS_BENCH_SPEEDUP_H
#define TESTS_BENCH_SPEEDUP_H

#include <stdbool.h>
#include "lrsearch/group.h"
#include "lrsearch/trial.h"
#include "sched/width.h"

/* How much faster a group trains than one rank. */
struct speedup {
    char text[160];            /* where it is from */
    double at[GROUP_MOST + 1]; /* at[1] 0: by the scheduler's cost model */
    struct width_model model;
};

/* The scheduler's cost model with this machine's figures, by size and batch of the model. */
void speedup_by_model(struct speedup *out, double flops, double latency_s, double bytes_per_s);
/* ranks / (1 + share (ranks - 1)) */
void speedup_by_share(struct speedup *out, double share);
/* Lines "RANKS SPEED-UP", # comments; between two of them by their efficiencies, linear in log2 of
 * the ranks. False, with a message on stderr: it cannot be read. */
bool speedup_read(struct speedup *out, const char *path);
/* Seconds of a step; spans: the group is on several hosts, which only the model knows about. */
double speedup_step_s(const struct speedup *speedup, const struct trial_spec *spec, int ranks,
                      bool spans);
const char *speedup_text(const struct speedup *speedup);

#endif
