/* Names and warnings of an answer. */
#include "lrsearch/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *answer_status_name(enum answer_status status)
{
    switch (status) {
#define X(name, text)                                                                              \
    case name:                                                                                     \
        return text;
        ANSWER_STATUS_MAP(X)
#undef X
    }
    return "?";
}

const char *confidence_name(enum confidence confidence)
{
    switch (confidence) {
#define X(name, text)                                                                              \
    case name:                                                                                     \
        return text;
        CONFIDENCE_MAP(X)
#undef X
    }
    return "?";
}

const char *back_test_name(enum back_test back_test)
{
    switch (back_test) {
#define X(name, text)                                                                              \
    case name:                                                                                     \
        return text;
        BACK_TEST_MAP(X)
#undef X
    }
    return "?";
}

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
