/* audit_by_laws() judges a recipe by the first of published_laws that applies (that of Bjorck et
 * al. covers horizons) and lists what the others predict. audit_by_campaign() judges it by a
 * campaign's own law. */
#include "estimate/audit_recipe.h"

#include <math.h>
#include <stdio.h>
#include "campaign/campaign_answer.h"
#include "report/summary.h"

#define SAME_MODEL 2.0 /* ratio of parameters up to which two models share a law */
#define DISAGREE 2.0   /* ratio of two laws' LRs that is worth a warning */
#define OTHER_BATCH 1.5

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

/* Warns of a batch or schedule that the law was not fitted on, and names the rule that corrects for
 * it. */
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

/* Compares the laws as published, each at its own batch, the source of most of the difference. */
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
                "the published rules disagree by a factor of %.2g, from %s (%s, batch %s) to %s "
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

/* The verdict may depend on the batch: an assumed batch gets a second verdict, at the best
 * batch. */
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

int audit_by_laws(struct audit *audit, struct lr_error *err)
{
    const struct recipe *recipe = &audit->recipe;
    int rc;
    audit->law = -1;
    audit->timescale_published = published_timescale(recipe->params, recipe->tokens);
    audit->timescale = recipe->weight_decay > 0 && recipe->batch_tokens > 0
                           ? decay_timescale(recipe->lr, recipe->weight_decay, recipe->batch_tokens,
                                             recipe->tokens)
                           : NAN;
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

/* Sets runs_apply (the campaign's model fits the recipe's) and runs_params. */
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

int audit_by_campaign(struct audit *audit, const struct campaign *campaign, bool width_given,
                      bool batch_given, struct lr_error *err)
{
    const struct plan *plan = campaign_plan(campaign);
    const struct target_answer *target = &audit->answer->target;
    int rc;
    if ((rc = campaign_fit(campaign, audit->answer, err)))
        return rc;
    compare_models(audit, campaign, width_given);
    audit->runs.batch_assumed = !batch_given;
    audit->runs.batch_tokens = plan_target(plan).batch_tokens;
    if (audit->answer->status != ANSWER_IDENTIFIED)
        snprintf(audit->runs_reason, sizeof(audit->runs_reason), "%s", audit->answer->reason);
    else if ((rc = judge(&audit->runs, &audit->recipe, target->lr, target->ci90,
                         target->loss_penalty_if_wrong_2x, FITTED_CURVATURE_SPREAD, err)))
        return rc;
    if (!campaign_finished(campaign))
        answer_warn(audit->answer, "the campaign is not finished: more trials may move this");
    return 0;
}
