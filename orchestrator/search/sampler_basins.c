/* What all basins share is drawn with their vertices integrated out over the grid: a vertex and the
 * basin's shape depend on each other too much to be drawn in turns. */
#include "search/sampler_basins.h"

#include <math.h>
#include <string.h>
#include "search/fast_math.h"
#include "search/sampler_law.h"

#define LEAST 1e-290  /* an evidence below counts as this */
#define FARTHEST 80.0 /* log: likelihoods so far below a basin's largest are 0 */
#define LEVELS (2 * VERTEX_GRID_MAX + 1)
#define JUMP_EVERY 4 /* sweeps for one jump of the level */
#define SELDOM 8     /* sweeps for one draw of the shape, with several coordinates */
#define MANY_BASINS 64
#define MANY_EVERY 3 /* and with that many basins */

/* The node of coordinate k and a basin. */
static struct basin_node node_of(const struct sampler *sampler, int k, size_t b)
{
    const struct sampler_law *law = &sampler->laws[k];
    return (struct basin_node){k == 0 ? sampler->basins[b].shape : BASIN_PARABOLA, law->curvature,
                               law->drift, sampler->sigma, sampler->error};
}

double sampler_curvature(const struct sampler *sampler, int k, double t)
{
    struct basin_node node = node_of(sampler, k, 0);
    return basin_curvature(sampler->data, k, &node, t);
}

static const double *current_shape(const struct sampler *sampler, size_t b, int k, size_t point)
{
    return basin_shape_row(sampler->data, &sampler->data->basins[b], k, sampler->basins[b].shape,
                           point);
}

/* A basin's losses minus the contributions of the other coordinates. */
static double *unexplained(const struct sampler *sampler, size_t b)
{
    return sampler->unexplained + (sampler->data->basins[b].points - sampler->data->points);
}

void sampler_turn_to(struct sampler *sampler, int k)
{
    if (sampler->data->coordinate_count == 1 && sampler->sweeps > 0)
        return; /* nothing changed */
    for (size_t b = 0; b < sampler->data->basin_count; b++) {
        const struct cell_basin *basin = &sampler->data->basins[b];
        const struct sampler_basin *state = &sampler->basins[b];
        double *y = unexplained(sampler, b);
        for (size_t i = 0; i < basin->losses; i++)
            y[i] = basin->points[i].loss;
        for (int j = 0; j < sampler->data->coordinate_count; j++)
            for (size_t i = 0; i < basin->losses && j != k; i++)
                y[i] -= state->curvature[j] * current_shape(sampler, b, j, i)[state->place[j]];
    }
}

/* ---- the likelihood of each vertex ---- */

/* Adds the log probability that every wall diverges: on the right of the optimum only, or on either
 * side. What trained far below an optimum speaks against divergence on that side; what trained
 * above it is not counted, because many surfaces have no cliff within octaves. */
VECTOR_CLONES static void add_walls(const struct sampler *sampler, size_t b, int k, int first,
                                    int end, double *log_of)
{
    const struct cell_basin *basin = &sampler->data->basins[b];
    double all[2][VERTEX_GRID_MAX];
    for (int both = 0; both < 2; both++) {
        for (int v = first; v < end; v++)
            all[both][v] = both ? DIVERGES_BOTH * basin->survival[k][v] : 1 - DIVERGES_BOTH;
        for (size_t i = 0; i < basin->walls; i++) {
            const double *wall = basin->wall[k][both] + i * VERTEX_GRID_MAX;
            double stays = 1; /* probability that no other coordinate makes it diverge */
            for (int j = 0; j < sampler->data->coordinate_count; j++)
                if (j != k)
                    stays *= 1 - basin->wall[j][both][i * VERTEX_GRID_MAX +
                                                      (size_t)sampler->basins[b].place[j]];
            for (int v = first; v < end; v++) {
                all[both][v] *= 1 - stays * (1 - wall[v]);
                all[both][v] = all[both][v] > LEAST ? all[both][v] : LEAST;
            }
        }
    }
    for (int v = first; v < end; v++)
        all[0][v] += all[1][v];
    fast_log(all[0] + first, end - first);
    for (int v = first; v < end; v++)
        log_of[v] += all[0][v];
}

/* log_of[v] = log likelihood of a basin at the places v = first..end - 1. */
VECTOR_CLONES static void fill_log(const struct sampler *sampler, size_t b, int k,
                                   const struct basin_node *node, int first, int end,
                                   double log_of[VERTEX_GRID_MAX])
{
    const struct cell_basin *basin = &sampler->data->basins[b];
    const struct vertex_grid *grid = &sampler->data->grids[k];
    basin_log_likelihood(sampler->data, basin, k, node, unexplained(sampler, b), first, end,
                         log_of);
    if (basin->walls > 0)
        add_walls(sampler, b, k, first, end, log_of);
    if (basin->optimum && k == 0)
        for (int v = first; v < end; v++) { /* .loss: standard error of ln lr */
            double off = (vertex_grid_x(grid, v) - log2(basin->optimum->lr)) * log(2.0);
            double error = fmax(basin->optimum->loss, grid->step / 4);
            log_of[v] -= off * off / (2 * error * error);
        }
}

/* out[v] = exp(log_of[v] - the largest of them), which is returned. */
VECTOR_CLONES static double scale(const double *log_of, int first, int end, double *out)
{
    double largest = -INFINITY;
    for (int v = first; v < end; v++)
        largest = log_of[v] > largest ? log_of[v] : largest;
    for (int v = first; v < end; v++) {
        double below = log_of[v] - largest;
        out[v] = below > -FARTHEST ? below : -FARTHEST;
    }
    fast_exp(out + first, end - first);
    return largest;
}

static void fill_row(const struct sampler *sampler, size_t b, int k, const struct basin_node *node,
                     struct sampler_row *row)
{
    int count = sampler->data->grids[k].count;
    fill_log(sampler, b, k, node, 0, count, row->log_of);
    row->scale = scale(row->log_of, 0, count, row->likelihood);
    row->node = *node;
}

static uint32_t node_index(const struct basin_node *node)
{
    int index = node->shape;
    index = index * BASIN_CURVATURES + node->curvature;
    index = index * BASIN_DRIFTS + node->drift;
    index = index * BASIN_SIGMAS + node->sigma;
    return (uint32_t)(index * BASIN_ERRORS + node->error);
}

static void forget_rows(struct sampler *sampler)
{
    memset(sampler->row_index, 0,
           sampler->data->basin_count * SAMPLER_NODES * sizeof(*sampler->row_index));
    sampler->row_count = 0;
}

/* The row of a basin and node; it stays until rows are forgotten. Only if sampler->row_index. */
static const struct sampler_row *kept_row(struct sampler *sampler, size_t b, int k,
                                          const struct basin_node *node)
{
    uint32_t *index = &sampler->row_index[b * SAMPLER_NODES + node_index(node)];
    if (*index > 0)
        return &sampler->rows[*index - 1];
    if (sampler->row_count == sampler->row_capacity)
        forget_rows(sampler);
    struct sampler_row *row = &sampler->rows[sampler->row_count++];
    *index = sampler->row_count;
    fill_row(sampler, b, k, node, row);
    return row;
}

/* The row of a basin at its node; it changes only with the node if there is one coordinate. */
static const struct sampler_row *own_row(struct sampler *sampler, size_t b, int k,
                                         const struct basin_node *node)
{
    struct sampler_row *row = &sampler->rows[b];
    bool filled = sampler->data->coordinate_count == 1 && sampler->basins[b].row;
    if (!filled || node_index(&row->node) != node_index(node))
        fill_row(sampler, b, k, node, row);
    return row;
}

void sampler_weigh(struct sampler *sampler, int k)
{
    if (sampler->row_index &&
        sampler->row_count + sampler->data->basin_count > sampler->row_capacity)
        forget_rows(sampler);
    for (size_t b = 0; b < sampler->data->basin_count; b++) {
        struct basin_node node = node_of(sampler, k, b);
        if (sampler->basins[b].known)
            sampler->basins[b].row =
                sampler->row_index ? kept_row(sampler, b, k, &node) : own_row(sampler, b, k, &node);
    }
}

/* ---- the law's prior of each vertex ---- */

#define TAIL 6.0 /* standard deviations: a vertex farther from the law is not considered */

/* Prior of a vertex up to a constant, where it is not negligible: at places first..end - 1. */
struct window {
    int first, end;
    double center, deviation; /* octaves */
    double prior[VERTEX_GRID_MAX];
};

/* The prior of coordinate k's vertex: its law's and, for the LR, those of the ratios, which are
 * differences from its vertex. All are normal, and so is their product. */
static void lay_window(const struct sampler *sampler, size_t b, int k, struct window *window)
{
    const struct sampler_basin *state = &sampler->basins[b];
    const struct vertex_grid *grid = &sampler->data->grids[k];
    double precision = 0, sum = 0;
    for (int j = 0; j < sampler->data->coordinate_count; j++) {
        if (j != k && k > 0)
            continue;
        double center = j == k ? state->line[j] + (k > 0 ? state->vertex[0] : 0)
                               : state->vertex[j] - state->line[j];
        double misfit = sampler_misfit(sampler, j), own = 1 / (misfit * misfit);
        precision += own;
        sum += own * center;
    }
    window->center = sum / precision;
    window->deviation = 1 / sqrt(precision);
    double reach = TAIL * window->deviation;
    window->first = vertex_grid_nearest(grid, window->center - reach);
    window->end = vertex_grid_nearest(grid, window->center + reach) + 1;
    for (int v = window->first; v < window->end; v++) {
        double off = grid->low + v * grid->step - window->center;
        window->prior[v] = -off * off * precision / 2;
    }
    fast_exp(window->prior + window->first, window->end - window->first);
}

/* ---- what all basins share ---- */

enum block { BLOCK_SIGMA, BLOCK_CURVATURE, BLOCK_SHAPE, BLOCK_ERROR, BLOCK_DRIFT, BLOCKS };

#define ALTERNATIVES BASIN_SHAPES
_Static_assert(ALTERNATIVES >= BASIN_SIGMAS, "largest");
_Static_assert(ALTERNATIVES >= BASIN_CURVATURES, "largest");

static int *member_of(struct basin_node *node, enum block block)
{
    int *const members[BLOCKS] = {[BLOCK_SIGMA] = &node->sigma,
                                  [BLOCK_CURVATURE] = &node->curvature,
                                  [BLOCK_SHAPE] = &node->shape,
                                  [BLOCK_ERROR] = &node->error,
                                  [BLOCK_DRIFT] = &node->drift};
    return members[block];
}

static double block_log_prior(const struct sampler *sampler, int k, enum block block, int value)
{
    switch (block) {
    case BLOCK_SIGMA:
        return basin_sigma_log_prior(value);
    case BLOCK_CURVATURE:
        return basin_curvature_log_prior(sampler->data, k, value);
    case BLOCK_ERROR:
        return log(basin_error_prior[value]);
    case BLOCK_DRIFT:
    case BLOCK_SHAPE: /* of each basin: draw_shapes() */
    case BLOCKS:
        break;
    }
    return log(basin_drift_prior[value]);
}

/* Adds a basin's log evidence of each alternative, its vertex integrated out. */
VECTOR_CLONES static void add_evidence(struct sampler *sampler, size_t b, int k, enum block block,
                                       int count, double log_weights[ALTERNATIVES])
{
    struct basin_node node = node_of(sampler, k, b);
    struct window window;
    double evidence[ALTERNATIVES], room[VERTEX_GRID_MAX];
    lay_window(sampler, b, k, &window);
    for (int i = 0; i < count; i++) {
        *member_of(&node, block) = i;
        const double *likelihood = room;
        if (sampler->row_index) {
            const struct sampler_row *row = kept_row(sampler, b, k, &node);
            log_weights[i] += row->scale;
            likelihood = row->likelihood;
        } else {
            fill_log(sampler, b, k, &node, window.first, window.end, room);
            log_weights[i] += scale(room, window.first, window.end, room);
        }
        double sum = 0;
        for (int v = window.first; v < window.end; v++)
            sum += likelihood[v] * window.prior[v];
        evidence[i] = sum > LEAST ? sum : LEAST;
    }
    fast_log(evidence, count);
    for (int i = 0; i < count; i++)
        log_weights[i] += evidence[i];
}

/* Prior of a basin's shape, given the one that most share. */
static double shape_prior(const struct sampler *sampler, int shape)
{
    return SHAPE_SHARED * (shape == sampler->laws[0].shape) +
           (1 - SHAPE_SHARED) * basin_shape_of(shape).prior;
}

int sampler_new_shape(struct sampler *sampler)
{
    double weights[BASIN_SHAPES];
    for (int i = 0; i < BASIN_SHAPES; i++)
        weights[i] = shape_prior(sampler, i);
    return sampler_pick_weighted(sampler, weights, BASIN_SHAPES);
}

/* Draws the shape that most basins share, their own integrated out, then the shape of each. In
 * turns they would hardly move: each basin of the shared shape holds it, and it holds the basin. */
static void draw_shapes(struct sampler *sampler)
{
    double shared[BASIN_SHAPES], weights[BASIN_SHAPES];
    for (int i = 0; i < BASIN_SHAPES; i++)
        shared[i] = log(basin_shape_of(i).prior);
    for (size_t b = 0; b < sampler->data->basin_count; b++) {
        double *evidence = sampler->basins[b].shape_evidence, largest = -INFINITY, own = 0;
        if (sampler->data->basins[b].losses == 0)
            continue;
        memset(evidence, 0, BASIN_SHAPES * sizeof(*evidence));
        add_evidence(sampler, b, 0, BLOCK_SHAPE, BASIN_SHAPES, evidence);
        for (int i = 0; i < BASIN_SHAPES; i++)
            largest = evidence[i] > largest ? evidence[i] : largest;
        for (int i = 0; i < BASIN_SHAPES; i++)
            evidence[i] -= largest;
        fast_exp(evidence, BASIN_SHAPES);
        for (int i = 0; i < BASIN_SHAPES; i++)
            own += (1 - SHAPE_SHARED) * basin_shape_of(i).prior * evidence[i];
        for (int i = 0; i < BASIN_SHAPES; i++)
            shared[i] += log(SHAPE_SHARED * evidence[i] + own);
    }
    sampler->laws[0].shape = sampler_pick(sampler, shared, BASIN_SHAPES);
    for (size_t b = 0; b < sampler->data->basin_count; b++) {
        if (sampler->data->basins[b].losses == 0)
            continue;
        for (int i = 0; i < BASIN_SHAPES; i++)
            weights[i] = shape_prior(sampler, i) * sampler->basins[b].shape_evidence[i];
        sampler->basins[b].shape = sampler_pick_weighted(sampler, weights, BASIN_SHAPES);
    }
}

void sampler_draw_shapes(struct sampler *sampler, int k)
{
    static const int counts[BLOCKS] = {[BLOCK_SIGMA] = BASIN_SIGMAS,
                                       [BLOCK_CURVATURE] = BASIN_CURVATURES,
                                       [BLOCK_SHAPE] = BASIN_SHAPES,
                                       [BLOCK_ERROR] = BASIN_ERRORS,
                                       [BLOCK_DRIFT] = BASIN_DRIFTS};
    /* with several coordinates no row can be kept for the next sweep, with many basins not all */
    uint32_t every = sampler->data->coordinate_count > 1        ? SELDOM
                     : sampler->data->basin_count > MANY_BASINS ? MANY_EVERY
                                                                : 1;
    enum block block = (enum block)(sampler->sweeps / every % BLOCKS);
    double log_weights[ALTERNATIVES];
    if (sampler->sweeps % every > 0)
        return;
    if (block == BLOCK_SHAPE) {
        if (k == 0)
            draw_shapes(sampler);
        return;
    }
    for (int i = 0; i < counts[block]; i++)
        log_weights[i] = block_log_prior(sampler, k, block, i);
    for (size_t b = 0; b < sampler->data->basin_count; b++)
        if (sampler->data->basins[b].losses > 0)
            add_evidence(sampler, b, k, block, counts[block], log_weights);
    struct basin_node node = node_of(sampler, k, 0);
    *member_of(&node, block) = sampler_pick(sampler, log_weights, counts[block]);
    sampler->laws[k].curvature = node.curvature;
    sampler->laws[k].drift = node.drift;
    sampler->sigma = node.sigma;
    sampler->error = node.error;
}

/* ---- the level of the law ---- */

/* Evidences are multiplied before their logarithm is taken: at least LEAST_LEVEL each, and at most
 * that of all places. */
#define AT_ONCE 4
#define LEAST_LEVEL 1e-70

/* Prior of a vertex around the law in steps of the grid, prior[WIDE] at the nearest place. */
#define WIDE (VERTEX_GRID_MAX / 2)

/* Lays the prior around `place`, the law's place on the grid; returns how many places each way are
 * not negligible. */
static int lay_prior(const struct sampler *sampler, double place, double prior[2 * WIDE + 1])
{
    double misfit = sampler_misfit(sampler, 0) / sampler->data->grids[0].step; /* places */
    int wide = (int)fmin(ceil(TAIL * misfit), WIDE);
    for (int j = -wide; j <= wide; j++) {
        double off = (round(place) + j - place) / misfit;
        prior[WIDE + j] = -off * off / 2;
    }
    fast_exp(prior + WIDE - wide, 2 * wide + 1);
    return wide;
}

/* Multiplies the evidence of each level, the law's moved by i - most places, by a basin's, its
 * vertex integrated out. */
VECTOR_CLONES static void multiply_evidence(const struct sampler *sampler, size_t b, int most,
                                            double evidence[LEVELS])
{
    const struct vertex_grid *grid = &sampler->data->grids[0];
    double prior[2 * WIDE + 1], sums[LEVELS] = {0};
    double place = (sampler->basins[b].line[0] - grid->low) / grid->step;
    /* beyond it no level is near the grid */
    place = fmax(-VERTEX_GRID_MAX - WIDE, fmin(place, 2 * VERTEX_GRID_MAX + WIDE));
    int wide = lay_prior(sampler, place, prior), nearest = (int)round(place);
    for (int j = -wide; j <= wide; j++) {
        int shift = nearest - most + j, first = shift < 0 ? -shift : 0;
        int end = grid->count - shift < 2 * most + 1 ? grid->count - shift : 2 * most + 1;
        double weight = prior[WIDE + j];
        for (int i = first; i < end; i++)
            sums[i] += sampler->basins[b].row->likelihood[shift + i] * weight;
    }
    for (int i = 0; i <= 2 * most; i++)
        evidence[i] *= sums[i] > LEAST_LEVEL ? sums[i] : LEAST_LEVEL;
}

/* Adds the log evidence of each level. */
static void add_level_evidence(const struct sampler *sampler, int most, double log_weights[LEVELS])
{
    double evidence[LEVELS];
    int multiplied = 0;
    for (size_t b = 0; b <= sampler->data->basin_count; b++) {
        bool last = b == sampler->data->basin_count;
        if (multiplied == AT_ONCE || (last && multiplied > 0)) {
            fast_log(evidence, 2 * most + 1);
            for (int i = 0; i <= 2 * most; i++)
                log_weights[i] += evidence[i];
            multiplied = 0;
        }
        if (last || !sampler->basins[b].known)
            continue;
        for (int i = 0; i <= 2 * most && multiplied == 0; i++)
            evidence[i] = 1;
        multiply_evidence(sampler, b, most, evidence);
        multiplied++;
    }
}

void sampler_jump_level(struct sampler *sampler)
{
    const struct terms *terms = &sampler->data->terms[0];
    size_t level = (size_t)(term_find(terms, TERM_LEVEL, 0) - terms->term);
    double step = sampler->data->grids[0].step, *theta = &sampler->laws[0].theta[level];
    double log_weights[LEVELS], deviation = sampler_term_deviation(sampler, 0, level);
    int most = sampler->data->grids[0].count;
    if (sampler->data->coordinate_count > 1 || sampler->sweeps % JUMP_EVERY > 0)
        return;
    for (int i = 0; i <= 2 * most; i++) {
        double z = (*theta + (i - most) * step - terms->term[level].mean) / deviation;
        log_weights[i] = -z * z / 2;
    }
    add_level_evidence(sampler, most, log_weights);
    *theta += (sampler_pick(sampler, log_weights, 2 * most + 1) - most) * step;
    sampler_set_lines(sampler, 0);
}

/* ---- draws of each basin ---- */

static void draw_vertex(struct sampler *sampler, size_t b, int k)
{
    struct sampler_basin *state = &sampler->basins[b];
    const struct vertex_grid *grid = &sampler->data->grids[k];
    struct window window;
    lay_window(sampler, b, k, &window);
    for (int v = window.first; v < window.end; v++)
        window.prior[v] *= sampler->basins[b].row->likelihood[v];
    int place =
        sampler_pick_weighted(sampler, window.prior + window.first, window.end - window.first) +
        window.first;
    if (place < window.first) { /* the law lies far from where the losses place it */
        for (int v = 0; v < grid->count; v++) {
            double off = (vertex_grid_x(grid, v) - window.center) / window.deviation;
            window.prior[v] = sampler->basins[b].row->log_of[v] - off * off / 2;
        }
        place = sampler_pick(sampler, window.prior, grid->count);
    }
    state->place[k] = place;
    state->vertex[k] = grid->low + (place + sampler_uniform(sampler) - 0.5) * grid->step;
}

struct sums {
    double w, wy, wg, gg, gy;
};

/* Sums over a basin's losses at its vertex and the current noise. */
static struct sums sum_losses(const struct sampler *sampler, size_t b, int k)
{
    const struct cell_basin *basin = &sampler->data->basins[b];
    const double *all = unexplained(sampler, b);
    struct sums sums = {0};
    for (size_t i = 0; i < basin->losses; i++) {
        double g = current_shape(sampler, b, k, i)[sampler->basins[b].place[k]];
        double weight = basin->points[i].weights[sampler->sigma * BASIN_ERRORS + sampler->error];
        sums.w += weight;
        sums.wy += weight * all[i];
        sums.wg += weight * g;
        sums.gg += weight * g * g;
        sums.gy += weight * g * all[i];
    }
    return sums;
}

/* Draws curvature and level. */
static void draw_depth(struct sampler *sampler, size_t b, int k)
{
    bool any_loss = sampler->data->basins[b].losses > 0;
    struct sampler_basin *state = &sampler->basins[b];
    struct sums sums = sum_losses(sampler, b, k);
    double mean = sampler_curvature(sampler, k, sampler->data->basins[b].t), least = mean / 10;
    double precision = 1 / basin_curvature_variance(mean);
    double gg = any_loss ? sums.gg - sums.wg * sums.wg / sums.w : 0;
    double gy = any_loss ? sums.gy - sums.wg * sums.wy / sums.w : 0;
    mean = (precision * mean + gy) / (precision + gg);
    state->curvature[k] = fmax(mean + sampler_normal(sampler) / sqrt(precision + gg), least);
    double noise = sampler_normal(sampler);
    if (any_loss)
        state->level = (sums.wy - state->curvature[k] * sums.wg) / sums.w + noise / sqrt(sums.w);
}

void sampler_draw_vertices(struct sampler *sampler, int k)
{
    for (size_t b = 0; b < sampler->data->basin_count; b++)
        if (sampler->basins[b].known)
            draw_vertex(sampler, b, k);
}

void sampler_draw_basins(struct sampler *sampler, int k)
{
    for (size_t b = 0; b < sampler->data->basin_count; b++) {
        if (!sampler->basins[b].known)
            continue;
        draw_vertex(sampler, b, k);
        draw_depth(sampler, b, k);
    }
}
