/* Observations arrive in any order and are sorted, so that all sums are bit-identical. Shapes and
 * divergence probabilities depend only on where a point lies: they are computed once for the whole
 * grid of vertices. */
#include "search/cell_data.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"

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

const struct cell_point *cell_basin_best(const struct cell_basin *basin)
{
    const struct cell_point *best = NULL;
    for (size_t i = 0; i < basin->losses; i++)
        if (!best || basin->points[i].loss < best->loss)
            best = &basin->points[i];
    return best;
}

/* ---- sorting ---- */

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
        int basin = basin_of(data->space, &seen[i]);
        if (seen[i].kind != OBSERVED_RUNNING && seen[i].kind != OBSERVED_OPTIMUM && basin >= 0 &&
            basin != skip)
            data->seen[data->seen_count++] = seen[i];
    }
    qsort(data->seen, data->seen_count, sizeof(*data->seen), observation_compare);
}

/* ---- points ---- */

static bool is_loss(const struct observation *seen)
{
    return seen->kind == OBSERVED_LOSS && isfinite(seen->loss);
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
        if (data->seen[i].kind == OBSERVED_NOTHING)
            continue;
        point.replicates++;
        point.loss += is_loss(&data->seen[i]) ? data->seen[i].loss : NAN;
    }
    point.loss /= fmax(point.replicates, 1);
    return point;
}

/* Sets scatter and degrees of freedom of each point. */
static void compare_replicates(const struct cell_data *data, const struct cell_basin *basin)
{
    struct seed_effects effects = {{0}, {0}};
    double repeated = 0;
    for (size_t i = 0; i < basin->losses; i++) {
        const struct cell_point *point = &basin->points[i];
        repeated += point->replicates > 1;
        seed_effects_add(&effects, data->seen + point->first, point->end - point->first,
                         point->loss);
    }
    for (size_t i = 0; i < basin->losses; i++) {
        struct cell_point *point = &basin->points[i];
        point->freedom = repeated > 0 ? (point->replicates - 1) * (repeated - 1) / repeated : 0;
        point->scatter = seed_effects_scatter(&effects, data->seen + point->first,
                                              point->end - point->first, point->loss);
    }
}

/* Turns losses into heights above the basin's bottom, at most HEIGHT_MOST, and sets the model
 * error. */
static void set_heights(const struct cell_data *data, struct cell_basin *basin)
{
    const struct cell_point *best = cell_basin_best(basin);
    if (!best)
        return;
    basin->bottom = best->loss;
    double best_x[SEARCH_COORDINATES];
    memcpy(best_x, best->x, sizeof(best_x));
    for (size_t i = 0; i < basin->losses; i++) {
        struct cell_point *point = &basin->points[i];
        bool right = false;
        for (int k = 0; k < data->coordinate_count; k++)
            right = right || point->x[k] > best_x[k];
        point->loss = fmin(point->loss - basin->bottom, HEIGHT_MOST);
        point->error = basin_shape_error(point->loss, right);
    }
}

/* Sets weights and log norm for each noise. */
static void set_weights(struct cell_basin *basin)
{
    for (int s = 0; s < BASIN_SIGMAS && basin->losses > 0; s++) {
        double noise = basin_sigma(s), variance = noise * noise;
        for (size_t i = 0; i < basin->losses; i++) {
            struct cell_point *point = &basin->points[i];
            double weight = 1 / (variance / point->replicates + point->error * point->error);
            point->weights[s] = weight;
            basin->weight[s] += weight;
            basin->log_norm[s] +=
                (log(weight) - point->freedom * log(variance) - point->scatter / variance) / 2;
        }
        basin->log_norm[s] -= log(basin->weight[s]) / 2;
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
        bool tells = data->seen[i].kind != OBSERVED_NOTHING;
        basin->trials += tells;
        basin->diverged += tells && !is_loss(&data->seen[i]);
    }
    compare_replicates(data, basin);
    set_heights(data, basin);
    set_weights(basin);
}

/* ---- tables over the grid ---- */

static void add_up(struct cell_basin *basin, int k, int a, double **room)
{
    const size_t size = (size_t)BASIN_SIGMAS * VERTEX_GRID_MAX;
    double *wg = basin->wg[k][a] = *room, *gg = basin->gg[k][a] = *room + size;
    for (int s = 0; s < BASIN_SIGMAS && basin->losses > 0; s++) {
        for (size_t i = 0; i < basin->losses; i++) {
            const double *g = basin->shape[k][a] + i * VERTEX_GRID_MAX;
            double weight = basin->points[i].weights[s];
            for (int v = 0; v < VERTEX_GRID_MAX; v++) {
                wg[v] += weight * g[v];
                gg[v] += weight * g[v] * g[v];
            }
        }
        for (int v = 0; v < VERTEX_GRID_MAX; v++)
            gg[v] = fmax(gg[v] - wg[v] * wg[v] / basin->weight[s], 0);
        wg += VERTEX_GRID_MAX;
        gg += VERTEX_GRID_MAX;
    }
    *room += basin->losses > 0 ? 2 * size : 0;
}

static void fill_tables(const struct cell_data *data, struct cell_basin *basin, double **room)
{
    for (int k = 0; k < data->coordinate_count; k++) {
        const struct vertex_grid *grid = &data->grids[k];
        for (int a = 0; a < BASIN_ASYMMETRIES; a++) {
            basin->shape[k][a] = *room;
            for (size_t i = 0; i < basin->losses; i++)
                for (int v = 0; v < VERTEX_GRID_MAX; v++)
                    *(*room)++ = basin_shape(basin->points[i].x[k] - grid->low - v * grid->step,
                                             basin_asymmetry[a]);
            add_up(basin, k, a, room);
        }
        basin->wall[k] = *room;
        for (size_t i = basin->losses; i < basin->losses + basin->walls; i++)
            for (int v = 0; v < VERTEX_GRID_MAX; v++)
                *(*room)++ = basin_divergence(basin->points[i].x[k] - grid->low - v * grid->step);
    }
}

static size_t table_size(const struct cell_data *data)
{
    size_t points = data->seen_count, basins = data->basin_count; /* at most */
    basins = basins < points ? basins : points;
    size_t rows = BASIN_ASYMMETRIES * (points + 2 * BASIN_SIGMAS * basins);
    return rows * (size_t)data->coordinate_count * VERTEX_GRID_MAX;
}

/* ---- setting up ---- */

static void lay_coordinates(struct cell_data *data)
{
    const struct search_space *space = data->space;
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
    const struct search_space *space = data->space;
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
        if (basin->losses > 0)
            data->reference_tokens =
                fmax(data->reference_tokens, (double)space->horizons[basin->horizon]);
        first = end;
    }
    for (int k = 0; k < data->coordinate_count; k++)
        terms_set_reference(&data->terms[k], space, data->reference_tokens);
    for (size_t b = 0; b < data->basin_count; b++)
        data->basins[b].t = cell_data_t(data, (double)space->horizons[data->basins[b].horizon]);
}

struct cell_data *cell_data_create(const struct search_space *space, const struct observation *seen,
                                   size_t count, int skip)
{
    assert(space->cells && space->cell_count > 0 && space->horizon_count > 0);
    struct cell_data *data = lr_calloc(1, sizeof(*data));
    if (!data)
        return NULL;
    data->space = space;
    lay_coordinates(data);
    data->basin_count = space->cell_count * space->horizon_count;
    data->basins = lr_calloc(data->basin_count + 1, sizeof(*data->basins));
    data->seen = lr_calloc(count + 1, sizeof(*data->seen));
    data->points = lr_calloc(count + 1, sizeof(*data->points));
    if (data->seen)
        copy_finished(data, seen, count, skip);
    data->tables = lr_calloc(table_size(data) + 1, sizeof(*data->tables));
    if (!data->basins || !data->seen || !data->points || !data->tables) {
        cell_data_destroy(data);
        return NULL;
    }
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
    lr_free(data->tables);
    lr_free(data);
}
