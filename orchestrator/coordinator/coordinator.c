/* Drives a campaign. The journal is the truth: an event is appended before it is applied, and
 * applied before anything is done about it. Doing is idempotent: `handed` remembers which attempt
 * of a trial the scheduler already has. */
#define _POSIX_C_SOURCE 200809L
#include "coordinator/coordinator.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "coordinator/coordinator_state.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "net/transports.h"
#include "store/result_json.h"
#include "store/run_dir.h"
#include "plan/plan_json.h"
#include "store/run_tables.h"

#define ANSWER_MS 1000u     /* for the fits of a run that was interrupted */
#define FOREVER_S 1e9       /* later than that is never; in milliseconds it fits 64 bits */
#define SYNC_EVERY_MS 1000u /* loss curves may be lost for so long; results never */
#define CLOCK_EVERY_MS RUN_LOCK_BEAT_MS /* how exactly the wall budget is kept over a kill */

/* When it happened; nothing but a person's eye may depend on it. */
static void stamp(const struct coordinator *c, struct event *event)
{
    double since_s = c->now_ms > c->clock_ms ? (double)(c->now_ms - c->clock_ms) / 1000 : 0;
    double at_s = campaign_wall_s(c->campaign) + since_s;
    if (event->kind == EVENT_STARTED)
        event->as.started.at_s = at_s;
    else if (event->kind == EVENT_ENDED)
        event->as.ended.at_s = at_s;
}

int coordinator_record(struct coordinator *c, const struct event *happened, struct lr_error *err)
{
    struct event stamped = *happened, *event = &stamped;
    stamp(c, event);
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

static int on_started(void *context, uint32_t id, uint32_t attempt, int rank,
                      const struct msg_hello *hello)
{
    struct coordinator *c = context;
    struct event event = {.kind = EVENT_STARTED};
    event.as.started.trial_id = id;
    event.as.started.attempt = attempt;
    event.as.started.rank = (uint32_t)rank;
    snprintf(event.as.started.host, sizeof(event.as.started.host), "%s", hello->host);
    snprintf(event.as.started.cpu, sizeof(event.as.started.cpu), "%s", hello->cpu);
    lr_log(LR_LOG_DEBUG, "trial %u, attempt %u: given to rank %d on %s", id, attempt, rank,
           hello->host);
    return coordinator_record(c, &event, c->err);
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
    return coordinator_record(c, &event, c->err);
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
    else
        lr_log(LR_LOG_DEBUG, "trial %u, attempt %u: %s, loss %.6g", id, attempt,
               outcome_name(result->outcome), result->val_loss);
    return coordinator_record(c, &event, c->err);
}

/* ---- acting on the campaign's state ---- */

/* The result of the same training in the campaign that this one was forked from. */
static int take_over(struct coordinator *c, const struct trial *trial,
                     const struct fork_trial *known, struct lr_error *err)
{
    struct event event = {.kind = EVENT_STARTED};
    event.as.started.trial_id = trial->id;
    event.as.started.attempt = trial->attempt + 1;
    snprintf(event.as.started.host, sizeof(event.as.started.host), "fork");
    memcpy(event.as.started.cpu, known->start.cpu, sizeof(event.as.started.cpu));
    int rc = coordinator_record(c, &event, err);
    for (size_t i = 0; !rc && i < known->point_count; i++) {
        event = (struct event){.kind = EVENT_CURVE};
        event.as.curve = known->points[i];
        event.as.curve.trial_id = trial->id;
        event.as.curve.attempt = trial->attempt;
        rc = coordinator_record(c, &event, err);
    }
    event = (struct event){.kind = EVENT_ENDED};
    event.as.ended.trial_id = trial->id;
    event.as.ended.attempt = trial->attempt;
    event.as.ended.result = known->result;
    event.as.ended.result.seconds = event.as.ended.result.flops = 0; /* paid there, not here */
    event.as.ended.result.begun_tokens = known->result.tokens;
    return rc ? rc : coordinator_record(c, &event, err);
}

static int make_room(struct coordinator *c, size_t count, struct lr_error *err)
{
    if (count + 1 <= c->handed_size)
        return 0;
    struct handed *larger = lr_realloc(c->handed, (count + 1) * sizeof(*larger));
    if (!larger)
        return lr_nomem(err);
    memset(larger + c->handed_size, 0, (count + 1 - c->handed_size) * sizeof(*larger));
    c->handed = larger;
    c->handed_size = count + 1;
    return 0;
}

static int hand_over(struct coordinator *c, const struct trial *trial, struct lr_error *err)
{
    struct msg_assign job = {.trial_id = trial->id, .attempt = trial->attempt + 1};
    struct trial_place *place = &job.place;
    job.spec = trial->spec;
    for (size_t i = 0; i < c->data_count; i++)
        if (c->data[i].data_hash == job.spec.data_hash)
            memcpy(place->data_path, c->data[i].data_path, sizeof(place->data_path));
    place->threads = c->setup->plan->trainer.threads_per_worker;
    place->silence_s = c->setup->plan->limits.silence_s;
    place->checkpoint_every_s = c->setup->plan->limits.checkpoint_every_s;
    if (c->checkpoint_dir[0])
        run_dir_checkpoint(place->checkpoint, c->checkpoint_dir, trial);
    if (c->output_dir[0])
        run_dir_output_file(place->output, c->output_dir, trial->id, job.attempt);
    if (campaign_opening(c->campaign)->shares_wsd_prefix && trial->purpose == PURPOSE_SEARCH)
        memcpy(place->wsd_prefix_dir, c->checkpoint_dir, sizeof(place->wsd_prefix_dir));
    place->wsd_prefix_tokens = trial->wsd_prefix_tokens;
    int avoid =
        trial->failures > 0 && (int)trial->rank < c->setup->transport->size ? (int)trial->rank : 0;
    int rc = sched_enqueue(c->sched, &job, avoid, err);
    if (!rc)
        c->handed[trial->id].attempt = job.attempt;
    return rc;
}

/* Gives what waits to the scheduler, and takes it back when the time is used up; or takes its
 * result over, and then *taken says so. */
static int hand_over_waiting(struct coordinator *c, bool *taken, struct lr_error *err)
{
    size_t count = campaign_trial_count(c->campaign);
    int rc = make_room(c, count, err);
    *taken = false;
    for (uint32_t id = 1; !rc && id <= count; id++) {
        const struct trial *trial = campaign_trial(c->campaign, id);
        bool handed = c->handed[id].attempt == trial->attempt + 1;
        if (!trial_state_is_waiting(trial->state))
            continue;
        if (!campaign_may_start(c->campaign, id)) {
            if (handed)
                sched_withdraw(c->sched, id);
            c->handed[id].attempt = 0;
            continue;
        }
        if (handed || c->now_ms < c->handed[id].not_before_ms)
            continue;
        const struct fork_trial *known = c->fork ? fork_find(c->fork, &trial->spec) : NULL;
        if (known)
            rc = take_over(c, trial, known, err);
        else
            rc = hand_over(c, trial, err);
        *taken = *taken || known;
    }
    return rc;
}

/* Lets the campaign say what comes next, until it has nothing more to say. */
static int advance(struct coordinator *c, struct lr_error *err)
{
    for (;;) {
        const struct event *events;
        size_t count;
        bool taken = false;
        int rc = campaign_next(c->campaign, &events, &count, err);
        if (rc == LR_ECANCELED) { /* a signal waits to be told: the decision is made again later */
            memset(err, 0, sizeof(*err));
            return 0;
        }
        for (size_t i = 0; !rc && i < count; i++)
            rc = coordinator_record(c, &events[i], err);
        if (!rc && count == 0)
            rc = hand_over_waiting(c, &taken, err);
        if (rc || (count == 0 && !taken))
            return rc;
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
    return coordinator_record(c, &event, err);
}

/* ---- the loop ---- */

static int on_message(void *context, int peer, const struct message *message, uint64_t now_ms,
                      struct lr_error *err)
{
    struct coordinator *c = context;
    c->err = err;
    c->now_ms = now_ms;
    int rc = sched_message(c->sched, peer, message, now_ms, err);
    if (rc || message->tag != MSG_RESULT)
        return rc;
    if (c->setup->plan->budget.wall_s > 0) /* a worker is free: is there time for another trial? */
        rc = record_clock(c, now_ms, err);
    if (!rc && !c->drained_ms)
        rc = advance(c, err);
    if (!rc)
        rc = journal_sync(c->journal, err);
    /* Only now is the result safe. */
    const struct trial *trial = campaign_trial(c->campaign, message->as.result.trial_id);
    if (!rc && trial && trial_state_is_over(trial->state) && c->checkpoint_dir[0])
        run_dir_remove_checkpoint(c->checkpoint_dir, trial);
    return rc;
}

/* No new trials; those that run write their checkpoint, as long as there is time. */
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

static int interrupted(const char *reason, struct lr_error *err)
{
    return lr_fail(err, LR_ECANCELED, "interrupted by %s; run the same command again to go on",
                   reason);
}

/* Whether the campaign goes on, drains, or is over. */
static int take_stock(struct coordinator *c, struct lr_error *err)
{
    if (!c->drained_ms && c->deadline_ms && c->now_ms >= c->deadline_ms)
        drain(c, "the job's time limit");
    if (c->drained_ms)
        return sched_counts(c->sched).running == 0 || c->now_ms >= c->drained_ms
                   ? interrupted(c->drain_reason, err)
                   : 0;
    int rc = advance(c, err);
    return rc ? rc : campaign_finished(c->campaign);
}

static int on_tick(void *context, uint64_t now_ms, struct lr_error *err)
{
    struct coordinator *c = context;
    int rc = 0;
    c->err = err;
    c->now_ms = now_ms;
    if (now_ms - c->beaten_ms >= CLOCK_EVERY_MS) {
        c->beaten_ms = now_ms;
        rc = coordinator_beat(c, err);
        rc = rc ? rc : record_clock(c, now_ms, err);
    }
    if (!rc)
        rc = take_stock(c, err);
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

/* SIGUSR1 and SIGUSR2 come early enough to write checkpoints; after SIGTERM a second may be all
 * that is left, and the journal has everything. */
static int on_signal(void *context, int signal_number, uint64_t now_ms, struct lr_error *err)
{
    struct coordinator *c = context;
    c->now_ms = now_ms;
    if (signal_number == SIGINT || signal_number == SIGTERM)
        return interrupted(signal_number == SIGINT ? "SIGINT" : "SIGTERM", err);
    if (!c->drained_ms)
        drain(c, signal_number == SIGUSR1 ? "SIGUSR1" : "SIGUSR2");
    return 0;
}

static bool is_signaled(void *context)
{
    const struct coordinator *c = context;
    return c->setup->loop->signaled && c->setup->loop->signaled();
}

/* ---- the end ---- */

/* Whoever interrupted us is not kept waiting by fits; `lrsearch report` makes up for them. */
static bool answer_is_late(void *context)
{
    const struct coordinator *c = context;
    return c->setup->loop->now_ms() >= c->answer_until_ms;
}

static int write_files(struct coordinator *c, bool is_interrupted, struct answer *answer,
                       struct lr_error *err)
{
    const char *run_dir = c->setup->run_dir;
    size_t count = campaign_trial_count(c->campaign);
    const struct trial **trials = lr_calloc(count + 1, sizeof(struct trial *));
    if (!trials)
        return lr_nomem(err);
    bool over = campaign_finished(c->campaign);
    for (uint32_t id = 1; id <= count; id++) {
        trials[id - 1] = campaign_trial(c->campaign, id);
        over = over && trial_state_is_over(trials[id - 1]->state); /* not left for more time */
    }
    /* First, and also of a run that was ended before it came so far: on a full disk it makes room.
     */
    if (over)
        run_dir_remove_checkpoints(run_dir);
    bool late = is_interrupted && !campaign_finished(c->campaign);
    c->answer_until_ms = c->setup->loop->now_ms() + ANSWER_MS;
    campaign_interruptible(c->campaign, late ? answer_is_late : NULL, c);
    int rc = campaign_answer(c->campaign, answer, err);
    campaign_interruptible(c->campaign, NULL, NULL);
    if (!rc && c->setup->compare)
        c->setup->compare(c->setup->baseline_context, c->campaign, answer);
    if (!rc)
        rc = result_json_write(run_dir, c->setup->plan->name, answer, err);
    if (!rc)
        rc = trials_csv_write(run_dir, trials, count, err);
    if (!rc)
        rc = cells_csv_write(run_dir, answer, err);
    if (!rc)
        rc = curves_csv_write(run_dir, trials, count, err);
    if (!rc)
        rc = faults_csv_write(run_dir, count, err);
    if (!rc && c->setup->draw)
        c->setup->draw(run_dir, answer, trials, count);
    lr_free(trials);
    return rc;
}

/* SLURM_JOB_END_TIME on the coordinator's own clock, less the time that a drain takes. */
static void set_deadline(struct coordinator *c)
{
    double left_s = difftime(c->setup->end_time, time(NULL)) - c->setup->grace_s;
    if (c->setup->end_time > 0 && left_s < FOREVER_S)
        c->deadline_ms = c->now_ms + (left_s > 0 ? (uint64_t)(left_s * 1000) : 0) + 1;
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
    c->now_ms = c->clock_ms = c->synced_ms = c->beaten_ms = c->setup->loop->now_ms();
    struct msg_hello self = transport_hello();
    int rc = sched_create(&c->sched, c->setup->transport, &self, &limits, &owner, c->clock_ms, err);
    set_deadline(c);
    campaign_interruptible(c->campaign, is_signaled, c);
    if (!rc)
        rc = take_stock(c, err);
    if (!rc)
        rc = c->setup->loop->run(c->setup->transport, &handler, err);
    return rc > 0 ? 0 : rc; /* 1: finished already */
}

/* Before there is a scheduler, nobody else knows that workers wait. */
static void tell_everyone(struct transport *transport, const struct message *message)
{
    for (int rank = 1; rank < transport->size; rank++)
        transport->ops->send(transport, rank, message, NULL);
}

/* Who coordinates, before that prepares the data: without a word workers take it for dead. */
static void greet(struct transport *transport)
{
    struct message greeting = {.tag = MSG_PING};
    greeting.as.ping.from = transport_hello();
    tell_everyone(transport, &greeting);
}

static void close_all(struct coordinator *c)
{
    sched_destroy(c->sched);
    journal_close(c->journal);
    run_lock_release(c->lock);
    campaign_destroy(c->campaign);
    fork_close(c->fork);
    lr_free(c->data);
    lr_free(c->handed);
}

int coordinator_run(const struct coordinator_setup *setup, struct answer *answer,
                    bool *workers_lost, struct lr_error *err)
{
    struct coordinator coordinator = {.setup = setup};
    struct coordinator *c = &coordinator;
    char *resolved = plan_to_json(setup->plan);
    struct lr_error late = {0};
    *workers_lost = false;
    memset(answer, 0, sizeof(*answer));
    greet(setup->transport);
    int rc = resolved ? 0 : lr_nomem(err);
    if (!rc && setup->find_baseline)
        rc = setup->find_baseline(setup->baseline_context, err);
    if (!rc)
        rc = coordinator_begin(c, resolved, err);
    bool readable = c->journal && campaign_opening(c->campaign)->name[0];
    if (!rc && !campaign_finished(c->campaign)) {
        rc = train(c, err);
        if (rc != LR_ENOSPC && rc != LR_EIO)
            record_clock(c, setup->loop->now_ms(), &late);
        if (!c->locked_out)
            journal_sync(c->journal, &late);
    }
    if (readable && !c->locked_out && rc != LR_EPLAN && rc != LR_ECREATE &&
        write_files(c, rc == LR_ECANCELED, answer, &late) && !rc)
        rc = lr_fail(err, late.code, "%s", late.text);
    if (c->sched) {
        struct sched_counts counts = sched_counts(c->sched);
        sched_stop_workers(c->sched);
        *workers_lost = counts.workers_lost > 0;
        if (counts.stale_messages + counts.bad_messages > 0)
            lr_log(
                LR_LOG_INFO, "%llu late or doubled messages were dropped, %llu that made no sense",
                (unsigned long long)counts.stale_messages, (unsigned long long)counts.bad_messages);
    } else {
        tell_everyone(setup->transport, &(struct message){.tag = MSG_STOP});
    }
    close_all(c);
    lr_free(resolved);
    return rc;
}
