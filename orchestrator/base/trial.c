/* Names, field tables and sizes of trials. */
#include "lrsearch/trial.h"

#define NAME_FUNCTION(function, MAP)                                                               \
    const char *function(uint32_t value)                                                           \
    {                                                                                              \
        switch (value) {                                                                           \
            MAP(NAME_CASE)                                                                         \
        default:                                                                                   \
            return "?";                                                                            \
        }                                                                                          \
    }
#define NAME_CASE(enumerator, number, name)                                                        \
    case number:                                                                                   \
        return name;

NAME_FUNCTION(trainer_name, TRAINER_MAP)
NAME_FUNCTION(arch_name, ARCH_MAP)
NAME_FUNCTION(parametrization_name, PARAMETRIZATION_MAP)
NAME_FUNCTION(schedule_name, SCHEDULE_MAP)
NAME_FUNCTION(source_name, SOURCE_MAP)
NAME_FUNCTION(outcome_name, OUTCOME_MAP)

#define FIELD_OWNER trial_spec
FIELD_TABLE_DEFINE(trial_spec, TRIAL_SPEC_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER trial_result
FIELD_TABLE_DEFINE(trial_result, TRIAL_RESULT_FIELDS)
#undef FIELD_OWNER

/* gpt: per block two LayerNorms (4 d), qkv (3 d^2 + 3 d), projection (d^2 + d), MLP (8 d^2 + 5 d);
 * and the final LayerNorm (2 d). */
uint64_t trial_params_hidden(const struct trial_spec *spec)
{
    uint64_t d = spec->d_model;
    return spec->n_layers * (12 * d * d + 13 * d) + 2 * d;
}

/* Token and position embedding, untied output. */
uint64_t trial_params(const struct trial_spec *spec)
{
    uint64_t embeddings = ((uint64_t)spec->vocab * 2 + spec->context) * spec->d_model;
    return trial_params_hidden(spec) + embeddings;
}

double trial_flops_per_token(const struct trial_spec *spec)
{
    double d = spec->d_model, layers = spec->n_layers, context = spec->context, vocab = spec->vocab;
    return 72 * layers * d * d + 12 * layers * d * context + 6 * d * vocab;
}

uint64_t trial_steps(const struct trial_spec *spec)
{
    return (spec->horizon_tokens + spec->batch_tokens - 1) / spec->batch_tokens;
}
