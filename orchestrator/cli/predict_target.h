#ifndef LRSEARCH_PREDICT_TARGET_H
#define LRSEARCH_PREDICT_TARGET_H

#include "cli/command_line.h"
#include "plan/plan.h"

/* A new target for a past campaign: options of predict and audit. */
struct predict_target {
    uint64_t tokens;
    uint32_t width, layers, vocab, batch; /* 0: the plan's */
    uint32_t schedule;                    /* 1 + enum schedule_kind; 0: the plan's */
    double cooldown;                      /* of wsd; 0: the default */
};

/* Checks the options against each other and the operand: 0 or LR_EUSAGE. */
int predict_target_check(const struct predict_target *target, const struct command_line *line,
                         struct lr_error *err);

/* Sets the plan's target. LR_EDATA or LR_EPLAN, with the reason: the campaign has no answer for
 * it. */
int predict_target_set(struct plan *plan, const struct predict_target *target,
                       struct lr_error *err);

/* In `batch`: the best one at these tokens, which the campaign's axis of batches tells. */
#define PREDICT_BATCH_AUTO UINT32_MAX
#define PREDICT_BATCH_MOST 1000000000

/* Option rows; struct S has a member `target` of struct predict_target. */
/* clang-format off */
#define PREDICT_TARGET_TOKENS(S, text) {"tokens", "D", text, OPTION_AT(S, target.tokens), OPTION_TOKENS}
#define PREDICT_TARGET_ROWS(S) \
    {"width", "W", "of the model to predict for; default: the target's", OPTION_AT(S, target.width), \
     .type = OPTION_U32, .low = 2, .high = 1048576, .wanted = "a width such as 1024"}, \
    {"schedule", "NAME", "cosine, linear, wsd or constant", OPTION_AT(S, target.schedule), \
     .type = OPTION_CHOICE, .values = "cosine linear wsd constant"}, \
    {"cooldown", "X", "of wsd: share of the tokens in which the LR falls", OPTION_AT(S, target.cooldown), \
     .type = OPTION_NUMBER, .high = 1, .wanted = "a share above 0, up to 1"}
/* clang-format on */

#endif
