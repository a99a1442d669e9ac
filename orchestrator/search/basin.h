#ifndef LRSEARCH_BASIN_H
#define LRSEARCH_BASIN_H

#include "search/search_space.h"

/* One horizon: loss over log2 of the LR, and the parabola through the points near its minimum. A
 * basin borrows its observations and points; both must outlive it. */

struct point {                      /* one LR; its replicates averaged */
    double x;                       /* log2 lr */
    double loss;                    /* mean, nats; NaN: a replicate diverged, or none has a loss */
    uint32_t losses;                /* replicates with a loss */
    uint32_t diverged;              /* replicates that diverged */
    const struct observation *seen; /* its replicates, by seed */
    size_t seen_count;
};

struct parabola {    /* a + b t + c t^2 with t = x - center */
    int first, last; /* indices of points; those without a loss in between are skipped */
    size_t count;    /* 0: fewer than three points, the rest is then unset */
    double center, a, b, c;
    double residuals;  /* sum of squares */
    double inverse[3]; /* of the normal matrix: (b, b), (b, c), (c, c) */
    double skew;       /* octaves by which one unit of asymmetry moves the vertex */
};

struct basin {
    uint64_t tokens;
    struct point *points; /* ascending x */
    size_t count;
    uint32_t trials, diverged;
    int best;            /* index of the lowest loss; -1: none */
    int wall;            /* index of the lowest LR at which every seed diverged; -1: none */
    bool at_edge;        /* the best is the lowest or highest LR that gave a loss or diverged */
    struct parabola fit; /* through the points nearest to the best */
    const struct observation *optimum; /* OBSERVED_OPTIMUM; NULL: none */
};

/* Fills *basin. `seen`: the horizon's observations in the order of observation_compare(); `points`:
 * room for one element per LR. */
void basin_gather(struct basin *basin, struct point *points, uint64_t tokens,
                  const struct observation *seen, size_t count);

/* Noise of one point's loss, pooled over basins: standard deviation (nats) and degrees of
 * freedom. */
struct noise {
    double sigma, freedom;
};
struct noise basin_noise(const struct basin *basins, size_t count);

/* The parabola to use at this noise: basin->fit or, if that is flat, a wider one that is not. */
struct parabola basin_fit(const struct basin *basin, const struct noise *noise);
/* True if the curvature is not significantly positive (one-sided 90 %). */
bool parabola_is_flat(const struct parabola *parabola, const struct noise *noise);

#endif
