/* What is not linear is enumerated: curvature, drift, asymmetry and noise (a node), the size of the
 * misfit, and the law's line and beta. Given these, each horizon has a likelihood over its vertex
 * alone. Nodes that the data rule out are left out early. Then samples are drawn from the whole,
 * because what is asked of it (intervals, what a further trial would tell) is not linear. */
#include "search/posterior.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"

#define CURVATURES 8
#define DRIFTS 3
#define NODES (CURVATURES * DRIFTS * EVIDENCE_ASYMMETRIES * EVIDENCE_SIGMAS)
#define MISFITS 4
#define BETAS 25
#define LINES (BETAS * EVIDENCE_GRID)
#define NEGLIGIBLE 9.0 /* in log likelihood */

/* Published sweeps: .012 nats per octave^2 and noise of .001 to .003; tiny models: .02 to .06 and
 * .03. Widths are those of the logarithms. */
#define CURVATURE_LEAST 0.002
#define CURVATURE_GROWTH 1.8
#define CURVATURE_CENTER 0.014
#define CURVATURE_WIDTH 1.1
#define SIGMA_CENTER 0.003
#define SIGMA_WIDTH 1.3
static const double drifts[DRIFTS] = {0, 0.35, 0.8};
/* Published sweeps: .15 to .2 in ln LR, which is .22 to .29 octaves. */
static const double misfits[MISFITS] = {0.12, 0.22, 0.4, 0.7};
static const double misfit_prior[MISFITS] = {0.3, 0.4, 0.22, 0.08};
#define BETA_LEAST -0.9
#define BETA_STEP 0.1

struct node {
    struct shape shape;
    double log_prior;
    double log_weight[MISFITS];
};

struct workspace {
    const struct search_space *space;
    struct vertex_grid grid;
    double target_t;
    int target_horizon; /* -1: none of those seen is as long as the target */
    struct node nodes[NODES];
    double beta_prior[BETAS];
    double lines[LINES]; /* weights of (beta, line) at the present node */
    uint64_t draws;
    size_t count;
    struct evidence horizons[];
};

static double beta_of(int b)
{
    return BETA_LEAST + b * BETA_STEP;
}

/* ---- the law ---- */

/* The likelihood of a place of the line at this horizon: the vertex is a misfit away. */
static void blur(const struct evidence *evidence, double largest, double misfit, double *out)
{
    double kernel[EVIDENCE_GRID], plain[EVIDENCE_GRID], sum = 0;
    int count = evidence->grid->count;
    int reach = (int)fmin(ceil(3.5 * misfit / evidence->grid->step), count - 1);
    for (int i = 0; i <= reach; i++) {
        double z = i * evidence->grid->step / misfit;
        kernel[i] = exp(-z * z / 2);
        sum += i ? 2 * kernel[i] : kernel[i];
    }
    for (int v = 0; v < count; v++) {
        plain[v] = exp(evidence->log_of[v] - largest);
        out[v] = 0;
    }
    for (int i = -reach; i <= reach; i++) {
        double share = kernel[abs(i)] / sum;
        int first = i < 0 ? -i : 0, end = i < 0 ? count : count - i;
        for (int v = first; v < end; v++)
            out[v] += share * plain[v + i];
    }
}

/* Multiplies the weights of the lines of one slope by what a horizon says of them; `shift`: from
 * the line's place at t = 0 to that at the horizon, in steps of the grid. */
static void weigh_slope(const double *likelihood, int count, double shift, double *weights)
{
    double whole = fmax(-count, fmin(floor(shift), count)), rest = shift - whole;
    int by = (int)whole, first = by < 0 ? -by : 0, end = by < 0 ? count : count - by - 1;
    end = end < count - 1 - by ? end : count - 1 - by;
    first = first < count ? first : count;
    end = end > first ? end : first;
    memset(weights, 0, (size_t)first * sizeof(*weights));
    for (int v = first; v < end; v++)
        weights[v] *= likelihood[v + by] * (1 - rest) + likelihood[v + by + 1] * rest;
    memset(weights + end, 0, (size_t)(count - end) * sizeof(*weights));
}

/* Fills `lines` for one node and misfit; returns the log of their sum: the evidence. */
static double weigh(struct workspace *space, const struct node *node, double misfit)
{
    double log_sum = node->log_prior, sum = 0, likelihood[EVIDENCE_GRID];
    int count = space->grid.count;
    for (int b = 0; b < BETAS; b++)
        for (int v = 0; v < count; v++)
            space->lines[b * EVIDENCE_GRID + v] = space->beta_prior[b];
    for (size_t h = 0; h < space->count; h++) {
        struct evidence *evidence = &space->horizons[h];
        double largest = evidence_weigh(evidence, &node->shape);
        if (evidence_is_empty(evidence))
            continue; /* says nothing, on the grid or beyond */
        log_sum += largest;
        blur(evidence, largest, misfit, likelihood);
        for (int b = 0; b < BETAS; b++)
            weigh_slope(likelihood, count, -beta_of(b) * evidence->t / space->grid.step,
                        &space->lines[b * EVIDENCE_GRID]);
    }
    for (int b = 0; b < BETAS; b++)
        for (int v = 0; v < count; v++)
            sum += space->lines[b * EVIDENCE_GRID + v];
    return log_sum + log(sum);
}

static void weigh_nodes(struct workspace *space)
{
    double best = -INFINITY, bounds[NODES];
    for (int n = 0; n < NODES; n++) {
        bounds[n] = space->nodes[n].log_prior;
        for (size_t h = 0; h < space->count; h++)
            bounds[n] += evidence_is_empty(&space->horizons[h])
                             ? 0
                             : evidence_weigh(&space->horizons[h], &space->nodes[n].shape);
        best = fmax(best, bounds[n]);
    }
    for (int n = 0; n < NODES; n++)
        for (int m = 0; m < MISFITS; m++)
            space->nodes[n].log_weight[m] =
                bounds[n] < best - NEGLIGIBLE
                    ? -INFINITY
                    : log(misfit_prior[m]) + weigh(space, &space->nodes[n], misfits[m]);
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

/* The place where the running sum of weights passes `share` of the total. */
static int pick(const double *weights, int count, double total, double share)
{
    double left = share * total;
    int last = 0;
    for (int i = 0; i < count; i++) {
        if (!(weights[i] > 0))
            continue;
        last = i;
        left -= weights[i];
        if (left < 0)
            break;
    }
    return last;
}

static void sample_horizon(struct workspace *space, size_t h, const struct shape *shape,
                           struct sample *sample)
{
    const struct evidence *evidence = &space->horizons[h];
    const struct vertex_grid *grid = &space->grid;
    double weights[EVIDENCE_GRID], total = 0, largest = -INFINITY;
    double center = sample->line - sample->beta * evidence->t;
    for (int v = 0; v < grid->count; v++) {
        double off = (grid->low + v * grid->step - center) / sample->misfit;
        weights[v] = evidence->log_of[v] - off * off / 2;
        largest = fmax(largest, weights[v]);
    }
    for (int v = 0; v < grid->count; v++)
        total += weights[v] = exp(weights[v] - largest);
    int v = pick(weights, grid->count, total, uniform(space));
    sample->vertex[h] = grid->low + (v + uniform(space) - 0.5) * grid->step;
    double normals[2];
    for (int i = 0; i < 2; i++)
        normals[i] = normal(space);
    evidence_draw(evidence, shape, v, normals, &sample->curvature[h], &sample->level[h]);
}

static void sample_node(struct workspace *space, const struct shape *shape, double misfit,
                        struct sample *samples, int count)
{
    double total = 0;
    for (int i = 0; i < LINES; i++)
        total += i % EVIDENCE_GRID < space->grid.count ? space->lines[i] : 0;
    for (int i = 0; i < count; i++) {
        struct sample *sample = &samples[i];
        int place = pick(space->lines, LINES, total, (i + uniform(space)) / count);
        sample->asymmetry = evidence_asymmetry[shape->asymmetry];
        sample->sigma = evidence_sigma(shape->sigma);
        sample->misfit = misfit;
        sample->beta = beta_of(place / EVIDENCE_GRID) + (uniform(space) - 0.5) * BETA_STEP;
        sample->line =
            space->grid.low + (place % EVIDENCE_GRID + uniform(space) - 0.5) * space->grid.step;
        for (size_t h = 0; h < space->count; h++)
            sample_horizon(space, h, shape, sample);
        sample->target = sample->line - sample->beta * space->target_t + misfit * normal(space);
        sample->target_curvature = shape->curvature * exp2(-shape->drift * space->target_t);
        if (space->target_horizon >= 0) {
            sample->target = sample->vertex[space->target_horizon];
            sample->target_curvature = sample->curvature[space->target_horizon];
        }
    }
}

/* Each node gets samples in proportion to its weight (systematic sampling). */
static void sample_all(struct posterior *posterior, struct workspace *space)
{
    double largest = -INFINITY, total = 0, passed = 0;
    int used = 0;
    for (int i = 0; i < NODES * MISFITS; i++)
        largest = fmax(largest, space->nodes[i / MISFITS].log_weight[i % MISFITS]);
    for (int i = 0; i < NODES * MISFITS; i++)
        total += exp(space->nodes[i / MISFITS].log_weight[i % MISFITS] - largest);
    for (int i = 0; i < NODES * MISFITS; i++) {
        const struct node *node = &space->nodes[i / MISFITS];
        passed += exp(node->log_weight[i % MISFITS] - largest);
        int until = (int)fmin(passed / total * POSTERIOR_SAMPLES + 0.5, POSTERIOR_SAMPLES);
        if (until == used)
            continue;
        weigh(space, node, misfits[i % MISFITS]);
        sample_node(space, &node->shape, misfits[i % MISFITS], &posterior->samples[used],
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
        shape->sigma = rest % EVIDENCE_SIGMAS;
        rest /= EVIDENCE_SIGMAS;
        shape->asymmetry = rest % EVIDENCE_ASYMMETRIES;
        rest /= EVIDENCE_ASYMMETRIES;
        shape->drift = drifts[rest % DRIFTS];
        shape->curvature = CURVATURE_LEAST * pow(CURVATURE_GROWTH, rest / DRIFTS);
        double off = log(shape->curvature / CURVATURE_CENTER) / CURVATURE_WIDTH;
        double loud = log(evidence_sigma(shape->sigma) / SIGMA_CENTER) / SIGMA_WIDTH;
        space->nodes[n].log_prior = -(off * off + loud * loud) / 2;
    }
}

/* Student with 3 degrees of freedom; returns the standard deviation that the grid gives it. */
static double lay_betas(struct workspace *space)
{
    double sum = 0, mean = 0, square = 0;
    for (int b = 0; b < BETAS; b++) {
        double z = (beta_of(b) - space->space->prior_beta) / space->space->prior_beta_sd;
        double weight = space->beta_prior[b] = 1 / ((1 + z * z / 3) * (1 + z * z / 3));
        sum += weight;
        mean += weight * beta_of(b);
        square += weight * beta_of(b) * beta_of(b);
    }
    return sqrt(fmax(square / sum - mean / sum * mean / sum, 0));
}

static void lay_horizons(struct workspace *space, const struct survey *survey,
                         uint64_t target_tokens)
{
    size_t longest = 0;
    for (size_t h = 0; h < space->count; h++)
        longest = survey->basins[h].best >= 0 ? h : longest;
    double reference = (double)space->space->horizons[longest];
    space->target_t = log2((double)target_tokens / reference);
    space->target_horizon = -1;
    for (size_t h = 0; h < space->count; h++) {
        double t = log2((double)space->space->horizons[h] / reference);
        evidence_gather(&space->horizons[h], &survey->basins[h], &space->grid, t);
        if (space->space->horizons[h] == target_tokens)
            space->target_horizon = (int)h;
    }
}

struct posterior *posterior_create(const struct survey *survey, size_t horizons,
                                   uint64_t target_tokens)
{
    struct posterior *posterior = lr_calloc(1, sizeof(*posterior));
    struct workspace *space = lr_calloc(1, sizeof(*space) + horizons * sizeof(struct evidence));
    if (posterior && space) {
        space->space = survey->space;
        space->count = posterior->horizon_count = horizons;
        space->grid = vertex_grid_lay(survey->space->lr_low, survey->space->lr_high);
        lay_nodes(space);
        posterior->prior_beta_sd = lay_betas(space);
        lay_horizons(space, survey, target_tokens);
        weigh_nodes(space);
        sample_all(posterior, space);
    } else {
        lr_free(posterior);
        posterior = NULL;
    }
    lr_free(space);
    return posterior;
}

/* ---- what samples say ---- */

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

struct spread posterior_spread(const struct posterior *posterior, size_t offset)
{
    double values[POSTERIOR_SAMPLES];
    struct spread spread = {0};
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        memcpy(&values[s], (const char *)&posterior->samples[s] + offset, sizeof(values[s]));
        spread.mean += values[s] / POSTERIOR_SAMPLES;
    }
    for (int s = 0; s < POSTERIOR_SAMPLES; s++)
        spread.deviation += (values[s] - spread.mean) * (values[s] - spread.mean);
    spread.deviation = sqrt(spread.deviation / (POSTERIOR_SAMPLES - 1));
    qsort(values, POSTERIOR_SAMPLES, sizeof(*values), by_value);
    spread.ci90[0] = values[POSTERIOR_SAMPLES / 20];
    spread.ci90[1] = values[POSTERIOR_SAMPLES - 1 - POSTERIOR_SAMPLES / 20];
    return spread;
}
