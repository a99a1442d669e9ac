/* Near its minimum the loss is a parabola in log LR (Bjorck et al. 2024); further away it is not:
 * it is steeper to the right, then falls off a cliff. So only points near the best are fitted: the
 * five around it, or all within 1.5 octaves where there are more. */
#include "search/basin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/rng.h"

#define NEAR 1.5          /* octaves */
#define NOISE_FLOOR 0.003 /* nats: residual of parabolas through published sweeps */
/* A point to the right that stands this much higher than one as far to the left is beyond the
 * cliff: the asymmetry of published basins makes 3 at most. */
#define CLIFF 4.0
/* nats per octave^2: what published basins have; so that the rule is not about noise. */
#define LEAST_CURVATURE 0.012

double student_widening(double freedom)
{
    /* Cornish-Fisher expansion of Student's quantile, over the normal one */
    double z = Z90, z3 = z * z * z, z5 = z3 * z * z;
    double t = z + (z3 + z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom * freedom);
    return t / z;
}

static void add_point(struct basin *basin, const struct observation *same, size_t count)
{
    if (basin->count == BASIN_POINTS)
        return;
    struct point *point = &basin->points[basin->count++];
    double sum = 0, squares = 0;
    *point = (struct point){.x = log2(same[0].lr), .loss = NAN};
    for (size_t i = 0; i < count; i++) {
        basin->trials += same[i].kind != OBSERVED_NOTHING;
        basin->diverged += same[i].kind == OBSERVED_DIVERGED;
        point->diverged |= same[i].kind == OBSERVED_DIVERGED;
        if (same[i].kind != OBSERVED_LOSS || !isfinite(same[i].loss))
            continue;
        point->losses++;
        sum += same[i].loss;
    }
    basin->diverged += point->diverged;
    if (point->losses > 0 && point->diverged == 0)
        point->loss = sum / point->losses;
}

static bool tells(const struct point *point)
{
    return point->losses + point->diverged > 0;
}

static void find_best(struct basin *basin)
{
    int lowest = -1, highest = -1;
    for (int i = 0; i < (int)basin->count; i++) {
        const struct point *point = &basin->points[i];
        if (tells(point)) {
            lowest = lowest < 0 ? i : lowest;
            highest = i;
        }
        if (basin->wall < 0 && point->diverged > 0 && point->losses == 0)
            basin->wall = i;
        if (!isnan(point->loss) &&
            (basin->best < 0 || point->loss < basin->points[basin->best].loss))
            basin->best = i;
    }
    basin->at_edge = basin->best >= 0 && (basin->best == lowest || basin->best == highest);
}

/* ---- which points ---- */

/* Next point with a loss from `i` on; -1 at the end. */
static int next_loss(const struct basin *basin, int i, int direction)
{
    for (i += direction; i >= 0 && i < (int)basin->count; i += direction)
        if (!isnan(basin->points[i].loss))
            return i;
    return -1;
}

static double distance(const struct basin *basin, int i)
{
    return fabs(basin->points[i].x - basin->points[basin->best].x);
}

/* Takes points on one side: all within `reach`, and two in any case if they are not too far. */
static int take_side(const struct basin *basin, int direction, double reach, double limit,
                     size_t *count)
{
    int end = basin->best;
    for (int taken = 0;; taken++) {
        int next = next_loss(basin, end, direction);
        if (next < 0 ||
            !(distance(basin, next) <= (taken < SIDE_POINTS ? limit : reach) * (1 + 1e-9)))
            return end;
        end = next;
        ++*count;
    }
}

/* The nearest point left out, up to `limit` away; false: there is none. */
static bool take_nearest(const struct basin *basin, struct parabola *fit, double limit)
{
    int left = next_loss(basin, fit->first, -1), right = next_loss(basin, fit->last, 1);
    bool go_left = left >= 0 && (right < 0 || distance(basin, left) <= distance(basin, right));
    int next = go_left ? left : right;
    if (next < 0 || !(distance(basin, next) <= limit))
        return false;
    *(go_left ? &fit->first : &fit->last) = next;
    fit->count++;
    return true;
}

static void drop_cliff(const struct basin *basin, struct parabola *fit)
{
    while (fit->count > 3 && fit->first < basin->best && fit->last > basin->best) {
        double bottom = basin->points[basin->best].loss;
        double left = distance(basin, fit->first), right = distance(basin, fit->last);
        double of_left = (basin->points[fit->first].loss - bottom) / (left * left);
        double of_right = (basin->points[fit->last].loss - bottom) / (right * right);
        int inner = next_loss(basin, fit->last, -1);
        if (!(of_right > CLIFF * fmax(of_left, LEAST_CURVATURE)) || inner <= basin->best)
            return;
        fit->last = inner;
        fit->count--;
    }
}

static struct parabola choose(const struct basin *basin, double reach)
{
    struct parabola fit = {.first = basin->best, .last = basin->best};
    double limit = fmax(reach, FAR);
    if (basin->best < 0)
        return fit;
    fit.count = 1;
    fit.first = take_side(basin, -1, reach, limit, &fit.count);
    fit.last = take_side(basin, 1, reach, limit, &fit.count);
    while (fit.count < FIT_POINTS && take_nearest(basin, &fit, limit))
        continue;
    while (fit.count < 3 && take_nearest(basin, &fit, INFINITY))
        continue;
    drop_cliff(basin, &fit);
    if (fit.count < 3)
        fit.count = 0;
    return fit;
}

/* ---- the parabola ---- */

static void choose_fit(struct basin *basin)
{
    int usable[BASIN_POINTS], count = 0, best = 0;
    for (size_t i = 0; i < basin->count; i++) {
        if (isnan(basin->points[i].loss))
            continue;
        if ((int)i == basin->best)
            best = count;
        usable[count++] = (int)i;
    }
    int low = best - 2 < 0 ? 0 : best - 2;
    int high = low + 4 < count ? low + 4 : count - 1;
    low = high - 4 < 0 ? 0 : high - 4;
    double center = basin->points[basin->best].x;
    while (low > 0 && center - basin->points[usable[low - 1]].x <= NEAR + 1e-9)
        low--;
    while (high + 1 < count && basin->points[usable[high + 1]].x - center <= NEAR + 1e-9)
        high++;
    for (int i = low; i <= high && basin->fit_count < BASIN_FIT; i++)
        basin->fit[basin->fit_count++] = usable[i];
    if (basin->fit_count < 3)
        basin->fit_count = 0;
}

/* Least squares in closed form: the rows of (X'X)^-1 X' are kept, so that a bootstrap draw costs
 * three sums. */
static void fit_parabola(struct basin *basin)
{
    double s[5] = {0}, inverse[3][3];
    size_t n = basin->fit_count;
    basin->center = 0;
    for (size_t i = 0; i < n; i++)
        basin->center += basin->points[basin->fit[i]].x / (double)n;
    for (size_t i = 0; i < n; i++) {
        double t = basin->points[basin->fit[i]].x - basin->center, power = 1;
        for (int k = 0; k < 5; k++, power *= t)
            s[k] += power;
    }
    const double m[3][3] = {{s[0], s[1], s[2]}, {s[1], s[2], s[3]}, {s[2], s[3], s[4]}};
    double determinant = 0;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            int p = (j + 1) % 3, q = (j + 2) % 3, u = (i + 1) % 3, v = (i + 2) % 3;
            inverse[i][j] = m[p][u] * m[q][v] - m[p][v] * m[q][u];
        }
    }
    for (int j = 0; j < 3; j++)
        determinant += m[0][j] * inverse[j][0];
    basin->a = basin->b = basin->c = basin->residuals = 0;
    for (size_t i = 0; i < n; i++) {
        const struct point *point = &basin->points[basin->fit[i]];
        double t = point->x - basin->center;
        for (int k = 0; k < 3; k++)
            basin->solve[i][k] =
                (inverse[k][0] + inverse[k][1] * t + inverse[k][2] * t * t) / determinant;
        basin->a += basin->solve[i][0] * point->loss;
        basin->b += basin->solve[i][1] * point->loss;
        basin->c += basin->solve[i][2] * point->loss;
    }
    for (size_t i = 0; i < n; i++) {
        const struct point *point = &basin->points[basin->fit[i]];
        double t = point->x - basin->center;
        double off = point->loss - (basin->a + basin->b * t + basin->c * t * t);
        basin->residuals += off * off;
    }
}

void basin_gather(struct basin *basin, uint64_t tokens, const struct observation *seen,
                  size_t count)
{
    memset(basin, 0, sizeof(*basin));
    basin->tokens = tokens;
    basin->best = -1;
    /* `seen` is sorted by LR within a horizon (search_sorted()) */
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1;
             end < count && seen[end].tokens == seen[i].tokens && seen[end].lr == seen[i].lr;)
            end++;
        if (seen[i].tokens == tokens)
            add_point(basin, seen + i, end - i);
    }
    for (size_t i = 0; i < basin->count; i++)
        if (!isnan(basin->points[i].loss) &&
            (basin->best < 0 || basin->points[i].loss < basin->points[basin->best].loss))
            basin->best = (int)i;
    if (basin->best < 0)
        return;
    basin->at_edge = basin->best == 0 || basin->best == (int)basin->count - 1;
    choose_fit(basin);
    if (basin->fit_count)
        fit_parabola(basin);
}

static double fit_low(const struct basin *basin)
{
    return basin->points[basin->fit[0]].x;
}

static double fit_high(const struct basin *basin)
{
    return basin->points[basin->fit[basin->fit_count - 1]].x;
}

/* Vertex of a parabola, kept inside the fitted points; without one, the better end. */
static double vertex_of(const struct basin *basin, double b, double c)
{
    double low = fit_low(basin), high = fit_high(basin);
    if (!(c > 0)) {
        double middle = (low + high) / 2 - basin->center;
        return b + 2 * c * middle > 0 ? low : high;
    }
    double x = basin->center - b / (2 * c);
    return x < low ? low : x > high ? high : x;
}

bool basin_has_vertex(const struct basin *basin)
{
    if (basin->fit_count == 0 || !(basin->c > 0))
        return false;
    double x = basin->center - basin->b / (2 * basin->c);
    return x >= fit_low(basin) && x <= fit_high(basin);
}

double basin_vertex(const struct basin *basin)
{
    return vertex_of(basin, basin->b, basin->c);
}

struct noise basin_noise(const struct basin *basins, size_t count)
{
    double squares = FLOOR_FREEDOM * NOISE_FLOOR * NOISE_FLOOR, freedom = FLOOR_FREEDOM;
    for (size_t h = 0; h < count; h++) {
        const struct basin *basin = &basins[h];
        if (basin->fit_count > 3) {
            squares += basin->residuals;
            freedom += (double)basin->fit_count - 3;
        }
        for (size_t i = 0; i < basin->count; i++) { /* variance of a mean over the replicates */
            const struct point *point = &basin->points[i];
            if (point->losses < 2 || point->diverged)
                continue;
            squares += point->variance / point->losses * (point->losses - 1);
            freedom += point->losses - 1;
        }
    }
    return (struct noise){sqrt(squares / freedom), freedom};
}

/* ---- the answer ---- */

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void bootstrap(struct horizon_answer *answer, const struct basin *basin, double sigma,
                      const struct search_space *space, double *vertices)
{
    uint32_t draws = space->bootstrap;
    uint64_t stream = RNG_BOOTSTRAP + (basin->tokens << 8);
    for (uint32_t draw = 0; draw < draws; draw++) {
        double b = basin->b, c = basin->c;
        for (size_t i = 0; i < basin->fit_count; i++) {
            double off = sigma * rng_normal(space->seed, stream, (uint64_t)draw * BASIN_FIT + i);
            b += basin->solve[i][1] * off;
            c += basin->solve[i][2] * off;
        }
        vertices[draw] = vertex_of(basin, b, c);
    }
    qsort(vertices, draws, sizeof(*vertices), by_value);
    double low = vertices[(uint32_t)(0.05 * (draws - 1))];
    double high = vertices[(uint32_t)ceil(0.95 * (draws - 1))];
    answer->ci90[0] = exp2(low);
    answer->ci90[1] = exp2(high);
    answer->se_ln_lr = (high - low) * log(2.0) / (2 * Z90);
}

void basin_answer(struct horizon_answer *answer, const struct basin *basin,
                  const struct noise *noise, const struct search_space *space, double *scratch)
{
    *answer = (struct horizon_answer){.tokens = basin->tokens,
                                      .lr_opt = NAN,
                                      .ci90 = {NAN, NAN},
                                      .curvature = NAN,
                                      .loss_min = NAN,
                                      .se_ln_lr = NAN,
                                      .trials = basin->trials,
                                      .diverged = basin->diverged,
                                      .at_edge = basin->at_edge};
    if (basin->best < 0)
        return;
    answer->loss_min = basin->points[basin->best].loss;
    if (basin->fit_count == 0)
        return;
    double sigma = noise->sigma * student_widening(noise->freedom), of_c = 0;
    for (size_t i = 0; i < basin->fit_count; i++)
        of_c += basin->solve[i][2] * basin->solve[i][2];
    answer->curvature = basin->c;
    answer->flat = !(basin->c > Z90 * sigma * sqrt(of_c));
    if (!basin_has_vertex(basin))
        answer->at_edge = true;
    double x = basin_vertex(basin), t = x - basin->center;
    answer->lr_opt = exp2(x);
    answer->loss_min = basin->a + basin->b * t + basin->c * t * t;
    bootstrap(answer, basin, sigma, space, scratch);
}
