/* The nonlinear unknowns are enumerated: curvature, drift, asymmetry and noise (a node), the size
 * of the misfit, and the law's line and beta. Given these, each horizon has a likelihood over its
 * vertex alone. Nodes that the data rule out are skipped early. Samples are then drawn from the
 * joint posterior, because intervals and information gains are not linear in it. */
#include "search/posterior.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"
#include "search/vertex_likelihood.h"

#define CURVATURES 7 /* CURVATURE_LEAST times 1, 2, 4, ... */
#define NODES (CURVATURES * BASIN_DRIFTS * BASIN_ASYMMETRIES * BASIN_SIGMAS)
#define BETAS 27
#define PI 3.14159265358979323846
#define NEGLIGIBLE 9.0 /* log weight: nodes whose bound is this far below the best are skipped */
#define BETA_STEP 0.125

struct node {
    struct shape shape;
    double log_prior;
    double log_weight[BASIN_MISFITS];
};

struct workspace {
    const struct search_space *space;
    struct vertex_grid grid;
    size_t reference; /* the longest horizon with data: t = 0 */
    double target_t;
    int target_horizon; /* horizon with the target's tokens; -1: none */
    struct node nodes[NODES];
    double beta_prior[BETAS];
    double lines[BETAS][VERTEX_GRID_MAX]; /* weights at the current node */
    uint64_t draws;
    size_t count;
    struct vertex_likelihood horizons[];
};

/* Grid of beta: the prior mean +- 1.6. */
static double beta_of(const struct workspace *space, int b)
{
    return space->space->prior_beta + (b - BETAS / 2) * BETA_STEP;
}

/* ---- the law ---- */

struct support { /* grid range; outside it a function is 0 */
    int first, end;
};

/* Likelihood of the line's place at this horizon: that of the vertex, convolved with the misfit. */
static struct support blur(const struct vertex_likelihood *horizon, double misfit, double *out)
{
    double kernel[VERTEX_GRID_MAX], plain[VERTEX_GRID_MAX], sum = 0;
    int count = horizon->grid->count;
    int reach = (int)fmin(ceil(3.5 * misfit / horizon->grid->step), count - 1);
    for (int i = 0; i <= reach; i++) {
        double z = i * horizon->grid->step / misfit;
        kernel[i] = exp(-z * z / 2);
        sum += i ? 2 * kernel[i] : kernel[i];
    }
    memset(out, 0, (size_t)count * sizeof(*out));
    for (int v = horizon->first; v < horizon->end; v++)
        plain[v] = exp(horizon->log_of[v] - horizon->largest);
    for (int i = -reach; i <= reach; i++) {
        double share = kernel[abs(i)] / sum;
        int first = horizon->first - i > 0 ? horizon->first - i : 0;
        int end = horizon->end - i < count ? horizon->end - i : count;
        for (int v = first; v < end; v++)
            out[v] += share * plain[v + i];
    }
    return (struct support){horizon->first > reach ? horizon->first - reach : 0,
                            horizon->end + reach < count ? horizon->end + reach : count};
}

/* Multiplies the weights of the lines of one slope by a horizon's likelihood; `shift`: from the
 * line's place at t = 0 to that at the horizon, in grid steps. */
static void weigh_slope(double *weights, struct support *support, const double *blurred,
                        const struct support *of, double shift)
{
    double whole = floor(shift), rest = shift - whole;
    int by = (int)fmax(-4 * VERTEX_GRID_MAX, fmin(whole, 4 * VERTEX_GRID_MAX));
    int first = of->first - by > support->first ? of->first - by : support->first;
    int end = of->end - 1 - by < support->end ? of->end - 1 - by : support->end;
    support->first = first;
    support->end = end > first ? end : first;
    for (int v = first; v < end; v++)
        weights[v] *= blurred[v + by] * (1 - rest) + blurred[v + by + 1] * rest;
}

/* Multiplies the weights of the lines of one slope by the prior of LR* at prior_tokens. */
static void expect_lines(struct workspace *space, int b)
{
    double reference = (double)space->space->horizons[space->reference];
    double t = log2((double)space->space->prior_tokens / reference);
    for (int v = 0; v < space->grid.count; v++) {
        double line = space->grid.low + v * space->grid.step;
        space->lines[b][v] *= prior_lr_density(space->space, line - beta_of(space, b) * t);
    }
}

/* Fills `lines` for a misfit at the node of the last weigh_vertices(); returns their sum. */
static double weigh_lines(struct workspace *space, double misfit)
{
    double sum = 0, blurred[VERTEX_GRID_MAX];
    struct support supports[BETAS];
    for (int b = 0; b < BETAS; b++) {
        supports[b] = (struct support){0, space->grid.count};
        for (int v = 0; v < space->grid.count; v++)
            space->lines[b][v] = space->beta_prior[b];
        if (space->space->prior_lr > 0)
            expect_lines(space, b);
    }
    for (size_t h = 0; h < space->count; h++) {
        const struct vertex_likelihood *horizon = &space->horizons[h];
        if (vertex_likelihood_is_empty(horizon))
            continue; /* no information: its likelihood is flat beyond the grid too */
        struct support support = blur(horizon, misfit, blurred);
        for (int b = 0; b < BETAS; b++)
            weigh_slope(space->lines[b], &supports[b], blurred, &support,
                        -beta_of(space, b) * horizon->t / space->grid.step);
    }
    for (int b = 0; b < BETAS; b++)
        for (int v = 0; v < space->grid.count; v++) {
            if (v < supports[b].first || v >= supports[b].end)
                space->lines[b][v] = 0;
            sum += space->lines[b][v];
        }
    return sum;
}

/* Weighs all horizons' vertices; returns the sum of the horizons' largest log likelihoods. */
static double weigh_vertices(struct workspace *space, const struct shape *shape)
{
    double sum = 0;
    for (size_t h = 0; h < space->count; h++) {
        vertex_likelihood_weigh(&space->horizons[h], shape);
        sum += vertex_likelihood_is_empty(&space->horizons[h]) ? 0 : space->horizons[h].largest;
    }
    return sum;
}

static void weigh_nodes(struct workspace *space)
{
    double best = -INFINITY, bounds[NODES];
    for (int n = 0; n < NODES; n++) {
        bounds[n] = space->nodes[n].log_prior;
        for (size_t h = 0; h < space->count; h++)
            bounds[n] += vertex_likelihood_bound(&space->horizons[h], &space->nodes[n].shape);
        best = fmax(best, bounds[n]);
    }
    for (int n = 0; n < NODES; n++) {
        struct node *node = &space->nodes[n];
        bool negligible = bounds[n] < best - NEGLIGIBLE;
        double log_sum = node->log_prior + (negligible ? 0 : weigh_vertices(space, &node->shape));
        for (int m = 0; m < BASIN_MISFITS; m++)
            node->log_weight[m] =
                negligible
                    ? -INFINITY
                    : log_sum + log(basin_misfit_prior[m] * weigh_lines(space, basin_misfit[m]));
    }
}

/* ---- samples ---- */

static double uniform(struct workspace *space)
{
    return rng_uniform(space->space->seed, RNG_POSTERIOR, space->draws++);
}

static double normal(struct workspace *space)
{
    return rng_normal(space->space->seed, RNG_POSTERIOR, space->draws++);
}

/* First index from `from` on where the running sum of weights exceeds `share`; *passed: the sum
 * before it. Ascending shares continue from the last result. */
static int walk(const double *weights, int from, int count, double share, double *passed)
{
    int last = from;
    for (int i = from; i < count; i++) {
        if (!(weights[i] > 0))
            continue;
        last = i;
        if (*passed + weights[i] > share)
            break;
        *passed += weights[i];
    }
    return last;
}

static void sample_horizon(struct workspace *space, size_t h, const struct shape *shape,
                           struct sample *sample)
{
    const struct vertex_likelihood *horizon = &space->horizons[h];
    const struct vertex_grid *grid = &space->grid;
    double weights[VERTEX_GRID_MAX], normals[2], total = 0, passed = 0, largest = -INFINITY;
    double center = sample->line - sample->beta * horizon->t;
    for (int v = horizon->first; v < horizon->end; v++) {
        double off = (grid->low + v * grid->step - center) / sample->misfit;
        weights[v] = horizon->log_of[v] - off * off / 2;
        largest = fmax(largest, weights[v]);
    }
    for (int v = horizon->first; v < horizon->end; v++)
        total += weights[v] = exp(weights[v] - largest);
    int v = walk(weights, horizon->first, horizon->end, uniform(space) * total, &passed);
    sample->vertex[h] = grid->low + (v + uniform(space) - 0.5) * grid->step;
    for (int i = 0; i < 2; i++)
        normals[i] = normal(space);
    vertex_likelihood_draw(horizon, shape, v, normals, &sample->curvature[h], &sample->level[h]);
}

static void draw_sample(struct workspace *space, const struct shape *shape, struct sample *sample)
{
    sample->asymmetry = basin_asymmetry[shape->asymmetry];
    sample->sigma = basin_sigma(shape->sigma);
    for (size_t h = 0; h < space->count; h++)
        sample_horizon(space, h, shape, sample);
    sample->target = sample->line - sample->beta * space->target_t + sample->misfit * normal(space);
    sample->target_curvature =
        sample->curvature[space->reference] * exp2(-shape->drift * space->target_t);
    if (space->target_horizon >= 0) {
        sample->target = sample->vertex[space->target_horizon];
        sample->target_curvature = sample->curvature[space->target_horizon];
    }
}

static void sample_node(struct workspace *space, const struct shape *shape, double misfit,
                        struct sample *samples, int count)
{
    double passed = 0;
    weigh_vertices(space, shape);
    double total = weigh_lines(space, misfit);
    for (int i = 0, place = 0; i < count; i++) {
        double share = (i + uniform(space)) / count * total;
        place = walk(space->lines[0], place, BETAS * VERTEX_GRID_MAX, share, &passed);
        samples[i].misfit = misfit;
        samples[i].beta =
            beta_of(space, place / VERTEX_GRID_MAX) + (uniform(space) - 0.5) * BETA_STEP;
        samples[i].line =
            space->grid.low + (place % VERTEX_GRID_MAX + uniform(space) - 0.5) * space->grid.step;
        draw_sample(space, shape, &samples[i]);
    }
}

/* Each node gets samples in proportion to its weight (systematic sampling). */
static void sample_all(struct posterior *posterior, struct workspace *space)
{
    double largest = -INFINITY, total = 0, passed = 0;
    int used = 0;
    for (int i = 0; i < NODES * BASIN_MISFITS; i++)
        largest = fmax(largest, space->nodes[i / BASIN_MISFITS].log_weight[i % BASIN_MISFITS]);
    for (int i = 0; i < NODES * BASIN_MISFITS; i++)
        total += exp(space->nodes[i / BASIN_MISFITS].log_weight[i % BASIN_MISFITS] - largest);
    for (int i = 0; i < NODES * BASIN_MISFITS; i++) {
        const struct node *node = &space->nodes[i / BASIN_MISFITS];
        passed += exp(node->log_weight[i % BASIN_MISFITS] - largest);
        int until = (int)fmin(passed / total * POSTERIOR_SAMPLES + 0.5, POSTERIOR_SAMPLES);
        if (until == used)
            continue;
        sample_node(space, &node->shape, basin_misfit[i % BASIN_MISFITS], &posterior->samples[used],
                    until - used);
        used = until;
    }
}

/* ---- setting up ---- */

static void lay_nodes(struct workspace *space)
{
    for (int n = 0; n < NODES; n++) {
        struct shape *shape = &space->nodes[n].shape;
        int rest = n;
        shape->sigma = rest % BASIN_SIGMAS;
        rest /= BASIN_SIGMAS;
        shape->asymmetry = rest % BASIN_ASYMMETRIES;
        rest /= BASIN_ASYMMETRIES;
        shape->drift = basin_drift[rest % BASIN_DRIFTS];
        shape->curvature = CURVATURE_LEAST * pow(2, rest / BASIN_DRIFTS);
        double off = log(shape->curvature / CURVATURE_CENTER) / CURVATURE_WIDTH;
        space->nodes[n].log_prior = -(off * off) / 2 + basin_sigma_log_prior(shape->sigma);
    }
}

/* Distribution function of Student with 3 degrees of freedom. */
static double student_3(double z)
{
    double u = z / sqrt(3);
    return 0.5 + (u / (1 + u * u) + atan(u)) / PI;
}

/* Gives each beta the prior's mass around it; returns the standard deviation of this prior. */
static double lay_betas(struct workspace *space)
{
    double sum = 0, mean = 0, square = 0;
    for (int b = 0; b < BETAS; b++) {
        double z = (b - BETAS / 2) * BETA_STEP / space->space->prior_beta_sd;
        double half = BETA_STEP / 2 / space->space->prior_beta_sd;
        double weight = space->beta_prior[b] = student_3(z + half) - student_3(z - half);
        sum += weight;
        mean += weight * beta_of(space, b);
        square += weight * beta_of(space, b) * beta_of(space, b);
    }
    return sqrt(fmax(square / sum - mean / sum * mean / sum, 0));
}

static void lay_horizons(struct workspace *space, const struct observations *obs,
                         uint64_t target_tokens)
{
    size_t longest = 0;
    for (size_t h = 0; h < space->count; h++)
        longest = obs->basins[h].best >= 0 || obs->basins[h].optimum ? h : longest;
    double reference = (double)space->space->horizons[longest];
    space->reference = longest;
    space->target_t = log2((double)target_tokens / reference);
    space->target_horizon = -1;
    for (size_t h = 0; h < space->count; h++) {
        double t = log2((double)space->space->horizons[h] / reference);
        vertex_likelihood_gather(&space->horizons[h], &obs->basins[h], &space->grid, t);
        if (space->space->horizons[h] == target_tokens)
            space->target_horizon = (int)h;
    }
}

struct posterior *posterior_create(const struct observations *obs, size_t horizons,
                                   uint64_t target_tokens)
{
    assert(horizons > 0 && horizons <= obs->horizon_count);
    struct posterior *posterior = lr_calloc(1, sizeof(*posterior));
    struct workspace *space =
        lr_calloc(1, sizeof(*space) + horizons * sizeof(struct vertex_likelihood));
    if (posterior && space) {
        space->space = obs->space;
        space->count = posterior->horizon_count = horizons;
        space->grid = vertex_grid_lay(obs->space->lr_low, obs->space->lr_high);
        lay_nodes(space);
        posterior->prior_beta_sd = lay_betas(space);
        lay_horizons(space, obs, target_tokens);
        posterior->reference_tokens = (double)obs->space->horizons[space->reference];
        weigh_nodes(space);
        sample_all(posterior, space);
    } else {
        lr_free(posterior);
        posterior = NULL;
    }
    lr_free(space);
    return posterior;
}

/* ---- summaries ---- */

struct spread posterior_spread(const struct posterior *posterior, size_t offset)
{
    double values[POSTERIOR_SAMPLES];
    for (int s = 0; s < POSTERIOR_SAMPLES; s++)
        memcpy(&values[s], (const char *)&posterior->samples[s] + offset, sizeof(values[s]));
    return spread_of(values, POSTERIOR_SAMPLES);
}
