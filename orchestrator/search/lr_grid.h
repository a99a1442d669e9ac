#ifndef LRSEARCH_LR_GRID_H
#define LRSEARCH_LR_GRID_H

#include "search/search_space.h"

/* The LRs that policy `design` may propose: evenly spaced in log LR and the same at every horizon,
 * so that an LR recurs at the next horizon. */

#define LR_GRID_MAX 500

struct lr_grid {
    double low, step; /* log2; point k is low + k step */
    int last;         /* k = 0..last */
    double ends[2];   /* as the user wrote them */
};

/* resolution: octaves between neighbours, at most. */
struct lr_grid lr_grid_make(double lr_low, double lr_high, double resolution);
double lr_grid_lr(const struct lr_grid *grid, int k);
int lr_grid_nearest(const struct lr_grid *grid, double x); /* log2 lr; clamped */

/* The first trials of `design`, as places on the grid: evenly over the whole grid or, unless
 * `place` is NULL, over the part where the optimum is expected. Returns their number, at most last
 * + 1. */
int lr_grid_first_trials(const struct lr_grid *grid, const struct expected_place *place,
                         int *trials);

#endif
