/* lrsearch check: validates a plan and prints its stages and cost. Needs no MPI and starts no
 * campaign. */
#include <stdio.h>
#include "estimate/estimate.h"
#include "estimate/plan_outline.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "cli/progress_line.h"
#include "plan/plan_json.h"
#include "prepare/prepare.h"
#include "prepare/prepare_command.h"
#include "prepare/prepare_table.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "plan/plan.h"

struct check_options {
    uint32_t ranks; /* 0: cores + 1 */
    struct option_pairs sets;
    bool json;
};

/* Checks what takes no time: a command's program and folder, a replay's table. Reads no text. */
static int check_data(const struct plan *plan, struct lr_error *err)
{
    struct sweep sweep;
    int rc;
    if (plan->trainer.kind == TRAINER_COMMAND)
        prepare_command_warn(plan);
    if (plan->trainer.kind != TRAINER_REPLAY)
        return 0;
    for (size_t cell = 0; cell < plan_cell_count(plan); cell++) {
        if ((rc = prepare_table_read(&sweep, plan, cell, err)))
            return rc;
        sweep_release(&sweep);
    }
    return 0;
}

static int print_json(const struct plan *plan, struct lr_error *err)
{
    char *json = plan_to_json(plan);
    if (!json)
        return lr_nomem(err);
    fputs(json, stdout);
    lr_free(json);
    return 0;
}

static int print_estimate(const struct plan *plan, uint32_t ranks, bool shown, struct lr_error *err)
{
    struct progress_line progress;
    progress_line_init(&progress, shown, false);
    const struct stage_report stages = progress_line_stages(&progress);
    plan_outline_print(plan);
    int rc = estimate_print(plan, ranks, &stages, err);
    progress_line_release(&progress);
    return rc;
}

static int run(const struct command_line *line)
{
    const struct check_options *options = line->options;
    struct plan *plan;
    struct lr_error err = {0};
    int rc = prepare_plan(&plan, line->operands[0], options->sets.words, options->sets.count);
    if (rc)
        return lr_error_exit_status(rc);
    if ((rc = check_data(plan, &err)))
        goto out;
    rc = options->json ? print_json(plan, &err)
                       : print_estimate(plan, options->ranks, line->verbosity >= 0, &err);
out:
    lr_free(plan);
    return outcome_error(rc, &err);
}

static const struct option_row rows[] = {
    {"ranks", "N", "of the run that is estimated; default: cores + 1", .letter = 'n',
     OPTION_AT(check_options, ranks), OPTION_TO_1000},
    OPTION_ROW_SET(check_options),
    OPTION_ROW_JSON(check_options),
};

const struct command cmd_check = {
    .name = "check",
    .operand = "PLAN",
    .help = "validate the plan and print its stages and cost; trains nothing",
    .examples = "lrsearch check plans/quickstart.yaml -n 64",
    .kind = OPERAND_PLAN,
    .least_most = {1, 1},
    COMMAND_ROWS(rows),
    .options = &(struct check_options){0},
    .run = run,
};
