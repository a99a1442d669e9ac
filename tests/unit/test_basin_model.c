/* The shapes of a basin and their tables, the sampler against an enumeration of its posterior, and
 * the probability that there is no basin. */
#include "cmocka_all.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include "few_runs.h"
#include "lrsearch/rng.h"
#include "search/basin_likelihood.h"
#include "search/flat.h"
#include "search/posterior.h"
#include "search/sampler.h"

#define DRAWS ((uint64_t)RNG_SIMULATE + (13u << 8))

/* ---- shapes ---- */

static void shapes_have_their_least_at_0_and_the_mean_height_1_an_octave_away(void **state)
{
    (void)state;
    double sum = 0;
    for (int shape = 0; shape < BASIN_SHAPES; shape++) {
        sum += basin_shape_of(shape).prior;
        assert_true(fabs(basin_height(0, shape)) < 1e-12);
        assert_float_equal((basin_height(-1, shape) + basin_height(1, shape)) / 2, 1, 1e-12);
        for (double t = 0.05; t < 6; t += 0.05) {
            assert_true(basin_height(t, shape) > basin_height(t - 0.05, shape) - 1e-12);
            assert_true(basin_height(-t, shape) > basin_height(0.05 - t, shape) - 1e-12);
        }
        bool right = basin_shape_of(shape).asymmetry > 0;
        assert_int_equal(basin_height(1, shape) > basin_height(-1, shape), right);
    }
    assert_float_equal(sum, 1, 1e-12);
    assert_float_equal(basin_shape_of(BASIN_PARABOLA).power, 2, 1e-12);
}

/* Steps of 1/32 octave: off by at most a 1/8 of the step's square times the second derivative,
 * which is largest in the corner of the V; beyond the table the height is that of its end. */
static void the_table_is_the_shape(void **state)
{
    (void)state;
    struct basin_heights *heights = calloc(1, sizeof(*heights));
    assert_non_null(heights);
    basin_heights_fill(heights);
    for (int shape = 0; shape < BASIN_SHAPES; shape++) {
        for (int i = 0; i < HEIGHTS; i++) { /* on the table's places: the same but for rounding */
            double t = (double)i / HEIGHTS_OCTAVE - HEIGHTS_REACH;
            double height = basin_height(t, shape);
            assert_true(fabs(basin_heights_at(heights, t, shape) - height) < 1e-9 * (1 + height));
        }
        for (uint64_t i = 0; i < 2000; i++) {
            double t = HEIGHTS_REACH * (2 * rng_uniform(1, DRAWS, i) - 1);
            double height = basin_height(t, shape);
            assert_true(fabs(basin_heights_at(heights, t, shape) - height) <
                        2e-3 * fmax(1, height));
        }
        for (int side = -1; side <= 1; side += 2)
            assert_float_equal(basin_heights_at(heights, side * 40.0, shape),
                               basin_height(side * (double)HEIGHTS_REACH, shape), 1e-6);
    }
    free(heights);
}

static void divergence_grows_to_the_right_and_may_lie_on_both_sides(void **state)
{
    (void)state;
    for (double t = -6; t < 6; t += 0.25) {
        assert_true(basin_divergence(t + 0.25, false) >= basin_divergence(t, false));
        assert_float_equal(basin_divergence(t, true), basin_divergence(-t, true), 1e-12);
        assert_true(basin_divergence(t, true) >= basin_divergence(t, false));
    }
    assert_true(basin_divergence(-3, false) < 0.02 && basin_divergence(5, false) > 0.99);
}

static void the_grid_of_vertices_reaches_beyond_the_range(void **state)
{
    (void)state;
    const double highest[] = {1.1e-3, 1e-2, 1e-1, 1e6};
    for (int i = 0; i < 4; i++) {
        struct vertex_grid grid = vertex_grid_lay(1e-3, highest[i]);
        assert_true(grid.count > 1 && grid.count <= VERTEX_GRID_MAX);
        assert_true(vertex_grid_x(&grid, 0) <= log2(1e-3) - 2);
        assert_true(vertex_grid_x(&grid, grid.count - 1) >= log2(highest[i]) + 2);
        for (int v = 0; v < grid.count; v++)
            assert_int_equal(vertex_grid_nearest(&grid, vertex_grid_x(&grid, v)), v);
    }
}

/* ---- the sampler ---- */

static const uint64_t horizon[] = {1000000};
#define CHAINS (few_runs() ? 1u : 8u)
#define SWEEPS (few_runs() ? 2000 : 100000)

static struct search_space a_space(void)
{
    return (struct search_space){.lr_low = 1e-3,
                                 .lr_high = 6.4e-2,
                                 .horizons = horizon,
                                 .horizon_count = 1,
                                 .seeds = 1,
                                 .resolution = 0.5,
                                 .target_tokens = 1000000,
                                 .seed = 1,
                                 .prior_beta = 0.25,
                                 .prior_beta_sd = 0.25,
                                 .precision = 0.001,
                                 .min_gain = 0.005,
                                 .round_trials = 8,
                                 .ratios = {{1, 1}, {1, 1}}};
}

static struct observation loss_at(double lr, double loss)
{
    return (struct observation){
        .tokens = 1000000, .lr = lr, .loss = loss, .kind = OBSERVED_LOSS, .ratios = {1, 1}};
}

struct moments {
    double mean, deviation, mass;
};

/* Adds a vertex's place with its weight. */
static void moments_add(struct moments *moments, double x, double weight)
{
    moments->mean += weight * x;
    moments->deviation += weight * x * x;
    moments->mass += weight;
}

static struct moments moments_of(const struct moments *sums)
{
    double mean = sums->mean / sums->mass;
    return (struct moments){mean, sqrt(sums->deviation / sums->mass - mean * mean), 1};
}

/* The vertex of the only basin: all discrete unknowns and the vertex enumerated; level, curvature
 * and the law's level integrated out. */
static struct moments enumerate(const struct cell_data *data)
{
    const struct cell_basin *basin = &data->basins[0];
    const struct term *level = term_find(&data->terms[0], TERM_LEVEL, 0);
    const struct vertex_grid *grid = &data->grids[0];
    double losses[64], log_of[VERTEX_GRID_MAX];
    static double prior[BASIN_MISFITS][VERTEX_GRID_MAX];
    struct moments sums = {0};
    assert_int_equal(data->terms[0].count, 1);
    for (size_t i = 0; i < basin->losses; i++)
        losses[i] = basin->points[i].loss;
    for (int m = 0; m < BASIN_MISFITS; m++) {
        double deviation = hypot(level->deviation, basin_misfit[m]);
        for (int v = 0; v < grid->count; v++) {
            double z = (vertex_grid_x(grid, v) - level->mean) / deviation;
            prior[m][v] = basin_misfit_prior[m] * exp(-z * z / 2) / deviation;
        }
    }
    for (int i = 0; i < BASIN_SHAPES * BASIN_CURVATURES * BASIN_SIGMAS * BASIN_ERRORS; i++) {
        struct basin_node node = {.shape = i % BASIN_SHAPES,
                                  .curvature = i / BASIN_SHAPES % BASIN_CURVATURES,
                                  .sigma = i / BASIN_SHAPES / BASIN_CURVATURES % BASIN_SIGMAS,
                                  .error = i / BASIN_SHAPES / BASIN_CURVATURES / BASIN_SIGMAS};
        double log_prior = log(basin_shape_of(node.shape).prior) +
                           basin_curvature_log_prior(data, 0, node.curvature) +
                           basin_sigma_log_prior(node.sigma) + log(basin_error_prior[node.error]);
        basin_log_likelihood(data, basin, 0, &node, losses, 0, grid->count, log_of);
        for (int v = 0; v < grid->count; v++)
            for (int m = 0; m < BASIN_MISFITS; m++)
                moments_add(&sums, vertex_grid_x(grid, v),
                            prior[m][v] * exp(log_prior + log_of[v] - 20));
    }
    return moments_of(&sums);
}

/* One long chain: what the sampler draws in the end. */
static struct moments run_chain(const struct cell_data *data, int sweeps)
{
    struct sampler *sampler = sampler_create(data);
    struct moments sums = {0};
    assert_non_null(sampler);
    assert_true(sampler_run(sampler, 1000));
    for (int i = 0; i < sweeps; i++) {
        assert_true(sampler_run(sampler, 1));
        moments_add(&sums, sampler->basins[0].vertex[0], 1);
    }
    sampler_destroy(sampler);
    return moments_of(&sums);
}

/* Several chains as short as a decision's: one alone is off by a tenth of a deviation. */
static struct moments sample(const struct search_space *space, const struct observation *seen,
                             size_t count)
{
    struct search_space own = *space;
    struct moments sums = {0};
    for (uint64_t chain = 0; chain < CHAINS; chain++) {
        own.seed = 1 + chain;
        struct cell_data *data = cell_data_create(&own, seen, count, -1);
        struct posterior *posterior = posterior_create(data);
        assert_non_null(posterior);
        for (int s = 0; s < POSTERIOR_SAMPLES; s++)
            moments_add(&sums, posterior_basin(posterior, s, 0)->vertex[0], 1);
        posterior_destroy(posterior);
        cell_data_destroy(data);
    }
    return moments_of(&sums);
}

static void samples_are_those_of_the_enumerated_posterior(void **state)
{
    (void)state;
    const struct search_space space = a_space();
    for (int losses = 3; losses <= 6; losses++) {
        struct observation seen[6];
        for (int i = 0; i < losses; i++) {
            double x = i * 6.0 / (losses - 1) - 3.4; /* over the whole range */
            seen[i] = loss_at(1e-3 * exp2(i * 6.0 / (losses - 1)),
                              3 + 0.02 * x * x + 0.004 * rng_normal(3, DRAWS, (uint64_t)i));
        }
        struct cell_data *data = cell_data_create(&space, seen, (size_t)losses, -1);
        assert_non_null(data);
        struct moments all = enumerate(data);
        struct moments drawn = run_chain(data, SWEEPS);
        print_message("%d losses: vertex %.3f +- %.3f, sampled %.3f +- %.3f\n", losses, all.mean,
                      all.deviation, drawn.mean, drawn.deviation);
        cell_data_destroy(data);
        if (few_runs())
            continue;
        assert_true(fabs(drawn.mean - all.mean) < 0.1 * all.deviation);
        assert_true(drawn.deviation > 0.8 * all.deviation);
        assert_true(drawn.deviation < 1.25 * all.deviation);
    }
}

/* A divergence says that the optimum is to its left, and nothing about how far. */
static void a_divergence_tells_one_side(void **state)
{
    (void)state;
    const struct search_space space = a_space();
    struct observation seen[] = {loss_at(4e-3, 3), loss_at(8e-3, 2.99), loss_at(1.6e-2, NAN)};
    seen[2].kind = OBSERVED_DIVERGED;
    struct moments before = sample(&space, seen, 2), after = sample(&space, seen, 3);
    assert_true(after.mean < before.mean - 0.1);
    assert_true(after.mean + after.deviation < before.mean + before.deviation - 0.1);
}

/* ---- no basin ---- */

static double no_basin(const double *losses, int count)
{
    const struct search_space space = a_space();
    struct observation seen[16] = {{.loss = NAN}};
    for (int i = 0; i < count; i++)
        seen[i] = loss_at(1e-3 * exp2(i * 6.0 / (count - 1)), losses[i]);
    struct cell_data *data = cell_data_create(&space, seen, (size_t)count, -1);
    assert_non_null(data);
    double probability = no_basin_probability(data, 0);
    cell_data_destroy(data);
    return probability;
}

static void a_deep_basin_is_one_and_noise_is_none(void **state)
{
    (void)state;
    const double basin[] = {3.2, 3.09, 3.02, 3, 3.02, 3.07, 3.2};
    const double bumps[] = {3, 2.98, 3.01, 2.97, 3.02, 2.99, 3.005};
    const double equal[] = {3, 3, 3, 3, 3, 3, 3};
    assert_true(no_basin(basin, 7) < 1e-3);
    assert_true(no_basin(bumps, 7) > 0.3);
    assert_true(no_basin(equal, 7) > 0.3);
    assert_float_equal(no_basin(basin, 0), 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_have_their_least_at_0_and_the_mean_height_1_an_octave_away),
        cmocka_unit_test(the_table_is_the_shape),
        cmocka_unit_test(divergence_grows_to_the_right_and_may_lie_on_both_sides),
        cmocka_unit_test(the_grid_of_vertices_reaches_beyond_the_range),
        cmocka_unit_test(samples_are_those_of_the_enumerated_posterior),
        cmocka_unit_test(a_divergence_tells_one_side),
        cmocka_unit_test(a_deep_basin_is_one_and_noise_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
