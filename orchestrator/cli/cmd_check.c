/* lrsearch check: what a plan will do and what that costs, without MPI and without a campaign. */
#include <stdio.h>
#include "estimate/estimate.h"
#include "estimate/plan_outline.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "plan/plan_json.h"
#include "prepare/prepare.h"
#include "prepare/prepare_command.h"
#include "prepare/prepare_table.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "plan/plan.h"

/* Of the data, what can be judged in a moment. */
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

static int print_estimate(const struct options *options, const struct plan *plan,
                          struct lr_error *err)
{
    struct live live;
    live_init(&live, options);
    const struct stage_report stages = live_stages(&live);
    plan_outline_print(plan);
    int rc = estimate_print(plan, options->ranks, &stages, err);
    live_release(&live);
    return rc;
}

int command_check(const struct options *options)
{
    struct plan *plan;
    struct lr_error err = {0};
    int rc = prepare_plan(&plan, options->operand, options->sets, options->set_count);
    if (rc)
        return lr_error_exit_status(rc);
    if ((rc = check_data(plan, &err)))
        goto out;
    rc = options->json ? print_json(plan, &err) : print_estimate(options, plan, &err);
out:
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    lr_free(plan);
    return rc ? lr_error_exit_status(rc) : 0;
}
