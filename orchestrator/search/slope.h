#ifndef LRSEARCH_SLOPE_H
#define LRSEARCH_SLOPE_H

#include <stddef.h>

/* Least squares of y on x. NaN where there are too few points (slope: 2 different x; error: 3
 * points) or a value is not finite. */
struct slope {
    double slope, error; /* standard error */
    double ci90[2];      /* Student */
};
struct slope slope_fit(const double *x, const double *y, size_t count);

#endif
