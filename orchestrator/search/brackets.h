#ifndef LRSEARCH_BRACKETS_H
#define LRSEARCH_BRACKETS_H

#include "search/posterior.h"

/* Was an optimum bracketed: is there a trial inside its 90 % interval, or as near to the optimum as
 * the finest grid of LRs allows, and one on both sides of it within an octave? A divergence brackets
 * from its side too, but is not inside. */

#define BRACKET_REACH 1.0 /* octaves */
#define BRACKET_SIDE 0.6  /* octaves from the optimum to where a missing side is tried */

struct bracket {
    double center, low, high; /* log2 lr: the optimum and its 90 % interval */
    bool inside, below, above;
};

struct bracket bracket_of(const struct posterior *posterior, size_t basin);
/* Counts a trial at log2 lr = x as finished with a loss. */
void bracket_add(struct bracket *bracket, double x);

#endif
