/* Weighted least squares in closed form at each vertex of the grid. A point's weight follows from
 * the noise and from how high it stands: the model is only good near the bottom. A divergence says
 * that the optimum lies somewhere to its left. */
#include "search/vertex_likelihood.h"

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
#define IMPOSSIBLE 25.0   /* in log likelihood */
#define HIGHEST 30.0      /* nats above the bottom: whatever is higher is no better known */
#define NOTHING_KNOWN 1.0 /* nats: the level of a horizon without a loss is anywhere */

const double evidence_asymmetry[EVIDENCE_ASYMMETRIES] = {0.1, 0.45};

double evidence_sigma(int index)
{
    return SIGMA_LEAST * (1 << index);
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
    evidence->others++;
    for (int v = 0; v < evidence->grid->count; v++) {
        double z = (x - grid_x(evidence->grid, v) - CLIFF) / CLIFF_WIDTH;
        evidence->beside[v] += log(fmax(erfc(-z / sqrt(2)) / 2, 1e-300));
    }
}

static void add_optimum(struct evidence *evidence, const struct observation *optimum)
{
    double error = optimum->loss / log(2.0); /* octaves */
    evidence->others++;
    for (int v = 0; v < evidence->grid->count; v++) {
        double z = (grid_x(evidence->grid, v) - log2(optimum->lr)) / error;
        evidence->beside[v] -= z * z / 2;
    }
}

/* ---- replicates ---- */

#define SEEDS 32 /* that are told apart */

struct replicates {
    double offset[SEEDS]; /* what a seed adds to all losses alike: it moves no minimum */
    double freedom;       /* degrees, for each replicate of a point beyond the first */
};

static struct replicates compare_seeds(const struct basin *basin)
{
    struct replicates replicates = {.freedom = 0};
    double points[SEEDS] = {0}, repeated = 0;
    for (size_t i = 0; i < basin->count; i++) {
        const struct point *point = &basin->points[i];
        repeated += !isnan(point->loss) && point->losses > 1;
        for (size_t j = 0; j < point->seen_count && !isnan(point->loss); j++) {
            const struct observation *seen = &point->seen[j];
            if (seen->kind != OBSERVED_LOSS || seen->seed >= SEEDS)
                continue;
            replicates.offset[seen->seed] += seen->loss - point->loss;
            points[seen->seed]++;
        }
    }
    for (int s = 0; s < SEEDS; s++)
        replicates.offset[s] /= fmax(points[s], 1);
    replicates.freedom = repeated > 0 ? (repeated - 1) / repeated : 0;
    return replicates;
}

static double scatter_of(const struct point *point, const struct replicates *replicates)
{
    double scatter = 0;
    for (size_t i = 0; i < point->seen_count; i++) {
        const struct observation *seen = &point->seen[i];
        double off =
            seen->loss - point->loss - (seen->seed < SEEDS ? replicates->offset[seen->seed] : 0);
        scatter += seen->kind == OBSERVED_LOSS ? off * off : 0;
    }
    return scatter;
}

/* ---- sums ---- */

static void add_loss(struct evidence *evidence, const struct point *point,
                     const struct replicates *replicates, bool right)
{
    double y = fmin(point->loss - evidence->bottom, HIGHEST);
    double error = basin_shape_error(y, right);
    double n = point->losses, scatter = scatter_of(point, replicates);
    double freedom = (n - 1) * replicates->freedom;
    double g[EVIDENCE_GRID], weights[EVIDENCE_SIGMAS];
    evidence->losses++;
    for (int s = 0; s < EVIDENCE_SIGMAS; s++) {
        double variance = evidence_sigma(s) * evidence_sigma(s);
        double w = weights[s] = 1 / (variance / n + error * error);
        struct evidence_noise *noise = &evidence->noise[s];
        noise->w += w;
        noise->wy += w * y;
        noise->yy += w * y * y;
        noise->log_norm += log(w) / 2 - freedom * log(variance) / 2 - scatter / variance / 2;
    }
    for (int a = 0; a < EVIDENCE_ASYMMETRIES; a++) {
        for (int v = 0; v < evidence->grid->count; v++)
            g[v] = basin_shape(point->x - grid_x(evidence->grid, v), evidence_asymmetry[a]);
        for (int s = 0; s < EVIDENCE_SIGMAS; s++)
            for (int v = 0; v < evidence->grid->count; v++) {
                struct evidence_sums *sums = &evidence->sums[a][s];
                sums->wg[v] += weights[s] * g[v];
                sums->gg[v] += weights[s] * g[v] * g[v];
                sums->gy[v] += weights[s] * g[v] * y;
            }
    }
}

static void center_sums(struct evidence *evidence)
{
    for (int s = 0; s < EVIDENCE_SIGMAS && evidence->losses > 0; s++) {
        struct evidence_noise *noise = &evidence->noise[s];
        noise->yy -= noise->wy * noise->wy / noise->w;
        for (int a = 0; a < EVIDENCE_ASYMMETRIES; a++) {
            struct evidence_sums *sums = &evidence->sums[a][s];
            for (int v = 0; v < evidence->grid->count; v++) {
                sums->gg[v] -= sums->wg[v] * sums->wg[v] / noise->w;
                sums->gy[v] -= sums->wg[v] * noise->wy / noise->w;
            }
        }
    }
}

void evidence_gather(struct evidence *evidence, const struct basin *basin,
                     const struct vertex_grid *grid, double t)
{
    double best = basin->best >= 0 ? basin->points[basin->best].x : 0;
    struct replicates replicates = compare_seeds(basin);
    evidence->grid = grid;
    evidence->t = t;
    evidence->bottom = basin->best >= 0 ? basin->points[basin->best].loss : 0;
    if (basin->optimum)
        add_optimum(evidence, basin->optimum);
    for (size_t i = 0; i < basin->count; i++) {
        const struct point *point = &basin->points[i];
        if (point->diverged > 0)
            add_wall(evidence, point->x);
        if (!isnan(point->loss))
            add_loss(evidence, point, &replicates, point->x > best);
    }
    center_sums(evidence);
}

bool evidence_is_empty(const struct evidence *evidence)
{
    return evidence->losses == 0 && evidence->others == 0;
}

/* Mean of this horizon's curvature before its losses, and 1 / variance. */
static double expected_curvature(const struct shape *shape, double t, double *precision)
{
    double mean = shape->curvature * exp2(-shape->drift * t);
    *precision = 1 / (CURVATURE_OWN * CURVATURE_OWN * mean * mean);
    return mean;
}

/* What is left of the squares at a vertex when level and curvature fit best, with the prior. */
static double squares(const struct evidence_noise *noise, const struct evidence_sums *sums, int v,
                      double mean, double precision)
{
    double off = sums->gy[v] - mean * sums->gg[v];
    return noise->yy - 2 * mean * sums->gy[v] + mean * mean * sums->gg[v] -
           off * off / (precision + sums->gg[v]);
}

void evidence_weigh(struct evidence *evidence, const struct shape *shape)
{
    const struct evidence_noise *noise = &evidence->noise[shape->sigma];
    const struct evidence_sums *sums = &evidence->sums[shape->asymmetry][shape->sigma];
    double precision, mean = expected_curvature(shape, evidence->t, &precision);
    int count = evidence->grid->count;
    evidence->largest = -INFINITY;
    for (int v = 0; v < count; v++) {
        evidence->log_of[v] = evidence->beside[v];
        if (evidence->losses > 0)
            evidence->log_of[v] += noise->log_norm -
                                   log(noise->w * (1 + sums->gg[v] / precision)) / 2 -
                                   squares(noise, sums, v, mean, precision) / 2;
        evidence->largest = fmax(evidence->largest, evidence->log_of[v]);
    }
    evidence->first = 0;
    evidence->end = count;
    while (evidence->log_of[evidence->first] < evidence->largest - IMPOSSIBLE)
        evidence->first++;
    while (evidence->log_of[evidence->end - 1] < evidence->largest - IMPOSSIBLE)
        evidence->end--;
}

double evidence_bound(const struct evidence *evidence, const struct shape *shape)
{
    const struct evidence_noise *noise = &evidence->noise[shape->sigma];
    const struct evidence_sums *sums = &evidence->sums[shape->asymmetry][shape->sigma];
    double precision, mean = expected_curvature(shape, evidence->t, &precision);
    double least = INFINITY, beside = -INFINITY;
    for (int v = 0; v < evidence->grid->count; v++) {
        double value = squares(noise, sums, v, mean, precision);
        least = value < least ? value : least;
        beside = evidence->beside[v] > beside ? evidence->beside[v] : beside;
    }
    return evidence->losses > 0 ? beside + noise->log_norm - log(noise->w) / 2 - least / 2 : beside;
}

void evidence_draw(const struct evidence *evidence, const struct shape *shape, int vertex,
                   const double normal[2], double *curvature, double *level)
{
    const struct evidence_noise *noise = &evidence->noise[shape->sigma];
    const struct evidence_sums *sums = &evidence->sums[shape->asymmetry][shape->sigma];
    double precision, mean = expected_curvature(shape, evidence->t, &precision);
    double least = mean / 10; /* a basin never bends down */
    bool known = evidence->losses > 0;
    if (known) {
        mean = (precision * mean + sums->gy[vertex]) / (precision + sums->gg[vertex]);
        precision += sums->gg[vertex];
    }
    *curvature = fmax(mean + normal[0] / sqrt(precision), least);
    *level = evidence->bottom +
             (known ? (noise->wy - *curvature * sums->wg[vertex]) / noise->w : 0) +
             normal[1] * (known ? 1 / sqrt(noise->w) : NOTHING_KNOWN);
}
