#include "search/basin_model.h"

#include <math.h>

#define GRID_STEP 0.1   /* octaves, or more for a very wide range */
#define GRID_MARGIN 2.5 /* octaves beyond the range of the search */

/* Noise, nats: published sweeps .001 to .003, tiny models .03. Smallest value considered; median
 * and standard deviation of the logarithm of the log-normal prior. */
#define SIGMA_LEAST 0.0006
#define SIGMA_CENTER 0.004
#define SIGMA_WIDTH 1.5
#define ERROR_LEFT 0.15 /* model error over height above the bottom */
#define ERROR_RIGHT 0.35
/* Octaves from the optimum to where trials diverge: mean and standard deviation. */
#define CLIFF 1.5
#define CLIFF_WIDTH 1.0

const double basin_asymmetry[BASIN_ASYMMETRIES] = {0.1, 0.45};
const double basin_drift[BASIN_DRIFTS] = {0.1, 0.6};
/* Published sweeps: .15 to .2 in ln LR, which is .22 to .29 octaves. */
const double basin_misfit[BASIN_MISFITS] = {0.12, 0.22, 0.4, 0.7};
const double basin_misfit_prior[BASIN_MISFITS] = {0.3, 0.4, 0.22, 0.08};

double basin_sigma(int index)
{
    return SIGMA_LEAST * (1 << index);
}

double basin_sigma_log_prior(int index)
{
    double off = log(basin_sigma(index) / SIGMA_CENTER) / SIGMA_WIDTH;
    return -off * off / 2;
}

double basin_shape(double t, double asymmetry)
{
    return t * t * (1 + asymmetry * tanh(t));
}

double basin_shape_error(double height, bool right)
{
    return (right ? ERROR_RIGHT : ERROR_LEFT) * height;
}

double basin_divergence(double octaves)
{
    double z = (octaves - CLIFF) / CLIFF_WIDTH;
    return erfc(-z / sqrt(2)) / 2;
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
    return (int)fmax(0, fmin(round((x - grid->low) / grid->step), grid->count - 1));
}
