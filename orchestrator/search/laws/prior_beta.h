#ifndef LRSEARCH_PRIOR_BETA_H
#define LRSEARCH_PRIOR_BETA_H

#include <stdint.h>

/* The prior of the exponent beta of LR*(tokens) ~ tokens^-beta at a fixed batch, from published
 * exponents: by optimizer, by the batch over the best batch, and by the number of steps. */

#define BETA_WHY 320

enum beta_optimizer {
    BETA_ADAMW,
    BETA_MUON,
    BETA_OTHER, /* or not known */
    BETA_OPTIMIZERS
};

/* By the name that a table of trainings gives, whatever its case; BETA_OTHER: no exponent is known
 * of it. */
enum beta_optimizer beta_optimizer_of(const char *name);

struct beta_setting {
    enum beta_optimizer optimizer;
    uint64_t batch_tokens[2];  /* smallest and largest of the campaign; 0, 0: not known */
    uint64_t shortest, target; /* tokens of the shortest horizon and of the target, above 0 */
};

struct beta_prior {
    double center, scale; /* Student with 3 degrees of freedom; in hundredths */
    char why[BETA_WHY];   /* a clause that follows "because" */
};

/* Pure. The center never rises with the batch. `scale` is .25 to .45: an optimum that rises as
 * tokens^.3 is always within 3 scales, where Student's density is still 6 % of its maximum. */
struct beta_prior beta_prior_of(const struct beta_setting *setting);

#endif
