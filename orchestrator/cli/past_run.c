#include "cli/past_run.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>
#include "lrsearch/memory.h"
#include "store/journal.h"
#include "store/run_dir.h"

int past_plan(struct plan *plan, uint64_t *hash, const char *run_dir, struct lr_error *err)
{
    char *json = NULL;
    int rc = run_dir_read(run_dir, "plan.resolved.json", &json, err);
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
    return campaign_apply(context, event, err);
}

int past_campaign(struct campaign **out, const struct plan *plan, uint64_t hash,
                  const char *run_dir, struct lr_error *err)
{
    char path[TRIAL_PATH + 32];
    snprintf(path, sizeof(path), "%s/journal.jsonl", run_dir);
    int rc = campaign_create(out, plan, err);
    if (!rc)
        rc = journal_read(path, apply, *out, err);
    if (rc)
        return rc;
    const struct event_campaign *opening = campaign_opening(*out);
    if (!opening->name[0])
        return lr_fail(err, LR_EDATA, "%s: holds no campaign yet", path);
    if (opening->plan_hash != hash)
        return lr_fail(err, LR_EDAMAGED,
                       "%s/plan.resolved.json: is not the plan that the campaign began with: it "
                       "was changed. Restore it, or give the run's command again in another "
                       "directory",
                       run_dir);
    return 0;
}
