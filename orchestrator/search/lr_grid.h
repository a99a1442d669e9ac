#ifndef LRSEARCH_LR_GRID_H
#define LRSEARCH_LR_GRID_H

#include "search/observations.h"

/* The LRs that policy `narrow` may ask for, evenly spaced in log LR, the same at every horizon: so
 * that halving is well defined, and one LR comes again at the next horizon. */

#define LR_GRID_MAX 500

struct lr_grid {
    double low, step; /* log2; point k is low + k step */
    int last;         /* k = 0..last */
    int coarse;       /* distance of the first points, about two octaves */
    int octave;       /* the longest distance of an octave at most */
};

struct lr_grid lr_grid_make(const struct search_space *space);
double lr_grid_lr(const struct lr_grid *grid, const struct search_space *space, int k);
int lr_grid_nearest(const struct lr_grid *grid, double x); /* log2 lr; kept inside */

/* The first trials of `design`, as places on the grid: evenly over the whole of it, or, unless
 * `place` is NULL, where the optimum is expected. Returns their number, at most last + 1. */
int lr_grid_first_trials(const struct lr_grid *grid, const struct expected_place *place,
                         int *trials);

enum tried { UNTRIED, TRIED_PARTLY /* seeds are missing */, TRIED_NOTHING, TRIED_TELLS };

/* One horizon on the grid. */
struct row {
    enum tried tried[LR_GRID_MAX + 1];
    bool has_loss[LR_GRID_MAX + 1];              /* with every seed that gave a loss or diverged */
    const struct point *points[LR_GRID_MAX + 1]; /* NULL when untried */
    int count;                                   /* LRs tried */
    int lowest, highest;                         /* that tell anything; -1 without */
    int wall; /* the lowest at which every seed diverged; last + 1 without */
    int best; /* lowest loss below the wall; -1 without */
};

void row_read(struct row *row, const struct lr_grid *grid, const struct basin *basin,
              uint32_t seeds);

#endif
