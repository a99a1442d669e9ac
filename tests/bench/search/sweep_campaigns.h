#ifndef TESTS_BENCH_SWEEP_CAMPAIGNS_H
#define TESTS_BENCH_SWEEP_CAMPAIGNS_H

#include "data/sweep.h"
#include "search_run.h"

/* The campaigns that a folder of published sweeps holds: the longest horizon of each table is the
 * target, the others are searched. Nothing is trained: a trial is looked up (data/sweep.h). */

#define SWEEP_LOST 1.0 /* nats: a recommended LR that diverges, or is worse still, counts so */

struct sweep_campaign {
    const char *file, *name;
    const struct sweep *sweep;
    const uint64_t *horizons; /* ascending */
    size_t count;
};

/* Visits all campaigns of *.csv in a folder, in the order of the files' names; `list` is
 * campaigns.txt. With `subsets` also each choice of two or more of a table's horizons in which the
 * target is at most 5.1 times as long as the longest of the others. */
void sweep_campaigns(const char *folder, const char *list, bool subsets,
                     void (*visit)(void *context, const struct sweep_campaign *campaign),
                     void *context);

/* Defaults, horizons, target, and the LRs that all horizons have. False: too few horizons, or no
 * such LRs. */
bool sweep_space(struct search_run *run, const struct sweep_campaign *campaign);
/* For search_run(); the context is a struct sweep. */
struct observation sweep_observe(const void *sweep, const struct proposal *proposal);
/* LR of the least loss along the interpolated ones, and that loss. */
double sweep_optimum(const struct sweep *sweep, uint64_t tokens, double *least);
/* Nats above the least loss; of the nearest LR in the table. At most SWEEP_LOST. */
double sweep_penalty(const struct sweep *sweep, uint64_t tokens, double lr, double least);
/* Mean of the penalties of half and twice the LR; NaN if the table holds only one of them. */
double sweep_twice(const struct sweep *sweep, uint64_t tokens, double lr, double least);

#endif
