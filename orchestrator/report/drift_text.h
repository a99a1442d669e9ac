#ifndef LRSEARCH_DRIFT_TEXT_H
#define LRSEARCH_DRIFT_TEXT_H

#include <stdio.h>
#include "lrsearch/answer.h"

/* What moved between two answers, for a person; its paragraphs begin with `lead`, then with as many
 * spaces. */
void drift_print(FILE *out, const char *lead, const struct drift *drift);

void baseline_print(FILE *out, const struct answer *answer); /* nothing, if none was wanted */

#endif
