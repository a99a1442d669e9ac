/* The whole model's gradient, the parametrizations, and one training from spec to result. */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include "kernels/kernels.h"
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"
#include "model/model.h"
#include "train/schedule.h"
#include "train/trainer.h"

enum { CONTEXT = 8, SEQUENCES = 4, VOCAB = 19 };

static struct trial_spec spec_of(uint32_t parametrization, uint32_t d_model, uint32_t base_width)
{
    return (struct trial_spec){.seed = 5,
                               .lr = 1e-2,
                               .embedding_lr_ratio = 3,
                               .output_lr_ratio = 0.5,
                               .horizon_tokens = 8192,
                               .batch_tokens = 32,
                               .d_model = d_model,
                               .n_layers = 2,
                               .n_heads = 2,
                               .context = CONTEXT,
                               .vocab = VOCAB,
                               .parametrization = parametrization,
                               .base_width = base_width,
                               .warmup = 0.1,
                               .final_lr = 0.1,
                               .weight_decay = 0.1,
                               .beta1 = 0.9,
                               .beta2 = 0.95,
                               .adam_eps = 1e-8,
                               .clip = 1,
                               .source = SOURCE_SYNTHETIC,
                               .val_tokens = 512,
                               .zipf_exponent = 1,
                               .markov_weight = 0.7};
}

static void fill_tokens(uint32_t *tokens)
{
    for (uint32_t i = 0; i < SEQUENCES * (CONTEXT + 1); i++)
        tokens[i] = (uint32_t)rng_below(3, RNG_SIMULATE, i, VOCAB);
}

static struct model *made(const struct trial_spec *spec)
{
    struct model *model;
    assert_int_equal(model_create(&model, spec, NULL), 0);
    model_init(model, spec->seed);
    for (size_t i = 0; i < model_param_count(model); i++) { /* larger than at init: real slopes */
        struct param *param = model_param(model, i);
        for (size_t j = 0; j < param->count; j++)
            param->value[j] += 0.2f * (float)rng_normal(i, RNG_SIMULATE, j);
    }
    return model;
}

static double loss_sum(struct model *model, const uint32_t *tokens)
{
    double losses[SEQUENCES], sum = 0;
    model_losses(model, tokens, SEQUENCES, losses);
    for (int s = 0; s < SEQUENCES; s++)
        sum += losses[s] * CONTEXT;
    return sum;
}

/* Along the gradient of each tensor the loss must rise by its squared norm. In float the difference
 * of two losses of order 90 errs by some 1e-5; a step that changes the loss by about .02 leaves 1
 * %. */
static void every_tensors_gradient_is_the_slope(void **state)
{
    (void)state;
    for (uint32_t kind = PARAM_SP; kind <= PARAM_LVP; kind++) {
        struct trial_spec spec = spec_of(kind, 12, 6);
        struct model *model = made(&spec);
        uint32_t tokens[SEQUENCES * (CONTEXT + 1)];
        fill_tokens(tokens);
        model_zero_grad(model);
        double loss = model_forward_backward(model, tokens, SEQUENCES, 1.0f);
        assert_true(fabs(loss - loss_sum(model, tokens)) < 1e-4);
        for (size_t i = 0; i < model_param_count(model); i++) {
            struct param *param = model_param(model, i);
            double squared = sum_of_squares(param->grad, param->count);
            assert_true(squared > 0);
            float step = (float)(0.01 / squared);
            for (int way = -1; way <= 1; way += 2) {
                for (size_t j = 0; j < param->count; j++)
                    param->v[j] = param->value[j]; /* kept aside */
                for (size_t j = 0; j < param->count; j++)
                    param->value[j] += (float)way * step * param->grad[j];
                param->m[(way + 1) / 2 ? 1 : 0] = (float)(loss_sum(model, tokens) - loss);
                memcpy(param->value, param->v, param->count * sizeof(float));
            }
            double slope = ((double)param->m[1] - (double)param->m[0]) / (2 * (double)step);
            if (!(fabs(slope / squared - 1) < 0.02))
                fail_msg("%s, %s: slope %g, squared gradient %g", parametrization_name(kind),
                         param->name, slope, squared);
        }
        model_destroy(model);
    }
}

static void at_base_width_all_parametrizations_are_one(void **state)
{
    (void)state;
    uint32_t tokens[SEQUENCES * (CONTEXT + 1)];
    double first = 0;
    fill_tokens(tokens);
    for (uint32_t kind = PARAM_SP; kind <= PARAM_LVP; kind++) {
        struct trial_spec spec = spec_of(kind, 12, 12);
        struct model *model;
        assert_int_equal(model_create(&model, &spec, NULL), 0);
        model_init(model, 1);
        double loss = loss_sum(model, tokens);
        assert_true(kind == PARAM_SP || loss == first);
        assert_true(fabs(loss / (SEQUENCES * CONTEXT) - log(VOCAB)) < 0.05); /* knows nothing */
        first = loss;
        model_destroy(model);
    }
}

/* The table of Yang et al. and Hayou & Liu at four times the base width. */
static void factors_follow_the_table(void **state)
{
    static const struct {
        uint32_t kind;
        double embedding, hidden, hidden_std, output;
    } table[] = {
        {PARAM_SP, 3, 1, .02, .5}, {PARAM_MUP, 3, .25, .01, .5}, {PARAM_LVP, 1.5, .25, .01, .5}};
    (void)state;
    for (size_t row = 0; row < 3; row++) {
        struct trial_spec spec = spec_of(table[row].kind, 24, 6);
        struct model *model = made(&spec);
        for (size_t i = 0; i < model_param_count(model); i++) {
            const struct param *param = model_param(model, i);
            double wanted = param->group == GROUP_EMBEDDING ? table[row].embedding
                            : param->group == GROUP_HIDDEN  ? table[row].hidden
                            : param->group == GROUP_OUTPUT  ? table[row].output
                                                            : 1;
            assert_true(fabs(param->lr_factor - wanted) < 1e-12);
            if (strcmp(param->name, "blocks.1.mlp.fc.weight") == 0)
                assert_true(fabs(param->init_std - table[row].hidden_std) < 1e-12);
            assert_true((param->decay_factor == 0) == (param->group == GROUP_VECTOR));
        }
        model_destroy(model);
    }
}

static void parts_of_a_batch_add_up(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of(PARAM_SP, 12, 12);
    struct model *whole = made(&spec), *parts = made(&spec);
    uint32_t tokens[SEQUENCES * (CONTEXT + 1)];
    fill_tokens(tokens);
    model_zero_grad(whole);
    model_zero_grad(parts);
    double sum = model_forward_backward(whole, tokens, SEQUENCES, 1), of_parts = 0;
    for (uint32_t s = 0; s < SEQUENCES; s++)
        of_parts += model_forward_backward(parts, tokens + s * (CONTEXT + 1), 1, 1);
    assert_true(fabs(sum - of_parts) < 1e-4);
    for (size_t i = 0; i < model_param_count(whole); i++)
        for (size_t j = 0; j < model_param(whole, i)->count; j++)
            assert_true(fabsf(model_param(whole, i)->grad[j] - model_param(parts, i)->grad[j]) <
                        1e-4f);
    model_destroy(whole);
    model_destroy(parts);
}

struct heard {
    int steps, points, cancel_after;
};

static int on_step(void *context, const struct train_step *step)
{
    struct heard *heard = context;
    heard->points += step->curve_point;
    return ++heard->steps == heard->cancel_after;
}

static struct trial_result run(const struct trial_spec *spec, struct heard *heard)
{
    struct train_hooks hooks = {heard, on_step};
    struct trial_result result;
    trainer_run(spec, &hooks, &result);
    result.seconds = 0;
    return result;
}

static void a_training_learns_and_repeats_bit_for_bit(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of(PARAM_SP, 16, 16), other = spec;
    struct heard heard = {0}, again = {0}, between = {0};
    struct trial_result first = run(&spec, &heard);
    other.lr *= 3;
    run(&other, &between);
    struct trial_result second = run(&spec, &again);
    assert_int_equal(first.outcome, OUTCOME_DONE);
    assert_memory_equal(&first, &second, sizeof(first));
    assert_true(first.val_loss < log(VOCAB) - 0.3);
    assert_true(first.val_loss_se > 0 && first.val_loss_se < 0.2);
    assert_int_equal(first.tokens, 8192);
    assert_int_equal(heard.points, TRAIN_CURVE_POINTS);
}

static void a_wild_learning_rate_diverges_and_says_where(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of(PARAM_SP, 16, 16);
    struct heard heard = {0};
    spec.lr = 100;
    struct trial_result result = run(&spec, &heard);
    assert_int_equal(result.outcome, OUTCOME_DIVERGED);
    assert_true(isnan(result.val_loss));
    assert_non_null(strstr(result.message, " at token "));
    assert_true(result.tokens < 8192);
}

static void cancel_and_failure_are_results(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of(PARAM_SP, 16, 16);
    struct heard heard = {.cancel_after = 3};
    struct trial_result result = run(&spec, &heard);
    assert_int_equal(result.outcome, OUTCOME_CANCELED);
    assert_int_equal(result.tokens, 96);
    spec.n_heads = 3;
    result = run(&spec, &heard);
    assert_int_equal(result.outcome, OUTCOME_FAILED);
    assert_string_equal(result.message, "model: 3 heads do not divide d_model 16");
    spec = spec_of(PARAM_SP, 16, 16);
    for (long n = 0; n < 12; n++) {
        struct heard quiet = {.cancel_after = 1};
        lr_memory_fail_after(n);
        result = run(&spec, &quiet);
        assert_true(result.outcome == OUTCOME_FAILED || result.outcome == OUTCOME_CANCELED);
    }
    lr_memory_fail_after(-1);
}

/* 100 steps, 10 of warm-up, down to .1: by hand. */
static void schedule_by_hand(void **state)
{
    (void)state;
    struct trial_spec spec = {
        .horizon_tokens = 6400, .batch_tokens = 64, .warmup = 0.1, .final_lr = 0.1};
    assert_true(fabs(schedule_factor(&spec, 1) - 0.1) < 1e-12);
    assert_true(fabs(schedule_factor(&spec, 10) - 1) < 1e-12);
    assert_true(fabs(schedule_factor(&spec, 55) - 0.55) < 1e-12);
    assert_true(fabs(schedule_factor(&spec, 100) - 0.1) < 1e-12);
    spec.warmup = 0;
    assert_true(schedule_factor(&spec, 1) < 1 && schedule_factor(&spec, 1) > 0.999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tensors_gradient_is_the_slope),
        cmocka_unit_test(at_base_width_all_parametrizations_are_one),
        cmocka_unit_test(factors_follow_the_table),
        cmocka_unit_test(parts_of_a_batch_add_up),
        cmocka_unit_test(a_training_learns_and_repeats_bit_for_bit),
        cmocka_unit_test(a_wild_learning_rate_diverges_and_says_where),
        cmocka_unit_test(cancel_and_failure_are_results),
        cmocka_unit_test(schedule_by_hand),
    };
    kernels_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
