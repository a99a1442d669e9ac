#ifndef LRSEARCH_SWEEP_H
#define LRSEARCH_SWEEP_H

#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* The losses of earlier trainings, from a table: which loss a training of so many tokens at such a
 * learning rate had. */

/* Relative: a learning rate that is written with nine digits and more is the one that is meant. */
#define SWEEP_SAME_LR 1e-9

struct sweep_row {
    uint64_t tokens;
    double lr;
    double loss;   /* nats per token; NaN: it diverged */
    uint32_t seed; /* 0, 1, ... within the rows of the same tokens and learning rate */
};

struct sweep {
    struct sweep_row *rows; /* ascending tokens, lr, seed */
    size_t count;
};

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
void sweep_release(struct sweep *sweep);

/* The table as CSV with the columns tokens, lr, loss and seed, in `folder`, which must be there, as
 * sweep-HASH.csv: written beside, synced and renamed, whole or not at all. *hash: XXH3-64 of its
 * bytes. LR_ECREATE, LR_EIO, LR_ENOSPC. */
int sweep_write(const struct sweep *sweep, const char *folder, char path[TRIAL_PATH],
                uint64_t *hash, struct lr_error *err);
/* Reads what sweep_write() wrote; LR_EDATA when it has another hash. */
int sweep_read_written(struct sweep *sweep, const char *path, uint64_t hash, struct lr_error *err);

/* The next number of tokens after `tokens` (0: the first) that the table knows; 0: there is none.
 */
uint64_t sweep_next_horizon(const struct sweep *sweep, uint64_t tokens);
/* Learning rates that the table has at a horizon: how many, and the lowest and highest of them. */
size_t sweep_range(const struct sweep *sweep, uint64_t tokens, double *low, double *high);

enum sweep_found { SWEEP_LOSS, SWEEP_DIVERGED, SWEEP_UNKNOWN };

/* The loss at exactly `tokens`, of row (seed modulo their number) at each learning rate. At a
 * learning rate of the table (to SWEEP_SAME_LR) its own; between two finite losses a monotone
 * cubic in log learning rate (Fritsch and Carlson 1980) through the finite ones beside them up to
 * the next diverged one; beside a diverged one SWEEP_DIVERGED. SWEEP_UNKNOWN where the table has no
 * such horizon, or ends before that learning rate: it is never drawn on. *loss is NaN unless
 * SWEEP_LOSS. */
enum sweep_found sweep_at(const struct sweep *sweep, uint64_t tokens, double lr, uint32_t seed,
                          double *loss);

#endif
