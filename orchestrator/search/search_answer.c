/* From posterior samples to the answer's numbers: basins, cells, the target, and how far they can
 * be trusted. */
#include "search/search_answer.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/accept.h"
#include "search/exponents.h"
#include "search/flat.h"
#include "search/ratio_edges.h"
#include "search/verdicts.h"
#include "search/warnings.h"

#define MEASURED 2     /* LRs with a loss */
#define BEYOND 0.33    /* probability beyond what was tried from which an optimum is at the edge */
#define EDGE_SLACK 0.5 /* octaves beyond the lowest or highest loss where an optimum may lie */
#define HALF_KNOWN 1.0 /* octaves: a vertex with a larger standard deviation is called flat */

/* True if the campaign has axes: its answer then lists cells, basins and exponents. */
static bool has_cells(const struct posterior *posterior)
{
    return posterior->data->space.cells != &posterior->data->only;
}

/* ---- basins ---- */

/* True if the optimum lies beyond the LRs that gave a loss with probability above BEYOND. */
static bool lies_at_edge(const struct posterior *posterior, size_t b)
{
    const struct cell_basin *basin = &posterior->data->basins[b];
    double low = INFINITY, high = -INFINITY, below = 0, above = 0;
    for (size_t i = 0; i < basin->losses; i++) {
        low = fmin(low, basin->points[i].x[0] - EDGE_SLACK);
        high = fmax(high, basin->points[i].x[0] + EDGE_SLACK);
    }
    for (int s = 0; s < POSTERIOR_SAMPLES && basin->losses > 0; s++) {
        double vertex = posterior_basin(posterior, s, b)->vertex[0];
        below += vertex < low ? 1.0 / POSTERIOR_SAMPLES : 0;
        above += vertex > high ? 1.0 / POSTERIOR_SAMPLES : 0;
    }
    return below > BEYOND || above > BEYOND;
}

/* Where nothing was tried the optimum is not measured, but predicted from the others. */
static struct horizon_answer horizon_of(const struct posterior *posterior, size_t b)
{
    const struct cell_basin *basin = &posterior->data->basins[b];
    const struct cell_point *best = cell_basin_best(basin);
    struct horizon_answer horizon = {
        .tokens = posterior->data->space.horizons[basin->horizon],
        .lr_opt = NAN,
        .ci90 = {NAN, NAN},
        .curvature = NAN,
        .loss_min = best ? basin->bottom : NAN,
        .se_ln_lr = NAN,
        .se_loss = NAN,
        .trials = basin->trials,
        .diverged = basin->diverged,
        .at_edge = basin->losses >= MEASURED && lies_at_edge(posterior, b),
        .lowest_lr = best ? posterior->data->seen[best->first].lr : NAN,
        .lowest_loss = best ? basin->bottom : NAN,
    };
    if (basin->losses < MEASURED && !basin->optimum)
        return horizon;
    struct spread vertex = posterior_spread(posterior, b, offsetof(struct basin_sample, vertex));
    struct bracket bracket = bracket_of(posterior, b);
    spread_exp2(&vertex, &horizon.lr_opt, horizon.ci90);
    horizon.se_ln_lr = vertex.deviation * log(2.0);
    horizon.flat = vertex.deviation > HALF_KNOWN;
    horizon.interpolated = !bracket.inside && !basin->optimum;
    horizon.bracketed = (bracket.inside && bracket.below && bracket.above) || basin->optimum;
    if (basin->losses < MEASURED)
        return horizon; /* an optimum measured elsewhere: its basin is not known */
    horizon.curvature =
        posterior_spread(posterior, b, offsetof(struct basin_sample, curvature)).mean;
    struct spread level = posterior_spread(posterior, b, offsetof(struct basin_sample, level));
    horizon.loss_min = level.mean;
    horizon.se_loss = level.deviation;
    return horizon;
}

static void fill_basins(struct answer *answer, const struct posterior *posterior)
{
    for (size_t b = 0; b < posterior->data->basin_count; b++) {
        const struct cell_basin *basin = &posterior->data->basins[b];
        if (basin->trials == 0 || answer->basin_count == ANSWER_BASINS)
            continue;
        answer->basins[answer->basin_count++] =
            (struct basin_answer){.cell = basin->cell, .horizon = horizon_of(posterior, b)};
    }
}

/* ---- cells ---- */

/* -d log2 LR* / d log2 tokens of a cell; NaN if horizons and target have the same length. */
static struct spread beta_of(const struct posterior *posterior, uint32_t cell)
{
    double coefficients[TERMS_MAX];
    const struct terms *terms = &posterior->data->terms[0];
    if (!term_find(terms, TERM_TOKENS, 0))
        return (struct spread){NAN, NAN, {NAN, NAN}};
    const struct search_cell *of = &posterior->data->space.cells[cell];
    for (size_t i = 0; i < terms->count; i++)
        coefficients[i] = term_value(&terms->term[i], of, (int)cell, -1, 0) -
                          term_value(&terms->term[i], of, (int)cell, -1, 1);
    return posterior_combine(posterior, 0, coefficients);
}

static void fill_cell(struct cell_answer *cell, const struct posterior *posterior, uint32_t c)
{
    const struct search_space *space = &posterior->data->space;
    const struct search_group *group = &space->groups[space->cells[c].group];
    struct spread optimum = posterior_optimum_spread(posterior, c, 0), beta = beta_of(posterior, c);
    *cell = (struct cell_answer){.beta = beta.mean,
                                 .beta_ci90 = {beta.ci90[0], beta.ci90[1]},
                                 .loss = NAN,
                                 .weight_decay = NAN,
                                 .embedding_lr_exponent = group->embedding_exponent,
                                 .parametrization = group->parametrization};
    spread_exp2(&optimum, &cell->lr, cell->ci90);
    for (int r = 0; r < RATIO_COUNT; r++)
        cell->ratio[r] = cell->ratio_ci90[r][0] = cell->ratio_ci90[r][1] = NAN;
    for (int k = 1; k < posterior->data->coordinate_count; k++) {
        int r = posterior->data->coordinates[k] - 1;
        struct spread ratio = posterior_optimum_spread(posterior, c, k);
        spread_exp2(&ratio, &cell->ratio[r], cell->ratio_ci90[r]);
    }
    for (size_t h = 0; h < space->horizon_count; h++) {
        size_t b = c * space->horizon_count + h;
        cell->trials += posterior->data->basins[b].trials;
        if (posterior->data->basins[b].losses > 0)
            cell->loss = posterior_spread(posterior, b, offsetof(struct basin_sample, level)).mean;
    }
}

/* ---- the cell nearest to the target ---- */

static void fill_law(struct answer *answer, const struct posterior *posterior, uint32_t nearest)
{
    const struct search_space *space = &posterior->data->space;
    const struct terms *terms = &posterior->data->terms[0];
    double coefficients[TERMS_MAX], misfit = 0, reference = posterior->data->reference_tokens;
    struct spread beta = beta_of(posterior, nearest);
    for (size_t i = 0; i < terms->count; i++)
        coefficients[i] = term_value(&terms->term[i], &space->cells[nearest], (int)nearest, -1, 0);
    struct spread line = posterior_combine(posterior, 0, coefficients);
    for (int s = 0; s < POSTERIOR_SAMPLES; s++)
        misfit += posterior->samples[s].misfit[0] / POSTERIOR_SAMPLES;
    answer->law.beta = beta.mean;
    answer->law.beta_ci90[0] = beta.ci90[0];
    answer->law.beta_ci90[1] = beta.ci90[1];
    answer->law.b = line.mean * log(2.0) + beta.mean * log(reference);
    answer->law.misfit = misfit * log(2.0);
    /* Student with 3 degrees of freedom has 3 times the variance of its scale, most of it in the
     * tails: the ratio of deviations is near the share of the precision that is the prior's. */
    answer->law.prior_weight = fmin(1, beta.deviation / (sqrt(3) * space->prior_beta_sd));
}

static void fill_nearest(struct answer *answer, const struct posterior *posterior)
{
    const struct search_space *space = &posterior->data->space;
    uint32_t nearest = answer->nearest = nearest_cell(space);
    answer->horizon_count = space->horizon_count;
    for (size_t h = 0; h < space->horizon_count; h++)
        answer->horizons[h] = horizon_of(posterior, nearest * space->horizon_count + h);
    if (posterior->anything)
        fill_law(answer, posterior, nearest);
}

/* Predicts the longest measured horizon from the shorter ones, to compare with its optimum. 0 or
 * LR_ENOMEM. */
static int back_test(struct answer *answer, const struct posterior *posterior,
                     const struct observation *seen, size_t count)
{
    size_t measured = 0, longest = 0;
    for (size_t h = 0; h < answer->horizon_count; h++)
        if (horizon_counts(&answer->horizons[h])) {
            measured++;
            longest = h;
        }
    if (measured < 3 || has_cells(posterior))
        return 0;
    struct cell_data *shorter =
        cell_data_create(&posterior->data->space, seen, count, (int)longest);
    struct posterior *others = shorter ? posterior_create(shorter) : NULL;
    if (others) {
        struct spread predicted =
            posterior_spread(others, longest, offsetof(struct basin_sample, vertex));
        answer->law.holdout.tokens = answer->horizons[longest].tokens;
        spread_exp2(&predicted, &answer->law.holdout.lr_predicted, answer->law.holdout.ci90);
        answer->law.holdout.lr_measured = answer->horizons[longest].lr_opt;
    }
    bool good = others != NULL;
    posterior_destroy(others);
    cell_data_destroy(shorter);
    return good ? 0 : LR_ENOMEM;
}

/* ---- the target ---- */

static void fill_target(struct answer *answer, const struct posterior *posterior)
{
    const struct cell_data *data = posterior->data;
    size_t index = data->space.cell_count;
    struct target_answer *target = &answer->target;
    struct ratio_edges edges = ratio_edges_of(posterior);
    struct spread optimum = ratio_edges_spread(posterior, &edges, 0);
    double ratios[SEARCH_COORDINATES] = {0}, wrong = 0;
    spread_exp2(&optimum, &target->lr, target->ci90);
    for (int k = 1; k < data->coordinate_count; k++) {
        int r = data->coordinates[k] - 1;
        struct spread ratio = ratio_edges_spread(posterior, &edges, k);
        ratios[k] = ratio.mean;
        spread_exp2(&ratio, &target->ratio[r], target->ratio_ci90[r]);
        answer->ratios[r].optimum = target->ratio[r];
        if (!edges.held[k])
            continue;
        answer->ratios[r].beyond = true;
        answer->ratios[r].optimum = exp2(posterior_optimum_spread(posterior, index, k).mean);
        target->ratio[r] = edges.value[k]; /* to the last bit */
    }
    if (edges.any) {
        struct spread move = ratio_edges_move(posterior, &edges);
        spread_exp2(&move, &target->held_factor, target->held_ci90);
    }
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        const struct optimum_sample *sample = posterior_optimum(posterior, s, index);
        for (int k = 0; k < data->coordinate_count; k++) /* the ratios are kept */
            for (int off = -1; off <= 1; off += 2)
                wrong +=
                    sample->curvature[k] / 2 *
                    basin_heights_at(data->heights, off, k == 0 ? sample->shape : BASIN_PARABOLA);
    }
    target->loss_penalty = posterior_penalty(posterior, optimum.mean, ratios);
    target->loss_penalty_if_wrong_2x = wrong / POSTERIOR_SAMPLES;
    for (size_t h = 0; h < answer->horizon_count; h++)
        if (horizon_counts(&answer->horizons[h])) {
            target->keep_lr = answer->horizons[h].lr_opt;
            target->keep_penalty = posterior_penalty(posterior, log2(target->keep_lr), ratios);
        }
}

static void fill_ratios(struct answer *answer, const struct posterior *posterior)
{
    const struct search_space *space = &posterior->data->space;
    for (int r = 0; r < RATIO_COUNT; r++) {
        struct ratio_answer *ratio = &answer->ratios[r];
        struct target_answer *target = &answer->target;
        const struct ratio_range *range = &space->ratios[r];
        bool searched = range->low < range->high;
        ratio->searched = searched;
        ratio->value = searched ? target->ratio[r] : range->low;
        memcpy(ratio->ci90, target->ratio_ci90[r], sizeof(ratio->ci90));
        ratio->trials = searched ? (uint32_t)posterior->data->seen_count : 0;
        if (!has_cells(posterior))
            target->ratio[r] = target->ratio_ci90[r][0] = target->ratio_ci90[r][1] = NAN;
    }
}

/* R2 of ln LR* over the answer's horizons; NaN with fewer than three that count. */
static double explained_variance(const struct answer *answer)
{
    double sum = 0, total = 0, left = 0, count = 0;
    for (size_t h = 0; h < answer->horizon_count; h++)
        if (horizon_counts(&answer->horizons[h])) {
            sum += log(answer->horizons[h].lr_opt);
            count++;
        }
    for (size_t h = 0; h < answer->horizon_count; h++) {
        const struct horizon_answer *horizon = &answer->horizons[h];
        if (!horizon_counts(horizon))
            continue;
        double y = log(horizon->lr_opt), around = y - sum / count;
        double off = y - (answer->law.b - answer->law.beta * log((double)horizon->tokens));
        left += off * off;
        total += around * around;
    }
    return count >= 3 && total > 0 ? 1 - left / total : NAN;
}

/* ---- how far it can be trusted ---- */

#define STRONG_OCTAVES 1.0   /* widest interval of a strong answer: half an octave each way */
#define MODERATE_OCTAVES 2.0 /* and of a moderate one */
#define MOSTLY 0.5           /* share of the assumption from which on no answer is strong */
#define ALMOST_ALL 0.9       /* and from which on it is weak */

static enum back_test back_test_of(const struct answer *answer)
{
    const struct law_answer *law = &answer->law;
    if (law->holdout.tokens == 0)
        return BACK_TEST_NONE;
    const struct horizon_answer *longest = NULL;
    for (size_t h = 0; h < answer->horizon_count; h++)
        if (answer->horizons[h].tokens == law->holdout.tokens)
            longest = &answer->horizons[h];
    double measured = law->holdout.lr_measured, predicted = law->holdout.lr_predicted;
    double side = log(law->holdout.ci90[measured > predicted] / predicted);
    double error = longest ? Z90 * longest->se_ln_lr : 0; /* the optimum there has one too */
    return fabs(log(measured / predicted)) <= hypot(side, error) ? BACK_TEST_PASSED
                                                                 : BACK_TEST_FAILED;
}

/* Strong: the interval is at most an octave wide, every optimum behind it is bracketed, the
 * back-test did not fail and less than half of the extrapolation is assumption. Moderate: at most
 * two octaves, the back-test did not fail and less than nine tenths are assumption. Weak: any other
 * answer. */
static void fill_confidence(struct answer *answer)
{
    struct confidence_answer *confidence = &answer->confidence;
    size_t counted = 0;
    bool extrapolated = answer->target.tokens > answer->horizons[answer->horizon_count - 1].tokens;
    confidence->bracketed = true;
    for (size_t h = 0; h < answer->horizon_count; h++)
        if (horizon_counts(&answer->horizons[h])) {
            counted++;
            confidence->bracketed = confidence->bracketed && answer->horizons[h].bracketed;
        }
    confidence->bracketed = confidence->bracketed && counted > 0;
    confidence->interval_octaves = log2(answer->target.ci90[1] / answer->target.ci90[0]);
    confidence->assumption_share = extrapolated ? answer->law.prior_weight : 0;
    confidence->back_test = back_test_of(answer);
    bool passed = confidence->back_test != BACK_TEST_FAILED;
    if (answer->status != ANSWER_IDENTIFIED)
        confidence->word = CONFIDENCE_NONE;
    else if (confidence->interval_octaves <= STRONG_OCTAVES && confidence->bracketed && passed &&
             confidence->assumption_share < MOSTLY)
        confidence->word = CONFIDENCE_STRONG;
    else if (confidence->interval_octaves <= MODERATE_OCTAVES && passed &&
             confidence->assumption_share < ALMOST_ALL)
        confidence->word = CONFIDENCE_MODERATE;
    else
        confidence->word = CONFIDENCE_WEAK;
}

/* Why policy `design` asks for no more. */
static void fill_stopped(struct answer *answer, const struct posterior *posterior)
{
    struct target_error error = posterior_target_error(posterior);
    const struct search_space *space = &posterior->data->space;
    bool good = answer->status == ANSWER_IDENTIFIED;
    if (good && error.penalty < space->precision)
        snprintf(answer->stopped, sizeof(answer->stopped),
                 "precise enough: the answer is expected to cost less than search.precision, %.2g "
                 "nats",
                 space->precision);
    else if (good && error.octaves < PRECISE_OCTAVES)
        snprintf(answer->stopped, sizeof(answer->stopped),
                 "precise enough: the interval reaches less than half an octave each way");
    else
        snprintf(answer->stopped, sizeof(answer->stopped),
                 "no further trial was expected to be worth its tokens (search.min_gain)");
}

/* ---- the whole ---- */

static int fill_all(struct answer *answer, const struct posterior *posterior,
                    const struct observation *seen, size_t count)
{
    const struct search_space *space = &posterior->data->space;
    int rc;
    fill_nearest(answer, posterior);
    if (posterior->anything) {
        fill_target(answer, posterior);
        if (cell_data_has_losses(posterior->data)) /* imported optima have basins */
            answer->target.no_basin = no_basin_probability(posterior->data, answer->nearest);
    }
    fill_ratios(answer, posterior);
    if (has_cells(posterior)) {
        fill_basins(answer, posterior);
        answer->cell_count = space->cell_count;
        for (uint32_t c = 0; c < space->cell_count; c++)
            fill_cell(&answer->cells[c], posterior, c);
        exponents_fill(answer, posterior);
        if ((rc = joint_fill(answer, posterior, seen, count)))
            return rc;
    }
    if ((rc = back_test(answer, posterior, seen, count)))
        return rc;
    answer->law.r2 = explained_variance(answer);
    accept_decide(answer, posterior);
    if (posterior->anything) {
        fill_confidence(answer);
        fill_stopped(answer, posterior);
    }
    if (has_cells(posterior))
        verdicts_add(answer, posterior);
    warnings_add(answer, posterior);
    return 0;
}

/* Empties the answer: the target's tokens, and NaN for what is unknown. */
static void clear_answer(struct answer *answer, const struct search_space *space)
{
    memset(answer, 0, sizeof(*answer)); /* padding too: answers are compared as bytes */
    answer->target.tokens = space->target_tokens;
    answer->target.lr = answer->target.ci90[0] = answer->target.ci90[1] = NAN;
    answer->target.loss_penalty = answer->target.loss_penalty_if_wrong_2x = NAN;
    answer->target.embedding_lr = answer->target.weight_decay = NAN;
    answer->target.keep_lr = answer->target.keep_penalty = answer->target.no_basin = NAN;
    answer->confidence.interval_octaves = answer->confidence.assumption_share = NAN;
    for (int r = 0; r < RATIO_COUNT; r++)
        answer->ratios[r].optimum = answer->target.ratio[r] = answer->target.ratio_ci90[r][0] =
            answer->target.ratio_ci90[r][1] = NAN;
    struct law_answer *law = &answer->law;
    law->beta = law->beta_ci90[0] = law->beta_ci90[1] = law->b = law->r2 = NAN;
    law->prior_weight = law->misfit = NAN;
    law->holdout.lr_predicted = law->holdout.lr_measured = NAN;
    law->holdout.ci90[0] = law->holdout.ci90[1] = NAN;
}

/* Zeroes what lies behind the end of each warning: answers are compared as bytes. */
static void clear_tails(struct answer *answer)
{
    for (size_t i = 0; i < answer->warning_count; i++) {
        size_t length = strlen(answer->warnings[i]);
        memset(answer->warnings[i] + length, 0, ANSWER_TEXT - length);
    }
}

/* curves: NULL: not asked for. */
static int answer_all(struct answer *answer, struct loss_curves **curves,
                      const struct search_space *space, const struct observation *seen,
                      size_t count, struct lr_error *err)
{
    if (space->horizon_count == 0)
        return lr_fail(err, LR_EINVAL, "a search needs one horizon at least");
    clear_answer(answer, space);
    struct cell_data *data = cell_data_create(space, seen, count, -1);
    struct posterior *posterior = data ? posterior_create(data) : NULL;
    int rc = posterior ? fill_all(answer, posterior, seen, count) : LR_ENOMEM;
    if (rc == 0 && curves)
        rc = loss_curves_create(curves, posterior, err);
    posterior_destroy(posterior);
    cell_data_destroy(data);
    if (rc && search_interrupted(space)) {
        clear_answer(answer, space);
        return lr_fail(err, LR_ECANCELED, "interrupted in a fit");
    }
    if (rc)
        return lr_nomem(err);
    clear_tails(answer);
    return 0;
}

int search_answer(struct answer *answer, const struct search_space *space,
                  const struct observation *seen, size_t count, struct lr_error *err)
{
    return answer_all(answer, NULL, space, seen, count, err);
}

int search_answer_curves(struct answer *answer, struct loss_curves **curves,
                         const struct search_space *space, const struct observation *seen,
                         size_t count, struct lr_error *err)
{
    *curves = NULL;
    return answer_all(answer, curves, space, seen, count, err);
}
