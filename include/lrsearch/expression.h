#ifndef LRSEARCH_EXPRESSION_H
#define LRSEARCH_EXPRESSION_H

#include <stddef.h>
#include "lrsearch/error.h"

/* Arithmetic with names, in doubles and from left to right:
 *
 *   sum     = product {("+" | "-") product}
 *   product = factor {("*" | "/" | "//") factor}
 *   factor  = "-" factor | number | name | ("min" | "max") "(" sum {"," sum} ")"
 *           | "(" sum ")" | "{" sum "}"
 *
 * Spaces may stand between them. A result that a double holds is exact, so {tokens/1024} is whole
 * where 1024 divides the tokens. Only "//" rounds: down to a whole number. */

#define EXPRESSION_DEPTH 64 /* of parentheses, braces, functions and signs */

struct expression_names {
    /* Sets *value, a finite number, or fails. `name` has `length` bytes and no NUL behind them. */
    int (*value)(const void *context, const char *name, size_t length, double *value,
                 struct lr_error *err);
    const void *context;
};

/* Bytes of the name at `text`: letters, digits and _, no digit first; 0: there is none. */
size_t expression_name(const char *text);
/* Evaluates the sum at `text`. *end: what follows it, behind spaces, or where the error is.
 * LR_EPLAN: no sum is there, a division by zero, a result that is not finite, deeper than
 * EXPRESSION_DEPTH; errors of names->value. */
int expression_evaluate(const char *text, const struct expression_names *names, double *value,
                        const char **end, struct lr_error *err);

#endif
