/* lrsearch journal repair: truncates a damaged journal before its first damaged line, so that the
 * campaign can resume from there. No other command but run changes a journal. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "campaign/campaign_apply.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "history/run_reader.h"
#include "coordinator/open_run.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"
#include "lrsearch/printable.h"
#include "store/journal.h"
#include "store/json_value.h"

struct journal_options {
    bool json;
};

struct mending {
    struct plan plan;
    uint64_t plan_hash;
    struct run_lock *lock;
    struct campaign *campaign;
    struct journal_repair repair;
    char path[TRIAL_PATH + 32];
    uint32_t *again; /* trials to run again; while reading: those with a lost start or end */
    size_t again_count, again_capacity;
    bool no_memory;
};

static void note_trial(struct mending *mending, uint32_t id)
{
    uint32_t *again =
        lr_grow(mending->again, mending->again_count, &mending->again_capacity, sizeof(*again));
    if (!again) {
        mending->no_memory = true;
        return;
    }
    mending->again = again;
    again[mending->again_count++] = id;
}

static int on_replay(void *context, const struct event *event, struct lr_error *err)
{
    struct mending *mending = context;
    if (event->kind == EVENT_CAMPAIGN && event->as.campaign.plan_hash != mending->plan_hash)
        return lr_fail(err, LR_EDATA,
                       "the campaign began with another plan than plan.resolved.json: restore that "
                       "file first");
    return campaign_apply(mending->campaign, event, err);
}

static void on_lost(void *context, const struct event *event)
{
    if (event->kind == EVENT_STARTED)
        note_trial(context, event->as.started.trial_id);
    else if (event->kind == EVENT_ENDED)
        note_trial(context, event->as.ended.trial_id);
}

static int compare_ids(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* Keeps the started trials that have no end in the repaired journal, sorted by id, each once. */
static void settle_again(struct mending *mending)
{
    size_t kept = 0;
    for (uint32_t id = 1; id <= campaign_trial_count(mending->campaign); id++)
        if (campaign_trial(mending->campaign, id)->state == TRIAL_RUNNING)
            note_trial(mending, id);
    if (mending->again_count > 0)
        qsort(mending->again, mending->again_count, sizeof(*mending->again), compare_ids);
    for (size_t i = 0; i < mending->again_count; i++) {
        uint32_t id = mending->again[i];
        const struct trial *trial = campaign_trial(mending->campaign, id);
        if ((kept > 0 && mending->again[kept - 1] == id) ||
            (trial && trial_state_is_over(trial->state)))
            continue;
        mending->again[kept++] = id;
    }
    mending->again_count = kept;
}

static void print_text(const struct mending *mending)
{
    const struct journal_repair *repair = &mending->repair;
    if (repair->dropped == 0) {
        lr_say(stdout, "%s: nothing is damaged; its %zu lines are as they were\n", mending->path,
               repair->kept);
        return;
    }
    lr_say(stdout, "%s\n", repair->damage.text);
    printf("kept      %zu lines\n", repair->kept);
    printf("dropped   %zu lines\n", repair->dropped);
    printf("again     %s", mending->again_count == 0 ? "no training was lost" : "trials");
    for (size_t i = 0; i < mending->again_count; i++)
        printf(" %" PRIu32, mending->again[i]);
    lr_say(stdout, "\ncopy      %s\n", repair->copy);
    printf("Give the run's command again to continue from there.\n");
}

static int print_json(const struct mending *mending, struct lr_error *err)
{
    const struct journal_repair *repair = &mending->repair;
    bool damaged = repair->dropped > 0, ok = true;
    json_use_lr_memory();
    json_t *object = json_object(), *again = json_array();
    for (size_t i = 0; damaged && i < mending->again_count; i++)
        ok &= json_array_append_new(again, json_of_count(mending->again[i])) == 0;
    json_put(object, "schema_version", json_of_count(1), &ok);
    json_put(object, "journal", json_of_text(mending->path), &ok);
    json_put(object, "damage", damaged ? json_of_text(repair->damage.text) : json_null(), &ok);
    json_put(object, "kept", json_of_count(repair->kept), &ok);
    json_put(object, "dropped", json_of_count(repair->dropped), &ok);
    json_put(object, "trials_again", again, &ok);
    json_put(object, "copy", damaged ? json_of_text(repair->copy) : json_null(), &ok);
    return json_print(object, ok, err);
}

static int mend(struct mending *mending, const char *run_dir, struct lr_error *err)
{
    int rc;
    if ((rc = run_plan_read(&mending->plan, &mending->plan_hash, run_dir, err)) ||
        (rc = own_folder_check(run_dir, OWN_FOLDER_NAMED, err)) ||
        (rc = open_run_lock(&mending->lock, run_dir, 0, err)) ||
        (rc = campaign_create(&mending->campaign, &mending->plan, err)))
        return rc;
    snprintf(mending->path, sizeof(mending->path), "%s/journal.jsonl", run_dir);
    if ((rc = journal_repair(&mending->repair, mending->path, on_replay, on_lost, mending, err)))
        return rc;
    settle_again(mending);
    return mending->no_memory ? lr_fail(err, LR_ENOMEM,
                                        "%s: was cut off, but what is lost cannot be told: out of "
                                        "memory",
                                        mending->path)
                              : 0;
}

static int run(const struct command_line *line)
{
    const struct journal_options *options = line->options;
    struct lr_error err = {0};
    struct mending *mending = lr_calloc(1, sizeof(*mending));
    int rc = mending ? mend(mending, line->operands[1], &err) : lr_nomem(&err);
    if (rc)
        goto out;
    if (options->json)
        rc = print_json(mending, &err);
    else
        print_text(mending);

out:
    if (mending) {
        campaign_destroy(mending->campaign);
        run_lock_release(mending->lock);
        lr_free(mending->again);
    }
    lr_free(mending);
    return outcome_error(rc, &err);
}

static int check_options(const struct command_line *line, struct lr_error *err)
{
    if (line->operand_count == 2 && strcmp(line->operands[0], "repair") == 0)
        return 0;
    return lr_fail(err, LR_EUSAGE, "journal: use lrsearch journal repair RUN_DIR");
}

static const struct option_row rows[] = {OPTION_ROW_JSON(journal_options)};

const struct command cmd_journal = {
    .name = "journal",
    .operand = "repair RUN_DIR",
    .help = "cut a damaged journal off, after a copy of it",
    .examples = "lrsearch journal repair logs/quickstart",
    .kind = OPERAND_WORD,
    .least_most = {0, SIZE_MAX},
    COMMAND_ROWS(rows),
    .options = &(struct journal_options){0},
    .check = check_options,
    .run = run,
};
