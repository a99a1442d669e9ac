#ifndef LRSEARCH_SWEEP_CSV_H
#define LRSEARCH_SWEEP_CSV_H

#include "data/sweep.h"

/* Tables of losses as CSV: reads users' files, and writes files for the workers. */

/* A row counts only if its cell in `column` equals `value`: as text, or as numbers if both are. */
struct sweep_where {
    const char *column, *value;
};

struct sweep_request {
    const char *path;
    const char *lr, *tokens, *loss, *seed; /* names of columns; seed may be NULL */
    /* NULL: the columns optimizer, weight_decay and batch_tokens, if there are such */
    const char *optimizer, *weight_decay, *batch_tokens;
    const struct sweep_where *where;
    size_t where_count;
};

/* Reads CSV with a header (RFC 4180; CRLF and a byte order mark are accepted). Tokens may be
 * written as 1e9; a loss that is empty, NA, NaN or infinite means a diverged run. Rows of the same
 * tokens and learning rate (to SWEEP_SAME_LR; the lowest counts) are seeds, in the order of the
 * column `seed`, or of the file without one. All rows must be of one optimizer. LR_EDATA names
 * file, line and column, or what there is instead of the requested data. Release with
 * sweep_release(), also after a failure. */
int sweep_read(struct sweep *sweep, const struct sweep_request *request, struct lr_error *err);
/* The same for a table in memory; request->path is for errors only. */
int sweep_read_text(struct sweep *sweep, const struct sweep_request *request, const char *text,
                    size_t size, struct lr_error *err);

/* Writes the table as CSV with the columns tokens, lr, loss and seed to sweep-HASH.csv in `folder`,
 * which must exist: a temporary file, synced and renamed, whole or not at all. *hash: XXH3-64 of
 * its bytes. LR_ECREATE, LR_EIO, LR_ENOSPC. */
int sweep_write(const struct sweep *sweep, const char *folder, char path[TRIAL_PATH],
                uint64_t *hash, struct lr_error *err);
/* Reads a file of sweep_write(); LR_EDATA if its hash differs. */
int sweep_read_written(struct sweep *sweep, const char *path, uint64_t hash, struct lr_error *err);

#endif
