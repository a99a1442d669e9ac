#ifndef LRSEARCH_COORD_CHECK_H
#define LRSEARCH_COORD_CHECK_H

#include <stdio.h>
#include "cli/progress_line.h"
#include "cli/options.h"
#include "lrsearch/error.h"
#include "search/numerics.h"
#include "trainers/transformer/coordinates.h"

/* The coordinate check of a plan: what was measured, and what is made of it. */

enum coord_verdict {
    COORD_OK,
    COORD_UNCLEAR /* does not fail */,
    COORD_GROWS,
    COORD_VANISHES,
    COORD_DIVERGES
};

enum coord_part {
    COORD_START, /* mean |activation| of a layer before the steps */
    COORD_GAIN,  /* by how much the first step of a kind of tensor lowers the loss */
    COORD_END    /* mean |activation| of a layer after the steps */
};

struct coord_figure {
    enum coord_part part;
    size_t index; /* of the layer, or the enum param_group */
    const char *name;
    struct slope slope; /* of its logarithm on ln width */
    double low, high;   /* what the slope may be */
    enum coord_verdict verdict;
};

struct coord_check {
    uint32_t widths[OPTION_WIDTHS];
    size_t width_count;
    uint32_t seeds, steps;
    struct trial_spec spec; /* at the first width, with the first seed */
    bool heads_grow;
    struct coordinates *runs; /* (width_count, seeds); owned */
    size_t layers;
    struct coord_figure *figures; /* owned; by part, then by index */
    size_t figure_count;
    bool passed;
};

/* Trains the runs; `live` may be NULL (cmd_coord_check.c). LR_ECANCELED, LR_EDATA, LR_EINVAL,
 * LR_ENOMEM. */
int coord_measure(struct coord_check *check, struct live *live, struct lr_error *err);
void coord_release(struct coord_check *check);

/* Mean |activation| of a layer at a width after so many steps, over the seeds. */
double coord_mean(const struct coord_check *check, size_t width, uint32_t step, size_t layer);
/* A figure's value at a width, over the seeds. */
double coord_value(const struct coord_check *check, size_t width,
                   const struct coord_figure *figure);

/* Fills the figures from the runs (coord_verdict.c). LR_ENOMEM. */
int coord_judge(struct coord_check *check, struct lr_error *err);
const char *coord_verdict_name(enum coord_verdict verdict);

/* A figure of the check as SVG, by gnuplot; without gnuplot its script as PATH.gp, and a note in
 * the log (coord_plot.c). LR_ECREATE, LR_EIO. */
int coord_plot(const struct coord_check *check, const char *path, struct lr_error *err);

#endif
