/* The figures of the page, each with its sentence and the numbers behind it. gnuplot draws into a
 * file that is read and removed again; what it writes for nobody (a title "Gnuplot", a background,
 * hundreds of empty groups) is left out, and the trials are put over it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>
#include "lrsearch/memory.h"
#include "report/cell_names.h"
#include "report/figures.h"
#include "report/report_parts.h"
#include "report/summary.h"

struct figures {
    struct html *page;
    const struct report_input *input;
    const struct run_history *history;
    struct answer *answer; /* with cells */
    char *path;            /* where gnuplot draws */
    bool missing;
};

/* ---- SVG by gnuplot into the page ---- */

static bool is_line(const char *line, const char *begin)
{
    return strncmp(line, begin, strlen(begin)) == 0;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

static void put_svg(struct html *page, const char *svg, const struct figure_marks *marks,
                    const char *title)
{
    const char *box = strstr(svg, "viewBox=\""), *line = box ? strstr(box, "<g id=") : NULL;
    const char *end = line;
    for (const char *at = line; at && (at = strstr(at, "</svg>")); at++)
        end = at;
    if (!line || end == line)
        return;
    int width = 600;
    sscanf(box, "viewBox=\"0 0 %d", &width);
    html_format(page, "<svg viewBox=\"%.*s\" style=\"width:%dpx\" role=\"img\" aria-label=\"",
                (int)strcspn(box + 9, "\""), box + 9, width * 3 / 2);
    html_text(page, title);
    html_raw(page, "\">\n");
    while (line < end) {
        const char *next = next_line(line);
        if (is_line(line, "<g fill=\"none\"") && is_line(next, "</g>"))
            next = next_line(next);
        else if (!is_line(line, "<rect x=\"0\" y=\"0\"") && *line != '\n')
            html_bytes(page, line, (size_t)(next - line));
        line = next;
    }
    html_raw(page, "<g class=\"marks\">");
    if (marks->svg.used > 0)
        html_bytes(page, marks->svg.bytes, marks->svg.used);
    html_raw(page, "</g></svg>");
    page->failed = page->failed || marks->svg.failed;
}

/* rc, drawn: of the figure at figures->path. Leaves the page within a figure that the caller ends
 * with end_figure(); false: there is nothing to show. */
static int begin_figure(struct figures *figures, const char *id, const char *title,
                        const char *caption, bool drawn, struct figure_marks *marks, bool *shown,
                        struct lr_error *err)
{
    struct html *page = figures->page;
    char *svg = NULL;
    int rc = run_dir_read(figures->input->run_dir, "figures/.report.svg", &svg, err);
    *shown = !rc && (svg || !drawn);
    if (*shown) {
        html_format(page, "<figure id=\"%s\"><h2>", id);
        html_text(page, title);
        html_raw(page, "</h2><figcaption>");
        html_text(page, caption);
        html_raw(page, "</figcaption>");
        if (svg) {
            html_raw(page, "<div class=\"wide plot\" tabindex=\"0\" role=\"group\" aria-label=\"");
            html_text(page, title);
            html_raw(page, marks->count > 0 ? ": arrow keys go from trial to trial, Enter shows "
                                              "its row\">"
                                            : "\">");
            put_svg(page, svg, marks, title);
            html_raw(page, "</div>");
        } else {
            html_raw(page, "<p class=\"missing\">Not drawn: no gnuplot here.</p>");
        }
    }
    figures->missing = figures->missing || !drawn;
    unlink(figures->path);
    if (!drawn) { /* the script beside it */
        size_t length = strlen(figures->path);
        memcpy(figures->path + length, ".gp", sizeof(".gp"));
        unlink(figures->path);
        figures->path[length] = '\0';
    }
    lr_free(svg);
    html_release(&marks->svg);
    memset(marks, 0, sizeof(*marks));
    return rc;
}

/* Without the figure they are all there is. */
static void begin_numbers(const struct figures *figures)
{
    html_format(figures->page, "<details%s><summary>The numbers</summary>",
                figures->missing ? " open" : "");
}

static void end_figure(struct html *page)
{
    html_raw(page, "</details></figure>\n");
}

/* ---- the numbers behind them ---- */

static const char *fixed(char *text, size_t capacity, int decimals, double value)
{
    if (isfinite(value))
        snprintf(text, capacity, "%.*f", decimals, value);
    else
        snprintf(text, capacity, "-");
    return text;
}

static const char *percent(char *text, size_t capacity, double share)
{
    if (isfinite(share))
        snprintf(text, capacity, "%.0f %%", 100 * share);
    else
        snprintf(text, capacity, "-");
    return text;
}

static void put_basins(struct html *page, const struct answer *answer)
{
    static const char *const titles[] = {"tokens",        "model",       "best LR",
                                         "90 % interval", "loss",        "trainings",
                                         "diverged",      "2x off adds", ""};
    char text[CELL_NAME];
    html_table(page, "Best learning rate of each horizon", titles, 9);
    for (size_t i = 0; i < answer->basin_count; i++) {
        const struct horizon_answer *h = &answer->basins[i].horizon;
        html_row(page, format_count(text, sizeof(text), (double)h->tokens));
        html_cell(page, cell_name(text, sizeof(text), answer, answer->basins[i].cell, 0));
        html_cell(page, format_lr(text, sizeof(text), 3, h->lr_opt));
        html_cell(page, format_lr_interval(text, sizeof(text), 3, h->ci90));
        html_cell(page, fixed(text, sizeof(text), 4, h->loss_min));
        html_format(page, "<td>%" PRIu32 "<td>%" PRIu32, h->trials, h->diverged);
        html_cell(page, format_ratio(text, sizeof(text), h->curvature));
        html_cell(page, h->at_edge ? "edge" : h->flat ? "flat" : "");
    }
    html_table_end(page);
}

static void put_cells(struct html *page, const struct answer *answer)
{
    static const char *const titles[] = {"model",
                                         "best LR at the target",
                                         "90 % interval",
                                         "LR falls as tokens^-",
                                         "best embedding ratio",
                                         "90 % interval",
                                         "trainings"};
    char text[CELL_NAME];
    html_table(page, "What is expected at the target's tokens", titles, 7);
    for (size_t c = 0; c < answer->cell_count; c++) {
        const struct cell_answer *cell = &answer->cells[c];
        cell_name(text, sizeof(text), answer, c, 0);
        html_row(page, text[0] ? text : "as the plan says");
        html_cell(page, format_lr(text, sizeof(text), 2, cell->lr));
        html_cell(page, format_lr_interval(text, sizeof(text), 2, cell->ci90));
        html_cell(page, fixed(text, sizeof(text), 2, cell->beta));
        html_cell(page, format_ratio(text, sizeof(text), cell->ratio[RATIO_EMBEDDING]));
        const double *ends = cell->ratio_ci90[RATIO_EMBEDDING];
        char low[32], high[32], both[80] = "-";
        if (isfinite(cell->ratio[RATIO_EMBEDDING]) && interval_known(ends))
            snprintf(both, sizeof(both), "%s .. %s", format_ratio(low, sizeof(low), ends[0]),
                     format_ratio(high, sizeof(high), ends[1]));
        html_cell(page, both);
        html_format(page, "<td>%" PRIu32, cell->trials);
    }
    html_table_end(page);
}

static void put_exponents(struct html *page, const struct answer *answer)
{
    static const char *const titles[] = {
        "of", "goes as", "exponent", "90 % interval", "before the data", "by the prior"};
    char text[96];
    if (answer->exponent_count == 0)
        return;
    html_table(page, "How the optimum moves along the axes of the plan", titles, 6);
    for (size_t i = 0; i < answer->exponent_count; i++) {
        const struct exponent_answer *e = &answer->exponents[i];
        html_row(page, e->of);
        snprintf(
            text, sizeof(text), "%s%s%s", e->axis, e->parametrization == ANSWER_EVERY ? "" : ", ",
            e->parametrization == ANSWER_EVERY ? "" : parametrization_name(e->parametrization));
        if (e->vocab > 0)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), ", vocabulary %" PRIu32,
                     e->vocab);
        html_cell(page, text);
        html_cell(page, fixed(text, sizeof(text), 2, e->value));
        snprintf(text, sizeof(text), "%.2f .. %.2f", e->ci90[0], e->ci90[1]);
        html_cell(page, interval_known(e->ci90) ? text : "-");
        html_cell(page, fixed(text, sizeof(text), 2, e->expected));
        html_cell(page, percent(text, sizeof(text), e->prior_weight));
    }
    html_table_end(page);
}

static void put_rounds(struct html *page, const struct report_input *input)
{
    static const char *const titles[] = {"before round",     "trainings",     "tokens spent",
                                         "LR at the target", "90 % interval", "octaves wide"};
    char text[96];
    html_table(page, "What was known before each round", titles, 6);
    for (size_t i = 0; i < input->round_count; i++) {
        const struct report_round *round = &input->rounds[i];
        snprintf(text, sizeof(text), "%" PRIu32, round->round);
        html_row(page, round->round > 0 ? text : "the end");
        html_format(page, "<td>%" PRIu64, round->trials);
        html_cell(page, format_count(text, sizeof(text), (double)round->tokens));
        html_cell(page, format_lr(text, sizeof(text), 2, round->lr));
        html_cell(page, format_lr_interval(text, sizeof(text), 2, round->ci90));
        html_cell(page, fixed(text, sizeof(text), 2, log2(round->ci90[1] / round->ci90[0])));
    }
    html_table_end(page);
}

static void put_curves(struct html *page, const struct report_input *input,
                       const struct run_history *history)
{
    static const char *const titles[] = {"trial", "LR",      "points", "first at",
                                         "loss",  "last at", "loss"};
    size_t curves = 0, seen = 0;
    char text[64];
    for (size_t i = 0; i < input->count; i++)
        curves += history->curves[i] && history->curves[i]->count > 1;
    html_table(page, "Where the curves that are drawn begin and end; curves/ has all points",
               titles, 7);
    for (size_t i = 0; i < input->count; i++) {
        const struct history_curve *curve = history->curves[i];
        if (!curve || curve->count < 2 || seen++ % (curves / REPORT_CURVES + 1) != 0)
            continue;
        uint32_t last = curve->count - 1;
        snprintf(text, sizeof(text), "%" PRIu32, input->trials[i]->id);
        html_row(page, text);
        html_cell(page, format_lr(text, sizeof(text), 3, input->trials[i]->spec.lr));
        html_format(page, "<td>%" PRIu32, curve->count);
        html_cell(page, format_count(text, sizeof(text), (double)curve->tokens[0]));
        html_cell(page, fixed(text, sizeof(text), 4, curve->loss[0]));
        html_cell(page, format_count(text, sizeof(text), (double)curve->tokens[last]));
        html_cell(page, fixed(text, sizeof(text), 4, curve->loss[last]));
    }
    html_table_end(page);
}

/* ---- workers ---- */

struct worker {
    const char *host;
    double busy_s;
    uint32_t attempts, lost;
};

static double put_workers(struct html *page, const struct run_history *history)
{
    static const char *const titles[] = {"rank",           "host", "attempts",
                                         "lost or failed", "busy", "of the time"};
    char text[64];
    uint32_t ranks = 0;
    double busy_s = 0;
    for (size_t i = 0; i < history->attempt_count; i++)
        ranks = history->attempts[i].rank > ranks ? history->attempts[i].rank : ranks;
    struct worker *workers = lr_calloc(ranks + 1, sizeof(*workers));
    for (size_t i = 0; workers && i < history->attempt_count; i++) {
        const struct attempt *attempt = &history->attempts[i];
        struct worker *worker = &workers[attempt->rank];
        worker->host = attempt->host;
        worker->busy_s += attempt->end_s - attempt->begin_s;
        worker->attempts++;
        worker->lost += attempt->outcome == OUTCOME_LOST || attempt->outcome == OUTCOME_FAILED;
    }
    if (page)
        html_table(page, "What each rank did", titles, 6);
    for (uint32_t rank = 1; workers && rank <= ranks; rank++) {
        const struct worker *worker = &workers[rank];
        busy_s += worker->busy_s;
        if (!page)
            continue;
        snprintf(text, sizeof(text), "%" PRIu32, rank);
        html_row(page, text);
        html_cell(page, worker->host ? worker->host : "");
        html_format(page, "<td>%" PRIu32 "<td>%" PRIu32, worker->attempts, worker->lost);
        html_cell(page, format_seconds(text, sizeof(text), worker->busy_s));
        html_cell(page, percent(text, sizeof(text), worker->busy_s / history->wall_s));
    }
    if (page)
        html_table_end(page);
    lr_free(workers);
    return ranks > 0 ? busy_s / (ranks * history->wall_s) : NAN;
}

/* ---- all of them ---- */

static int put_answer_figures(struct figures *f, struct lr_error *err)
{
    const struct report_input *input = f->input;
    struct figure_marks marks = {0};
    bool drawn, shown = false;
    int rc = basins_figure(f->path, f->answer, input->trials, input->count, &marks, &drawn, err);
    if (!rc)
        rc = begin_figure(
            f, "basins", "Loss against learning rate",
            "Each point is a training: filled ones made the fit, hollow ones had other "
            "ratios, triangles diverged or lie above the frame; small numbers are the "
            "rounds, the diamond is the best learning rate with its 90 % interval.",
            drawn, &marks, &shown, err);
    if (!rc && shown) {
        html_raw(f->page, "<p class=\"tools rounds\" hidden><label>Rounds shown: <input "
                          "type=\"range\" min=\"1\"> <output></output></label></p>");
        begin_numbers(f);
        put_basins(f->page, f->answer);
        end_figure(f->page);
    }
    if (!rc)
        rc = horizon_figure(f->path, f->answer, &marks, &drawn, err);
    if (!rc)
        rc = begin_figure(f, "horizon", "Best learning rate against training length",
                          "The best learning rate of each horizon with its 90 % interval, the law "
                          "through them with its band, and the answer at the target as a diamond.",
                          drawn, &marks, &shown, err);
    if (!rc && shown) {
        begin_numbers(f);
        put_cells(f->page, f->answer);
        if (f->answer->cell_count < 2)
            put_exponents(f->page, f->answer);
        end_figure(f->page);
    }
    if (!rc)
        rc = axes_figure(f->path, f->answer, &marks, &drawn, err);
    if (!rc)
        rc = begin_figure(
            f, "axes", "Best learning rate against the plan's axes",
            "What is expected at the target's tokens, with 90 % intervals; a line joins "
            "models that differ along that axis alone.",
            drawn, &marks, &shown, err);
    if (!rc && shown) {
        begin_numbers(f);
        put_cells(f->page, f->answer);
        put_exponents(f->page, f->answer);
        end_figure(f->page);
    }
    if (!rc)
        rc = ratio_figure(f->path, f->answer, &marks, &drawn, err);
    if (!rc)
        rc = begin_figure(f, "ratio", "Best embedding ratio against width",
                          "How many times the learning rate of the hidden matrices the embedding's "
                          "best is; grey: slopes 1 (muP) and 1/2 (large vocabulary).",
                          drawn, &marks, &shown, err);
    if (!rc && shown) {
        begin_numbers(f);
        put_cells(f->page, f->answer);
        end_figure(f->page);
    }
    return rc;
}

static int put_run_figures(struct figures *f, struct lr_error *err)
{
    const struct report_input *input = f->input;
    struct figure_marks marks = {0};
    bool drawn, shown = false;
    char caption[256], a[32];
    int rc = spent_figure(f->path, input, &marks, &drawn, err);
    if (!rc)
        rc = begin_figure(f, "spent", "What the budget bought",
                          "The learning rate at the target and its 90 % interval, as known before "
                          "each round, against the tokens spent.",
                          drawn, &marks, &shown, err);
    if (!rc && shown) {
        begin_numbers(f);
        put_rounds(f->page, input);
        end_figure(f->page);
    }
    if (!rc)
        rc = curves_figure(f->path, input, f->history, &marks, &drawn, err);
    snprintf(caption, sizeof(caption),
             "Training loss of the trials against the tokens that they were trained on, thinned%s.",
             input->count > REPORT_CURVES ? "; of many an even choice" : "");
    if (!rc)
        rc = begin_figure(f, "curves", "Loss curves", caption, drawn, &marks, &shown, err);
    if (!rc && shown) {
        begin_numbers(f);
        put_curves(f->page, input, f->history);
        end_figure(f->page);
    }
    if (!rc)
        rc = workers_figure(f->path, f->history, &marks, &drawn, err);
    double share = put_workers(NULL, f->history);
    snprintf(caption, sizeof(caption),
             "Each bar is a training on the rank that did it; what is empty was idle. The ranks "
             "trained %.0f %% of %s.",
             100 * share, format_seconds(a, sizeof(a), f->history->wall_s));
    if (!rc)
        rc = begin_figure(f, "workers", "Workers", caption, drawn, &marks, &shown, err);
    if (!rc && shown) {
        begin_numbers(f);
        put_workers(f->page, f->history);
        end_figure(f->page);
    }
    return rc;
}

int report_figures(struct html *page, const struct report_input *input,
                   const struct run_history *history, bool *missing, struct lr_error *err)
{
    size_t size = strlen(input->run_dir) + sizeof("/figures/.report.svg") + sizeof(".gp");
    struct figures figures = {.page = page, .input = input, .history = history};
    figures.path = lr_malloc(size);
    figures.answer = figures_answer(input->answer);
    int rc = figures.path && figures.answer ? 0 : lr_nomem(err);
    if (!rc) {
        snprintf(figures.path, size, "%s/figures", input->run_dir);
        rc = run_dir_make_inner(figures.path, err);
    }
    if (!rc) {
        snprintf(figures.path, size, "%s/figures/.report.svg", input->run_dir);
        rc = put_answer_figures(&figures, err);
    }
    if (!rc)
        rc = put_run_figures(&figures, err);
    *missing = figures.missing;
    if (figures.path) {
        snprintf(figures.path, size, "%s/figures", input->run_dir);
        rmdir(figures.path); /* when there was nothing to draw */
    }
    lr_free(figures.answer);
    lr_free(figures.path);
    return rc;
}
