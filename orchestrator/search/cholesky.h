#ifndef LRSEARCH_CHOLESKY_H
#define LRSEARCH_CHOLESKY_H

#include <stdbool.h>
#include <stddef.h>

/* Small symmetric systems, with the same bits on every machine: a library's depend on the CPU and
 * the number of threads, and a search must ask for the same trials everywhere. Matrices are
 * row-major, (n, n), their lower triangle counts. */

/* A = L L^T in place. False: A is not positive definite, and is spoilt. */
bool cholesky(double *a, size_t n);
/* x := A^-1 x by the factor. */
void cholesky_solve(const double *factor, double *x, size_t n);
/* x := L^-T x: of independent normal numbers, ones with covariance A^-1. */
void cholesky_solve_upper(const double *factor, double *x, size_t n);

#endif
