#ifndef LRSEARCH_ESTIMATE_H
#define LRSEARCH_ESTIMATE_H

#include "lrsearch/error.h"
#include "lrsearch/stage.h"
#include "plan/plan.h"

/* Prints the expected cost of a campaign in each quantity that a budget can limit, and how the
 * answer's interval narrows with the tokens spent. Warns of each budget that half of the simulated
 * campaigns exceed, and of a reserve too small for the confirmation. Trials are timed on this
 * machine, the search is simulated. `ranks` 0: as many as this machine's cores allow. Takes a few
 * seconds; stage reports end before it prints. */
int estimate_print(const struct plan *plan, uint32_t ranks, const struct stage_report *stages,
                   struct lr_error *err);

/* The same as numbers: medians over the simulated campaigns. */
struct expected {
    double step_s; /* one step of the first cell's model */
    double wall_s, trials, tokens;
    double wall_most_s; /* 90 % quantile */
};
int estimate_expect(struct expected *out, const struct plan *plan, uint32_t workers,
                    const struct stage_report *stages, struct lr_error *err);

/* Seconds of one step of the first cell's model in each precision: the faster of two turns each,
 * because a busy machine only slows. Takes a few seconds. */
int estimate_precisions(double step_s[PRECISION_BF16 + 1], const struct plan *plan,
                        const struct stage_report *stages, struct lr_error *err);
uint32_t estimate_workers(const struct plan *plan); /* that this machine's cores allow */

#endif
