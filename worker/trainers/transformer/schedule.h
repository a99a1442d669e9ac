#ifndef LRSEARCH_SCHEDULE_H
#define LRSEARCH_SCHEDULE_H

#include "lrsearch/trial.h"

/* The learning rate of step 1, 2, ..., trial_steps(spec), as a factor of the peak. A linear warm-up
 * over the first warmup * steps (or warmup_tokens), then
 *   cosine    half a cosine down to the end (Loshchilov & Hutter 2017)
 *   linear    a line down to it
 *   wsd       the peak, and in the last cooldown * steps down to the end by a line, or by
 *             1 - sqrt(share) (Haegele et al. 2024)
 *   constant  the peak
 * The end, reached at the last step, is final_lr, or min_lr / lr where that is given. A pure
 * function: a resumed training needs no state. */
double schedule_factor(const struct trial_spec *spec, uint64_t step);

#endif
