/* Warnings that a reader needs before trusting the answer, as far as its numbers show them. */
#include "search/warnings.h"

#include <math.h>
#include <stdio.h>
#include "lrsearch/count.h"
#include "search/search_answer.h"

#define MOSTLY_PRIOR 0.5
#define NEAR_END 0.25   /* octaves from the end of its range within which a ratio is at the edge */
#define LACK_OF_FIT 0.8 /* probability of the largest model error */
#define SEEDS_APART 1.0 /* octaves between the best LRs of two seeds */

/* ---- of one horizon ---- */

/* Lowest and highest of the best LRs of single seeds, log2. Seeds of the lowest loss's LR. */
static void best_of_seeds(const struct cell_data *data, const struct cell_basin *basin,
                          double *lowest, double *highest)
{
    const struct cell_point *model = cell_basin_best(basin);
    *lowest = INFINITY;
    *highest = -INFINITY;
    for (uint32_t j = model ? model->first : 0; model && j < model->end; j++) {
        double loss = INFINITY, x = NAN;
        for (size_t i = 0; i < basin->losses; i++)
            for (uint32_t k = basin->points[i].first; k < basin->points[i].end; k++) {
                const struct observation *seen = &data->seen[k];
                if (seen->seed == data->seen[j].seed && seen->loss < loss) {
                    loss = seen->loss;
                    x = basin->points[i].x[0];
                }
            }
        *lowest = fmin(*lowest, x);
        *highest = fmax(*highest, x);
    }
}

static void warn_seeds(struct answer *answer, const struct cell_data *data,
                       const struct cell_basin *basin, const char *tokens)
{
    double lowest, highest;
    for (size_t i = basin->losses; i < basin->losses + basin->walls; i++) {
        const struct cell_point *wall = &basin->points[i];
        uint32_t trained = 0, all = wall->end - wall->first;
        for (uint32_t k = wall->first; k < wall->end; k++)
            trained += data->seen[k].kind == OBSERVED_LOSS;
        if (trained == 0)
            continue;
        answer_warn(
            answer,
            "%s tokens: at learning rate %.3g %u of %u seeds diverged: seeds disagree where "
            "it becomes unstable",
            tokens, exp2(wall->x[0]), all - trained, all);
        break;
    }
    best_of_seeds(data, basin, &lowest, &highest);
    if (highest - lowest > SEEDS_APART + 1e-9)
        answer_warn(answer,
                    "%s tokens: seeds disagree: alone, one has its best loss at learning rate "
                    "%.3g, another at %.3g",
                    tokens, exp2(lowest), exp2(highest));
}

/* Divergences right above the best LR, or below it. */
static void warn_walls(struct answer *answer, const struct cell_basin *basin, const char *tokens)
{
    const struct cell_point *best = cell_basin_best(basin), *next = NULL, *below = NULL;
    for (size_t i = 0; i < basin->losses + basin->walls; i++) {
        const struct cell_point *point = &basin->points[i];
        if (point->x[0] > best->x[0] + 1e-6 && (!next || point->x[0] < next->x[0]))
            next = point;
        if (i >= basin->losses && point->x[0] < best->x[0] - 1e-6)
            below = point;
    }
    if (next && next >= basin->points + basin->losses)
        answer_warn(answer,
                    "%s tokens: the trial next above the best learning rate (%.3g) diverged, at "
                    "%.3g: there is little room above",
                    tokens, exp2(best->x[0]), exp2(next->x[0]));
    if (below)
        answer_warn(answer,
                    "%s tokens: learning rate %.3g diverged, although %.3g, above it, trained",
                    tokens, exp2(below->x[0]), exp2(best->x[0]));
}

static void warn_horizon(struct answer *answer, const struct cell_data *data,
                         const struct cell_basin *basin, const struct horizon_answer *horizon)
{
    char text[COUNT_TEXT];
    const char *tokens = format_count(text, sizeof(text), (double)horizon->tokens);
    if (horizon->trials == 0)
        return;
    if (basin->losses == 0) {
        answer_warn(answer, "%s tokens: no learning rate was found at which every seed trains",
                    tokens);
        return;
    }
    if (horizon->at_edge)
        answer_warn(answer,
                    "%s tokens: the best learning rate lies at the edge of what was tried; its "
                    "optimum is known from one side only",
                    tokens);
    else if (horizon->flat)
        answer_warn(answer,
                    "%s tokens: the losses do not tell its optimum within a factor 2; it rests on "
                    "the other horizons",
                    tokens);
    else if (horizon->interpolated)
        answer_warn(answer,
                    "%s tokens: nothing was trained inside the interval of its optimum: it is "
                    "interpolated",
                    tokens);
    else if (isfinite(horizon->lr_opt) && !horizon->bracketed)
        answer_warn(answer,
                    "%s tokens: its optimum does not lie between trials within an octave on both "
                    "sides",
                    tokens);
    if (data->coordinate_count == 1)
        warn_walls(answer, basin, tokens);
    warn_seeds(answer, data, basin, tokens);
}

/* Losses that no shape of the model fits: it then trusts only those near the optimum. */
static void warn_misfit(struct answer *answer, const struct posterior *posterior)
{
    double worst = 0;
    for (int s = 0; s < POSTERIOR_SAMPLES; s++)
        worst += posterior->samples[s].error >= basin_error[BASIN_ERRORS - 1] - 1e-9;
    if (worst / POSTERIOR_SAMPLES > LACK_OF_FIT)
        answer_warn(answer,
                    "the losses do not lie on a smooth curve, at some horizons at least: only "
                    "those near the optimum count, and the interval is wider for it");
}

/* ---- of the law ---- */

static size_t measured_horizons(const struct answer *answer)
{
    size_t known = 0;
    for (size_t h = 0; h < answer->horizon_count; h++)
        known += horizon_counts(&answer->horizons[h]);
    return known;
}

static void warn_direction(struct answer *answer)
{
    const struct law_answer *shown = &answer->law;
    size_t known = measured_horizons(answer);
    if (known >= 2 && shown->beta < 0)
        answer_warn(answer,
                    "the optimum rises with the horizon (as tokens^%.2f, 90 %% interval %.2f to "
                    "%.2f), unlike in most published trainings: the batch may be above the "
                    "critical one",
                    -shown->beta, -shown->beta_ci90[1], -shown->beta_ci90[0]);
    else if (known >= 2 && !(shown->beta_ci90[0] > 0))
        answer_warn(answer,
                    "the data do not say that the optimum falls with the horizon (as tokens^%.2f, "
                    "90 %% interval %.2f to %.2f)",
                    -shown->beta, -shown->beta_ci90[1], -shown->beta_ci90[0]);
}

/* Warns if the law's log2 LR* at prior_tokens, `found`, is more than Z90 prior_lr_sd from
 * prior_lr. */
static void warn_prior_lr(struct answer *answer, const struct search_space *space, double found)
{
    char tokens[COUNT_TEXT];
    if (fabs(found - log2(space->prior_lr)) <= Z90 * space->prior_lr_sd)
        return;
    answer_warn(
        answer,
        "search.prior_lr expects %.2g at %s tokens; the losses say %.2g: the earlier trainings "
        "differ from this plan by more than search.prior_lr_sd",
        space->prior_lr, format_count(tokens, sizeof(tokens), (double)space->prior_tokens),
        exp2(found));
}

static void warn_mostly_prior(struct answer *answer)
{
    if (measured_horizons(answer) >= 1 && answer->law.prior_weight > MOSTLY_PRIOR)
        answer_warn(answer,
                    "how the optimum moves with the horizon is mostly an assumption (%.0f %%): "
                    "horizons further apart would tell more",
                    100 * answer->law.prior_weight);
}

static void warn_prior(struct answer *answer, const struct search_space *space)
{
    for (size_t h = 0; h < answer->horizon_count && space->prior_lr > 0; h++)
        if (horizon_counts(&answer->horizons[h])) {
            double ln = answer->law.b - answer->law.beta * log((double)space->prior_tokens);
            warn_prior_lr(answer, space, ln / log(2.0));
            return;
        }
}

static void warn_holdout(struct answer *answer)
{
    const struct law_answer *law = &answer->law;
    if (answer->confidence.back_test == BACK_TEST_FAILED)
        answer_warn(answer,
                    "the shorter horizons missed the longest: they predict %.3g (90 %% interval "
                    "%.3g to %.3g), fitted is %.3g",
                    law->holdout.lr_predicted, law->holdout.ci90[0], law->holdout.ci90[1],
                    law->holdout.lr_measured);
}

/* ---- many cells ---- */

static void warn_edges(struct answer *answer, const struct posterior *posterior)
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
                    "at %zu of the %zu horizons of all models the best learning rate lies at the "
                    "edge of what was tried, the first at %s tokens: is search.lr [%.3g, %.3g] "
                    "too narrow?",
                    edges, answer->basin_count,
                    format_count(tokens, sizeof(tokens), (double)first->horizon.tokens),
                    posterior->data->space.lr_low, posterior->data->space.lr_high);
}

static void warn_untried(struct answer *answer)
{
    size_t untried = 0;
    for (size_t c = 0; c < answer->cell_count; c++)
        untried += answer->cells[c].trials < 2;
    if (untried > 0)
        answer_warn(answer,
                    "%zu of %zu models have fewer than two trainings: their answers rest on the "
                    "other models",
                    untried, answer->cell_count);
}

static void warn_left_out(struct answer *answer, const struct posterior *posterior)
{
    size_t tried = 0;
    for (size_t b = 0; b < posterior->data->basin_count; b++)
        tried += posterior->data->basins[b].trials > 0;
    if (tried > answer->basin_count)
        answer_warn(answer,
                    "of the %zu horizons of all models that were tried only the first %zu are "
                    "listed; all count",
                    tried, answer->basin_count);
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
            answer, "%zu of %zu exponents %s mostly an assumption%s that of %s over %s (%.0f %%)",
            mostly, answer->exponent_count, mostly == 1 ? "is" : "are",
            mostly == 1 ? ":" : ", most of all", most->of, most->axis, 100 * most->prior_weight);
}

static void warn_missed_cell(struct answer *answer)
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
                    "the other models and horizons missed the costliest one: they predict %.3g (90 "
                    "%% interval %.3g to %.3g), fitted is %.3g",
                    predicted, joint->holdout.ci90[0], joint->holdout.ci90[1], measured);
}

static void warn_ratios(struct answer *answer, const struct posterior *posterior)
{
    for (int r = 0; r < RATIO_COUNT; r++) {
        const struct ratio_range *range = &posterior->data->space.ratios[r];
        size_t low = 0, high = 0, cells = answer->cell_count > 0 ? answer->cell_count : 1;
        char kept[128] = "";
        for (size_t c = 0; c < cells && answer->ratios[r].searched; c++) {
            double best =
                answer->cell_count > 0 ? answer->cells[c].ratio[r] : answer->ratios[r].optimum;
            low += log2(best / range->low) < NEAR_END;
            high += log2(range->high / best) < NEAR_END;
        }
        answer->ratios[r].at_edge = low + high > 0;
        if (answer->ratios[r].beyond)
            snprintf(kept, sizeof(kept),
                     "; beyond it nothing was tried, so that the answer keeps to %.3g, with the "
                     "learning rate that is best there",
                     answer->ratios[r].value);
        if (low + high > 0)
            answer_warn(
                answer, "%sthe best %s.%s lies at the %s end of its range [%.3g, %.3g]: widen it%s",
                answer->cell_count > 1 ? "in some of the models " : "",
                r == RATIO_DECAY ? "search" : "model", answer_ratio_name((enum answer_ratio)r),
                high > low ? "upper" : "lower", range->low, range->high, kept);
    }
}

/* Compares the law for cell 0 at prior_tokens with the prior. */
static void warn_cells_prior(struct answer *answer, const struct posterior *posterior)
{
    const struct search_space *space = &posterior->data->space;
    const struct terms *terms = &posterior->data->terms[0];
    double coefficients[TERMS_MAX];
    if (!(space->prior_lr > 0) || !cell_data_has_losses(posterior->data))
        return;
    for (size_t i = 0; i < terms->count; i++)
        coefficients[i] = term_value(&terms->term[i], &space->cells[0], 0, -1,
                                     cell_data_t(posterior->data, (double)space->prior_tokens));
    warn_prior_lr(answer, space, posterior_combine(posterior, 0, coefficients).mean);
}

/* ---- the whole ---- */

static void warn_many(struct answer *answer, const struct posterior *posterior)
{
    warn_missed_cell(answer);
    warn_cells_prior(answer, posterior);
    warn_edges(answer, posterior);
    warn_untried(answer);
    warn_left_out(answer, posterior);
    warn_exponents(answer);
}

static void warn_one(struct answer *answer, const struct posterior *posterior)
{
    warn_mostly_prior(answer);
    warn_prior(answer, &posterior->data->space);
    warn_holdout(answer);
    for (size_t h = answer->horizon_count;
         h-- > 0;) /* the longest first: it has the most influence */
        warn_horizon(answer, posterior->data, &posterior->data->basins[h], &answer->horizons[h]);
}

void warnings_add(struct answer *answer, const struct posterior *posterior)
{
    bool any = false;
    for (size_t b = 0; b < posterior->data->basin_count; b++)
        any = any || posterior->data->basins[b].trials > 0;
    warn_direction(answer);
    if (answer->cell_count > 0)
        warn_many(answer, posterior);
    else
        warn_one(answer, posterior);
    warn_ratios(answer, posterior);
    if (posterior->anything)
        warn_misfit(answer, posterior);
    if (posterior->data->space.seeds == 1 && any)
        answer_warn(answer, "one seed: its noise is known only from how losses scatter around the "
                            "fitted curves");
}
