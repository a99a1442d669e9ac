/* lrsearch import: what earlier trainings say of the optimum, as keys of `search` for a plan to
 * begin with. The losses are fitted as `lrsearch fit --table` does, at the longest horizon among
 * them: what lies beyond is for the campaign itself to find. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "cli/fit_table.h"
#include "cli/options.h"
#include "cli/outcome.h"
#include "data/token_file.h"
#include "export/optuna_table.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "search/search_answer.h"
#include "store/json_value.h"

/* Other code, data and hardware are another matter than other seeds, which is all that the fit's
 * own errors know. How far apart they put optimum and exponent is a judgement, not a measurement;
 * both are added in quadrature. */
#define APART_OCTAVES 0.5
#define APART_BETA 0.1
#define Z90 1.6448536269514722
#define MOSTLY_PRIOR 0.5 /* then beta says what a plan without it says */

struct prior {
    double lr, lr_sd; /* octaves */
    uint64_t tokens;
    double beta, beta_sd; /* NaN: the trainings do not tell */
};

static void prior_of(struct prior *prior, const struct answer *answer)
{
    const struct law_answer *law = &answer->law;
    *prior = (struct prior){.beta = NAN, .beta_sd = NAN};
    for (size_t h = 0; h < answer->horizon_count; h++)
        if (horizon_counts(&answer->horizons[h])) {
            prior->tokens = answer->horizons[h].tokens;
            prior->lr = answer->horizons[h].lr_opt;
            prior->lr_sd = hypot(answer->horizons[h].se_ln_lr / log(2.0), APART_OCTAVES);
        }
    if (!(law->prior_weight <= MOSTLY_PRIOR))
        return;
    prior->beta = law->beta;
    prior->beta_sd = hypot((law->beta_ci90[1] - law->beta_ci90[0]) / (2 * Z90), APART_BETA);
}

static void print_yaml(const char *file, const struct answer *answer, const struct prior *prior)
{
    lr_say(stdout, "# %s: %llu trainings; for the section search of a plan\n", file,
           (unsigned long long)answer->cost.trials);
    printf("search:\n");
    if (!isnan(prior->beta))
        printf("  prior_beta: %.3g\n  prior_beta_sd: %.2g\n", prior->beta, prior->beta_sd);
    printf("  prior_lr: %.3g\n  prior_lr_sd: %.2g\n  prior_tokens: %llu\n", prior->lr, prior->lr_sd,
           (unsigned long long)prior->tokens);
    for (size_t i = 0; i < answer->warning_count; i++)
        lr_say(stdout, "# doubt: %s\n", answer->warnings[i]);
}

static int print_json(const struct answer *answer, const struct prior *prior, struct lr_error *err)
{
    bool ok = true, known = answer->status == ANSWER_IDENTIFIED;
    json_use_lr_memory();
    json_t *object = json_object(), *search = json_object(), *doubts = json_array();
    json_put(search, "prior_beta", json_of_double(prior->beta), &ok);
    json_put(search, "prior_beta_sd", json_of_double(prior->beta_sd), &ok);
    json_put(search, "prior_lr", json_of_double(prior->lr), &ok);
    json_put(search, "prior_lr_sd", json_of_double(prior->lr_sd), &ok);
    json_put(search, "prior_tokens", json_of_count(prior->tokens), &ok);
    for (size_t i = 0; i < answer->warning_count; i++)
        if (json_array_append_new(doubts, json_of_text(answer->warnings[i])))
            ok = false;
    json_put(object, "schema_version", json_integer(1), &ok);
    json_put(object, "status", json_string(answer_status_name(answer->status)), &ok);
    json_put(object, "reason", json_of_text(answer->reason), &ok);
    json_put(object, "search", known ? json_incref(search) : json_null(), &ok);
    json_put(object, "trials", json_of_count(answer->cost.trials), &ok);
    json_put(object, "warnings", doubts, &ok);
    json_decref(search);
    return json_print(object, ok, err);
}

static bool names_study(const struct options *options)
{
    for (size_t i = 0; i < options->where_count; i++)
        if (strncmp(options->wheres[i], "study=", 6) == 0)
            return true;
    return false;
}

static int fit_optuna(struct answer *answer, const struct options *options, struct lr_error *err)
{
    struct token_file file; /* any mapped bytes */
    struct csv csv = {0};
    size_t studies = 0;
    bool optima;
    int rc = token_file_map(&file, options->table, err);
    if (rc)
        return rc;
    rc = optuna_table(&csv, &studies, options->table, (const char *)file.map, file.size, err);
    token_file_close(&file);
    if (!rc && studies > 1 && !names_study(options))
        rc =
            lr_fail(err, LR_EUSAGE, "%s: has %zu studies; choose one of them by --where study=NAME",
                    options->table, studies);
    const struct fit_source source = {csv.bytes, csv.used, "value", true};
    if (!rc)
        rc = fit_table(answer, options, &source, &optima, err);
    csv_release(&csv);
    return rc;
}

static int import(struct answer *answer, const struct options *given, struct lr_error *err)
{
    static const struct fit_source longest = {.longest_horizon = true};
    struct options options = *given;
    struct prior prior;
    bool optima;
    options.table = given->operands[1];
    int rc = strcmp(given->operands[0], "optuna") == 0
                 ? fit_optuna(answer, &options, err)
                 : fit_table(answer, &options, &longest, &optima, err);
    if (rc)
        return rc;
    prior_of(&prior, answer);
    if (answer->status == ANSWER_IDENTIFIED && prior.tokens == 0) {
        answer->status = ANSWER_NOT_IDENTIFIED;
        snprintf(answer->reason, sizeof(answer->reason),
                 "at no horizon is the optimum known within a factor 2");
    }
    if (given->json)
        return print_json(answer, &prior, err);
    if (answer->status == ANSWER_IDENTIFIED)
        print_yaml(options.table, answer, &prior);
    else
        lr_log(LR_LOG_WARNING, "%s: there is no prior in these losses: %s", options.table,
               answer->reason);
    return 0;
}

int command_import(const struct options *options)
{
    struct lr_error err = {0};
    struct answer *answer = lr_calloc(1, sizeof(*answer));
    int rc = answer ? import(answer, options, &err) : lr_nomem(&err);
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    int status = outcome_status(rc, answer);
    lr_free(answer);
    return status;
}
