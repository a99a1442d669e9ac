/* Observations arrive in any order and are sorted before any statistics, so that sums and draws are
 * bit-identical for every order. */
#include "search/observations.h"

#include <math.h>
#include <stdlib.h>
#include "lrsearch/memory.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

int observation_compare(const void *left, const void *right)
{
    const struct observation *a = left, *b = right;
    int order = COMPARE(a->cell, b->cell);
    order = order ? order : COMPARE(a->tokens, b->tokens);
    order = order ? order : COMPARE(a->lr, b->lr);
    for (int r = 0; r < RATIO_COUNT; r++)
        order = order ? order : COMPARE(a->ratios[r], b->ratios[r]);
    order = order ? order : COMPARE(a->seed, b->seed);
    order = order ? order : COMPARE(a->kind, b->kind);
    order = order ? order : isnan(a->loss) - isnan(b->loss); /* NaN last: a total order */
    return order ? order : COMPARE(a->loss, b->loss);        /* the same trial observed twice */
}

bool same_value(double a, double b)
{
    return a == b || fabs(log2(a / b)) < 1e-6;
}

bool same_ratios(const double a[RATIO_COUNT], const double b[RATIO_COUNT])
{
    for (int r = 0; r < RATIO_COUNT; r++)
        if (!same_value(a[r], b[r]))
            return false;
    return true;
}

/* ---- replicates ---- */

static bool is_told_apart(const struct observation *seen)
{
    return seen->kind == OBSERVED_LOSS && isfinite(seen->loss) && seen->seed < SEED_EFFECTS;
}

void seed_effects_add(struct seed_effects *effects, const struct observation *seen, size_t count,
                      double mean)
{
    for (size_t i = 0; i < count; i++)
        if (is_told_apart(&seen[i])) {
            effects->sum[seen[i].seed] += seen[i].loss - mean;
            effects->points[seen[i].seed]++;
        }
}

double seed_effects_scatter(const struct seed_effects *effects, const struct observation *seen,
                            size_t count, double mean)
{
    double scatter = 0;
    for (size_t i = 0; i < count; i++) {
        double off = seen[i].loss - mean;
        if (is_told_apart(&seen[i]))
            off -= effects->sum[seen[i].seed] / fmax(effects->points[seen[i].seed], 1);
        scatter += seen[i].kind == OBSERVED_LOSS ? off * off : 0;
    }
    return scatter;
}
