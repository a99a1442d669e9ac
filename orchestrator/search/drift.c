/* Logarithms of learning rates and nats of losses, and their errors. */
#include "search/drift.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define Z90 1.6449 /* standard deviations to the ends of a 90 % interval */


static double squares(double a, double b)
{
    return sqrt(a * a + b * b);
}

static void measure_lr(struct drift *out, const struct answer *then, const struct answer *now,
                       double limit)
{
    const struct target_answer *a = &then->target, *b = &now->target;
    double moved = log(b->lr / a->lr);
    if (then->status != ANSWER_IDENTIFIED || now->status != ANSWER_IDENTIFIED || !isfinite(moved)) {
        snprintf(out->lr_reason, sizeof(out->lr_reason), "the learning rate was not identified %s",
                 then->status == ANSWER_IDENTIFIED  ? "now"
                 : now->status == ANSWER_IDENTIFIED ? "then"
                                                    : "in either run");
        return;
    }
    double below = squares(log(b->lr / b->ci90[0]), log(a->ci90[1] / a->lr));
    double above = squares(log(b->ci90[1] / b->lr), log(a->lr / a->ci90[0]));
    out->lr_ratio = exp(moved);
    out->lr_ci90[0] = exp(moved - below);
    out->lr_ci90[1] = exp(moved + above);
    bool clear = moved - below > 0 || moved + above < 0; /* false of NaN */
    out->lr_beyond = limit > 0 && fabs(moved) > log(limit) && clear;
}

static bool is_measured(const struct horizon_answer *horizon)
{
    return isfinite(horizon->lr_opt) && isfinite(horizon->loss_min) && !horizon->at_edge;
}

static void measure_loss(struct drift *out, const struct answer *then, const struct answer *now,
                         double limit)
{
    const struct horizon_answer *a = NULL, *b = NULL;
    for (size_t i = 0; i < then->horizon_count; i++)
        for (size_t j = 0; j < now->horizon_count; j++)
            if (then->horizons[i].tokens == now->horizons[j].tokens &&
                is_measured(&then->horizons[i]) && is_measured(&now->horizons[j])) {
                a = &then->horizons[i];
                b = &now->horizons[j];
            }
    if (!a || !b) {
        snprintf(out->loss_reason, sizeof(out->loss_reason),
                 "no horizon has a best learning rate in both runs");
        return;
    }
    double error = Z90 * squares(a->se_loss, b->se_loss);
    out->loss_tokens = b->tokens;
    out->loss_difference = b->loss_min - a->loss_min;
    out->loss_ci90[0] = out->loss_difference - error;
    out->loss_ci90[1] = out->loss_difference + error;
    out->loss_beyond = limit > 0 && fabs(out->loss_difference) > limit &&
                       (out->loss_ci90[0] > 0 || out->loss_ci90[1] < 0);
}

void drift_measure(struct drift *out, const struct answer *then, const struct answer *now,
                   const char *lr_reason, const char *loss_reason,
                   const struct drift_limits *limits)
{
    memset(out, 0, sizeof(*out)); /* padding too: answers are compared as bytes */
    out->lr_ratio = out->lr_ci90[0] = out->lr_ci90[1] = NAN;
    out->loss_difference = out->loss_ci90[0] = out->loss_ci90[1] = NAN;
    snprintf(out->lr_reason, sizeof(out->lr_reason), "%s", lr_reason);
    snprintf(out->loss_reason, sizeof(out->loss_reason), "%s", loss_reason);
    if (!*lr_reason)
        measure_lr(out, then, now, limits->lr);
    if (!*loss_reason)
        measure_loss(out, then, now, limits->loss);
}
