/* Draws the figures of a campaign as separate files and on the page, there with a caption and the
 * numbers. For the page, gnuplot draws into a file that is read and removed again; its useless
 * parts (a title "Gnuplot", a background, hundreds of empty groups) are left out, and the trials
 * are added on top. */
#include "report/figures.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "report/cell_names.h"
#include "report/run_history.h"
#include "report/summary.h"

/* A copy of the answer; one without axes gets a single cell. Release with lr_free(); NULL: out of
 * memory. */
static struct answer *answer_with_cells(const struct answer *answer)
{
    struct answer *copy = lr_malloc(sizeof(*copy));
    if (!copy)
        return NULL;
    *copy = *answer;
    if (copy->cell_count > 0)
        return copy;
    copy->cells[0] = (struct cell_answer){
        .lr = answer->target.lr,
        .ci90 = {answer->target.ci90[0], answer->target.ci90[1]},
        .beta = answer->law.beta,
        .beta_ci90 = {answer->law.beta_ci90[0], answer->law.beta_ci90[1]},
        .ratio = {NAN, NAN},
        .loss = NAN,
    };
    copy->cell_count = 1;
    copy->nearest = 0;
    copy->basin_count = answer->horizon_count;
    for (size_t i = 0; i < answer->horizon_count; i++)
        copy->basins[i] = (struct basin_answer){.horizon = answer->horizons[i]};
    return copy;
}

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

/* ---- tables of the numbers ---- */

static const char *format_percent(char *text, size_t capacity, double share)
{
    if (isfinite(share))
        snprintf(text, capacity, "%.0f %%", 100 * share);
    else
        snprintf(text, capacity, "-");
    return text;
}

static void put_basins(struct html *page, const struct report_input *input)
{
    const struct answer *answer = input->answer;
    static const char *const titles[] = {"tokens",
                                         "model",
                                         "lowest loss seen",
                                         "at LR",
                                         "fitted optimum",
                                         "90 % interval",
                                         "loss there",
                                         "trainings",
                                         "diverged",
                                         "half or twice the LR adds",
                                         ""};
    char text[CELL_NAME];
    html_table(page, "What was measured at each length of training, and the optimum fitted to it",
               titles, 11);
    for (size_t i = 0; i < answer->basin_count; i++) {
        const struct horizon_answer *h = &answer->basins[i].horizon;
        html_row(page, format_count(text, sizeof(text), (double)h->tokens));
        html_cell(page, cell_name(text, sizeof(text), answer, answer->basins[i].cell, 0));
        const char *none = no_optimum(h);
        bool seen = h->lowest_lr > 0;
        html_cell(page, format_fixed(text, sizeof(text), 4, seen ? h->lowest_loss : NAN));
        html_cell(page, format_lr(text, sizeof(text), 3, seen ? h->lowest_lr : NAN));
        html_cell(page, none ? none : format_lr(text, sizeof(text), 3, h->lr_opt));
        format_lr_interval(text, sizeof(text), 3, h->ci90);
        html_cell(page, none ? "-" : text);
        html_cell(page, format_fixed(text, sizeof(text), 4, none ? NAN : h->loss_min));
        html_format(page, "<td>%" PRIu32 "<td>%" PRIu32, h->trials, h->diverged);
        html_cell(page, format_ratio(text, sizeof(text), none ? NAN : h->curvature));
        html_cell(page, !none && h->interpolated ? "interpolated" : "");
    }
    html_table_end(page);
}

static void put_cells(struct html *page, const struct report_input *input)
{
    const struct answer *answer = input->answer;
    static const char *const titles[] = {"model",
                                         "best LR at the target",
                                         "90 % interval",
                                         "best LR ~ tokens^",
                                         "best embedding ratio",
                                         "90 % interval",
                                         "trainings",
                                         "best weight decay",
                                         "90 % interval"};
    char text[CELL_NAME];
    bool decay = answer->ratios[RATIO_DECAY].searched;
    html_table(page, "What is expected at the target's tokens", titles, decay ? 9 : 7);
    for (size_t c = 0; c < answer->cell_count; c++) {
        const struct cell_answer *cell = &answer->cells[c];
        cell_name(text, sizeof(text), answer, c, 0);
        html_row(page, text[0] ? text : "as the plan says");
        html_cell(page, format_lr(text, sizeof(text), 2, cell->lr));
        html_cell(page, format_lr_interval(text, sizeof(text), 2, cell->ci90));
        html_cell(page, format_fixed(text, sizeof(text), 2, -cell->beta));
        html_cell(page, format_ratio(text, sizeof(text), cell->ratio[RATIO_EMBEDDING]));
        format_ratio_interval(text, sizeof(text), cell->ratio_ci90[RATIO_EMBEDDING]);
        html_cell(page, isfinite(cell->ratio[RATIO_EMBEDDING]) ? text : "-");
        html_format(page, "<td>%" PRIu32, cell->trials);
        if (!decay)
            continue;
        html_cell(page, format_ratio(text, sizeof(text), cell->ratio[RATIO_DECAY]));
        html_cell(page, format_ratio_interval(text, sizeof(text), cell->ratio_ci90[RATIO_DECAY]));
    }
    html_table_end(page);
}

static void put_exponents(struct html *page, const struct report_input *input)
{
    const struct answer *answer = input->answer;
    static const char *const titles[] = {"best",          "goes as", "exponent",
                                         "90 % interval", "assumed", "share of the assumption"};
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
        if (cells_vary(answer, CELL_EXPONENT) && e->parametrization != ANSWER_EVERY)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), ", embedding exponent %.3g",
                     e->embedding_lr_exponent);
        if (e->vocab > 0)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), ", vocabulary %" PRIu32,
                     e->vocab);
        html_cell(page, text);
        html_cell(page, format_fixed(text, sizeof(text), 2, e->value));
        snprintf(text, sizeof(text), "%.2f .. %.2f", e->ci90[0], e->ci90[1]);
        html_cell(page, interval_known(e->ci90) ? text : "-");
        html_cell(page, format_fixed(text, sizeof(text), 2, e->expected));
        html_cell(page, format_percent(text, sizeof(text), e->prior_weight));
    }
    html_table_end(page);
}

/* What the search trained in the rounds from..to. */
struct tried {
    uint32_t last; /* round with a trial; 0: none */
    struct range tokens, lr;
};

static struct tried tried_in(const struct report_input *input, uint32_t from, uint32_t to)
{
    struct tried tried = {0, range_empty(), range_empty()};
    for (size_t i = 0; i < input->count; i++) {
        const struct trial *trial = input->trials[i];
        if (trial->purpose != PURPOSE_SEARCH || trial->round < from || trial->round > to)
            continue;
        tried.last = trial->round > tried.last ? trial->round : tried.last;
        range_add(&tried.tokens, (double)trial->spec.horizon_tokens);
        range_add(&tried.lr, trial->spec.lr);
    }
    return tried;
}

/* "131k", "131k .. 524k" */
static void put_range(struct html *page, const struct range *range,
                      const char *(*format)(char *text, size_t capacity, double value))
{
    char low[32], high[32];
    format(low, sizeof(low), range->low);
    format(high, sizeof(high), range->high);
    html_raw(page, "<td>");
    html_text(page, low);
    if (strcmp(low, high) != 0) {
        html_raw(page, " .. ");
        html_text(page, high);
    }
}

static const char *format_lr_short(char *text, size_t capacity, double lr)
{
    return format_lr(text, capacity, 2, lr);
}

/* Each round, or each few of many, and the answer after it. */
static void put_rounds(struct html *page, const struct report_input *input)
{
    static const char *const titles[] = {"round",        "horizons",         "LRs tried",
                                         "tokens spent", "LR at the target", "90 % interval",
                                         "octaves wide"};
    char text[96];
    uint32_t from = 1;
    html_table(page, "How the search narrowed: what each round trained, and the answer after it",
               titles, 7);
    for (size_t i = 0; i < input->round_count; i++) {
        const struct report_round *round = &input->rounds[i];
        uint32_t next = round->round > 0 ? round->round : UINT32_MAX;
        struct tried tried = tried_in(input, from, next - 1);
        if (tried.last == 0)
            continue;
        snprintf(text, sizeof(text), "%" PRIu32 " .. %" PRIu32, from, tried.last);
        html_row(page, tried.last > from ? text : strstr(text, " .. ") + 4);
        put_range(page, &tried.tokens, format_count);
        put_range(page, &tried.lr, format_lr_short);
        html_cell(page, format_count(text, sizeof(text), (double)round->tokens));
        html_cell(page, format_lr(text, sizeof(text), 2, round->lr));
        html_cell(page, format_lr_interval(text, sizeof(text), 2, round->ci90));
        html_cell(page, format_fixed(text, sizeof(text), 2, log2(round->ci90[1] / round->ci90[0])));
        from = next;
    }
    html_table_end(page);
}

static void put_curves(struct html *page, const struct report_input *input)
{
    const struct run_history *history = input->history;
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
        html_cell(page, format_fixed(text, sizeof(text), 4, curve->loss[0]));
        html_cell(page, format_count(text, sizeof(text), (double)curve->tokens[last]));
        html_cell(page, format_fixed(text, sizeof(text), 4, curve->loss[last]));
    }
    html_table_end(page);
}

/* ---- workers ---- */

struct worker {
    const char *host;
    double busy_s;
    uint32_t attempts, lost;
};

static uint32_t highest_rank(const struct run_history *history)
{
    uint32_t ranks = 0;
    for (size_t i = 0; i < history->attempt_count; i++)
        ranks = history->attempts[i].rank > ranks ? history->attempts[i].rank : ranks;
    return ranks;
}

static void put_steps(struct html *page, const struct run_history *history)
{
    static const char *const titles[] = {"ranks", "measured",
                                         "time of a step over the cost model's"};
    char text[64];
    if (history->step_count == 0)
        return;
    html_table(page, "Steps of groups", titles, 3);
    for (size_t i = 0; i < history->step_count; i++) {
        const struct event_steps *steps = &history->steps[i];
        snprintf(text, sizeof(text), "%" PRIu32, steps->ranks);
        html_row(page, text);
        html_format(page, "<td>%" PRIu32, steps->samples);
        html_cell(page, format_fixed(text, sizeof(text), 2, steps->ratio));
    }
    html_table_end(page);
}

static void put_workers(struct html *page, const struct report_input *input)
{
    static const char *const titles[] = {"rank",           "host", "attempts",
                                         "lost or failed", "busy", "of the time"};
    const struct run_history *history = input->history;
    uint32_t ranks = highest_rank(history);
    char text[64];
    struct worker *workers = lr_calloc(ranks + 1, sizeof(*workers));
    for (size_t i = 0; workers && i < history->attempt_count; i++) {
        const struct attempt *attempt = &history->attempts[i];
        struct worker *worker = &workers[attempt->rank];
        worker->host = attempt->host[0] ? attempt->host : worker->host;
        worker->busy_s += attempt->end_s - attempt->begin_s;
        worker->attempts++;
        worker->lost += attempt->outcome == OUTCOME_LOST || attempt->outcome == OUTCOME_FAILED;
    }
    html_table(page, "What each rank did", titles, 6);
    for (uint32_t rank = 1; workers && rank <= ranks; rank++) {
        const struct worker *worker = &workers[rank];
        snprintf(text, sizeof(text), "%" PRIu32, rank);
        html_row(page, text);
        html_cell(page, worker->host ? worker->host : "");
        html_format(page, "<td>%" PRIu32 "<td>%" PRIu32, worker->attempts, worker->lost);
        html_cell(page, format_seconds(text, sizeof(text), worker->busy_s));
        html_cell(page, format_percent(text, sizeof(text), worker->busy_s / history->wall_s));
    }
    html_table_end(page);
    lr_free(workers);
    put_steps(page, history);
}

/* ---- all figures ---- */

static const char *curves_caption(char text[256], const struct report_input *input)
{
    snprintf(text, 256,
             "Training loss of the trials against the tokens that they were trained on, thinned%s.",
             input->count > REPORT_CURVES ? "; of many an even choice" : "");
    return text;
}

static const char *workers_caption(char text[256], const struct report_input *input)
{
    const struct run_history *history = input->history;
    double busy_s = 0;
    char wall[32], ranks[48] = "one rank each";
    if (history->widest > 1)
        snprintf(ranks, sizeof(ranks), "up to %" PRIu32 " ranks together", history->widest);
    for (size_t i = 0; i < history->attempt_count; i++)
        if (history->attempts[i].rank > 0) /* 0: not trained, the result was reused */
            busy_s += history->attempts[i].end_s - history->attempts[i].begin_s;
    snprintf(text, 256,
             "Each bar is a training on a rank that did it, %s; what is empty was idle. The ranks "
             "trained %.0f %% of %s.",
             ranks, 100 * busy_s / (highest_rank(history) * history->wall_s),
             format_seconds(wall, sizeof(wall), history->wall_s));
    return text;
}

static void put_horizon_numbers(struct html *page, const struct report_input *input)
{
    put_cells(page, input);
    if (input->answer->cell_count < 2) /* otherwise put_axes_numbers() has them */
        put_exponents(page, input);
}

static void put_axes_numbers(struct html *page, const struct report_input *input)
{
    put_cells(page, input);
    put_exponents(page, input);
}

#define ROUNDS_TOOL                                                                                \
    "<p class=\"tools rounds\" hidden><label>Rounds shown: <input type=\"range\" min=\"1\"> "      \
    "<output></output></label></p>"

static const struct figure_kind {
    const char *id, *title;
    const char *caption; /* NULL: from describe */
    const char *(*describe)(char text[256], const struct report_input *input);
    figure_function *draw;
    void (*put_numbers)(struct html *page, const struct report_input *input);
    const char *tool; /* above the numbers */
    bool open;        /* the numbers are shown at once */
    const char *file; /* in RUN_DIR/figures; NULL: on the page only */
} kinds[] = {
    {.id = "basins",
     .title = "Loss against learning rate",
     .caption = "Each point is a training: filled ones made the fit, hollow ones had other ratios, "
                "triangles diverged or lie above the frame; small numbers are the rounds, the "
                "diamond is the best learning rate with its 90 % interval.",
     .draw = basins_figure,
     .put_numbers = put_basins,
     .tool = ROUNDS_TOOL,
     .file = "basins.svg"},
    {.id = "horizon",
     .title = "Best learning rate against training length",
     .caption =
         "The fitted optimum of each horizon with its 90 % interval, the extrapolation through "
         "them with its band, and the answer at the target as a diamond.",
     .draw = horizon_figure,
     .put_numbers = put_horizon_numbers,
     .file = "horizon.svg"},
    {.id = "axes",
     .title = "Best learning rate against the plan's axes",
     .caption = "What is expected at the target's tokens, with 90 % intervals; a line joins models "
                "that differ along that axis alone.",
     .draw = axes_figure,
     .put_numbers = put_axes_numbers},
    {.id = "ratio",
     .title = "Best embedding ratio against width",
     .caption = "How many times the learning rate of the hidden matrices the embedding's best is; "
                "grey: slopes 1 (muP) and 1/2 (large vocabulary).",
     .draw = ratio_figure,
     .put_numbers = put_cells,
     .file = "ratio.svg"},
    {.id = "spent",
     .title = "What the budget bought",
     .caption = "The learning rate at the target and its 90 % interval, as known before each "
                "round, against the tokens spent.",
     .draw = spent_figure,
     .put_numbers = put_rounds,
     .open = true},
    {.id = "curves",
     .title = "Loss curves",
     .describe = curves_caption,
     .draw = curves_figure,
     .put_numbers = put_curves},
    {.id = "workers",
     .title = "Workers",
     .describe = workers_caption,
     .draw = workers_figure,
     .put_numbers = put_workers},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void put_figure(struct html *page, const struct figure_kind *kind,
                       const struct report_input *input, const char *svg,
                       const struct figure_marks *marks, bool any_missing)
{
    char caption[256];
    html_format(page, "<figure id=\"%s\"><h2>", kind->id);
    html_text(page, kind->title);
    html_raw(page, "</h2><figcaption>");
    html_text(page, kind->describe ? kind->describe(caption, input) : kind->caption);
    html_raw(page, "</figcaption>");
    if (svg) {
        html_raw(page, "<div class=\"wide plot\" tabindex=\"0\" role=\"group\" aria-label=\"");
        html_text(page, kind->title);
        html_raw(page, marks->count > 0
                           ? ": arrow keys go from trial to trial, Enter shows its row\">"
                           : "\">");
        put_svg(page, svg, marks, kind->title);
        html_raw(page, "</div>");
    } else {
        html_raw(page, "<p class=\"missing\">Not drawn: no gnuplot here.</p>");
    }
    if (kind->tool)
        html_raw(page, kind->tool);
    /* numbers replace a missing figure */
    html_format(page, "<details%s><summary>The numbers</summary>",
                any_missing || kind->open ? " open" : "");
    kind->put_numbers(page, input);
    html_raw(page, "</details></figure>\n");
}

/* FOLDER/NAME; release with lr_free(). */
static char *join_path(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = lr_malloc(size);
    if (path)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static int put_all(struct html *page, const struct report_input *input, const char *path,
                   const char *script_path, bool *missing, struct lr_error *err)
{
    for (size_t i = 0; i < KINDS; i++) {
        struct figure_marks marks = {0};
        char *svg = NULL;
        bool drawn = true;
        int rc = kinds[i].draw(path, input, &marks, &drawn, err);
        if (!rc)
            rc = run_dir_read(input->run_dir, "figures/.report.svg", &svg, err);
        *missing = *missing || !drawn;
        if (!rc && (svg || !drawn))
            put_figure(page, &kinds[i], input, svg, &marks, *missing);
        unlink(path);
        unlink(script_path); /* remains if nothing was drawn */
        lr_free(svg);
        html_release(&marks.svg);
        if (rc)
            return rc;
    }
    return 0;
}

int figures_put(struct html *page, const struct report_input *input, bool *missing,
                struct lr_error *err)
{
    struct report_input shown = *input;
    char *folder = join_path(input->run_dir, "figures");
    char *path = join_path(input->run_dir, "figures/.report.svg");
    char *script_path = join_path(input->run_dir, "figures/.report.svg.gp");
    struct answer *cells = answer_with_cells(input->answer);
    int rc;
    *missing = false;
    if (!folder || !path || !script_path || !cells) {
        rc = lr_nomem(err);
        goto out;
    }
    shown.answer = cells;
    if ((rc = run_dir_make_inner(folder, err)))
        goto out;
    rc = put_all(page, &shown, path, script_path, missing, err);
    rmdir(folder); /* succeeds only if empty */
out:
    lr_free(cells);
    lr_free(script_path);
    lr_free(path);
    lr_free(folder);
    return rc;
}

static int draw_files(const char *folder, const struct report_input *input, bool *drawn,
                      struct lr_error *err)
{
    *drawn = true;
    for (size_t i = 0; i < KINDS; i++) {
        bool each = true;
        if (!kinds[i].file)
            continue;
        char *path = join_path(folder, kinds[i].file);
        int rc = path ? kinds[i].draw(path, input, NULL, &each, err) : lr_nomem(err);
        lr_free(path);
        if (rc)
            return rc;
        *drawn = *drawn && each;
    }
    return 0;
}

void figures_draw(const char *run_dir, const struct answer *answer,
                  const struct trial *const *trials, size_t count)
{
    struct lr_error err = {0};
    bool drawn = true;
    char *folder = join_path(run_dir, "figures");
    struct answer *cells = answer_with_cells(answer);
    const struct report_input input = {.answer = cells, .trials = trials, .count = count};
    int rc;
    if (!folder || !cells) {
        rc = lr_nomem(&err);
        goto out;
    }
    if ((rc = run_dir_make_inner(folder, &err)))
        goto out;
    rc = draw_files(folder, &input, &drawn, &err);
    rmdir(folder); /* succeeds only if empty */
out:
    if (rc)
        lr_log(LR_LOG_WARNING, "the figures could not be drawn: %s", err.text);
    else if (!drawn)
        lr_log(LR_LOG_INFO,
               "the figures are not drawn: gnuplot is missing or failed; their scripts are "
               "%s/*.svg.gp, to be drawn by gnuplot anywhere",
               folder);
    lr_free(cells);
    lr_free(folder);
}
