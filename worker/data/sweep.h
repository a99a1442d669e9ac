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

void sweep_release(struct sweep *sweep);

/* The next number of tokens after `tokens` (0: the first) that the table knows; 0: there is
 * none. */
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
