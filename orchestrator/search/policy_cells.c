/* As policy_design.c, over cells: of all trials that could be next, those that narrow the optima of
 * all cells (and of the target, where it is none of them) most for their FLOPs. What a trial would
 * tell is read off the posterior's worlds, as the covariance of its loss with the optima; one that
 * is chosen counts as known (a square-root filter on the worlds: Evensen 2004). A cell's first
 * trials come in pairs, for nobody knows the level there. */
#include "search/policy_cells.h"

#include <math.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/cell_posterior.h"
#include "search/lattice.h"

#define REACH 2.6       /* octaves from where the optimum is expected */
#define RATIO_REACH 2.1 /* the same of a ratio */
#define SPACING 0.5     /* octaves between LRs at most */
#define RATIO_SPACING 1.0
#define FIRST_SPACING 2.0 /* octaves, before anything is known */
#define FIRST_LEAST 3     /* trials */
#define BEGUN 2           /* trials that make a cell one of which something is known */
#define PLACES 256        /* of one basin at most */

struct candidate {
    size_t basin;
    struct proposal proposal;
    double x[SEARCH_COORDINATES];
    double cost;    /* in runs of the cells' targets, on average */
    double noise;   /* variance of the loss that tells nothing */
    double *values; /* the loss in each world, less their mean */
    double spread;  /* variance of that */
    bool central;   /* ratios as expected */
    bool taken;
};

struct aim {                     /* what is wanted: an optimum of a cell or of the target */
    double values[CELL_SAMPLES]; /* less their mean, times the root of what an octave^2 is worth */
};

struct choice {
    struct candidate *first, *second; /* NULL: none */
    double gain;                      /* nats per run of a target */
};

struct cells_design {
    const struct search_space *space;
    struct scene *scene;
    struct cell_posterior *posterior;
    struct lattice lattices[SEARCH_COORDINATES];
    struct search_space spaces[SEARCH_COORDINATES]; /* of the lattices */
    struct candidate *candidates;
    size_t count, capacity;
    double *values;
    struct aim *aims;
    size_t aim_count;
    double unit; /* cost of a target run */
    uint32_t begun[SEARCH_CELLS];
    bool horizons[ANSWER_HORIZONS];
};

/* ---- lattices ---- */

static void lay_lattice(struct cells_design *design, int k)
{
    struct search_space *of = &design->spaces[k];
    int coordinate = design->scene->coordinates[k];
    *of = *design->space;
    of->resolution = coordinate ? RATIO_SPACING : fmin(of->resolution, SPACING);
    if (coordinate) {
        of->lr_low = design->space->ratios[coordinate - 1].low;
        of->lr_high = design->space->ratios[coordinate - 1].high;
    }
    design->lattices[k] = lattice_make(of);
}

static double lattice_value(const struct cells_design *design, int k, int place)
{
    return lattice_lr(&design->lattices[k], &design->spaces[k], place);
}

/* ---- candidates ---- */

static bool same_place(const struct proposal *a, const struct observation *b)
{
    bool same = a->tokens == b->tokens && a->cell == b->cell && fabs(log2(a->lr / b->lr)) < 1e-6;
    for (int r = 0; r < RATIO_COUNT; r++)
        same = same && fabs(log2(a->ratios[r] / b->ratios[r])) < 1e-6;
    return same;
}

static uint32_t next_seed(const struct scene *scene, const struct proposal *proposal)
{
    uint32_t seed = 0;
    for (size_t i = 0; i < scene->seen_count; i++) /* they are sorted */
        seed += same_place(proposal, &scene->seen[i]) && scene->seen[i].seed == seed;
    return seed;
}

/* Something diverged that was lower in each coordinate. */
static bool beyond_a_wall(const struct cells_design *design, const struct candidate *candidate)
{
    const struct scene_basin *basin = &design->scene->basins[candidate->basin];
    for (size_t i = basin->losses; i < basin->losses + basin->walls; i++) {
        bool beyond = true;
        for (int k = 0; k < design->scene->coordinate_count; k++)
            beyond = beyond && basin->points[i].x[k] <= candidate->x[k] + 1e-6;
        if (beyond)
            return true;
    }
    return false;
}

static void add_candidate(struct cells_design *design, size_t basin, const int *places,
                          bool central)
{
    const struct search_space *space = design->space;
    const struct scene *scene = design->scene;
    struct candidate candidate = {.basin = basin, .central = central};
    struct proposal *proposal = &candidate.proposal;
    uint32_t cell = scene->basins[basin].cell;
    proposal->cell = cell;
    proposal->tokens = space->horizons[scene->basins[basin].horizon];
    proposal->lr = lattice_value(design, 0, places[0]);
    for (int r = 0; r < RATIO_COUNT; r++)
        proposal->ratios[r] = space->ratios[r].low;
    for (int k = 1; k < scene->coordinate_count; k++)
        proposal->ratios[scene->coordinates[k] - 1] = lattice_value(design, k, places[k]);
    for (int k = 0; k < scene->coordinate_count; k++)
        candidate.x[k] = scene_x(scene, k, proposal->lr, proposal->ratios);
    proposal->seed = next_seed(scene, proposal);
    candidate.cost = (double)proposal->tokens * space->cells[cell].cost / design->unit;
    if (proposal->seed < space->seeds && !beyond_a_wall(design, &candidate) &&
        design->count < design->capacity)
        design->candidates[design->count++] = candidate;
}

/* Means over the worlds: of the LR's vertex, and of each ratio. */
static void expect(const struct cells_design *design, size_t basin, double out[SEARCH_COORDINATES])
{
    memset(out, 0, SEARCH_COORDINATES * sizeof(*out));
    for (int s = 0; s < CELL_SAMPLES; s++) {
        const struct cell_basin_sample *world = cell_basin(design->posterior, s, basin);
        for (int k = 0; k < design->scene->coordinate_count; k++)
            out[k] += (world->vertex[k] - (k > 0 ? world->vertex[0] : 0)) / CELL_SAMPLES;
    }
}

static void add_basin(struct cells_design *design, size_t basin)
{
    double expected[SEARCH_COORDINATES];
    int nearest[SEARCH_COORDINATES], places[SEARCH_COORDINATES];
    expect(design, basin, expected);
    for (int k = 0; k < design->scene->coordinate_count; k++)
        nearest[k] = lattice_nearest(&design->lattices[k], expected[k]);
    const struct lattice *lrs = &design->lattices[0];
    double center = lrs->low + lrs->step * nearest[0];
    if (fabs(expected[0] - center) < lrs->step)
        center = expected[0]; /* inside the range */
    for (int p = 0; p <= lrs->last; p++) {
        if (fabs(lrs->low + lrs->step * p - center) > REACH)
            continue;
        memcpy(places, nearest, sizeof(places));
        places[0] = p;
        add_candidate(design, basin, places, true);
        for (int k = 1; k < design->scene->coordinate_count; k++) { /* one ratio off at a time */
            const struct lattice *ratios = &design->lattices[k];
            for (int q = 0; q <= ratios->last; q++) {
                places[k] = q;
                if (q != nearest[k] && fabs((q - nearest[k]) * ratios->step) <= RATIO_REACH)
                    add_candidate(design, basin, places, false);
            }
            places[k] = nearest[k];
        }
    }
}

/* ---- what they would tell ---- */

static double centered(double *values)
{
    double mean = 0, sum = 0;
    for (int s = 0; s < CELL_SAMPLES; s++)
        mean += values[s] / CELL_SAMPLES;
    for (int s = 0; s < CELL_SAMPLES; s++) {
        values[s] -= mean;
        sum += values[s] * values[s];
    }
    return sum / CELL_SAMPLES;
}

static void predict(struct cells_design *design, struct candidate *candidate)
{
    for (int s = 0; s < CELL_SAMPLES; s++) {
        const struct cell_sample *sample = &design->posterior->samples[s];
        const struct cell_basin_sample *world = cell_basin(design->posterior, s, candidate->basin);
        double height = 0;
        bool right = false;
        for (int k = 0; k < design->scene->coordinate_count; k++) {
            double off = candidate->x[k] - world->vertex[k];
            height += world->curvature[k] * basin_shape(off, sample->asymmetry[k]);
            right = right || off > 0;
        }
        double error = basin_shape_error(height, right);
        candidate->values[s] = world->level + height;
        candidate->noise += (sample->sigma * sample->sigma + error * error) / CELL_SAMPLES;
    }
    candidate->spread = centered(candidate->values);
}

/* Being off costs curvature times octaves^2, for the hidden matrices and for each further LR. */
static void lay_aims(struct cells_design *design)
{
    const struct cell_posterior *posterior = design->posterior;
    size_t aims = posterior->aim_count - (target_cell(design->space) >= 0);
    for (size_t c = 0; c < aims; c++)
        for (int k = 0; k < design->scene->coordinate_count; k++) {
            struct aim *aim = &design->aims[design->aim_count++];
            double worth = 0;
            for (int s = 0; s < CELL_SAMPLES; s++) {
                const struct cell_aim_sample *world = cell_aim(posterior, s, c);
                worth += world->curvature[k] / CELL_SAMPLES;
                aim->values[s] = world->optimum[0] + (k > 0 ? world->optimum[k] : 0);
            }
            centered(aim->values);
            for (int s = 0; s < CELL_SAMPLES; s++)
                aim->values[s] *= sqrt(worth);
        }
}

/* Eight sums side by side, for the CPU has them in one register or two. */
static double product(const double *a, const double *b)
{
    double sums[8] = {0}, sum = 0;
    for (int s = 0; s < CELL_SAMPLES; s += 8)
        for (int i = 0; i < 8; i++)
            sums[i] += a[s + i] * b[s + i];
    for (int i = 0; i < 8; i++)
        sum += sums[i];
    return sum / CELL_SAMPLES;
}

/* The worlds as they would be with this loss known. */
static void condition(double *values, const double *by, double variance, double noise)
{
    double share = (1 - sqrt(noise / (variance + noise))) / variance;
    double factor = share * product(values, by);
    for (int s = 0; s < CELL_SAMPLES; s++)
        values[s] -= factor * by[s];
}

static void take(struct cells_design *design, struct candidate *taken)
{
    double by[CELL_SAMPLES], variance = taken->spread;
    taken->taken = true;
    design->begun[taken->proposal.cell]++;
    design->horizons[design->scene->basins[taken->basin].horizon] = true;
    if (!(variance > 0))
        return;
    memcpy(by, taken->values, sizeof(by));
    for (size_t i = 0; i < design->count; i++) {
        struct candidate *candidate = &design->candidates[i];
        condition(candidate->values, by, variance, taken->noise);
        candidate->spread = product(candidate->values, candidate->values);
    }
    for (size_t i = 0; i < design->aim_count; i++)
        condition(design->aims[i].values, by, variance, taken->noise);
}

/* ---- the choice ---- */

static double tells(const struct cells_design *design, const struct candidate *candidate)
{
    double sum = 0;
    for (size_t i = 0; i < design->aim_count; i++) {
        double with = product(candidate->values, design->aims[i].values);
        sum += with * with;
    }
    return sum / (candidate->spread + candidate->noise);
}

static double pair_tells(const struct cells_design *design, const struct candidate *a,
                         const struct candidate *b)
{
    double aa = a->spread + a->noise, bb = b->spread + b->noise;
    double ab = product(a->values, b->values), determinant = aa * bb - ab * ab, sum = 0;
    for (size_t i = 0; i < design->aim_count; i++) {
        double u = product(a->values, design->aims[i].values);
        double v = product(b->values, design->aims[i].values);
        sum += u * u * bb - 2 * u * v * ab + v * v * aa;
    }
    return determinant > 0 ? sum / determinant : 0;
}

static void consider(struct choice *best, double gain, struct candidate *first,
                     struct candidate *second)
{
    if (gain > best->gain)
        *best = (struct choice){first, second, gain};
}

/* Levels that nobody knows: losses there tell something in pairs only. */
static bool is_open(const struct cells_design *design, size_t basin)
{
    if (design->scene->basins[basin].losses > 0)
        return false;
    for (size_t i = 0; i < design->count; i++)
        if (design->candidates[i].basin == basin && design->candidates[i].taken)
            return false;
    return true;
}

static struct choice choose(struct cells_design *design,
                            bool (*wanted)(const struct cells_design *, size_t basin))
{
    struct choice best = {NULL, NULL, 0};
    for (size_t i = 0, end; i < design->count; i = end) {
        struct candidate *all = design->candidates;
        for (end = i + 1; end < design->count && all[end].basin == all[i].basin;)
            end++;
        if (!wanted(design, all[i].basin))
            continue;
        bool open = is_open(design, all[i].basin);
        for (size_t a = i; a < end; a++) {
            if (all[a].taken || (open && !all[a].central))
                continue;
            consider(&best, tells(design, &all[a]) / all[a].cost, &all[a], NULL);
            for (size_t b = a + 1; b < end && open; b++)
                if (!all[b].taken && all[b].central)
                    consider(&best, pair_tells(design, &all[a], &all[b]) / (2 * all[a].cost),
                             &all[a], &all[b]);
        }
    }
    return best;
}

static uint32_t cheapest_cell(const struct search_space *space)
{
    uint32_t best = 0;
    for (uint32_t c = 1; c < space->cell_count; c++)
        if (space->cells[c].cost < space->cells[best].cost)
            best = c;
    return best;
}

static bool any_basin(const struct cells_design *design, size_t basin)
{
    (void)design;
    (void)basin;
    return true;
}

static bool cheapest_basin(const struct cells_design *design, size_t basin)
{
    const struct scene_basin *of = &design->scene->basins[basin];
    return of->cell == cheapest_cell(design->space) && of->horizon == 0;
}

static bool shortest_of_new_cell(const struct cells_design *design, size_t basin)
{
    const struct scene_basin *of = &design->scene->basins[basin];
    return design->begun[of->cell] < BEGUN && of->horizon == 0;
}

static bool other_horizon(const struct cells_design *design, size_t basin)
{
    return !design->horizons[design->scene->basins[basin].horizon];
}

/* The best that is worth its cost. Each cell must be seen, and a law needs two horizons, whatever
 * that costs. Where nothing trains yet, the cheapest cell will do to find out. */
static struct choice choose_worthy(struct cells_design *design)
{
    size_t horizons = 0;
    bool new_cell = false;
    if (!scene_has_losses(design->scene))
        return choose(design, cheapest_basin);
    struct choice best = choose(design, any_basin);
    if (best.gain > design->space->min_gain)
        return best;
    for (uint32_t c = 0; c < design->space->cell_count; c++)
        new_cell = new_cell || design->begun[c] < BEGUN;
    for (size_t h = 0; h < design->space->horizon_count; h++)
        horizons += design->horizons[h];
    best.first = NULL;
    if (new_cell)
        best = choose(design, shortest_of_new_cell);
    if (!best.first && horizons == 1 && design->space->horizon_count > 1)
        best = choose(design, other_horizon);
    return best;
}

static void take_running(struct cells_design *design, const struct observation *seen, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < design->count && seen[i].kind == OBSERVED_RUNNING; j++)
            if (same_place(&design->candidates[j].proposal, &seen[i]) &&
                design->candidates[j].proposal.seed == seen[i].seed)
                take(design, &design->candidates[j]);
}

static int choose_round(struct cells_design *design, const struct observation *seen, size_t count,
                        struct proposal *round)
{
    int asked = 0, most = (int)design->space->round_trials;
    take_running(design, seen, count);
    most = most > 0 && most < POLICY_ROUND_MAX - 1 ? most : POLICY_ROUND_MAX - 1;
    while (asked < most) {
        struct choice best = choose_worthy(design);
        if (!best.first)
            break;
        take(design, best.first);
        round[asked++] = best.first->proposal;
        if (best.second) { /* one more than asked for, perhaps: half a pair tells nothing */
            take(design, best.second);
            round[asked++] = best.second->proposal;
        }
    }
    return asked;
}

/* ---- the whole ---- */

/* Before anything is known: evenly over the whole range, where it is cheapest. */
static int begin(const struct cells_design *design, struct proposal *round)
{
    const struct search_space *space = design->space;
    const struct lattice *lattice = &design->lattices[0];
    double octaves = lattice->step * lattice->last;
    int count =
        (int)fmin(fmax(FIRST_LEAST, floor(octaves / FIRST_SPACING + 1.5)), lattice->last + 1);
    for (int i = 0; i < count; i++) {
        int place = count > 1 ? (int)lround((double)i * lattice->last / (count - 1)) : 0;
        round[i] = (struct proposal){.tokens = space->horizons[0],
                                     .cell = cheapest_cell(space),
                                     .lr = lattice_value(design, 0, place)};
        for (int r = 0; r < RATIO_COUNT; r++)
            round[i].ratios[r] = space->ratios[r].low;
        for (int k = 1; k < design->scene->coordinate_count; k++)
            round[i].ratios[design->scene->coordinates[k] - 1] =
                lattice_value(design, k, (design->lattices[k].last + 1) / 2);
    }
    return count;
}

static bool prepare(struct cells_design *design)
{
    const struct scene *scene = design->scene;
    double cost = 0;
    for (size_t c = 0; c < design->space->cell_count; c++)
        cost += design->space->cells[c].cost / (double)design->space->cell_count;
    design->unit = cost * (double)design->space->target_tokens;
    design->posterior = cell_posterior_create(scene);
    design->capacity = PLACES * scene->basin_count;
    design->candidates = lr_calloc(design->capacity, sizeof(*design->candidates));
    design->aims =
        lr_calloc((design->space->cell_count + 1) * SEARCH_COORDINATES, sizeof(*design->aims));
    if (!design->posterior || !design->candidates || !design->aims)
        return false;
    for (size_t b = 0; b < scene->basin_count; b++) {
        add_basin(design, b);
        design->begun[scene->basins[b].cell] += scene->basins[b].trials;
        if (scene->basins[b].trials > 0)
            design->horizons[scene->basins[b].horizon] = true;
    }
    design->values = lr_calloc(design->count * CELL_SAMPLES + 1, sizeof(double));
    if (!design->values)
        return false;
    for (size_t i = 0; i < design->count; i++) {
        design->candidates[i].values = design->values + i * CELL_SAMPLES;
        predict(design, &design->candidates[i]);
    }
    lay_aims(design);
    return true;
}

int cells_next(const struct search_space *space, const struct observation *seen, size_t count,
               struct proposal *round)
{
    int asked = LR_ENOMEM;
    struct cells_design *design = lr_calloc(1, sizeof(*design));
    if (!design)
        return asked;
    design->space = space;
    design->scene = scene_create(space, seen, count, -1);
    if (design->scene) {
        for (int k = 0; k < design->scene->coordinate_count; k++)
            lay_lattice(design, k);
        if (design->scene->seen_count == 0)
            asked = count == 0 ? begin(design, round) : 0; /* or wait for what runs */
        else if (prepare(design))
            asked = choose_round(design, seen, count, round);
    }
    cell_posterior_destroy(design->posterior);
    scene_destroy(design->scene);
    lr_free(design->candidates);
    lr_free(design->values);
    lr_free(design->aims);
    lr_free(design);
    return asked;
}
