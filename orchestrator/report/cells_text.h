#ifndef LRSEARCH_CELLS_TEXT_H
#define LRSEARCH_CELLS_TEXT_H

#include <stdio.h>
#include "lrsearch/answer.h"

/* The parts of an answer that only campaigns with axes have, and confirmations. Each prints nothing
 * when the answer has none of it. Plain text, 80 columns. */

void cells_print(FILE *out, const struct answer *answer); /* a row a cell */
/* Whose horizons and law the answer shows; NULL when there is one cell only. Returns `text`. */
const char *cells_nearest(char *text, size_t capacity, const struct answer *answer);

/* Laws over the cells, what the target's trainings said of the answer, and what the
 * campaign says of published claims. */
void exponents_print(FILE *out, const struct answer *answer);
void joint_print(FILE *out, const struct answer *answer);
void confirms_print(FILE *out, const struct answer *answer);
void verdicts_print(FILE *out, const struct answer *answer);

#endif
