#ifndef LRSEARCH_SUMMARY_H
#define LRSEARCH_SUMMARY_H

#include <stdio.h>
#include "lrsearch/answer.h"
#include "lrsearch/count.h"

/* What the run prints on stdout at its end: the table of horizons, the law, the target's LR with
 * its interval and what it costs to be wrong, the cost, every doubt. Plain text, 80 columns. */
void summary_print(FILE *out, const char *name, const struct answer *answer);

/* The same without the table and the cost, with how far the target lies beyond the horizons: what a
 * law says about a target that nobody trained for. width: a sentence about it, or "". */
void summary_print_prediction(FILE *out, const char *name, const struct answer *answer,
                              const char *width);

const char *format_seconds(char *text, size_t capacity, double seconds); /* "1m20s" */

/* `digits` significant ones: "1.1e-3"; "-" when not finite. */
const char *format_lr(char *text, size_t capacity, int digits, double lr);
/* "1.1e-3 .. 2.3e-3"; "-" when an end is not known. */
const char *format_lr_interval(char *text, size_t capacity, int digits, const double ends[2]);
/* "0.062", "8.1", "125"; "-" when not finite. */
const char *format_ratio(char *text, size_t capacity, double ratio);
bool interval_known(const double ends[2]); /* both are finite */

#endif
