/* lrsearch report: RUN_DIR/report.html and the figures, from the journal alone. */
#include <stdio.h>
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "history/run_reader.h"
#include "coordinator/coordinator.h"
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"
#include "lrsearch/printable.h"
#include "report/figures.h"
#include "report/run_report.h"
#include "store/json_value.h"

static int report(const char *run_dir, struct plan *plan, struct campaign **campaign,
                  struct answer *answer, const struct trial ***trials, struct lr_error *err)
{
    uint64_t hash;
    int rc;
    if ((rc = run_plan_read(plan, &hash, run_dir, err)) ||
        (rc = own_folder_check(run_dir, OWN_FOLDER_NAMED, err)) ||
        (rc = run_campaign_read(campaign, plan, hash, run_dir, err)) ||
        (rc = campaign_answer(*campaign, answer, err)))
        return rc;
    size_t count = campaign_trial_count(*campaign);
    if (!(*trials = lr_calloc(count + 1, sizeof(struct trial *))))
        return lr_nomem(err);
    for (uint32_t id = 1; id <= count; id++)
        (*trials)[id - 1] = campaign_trial(*campaign, id);
    coordinator_tidy(run_dir, *campaign);
    figures_draw(run_dir, answer, *trials, count);
    return run_report_write(run_dir, plan, answer, *trials, count, true, err);
}

static int print_json(const char *run_dir, struct lr_error *err)
{
    char path[TRIAL_PATH + 32];
    bool ok = true;
    json_use_lr_memory();
    json_t *object = json_object();
    snprintf(path, sizeof(path), "%s/report.html", run_dir);
    json_put(object, "schema_version", json_of_count(1), &ok);
    json_put(object, "report", json_of_text(path), &ok);
    return json_print(object, ok, err);
}

struct report_options {
    bool json;
};

static int run(const struct command_line *line)
{
    const struct report_options *options = line->options;
    const char *run_dir = line->operands[0];
    struct plan *plan = lr_calloc(1, sizeof(*plan));
    struct answer *answer = lr_calloc(1, sizeof(*answer));
    const struct trial **trials = NULL;
    struct campaign *campaign = NULL;
    struct lr_error err = {0};
    int rc =
        plan && answer ? report(run_dir, plan, &campaign, answer, &trials, &err) : lr_nomem(&err);
    if (!rc && options->json)
        rc = print_json(run_dir, &err);
    else if (!rc)
        lr_say(stdout, "%s/report.html\n", run_dir);
    campaign_destroy(campaign);
    lr_free(trials);
    lr_free(answer);
    lr_free(plan);
    return outcome_error(rc, &err);
}

static const struct option_row rows[] = {OPTION_ROW_JSON(report_options)};

const struct command cmd_report = {
    .name = "report",
    .operand = "RUN_DIR",
    .help = "write RUN_DIR/report.html and its figures again, from the journal",
    .examples = "lrsearch report logs/quickstart",
    .kind = OPERAND_RUN,
    .least_most = {1, 1},
    COMMAND_ROWS(rows),
    .options = &(struct report_options){0},
    .run = run,
};
