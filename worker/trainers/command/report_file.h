#ifndef LRSEARCH_REPORT_FILE_H
#define LRSEARCH_REPORT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include "lrsearch/error.h"
#include "lrsearch/placeholder.h"
#include "trainers/command/command_file.h"
#include "trainers/command/report_reader.h"

/* Takes losses from a file that a command writes (trainer.report: {file: ...}), while it grows. */

struct report_file; /* for one attempt */

struct report_file_request {
    const struct command_setup *setup;
    const struct placeholder_trial *trial;
    const char *cwd; /* where a relative name begins, absolute */
    void *context;
    /* Called for every row that has a loss. Rows come again when the file was rewritten. */
    void (*take)(void *context, const struct report *report);
};

/* Call it before the command starts: what the files hold at that time is not part of the attempt.
 * Of the request, only the setup's texts and the context must stay valid. LR_EFAILURES: a name that
 * cannot be followed, such as that of a pipe; LR_EPLAN: a name that cannot be expanded. *out is
 * NULL on failure. */
int report_file_open(struct report_file **out, const struct report_file_request *request,
                     struct lr_error *err);
void report_file_close(struct report_file *file); /* NULL is fine */

enum {
    REPORT_FILE_NEWS = 1, /* the file has changed */
    REPORT_FILE_MORE = 2, /* call again: there is more to read now */
};

/* Reads what is new, at most a few MiB, and never waits. `final`: the command has ended, so that
 * a last line without \n counts and what cannot be parsed is an error. Returns the flags above, or
 * LR_EDATA or LR_EIO, with the name and the line. */
int report_file_read(struct report_file *file, bool final, struct lr_error *err);

/* False: no row had a loss, or none before the last loss had the tokens or steps that are named. */
bool report_file_is_whole(const struct report_file *file);
/* Tells why: "metrics.jsonl was not written". Returns `out`. */
const char *report_file_why(const struct report_file *file, char *out, size_t capacity);

/* Whether the name has a wildcard outside of its placeholders. */
bool report_file_is_pattern(const char *name);

#endif
