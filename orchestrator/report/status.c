/* Prints the state of a campaign: the answer so far, the bracket of each basin, what is spent and
 * what is left, and the workers. */
#include "report/status.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "report/cells_text.h"
#include "report/plain_text.h"
#include "report/summary.h"
#include "store/json_value.h"
#include "store/result_json.h"
#include "store/run_dir.h"

const char *status_state_name(enum status_state state)
{
    static const char *const names[] = {
#define X(name, text) text,
        STATUS_STATE_MAP(X)
#undef X
    };
    return state <= STATUS_FINISHED ? names[state] : "?";
}

/* ---- plain text ---- */

enum { TEXT_MOST = 120, TABLE_MOST = 240 }; /* columns; longer lines are hard to read */

static size_t columns_of(const struct status_layout *layout)
{
    size_t columns = layout->columns > 0 ? layout->columns : WRAP_COLUMNS;
    return columns < STATUS_LEAST ? STATUS_LEAST : columns < TABLE_MOST ? columns : TABLE_MOST;
}

static size_t text_columns(const struct status_layout *layout)
{
    size_t columns = columns_of(layout);
    return columns < TEXT_MOST ? columns : TEXT_MOST;
}

static const char *end_words(enum answer_status status)
{
    switch (status) {
    case ANSWER_IDENTIFIED:
        return "with an answer";
    case ANSWER_NOT_IDENTIFIED:
        return "no answer";
    case ANSWER_BUDGET_EXHAUSTED:
        return "the budget was used up before the answer";
    case ANSWER_INTERRUPTED:
        break;
    }
    return "not to its end";
}

static void print_head(FILE *out, const struct status_view *view, size_t columns)
{
    char owner[192] = "";
    bool there = view->state == STATUS_RUNNING || view->state == STATUS_PREPARING;
    if (view->owner_host[0])
        snprintf(owner, sizeof(owner),
                 there ? ", on %s (pid %" PRIu64 ", since %s)"
                       : "; its process on %s is gone (pid %" PRIu64 ", since %s)",
                 view->owner_host, view->owner_pid, view->owner_since);
    if (view->state == STATUS_FINISHED)
        wrap_within(out, columns, "", "%s: finished, %s%s",
                    view->name[0] ? view->name : view->run_dir, end_words(view->answer.status),
                    owner);
    else
        wrap_within(out, columns, "", "%s: %s%s%s", view->name[0] ? view->name : view->run_dir,
                    status_state_name(view->state), owner,
                    view->state == STATUS_INTERRUPTED ? "; the run's command continues it"
                    : view->state == STATUS_ASKED     ? "; running: handed out, result not told yet"
                                                      : "");
}

static void print_counts(FILE *out, const struct status_view *view, size_t columns)
{
    const struct status_counts *trials = &view->trials;
    uint32_t all =
        trials->done + trials->diverged + trials->failed + trials->running + trials->waiting;
    char failed[32] = "", sessions[32] = "", begun[64] = "";
    if (trials->failed > 0)
        snprintf(failed, sizeof(failed), ", %" PRIu32 " failed", trials->failed);
    if (view->sessions > 1)
        snprintf(sessions, sizeof(sessions), " in %" PRIu32 " starts", view->sessions);
    if (view->wall_s > 0)
        snprintf(begun, sizeof(begun), "; %s so far%s", DURATION(view->wall_s), sessions);
    wrap_within(out, columns, "round     ",
                "%" PRIu32 "; %" PRIu32 " training%s: %" PRIu32 " done, %" PRIu32
                " diverged%s, %" PRIu32 " running, %" PRIu32 " waiting%s",
                view->round, all, all == 1 ? "" : "s", trials->done, trials->diverged, failed,
                trials->running, trials->waiting, begun);
}

/* Of the longest horizon that has a loss: losses of different horizons are not comparable. */
static void print_best(FILE *out, const struct status_view *view, size_t columns)
{
    for (size_t i = view->horizon_count; i-- > 0;) {
        const struct status_horizon *horizon = &view->horizons[i];
        if (!isfinite(horizon->best_loss))
            continue;
        wrap_within(out, columns, "best      ", "loss %.4f at LR %s, %s tokens", horizon->best_loss,
                    LR(3, horizon->best_lr), COUNT(horizon->tokens));
        return;
    }
}

static void print_answer(FILE *out, const struct status_view *view, size_t columns)
{
    const struct target_answer *target = &view->answer.target;
    const struct confidence_answer *confidence = &view->answer.confidence;
    char word[48] = "";
    const char *lead = view->state != STATUS_FINISHED ? "if it ended now: "
                       : view->answer.status == ANSWER_NOT_IDENTIFIED
                           ? "a guess, not to be relied on: "
                       : view->answer.status == ANSWER_BUDGET_EXHAUSTED ? "as far as it went: "
                                                                        : "";
    if (!isfinite(target->lr)) {
        wrap_within(out, columns, "answer    ", "none yet");
        return;
    }
    if (confidence->word != CONFIDENCE_NONE)
        snprintf(word, sizeof(word), "; confidence: %s", confidence_name(confidence->word));
    wrap_within(out, columns, "answer    ", "%speak learning rate for %s tokens: %s%s%s", lead,
                COUNT(target->tokens), LR(2, target->lr), INTERVAL90('l', 2, target->ci90), word);
}

static void print_stopped(FILE *out, const struct status_view *view, size_t columns)
{
    if (view->state == STATUS_FINISHED && view->answer.stopped[0])
        wrap_within(out, columns, "stopped   ", "%s", view->answer.stopped);
}

static void print_warnings(FILE *out, const struct status_view *view, size_t columns)
{
    if (view->answer.warning_count > 0 && isfinite(view->answer.target.lr))
        wrap_within(out, columns, "warnings  ", "%zu; lrsearch fit %s prints them",
                    view->answer.warning_count, view->run_dir);
}

static const char *amount_text(char *text, size_t capacity, const char *key, double amount)
{
    if (strcmp(key, "budget.wall") == 0)
        return format_seconds(text, capacity, amount);
    if (strcmp(key, "budget.core_hours") == 0 || strcmp(key, "budget.flops") == 0 ||
        strcmp(key, "budget.share_of_target") == 0)
        snprintf(text, capacity, "%.3g", amount);
    else
        format_count(text, capacity, amount);
    return text;
}

static void print_budget(FILE *out, const struct status_view *view, size_t columns)
{
    char line[STATUS_BUDGETS * 128] = "";
    size_t used = 0;
    for (size_t i = 0; i < view->budget_count; i++) {
        const struct status_budget *budget = &view->budgets[i];
        used += (size_t)snprintf(
            line + used, sizeof(line) - used, "%s%s %s of %s (%.0f\v%%)", i > 0 ? ", " : "",
            budget->key + strlen("budget."), TEXT_OF(amount_text, budget->key, budget->used),
            TEXT_OF(amount_text, budget->key, budget->limit), 100 * budget->used / budget->limit);
    }
    if (view->budget_count > 0)
        wrap_within(out, columns, "budget    ", "%s", line);
}

static void print_left(FILE *out, const struct status_view *view, size_t columns)
{
    char time[64] = "";
    if (view->state == STATUS_FINISHED || view->trials_left == 0)
        return;
    if (isfinite(view->seconds_left))
        snprintf(time, sizeof(time), ", %s at this session's speed", DURATION(view->seconds_left));
    wrap_within(out, columns, "left      ", "about %" PRIu64 " training%s, %s tokens%s",
                view->trials_left, view->trials_left == 1 ? "" : "s", COUNT(view->tokens_left),
                time);
}

static const struct horizon_answer *answer_at(const struct status_view *view, uint64_t tokens)
{
    for (size_t i = 0; i < view->answer.horizon_count; i++)
        if (view->answer.horizons[i].tokens == tokens)
            return &view->answer.horizons[i];
    return NULL;
}

/* The columns of the table of horizons, in their order; rank: those of a lower one have precedence
 * where not all fit. The last three need more than 80 columns. */
static const struct horizon_column {
    const char *title;
    int gap, width, rank; /* width < 0: to the left */
} horizon_columns[] = {
    {"tokens", 0, 7, 0},  {"done", 1, 4, 4},      {"div.", 1, 4, 5},
    {"run", 1, 4, 6},     {"wait", 1, 4, 7},      {"lowest", 1, 8, 2},
    {"at LR", 1, 8, 3},   {"between", 2, -16, 8}, {"fitted, 90 %", 1, -16, 1},
    {"optimum", 1, 8, 9}, {"its loss", 1, 8, 10}, {"2x costs", 1, 8, 11},
};
enum {
    TOKENS,
    DONE,
    DIVERGED,
    RUN,
    WAIT,
    LOWEST,
    AT_LR,
    BETWEEN,
    FITTED,
    OPTIMUM,
    ITS_LOSS,
    TWICE,
    HORIZON_COLUMNS
};

static void choose_columns(bool shown[HORIZON_COLUMNS], size_t columns)
{
    size_t used = 0;
    for (int rank = 0; rank < HORIZON_COLUMNS; rank++)
        for (int c = 0; c < HORIZON_COLUMNS; c++) {
            const struct horizon_column *column = &horizon_columns[c];
            size_t width = (size_t)(column->gap + abs(column->width));
            if (column->rank != rank)
                continue;
            shown[c] = used + width <= columns;
            used += shown[c] ? width : 0;
        }
}

static void print_horizon_row(FILE *out, const bool shown[HORIZON_COLUMNS],
                              char text[HORIZON_COLUMNS][80])
{
    char row[ROW_MOST] = "";
    for (int c = 0; c < HORIZON_COLUMNS; c++)
        if (shown[c])
            row_add(row, horizon_columns[c].gap, horizon_columns[c].width, text[c]);
    row_print(out, row);
}

static void fill_horizon(char text[HORIZON_COLUMNS][80], const struct status_horizon *horizon,
                         const struct horizon_answer *answer)
{
    const uint32_t counts[] = {horizon->trials.done, horizon->trials.diverged,
                               horizon->trials.running, horizon->trials.waiting};
    const char *none = answer ? no_optimum(answer) : NULL;
    const double *between = horizon->bracket;
    bool fitted = isfinite(horizon->lr_opt) && interval_known(horizon->ci90) && !none;
    for (int c = 0; c < HORIZON_COLUMNS; c++)
        strcpy(text[c], "-");
    format_count(text[TOKENS], 80, (double)horizon->tokens);
    for (int c = 0; c < 4; c++)
        snprintf(text[DONE + c], 80, "%" PRIu32, counts[c]);
    format_lr(text[AT_LR], 80, 3, horizon->best_lr);
    if (isfinite(horizon->best_loss)) {
        format_fixed(text[LOWEST], 80, 4, horizon->best_loss);
        snprintf(text[BETWEEN], 80, "%s .. %s", isfinite(between[0]) ? LR(2, between[0]) : "?",
                 isfinite(between[1]) ? LR(2, between[1]) : "?");
    }
    if (none)
        snprintf(text[FITTED], 80, "%s", none + (strncmp(none, "none: ", 6) == 0 ? 6 : 0));
    if (!fitted)
        return;
    format_range(text[FITTED], 80, 'l', 2, horizon->ci90);
    format_lr(text[OPTIMUM], 80, 3, horizon->lr_opt);
    format_fixed(text[ITS_LOSS], 80, 4, answer ? answer->loss_min : NAN);
    format_ratio(text[TWICE], 80, answer ? answer->curvature : NAN);
}

static void print_horizons(FILE *out, const struct status_view *view,
                           const struct status_layout *layout)
{
    bool open = false, shown[HORIZON_COLUMNS] = {false};
    size_t columns = text_columns(layout);
    char name[128], text[HORIZON_COLUMNS][80];
    if (view->horizon_count == 0)
        return;
    fputc('\n', out);
    if (cells_nearest(name, sizeof(name), &view->answer))
        wrap_within(out, columns, "", "the model nearest to the target: %s", name);
    choose_columns(shown, columns_of(layout));
    for (int c = 0; c < HORIZON_COLUMNS; c++)
        snprintf(text[c], sizeof(text[c]), "%s", horizon_columns[c].title);
    print_horizon_row(out, shown, text);
    for (size_t i = 0; i < view->horizon_count; i++) {
        const struct status_horizon *horizon = &view->horizons[i];
        fill_horizon(text, horizon, answer_at(view, horizon->tokens));
        print_horizon_row(out, shown, text);
        open = open || (isfinite(horizon->best_loss) && !interval_known(horizon->bracket));
    }
    if (!layout->brief)
        wrap_within(out, columns, "  ", "%s%s%s; fitted: the optimum%s",
                    "lowest: the lowest loss seen",
                    shown[BETWEEN] ? "; between: the LRs tried next to its own" : "",
                    shown[BETWEEN] && open ? ", ? where none was" : "",
                    shown[TWICE] ? "; 2x costs: what half or twice its LR adds to its loss" : "");
}

static void print_plot(FILE *out, const struct status_view *view,
                       const struct status_layout *layout)
{
    struct basin_plot plot = {.points = view->points,
                              .count = view->point_count,
                              .lr_opt = NAN,
                              .ci90 = {NAN, NAN},
                              .columns = columns_of(layout),
                              .rows = layout->plot_rows,
                              .unicode = layout->unicode};
    if (layout->plot_rows == 0 || view->plotted == 0)
        return;
    const struct horizon_answer *horizon = answer_at(view, view->plotted);
    if (horizon && !no_optimum(horizon)) {
        plot.lr_opt = horizon->lr_opt;
        memcpy(plot.ci90, horizon->ci90, sizeof(plot.ci90));
        plot.curvature = horizon->curvature;
        plot.loss_min = horizon->loss_min;
    }
    fprintf(out, "\nloss against learning rate, %s tokens\n", COUNT(view->plotted));
    basin_plot_print(out, &plot);
}

static const char *worker_text(char text[256], const struct status_worker *worker)
{
    char group[32] = "";
    /* the last step may end beyond the horizon */
    uint64_t tokens =
        worker->tokens < worker->horizon_tokens ? worker->tokens : worker->horizon_tokens;
    if (worker->ranks > 1)
        snprintf(group, sizeof(group), ", %" PRIu32 " ranks", worker->ranks);
    if (worker->lost || worker->silent)
        snprintf(text, 256, "%s: %s", worker->lost ? "lost" : "silent", worker->message);
    else if (worker->trial_id > 0 && worker->leader != worker->rank)
        snprintf(text, 256, "training %" PRIu32 ", in the group of rank %" PRIu32, worker->trial_id,
                 worker->leader);
    else if (worker->trial_id > 0)
        snprintf(text, 256, "training %" PRIu32 "%s: LR %s, %s of %s tokens, about %s",
                 worker->trial_id, group, LR(3, worker->lr), COUNT(tokens),
                 COUNT(worker->horizon_tokens), DURATION(worker->for_s));
    else
        snprintf(text, 256, "idle");
    return lr_printable(text, "");
}

/* What a worker is to the reader; each counts once. In the order of the list: silent and lost ones
 * matter most. */
enum worker_kind { KIND_SILENT, KIND_LOST, KIND_BUSY, KIND_IDLE, KINDS };

static enum worker_kind kind_of(const struct status_worker *worker)
{
    return worker->lost           ? KIND_LOST
           : worker->silent       ? KIND_SILENT
           : worker->trial_id > 0 ? KIND_BUSY
                                  : KIND_IDLE;
}

enum { HOST_MOST = 24, HOST_NARROW = 12, WORKER_GAP = 3 };

/* One below the other, or side by side where the longest of them leaves room for that. */
static void print_worker_list(FILE *out, const struct status_view *view,
                              const struct status_layout *layout, size_t rows)
{
    size_t host = 1, longest = 0, shown = 0;
    char text[256], lead[96];
    for (size_t i = 0; i < view->worker_count; i++) {
        size_t name = strlen(view->workers[i].host);
        size_t length = strlen(worker_text(text, &view->workers[i]));
        host = name > host ? name : host;
        longest = length > longest ? length : longest;
    }
    size_t most = columns_of(layout) < 60 ? HOST_NARROW : HOST_MOST;
    host = host < most ? host : most;
    size_t width = 6 + 2 + host + 2 + longest; /* of an entry */
    size_t beside = (columns_of(layout) + WORKER_GAP) / (width + WORKER_GAP), gap = 0;
    size_t limit = rows * (beside > 1 ? beside : 1);
    for (enum worker_kind kind = 0; kind < KINDS; kind++)
        for (size_t i = 0; i < view->worker_count; i++) {
            const struct status_worker *worker = &view->workers[i];
            if (kind_of(worker) != kind || shown == limit)
                continue;
            snprintf(lead, sizeof(lead), "%6" PRIu32 "  %-*.*s  ", worker->rank, (int)host,
                     (int)host, worker->host[0] ? worker->host : "-");
            lr_printable(lead, "");
            shown++;
            if (beside < 2) {
                wrap_within(out, text_columns(layout), lead, "%s", worker_text(text, worker));
                continue;
            }
            fprintf(out, "%*s%s%s", (int)gap, "", lead, worker_text(text, worker));
            bool last = shown % beside == 0 || shown == limit || shown == view->worker_count;
            gap = last ? 0 : WORKER_GAP + longest - strlen(text);
            fputs(last ? "\n" : "", out);
        }
    if (shown > 0 && shown < view->worker_count)
        fprintf(out, "%6s  and %zu more\n", "", view->worker_count - shown);
}

static void print_workers(FILE *out, const struct status_view *view,
                          const struct status_layout *layout)
{
    size_t of[KINDS] = {0};
    char silent[48] = "";
    if (view->state != STATUS_RUNNING || view->worker_count == 0)
        return;
    for (size_t i = 0; i < view->worker_count; i++)
        of[kind_of(&view->workers[i])]++;
    if (!layout->brief)
        fputc('\n', out);
    if (of[KIND_SILENT] > 0)
        snprintf(silent, sizeof(silent), "%zu silent, ", of[KIND_SILENT]);
    wrap_within(out, text_columns(layout), "workers   ", "%zu: %zu training, %zu idle, %s%zu lost",
                view->worker_count, of[KIND_BUSY], of[KIND_IDLE], silent, of[KIND_LOST]);
    print_worker_list(out, view, layout, layout->worker_rows);
}

void status_print_text(FILE *out, const struct status_view *view,
                       const struct status_layout *layout)
{
    size_t columns = text_columns(layout);
    print_head(out, view, columns);
    if (view->state == STATUS_PREPARING)
        return;
    print_counts(out, view, columns);
    print_best(out, view, columns);
    print_answer(out, view, columns);
    if (!layout->brief) {
        print_stopped(out, view, columns);
        print_warnings(out, view, columns);
    }
    print_budget(out, view, columns);
    print_left(out, view, columns);
    print_horizons(out, view, layout);
    if (!layout->brief)
        cells_print(out, &view->answer, columns_of(layout));
    print_plot(out, view, layout);
    print_workers(out, view, layout);
}

/* ---- JSON ---- */

static json_t *counts_json(const struct status_counts *counts, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "done", json_integer(counts->done), ok);
    json_put(object, "diverged", json_integer(counts->diverged), ok);
    json_put(object, "failed", json_integer(counts->failed), ok);
    json_put(object, "running", json_integer(counts->running), ok);
    json_put(object, "waiting", json_integer(counts->waiting), ok);
    return object;
}

static json_t *owner_json(const struct status_view *view, bool *ok)
{
    if (!view->owner_host[0])
        return json_null();
    json_t *object = json_object();
    json_put(object, "host", json_of_text(view->owner_host), ok);
    json_put(object, "pid", json_of_count(view->owner_pid), ok);
    json_put(object, "since_utc", json_of_text(view->owner_since), ok);
    return object;
}

static json_t *horizon_json(const struct status_horizon *horizon, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "tokens", json_of_count(horizon->tokens), ok);
    json_put(object, "trials", counts_json(&horizon->trials, ok), ok);
    json_put(object, "best_lr", json_of_double(horizon->best_lr), ok);
    json_put(object, "best_loss", json_of_double(horizon->best_loss), ok);
    json_put(object, "bracket", json_of_interval(horizon->bracket), ok);
    json_put(object, "lr_opt", json_of_double(horizon->lr_opt), ok);
    json_put(object, "ci90", json_of_interval(horizon->ci90), ok);
    return object;
}

static json_t *budget_json(const struct status_budget *budget, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "key", json_string(budget->key), ok);
    json_put(object, "used", json_of_double(budget->used), ok);
    json_put(object, "limit", json_of_double(budget->limit), ok);
    return object;
}

static json_t *worker_json(const struct status_worker *worker, bool *ok)
{
    static const char *const kinds[KINDS] = {"silent", "lost", "training", "idle"};
    bool busy = kind_of(worker) == KIND_BUSY, present = !worker->lost && !worker->silent;
    json_t *object = json_object();
    json_put(object, "rank", json_integer(worker->rank), ok);
    json_put(object, "host", worker->host[0] ? json_of_text(worker->host) : json_null(), ok);
    json_put(object, "state", json_string(kinds[kind_of(worker)]), ok);
    json_put(object, "trial", json_of_size(worker->trial_id), ok);
    json_put(object, "lr", json_of_double(busy ? worker->lr : NAN), ok);
    json_put(object, "tokens", busy ? json_of_count(worker->tokens) : json_null(), ok);
    json_put(object, "horizon_tokens", busy ? json_of_count(worker->horizon_tokens) : json_null(),
             ok);
    json_put(object, "seconds", json_of_double(busy ? worker->for_s : NAN), ok);
    json_put(object, "leader", json_of_size(busy ? worker->leader : 0), ok);
    json_put(object, "ranks", json_of_size(busy ? worker->ranks : 0), ok);
    json_put(object, "message", present ? json_null() : json_of_text(worker->message), ok);
    return object;
}

int status_print_json(const struct status_view *view, struct lr_error *err)
{
    bool ok = true, begun = view->state != STATUS_PREPARING;
    json_use_lr_memory();
    json_t *object = json_object();
    json_put(object, "schema_version", json_integer(1), &ok);
    json_put(object, "name", begun ? json_of_text(view->name) : json_null(), &ok);
    json_put(object, "state", json_string(status_state_name(view->state)), &ok);
    json_put(object, "owner", owner_json(view, &ok), &ok);
    json_put(object, "sessions", json_integer(view->sessions), &ok);
    json_put(object, "round", json_integer(view->round), &ok);
    json_put(object, "trials", counts_json(&view->trials, &ok), &ok);
    json_put(object, "wall_s", json_of_double(view->wall_s), &ok);
    json_t *left = json_object();
    json_put(left, "trials", json_of_count(view->trials_left), &ok);
    json_put(left, "tokens", json_of_count(view->tokens_left), &ok);
    json_put(left, "seconds", json_of_double(view->seconds_left), &ok);
    json_put(object, "left", left, &ok);
    JSON_PUT_EACH(object, "budget", view->budget_count, budget_json(&view->budgets[i], &ok), &ok);
    JSON_PUT_EACH(object, "horizons", view->horizon_count, horizon_json(&view->horizons[i], &ok),
                  &ok);
    JSON_PUT_EACH(object, "workers", view->worker_count, worker_json(&view->workers[i], &ok), &ok);
    json_put(object, "answer",
             begun ? result_json_value(view->name, &view->answer, &ok) : json_null(), &ok);
    return json_print(object, ok, err);
}
