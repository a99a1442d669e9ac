#ifndef LRSEARCH_SCHEDULE_H
#define LRSEARCH_SCHEDULE_H

#include "lrsearch/trial.h"

/* The learning rate of step 1, 2, ..., trial_steps(spec), as a factor of the peak: linear warm-up
 * over the first warmup * steps, then half a cosine down to final_lr at the last step (Loshchilov &
 * Hutter 2017). A pure function: a resumed training needs no state. */
double schedule_factor(const struct trial_spec *spec, uint64_t step);

#endif
