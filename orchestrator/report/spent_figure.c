/* The interval of the target's learning rate against the tokens spent. */
#include <math.h>
#include "report/figures.h"

static bool is_known(const struct report_round *round)
{
    return round->tokens > 0 && figure_shows(round->lr) && figure_shows(round->ci90[0]) &&
           figure_shows(round->ci90[1]);
}

int spent_figure(const char *path, const struct report_input *input, struct figure_marks *marks,
                 bool *drawn, struct lr_error *err)
{
    struct figure figure;
    struct range x = range_empty(), y = range_empty(), ends = range_empty();
    uint64_t ticks[REPORT_ROUNDS];
    size_t count = 0;
    *drawn = true;
    for (size_t i = 0; i < input->round_count; i++) {
        const struct report_round *round = &input->rounds[i];
        if (!is_known(round))
            continue;
        ticks[count++] = round->tokens;
        range_add(&x, (double)round->tokens);
        range_add(&y, round->lr);
        range_add(&ends, round->ci90[0]);
        range_add(&ends, round->ci90[1]);
    }
    if (count < 2 || !(x.low < x.high))
        return 0;
    range_add_ends(&y, &ends, 30);
    range_widen(&x, 1.05);
    range_widen(&y, 1.2);
    struct figure_frame frame = {.title = "",
                                 .caption = "",
                                 .x_label = "tokens spent",
                                 .y_label = "learning rate at the target",
                                 .panels = 1,
                                 .marks = marks};
    int rc = figure_begin(&figure, path, &frame, err);
    if (rc)
        return rc;
    figure_panel(&figure, 0, "");
    figure_count_ticks(&figure, 'x', &x, ticks, count, false);
    figure_lr_ticks(&figure, 'y', &y);
    fputs("$answers << END\n", figure.script);
    for (size_t i = 0; i < input->round_count; i++)
        if (is_known(&input->rounds[i]))
            figure_row(figure.script, &y, (double)input->rounds[i].tokens, input->rounds[i].lr,
                       input->rounds[i].ci90);
    fputs("END\nplot $answers using 1:3:4 with filledcurves fs transparent solid 0.2 noborder lc "
          "rgb '#0072B2', \\\n $answers with yerrorbars pt 7 ps 0.6 lw 1.2 lc rgb '#0072B2', \\\n "
          "$answers using 1:2 with lines lw 1.6 lc rgb '#0072B2'\n",
          figure.script);
    return figure_end(&figure, drawn, err);
}
