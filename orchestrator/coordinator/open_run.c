/* A new campaign's journal begins with CAMPAIGN, DATA for each cell with other data, and SESSION; a
 * fork's gets its name only when it holds the first round too, because the next start may be one
 * without --fork, which could not find the rest of that round. Each later start adds SESSION, and
 * ENDED for each trial that was running. */
#define _POSIX_C_SOURCE 200809L
#include "coordinator/open_run.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include "campaign/campaign_apply.h"
#include "campaign/campaign_next.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/version.h"
#include "net/peer.h"
#include "plan/plan_diff.h"
#include "plan/plan_json.h"
#include "store/provenance.h"
#include "store/result_json.h"
#include "store/run_dir.h"
#include "store/run_tables.h"

#define JOURNAL_PATH (TRIAL_PATH + 32)

enum {
    FIRST_FAILURES = 3, /* one may be bad luck, two too; a campaign would bear ten */
    HEAD_LINES = 2,     /* of an output file: how the attempt ended */
    LINES_SHOWN = 10,   /* of the output, with so many bytes each */
    LINE_SHOWN = 200,
};

static int apply_replayed(void *context, const struct event *event, struct lr_error *err)
{
    struct campaign *campaign = context;
    return campaign_apply(campaign, event, err);
}

int open_run_record(struct open_run *run, const struct event *event, struct lr_error *err)
{
    int rc;
    const struct coordinator_watch *watch = &run->setup->watch;
    if ((rc = campaign_check(run->campaign, event, err))) /* an invalid event stays out of it */
        return rc;
    if ((rc = journal_append(run->journal, event, err)))
        return rc;
    if ((rc = campaign_apply(run->campaign, event, err)))
        return rc;
    if (watch->event)
        watch->event(watch->context, run->campaign, event);
    return 0;
}

/* A campaign continues only with the plan that it began with. */
static int check_same_plan(const char *run_dir, const char *resolved, struct lr_error *err)
{
    char *old = NULL;
    char differences[512];
    int rc = run_dir_read(run_dir, "plan.resolved.json", &old, err);
    if (rc || !old)
        return rc;
    if (plan_json_check_version(old, err)) {
        lr_prefix(err, "%s/plan.resolved.json", run_dir);
        lr_free(old);
        return LR_EPLAN; /* after which nothing is written */
    }
    int different = plan_diff(old, resolved, differences, sizeof(differences));
    if (different > 0)
        rc = lr_fail(err, LR_EPLAN,
                     "%s: the plan has changed since this campaign began: %s. Restore it; or begin "
                     "a new campaign beside this one, which takes over the trainings that still "
                     "hold, with --fork NAME; or one from nothing with --run-dir",
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
                     struct lr_error *err)
{
    char *text = NULL;
    int rc = run_dir_read("", setup->plan_path, &text, err);
    if (rc)
        goto out;
    if (text && (rc = run_dir_write(setup->run_dir, "plan.yaml", text, strlen(text), err)))
        goto out;
    rc = run_dir_write(setup->run_dir, "plan.resolved.json", resolved, strlen(resolved), err);
out:
    lr_free(text);
    return rc;
}

/* Whether trials of different horizons share a stable prefix, in any cell. With timescale each
 * horizon has a weight decay of its own. */
static bool shares_wsd_prefix(const struct plan *plan)
{
    if (plan->trainer.kind != TRAINER_TRANSFORMER || plan->search.horizon_count < 2 ||
        plan->training.decay_rule == DECAY_TIMESCALE)
        return false;
    for (size_t i = 0; i < plan_cell_count(plan); i++) {
        struct trial_spec spec = plan_cell(plan, i);
        spec.horizon_tokens = plan->search.horizons[0];
        if (trial_wsd_prefix_tokens(&spec) > 0)
            return true;
    }
    return false;
}

static int fail_changed_data(const struct open_run *run, struct lr_error *err)
{
    return lr_fail(err, LR_EDATA,
                   "%s: the training data have changed since this campaign began; restore them, "
                   "or start a new campaign with --run-dir",
                   run->setup->run_dir);
}

/* Journals the data of a cell if they differ from those of cell 0. The target's may come later,
 * when a trial there is needed. */
static int record_data(struct open_run *run, size_t cell, struct lr_error *err)
{
    assert(cell > 0 && cell < run->data_count);
    const struct event_data *known = campaign_data(run->campaign, cell);
    const struct event_data *found = &run->data[cell];
    struct event event = {.kind = EVENT_DATA};
    bool is_target = cell + 1 == run->data_count;
    if (!found->data_path[0] || (known && known->data_hash == found->data_hash))
        return 0;
    if (is_target ? known != NULL : known->cell > 0 || campaign_round(run->campaign) > 0)
        return fail_changed_data(run, err);
    event.as.data = *found;
    event.as.data.cell = (uint32_t)cell;
    return open_run_record(run, &event, err);
}

static int prepare_data(struct open_run *run, struct event_campaign *opening, struct lr_error *err)
{
    int rc;
    const struct coordinator_setup *setup = run->setup;
    size_t count = plan_cell_count(setup->plan) + 1;
    run->data = lr_calloc(count, sizeof(*run->data));
    if (!run->data)
        return lr_nomem(err);
    run->data_count = count;
    if ((rc = setup->prepare_data(setup->prepare_context, opening->products, run->data, err)))
        return rc;
    memcpy(opening->data_path, run->data[0].data_path, sizeof(opening->data_path));
    opening->data_hash = run->data[0].data_hash;
    opening->train_tokens = run->data[0].train_tokens;
    opening->val_tokens = run->data[0].val_tokens;
    opening->val_bytes = run->data[0].val_bytes;
    return open_run_beat(run, err); /* preparing may have taken minutes */
}

static int make_folders(struct open_run *run, struct lr_error *err)
{
    int rc;
    uint32_t kind = run->setup->plan->trainer.kind;
    if (kind != TRAINER_TRANSFORMER && kind != TRAINER_COMMAND)
        return 0;
    if ((rc = run_dir_checkpoints(run->setup->run_dir, run->checkpoint_dir, err)))
        return rc;
    return kind == TRAINER_COMMAND ? run_dir_output(run->setup->run_dir, run->output_dir, err) : 0;
}

/* Writes the journal's first events; on a restart checks that the data are unchanged. */
static int record_opening(struct open_run *run, const char *resolved, struct lr_error *err)
{
    int rc;
    const struct plan *plan = run->setup->plan;
    const struct event_campaign *old = campaign_opening(run->campaign);
    const struct event_campaign *like = run->fork ? fork_opening(run->fork) : old;
    struct event event = {.kind = EVENT_CAMPAIGN};
    struct event_campaign *opening = &event.as.campaign;
    snprintf(opening->name, sizeof(opening->name), "%s", plan->name);
    snprintf(opening->version, sizeof(opening->version), "%s", LRSEARCH_VERSION);
    opening->format = JOURNAL_FORMAT;
    opening->plan_hash = XXH3_64bits(resolved, strlen(resolved));
    memcpy(opening->products, like->products, sizeof(opening->products));
    if ((rc = prepare_data(run, opening, err)) || (rc = make_folders(run, err)))
        return rc;
    opening->shares_wsd_prefix = shares_wsd_prefix(plan);
    if (!old->name[0]) {
        if ((rc = copy_plan(run->setup, resolved, err)) || (rc = open_run_record(run, &event, err)))
            return rc;
    } else if (old->data_hash != opening->data_hash) {
        return fail_changed_data(run, err);
    }
    for (size_t cell = 1; cell < run->data_count; cell++)
        if ((rc = record_data(run, cell, err)))
            return rc;
    return 0;
}

int open_run_session(struct open_run *run, uint32_t ranks, struct lr_error *err)
{
    int rc;
    const struct coordinator_setup *setup = run->setup;
    struct event event = {.kind = EVENT_SESSION};
    struct event_session *start = &event.as.session;
    size_t starts;
    provenance_here(start);
    snprintf(start->mpi, sizeof(start->mpi), "%s", setup->mpi_library);
    snprintf(start->blas, sizeof(start->blas), "%s", setup->blas);
    snprintf(start->host, sizeof(start->host), "%s", peer_self().host);
    start->ranks = ranks;
    start->retries = setup->plan->on_fail.retries;
    start->asks = !setup->transport;
    /* other trainers start no program of the user's, which may be wrong in every attempt */
    if (!start->asks && setup->plan->trainer.kind == TRAINER_COMMAND)
        start->first_failures = FIRST_FAILURES;
    start->stop_on_fail = setup->plan->on_fail.then == ON_FAIL_STOP;
    if ((rc = open_run_record(run, &event, err)))
        return rc;
    const struct event_session *all = campaign_sessions(run->campaign, &starts);
    if (starts > 1 && setup->arguments.count == 0) /* keep those that the file has */
        return 0;
    return provenance_write(setup->run_dir, campaign_opening(run->campaign)->products,
                            setup->plan->seed, &setup->arguments, all, starts, err);
}

/* Ends the trials that the last run left running. */
static int abandon_running(struct open_run *run, struct lr_error *err)
{
    int rc;
    size_t count = campaign_trial_count(run->campaign);
    for (uint32_t id = 1; id <= count; id++) {
        struct event event;
        if (campaign_trial(run->campaign, id)->state != TRIAL_RUNNING)
            continue;
        campaign_abandon(run->campaign, id, &event);
        if ((rc = open_run_record(run, &event, err)))
            return rc;
    }
    return 0;
}

/* Plans the other campaign's trials as the first round of a fork. */
static int adopt_trials(struct open_run *run, struct lr_error *err)
{
    size_t all, count = 0;
    const struct fork_trial *trials = fork_trials(run->fork, &all);
    struct next_events next = {0};
    struct foreign_trial *finished = lr_calloc(all + 1, sizeof(*finished));
    int rc;
    if (!finished)
        return lr_nomem(err);
    for (size_t i = 0; i < all; i++)
        if (trials[i].over && trials[i].purpose == PURPOSE_SEARCH)
            finished[count++] = (struct foreign_trial){trials[i].spec, trials[i].wsd_prefix_tokens};
    rc = campaign_adopt(run->campaign, finished, count, &next, err);
    for (size_t i = 0; i < next.count && !rc; i++)
        rc = open_run_record(run, &next.events[i], err);
    next_events_release(&next);
    lr_free(finished);
    return rc;
}

int open_run_take_over(struct open_run *run, const struct trial *trial,
                       const struct fork_trial *known, double at_s, struct lr_error *err)
{
    int rc;
    struct event event = {.kind = EVENT_STARTED};
    event.as.started.trial_id = trial->id;
    event.as.started.attempt = trial->attempt + 1;
    event.as.started.at_s = at_s;
    snprintf(event.as.started.host, sizeof(event.as.started.host), "fork");
    memcpy(event.as.started.cpu, known->start.cpu, sizeof(event.as.started.cpu));
    if ((rc = open_run_record(run, &event, err)))
        return rc;
    for (size_t i = 0; i < known->point_count; i++) {
        event = (struct event){.kind = EVENT_CURVE};
        event.as.curve = known->points[i];
        event.as.curve.trial_id = trial->id;
        event.as.curve.attempt = trial->attempt;
        if ((rc = open_run_record(run, &event, err)))
            return rc;
    }
    event = (struct event){.kind = EVENT_ENDED};
    event.as.ended.trial_id = trial->id;
    event.as.ended.attempt = trial->attempt;
    event.as.ended.at_s = at_s;
    event.as.ended.result = known->result;
    event.as.ended.result.seconds = event.as.ended.result.flops = 0; /* not charged again */
    event.as.ended.result.begun_tokens = known->result.tokens;
    return open_run_record(run, &event, err);
}

/* ---- the lock ---- */

int open_run_beat(struct open_run *run, struct lr_error *err)
{
    if (run_lock_beat(run->lock))
        return 0;
    run->locked_out = true;
    return lr_fail(err, LR_EIO,
                   "%s: another lrsearch has taken it over, because this one was not heard of for "
                   "too long; nothing more is written",
                   run->setup->run_dir);
}

static bool owner_is_alive(const struct run_owner *owner)
{
    return peer_alive(&(struct msg_hello){.pid = owner->pid, .host_id = owner->host_id});
}

int open_run_lock(struct run_lock **out, const char *run_dir, uint64_t turn_ms,
                  struct lr_error *err)
{
    struct msg_hello hello = peer_self();
    struct run_owner self = {.host_id = hello.host_id, .pid = hello.pid};
    memcpy(self.host, hello.host, sizeof(self.host));
    return run_lock_take(out, run_dir, &self, owner_is_alive, NULL, turn_ms, err);
}

void open_run_tidy(const char *run_dir, const struct campaign *campaign)
{
    struct run_lock *lock = NULL;
    struct run_lock_view view;
    struct lr_error err = {0};
    if (!campaign_is_complete(campaign))
        return;
    if (run_lock_view(&view, run_dir, &err))
        return;
    bool dead =
        view.known && view.owner.host_id == peer_self().host_id && !owner_is_alive(&view.owner);
    if ((view.there && !dead) || open_run_lock(&lock, run_dir, 0, &err))
        return;
    run_dir_remove_checkpoints(run_dir);
    run_lock_release(lock);
}

/* ---- derived files ---- */

int open_run_write(struct open_run *run, const struct answer *answer, struct lr_error *err)
{
    int rc;
    const struct coordinator_setup *setup = run->setup;
    const char *run_dir = setup->run_dir;
    size_t count = campaign_trial_count(run->campaign);
    const struct trial **trials = lr_calloc(count + 1, sizeof(struct trial *));
    if (!trials)
        return lr_nomem(err);
    for (uint32_t id = 1; id <= count; id++)
        trials[id - 1] = campaign_trial(run->campaign, id);
    /* First, because it makes room on a full disk; also removes what an earlier run that was killed
     * left behind. */
    if (campaign_is_complete(run->campaign))
        run_dir_remove_checkpoints(run_dir);
    if ((rc = result_json_write(run_dir, setup->plan->name, answer, err)) ||
        (rc = trials_csv_write(run_dir, trials, count, err)) ||
        (rc = cells_csv_write(run_dir, answer, err)) ||
        (rc = curves_csv_write(run_dir, trials, count, err)) ||
        (rc = faults_csv_write(run_dir, count, err)))
        goto out;
    if (setup->draw)
        setup->draw(run_dir, answer, trials, count);
out:
    lr_free(trials);
    return rc;
}

void open_run_remove_checkpoint(const struct open_run *run, uint32_t id)
{
    const struct trial *trial = campaign_trial(run->campaign, id);
    if (trial && trial_state_is_over(trial->state) && run->checkpoint_dir[0])
        run_dir_remove_checkpoint(run->checkpoint_dir, trial);
}

/* ---- the whole ---- */

bool open_run_has_campaign(const struct open_run *run)
{
    return run->journal && campaign_opening(run->campaign)->name[0];
}

/* Locks RUN_DIR and replays its journal, or begins one: *forks: that of a fork, which does not have
 * its name `path` yet. */
static int open_journal(struct open_run *run, const char *resolved, uint64_t turn_ms,
                        char path[JOURNAL_PATH], bool *forks, struct lr_error *err)
{
    int rc;
    const struct coordinator_setup *setup = run->setup;
    char unfinished[JOURNAL_PATH];
    assert(!run->campaign && !run->journal && !run->lock);
    if ((rc = run_dir_open(setup->run_dir, err))) {
        lr_prefix(err, "%s", setup->run_dir);
        return rc;
    }
    if ((rc = open_run_lock(&run->lock, setup->run_dir, turn_ms, err)) ||
        (rc = campaign_create(&run->campaign, setup->plan, err)))
        return rc;
    snprintf(path, JOURNAL_PATH, "%s/journal.jsonl", setup->run_dir);
    snprintf(unfinished, sizeof(unfinished), "%s/journal.jsonl.new", setup->run_dir);
    unlink(unfinished); /* of a fork that ended while it took over its first round */
    *forks = run->fork && access(path, F_OK) != 0;
    if ((rc = journal_open(&run->journal, *forks ? unfinished : path, apply_replayed, run->campaign,
                           err)))
        return rc;
    if (!open_run_has_campaign(run))
        return 0;
    if (!setup->resume)
        return lr_fail(err, LR_ECREATE,
                       "%s: already holds a campaign; choose another --run-dir, or go on with "
                       "it (--resume=auto)",
                       setup->run_dir);
    if ((rc = check_same_plan(setup->run_dir, resolved, err)))
        return rc;
    const char *version = campaign_opening(run->campaign)->version;
    if (!campaign_finished(run->campaign) && !fork_same_series(version))
        return lr_fail(err, LR_EPLAN,
                       "%s: was begun by lrsearch %s, and this is %s: its losses may differ. Go on "
                       "with lrsearch %s, or begin a campaign from nothing with --run-dir",
                       path, version, LRSEARCH_VERSION, version);
    return 0;
}

int open_run_begin(struct open_run *run, const char *resolved, struct lr_error *err)
{
    int rc;
    bool forks;
    const struct coordinator_setup *setup = run->setup;
    char path[JOURNAL_PATH];
    if (setup->fork_from && (rc = fork_open(&run->fork, setup->fork_from, err)))
        return rc;
    if ((rc = open_journal(run, resolved, 0, path, &forks, err)))
        return rc;
    if (open_run_has_campaign(run))
        lr_log(LR_LOG_INFO, "%s: going on with %zu journal lines", setup->run_dir,
               journal_count(run->journal));
    if (campaign_finished(run->campaign))
        return 0;
    if ((rc = record_opening(run, resolved, err)) ||
        (rc = open_run_session(run, (uint32_t)setup->transport->size, err)) ||
        (rc = abandon_running(run, err)) || (run->fork && (rc = adopt_trials(run, err))))
        return rc;
    return forks ? journal_rename(run->journal, path, err) : journal_sync(run->journal, err);
}

/* Whether the plan is another than at the beginning (in its budget or limits, since
 * check_same_plan() passed), or was stopped by a failed trial: then a SESSION reopens the
 * campaign. */
static bool is_restarted(const struct open_run *run, const char *resolved)
{
    return campaign_opening(run->campaign)->plan_hash != XXH3_64bits(resolved, strlen(resolved)) ||
           campaign_stopped_by(run->campaign) > 0;
}

int open_run_join(struct open_run *run, const char *resolved, bool starts, struct lr_error *err)
{
    int rc;
    bool forks;
    size_t sessions = 0;
    char path[JOURNAL_PATH];
    if (run->setup->fork_from && (rc = fork_open(&run->fork, run->setup->fork_from, err)))
        return rc;
    if ((rc = open_journal(run, resolved, RUN_LOCK_TURN_MS, path, &forks, err)) ||
        campaign_finished(run->campaign))
        return rc;
    const struct event_session *all = campaign_sessions(run->campaign, &sessions);
    bool after_run = sessions > 0 && !all[sessions - 1].asks;
    if (sessions == 0 && (rc = record_opening(run, resolved, err)))
        return rc;
    if ((sessions == 0 || after_run || (starts && is_restarted(run, resolved))) &&
        (rc = open_run_session(run, 2, err)))
        return rc;
    if (after_run && (rc = abandon_running(run, err)))
        return rc;
    if ((run->fork && (rc = adopt_trials(run, err))) || (rc = make_folders(run, err)))
        return rc;
    return forks ? journal_rename(run->journal, path, err) : 0;
}

/* What follows the first `count` lines. */
static const char *after_lines(const char *text, int count)
{
    for (; *text && count > 0; text++)
        count -= *text == '\n';
    return text;
}

/* The last `count` lines of a text. */
static const char *last_lines(const char *text, int count)
{
    const char *at = text + strlen(text);
    while (at > text && (at[-1] != '\n' || !*at || --count > 0))
        at--;
    return at;
}

void open_run_show_output(const struct open_run *run)
{
    char path[TRIAL_PATH], *text = NULL;
    uint32_t attempt;
    const struct trial *trial = campaign_last_failed(run->campaign, &attempt);
    if (!run->output_dir[0] || !trial)
        return;
    run_dir_output_file(path, run->output_dir, trial->id, attempt);
    if (run_dir_read(run->output_dir, strrchr(path, '/') + 1, &text, NULL) || !text)
        return; /* of an attempt that was lost */
    const char *line = last_lines(after_lines(text, HEAD_LINES), LINES_SHOWN);
    if (*line)
        lr_log(LR_LOG_ERROR, "the last lines of %s:", path);
    for (; *line; line = after_lines(line, 1)) {
        size_t length = strcspn(line, "\n");
        lr_log(LR_LOG_ERROR, "| %.*s", (int)(length < LINE_SHOWN ? length : LINE_SHOWN), line);
    }
    lr_free(text);
}

void open_run_close(struct open_run *run)
{
    journal_close(run->journal);
    run_lock_release(run->lock);
    campaign_destroy(run->campaign);
    fork_close(run->fork);
    lr_free(run->data);
}
