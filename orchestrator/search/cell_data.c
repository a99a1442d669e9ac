/* Observations come in any order and are sorted, so that all sums are the same to the last bit.
 * What depends only on where a training stands (shapes, chances to diverge) is worked out once for
 * the whole grid of vertices. */
#include "search/cell_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"

#define HIGHEST 30.0 /* nats over the bottom: whatever is higher is no better known */
/* Octaves from the optimum to where training diverges, as in evidence.c. */
#define CLIFF 1.5
#define CLIFF_WIDTH 1.0
#define SEEDS 32 /* that are told apart */
#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

double scene_x(const struct scene *scene, int k, double lr, const double ratios[RATIO_COUNT])
{
    int coordinate = scene->coordinates[k];
    return log2(lr) + (coordinate ? log2(ratios[coordinate - 1]) : 0);
}

double scene_t(const struct scene *scene, double tokens)
{
    return log2(tokens / scene->reference_tokens);
}

bool scene_has_losses(const struct scene *scene)
{
    for (size_t b = 0; b < scene->basin_count; b++)
        if (scene->basins[b].losses > 0)
            return true;
    return false;
}

/* ---- sorting ---- */

static int by_place(const void *left, const void *right)
{
    const struct observation *a = left, *b = right;
    int order = COMPARE(a->cell, b->cell);
    order = order ? order : COMPARE(a->tokens, b->tokens);
    order = order ? order : COMPARE(a->lr, b->lr);
    for (int r = 0; r < RATIO_COUNT; r++)
        order = order ? order : COMPARE(a->ratios[r], b->ratios[r]);
    order = order ? order : COMPARE(a->seed, b->seed);
    order = order ? order : COMPARE(a->kind, b->kind);
    return order ? order : COMPARE(a->loss, b->loss); /* a trial that was seen twice */
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

static void take_observations(struct scene *scene, const struct observation *seen, size_t count,
                              int skip)
{
    for (size_t i = 0; i < count; i++) {
        int basin = basin_of(scene->space, &seen[i]);
        if (seen[i].kind != OBSERVED_RUNNING && seen[i].kind != OBSERVED_OPTIMUM && basin >= 0 &&
            basin != skip)
            scene->seen[scene->seen_count++] = seen[i];
    }
    qsort(scene->seen, scene->seen_count, sizeof(*scene->seen), by_place);
}

/* ---- points ---- */

static bool is_loss(const struct observation *seen)
{
    return seen->kind == OBSERVED_LOSS && isfinite(seen->loss);
}

/* All replicates of one place; without any that tell something its `replicates` are 0. */
static struct scene_point make_point(const struct scene *scene, size_t first, size_t end)
{
    struct scene_point point = {.loss = 0, .first = (uint32_t)first, .end = (uint32_t)end};
    const struct observation *seen = &scene->seen[first];
    for (int k = 0; k < scene->coordinate_count; k++)
        point.x[k] = scene_x(scene, k, seen->lr, seen->ratios);
    for (size_t i = first; i < end; i++) {
        if (scene->seen[i].kind == OBSERVED_NOTHING)
            continue;
        point.replicates++;
        point.loss += is_loss(&scene->seen[i]) ? scene->seen[i].loss : NAN;
    }
    point.loss /= fmax(point.replicates, 1);
    return point;
}

/* As in evidence.c. */
static void compare_seeds(const struct scene *scene, const struct scene_basin *basin)
{
    double offset[SEEDS] = {0}, points[SEEDS] = {0}, repeated = 0;
    for (size_t i = 0; i < basin->losses; i++) {
        const struct scene_point *point = &basin->points[i];
        repeated += point->replicates > 1;
        for (uint32_t j = point->first; j < point->end; j++) {
            const struct observation *seen = &scene->seen[j];
            if (!is_loss(seen) || seen->seed >= SEEDS)
                continue;
            offset[seen->seed] += seen->loss - point->loss;
            points[seen->seed]++;
        }
    }
    for (size_t i = 0; i < basin->losses; i++) {
        struct scene_point *point = &basin->points[i];
        point->freedom = repeated > 0 ? (point->replicates - 1) * (repeated - 1) / repeated : 0;
        for (uint32_t j = point->first; j < point->end; j++) {
            const struct observation *seen = &scene->seen[j];
            bool told_apart = seen->seed < SEEDS && points[seen->seed] > 0;
            double off = seen->loss - point->loss -
                         (told_apart ? offset[seen->seed] / points[seen->seed] : 0);
            point->scatter += is_loss(seen) ? off * off : 0;
        }
    }
}

/* Losses become heights over the basin's bottom; far from it the model is not to be believed. */
static void set_heights(const struct scene *scene, struct scene_basin *basin)
{
    const struct scene_point *best = NULL;
    for (size_t i = 0; i < basin->losses; i++)
        if (!best || basin->points[i].loss < best->loss)
            best = &basin->points[i];
    if (!best)
        return;
    basin->bottom = best->loss;
    double best_x[SEARCH_COORDINATES];
    memcpy(best_x, best->x, sizeof(best_x));
    for (size_t i = 0; i < basin->losses; i++) {
        struct scene_point *point = &basin->points[i];
        bool right = false;
        for (int k = 0; k < scene->coordinate_count; k++)
            right = right || point->x[k] > best_x[k];
        point->loss = fmin(point->loss - basin->bottom, HIGHEST);
        point->error = basin_shape_error(point->loss, right);
    }
}

/* For each noise that there may be. */
static void set_weights(struct scene_basin *basin)
{
    for (int s = 0; s < EVIDENCE_SIGMAS && basin->losses > 0; s++) {
        double noise = evidence_sigma(s), variance = noise * noise;
        for (size_t i = 0; i < basin->losses; i++) {
            struct scene_point *point = &basin->points[i];
            double weight = 1 / (variance / point->replicates + point->error * point->error);
            point->weights[s] = weight;
            basin->weight[s] += weight;
            basin->log_norm[s] +=
                (log(weight) - point->freedom * log(variance) - point->scatter / variance) / 2;
        }
        basin->log_norm[s] -= log(basin->weight[s]) / 2;
    }
}

static void gather_basin(struct scene *scene, struct scene_basin *basin, size_t first, size_t end,
                         struct scene_point *room)
{
    basin->points = room;
    for (int walls = 0; walls < 2; walls++) /* losses first */
        for (size_t i = first, next; i < end; i = next) {
            for (next = i + 1; next < end && same_place(&scene->seen[i], &scene->seen[next]);)
                next++;
            struct scene_point point = make_point(scene, i, next);
            if (!(point.replicates > 0) || isnan(point.loss) != (walls > 0))
                continue;
            room[basin->losses + basin->walls] = point;
            basin->losses += !walls;
            basin->walls += (size_t)walls;
        }
    for (size_t i = first; i < end; i++) {
        bool tells = scene->seen[i].kind != OBSERVED_NOTHING;
        basin->trials += tells;
        basin->diverged += tells && !is_loss(&scene->seen[i]);
    }
    compare_seeds(scene, basin);
    set_heights(scene, basin);
    set_weights(basin);
}

/* ---- tables over the grid ---- */

static void add_up(struct scene_basin *basin, int k, int a, double **room)
{
    const size_t size = (size_t)EVIDENCE_SIGMAS * EVIDENCE_GRID;
    double *wg = basin->wg[k][a] = *room, *gg = basin->gg[k][a] = *room + size;
    for (int s = 0; s < EVIDENCE_SIGMAS && basin->losses > 0; s++) {
        for (size_t i = 0; i < basin->losses; i++) {
            const double *g = basin->shape[k][a] + i * EVIDENCE_GRID;
            double weight = basin->points[i].weights[s];
            for (int v = 0; v < EVIDENCE_GRID; v++) {
                wg[v] += weight * g[v];
                gg[v] += weight * g[v] * g[v];
            }
        }
        for (int v = 0; v < EVIDENCE_GRID; v++)
            gg[v] = fmax(gg[v] - wg[v] * wg[v] / basin->weight[s], 0);
        wg += EVIDENCE_GRID;
        gg += EVIDENCE_GRID;
    }
    *room += basin->losses > 0 ? 2 * size : 0;
}

static void fill_tables(const struct scene *scene, struct scene_basin *basin, double **room)
{
    for (int k = 0; k < scene->coordinate_count; k++) {
        const struct vertex_grid *grid = &scene->grids[k];
        for (int a = 0; a < EVIDENCE_ASYMMETRIES; a++) {
            basin->shape[k][a] = *room;
            for (size_t i = 0; i < basin->losses; i++)
                for (int v = 0; v < EVIDENCE_GRID; v++)
                    *(*room)++ = basin_shape(basin->points[i].x[k] - grid->low - v * grid->step,
                                             evidence_asymmetry[a]);
            add_up(basin, k, a, room);
        }
        basin->wall[k] = *room;
        for (size_t i = basin->losses; i < basin->losses + basin->walls; i++)
            for (int v = 0; v < EVIDENCE_GRID; v++) {
                double off = basin->points[i].x[k] - grid->low - v * grid->step - CLIFF;
                *(*room)++ = erfc(-off / CLIFF_WIDTH / sqrt(2)) / 2;
            }
    }
}

static size_t table_size(const struct scene *scene)
{
    size_t points = scene->seen_count, basins = scene->basin_count; /* with a loss, at most */
    basins = basins < points ? basins : points;
    size_t rows = EVIDENCE_ASYMMETRIES * (points + 2 * EVIDENCE_SIGMAS * basins);
    return rows * (size_t)scene->coordinate_count * EVIDENCE_GRID;
}

/* ---- setting up ---- */

static void lay_coordinates(struct scene *scene)
{
    const struct search_space *space = scene->space;
    for (int c = 0; c < SEARCH_COORDINATES; c++) {
        const struct ratio_range *range = c ? &space->ratios[c - 1] : NULL;
        if (range && !(range->low < range->high))
            continue;
        int k = scene->coordinate_count++;
        scene->coordinates[k] = c;
        scene->grids[k] = vertex_grid_lay(space->lr_low * (range ? range->low : 1),
                                          space->lr_high * (range ? range->high : 1));
        terms_lay(&scene->terms[k], space, c);
    }
}

static void lay_basins(struct scene *scene)
{
    const struct search_space *space = scene->space;
    struct scene_point *room = scene->points;
    double *tables = scene->tables;
    size_t first = 0;
    scene->reference_tokens = (double)space->horizons[0];
    for (size_t b = 0; b < scene->basin_count; b++) {
        struct scene_basin *basin = &scene->basins[b];
        size_t end = first;
        basin->cell = (uint32_t)(b / space->horizon_count);
        basin->horizon = (uint32_t)(b % space->horizon_count);
        while (end < scene->seen_count && basin_of(space, &scene->seen[end]) == (int)b)
            end++;
        gather_basin(scene, basin, first, end, room);
        fill_tables(scene, basin, &tables);
        room += basin->losses + basin->walls;
        if (basin->losses > 0)
            scene->reference_tokens =
                fmax(scene->reference_tokens, (double)space->horizons[basin->horizon]);
        first = end;
    }
    for (int k = 0; k < scene->coordinate_count; k++)
        terms_set_reference(&scene->terms[k], space, scene->reference_tokens);
    for (size_t b = 0; b < scene->basin_count; b++)
        scene->basins[b].t = scene_t(scene, (double)space->horizons[scene->basins[b].horizon]);
}

struct scene *scene_create(const struct search_space *space, const struct observation *seen,
                           size_t count, int skip)
{
    struct scene *scene = lr_calloc(1, sizeof(*scene));
    if (!scene)
        return NULL;
    scene->space = space;
    lay_coordinates(scene);
    scene->basin_count = space->cell_count * space->horizon_count;
    scene->basins = lr_calloc(scene->basin_count + 1, sizeof(*scene->basins));
    scene->seen = lr_calloc(count + 1, sizeof(*scene->seen));
    scene->points = lr_calloc(count + 1, sizeof(*scene->points));
    if (scene->seen)
        take_observations(scene, seen, count, skip);
    scene->tables = lr_calloc(table_size(scene) + 1, sizeof(*scene->tables));
    if (!scene->basins || !scene->seen || !scene->points || !scene->tables) {
        scene_destroy(scene);
        return NULL;
    }
    lay_basins(scene);
    return scene;
}

void scene_destroy(struct scene *scene)
{
    if (!scene)
        return;
    lr_free(scene->basins);
    lr_free(scene->seen);
    lr_free(scene->points);
    lr_free(scene->tables);
    lr_free(scene);
}
