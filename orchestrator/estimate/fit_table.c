/* fit_table() turns the rows of a table up to the target into observations. Settings that a plan
 * would give are taken from the table (range, horizons, seeds) or are the plan's defaults. An
 * optimum counts as a measured basin without a loss. */
#include "estimate/fit_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "data/sweep_csv.h"
#include "lrsearch/memory.h"
#include "plan/schema.h"
#include "plan/quantity.h"
#include "lrsearch/count.h"
#include "search/laws/prior_beta.h"
#include "search/policy.h"
#include "search/search_answer.h"

#define SE_LN_LR 0.1 /* standard error if the table has none: that of a careful sweep */
/* Of optima: they come from whole sweeps over distant horizons, so the data should dominate. */
#define PRIOR_BETA_SD 1.0

struct fit {
    const struct fit_table *table;
    struct sweep sweep;
    uint64_t horizons[ANSWER_HORIZONS];
    struct search_space space;
    bool cut; /* the table has more horizons than an answer holds */
};

/* ---- the request ---- */

/* --columns and --where, parsed. */
struct table_request {
    struct sweep_request sweep; /* of optima: lr names their column, loss that of their errors */
    bool optima;                /* --columns lr_opt=... */
    bool with_errors;           /* and se=... */
    char **texts;               /* owned copies of --columns and each --where */
    size_t text_count;
    struct sweep_where *where;
};

enum column { LR, TOKENS, LOSS, SEED, LR_OPT, SE, OPTIMIZER, DECAY, BATCH, COLUMNS };
static const char *const column_names[COLUMNS] = {
    "lr", "tokens", "loss", "seed", "lr_opt", "se", "optimizer", "weight_decay", "batch_tokens"};

/* A copy owned by the request; NULL: out of memory. */
static char *keep_copy(struct table_request *request, const char *text)
{
    char *copy = lr_strdup(text);
    if (copy)
        request->texts[request->text_count++] = copy;
    return copy;
}

static int read_column(const char *columns[COLUMNS], char *part, struct lr_error *err)
{
    char *name = strchr(part, '=');
    if (name && name[1]) {
        *name++ = '\0';
        for (int c = 0; c < COLUMNS; c++)
            if (strcmp(part, column_names[c]) == 0) {
                columns[c] = name;
                return 0;
            }
    }
    return lr_fail(err, LR_EUSAGE,
                   "--columns: '%s' is not understood; it names the table's columns, as in "
                   "lr=LR,tokens=D,loss=L,seed=S, or lr_opt=LR,tokens=D,se=E; and optimizer, "
                   "weight_decay and batch_tokens",
                   part);
}

static int read_columns(struct table_request *request, const char *columns[COLUMNS],
                        const char *given, struct lr_error *err)
{
    char *text = keep_copy(request, given);
    if (!text)
        return lr_nomem(err);
    for (char *part = text; part;) {
        char *comma = strchr(part, ',');
        if (comma)
            *comma = '\0';
        int rc = read_column(columns, part, err);
        if (rc)
            return rc;
        part = comma ? comma + 1 : NULL;
    }
    bool losses = columns[LR] || columns[LOSS] || columns[SEED];
    if (columns[LR_OPT] && losses)
        return lr_fail(
            err, LR_EUSAGE,
            "--columns: lr_opt is the best learning rate of a horizon, lr, loss and seed "
            "are of single trainings; name one of the two");
    if (columns[SE] && !columns[LR_OPT])
        return lr_fail(err, LR_EUSAGE, "--columns: se is of lr_opt, which is not named");
    return 0;
}

static int read_where(struct table_request *request, const char *given, struct lr_error *err)
{
    char *column = keep_copy(request, given), *value;
    if (!column)
        return lr_nomem(err);
    value = strchr(column, '='); /* option.c has checked that it is there */
    *value++ = '\0';
    request->where[request->sweep.where_count++] = (struct sweep_where){column, value};
    return 0;
}

static const char *or_else(const char *given, const char *otherwise)
{
    return given ? given : otherwise;
}

static int request_init(struct table_request *request, const struct fit_table *table,
                        struct lr_error *err)
{
    const char *columns[COLUMNS] = {NULL};
    struct sweep_request *sweep = &request->sweep;
    int rc;
    memset(request, 0, sizeof(*request));
    request->texts = lr_calloc(table->where_count + 1, sizeof(*request->texts));
    request->where = lr_calloc(table->where_count + 1, sizeof(*request->where));
    if (!request->texts || !request->where)
        return lr_nomem(err);
    if (table->columns && (rc = read_columns(request, columns, table->columns, err)))
        return rc;
    for (size_t i = 0; i < table->where_count; i++)
        if ((rc = read_where(request, table->where[i], err)))
            return rc;
    request->optima = columns[LR_OPT];
    request->with_errors = columns[SE];
    sweep->path = table->path;
    sweep->where = request->where;
    sweep->tokens = or_else(columns[TOKENS], "tokens");
    sweep->lr = request->optima ? columns[LR_OPT] : or_else(columns[LR], "lr");
    sweep->loss =
        request->optima ? or_else(columns[SE], columns[LR_OPT]) : or_else(columns[LOSS], "loss");
    sweep->seed = columns[SEED];
    sweep->optimizer = columns[OPTIMIZER];
    sweep->weight_decay = columns[DECAY];
    sweep->batch_tokens = columns[BATCH];
    return 0;
}

static void request_release(struct table_request *request)
{
    for (size_t i = 0; i < request->text_count; i++)
        lr_free(request->texts[i]);
    lr_free(request->texts);
    lr_free(request->where);
    memset(request, 0, sizeof(*request));
}

/* ---- settings ---- */

static const char *default_of(const char *name) /* of search.NAME */
{
    return plan_key_find(plan_section_find("search"), name)->fallback;
}

/* search.NAME as the option gives it. */
static int read_setting(double *out, const char *name, const char *option, const char *given,
                        struct lr_error *err)
{
    const struct plan_key *key = plan_key_find(plan_section_find("search"), name);
    char range[64];
    bool good = quantity_number(given, out) == QUANTITY_OK && *out <= key->high &&
                (key->above ? *out > key->low : *out >= key->low);
    return good ? 0
                : lr_fail(err, LR_EUSAGE, "%s %s: must be a number in the range of search.%s (%s)",
                          option, given, name, plan_range_text(key, range, sizeof(range)));
}

static bool is_given(const char *setting)
{
    return setting && strcmp(setting, "auto") != 0;
}

static int fill_space(struct fit *fit, struct lr_error *err)
{
    struct search_space *space = &fit->space;
    space->target_tokens = fit->table->target_tokens;
    space->seed = 1;
    for (int r = 0; r < RATIO_COUNT; r++)
        space->ratios[r] = (struct ratio_range){1, 1};
    int rc;
    if ((rc = read_setting(&space->resolution, "resolution", "", default_of("resolution"), err)) ||
        (rc = read_setting(&space->precision, "precision", "", default_of("precision"), err)))
        return rc;
    if (is_given(fit->table->prior_beta) &&
        (rc = read_setting(&space->prior_beta, "prior_beta", "--prior-beta", fit->table->prior_beta,
                           err)))
        return rc;
    if (is_given(fit->table->prior_beta_sd) &&
        (rc = read_setting(&space->prior_beta_sd, "prior_beta_sd", "--prior-beta-sd",
                           fit->table->prior_beta_sd, err)))
        return rc;
    return 0;
}

/* What is assumed of beta where the options do not say it, from the table's optimizer and batch;
 * says so in `assumed` if one of them is known. */
static void fill_prior(struct fit *fit, bool optima, char assumed[ANSWER_TEXT])
{
    struct search_space *space = &fit->space;
    const struct sweep *sweep = &fit->sweep;
    const struct beta_setting setting = {
        .optimizer = beta_optimizer_of(sweep->optimizer),
        .batch_tokens = {sweep->batch_tokens[0], sweep->batch_tokens[1]},
        .shortest = fit->horizons[0],
        .target = space->target_tokens,
    };
    const struct beta_prior prior = beta_prior_of(&setting);
    const char *optimizer = sweep->optimizer;
    assumed[0] = '\0';
    if (!is_given(fit->table->prior_beta_sd))
        space->prior_beta_sd = optima ? PRIOR_BETA_SD : prior.scale;
    if (is_given(fit->table->prior_beta))
        return;
    space->prior_beta = prior.center;
    if (sweep->batch_tokens[0] > 0)
        snprintf(assumed, ANSWER_TEXT, "tokens^%.2f%s%.40s, because %.220s", -prior.center,
                 *optimizer ? " for the optimizer " : "", optimizer, prior.why);
    else if (*optimizer)
        snprintf(assumed, ANSWER_TEXT,
                 "tokens^%.2f for the optimizer %.40s at an unknown batch, which decides whether "
                 "the best LR falls or rises; a column batch_tokens tells it",
                 -prior.center, optimizer);
}

/* Collects the horizons up to the target; if there are too many, the longest ones. */
static int find_horizons(struct fit *fit, struct lr_error *err)
{
    struct search_space *space = &fit->space;
    uint64_t tokens = 0;
    char wanted[24], shortest[24];
    while ((tokens = sweep_next_horizon(&fit->sweep, tokens)) && tokens <= space->target_tokens) {
        if (space->horizon_count == ANSWER_HORIZONS) {
            memmove(fit->horizons, fit->horizons + 1,
                    sizeof(fit->horizons) - sizeof(fit->horizons[0]));
            space->horizon_count--;
            fit->cut = true;
        }
        fit->horizons[space->horizon_count++] = tokens;
    }
    space->horizons = fit->horizons;
    if (space->horizon_count)
        return 0;
    tokens = fit->sweep.rows[0].tokens;
    return lr_fail(err, LR_EDATA,
                   "%s: --target-tokens %s is less than the shortest horizon of the table, %s: "
                   "nothing is left to fit",
                   fit->table->path,
                   format_count(wanted, sizeof(wanted), (double)space->target_tokens),
                   format_count(shortest, sizeof(shortest), (double)tokens));
}

/* ---- rows of losses ---- */

static bool is_used(const struct fit *fit, const struct sweep_row *row)
{
    const struct search_space *space = &fit->space;
    return row->tokens >= space->horizons[0] &&
           row->tokens <= space->horizons[space->horizon_count - 1];
}

static size_t observe(struct fit *fit, struct observation *seen)
{
    struct search_space *space = &fit->space;
    size_t count = 0;
    space->lr_low = INFINITY;
    for (size_t i = 0; i < fit->sweep.count; i++) {
        const struct sweep_row *row = &fit->sweep.rows[i];
        if (!is_used(fit, row))
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

/* The rows' `loss` is the standard error, if the table has one. */
static int make_optima(struct fit *fit, bool with_errors, struct observation *seen, size_t count,
                       struct lr_error *err)
{
    for (size_t i = 0; i < count; i++) {
        double se = with_errors && !isnan(seen[i].loss) ? seen[i].loss : SE_LN_LR;
        if (!(se > 0))
            return lr_fail(err, LR_EDATA,
                           "%s: the optimum %g at %llu tokens has the standard error %g; it must "
                           "be above 0 (of ln LR)",
                           fit->table->path, seen[i].lr, (unsigned long long)seen[i].tokens, se);
        seen[i].kind = OBSERVED_OPTIMUM;
        seen[i].loss = se;
    }
    return 0;
}

static int fit_rows(struct answer *answer, struct fit *fit, const struct table_request *request,
                    struct lr_error *err)
{
    struct observation *seen = lr_calloc(fit->sweep.count, sizeof(*seen));
    if (!seen)
        return lr_nomem(err);
    size_t count = observe(fit, seen);
    int rc;
    if (request->optima && (rc = make_optima(fit, request->with_errors, seen, count, err)))
        goto out;
    if ((rc = search_answer(answer, &fit->space, seen, count, err)))
        goto out;
    answer->stopped[0] = '\0'; /* a table is no search */
    answer->cost.trials = request->optima ? 0 : count;
    for (size_t i = 0; i < count && !request->optima; i++)
        answer->cost.tokens += seen[i].tokens;
    answer->cost.flops = answer->cost.core_seconds = NAN;
    answer->cost.target_run_fraction = NAN;
    if (request->optima && !request->with_errors)
        answer_warn(answer,
                    "the table has no standard errors (column se): each optimum is taken to be "
                    "known within %.0f %%",
                    100 * SE_LN_LR);
out:
    lr_free(seen);
    return rc;
}

/* Rows of one horizon with several weight decays count alike. */
static void warn_of_decays(const struct fit *fit, struct answer *answer)
{
    char tokens[COUNT_TEXT];
    const struct sweep *sweep = &fit->sweep;
    if (sweep->mixed_tokens > 0 &&
        sweep->mixed_tokens <= fit->horizons[fit->space.horizon_count - 1])
        answer_warn(
            answer,
            "at %s tokens the table has several weight decays, %s, which count alike: choose "
            "one by --where",
            format_count(tokens, sizeof(tokens), (double)sweep->mixed_tokens), sweep->decays);
}

int fit_table(struct answer *answer, const struct fit_table *table, bool *optima,
              struct lr_error *err)
{
    struct fit fit = {.table = table};
    struct table_request request;
    char assumed[ANSWER_TEXT];
    int rc = request_init(&request, table, err);
    *optima = request.optima;
    if (rc || (rc = fill_space(&fit, err)))
        goto out;
    rc = table->text ? sweep_read_text(&fit.sweep, &request.sweep, table->text, table->size, err)
                     : sweep_read(&fit.sweep, &request.sweep, err);
    if (rc)
        goto out;
    if (fit.space.target_tokens == 0)
        fit.space.target_tokens = fit.sweep.rows[fit.sweep.count - 1].tokens;
    if ((rc = find_horizons(&fit, err)))
        goto out;
    if (table->longest_horizon)
        fit.space.target_tokens = fit.horizons[fit.space.horizon_count - 1];
    fill_prior(&fit, request.optima, assumed);
    if ((rc = fit_rows(answer, &fit, &request, err)))
        goto out;
    memcpy(answer->law.assumed, assumed, strlen(assumed) + 1);
    warn_of_decays(&fit, answer);
    if (fit.cut)
        answer_warn(answer, "the table has more than %d horizons: the shortest do not count",
                    ANSWER_HORIZONS);
out:
    for (int r = 0; r < RATIO_COUNT; r++)
        answer->ratios[r].value = NAN; /* not in a table */
    sweep_release(&fit.sweep);
    request_release(&request);
    return rc;
}
