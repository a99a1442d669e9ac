/* lrsearch fit: fits the answer again from existing losses, those of a campaign's journal or of a
 * table. Trains nothing and writes nothing. */
#include <stdio.h>
#include <string.h>
#include "campaign/campaign_answer.h"
#include "estimate/fit_table.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "history/run_reader.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "report/summary.h"

struct fit_options {
    const char *table, *columns; /* NULL or 0: not given; also for all below */
    struct option_pairs where;
    uint64_t target_tokens;
    const char *prior_beta, *prior_beta_sd;
    bool json;
};

static int fit_run(const char *run_dir, bool json, struct answer *answer, struct lr_error *err)
{
    struct run_answer *past;
    int rc = run_answer_read(&past, run_dir, err);
    if (rc)
        return rc;
    *answer = past->answer;
    outcome_print(json, past->plan.name, run_dir, answer);
    run_answer_free(past);
    return 0;
}

static int fit_file(const struct fit_options *options, struct answer *answer, struct lr_error *err)
{
    const char *slash = strrchr(options->table, '/');
    const char *name = slash ? slash + 1 : options->table;
    const struct fit_table table = {
        .path = options->table,
        .columns = options->columns,
        .where = options->where.words,
        .where_count = options->where.count,
        .target_tokens = options->target_tokens,
        .prior_beta = options->prior_beta,
        .prior_beta_sd = options->prior_beta_sd,
    };
    bool optima;
    int rc;
    if ((rc = fit_table(answer, &table, &optima, err)))
        return rc;
    if (optima && !options->json)
        summary_print_prediction(stdout, name, answer, "");
    else
        outcome_print(options->json, name, NULL, answer);
    return 0;
}

static int run(const struct command_line *line)
{
    const struct fit_options *options = line->options;
    struct lr_error err = {0};
    struct answer *answer = lr_calloc(1, sizeof(*answer));
    int rc = answer ? 0 : lr_nomem(&err);
    if (!rc)
        rc = options->table ? fit_file(options, answer, &err)
                            : fit_run(line->operands[0], options->json, answer, &err);
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    int status = outcome_status(rc, answer);
    lr_free(answer);
    return status;
}

static int check_options(const struct command_line *line, struct lr_error *err)
{
    const struct fit_options *options = line->options;
    if (line->operand_count == 0 && !options->table)
        return lr_fail(err, LR_EUSAGE,
                       "fit: name a run's directory, as in: lrsearch fit logs/quickstart; or a "
                       "--table of losses");
    if (line->operand_count > 0 && options->table)
        return lr_fail(err, LR_EUSAGE,
                       "fit: a run's directory and --table are both there; leave one out");
    if (options->table && !options->target_tokens)
        return lr_fail(err, LR_EUSAGE,
                       "fit --table: needs --target-tokens, the tokens of the training whose "
                       "learning rate is wanted, such as 1B");
    if (!options->table && (options->target_tokens || options->columns || options->where.count ||
                            options->prior_beta || options->prior_beta_sd))
        return lr_fail(err, LR_EUSAGE,
                       "fit: --target-tokens, --columns, --where and --prior-beta are for a "
                       "--table; a run has its plan (lrsearch predict has another target)");
    return 0;
}

static const struct option_row rows[] = {
    {"table", "FILE", "losses of any trainings, as CSV; needs --target-tokens",
     OPTION_AT(fit_options, table), OPTION_FILE_NAME},
    {"target-tokens", "D", "of the table, the horizon to fit for; longer rows do not count",
     OPTION_AT(fit_options, target_tokens), OPTION_TOKENS},
    OPTION_ROW_COLUMNS(fit_options),
    OPTION_ROW_WHERE(fit_options),
    {"prior-beta", "X", "of the table: as search.prior_beta", OPTION_AT(fit_options, prior_beta),
     .type = OPTION_ANY_TEXT},
    {"prior-beta-sd", "X", "of the table: as search.prior_beta_sd; of optima 1 by default",
     OPTION_AT(fit_options, prior_beta_sd), .type = OPTION_ANY_TEXT},
    OPTION_ROW_JSON(fit_options),
};

const struct command cmd_fit = {
    .name = "fit",
    .operand = "[RUN_DIR]",
    .help = "fit again from the losses of a run, or of a --table; prints what run prints",
    .operand_help = "the directory of a run; none with --table",
    .examples = "lrsearch fit logs/quickstart\n"
                "lrsearch fit --table sweep.csv --columns lr=LR,tokens=D,loss=L --target-tokens 1B",
    .kind = OPERAND_RUN,
    .least_most = {0, 1},
    COMMAND_ROWS(rows),
    .options = &(struct fit_options){0},
    .check = check_options,
    .run = run,
};
