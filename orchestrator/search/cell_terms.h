#ifndef LRSEARCH_CELL_TERMS_H
#define LRSEARCH_CELL_TERMS_H

#include "search/search_space.h"

/* The law of a campaign with axes: where log2 LR* (or log2 of the best ratio) of a cell and horizon
 * is expected. A sum of terms, each an unknown number times what is known of the cell:
 *
 * - level (at search_space.prior_tokens, where they are known), exponent of the width of each
 *   parametrization, exponents of depth, vocabulary, batch;
 * - -beta t, and how beta moves with size and batch, t = log2 tokens;
 * - of the embedding's ratio: what the width's exponents have in common, and how they move with the
 *   vocabulary (Hayou & Liu 2025);
 * - random effects of each cell: in level and, of the LR, in beta.
 *
 * Terms whose axis nobody moves along are left out. */

#define TERMS_MAX (2 * SEARCH_CELLS + 24)
#define CELL_TOKENS 0.08 /* standard deviation of a cell's random effect in beta */
#define SEARCH_COORDINATES (1 + RATIO_COUNT) /* the LR, then the ratios */

enum term_kind {
    TERM_LEVEL,
    TERM_WIDTH,        /* .of: group; .origin: the base width's place on the axis */
    TERM_WIDTH_SHARED, /* what the exponents of all groups have in common; .origin as above */
    TERM_AXIS,         /* .of: enum answer_axis */
    TERM_TOKENS,
    TERM_TOKENS_SIZE,
    TERM_TOKENS_BATCH,
    TERM_WIDTH_VOCAB,
    TERM_CELL,       /* .of: cell; standard deviation not known */
    TERM_CELL_TOKENS /* .of: cell */
};

struct term {
    enum term_kind kind;
    uint32_t of;
    double mean, deviation; /* before the data; TERM_CELL: deviation in units of the unknown one */
    bool heavy;             /* Student with 3 degrees of freedom */
    double origin;          /* of the two of the width; TERM_TOKENS: t of prior_tokens */
};

struct terms {
    size_t count;
    struct term term[TERMS_MAX];
};

/* coordinate 0: of the LR; 1 + r: of ratio r. */
void terms_lay(struct terms *terms, const struct search_space *space, int coordinate);
/* Earlier trainings tell the level at their tokens: where that is; t = 0: `reference` tokens. */
void terms_set_reference(struct terms *terms, const struct search_space *space, double reference);
/* What the term's unknown is multiplied with, t octaves of tokens from the reference. `index`: the
 * cell's; -1: none of the space's. */
double term_value(const struct term *term, const struct search_cell *cell, int index, double t);
/* NULL: not there. */
const struct term *term_find(const struct terms *terms, enum term_kind kind, uint32_t of);

#endif
