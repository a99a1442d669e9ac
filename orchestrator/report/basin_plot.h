#ifndef LRSEARCH_BASIN_PLOT_H
#define LRSEARCH_BASIN_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Loss against learning rate as text: the trainings of one horizon, and the parabola that was
 * fitted near its bottom. */

enum basin_outcome { BASIN_LOSS, BASIN_DIVERGED, BASIN_RUNNING };

struct basin_point {
    double lr;
    double loss; /* nats; of BASIN_LOSS */
    enum basin_outcome outcome;
};

struct basin_plot {
    const struct basin_point *points;
    size_t count;
    double lr_opt, ci90[2], curvature, loss_min; /* as struct horizon_answer; NaN: no fit */
    size_t columns, rows;                        /* of the whole; 40 and 6 at least */
    bool unicode;                                /* otherwise ASCII */
};

/* Losses far above the basin stand as arrows in the topmost row: the bottom is what is looked at.
 * False, and nothing is printed, when no training has a loss. */
bool basin_plot_print(FILE *out, const struct basin_plot *plot);

#endif
