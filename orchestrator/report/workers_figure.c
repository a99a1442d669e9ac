/* Attempts over time: one row per rank, one bar per attempt; gaps are idle time. */
#include <inttypes.h>
#include <math.h>
#include "lrsearch/trial.h"
#include "report/figures.h"
#include "report/run_history.h"

enum kind { KIND_DONE, KIND_DIVERGED, KIND_RUNNING, KIND_LOST, KINDS };

static const char *legend(void *context, size_t index, char *text, size_t capacity)
{
    static const char *const names[KINDS] = {"done", "diverged", "running", "lost or failed"};
    (void)context;
    snprintf(text, capacity, "%s", names[index]);
    return text;
}

static enum kind kind_of(const struct attempt *attempt)
{
    return attempt->outcome == OUTCOME_DONE       ? KIND_DONE
           : attempt->outcome == OUTCOME_DIVERGED ? KIND_DIVERGED
           : attempt->outcome == HISTORY_RUNNING  ? KIND_RUNNING
                                                  : KIND_LOST;
}

static void rank_ticks(FILE *script, uint32_t ranks)
{
    uint32_t step = ranks / 16 + 1;
    fprintf(script, "set yrange [0.5:%" PRIu32 ".5]\nset ytics (", ranks);
    for (uint32_t rank = 1; rank <= ranks; rank += step)
        fprintf(script, "%s'%" PRIu32 "' %" PRIu32, rank > 1 ? ", " : "", rank, rank);
    fputs(")\n", script);
}

int workers_figure(const char *path, const struct report_input *input, struct figure_marks *marks,
                   bool *drawn, struct lr_error *err)
{
    const struct run_history *history = input->history;
    struct figure figure;
    uint32_t ranks = 0;
    double unit = history->wall_s >= 7200 ? 3600 : history->wall_s >= 180 ? 60 : 1;
    *drawn = true;
    for (size_t i = 0; i < history->attempt_count; i++)
        if (history->attempts[i].rank > ranks && history->attempts[i].end_s > 0)
            ranks = history->attempts[i].rank;
    if (ranks == 0 || !(history->wall_s > 0))
        return 0;
    struct figure_frame frame = {.title = "",
                                 .caption = "",
                                 .x_label = unit == 3600 ? "hours of the campaign"
                                            : unit == 60 ? "minutes of the campaign"
                                                         : "seconds of the campaign",
                                 .y_label = "rank",
                                 .panels = 1,
                                 .legend = legend,
                                 .series = KINDS,
                                 .marks = marks,
                                 .panel_height = (int)fmin(fmax(100, 16.0 * ranks), 900)};
    int rc = figure_begin(&figure, path, &frame, err);
    if (rc)
        return rc;
    figure_panel(&figure, 0, "");
    rank_ticks(figure.script, ranks);
    fprintf(figure.script, "set xrange [0:%.10g]\nplot NaN\n", history->wall_s / unit);
    double thick = fmin(0.7 * frame.panel_height / ranks, 14);
    for (size_t i = 0; i < history->attempt_count; i++) {
        const struct attempt *attempt = &history->attempts[i];
        char color[FIGURE_COLOR];
        double y = (attempt->rank - 0.5) / ranks;
        double ends[2][2] = {
            {attempt->begin_s / history->wall_s, y},
            {fmax(attempt->end_s / history->wall_s, attempt->begin_s / history->wall_s + 0.001),
             y}};
        if (attempt->rank > 0)
            figure_trial_line(&figure, attempt->trial, ends, 2, thick,
                              figure_color(color, kind_of(attempt), KINDS));
    }
    return figure_end(&figure, drawn, err);
}
