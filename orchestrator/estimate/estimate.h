#ifndef LRSEARCH_ESTIMATE_H
#define LRSEARCH_ESTIMATE_H

#include "lrsearch/error.h"
#include "lrsearch/stage.h"
#include "plan/plan.h"

/* Prints what a campaign is expected to cost, in each unit that a budget can count, and how its
 * answer's interval narrows with what is spent; warns of each budget below that. Trainings are
 * timed on this machine, the search is simulated. `ranks`: 0: as many as this machine has cores
 * for. Takes a few seconds; the stages are over before it prints. */
int estimate_print(const struct plan *plan, uint32_t ranks, const struct stage_report *stages,
                   struct lr_error *err);

/* The same in numbers: what half of the simulated campaigns need. */
struct expected {
    double step_s; /* of a step of the first cell's model */
    double wall_s, trials, tokens;
    double wall_most_s; /* what 9 in 10 need */
};
int estimate_expect(struct expected *out, const struct plan *plan, uint32_t workers,
                    const struct stage_report *stages, struct lr_error *err);
uint32_t estimate_workers(const struct plan *plan); /* that this machine's cores give */

#endif
