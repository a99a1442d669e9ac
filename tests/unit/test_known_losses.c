/* The trainers that train nothing: replay and simulate, through the one entry of all trainers. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include "data/sweep_csv.h"
#include "trainers/simulate/loss_surface.h"
#include "trainers/trainer.h"

static char folder[512];
static struct train_files files;
static struct trial_place table_place; /* names the table */

static int set_up(void **state)
{
    (void)state;
    return temp_dir_make(folder, sizeof(folder));
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(folder);
    return 0;
}

static struct trial_result train(const struct trial_spec *spec, uint32_t attempt)
{
    const struct train_hooks hooks = {.attempt = attempt, .place = &table_place};
    struct trial_result result;
    memset(&files, 0, sizeof(files));
    trainer_run(spec, &files, &hooks, &result);
    return result;
}

/* ---- replay ---- */

static struct trial_spec table_spec(void)
{
    struct sweep_row rows[] = {
        {1000, .001, 3, 0}, {1000, .001, 3.5, 1}, {1000, .002, 2, 0}, {1000, .004, NAN, 0}};
    const struct sweep sweep = {.rows = rows, .count = 4};
    struct trial_spec spec = {.trainer = TRAINER_REPLAY, .horizon_tokens = 1000, .lr = .001};
    struct lr_error err = {0};
    if (sweep_write(&sweep, folder, table_place.data_path, &spec.data_hash, &err))
        fail_msg("%s", err.text);
    return spec;
}

static void replayed(void **state)
{
    struct trial_spec spec = table_spec();
    (void)state;
    struct trial_result result = train(&spec, 1);
    assert_int_equal(result.outcome, OUTCOME_DONE);
    assert_true(result.val_loss == 3);
    assert_true(isnan(result.val_loss_se) && isnan(result.val_bits_per_byte));
    assert_int_equal(result.tokens, 1000);
    assert_true(result.flops == 0 && result.seconds == 0);
    spec.seed = 3; /* of two seeds the second */
    assert_true(train(&spec, 1).val_loss == 3.5);
    spec.lr = .002 / sqrt(2);
    assert_true(fabs(train(&spec, 2).val_loss - (3.5 + 2) / 2) < 1e-12);
    spec.lr = .003;
    result = train(&spec, 1);
    assert_int_equal(result.outcome, OUTCOME_DIVERGED);
    assert_true(isnan(result.val_loss));
    assert_string_equal(result.message, "it diverged in the table, or the nearest learning rate "
                                        "there did");
}

static void refused(void **state)
{
    struct trial_spec spec = table_spec();
    (void)state;
    spec.lr = .005;
    struct trial_result result = train(&spec, 1);
    assert_int_equal(result.outcome, OUTCOME_REFUSED);
    assert_string_equal(result.message, "the table has no loss at learning rate 0.005 on 1000 "
                                        "tokens; it knows 0.001 to 0.004");
    assert_string_equal(outcome_name(result.outcome), "refused");
    assert_int_equal(result.tokens, 0);
    spec.horizon_tokens = 1001;
    result = train(&spec, 1);
    assert_int_equal(result.outcome, OUTCOME_REFUSED);
    assert_string_equal(result.message, "the table has no training on 1001 tokens");
}

static void table_that_cannot_be_read(void **state)
{
    struct trial_spec spec = table_spec();
    (void)state;
    spec.data_hash++;
    struct trial_result result = train(&spec, 1);
    assert_int_equal(result.outcome, OUTCOME_FAILED);
    assert_int_equal(files.err.code, LR_EDATA);
    assert_non_null(strstr(result.message, "is not the table that the campaign began with"));
    assert_int_equal(unlink(table_place.data_path), 0);
    result = train(&spec, 1);
    assert_int_equal(result.outcome, OUTCOME_FAILED);
    assert_non_null(strstr(result.message, "No such file"));
}

/* ---- simulate ---- */

static struct trial_spec surface_spec(void)
{
    return (struct trial_spec){.trainer = TRAINER_SIMULATE,
                               .seed = 5,
                               .lr = 8e-3,
                               .horizon_tokens = 1000000,
                               .simulate = {.seed = 5,
                                            .lr = 8e-3,
                                            .beta = .3,
                                            .curvature = .02,
                                            .asymmetry = .2,
                                            .cliff = 2.5,
                                            .seconds_per_mtoken = 2}};
}

static double loss_of(const struct trial_spec *spec)
{
    struct trial_result result = train(spec, 1);
    assert_int_equal(result.outcome, OUTCOME_DONE);
    return result.val_loss;
}

static void simulated_as_the_formula_says(void **state)
{
    struct trial_spec spec = surface_spec();
    (void)state;
    assert_true(loss_of(&spec) == 3);
    assert_true(train(&spec, 1).seconds == 2);
    assert_int_equal(train(&spec, 1).tokens, 1000000);
    spec.lr = 16e-3;
    assert_true(fabs(loss_of(&spec) - (3 + .02 * (1 + .2 * tanh(1)))) < 1e-12);
    spec.simulate.curvature_drift = 1;
    spec.horizon_tokens = 4000000;
    spec.lr = 4e-3 * pow(4, -.3);
    assert_true(fabs(loss_of(&spec) - (2 + pow(4, -.2) + 4 * .02 * (1 - .2 * tanh(1)))) < 1e-12);
    spec = surface_spec();
    spec.lr = 8e-3 * exp2(2.6);
    struct trial_result result = train(&spec, 1);
    assert_int_equal(result.outcome, OUTCOME_DIVERGED);
    assert_string_equal(result.message, "beyond the simulated cliff (simulate.cliff)");
}

/* A model moves the optimum and the loss. */
static void simulated_models(void **state)
{
    struct trial_spec spec = surface_spec();
    (void)state;
    spec.d_model = 64;
    spec.d_ff = 256;
    spec.n_layers = 2;
    spec.n_heads = 2;
    spec.vocab = 100;
    spec.simulate.alpha = .5;
    spec.simulate.gamma = .25;
    double params = (double)trial_params_hidden(&spec);
    spec.lr = 8e-3 * pow(params / 1e6, -.5) * pow(.01, -.25);
    assert_true(fabs(loss_of(&spec) - (3 + pow(params / 1e6, -.2) + .1 * log(.01))) < 1e-9);
}

/* Width, batch and the ratio move the optimum; hidden matrices and embedding have an LR each. */
static void simulated_axes(void **state)
{
    struct trial_spec spec = surface_spec();
    const double octave = 1 + .2 * tanh(1);
    (void)state;
    spec.d_model = 256; /* without n_layers: no size, so no alpha and no term of it */
    spec.batch_tokens = 40000;
    spec.vocab = 10000;
    spec.embedding_lr_ratio = 16;
    spec.simulate.delta = .5;
    spec.simulate.batch = .25;
    spec.lr = 8e-3 * .5 * sqrt(2);
    assert_true(fabs(loss_of(&spec) - 3) < 1e-9); /* whatever the ratio */
    spec.simulate.ratio_curvature = .01;
    spec.simulate.ratio = 4;
    spec.simulate.ratio_width = 1;
    assert_true(fabs(loss_of(&spec) - 3) < 1e-9); /* 4 at width 64 */
    spec.embedding_lr_ratio = 32;
    assert_true(fabs(loss_of(&spec) - 3 - .01 * octave) < 1e-9);
    spec.embedding_lr_ratio = 16;
    spec.lr *= 2; /* both of them */
    assert_true(fabs(loss_of(&spec) - 3 - .03 * octave) < 1e-9);
    spec.embedding_lr_ratio = 8;
    assert_true(fabs(loss_of(&spec) - 3 - .02 * octave) < 1e-9);
    spec.embedding_lr_ratio = 16;
    spec.lr /= 2;
    spec.vocab = 40000;
    spec.simulate.ratio_vocab = -.5;
    double base = loss_of(&spec);
    spec.embedding_lr_ratio = 8;
    assert_true(fabs(base - loss_of(&spec) - .01 * octave) < 1e-9);
    assert_true(fabs(loss_of(&spec) - 3 - .1 * log(4)) < 1e-9);

    /* noise: another one for another ratio or cell */
    spec.simulate.noise = .01;
    spec.simulate.misfit = .5;
    struct surface_place place = {.tokens = spec.horizon_tokens};
    double here = loss_of(&spec), optimum = loss_surface_optimum(&spec.simulate, &place);
    spec.simulate.cell = 12345;
    assert_true(loss_of(&spec) != here);
    assert_true(loss_surface_optimum(&spec.simulate, &place) != optimum);
    spec.simulate.misfit = 0;
    here = loss_of(&spec);
    spec.simulate.cell = 0;
    assert_true(loss_of(&spec) != here);
    spec.simulate.ratio_curvature = 1e-9; /* costs nothing, but is among the draws */
    here = loss_of(&spec);
    spec.embedding_lr_ratio = 16;
    assert_true(fabs(loss_of(&spec) - here) > 1e-4);
    spec.simulate.ratio_curvature = 0;
    here = loss_of(&spec);
    spec.embedding_lr_ratio = 8;
    assert_true(loss_of(&spec) == here);
}

/* LR times weight decay has a best value: half of one makes up for twice the other. */
static void a_ridge_of_lr_and_weight_decay(void **state)
{
    struct trial_spec spec = surface_spec();
    const double octave = 1 + .2 * tanh(1);
    (void)state;
    spec.lr = 8e-3;
    spec.weight_decay = .4;
    const double base = loss_of(&spec);
    spec.simulate.decay = .1;
    assert_true(fabs(loss_of(&spec) - base) < 1e-12); /* no curvature: no effect */
    spec.simulate.decay_curvature = .01;
    assert_true(fabs(loss_of(&spec) - base - .01 * 4 * (1 + .2 * tanh(2))) < 1e-9);
    spec.weight_decay = .2;
    assert_true(fabs(loss_of(&spec) - base - .01 * octave) < 1e-9);
    spec.weight_decay = .1;
    assert_true(fabs(loss_of(&spec) - base) < 1e-9);
    spec.lr *= 2; /* the LR's own basin, and the ridge's */
    assert_true(fabs(loss_of(&spec) - base - .03 * octave) < 1e-9);
    spec.weight_decay /= 2; /* back on the ridge */
    assert_true(fabs(loss_of(&spec) - base - .02 * octave) < 1e-9);
    spec.weight_decay = 0; /* none: no ridge */
    assert_true(fabs(loss_of(&spec) - base - .02 * octave) < 1e-9);

    struct surface_place place = {.tokens = 4000000};
    spec.simulate.decay_tokens = -.5;
    assert_true(fabs(loss_surface_decay(&spec.simulate, &place) - .05) < 1e-12);
    spec.simulate.noise = .01;
    spec.weight_decay = .1;
    double here = loss_of(&spec);
    spec.simulate.decay_curvature = 0;
    double without = loss_of(&spec);
    spec.weight_decay = .2;
    assert_true(loss_of(&spec) == without); /* not among the draws */
    assert_true(loss_of(&spec) != here);
}

/* The same again, other noise for another seed or learning rate, none shared but what is meant. */
#define SEEDS 400

static void noise_follows_from_the_trial(void **state)
{
    struct trial_spec spec = surface_spec();
    (void)state;
    spec.simulate.noise = .01;
    double sum = 0, squares = 0, first = loss_of(&spec);
    assert_true(first == loss_of(&spec));
    for (int i = 0; i < SEEDS; i++, spec.seed++) {
        double deviation = loss_of(&spec) - 3;
        sum += deviation / SEEDS;
        squares += deviation * deviation / SEEDS;
    }
    assert_true(fabs(sum) < .002);
    assert_true(fabs(sqrt(squares) - .01) < .001);
    spec.simulate.noise = 0;
    spec.simulate.seed_noise = .01;
    double at = loss_of(&spec), optimum = 8e-3;
    spec.lr = optimum * 2;
    assert_true(fabs(loss_of(&spec) - at - .02 * (1 + .2 * tanh(1))) < 1e-12);
    spec.simulate.seed_noise = 0;
    spec.simulate.misfit = .5; /* of a horizon, whatever the seed */
    const struct surface_place place = {.tokens = 1000000};
    spec.lr = loss_surface_optimum(&spec.simulate, &place);
    assert_true(fabs(log(spec.lr / optimum)) > .01);
    assert_true(fabs(loss_of(&spec) - 3) < 1e-12);
    spec.seed++;
    assert_true(fabs(loss_of(&spec) - 3) < 1e-12);
}

static void crashes_and_delays(void **state)
{
    struct trial_spec spec = surface_spec();
    int crashed = 0;
    double seconds = 0;
    (void)state;
    spec.simulate.crash = .25;
    spec.simulate.delay = .1;
    enum { ATTEMPTS = 400 };
    for (uint32_t attempt = 1; attempt <= ATTEMPTS; attempt++) {
        struct trial_result result = train(&spec, attempt), again = train(&spec, attempt);
        assert_int_equal(result.outcome, again.outcome);
        assert_true(result.seconds == again.seconds && result.seconds > 0);
        if (result.outcome == OUTCOME_FAILED) {
            crashed++;
            assert_int_equal(files.err.code, LR_EFAILURES);
            assert_string_equal(result.message, "a simulated crash (simulate.crash)");
            assert_int_equal(result.tokens, 0);
            continue;
        }
        assert_true(result.val_loss == 3); /* whichever attempt */
        seconds += result.seconds;
    }
    assert_in_range(crashed, ATTEMPTS / 6, ATTEMPTS / 3);
    assert_true(fabs(seconds / (ATTEMPTS - crashed) - 2) < .05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replayed),
        cmocka_unit_test(refused),
        cmocka_unit_test(table_that_cannot_be_read),
        cmocka_unit_test(simulated_as_the_formula_says),
        cmocka_unit_test(simulated_models),
        cmocka_unit_test(simulated_axes),
        cmocka_unit_test(a_ridge_of_lr_and_weight_decay),
        cmocka_unit_test(noise_follows_from_the_trial),
        cmocka_unit_test(crashes_and_delays),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
