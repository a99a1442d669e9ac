/* Near its minimum the loss is a parabola in log LR (Bjorck et al. 2024). Further away it is
 * steeper to the right, up to the cliff where training diverges. So the fit takes the points within
 * an octave of the best, at least two on each side and five in all if there are as many. It takes a
 * wider parabola only if noise hides the curvature at that width: its bias is then the smaller
 * error. */
#include "search/basin.h"

#include <math.h>
#include "search/numerics.h"

#define NEAR 1.0 /* octaves */
#define FAR 2.1  /* two octaves and a rounding error */
#define WIDEST 3.1
#define ONE_SIDED_90 1.2815515655446004
#define FIT_POINTS 5
#define SIDE_POINTS 2
#define NOISE_FLOOR 0.003 /* nats: residual of parabolas through published sweeps */
/* A right end with this many times the left end's height / distance^2 lies beyond the cliff and is
 * dropped: the asymmetry of published basins explains a factor of at most 3. */
#define CLIFF 4.0
/* nats per octave^2, as in published basins: floor of the left end's value, so that noise does not
 * trigger that rule */
#define LEAST_CURVATURE 0.012

/* ---- points ---- */

static void add_point(struct basin *basin, const struct observation *same, size_t count)
{
    struct point *point = &basin->points[basin->count++];
    double sum = 0;
    *point = (struct point){.x = log2(same[0].lr), .loss = NAN, .seen = same, .seen_count = count};
    for (size_t i = 0; i < count; i++) {
        bool number = isfinite(same[i].loss);
        if (same[i].kind == OBSERVED_NOTHING)
            continue;
        basin->trials++;
        if (same[i].kind == OBSERVED_DIVERGED || !number) {
            point->diverged++;
            continue;
        }
        point->losses++;
        sum += same[i].loss;
    }
    basin->diverged += point->diverged;
    if (point->losses > 0 && point->diverged == 0)
        point->loss = sum / point->losses;
}

static bool is_informative(const struct point *point)
{
    return point->losses + point->diverged > 0;
}

static void find_best(struct basin *basin)
{
    int lowest = -1, highest = -1;
    for (int i = 0; i < (int)basin->count; i++) {
        const struct point *point = &basin->points[i];
        if (is_informative(point)) {
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

/* Next point beyond `i` with a loss; -1: none. */
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

/* Last point to fit on one side: all within `reach` of the best, and the nearest SIDE_POINTS if
 * within `limit` (octaves). */
static int extend_side(const struct basin *basin, int direction, double reach, double limit,
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

/* Adds the nearest point not in the fit, at most `limit` octaves from the best; false: none. */
static bool add_nearest(const struct basin *basin, struct parabola *fit, double limit)
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

static struct parabola choose_points(const struct basin *basin, double reach)
{
    struct parabola fit = {.first = basin->best, .last = basin->best};
    double limit = fmax(reach, FAR);
    if (basin->best < 0)
        return fit;
    fit.count = 1;
    fit.first = extend_side(basin, -1, reach, limit, &fit.count);
    fit.last = extend_side(basin, 1, reach, limit, &fit.count);
    while (fit.count < FIT_POINTS && add_nearest(basin, &fit, limit))
        continue;
    while (fit.count < 3 && add_nearest(basin, &fit, INFINITY))
        continue;
    drop_cliff(basin, &fit);
    if (fit.count < 3)
        fit.count = 0;
    return fit;
}

/* ---- the parabola ---- */

/* Least squares in closed form; the inverse is kept for the bootstrap. */
static void fit_parabola(const struct basin *basin, struct parabola *fit)
{
    double s[5] = {0}, y[3] = {0}, inverse[3][3], determinant = 0, n = (double)fit->count;
    for (int i = fit->first; i >= 0 && i <= fit->last; i = next_loss(basin, i, 1))
        fit->center += basin->points[i].x / n;
    for (int i = fit->first; i >= 0 && i <= fit->last; i = next_loss(basin, i, 1)) {
        double t = basin->points[i].x - fit->center, power = 1;
        for (int k = 0; k < 5; k++, power *= t) {
            s[k] += power;
            if (k < 3)
                y[k] += power * basin->points[i].loss;
        }
    }
    const double m[3][3] = {{s[0], s[1], s[2]}, {s[1], s[2], s[3]}, {s[2], s[3], s[4]}};
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            int p = (j + 1) % 3, q = (j + 2) % 3, u = (i + 1) % 3, v = (i + 2) % 3;
            inverse[i][j] = m[p][u] * m[q][v] - m[p][v] * m[q][u];
        }
    }
    for (int j = 0; j < 3; j++)
        determinant += m[0][j] * inverse[j][0];
    double of[3] = {0};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            of[i] += inverse[i][j] / determinant * y[j];
    fit->a = of[0];
    fit->b = of[1];
    fit->c = of[2];
    fit->inverse[0] = inverse[1][1] / determinant;
    fit->inverse[1] = inverse[1][2] / determinant;
    fit->inverse[2] = inverse[2][2] / determinant;
    /* Effect of a cubic term c (t - vertex)^3 on b and c, hence on the vertex. */
    double vertex = fit->c > 0 ? -fit->b / (2 * fit->c) : 0, cubic[3] = {0};
    vertex = fmax(basin->points[fit->first].x - fit->center,
                  fmin(vertex, basin->points[fit->last].x - fit->center));
    for (int i = fit->first; i >= 0 && i <= fit->last; i = next_loss(basin, i, 1)) {
        double t = basin->points[i].x - fit->center, u = t - vertex;
        double off = basin->points[i].loss - (fit->a + fit->b * t + fit->c * t * t);
        fit->residuals += off * off;
        for (int k = 0; k < 3; k++)
            cubic[k] += (inverse[k][0] + inverse[k][1] * t + inverse[k][2] * t * t) / determinant *
                        u * u * u;
    }
    fit->skew = fabs(cubic[1] + 2 * cubic[2] * vertex) / 2;
}

bool parabola_is_flat(const struct parabola *parabola, const struct noise *noise)
{
    double sigma = noise->sigma * student_widening(noise->freedom);
    return parabola->count > 0 &&
           !(parabola->c > ONE_SIDED_90 * sigma * sqrt(parabola->inverse[2]));
}

static struct parabola fit_within(const struct basin *basin, double reach)
{
    struct parabola fit = choose_points(basin, reach);
    if (fit.count)
        fit_parabola(basin, &fit);
    return fit;
}

struct parabola basin_fit(const struct basin *basin, const struct noise *noise)
{
    struct parabola fit = basin->fit;
    for (double reach = FAR; parabola_is_flat(&fit, noise) && reach <= WIDEST; reach += 1) {
        struct parabola wider = fit_within(basin, reach);
        if (wider.count > fit.count && !parabola_is_flat(&wider, noise))
            fit = wider;
    }
    return fit;
}

void basin_gather(struct basin *basin, struct point *points, uint64_t tokens,
                  const struct observation *seen, size_t count)
{
    *basin = (struct basin){.tokens = tokens, .points = points, .best = -1, .wall = -1};
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && seen[end].lr == seen[i].lr;)
            end++;
        if (seen[i].kind == OBSERVED_OPTIMUM)
            basin->optimum = &seen[i];
        else if (seen[i].lr > 0 && isfinite(seen[i].lr))
            add_point(basin, seen + i, end - i);
    }
    find_best(basin);
    basin->fit = fit_within(basin, NEAR);
}

/* ---- noise ---- */

/* Adds sum of squares and degrees of freedom of the replicates around the mean of their LR and of
 * their seed: a seed offset common to all LRs does not move the minimum. Scaled to a mean over the
 * seeds. */
static void replicate_scatter(const struct basin *basin, double *squares, double *freedom)
{
    const struct parabola *fit = &basin->fit;
    const struct point *model = NULL; /* most replicates; only points with the same seeds count */
    double points = 0, sum = 0;
    for (int i = fit->first; fit->count && i >= 0 && i <= fit->last; i = next_loss(basin, i, 1)) {
        const struct point *point = &basin->points[i];
        if (point->losses == point->seen_count && (!model || point->losses > model->losses))
            model = point;
    }
    if (!model || model->losses < 2)
        return;
    double seeds = model->losses;
    for (size_t j = 0; j < model->seen_count; j++) {
        double of_seed = 0, of_squares = 0;
        points = 0;
        for (int i = fit->first; i >= 0 && i <= fit->last; i = next_loss(basin, i, 1)) {
            const struct point *point = &basin->points[i];
            if (point->losses != model->losses || point->seen_count != model->seen_count ||
                point->seen[j].seed != model->seen[j].seed)
                continue;
            double off = point->seen[j].loss - point->loss;
            points++;
            of_seed += off;
            of_squares += off * off;
        }
        sum += of_squares - of_seed * of_seed / fmax(points, 1);
    }
    if (points < 2)
        return;
    *squares += fmax(sum, 0) / seeds;
    *freedom += (points - 1) * (seeds - 1);
}

struct noise basin_noise(const struct basin *basins, size_t count)
{
    double squares = 0, freedom = 0;
    for (size_t h = 0; h < count; h++) {
        if (basins[h].fit.count > 3) {
            squares += basins[h].fit.residuals;
            freedom += (double)basins[h].fit.count - 3;
        }
        replicate_scatter(&basins[h], &squares, &freedom);
    }
    if (freedom < 1) /* no estimate: typical noise of a small model, one degree of freedom */
        return (struct noise){0.01, 1};
    return (struct noise){fmax(sqrt(squares / freedom), NOISE_FLOOR), freedom};
}
