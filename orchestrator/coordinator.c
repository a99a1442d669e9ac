/* Drives a campaign. The journal is the truth: an event is appended before it is applied, and
 * applied before anything is done about it. Doing is idempotent: `handed` remembers which attempt
 * of a trial the scheduler already has. */
#define _POSIX_C_SOURCE 200809L
#include "coordinator.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/version.h"
#include "net/loop.h"
#include "net/transports.h"
#include "store/journal.h"
#include "store/run_dir.h"

#define SYNC_EVERY_MS 1000u   /* loss curves may be lost for so long; results never */
#define CLOCK_EVERY_MS 15000u /* how exactly the wall budget is kept over a kill */

struct handed {
    uint32_t attempt; /* that the scheduler got */
    uint64_t not_before_ms;
};

struct coordinator {
    const struct coordinator_setup *setup;
    struct campaign *campaign;
    struct journal *journal;
    struct sched *sched;
    char data_path[TRIAL_PATH]; /* where this host keeps the data now */
    struct handed *handed;      /* by trial id */
    size_t handed_size;
    uint64_t now_ms, synced_ms, clock_ms;
    struct lr_error *err; /* of the call under way, for callbacks of the scheduler */
};

static int record(struct coordinator *c, const struct event *event, struct lr_error *err)
{
    int rc = campaign_check(c->campaign, event, err); /* keeps our mistakes out of the journal */
    if (!rc)
        rc = journal_append(c->journal, event, err);
    if (!rc)
        rc = campaign_apply(c->campaign, event, err);
    if (!rc && c->setup->watch.event)
        c->setup->watch.event(c->setup->watch.context, c->campaign, event);
    return rc;
}

/* ---- what the scheduler tells ---- */

static int on_started(void *context, uint32_t id, uint32_t attempt, int rank, const char *host)
{
    struct coordinator *c = context;
    struct event event = {.kind = EVENT_STARTED};
    event.as.started.trial_id = id;
    event.as.started.attempt = attempt;
    event.as.started.rank = (uint32_t)rank;
    snprintf(event.as.started.host, sizeof(event.as.started.host), "%s", host);
    return record(c, &event, c->err);
}

static int on_progress(void *context, const struct msg_progress *progress, int rank)
{
    struct coordinator *c = context;
    (void)rank;
    if (c->setup->watch.progress)
        c->setup->watch.progress(c->setup->watch.context, progress);
    if (!progress->curve_point)
        return 0;
    struct event event = {.kind = EVENT_CURVE};
    event.as.curve.trial_id = progress->trial_id;
    event.as.curve.attempt = progress->attempt;
    event.as.curve.tokens = progress->tokens;
    event.as.curve.train_loss = progress->train_loss;
    return record(c, &event, c->err);
}

/* What made an attempt fail is often gone a moment later: 1, 2, 4, ... up to 60 s. */
static uint64_t retry_pause_ms(uint32_t failures)
{
    return failures < 6 ? (uint64_t)1000 << failures : 60000;
}

static int on_ended(void *context, uint32_t id, uint32_t attempt, const struct trial_result *result)
{
    struct coordinator *c = context;
    struct event event = {.kind = EVENT_ENDED};
    event.as.ended.trial_id = id;
    event.as.ended.attempt = attempt;
    event.as.ended.result = *result;
    if (result->outcome == OUTCOME_FAILED)
        c->handed[id].not_before_ms =
            c->now_ms + retry_pause_ms(campaign_trial(c->campaign, id)->failures);
    if (result->outcome == OUTCOME_FAILED || result->outcome == OUTCOME_LOST)
        lr_log(LR_LOG_WARNING, "trial %u, attempt %u: %s: %s", id, attempt,
               outcome_name(result->outcome), result->message);
    return record(c, &event, c->err);
}

/* ---- acting on the campaign's state ---- */

static int hand_over_pending(struct coordinator *c, struct lr_error *err)
{
    size_t count = campaign_trial_count(c->campaign);
    if (count + 1 > c->handed_size) {
        struct handed *larger = lr_realloc(c->handed, (count + 1) * sizeof(*larger));
        if (!larger)
            return lr_fail(err, LR_ENOMEM, "out of memory");
        memset(larger + c->handed_size, 0, (count + 1 - c->handed_size) * sizeof(*larger));
        c->handed = larger;
        c->handed_size = count + 1;
    }
    for (uint32_t id = 1; id <= count; id++) {
        const struct trial *trial = campaign_trial(c->campaign, id);
        if (trial->state != TRIAL_PENDING || c->handed[id].attempt == trial->attempt + 1 ||
            c->now_ms < c->handed[id].not_before_ms)
            continue;
        /* The same bytes (data_hash) may lie elsewhere than when the trial was planned. */
        struct trial_spec spec = trial->spec;
        memcpy(spec.data_path, c->data_path, sizeof(spec.data_path));
        int rc = sched_enqueue(c->sched, id, trial->attempt + 1, &spec, err);
        if (rc)
            return rc;
        c->handed[id].attempt = trial->attempt + 1;
    }
    return 0;
}

/* Lets the campaign say what comes next, until it has nothing more to say. */
static int advance(struct coordinator *c, struct lr_error *err)
{
    for (;;) {
        const struct event *events;
        size_t count;
        int rc = campaign_next(c->campaign, &events, &count, err);
        for (size_t i = 0; !rc && i < count; i++)
            rc = record(c, &events[i], err);
        if (rc)
            return rc;
        if (count == 0)
            return hand_over_pending(c, err);
        rc = journal_sync(c->journal, err);
        if (rc)
            return rc;
    }
}

static int record_clock(struct coordinator *c, uint64_t now_ms, struct lr_error *err)
{
    struct event event = {.kind = EVENT_CLOCK};
    event.as.clock.wall_s = (double)(now_ms - c->clock_ms) / 1000.0;
    c->clock_ms = now_ms;
    return record(c, &event, err);
}

/* ---- the loop ---- */

static int on_message(void *context, int peer, const struct message *message, uint64_t now_ms,
                      struct lr_error *err)
{
    struct coordinator *c = context;
    c->err = err;
    c->now_ms = now_ms;
    int rc = sched_message(c->sched, peer, message, now_ms, err);
    if (!rc && message->tag == MSG_RESULT) {
        rc = advance(c, err);
        if (!rc)
            rc = journal_sync(c->journal, err);
    }
    return rc;
}

static int on_tick(void *context, uint64_t now_ms, struct lr_error *err)
{
    struct coordinator *c = context;
    int rc = 0;
    c->err = err;
    c->now_ms = now_ms;
    if (now_ms - c->clock_ms >= CLOCK_EVERY_MS)
        rc = record_clock(c, now_ms, err);
    if (!rc)
        rc = advance(c, err);
    if (!rc && campaign_finished(c->campaign))
        return 1;
    if (!rc)
        rc = sched_tick(c->sched, now_ms, err);
    if (!rc && now_ms - c->synced_ms >= SYNC_EVERY_MS) {
        c->synced_ms = now_ms;
        rc = journal_sync(c->journal, err);
    }
    if (!rc && c->setup->watch.tick) {
        struct sched_counts counts = sched_counts(c->sched);
        c->setup->watch.tick(c->setup->watch.context, c->campaign, &counts, now_ms);
    }
    return rc;
}

static int on_signal(void *context, int signal_number, struct lr_error *err)
{
    (void)context;
    return lr_fail(err, LR_ECANCELED, "interrupted by %s; run the same command again to go on",
                   signal_number == SIGINT    ? "SIGINT"
                   : signal_number == SIGTERM ? "SIGTERM"
                                              : "a signal");
}

/* ---- beginning and end ---- */

static int on_replay(void *context, const struct event *event, struct lr_error *err)
{
    struct coordinator *c = context;
    return campaign_apply(c->campaign, event, err);
}

/* A campaign goes on only with the plan that it began with. */
static int check_same_plan(const char *run_dir, const char *resolved, struct lr_error *err)
{
    char *old = NULL;
    char differences[512];
    int rc = run_dir_read(run_dir, "plan.resolved.json", &old, err);
    if (rc || !old)
        return rc;
    int different = plan_diff(old, resolved, differences, sizeof(differences));
    if (different > 0)
        rc = lr_fail(err, LR_EPLAN,
                     "%s: the plan has changed since this campaign began: %s. Restore it, or start "
                     "a new campaign with --run-dir",
                     run_dir, differences);
    else if (different < 0)
        rc = lr_fail(err, LR_EDAMAGED,
                     "%s/plan.resolved.json: is damaged; copy plan.yaml to another "
                     "directory and start there",
                     run_dir);
    lr_free(old);
    return rc;
}

static int copy_plan(const struct coordinator_setup *setup, const char *resolved,
                     const char *products, struct lr_error *err)
{
    char *text = NULL;
    int rc = run_dir_read("", setup->plan_path, &text, err);
    if (!rc && text)
        rc = run_dir_write(setup->run_dir, "plan.yaml", text, strlen(text), err);
    if (!rc)
        rc = run_dir_write(setup->run_dir, "plan.resolved.json", resolved, strlen(resolved), err);
    if (!rc)
        rc = provenance_write(setup->run_dir, setup->mpi_library, setup->blas, products,
                              setup->plan->seed, setup->transport->size, err);
    lr_free(text);
    return rc;
}

/* Whether horizons of the plan have a stable part in common. */
static bool shares_trunks(const struct plan *plan)
{
    struct trial_spec spec = plan_trial(plan);
    spec.horizon_tokens = plan->search.horizons[0];
    return plan->trainer.kind == TRAINER_TRANSFORMER && plan->search.horizon_count > 1 &&
           trial_trunk_tokens(&spec) > 0;
}

/* The journal's first event, or the check that the data are still those of the first event. */
static int open_campaign(struct coordinator *c, const char *resolved, struct lr_error *err)
{
    const struct event_campaign *old = campaign_opening(c->campaign);
    struct event event = {.kind = EVENT_CAMPAIGN};
    struct event_campaign *opening = &event.as.campaign;
    snprintf(opening->name, sizeof(opening->name), "%s", c->setup->plan->name);
    snprintf(opening->version, sizeof(opening->version), "%s", LRSEARCH_VERSION);
    opening->plan_hash = XXH3_64bits(resolved, strlen(resolved));
    memcpy(opening->products, old->products, sizeof(opening->products));
    int rc = c->setup->prepare_data(c->setup->prepare_context, opening, err);
    if (rc)
        return rc;
    memcpy(c->data_path, opening->data_path, sizeof(c->data_path));
    if (shares_trunks(c->setup->plan))
        rc = run_dir_trunks(c->setup->run_dir, opening->trunk_dir, err);
    if (rc)
        return rc;
    if (!old->name[0]) {
        rc = copy_plan(c->setup, resolved, opening->products, err);
        return rc ? rc : record(c, &event, err);
    }
    if (old->data_hash != opening->data_hash)
        return lr_fail(
            err, LR_EDATA,
            "%s: the training data have changed since this campaign began; restore them, "
            "or start a new campaign with --run-dir",
            c->setup->run_dir);
    return 0;
}

static int begin_session(struct coordinator *c, struct lr_error *err)
{
    struct event event = {.kind = EVENT_SESSION};
    struct msg_hello self = transport_hello();
    time_t now = time(NULL);
    struct tm utc;
    snprintf(event.as.session.host, sizeof(event.as.session.host), "%s", self.host);
    event.as.session.ranks = (uint32_t)c->setup->transport->size;
    if (gmtime_r(&now, &utc))
        strftime(event.as.session.started_utc, sizeof(event.as.session.started_utc),
                 "%Y-%m-%dT%H:%M:%SZ", &utc);
    int rc = record(c, &event, err);

    /* Trials that the last run left behind: nobody trains them any more. */
    size_t count = campaign_trial_count(c->campaign);
    for (uint32_t id = 1; !rc && id <= count; id++) {
        const struct trial *trial = campaign_trial(c->campaign, id);
        if (trial->state == TRIAL_RUNNING)
            rc = campaign_abandon(c->campaign, id, &event, err);
        else
            continue;
        if (!rc)
            rc = record(c, &event, err);
    }
    return rc ? rc : journal_sync(c->journal, err);
}

static int write_files(struct coordinator *c, struct answer *answer, struct lr_error *err)
{
    const char *run_dir = c->setup->run_dir;
    size_t count = campaign_trial_count(c->campaign);
    const struct trial **trials = lr_calloc(count + 1, sizeof(struct trial *));
    if (!trials)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    for (uint32_t id = 1; id <= count; id++)
        trials[id - 1] = campaign_trial(c->campaign, id);
    int rc = campaign_answer(c->campaign, answer, err);
    if (!rc)
        rc = result_json_write(run_dir, c->setup->plan->name, answer, err);
    if (!rc)
        rc = trials_csv_write(run_dir, trials, count, err);
    if (!rc)
        rc = curves_csv_write(run_dir, trials, count, err);
    if (!rc && campaign_finished(c->campaign))
        run_dir_remove_trunks(campaign_opening(c->campaign)->trunk_dir);
    lr_free(trials);
    return rc;
}

static int train(struct coordinator *c, struct lr_error *err)
{
    const struct plan *plan = c->setup->plan;
    struct sched_limits limits = {
        .silence_ms = (uint64_t)(plan->limits.silence_s * 1000.0),
        .trial_time_ms = (uint64_t)(plan->limits.trial_time_s * 1000.0),
    };
    struct sched_owner owner = {c, on_started, on_progress, on_ended};
    struct loop_handler handler = {c, on_message, on_tick, on_signal};
    c->clock_ms = c->synced_ms = loop_now_ms();
    struct msg_hello self = transport_hello();
    int rc = sched_create(&c->sched, c->setup->transport, &self, &limits, &owner, c->clock_ms, err);
    if (!rc)
        rc = advance(c, err);
    if (!rc && !campaign_finished(c->campaign))
        rc = loop_run(c->setup->transport, &handler, err);
    return rc;
}

/* Before there is a scheduler, nobody else knows that workers wait. */
static void stop_everyone(struct transport *transport)
{
    struct message stop = {.tag = MSG_STOP};
    for (int rank = 1; rank < transport->size; rank++)
        transport->ops->send(transport, rank, &stop, NULL);
}

int coordinator_run(const struct coordinator_setup *setup, struct answer *answer,
                    bool *workers_lost, struct lr_error *err)
{
    struct coordinator coordinator = {.setup = setup};
    struct coordinator *c = &coordinator;
    char path[TRIAL_PATH + 32];
    char *resolved = plan_to_json(setup->plan);
    struct lr_error late = {0};
    bool opened = false;
    int rc;

    *workers_lost = false;
    memset(answer, 0, sizeof(*answer));
    rc = resolved ? run_dir_open(setup->run_dir, err) : lr_fail(err, LR_ENOMEM, "out of memory");
    if (rc)
        lr_prefix(err, "%s", setup->run_dir);
    if (!rc)
        rc = campaign_create(&c->campaign, setup->plan, err);
    snprintf(path, sizeof(path), "%s/journal.jsonl", setup->run_dir);
    if (!rc)
        rc = journal_open(&c->journal, path, on_replay, c, err);
    if (rc)
        goto out;
    if (campaign_opening(c->campaign)->name[0]) {
        rc = setup->resume
                 ? check_same_plan(setup->run_dir, resolved, err)
                 : lr_fail(err, LR_ECREATE,
                           "%s: already holds a campaign; choose another --run-dir, or go "
                           "on with it (--resume=auto)",
                           setup->run_dir);
        if (rc)
            goto out;
        lr_log(LR_LOG_INFO, "%s: going on with %zu journal lines", setup->run_dir,
               journal_count(c->journal));
    }
    if (!campaign_finished(c->campaign)) {
        rc = open_campaign(c, resolved, err);
        opened = !rc;
        if (!rc)
            rc = begin_session(c, err);
        if (!rc)
            rc = train(c, err);
        if (opened && rc != LR_ENOSPC && rc != LR_EIO)
            record_clock(c, c->sched ? loop_now_ms() : c->clock_ms, &late);
        journal_sync(c->journal, &late);
    }
    if (campaign_opening(c->campaign)->name[0] && write_files(c, answer, &late) && !rc)
        rc = lr_fail(err, late.code, "%s", late.text);

out:
    if (c->sched) {
        sched_stop_workers(c->sched);
        *workers_lost = sched_counts(c->sched).workers_lost > 0;
    } else {
        stop_everyone(setup->transport);
    }
    sched_destroy(c->sched);
    journal_close(c->journal);
    campaign_destroy(c->campaign);
    lr_free(c->handed);
    lr_free(resolved);
    return rc;
}
