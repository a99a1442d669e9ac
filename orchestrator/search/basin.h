#ifndef LRSEARCH_BASIN_H
#define LRSEARCH_BASIN_H

#include "search/search_space.h"

/* One horizon: loss against log2 of the LR, and the parabola through the points near its minimum.
 * A basin borrows its observations and points; both must outlive it. */

struct point {                      /* one LR; its replicates averaged */
    double x;                       /* log2 lr */
    double loss;                    /* NaN when a replicate diverged, or nothing is known */
    uint32_t losses;                /* replicates with a loss */
    uint32_t diverged;              /* replicates that diverged */
    const struct observation *seen; /* its replicates, by seed */
    size_t seen_count;
};

struct parabola {    /* a + b t + c t^2 with t = x - center */
    int first, last; /* points; those without a loss in between do not count */
    size_t count;    /* 0: fewer than three points, and nothing else is set */
    double center, a, b, c;
    double residuals;  /* sum of squares */
    double inverse[3]; /* of the normal matrix: (b, b), (b, c), (c, c) */
    double skew;       /* how far one unit of asymmetry moves the vertex, octaves */
};

struct basin {
    uint64_t tokens;
    struct point *points; /* ascending x */
    size_t count;
    uint32_t trials, diverged;
    int best;            /* index of the lowest loss; -1 without any */
    int wall;            /* lowest point that diverged with every seed; -1 without any */
    bool at_edge;        /* the best is the lowest or highest LR that gave a loss or diverged */
    struct parabola fit; /* through the nearest points */
    const struct observation *optimum; /* measured elsewhere; NULL: none */
};

/* `seen`: as observations_create() sorts it. `points`: room for one element an LR. */
void basin_gather(struct basin *basin, struct point *points, uint64_t tokens,
                  const struct observation *seen, size_t count);

/* Noise of one point's loss, pooled over basins: standard deviation and degrees of freedom. */
struct noise {
    double sigma, freedom;
};
struct noise basin_noise(const struct basin *basins, size_t count);

/* The parabola to be used with this much noise: the nearest points', or a wider one where those do
 * not show any curvature. */
struct parabola basin_fit(const struct basin *basin, const struct noise *noise);
/* The curvature is not significantly positive. */
bool parabola_is_flat(const struct parabola *parabola, const struct noise *noise);

#endif
