#ifndef LRSEARCH_SWEEP_CSV_H
#define LRSEARCH_SWEEP_CSV_H

#include "data/sweep.h"

/* Tables of losses as CSV: read from anybody's files, and written for the workers. */

/* A row counts only if its cell in `column` is `value`: as text, or as numbers where both are. */
struct sweep_where {
    const char *column, *value;
};

struct sweep_request {
    const char *path;
    const char *lr, *tokens, *loss, *seed; /* names of columns; seed may be NULL */
    const struct sweep_where *where;
    size_t where_count;
};

/* Reads CSV with a header (RFC 4180; CRLF and a byte order mark are fine). Tokens may be written as
 * 1e9; a loss that is empty, NA, NaN or infinite is that of a diverged run. Rows of the same tokens
 * and learning rate (to SWEEP_SAME_LR; the lowest of them counts) are seeds, in the order of the
 * column `seed`, or of the file without one.
 * LR_EDATA names file, line and column, or what there is instead of what was asked for.
 * sweep_release() it, also after a failure. */
int sweep_read(struct sweep *sweep, const struct sweep_request *request, struct lr_error *err);
/* The same of a table in memory; request->path is for errors only. */
int sweep_read_text(struct sweep *sweep, const struct sweep_request *request, const char *text,
                    size_t size, struct lr_error *err);

/* The table as CSV with the columns tokens, lr, loss and seed, in `folder`, which must be there, as
 * sweep-HASH.csv: written beside, synced and renamed, whole or not at all. *hash: XXH3-64 of its
 * bytes. LR_ECREATE, LR_EIO, LR_ENOSPC. */
int sweep_write(const struct sweep *sweep, const char *folder, char path[TRIAL_PATH],
                uint64_t *hash, struct lr_error *err);
/* Reads what sweep_write() wrote; LR_EDATA when it has another hash. */
int sweep_read_written(struct sweep *sweep, const char *path, uint64_t hash, struct lr_error *err);

#endif
