#ifndef LRSEARCH_SWEEP_H
#define LRSEARCH_SWEEP_H

#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* A table of the losses of earlier trainings, by tokens and learning rate. */

/* Relative tolerance: a learning rate written with nine or more digits matches. */
#define SWEEP_SAME_LR 1e-9

struct sweep_row {
    uint64_t tokens;
    double lr;
    double loss;   /* nats per token; NaN: it diverged */
    uint32_t seed; /* 0, 1, ... within the rows of the same tokens and learning rate */
};

#define SWEEP_VALUES 128

struct sweep {
    struct sweep_row *rows; /* ascending tokens, lr, seed */
    size_t count;
    char optimizer[SWEEP_VALUES]; /* of all rows; "": the table does not say */
    uint64_t batch_tokens[2];     /* smallest and largest of the rows; 0, 0: not known */
    uint64_t mixed_tokens; /* the first horizon whose rows have several weight decays; 0: none */
    char decays[SWEEP_VALUES]; /* these, "0.1, 0.2" */
};

void sweep_release(struct sweep *sweep);

/* The next larger number of tokens in the table after `tokens` (0: the first); 0: none. */
uint64_t sweep_next_horizon(const struct sweep *sweep, uint64_t tokens);
/* Number of learning rates at a horizon, and the lowest and highest of them. */
size_t sweep_range(const struct sweep *sweep, uint64_t tokens, double *low, double *high);

enum sweep_found { SWEEP_LOSS, SWEEP_DIVERGED, SWEEP_UNKNOWN };

/* The loss at exactly `tokens`, of row (seed modulo their number) at each learning rate. At a
 * learning rate of the table (to SWEEP_SAME_LR) its loss; between two finite losses a monotone
 * cubic in log learning rate (Fritsch and Carlson 1980) through the finite losses beside them up to
 * the next diverged one; next to a diverged one SWEEP_DIVERGED. SWEEP_UNKNOWN if the table lacks
 * the horizon or ends before that learning rate: no extrapolation. *loss is NaN unless
 * SWEEP_LOSS. */
enum sweep_found sweep_at(const struct sweep *sweep, uint64_t tokens, double lr, uint32_t seed,
                          double *loss);

#endif
