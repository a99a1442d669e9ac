/* The text of lrsearch status, and the plot of a basin, character by character. */
#include "print_case.h"

#include <math.h>
#include "cells_answer.h"
#include "report/status.h"

static char text[20000];

static const struct basin_point points[] = {
    {1e-3, 3.2, BASIN_LOSS},      {2e-3, 3.05, BASIN_LOSS}, {4e-3, 3.0, BASIN_LOSS},
    {8e-3, 3.05, BASIN_LOSS},     {1.6e-2, 9, BASIN_LOSS},  {3.2e-2, NAN, BASIN_DIVERGED},
    {2.8e-3, NAN, BASIN_RUNNING},
};

static const struct basin_plot usual = {.points = points,
                                        .count = sizeof(points) / sizeof(points[0]),
                                        .lr_opt = 4e-3,
                                        .ci90 = {2e-3, 8e-3},
                                        .curvature = .05,
                                        .loss_min = 3,
                                        .columns = 41,
                                        .rows = 8};

static const char *plotted(const struct basin_plot *plot)
{
    FILE *out = fmemopen(text, sizeof(text), "w");
    bool drawn = basin_plot_print(out, plot);
    fputc('\0', out);
    fclose(out);
    return drawn ? text : NULL;
}

static void a_basin_is_drawn(void **state)
{
    (void)state;
    assert_string_equal(plotted(&usual), "diverged |                              x\n"
                                         "   3.300 |                        ^ ..\n"
                                         "         |                         .\n"
                                         "         |o.                     ..\n"
                                         "   3.120 |  ..                 ..\n"
                                         "         |    ..o.         .o..\n"
                                         "   3.000 |        ....o....\n"
                                         " running |         >\n"
                                         "         +-------------------------------\n"
                                         "          1.0e-3      5.7e-3       3.2e-2\n"
                                         "    90 %        ======|======\n");
}

static void utf8_where_the_locale_has_it(void **state)
{
    (void)state;
    struct basin_plot plot = usual;
    plot.unicode = true;
    assert_string_equal(plotted(&plot), "diverged │                              ×\n"
                                        "   3.300 │                        ↑ ··\n"
                                        "         │                         ·\n"
                                        "         │●·                     ··\n"
                                        "   3.120 │  ··                 ··\n"
                                        "         │    ··●·         ·●··\n"
                                        "   3.000 │        ····●····\n"
                                        " running │         ▸\n"
                                        "         └───────────────────────────────\n"
                                        "          1.0e-3      5.7e-3       3.2e-2\n"
                                        "    90 %        ━━━━━━┃━━━━━━\n");
}

static void what_has_no_loss_has_no_plot(void **state)
{
    (void)state;
    struct basin_plot plot = usual;
    plot.count = 0;
    assert_null(plotted(&plot));
    plot.points = &points[5];
    plot.count = 2;
    assert_null(plotted(&plot));
    const struct basin_point odd[] = {
        {4e-3, NAN, BASIN_LOSS}, {NAN, 3, BASIN_LOSS}, {0, 3, BASIN_LOSS}};
    plot.points = odd;
    plot.count = 3;
    assert_null(plotted(&plot));
}

static void odd_numbers_stay_in_the_field(void **state)
{
    (void)state;
    const struct basin_point odd[] = {
        {4e-3, 3, BASIN_LOSS},      {-1, 3, BASIN_LOSS},        {4e-3, INFINITY, BASIN_LOSS},
        {4e-3, -1e300, BASIN_LOSS}, {1e300, 1e300, BASIN_LOSS}, {1e-300, 1e300, BASIN_DIVERGED}};
    struct basin_plot plot = usual;
    plot.points = odd;
    plot.curvature = 1e300;
    plot.lr_opt = 1e-300;
    plot.ci90[0] = 1e-320;
    plot.ci90[1] = 1e308;
    for (plot.count = 1; plot.count <= 6; plot.count++)
        assert_non_null(plotted(&plot));
    plot.count = 1;
    plot.columns = plot.rows = 0; /* as small as it gets */
    assert_non_null(plotted(&plot));
    plot.lr_opt = -1;
    assert_non_null(plotted(&plot));
}

/* ---- the whole ---- */

static struct status_view view;
static struct status_worker workers[20];

static const char *shown(const struct status_layout *layout)
{
    FILE *out = fmemopen(text, sizeof(text), "w");
    status_print_text(out, &view, layout);
    fputc('\0', out);
    fclose(out);
    assert_fits_in(text, layout->columns ? layout->columns : WRAP_COLUMNS);
    return text;
}

static const struct status_layout layout = {.columns = 80, .plot_rows = 8, .worker_rows = 4};

static void fill_view(void)
{
    memset(&view, 0, sizeof(view));
    memset(workers, 0, sizeof(workers));
    snprintf(view.name, sizeof(view.name), "quickstart");
    view.state = STATUS_RUNNING;
    snprintf(view.owner_host, sizeof(view.owner_host), "node07");
    snprintf(view.owner_since, sizeof(view.owner_since), "2026-01-01T00:00:00Z");
    view.owner_pid = 4711;
    view.sessions = 2;
    view.round = 3;
    view.trials = (struct status_counts){15, 2, 1, 3, 5};
    view.wall_s = 135;
    view.trials_left = 9;
    view.tokens_left = 3100000;
    view.seconds_left = 130;
    view.budgets[view.budget_count++] = (struct status_budget){"budget.tokens", 5.2e6, 7.1e6};
    view.budgets[view.budget_count++] = (struct status_budget){"budget.wall", 135, 600};
    view.horizons[view.horizon_count++] = (struct status_horizon){
        131072, {12, 1, 0, 0, 0}, 6e-3, 2.7838, {3e-3, 1.2e-2}, 6.04e-3, {4.99e-3, 7.67e-3}};
    view.horizons[view.horizon_count++] = (struct status_horizon){
        262144, {3, 1, 1, 3, 5}, 4e-3, 2.6175, {NAN, 8e-3}, NAN, {NAN, NAN}};
    view.answer.target.tokens = 8388608;
    view.answer.target.lr = 2e-3;
    view.answer.target.ci90[0] = 7.8e-4;
    view.answer.target.ci90[1] = 5.4e-3;
    view.answer.confidence.word = CONFIDENCE_WEAK;
    snprintf(view.answer.stopped, sizeof(view.answer.stopped), "nothing is worth its tokens");
    view.plotted = 262144;
    view.points = (struct basin_point *)points;
    view.point_count = sizeof(points) / sizeof(points[0]);
    view.workers = workers;
    view.worker_count = 20;
    for (uint32_t i = 0; i < 20; i++)
        workers[i].rank = i + 1;
    workers[2] = (struct status_worker){.rank = 3,
                                        .host = "node08",
                                        .trial_id = 12,
                                        .leader = 3,
                                        .ranks = 2,
                                        .lr = 4.19e-3,
                                        .tokens = 131072,
                                        .horizon_tokens = 262144,
                                        .for_s = 90};
    workers[5] = (struct status_worker){
        .rank = 6, .host = "node08", .lost = true, .message = "its process is gone"};
    workers[7] = (struct status_worker){.rank = 8,
                                        .host = "node09",
                                        .trial_id = 11, /* it may still train it */
                                        .silent = true,
                                        .message = "no answer for 30 s"};
    workers[8] = (struct status_worker){.rank = 9, .trial_id = 12, .leader = 3, .ranks = 2};
}

static void a_running_campaign(void **state)
{
    (void)state;
    fill_view();
    const char *said = shown(&layout);
    assert_says(said, "quickstart: running, on node07 (pid 4711, since 2026-01-01T00:00:00Z) ");
    assert_says(said, "round 3; 26 trainings: 15 done, 2 diverged, 1 failed, 3 running, 5 waiting; "
                      "2m15s so far in 2 starts");
    assert_says(said, "best loss 2.6175 at LR 4.00e-3, 262k tokens");
    assert_says(said, "answer if it ended now: peak learning rate for 8.39M tokens: 2.0e-3 (90 % "
                      "interval 7.8e-4 .. 5.4e-3); confidence: weak budget");
    assert_says(said, "budget tokens 5.2M of 7.1M (73 %), wall 2m15s of 10m00s (22 %)");
    assert_says(said, "left about 9 trainings, 3.1M tokens, 2m10s at this session's speed");
    assert_says(said, " 131k 12 1 0 0 2.7838 6.00e-3 3.0e-3 .. 1.2e-2 5.0e-3 .. 7.7e-3 ");
    assert_says(said, " 262k 3 1 3 5 2.6175 4.00e-3 ? .. 8.0e-3 - ");
    assert_says(said,
                "lowest: the lowest loss seen; between: the LRs tried next to its own, ? where "
                "none was; fitted: the optimum");
    assert_says(said, "loss against learning rate, 262k tokens ");
    assert_null(strstr(shown(&(struct status_layout){.brief = true}), "where none was"));
    said = shown(&layout);
    assert_says(said,
                "workers 20: 2 training, 16 idle, 1 silent, 1 lost 8 node09 silent: no answer "
                "for 30 s 6 node08 lost: its process is gone 3 node08 training 12, 2 ranks: "
                "LR 4.19e-3, 131k of 262k tokens, about 1m30s 9 - training 12, in the group "
                "of rank 3 and 16 more ");
    workers[2].tokens = workers[2].horizon_tokens + 5; /* whole steps: no 101 % */
    assert_says(shown(&layout), "LR 4.19e-3, 262k of 262k tokens, about 1m30s ");
}

static void the_other_states(void **state)
{
    (void)state;
    fill_view();
    view.state = STATUS_FINISHED;
    view.owner_host[0] = '\0';
    const char *said = shown(&layout);
    assert_says(said, "quickstart: finished, with an answer ");
    assert_says(said, "answer peak learning rate for");
    assert_null(strstr(said, "workers"));
    assert_says(said, "stopped nothing is worth its tokens ");
    assert_null(strstr(said, "left "));
    view.state = STATUS_INTERRUPTED;
    said = shown(&(struct status_layout){.columns = 80});
    assert_says(said, "quickstart: interrupted; the run's command continues it ");
    assert_null(strstr(said, "loss against"));
    snprintf(view.owner_host, sizeof(view.owner_host), "node07");
    assert_says(shown(&layout),
                "quickstart: interrupted; its process on node07 is gone (pid 4711, since "
                "2026-01-01T00:00:00Z); the run's command");
    view.state = STATUS_FINISHED;
    view.answer.status = ANSWER_NOT_IDENTIFIED;
    view.answer.warning_count = 2;
    snprintf(view.run_dir, sizeof(view.run_dir), "logs/quickstart");
    assert_says(shown(&layout),
                "answer a guess, not to be relied on: peak learning rate for 8.39M");
    assert_says(text, "warnings 2; lrsearch fit logs/quickstart prints them ");
    assert_says(text, "finished, no answer; its process on");
    view.answer.status = ANSWER_BUDGET_EXHAUSTED;
    assert_says(shown(&layout), "answer as far as it went: peak learning rate for 8.39M");
    view.answer.target.lr = NAN;
    assert_says(shown(&layout), "answer none yet");
    memset(&view, 0, sizeof(view));
    snprintf(view.run_dir, sizeof(view.run_dir), "logs/new");
    assert_string_equal(shown(&layout), "logs/new: preparing\n");
    assert_string_equal(status_state_name(STATUS_PREPARING), "preparing");
    assert_string_equal(status_state_name((enum status_state)9), "?");
}

/* ---- widths ---- */

static const char *in_columns(size_t columns)
{
    return shown(&(struct status_layout){
        .columns = columns, .plot_rows = 8, .worker_rows = 4, .unicode = true});
}

/* shown() asserts that each line fits. */
static void every_width(void **state)
{
    (void)state;
    fill_view();
    snprintf(workers[2].host, sizeof(workers[2].host), "a-long-name-of-a-host.cluster.example.org");
    cells_answer(&view.answer);
    view.state = STATUS_RUNNING;
    for (size_t columns = 40; columns <= 300; columns++) {
        in_columns(columns);
        assert_says(text, columns < 42 ? "best LR" : "90 % interval");
    }
}

static void a_narrow_terminal(void **state)
{
    (void)state;
    fill_view();
    const char *said = in_columns(40);
    assert_non_null(strstr(said, "\n tokens done   lowest fitted, 90 %\n"
                                 "   131k   12   2.7838 5.0e-3 .. 7.7e-3\n"
                                 "   262k    3   2.6175 -\n"
                                 "  lowest: the lowest loss seen; fitted:\n"
                                 "    the optimum\n"));
    said = in_columns(60);
    assert_non_null(strstr(said, "\n tokens done div.  run   lowest    at LR fitted, 90 %\n"));
}

static void a_wide_terminal(void **state)
{
    (void)state;
    fill_view();
    view.answer.horizons[view.answer.horizon_count++] = (struct horizon_answer){
        .tokens = 131072, .lr_opt = 6.04e-3, .curvature = 0.031, .loss_min = 2.7812};
    assert_says(in_columns(80), "3.0e-3 .. 1.2e-2 nothing trained ");
    view.answer.horizons[0].trials = 13;
    assert_says(in_columns(80), "between fitted, 90 % 131k");
    assert_says(in_columns(120),
                "between fitted, 90 % optimum its loss 2x costs 131k 12 1 0 0 2.7838 "
                "6.00e-3 3.0e-3 .. 1.2e-2 5.0e-3 .. 7.7e-3 6.04e-3 2.7812 0.031 ");
    assert_says(text, "2x costs: what half or twice its LR adds to its loss ");
    assert_non_null(strstr(text, "1.0e-3")); /* more labels along the plot */
    assert_says(text, " 1.0e-3 2.4e-3 5.7e-3 1.3e-2 3.2e-2 ");
    in_columns(200); /* two workers a line */
    assert_non_null(strstr(text, "LR 4.19e-3, 131k of 262k tokens, about 1m30s        9  -"));
    assert_says(text, " and 12 more ");
    for (uint32_t i = 0; i < 20; i++) /* short entries: many a line */
        workers[i] = (struct status_worker){.rank = i + 1};
    in_columns(120);
    assert_null(strstr(text, " more\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_basin_is_drawn),
        cmocka_unit_test(utf8_where_the_locale_has_it),
        cmocka_unit_test(what_has_no_loss_has_no_plot),
        cmocka_unit_test(odd_numbers_stay_in_the_field),
        cmocka_unit_test(a_running_campaign),
        cmocka_unit_test(the_other_states),
        cmocka_unit_test(every_width),
        cmocka_unit_test(a_narrow_terminal),
        cmocka_unit_test(a_wide_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
