/* Median and quantiles of the penalty over equally likely values of optimum, curvature and
 * asymmetry: no random numbers, and the interval has a lower end even where the basin is flat near
 * its bottom. */
#include "search/loss_penalty.h"

#include <math.h>
#include <stdlib.h>
#include "lrsearch/memory.h"
#include "search/numerics.h"

#define OPTIMA 51
#define CURVATURES 21
#define ASYMMETRIES 2
#define VALUES (OPTIMA * CURVATURES * ASYMMETRIES)

/* Published basins are steeper to the right. */
static const double asymmetries[ASYMMETRIES] = {0.1, 0.45};

/* Standard normal quantile of `share`, by bisection. */
static double normal_quantile(double share)
{
    double low = -9, high = 9;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        *(erfc(-middle / sqrt(2)) / 2 < share ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

int loss_penalty_find(struct loss_penalty *penalty, double lr, double optimum, const double ci90[2],
                      double curvature, double spread, struct lr_error *err)
{
    double *values = lr_calloc(VALUES, sizeof(*values));
    size_t count = 0;
    if (!values)
        return lr_nomem(err);
    for (int i = 0; i < OPTIMA; i++) {
        double z = normal_quantile((i + 0.5) / OPTIMA);
        double ln_side = z < 0 ? log(optimum / ci90[0]) : log(ci90[1] / optimum);
        double t = (log(lr / optimum) - z * ln_side / Z90) / log(2.0);
        for (int j = 0; j < CURVATURES; j++) {
            double depth = curvature * exp(spread * normal_quantile((j + 0.5) / CURVATURES));
            for (int a = 0; a < ASYMMETRIES; a++)
                values[count++] = depth * t * t * (1 + asymmetries[a] * tanh(t));
        }
    }
    *penalty = (struct loss_penalty){NAN, {NAN, NAN}};
    if (!isnan(values[0]) && !isnan(values[VALUES - 1])) {
        qsort(values, VALUES, sizeof(*values), compare_doubles);
        *penalty = (struct loss_penalty){
            values[VALUES / 2], {values[(size_t)(0.05 * VALUES)], values[(size_t)(0.95 * VALUES)]}};
    }
    lr_free(values);
    return 0;
}
