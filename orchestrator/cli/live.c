/* Draws the progress line. It only looks on: losing it changes nothing. Speed and time left come
 * from the tokens that the workers report, so that long trials move the line too. */
#define _POSIX_C_SOURCE 200809L
#include "cli/live.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lrsearch/memory.h"
#include "net/loop.h"
#include "report/summary.h"

#define TERMINAL_EVERY_MS 1000u
#define PLAIN_EVERY_MS 30000u
#define STAGE_EVERY_MS 2000u /* what takes longer than that shows that it moves */

void live_init(struct live *live, bool enabled)
{
    memset(live, 0, sizeof(*live));
    live->enabled = enabled;
    live->terminal = isatty(STDERR_FILENO) == 1;
    live->started_ms = live->shown_ms = loop_uv.now_ms();
    live->best_loss = NAN;
}

void live_clear(struct live *live)
{
    if (live->drawn)
        fputs("\r\033[K", stderr);
    live->drawn = false;
}

void live_release(struct live *live)
{
    live_clear(live);
    lr_free(live->trial_tokens);
    live->trial_tokens = NULL;
    live->trial_capacity = 0;
}

static void show(struct live *live, const char *line)
{
    if (live->terminal)
        fprintf(stderr, "\r\033[K%.150s", line);
    else
        fprintf(stderr, "lrsearch: %s\n", line);
    live->drawn = live->terminal;
    fflush(stderr);
}

static bool due(struct live *live, uint64_t now_ms, uint64_t plain_every_ms)
{
    uint64_t every = live->terminal ? TERMINAL_EVERY_MS : plain_every_ms;
    if (!live->enabled || now_ms - live->shown_ms < every)
        return false;
    live->shown_ms = now_ms;
    return true;
}

/* The tokens of a trial's running attempt; NULL without memory, then the line is only less exact.
 */
static uint64_t *tokens_of(struct live *live, uint32_t id)
{
    while (id >= live->trial_capacity) {
        size_t old = live->trial_capacity;
        uint64_t *larger = lr_grow(live->trial_tokens, old, &live->trial_capacity, sizeof(*larger));
        if (!larger)
            return NULL;
        memset(larger + old, 0, (live->trial_capacity - old) * sizeof(*larger));
        live->trial_tokens = larger;
    }
    return &live->trial_tokens[id];
}

static void advance_trial(struct live *live, uint32_t id, uint64_t tokens)
{
    uint64_t *seen = tokens_of(live, id);
    if (seen && tokens > *seen) {
        live->tokens += tokens - *seen;
        *seen = tokens;
    }
}

static void on_event(void *context, const struct campaign *campaign, const struct event *event)
{
    struct live *live = context;
    if (event->kind == EVENT_STARTED) {
        uint64_t *seen = tokens_of(live, event->as.started.trial_id);
        if (seen)
            *seen = 0;
    }
    if (event->kind != EVENT_ENDED)
        return;
    const struct event_ended *ended = &event->as.ended;
    const struct trial *trial = campaign_trial(campaign, ended->trial_id);
    live->ended++;
    advance_trial(live, ended->trial_id, ended->result.tokens);
    if (ended->result.outcome != OUTCOME_DONE || !trial)
        return;
    /* The best of the longest horizon: losses of different horizons do not compare. */
    if (trial->spec.horizon_tokens > live->best_tokens ||
        (trial->spec.horizon_tokens == live->best_tokens &&
         ended->result.val_loss < live->best_loss)) {
        live->best_tokens = trial->spec.horizon_tokens;
        live->best_loss = ended->result.val_loss;
        live->best_lr = trial->spec.lr;
    }
}

static void on_progress(void *context, const struct msg_progress *progress)
{
    advance_trial(context, progress->trial_id, progress->tokens);
}

static void on_tick(void *context, const struct campaign *campaign,
                    const struct sched_counts *counts, uint64_t now_ms)
{
    struct live *live = context;
    if (!due(live, now_ms, PLAIN_EVERY_MS))
        return;
    char line[256], speed[24], horizon[24], left[24], best[96] = "", time_left[48] = "";
    uint64_t trials_left, tokens_left;
    double seconds = (double)(now_ms - live->started_ms) / 1000.0;
    double rate = seconds > 0 ? (double)live->tokens / seconds : 0;
    campaign_remaining(campaign, &trials_left, &tokens_left);
    if (live->best_tokens)
        snprintf(best, sizeof(best), " | best %.4f at lr %.2e (%s)", live->best_loss, live->best_lr,
                 format_count(horizon, sizeof(horizon), (double)live->best_tokens));
    if (rate > 0)
        snprintf(time_left, sizeof(time_left), " | about %s left",
                 format_seconds(left, sizeof(left), (double)tokens_left / rate));
    snprintf(line, sizeof(line), "round %u | trials %u done %u running ~%u left | %s tokens/s%s%s",
             campaign_round(campaign), live->ended, counts->running, (unsigned)trials_left,
             format_count(speed, sizeof(speed), rate), best, time_left);
    show(live, line);
}

void live_stage(void *context, const char *stage, double share_done)
{
    struct live *live = context;
    uint64_t now_ms = loop_uv.now_ms();
    if (!due(live, now_ms, STAGE_EVERY_MS))
        return;
    char line[160];
    snprintf(line, sizeof(line), "%s: %.0f %%", stage, 100 * share_done);
    show(live, line);
}

struct coordinator_watch live_watch(struct live *live)
{
    struct coordinator_watch watch = {live, on_event, on_progress, on_tick};
    return watch;
}
