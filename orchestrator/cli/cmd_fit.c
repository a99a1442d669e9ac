/* lrsearch fit: the answer once more, from losses that are there: those of a campaign, by its
 * journal, or those of a table (fit_table.c). Trains nothing and writes nothing. */
#include <stdio.h>
#include <string.h>
#include "cli/fit_table.h"
#include "cli/options.h"
#include "cli/outcome.h"
#include "history/run_reader.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "report/summary.h"

static int fit_run(const struct options *options, struct answer *answer, struct lr_error *err)
{
    uint64_t hash;
    struct campaign *campaign = NULL;
    struct plan *plan = lr_calloc(1, sizeof(*plan));
    int rc = plan ? run_plan_read(plan, &hash, options->operand, err) : lr_nomem(err);
    if (!rc)
        rc = run_campaign_read(&campaign, plan, hash, options->operand, err);
    if (!rc)
        rc = campaign_answer(campaign, answer, err);
    if (!rc)
        outcome_print(options, plan->name, answer);
    campaign_destroy(campaign);
    lr_free(plan);
    return rc;
}

static int fit_file(const struct options *options, struct answer *answer, struct lr_error *err)
{
    const char *slash = strrchr(options->table, '/');
    const char *name = slash ? slash + 1 : options->table;
    bool optima;
    int rc = fit_table(answer, options, NULL, &optima, err);
    if (!rc && optima && !options->json)
        summary_print_prediction(stdout, name, answer, "");
    else if (!rc)
        outcome_print(options, name, answer);
    return rc;
}

int command_fit(const struct options *options)
{
    struct lr_error err = {0};
    struct answer *answer = lr_calloc(1, sizeof(*answer));
    int rc = answer ? 0 : lr_nomem(&err);
    if (!rc)
        rc = options->table ? fit_file(options, answer, &err) : fit_run(options, answer, &err);
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    int status = outcome_status(rc, answer);
    lr_free(answer);
    return status;
}
