/* How a run begins: the directory, the journal and what it tells, the check that plan and data are
 * still those of the campaign, and the session's first events. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>
#include "coordinator/coordinator_state.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/version.h"
#include "net/peer.h"
#include "net/transports.h"
#include "store/provenance.h"
#include "store/run_dir.h"
#include "plan/plan_diff.h"

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
    if (!rc && text)
        rc = run_dir_write(setup->run_dir, "plan.yaml", text, strlen(text), err);
    if (!rc)
        rc = run_dir_write(setup->run_dir, "plan.resolved.json", resolved, strlen(resolved), err);
    lr_free(text);
    return rc;
}

/* Whether horizons of the plan have a stable part in common, in any cell. */
static bool shares_wsd_prefix(const struct plan *plan)
{
    bool any = false;
    for (size_t i = 0; i < plan_cell_count(plan); i++) {
        struct trial_spec spec = plan_cell(plan, i);
        spec.horizon_tokens = plan->search.horizons[0];
        any = any || trial_wsd_prefix_tokens(&spec) > 0;
    }
    return any && plan->trainer.kind == TRAINER_TRANSFORMER && plan->search.horizon_count > 1;
}

static int data_changed(const struct coordinator *c, struct lr_error *err)
{
    return lr_fail(err, LR_EDATA,
                   "%s: the training data have changed since this campaign began; restore them, "
                   "or start a new campaign with --run-dir",
                   c->setup->run_dir);
}

/* The data of one cell stand in the journal: by an event of their own when they are not those of
 * cell 0. Those of the target may come later, when something is to be trained there. */
static int open_data(struct coordinator *c, size_t cell, struct lr_error *err)
{
    const struct event_data *known = campaign_data(c->campaign, cell);
    struct event event = {.kind = EVENT_DATA};
    event.as.data = c->data[cell];
    event.as.data.cell = (uint32_t)cell;
    bool target = cell + 1 == c->data_count;
    if (!c->data[cell].data_path[0] || (known && known->data_hash == c->data[cell].data_hash))
        return 0;
    if (target ? known != NULL : known->cell > 0 || campaign_round(c->campaign) > 0)
        return data_changed(c, err);
    return coordinator_record(c, &event, err);
}

static int prepare_data(struct coordinator *c, struct event_campaign *opening, struct lr_error *err)
{
    size_t count = plan_cell_count(c->setup->plan) + 1;
    c->data = lr_calloc(count, sizeof(*c->data));
    if (!c->data)
        return lr_nomem(err);
    c->data_count = count;
    int rc = c->setup->prepare_data(c->setup->prepare_context, opening->products, c->data, err);
    memcpy(opening->data_path, c->data[0].data_path, sizeof(opening->data_path));
    opening->data_hash = c->data[0].data_hash;
    opening->train_tokens = c->data[0].train_tokens;
    opening->val_tokens = c->data[0].val_tokens;
    opening->val_bytes = c->data[0].val_bytes;
    return rc ? rc : coordinator_beat(c, err); /* that may have taken minutes */
}

/* The journal's first events, or the check that the data are still those of the first events. */
static int open_campaign(struct coordinator *c, const char *resolved, struct lr_error *err)
{
    const struct event_campaign *old = campaign_opening(c->campaign);
    struct event event = {.kind = EVENT_CAMPAIGN};
    struct event_campaign *opening = &event.as.campaign;
    snprintf(opening->name, sizeof(opening->name), "%s", c->setup->plan->name);
    snprintf(opening->version, sizeof(opening->version), "%s", LRSEARCH_VERSION);
    opening->plan_hash = XXH3_64bits(resolved, strlen(resolved));
    const struct event_campaign *like = c->fork ? fork_opening(c->fork) : old;
    memcpy(opening->products, like->products, sizeof(opening->products));
    int rc = prepare_data(c, opening, err);
    uint32_t kind = c->setup->plan->trainer.kind;
    if (!rc && (kind == TRAINER_TRANSFORMER || kind == TRAINER_COMMAND))
        rc = run_dir_checkpoints(c->setup->run_dir, c->checkpoint_dir, err);
    if (!rc && kind == TRAINER_COMMAND)
        rc = run_dir_output(c->setup->run_dir, c->output_dir, err);
    if (rc)
        return rc;
    opening->shares_wsd_prefix = shares_wsd_prefix(c->setup->plan);
    if (!old->name[0]) {
        rc = copy_plan(c->setup, resolved, err);
        rc = rc ? rc : coordinator_record(c, &event, err);
    } else if (old->data_hash != opening->data_hash) {
        rc = data_changed(c, err);
    }
    for (size_t cell = 1; !rc && cell < c->data_count; cell++)
        rc = open_data(c, cell, err);
    return rc;
}

static int begin_session(struct coordinator *c, struct lr_error *err)
{
    struct event event = {.kind = EVENT_SESSION};
    struct msg_hello self = transport_hello();
    struct event_session *start = &event.as.session;
    size_t starts;
    provenance_here(start);
    snprintf(start->mpi, sizeof(start->mpi), "%s", c->setup->mpi_library);
    snprintf(start->blas, sizeof(start->blas), "%s", c->setup->blas);
    snprintf(start->host, sizeof(start->host), "%s", self.host);
    start->ranks = (uint32_t)c->setup->transport->size;
    start->retries = c->setup->plan->on_fail.retries;
    start->stop_on_fail = c->setup->plan->on_fail.then == ON_FAIL_STOP;
    int rc = coordinator_record(c, &event, err);
    const struct event_session *all = campaign_sessions(c->campaign, &starts);
    if (!rc)
        rc = provenance_write(c->setup->run_dir, campaign_opening(c->campaign)->products,
                              c->setup->plan->seed, all, starts, err);

    /* Trials that the last run left behind: nobody trains them any more. */
    size_t count = campaign_trial_count(c->campaign);
    for (uint32_t id = 1; !rc && id <= count; id++) {
        const struct trial *trial = campaign_trial(c->campaign, id);
        if (trial->state == TRIAL_RUNNING)
            rc = campaign_abandon(c->campaign, id, &event, err);
        else
            continue;
        if (!rc)
            rc = coordinator_record(c, &event, err);
    }
    return rc ? rc : journal_sync(c->journal, err);
}

int coordinator_beat(struct coordinator *c, struct lr_error *err)
{
    if (run_lock_beat(c->lock))
        return 0;
    c->locked_out = true;
    return lr_fail(err, LR_EIO,
                   "%s: another lrsearch has taken it over, because this one was not heard of for "
                   "too long; nothing more is written",
                   c->setup->run_dir);
}

static bool owner_is_alive(const struct run_owner *owner)
{
    struct msg_hello hello = {.pid = owner->pid, .host_id = owner->host_id};
    return peer_alive(&hello);
}

int coordinator_lock(struct run_lock **out, const char *run_dir, struct lr_error *err)
{
    struct msg_hello hello = transport_hello();
    struct run_owner self = {.host_id = hello.host_id, .pid = hello.pid};
    memcpy(self.host, hello.host, sizeof(self.host));
    return run_lock_take(out, run_dir, &self, owner_is_alive, NULL, err);
}

void coordinator_tidy(const char *run_dir, const struct campaign *campaign)
{
    struct run_lock *lock = NULL;
    struct run_lock_view view;
    struct lr_error err = {0};
    bool over = campaign_finished(campaign);
    for (uint32_t id = 1; id <= campaign_trial_count(campaign); id++)
        over = over && trial_state_is_over(campaign_trial(campaign, id)->state);
    if (!over || run_lock_view(&view, run_dir, &err))
        return;
    bool dead = view.known && view.owner.host_id == transport_hello().host_id &&
                !owner_is_alive(&view.owner);
    if ((view.there && !dead) || coordinator_lock(&lock, run_dir, &err))
        return;
    run_dir_remove_checkpoints(run_dir);
    run_lock_release(lock);
}

int coordinator_begin(struct coordinator *c, const char *resolved, struct lr_error *err)
{
    const struct coordinator_setup *setup = c->setup;
    char path[TRIAL_PATH + 32];
    int rc = setup->fork_from ? fork_open(&c->fork, setup->fork_from, err) : 0;
    if (!rc && (rc = run_dir_open(setup->run_dir, err)))
        lr_prefix(err, "%s", setup->run_dir);
    if (!rc)
        rc = coordinator_lock(&c->lock, setup->run_dir, err);
    if (!rc)
        rc = campaign_create(&c->campaign, setup->plan, err);
    snprintf(path, sizeof(path), "%s/journal.jsonl", setup->run_dir);
    if (!rc)
        rc = journal_open(&c->journal, path, on_replay, c, err);
    if (rc)
        return rc;
    if (campaign_opening(c->campaign)->name[0]) {
        rc = setup->resume
                 ? check_same_plan(setup->run_dir, resolved, err)
                 : lr_fail(err, LR_ECREATE,
                           "%s: already holds a campaign; choose another --run-dir, or go "
                           "on with it (--resume=auto)",
                           setup->run_dir);
        if (rc)
            return rc;
        lr_log(LR_LOG_INFO, "%s: going on with %zu journal lines", setup->run_dir,
               journal_count(c->journal));
    }
    if (campaign_finished(c->campaign))
        return 0;
    rc = open_campaign(c, resolved, err);
    return rc ? rc : begin_session(c, err);
}
