/* drift_measure(): compares learning rates in ln LR, losses in nats. */
#include "search/laws/drift.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define Z90 1.6449 /* 95 % quantile of a standard normal: half a 90 % interval */

static double squares(double a, double b)
{
    return sqrt(a * a + b * b);
}

static bool is_beyond(double moved, double limit, double low, double high)
{
    return limit > 0 && fabs(moved) > limit && (low > 0 || high < 0); /* false for NaN */
}

static void measure_lr(struct drift *out, const struct answer *then, const struct answer *now,
                       double limit)
{
    const struct target_answer *a = &then->target, *b = &now->target;
    double moved = log(b->lr / a->lr);
    if (then->status != ANSWER_IDENTIFIED || now->status != ANSWER_IDENTIFIED || !isfinite(moved)) {
        snprintf(out->lr_reason, sizeof(out->lr_reason), "there was no answer %s",
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
    out->lr_beyond = is_beyond(moved, log(limit), moved - below, moved + above);
}

static bool is_measured(const struct horizon_answer *horizon)
{
    return isfinite(horizon->lr_opt) && isfinite(horizon->loss_min) && !horizon->at_edge;
}

struct pair {
    const struct horizon_answer *then, *now;
};

/* The horizon measured in both runs with the smallest combined standard error, the longest of equal
 * ones. `member`: offset of the standard error. {NULL, NULL}: there is none. */
static struct pair best_known(const struct answer *then, const struct answer *now, size_t member)
{
    struct pair best = {NULL, NULL};
    double least = INFINITY;
    for (size_t i = 0; i < then->horizon_count; i++)
        for (size_t j = 0; j < now->horizon_count; j++) {
            const struct horizon_answer *a = &then->horizons[i], *b = &now->horizons[j];
            if (a->tokens != b->tokens || !is_measured(a) || !is_measured(b))
                continue;
            double error = squares(*(const double *)(const void *)((const char *)a + member),
                                   *(const double *)(const void *)((const char *)b + member));
            if (error <= least || !best.then) {
                best = (struct pair){a, b};
                least = isnan(error) ? INFINITY : error;
            }
        }
    return best;
}

static void measure_horizon(struct drift *out, const struct answer *then, const struct answer *now,
                            double limit)
{
    struct pair at = best_known(then, now, offsetof(struct horizon_answer, se_ln_lr));
    if (!at.then)
        return;
    double moved = log(at.now->lr_opt / at.then->lr_opt);
    double error = Z90 * squares(at.then->se_ln_lr, at.now->se_ln_lr);
    out->at_tokens = at.now->tokens;
    out->at_ratio = exp(moved);
    out->at_ci90[0] = exp(moved - error);
    out->at_ci90[1] = exp(moved + error);
    if (is_beyond(moved, log(limit), moved - error, moved + error))
        out->lr_beyond = true;
}

static void measure_loss(struct drift *out, const struct answer *then, const struct answer *now,
                         double limit)
{
    struct pair at = best_known(then, now, offsetof(struct horizon_answer, se_loss));
    if (!at.then) {
        snprintf(out->loss_reason, sizeof(out->loss_reason),
                 "no horizon has a best learning rate in both runs");
        return;
    }
    double error = Z90 * squares(at.then->se_loss, at.now->se_loss);
    out->loss_tokens = at.now->tokens;
    out->loss_difference = at.now->loss_min - at.then->loss_min;
    out->loss_ci90[0] = out->loss_difference - error;
    out->loss_ci90[1] = out->loss_difference + error;
    out->loss_beyond = is_beyond(out->loss_difference, limit, out->loss_ci90[0], out->loss_ci90[1]);
}

void drift_measure(struct drift *out, const struct answer *then, const struct answer *now,
                   const char *lr_reason, const char *loss_reason,
                   const struct drift_limits *limits)
{
    memset(out, 0, sizeof(*out)); /* padding too: answers are compared as bytes */
    out->lr_ratio = out->lr_ci90[0] = out->lr_ci90[1] = NAN;
    out->at_ratio = out->at_ci90[0] = out->at_ci90[1] = NAN;
    out->loss_difference = out->loss_ci90[0] = out->loss_ci90[1] = NAN;
    snprintf(out->lr_reason, sizeof(out->lr_reason), "%s", lr_reason);
    snprintf(out->loss_reason, sizeof(out->loss_reason), "%s", loss_reason);
    if (!*lr_reason)
        measure_lr(out, then, now, limits->lr);
    if (*loss_reason)
        return;
    measure_horizon(out, then, now, limits->lr);
    measure_loss(out, then, now, limits->loss);
}
