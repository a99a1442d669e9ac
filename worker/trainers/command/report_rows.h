#ifndef LRSEARCH_REPORT_ROWS_H
#define LRSEARCH_REPORT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "lrsearch/error.h"
#include "trainers/command/report_reader.h"

/* Takes losses out of the rows of a table: JSON values or lines of CSV. */

enum { REPORT_NAMES = 160 };

struct report_rows {
    /* Set by the caller; the texts must stay valid. */
    const char *loss, *count; /* names; count NULL: none */
    double tokens_each;       /* tokens of one of the count */
    void *context;
    void (*take)(void *context, const struct report *report);

    bool found;               /* a loss, so far */
    char names[REPORT_NAMES]; /* of a row that lacks something, or of the header */

    bool first;                        /* no line of CSV was read yet */
    ssize_t loss_column, count_column; /* -1: none */
    double last_count;                 /* of an earlier row, for rows without; NaN: none */
};

/* To be called before the first row of a file. */
void report_rows_restart(struct report_rows *rows);
/* Takes the rows of a JSON value: objects and, on the way to the loss, elements of arrays. A name
 * is looked up as it stands, then as a path of names between slashes. LR_EDATA, LR_ENOMEM. */
int report_rows_json(struct report_rows *rows, const char *text, size_t length,
                     struct lr_error *err);
/* Takes a line of CSV. The row with the loss's name in a cell is the header. counts false: only a
 * header matters. */
int report_rows_csv(struct report_rows *rows, const char *text, size_t length, bool counts,
                    struct lr_error *err);

#endif
