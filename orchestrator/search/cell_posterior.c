/* Runs the sampler and keeps worlds. A sweep goes over the coordinates: shape and noise are drawn,
 * the law is moved with its vertices (cell_law.c), each basin's vertex, curvature and level are
 * drawn (cell_basins.c), then the law. What has no losses is drawn only for the worlds that are
 * kept.
 */
#include "search/cell_chain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"

#define BURN_IN 200 /* sweeps; far more than law and noise need to forget where they began */
#define THIN 2
#define NEGLIGIBLE (-40.0) /* in log weight */
#define NOTHING_KNOWN 1.0  /* nats: the level of a basin without a loss is anywhere */

double chain_uniform(struct chain *chain)
{
    return rng_uniform(chain->scene->space->seed, RNG_CELLS, chain->draws++);
}

double chain_normal(struct chain *chain)
{
    return rng_normal(chain->scene->space->seed, RNG_CELLS, chain->draws++);
}

int chain_pick(struct chain *chain, double *log_weights, int count)
{
    double largest = -INFINITY, total = 0;
    for (int i = 0; i < count; i++)
        largest = log_weights[i] > largest ? log_weights[i] : largest;
    for (int i = 0; i < count; i++) {
        double below = log_weights[i] - largest;
        total += log_weights[i] = below > NEGLIGIBLE ? exp(below) : 0;
    }
    double share = chain_uniform(chain) * total;
    int last = 0;
    for (int i = 0; i < count; i++) {
        if (!(log_weights[i] > 0))
            continue;
        last = i;
        if (share < log_weights[i])
            break;
        share -= log_weights[i];
    }
    return last;
}

/* ---- the beginning ---- */

static void begin_law(struct chain *chain, int k)
{
    struct chain_law *law = &chain->laws[k];
    for (size_t i = 0; i < TERMS_MAX; i++)
        law->stretch[i] = 1;
    law->curvature = CHAIN_CURVATURES / 2 - 1;
    law->misfit = law->own = 1;
    for (size_t i = 0; i < chain->scene->terms[k].count; i++)
        law->theta[i] = chain->scene->terms[k].term[i].mean;
}

static void begin_basin(struct chain *chain, size_t b, int k)
{
    const struct scene_basin *basin = &chain->scene->basins[b];
    const struct vertex_grid *grid = &chain->scene->grids[k];
    struct chain_basin *state = &chain->basins[b];
    const struct scene_point *best = NULL;
    for (size_t i = 0; i < basin->losses; i++)
        if (!best || basin->points[i].loss < best->loss)
            best = &basin->points[i];
    double x = best ? best->x[k] : state->line[k] + (k > 0 ? state->vertex[0] : 0);
    double place = round((x - grid->low) / grid->step);
    state->known = basin->losses + basin->walls > 0;
    state->place[k] = (int)fmax(0, fmin(place, grid->count - 1));
    state->vertex[k] = grid->low + state->place[k] * grid->step;
    state->curvature[k] = chain_curvature(chain, k, basin->t);
}

static bool allocate(struct chain *chain)
{
    const struct scene *scene = chain->scene;
    size_t largest = 0;
    bool good = true;
    chain->basins = lr_calloc(scene->basin_count + 1, sizeof(*chain->basins));
    for (int k = 0; k < scene->coordinate_count; k++) {
        size_t terms = scene->terms[k].count;
        chain->features[k] = lr_calloc(scene->basin_count * terms + 1, sizeof(double));
        good = good && chain->features[k];
        largest = terms > largest ? terms : largest;
    }
    chain->matrix = lr_calloc(largest * largest + 1, sizeof(double));
    chain->unexplained = lr_calloc(scene->seen_count + 1, sizeof(double));
    return good && chain->basins && chain->matrix && chain->unexplained;
}

static void begin(struct chain *chain)
{
    const struct scene *scene = chain->scene;
    chain->sigma = EVIDENCE_SIGMAS / 2 - 1;
    for (int k = 0; k < scene->coordinate_count; k++) {
        const struct terms *terms = &scene->terms[k];
        double *feature = chain->features[k];
        for (size_t b = 0; b < scene->basin_count; b++)
            for (size_t i = 0; i < terms->count; i++) {
                uint32_t cell = scene->basins[b].cell;
                *feature++ = term_value(&terms->term[i], &scene->space->cells[cell], (int)cell,
                                        scene->basins[b].t);
            }
        begin_law(chain, k);
        chain_draw_lines(chain, k);
        for (size_t b = 0; b < scene->basin_count; b++)
            begin_basin(chain, b, k);
    }
}

static void sweep(struct chain *chain)
{
    for (int k = 0; k < chain->scene->coordinate_count; k++) {
        chain_turn_to(chain, k);
        chain_draw_shape(chain, k);
        chain_weigh(chain, k);
        chain_shift_law(chain, k);
        chain_draw_basins(chain, k);
        chain_draw_law(chain, k);
    }
}

/* False: interrupted. */
static bool sweeps(struct chain *chain, int count)
{
    for (int i = 0; i < count; i++) {
        if (search_interrupted(chain->scene->space))
            return false;
        sweep(chain);
    }
    return true;
}

/* ---- keeping a world ---- */

static double draw_curvature(struct chain *chain, int k, double t)
{
    double mean = chain_curvature(chain, k, t);
    return fmax(mean * (1 + CURVATURE_OWN * chain_normal(chain)), mean / 10);
}

static void keep_basin(struct chain *chain, size_t b, struct cell_basin_sample *sample)
{
    const struct scene_basin *basin = &chain->scene->basins[b];
    const struct chain_basin *state = &chain->basins[b];
    for (int k = 0; k < chain->scene->coordinate_count; k++) {
        if (state->known) {
            sample->vertex[k] = state->vertex[k];
            sample->curvature[k] = state->curvature[k];
            continue;
        }
        double base = k > 0 ? sample->vertex[0] : 0;
        sample->vertex[k] = base + state->line[k] + chain_misfit(chain, k) * chain_normal(chain);
        sample->curvature[k] = draw_curvature(chain, k, basin->t);
    }
    sample->level =
        basin->losses > 0 ? basin->bottom + state->level : NOTHING_KNOWN * chain_normal(chain);
}

static double line_at(const struct chain *chain, int k, const struct search_cell *cell, int index,
                      double t)
{
    const struct terms *terms = &chain->scene->terms[k];
    double sum = 0;
    for (size_t i = 0; i < terms->count; i++)
        sum += chain->laws[k].theta[i] * term_value(&terms->term[i], cell, index, t);
    return sum;
}

/* A cell (index >= 0), or a target that is none of the cells, at target_tokens. */
static void keep_aim(struct chain *chain, const struct cell_basin_sample *basins,
                     const struct search_cell *cell, int index, struct cell_aim_sample *aim)
{
    const struct scene *scene = chain->scene;
    const struct search_space *space = scene->space;
    double t = scene_t(scene, (double)space->target_tokens);
    const struct scene_basin *longest = NULL;
    const struct cell_basin_sample *at = NULL, *nearest = NULL;
    for (size_t h = 0; h < space->horizon_count && index >= 0; h++) {
        size_t b = (size_t)index * space->horizon_count + h;
        if (scene->basins[b].losses > 0) {
            longest = &scene->basins[b];
            nearest = &basins[b];
        }
        if (space->horizons[h] == space->target_tokens)
            at = &basins[b];
    }
    for (int k = 0; k < scene->coordinate_count; k++) {
        double own = index >= 0 ? 0
                                : chain_own(chain, k) * chain_normal(chain) -
                                      (k == 0 ? t * CELL_TOKENS * chain_normal(chain) : 0);
        aim->optimum[k] = at ? at->vertex[k] - (k > 0 ? at->vertex[0] : 0)
                             : line_at(chain, k, cell, index, t) + own +
                                   chain_misfit(chain, k) * chain_normal(chain);
        if (at)
            aim->curvature[k] = at->curvature[k];
        else if (longest)
            aim->curvature[k] = nearest->curvature[k] * chain_curvature(chain, k, t) /
                                chain_curvature(chain, k, longest->t);
        else
            aim->curvature[k] = draw_curvature(chain, k, t);
    }
}

static void keep(struct chain *chain, struct cell_posterior *posterior, size_t s)
{
    const struct scene *scene = chain->scene;
    const struct search_space *space = scene->space;
    struct cell_sample *sample = &posterior->samples[s];
    struct cell_basin_sample *basins = posterior->basins + s * posterior->basin_count;
    struct cell_aim_sample *aims = posterior->aims + s * posterior->aim_count;
    sample->sigma = evidence_sigma(chain->sigma);
    for (int k = 0; k < scene->coordinate_count; k++) {
        sample->asymmetry[k] = evidence_asymmetry[chain->laws[k].asymmetry];
        sample->misfit[k] = chain_misfit(chain, k);
        memcpy(sample->theta[k], chain->laws[k].theta, sizeof(sample->theta[k]));
    }
    for (size_t b = 0; b < scene->basin_count; b++)
        keep_basin(chain, b, &basins[b]);
    for (size_t c = 0; c < space->cell_count; c++)
        keep_aim(chain, basins, &space->cells[c], (int)c, &aims[c]);
    int same = target_cell(space);
    if (same >= 0)
        aims[space->cell_count] = aims[same];
    else
        keep_aim(chain, basins, &space->target, -1, &aims[space->cell_count]);
}

/* ---- the whole ---- */

struct cell_posterior *cell_posterior_create(const struct scene *scene)
{
    struct chain chain = {.scene = scene};
    struct cell_posterior *posterior = lr_calloc(1, sizeof(*posterior));
    bool good = posterior && allocate(&chain);
    if (good) {
        posterior->basin_count = scene->basin_count;
        posterior->aim_count = scene->space->cell_count + 1;
        posterior->basins =
            lr_calloc(CELL_SAMPLES * posterior->basin_count + 1, sizeof(*posterior->basins));
        posterior->aims = lr_calloc(CELL_SAMPLES * posterior->aim_count, sizeof(*posterior->aims));
        good = posterior->basins && posterior->aims;
    }
    if (good) {
        begin(&chain);
        good = sweeps(&chain, BURN_IN);
        for (size_t s = 0; good && s < CELL_SAMPLES; s++) {
            good = sweeps(&chain, THIN);
            keep(&chain, posterior, s);
        }
    }
    if (!good) {
        cell_posterior_destroy(posterior);
        posterior = NULL;
    }
    lr_free(chain.basins);
    for (int k = 0; k < SEARCH_COORDINATES; k++)
        lr_free(chain.features[k]);
    lr_free(chain.matrix);
    lr_free(chain.unexplained);
    return posterior;
}

void cell_posterior_destroy(struct cell_posterior *posterior)
{
    if (!posterior)
        return;
    lr_free(posterior->basins);
    lr_free(posterior->aims);
    lr_free(posterior);
}

const struct cell_basin_sample *cell_basin(const struct cell_posterior *posterior, int sample,
                                           size_t basin)
{
    return &posterior->basins[(size_t)sample * posterior->basin_count + basin];
}

const struct cell_aim_sample *cell_aim(const struct cell_posterior *posterior, int sample,
                                       size_t aim)
{
    return &posterior->aims[(size_t)sample * posterior->aim_count + aim];
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

struct spread cell_spread(double values[CELL_SAMPLES])
{
    struct spread spread = {0};
    for (int s = 0; s < CELL_SAMPLES; s++)
        spread.mean += values[s] / CELL_SAMPLES;
    for (int s = 0; s < CELL_SAMPLES; s++)
        spread.deviation += (values[s] - spread.mean) * (values[s] - spread.mean);
    spread.deviation = sqrt(spread.deviation / (CELL_SAMPLES - 1));
    qsort(values, CELL_SAMPLES, sizeof(*values), by_value);
    spread.ci90[0] = values[CELL_SAMPLES / 20];
    spread.ci90[1] = values[CELL_SAMPLES - 1 - CELL_SAMPLES / 20];
    return spread;
}
