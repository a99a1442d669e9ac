/* Exponents of the width, one row for each parametrization. In a file of its own, so that a test
 * can link a rule that is wrong in one place (tests/lib/coord_case.c). */
#include "model/model_state.h"

const struct width_rule *width_rule_of(uint32_t parametrization)
{
    static const struct width_rule rules[] = {
        [PARAM_SP] = {.attention = -1},
        [PARAM_MUP] = {.hidden_init = -1, .hidden_lr = -2, .logits = -2, .attention = -2},
        [PARAM_LVP] =
            {.embedding_lr = -1, .hidden_init = -1, .hidden_lr = -2, .logits = -2, .attention = -2},
    };
    return &rules[parametrization];
}
