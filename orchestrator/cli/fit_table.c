/* From a table to the search: every row up to the target is an observation, and what a plan would
 * say of the search is read off the table (range, horizons, seeds) or left to the plan's defaults.
 * A table of optima is measured basins without their losses. */
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
#include "search/policy.h"
#include "search/search_answer.h"

#define SE_LN_LR 0.1 /* of an optimum that comes without one: a careful sweep's */
/* Of optima: they come from whole sweeps over horizons far apart, so that the data count. */
#define PRIOR_BETA_SD "1"

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

static int take_settings(struct table *table, bool optima, struct lr_error *err)
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
    const char *given = table->options->prior_beta_sd;
    if (!rc)
        rc = take_number(&space->prior_beta_sd, "prior_beta_sd", "--prior-beta-sd",
                         optima && !given ? PRIOR_BETA_SD : given, err);
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

/* ---- rows of optima ---- */

/* `loss` of the table is the standard error where there is one. */
static int take_optima(struct table *table, bool with_errors, struct observation *seen,
                       size_t count, struct lr_error *err)
{
    for (size_t i = 0; i < count; i++) {
        double se = with_errors && !isnan(seen[i].loss) ? seen[i].loss : SE_LN_LR;
        if (!(se > 0))
            return lr_fail(err, LR_EDATA,
                           "%s: the optimum %g at %llu tokens has the standard error %g; it must "
                           "be above 0 (of ln LR)",
                           table->options->table, seen[i].lr, (unsigned long long)seen[i].tokens,
                           se);
        seen[i].kind = OBSERVED_OPTIMUM;
        seen[i].loss = se;
    }
    return 0;
}

static int fit_rows(struct answer *answer, struct table *table, const struct table_request *request,
                    struct lr_error *err)
{
    struct observation *seen = lr_calloc(table->sweep.count, sizeof(*seen));
    if (!seen)
        return lr_nomem(err);
    size_t count = observe(table, seen);
    int rc = request->optima ? take_optima(table, request->with_errors, seen, count, err) : 0;
    if (!rc)
        rc = search_answer(answer, &table->space, seen, count, err);
    if (!rc) {
        answer->cost.trials = request->optima ? 0 : count;
        for (size_t i = 0; i < count && !request->optima; i++)
            answer->cost.tokens += seen[i].tokens;
        answer->cost.flops = answer->cost.core_seconds = NAN;
        answer->cost.target_run_fraction = NAN;
    }
    if (!rc && request->optima && !request->with_errors)
        answer_warn(answer,
                    "the table has no standard errors (column se): each optimum is taken to be "
                    "known within %.0f %%",
                    100 * SE_LN_LR);
    lr_free(seen);
    return rc;
}

int fit_table(struct answer *answer, const struct options *options, const struct fit_source *source,
              bool *optima, struct lr_error *err)
{
    struct table table = {.options = options};
    struct table_request request;
    int rc = table_request_init(&request, options, err);
    *optima = request.optima;
    if (source && source->loss && !request.loss_named)
        request.sweep.loss = source->loss;
    if (!rc)
        rc = take_settings(&table, request.optima, err);
    if (!rc)
        rc = source && source->text
                 ? sweep_read_text(&table.sweep, &request.sweep, source->text, source->size, err)
                 : sweep_read(&table.sweep, &request.sweep, err);
    if (!rc && table.space.target_tokens == 0)
        table.space.target_tokens = table.sweep.rows[table.sweep.count - 1].tokens;
    if (!rc)
        rc = take_horizons(&table, err);
    if (!rc && source && source->longest_horizon)
        table.space.target_tokens = table.horizons[table.space.horizon_count - 1];
    if (!rc)
        rc = fit_rows(answer, &table, &request, err);
    for (int r = 0; r < RATIO_COUNT; r++)
        answer->ratios[r].value = NAN; /* a table does not say */
    if (!rc && table.cut)
        answer_warn(answer, "the table has more than %d horizons: the shortest do not count",
                    ANSWER_HORIZONS);
    sweep_release(&table.sweep);
    table_request_release(&request);
    return rc;
}
