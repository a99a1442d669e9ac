/* Figure of a coordinate check: one panel per layer, mean |activation| against the width, one line
 * per step, light at the start and dark at the end. In a correct parametrization the lines are
 * flat. */
#include "report/coord_plot.h"

#include <math.h>
#include "report/gnuplot.h"

enum { COLUMNS = 3, PANEL_WIDTH = 300, PANEL_HEIGHT = 220 };

/* Data block $layerN: one row per width, one column per step; gnuplot draws "NaN" as a gap. */
static void write_data(FILE *script, const struct coord_plot *plot, size_t layer)
{
    const double *mean = plot->means + layer * plot->width_count * (plot->steps + 1);
    fprintf(script, "$layer%zu << END\n", layer);
    for (size_t w = 0; w < plot->width_count; w++) {
        fprintf(script, "%u", plot->widths[w]);
        for (uint32_t step = 0; step <= plot->steps; step++, mean++) {
            if (isfinite(*mean) && *mean > 0)
                fprintf(script, " %.6g", *mean);
            else
                fputs(" NaN", script);
        }
        fputc('\n', script);
    }
    fputs("END\n", script);
}

static void write_panel(FILE *script, const struct coord_plot *plot, size_t layer)
{
    fputs("set title ", script);
    gnuplot_string(script, plot->names[layer]);
    fputs("\nplot ", script);
    for (uint32_t step = 0; step <= plot->steps; step++) {
        unsigned grey = 200 - 180 * step / plot->steps; /* light blue to dark blue */
        fprintf(script,
                "%s$layer%zu using 1:%u with linespoints pt 7 ps 0.4 lw 1.5 lc rgb '#%02x%02xc0' "
                "notitle",
                step ? ", " : "", layer, step + 2, grey, grey);
    }
    fputc('\n', script);
}

int coord_plot_draw(const struct coord_plot *plot, const char *path, struct lr_error *err)
{
    struct gnuplot gnuplot;
    int rows = (int)((plot->layers + COLUMNS - 1) / COLUMNS);
    int rc = gnuplot_begin(&gnuplot, path, COLUMNS * PANEL_WIDTH, rows * PANEL_HEIGHT + 40, err);
    if (rc)
        return rc;
    FILE *script = gnuplot.script;
    for (size_t l = 0; l < plot->layers; l++)
        write_data(script, plot, l);
    fprintf(script,
            "set logscale xy 2\nset format y '%%.2g'\nset xlabel 'width'\n"
            "set ylabel 'mean |activation|'\n"
            "set multiplot layout %d,%d title '%s, lr %.3g: start (light) to step %u (dark)'\n",
            rows, COLUMNS, plot->parametrization, plot->lr, plot->steps);
    for (size_t l = 0; l < plot->layers; l++)
        write_panel(script, plot, l);
    fputs("unset multiplot\n", script);
    return gnuplot_end_or_warn(&gnuplot, path, err);
}
