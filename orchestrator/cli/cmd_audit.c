/* lrsearch audit: checks a recipe's learning rate against published laws and, with RUN_DIR, against
 * that campaign. Trains nothing and writes nothing. */
#include "campaign/campaign.h"
#include "cli/outcome.h"
#include "cli/predict_target.h"
#include "estimate/audit_recipe.h"
#include "history/run_reader.h"
#include "lrsearch/memory.h"
#include "report/audit.h"

#include <stdio.h>

struct audit_options {
    struct predict_target target; /* tokens, width, batch and schedule of the recipe */
    double lr, weight_decay;      /* weight_decay 0: not given */
    uint64_t params;
    bool json;
};

/* Audits by the campaign in run_dir; `plan` receives its plan. */
static int audit_by_runs(struct audit *audit, const struct predict_target *wanted,
                         const char *run_dir, struct plan *plan, struct lr_error *err)
{
    struct campaign *campaign = NULL;
    struct lr_error why = {0};
    uint64_t hash;
    int rc;
    if ((rc = run_plan_read(plan, &hash, run_dir, err)))
        return rc;
    audit->has_runs = true;
    snprintf(audit->name, sizeof(audit->name), "%s", plan->name);
    snprintf(audit->runs.by, sizeof(audit->runs.by), "%s", plan->name);
    audit->runs_longest = plan->search.horizons[plan->search.horizon_count - 1];
    if (predict_target_set(plan, wanted, &why)) { /* the published laws still apply */
        snprintf(audit->runs_reason, sizeof(audit->runs_reason), "%.*s", AUDIT_TEXT - 1, why.text);
        return 0;
    }
    if ((rc = run_campaign_read(&campaign, plan, hash, run_dir, err)))
        goto out;
    rc = audit_by_campaign(audit, campaign, wanted->width > 0, wanted->batch > 0, err);
out:
    campaign_destroy(campaign);
    return rc;
}

static int audit_recipe(struct audit *audit, const struct command_line *line, struct plan *plan,
                        struct lr_error *err)
{
    const struct audit_options *options = line->options;
    const struct predict_target *target = &options->target;
    uint32_t schedule = target->schedule ? target->schedule - 1 : SCHEDULE_COSINE;
    audit->recipe = (struct recipe){
        .lr = options->lr,
        .params = (double)options->params,
        .tokens = (double)target->tokens,
        .batch_tokens = target->batch,
        .weight_decay = options->weight_decay,
        .anneal = {.kind = schedule,
                   .cooldown = target->cooldown > 0 ? target->cooldown : 0.2,
                   .final_lr = trial_default_final_lr(schedule)},
    };
    int rc;
    if (line->operand_count > 0 &&
        (rc = audit_by_runs(audit, target, line->operands[0], plan, err)))
        return rc;
    return audit_by_laws(audit, err);
}

static int print_audit(const struct audit *audit, bool json, struct lr_error *err)
{
    if (json)
        return audit_print_json(audit, err);
    audit_print(stdout, audit);
    return 0;
}

static int run(const struct command_line *line)
{
    const struct audit_options *options = line->options;
    struct lr_error err = {0};
    struct audit *audit = lr_calloc(1, sizeof(*audit));
    struct answer *answer = lr_calloc(1, sizeof(*answer));
    struct plan *plan = lr_calloc(1, sizeof(*plan));
    int status, rc;
    if (!audit || !answer || !plan) {
        rc = lr_nomem(&err);
        goto out;
    }
    audit->answer = answer;
    if ((rc = audit_recipe(audit, line, plan, &err)))
        goto out;
    rc = print_audit(audit, options->json, &err);
out:
    status = outcome_error(rc, &err);
    if (!rc && !audit_headline(audit))
        status = LR_EXIT_NOT_IDENTIFIED;
    lr_free(plan);
    lr_free(answer);
    lr_free(audit);
    return status;
}

static int check_options(const struct command_line *line, struct lr_error *err)
{
    const struct audit_options *options = line->options;
    if (!(options->lr > 0 && options->target.tokens && options->params))
        return lr_fail(
            err, LR_EUSAGE,
            "audit: needs --lr, --tokens and --params of a recipe, as in: lrsearch audit "
            "--lr 3e-4 --tokens 1T --params 7B");
    return predict_target_check(&options->target, line, err);
}

static const struct option_row rows[] = {
    {"lr", "X", "peak learning rate of the recipe; needed", OPTION_AT(audit_options, lr),
     .type = OPTION_NUMBER, .wanted = "a number above 0 such as 3e-3"},
    PREDICT_TARGET_TOKENS(audit_options, "tokens of its training, such as 1T; needed"),
    {"params", "N", "parameters of its model, such as 7B; needed", OPTION_AT(audit_options, params),
     .type = OPTION_U64, .wanted = "a whole count such as 7B"},
    {"batch", "B", "tokens of a step, such as 4M", OPTION_AT(audit_options, target.batch),
     .type = OPTION_U32, .low = 2, .high = PREDICT_BATCH_MOST,
     .wanted = "the tokens of a step, such as 4M"},
    {"weight-decay", "X", "of its AdamW, multiplied by the learning rate, such as 0.1",
     OPTION_AT(audit_options, weight_decay), .type = OPTION_NUMBER,
     .wanted = "a number above 0 such as 0.1"},
    PREDICT_TARGET_ROWS(audit_options),
    OPTION_ROW_JSON(audit_options),
};

const struct command cmd_audit = {
    .name = "audit",
    .operand = "[RUN_DIR]",
    .help =
        "is a recipe's --lr right for --tokens and --params? by published rules, and a run's own",
    .examples = "lrsearch audit --lr 3e-4 --tokens 1T --params 7B",
    .kind = OPERAND_RUN,
    .least_most = {0, 1},
    COMMAND_ROWS(rows),
    .options = &(struct audit_options){.json = false},
    .check = check_options,
    .run = run,
};
