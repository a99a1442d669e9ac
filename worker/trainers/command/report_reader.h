#ifndef LRSEARCH_REPORT_READER_H
#define LRSEARCH_REPORT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trainers/command/command_file.h"
#include "lrsearch/error.h"

/* What a command says of its training, out of one line. */

struct report {
    bool has_tokens;
    uint64_t tokens;
    double loss;    /* may be not finite: it diverged */
    double loss_se; /* NaN: not told */
    bool has_begun; /* this attempt went on from a checkpoint */
    uint64_t begun_tokens;
    bool final;
};

struct report_reader; /* of one way to report */

/* LR_ENOMEM; LR_EPLAN: the regex cannot be compiled. */
int report_reader_create(struct report_reader **out, enum report_way way, const char *pattern,
                         struct lr_error *err);
void report_reader_destroy(struct report_reader *reader);
/* 1: *report is filled; 0: the line is none (ordinary output); LR_EDATA: it should be one and is
 * not. For way fd every line must be a report. `line` is NUL-terminated. */
int report_reader_read(struct report_reader *reader, const char *line, size_t length, bool cut,
                       struct report *report, struct lr_error *err);

#endif
