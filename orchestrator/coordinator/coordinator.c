/* Drives a campaign. An event is appended to the journal, then applied to the campaign, then acted
 * on. Actions are idempotent: `handed` records which attempt of a trial the scheduler has.
 *
 * What workers report waits in `reports` until the loop has handled the messages that are there:
 * all of it becomes durable with one fsync, before anything that follows from it is sent.
 *
 * Decisions and the final answer are jobs beside the event loop. A job reads the campaign, so until
 * it has returned nothing is recorded and no trial is assigned: the reports are recorded, in their
 * order, after the events that the decision gave. So the journal has before a decision just what
 * the decision knew, and a restart decides the same. */
#define _POSIX_C_SOURCE 200809L
#include "coordinator/coordinator.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "campaign/campaign_answer.h"
#include "campaign/campaign_budget.h"
#include "campaign/campaign_next.h"
#include "coordinator/open_run.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "net/peer.h"
#include "plan/plan_json.h"
#include "sched/width.h"
#include "store/run_dir.h"

#define ANSWER_MS 1000u     /* limit for the fits of an interrupted run */
#define FOREVER_S 1e9       /* longer means never; as milliseconds it fits 64 bits */
#define SYNC_EVERY_MS 1000u /* a crash may lose loss curves of this time, never results */
#define RECORDS_A_TURN 256  /* events of a decision: some 8 ms of the loop */
#define CLOCK_EVERY_MS RUN_LOCK_BEAT_MS /* error of the wall budget after a kill */

struct handed {
    uint32_t attempt; /* that the scheduler has */
    uint64_t not_before_ms;
};

struct coordinator {
    const struct coordinator_setup *setup;
    struct open_run run;
    struct sched *sched;
    bool busy;  /* a job is in flight; these three are its own until it returns: */
    int job_rc; /* what it returned */
    struct lr_error job_err;
    struct next_events next;
    size_t next_recorded;  /* of the decision's events; a decision is recorded whole */
    struct answer *answer; /* the caller's */
    bool answered;         /* *answer is the final one */
    struct event *reports; /* CURVE and ENDED; at most one ENDED for each worker */
    size_t reports_recorded, report_count, report_capacity;
    bool was_finished;     /* before this start: its journal stays as it is */
    struct handed *handed; /* by trial id */
    size_t handed_size;
    uint64_t now_ms, synced_ms, clock_ms, beaten_ms; /* beaten: last update of the lock */
    uint64_t answer_until_ms; /* when an interrupted run's answer goes without a fit */
    uint64_t deadline_ms;     /* when it drains without a signal; 0: never */
    uint64_t drained_ms;      /* latest end of the current drain; 0: no drain */
    char drain_reason[64];    /* "SIGUSR1" */
};

/* The campaign's wall time, for display: nothing else may depend on it. */
static double wall_s(const struct coordinator *c)
{
    double since_s = c->now_ms > c->clock_ms ? (double)(c->now_ms - c->clock_ms) / 1000 : 0;
    return campaign_wall_s(c->run.campaign) + since_s;
}

static int record_clock(struct coordinator *c, uint64_t now_ms, struct lr_error *err)
{
    struct event event = {.kind = EVENT_CLOCK};
    if (c->busy || c->was_finished)
        return 0;
    event.as.clock.wall_s = (double)(now_ms - c->clock_ms) / 1000.0;
    c->clock_ms = now_ms;
    return open_run_record(&c->run, &event, err);
}

static int add_report(struct coordinator *c, const struct event *event, struct lr_error *err)
{
    void *larger = lr_grow(c->reports, c->report_count, &c->report_capacity, sizeof(*c->reports));
    if (!larger)
        return lr_nomem(err);
    c->reports = larger;
    c->reports[c->report_count++] = *event;
    return 0;
}

/* ---- callbacks of the scheduler ---- */

static int on_started(void *context, uint32_t id, uint32_t attempt,
                      const struct group_members *members, const struct msg_hello *hello,
                      struct lr_error *err)
{
    struct coordinator *c = context;
    struct event event = {.kind = EVENT_STARTED};
    assert(!c->busy); /* the scheduler is held then */
    event.as.started.trial_id = id;
    event.as.started.attempt = attempt;
    event.as.started.rank = (uint32_t)members->ranks[0];
    if (members->size > 1)
        group_members_text(event.as.started.members, members);
    event.as.started.at_s = wall_s(c);
    snprintf(event.as.started.host, sizeof(event.as.started.host), "%s", hello->host);
    snprintf(event.as.started.cpu, sizeof(event.as.started.cpu), "%s", hello->cpu);
    lr_log(LR_LOG_DEBUG, "trial %u, attempt %u: given to rank %d on %s, group of %d", id, attempt,
           members->ranks[0], hello->host, members->size);
    return open_run_record(&c->run, &event, err);
}

static int on_grown(void *context, uint32_t id, uint32_t attempt,
                    const struct group_members *members, struct lr_error *err)
{
    struct coordinator *c = context;
    struct event event = {.kind = EVENT_GROUP};
    event.as.group.trial_id = id;
    event.as.group.attempt = attempt;
    event.as.group.at_s = wall_s(c);
    group_members_text(event.as.group.members, members);
    return add_report(c, &event, err);
}

static int on_progress(void *context, const struct msg_progress *progress, int rank,
                       struct lr_error *err)
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
    return add_report(c, &event, err);
}

/* Pause before a retry, because many causes are short-lived: 1, 2, 4, ... up to 60 s. */
static uint64_t retry_pause_ms(uint32_t failures)
{
    return failures < 6 ? (uint64_t)1000 << failures : 60000;
}

static int on_ended(void *context, uint32_t id, uint32_t attempt, const struct trial_result *result,
                    const struct sched_use *use, struct lr_error *err)
{
    struct coordinator *c = context;
    struct event event = {.kind = EVENT_ENDED};
    assert(id < c->handed_size);
    event.as.ended.trial_id = id;
    event.as.ended.attempt = attempt;
    event.as.ended.at_s = wall_s(c);
    event.as.ended.ranks = use->ranks;
    event.as.ended.rank_s = use->rank_s;
    event.as.ended.result = *result;
    if (result->outcome == OUTCOME_FAILED)
        c->handed[id].not_before_ms =
            c->now_ms + retry_pause_ms(campaign_trial(c->run.campaign, id)->failures);
    if (result->outcome == OUTCOME_FAILED || result->outcome == OUTCOME_LOST)
        lr_log(LR_LOG_WARNING, "trial %u, attempt %u: %s: %s", id, attempt,
               outcome_name(result->outcome), result->message);
    else
        lr_log(LR_LOG_DEBUG, "trial %u, attempt %u: %s, loss %.6g", id, attempt,
               outcome_name(result->outcome), result->val_loss);
    return add_report(c, &event, err);
}

static int on_news(void *context, int rank, const struct msg_hello *hello, enum sched_news news,
                   const char *why, struct lr_error *err)
{
    struct coordinator *c = context;
    struct event event = {.kind = EVENT_WORKER};
    event.as.worker.rank = (uint32_t)rank;
    event.as.worker.news = (uint32_t)news;
    event.as.worker.at_s = wall_s(c);
    snprintf(event.as.worker.why, sizeof(event.as.worker.why), "%s", why);
    if (hello)
        snprintf(event.as.worker.host, sizeof(event.as.worker.host), "%s", hello->host);
    return c->was_finished ? 0 : add_report(c, &event, err);
}

/* Fills an assignment that is about to start. */
static int on_describe(void *context, uint32_t id, uint32_t attempt, struct msg_assign *job,
                       struct lr_error *err)
{
    struct coordinator *c = context;
    const struct trial *trial = campaign_trial(c->run.campaign, id);
    struct trial_place *place = &job->place;
    (void)err;
    job->spec = trial->spec;
    for (size_t i = 0; i < c->run.data_count; i++)
        if (c->run.data[i].data_hash == job->spec.data_hash)
            memcpy(place->data_path, c->run.data[i].data_path, sizeof(place->data_path));
    place->threads = c->setup->plan->trainer.threads_per_worker;
    place->silence_s = c->setup->plan->limits.silence_s;
    place->checkpoint_every_s = c->setup->plan->limits.checkpoint_every_s;
    if (c->run.checkpoint_dir[0])
        run_dir_checkpoint(place->checkpoint, c->run.checkpoint_dir, trial);
    if (c->run.output_dir[0])
        run_dir_output_file(place->output, c->run.output_dir, id, attempt);
    if (campaign_opening(c->run.campaign)->shares_wsd_prefix && trial->purpose == PURPOSE_SEARCH)
        memcpy(place->wsd_prefix_dir, c->run.checkpoint_dir, sizeof(place->wsd_prefix_dir));
    place->wsd_prefix_tokens = trial->wsd_prefix_tokens;
    return 0;
}

/* ---- acting on the campaign's state ---- */

/* Grows handed[] to trials up to this id. */
static int reserve_handed(struct coordinator *c, size_t last_id, struct lr_error *err)
{
    if (last_id < c->handed_size)
        return 0;
    struct handed *larger = lr_realloc(c->handed, (last_id + 1) * sizeof(*larger));
    if (!larger)
        return lr_nomem(err);
    memset(larger + c->handed_size, 0, (last_id + 1 - c->handed_size) * sizeof(*larger));
    c->handed = larger;
    c->handed_size = last_id + 1;
    return 0;
}

static int hand_over(struct coordinator *c, const struct trial *trial, struct lr_error *err)
{
    struct sched_job job = {.id = trial->id, .attempt = trial->attempt + 1};
    assert(trial->id < c->handed_size);
    /* The journal's rank may be from a start with more ranks or without MPI. */
    uint32_t ranks = (uint32_t)c->setup->transport->size;
    job.avoid = trial->failures > 0 && trial->rank < ranks ? (int)trial->rank : 0;
    job.cost = sched_cost_of(&trial->spec, trial->wsd_prefix_tokens);
    if (trial->failures > 1) /* a group fails with any of its members: the last tries are alone */
        job.cost.slices = 1;
    int rc = sched_enqueue(c->sched, &job, err);
    if (!rc)
        c->handed[trial->id].attempt = job.attempt;
    return rc;
}

/* Queues waiting trials with the scheduler, or withdraws them when the time is used up. *taken: at
 * least one result was taken over instead. */
static int hand_over_waiting(struct coordinator *c, bool *taken, struct lr_error *err)
{
    int rc;
    *taken = false;
    if ((rc = reserve_handed(c, campaign_trial_count(c->run.campaign), err)))
        return rc;
    for (uint32_t id = 0; (id = campaign_next_waiting(c->run.campaign, id)) > 0;) {
        const struct trial *trial = campaign_trial(c->run.campaign, id);
        bool handed = c->handed[id].attempt == trial->attempt + 1;
        if (!campaign_may_start(c->run.campaign, id)) {
            if (handed)
                sched_withdraw(c->sched, id);
            c->handed[id].attempt = 0;
            continue;
        }
        if (handed || c->now_ms < c->handed[id].not_before_ms)
            continue;
        const struct fork_trial *known = c->run.fork ? fork_find(c->run.fork, &trial->spec) : NULL;
        *taken = *taken || known;
        if ((rc = known ? open_run_take_over(&c->run, trial, known, wall_s(c), err)
                        : hand_over(c, trial, err)))
            return rc;
    }
    return 0;
}

/* ---- jobs ---- */

static bool is_interrupted(void *context)
{
    const struct coordinator *c = context;
    return c->setup->loop->interrupted && c->setup->loop->interrupted();
}

static void begin_job(struct coordinator *c, void (*run)(void *context),
                      int (*done)(void *context, uint64_t now_ms, struct lr_error *err))
{
    const struct loop_job job = {c, run, done};
    c->busy = true;
    sched_hold(c->sched, true);
    c->setup->loop->work(&job);
}

static void end_job(struct coordinator *c)
{
    c->busy = false;
    sched_hold(c->sched, false);
}

static void decide(void *context)
{
    struct coordinator *c = context;
    const struct interrupt interrupt = {is_interrupted, c};
    memset(&c->job_err, 0, sizeof(c->job_err));
    c->next_recorded = 0;
    c->job_rc = campaign_next(c->run.campaign, &interrupt, &c->next, &c->job_err);
}

/* Records `most` more events of the decision, or what is left of them. */
static int record_next(struct coordinator *c, size_t most, struct lr_error *err)
{
    int rc;
    for (; most > 0 && c->next_recorded < c->next.count; most--, c->next_recorded++)
        if ((rc = open_run_record(&c->run, &c->next.events[c->next_recorded], err)))
            return rc;
    return 0;
}

/* Records the events of a decision; if there are none, queues trials. *more: there may be more. */
static int settle(struct coordinator *c, bool *more, struct lr_error *err)
{
    int rc;
    *more = false;
    if (c->job_rc == LR_ECANCELED) /* the loop ends; the next start repeats the decision */
        return 0;
    if (c->job_rc) {
        *err = c->job_err;
        return c->job_rc;
    }
    if ((rc = record_next(c, SIZE_MAX, err)))
        return rc;
    *more = c->next.count > 0;
    if (c->next.count == 0 && (rc = hand_over_waiting(c, more, err)))
        return rc;
    return *more ? journal_sync(c->run.journal, err) : 0;
}

static int decided(void *context, uint64_t now_ms, struct lr_error *err);

static bool next_is_job(const struct coordinator *c)
{
    return c->setup->loop->work && campaign_next_is_long(c->run.campaign, &c->next);
}

/* A decision holds the scheduler: what waits begins before it on the workers that are free, else
 * they would wait for as long as results keep coming in during decisions. Where nothing waits no
 * group may take the free workers in: the decision may have a trial for them. */
static int begin_waiting(struct coordinator *c, struct lr_error *err)
{
    bool taken;
    int rc = hand_over_waiting(c, &taken, err);
    if (rc || sched_counts(c->sched).queued == 0)
        return rc;
    return sched_tick(c->sched, c->now_ms, err);
}

/* Records the events that follow from the state and queues trials, until there are no more or a
 * decision is in flight. */
static int advance(struct coordinator *c, struct lr_error *err)
{
    bool more = true;
    int rc;
    while (more && !c->busy) {
        if (next_is_job(c)) {
            if ((rc = begin_waiting(c, err)))
                return rc;
            begin_job(c, decide, decided);
            return 0;
        }
        decide(c);
        if ((rc = settle(c, &more, err)))
            return rc;
    }
    return 0;
}

static int record_reports(struct coordinator *c, struct lr_error *err)
{
    int rc = 0;
    while (c->reports_recorded < c->report_count && !rc)
        rc = open_run_record(&c->run, &c->reports[c->reports_recorded++], err);
    return rc;
}

/* Records what workers have reported; results become durable. */
static int take_reports(struct coordinator *c, struct lr_error *err)
{
    int rc = record_reports(c, err);
    bool results = false;
    for (size_t i = 0; i < c->report_count; i++)
        results = results || c->reports[i].kind == EVENT_ENDED;
    /* A worker is free: update the clock before the next decision about time. */
    if (!rc && results && c->setup->plan->budget.wall_s > 0)
        rc = record_clock(c, c->now_ms, err);
    if (!rc && results)
        rc = journal_sync(c->run.journal, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < c->report_count; i++)
        if (c->reports[i].kind == EVENT_ENDED)
            open_run_remove_checkpoint(&c->run, c->reports[i].as.ended.trial_id);
    c->report_count = c->reports_recorded = 0;
    return 0;
}

static void do_nothing(void *context)
{
    (void)context;
}

/* The decision's events, in portions between which the loop turns. What workers reported meanwhile
 * follows with the next tick. A decision that ends in a drain is dropped, unless it is recorded in
 * part: the next start makes it again. */
static int decided(void *context, uint64_t now_ms, struct lr_error *err)
{
    int rc;
    struct coordinator *c = context;
    bool more;
    c->now_ms = now_ms;
    end_job(c);
    if (c->job_rc == 0 && !c->drained_ms && c->next.count - c->next_recorded > RECORDS_A_TURN) {
        rc = record_next(c, RECORDS_A_TURN, err);
        begin_job(c, do_nothing, decided);
        return rc;
    }
    return !c->drained_ms || c->next_recorded > 0 ? settle(c, &more, err) : 0;
}

static void fit_answer(void *context)
{
    struct coordinator *c = context;
    const struct interrupt interrupt = {is_interrupted, c};
    memset(&c->job_err, 0, sizeof(c->job_err));
    c->job_rc = campaign_answer_until(c->run.campaign, &interrupt, c->answer, &c->job_err);
}

static int fitted(void *context, uint64_t now_ms, struct lr_error *err)
{
    struct coordinator *c = context;
    c->now_ms = now_ms;
    end_job(c);
    c->answered = c->job_rc == 0;
    if (c->answered || c->job_rc == LR_ECANCELED) /* canceled: the next tick ends the drain */
        return 0;
    *err = c->job_err;
    return c->job_rc;
}

/* ---- the loop ---- */

static int on_message(void *context, int peer, const struct message *message, uint64_t now_ms,
                      struct lr_error *err)
{
    struct coordinator *c = context;
    c->now_ms = now_ms;
    return sched_message(c->sched, peer, message, now_ms, err);
}

/* Starts no new trials; running ones get grace_s to write their checkpoint. */
static void drain(struct coordinator *c, const char *reason)
{
    struct sched_counts counts = sched_counts(c->sched);
    uint64_t grace_ms = (uint64_t)(c->setup->grace_s * 1000);
    snprintf(c->drain_reason, sizeof(c->drain_reason), "%s", reason);
    c->drained_ms = c->now_ms + (grace_ms > 0 ? grace_ms : 1);
    lr_log(LR_LOG_INFO,
           "%s: no new trainings; %u that run may write their checkpoint, %.0f s at most", reason,
           counts.running, c->setup->grace_s);
    sched_drain(c->sched);
}

static int fail_interrupted(const char *reason, struct lr_error *err)
{
    return lr_fail(err, LR_ECANCELED, "interrupted by %s; run the same command again to go on",
                   reason);
}

/* Continues the campaign or its drain; LR_ECANCELED when the drain is over. */
static int go_on(struct coordinator *c, struct lr_error *err)
{
    if (!c->drained_ms && c->deadline_ms && c->now_ms >= c->deadline_ms)
        drain(c, "the job's time limit");
    if (!c->drained_ms)
        return campaign_finished(c->run.campaign) ? 0 : advance(c, err);
    if (sched_counts(c->sched).running == 0 || c->now_ms >= c->drained_ms)
        return fail_interrupted(c->drain_reason, err);
    return 0;
}

static int on_tick(void *context, uint64_t now_ms, bool *done, struct lr_error *err)
{
    int rc;
    struct coordinator *c = context;
    c->now_ms = now_ms;
    if (now_ms - c->beaten_ms >= CLOCK_EVERY_MS) {
        c->beaten_ms = now_ms;
        if ((rc = open_run_beat(&c->run, err)) || (rc = record_clock(c, now_ms, err)))
            return rc;
    }
    if ((!c->busy && (rc = take_reports(c, err))) || (rc = go_on(c, err)))
        return rc;
    if (campaign_finished(c->run.campaign) && !c->busy) {
        *done = c->answered || !c->setup->loop->work;
        if (*done)
            return 0;
        begin_job(c, fit_answer, fitted);
    }
    if ((rc = sched_tick(c->sched, now_ms, err)))
        return rc;
    if (now_ms - c->synced_ms >= SYNC_EVERY_MS) {
        c->synced_ms = now_ms;
        if ((rc = journal_sync(c->run.journal, err)))
            return rc;
    }
    if (c->setup->watch.tick) {
        struct sched_counts counts = sched_counts(c->sched);
        c->setup->watch.tick(c->setup->watch.context, c->run.campaign, &counts, now_ms);
    }
    return 0;
}

/* SIGUSR1 and SIGUSR2 leave time to write checkpoints. SIGTERM may leave one second only, so the
 * run ends at once; the journal has everything. */
static int on_signal(void *context, int signal_number, uint64_t now_ms, struct lr_error *err)
{
    struct coordinator *c = context;
    c->now_ms = now_ms;
    if (signal_number == SIGINT || signal_number == SIGTERM)
        return fail_interrupted(signal_number == SIGINT ? "SIGINT" : "SIGTERM", err);
    if (!c->drained_ms)
        drain(c, signal_number == SIGUSR1 ? "SIGUSR1" : "SIGUSR2");
    return 0;
}

/* Converts end_time to the coordinator's clock, less the time that a drain takes. */
static void set_deadline(struct coordinator *c)
{
    double left_s = difftime(c->setup->end_time, time(NULL)) - c->setup->grace_s;
    if (c->setup->end_time > 0 && left_s < FOREVER_S)
        c->deadline_ms = c->now_ms + (left_s > 0 ? (uint64_t)(left_s * 1000) : 0) + 1;
}

/* What the scheduler's cost model has learned, for the report. */
static int record_steps(struct coordinator *c, struct lr_error *err)
{
    int rc = 0;
    const struct width_model *model = c->sched ? sched_model(c->sched) : NULL;
    for (int i = 0; model && !c->was_finished && i < WIDTHS && !rc; i++) {
        struct event event = {.kind = EVENT_STEPS};
        event.as.steps.ranks = 1u << i;
        event.as.steps.samples = model->samples[i];
        event.as.steps.ratio = model->ratio[i];
        rc = model->samples[i] > 0 ? open_run_record(&c->run, &event, err) : 0;
    }
    return rc;
}

static int run_until_finished(struct coordinator *c, struct lr_error *err)
{
    int rc;
    const struct plan *plan = c->setup->plan;
    struct sched_limits limits = {
        .silence_ms = (uint64_t)(plan->limits.silence_s * 1000.0),
        .trial_time_ms = (uint64_t)(plan->limits.trial_time_s * 1000.0),
        .ranks_per_trial = plan->trainer.ranks_per_trial,
        .threads = plan->trainer.threads_per_worker,
    };
    struct sched_owner owner = {c,           on_describe, on_started, on_grown,
                                on_progress, on_ended,    on_news};
    struct loop_handler handler = {c, on_message, on_tick, on_signal};
    struct msg_hello self = peer_self();
    c->now_ms = c->clock_ms = c->synced_ms = c->beaten_ms = c->setup->loop->now_ms();
    if ((rc = sched_create(&c->sched, c->setup->transport, &self, &limits, &owner, c->clock_ms,
                           err)))
        return rc;
    set_deadline(c);
    rc = c->setup->loop->run(c->setup->transport, &handler, err);
    end_job(c); /* one that the end of the loop cut short */
    return rc;
}

/* ---- the end ---- */

/* After an interrupt the fits have ANSWER_MS; `lrsearch report` computes them later. */
static bool answer_is_late(void *context)
{
    const struct coordinator *c = context;
    return c->setup->loop->now_ms() >= c->answer_until_ms;
}

static int make_answer(struct coordinator *c, bool in_time, struct lr_error *err)
{
    int rc;
    const struct interrupt late = {answer_is_late, c};
    c->answer_until_ms = c->setup->loop->now_ms() + ANSWER_MS;
    if (!c->answered &&
        (rc = campaign_answer_until(c->run.campaign, in_time ? &late : NULL, c->answer, err)))
        return rc;
    if (c->setup->compare)
        c->setup->compare(c->setup->baseline_context, c->run.campaign, c->answer);
    return 0;
}

/* Sends to every worker while there is no scheduler. */
static void tell_everyone(struct transport *transport, const struct message *message)
{
    for (int rank = 1; rank < transport->size; rank++)
        transport->ops->send(transport, rank, message, NULL);
}

/* Announces the coordinator before it prepares the data, which may take longer than workers wait
 * for a message. */
static void greet(struct transport *transport)
{
    struct message greeting = {.tag = MSG_PING};
    greeting.as.ping.from = peer_self();
    tell_everyone(transport, &greeting);
}

static void stop_workers(struct coordinator *c, bool *workers_lost)
{
    if (!c->sched) {
        tell_everyone(c->setup->transport, &(struct message){.tag = MSG_STOP});
        return;
    }
    struct sched_counts counts = sched_counts(c->sched);
    sched_stop_workers(c->sched);
    *workers_lost = counts.workers_lost + counts.workers_silent > 0;
    if (counts.stale_messages + counts.bad_messages > 0)
        lr_log(LR_LOG_INFO, "%llu late or doubled messages were dropped, %llu invalid ones",
               (unsigned long long)counts.stale_messages, (unsigned long long)counts.bad_messages);
}

/* From opening the run to its last event. */
static int run_campaign(struct coordinator *c, struct lr_error *err)
{
    int rc;
    struct lr_error ignored = {0};
    char *resolved = plan_to_json(c->setup->plan);
    if (!resolved)
        return lr_nomem(err);
    if (c->setup->find_baseline && (rc = c->setup->find_baseline(c->setup->baseline_context, err)))
        goto out;
    if ((rc = open_run_begin(&c->run, resolved, err)))
        goto out;
    c->was_finished = campaign_finished(c->run.campaign);
    rc = run_until_finished(c, err);
    if (rc == LR_EFAILURES)
        open_run_show_output(&c->run);
    if (rc != LR_ENOSPC && rc != LR_EIO) {
        if (c->next_recorded > 0) /* in part: reports may not come between */
            record_next(c, SIZE_MAX, &ignored);
        record_reports(c, &ignored);
        record_clock(c, c->setup->loop->now_ms(), &ignored);
        record_steps(c, &ignored);
    }
    if (!c->run.locked_out)
        journal_sync(c->run.journal, &ignored);
out:
    lr_free(resolved);
    return rc;
}

int coordinator_run(const struct coordinator_setup *setup, struct answer *answer,
                    bool *workers_lost, struct lr_error *err)
{
    struct coordinator coordinator = {.setup = setup, .run.setup = setup, .answer = answer};
    struct coordinator *c = &coordinator;
    struct lr_error ignored = {0};
    *workers_lost = false;
    memset(answer, 0, sizeof(*answer));
    greet(setup->transport);
    int rc = run_campaign(c, err);
    bool known = open_run_has_campaign(&c->run) && rc != LR_EPLAN && rc != LR_ECREATE;
    bool in_time = rc == LR_ECANCELED;
    if (known && in_time && campaign_finished(c->run.campaign) && !c->answered) {
        memset(answer, 0, sizeof(*answer)); /* a signal has ended its fit; the next start fits it */
    } else if (known && !c->run.locked_out) {
        struct lr_error *why = rc ? &ignored : err;
        int written = make_answer(c, in_time, why);
        if (!written)
            written = open_run_write(&c->run, c->answer, why);
        if (!rc)
            rc = written;
    }
    stop_workers(c, workers_lost);
    sched_destroy(c->sched);
    next_events_release(&c->next);
    lr_free(c->reports);
    open_run_close(&c->run);
    lr_free(c->handed);
    return rc;
}
