/* Draws the progress line, on which nothing else depends. Speed and time left come from the tokens
 * that the workers report, so that the line also moves during long trials. */
#include "cli/progress_line.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "campaign/campaign_budget.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "net/loop.h"
#include "report/summary.h"

#define TERMINAL_EVERY_MS 1000u
#define FIRST_AFTER_MS 200u /* on a terminal; shorter work shows no line */
#define PLAIN_EVERY_MS 10000u
#define STAGE_EVERY_MS 2000u /* without a terminal, during stages */

void progress_line_init(struct progress_line *progress, bool enabled, bool plain)
{
    memset(progress, 0, sizeof(*progress));
    progress->enabled = enabled;
    progress->terminal = enabled && !plain && lr_log_is_terminal();
    progress->started_ms = progress->shown_ms = loop_uv.now_ms();
    if (progress->terminal && progress->shown_ms > TERMINAL_EVERY_MS)
        progress->shown_ms -= TERMINAL_EVERY_MS - FIRST_AFTER_MS;
    progress->best_loss = NAN;
}

void progress_line_clear(struct progress_line *progress)
{
    if (progress->terminal)
        lr_log_transient(NULL);
}

void progress_line_release(struct progress_line *progress)
{
    progress_line_clear(progress);
    lr_free(progress->trial_tokens);
    progress->trial_tokens = NULL;
    progress->trial_capacity = 0;
}

static void show_line(const struct progress_line *progress, const char *line)
{
    if (progress->terminal)
        lr_log_transient(line);
    else
        lr_say(stderr, "lrsearch: %s\n", line);
}

static bool due(struct progress_line *progress, uint64_t now_ms, uint64_t plain_every_ms)
{
    uint64_t every = progress->terminal ? TERMINAL_EVERY_MS : plain_every_ms;
    if (!progress->enabled || now_ms - progress->shown_ms < every)
        return false;
    progress->shown_ms = now_ms;
    return true;
}

/* The tokens of a trial's running attempt; NULL without memory: the line is then less exact. */
static uint64_t *tokens_of(struct progress_line *progress, uint32_t id)
{
    while (id >= progress->trial_capacity) {
        size_t old = progress->trial_capacity;
        uint64_t *larger =
            lr_grow(progress->trial_tokens, old, &progress->trial_capacity, sizeof(*larger));
        if (!larger)
            return NULL;
        memset(larger + old, 0, (progress->trial_capacity - old) * sizeof(*larger));
        progress->trial_tokens = larger;
    }
    return &progress->trial_tokens[id];
}

static void advance_trial(struct progress_line *progress, uint32_t id, uint64_t tokens)
{
    uint64_t *seen = tokens_of(progress, id);
    if (seen && tokens > *seen) {
        progress->tokens += tokens - *seen;
        progress->under_way += tokens - *seen;
        *seen = tokens;
    }
}

static void end_trial(struct progress_line *progress, uint32_t id, uint64_t tokens)
{
    advance_trial(progress, id, tokens);
    uint64_t *seen = tokens_of(progress, id);
    if (seen) {
        progress->under_way -= *seen;
        *seen = 0;
    }
}

static void on_event(void *context, const struct campaign *campaign, const struct event *event)
{
    struct progress_line *progress = context;
    if (event->kind != EVENT_ENDED)
        return;
    const struct event_ended *ended = &event->as.ended;
    const struct trial *trial = campaign_trial(campaign, ended->trial_id);
    end_trial(progress, ended->trial_id, ended->result.tokens);
    if (ended->result.outcome != OUTCOME_DONE || !trial)
        return;
    /* The best of the longest horizon: losses of different horizons are not comparable. */
    if (trial->spec.horizon_tokens > progress->best_tokens ||
        (trial->spec.horizon_tokens == progress->best_tokens &&
         ended->result.val_loss < progress->best_loss)) {
        progress->best_tokens = trial->spec.horizon_tokens;
        progress->best_loss = ended->result.val_loss;
        progress->best_lr = trial->spec.lr;
    }
}

static void on_progress(void *context, const struct msg_progress *progress)
{
    advance_trial(context, progress->trial_id, progress->tokens);
}

/* ---- the line ---- */

#define PARTS 9
#define WIDE 120 /* columns with room for a long bar */
#define PART_ROOM 80

/* Parts of the line in display order; a narrow terminal shows the most important that fit. */
struct parts {
    char text[PARTS][PART_ROOM];
    int rank[PARTS]; /* importance: 0 is the highest */
    size_t count;
};

static void __attribute__((format(printf, 3, 4)))
add_part(struct parts *parts, int rank, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(parts->text[parts->count], PART_ROOM, format, args);
    va_end(args);
    parts->rank[parts->count++] = rank;
}

/* Adds the budget of which the largest share is used. */
static void add_budget(struct parts *parts, const struct campaign *campaign, uint64_t tokens_now)
{
    const struct plan *plan = campaign_plan(campaign);
    struct campaign_spent spent = campaign_spent(campaign);
    const struct {
        const char *name;
        double used, limit;
    } budgets[] = {
        {"tokens", (double)(spent.tokens + tokens_now), (double)plan->budget.tokens},
        {"trials", (double)spent.trials, (double)plan->budget.trials},
        {"FLOPs", spent.flops, plan->budget.flops},
        {"core-hours", spent.core_hours, plan->budget.core_hours},
        {"wall", spent.wall_s, plan->budget.wall_s},
        {"share of the target", plan_target_runs(plan, (double)spent.tokens, spent.flops),
         plan->budget.share_of_target},
    };
    const char *name = NULL;
    double most = 0;
    for (size_t i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++) {
        double share = budgets[i].limit > 0 ? budgets[i].used / budgets[i].limit : 0;
        if (budgets[i].limit > 0 && (!name || share > most)) {
            name = budgets[i].name;
            most = share;
        }
    }
    if (name)
        add_part(parts, 5, "budget %.0f %% (%s)", 100 * most, name);
}

static void fill_parts(struct parts *parts, struct progress_line *progress,
                       const struct campaign *campaign, const struct sched_counts *counts,
                       uint64_t now_ms)
{
    char speed[COUNT_TEXT], horizon[COUNT_TEXT], left[24], lr[24];
    uint64_t trials_left, tokens_left, under_way = progress->under_way;
    double seconds = (double)(now_ms - progress->started_ms) / 1000.0;
    double rate = seconds > 0 ? (double)progress->tokens / seconds : 0;
    campaign_remaining(campaign, &trials_left, &tokens_left);
    size_t over = campaign_trial_count(campaign) - campaign_open_trials(campaign);
    tokens_left -= under_way < tokens_left ? under_way : tokens_left;
    size_t expected = over + (size_t)trials_left;
    int width = progress->terminal && lr_log_columns() >= WIDE ? 20 : 6;
    int filled = expected > 0 ? (int)((size_t)width * over / expected) : 0;
    parts->count = 0;
    if (progress->terminal)
        add_part(parts, 0, "round %u [%.*s%.*s] %zu/~%zu", campaign_round(campaign), filled,
                 "####################", width - filled, "--------------------", over, expected);
    else
        add_part(parts, 0, "round %u | %zu of ~%zu trials", campaign_round(campaign), over,
                 expected);
    add_part(parts, 4, "%u running", counts->running);
    if (counts->workers_silent > 0)
        add_part(parts, 1, "%u worker%s silent", counts->workers_silent,
                 counts->workers_silent == 1 ? "" : "s");
    if (counts->workers_lost > 0)
        add_part(parts, 1, "%u worker%s lost", counts->workers_lost,
                 counts->workers_lost == 1 ? "" : "s");
    if (progress->best_tokens)
        add_part(parts, 3, "best %.4f at %s (%s)", progress->best_loss,
                 format_lr(lr, sizeof(lr), 3, progress->best_lr),
                 format_count(horizon, sizeof(horizon), (double)progress->best_tokens));
    if (rate > 0)
        add_part(parts, 2, "%s left",
                 format_seconds(left, sizeof(left), (double)tokens_left / rate));
    add_budget(parts, campaign, under_way);
    add_part(parts, 6, "%s tokens/s", format_count(speed, sizeof(speed), rate));
    add_part(parts, 7, "%u worker%s", counts->workers_idle + counts->workers_busy,
             counts->workers_idle + counts->workers_busy == 1 ? "" : "s");
}

/* Joins the parts that fit into `columns`; those of lower rank have precedence. */
static void join_parts(char *line, size_t capacity, const struct parts *parts, size_t columns)
{
    bool shown[PARTS] = {false};
    size_t used = 0, at = 0;
    for (int rank = 0; rank < PARTS; rank++)
        for (size_t i = 0; i < parts->count; i++) {
            size_t length = strlen(parts->text[i]) + (used > 0 ? 3 : 0);
            if (parts->rank[i] == rank && used + length <= columns) {
                shown[i] = true;
                used += length;
            }
        }
    line[0] = '\0';
    for (size_t i = 0; i < parts->count; i++)
        if (shown[i])
            at += (size_t)snprintf(line + at, capacity - at, "%s%s", at > 0 ? " | " : "",
                                   parts->text[i]);
}

static void on_tick(void *context, const struct campaign *campaign,
                    const struct sched_counts *counts, uint64_t now_ms)
{
    struct progress_line *progress = context;
    struct parts parts;
    char line[PARTS * (PART_ROOM + 3)];
    if (!due(progress, now_ms, PLAIN_EVERY_MS))
        return;
    lr_log_flush(false);
    fill_parts(&parts, progress, campaign, counts, now_ms);
    /* some terminals wrap at the last column */
    join_parts(line, sizeof(line), &parts,
               progress->terminal ? (size_t)lr_log_columns() - 1 : sizeof(line) - 1);
    show_line(progress, line);
}

void progress_line_stage(void *context, const char *stage, double share_done)
{
    struct progress_line *progress = context;
    if (!stage) {
        progress_line_clear(progress);
        return;
    }
    if (!due(progress, loop_uv.now_ms(), STAGE_EVERY_MS))
        return;
    char line[160];
    /* the last step may end beyond the horizon */
    snprintf(line, sizeof(line), "%s: %.0f %%", stage, 100 * fmin(share_done, 1));
    show_line(progress, line);
}

struct stage_report progress_line_stages(struct progress_line *progress)
{
    return (struct stage_report){progress_line_stage, progress};
}

struct coordinator_watch progress_line_watch(struct progress_line *progress)
{
    struct coordinator_watch watch = {progress, on_event, on_progress, on_tick};
    return watch;
}
