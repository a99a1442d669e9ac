/* See coord_case.h. */
#include "cmocka_all.h"

#include <stdio.h>
#include "coord_case.h"
#include "model/parametrization.h"

static enum coord_fault current;

const char *coord_fault_name(enum coord_fault fault)
{
#define X(enumerator, text) [enumerator] = (text),
    static const char *const names[] = {COORD_FAULTS(X)};
#undef X
    return names[fault];
}

const struct width_rule *width_rule_of(uint32_t parametrization)
{
    static struct width_rule rule;
    rule = (struct width_rule){.attention = -1};
    if (parametrization != PARAM_SP)
        rule =
            (struct width_rule){.hidden_init = -1, .hidden_lr = -2, .logits = -2, .attention = -2};
    if (parametrization == PARAM_LVP)
        rule.embedding_lr = -1;
    rule.hidden_lr += (current == FAULT_HIDDEN_LR_HIGH) - (current == FAULT_HIDDEN_LR_LOW);
    rule.logits += 2 * ((current == FAULT_LOGITS_HIGH) - (current == FAULT_LOGITS_LOW));
    rule.attention += current == FAULT_ATTENTION;
    rule.embedding_lr += (current == FAULT_EMBEDDING_LR_HIGH) - (current == FAULT_EMBEDDING_LR_LOW);
    rule.hidden_init += current == FAULT_HIDDEN_INIT;
    rule.output_lr += (current == FAULT_OUTPUT_LR_HIGH) - (current == FAULT_OUTPUT_LR_LOW);
    return &rule;
}

bool coord_fault_applies(enum coord_fault fault, const struct coord_setting *setting)
{
    if (fault == FAULT_ATTENTION)
        return !setting->heads_grow;
    if (fault == FAULT_OUTPUT_LR_HIGH || fault == FAULT_OUTPUT_LR_LOW)
        return !setting->tied;
    return true;
}

void coord_case_run(struct coord_check *check, const struct coord_setting *setting,
                    enum coord_fault fault)
{
    enum { CONTEXT = 64, BATCH = 512, HEAD = 8 };
    uint32_t width = setting->width;
    struct lr_error err;
    *check = (struct coord_check){.width_count = 4,
                                  .widths = {width, 2 * width, 4 * width, 8 * width},
                                  .seeds = 3,
                                  .steps = setting->steps,
                                  .heads_grow = setting->heads_grow};
    uint32_t heads = setting->heads_grow ? width / HEAD : 2;
    check->spec = (struct trial_spec){.seed = setting->seed,
                                      .lr = setting->lr,
                                      .embedding_lr_ratio = 1,
                                      .output_lr_ratio = 1,
                                      .vector_lr_ratio = 1,
                                      .batch_tokens = BATCH,
                                      .horizon_tokens = (uint64_t)BATCH * setting->steps,
                                      .arch = setting->arch,
                                      .d_model = width,
                                      .n_layers = 2,
                                      .n_heads = heads,
                                      .context = CONTEXT,
                                      .vocab = setting->vocab,
                                      .d_ff = trial_default_d_ff(setting->arch, width),
                                      .tied_output = setting->tied,
                                      .qk_norm = setting->qk_norm,
                                      .parametrization = setting->parametrization,
                                      .base_width = width,
                                      .base_head_size = width / heads,
                                      .base_layers = 2,
                                      .weight_decay = 0.1,
                                      .beta1 = 0.9,
                                      .beta2 = 0.95,
                                      .adam_eps = 1e-8,
                                      .clip = 1,
                                      .source = SOURCE_SYNTHETIC,
                                      .val_tokens = BATCH,
                                      .zipf_exponent = 1,
                                      .markov_weight = 0.7,
                                      .markov_order = 1};
    current = fault;
    if (coord_measure(check, NULL, NULL, &err) || coord_judge(check, &err))
        fail_msg("%s", err.text);
}

void coord_case_print(const struct coord_check *check, const struct coord_setting *setting,
                      enum coord_fault fault)
{
    printf("%s %s, heads %s, qk_norm %d, tied %d, vocab %u, width %u, lr %g, seed %d, wrong: %s\n",
           arch_name(setting->arch), parametrization_name(setting->parametrization),
           setting->heads_grow ? "more" : "larger", setting->qk_norm, setting->tied, setting->vocab,
           setting->width, setting->lr, (int)setting->seed, coord_fault_name(fault));
    for (size_t i = 0; i < check->figure_count; i++) {
        const struct coord_figure *figure = &check->figures[i];
        if (figure->verdict != COORD_OK)
            printf("  part %d, %s: %+.2f +- %.2f, %s\n", figure->part, figure->name,
                   figure->slope.slope, figure->slope.error, coord_verdict_name(figure->verdict));
    }
}
