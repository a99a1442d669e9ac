#ifndef LRSEARCH_CALIBRATE_H
#define LRSEARCH_CALIBRATE_H

#include "lrsearch/error.h"
#include "lrsearch/stage.h"
#include "lrsearch/trial.h"

/* How long a training takes on this machine: a few steps of its model on random tokens are timed.
 * */

struct calibration {
    double step_s;     /* of a step of the spec's batch */
    double sequence_s; /* of a sequence of validation */
    double setup_s;    /* until the first step begins */
    size_t steps;      /* that were timed */
    double share;      /* of the spec's FLOPs that the timed model has; below 1: it was too large */
};

/* Takes about `seconds`. The spec's products must stand; its data are not read. */
int calibrate(struct calibration *out, const struct trial_spec *spec, double seconds,
              const struct stage_report *stages, struct lr_error *err);

/* Seconds that a training of this spec takes: its steps and its validation. */
double calibration_seconds(const struct calibration *calibration, const struct trial_spec *spec);

#endif
