/* Recursive descent, one function for each rule of the grammar. Every recursion goes through
 * factor(), which counts it, so a hostile text cannot exhaust the stack. On failure parser->at is
 * the place of the error. */
#include "lrsearch/expression.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
enum { SHOWN = 32 }; /* bytes of a number or name in a message */

struct parser {
    const char *at;
    const struct expression_names *names;
    unsigned depth;
    struct lr_error *err;
};

typedef int rule(struct parser *p, double *out);

size_t expression_name(const char *text)
{
    return strspn(text, DIGITS) ? 0 : strspn(text, LETTERS DIGITS);
}

static char next(struct parser *p)
{
    p->at += strspn(p->at, " \t");
    return *p->at;
}

static int expect(struct parser *p, char mark)
{
    if (next(p) != mark)
        return lr_fail(p->err, LR_EPLAN, "expected an operator or %c", mark);
    p->at++;
    return 0;
}

static int apply(struct parser *p, const char *sign, double *left, double right)
{
    if (*sign == '+')
        *left += right;
    else if (*sign == '-')
        *left -= right;
    else if (*sign == '*')
        *left *= right;
    else if (fabs(right) > 0)
        *left /= right;
    else
        *left = NAN;
    if (isfinite(*left))
        return 0;
    p->at = sign;
    return lr_fail(p->err, LR_EPLAN, isnan(*left) ? "division by zero" : "the result is too large");
}

/* Operands with operators between them, from left to right. */
static int chain(struct parser *p, const char *operators, rule *operand, double *out)
{
    double right;
    int rc = operand(p, out);
    while (!rc && next(p) && strchr(operators, *p->at)) {
        const char *sign = p->at++;
        if (!(rc = operand(p, &right)))
            rc = apply(p, sign, out, right);
    }
    return rc;
}

static rule factor;

static int product(struct parser *p, double *out)
{
    return chain(p, "*/", factor, out);
}

static int sum(struct parser *p, double *out)
{
    return chain(p, "+-", product, out);
}

/* The sums between an opening mark and `closing`; the least or largest of them if there may be
 * several. */
static int enclosed(struct parser *p, char closing, bool several, bool least, double *out)
{
    double value;
    p->at++;
    int rc = sum(p, out);
    while (!rc && several && next(p) == ',') {
        p->at++;
        if (!(rc = sum(p, &value)) && (least ? value < *out : value > *out))
            *out = value;
    }
    return rc ? rc : expect(p, closing);
}

static int number(struct parser *p, double *out)
{
    char *end;
    *out = strtod(p->at, &end);
    size_t length = (size_t)(end - p->at);
    int shown = length < SHOWN ? (int)length : SHOWN;
    if (length == 0 || memchr(p->at, 'x', length) || memchr(p->at, 'X', length))
        return lr_fail(p->err, LR_EPLAN, "expected a decimal number");
    if (!isfinite(*out))
        return lr_fail(p->err, LR_EPLAN, "%.*s is too large", shown, p->at);
    p->at = end;
    return 0;
}

static int named(struct parser *p, size_t length, double *out)
{
    const char *name = p->at, *behind = name + length + strspn(name + length, " \t");
    bool least = length == 3 && memcmp(name, "min", 3) == 0;
    bool most = length == 3 && memcmp(name, "max", 3) == 0;
    int rc = 0;
    if (*behind == '(' && !least && !most)
        return lr_fail(p->err, LR_EPLAN, "%.*s() is not known; there are min and max",
                       length < SHOWN ? (int)length : SHOWN, name);
    if (*behind != '(')
        rc = p->names->value(p->names->context, name, length, out, p->err);
    if (rc)
        return rc;
    p->at = behind;
    return *behind == '(' ? enclosed(p, ')', true, least, out) : 0;
}

static int factor(struct parser *p, double *out)
{
    char mark = next(p);
    size_t name = expression_name(p->at);
    int rc;
    if (p->depth == EXPRESSION_DEPTH)
        return lr_fail(p->err, LR_EPLAN, "is nested more than %d deep", EXPRESSION_DEPTH);
    p->depth++;
    if (mark == '-') {
        p->at++;
        if (!(rc = factor(p, out)))
            *out = -*out;
    } else if (mark == '(' || mark == '{') {
        rc = enclosed(p, mark == '(' ? ')' : '}', false, false, out);
    } else if (mark && strchr(DIGITS ".", mark)) {
        rc = number(p, out);
    } else if (name > 0) {
        rc = named(p, name, out);
    } else {
        rc = lr_fail(p->err, LR_EPLAN,
                     "expected a number or a name (for a brace itself write it twice)");
    }
    p->depth--;
    return rc;
}

int expression_evaluate(const char *text, const struct expression_names *names, double *value,
                        const char **end, struct lr_error *err)
{
    struct parser p = {.at = text, .names = names, .err = err};
    *value = 0;
    int rc = sum(&p, value);
    *end = p.at;
    return rc;
}
