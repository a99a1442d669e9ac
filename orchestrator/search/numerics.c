#include "search/numerics.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

struct spread spread_of(double *values, size_t count)
{
    struct spread spread = {0};
    assert(count >= 20);
    for (size_t s = 0; s < count; s++)
        spread.mean += values[s] / (double)count;
    for (size_t s = 0; s < count; s++)
        spread.deviation += (values[s] - spread.mean) * (values[s] - spread.mean);
    spread.deviation = sqrt(spread.deviation / ((double)count - 1));
    qsort(values, count, sizeof(*values), compare_doubles);
    spread.ci90[0] = values[count / 20];
    spread.ci90[1] = values[count - 1 - count / 20];
    return spread;
}

void spread_exp2(const struct spread *spread, double *value, double ci90[2])
{
    *value = exp2(spread->mean);
    for (int i = 0; i < 2; i++)
        ci90[i] = exp2(spread->ci90[i]);
}

double student_widening(double freedom)
{
    /* Student's 95 % quantile: below 4 degrees of freedom linear in 1/freedom between those of 1,
     * 2, 3 and 4; from 4 on by the Cornish-Fisher expansion. */
    static const double few[] = {6.313752, 2.919986, 2.353363, 2.131847};
    double z = Z90, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z, f = fmax(freedom, 1);
    if (f < 4) {
        int i = (int)f;
        double along = (1.0 / i - 1 / f) / (1.0 / i - 1.0 / (i + 1));
        return (few[i - 1] + along * (few[i] - few[i - 1])) / z;
    }
    return (z + (z3 + z) / (4 * f) + (5 * z5 + 16 * z3 + 3 * z) / (96 * f * f) +
            (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * f * f * f)) /
           z;
}

struct slope slope_fit(const double *x, const double *y, size_t count)
{
    struct slope fit = {NAN, NAN, {NAN, NAN}};
    double n = (double)count, mean_x = 0, mean_y = 0, xx = 0, xy = 0, residuals = 0;
    for (size_t i = 0; i < count; i++) {
        mean_x += x[i] / n;
        mean_y += y[i] / n;
    }
    for (size_t i = 0; i < count; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    if (!(xx > 0) || !isfinite(mean_y))
        return fit;
    fit.slope = xy / xx;
    if (count < 3)
        return fit;
    for (size_t i = 0; i < count; i++) {
        double off = y[i] - mean_y - fit.slope * (x[i] - mean_x);
        residuals += off * off;
    }
    fit.error = sqrt(residuals / (n - 2) / xx);
    double half = Z90 * student_widening(n - 2) * fit.error;
    fit.ci90[0] = fit.slope - half;
    fit.ci90[1] = fit.slope + half;
    return fit;
}

/* The first entry of a row of the lower triangle that is not 0; the factor has none before it. */
static size_t first_entry(const double *a, size_t i, size_t n)
{
    size_t first = 0;
    while (first < i && !(fabs(a[i * n + first]) > 0))
        first++;
    return first;
}

bool cholesky(double *a, size_t n)
{
    size_t first[CHOLESKY_MOST];
    assert(n <= CHOLESKY_MOST);
    for (size_t i = 0; i < n; i++) {
        first[i] = first_entry(a, i, n);
        for (size_t j = first[i]; j <= i; j++) {
            double sum = a[i * n + j];
            for (size_t k = first[i] > first[j] ? first[i] : first[j]; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0))
                return false;
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
    }
    return true;
}

void cholesky_solve_upper(const double *factor, double *x, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        x[i] /= factor[i * n + i];
        for (size_t k = first_entry(factor, i, n); k < i; k++)
            x[k] -= factor[i * n + k] * x[i];
    }
}

void cholesky_solve(const double *factor, double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = first_entry(factor, i, n); k < i; k++)
            x[i] -= factor[i * n + k] * x[k];
        x[i] /= factor[i * n + i];
    }
    cholesky_solve_upper(factor, x, n);
}
