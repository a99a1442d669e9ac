/* Warnings that a reader needs before trusting the answer, as far as its numbers show them. */
#include "search/warnings.h"

#include <math.h>
#include <stdio.h>
#include "lrsearch/count.h"
#include "search/search_answer.h"

#define MOSTLY_PRIOR 0.5
#define NEAR_END 0.25   /* octaves from the end of its range within which a ratio is at the edge */
#define SEEDS_APART 1.0 /* octaves between the best LRs of two seeds */

/* ---- of one horizon ---- */

/* Lowest and highest of the best LRs of single seeds, log2. */
static void best_of_seeds(const struct basin *basin, double *lowest, double *highest)
{
    *lowest = INFINITY;
    *highest = -INFINITY;
    if (basin->best < 0)
        return;
    const struct point *model = &basin->points[basin->best];
    for (size_t j = 0; j < model->seen_count; j++) {
        double loss = INFINITY, x = NAN;
        for (size_t i = 0; i < basin->count; i++) {
            const struct point *point = &basin->points[i];
            for (size_t k = 0; k < point->seen_count; k++) {
                const struct observation *seen = &point->seen[k];
                if (seen->seed == model->seen[j].seed && seen->kind == OBSERVED_LOSS &&
                    seen->loss < loss) {
                    loss = seen->loss;
                    x = point->x;
                }
            }
        }
        *lowest = fmin(*lowest, x);
        *highest = fmax(*highest, x);
    }
}

static void warn_seeds(struct answer *answer, const struct basin *basin, const char *tokens)
{
    double lowest, highest;
    for (size_t i = 0; i < basin->count; i++) {
        const struct point *point = &basin->points[i];
        if (point->losses > 0 && point->diverged > 0) {
            answer_warn(answer,
                        "%s tokens: at learning rate %.3g %u of %u seeds diverged: seeds disagree "
                        "where it becomes unstable",
                        tokens, exp2(point->x), point->diverged, point->losses + point->diverged);
            break;
        }
    }
    best_of_seeds(basin, &lowest, &highest);
    if (highest - lowest > SEEDS_APART + 1e-9)
        answer_warn(answer,
                    "%s tokens: seeds disagree: alone, one has its best loss at learning rate "
                    "%.3g, another at %.3g",
                    tokens, exp2(lowest), exp2(highest));
}

static void warn_horizon(struct answer *answer, const struct basin *basin,
                         const struct horizon_answer *horizon)
{
    char text[COUNT_TEXT];
    const char *tokens = format_count(text, sizeof(text), (double)horizon->tokens);
    if (horizon->trials == 0)
        return;
    if (basin->best < 0) {
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
                    "%s tokens: the basin is not deeper than the noise; its optimum rests on the "
                    "other horizons",
                    tokens);
    double best = basin->points[basin->best].x;
    size_t above = (size_t)basin->best + 1;
    if (above < basin->count && basin->points[above].diverged > 0)
        answer_warn(answer,
                    "%s tokens: the trial next above the best learning rate (%.3g) diverged, at "
                    "%.3g: the cliff is near",
                    tokens, exp2(best), exp2(basin->points[above].x));
    for (int i = 0; i < basin->best; i++)
        if (basin->points[i].diverged > 0) {
            answer_warn(answer,
                        "%s tokens: learning rate %.3g diverged, although %.3g, above it, trained",
                        tokens, exp2(basin->points[i].x), exp2(best));
            break;
        }
    warn_seeds(answer, basin, tokens);
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
                    "the optimum rises with the horizon (beta %.2f, 90 %% interval %.2f to %.2f), "
                    "against the rule: is the batch above the critical one?",
                    shown->beta, shown->beta_ci90[0], shown->beta_ci90[1]);
    else if (known >= 2 && !(shown->beta_ci90[0] > 0))
        answer_warn(answer,
                    "the data do not say that the optimum falls with the horizon (beta %.2f, 90 %% "
                    "interval %.2f to %.2f)",
                    shown->beta, shown->beta_ci90[0], shown->beta_ci90[1]);
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
        "search.prior_lr expects %.2g at %s tokens; the losses say %.2g: what it comes from "
        "differs from this plan by more than search.prior_lr_sd",
        space->prior_lr, format_count(tokens, sizeof(tokens), (double)space->prior_tokens),
        exp2(found));
}

static void warn_mostly_prior(struct answer *answer)
{
    if (measured_horizons(answer) >= 1 && answer->law.prior_weight > MOSTLY_PRIOR)
        answer_warn(answer,
                    "beta is mostly the prior (%.0f %%): horizons further apart would tell more",
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

static void warn_holdout(struct answer *answer, size_t horizon_count)
{
    const struct law_answer *law = &answer->law;
    double measured = law->holdout.lr_measured, predicted = law->holdout.lr_predicted;
    if (law->holdout.tokens == 0 || horizon_count == 0)
        return;
    /* the measurement has an error too */
    double error = Z90 * answer->horizons[horizon_count - 1].se_ln_lr;
    double side = log(law->holdout.ci90[measured > predicted] / predicted);
    if (!(fabs(log(measured / predicted)) <= hypot(side, error)))
        answer_warn(answer,
                    "the law through the shorter horizons missed the longest: it predicts %.3g "
                    "(90 %% interval %.3g to %.3g), measured is %.3g",
                    predicted, law->holdout.ci90[0], law->holdout.ci90[1], measured);
}

static void warn_one_seed(struct answer *answer, const char *curves)
{
    answer_warn(answer, "one seed: its noise is known only from how losses scatter around the %s",
                curves);
}

void warnings_add(struct answer *answer, const struct observations *obs)
{
    warn_direction(answer);
    warn_mostly_prior(answer);
    warn_prior(answer, obs->space);
    warn_holdout(answer, obs->horizon_count);
    for (size_t h = obs->horizon_count; h-- > 0;) /* the longest first: it has the most influence */
        warn_horizon(answer, &obs->basins[h], &answer->horizons[h]);
    bool any = false;
    for (size_t h = 0; h < obs->horizon_count; h++)
        any |= obs->basins[h].trials > 0;
    if (obs->space->seeds == 1 && any)
        warn_one_seed(answer, "parabolas");
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

static void warn_left_out(struct answer *answer, const struct posterior *posterior)
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
                    "the other cells and horizons missed the costliest one: they predict %.3g (90 "
                    "%% interval %.3g to %.3g), measured is %.3g",
                    predicted, joint->holdout.ci90[0], joint->holdout.ci90[1], measured);
}

static void warn_ratios(struct answer *answer, const struct posterior *posterior)
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

/* Compares the law for cell 0 at prior_tokens with the prior. */
static void warn_cells_prior(struct answer *answer, const struct posterior *posterior)
{
    const struct search_space *space = posterior->data->space;
    const struct terms *terms = &posterior->data->terms[0];
    double coefficients[TERMS_MAX];
    if (!(space->prior_lr > 0) || !cell_data_has_losses(posterior->data))
        return;
    for (size_t i = 0; i < terms->count; i++)
        coefficients[i] = term_value(&terms->term[i], &space->cells[0], 0,
                                     cell_data_t(posterior->data, (double)space->prior_tokens));
    warn_prior_lr(answer, space, posterior_combine(posterior, 0, coefficients).mean);
}

void warnings_add_cells(struct answer *answer, const struct posterior *posterior)
{
    warn_direction(answer);
    warn_missed_cell(answer);
    warn_cells_prior(answer, posterior);
    warn_edges(answer, posterior);
    warn_ratios(answer, posterior);
    warn_untried(answer);
    warn_left_out(answer, posterior);
    warn_exponents(answer);
    if (posterior->data->space->seeds == 1 && answer->basin_count > 0)
        warn_one_seed(answer, "basins");
}
