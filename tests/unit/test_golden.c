/* The whole model against an independent implementation: tests/golden/generate.py computed in
 * double precision, with PyTorch's autograd, what the files beside it hold; for bf16,
 * generate_bf16.py; for Muon, generate_muon.py. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "data/safetensors.h"
#include "kernels/kernels.h"
#include "lrsearch/memory.h"
#include "model/model.h"
#include "model/model_state.h"
#include "trainers/transformer/optimizer.h"

/* How far off a tensor may be: its largest difference as a share of its largest value, and the root
 * mean square of the differences as a share of that of the values. */
struct tolerance {
    double largest, rms;
};
/* 3e-6 is met. 2e-4 would pass over a qk-norm with eps 1e-6 in place of 1e-5, which makes
 * 1.6e-4. */
static const struct tolerance exact = {2e-5, 2e-5};

/* bf16 has 8 significant bits: rounding moves a number by at most 2^-9 of itself, .0011 in the root
 * mean square.
 *
 * rounded.*: the same operands are rounded, so that the numbers agree within 3e-7 (met), unless an
 * operand lies so near the middle between two bf16 that the rounding of fp32 sends it to the other
 * one, 2^-8 away. That happens to one in some 10^4; as one of at least 7 terms of a sum it moves
 * the sum by 2^-10 or so, and less of what comes after. Met: 1e-3, and 5e-4 of the root mean
 * square.
 *
 * autocast.*: there the results of the 8 products and functions of a block are rounded too, and the
 * logits: 25 roundings in 3 blocks, which add up in squares to 5 x .0011 (met: .0052 of the root
 * mean square); for gradients three times as many, and where rows cancel each other (biases, norms)
 * up to twice as much of what is left: 2 x 9 x .0011 = .019 (met: .022). The loss is a mean over 14
 * rows; in 20 steps the weights drift apart (met: .0012). */
static const struct tolerance rounded = {0x1p-9, 0x1p-10};
static const struct tolerance rounded_loss = {0x1p-10, 0x1p-10};
static const struct tolerance autocast_logits = {0x1p-6, 0x1p-7};
static const struct tolerance autocast_gradient = {0x1p-5, 0x1p-5};
static const struct tolerance autocast_loss = {0x1p-8, 0x1p-8};
#define SEQUENCES 2
enum { STEPS = 20 };

static const char *const configurations[] = {"gpt-sp",
                                             "gpt-mup",
                                             "gpt-lvp",
                                             "llama-sp",
                                             "llama-mup",
                                             "llama-lvp",
                                             "gpt-tied-qknorm",
                                             "llama-tied-qknorm-zloss",
                                             "gpt-completep-lvp",
                                             "llama-completep"};

static const char *const with_muon[] = {"gpt-muon-mup", "gpt-muon-original", "llama-muon-match"};
#define TOLERANCE_MUON 3e-6 /* of weights, whose largest is some 2 */

static const char *const in_bf16[] = {"gpt-sp", "gpt-completep-lvp", "llama-mup",
                                      "llama-tied-qknorm-zloss"};

static uint32_t by_name(const char *(*name)(uint32_t), const char *text)
{
    for (uint32_t value = 0; value < 8; value++)
        if (strcmp(name(value), text) == 0)
            return value;
    fail_msg("%s is no name", text);
    return 0;
}

static uint32_t whole(const struct safetensors *file, const char *key, const char *text)
{
    (void)file;
    if (strcmp(key, "arch") == 0)
        return by_name(arch_name, text);
    if (strcmp(key, "parametrization") == 0)
        return by_name(parametrization_name, text);
    if (strcmp(key, "depth_rule") == 0)
        return by_name(depth_rule_name, text);
    if (strcmp(key, "optimizer") == 0)
        return by_name(optimizer_name, text);
    if (strcmp(key, "muon_lr_scale") == 0)
        return by_name(muon_scale_name, text);
    return (uint32_t)strtoul(text, NULL, 10);
}

/* What generate.py writes; generate_muon.py has five more. */
enum { FIELDS = 26, FIELDS_OF_MUON = 31 };

/* Fields that the file does not name stay 0. */
static struct trial_spec spec_in(const struct safetensors *file)
{
    struct trial_spec spec = {0};
    unsigned found = 0;
    for (size_t i = 0; i < trial_spec_fields.count; i++) {
        const struct field *field = &trial_spec_fields.fields[i];
        const char *text = safetensors_metadata(file, field->name);
        char *member = (char *)&spec + field->offset;
        if (!text)
            continue;
        found++;
        if (field->type == FIELD_U32)
            *(uint32_t *)(void *)member = whole(file, field->name, text);
        else if (field->type == FIELD_F64)
            *(double *)(void *)member = strtod(text, NULL);
        else
            fail_msg("%s is neither a whole number nor a real one", field->name);
    }
    assert_int_equal(found, spec.optimizer == OPTIMIZER_MUON ? FIELDS_OF_MUON : FIELDS);
    if (spec.optimizer == OPTIMIZER_ADAMW)
        spec.vector_lr_ratio = 1;
    spec.batch_tokens = SEQUENCES * spec.context;
    spec.horizon_tokens = (uint64_t)STEPS * spec.batch_tokens;
    return spec;
}

static const struct st_tensor *tensor(const struct safetensors *file, const char *kind,
                                      const char *name)
{
    char key[96];
    snprintf(key, sizeof(key), "%s%s", kind, name);
    const struct st_tensor *found = safetensors_find(file, key);
    if (!found)
        fail_msg("%s is missing", key);
    return found;
}

/* What a model has to agree with. */
struct golden {
    const char *name;
    const struct safetensors *file;
    const char *way; /* first part of the names of its tensors */
    struct tolerance loss, logits, gradient;
};

static const float *theirs_of(const struct golden *golden, const char *kind, const char *name)
{
    char key[96];
    snprintf(key, sizeof(key), "%s%s", golden->way, kind);
    return tensor(golden->file, key, name)->data;
}

static void must_agree(const struct golden *golden, const char *what, struct tolerance tolerance,
                       const float *ours, const float *theirs, size_t count, float scale)
{
    double off = 0, largest = 0, off_squares = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)(scale * ours[i]) - (double)theirs[i]);
        if (!(difference <= off))
            off = difference;
        largest = fmax(largest, fabs((double)theirs[i]));
        off_squares += difference * difference;
        squares += (double)theirs[i] * (double)theirs[i];
    }
    if (!(off <= tolerance.largest * largest) ||
        !(off_squares <= tolerance.rms * tolerance.rms * squares) || !(largest > 0))
        fail_msg("%s, %s%s: off by %g of %g, rms %g of %g", golden->name, golden->way, what, off,
                 largest, sqrt(off_squares / (double)count), sqrt(squares / (double)count));
}

static void first_batch(const struct golden *golden, struct model *model, const uint32_t *tokens)
{
    const struct trial_spec *spec = &model->spec;
    size_t rows = (size_t)SEQUENCES * spec->context;
    double losses[SEQUENCES];
    assert_true(rows <= model->head_rows); /* so that all logits are still there */
    model_losses(model, tokens, SEQUENCES, spec->context, losses);
    must_agree(golden, "logits", golden->logits, model->logits, theirs_of(golden, "logits", ""),
               rows * spec->vocab, model->logit_scale);
    float mean = (float)((losses[0] + losses[1]) / SEQUENCES);
    must_agree(golden, "loss", golden->loss, &mean, theirs_of(golden, "losses", ""), 1, 1);

    model_zero_grad(model);
    model_forward_backward(model, tokens, SEQUENCES, 1.0f / (float)spec->batch_tokens);
    for (size_t i = 0; i < model_param_count(model); i++) {
        const struct param *param = model_param(model, i);
        must_agree(golden, param->name, golden->gradient, param->grad,
                   theirs_of(golden, "grad.", param->name), param->count, 1);
    }
}

static void twenty_steps(const struct golden *golden, struct model *model, const uint32_t *tokens)
{
    const struct trial_spec *spec = &model->spec;
    float losses[STEPS];
    for (uint32_t step = 1; step <= STEPS; step++) {
        const uint32_t *batch = tokens + (size_t)(step - 1) * SEQUENCES * (spec->context + 1);
        model_zero_grad(model);
        double sum =
            model_forward_backward(model, batch, SEQUENCES, 1.0f / (float)spec->batch_tokens);
        losses[step - 1] = (float)(sum / spec->batch_tokens);
        optimizer_step(model, spec, schedule_factor(spec, step), step);
    }
    const float *theirs = theirs_of(golden, "losses", "");
    for (size_t i = 0; i < STEPS; i++)
        must_agree(golden, "loss of a step", golden->loss, losses + i, theirs + i, 1, 1);
}

static struct safetensors *opened(const char *name, const char *suffix)
{
    const char *source = getenv("LRSEARCH_SOURCE_DIR");
    char path[1024];
    struct safetensors *file;
    struct lr_error err = {0};
    snprintf(path, sizeof(path), "%s/tests/golden/%s%s", source ? source : ".", name, suffix);
    if (safetensors_open(&file, path, &err))
        fail_msg("%s", err.text);
    return file;
}

/* The file's model with its weights. */
static struct model *model_in(const struct safetensors *file, uint32_t precision)
{
    struct model *model;
    struct trial_spec spec = spec_in(file);
    spec.precision = precision;
    assert_int_equal(model_create(&model, &spec, NULL), 0);
    model_init(model, 1);
    for (size_t i = 0; i < model_param_count(model); i++) {
        struct param *param = model_param(model, i);
        memcpy(param->value, tensor(file, "param.", param->name)->data,
               param->count * sizeof(float));
    }
    return model;
}

static void compare(const struct golden *golden, const struct safetensors *start,
                    uint32_t precision)
{
    struct model *model = model_in(start, precision);
    const uint32_t *tokens = tensor(start, "tokens", "")->data;
    first_batch(golden, model, tokens);
    twenty_steps(golden, model, tokens);
    model_destroy(model);
}

static void agrees_with_pytorch(void **state)
{
    struct safetensors *file = opened(*state, ".safetensors");
    const struct golden golden = {*state, file, "", exact, exact, exact};
    struct model *model = model_in(file, PRECISION_FP32);
    for (size_t i = 0; i < model_param_count(model); i++) {
        const struct param *param = model_param(model, i);
        const float *init_std = tensor(file, "init_std.", param->name)->data;
        assert_true(fabs(param->init_std - (double)*init_std) <= 1e-7);
    }
    /* tokens, losses, logits, and three for each tensor: none is left out */
    assert_int_equal(safetensors_count(file), 3 + 3 * model_param_count(model));
    model_destroy(model);
    compare(&golden, file, PRECISION_FP32);
    safetensors_close(file);
}

/* A key's bias adds the same to all scores of a query: its gradient is zero, and AdamW follows the
 * rounding errors. */
static bool is_key_bias(const struct param *param, size_t index)
{
    return strstr(param->name, "attn.qkv.bias") && index / (param->count / 3) == 1;
}

static void muon_agrees_with_numpy(void **state)
{
    struct safetensors *file = opened(*state, ".safetensors");
    const struct golden golden = {*state, file, "", exact, exact, exact};
    struct model *model = model_in(file, PRECISION_FP32);
    twenty_steps(&golden, model, tensor(file, "tokens", "")->data);
    for (size_t i = 0; i < model_param_count(model); i++) {
        const struct param *param = model_param(model, i);
        const float *theirs = theirs_of(&golden, "after.", param->name);
        const float *start = theirs_of(&golden, "param.", param->name);
        double off = 0, moved = 0;
        for (size_t j = 0; j < param->count; j++) {
            double difference = fabs((double)param->value[j] - (double)theirs[j]);
            if (!(difference <= off) && !is_key_bias(param, j))
                off = difference;
            moved = fmax(moved, fabs((double)theirs[j] - (double)start[j]));
        }
        if (!(off <= TOLERANCE_MUON) || !(moved > 1e-3))
            fail_msg("%s, %s: off by %g, moved by %g", golden.name, param->name, off, moved);
    }
    model_destroy(model);
    safetensors_close(file);
}

static void bf16_agrees_with_pytorch(void **state)
{
    struct safetensors *start = opened(*state, ".safetensors");
    struct safetensors *file = opened(*state, ".bf16.safetensors");
    const struct golden twin = {*state, file, "rounded.", rounded_loss, rounded, rounded};
    const struct golden torch = {
        *state, file, "autocast.", autocast_loss, autocast_logits, autocast_gradient};
    compare(&twin, start, PRECISION_BF16);
    compare(&torch, start, PRECISION_BF16);
    safetensors_close(file);
    safetensors_close(start);
}

int main(void)
{
    enum {
        COUNT = sizeof(configurations) / sizeof(*configurations),
        BF16 = sizeof(in_bf16) / sizeof(*in_bf16),
        MUON = sizeof(with_muon) / sizeof(*with_muon),
    };
    struct CMUnitTest tests[COUNT + BF16 + MUON];
    for (size_t i = 0; i < COUNT; i++)
        tests[i] = (struct CMUnitTest){configurations[i], agrees_with_pytorch, NULL, NULL,
                                       (void *)(uintptr_t)configurations[i]};
    for (size_t i = 0; i < BF16; i++)
        tests[COUNT + i] = (struct CMUnitTest){in_bf16[i], bf16_agrees_with_pytorch, NULL, NULL,
                                               (void *)(uintptr_t)in_bf16[i]};
    for (size_t i = 0; i < MUON; i++)
        tests[COUNT + BF16 + i] = (struct CMUnitTest){with_muon[i], muon_agrees_with_numpy, NULL,
                                                      NULL, (void *)(uintptr_t)with_muon[i]};
    kernels_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
