/* Gate and doubts of a campaign with axes: gate.c's and doubts.c's rules, for many cells at once.
 */
#include "search/answer_cells.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include "lrsearch/count.h"
#include "search/accept.h"
#include "search/prior_lr.h"

#define MOSTLY_PRIOR 0.5
#define NEAR_END 0.25 /* octaves */

__attribute__((format(printf, 2, 3))) static void refuse(struct answer *answer, const char *format,
                                                         ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(answer->reason, sizeof(answer->reason), format, args);
    va_end(args);
    answer->status = ANSWER_NOT_IDENTIFIED;
}

static double widest(const double ci90[2], double lr)
{
    return fmax(ci90[1] / lr, lr / ci90[0]);
}

static bool a_minimum_was_seen(const struct answer *answer)
{
    for (size_t i = 0; i < answer->basin_count; i++) {
        const struct horizon_answer *horizon = &answer->basins[i].horizon;
        if (horizon->trials - horizon->diverged > 2 && !horizon->at_edge &&
            isfinite(horizon->lr_opt))
            return true;
    }
    return false;
}

static void decide_target(struct answer *answer, const struct cell_posterior *posterior)
{
    double factor = widest(answer->target.ci90, answer->target.lr);
    uint64_t longest = posterior->data->space->horizons[posterior->data->space->horizon_count - 1];
    char times[64] = "", *mend = "search.min_gain, search.seeds";
    if (answer->target.tokens > longest) {
        snprintf(times, sizeof(times), "%.3g times as long as the longest horizon",
                 (double)answer->target.tokens / (double)longest);
        mend = "a longer horizon, search.min_gain, search.seeds";
    } else {
        snprintf(times, sizeof(times), "within the horizons");
    }
    if (!(factor <= ACCEPT_WIDEST))
        refuse(answer,
               "the target, %s%s, is not known well enough: the 90 %% interval reaches a factor "
               "%.1f from the answer (at most %.0f): measure more, or nearer to it (%s)",
               times, target_cell(posterior->data->space) < 0 ? " and none of the cells" : "",
               factor, ACCEPT_WIDEST, mend);
}

void cells_accept(struct answer *answer, const struct cell_posterior *posterior)
{
    const struct search_space *space = posterior->data->space;
    uint32_t trials = 0, diverged = 0;
    for (size_t b = 0; b < posterior->data->basin_count; b++) {
        trials += posterior->data->basins[b].trials;
        diverged += posterior->data->basins[b].diverged;
    }
    answer->status = ANSWER_IDENTIFIED;
    answer->reason[0] = 0;
    if (trials == 0)
        refuse(answer, "no trial has finished");
    else if (diverged == trials)
        refuse(answer,
               "every trial diverged: the range [%.3g, %.3g] is too high; try search.lr: [%.3g, "
               "%.3g]",
               space->lr_low, space->lr_high, space->lr_low * 1e-4, space->lr_low * 1e-1);
    else if (!a_minimum_was_seen(answer))
        refuse(answer,
               "in no cell does the best learning rate lie between two others, so that nothing "
               "shows a minimum: try more than the range [%.3g, %.3g] has, or widen it",
               space->lr_low, space->lr_high);
    else
        decide_target(answer, posterior);
}

/* ---- doubts ---- */

static void warn_edges(struct answer *answer, const struct cell_posterior *posterior)
{
    size_t edges = 0;
    const struct basin_answer *first = NULL;
    for (size_t i = 0; i < answer->basin_count; i++) {
        edges += answer->basins[i].horizon.at_edge;
        if (answer->basins[i].horizon.at_edge && !first)
            first = &answer->basins[i];
    }
    char tokens[COUNT_TEXT];
    if (first)
        answer_warn(answer,
                    "in %zu of %zu basins the best learning rate lies at the edge of what was "
                    "tried, the first in cell %u at %s tokens: is search.lr [%.3g, %.3g] too "
                    "narrow?",
                    edges, answer->basin_count, first->cell,
                    format_count(tokens, sizeof(tokens), (double)first->horizon.tokens),
                    posterior->data->space->lr_low, posterior->data->space->lr_high);
}

static void warn_untried(struct answer *answer)
{
    size_t untried = 0;
    for (size_t c = 0; c < answer->cell_count; c++)
        untried += answer->cells[c].trials < 2;
    if (untried > 0)
        answer_warn(answer,
                    "%zu of %zu cells have fewer than two trainings: what is said of them rests on "
                    "the others",
                    untried, answer->cell_count);
}

static void warn_left_out(struct answer *answer, const struct cell_posterior *posterior)
{
    size_t tried = 0;
    for (size_t b = 0; b < posterior->data->basin_count; b++)
        tried += posterior->data->basins[b].trials > 0;
    if (tried > answer->basin_count)
        answer_warn(answer,
                    "of %zu basins that were tried only the first %zu are listed; all count", tried,
                    answer->basin_count);
}

static void warn_exponents(struct answer *answer)
{
    size_t mostly = 0;
    const struct exponent_answer *most = NULL;
    for (size_t i = 0; i < answer->exponent_count; i++) {
        const struct exponent_answer *exponent = &answer->exponents[i];
        if (!(exponent->prior_weight > MOSTLY_PRIOR))
            continue;
        mostly++;
        if (!most || exponent->prior_weight > most->prior_weight)
            most = exponent;
    }
    if (most)
        answer_warn(
            answer, "%zu of %zu exponents %s mostly the prior%s that of %s over %s (%.0f %%)",
            mostly, answer->exponent_count, mostly == 1 ? "is" : "are",
            mostly == 1 ? ":" : ", most of all", most->of, most->axis, 100 * most->prior_weight);
}

static void warn_holdout(struct answer *answer)
{
    const struct joint_answer *joint = &answer->joint;
    double predicted = joint->holdout.lr_predicted, measured = joint->holdout.lr_measured;
    if (!joint->holdout.known)
        return;
    bool above = measured > predicted;
    double reach = log(joint->holdout.ci90[above] / predicted);
    double error = log(joint->holdout.measured_ci90[!above] / measured);
    if (!(fabs(log(measured / predicted)) <= hypot(reach, error)))
        answer_warn(answer,
                    "the other cells and horizons missed the costliest one: they predict %.3g (90 "
                    "%% interval %.3g to %.3g), measured is %.3g",
                    predicted, joint->holdout.ci90[0], joint->holdout.ci90[1], measured);
}

static void warn_ratios(struct answer *answer, const struct cell_posterior *posterior)
{
    static const char *const names[RATIO_COUNT] = {"embedding_lr_ratio", "output_lr_ratio"};
    for (int r = 0; r < RATIO_COUNT; r++) {
        const struct ratio_range *range = &posterior->data->space->ratios[r];
        size_t low = 0, high = 0;
        for (size_t c = 0; c < answer->cell_count && answer->ratios[r].searched; c++) {
            low += log2(answer->cells[c].ratio[r] / range->low) < NEAR_END;
            high += log2(range->high / answer->cells[c].ratio[r]) < NEAR_END;
        }
        answer->ratios[r].at_edge = low + high > 0;
        if (low + high > 0)
            answer_warn(answer,
                        "in %zu of %zu cells the best model.%s lies at the %s end of its range "
                        "[%.3g, %.3g]: widen it",
                        low + high, answer->cell_count, names[r], high > low ? "upper" : "lower",
                        range->low, range->high);
    }
}

/* Cell 0 at prior_tokens. */
static void warn_prior(struct answer *answer, const struct cell_posterior *posterior)
{
    const struct search_space *space = posterior->data->space;
    const struct terms *terms = &posterior->data->terms[0];
    double coefficients[TERMS_MAX];
    if (!(space->prior_lr > 0) || !cell_data_has_losses(posterior->data))
        return;
    for (size_t i = 0; i < terms->count; i++)
        coefficients[i] = term_value(&terms->term[i], &space->cells[0], 0,
                                     cell_data_t(posterior->data, (double)space->prior_tokens));
    warn_prior_lr(answer, space, cells_combine(posterior, 0, coefficients).mean);
}

void cells_warn(struct answer *answer, const struct cell_posterior *posterior)
{
    warnings_direction(answer);
    warn_holdout(answer);
    warn_prior(answer, posterior);
    warn_edges(answer, posterior);
    warn_ratios(answer, posterior);
    warn_untried(answer);
    warn_left_out(answer, posterior);
    warn_exponents(answer);
    if (posterior->data->space->seeds == 1 && answer->basin_count > 0)
        answer_warn(answer, "one seed: its noise is known only from how losses scatter around the "
                            "basins");
}
