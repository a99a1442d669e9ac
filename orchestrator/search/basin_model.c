#include "search/basin_model.h"

#include <math.h>

#define GRID_STEP 0.1   /* octaves, or more for a very wide range */
#define GRID_MARGIN 2.5 /* octaves beyond the range of the search */

/* Noise, nats: published sweeps .001 to .003, tiny models .03. Smallest value considered; median
 * and standard deviation of the logarithm of the log-normal prior. */
#define SIGMA_LEAST 0.0006
#define SIGMA_CENTER 0.004
#define SIGMA_WIDTH 1.5
/* Octaves from the optimum to where trials diverge: mean and standard deviation. One in
 * 1 / STRAY diverges anywhere. */
#define CLIFF 1.5
#define CLIFF_WIDTH 1.0
#define STRAY 0.01
#define ROUNDING 0.15 /* octaves: the corner of a V */

/* Asymmetries fitted to published sweeps: dense models .41 to .50, mixtures of experts -.14,
 * another family .10. */
static const double asymmetries[BASIN_ASYMMETRIES] = {-0.5, -0.2, 0.1, 0.35, 0.6};
static const double asymmetry_prior[BASIN_ASYMMETRIES] = {0.12, 0.2, 0.28, 0.25, 0.15};
static const double powers[BASIN_POWERS] = {1.2, 2, 3.4};
static const double power_prior[BASIN_POWERS] = {0.2, 0.55, 0.25};

/* Published curvatures fall as tokens^-.1 to ^-.6; tiny models' as tokens^-1. */
static const double drifts[BASIN_DRIFTS] = {0.05, 0.35, 0.8};
/* Beyond the longest horizon: direct sweeps of a target 8 and 32 times as long have about the
 * curvature of the longest training, however fast the short ones flattened; published ones fall on
 * as tokens^-.1 to ^-.6. */
#define DRIFT_BEYOND 0.2
const double basin_drift_prior[BASIN_DRIFTS] = {0.35, 0.4, 0.25};
/* Published sweeps: .15 to .2 in ln LR, which is .22 to .29 octaves, with the fits' errors. */
const double basin_misfit[BASIN_MISFITS] = {0.05, 0.1, 0.2, 0.4};
const double basin_misfit_prior[BASIN_MISFITS] = {0.25, 0.4, 0.25, 0.1};
const double basin_error[BASIN_ERRORS] = {0.05, 0.15, 0.4};
const double basin_error_prior[BASIN_ERRORS] = {0.3, 0.5, 0.2};

double basin_flattening(int drift, double t)
{
    return exp2(-(t > 0 ? fmin(drifts[drift], DRIFT_BEYOND) : drifts[drift]) * t);
}

double basin_sigma(int index)
{
    return SIGMA_LEAST * (1 << index);
}

double basin_sigma_log_prior(int index)
{
    double off = log(basin_sigma(index) / SIGMA_CENTER) / SIGMA_WIDTH;
    return -off * off / 2;
}

struct basin_shape basin_shape_of(int shape)
{
    int p = shape / BASIN_ASYMMETRIES, a = shape % BASIN_ASYMMETRIES;
    return (struct basin_shape){powers[p], asymmetries[a], power_prior[p] * asymmetry_prior[a]};
}

/* |t|^power, with a round bottom. */
static double rounded(double t, double power)
{
    return pow(t * t + ROUNDING * ROUNDING, power / 2) - pow(ROUNDING, power);
}

double basin_height(double t, int shape)
{
    struct basin_shape of = basin_shape_of(shape);
    return rounded(t, of.power) / rounded(1, of.power) * (1 + of.asymmetry * tanh(2 * t));
}

void basin_heights_fill(struct basin_heights *heights)
{
    for (int i = 0; i < HEIGHTS; i++) {
        double t = (double)i / HEIGHTS_OCTAVE - HEIGHTS_REACH, side = tanh(2 * t);
        for (int p = 0; p < BASIN_POWERS; p++) {
            double height = rounded(t, powers[p]) / rounded(1, powers[p]);
            for (int a = 0; a < BASIN_ASYMMETRIES; a++)
                heights->g[p * BASIN_ASYMMETRIES + a][i] = height * (1 + asymmetries[a] * side);
        }
    }
}

double basin_heights_at(const struct basin_heights *heights, double t, int shape)
{
    double place = (t + HEIGHTS_REACH) * HEIGHTS_OCTAVE;
    place = place < 0 ? 0 : place > HEIGHTS - 1 ? HEIGHTS - 1 : place;
    int below = place < HEIGHTS - 1 ? (int)place : HEIGHTS - 2;
    double share = place - below;
    const double *g = heights->g[shape];
    return g[below] * (1 - share) + g[below + 1] * share;
}

static double beyond_cliff(double octaves)
{
    double z = (octaves - CLIFF) / CLIFF_WIDTH;
    return erfc(-z / sqrt(2)) / 2;
}

double basin_divergence(double octaves, bool both)
{
    double p = beyond_cliff(octaves);
    if (both)
        p = fmax(p, beyond_cliff(-octaves));
    return STRAY + (1 - STRAY) * p;
}

struct vertex_grid vertex_grid_lay(double lr_low, double lr_high)
{
    double low = log2(lr_low) - GRID_MARGIN, range = log2(lr_high) + GRID_MARGIN - low;
    struct vertex_grid grid = {low, fmax(GRID_STEP, range / (VERTEX_GRID_MAX - 1)), 0};
    grid.count = (int)fmin(VERTEX_GRID_MAX, floor(range / grid.step) + 1);
    return grid;
}

double vertex_grid_x(const struct vertex_grid *grid, int vertex)
{
    return grid->low + vertex * grid->step;
}

int vertex_grid_nearest(const struct vertex_grid *grid, double x)
{
    double place = (x - grid->low) / grid->step; /* no fmin(), fmax(), round(): calls of libm */
    if (!(place < grid->count - 1))
        return grid->count - 1;
    return place > 0 ? (int)(place + 0.5) : 0;
}
