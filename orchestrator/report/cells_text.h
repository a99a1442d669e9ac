#ifndef LRSEARCH_CELLS_TEXT_H
#define LRSEARCH_CELLS_TEXT_H

#include <stdio.h>
#include "lrsearch/answer.h"

/* Prints the parts of an answer that only campaigns with axes have, and confirmations. Each
 * function prints nothing if the answer has none. Plain text, 80 columns by default. */

/* One row per cell, in so many columns. */
void cells_print(FILE *out, const struct answer *answer, size_t columns);
/* Names the model whose horizons the answer shows. Returns `text`, or NULL if there are fewer than
 * two cells. */
const char *cells_nearest(char *text, size_t capacity, const struct answer *answer);

/* How the optimum moves over the cells (lines of the section "Extrapolated"), results of the
 * confirmations, and verdicts on published claims. */
void exponents_print(FILE *out, const struct answer *answer);
void joint_print(FILE *out, const struct answer *answer);
void confirms_print(FILE *out, const struct answer *answer);
void verdicts_print(FILE *out, const struct answer *answer);

#endif
