/* Weighted least squares in closed form at each vertex of the grid. A point's weight follows from
 * the noise and from how high it stands: the model is only good near the bottom. A divergence says
 * that the optimum lies somewhere to its left. */
#include "search/evidence.h"

#include <math.h>

#define GRID_STEP 0.1   /* octaves, or more for a very wide range */
#define GRID_MARGIN 2.5 /* octaves beyond the range of the search */

/* Published sweeps: noise .001 to .003 nats; tiny models .03. */
#define SIGMA_LEAST 0.0006
#define CURVATURE_OWN 0.35 /* what one horizon's curvature differs from the rule, relative */
#define ERROR_LEFT 0.15    /* of the height above the bottom */
#define ERROR_RIGHT 0.35
/* Octaves from the optimum to where training diverges. */
#define CLIFF 1.5
#define CLIFF_WIDTH 1.0
#define NOTHING_KNOWN 1.0 /* nats: the level of a horizon without a loss is anywhere */

const double evidence_asymmetry[EVIDENCE_ASYMMETRIES] = {0, 0.3, 0.55};

double evidence_sigma(int index)
{
    return ldexp(SIGMA_LEAST, index);
}

double basin_shape(double t, double asymmetry)
{
    return t * t * (1 + asymmetry * tanh(t));
}

double basin_shape_error(double height, bool right)
{
    return (right ? ERROR_RIGHT : ERROR_LEFT) * height;
}

struct vertex_grid vertex_grid_lay(double lr_low, double lr_high)
{
    double low = log2(lr_low) - GRID_MARGIN, range = log2(lr_high) + GRID_MARGIN - low;
    struct vertex_grid grid = {low, fmax(GRID_STEP, range / (EVIDENCE_GRID - 1)), 0};
    grid.count = (int)fmin(EVIDENCE_GRID, floor(range / grid.step) + 1);
    return grid;
}

static double grid_x(const struct vertex_grid *grid, int vertex)
{
    return grid->low + vertex * grid->step;
}

static void add_wall(struct evidence *evidence, double x)
{
    evidence->walls++;
    for (int v = 0; v < evidence->grid->count; v++) {
        double z = (x - grid_x(evidence->grid, v) - CLIFF) / CLIFF_WIDTH;
        evidence->wall[v] += log(fmax(erfc(-z / sqrt(2)) / 2, 1e-300));
    }
}

static double scatter_of(const struct point *point)
{
    double scatter = 0;
    for (size_t i = 0; i < point->seen_count; i++) {
        double off = point->seen[i].loss - point->loss;
        scatter += point->seen[i].kind == OBSERVED_LOSS ? off * off : 0;
    }
    return scatter;
}

static void add_loss(struct evidence *evidence, const struct point *point, bool right)
{
    double y = point->loss - evidence->bottom, error = basin_shape_error(y, right);
    double n = point->losses, scatter = scatter_of(point);
    double g[EVIDENCE_GRID], weights[EVIDENCE_SIGMAS];
    evidence->losses++;
    for (int s = 0; s < EVIDENCE_SIGMAS; s++) {
        double variance = evidence_sigma(s) * evidence_sigma(s);
        double w = weights[s] = 1 / (variance / n + error * error);
        struct evidence_noise *noise = &evidence->noise[s];
        noise->w += w;
        noise->wy += w * y;
        noise->wyy += w * y * y;
        noise->log_norm += log(w) / 2 - (n - 1) * log(variance) / 2 - scatter / variance / 2;
    }
    for (int a = 0; a < EVIDENCE_ASYMMETRIES; a++) {
        for (int v = 0; v < evidence->grid->count; v++)
            g[v] = basin_shape(point->x - grid_x(evidence->grid, v), evidence_asymmetry[a]);
        for (int s = 0; s < EVIDENCE_SIGMAS; s++)
            for (int v = 0; v < evidence->grid->count; v++) {
                struct evidence_sums *sums = &evidence->sums[a][s][v];
                sums->wg += weights[s] * g[v];
                sums->wgg += weights[s] * g[v] * g[v];
                sums->wgy += weights[s] * g[v] * y;
            }
    }
}

void evidence_gather(struct evidence *evidence, const struct basin *basin,
                     const struct vertex_grid *grid, double t)
{
    double best = basin->best >= 0 ? basin->points[basin->best].x : 0;
    evidence->grid = grid;
    evidence->t = t;
    evidence->bottom = basin->best >= 0 ? basin->points[basin->best].loss : 0;
    for (size_t i = 0; i < basin->count; i++) {
        const struct point *point = &basin->points[i];
        if (point->diverged > 0)
            add_wall(evidence, point->x);
        if (!isnan(point->loss))
            add_loss(evidence, point, point->x > best);
    }
}

bool evidence_is_empty(const struct evidence *evidence)
{
    return evidence->losses == 0 && evidence->walls == 0;
}

/* Mean of this horizon's curvature before its losses, and 1 / variance. */
static double expected_curvature(const struct shape *shape, double t, double *precision)
{
    double mean = shape->curvature * exp2(-shape->drift * t);
    *precision = 1 / (CURVATURE_OWN * CURVATURE_OWN * mean * mean);
    return mean;
}

double evidence_weigh(struct evidence *evidence, const struct shape *shape)
{
    const struct evidence_noise *noise = &evidence->noise[shape->sigma];
    const struct evidence_sums *sums = evidence->sums[shape->asymmetry][shape->sigma];
    double precision, mean = expected_curvature(shape, evidence->t, &precision);
    double largest = -INFINITY;
    for (int v = 0; v < evidence->grid->count; v++) {
        double value = evidence->wall[v];
        if (evidence->losses > 0) {
            double yy = noise->wyy - noise->wy * noise->wy / noise->w;
            double gg = sums[v].wgg - sums[v].wg * sums[v].wg / noise->w;
            double gy = sums[v].wgy - sums[v].wg * noise->wy / noise->w, off = gy - mean * gg;
            double squares = yy - 2 * mean * gy + mean * mean * gg - off * off / (precision + gg);
            value += noise->log_norm - log(noise->w * (1 + gg / precision)) / 2 - squares / 2;
        }
        evidence->log_of[v] = value;
        largest = fmax(largest, value);
    }
    return largest;
}

void evidence_draw(const struct evidence *evidence, const struct shape *shape, int vertex,
                   const double normal[2], double *curvature, double *level)
{
    const struct evidence_noise *noise = &evidence->noise[shape->sigma];
    const struct evidence_sums *sums = &evidence->sums[shape->asymmetry][shape->sigma][vertex];
    double precision, mean = expected_curvature(shape, evidence->t, &precision);
    double least = mean / 10; /* a basin never bends down */
    bool known = evidence->losses > 0;
    if (known) {
        double gg = sums->wgg - sums->wg * sums->wg / noise->w;
        double gy = sums->wgy - sums->wg * noise->wy / noise->w;
        mean = (precision * mean + gy) / (precision + gg);
        precision += gg;
    }
    *curvature = fmax(mean + normal[0] / sqrt(precision), least);
    *level = evidence->bottom + (known ? (noise->wy - *curvature * sums->wg) / noise->w : 0) +
             normal[1] * (known ? 1 / sqrt(noise->w) : NOTHING_KNOWN);
}
