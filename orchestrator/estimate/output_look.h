#ifndef LRSEARCH_OUTPUT_LOOK_H
#define LRSEARCH_OUTPUT_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"
#include "trainers/command/command_file.h"
#include "trainers/command/command_process.h"

/* What an unknown training program printed: which lines tell its losses, how many steps or tokens
 * they count, and how fast those grow. Pure: the caller adds the lines with their times. */

struct output_line {
    const char *text; /* NUL-terminated */
    size_t length;
    double seconds; /* since the start */
    enum command_stream stream;
};

struct output_look { /* all zero: empty */
    struct output_line *lines;
    size_t count, capacity;
    size_t bytes;
    unsigned long long seen; /* with those that were too many to keep */
};

/* Keeps a copy of the line; NULs become '?'. Beyond some MB lines are only counted. LR_ENOMEM. */
int output_look_add(struct output_look *look, double seconds, enum command_stream stream,
                    const char *line, size_t length, struct lr_error *err);
void output_look_release(struct output_look *look);

enum counted { COUNTED_NOTHING, COUNTED_STEPS, COUNTED_TOKENS };

struct output_losses {
    bool found; /* false: nothing looks like a loss; the rest is unset */
    enum report_way way;
    char pattern[512]; /* the prefix or regex for trainer.report */
    bool validation;   /* else losses of the training itself */
    bool on_err;       /* on stderr, which trainer.report does not read */
    enum counted counted;
    size_t matches; /* lines */
    double first, last;
    uint64_t first_count, last_count; /* steps or tokens of these */
    uint64_t interval;                /* smallest step between counts; 0: not seen twice */
    size_t example;                   /* index of its first line */
    const char
        *diverged; /* regex for trainer.diverged, which fits no line of this run; NULL: none */
};

struct output_pace {
    enum counted counted;
    double per_s;        /* steps or tokens */
    double startup_s;    /* before the first */
    double batch_tokens; /* tokens of a step: printed, or both are counted; 0: not known */
};

/* Finds the lines that tell losses, validation before training, and proposes how to read them; the
 * proposal is tried on the lines and finds the same losses. LR_ENOMEM. */
int output_look_losses(struct output_losses *out, const struct output_look *look,
                       struct lr_error *err);
void output_look_pace(struct output_pace *out, const struct output_look *look);

#endif
