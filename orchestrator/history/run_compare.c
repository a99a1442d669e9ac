/* Answers are fitted again and not read from result.json: what is compared then comes from one
 * version of the search (plan_from_json() refuses a run of which this one has keys that its plan
 * has not). When a run finished is told by its journal and not by a file's time, which a copy
 * changes. */
#define _DEFAULT_SOURCE /* timegm */
#include "history/run_compare.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "lrsearch/memory.h"
#include "store/journal.h"

/* ---- when ---- */

struct times {
    struct run_end *end;
    char started_utc[32];
    double wall_s; /* since then */
};

static int note_event(void *context, const struct event *event, struct lr_error *err)
{
    struct times *times = context;
    (void)err;
    if (event->kind == EVENT_CAMPAIGN) {
        memcpy(times->end->name, event->as.campaign.name, sizeof(times->end->name));
        memcpy(times->end->version, event->as.campaign.version, sizeof(times->end->version));
    } else if (event->kind == EVENT_SESSION) {
        memcpy(times->end->host, event->as.session.host, sizeof(times->end->host));
        memcpy(times->started_utc, event->as.session.started_utc, sizeof(times->started_utc));
        times->wall_s = 0;
    } else if (event->kind == EVENT_CLOCK) {
        times->wall_s += event->as.clock.wall_s;
    }
    return 0;
}

int run_end_read(struct run_end *end, const char *run_dir, struct lr_error *err)
{
    char path[TRIAL_PATH + 32];
    struct times times = {.end = end};
    struct tm utc = {0};
    memset(end, 0, sizeof(*end));
    snprintf(path, sizeof(path), "%s/journal.jsonl", run_dir);
    int rc = journal_read(path, note_event, &times, err);
    if (rc)
        return rc;
    snprintf(end->finished_utc, sizeof(end->finished_utc), "%s", times.started_utc);
    if (sscanf(times.started_utc, "%d-%d-%dT%d:%d:%dZ", &utc.tm_year, &utc.tm_mon, &utc.tm_mday,
               &utc.tm_hour, &utc.tm_min, &utc.tm_sec) != 6 ||
        !(times.wall_s >= 0 && times.wall_s < 1e9))
        return 0;
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    time_t finished = timegm(&utc) + (time_t)times.wall_s;
    if (gmtime_r(&finished, &utc))
        strftime(end->finished_utc, sizeof(end->finished_utc), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return 0;
}

/* ---- what ---- */

int run_answer_read(struct run_answer **out, const char *run_dir, struct lr_error *err)
{
    uint64_t hash;
    struct run_answer *past = lr_calloc(1, sizeof(*past));
    *out = past;
    int rc = past ? run_plan_read(&past->plan, &hash, run_dir, err) : lr_nomem(err);
    if (!rc)
        rc = run_campaign_read(&past->campaign, &past->plan, hash, run_dir, err);
    if (!rc)
        rc = campaign_answer(past->campaign, &past->answer, err);
    if (!rc)
        past->finished = campaign_finished(past->campaign);
    if (rc) {
        run_answer_free(past);
        *out = NULL;
    }
    return rc;
}

void run_answer_free(struct run_answer *past)
{
    if (past)
        campaign_destroy(past->campaign);
    lr_free(past);
}

/* ---- what differs ---- */

static void differ(char text[ANSWER_TEXT], const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void differ(char text[ANSWER_TEXT], const char *format, ...)
{
    size_t used = strlen(text);
    snprintf(text + used, ANSWER_TEXT - used, "%s", used ? ", " : "other ");
    used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, ANSWER_TEXT - used, format, args);
    va_end(args);
}

static void differ_size(char text[ANSWER_TEXT], const char *name, uint64_t then, uint64_t now)
{
    if (then != now)
        differ(text, "%s (%" PRIu64 " -> %" PRIu64 ")", name, then, now);
}

static void differ_name(char text[ANSWER_TEXT], const char *name, const char *then, const char *now)
{
    if (strcmp(then, now) != 0)
        differ(text, "%s (%s -> %s)", name, then, now);
}

static void differ_number(char text[ANSWER_TEXT], const char *name, double then, double now)
{
    if (then < now || then > now)
        differ(text, "%s (%g -> %g)", name, then, now);
}

/* A table or a made-up surface stands for the trainer, which may move; text and tokens may not. */
static void differ_data(char text[ANSWER_TEXT], const struct question *then,
                        const struct question *now)
{
    const struct plan *a = then->plan, *b = now->plan;
    differ_name(text, "trainer.kind", trainer_name(a->trainer.kind), trainer_name(b->trainer.kind));
    if (a->trainer.kind != TRAINER_TRANSFORMER || b->trainer.kind != TRAINER_TRANSFORMER)
        return;
    if (a->data.source != b->data.source)
        differ(text, "data.source");
    else if (campaign_opening(then->campaign)->data_hash !=
             campaign_opening(now->campaign)->data_hash)
        differ(text, "data (their hashes)");
    differ_size(text, "data.val_tokens", a->data.val_tokens, b->data.val_tokens);
    differ_size(text, "data.val_bytes", a->data.val_bytes, b->data.val_bytes);
    if (a->data.source != SOURCE_SYNTHETIC || b->data.source != SOURCE_SYNTHETIC)
        return;
    differ_number(text, "data.zipf_exponent", a->data.zipf_exponent, b->data.zipf_exponent);
    differ_number(text, "data.markov_weight", a->data.markov_weight, b->data.markov_weight);
    differ_size(text, "data.markov_order", a->data.markov_order, b->data.markov_order);
}

static void differ_target(char text[ANSWER_TEXT], const struct target_answer *then,
                          const struct target_answer *now)
{
    differ_size(text, "target.tokens", then->tokens, now->tokens);
    differ_size(text, "target.d_model", then->width, now->width);
    differ_size(text, "target.n_layers", then->n_layers, now->n_layers);
    differ_size(text, "target.vocab", then->vocab, now->vocab);
    differ_size(text, "target.batch_tokens", then->batch_tokens, now->batch_tokens);
    differ_name(text, "target.schedule", schedule_name(then->schedule),
                schedule_name(now->schedule));
    differ_name(text, "model.parametrization", parametrization_name(then->parametrization),
                parametrization_name(now->parametrization));
}

/* The LR is that at base_width; with another one it means something else. */
static void differ_base(char text[ANSWER_TEXT], const struct plan *then, const struct plan *now)
{
    if (then->model.parametrization != PARAM_SP && now->model.parametrization != PARAM_SP)
        differ_size(text, "model.base_width", then->model.base_width, now->model.base_width);
}

/* The cell whose horizons the answer tells. */
static struct trial_spec model_of(const struct question *of)
{
    return plan_cell(of->plan, of->answer->cell_count > 0 ? of->answer->nearest : 0);
}

static void differ_model(char text[ANSWER_TEXT], const struct question *then,
                         const struct question *now)
{
    const struct trial_spec a = model_of(then), b = model_of(now);
    differ_size(text, "model.d_model", a.d_model, b.d_model);
    differ_size(text, "model.n_layers", a.n_layers, b.n_layers);
    differ_size(text, "model.vocab", a.vocab, b.vocab);
    differ_size(text, "model.context", a.context, b.context);
    differ_size(text, "training.batch_tokens", a.batch_tokens, b.batch_tokens);
    differ_name(text, "training.schedule", schedule_name(a.schedule), schedule_name(b.schedule));
}

void run_drift(struct drift *out, const struct question *then, const struct question *now,
               const struct drift_limits *limits)
{
    char lr[ANSWER_TEXT] = "", loss[ANSWER_TEXT] = "";
    differ_data(lr, then, now);
    memcpy(loss, lr, sizeof(loss));
    differ_target(lr, &then->answer->target, &now->answer->target);
    differ_base(lr, then->plan, now->plan);
    differ_model(loss, then, now);
    drift_measure(out, then->answer, now->answer, lr, loss, limits);
}
