/* From posterior samples to the answer's numbers: basins, cells, the target. */
#include "search/answer_cells.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/accept.h"
#include "search/exponents.h"
#include "search/verdicts.h"
#include "search/warnings.h"

#define MEASURED 2     /* LRs with a loss */
#define BEYOND 0.33    /* probability beyond the range from which an optimum is at the edge */
#define HALF_KNOWN 1.0 /* octaves: a vertex with a larger standard deviation is called flat */

static struct spread optimum_of(const struct posterior *posterior, size_t optimum, int k)
{
    double values[POSTERIOR_SAMPLES];
    for (int s = 0; s < POSTERIOR_SAMPLES; s++)
        values[s] = posterior_optimum(posterior, s, optimum)->optimum[k];
    return spread_of(values, POSTERIOR_SAMPLES);
}

/* ---- basins ---- */

/* True if the best LR is the lowest or highest that gave a loss or diverged, and the optimum lies
 * beyond the range with probability above BEYOND: the other cells usually place it, however few LRs
 * were tried here. */
static bool lies_at_edge(const struct posterior *posterior, size_t b)
{
    const struct cell_basin *basin = &posterior->data->basins[b];
    const struct cell_point *best = cell_basin_best(basin);
    bool below = false, above = false;
    for (size_t i = 0; best && i < basin->losses + basin->walls; i++) {
        below = below || basin->points[i].x[0] < best->x[0] - 1e-6;
        above = above || basin->points[i].x[0] > best->x[0] + 1e-6;
    }
    if (!best || (below && above))
        return false;
    double low = 0, high = 0;
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        double vertex = posterior_basin(posterior, s, b)->vertex[0];
        low += vertex < log2(posterior->data->space->lr_low) ? 1.0 / POSTERIOR_SAMPLES : 0;
        high += vertex > log2(posterior->data->space->lr_high) ? 1.0 / POSTERIOR_SAMPLES : 0;
    }
    return low > BEYOND || high > BEYOND;
}

static struct horizon_answer horizon_of(const struct posterior *posterior, size_t b)
{
    const struct cell_basin *basin = &posterior->data->basins[b];
    struct horizon_answer horizon = {
        .tokens = posterior->data->space->horizons[basin->horizon],
        .lr_opt = NAN,
        .ci90 = {NAN, NAN},
        .curvature = NAN,
        .loss_min = basin->losses > 0 ? basin->bottom : NAN,
        .se_ln_lr = NAN,
        .se_loss = NAN,
        .trials = basin->trials,
        .diverged = basin->diverged,
        .at_edge = lies_at_edge(posterior, b),
    };
    if (basin->losses < MEASURED)
        return horizon;
    struct spread vertex =
        posterior_spread(posterior, b, offsetof(struct basin_sample, vertex));
    struct spread level =
        posterior_spread(posterior, b, offsetof(struct basin_sample, level));
    spread_exp2(&vertex, &horizon.lr_opt, horizon.ci90);
    horizon.se_ln_lr = vertex.deviation * log(2.0);
    horizon.flat = vertex.deviation > HALF_KNOWN;
    horizon.curvature =
        posterior_spread(posterior, b, offsetof(struct basin_sample, curvature)).mean;
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
    const struct search_cell *of = &posterior->data->space->cells[cell];
    for (size_t i = 0; i < terms->count; i++)
        coefficients[i] = term_value(&terms->term[i], of, (int)cell, 0) -
                          term_value(&terms->term[i], of, (int)cell, 1);
    return posterior_combine(posterior, 0, coefficients);
}

static void fill_cell(struct cell_answer *cell, const struct posterior *posterior, uint32_t c)
{
    const struct search_space *space = posterior->data->space;
    struct spread optimum = optimum_of(posterior, c, 0), beta = beta_of(posterior, c);
    *cell = (struct cell_answer){.beta = beta.mean,
                                 .beta_ci90 = {beta.ci90[0], beta.ci90[1]},
                                 .loss = NAN,
                                 .parametrization =
                                     space->groups[space->cells[c].group].parametrization};
    spread_exp2(&optimum, &cell->lr, cell->ci90);
    for (int r = 0; r < RATIO_COUNT; r++)
        cell->ratio[r] = cell->ratio_ci90[r][0] = cell->ratio_ci90[r][1] = NAN;
    for (int k = 1; k < posterior->data->coordinate_count; k++) {
        int r = posterior->data->coordinates[k] - 1;
        struct spread ratio = optimum_of(posterior, c, k);
        spread_exp2(&ratio, &cell->ratio[r], cell->ratio_ci90[r]);
    }
    for (size_t h = 0; h < space->horizon_count; h++) {
        size_t b = c * space->horizon_count + h;
        cell->trials += posterior->data->basins[b].trials;
        if (posterior->data->basins[b].losses > 0)
            cell->loss =
                posterior_spread(posterior, b, offsetof(struct basin_sample, level)).mean;
    }
}

/* ---- the cell nearest to the target, in the fields of a campaign without axes ---- */

static void fill_nearest(struct answer *answer, const struct posterior *posterior)
{
    const struct search_space *space = posterior->data->space;
    uint32_t nearest = answer->nearest = nearest_cell(space);
    const struct terms *terms = &posterior->data->terms[0];
    double coefficients[TERMS_MAX], misfit = 0, reference = posterior->data->reference_tokens;
    answer->horizon_count = space->horizon_count;
    for (size_t h = 0; h < space->horizon_count; h++)
        answer->horizons[h] = horizon_of(posterior, nearest * space->horizon_count + h);
    struct spread beta = beta_of(posterior, nearest);
    for (size_t i = 0; i < terms->count; i++)
        coefficients[i] = term_value(&terms->term[i], &space->cells[nearest], (int)nearest, 0);
    struct spread line = posterior_combine(posterior, 0, coefficients);
    for (int s = 0; s < POSTERIOR_SAMPLES; s++)
        misfit += posterior->samples[s].misfit[0] / POSTERIOR_SAMPLES;
    answer->law.beta = beta.mean;
    answer->law.beta_ci90[0] = beta.ci90[0];
    answer->law.beta_ci90[1] = beta.ci90[1];
    answer->law.b = line.mean * log(2.0) + beta.mean * log(reference);
    answer->law.misfit = misfit * log(2.0);
    /* Student with 3 degrees of freedom has 3 times the variance of its scale */
    answer->law.prior_weight = fmin(1, beta.deviation * beta.deviation /
                                           (3 * space->prior_beta_sd * space->prior_beta_sd));
}

/* ---- the target ---- */

static double penalty_of(const struct posterior *posterior, int s, int k, double off)
{
    const struct optimum_sample *sample =
        posterior_optimum(posterior, s, posterior->data->space->cell_count);
    return sample->curvature[k] * basin_shape(off, posterior->samples[s].asymmetry[k]);
}

static void fill_target(struct answer *answer, const struct posterior *posterior)
{
    size_t index = posterior->data->space->cell_count;
    struct target_answer *target = &answer->target;
    struct spread optimum = optimum_of(posterior, index, 0);
    double lr = optimum.mean, penalty = 0, wrong = 0;
    spread_exp2(&optimum, &target->lr, target->ci90);
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        penalty += penalty_of(posterior, s, 0,
                              lr - posterior_optimum(posterior, s, index)->optimum[0]);
        for (int k = 0; k < posterior->data->coordinate_count; k++) /* the ratios are kept */
            wrong += (penalty_of(posterior, s, k, 1) + penalty_of(posterior, s, k, -1)) / 2;
    }
    for (int k = 1; k < posterior->data->coordinate_count; k++) {
        int r = posterior->data->coordinates[k] - 1;
        struct spread ratio = optimum_of(posterior, index, k);
        double at = lr + ratio.mean; /* log2 of that LR */
        for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
            const struct optimum_sample *sample = posterior_optimum(posterior, s, index);
            penalty += penalty_of(posterior, s, k, at - sample->optimum[0] - sample->optimum[k]);
        }
        spread_exp2(&ratio, &target->ratio[r], target->ratio_ci90[r]);
    }
    target->loss_penalty = penalty / POSTERIOR_SAMPLES;
    target->loss_penalty_if_wrong_2x = wrong / POSTERIOR_SAMPLES;
}

static void fill_ratios(struct answer *answer, const struct search_space *space, size_t trials)
{
    for (int r = 0; r < RATIO_COUNT; r++) {
        struct ratio_answer *ratio = &answer->ratios[r];
        const struct ratio_range *range = &space->ratios[r];
        bool searched = range->low < range->high;
        *ratio = (struct ratio_answer){
            .searched = searched,
            .value = searched ? answer->target.ratio[r] : range->low,
            .optimum = answer->target.ratio[r],
            .ci90 = {answer->target.ratio_ci90[r][0], answer->target.ratio_ci90[r][1]},
            .trials = searched ? (uint32_t)trials : 0};
    }
}

/* ---- the whole ---- */

static int fill_all(struct answer *answer, const struct posterior *posterior,
                    const struct observation *seen, size_t count)
{
    const struct search_space *space = posterior->data->space;
    int rc;
    fill_basins(answer, posterior);
    answer->cell_count = space->cell_count;
    for (uint32_t c = 0; c < space->cell_count; c++)
        fill_cell(&answer->cells[c], posterior, c);
    fill_nearest(answer, posterior);
    fill_target(answer, posterior);
    fill_ratios(answer, space, posterior->data->seen_count);
    exponents_fill(answer, posterior);
    if ((rc = joint_fill(answer, posterior, seen, count)))
        return rc;
    accept_decide_cells(answer, posterior);
    verdicts_add(answer, posterior);
    warnings_add_cells(answer, posterior);
    return 0;
}

int cells_answer(struct answer *answer, const struct search_space *space,
                 const struct observation *seen, size_t count)
{
    struct cell_data *data = cell_data_create(space, seen, count, -1);
    struct posterior *posterior = data ? posterior_create(data) : NULL;
    int rc = posterior ? fill_all(answer, posterior, seen, count) : LR_ENOMEM;
    posterior_destroy(posterior);
    cell_data_destroy(data);
    return rc && search_interrupted(space) ? LR_ECANCELED : rc;
}
