#ifndef LRSEARCH_COORD_CHECK_H
#define LRSEARCH_COORD_CHECK_H

#include <stdio.h>
#include "cli/options.h"
#include "lrsearch/error.h"
#include "search/slope.h"
#include "train/coordinates.h"

/* The coordinate check of a plan: what was measured, and what is made of it. */

enum coord_verdict {
    COORD_OK,
    COORD_UNCLEAR /* does not fail */,
    COORD_GROWS,
    COORD_VANISHES,
    COORD_DIVERGES
};

struct coord_layer {
    const char *name;
    struct slope start, end; /* of ln mean |activation| on ln width, before and after the steps */
    double low, high;        /* what the slope at the end may be */
    enum coord_verdict verdict;
};

struct coord_check {
    uint32_t widths[OPTION_WIDTHS];
    size_t width_count;
    uint32_t seeds, steps;
    struct trial_spec spec; /* at the first width; seed and width change */
    bool heads_grow;
    struct coordinates *runs; /* (width_count, seeds); owned */
    struct coord_layer *layers;
    size_t layer_count;
    bool passed;
};

/* Mean |activation| of a layer at a width after so many steps, over the seeds. */
double coord_mean(const struct coord_check *check, size_t width, uint32_t step, size_t layer);

/* Fills the layers' slopes and verdicts from the runs (coord_verdict.c). LR_ENOMEM. */
int coord_judge(struct coord_check *check, struct lr_error *err);
const char *coord_verdict_name(enum coord_verdict verdict);

/* A figure of the check as SVG, by gnuplot; without gnuplot its script as PATH.gp, and a note in
 * the log (coord_plot.c). LR_ECREATE, LR_EIO. */
int coord_plot(const struct coord_check *check, const char *path, struct lr_error *err);

#endif
