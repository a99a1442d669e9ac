/* lrsearch audit: is a recipe's learning rate right? The law about horizons (Bjorck et al.) answers
 * where it applies, other published laws stand beside it, and a campaign that was run says what its
 * own law gives. Trains nothing and writes nothing. */
#include "campaign/campaign_answer.h"
#include "report/audit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "cli/predict_target.h"
#include "cli/outcome.h"
#include "history/run_reader.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "report/summary.h"

#define SAME_MODEL 2.0 /* times the parameters: the law of one is taken to be that of the other */
#define DISAGREE 2.0   /* between laws */
#define OTHER_BATCH 1.5

struct audit_options {
    struct predict_target target; /* tokens, and what the recipe trains with */
    double lr;
    uint64_t params;
    bool json;
};

static int judge(struct verdict *verdict, const struct recipe *recipe, double lr,
                 const double ci90[2], double curvature, double spread, struct lr_error *err)
{
    verdict->known = isfinite(lr);
    verdict->lr = lr;
    verdict->factor = recipe->lr / lr;
    for (int i = 0; i < 2; i++) {
        verdict->ci90[i] = ci90[i];
        verdict->factor90[i] = recipe->lr / ci90[1 - i];
    }
    verdict->curvature = curvature;
    return loss_penalty_find(&verdict->penalty, recipe->lr, lr, ci90, curvature, spread, err);
}

/* ---- published laws ---- */

static void warn_of_reach(struct audit *audit, const struct published_law *law)
{
    char value[24], end[24];
    const double *ranges[] = {law->params, law->tokens};
    const double values[] = {audit->recipe.params, audit->recipe.tokens};
    static const char *const names[] = {"parameters", "tokens"};
    for (int i = 0; i < 2; i++) {
        double nearest = fmin(fmax(values[i], ranges[i][0]), ranges[i][1]);
        if (values[i] == nearest)
            continue;
        answer_warn(audit->answer,
                    "%s %s: %.3g times the %s that %s was fitted on (%s); its interval grows with "
                    "that",
                    format_count(value, sizeof(value), values[i]), names[i], values[i] / nearest,
                    values[i] > nearest ? "most" : "least", law->name,
                    format_count(end, sizeof(end), nearest));
    }
}

/* What of the recipe the law was not fitted on, and by which rules it is carried there. */
static void warn_of_rules(struct audit *audit, const struct published_law *law,
                          const struct published *said)
{
    const struct recipe *recipe = &audit->recipe;
    bool schedule = recipe->anneal.kind != SCHEDULE_COSINE;
    bool batch = law->batch_fixed && recipe->batch_tokens > 0 &&
                 !(fabs(log(recipe->batch_tokens / said->own_batch)) <= log(OTHER_BATCH));
    char own[24], lr[16];
    format_count(own, sizeof(own), said->own_batch);
    if (law->batch_fixed && recipe->batch_tokens == 0)
        answer_warn(audit->answer,
                    "%s is of a batch of %s tokens, and the best learning rate grows with the "
                    "batch up to the critical one: give --batch",
                    law->name, own);
    if (!batch && !schedule)
        return;
    double factor = recipe->lr / said->own_lr;
    answer_warn(audit->answer,
                "%s is of a batch of %s tokens and a cosine schedule, where it says %s (the recipe "
                "would be %.3g times too %s); what it says here rests on %s%s%s",
                law->name, own, format_lr(lr, sizeof(lr), 2, said->own_lr),
                factor > 1 ? factor : 1 / factor, factor > 1 ? "high" : "low",
                batch ? "the square root rule for batches" : "", batch && schedule ? " and " : "",
                schedule ? "a rule for schedules (arXiv 2602.07145)" : "");
}

/* Each as published: at a batch of its own, which is where most of it comes from. */
static void warn_of_disagreement(struct audit *audit)
{
    int low = -1, high = -1;
    char a[16], b[16], c[24], d[24];
    for (int i = 0; i < PUBLISHED_LAWS; i++) {
        double lr = audit->laws[i].own_lr;
        if (!audit->laws[i].in_range)
            continue;
        if (low < 0 || lr < audit->laws[low].own_lr)
            low = i;
        if (high < 0 || lr > audit->laws[high].own_lr)
            high = i;
    }
    if (low < 0 || !(audit->laws[high].own_lr > DISAGREE * audit->laws[low].own_lr))
        return;
    answer_warn(audit->answer,
                "the published laws disagree by a factor of %.2g, from %s (%s, batch %s) to %s "
                "(%s, batch %s)",
                audit->laws[high].own_lr / audit->laws[low].own_lr,
                format_lr(a, sizeof(a), 2, audit->laws[low].own_lr), published_laws[low].name,
                format_count(c, sizeof(c), audit->laws[low].own_batch),
                format_lr(b, sizeof(b), 2, audit->laws[high].own_lr), published_laws[high].name,
                format_count(d, sizeof(d), audit->laws[high].own_batch));
}

static int judge_published(struct verdict *verdict, const struct published_law *law,
                           const struct published *said, const struct recipe *recipe,
                           struct lr_error *err)
{
    snprintf(verdict->by, sizeof(verdict->by), "%s", law->name);
    verdict->batch_assumed = recipe->batch_tokens == 0;
    verdict->batch_tokens = verdict->batch_assumed ? said->own_batch : recipe->batch_tokens;
    return judge(verdict, recipe, said->lr, said->ci90, PUBLISHED_CURVATURE,
                 PUBLISHED_CURVATURE_SPREAD, err);
}

/* The verdict may turn with the batch, so that one about an assumed batch is given with a second.
 */
static int ask_at_best_batch(struct audit *audit, const struct published_law *law,
                             struct lr_error *err)
{
    struct recipe recipe = audit->recipe;
    struct published said;
    recipe.batch_tokens = transfer_best_batch(recipe.tokens);
    if (fabs(log(recipe.batch_tokens / audit->published.batch_tokens)) <= log(OTHER_BATCH))
        return 0;
    published_ask(&said, law, &recipe);
    return said.applies ? judge_published(&audit->at_best_batch, law, &said, &recipe, err) : 0;
}

static int ask_laws(struct audit *audit, struct lr_error *err)
{
    int rc;
    audit->law = -1;
    for (int i = 0; i < PUBLISHED_LAWS; i++) {
        published_ask(&audit->laws[i], &published_laws[i], &audit->recipe);
        if (audit->laws[i].applies && audit->law < 0)
            audit->law = i;
    }
    if (audit->law >= 0) {
        const struct published *said = &audit->laws[audit->law];
        const struct published_law *law = &published_laws[audit->law];
        if ((rc = judge_published(&audit->published, law, said, &audit->recipe, err)))
            return rc;
        if (audit->published.batch_assumed && (rc = ask_at_best_batch(audit, law, err)))
            return rc;
        warn_of_reach(audit, law);
        warn_of_rules(audit, law, said);
    }
    warn_of_disagreement(audit);
    return 0;
}

/* ---- the user's own runs ---- */

/* Whether the campaign is about the recipe's model. */
static void compare_models(struct audit *audit, const struct campaign *campaign, bool width_given)
{
    const struct plan *plan = campaign_plan(campaign);
    struct trial_spec target = plan_target(plan);
    struct answer *answer = audit->answer;
    char params[24], recipe[24];
    if (plan->model.d_model == 0) {
        answer_warn(answer,
                    "the campaign's losses are those of another program, whose model is not "
                    "known here: only you know whether it is the recipe's");
        audit->runs_apply = true;
        return;
    }
    audit->runs_params = (double)trial_params(&target);
    double times = audit->recipe.params / audit->runs_params;
    if (answer->joint.known && !width_given) {
        campaign_transfer_size(campaign, answer, audit->recipe.params);
        audit->runs_apply = true;
        return;
    }
    audit->runs_apply = fabs(log(times)) <= log(SAME_MODEL);
    if (!audit->runs_apply)
        answer_warn(answer,
                    "the campaign is about a model of %s parameters, the recipe about one of %s, "
                    "%.3g times as many: its learning rate is not that of the recipe",
                    format_count(params, sizeof(params), audit->runs_params),
                    format_count(recipe, sizeof(recipe), audit->recipe.params), times);
}

static int ask_runs(struct audit *audit, const struct predict_target *wanted, const char *run_dir,
                    struct plan *plan, struct lr_error *err)
{
    const struct target_answer *target = &audit->answer->target;
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
    if (predict_target_set(plan, wanted,
                           &why)) { /* the published laws still have something to say */
        snprintf(audit->runs_reason, sizeof(audit->runs_reason), "%.*s", AUDIT_TEXT - 1, why.text);
        return 0;
    }
    if ((rc = run_campaign_read(&campaign, plan, hash, run_dir, err)))
        goto out;
    if ((rc = campaign_fit(campaign, audit->answer, err)))
        goto out;
    compare_models(audit, campaign, wanted->width > 0);
    audit->runs.batch_assumed = wanted->batch == 0;
    audit->runs.batch_tokens = plan_target(plan).batch_tokens;
    if (audit->answer->status != ANSWER_IDENTIFIED)
        snprintf(audit->runs_reason, sizeof(audit->runs_reason), "%s", audit->answer->reason);
    else if ((rc = judge(&audit->runs, &audit->recipe, target->lr, target->ci90,
                         target->loss_penalty_if_wrong_2x, FITTED_CURVATURE_SPREAD, err)))
        goto out;
    if (!campaign_finished(campaign))
        answer_warn(audit->answer, "the campaign is not finished: more trials may move this");
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
        .anneal = {.kind = schedule,
                   .cooldown = target->cooldown > 0 ? target->cooldown : 0.2,
                   .final_lr = trial_default_final_lr(schedule)},
    };
    int rc;
    if (line->operand_count > 0 && (rc = ask_runs(audit, target, line->operands[0], plan, err)))
        return rc;
    return ask_laws(audit, err);
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

static int check(const struct command_line *line, struct lr_error *err)
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
    PREDICT_TARGET_ROWS(audit_options),
    OPTION_ROW_JSON(audit_options),
};

const struct command cmd_audit = {
    .name = "audit",
    .operand = "[RUN_DIR]",
    .help =
        "is a recipe's --lr right for --tokens and --params? by published laws, and a run's own",
    .examples = "lrsearch audit --lr 3e-4 --tokens 1T --params 7B",
    .kind = OPERAND_RUN,
    .least_most = {0, 1},
    COMMAND_ROWS(rows),
    .options = &(struct audit_options){.json = false},
    .check = check,
    .run = run,
};
