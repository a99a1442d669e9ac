/* The whole model's gradient, the parametrizations, and one training from spec to result. */
#include "cmocka_all.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include "few_runs.h"
#include "kernels/instructions.h"
#include "kernels/kernels.h"
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"
#include "model/model.h"
#include "model/model_state.h"
#include "model/parametrization.h"
#include "trainers/transformer/losses.h"
#include "trainers/transformer/optimizer.h"
#include "trainers/trainer.h"

#define CONTEXT 8
enum { SEQUENCES = 4, VOCAB = 19 };

static struct trial_spec spec_of(uint32_t parametrization, uint32_t d_model, uint32_t base_width)
{
    return (struct trial_spec){.seed = 5,
                               .lr = 1e-2,
                               .embedding_lr_ratio = 3,
                               .output_lr_ratio = 0.5,
                               .vector_lr_ratio = 1,
                               .horizon_tokens = 8192,
                               .batch_tokens = 32,
                               .d_model = d_model,
                               .n_layers = 2,
                               .n_heads = 2,
                               .context = CONTEXT,
                               .vocab = VOCAB,
                               .d_ff = 4 * d_model,
                               .base_head_size = base_width / 2,
                               .base_layers = 2,
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

/* The three parametrizations of gpt, then models in which every other tensor and rule is met. */
enum { VARIANTS = 6 };

static struct trial_spec variant(uint32_t index)
{
    struct trial_spec spec = spec_of(index <= PARAM_LVP ? index : PARAM_MUP, 12, 6);
    if (index == 3 || index == 4)
        spec.arch = ARCH_LLAMA;
    if (index >= 4) {
        spec.tied_output = 1;
        spec.qk_norm = 1;
        spec.depth_rule = DEPTH_COMPLETEP;
        spec.base_layers = 1;
    }
    return spec;
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
    model_losses(model, tokens, SEQUENCES, CONTEXT, losses);
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
    for (uint32_t kind = 0; kind < VARIANTS; kind++) {
        struct trial_spec spec = variant(kind);
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
                fail_msg("variant %u, %s: slope %g, squared gradient %g", kind, param->name, slope,
                         squared);
        }
        model_destroy(model);
    }
}

/* What the gradient's own direction cannot show: a part of it that is missing or too much. Along a
 * direction u of norm 1 the slope is u . grad; the losses' rounding (1e-5) over a step that could
 * change them by .1, and the curvature, leave .2 % of the gradient's norm. */
static void every_tensors_gradient_holds_in_any_direction(void **state)
{
    enum { DIRECTIONS = 6, LARGEST = 8 * 12 * 12 };
    (void)state;
    for (uint32_t kind = 0; kind < VARIANTS; kind++) {
        struct trial_spec spec = variant(kind);
        struct model *model = made(&spec);
        uint32_t tokens[SEQUENCES * (CONTEXT + 1)];
        float kept[LARGEST];
        fill_tokens(tokens);
        model_zero_grad(model);
        model_forward_backward(model, tokens, SEQUENCES, 1.0f);
        for (size_t i = 0; i < model_param_count(model) * DIRECTIONS; i++) {
            struct param *param = model_param(model, i / DIRECTIONS);
            size_t count = param->count;
            assert_true(count <= LARGEST);
            memcpy(kept, param->value, count * sizeof(float));
            double norm = sqrt(sum_of_squares(param->grad, count)), wanted = 0, length = 0;
            for (size_t j = 0; j < count; j++)
                length += pow(rng_normal(i, RNG_SIMULATE, j), 2);
            double step = fmin(0.05 / norm, 0.03), at[2]; /* farther, small tensors curve */
            for (int way = 0; way < 2; way++) {
                for (size_t j = 0; j < count; j++)
                    param->value[j] = kept[j] + (float)((way ? step : -step) / sqrt(length) *
                                                        rng_normal(i, RNG_SIMULATE, j));
                at[way] = loss_sum(model, tokens);
            }
            for (size_t j = 0; j < count; j++)
                wanted += rng_normal(i, RNG_SIMULATE, j) / sqrt(length) * (double)param->grad[j];
            memcpy(param->value, kept, count * sizeof(float));
            double slope = (at[1] - at[0]) / (2 * step);
            if (!(fabs(slope - wanted) < 2e-3 * norm))
                fail_msg("variant %u, %s: slope %g, by the gradient %g, its norm %g", kind,
                         param->name, slope, wanted, norm);
        }
        model_destroy(model);
    }
}

static void no_position_sees_what_follows(void **state)
{
    (void)state;
    struct trial_spec spec = variant(4);
    struct model *model = made(&spec);
    uint32_t tokens[SEQUENCES * (CONTEXT + 1)];
    float before[CONTEXT];
    double losses[1];
    fill_tokens(tokens);
    model_losses(model, tokens, 1, CONTEXT, losses);
    memcpy(before, model->losses, sizeof(before));
    tokens[5] = (tokens[5] + 1) % VOCAB; /* label of position 4, input of position 5 */
    model_losses(model, tokens, 1, CONTEXT, losses);
    assert_memory_equal(model->losses, before, 4 * sizeof(float));
    for (int t = 4; t < CONTEXT; t++)
        assert_true(model->losses[t] != before[t]);
    model_destroy(model);
}

static void refused(struct trial_spec spec, const char *text)
{
    struct model *model = (struct model *)&spec;
    struct lr_error err = {0};
    assert_int_equal(model_create(&model, &spec, &err), LR_EINVAL);
    assert_null(model);
    assert_string_equal(err.text, text);
}

static void impossible_models_are_refused(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of(PARAM_SP, 12, 12);
    spec.d_model = 0;
    refused(spec, "model: d_model is 0: it must be 1 to 1048576");
    spec = spec_of(PARAM_SP, 12, 12);
    spec.vocab = UINT32_MAX;
    refused(spec, "model: vocab is 4294967295: it must be 1 to 1048576");
    refused(spec_of(3, 12, 12), "parametrization 3 is not known");
    spec = spec_of(PARAM_SP, 6, 6); /* heads of 3 */
    spec.arch = ARCH_LLAMA;
    refused(spec, "model: heads of 3 channels cannot be rotated by llama");
    spec.arch = 2;
    refused(spec, "architecture 2 is not known");
    spec = spec_of(PARAM_SP, 12, 12);
    spec.batch_tokens = 31;
    refused(spec, "training: batch_tokens 31 is no multiple of context 8");
    spec = spec_of(PARAM_SP, 12, 12);
    spec.precision = 2;
    refused(spec, "precision 2 is not known");
    spec.precision = PRECISION_BF16;
    assert_true(trial_products(spec.products, "own"));
    refused(spec, "trainer.matmul: ooooooooooooooo does not multiply in bf16");
    if (!matmul_present(MATMUL_AMX)) {
        assert_true(trial_products(spec.products, "bf16-amx"));
        refused(spec, "trainer.matmul: 'x' of xxxxxxxxxxxxxxx: this CPU has no AMX for bf16; use "
                      "bf16, whose bits every CPU has");
    }
    spec.precision = PRECISION_FP32;
    assert_true(trial_products(spec.products, "own"));
    spec.products[14] = 'h';
    refused(spec, "trainer.matmul: ooooooooooooooh does not multiply in fp32");
    spec = spec_of(PARAM_SP, 1 << 20, 12); /* more than any machine has, but no overflow */
    spec.n_layers = 1 << 20;
    spec.d_ff = 1 << 20;
    struct model *model;
    struct lr_error err = {0};
    assert_int_equal(model_create(&model, &spec, &err), LR_ENOMEM);
    assert_non_null(strstr(err.text, " MB of memory, which are not available"));
}

/* Names and sizes; the count is the one that the law is written in. */
static void tensors_add_up_to_the_models_size(void **state)
{
    static const char *const last[VARIANTS] = {"head.weight", "head.weight", "head.weight",
                                               "head.weight", "lnf.weight",  "lnf.bias"};
    (void)state;
    for (uint32_t kind = 0; kind < VARIANTS; kind++) {
        struct trial_spec spec = variant(kind);
        struct model *model = made(&spec);
        size_t sum = 0;
        for (size_t i = 0; i < model_param_count(model); i++) {
            const struct param *param = model_param(model, i);
            assert_int_equal(param->count, (size_t)param->rows * param->cols);
            sum += param->count;
        }
        assert_int_equal(sum, trial_params(&spec));
        assert_string_equal(model_param(model, 0)->name, "wte.weight");
        assert_string_equal(model_param(model, model_param_count(model) - 1)->name, last[kind]);
        model_destroy(model);
    }
}

static void weights_start_as_gpt2s(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of(PARAM_MUP, 64, 16); /* m = 4, 2 layers */
    struct model *model;
    assert_int_equal(model_create(&model, &spec, NULL), 0);
    model_init(model, 1);
    for (size_t i = 0; i < model_param_count(model); i++) {
        struct param *p = model_param(model, i);
        double into_stream = strstr(p->name, "proj.weight") ? 0.5 : 1; /* 1/sqrt(2 layers) */
        double by_width = p->group == GROUP_HIDDEN ? 0.5 : 1;          /* 1/sqrt(m) */
        double wanted = strstr(p->name, "ln") && strstr(p->name, "weight") ? 1
                        : p->group == GROUP_VECTOR                         ? 0
                                                   : 0.02 * into_stream * by_width;
        double rms = sqrt(sum_of_squares(p->value, p->count) / (double)p->count);
        if (!(fabs(rms - wanted) <= 4 * wanted / sqrt(2.0 * (double)p->count)))
            fail_msg("%s: rms %g, wanted %g", p->name, rms, wanted);
        assert_true(sum_of_squares(p->m, p->count) + sum_of_squares(p->v, p->count) == 0);
    }
    model_destroy(model);
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

/* At four times the base width, heads of 12 (3 at the base): sqrt(3) / 12 = 1 / (sqrt(12) 2). */
static void forward_factors_follow_the_table(void **state)
{
    (void)state;
    for (uint32_t kind = PARAM_SP; kind <= PARAM_LVP; kind++) {
        struct trial_spec spec = spec_of(kind, 24, 6);
        struct model *model = made(&spec);
        double attention = kind == PARAM_SP ? 1 / sqrt(12) : sqrt(3) / 12;
        assert_true(fabs((double)model->attention_scale - attention) < 1e-7);
        assert_true(model->logit_scale == (kind == PARAM_SP ? 1.0f : 0.25f));
        model_destroy(model);
    }
}

/* Large enough that every kernel has several pieces to share out. */
enum { WIDE = 96, LONG = 250, WORDS = 1100, PAIR = 2 };

struct first_step {
    double loss, norm;
    uint64_t bits; /* a hash of all weights and moments */
};

static struct first_step first_step_of(uint32_t kind)
{
    static uint32_t tokens[PAIR * (LONG + 1)];
    for (size_t i = 0; i < PAIR * (LONG + 1); i++)
        tokens[i] = (uint32_t)rng_below(3, RNG_SIMULATE, i, WORDS);
    struct trial_spec spec = variant(kind % VARIANTS);
    spec.precision = kind / VARIANTS;
    spec.context = LONG;
    spec.vocab = WORDS;
    spec.batch_tokens = PAIR * LONG;
    assert_true(trial_set_width(&spec, WIDE, false));
    struct first_step step = {.bits = 0};
    struct model *model;
    assert_int_equal(model_create(&model, &spec, NULL), 0);
    model_init(model, 1);
    model_zero_grad(model);
    assert_true(model_micro_batch(model) >= PAIR);
    step.loss = model_forward_backward(model, tokens, PAIR, 1e-3f);
    step.norm = optimizer_step(model, &spec, 1, 1);
    for (size_t i = 0; i < model_param_count(model); i++) {
        const struct param *param = model_param(model, i);
        const float *const parts[] = {param->value, param->m, param->v};
        for (size_t j = 0; j < 3 * param->count; j++) {
            uint32_t bits;
            memcpy(&bits, &parts[j / param->count][j % param->count], sizeof(bits));
            step.bits = step.bits * 6364136223846793005u + bits;
        }
    }
    model_destroy(model);
    return step;
}

static void threads_leave_every_bit(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < 2 * VARIANTS; kind += few_runs() ? 4 : 1) {
        struct first_step steps[3];
        for (int t = 0; t < 3; t++) {
            kernels_set_threads(t == 0 ? 1 : t == 1 ? 2 : 5);
            steps[t] = first_step_of(kind);
        }
        kernels_set_threads(1);
        assert_memory_equal(&steps[1], &steps[0], sizeof(*steps));
        assert_memory_equal(&steps[2], &steps[0], sizeof(*steps));
    }
}

/* All kernels with AVX2 against all with AVX-512; reported as skipped where the CPU lacks these. */
static void instructions_leave_every_bit(void **state)
{
    (void)state;
    if (instructions_here() < INSTRUCTIONS_AVX512)
        skip();
    for (uint32_t kind = 0; kind < 2 * VARIANTS; kind += few_runs() ? 4 : 1) {
        struct first_step best = first_step_of(kind);
        instructions_most = INSTRUCTIONS_AVX2;
        struct first_step avx2 = first_step_of(kind);
        instructions_most = INSTRUCTIONS_AVX512;
        assert_memory_equal(&avx2, &best, sizeof(avx2));
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
    struct train_hooks hooks = {.context = heard, .step = on_step, .attempt = 1};
    struct trial_result result;
    trainer_run(spec, NULL, &hooks, &result);
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

/* In bf16 the largest numbers become infinite when they are rounded, FLT_MAX among them. */
static void overflow_of_bf16_has_diverged(void **state)
{
    uint32_t tokens[CONTEXT + 1] = {0};
    (void)state;
    for (uint32_t precision = PRECISION_FP32; precision <= PRECISION_BF16; precision++) {
        struct trial_spec spec = spec_of(PARAM_SP, 16, 16);
        struct diverge diverge = {0};
        spec.precision = precision;
        struct model *model = made(&spec);
        for (size_t i = 0; i < model_param_count(model); i++)
            if (strcmp(model_param(model, i)->name, "lnf.weight") == 0)
                model_param(model, i)->value[0] = 1e-30f; /* the product with FLT_MAX is finite */
            else if (strcmp(model_param(model, i)->name, "head.weight") == 0)
                for (size_t j = 0; j < model_param(model, i)->count; j++)
                    model_param(model, i)->value[j] = j == 0 ? FLT_MAX : 0;
        double loss = model_forward_backward(model, tokens, 1, 0);
        assert_true(diverge_step(&diverge, loss) == (precision == PRECISION_BF16));
        model_destroy(model);
    }
}

static void bf16_learns_repeats_and_diverges_too(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of(PARAM_SP, 16, 16), single = spec;
    struct heard heard = {0}, again = {0}, other = {0}, wild = {0};
    spec.precision = PRECISION_BF16;
    struct trial_result first = run(&spec, &heard), second = run(&spec, &again);
    struct trial_result fp32 = run(&single, &other);
    assert_int_equal(first.outcome, OUTCOME_DONE);
    assert_memory_equal(&first, &second, sizeof(first));
    assert_true(first.val_loss != fp32.val_loss);
    assert_true(fabs(first.val_loss / fp32.val_loss - 1) < 5e-3);
    assert_true(first.flops == fp32.flops);
    spec.lr = 100;
    assert_int_equal(run(&spec, &wild).outcome, OUTCOME_DIVERGED);
}

/* m = 4: what mup and lvp divide by m for Adam is not divided for Muon, or by m^1/2. */
static void factors_of_muon(void **state)
{
    (void)state;
    static const struct {
        uint32_t parametrization, scale;
        double hidden, embedding;
    } cases[] = {{PARAM_SP, MUON_UNIT_RMS, 1, 1},    {PARAM_SP, MUON_MATCH_RMS, 1, 1},
                 {PARAM_MUP, MUON_UNIT_RMS, 1, 1},   {PARAM_MUP, MUON_MATCH_RMS, .5, 1},
                 {PARAM_MUP, MUON_ORIGINAL, 1, 1},   {PARAM_LVP, MUON_UNIT_RMS, 1, .5},
                 {PARAM_LVP, MUON_MATCH_RMS, .5, .5}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct factor_row rows[MODEL_FACTOR_ROWS];
        struct forward_factors forward;
        struct trial_spec spec = spec_of(cases[i].parametrization, 16, 4);
        spec.optimizer = OPTIMIZER_MUON;
        spec.muon_lr_scale = cases[i].scale;
        spec.embedding_lr_ratio = 3;
        spec.vector_lr_ratio = .25;
        spec.embedding_lr_shift = .5; /* m^.5 = 2 */
        size_t count = model_factors(&spec, rows, &forward);
        assert_int_equal(count, 6);
        assert_true(fabs(rows[0].lr - (3 * 2 * cases[i].embedding)) < 1e-15);
        assert_true(fabs(rows[0].decay - (1 / (2 * cases[i].embedding))) < 1e-15);
        for (size_t r = 1; r <= 2; r++) {
            assert_string_equal(rows[r].kind, "hidden");
            assert_true(fabs(rows[r].lr - (cases[i].hidden)) < 1e-15);
            assert_true(fabs(rows[r].decay - (1 / cases[i].hidden)) < 1e-15);
            assert_true(rows[r].eps == 0);
        }
        assert_true(fabs(rows[3].lr - .5) < 1e-15);
        assert_true(rows[3].eps == 1);
        assert_true(fabs(rows[4].lr - (.25)) < 1e-15);
        assert_true(fabs(rows[5].lr - (.25)) < 1e-15);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors_of_muon),
        cmocka_unit_test(every_tensors_gradient_is_the_slope),
        cmocka_unit_test(every_tensors_gradient_holds_in_any_direction),
        cmocka_unit_test(no_position_sees_what_follows),
        cmocka_unit_test(impossible_models_are_refused),
        cmocka_unit_test(tensors_add_up_to_the_models_size),
        cmocka_unit_test(weights_start_as_gpt2s),
        cmocka_unit_test(at_base_width_all_parametrizations_are_one),
        cmocka_unit_test(factors_follow_the_table),
        cmocka_unit_test(forward_factors_follow_the_table),
        cmocka_unit_test(threads_leave_every_bit),
        cmocka_unit_test(instructions_leave_every_bit),
        cmocka_unit_test(parts_of_a_batch_add_up),
        cmocka_unit_test(a_training_learns_and_repeats_bit_for_bit),
        cmocka_unit_test(a_wild_learning_rate_diverges_and_says_where),
        cmocka_unit_test(overflow_of_bf16_has_diverged),
        cmocka_unit_test(bf16_learns_repeats_and_diverges_too),
        cmocka_unit_test(cancel_and_failure_are_results),
    };
    kernels_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
