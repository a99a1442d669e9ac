/* Reads a run: its plan, its journal applied to a campaign, and the answer fitted from that. The
 * finish time comes from the journal, not from a file's time, which a copy changes.
 * plan_from_json() refuses a run whose plan lacks keys of this version that have no row in
 * plan/plan_later.c. */
#define _DEFAULT_SOURCE /* S_ISDIR */
#include "history/run_reader.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>
#include "campaign/campaign_answer.h"
#include "campaign/campaign_apply.h"
#include "lrsearch/memory.h"
#include "lrsearch/utc.h"
#include "plan/plan_json.h"
#include "store/run_dir.h"

#define JOURNAL_PATH (TRIAL_PATH + 32)

static const char *journal_path(char out[JOURNAL_PATH], const char *run_dir)
{
    snprintf(out, JOURNAL_PATH, "%s/journal.jsonl", run_dir);
    return out;
}

/* ---- plan and campaign ---- */

int run_plan_read(struct plan *plan, uint64_t *hash, const char *run_dir, struct lr_error *err)
{
    char *json = NULL;
    struct stat status;
    bool file = stat(run_dir, &status) == 0 && !S_ISDIR(status.st_mode); /* probably the plan */
    int rc;
    if (!file && (rc = run_dir_read(run_dir, "plan.resolved.json", &json, err)))
        return rc;
    if (!json)
        return lr_fail(err, LR_EDATA,
                       "%s: is no directory of a run: it has no plan.resolved.json. Name the "
                       "output.dir of a plan that was run, such as logs/quickstart",
                       run_dir);
    *hash = XXH3_64bits(json, strlen(json));
    if ((rc = plan_from_json(plan, json, err)))
        lr_prefix(err, "%s/plan.resolved.json", run_dir);
    lr_free(json);
    return rc;
}

static int apply_event(void *context, const struct event *event, struct lr_error *err)
{
    struct run_follow *follow = context;
    int rc = campaign_apply(follow->campaign, event, err);
    return rc || !follow->seen ? rc : follow->seen(follow->context, follow->campaign, event, err);
}

int run_follow(struct run_follow *follow, uint64_t hash, const char *run_dir, struct lr_error *err)
{
    char path[JOURNAL_PATH];
    int rc = journal_read_on(journal_path(path, run_dir), &follow->place, apply_event, follow, err);
    if (rc)
        return rc;
    const struct event_campaign *opening = campaign_opening(follow->campaign);
    if (opening->name[0] && opening->plan_hash != hash)
        return lr_fail(err, LR_EDAMAGED,
                       "%s/plan.resolved.json: is not the plan that the campaign began with: it "
                       "was changed. Restore it, or give the run's command again in another "
                       "directory",
                       run_dir);
    return 0;
}

int run_campaign_read(struct campaign **out, const struct plan *plan, uint64_t hash,
                      const char *run_dir, struct lr_error *err)
{
    int rc = campaign_create(out, plan, err);
    if (rc)
        return rc;
    struct run_follow follow = {.campaign = *out};
    if ((rc = run_follow(&follow, hash, run_dir, err)))
        return rc;
    if (!campaign_opening(*out)->name[0])
        return lr_fail(err, LR_EDATA, "%s/journal.jsonl: holds no campaign yet", run_dir);
    return 0;
}

/* ---- when ---- */

struct times {
    struct run_end *end;
    char started_utc[32];
    double wall_s;     /* since started_utc */
    uint64_t until_ms; /* the last CLOCK's; 0: not known */
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
        times->until_ms = event->as.clock.until_ms;
    }
    return 0;
}

int run_end_read(struct run_end *end, const char *run_dir, struct lr_error *err)
{
    char path[JOURNAL_PATH];
    struct times times = {.end = end};
    memset(end, 0, sizeof(*end));
    int rc = journal_read(journal_path(path, run_dir), note_event, &times, err);
    if (rc)
        return rc;
    memcpy(end->finished_utc, times.started_utc, sizeof(end->finished_utc));
    time_t started = utc_seconds(times.started_utc);
    if (times.until_ms > 0 && times.until_ms / 1000 < UINT32_MAX)
        utc_format(end->finished_utc, (time_t)(times.until_ms / 1000));
    else if (started > 0 && times.wall_s >= 0 && times.wall_s < 1e9)
        utc_format(end->finished_utc, started + (time_t)times.wall_s);
    return 0;
}

/* ---- the answer ---- */

int run_answer_read(struct run_answer **out, const char *run_dir, struct lr_error *err)
{
    uint64_t hash;
    struct run_answer *run = lr_calloc(1, sizeof(*run));
    int rc;
    *out = NULL;
    if (!run)
        return lr_nomem(err);
    if ((rc = run_plan_read(&run->plan, &hash, run_dir, err)))
        goto out;
    if ((rc = run_campaign_read(&run->campaign, &run->plan, hash, run_dir, err)))
        goto out;
    if ((rc = campaign_answer(run->campaign, &run->answer, err)))
        goto out;
    run->finished = campaign_finished(run->campaign);
    *out = run;
    run = NULL;
out:
    run_answer_free(run);
    return rc;
}

void run_answer_free(struct run_answer *run)
{
    if (run)
        campaign_destroy(run->campaign);
    lr_free(run);
}
