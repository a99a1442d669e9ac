/* The picture of a coordinate check: a panel a layer, mean |activation| against the width, one line
 * for each step, light at the start and dark at the end. Flat lines are what is wanted. */
#include <math.h>
#include "cli/cmd_coord_check.h"
#include "lrsearch/log.h"
#include "report/gnuplot.h"

enum { COLUMNS = 3, PANEL_WIDTH = 300, PANEL_HEIGHT = 220 };

/* Data block $l: one row a width, one column a step; "NaN" is a gap to gnuplot. */
static void write_data(FILE *script, const struct coord_check *check, size_t layer)
{
    fprintf(script, "$layer%zu << END\n", layer);
    for (size_t w = 0; w < check->width_count; w++) {
        fprintf(script, "%u", check->widths[w]);
        for (uint32_t step = 0; step <= check->steps; step++) {
            double mean = coord_mean(check, w, step, layer);
            if (isfinite(mean) && mean > 0)
                fprintf(script, " %.6g", mean);
            else
                fputs(" NaN", script);
        }
        fputc('\n', script);
    }
    fputs("END\n", script);
}

static void write_panel(FILE *script, const struct coord_check *check, size_t layer)
{
    fputs("set title ", script);
    gnuplot_string(script, check->runs[0].names[layer]);
    fputs("\nplot ", script);
    for (uint32_t step = 0; step <= check->steps; step++) {
        unsigned grey = 200 - 180 * step / check->steps; /* light blue to dark blue */
        fprintf(script,
                "%s$layer%zu using 1:%u with linespoints pt 7 ps 0.4 lw 1.5 lc rgb '#%02x%02xc0' "
                "notitle",
                step ? ", " : "", layer, step + 2, grey, grey);
    }
    fputc('\n', script);
}

int coord_plot(const struct coord_check *check, const char *path, struct lr_error *err)
{
    struct gnuplot gnuplot;
    bool drawn;
    int rows = (int)((check->layers + COLUMNS - 1) / COLUMNS);
    int rc = gnuplot_begin(&gnuplot, path, COLUMNS * PANEL_WIDTH, rows * PANEL_HEIGHT + 40, err);
    if (rc)
        return rc;
    FILE *script = gnuplot.script;
    for (size_t l = 0; l < check->layers; l++)
        write_data(script, check, l);
    fprintf(script,
            "set logscale xy 2\nset format y '%%.2g'\nset xlabel 'width'\n"
            "set ylabel 'mean |activation|'\n"
            "set multiplot layout %d,%d title '%s, lr %.3g: start (light) to step %u (dark)'\n",
            rows, COLUMNS, parametrization_name(check->spec.parametrization), check->spec.lr,
            check->steps);
    for (size_t l = 0; l < check->layers; l++)
        write_panel(script, check, l);
    fputs("unset multiplot\n", script);
    rc = gnuplot_end(&gnuplot, &drawn, err);
    if (!rc && !drawn)
        lr_log(LR_LOG_WARNING,
               "%s is not drawn: gnuplot is missing or failed; its script is %s.gp, to be drawn by "
               "gnuplot anywhere",
               path, path);
    return rc;
}
