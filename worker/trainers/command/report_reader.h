#ifndef LRSEARCH_REPORT_READER_H
#define LRSEARCH_REPORT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trainers/command/command_file.h"
#include "lrsearch/error.h"

/* Parses a line of a command's output into a report. */

struct report {
    bool known;                 /* false: ordinary output, other fields unset */
    bool has_tokens, has_steps; /* one of them at most */
    uint64_t tokens, steps;
    double loss;    /* not finite: diverged */
    double loss_se; /* NaN: not reported */
    bool has_begun; /* this attempt resumed from a checkpoint */
    uint64_t begun_tokens;
    bool final;
};

struct report_reader; /* for one way to report */

/* LR_ENOMEM; LR_EPLAN: the regex cannot be compiled. */
int report_reader_create(struct report_reader **out, enum report_way way, const char *pattern,
                         struct lr_error *err);
/* Lines that match `regex` will mean that the training diverged. LR_ENOMEM; LR_EPLAN: it cannot be
 * compiled. */
int report_reader_take_diverged(struct report_reader *reader, const char *regex,
                                struct lr_error *err);
void report_reader_destroy(struct report_reader *reader);
/* LR_EDATA: the line should be a report but is none; for way fd every line must be one. `line` is
 * NUL-terminated; cut: it was longer. */
int report_reader_read(struct report_reader *reader, const char *line, size_t length, bool cut,
                       struct report *report, struct lr_error *err);
/* Whether a line of stdout or stderr says that the training diverged. LR_EDATA: the regex takes too
 * long. */
int report_reader_diverged(struct report_reader *reader, const char *line, size_t length,
                           bool *diverged, struct lr_error *err);

/* ---- for other sources of reports ---- */

/* Parses a JSON value, in which bare NaN, Infinity and numbers beyond a double's range come as
 * strings and all other numbers as real ones. `text` is followed by a byte that is no part of a
 * number, such as NUL. `flags`: jansson's. json_decref() it. NULL: LR_EDATA, LR_ENOMEM. */
struct json_t *report_json(const char *text, size_t length, size_t flags, struct lr_error *err);
/* A loss in JSON, or in a text: a number, or a word for one that is not finite. */
bool report_json_number(const struct json_t *value, double *out);
bool report_text_number(const char *text, double *out);
/* tokens NaN: unknown. LR_EDATA: no count, or a loss that is too large. */
int report_from_numbers(struct report *report, double loss, double tokens, struct lr_error *err);

#endif
