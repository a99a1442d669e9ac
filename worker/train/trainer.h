#ifndef LRSEARCH_TRAINER_H
#define LRSEARCH_TRAINER_H

#include <stdbool.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* One training, from spec to result. All trainers stand behind this. */

struct train_step {    /* told after every optimizer step */
    uint64_t tokens;   /* trained so far */
    double train_loss; /* of this step, nats per token */
    double seconds;    /* since the training began */
    bool curve_point;  /* one of TRAIN_CURVE_POINTS places in the horizon that depend on the spec
                          alone */
};
#define TRAIN_CURVE_POINTS 32

struct train_hooks {
    void *context;
    /* Nonzero cancels: the trainer returns soon with OUTCOME_CANCELED. Called often (each step, and
     * between validation batches with the last step's numbers and curve_point false). */
    int (*step)(void *context, const struct train_step *step);
};

/* Trains. Always fills *result: done, diverged, canceled, or failed with a message. Never returns
 * an error: what goes wrong with a trial is a result. Holds nothing afterwards. */
void trainer_run(const struct trial_spec *spec, const struct train_hooks *hooks,
                 struct trial_result *result);

#endif
