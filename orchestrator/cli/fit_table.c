/* From a table to the search: every row up to the target is an observation, and what a plan would
 * say of the search is read off the table (range, horizons, seeds) or left to the plan's defaults.
 * Of optima only the law is fitted; then rules that look at losses cannot be asked. */
#include "cli/fit_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "cli/table_request.h"
#include "data/sweep.h"
#include "lrsearch/memory.h"
#include "plan/schema.h"
#include "plan/value.h"
#include "report/summary.h"
#include "search/law.h"

#define SE_LN_LR 0.1 /* of an optimum that comes without one: a careful sweep's */
#define Z90 1.6448536269514722
#define WIDEST_FACTOR 4.0 /* as for a campaign: a wider interval is no answer */

struct table {
    const struct options *options;
    struct sweep sweep;
    uint64_t horizons[ANSWER_HORIZONS];
    struct search_space space;
    bool cut; /* it had more horizons than an answer holds */
};

/* ---- what a plan would say ---- */

/* search.NAME as the user gave it, or its default. */
static int take_number(double *out, const char *name, const char *option, const char *given,
                       struct lr_error *err)
{
    const struct plan_key *key = plan_key_find(plan_section_find("search"), name);
    char range[64];
    bool good = value_number(given ? given : key->fallback, out) == VALUE_OK && *out <= key->high &&
                (key->above ? *out > key->low : *out >= key->low);
    return good ? 0
                : lr_fail(err, LR_EUSAGE, "%s %s: must be a number in the range of search.%s (%s)",
                          option, given, name, plan_range_text(key, range, sizeof(range)));
}

static int take_settings(struct table *table, struct lr_error *err)
{
    struct search_space *space = &table->space;
    double bootstrap;
    space->target_tokens = table->options->target_tokens;
    space->seed = 1;
    for (int r = 0; r < RATIO_COUNT; r++)
        space->ratios[r] = (struct ratio_range){1, 1};
    int rc = take_number(&space->resolution, "resolution", "", NULL, err);
    if (!rc)
        rc = take_number(&bootstrap, "bootstrap", "", NULL, err);
    if (!rc)
        rc = take_number(&space->prior_beta, "prior_beta", "--prior-beta",
                         table->options->prior_beta, err);
    if (!rc)
        rc = take_number(&space->prior_beta_sd, "prior_beta_sd", "--prior-beta-sd",
                         table->options->prior_beta_sd, err);
    if (!rc)
        space->bootstrap = (uint32_t)bootstrap;
    return rc;
}

/* Up to the target; the longest of them, if there are too many. */
static int take_horizons(struct table *table, struct lr_error *err)
{
    struct search_space *space = &table->space;
    uint64_t tokens = 0;
    char wanted[24], shortest[24];
    while ((tokens = sweep_next_horizon(&table->sweep, tokens)) && tokens <= space->target_tokens) {
        if (space->horizon_count == ANSWER_HORIZONS) {
            memmove(table->horizons, table->horizons + 1,
                    sizeof(table->horizons) - sizeof(table->horizons[0]));
            space->horizon_count--;
            table->cut = true;
        }
        table->horizons[space->horizon_count++] = tokens;
    }
    space->horizons = table->horizons;
    if (space->horizon_count)
        return 0;
    tokens = table->sweep.rows[0].tokens;
    return lr_fail(err, LR_EDATA,
                   "%s: --target-tokens %s is less than the shortest horizon of the table, %s: "
                   "nothing is left to fit",
                   table->options->table,
                   format_count(wanted, sizeof(wanted), (double)space->target_tokens),
                   format_count(shortest, sizeof(shortest), (double)tokens));
}

/* ---- rows of losses ---- */

static bool is_used(const struct table *table, const struct sweep_row *row)
{
    const struct search_space *space = &table->space;
    return row->tokens >= space->horizons[0] &&
           row->tokens <= space->horizons[space->horizon_count - 1];
}

static size_t observe(struct table *table, struct observation *seen)
{
    struct search_space *space = &table->space;
    size_t count = 0;
    space->lr_low = INFINITY;
    for (size_t i = 0; i < table->sweep.count; i++) {
        const struct sweep_row *row = &table->sweep.rows[i];
        if (!is_used(table, row))
            continue;
        seen[count++] = (struct observation){
            .tokens = row->tokens,
            .lr = row->lr,
            .seed = row->seed,
            .kind = isnan(row->loss) ? OBSERVED_DIVERGED : OBSERVED_LOSS,
            .loss = row->loss,
            .ratios = {1, 1},
        };
        space->lr_low = fmin(space->lr_low, row->lr);
        space->lr_high = fmax(space->lr_high, row->lr);
        if (row->seed + 1 > space->seeds)
            space->seeds = row->seed + 1;
    }
    return count;
}

static int fit_losses(struct answer *answer, struct table *table, struct lr_error *err)
{
    struct observation *seen = lr_calloc(table->sweep.count, sizeof(*seen));
    if (!seen)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    size_t count = observe(table, seen);
    int rc = search_answer(answer, &table->space, seen, count, err);
    if (!rc) {
        answer->cost.trials = count;
        for (size_t i = 0; i < count; i++)
            answer->cost.tokens += seen[i].tokens;
        answer->cost.flops = answer->cost.core_seconds = NAN;
        answer->cost.target_run_fraction = NAN;
    }
    lr_free(seen);
    return rc;
}

/* ---- rows of optima ---- */

/* The longest optima; `loss` of the table is their standard error where there is one. */
static int take_optima(struct answer *answer, const struct table *table, bool with_errors,
                       struct lr_error *err)
{
    size_t end = 0, first = 0;
    while (end < table->sweep.count && table->sweep.rows[end].tokens <= answer->target.tokens)
        end++;
    if (end > ANSWER_HORIZONS) {
        first = end - ANSWER_HORIZONS;
        answer_warn(answer, "the table has more than %d optima: the shortest do not count",
                    ANSWER_HORIZONS);
    }
    for (size_t i = first; i < end; i++) {
        const struct sweep_row *row = &table->sweep.rows[i];
        double se = with_errors && !isnan(row->loss) ? row->loss : SE_LN_LR;
        if (!(se > 0))
            return lr_fail(err, LR_EDATA,
                           "%s: the optimum %g at %llu tokens has the standard error %g; it must "
                           "be above 0 (of ln LR)",
                           table->options->table, row->lr, (unsigned long long)row->tokens, se);
        answer->horizons[answer->horizon_count++] = (struct horizon_answer){
            .tokens = row->tokens,
            .lr_opt = row->lr,
            .ci90 = {row->lr * exp(-Z90 * se), row->lr * exp(Z90 * se)},
            .curvature = NAN,
            .loss_min = NAN,
            .se_ln_lr = se,
        };
    }
    return 0;
}

static void judge(struct answer *answer)
{
    const struct target_answer *target = &answer->target;
    const struct horizon_answer *longest = &answer->horizons[answer->horizon_count - 1];
    double factor = fmax(target->ci90[1] / target->lr, target->lr / target->ci90[0]);
    if (answer->horizons[0].tokens == longest->tokens && target->tokens > longest->tokens) {
        answer->status = ANSWER_NOT_IDENTIFIED;
        snprintf(answer->reason, sizeof(answer->reason),
                 "there are optima at one horizon only: no law can be drawn to the target, %.3g "
                 "times as long",
                 (double)target->tokens / (double)longest->tokens);
    } else if (!(factor <= WIDEST_FACTOR)) {
        answer->status = ANSWER_NOT_IDENTIFIED;
        snprintf(answer->reason, sizeof(answer->reason),
                 "extrapolation refused: the 90 %% interval reaches a factor %.1f from the answer "
                 "(at most %.0f)",
                 factor, WIDEST_FACTOR);
    }
}

static int fit_optima(struct answer *answer, const struct table *table, bool with_errors,
                      struct lr_error *err)
{
    struct law law;
    struct target_answer *target = &answer->target;
    *answer = (struct answer){.status = ANSWER_IDENTIFIED};
    answer->cost.flops = answer->cost.core_seconds = answer->cost.target_run_fraction = NAN;
    target->tokens = table->space.target_tokens;
    int rc = take_optima(answer, table, with_errors, err);
    if (rc)
        return rc;
    law_fit(&law, answer->horizons, answer->horizon_count, &table->space);
    law_answer_fill(&answer->law, &law);
    target->lr = law_predict(&law, target->tokens, target->ci90);
    target->embedding_lr = target->loss_penalty_if_wrong_2x = NAN;
    for (int r = 0; r < RATIO_COUNT; r++)
        answer->ratios[r] = (struct ratio_answer){.optimum = NAN, .ci90 = {NAN, NAN}};
    judge(answer);
    if (!with_errors)
        answer_warn(answer,
                    "the table has no standard errors (column se): each optimum is taken to be "
                    "known within %.0f %%",
                    100 * SE_LN_LR);
    return 0;
}

int fit_table(struct answer *answer, const struct options *options, bool *optima,
              struct lr_error *err)
{
    struct table table = {.options = options};
    struct table_request request;
    int rc = table_request_init(&request, options, err);
    *optima = request.optima;
    if (!rc)
        rc = take_settings(&table, err);
    if (!rc)
        rc = sweep_read(&table.sweep, &request.sweep, err);
    if (!rc)
        rc = take_horizons(&table, err);
    if (!rc)
        rc = request.optima ? fit_optima(answer, &table, request.with_errors, err)
                            : fit_losses(answer, &table, err);
    for (int r = 0; r < RATIO_COUNT; r++)
        answer->ratios[r].value = NAN; /* a table does not say */
    if (!rc && table.cut && !request.optima)
        answer_warn(answer, "the table has more than %d horizons: the shortest do not count",
                    ANSWER_HORIZONS);
    sweep_release(&table.sweep);
    table_request_release(&request);
    return rc;
}
