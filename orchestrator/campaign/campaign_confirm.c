/* The confirmation: after the search, the target's model is trained at the predicted LR, and at
 * half and twice that LR. These trials test the prediction, so the search never uses them. Each
 * parametrization of the plan has its own LR and its own test. */
#include "campaign/campaign_confirm.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "campaign/campaign_answer.h"
#include "campaign/campaign_budget.h"
#include "campaign/campaign_state.h"
#include "lrsearch/count.h"
#include "lrsearch/memory.h"

enum { LRS = 3 }; /* half, the LR itself, twice */
static const double factors[LRS] = {0.5, 1, 2};

static size_t parametrization_count(const struct plan *plan)
{
    return plan->axes.parametrization.count > 1 ? plan->axes.parametrization.count : 1;
}

static uint32_t parametrization_at(const struct plan *plan, size_t index)
{
    return plan->axes.parametrization.count > 1 ? plan->axes.parametrization.values[index]
                                                : plan->model.parametrization;
}

size_t campaign_confirm_trials(const struct plan *plan)
{
    return LRS * parametrization_count(plan) * plan->confirm.seeds;
}

static uint64_t longest_horizon(const struct plan *plan)
{
    return plan->search.horizons[plan->search.horizon_count - 1];
}

/* ---- what is trained ---- */

struct point {                /* an LR to confirm */
    uint32_t parametrization; /* index into the plan's parametrizations */
    double lr, ratios[RATIO_COUNT];
};

static bool same_model(const struct trial_spec *a, const struct trial_spec *b)
{
    return a->d_model == b->d_model && a->n_layers == b->n_layers && a->vocab == b->vocab &&
           a->batch_tokens == b->batch_tokens;
}

/* The data that the target trains on: those of the cell with the same model, if there is one;
 * otherwise those prepared for the target; otherwise those of cell 0. */
static const struct event_data *data_of(const struct campaign *campaign)
{
    const struct plan *plan = &campaign->plan;
    struct trial_spec target = plan_target(plan);
    size_t cells = plan_cell_count(plan);
    for (size_t i = 0; i < cells; i++) {
        struct trial_spec cell = plan_cell(plan, i);
        if (same_model(&cell, &target))
            return campaign_data(campaign, i);
    }
    const struct event_data *own = campaign_data(campaign, cells);
    return own ? own : campaign_data(campaign, 0);
}

static struct trial_spec spec_of(const struct campaign *campaign, size_t parametrization,
                                 uint64_t tokens)
{
    const struct plan *plan = &campaign->plan;
    struct trial_spec spec = plan_target_with(plan, parametrization_at(plan, parametrization));
    spec.horizon_tokens = tokens;
    campaign_set_data(campaign, &spec, data_of(campaign));
    return spec;
}

static struct trial_spec spec_at(const struct campaign *campaign, const struct point *point,
                                 int factor, uint32_t replicate, uint64_t tokens)
{
    struct trial_spec spec = spec_of(campaign, point->parametrization, tokens);
    spec.lr = factors[factor] * point->lr;
    campaign_set_ratios(&campaign->plan, &spec, point->ratios);
    spec.seed = plan_seed(&campaign->plan, replicate);
    return spec;
}

/* The LRs that the search predicts for a horizon of `tokens`, in the order of the plan;
 * parametrizations without a prediction are left out. */
static int predict_points(const struct campaign *campaign, const struct interrupt *interrupt,
                          uint64_t tokens, struct point *points, size_t *count,
                          struct lr_error *err)
{
    int rc = 0;
    struct answer *answer = lr_malloc(sizeof(*answer));
    if (!answer)
        return lr_nomem(err);
    *count = 0;
    for (size_t p = 0; p < parametrization_count(&campaign->plan); p++) {
        if ((rc = campaign_fit_for(campaign, interrupt, tokens,
                                   parametrization_at(&campaign->plan, p), answer, err)))
            goto out;
        if (!(answer->target.lr > 0) || !isfinite(answer->target.lr))
            continue;
        struct point *point = &points[(*count)++];
        *point = (struct point){.parametrization = (uint32_t)p, .lr = answer->target.lr};
        for (int r = 0; r < RATIO_COUNT; r++)
            point->ratios[r] =
                answer->target.ratio[r] > 0 ? answer->target.ratio[r] : answer->ratios[r].value;
    }
out:
    lr_free(answer);
    return rc;
}

static uint64_t next_shorter(const struct plan *plan, uint64_t tokens)
{
    uint64_t least = longest_horizon(plan);
    return tokens / 2 > least ? tokens / 2 : least;
}

static bool text_suffices(const struct campaign *campaign, uint64_t tokens)
{
    uint64_t text = data_of(campaign)->train_tokens; /* 0: the trainer reads no text */
    return text == 0 || campaign->plan.data.repeat || tokens <= text;
}

/* The largest horizon that budget and text allow, at least the plan's longest search horizon. 0:
 * not even that fits; then *need is the budget it needs, or zero if the text is too short. */
static uint64_t affordable(const struct campaign *campaign, struct event_finished *need)
{
    const struct plan *plan = &campaign->plan;
    const struct commitment committed = campaign_committed(campaign, PURPOSE_CONFIRM);
    uint64_t tokens = plan->confirm.tokens ? plan->confirm.tokens : plan->target.tokens;
    for (;; tokens = next_shorter(plan, tokens)) {
        struct outlay outlay = {0};
        for (size_t p = 0; p < parametrization_count(plan); p++) {
            struct trial_spec spec = spec_of(campaign, p, tokens);
            outlay_add(&outlay, &spec, 0, (uint64_t)LRS * plan->confirm.seeds);
        }
        *need = campaign_budget_need(campaign, &committed, &outlay);
        const char *key = campaign_budget_short(plan, need);
        if (!key && text_suffices(campaign, tokens))
            return tokens;
        if (tokens <= longest_horizon(plan)) {
            *need = key ? *need : (struct event_finished){0};
            return 0;
        }
    }
}

/* ---- its events ---- */

int campaign_confirm(const struct campaign *campaign, const struct interrupt *interrupt,
                     struct next_events *next, struct event_finished *need, struct lr_error *err)
{
    int rc;
    const struct plan *plan = &campaign->plan;
    struct point points[PLAN_AXIS];
    size_t count = 0;
    uint32_t seeds = plan->confirm.seeds;
    bool torn = !round_is_planned(campaign);
    uint64_t tokens = affordable(campaign, need);
    if (torn && campaign->round_planned > 0) /* time has passed since it was planned */
        tokens = campaign->trials[campaign->trial_count - 1]->spec.horizon_tokens;
    else if (torn && tokens == 0)
        tokens = longest_horizon(plan);
    if (tokens == 0)
        return 0;
    *need = (struct event_finished){0};
    if ((rc = predict_points(campaign, interrupt, tokens, points, &count, err)))
        return rc;
    if (count == 0 && !torn)
        return 0;
    if ((rc = next_events_begin(next, campaign, PURPOSE_CONFIRM, count * LRS * seeds, err)))
        return rc;
    for (size_t p = 0; p < count; p++)
        for (int f = 0; f < LRS; f++)
            for (uint32_t replicate = 0; replicate < seeds; replicate++)
                next_events_add(next, campaign, points[p].parametrization, replicate)->spec =
                    spec_at(campaign, &points[p], f, replicate, tokens);
    return next_events_end(next, campaign, err);
}

/* ---- what came out ---- */

struct tally {
    double loss, se; /* mean over seeds (NaN: unknown) and its standard error */
    size_t losses, diverged, open;
};

static struct tally tally_at(const struct campaign *campaign, uint32_t round, uint32_t cell,
                             double lr)
{
    struct tally out = {0};
    double sum = 0, squares = 0, own = 0;
    for (size_t i = 0; i < campaign->trial_count; i++) {
        const struct trial *trial = campaign->trials[i];
        if (trial->round != round || trial->cell != cell || !(trial->spec.lr == lr))
            continue;
        out.open += !trial_state_is_over(trial->state);
        out.diverged += trial->state == TRIAL_DIVERGED;
        if (trial->state != TRIAL_DONE)
            continue;
        sum += trial->result.val_loss;
        squares += trial->result.val_loss * trial->result.val_loss;
        own += isfinite(trial->result.val_loss_se) ? trial->result.val_loss_se : 0;
        out.losses++;
    }
    double n = (double)out.losses;
    out.loss = n > 0 && out.diverged == 0 ? sum / n : NAN;
    if (n > 1)
        out.se = sqrt(fmax(squares - sum * sum / n, 0) / (n - 1) / n);
    else if (n > 0)
        out.se = own; /* one seed: only the validation set's error is known */
    return out;
}

static const char *excess_text(const struct tally *of, double best, char out[32])
{
    if (of->diverged > 0)
        snprintf(out, 32, "diverged");
    else if (of->open > 0)
        snprintf(out, 32, "is not trained");
    else if (of->losses == 0)
        snprintf(out, 32, "is not known");
    else
        snprintf(out, 32, "%s %.4f", of->loss < best ? "gains" : "costs", fabs(of->loss - best));
    return out;
}

/* Writes confirm->text, and warns if a neighbouring LR beats the predicted one. */
static void describe_confirm(struct answer *answer, struct confirm_answer *confirm,
                             const struct tally tallies[LRS])
{
    static const char *const names[LRS] = {"half of it", "", "twice of it"};
    const struct tally *own = &tallies[1];
    char tokens[COUNT_TEXT], half[32], twice[32], verdict[80];
    double penalty = confirm->excess_predicted[0] - confirm->excess_predicted[1];
    format_count(tokens, sizeof(tokens), (double)confirm->tokens);
    int better = -1;
    for (int k = 0; k < LRS; k += 2)
        if (isfinite(confirm->loss[k]) && (better < 0 || confirm->loss[k] < confirm->loss[better]))
            better = k;
    if (!isfinite(confirm->loss[1])) {
        snprintf(confirm->text, sizeof(confirm->text), "at %s tokens %.3g itself %s", tokens,
                 confirm->lr[1],
                 own->diverged ? "diverged"
                 : own->open   ? "is not trained"
                               : "is not known");
        if (own->diverged && better >= 0)
            answer_warn(answer,
                        "confirm: at %s tokens the learning rate %.3g diverged, and %s did not",
                        tokens, confirm->lr[1], names[better]);
        return;
    }
    double gain = better >= 0 ? own->loss - confirm->loss[better] : 0;
    double noise = better >= 0 ? 2 * hypot(own->se, tallies[better].se) : 0;
    if (!(gain > 0))
        snprintf(verdict, sizeof(verdict), better < 0 ? "nothing to compare with" : "it is best");
    else if (!(gain > noise))
        snprintf(verdict, sizeof(verdict), "they differ by no more than the noise, %.4f", noise);
    else
        snprintf(verdict, sizeof(verdict), "%s is better", names[better]);
    snprintf(confirm->text, sizeof(confirm->text),
             "at %s tokens %.3g gives %.4f nats; half of it %s, twice of it %s (predicted: costs "
             "%.4f): %s",
             tokens, confirm->lr[1], own->loss, excess_text(&tallies[0], own->loss, half),
             excess_text(&tallies[2], own->loss, twice), penalty, verdict);
    if (gain > noise && !(gain <= penalty))
        answer_warn(answer,
                    "confirm: at %s tokens %.3g is better than the predicted %.3g by %.4f nats "
                    "(noise %.4f): the optimum lies elsewhere than the search says",
                    tokens, confirm->lr[better], confirm->lr[1], gain, noise);
}

/* The first trial of a parametrization's last confirmation; NULL: none. */
static const struct trial *first_of(const struct campaign *campaign, uint32_t cell)
{
    const struct trial *first = NULL;
    for (size_t i = campaign->trial_count; i > 0; i--) {
        const struct trial *trial = campaign->trials[i - 1];
        if (trial->purpose == PURPOSE_CONFIRM && trial->cell == cell &&
            (!first || first->round == trial->round))
            first = trial;
    }
    return first;
}

/* The expected excess comes from the current fit, the measured losses from the trials. */
static int add_confirm(const struct campaign *campaign, const struct interrupt *interrupt,
                       const struct trial *first, struct answer *answer, struct lr_error *err)
{
    assert(answer->confirm_count < ANSWER_CONFIRMS);
    struct confirm_answer *confirm = &answer->confirms[answer->confirm_count];
    struct tally tallies[LRS];
    struct answer *expected = lr_malloc(sizeof(*expected));
    if (!expected)
        return lr_nomem(err);
    int rc = campaign_fit_for(campaign, interrupt, first->spec.horizon_tokens,
                              first->spec.parametrization, expected, err);
    if (rc)
        goto out;
    answer->confirm_count++;
    confirm->parametrization = first->spec.parametrization;
    confirm->d_model = first->spec.d_model;
    confirm->n_layers = first->spec.n_layers;
    confirm->vocab = first->spec.vocab;
    confirm->tokens = first->spec.horizon_tokens;
    for (int k = 0; k < LRS; k++) {
        confirm->lr[k] = first->spec.lr / factors[0] * factors[k];
        tallies[k] = tally_at(campaign, first->round, first->cell, confirm->lr[k]);
        confirm->loss[k] = tallies[k].loss;
        confirm->diverged[k] = tallies[k].diverged > 0;
        /* mean of both sides; a loss basin's right side is steeper by about a fifth */
        confirm->excess_predicted[k] = expected->target.loss_penalty;
        if (k != 1)
            confirm->excess_predicted[k] += expected->target.loss_penalty_if_wrong_2x;
    }
    describe_confirm(answer, confirm, tallies);
out:
    lr_free(expected);
    return rc;
}

/* Adds a verdict on which parametrization's transferred LR has the lowest loss, if at least two
 * were trained on the same number of tokens. */
static void add_comparison(const struct campaign *campaign, struct answer *answer)
{
    char losses[160] = "", tokens[COUNT_TEXT];
    uint32_t seeds = campaign->plan.confirm.seeds;
    double error = 0; /* of the validation set, without the spread over seeds */
    const struct confirm_answer *best = NULL;
    size_t used = 0, count = 0;
    for (size_t i = 0; i < answer->confirm_count; i++) {
        const struct confirm_answer *confirm = &answer->confirms[i];
        if (!isfinite(confirm->loss[1]) || confirm->tokens != answer->confirms[0].tokens)
            continue;
        used += (size_t)snprintf(losses + used, sizeof(losses) - used, "%s%.4f with %s",
                                 count > 0 ? ", " : "", confirm->loss[1],
                                 parametrization_name(confirm->parametrization));
        count++;
        if (!best || confirm->loss[1] < best->loss[1])
            best = confirm;
    }
    if (count < 2 || answer->verdict_count == ANSWER_VERDICTS)
        return;
    for (size_t i = 0; i < campaign->trial_count; i++)
        if (campaign->trials[i]->purpose == PURPOSE_CONFIRM &&
            isfinite(campaign->trials[i]->result.val_loss_se))
            error = fmax(error, campaign->trials[i]->result.val_loss_se / sqrt(seeds));
    snprintf(
        answer->verdicts[answer->verdict_count++], ANSWER_TEXT,
        "at width %u on %s tokens the transferred learning rates give %s nats (each +- %.3f by "
        "the validation set, %u seed%s): %s is lowest",
        best->d_model, format_count(tokens, sizeof(tokens), (double)best->tokens), losses, error,
        seeds, seeds == 1 ? "" : "s", parametrization_name(best->parametrization));
}

/* Warns why the plan's confirmation was not run. */
static void warn_missing(const struct campaign *campaign, struct answer *answer)
{
    struct event_finished need;
    char used[160];
    const char *key =
        affordable(campaign, &need) > 0 ? NULL : campaign_budget_short(&campaign->plan, &need);
    if (!key) {
        answer_warn(answer, "confirm: there is no learning rate to confirm");
        return;
    }
    campaign_budget_text(campaign, key, PURPOSE_CONFIRM, used, sizeof(used));
    answer_warn(answer,
                "confirm: %s has no room for it: %s; raise it and run the same command again", key,
                used);
}

int campaign_confirm_answer(const struct campaign *campaign, const struct interrupt *interrupt,
                            struct answer *answer, struct lr_error *err)
{
    int rc;
    const struct plan *plan = &campaign->plan;
    size_t open = 0;
    answer->confirm_count = 0;
    if (!plan->confirm.wanted)
        return 0;
    for (uint32_t p = 0; p < parametrization_count(plan); p++) {
        const struct trial *first = first_of(campaign, p);
        if (first && answer->confirm_count < ANSWER_CONFIRMS &&
            (rc = add_confirm(campaign, interrupt, first, answer, err)))
            return rc;
    }
    add_comparison(campaign, answer);
    if (!campaign->finished)
        return 0;
    for (size_t i = 0; i < campaign->trial_count; i++)
        open += campaign->trials[i]->purpose == PURPOSE_CONFIRM &&
                !trial_state_is_over(campaign->trials[i]->state);
    if (answer->confirm_count == 0)
        warn_missing(campaign, answer);
    else if (open > 0)
        answer_warn(answer,
                    "confirm: the budget was used up before %zu of its trainings; raise it and run "
                    "the same command again",
                    open);
    return 0;
}
