/* A straight line and how well it is known. */
#include "search/slope.h"

#include <math.h>
#include "search/basin.h"

#define Z90 1.6448536269514722 /* half a 90 % interval of a normal, in standard deviations */

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
