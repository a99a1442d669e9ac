#define _XOPEN_SOURCE 700 /* S_ISDIR */
#include "history/past_run.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>
#include "lrsearch/memory.h"
#include "store/run_dir.h"
#include "plan/plan_json.h"

int past_plan(struct plan *plan, uint64_t *hash, const char *run_dir, struct lr_error *err)
{
    char *json = NULL;
    struct stat status;
    bool file = stat(run_dir, &status) == 0 && !S_ISDIR(status.st_mode); /* the plan, most often */
    int rc = file ? 0 : run_dir_read(run_dir, "plan.resolved.json", &json, err);
    if (!rc && !json)
        rc = lr_fail(err, LR_EDATA,
                     "%s: is no directory of a run: it has no plan.resolved.json. Name the "
                     "output.dir of a plan that was run, such as logs/quickstart",
                     run_dir);
    if (!rc) {
        *hash = XXH3_64bits(json, strlen(json));
        if ((rc = plan_from_json(plan, json, err)))
            lr_prefix(err, "%s/plan.resolved.json", run_dir);
    }
    lr_free(json);
    return rc;
}

static int apply(void *context, const struct event *event, struct lr_error *err)
{
    struct past_follow *follow = context;
    int rc = campaign_apply(follow->campaign, event, err);
    if (!rc && follow->seen)
        rc = follow->seen(follow->context, follow->campaign, event, err);
    return rc;
}

int past_follow(struct past_follow *follow, uint64_t hash, const char *run_dir,
                struct lr_error *err)
{
    char path[TRIAL_PATH + 32];
    snprintf(path, sizeof(path), "%s/journal.jsonl", run_dir);
    int rc = journal_read_on(path, &follow->place, apply, follow, err);
    const struct event_campaign *opening = campaign_opening(follow->campaign);
    if (!rc && opening->name[0] && opening->plan_hash != hash)
        rc = lr_fail(err, LR_EDAMAGED,
                     "%s/plan.resolved.json: is not the plan that the campaign began with: it "
                     "was changed. Restore it, or give the run's command again in another "
                     "directory",
                     run_dir);
    return rc;
}

int past_campaign(struct campaign **out, const struct plan *plan, uint64_t hash,
                  const char *run_dir, struct lr_error *err)
{
    struct past_follow follow = {0};
    int rc = campaign_create(out, plan, err);
    follow.campaign = *out;
    if (!rc)
        rc = past_follow(&follow, hash, run_dir, err);
    if (!rc && !campaign_opening(*out)->name[0])
        rc = lr_fail(err, LR_EDATA, "%s/journal.jsonl: holds no campaign yet", run_dir);
    return rc;
}
