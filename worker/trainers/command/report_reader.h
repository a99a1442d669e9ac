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
void report_reader_destroy(struct report_reader *reader);
/* LR_EDATA: the line should be a report but is none; for way fd every line must be one. `line` is
 * NUL-terminated; cut: it was longer. */
int report_reader_read(struct report_reader *reader, const char *line, size_t length, bool cut,
                       struct report *report, struct lr_error *err);

#endif
