/* The coordinate check's numbers: the line through them, and that a parametrization which is wrong
 * in one place is seen. */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include "kernels/kernels.h"
#include "search/slope.h"
#include "small_trial.h"
#include "train/coordinates.h"

enum { WIDTHS = 4, LAYERS = 16, TRAINED = 4 };

/* x 0..3, y 0 1 1 2: slope .6, residuals -.1 .3 -.3 .1, so the error is sqrt(.2 / 2 / 5) =
 * .1414214; Student's 95 % quantile for 2 degrees of freedom is 2.919986. */
static void slope_by_hand(void **state)
{
    (void)state;
    const double x[] = {0, 1, 2, 3}, y[] = {0, 1, 1, 2}, flat[] = {2, 2, 2, 2};
    struct slope fit = slope_fit(x, y, 4);
    near(fit.slope, 0.6, 1e-12);
    near(fit.error, 0.14142136, 1e-7);
    near(fit.ci90[0], 0.6 - 0.41294838, 1e-4);
    near(fit.ci90[1], 0.6 + 0.41294838, 1e-4);
    fit = slope_fit(x, y, 2);
    near(fit.slope, 1, 1e-12);
    assert_true(isnan(fit.error)); /* two points say nothing of it */
    assert_true(isnan(slope_fit(flat, y, 4).slope));
    const double broken[] = {0, 1, INFINITY, 2};
    assert_true(isnan(slope_fit(x, broken, 4).slope));
}

/* Changes the spec of width 16 m. */
typedef void change(struct trial_spec *spec, double m);

static void nothing(struct trial_spec *spec, double m)
{
    (void)spec;
    (void)m;
}

/* Hidden matrices train as if their LR were not divided by m. */
static void hidden_lr_is_kept(struct trial_spec *spec, double m)
{
    spec->lr *= m;
    spec->embedding_lr_ratio /= m;
    spec->output_lr_ratio /= m;
}

/* 1/sqrt(d_h) in place of 1/d_h. */
static void attention_as_sp(struct trial_spec *spec, double m)
{
    spec->base_head_size = (uint32_t)(8 * m);
}

static void slopes_of(double slopes[LAYERS], char names[LAYERS][MODEL_LAYER_NAME],
                      uint32_t parametrization, change *wrong)
{
    double x[WIDTHS], y[LAYERS][WIDTHS];
    size_t layers = 0;
    for (size_t w = 0; w < WIDTHS; w++) {
        struct trial_spec spec = spec_of();
        struct coordinates run;
        static const uint32_t ratios[WIDTHS] = {1, 4, 16, 32};
        uint32_t m = ratios[w];
        spec.parametrization = parametrization;
        spec.lr = 5e-3;
        assert_true(trial_set_width(&spec, 16 * m, false));
        wrong(&spec, m);
        x[w] = log((double)m);
        assert_int_equal(coordinates_measure(&run, &spec, TRAINED, NULL, NULL, NULL), 0);
        layers = run.layers;
        assert_true(layers <= LAYERS);
        memcpy(names, run.names, layers * sizeof(*names));
        for (size_t l = 0; l < layers; l++)
            y[l][w] = log(run.means[TRAINED * layers + l]);
        coordinates_release(&run);
    }
    for (size_t l = 0; l < layers; l++)
        slopes[l] = slope_fit(x, y[l], WIDTHS).slope;
    assert_int_equal(layers, 2 + 4); /* one block */
}

static void what_is_wrong_shows(void **state)
{
    double right[LAYERS], slopes[LAYERS];
    char names[LAYERS][MODEL_LAYER_NAME];
    (void)state;
    slopes_of(right, names, PARAM_MUP, nothing);
    for (size_t l = 0; l < 6; l++)
        if (!(right[l] < 0.25 && right[l] > -0.6))
            fail_msg("mup: %s has slope %g", names[l], right[l]);
    assert_string_equal(names[0], "embedding");
    assert_string_equal(names[1], "block 0 attention logits");
    assert_string_equal(names[3], "block 0 mlp");
    assert_string_equal(names[5], "output logits");

    slopes_of(slopes, names, PARAM_MUP, hidden_lr_is_kept);
    assert_true(slopes[3] > 0.8);
    slopes_of(slopes, names, PARAM_MUP, attention_as_sp);
    assert_true(slopes[1] > right[1] + 0.35); /* 1/2 at the start */
    slopes_of(slopes, names, PARAM_SP, nothing);
    assert_true(slopes[3] > 0.8 && slopes[5] > 0.4);
}

static void the_same_again(void **state)
{
    struct trial_spec spec = spec_of();
    struct coordinates one, two;
    (void)state;
    assert_int_equal(coordinates_measure(&one, &spec, 2, NULL, NULL, NULL), 0);
    assert_int_equal(coordinates_measure(&two, &spec, 2, NULL, NULL, NULL), 0);
    assert_memory_equal(one.means, two.means, 3 * one.layers * sizeof(double));
    assert_true(one.means[0] > 0 && one.means[0] != one.means[2 * one.layers]);
    coordinates_release(&one);
    coordinates_release(&two);
}

static int stop(void *context)
{
    return ++*(int *)context == 2;
}

static void it_can_be_interrupted(void **state)
{
    struct trial_spec spec = spec_of();
    struct coordinates run;
    struct lr_error err = {0};
    int calls = 0;
    (void)state;
    assert_int_equal(coordinates_measure(&run, &spec, 9, stop, &calls, &err), LR_ECANCELED);
    assert_int_equal(calls, 2);
    coordinates_release(&run);
    spec.n_heads = 3;
    assert_int_equal(coordinates_measure(&run, &spec, 9, stop, &calls, NULL), LR_EINVAL);
    coordinates_release(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slope_by_hand),
        cmocka_unit_test(what_is_wrong_shows),
        cmocka_unit_test(the_same_again),
        cmocka_unit_test(it_can_be_interrupted),
    };
    kernels_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
