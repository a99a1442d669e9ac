/* One training from spec to result: what the trainer tells while it runs, and what it leaves. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "data/source.h"
#include "kernels/kernels.h"
#include "small_trial.h"
#include "trainers/trainer.h"

struct heard {
    int calls, cancel_at;
    struct train_step steps[STEPS + 8];
};

static int on_step(void *context, const struct train_step *step)
{
    struct heard *heard = context;
    assert_in_range(heard->calls, 0, STEPS + 7);
    heard->steps[heard->calls] = *step;
    return ++heard->calls == heard->cancel_at;
}

static struct heard heard;
static const struct trial_place *place; /* of run(); NULL: none */

static struct trial_result run(const struct trial_spec *spec, int cancel_at)
{
    struct train_hooks hooks = {.context = &heard, .step = on_step, .attempt = 1, .place = place};
    struct trial_result result;
    memset(&heard, 0, sizeof(heard));
    heard.cancel_at = cancel_at;
    trainer_run(spec, NULL, &hooks, &result);
    return result;
}

static void every_step_is_told(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    struct trial_result result = run(&spec, 0);
    double tail = 0;
    assert_int_equal(result.outcome, OUTCOME_DONE);
    assert_int_equal(heard.calls, STEPS + 4); /* and the four batches of the validation */
    for (int i = 0; i < heard.calls; i++) {
        const struct train_step *step = &heard.steps[i];
        int n = i < STEPS ? i + 1 : STEPS;
        assert_int_equal(step->tokens, n * BATCH);
        /* point k: the first step at or after k/32 of the horizon */
        bool point = i < STEPS && n * 32 / STEPS > (n - 1) * 32 / STEPS;
        assert_int_equal(step->curve_point, point);
        assert_true(step->seconds >= (i ? heard.steps[i - 1].seconds : 0));
        tail += i >= STEPS - 5 && i < STEPS ? step->train_loss : 0;
    }
    assert_true(heard.steps[3].curve_point && !heard.steps[2].curve_point); /* 4 = ceil(100/32) */
    assert_true(heard.steps[STEPS - 1].curve_point);
    near(result.train_loss, tail / 5, 1e-12); /* a twentieth */
    near(result.flops, trial_flops_per_token(&spec) * STEPS * BATCH, 1);
    assert_string_equal(result.message, "");
    assert_true(result.seconds > 0);
}

static void a_horizon_shorter_than_the_curve(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    spec.horizon_tokens = 3 * BATCH - 1; /* rounded up: 3 steps */
    struct trial_result result = run(&spec, 0);
    assert_int_equal(result.outcome, OUTCOME_DONE);
    assert_int_equal(result.tokens, 3 * BATCH);
    for (int i = 0; i < 3; i++)
        assert_true(heard.steps[i].curve_point);
    near(result.train_loss, heard.steps[2].train_loss, 0);
    struct train_hooks silent = {0};
    trainer_run(&spec, NULL, &silent, &result); /* nobody listens */
    assert_int_equal(result.outcome, OUTCOME_DONE);
}

static void cancel_is_heard_in_training_and_in_validation(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    struct trial_result result = run(&spec, 2);
    assert_int_equal(result.outcome, OUTCOME_CANCELED);
    assert_string_equal(result.message, "canceled at token 64");
    assert_int_equal(heard.calls, 2);
    assert_true(isnan(result.val_loss) && isnan(result.train_loss));
    result = run(&spec, STEPS + 2);
    assert_int_equal(result.outcome, OUTCOME_CANCELED);
    assert_string_equal(result.message, "canceled during validation");
    assert_int_equal(heard.calls, STEPS + 2);
    assert_true(isnan(result.val_loss));
}

static void weights_that_are_not_numbers_diverge(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    spec.lr = NAN; /* the weights are NaN after the first step */
    struct trial_result result = run(&spec, 0);
    assert_int_equal(result.outcome, OUTCOME_DIVERGED);
    assert_string_equal(result.message, "training loss not finite at token 64");
    assert_int_equal(result.tokens, 64);
    spec.horizon_tokens = BATCH; /* no second step: the validation must see it */
    result = run(&spec, 0);
    assert_int_equal(result.outcome, OUTCOME_DIVERGED);
    assert_string_equal(result.message, "validation loss not finite at token 32");
    assert_true(isnan(result.val_loss) && isnan(result.val_loss_se));
}

static void a_loss_far_above_its_start_is_told_with_numbers(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    spec.lr = 100;
    struct trial_result result = run(&spec, 0);
    char tail[64];
    assert_int_equal(result.outcome, OUTCOME_DIVERGED);
    assert_ptr_equal(strstr(result.message, "training loss "), result.message);
    snprintf(tail, sizeof(tail), ", far above its start %.3g, at token %d",
             heard.steps[0].train_loss, (int)result.tokens);
    assert_non_null(strstr(result.message, tail));
    assert_true(result.tokens > BATCH && result.tokens <= 20 * BATCH);
    spec.horizon_tokens = BATCH; /* one step: only the validation can see it */
    result = run(&spec, 0);
    assert_int_equal(result.outcome, OUTCOME_DIVERGED);
    assert_ptr_equal(strstr(result.message, "validation loss "), result.message);
    assert_non_null(strstr(result.message, ", at token 32"));
    assert_true(isnan(result.val_loss));
}

/* 137 sequences of 8 are more than one micro-batch, and no multiple of it. The loss of the first
 * step is the mean over sequences 0..136, of the second over 137..273, by an untrained model while
 * the LR is next to nothing. */
static void every_sequence_of_a_large_batch_is_read_once(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    spec.batch_tokens = 137 * CONTEXT;
    spec.horizon_tokens = 2 * spec.batch_tokens;
    spec.lr = 1e-12;
    run(&spec, 0);
    struct model *model = model_of(&spec);
    struct source *source;
    assert_true(model_micro_batch(model) < 137);
    assert_int_equal(source_open(&source, &spec, "", NULL), 0);
    for (uint64_t step = 0; step < 2; step++) {
        double sum = 0, loss;
        for (uint64_t i = 0; i < 137; i++) {
            uint32_t tokens[CONTEXT + 1];
            source_train(source, step * 137 + i, tokens);
            model_losses(model, tokens, 1, CONTEXT, &loss);
            sum += loss;
        }
        near(heard.steps[step].train_loss, sum / 137, 1e-6);
    }
    source_close(source);
    model_destroy(model);
}

static void data_that_is_not_there_fails_the_trial(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    spec.source = SOURCE_TOKENS;
    place = &(const struct trial_place){.data_path = "/nowhere/tokens.bin"};
    struct trial_result result = run(&spec, 0);
    place = NULL;
    assert_int_equal(result.outcome, OUTCOME_FAILED);
    assert_non_null(strstr(result.message, "/nowhere/tokens.bin"));
    assert_int_equal(result.tokens, 0);
    assert_int_equal(heard.calls, 0);
}

static void a_kind_that_there_is_not_fails_the_trial(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    spec.trainer = 99;
    struct trial_result result = run(&spec, 0);
    assert_int_equal(result.outcome, OUTCOME_FAILED);
    assert_string_equal(result.message, "there is no trainer of kind 99");
    assert_int_equal(heard.calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_is_told),
        cmocka_unit_test(a_horizon_shorter_than_the_curve),
        cmocka_unit_test(cancel_is_heard_in_training_and_in_validation),
        cmocka_unit_test(weights_that_are_not_numbers_diverge),
        cmocka_unit_test(a_loss_far_above_its_start_is_told_with_numbers),
        cmocka_unit_test(every_sequence_of_a_large_batch_is_read_once),
        cmocka_unit_test(data_that_is_not_there_fails_the_trial),
        cmocka_unit_test(a_kind_that_there_is_not_fails_the_trial),
    };
    kernels_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
