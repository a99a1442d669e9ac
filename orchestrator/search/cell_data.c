/* Observations arrive in any order and are sorted, so that all sums are bit-identical. Shapes and
 * divergence probabilities depend only on where a point lies: they are computed once for the whole
 * grid of vertices. */
#include "search/cell_data.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/observations.h"

double cell_data_x(const struct cell_data *data, int k, double lr, const double ratios[RATIO_COUNT])
{
    int coordinate = data->coordinates[k];
    return log2(lr) + (coordinate ? log2(ratios[coordinate - 1]) : 0);
}

double cell_data_t(const struct cell_data *data, double tokens)
{
    return log2(tokens / data->reference_tokens);
}

bool cell_data_has_losses(const struct cell_data *data)
{
    for (size_t b = 0; b < data->basin_count; b++)
        if (data->basins[b].losses > 0)
            return true;
    return false;
}

bool cell_basin_is_known(const struct cell_basin *basin)
{
    return basin->losses + basin->walls > 0 || basin->optimum;
}

int cell_data_shapes(const struct cell_data *data, int k)
{
    return data->coordinates[k] ? 1 : BASIN_SHAPES;
}

const struct cell_point *cell_basin_best(const struct cell_basin *basin)
{
    const struct cell_point *best = NULL;
    for (size_t i = 0; i < basin->losses; i++)
        if (!best || basin->points[i].loss < best->loss)
            best = &basin->points[i];
    return best;
}

struct tried_sides cell_basin_tried(const struct cell_basin *basin)
{
    const struct cell_point *best = cell_basin_best(basin);
    struct tried_sides tried = {false, false};
    for (size_t i = 0; best && i < basin->losses + basin->walls; i++) {
        tried.below = tried.below || basin->points[i].x[0] < best->x[0] - 1e-6;
        tried.above = tried.above || basin->points[i].x[0] > best->x[0] + 1e-6;
    }
    return tried;
}

/* ---- sorting ---- */

/* Nats: a loss this large is that of a training that diverged, and its square would overflow. */
#define LOSS_MOST 1e6

static bool is_positive(double value)
{
    return value > 0 && isfinite(value);
}

/* True if its logarithms exist. */
static bool is_usable(const struct cell_data *data, const struct observation *seen)
{
    bool good = is_positive(seen->lr);
    for (int k = 1; k < data->coordinate_count; k++)
        good = good && is_positive(seen->ratios[data->coordinates[k] - 1]);
    return good && (seen->kind != OBSERVED_OPTIMUM || is_positive(seen->loss));
}

static bool same_place(const struct observation *a, const struct observation *b)
{
    bool same = a->cell == b->cell && a->tokens == b->tokens && a->lr == b->lr;
    return same && memcmp(a->ratios, b->ratios, sizeof(a->ratios)) == 0;
}

static int basin_of(const struct search_space *space, const struct observation *seen)
{
    for (size_t h = 0; h < space->horizon_count; h++)
        if (space->horizons[h] == seen->tokens && seen->cell < space->cell_count)
            return (int)(seen->cell * space->horizon_count + h);
    return -1;
}

static void copy_finished(struct cell_data *data, const struct observation *seen, size_t count,
                          int skip)
{
    for (size_t i = 0; i < count; i++) {
        int basin = basin_of(&data->space, &seen[i]);
        if (seen[i].kind != OBSERVED_RUNNING && basin >= 0 && basin != skip &&
            is_usable(data, &seen[i]))
            data->seen[data->seen_count++] = seen[i];
    }
    qsort(data->seen, data->seen_count, sizeof(*data->seen), observation_compare);
}

/* ---- points ---- */

static bool is_loss(const struct observation *seen)
{
    return seen->kind == OBSERVED_LOSS && fabs(seen->loss) < LOSS_MOST;
}

static bool tells(const struct observation *seen)
{
    return seen->kind == OBSERVED_LOSS || seen->kind == OBSERVED_DIVERGED;
}

/* The point of seen[first..end), the replicates of one place; replicates = 0 if all of them
 * failed. */
static struct cell_point make_point(const struct cell_data *data, size_t first, size_t end)
{
    struct cell_point point = {.loss = 0, .first = (uint32_t)first, .end = (uint32_t)end};
    const struct observation *seen = &data->seen[first];
    for (int k = 0; k < data->coordinate_count; k++)
        point.x[k] = cell_data_x(data, k, seen->lr, seen->ratios);
    for (size_t i = first; i < end; i++) {
        if (!tells(&data->seen[i]))
            continue;
        point.replicates++;
        point.loss += is_loss(&data->seen[i]) ? data->seen[i].loss : NAN;
        point.variance += data->seen[i].loss_se * data->seen[i].loss_se;
    }
    point.loss /= fmax(point.replicates, 1);
    point.variance /= fmax(point.replicates * point.replicates, 1);
    return point;
}

/* Sets scatter and degrees of freedom of each point. A point with one replicate says nothing about
 * the seeds: its mean is its loss. */
static void compare_replicates(const struct cell_data *data, const struct cell_basin *basin)
{
    struct seed_effects effects = {{0}, {0}};
    double repeated = 0;
    for (size_t i = 0; i < basin->losses; i++) {
        const struct cell_point *point = &basin->points[i];
        if (!(point->replicates > 1))
            continue;
        repeated++;
        seed_effects_add(&effects, data->seen + point->first, point->end - point->first,
                         point->loss);
    }
    for (size_t i = 0; i < basin->losses; i++) {
        struct cell_point *point = &basin->points[i];
        if (!(point->replicates > 1))
            continue;
        point->freedom = (point->replicates - 1) * (repeated - 1) / repeated;
        point->scatter = seed_effects_scatter(&effects, data->seen + point->first,
                                              point->end - point->first, point->loss);
    }
}

/* Turns losses into heights above the basin's bottom, at most HEIGHT_MOST. */
static void set_heights(struct cell_basin *basin)
{
    const struct cell_point *best = cell_basin_best(basin);
    if (!best)
        return;
    basin->bottom = best->loss;
    for (size_t i = 0; i < basin->losses; i++)
        basin->points[i].loss = fmin(basin->points[i].loss - basin->bottom, HEIGHT_MOST);
}

/* Sets weights and log norm for each noise. */
static void set_weights(struct cell_basin *basin)
{
    for (int n = 0; n < BASIN_NOISES; n++) {
        double noise = basin_sigma(n / BASIN_ERRORS), variance = noise * noise, total = 0;
        for (size_t i = 0; i < basin->losses; i++) {
            struct cell_point *point = &basin->points[i];
            double error = basin_error[n % BASIN_ERRORS] * point->loss;
            double weight = 1 / (variance / point->replicates + point->variance + error * error);
            point->weights[n] = weight;
            total += weight;
            basin->log_norm[n] +=
                (log(weight) - point->freedom * log(variance) - point->scatter / variance) / 2;
        }
        if (basin->losses > 0)
            basin->log_norm[n] -= log(total) / 2;
    }
}

static void gather_basin(struct cell_data *data, struct cell_basin *basin, size_t first, size_t end,
                         struct cell_point *room)
{
    basin->points = room;
    for (int walls = 0; walls < 2; walls++) /* losses first */
        for (size_t i = first, next; i < end; i = next) {
            for (next = i + 1; next < end && same_place(&data->seen[i], &data->seen[next]);)
                next++;
            struct cell_point point = make_point(data, i, next);
            if (!(point.replicates > 0) || isnan(point.loss) != (walls > 0))
                continue;
            room[basin->losses + basin->walls] = point;
            basin->losses += !walls;
            basin->walls += (size_t)walls;
        }
    for (size_t i = first; i < end; i++) {
        basin->trials += tells(&data->seen[i]);
        basin->diverged += tells(&data->seen[i]) && !is_loss(&data->seen[i]);
        if (data->seen[i].kind == OBSERVED_OPTIMUM)
            basin->optimum = &data->seen[i];
    }
    compare_replicates(data, basin);
    set_heights(basin);
    set_weights(basin);
}

/* ---- tables over the grid ---- */

static void fill_tables(const struct cell_data *data, struct cell_basin *basin, double **room)
{
    for (int k = 0; k < data->coordinate_count; k++) {
        const struct vertex_grid *grid = &data->grids[k];
        int shapes = cell_data_shapes(data, k);
        basin->shape[k] = *room;
        for (size_t i = 0; i < basin->losses; i++)
            for (int shape = 0; shape < shapes; shape++, *room += VERTEX_GRID_MAX)
                for (int v = 0; v < grid->count; v++)
                    (*room)[v] = basin_heights_at(data->heights,
                                                  basin->points[i].x[k] - vertex_grid_x(grid, v),
                                                  shapes > 1 ? shape : BASIN_PARABOLA);
        for (int both = 0; both < 2; both++) {
            basin->wall[k][both] = *room;
            for (size_t i = basin->losses; i < basin->losses + basin->walls; i++) {
                for (int v = 0; v < grid->count; v++)
                    (*room)[v] =
                        basin_divergence(basin->points[i].x[k] - vertex_grid_x(grid, v), both > 0);
                *room += VERTEX_GRID_MAX;
            }
        }
        basin->survival[k] = *room;
        for (int v = 0; v < grid->count; v++) {
            (*room)[v] = 1;
            for (size_t i = 0; i < basin->losses; i++)
                (*room)[v] *=
                    1 - basin_divergence(vertex_grid_x(grid, v) - basin->points[i].x[k], false);
        }
        *room += VERTEX_GRID_MAX;
    }
}

static size_t table_size(const struct cell_data *data)
{
    size_t rows = 0;
    for (int k = 0; k < data->coordinate_count; k++)
        rows += data->seen_count * (size_t)(cell_data_shapes(data, k) + 2) /* at most */
                + data->basin_count;
    return rows * VERTEX_GRID_MAX;
}

/* ---- a range that widens by itself ---- */

#define WIDER 4.0   /* two octaves */
#define WIDENINGS 3 /* each way */
#define SHOWN 3     /* LRs with a loss that show where a horizon's losses fall */

/* True if somewhere the lowest loss is that of the LR at this end of the range, or if the lower end
 * and all above it diverged. */
static bool lies_beyond(const struct cell_data *data, double end, bool lower)
{
    for (size_t first = 0, next; first < data->seen_count; first = next) {
        const struct observation *of = &data->seen[first], *best = NULL, *last = NULL;
        size_t shown = 0, diverged = 0;
        for (next = first; next < data->seen_count && data->seen[next].cell == of->cell &&
                           data->seen[next].tokens == of->tokens;
             next++) {
            const struct observation *o = &data->seen[next];
            diverged += tells(o) && !is_loss(o) && fabs(log2(o->lr / end)) < 1e-6;
            if (!is_loss(o))
                continue;
            shown += !last || o->lr > last->lr * (1 + 1e-9);
            last = o;
            best = !best || o->loss < best->loss ? o : best;
        }
        if (shown >= SHOWN && fabs(log2(best->lr / end)) < 1e-6)
            return true;
        if (lower && shown == 0 && diverged > 0)
            return true;
    }
    return false;
}

/* The range covers all that was tried, in steps of two octaves, and one step more where the optimum
 * lies beyond its end. */
static void extend_range(struct cell_data *data)
{
    struct search_space *space = &data->space;
    for (int side = -1; side <= 1; side += 2) {
        double *end = side < 0 ? &space->lr_low : &space->lr_high;
        double factor = side < 0 ? 1 / WIDER : WIDER;
        int steps = 0;
        for (size_t i = 0; i < data->seen_count; i++)
            while (side * log2(data->seen[i].lr / *end) > 1e-6 && steps < WIDENINGS) {
                *end *= factor;
                steps++;
            }
        if (steps < WIDENINGS && lies_beyond(data, *end, side < 0))
            *end *= factor;
    }
}

/* ---- setting up ---- */

static void lay_coordinates(struct cell_data *data)
{
    const struct search_space *space = &data->space;
    for (int c = 0; c < SEARCH_COORDINATES; c++) {
        const struct ratio_range *range = c ? &space->ratios[c - 1] : NULL;
        if (range && !(range->low < range->high))
            continue;
        int k = data->coordinate_count++;
        data->coordinates[k] = c;
        data->grids[k] = vertex_grid_lay(space->lr_low * (range ? range->low : 1),
                                         space->lr_high * (range ? range->high : 1));
        terms_lay(&data->terms[k], space, c);
    }
}

static void lay_basins(struct cell_data *data)
{
    const struct search_space *space = &data->space;
    struct cell_point *room = data->points;
    double *tables = data->tables;
    size_t first = 0;
    data->reference_tokens = (double)space->horizons[0];
    for (size_t b = 0; b < data->basin_count; b++) {
        struct cell_basin *basin = &data->basins[b];
        size_t end = first;
        basin->cell = (uint32_t)(b / space->horizon_count);
        basin->horizon = (uint32_t)(b % space->horizon_count);
        while (end < data->seen_count && basin_of(space, &data->seen[end]) == (int)b)
            end++;
        gather_basin(data, basin, first, end, room);
        fill_tables(data, basin, &tables);
        room += basin->losses + basin->walls;
        if (basin->losses > 0 || basin->optimum)
            data->reference_tokens =
                fmax(data->reference_tokens, (double)space->horizons[basin->horizon]);
        first = end;
    }
    for (int k = 0; k < data->coordinate_count; k++)
        terms_set_reference(&data->terms[k], space, data->reference_tokens);
    for (size_t b = 0; b < data->basin_count; b++) {
        struct cell_basin *basin = &data->basins[b];
        basin->t = cell_data_t(data, (double)space->horizons[basin->horizon]);
        for (int d = 0; d < BASIN_DRIFTS; d++)
            basin->flattening[d] = basin_flattening(d, basin->t);
    }
}

struct cell_data *cell_data_create(const struct search_space *space, const struct observation *seen,
                                   size_t count, int skip)
{
    assert(space->horizon_count > 0);
    struct cell_data *data = lr_calloc(1, sizeof(*data));
    if (!data)
        return NULL;
    data->space = *space;
    if (space->cell_count == 0) {
        data->only = (struct search_cell){.cost = 1};
        data->space.cells = &data->only;
        data->space.cell_count = 1;
        data->space.target = data->only;
    }
    data->basin_count = data->space.cell_count * space->horizon_count;
    data->basins = lr_calloc(data->basin_count + 1, sizeof(*data->basins));
    data->seen = lr_calloc(count + 1, sizeof(*data->seen));
    data->points = lr_calloc(count + 1, sizeof(*data->points));
    if (data->seen)
        copy_finished(data, seen, count, skip);
    if (data->seen && space->extend)
        extend_range(data);
    lay_coordinates(data);
    data->heights = lr_calloc(1, sizeof(*data->heights));
    data->tables = lr_calloc(table_size(data) + 1, sizeof(*data->tables));
    if (!data->basins || !data->seen || !data->points || !data->heights || !data->tables) {
        cell_data_destroy(data);
        return NULL;
    }
    basin_heights_fill(data->heights);
    lay_basins(data);
    return data;
}

void cell_data_destroy(struct cell_data *data)
{
    if (!data)
        return;
    lr_free(data->basins);
    lr_free(data->seen);
    lr_free(data->points);
    lr_free(data->heights);
    lr_free(data->tables);
    lr_free(data);
}
