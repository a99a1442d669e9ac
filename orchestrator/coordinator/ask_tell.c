/* ask_trials() and tell_result(): the coordinator's append -> apply -> act in single calls, without
 * workers. A trial is running from the ask that hands it out to the tell that ends it.
 *
 * Decisions are made when they are needed: the next round by the ask that finds too few trials, the
 * end by the tell of the last trial. So a round is planned from the same results as in a run, and
 * the answer is the same. */
#define _POSIX_C_SOURCE 200809L
#include "coordinator/ask_tell.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "campaign/campaign_answer.h"
#include "campaign/campaign_budget.h"
#include "campaign/campaign_next.h"
#include "coordinator/open_run.h"
#include "lrsearch/memory.h"
#include "net/peer.h"
#include "plan/plan_json.h"
#include "store/run_dir.h"

#define SHORTEST_FINAL .9 /* of the horizon, as for a command */

struct visit { /* one call's stay in RUN_DIR */
    struct open_run run;
    struct next_events next;
    struct timespec beaten; /* last update of the lock */
};

/* ---- lock and clock ---- */

/* For long decisions: keeps the lock fresh, and ends the decision when the lock is lost. */
static bool is_locked_out(void *context)
{
    struct visit *visit = context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double since_s = (double)(now.tv_sec - visit->beaten.tv_sec) +
                     1e-9 * (double)(now.tv_nsec - visit->beaten.tv_nsec);
    if (since_s * 1000 >= RUN_LOCK_BEAT_MS && !visit->run.locked_out) {
        visit->beaten = now;
        open_run_beat(&visit->run, NULL); /* sets locked_out */
    }
    return visit->run.locked_out;
}

/* Adds the time since the last call, if trials were handed out then; not `always`: only if it is
 * long, because an idle caller may ask every second. */
static int record_clock(struct visit *visit, uint64_t now_ms, bool always, struct lr_error *err)
{
    const struct campaign *campaign = visit->run.campaign;
    uint64_t last_ms = campaign_clock_ms(campaign);
    struct event event = {.kind = EVENT_CLOCK};
    event.as.clock.until_ms = now_ms;
    if (!always && now_ms >= last_ms && now_ms - last_ms < RUN_LOCK_BEAT_MS)
        return 0;
    if (campaign_running(campaign) > 0 && last_ms > 0 && now_ms > last_ms)
        event.as.clock.wall_s = (double)(now_ms - last_ms) / 1000;
    return open_run_record(&visit->run, &event, err);
}

static int begin_visit(struct visit *visit, bool asks, bool starts, uint64_t now_ms,
                       struct lr_error *err)
{
    char *resolved = plan_to_json(visit->run.setup->plan);
    if (!resolved)
        return lr_nomem(err);
    clock_gettime(CLOCK_MONOTONIC, &visit->beaten);
    int rc = open_run_join(&visit->run, resolved, starts, err);
    lr_free(resolved);
    if (rc || campaign_finished(visit->run.campaign))
        return rc;
    return record_clock(visit, now_ms, !asks, err);
}

static void end_visit(struct visit *visit)
{
    next_events_release(&visit->next);
    open_run_close(&visit->run);
}

/* ---- decisions ---- */

/* Records what follows from the state, until nothing does. */
static int decide(struct visit *visit, struct lr_error *err)
{
    int rc;
    const struct interrupt interrupt = {is_locked_out, visit};
    do {
        rc = campaign_next(visit->run.campaign, &interrupt, &visit->next, err);
        if (rc == LR_ECANCELED)
            return open_run_beat(&visit->run, err);
        for (size_t i = 0; i < visit->next.count && !rc; i++)
            rc = open_run_record(&visit->run, &visit->next.events[i], err);
    } while (!rc && visit->next.count > 0);
    return rc;
}

/* Fits the answer and writes the files of a campaign that has ended. */
static int finish(struct visit *visit, struct answer **answer, struct lr_error *err)
{
    int rc;
    const struct coordinator_setup *setup = visit->run.setup;
    const struct interrupt interrupt = {is_locked_out, visit};
    struct answer *found = lr_calloc(1, sizeof(*found));
    if (!found)
        return lr_nomem(err);
    if ((rc = journal_sync(visit->run.journal, err)))
        goto out;
    rc = campaign_answer_until(visit->run.campaign, &interrupt, found, err);
    if (visit->run.locked_out)
        rc = open_run_beat(&visit->run, err);
    if (rc)
        goto out;
    if (setup->find_baseline && (rc = setup->find_baseline(setup->baseline_context, err)))
        goto out;
    if (setup->compare)
        setup->compare(setup->baseline_context, visit->run.campaign, found);
    rc = open_run_write(&visit->run, found, err);

out:
    *answer = found;
    if (rc) {
        lr_free(found);
        *answer = NULL;
    }
    return rc;
}

/* ---- ask ---- */

const char *ask_state_name(enum ask_state state)
{
    return state == ASK_OPEN ? "open" : state == ASK_WAITING ? "waiting" : "finished";
}

/* Ends the attempts that were handed out too long ago. */
static int end_lapsed(struct visit *visit, double lapse_s, struct lr_error *err)
{
    const struct campaign *campaign = visit->run.campaign;
    double now_s = campaign_wall_s(campaign);
    size_t count = campaign_trial_count(campaign);
    for (uint32_t id = 1; id <= count; id++) {
        const struct trial *trial = campaign_trial(campaign, id);
        struct event event;
        if (trial->state != TRIAL_RUNNING || now_s - trial->started_s < lapse_s)
            continue;
        campaign_abandon(campaign, id, &event);
        event.as.ended.abandoned = 0; /* as a worker that is lost: counts against the retries */
        snprintf(event.as.ended.result.message, sizeof(event.as.ended.result.message),
                 "handed out %.0f s ago, and no result was told", now_s - trial->started_s);
        int rc = open_run_record(&visit->run, &event, err);
        if (rc)
            return rc;
    }
    return 0;
}

static size_t count_ready(const struct campaign *campaign, size_t most)
{
    size_t count = 0;
    for (uint32_t id = 0; count < most && (id = campaign_next_waiting(campaign, id)) > 0;)
        count += campaign_may_start(campaign, id);
    return count;
}

/* Plans trials if fewer than `wanted` are ready. In async mode the campaign plans for as many
 * workers as its last session has: those that train, and those that ask now. */
static int plan_trials(struct visit *visit, uint32_t wanted, struct lr_error *err)
{
    const struct campaign *campaign = visit->run.campaign;
    if (count_ready(campaign, wanted) >= wanted && campaign_next_is_long(campaign, &visit->next))
        return 0;
    uint32_t ranks = (uint32_t)campaign_running(campaign) + wanted + 1;
    int rc = 0;
    if (campaign_is_async(campaign_plan(campaign)) && ranks > campaign_ranks(campaign))
        rc = open_run_session(&visit->run, ranks, err);
    return rc ? rc : decide(visit, err);
}

/* Takes over what the campaign of setup->fork_from knows. *taken: something was. */
static int take_over_known(struct visit *visit, bool *taken, struct lr_error *err)
{
    struct open_run *run = &visit->run;
    *taken = false;
    for (uint32_t id = 0; run->fork && (id = campaign_next_waiting(run->campaign, id)) > 0;) {
        const struct trial *trial = campaign_trial(run->campaign, id);
        const struct fork_trial *known = fork_find(run->fork, &trial->spec);
        if (!known || !campaign_may_start(run->campaign, id))
            continue;
        *taken = true;
        int rc = open_run_take_over(run, trial, known, campaign_wall_s(run->campaign), err);
        if (rc)
            return rc;
    }
    return 0;
}

static int start_trial(struct visit *visit, const struct trial *trial, struct lr_error *err)
{
    struct event event = {.kind = EVENT_STARTED};
    event.as.started.trial_id = trial->id;
    event.as.started.attempt = trial->attempt + 1;
    event.as.started.rank = 1; /* 0 is for results of another campaign */
    event.as.started.at_s = campaign_wall_s(visit->run.campaign);
    snprintf(event.as.started.host, sizeof(event.as.started.host), "%s", peer_self().host);
    return open_run_record(&visit->run, &event, err);
}

static int hand_out(struct visit *visit, uint32_t wanted, struct ask_reply *reply,
                    struct lr_error *err)
{
    int rc;
    const struct open_run *run = &visit->run;
    size_t ready = count_ready(run->campaign, wanted);
    if (!(reply->trials = lr_calloc(ready + 1, sizeof(*reply->trials))))
        return lr_nomem(err);
    for (uint32_t id = 0; reply->count < ready;) {
        id = campaign_next_waiting(run->campaign, id);
        if (!campaign_may_start(run->campaign, id))
            continue;
        const struct trial *trial = campaign_trial(run->campaign, id);
        if ((rc = start_trial(visit, trial, err)))
            return rc;
        struct asked_trial *asked = &reply->trials[reply->count++];
        asked->trial = *trial;
        if (run->checkpoint_dir[0])
            run_dir_checkpoint(asked->checkpoint, run->checkpoint_dir, trial);
    }
    return journal_sync(run->journal, err);
}

static int ask(struct visit *visit, const struct ask_request *request, struct ask_reply *reply,
               struct lr_error *err)
{
    int rc;
    const struct campaign *campaign = visit->run.campaign;
    if (request->lapses && !campaign_finished(campaign) &&
        (rc = end_lapsed(visit, request->lapse_s, err)))
        return rc;
    for (bool more = true; more && !campaign_finished(campaign);)
        if ((rc = plan_trials(visit, request->count, err)) ||
            (rc = take_over_known(visit, &more, err)))
            return rc;
    if (campaign_finished(campaign)) {
        reply->state = ASK_FINISHED;
        return finish(visit, &reply->answer, err);
    }
    rc = hand_out(visit, request->count, reply, err);
    reply->state = reply->count > 0 ? ASK_OPEN : ASK_WAITING;
    reply->out = campaign_running(campaign);
    return rc;
}

int ask_trials(const struct coordinator_setup *setup, const struct ask_request *request,
               struct ask_reply *reply, struct lr_error *err)
{
    struct visit visit = {.run.setup = setup};
    struct lr_error ignored = {0};
    memset(reply, 0, sizeof(*reply));
    int rc = begin_visit(&visit, true, request->starts, request->now_unix_ms, err);
    if (!rc)
        rc = ask(&visit, request, reply, err);
    if (rc == LR_EFAILURES)
        finish(&visit, &reply->answer, &ignored);
    if (rc)
        reply->count = 0; /* not durable */
    end_visit(&visit);
    return rc;
}

void ask_reply_release(struct ask_reply *reply)
{
    lr_free(reply->trials);
    lr_free(reply->answer);
    memset(reply, 0, sizeof(*reply));
}

/* ---- tell ---- */

static bool same_number(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a >= b && a <= b);
}

/* Whether two results are the same for the search. */
static bool same_result(const struct trial_result *a, const struct trial_result *b)
{
    if (a->outcome != b->outcome)
        return false;
    if (a->outcome == OUTCOME_DONE)
        return same_number(a->val_loss, b->val_loss) &&
               same_number(a->val_loss_se, b->val_loss_se) && a->tokens == b->tokens;
    return a->outcome == OUTCOME_DIVERGED || strcmp(a->message, b->message) == 0;
}

static const char *result_text(char *out, size_t capacity, const struct trial_result *result)
{
    if (result->outcome == OUTCOME_DONE)
        snprintf(out, capacity, "loss %.15g at %" PRIu64 " tokens", result->val_loss,
                 result->tokens);
    else
        snprintf(out, capacity, "%s%s%s", outcome_name(result->outcome),
                 result->message[0] ? ": " : "", result->message);
    return out;
}

static int refuse_other(const struct trial *trial, const struct trial_result *told,
                        struct lr_error *err)
{
    char recorded[320], now[320];
    return lr_fail(err, LR_EDATA,
                   "trial %u: attempt %u has ended already, with %s; what is told now, %s, is "
                   "not recorded",
                   trial->id, trial->attempt,
                   result_text(recorded, sizeof(recorded), &trial->result),
                   result_text(now, sizeof(now), told));
}

static int check_told(const struct campaign *campaign, const struct tell_request *request,
                      struct lr_error *err)
{
    const struct trial *trial = campaign_trial(campaign, request->trial);
    if (!trial)
        return lr_fail(err, LR_EDATA, "trial %u: there is none; the last one is trial %zu",
                       request->trial, campaign_trial_count(campaign));
    if (trial->attempt == 0)
        return lr_fail(err, LR_EDATA, "trial %u: was not handed out; lrsearch ask does that",
                       trial->id);
    if (request->attempt > trial->attempt)
        return lr_fail(err, LR_EDATA,
                       "trial %u: attempt %u was not handed out; the last one is attempt %u",
                       trial->id, request->attempt, trial->attempt);
    uint64_t horizon = trial->spec.horizon_tokens, tokens = request->result.tokens;
    uint64_t batch = trial->spec.batch_tokens > 0 ? trial->spec.batch_tokens : 1;
    if (tokens > (horizon + batch - 1) / batch * batch)
        return lr_fail(err, LR_EDATA,
                       "trial %u: %" PRIu64 " tokens are beyond its horizon of %" PRIu64, trial->id,
                       tokens, horizon);
    if (tokens > 0 && request->result.outcome == OUTCOME_DONE &&
        (double)tokens < SHORTEST_FINAL * (double)horizon)
        return lr_fail(err, LR_EDATA,
                       "trial %u: a loss at %" PRIu64 " tokens is told, and its horizon is %" PRIu64
                       ": train it to the end, or tell --failed",
                       trial->id, tokens, horizon);
    return 0;
}

/* Whether there is nothing to record, because the result is known or came too late to matter. */
static int judge_told(const struct campaign *campaign, const struct trial *trial,
                      const struct trial_result *result, uint32_t attempt, bool *known,
                      struct lr_error *err)
{
    bool fails = result->outcome == OUTCOME_FAILED;
    *known = true;
    if (trial_state_is_over(trial->state) || trial->state == TRIAL_PENDING) /* pending: failed */
        return same_result(&trial->result, result) || (fails && attempt < trial->attempt)
                   ? 0
                   : refuse_other(trial, result, err);
    if (fails && (attempt < trial->attempt || trial->state == TRIAL_LOST))
        return 0; /* another attempt is out, or will be */
    if (campaign_finished(campaign))
        return lr_fail(err, LR_EDATA, "trial %u: the campaign has ended without it", trial->id);
    *known = false;
    return 0;
}

static int record_result(struct visit *visit, const struct trial *trial,
                         const struct tell_request *request, const struct trial_result *result,
                         struct lr_error *err)
{
    int rc;
    struct event event = {.kind = EVENT_ENDED};
    /* Given up meanwhile: the journal has the result as that of another attempt. */
    if (trial->state == TRIAL_LOST && (rc = start_trial(visit, trial, err)))
        return rc;
    for (size_t i = 0; i < request->point_count; i++) {
        struct event point = {.kind = EVENT_CURVE, .as.curve = request->points[i]};
        point.as.curve.trial_id = trial->id;
        point.as.curve.attempt = trial->attempt;
        if ((rc = open_run_record(&visit->run, &point, err)))
            return rc;
    }
    event.as.ended.trial_id = trial->id;
    event.as.ended.attempt = trial->attempt;
    event.as.ended.at_s = campaign_wall_s(visit->run.campaign);
    event.as.ended.ranks = 1;
    event.as.ended.rank_s = result->seconds;
    event.as.ended.result = *result;
    if ((rc = open_run_record(&visit->run, &event, err)))
        return rc;
    if ((rc = journal_sync(visit->run.journal, err)))
        return rc;
    open_run_remove_checkpoint(&visit->run, trial->id);
    return 0;
}

/* Ends the campaign after its last trial, or plans its next round. */
static int decide_after(struct visit *visit, struct tell_reply *reply, struct lr_error *err)
{
    const struct campaign *campaign = visit->run.campaign;
    int rc = campaign_open_trials(campaign) == 0 ? decide(visit, err) : 0;
    if (rc || !campaign_finished(campaign))
        return rc ? rc : journal_sync(visit->run.journal, err);
    reply->state = ASK_FINISHED;
    return finish(visit, &reply->answer, err);
}

static int tell(struct visit *visit, const struct tell_request *request, struct tell_reply *reply,
                struct lr_error *err)
{
    int rc = check_told(visit->run.campaign, request, err);
    if (rc)
        return rc;
    const struct trial *trial = campaign_trial(visit->run.campaign, request->trial);
    struct trial_result result = request->result;
    reply->attempt = request->attempt > 0 ? request->attempt : trial->attempt;
    if (result.tokens == 0 && result.outcome == OUTCOME_DONE)
        result.tokens = trial->spec.horizon_tokens;
    if ((rc = judge_told(visit->run.campaign, trial, &result, reply->attempt, &reply->known, err)))
        return rc;
    if (!reply->known && (rc = record_result(visit, trial, request, &result, err)))
        return rc;
    if (campaign_finished(visit->run.campaign))
        reply->state = ASK_FINISHED;
    else
        decide_after(visit, reply, &reply->after);
    return 0;
}

int tell_result(const struct coordinator_setup *setup, const struct tell_request *request,
                struct tell_reply *reply, struct lr_error *err)
{
    struct visit visit = {.run.setup = setup};
    memset(reply, 0, sizeof(*reply));
    int rc = begin_visit(&visit, false, false, request->now_unix_ms, err);
    if (!rc)
        rc = tell(&visit, request, reply, err);
    end_visit(&visit);
    return rc;
}

void tell_reply_release(struct tell_reply *reply)
{
    lr_free(reply->answer);
    reply->answer = NULL;
}
