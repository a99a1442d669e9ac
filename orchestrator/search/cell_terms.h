#ifndef LRSEARCH_CELL_TERMS_H
#define LRSEARCH_CELL_TERMS_H

#include "search/search_space.h"

/* The law of a campaign with axes: the expected log2 LR* (or log2 of the best ratio) of a cell and
 * horizon. A sum of terms, each an unknown coefficient times a known feature of the cell:
 *
 * - level (with a prior_lr: at prior_tokens), an exponent of the width for each group, exponents of
 *   depth, vocabulary, batch, weight decay;
 * - -beta t, t = log2 tokens from the reference, the change of beta with size, batch and weight
 *   decay and, with four horizons or more, with t itself;
 * - of a ratio: the change of the width exponents with the vocabulary (Hayou & Liu 2025), and of
 *   the embedding ratio a part of these exponents that all groups share;
 * - random effects of each cell: in the level and, of the LR, in beta; and of the LR one of each
 *   horizon that all cells share.
 *
 * Terms of axes that neither the cells nor the target span are left out. */

#define TERMS_MAX (2 * SEARCH_CELLS + ANSWER_HORIZONS + SEARCH_GROUPS + 16)
#define CELL_TOKENS 0.08 /* standard deviation of a cell's random effect in beta */
#define SEARCH_COORDINATES (1 + RATIO_COUNT) /* the LR, then the ratios */

enum term_kind {
    TERM_CELL,        /* .of: cell; its standard deviation is sampled */
    TERM_CELL_TOKENS, /* .of: cell */
    TERM_HORIZON,     /* .of: horizon; its standard deviation is sampled */
    TERM_LEVEL,
    TERM_WIDTH,        /* .of: group; .origin: the base width's place on the axis */
    TERM_WIDTH_SHARED, /* part of the exponents that all groups share; .origin as above */
    TERM_AXIS,         /* .of: enum answer_axis */
    TERM_TOKENS,
    TERM_TOKENS_BEND,
    TERM_TOKENS_SIZE,
    TERM_TOKENS_BATCH,
    TERM_TOKENS_DECAY,
    TERM_WIDTH_VOCAB
};

struct term {
    enum term_kind kind;
    uint32_t of;
    double mean, deviation; /* prior; TERM_CELL, TERM_HORIZON: in units of the sampled one */
    bool heavy;             /* prior is Student with 3 degrees of freedom */
    double origin;          /* TERM_WIDTH*: base width; TERM_TOKENS: t of prior_tokens */
};

/* Random effects come first: the regression's normal matrix then has an arrow's shape, and its
 * factor hardly more entries than itself. */
struct terms {
    size_t count;
    struct term term[TERMS_MAX];
};

/* Fills the terms of coordinate 0, the LR, or 1 + r, ratio r. */
void terms_lay(struct terms *terms, const struct search_space *space, int coordinate);
/* With a prior_lr the level is that at prior_tokens: sets the origin of TERM_TOKENS to
 * log2(prior_tokens / reference). t = 0 is at `reference` tokens. */
void terms_set_reference(struct terms *terms, const struct search_space *space, double reference);
/* The feature that multiplies the term's coefficient, t octaves of tokens from the reference.
 * `index`: the cell's in the space, `horizon`: the horizon's; -1: it is none of them. */
double term_value(const struct term *term, const struct search_cell *cell, int index, int horizon,
                  double t);
/* NULL: no such term. */
const struct term *term_find(const struct terms *terms, enum term_kind kind, uint32_t of);

#endif
