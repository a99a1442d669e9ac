#ifndef LRSEARCH_AIM_H
#define LRSEARCH_AIM_H

#include "cli/options.h"
#include "lrsearch/error.h"
#include "plan/plan.h"

/* Turns the plan of a campaign that was run to another target: --tokens, and --width, --layers,
 * --vocab, --batch, --schedule and --cooldown where they are given. LR_EDATA, LR_EPLAN: the
 * campaign cannot say anything about it, and why. */
int aim_plan(struct plan *plan, const struct options *options, struct lr_error *err);

#endif
