/* Names and warnings of an answer. */
#include "lrsearch/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_FUNCTION(function, type, MAP)                                                         \
    const char *function(type value)                                                               \
    {                                                                                              \
        switch (value) {                                                                           \
            MAP(NAME_CASE)                                                                         \
        }                                                                                          \
        return "?";                                                                                \
    }
#define NAME_CASE(enumerator, name)                                                                \
    case enumerator:                                                                               \
        return name;

NAME_FUNCTION(answer_status_name, enum answer_status, ANSWER_STATUS_MAP)
NAME_FUNCTION(confidence_name, enum confidence, CONFIDENCE_MAP)
NAME_FUNCTION(back_test_name, enum back_test, BACK_TEST_MAP)

const char *answer_ratio_name(enum answer_ratio ratio)
{
    static const char *const names[RATIO_COUNT] = {[RATIO_EMBEDDING] = "embedding_lr_ratio",
                                                   [RATIO_OUTPUT] = "output_lr_ratio",
                                                   [RATIO_VECTOR] = "vector_lr_ratio",
                                                   [RATIO_DECAY] = "weight_decay"};
    return ratio < RATIO_COUNT ? names[ratio] : "?";
}

const char *answer_axis_name(enum answer_axis axis)
{
    static const char *const names[AXIS_COUNT] = {[AXIS_WIDTH] = "width",
                                                  [AXIS_DEPTH] = "depth",
                                                  [AXIS_VOCAB] = "vocab",
                                                  [AXIS_BATCH] = "batch",
                                                  [AXIS_DECAY] = "weight_decay"};
    return axis < AXIS_COUNT ? names[axis] : "?";
}

void answer_warn(struct answer *answer, const char *format, ...)
{
    char text[ANSWER_TEXT] = ""; /* zeroed: answers are compared byte by byte */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (size_t i = 0; i < answer->warning_count; i++)
        if (strcmp(answer->warnings[i], text) == 0)
            return;
    if (answer->warning_count < ANSWER_WARNINGS)
        memcpy(answer->warnings[answer->warning_count++], text, sizeof(text));
}

bool answer_drifted(const struct answer *answer)
{
    const struct baseline_answer *baseline = &answer->baseline;
    return baseline->wanted && (baseline->drift.lr_beyond || baseline->drift.loss_beyond);
}
