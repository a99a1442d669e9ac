/* lrsearch check: validates a plan and prints its stages and cost; with --try runs one training.
 * Needs no MPI and starts no campaign. */
#include <stdio.h>
#include "estimate/estimate.h"
#include "estimate/plan_outline.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "cli/progress_line.h"
#include "cli/try_trial.h"
#include "cli/worker_threads.h"
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
    bool json, try;
    double try_s;
};

#define TRY_DEFAULT_S 300.0
#define TRY_MAX_S 86400.0

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

static int print_text(const struct plan *plan, const struct check_options *options, bool shown,
                      struct lr_error *err)
{
    struct progress_line progress;
    progress_line_init(&progress, shown, false);
    const struct stage_report stages = progress_line_stages(&progress);
    plan_outline_print(plan);
    int rc = options->try ? try_trial(plan, options->try_s > 0 ? options->try_s : TRY_DEFAULT_S,
                                      &stages, err)
                          : estimate_print(plan, options->ranks, &stages, err);
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
    if (options->try)
        worker_threads_set(plan, line->argv);
    rc = options->json ? print_json(plan, &err)
                       : print_text(plan, options, line->verbosity >= 0, &err);
out:
    lr_free(plan);
    return rc && !err.code ? lr_error_exit_status(rc) : outcome_error(rc, &err);
}

static const struct option_row rows[] = {
    {"ranks", "N", "of the run that is estimated; default: cores + 1", .letter = 'n',
     OPTION_AT(check_options, ranks), OPTION_TO_1000},
    {"try", NULL,
     "instead of its cost: run the shortest training once and print what was read (exit status "
     "5: it failed)",
     OPTION_AT(check_options, try)},
    {"try-time", "TIME", "most time of that training; default 5m", OPTION_AT(check_options, try_s),
     .type = OPTION_DURATION, .low = 1, .high = TRY_MAX_S,
     .wanted = "a time such as 5m, from 1s to 1d"},
    OPTION_ROW_SET(check_options),
    OPTION_ROW_JSON(check_options),
};

static int check_options(const struct command_line *line, struct lr_error *err)
{
    const struct check_options *options = line->options;
    if (options->json && options->try)
        return lr_fail(err, LR_EUSAGE,
                       "check: --json prints the plan, and --try what it saw of a "
                       "training; give one of them");
    if (options->try_s > 0 && !options->try)
        return lr_fail(err, LR_EUSAGE, "check: --try-time is for --try");
    return 0;
}

const struct command cmd_check = {
    .name = "check",
    .operand = "PLAN",
    .help = "validate the plan and print its stages and cost; --try trains once",
    .examples = "lrsearch check plans/quickstart.yaml -n 64\nlrsearch check plan.yaml --try",
    .kind = OPERAND_PLAN,
    .least_most = {1, 1},
    COMMAND_ROWS(rows),
    .options = &(struct check_options){0},
    .check = check_options,
    .run = run,
};
