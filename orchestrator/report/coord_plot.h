#ifndef LRSEARCH_COORD_PLOT_H
#define LRSEARCH_COORD_PLOT_H

#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"

/* A figure of a coordinate check. */

struct coord_plot {
    const char *parametrization;
    double lr;
    const uint32_t *widths;
    size_t width_count;
    uint32_t steps;
    size_t layers;
    const char *const *names; /* (layers) */
    const double *means;      /* (layers, width_count, steps + 1): mean |activation| */
};

/* Draws it as SVG with gnuplot; without gnuplot its script stays as PATH.gp and a warning is
 * logged. LR_ECREATE, LR_EIO, LR_ENOMEM, LR_ENOSPC. */
int coord_plot_draw(const struct coord_plot *plot, const char *path, struct lr_error *err);

#endif
