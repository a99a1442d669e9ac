/* lrsearch import: turns earlier trainings into keys of `search` for a new plan. Fits the losses as
 * `lrsearch fit --table` does, at the longest horizon among them; beyond it, the campaign
 * searches. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "estimate/fit_table.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "search/search_answer.h"
#include "store/json_value.h"

/* The fit's standard errors cover only differences between seeds. Code, data and hardware differ
 * too: these standard deviations of optimum and exponent are added in quadrature. Their sizes are a
 * judgement, not a measurement. */
#define APART_OCTAVES 0.5
#define APART_BETA 0.1
#define Z90 1.6448536269514722
#define MOSTLY_PRIOR 0.5 /* share of the prior in beta; above it, beta only repeats the default */

struct import_options {
    const char *columns; /* NULL: not given */
    struct option_pairs where;
    uint64_t target_tokens;
    bool json;
};

struct prior {
    double lr, lr_sd; /* peak LR; lr_sd in octaves */
    uint64_t tokens;
    double beta, beta_sd; /* NaN: the trainings do not determine it */
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
    if (answer->law.assumed[0])
        lr_say(stdout, "# assumed of the exponent: %s\n", answer->law.assumed);
    for (size_t i = 0; i < answer->warning_count; i++)
        lr_say(stdout, "# warning: %s\n", answer->warnings[i]);
}

static int print_json(const struct answer *answer, const struct prior *prior, struct lr_error *err)
{
    bool ok = true, known = answer->status == ANSWER_IDENTIFIED;
    json_use_lr_memory();
    json_t *object = json_object(), *search = json_object(), *warnings = json_array();
    json_put(search, "prior_beta", json_of_double(prior->beta), &ok);
    json_put(search, "prior_beta_sd", json_of_double(prior->beta_sd), &ok);
    json_put(search, "prior_lr", json_of_double(prior->lr), &ok);
    json_put(search, "prior_lr_sd", json_of_double(prior->lr_sd), &ok);
    json_put(search, "prior_tokens", json_of_count(prior->tokens), &ok);
    for (size_t i = 0; i < answer->warning_count; i++)
        if (json_array_append_new(warnings, json_of_text(answer->warnings[i])))
            ok = false;
    json_put(object, "schema_version", json_integer(1), &ok);
    json_put(object, "status", json_string(answer_status_name(answer->status)), &ok);
    json_put(object, "reason", json_of_text(answer->reason), &ok);
    json_put(object, "search", known ? json_incref(search) : json_null(), &ok);
    json_put(object, "trials", json_of_count(answer->cost.trials), &ok);
    json_put(object, "warnings", warnings, &ok);
    json_put(object, "assumed",
             answer->law.assumed[0] ? json_of_text(answer->law.assumed) : json_null(), &ok);
    json_decref(search);
    return json_print(object, ok, err);
}

static int import(struct answer *answer, const struct command_line *line, struct lr_error *err)
{
    const struct import_options *options = line->options;
    struct fit_table table = {
        .path = line->operands[1],
        .columns = options->columns,
        .where = options->where.words,
        .where_count = options->where.count,
        .target_tokens = options->target_tokens,
        .longest_horizon = true,
    };
    struct prior prior;
    bool optima;
    int rc = fit_table(answer, &table, &optima, err);
    if (rc)
        return rc;
    prior_of(&prior, answer);
    if (answer->status == ANSWER_IDENTIFIED && prior.tokens == 0) {
        answer->status = ANSWER_NOT_IDENTIFIED;
        snprintf(answer->reason, sizeof(answer->reason),
                 "at no horizon is the optimum known within a factor 2");
    }
    if (options->json)
        return print_json(answer, &prior, err);
    if (answer->status == ANSWER_IDENTIFIED)
        print_yaml(table.path, answer, &prior);
    else
        lr_log(LR_LOG_WARNING, "%s: there is no prior in these losses: %s", table.path,
               answer->reason);
    return 0;
}

static int run(const struct command_line *line)
{
    struct lr_error err = {0};
    struct answer *answer = lr_calloc(1, sizeof(*answer));
    int rc = answer ? import(answer, line, &err) : lr_nomem(&err);
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    int status = outcome_status(rc, answer);
    lr_free(answer);
    return status;
}

static int check_options(const struct command_line *line, struct lr_error *err)
{
    if (line->operand_count == 2 && strcmp(line->operands[0], "csv") == 0)
        return 0;
    return lr_fail(err, LR_EUSAGE,
                   "import: use lrsearch import csv FILE; studies of Optuna "
                   "come by contrib/optuna_bridge.py import STORAGE STUDY -o FILE");
}

static const struct option_row rows[] = {
    {"target-tokens", "D", "longer trainings do not count",
     OPTION_AT(import_options, target_tokens), OPTION_TOKENS},
    OPTION_ROW_COLUMNS(import_options),
    OPTION_ROW_WHERE(import_options),
    OPTION_ROW_JSON(import_options),
};

const struct command cmd_import = {
    .name = "import",
    .operand = "csv FILE",
    .help = "earlier trainings as prior knowledge, for a plan to begin with",
    .operand_help = "a table of losses",
    .examples = "lrsearch import csv sweep.csv --columns lr=LR,tokens=D,loss=L",
    .kind = OPERAND_WORD,
    .least_most = {0, SIZE_MAX},
    COMMAND_ROWS(rows),
    .options = &(struct import_options){0},
    .check = check_options,
    .run = run,
};
