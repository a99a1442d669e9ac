#ifndef LRSEARCH_BASIN_PLOT_H
#define LRSEARCH_BASIN_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Loss against learning rate as text: the trials of one horizon, and the parabola fitted near the
 * minimum. */

enum basin_outcome { BASIN_LOSS, BASIN_DIVERGED, BASIN_RUNNING };

struct basin_point {
    double lr;
    double loss; /* nats; BASIN_LOSS only */
    enum basin_outcome outcome;
};

struct basin_plot {
    const struct basin_point *points;
    size_t count;
    double lr_opt, ci90[2], curvature, loss_min; /* as struct horizon_answer; NaN: no fit */
    size_t columns, rows;                        /* of the whole plot; 40 and 6 at least */
    bool unicode;                                /* otherwise ASCII */
};

/* Losses far above the basin are arrows in the top row, so that the minimum stays readable. False,
 * with nothing printed, if no trial has a loss or memory is short. */
bool basin_plot_print(FILE *out, const struct basin_plot *plot);

#endif
