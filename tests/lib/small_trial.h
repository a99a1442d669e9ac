#ifndef TESTS_SMALL_TRIAL_H
#define TESTS_SMALL_TRIAL_H
/* A training of milliseconds, on synthetic text. After cmocka_all.h. */
#include <math.h>
#include "model/model.h"

/* Macros: in arithmetic with doubles clang 19 refuses enumerators. */
#define CONTEXT 8
#define SEQUENCES 4
#define VOCAB 19
#define BATCH (SEQUENCES * CONTEXT)
#define STEPS 100

static inline struct trial_spec spec_of(void)
{
    return (struct trial_spec){.seed = 5,
                               .lr = 1e-2,
                               .embedding_lr_ratio = 1,
                               .output_lr_ratio = 1,
                               .vector_lr_ratio = 1,
                               .horizon_tokens = STEPS * BATCH,
                               .batch_tokens = BATCH,
                               .d_model = 16,
                               .n_layers = 1,
                               .n_heads = 2,
                               .context = CONTEXT,
                               .vocab = VOCAB,
                               .d_ff = 64,
                               .base_head_size = 8,
                               .base_layers = 1,
                               .base_width = 16,
                               .warmup = 0.1,
                               .final_lr = 0.1,
                               .weight_decay = 0.1,
                               .beta1 = 0.9,
                               .beta2 = 0.95,
                               .adam_eps = 1e-8,
                               .clip = 1,
                               .source = SOURCE_SYNTHETIC,
                               .val_tokens = 13 * CONTEXT, /* no multiple of the micro-batch */
                               .zipf_exponent = 1,
                               .markov_weight = 0.7};
}

static inline struct model *model_of(const struct trial_spec *spec)
{
    struct model *model;
    assert_int_equal(model_create(&model, spec, NULL), 0);
    model_init(model, spec->seed);
    return model;
}

static inline void near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.9g is not %.9g", value, wanted);
}

#endif
