#ifndef LRSEARCH_NUMERICS_H
#define LRSEARCH_NUMERICS_H

#include <stdbool.h>
#include <stddef.h>

/* Small statistics and linear algebra, with the same bits on every machine: sums run in the order
 * of their terms, whereas a library's depend on the CPU and the number of threads, and a search
 * must ask for the same trials everywhere. */

#define Z90 1.6448536269514722 /* half a 90 % interval of a normal, in standard deviations */

/* Order of doubles for qsort(); none may be NaN. */
int compare_doubles(const void *left, const void *right);

/* Mean, standard deviation and 90 % interval of equally likely values. */
struct spread {
    double mean, deviation, ci90[2];
};
struct spread spread_of(double *values, size_t count); /* sorts the values; count >= 20 */
/* 2^ of mean and interval: from log2 of an LR or a ratio to itself. */
void spread_exp2(const struct spread *spread, double *value, double ci90[2]);

/* How much wider than a normal one a 90 % interval is with so few degrees of freedom (Student). */
double student_widening(double freedom);

/* Least squares of y on x. NaN where there are too few points (slope: 2 different x; error: 3
 * points) or a value is not finite. */
struct slope {
    double slope, error; /* standard error */
    double ci90[2];      /* Student */
};
struct slope slope_fit(const double *x, const double *y, size_t count);

/* Symmetric systems of at most some hundred unknowns. Matrices are row-major, (n, n), their lower
 * triangle counts.
 *
 * A = L L^T in place. False: A is not positive definite, and is spoilt. */
bool cholesky(double *a, size_t n);
/* x := A^-1 x by the factor. */
void cholesky_solve(const double *factor, double *x, size_t n);
/* x := L^-T x: of independent normal numbers, ones with covariance A^-1. */
void cholesky_solve_upper(const double *factor, double *x, size_t n);

#endif
