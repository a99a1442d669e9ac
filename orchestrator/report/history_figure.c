/* Runs are evenly spaced, whatever the time between them: a failed night leaves no gap, and two
 * runs within a minute do not overlap. */
#include "report/figures.h"
#include "report/gnuplot.h"

enum { WIDTH = 900, HEIGHT = 420, LABELS = 12 };

/* Data block $name: number of the run, LR, ends of its interval. */
static size_t write_runs(FILE *script, const char *name, const struct history_run *runs,
                         size_t count, bool drifted, const struct range *range)
{
    size_t written = 0;
    fprintf(script, "$%s << END\n", name);
    for (size_t i = 0; i < count; i++)
        if (range_takes(runs[i].lr) && runs[i].drifted == drifted) {
            gnuplot_row(script, range, (double)(i + 1), runs[i].lr, runs[i].lr, runs[i].ci90);
            fputc('\n', script);
            written++;
        }
    fputs("END\n", script);
    return written;
}

static void write_labels(FILE *script, const struct history_run *runs, size_t count)
{
    size_t step = (count + LABELS - 1) / LABELS;
    fputs("set xtics (", script);
    for (size_t i = 0; i < count; i += step) {
        char day[11];
        snprintf(day, sizeof(day), "%.10s", runs[i].finished_utc);
        fputs(i ? ", " : "", script);
        gnuplot_string(script, day);
        fprintf(script, " %zu", i + 1);
    }
    fputs(") rotate by -30\n", script);
}

int history_figure(const char *path, const struct history_run *runs, size_t count,
                   struct lr_error *err)
{
    struct gnuplot gnuplot;
    struct range range = range_empty();
    for (size_t i = 0; i < count; i++)
        if (range_takes(runs[i].lr)) {
            range_add(&range, runs[i].lr);
            range_add(&range, runs[i].ci90[0]);
            range_add(&range, runs[i].ci90[1]);
        }
    if (range_is_empty(&range))
        return lr_fail(err, LR_EDATA, "%s: not one of these runs has a learning rate to draw",
                       path);
    range_widen(&range, 1.2);
    int rc = gnuplot_begin(&gnuplot, path, WIDTH, HEIGHT, err);
    if (rc)
        return rc;
    FILE *script = gnuplot.script;
    size_t steady = write_runs(script, "steady", runs, count, false, &range);
    size_t drifted = write_runs(script, "drifted", runs, count, true, &range);
    fprintf(script, "set title 'learning rate at the target, with its 90 %% interval'\n"
                    "set xlabel 'finished'\n");
    gnuplot_log_axis(script, 'y', &range, 12, 'l');
    write_labels(script, runs, count);
    fputs("set key above horizontal\nset border 3 lc rgb '#444444'\nset tics nomirror\n", script);
    fprintf(script, "set xrange [0:%zu]\nplot ", count + 1);
    if (steady)
        fprintf(script,
                "$steady using 1:2:3:4 with yerrorbars pt 7 ps 0.6 lc rgb '#0072B2' title 'run'%s",
                drifted ? ", " : "");
    if (drifted)
        fputs("$drifted using 1:2:3:4 with yerrorbars pt 9 ps 1 lc rgb '#D55E00' "
              "title 'drifted beyond tolerance'",
              script);
    fputc('\n', script);
    return gnuplot_end_or_warn(&gnuplot, path, err);
}
