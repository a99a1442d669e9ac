#include "papers.h"

#include <math.h>
#include <stdlib.h>

#define RULE_OF_THUMB 0.32
#define POINTS 5

struct place {
    double x, loss;
};

static int by_x(const void *left, const void *right)
{
    double a = ((const struct place *)left)->x, b = ((const struct place *)right)->x;
    return (a > b) - (a < b);
}

static double vertex(const struct place *points, int count)
{
    double s[5] = {0}, y[3] = {0}, center = points[count / 2].x;
    for (int i = 0; i < count; i++) {
        double power = 1;
        for (int k = 0; k < 5; k++, power *= points[i].x - center) {
            s[k] += power;
            if (k < 3)
                y[k] += power * points[i].loss;
        }
    }
    /* Cramer's rule for slope and curvature */
    double b = s[0] * (y[1] * s[4] - s[3] * y[2]) - y[0] * (s[1] * s[4] - s[3] * s[2]) +
               s[2] * (s[1] * y[2] - y[1] * s[2]);
    double c = s[0] * (s[2] * y[2] - y[1] * s[3]) - s[1] * (s[1] * y[2] - y[1] * s[2]) +
               y[0] * (s[1] * s[3] - s[2] * s[2]);
    double determinant = s[0] * (s[2] * s[4] - s[3] * s[3]) - s[1] * (s[1] * s[4] - s[3] * s[2]) +
                         s[2] * (s[1] * s[3] - s[2] * s[2]);
    if (!(c / determinant > 0))
        return NAN;
    double x = center - b / (2 * c);
    return fmax(points[0].x, fmin(points[count - 1].x, x));
}

/* log2 of the best LR at a horizon; NaN at an edge. */
static double best_of(uint64_t tokens, const struct observation *seen, size_t count)
{
    struct place *points = malloc((count + 1) * sizeof(*points));
    int found = 0, best = 0;
    double x = NAN;
    for (size_t i = 0; i < count && points; i++)
        if (seen[i].tokens == tokens && seen[i].kind == OBSERVED_LOSS)
            points[found++] = (struct place){log2(seen[i].lr), seen[i].loss};
    if (found >= 3) {
        qsort(points, (size_t)found, sizeof(*points), by_x);
        for (int i = 0; i < found; i++)
            best = points[i].loss < points[best].loss ? i : best;
        int first = best - POINTS / 2 < 0 ? 0 : best - POINTS / 2;
        int end = first + POINTS > found ? found : first + POINTS;
        if (best > 0 && best < found - 1)
            x = vertex(points + first, end - first);
    }
    free(points);
    return x;
}

double papers_lr(const struct search_space *space, const struct observation *seen, size_t count)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (size_t h = 0; h < space->horizon_count; h++) {
        double y = best_of(space->horizons[h], seen, count);
        double x = log2((double)space->horizons[h] / (double)space->target_tokens);
        if (isnan(y))
            continue;
        n++;
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    double slope = n >= 2 ? (n * sxy - sx * sy) / (n * sxx - sx * sx) : -RULE_OF_THUMB;
    return n > 0 ? exp2((sy - slope * sx) / n) : NAN;
}
