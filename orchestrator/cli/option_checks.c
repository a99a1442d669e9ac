/* What each command needs, where several options and operands belong together. */
#include <string.h>
#include "cli/cmd_docs.h"
#include "cli/option_table.h"
#include "lrsearch/trial.h"

static int check_fit(const struct options *options, int count, struct lr_error *err)
{
    if (count == 0 && !options->table)
        return lr_fail(err, LR_EUSAGE,
                       "fit: name a run's directory, as in: lrsearch fit logs/quickstart; or a "
                       "--table of losses");
    if (count > 0 && options->table)
        return lr_fail(err, LR_EUSAGE,
                       "fit: a run's directory and --table are both there; leave one out");
    if (options->table && !options->target_tokens)
        return lr_fail(err, LR_EUSAGE,
                       "fit --table: needs --target-tokens, the tokens of the training whose "
                       "learning rate is wanted, such as 1B");
    if (!options->table && (options->target_tokens || options->columns || options->where_count ||
                            options->prior_beta || options->prior_beta_sd))
        return lr_fail(err, LR_EUSAGE,
                       "fit: --target-tokens, --columns, --where and --prior-beta are for a "
                       "--table; a run has its plan (lrsearch predict has another target)");
    return 0;
}

/* A target elsewhere. */
static int check_target(const struct options *options, int count, struct lr_error *err)
{
    const char *command = options->command->name;
    if (options->width && count == 0)
        return lr_fail(err, LR_EUSAGE, "%s --width: is of a run's model; name the run's directory",
                       command);
    if (options->cooldown > 0 && (!options->schedule_given || options->schedule != SCHEDULE_WSD))
        return lr_fail(err, LR_EUSAGE, "%s --cooldown: is of --schedule wsd", command);
    if (options->command->run == command_predict && options->params > 0 &&
        (options->width || options->layers))
        return lr_fail(err, LR_EUSAGE,
                       "predict: --params is a model's size, and so are --width and --layers; give "
                       "one or the others");
    return 0;
}

int options_check(const struct options *options, int count, char **operands, struct lr_error *err)
{
    const struct command *command = options->command;
    bool of_run = command->run == command_fit || command->run == command_predict ||
                  command->run == command_audit || command->run == command_export ||
                  command->run == command_status || command->run == command_report;
    if (command->run == command_bench && (count != 1 || strcmp(operands[0], "train") != 0))
        return lr_fail(err, LR_EUSAGE, "bench: what can be measured is: lrsearch bench train");
    if (command->run == command_journal && (count != 2 || strcmp(operands[0], "repair") != 0))
        return lr_fail(err, LR_EUSAGE,
                       "journal: what can be done is: lrsearch journal repair RUN_DIR");
    if (command->run == command_plan && (count == 0 || strcmp(operands[0], "init") != 0))
        return lr_fail(err, LR_EUSAGE,
                       "plan: what can be done is: lrsearch plan init [TEXT...]; lrsearch check "
                       "PLAN looks at one");
    if (command->run == command_schema)
        return count == 0 ? 0
                          : lr_fail(err, LR_EUSAGE,
                                    "schema: takes no '%s'; it prints the schema "
                                    "of every plan",
                                    operands[0]);
    if (command->run == command_docs && (count != 1 || !docs_find(operands[0])))
        return lr_fail(err, LR_EUSAGE, "docs: name one of %s, as in: lrsearch docs man",
                       command->operand);
    if (command->run == command_tokenize && (count == 0 || !options->vocab || !options->out))
        return lr_fail(err, LR_EUSAGE,
                       "tokenize: name text files, --vocab and --out, as in: lrsearch tokenize "
                       "book.txt.gz --vocab 8192 --out tokens");
    if (command->run == command_tokenize && options->vocab != 256 && options->vocab < 512)
        return lr_fail(err, LR_EUSAGE, "--vocab %u: must be 256 (bytes), or 512 to %d",
                       options->vocab, OPTION_VOCAB_MAX);
    if (command->run == command_audit && !(options->lr > 0 && options->tokens && options->params))
        return lr_fail(
            err, LR_EUSAGE,
            "audit: needs --lr, --tokens and --params of a recipe, as in: lrsearch audit "
            "--lr 3e-4 --tokens 1T --params 7B");
    if (command->run == command_predict && (count == 0 || !options->tokens))
        return lr_fail(err, LR_EUSAGE,
                       "predict: name a run's directory and --tokens, as in: lrsearch predict "
                       "logs/quickstart --tokens 1B");
    if (command->run == command_plan || command->run == command_docs)
        return 0;
    if (command->run == command_export && (count == 0 || !options->format || !options->out))
        return lr_fail(err, LR_EUSAGE,
                       "export: name a run's directory, --format and --out, as in: lrsearch export "
                       "logs/quickstart --format sqlite -o quickstart.db");
    if (command->run == command_import && (count != 2 || strcmp(operands[0], "csv") != 0))
        return lr_fail(err, LR_EUSAGE,
                       "import: what can be read is: lrsearch import csv FILE; studies of Optuna "
                       "come by contrib/optuna_bridge.py import STORAGE STUDY -o FILE");
    if (command->run == command_compare && count != 2)
        return lr_fail(err, LR_EUSAGE,
                       "compare: name two runs' directories, the earlier one first, as in: "
                       "lrsearch compare logs/nightly-2026-11-25 logs/nightly-2026-11-26");
    if (command->run == command_history && count <= 1)
        return 0;
    if (command->run == command_status && count == 0)
        return lr_fail(err, LR_EUSAGE,
                       "status: name a run's directory, as in: lrsearch status logs/quickstart");
    if (count > 1 && command->run != command_tokenize && command->run != command_journal &&
        command->run != command_import && command->run != command_compare)
        return lr_fail(err, LR_EUSAGE, "%s: one %s is expected, found also '%s'", command->name,
                       command->run == command_history ? "folder of runs"
                       : of_run                        ? "run's directory"
                                                       : "plan",
                       operands[1]);
    if (command->run == command_fit)
        return check_fit(options, count, err);
    if (command->run == command_predict || command->run == command_audit)
        return check_target(options, count, err);
    if (count == 0 && command->run == command_report)
        return lr_fail(err, LR_EUSAGE,
                       "report: name a run's directory, as in: lrsearch report logs/quickstart");
    if (count == 0)
        return lr_fail(err, LR_EUSAGE, "%s: name a plan, as in: lrsearch %s plans/quickstart.yaml",
                       command->name, command->name);
    return 0;
}
