/* The coordinate check's numbers: the line through them, activations, and what a step does to the
 * loss. What is made of them: test_coord_check.c. */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include "data/source.h"
#include "kernels/kernels.h"
#include "search/numerics.h"
#include "small_trial.h"
#include "trainers/transformer/coordinates.h"
#include "trainers/transformer/optimizer.h"

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

static void layers_have_names(void **state)
{
    static const char *const names[] = {"embedding",         "block 0 attention logits",
                                        "block 0 attention", "block 0 mlp",
                                        "block 0 stream",    "output logits"};
    struct trial_spec spec = spec_of();
    struct coordinates run;
    (void)state;
    assert_int_equal(coordinates_measure(&run, &spec, "", 1, NULL, NULL, NULL), 0);
    assert_int_equal(run.layers, 6);
    for (size_t l = 0; l < run.layers; l++)
        assert_string_equal(run.names[l], names[l]);
    coordinates_release(&run);
}

/* Of the first batch, after so many steps on it. */
static double first_loss(const struct trial_spec *spec, int steps)
{
    struct model *model = model_of(spec);
    struct source *source;
    uint32_t tokens[SEQUENCES * (CONTEXT + 1)];
    double losses[SEQUENCES], mean = 0;
    assert_int_equal(model_micro_batch(model), SEQUENCES);
    assert_int_equal(source_open(&source, spec, "", NULL), 0);
    for (uint64_t s = 0; s < SEQUENCES; s++)
        source_train(source, s, tokens + s * (CONTEXT + 1));
    for (int step = 1; step <= steps; step++) {
        model_forward_backward(model, tokens, SEQUENCES, 1.0f / BATCH);
        optimizer_step(model, spec, 1, (uint64_t)step);
        model_zero_grad(model);
    }
    model_losses(model, tokens, SEQUENCES, CONTEXT, losses);
    for (int s = 0; s < SEQUENCES; s++)
        mean += losses[s] / SEQUENCES;
    source_close(source);
    model_destroy(model);
    return mean;
}

/* Next to no LR: what the first step takes away from the loss of its batch is what it was said to
 * take, and twice the LR takes twice as much. */
static void gains_are_the_loss(void **state)
{
    struct trial_spec spec = spec_of();
    struct coordinates run, twice;
    double sum = 0;
    (void)state;
    spec.lr = 1e-4;
    spec.weight_decay = 0;
    assert_int_equal(coordinates_measure(&run, &spec, "", 1, NULL, NULL, NULL), 0);
    spec.lr *= 2;
    assert_int_equal(coordinates_measure(&twice, &spec, "", 1, NULL, NULL, NULL), 0);
    for (int g = 0; g < GROUP_COUNT; g++) {
        assert_true(run.gains[g] > 0);
        near(twice.gains[g] / run.gains[g], 2, 1e-3);
        sum += run.gains[g];
    }
    spec.lr /= 2;
    near(first_loss(&spec, 0) - first_loss(&spec, 1), sum, 0.03 * sum);
    coordinates_release(&run);
    coordinates_release(&twice);
}

static void the_same_again(void **state)
{
    struct trial_spec spec = spec_of();
    struct coordinates one, two;
    (void)state;
    assert_int_equal(coordinates_measure(&one, &spec, "", 2, NULL, NULL, NULL), 0);
    assert_int_equal(coordinates_measure(&two, &spec, "", 2, NULL, NULL, NULL), 0);
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
    assert_int_equal(coordinates_measure(&run, &spec, "", 9, stop, &calls, &err), LR_ECANCELED);
    assert_int_equal(calls, 2);
    coordinates_release(&run);
    spec.n_heads = 3;
    assert_int_equal(coordinates_measure(&run, &spec, "", 9, stop, &calls, NULL), LR_EINVAL);
    coordinates_release(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slope_by_hand),         cmocka_unit_test(layers_have_names),
        cmocka_unit_test(gains_are_the_loss),    cmocka_unit_test(the_same_again),
        cmocka_unit_test(it_can_be_interrupted),
    };
    kernels_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
