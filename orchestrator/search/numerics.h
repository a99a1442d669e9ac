#ifndef LRSEARCH_NUMERICS_H
#define LRSEARCH_NUMERICS_H

#include <stdbool.h>
#include <stddef.h>

/* Small statistics and linear algebra with bit-identical results on every machine: sums run in the
 * order of their terms. A library's order depends on the CPU and the number of threads, but a
 * search must propose the same trials everywhere. */

#define Z90 1.6448536269514722 /* 95 % quantile of a standard normal: half a 90 % interval */

/* qsort() comparator, ascending; no value may be NaN. */
int compare_doubles(const void *left, const void *right);

/* Mean, standard deviation and 90 % interval of equally likely values. */
struct spread {
    double mean, deviation, ci90[2];
};
struct spread spread_of(double *values, size_t count); /* sorts the values; count >= 20 */
/* *value = 2^mean, ci90 = 2^ci90: from log2 of an LR or ratio to the LR or ratio. */
void spread_exp2(const struct spread *spread, double *value, double ci90[2]);

/* Student's 90 % interval over a normal's; `freedom` below 1 counts as 1. */
double student_widening(double freedom);

/* Least squares of y on x. NaN if there are too few points (slope: 2 different x; error: 3 points)
 * or a value is not finite. */
struct slope {
    double slope, error; /* standard error */
    double ci90[2];      /* Student */
};
struct slope slope_fit(const double *x, const double *y, size_t count);

#define CHOLESKY_MOST 256
/* Symmetric systems of at most CHOLESKY_MOST unknowns. Matrices are row-major (n, n); only the
 * lower triangle is used. Zeros at the beginning of a row cost nothing.
 *
 * Factors A = L L^T in place. False: A is not positive definite, and its content is destroyed. */
bool cholesky(double *a, size_t n);
/* x := A^-1 x, given the factor L. */
void cholesky_solve(const double *factor, double *x, size_t n);
/* x := L^-T x: turns independent standard normals into normals with covariance A^-1. */
void cholesky_solve_upper(const double *factor, double *x, size_t n);

#endif
