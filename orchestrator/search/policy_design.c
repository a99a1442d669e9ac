/* The c-optimal search: of all possible next trials it proposes those that reduce the variance of
 * the target's optimum most for their tokens. The information gain of a trial follows from the
 * covariance of its loss with the target's optimum over the posterior samples. A chosen or running
 * trial counts as observed for the next choice, so that a round is nearly as good as one trial
 * after the other. Pairs at one horizon are considered too: the first trial at a new horizon has no
 * information alone, because the level there is unknown. The search ends when no trial is worth its
 * tokens. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/basin_model.h"
#include "search/policy.h"
#include "search/lr_grid.h"
#include "search/posterior.h"

#define CANDIDATES 600
#define REACH 2.6   /* octaves from where the optimum is expected */
#define SPACING 0.5 /* octaves between candidates at most */

struct candidate {
    size_t horizon;
    int k; /* place on the grid */
    uint32_t seed;
    double x;     /* log2 lr */
    double cost;  /* tokens over the target's */
    double noise; /* variance of the loss around the model */
    bool known;   /* chosen, or running */
};

struct design {
    const struct search_space *space;
    const struct observations *obs;
    struct lr_grid grid;
    struct posterior *posterior;
    struct candidate candidates[CANDIDATES];
    int count;
    double *covariance; /* (count + 1)^2: of the candidates' losses, last of log2 LR* */
    double worth;       /* nats per octave^2 of the target's variance: its mean curvature */
};

static double *covariance(const struct design *design, int i, int j)
{
    return &design->covariance[(size_t)i * (size_t)(design->count + 1) + (size_t)j];
}

/* ---- candidates ---- */

static int add_candidates(struct design *design, size_t h)
{
    const struct search_space *space = design->space;
    const struct lr_grid *grid = &design->grid;
    struct row *row = lr_calloc(1, sizeof(*row));
    if (!row)
        return LR_ENOMEM;
    row_read(row, grid, &design->obs->basins[h], space->seeds);
    double center =
        posterior_spread(design->posterior, offsetof(struct sample, vertex) + h * sizeof(double))
            .mean;
    double high = grid->low + grid->step * grid->last;
    center = fmax(grid->low, fmin(center, high));
    for (int k = 0; k <= grid->last && k < row->wall && design->count < CANDIDATES; k++) {
        struct candidate candidate = {.horizon = h, .k = k};
        while (point_has_seed(row->points[k], candidate.seed))
            candidate.seed++;
        candidate.x = grid->low + k * grid->step;
        candidate.cost = (double)space->horizons[h] / (double)space->target_tokens;
        if (candidate.seed < space->seeds && fabs(candidate.x - center) <= REACH)
            design->candidates[design->count++] = candidate;
    }
    lr_free(row);
    return 0;
}

/* ---- information gain ---- */

/* values[s]: loss of candidate i in sample s, or the target's optimum for i = count, minus the
 * mean. */
static void predict_loss(struct design *design, int i, double *values)
{
    struct candidate *candidate = i < design->count ? &design->candidates[i] : NULL;
    double mean = 0;
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        const struct sample *sample = &design->posterior->samples[s];
        values[s] = sample->target;
        if (candidate) {
            double off = candidate->x - sample->vertex[candidate->horizon];
            double height =
                sample->curvature[candidate->horizon] * basin_shape(off, sample->asymmetry);
            double error = basin_shape_error(height, off > 0);
            values[s] = sample->level[candidate->horizon] + height;
            candidate->noise += (sample->sigma * sample->sigma + error * error) / POSTERIOR_SAMPLES;
        }
        mean += values[s] / POSTERIOR_SAMPLES;
    }
    for (int s = 0; s < POSTERIOR_SAMPLES; s++)
        values[s] -= mean;
}

static int predict_covariance(struct design *design)
{
    size_t all = (size_t)design->count + 1;
    double *values = lr_calloc(all * POSTERIOR_SAMPLES, sizeof(*values));
    design->covariance = lr_calloc(all * all, sizeof(*design->covariance));
    if (!values || !design->covariance) {
        lr_free(values);
        return LR_ENOMEM;
    }
    for (size_t i = 0; i < all; i++)
        predict_loss(design, (int)i, values + i * POSTERIOR_SAMPLES);
    for (size_t i = 0; i < all; i++)
        for (size_t j = 0; j <= i; j++) {
            const double *a = values + i * POSTERIOR_SAMPLES, *b = values + j * POSTERIOR_SAMPLES;
            double sum = 0;
            for (int s = 0; s < POSTERIOR_SAMPLES; s++)
                sum += a[s] * b[s];
            *covariance(design, (int)i, (int)j) = *covariance(design, (int)j, (int)i) =
                sum / POSTERIOR_SAMPLES;
        }
    design->worth =
        posterior_spread(design->posterior, offsetof(struct sample, target_curvature)).mean;
    lr_free(values);
    return 0;
}

static double variance(const struct design *design, int i)
{
    return *covariance(design, i, i) + design->candidates[i].noise;
}

/* Counts candidate i as observed: a step of Gaussian conditioning. */
static void condition_on(struct design *design, int i)
{
    double of = variance(design, i);
    int all = design->count + 1;
    for (int j = 0; j < all; j++)
        for (int k = 0; k < all; k++)
            if (j != i && k != i)
                *covariance(design, j, k) -=
                    *covariance(design, j, i) * *covariance(design, i, k) / of;
    design->candidates[i].known = true;
}

/* Reduction of the variance of the target's optimum (octaves^2) by one candidate; pair_gain(): by
 * two. */
static double gain(const struct design *design, int i)
{
    double with = *covariance(design, i, design->count);
    return with * with / variance(design, i);
}

static double pair_gain(const struct design *design, int i, int j)
{
    double a = variance(design, i), b = variance(design, j), c = *covariance(design, i, j);
    double u = *covariance(design, i, design->count), v = *covariance(design, j, design->count);
    double determinant = a * b - c * c;
    return determinant > 0 ? (u * u * b - 2 * u * v * c + v * v * a) / determinant : 0;
}

/* ---- the choice ---- */

struct choice {
    int first, second; /* -1: none */
    double gain;       /* nats per target run */
};

static void consider(struct choice *best, double gain, int first, int second)
{
    if (gain > best->gain)
        *best = (struct choice){first, second, gain};
}

/* Best trial or pair for its cost, among horizons h with wanted[h]. */
static struct choice choose_trial(const struct design *design, const bool *wanted)
{
    struct choice best = {-1, -1, 0};
    for (int i = 0; i < design->count; i++) {
        const struct candidate *one = &design->candidates[i];
        if (one->known || !wanted[one->horizon])
            continue;
        double worth = design->worth / one->cost;
        consider(&best, worth * gain(design, i), i, -1);
        for (int j = i + 1; j < design->count && design->candidates[j].horizon == one->horizon; j++)
            if (!design->candidates[j].known)
                consider(&best, worth * pair_gain(design, i, j) / 2, i, j);
    }
    return best;
}

/* Marks horizons with finished, running or chosen trials; returns their number. */
static size_t mark_begun(const struct design *design, bool begun[ANSWER_HORIZONS])
{
    size_t count = 0;
    for (size_t h = 0; h < design->obs->horizon_count; h++)
        begun[h] = design->obs->basins[h].trials > 0;
    for (int i = 0; i < design->count; i++)
        if (design->candidates[i].known)
            begun[design->candidates[i].horizon] = true;
    for (size_t h = 0; h < design->obs->horizon_count; h++)
        count += begun[h];
    return count;
}

/* The best choice whose gain exceeds min_gain. A law needs two horizons, so a second one is begun
 * whatever it costs. */
static struct choice choose_worthy(const struct design *design)
{
    bool wanted[ANSWER_HORIZONS] = {false}, begun[ANSWER_HORIZONS];
    size_t horizons = design->obs->horizon_count;
    bool any_loss = false;
    for (size_t h = 0; h < horizons; h++)
        any_loss |= design->obs->basins[h].best >= 0;
    for (size_t h = 0; h < horizons; h++)
        wanted[h] = any_loss || h == 0; /* without any loss, only the cheapest horizon */
    struct choice best = choose_trial(design, wanted);
    if (best.gain > design->space->min_gain || !any_loss)
        return best;
    if (horizons > 1 && mark_begun(design, begun) < 2) {
        for (size_t h = 0; h < horizons; h++)
            wanted[h] = !begun[h];
        best = choose_trial(design, wanted);
        if (best.second >= 0)
            return best;
    }
    best.first = -1;
    return best;
}

static void propose(const struct design *design, struct proposal *proposal, int i)
{
    const struct candidate *candidate = &design->candidates[i];
    *proposal = (struct proposal){.tokens = design->space->horizons[candidate->horizon],
                                  .lr = lr_grid_lr(&design->grid, design->space, candidate->k),
                                  .seed = candidate->seed};
}

static void condition_on_running(struct design *design, const struct observation *seen,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (int j = 0; j < design->count && seen[i].kind == OBSERVED_RUNNING; j++) {
            struct candidate *candidate = &design->candidates[j];
            if (design->space->horizons[candidate->horizon] == seen[i].tokens &&
                fabs(candidate->x - log2(seen[i].lr)) < 1e-6 && candidate->seed == seen[i].seed)
                condition_on(design, j);
        }
}

static int choose_round(struct design *design, const struct observation *seen, size_t count,
                        struct proposal *round)
{
    int asked = 0, most = (int)design->space->round_trials;
    for (size_t h = 0; h < design->obs->horizon_count; h++)
        if (add_candidates(design, h))
            return LR_ENOMEM;
    if (predict_covariance(design))
        return LR_ENOMEM;
    condition_on_running(design, seen, count);
    most = most > 0 && most < POLICY_ROUND_MAX - 1 ? most : POLICY_ROUND_MAX - 1;
    while (asked < most) {
        struct choice best = choose_worthy(design);
        if (best.first < 0)
            break;
        condition_on(design, best.first);
        propose(design, &round[asked++], best.first);
        if (best.second >= 0) { /* may exceed `most` by one: half a pair has no information */
            condition_on(design, best.second);
            propose(design, &round[asked++], best.second);
        }
    }
    return asked;
}

/* Places of the first trials, at the shortest horizon, where they are cheapest; returns their
 * number. */
static int first_trials(const struct search_space *space, const struct lr_grid *grid,
                        int places[LR_GRID_MAX + 1])
{
    if (!(space->prior_lr > 0))
        return lr_grid_first_trials(grid, NULL, places);
    struct expected_place expected = prior_lr_at(space, (double)space->horizons[0]);
    return lr_grid_first_trials(grid, &expected, places);
}

static int propose_first_trials(const struct design *design, struct proposal *round)
{
    int places[LR_GRID_MAX + 1], count = first_trials(design->space, &design->grid, places);
    for (int i = 0; i < count; i++)
        round[i] = (struct proposal){.tokens = design->space->horizons[0],
                                     .lr = lr_grid_lr(&design->grid, design->space, places[i])};
    return count;
}

static struct lr_grid design_grid(const struct search_space *space)
{
    struct search_space fine = *space;
    fine.resolution = fmin(space->resolution, SPACING);
    return lr_grid_make(&fine);
}

static int design_next(const struct search_space *space, const struct observation *seen,
                       size_t count, struct proposal *round)
{
    int asked = LR_ENOMEM;
    struct design *design = lr_calloc(1, sizeof(*design));
    struct observations *obs = observations_create(space, seen, count);
    if (!design || !obs)
        goto out;
    design->space = space;
    design->obs = obs;
    design->grid = design_grid(space);
    if (obs->count == 0) {
        asked = count == 0 ? propose_first_trials(design, round) : 0; /* none while trials run */
        goto out;
    }
    design->posterior = posterior_create(obs, obs->horizon_count, space->target_tokens);
    if (design->posterior)
        asked = choose_round(design, seen, count, round);
out:
    if (design) {
        lr_free(design->posterior);
        lr_free(design->covariance);
    }
    lr_free(design);
    observations_destroy(obs);
    return asked;
}

/* Expected: the average on published sweeps. At most: the whole grid. */
static int design_forecast(const struct search_space *space, struct forecast_stage *stages,
                           size_t capacity)
{
    struct lr_grid grid = design_grid(space);
    int places[LR_GRID_MAX + 1];
    uint32_t first = (uint32_t)first_trials(space, &grid, places);
    uint32_t all = (uint32_t)(grid.last + 1) * space->seeds;
    size_t used = 0;
    if (used < capacity)
        stages[used++] = (struct forecast_stage){"coarse", space->horizons[0], first, first};
    for (size_t h = 0; h < space->horizon_count && used < capacity; h++) {
        uint32_t most = h == 0 ? all - first : all;
        stages[used++] = (struct forecast_stage){"where it tells most", space->horizons[h],
                                                 most < 2 ? most : 2, most};
    }
    return (int)used;
}

const struct policy policy_design = {"design", design_next, design_forecast, true};
