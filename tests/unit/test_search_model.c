/* The sampler against the model itself: parameters are drawn from the priors and losses from the
 * parameters, so that the posterior must rank the truth uniformly (simulation-based calibration,
 * Talts et al. 2018). Written from the model's equations, not from the sampler's code. */
#include "cmocka_all.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include "few_runs.h"
#include "lrsearch/error.h"
#include "lrsearch/rng.h"
#include "search/policy.h"
#include "search/posterior.h"

#define HORIZONS 3
#define POINTS 7
#define LOSSES (HORIZONS * POINTS)
#define QUANTITIES (2 + HORIZONS) /* beta, the target's optimum, each horizon's */
#define SETS (few_runs() ? 20 : 200)
#define BINS 10

static const uint64_t horizons[HORIZONS] = {1000000, 2000000, 4000000};

static const struct search_space space = {
    .lr_low = 1e-3,
    .lr_high = 6.4e-2,
    .horizons = horizons,
    .horizon_count = HORIZONS,
    .seeds = 1,
    .resolution = 1,
    .target_tokens = 32000000,
    .seed = 1,
    .prior_beta = 0.25,
    .prior_beta_sd = 0.2,
    .ratios = {{1, 1}, {1, 1}},
};

struct truth {
    int shapes[HORIZONS], curvature, drift, sigma, error;
    double quantities[QUANTITIES];
};

struct draws { /* independent random numbers of one data set */
    uint64_t seed, used;
};

static double uniform(struct draws *draws)
{
    return rng_uniform(draws->seed, RNG_SIMULATE, draws->used++);
}

static double normal(struct draws *draws)
{
    return rng_normal(draws->seed, RNG_SIMULATE, draws->used++);
}

/* Student with 3 degrees of freedom. */
static double student(struct draws *draws)
{
    double z = normal(draws), chi_square = 0;
    for (int i = 0; i < 3; i++)
        chi_square += pow(normal(draws), 2);
    return z / sqrt(chi_square / 3);
}

static int pick(struct draws *draws, const double *weights, int count)
{
    double total = 0;
    for (int i = 0; i < count; i++)
        total += weights[i];
    double share = uniform(draws) * total;
    for (int i = 0; i < count - 1; i++) {
        if (share < weights[i])
            return i;
        share -= weights[i];
    }
    return count - 1;
}

static double octaves_of(int horizon) /* from the longest horizon */
{
    return horizon - (HORIZONS - 1);
}

static void draw_truth(struct draws *draws, struct truth *truth)
{
    double shapes[BASIN_SHAPES], sigmas[BASIN_SIGMAS], curvatures[BASIN_CURVATURES];
    double low = log2(space.lr_low), high = log2(space.lr_high);
    for (int i = 0; i < BASIN_SHAPES; i++)
        shapes[i] = basin_shape_of(i).prior;
    for (int i = 0; i < BASIN_SIGMAS; i++)
        sigmas[i] = exp(basin_sigma_log_prior(i));
    for (int i = 0; i < BASIN_CURVATURES; i++)
        curvatures[i] =
            exp(-pow(log(CURVATURE_LEAST * (1 << i) / CURVATURE_CENTER) / CURVATURE_WIDTH, 2) / 2);
    struct vertex_grid grid = vertex_grid_lay(space.lr_low, space.lr_high);
    for (bool inside = false; !inside;) { /* the model's vertices lie on the grid */
        int shared = pick(draws, shapes, BASIN_SHAPES);
        for (int h = 0; h < HORIZONS; h++)
            truth->shapes[h] =
                uniform(draws) < SHAPE_SHARED ? shared : pick(draws, shapes, BASIN_SHAPES);
        truth->curvature = pick(draws, curvatures, BASIN_CURVATURES);
        truth->drift = pick(draws, basin_drift_prior, BASIN_DRIFTS);
        truth->sigma = pick(draws, sigmas, BASIN_SIGMAS);
        truth->error = pick(draws, basin_error_prior, BASIN_ERRORS);
        double misfit = basin_misfit[pick(draws, basin_misfit_prior, BASIN_MISFITS)];
        double level = (low + high) / 2 + ((high - low) / 2 + 1) * normal(draws);
        double beta = space.prior_beta + space.prior_beta_sd * student(draws);
        double *q = truth->quantities;
        q[0] = beta;
        q[1] = level - 3 * beta + misfit * normal(draws);
        inside = true;
        for (int h = 0; h < HORIZONS; h++) {
            q[2 + h] = level - beta * octaves_of(h) + misfit * normal(draws);
            inside = inside && q[2 + h] > grid.low - grid.step / 2 &&
                     q[2 + h] < grid.low + (grid.count - 0.5) * grid.step;
        }
    }
}

static void draw_losses(struct draws *draws, const struct truth *truth, struct observation *seen)
{
    for (int h = 0; h < HORIZONS; h++) {
        double heights[POINTS], lowest = INFINITY, curvature = -1;
        double mean = CURVATURE_LEAST * (1 << truth->curvature) *
                      basin_flattening(truth->drift, octaves_of(h));
        while (curvature < mean / 10)
            curvature = mean * (1 + CURVATURE_SPREAD * normal(draws));
        for (int i = 0; i < POINTS; i++) {
            double x = log2(space.lr_low) + i;
            heights[i] = curvature * basin_height(x - truth->quantities[2 + h], truth->shapes[h]);
            lowest = fmin(lowest, heights[i]);
        }
        for (int i = 0; i < POINTS; i++)
            seen[h * POINTS + i] = (struct observation){
                .tokens = horizons[h],
                .lr = exp2(log2(space.lr_low) + i),
                .kind = OBSERVED_LOSS,
                .loss = 3 + heights[i] + basin_sigma(truth->sigma) * normal(draws) +
                        basin_error[truth->error] * (heights[i] - lowest) * normal(draws),
                .ratios = {1, 1},
            };
    }
}

static double value_of(const struct posterior *posterior, int sample, int quantity)
{
    const struct terms *terms = &posterior->data->terms[0];
    const struct term *tokens = term_find(terms, TERM_TOKENS, 0);
    if (quantity == 0)
        return posterior->samples[sample].theta[0][tokens - terms->term];
    if (quantity == 1)
        return posterior_optimum(posterior, sample, 1)->optimum[0];
    return posterior_basin(posterior, sample, (size_t)(quantity - 2))->vertex[0];
}

/* Share of the samples below the truth, and the samples' mean and variance. */
static void rank(const struct observation *seen, const struct truth *truth, uint64_t seed,
                 double ranks[QUANTITIES], double means[QUANTITIES], double variances[QUANTITIES])
{
    struct search_space of = space;
    of.seed = seed;
    struct cell_data *data = cell_data_create(&of, seen, LOSSES, -1);
    struct posterior *posterior = data ? posterior_create(data) : NULL;
    assert_non_null(posterior);
    for (int q = 0; q < QUANTITIES; q++) {
        double squares = 0;
        ranks[q] = means[q] = 0;
        for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
            double value = value_of(posterior, s, q);
            ranks[q] += (value < truth->quantities[q]) / (double)POSTERIOR_SAMPLES;
            means[q] += value / POSTERIOR_SAMPLES;
            squares += value * value / POSTERIOR_SAMPLES;
        }
        variances[q] = squares - means[q] * means[q];
    }
    posterior_destroy(posterior);
    cell_data_destroy(data);
}

static void ranks_are_uniform(void **state)
{
    double counts[QUANTITIES][BINS] = {{0}}, inside[QUANTITIES] = {0}, sets = SETS;
    (void)state;
    for (uint64_t seed = 0; seed < (uint64_t)sets; seed++) {
        struct draws draws = {seed, 0};
        struct truth truth;
        struct observation seen[LOSSES];
        double ranks[QUANTITIES], means[QUANTITIES], variances[QUANTITIES];
        draw_truth(&draws, &truth);
        draw_losses(&draws, &truth, seen);
        rank(seen, &truth, 1, ranks, means, variances);
        for (int q = 0; q < QUANTITIES; q++) {
            counts[q][(int)fmin(ranks[q] * BINS, BINS - 1)]++;
            inside[q] += ranks[q] > 0.05 && ranks[q] < 0.95;
        }
    }
    for (int q = 0; q < QUANTITIES; q++) {
        double chi_square = 0;
        for (int b = 0; b < BINS; b++)
            chi_square += pow(counts[q][b] - sets / BINS, 2) / (sets / BINS);
        printf("quantity %d: chi square %.1f of %d bins; 90 %% intervals hold %.3f\n", q,
               chi_square, BINS, inside[q] / sets);
        if (few_runs())
            continue;
        assert_true(chi_square < 27.9); /* 9 degrees of freedom: exceeded by chance in 1 of 1,000 */
        assert_true(inside[q] / sets > 0.83 && inside[q] / sets < 0.97);
    }
}

/* However many optima the losses allow, all chains must find them. */
static void seeds_agree(void **state)
{
    double worst = 0, sum = 0, sets = few_runs() ? 4 : 40;
    enum { CHAINS = 4 };
    (void)state;
    for (uint64_t seed = 0; seed < (uint64_t)sets; seed++) {
        struct draws draws = {1000 + seed, 0};
        struct truth truth;
        struct observation seen[LOSSES];
        double mean = 0, within = 0, between = 0, ranks[QUANTITIES], means[CHAINS][QUANTITIES],
               variances[QUANTITIES];
        draw_truth(&draws, &truth);
        draw_losses(&draws, &truth, seen);
        for (int c = 0; c < CHAINS; c++) {
            rank(seen, &truth, 1 + (uint64_t)c, ranks, means[c], variances);
            mean += means[c][1] / CHAINS;
            within += variances[1] / CHAINS;
        }
        for (int c = 0; c < CHAINS; c++)
            between += pow(means[c][1] - mean, 2) / (CHAINS - 1);
        worst = fmax(worst, sqrt(between / within));
        sum += between / within / sets;
    }
    printf("target's mean between chains over its deviation: %.3f, at worst %.3f\n", sqrt(sum),
           worst);
    assert_true(few_runs() || (sqrt(sum) < 0.25 && worst < 1));
}

/* ---- replicates ---- */

/* A repeated LR among single ones: offsets of the seeds and noise cannot be told apart. */
static void one_repeated_lr_is_no_scatter(void **state)
{
    struct observation seen[6];
    (void)state;
    for (int i = 0; i < 6; i++)
        seen[i] = (struct observation){.tokens = horizons[0],
                                       .lr = exp2(log2(space.lr_low) + (i < 5 ? i : 2)),
                                       .seed = i < 5 ? 0 : 1,
                                       .kind = OBSERVED_LOSS,
                                       .loss = i < 5 ? 3 : 3.5,
                                       .ratios = {1, 1}};
    struct cell_data *data = cell_data_create(&space, seen, 6, -1);
    assert_non_null(data);
    assert_int_equal(data->basins[0].losses, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(fabs(data->basins[0].points[i].freedom) <= 0);
        assert_true(fabs(data->basins[0].points[i].scatter) < 1e-12);
    }
    cell_data_destroy(data);
}

/* ---- interruption ---- */

struct countdown {
    long polls, limit;
};

static bool is_over(void *context)
{
    struct countdown *countdown = context;
    return ++countdown->polls > countdown->limit;
}

/* While trials run, wherever the choice of the next ones is interrupted. */
static void choice_can_be_interrupted(void **state)
{
    static struct proposal round[POLICY_ROUND_MAX];
    struct countdown countdown = {0, LONG_MAX};
    struct search_space of = space;
    struct observation seen[2 * POINTS + 16];
    size_t count = 0, asked = 0;
    (void)state;
    of.precision = of.min_gain = 1e-5;
    of.seeds = 2;
    of.round_trials = 8;
    of.interrupted = is_over;
    of.interrupted_context = &countdown;
    for (int h = 0; h < 2; h++)
        for (int i = 0; i < POINTS; i++)
            seen[count++] = (struct observation){.tokens = horizons[h],
                                                 .lr = exp2(log2(space.lr_low) + i),
                                                 .kind = OBSERVED_LOSS,
                                                 .loss = 3 + 0.02 * (i - 3) * (i - 3),
                                                 .ratios = {1, 1}};
    assert_int_equal(policy_design.next(&of, seen, count, round, &asked), 0);
    assert_true(asked >= 8 && asked <= 16);
    for (size_t i = 0; i < asked; i++)
        seen[count++] = (struct observation){.tokens = round[i].tokens,
                                             .lr = round[i].lr,
                                             .seed = round[i].seed,
                                             .kind = OBSERVED_RUNNING,
                                             .ratios = {1, 1}};
    countdown.polls = 0;
    assert_int_equal(policy_design.next(&of, seen, count, round, &asked), 0);
    long polls = countdown.polls;
    for (long limit = polls - 60; limit < polls; limit += few_runs() ? 15 : 1) {
        countdown = (struct countdown){0, limit};
        assert_int_equal(policy_design.next(&of, seen, count, round, &asked), LR_ECANCELED);
        assert_int_equal(asked, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_uniform),
        cmocka_unit_test(seeds_agree),
        cmocka_unit_test(one_repeated_lr_is_no_scatter),
        cmocka_unit_test(choice_can_be_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
