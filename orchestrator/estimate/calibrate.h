#ifndef LRSEARCH_CALIBRATE_H
#define LRSEARCH_CALIBRATE_H

#include "lrsearch/error.h"
#include "lrsearch/stage.h"
#include "lrsearch/trial.h"

/* Estimates how long a trial takes on this machine: times a few steps of its model on random
 * tokens. */

struct calibration {
    double step_s;     /* one step at the spec's batch */
    double sequence_s; /* validation of one sequence */
    double setup_s;    /* before the first step */
    size_t steps;      /* timed */
    double share;      /* timed FLOPs per step / the spec's; below 1: model too large to time */
};

/* Takes about `seconds`. spec->products must be prepared; the spec's data are not read.
 * LR_EINTERNAL: the trainer failed; also the errors of random_tokens_make(). */
int calibrate(struct calibration *out, const struct trial_spec *spec, double seconds,
              const struct stage_report *stages, struct lr_error *err);

/* Predicted seconds of a trial of this spec: setup, steps and validation. */
double calibration_seconds(const struct calibration *calibration, const struct trial_spec *spec);

#endif
