/* The tables of commands and options, and the readers of what no type of the table covers. */
#include "cli/option_table.h"

#include <string.h>
#include "export/export_files.h"
#include "lrsearch/own_file.h"
#include "lrsearch/trial.h"
#include "lrsearch/version.h"
#include "plan/quantity.h"

#define WIDTH_MAX 1048576 /* as target.d_model */
#define LAYERS_MAX 1024
#define BATCH_MAX 1000000000
#define GRACE_MAX_S 3600.0
#define TIME_MAX_S 2592000.0

const struct command command_rows[] = {
    {"run", "PLAN", "run the plan's campaign, or go on with it (this is what no command means)",
     command_run},
    {"check", "PLAN", "validate the plan and print its stages and cost; trains nothing",
     command_check},
    {"train", "PLAN", "train the plan's model once, with --lr on --tokens; needs no MPI",
     command_train},
    {"coord-check", "PLAN", "do activations keep their size over widths? (mup and lvp must)",
     command_coord_check},
    {"tokenize", "TEXT...",
     "text into token files, for any number of plans; needs --vocab and --out", command_tokenize},
    {"fit", "RUN_DIR",
     "fit again from the losses of a run, or of a --table; prints what run prints", command_fit},
    {"predict", "RUN_DIR", "the learning rate for --tokens, by the law of a run", command_predict},
    {"import", "csv",
     "import csv FILE: earlier trainings as prior knowledge, for a plan to begin with",
     command_import},
    {"export", "RUN_DIR", "a run as csv, sqlite or tensorboard; needs --format and --out",
     command_export},
    {"status", "RUN_DIR", "where a campaign stands that is running, or was run; --watch looks on",
     command_status},
    {"audit", "[RUN]",
     "is a recipe's --lr right for --tokens and --params? by published laws, and a run's own",
     command_audit},
    {"report", "RUN_DIR", "write RUN_DIR/report.html and its figures again, from the journal",
     command_report},
    {"plan", "init", "plan init [TEXT...]: write a commented plan for this text and machine",
     command_plan},
    {"schema", "", "the plan's language as a JSON Schema, for editors", command_schema},
    {"history", "[DIR]", "the finished runs in DIR (default: logs), the oldest first",
     command_history},
    {"compare", "RUN RUN",
     "two runs' answers side by side, and what moved from the first to the second",
     command_compare},
    {"journal", "repair", "journal repair RUN_DIR: cut a damaged journal off, after a copy of it",
     command_journal},
    {"bench", "train", "how fast this machine trains, and where the time goes", command_bench},
    {"docs", "man|plan-man|bash|zsh", "print a man page, or the completion for a shell",
     command_docs},
};
const size_t command_row_count = sizeof(command_rows) / sizeof(command_rows[0]);

/* ---- readers of their own ---- */

static int read_resume(struct options *options, const char *value, struct lr_error *err)
{
    if (strcmp(value, "auto") != 0 && strcmp(value, "never") != 0)
        return lr_fail(err, LR_EUSAGE, "--resume=%s: must be auto or never", value);
    options->resume = strcmp(value, "auto") == 0;
    return 0;
}

static int read_progress(struct options *options, const char *value, struct lr_error *err)
{
    static const char *const names[] = {"auto", "plain", "none"};
    for (int i = PROGRESS_AUTO; i <= PROGRESS_NONE; i++)
        if (strcmp(value, names[i]) == 0) {
            options->progress = (enum progress_kind)i;
            return 0;
        }
    return lr_fail(err, LR_EUSAGE, "--progress=%s: must be auto, plain or none", value);
}

static int read_fork(struct options *options, const char *value, struct lr_error *err)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    options->fork = value;
    if (*value && own_name_taken(value))
        return lr_fail(err, LR_EUSAGE,
                       "--fork %s: is a name that lrsearch uses itself beside the runs (" OWN_NAMES
                       "); choose another",
                       value);
    if (*value && *value != '.' && strlen(value) < OPTION_NAME &&
        strspn(value, letters) == strlen(value))
        return 0;
    return lr_fail(err, LR_EUSAGE,
                   "--fork %s: must be a name of letters, digits, '-', '_' and '.', without a "
                   "leading dot",
                   value);
}

static int read_format(struct options *options, const char *value, struct lr_error *err)
{
    options->format = value;
    if (export_format_find(value))
        return 0;
    if (strcmp(value, "optuna") == 0)
        return lr_fail(err, LR_EUSAGE,
                       "--format optuna: contrib/optuna_bridge.py export RUN_DIR STORAGE writes "
                       "Optuna's studies");
    return lr_fail(err, LR_EUSAGE, "--format %s: must be csv, sqlite or tensorboard", value);
}

static int read_schedule(struct options *options, const char *value, struct lr_error *err)
{
    for (uint32_t kind = SCHEDULE_COSINE; kind <= SCHEDULE_CONSTANT; kind++)
        if (strcmp(value, schedule_name(kind)) == 0) {
            options->schedule = kind;
            options->schedule_given = true;
            return 0;
        }
    return lr_fail(err, LR_EUSAGE, "--schedule %s: must be cosine, linear, wsd or constant", value);
}

static int read_widths(struct options *options, const char *value, struct lr_error *err)
{
    options->width_count = 0;
    while (*value) {
        char text[16];
        uint64_t width;
        size_t length = strcspn(value, ",");
        snprintf(text, sizeof(text), "%.*s", (int)length, value);
        if (length >= sizeof(text) || quantity_count(text, &width) != QUANTITY_OK || width == 0 ||
            width > 65536)
            return lr_fail(err, LR_EUSAGE, "--widths %.40s: must be widths such as 64,128,256,512",
                           value);
        if (options->width_count == OPTION_WIDTHS)
            return lr_fail(err, LR_EUSAGE, "--widths: %d at most", OPTION_WIDTHS);
        options->widths[options->width_count++] = (uint32_t)width;
        value += length + (value[length] == ',');
    }
    return options->width_count
               ? 0
               : lr_fail(err, LR_EUSAGE, "--widths: needs widths such as 64,128,256,512");
}

static int read_quiet(struct options *options, const char *value, struct lr_error *err)
{
    (void)value, (void)err;
    options->verbosity = -1;
    return 0;
}

static int read_verbose(struct options *options, const char *value, struct lr_error *err)
{
    (void)value, (void)err;
    options->verbosity = 1;
    return 0;
}

/* ---- the options ---- */

#define AT(member) .offset = offsetof(struct options, member)
#define FILE_NAME .type = OPTION_TEXT, .wanted = "the name of a file", .values = "@file"
#define FOLDER_NAME .type = OPTION_TEXT, .wanted = "the name of a directory", .values = "@dir"
#define TOKENS .type = OPTION_U64, .wanted = "a whole count such as 2M"
#define SMALL .type = OPTION_U32, .low = 1, .high = 1000, .wanted = "a whole count from 1 to 1000"

/* clang-format off */
const struct option_row option_rows[] = {
    {"run-dir", "DIR", "run", "where the campaign's files go (default: output.dir of the plan)",
     AT(run_dir), FOLDER_NAME},
    {"resume", "auto|never", "run", "never: refuse a directory that already holds a campaign",
     .type = OPTION_READ, .read = read_resume, .values = "auto never"},
    {"grace", "TIME", "run",
     "after SIGUSR1 or SIGUSR2, for trainings to write where they are; default 60s",
     AT(grace_s), .type = OPTION_DURATION, .high = GRACE_MAX_S, .wanted = "a time such as 60s, 1h at most"},
    {"fork", "NAME", "run",
     "a new campaign in NAME beside --run-dir, which takes over the trainings that still hold",
     .type = OPTION_READ, .read = read_fork},
    {"progress", "auto|plain|none", "run",
     "auto: one line that is redrawn, on a terminal; plain: a line every 10 s; none: no such line",
     .type = OPTION_READ, .read = read_progress, .values = "auto plain none"},
    {"watch", NULL, "status", "look again every 2 s, until the campaign ends (q: leave)", AT(watch)},
    {"set", "KEY=VALUE", "run check train coord-check",
     "override a key of the plan, as in --set search.seeds=3; repeatable",
     AT(sets), .count_offset = offsetof(struct options, set_count), .type = OPTION_PAIRS, .wanted = "KEY=VALUE", .values = "@key"},
    {"lr", "X", "train coord-check audit", "peak learning rate",
     AT(lr), .type = OPTION_NUMBER, .wanted = "a number above 0 such as 3e-3"},
    {"tokens", "D", "train predict audit", "tokens to train on, or to predict for, such as 2M",
     AT(tokens), TOKENS},
    {"save", "FILE", "train", "write a checkpoint at the end, and when it is interrupted",
     AT(save), FILE_NAME},
    {"init", "FILE", "train", "begin where this checkpoint stands", AT(init), FILE_NAME},
    {"until", "D", "train", "stop after so many of the tokens; --init goes on later",
     AT(until), TOKENS},
    {"widths", "A,B,...", "coord-check",
     "four at least; default: base_width (halved while too wide) x 1, 2, 4, 8",
     .type = OPTION_READ, .read = read_widths},
    {"steps", "N", "coord-check", "steps of training; default 3", AT(steps), SMALL},
    {"seeds", "N", "coord-check", "trainings of each width; default 3", AT(seeds), SMALL},
    {"size", "XS|S|M|L|all", "bench", "model to measure; default XS and S",
     AT(size), .type = OPTION_ANY_TEXT, .values = "XS S M L all"},
    {"threads", "N", "bench", "threads of one model; default 1", AT(threads), SMALL},
    {"vocab", "N", "tokenize predict",
     "256: the bytes; 512 to 131072: bpe, learned from the text; predict: the target's",
     AT(vocab), .type = OPTION_U32, .low = 2, .high = OPTION_VOCAB_MAX,
     .wanted = "256 (bytes), or 512 to 131072; predict: 2 to 131072"},
    {"out", "PATH", "tokenize plan export",
     "tokenize: folder of the token files, those that are there are not made again; plan init: the plan, by default plan.yaml; export: a new file or folder",
     .letter = 'o', AT(out), .type = OPTION_TEXT, .wanted = "a name", .values = "@file"},
    {"format", "NAME", "export", "csv and tensorboard: a folder; sqlite: a file",
     .type = OPTION_READ, .read = read_format, .values = "csv sqlite tensorboard"},
    {"time", "TIME", "plan", "that the campaign may take on this machine; default 10m",
     AT(time_s), .type = OPTION_DURATION, .low = 1, .high = TIME_MAX_S, .wanted = "a time such as 10m, from 1s to 30d"},
    {"table", "FILE", "fit", "losses of any trainings, as CSV; needs --target-tokens",
     AT(table), FILE_NAME},
    {"target-tokens", "D", "fit plan import",
     "fit, import: of the table, the horizon to fit for; longer rows do not count; plan init: of the long training",
     AT(target_tokens), TOKENS},
    {"columns", "lr=A,...", "fit import",
     "of the table: what lr, tokens, loss and seed are called; or lr_opt, tokens and se",
     AT(columns), .type = OPTION_ANY_TEXT},
    {"where", "NAME=VALUE", "fit import", "of the table: only the rows that have it; repeatable",
     AT(wheres), .count_offset = offsetof(struct options, where_count), .type = OPTION_PAIRS, .wanted = "COLUMN=VALUE"},
    {"prior-beta", "X", "fit", "of the table: as search.prior_beta",
     AT(prior_beta), .type = OPTION_ANY_TEXT},
    {"prior-beta-sd", "X", "fit", "of the table: as search.prior_beta_sd; of optima 1 by default",
     AT(prior_beta_sd), .type = OPTION_ANY_TEXT},
    {"ranks", "N", "check", "of the run that is estimated; default: cores + 1", AT(ranks), SMALL},
    {"width", "W", "predict audit", "of the model to predict for; default: the target's",
     AT(width), .type = OPTION_U32, .low = 2, .high = WIDTH_MAX, .wanted = "a width such as 1024"},
    {"layers", "N", "predict", "the same: blocks of attention and MLP",
     AT(layers), .type = OPTION_U32, .low = 1, .high = LAYERS_MAX, .wanted = "a depth from 1 to 1024"},
    {"params", "N", "predict audit plan",
     "parameters, such as 7B; predict: hidden ones, by the run's law over sizes; plan init: of the long training's model",
     AT(params), .type = OPTION_U64, .wanted = "a whole count such as 7B"},
    {"batch", "B", "predict audit", "tokens of a step, such as 4M",
     AT(batch), .type = OPTION_U32, .low = 2, .high = BATCH_MAX, .wanted = "the tokens of a step, such as 4M"},
    {"schedule", "NAME", "predict audit", "cosine, linear, wsd or constant",
     .type = OPTION_READ, .read = read_schedule, .values = "cosine linear wsd constant"},
    {"cooldown", "X", "predict audit", "of wsd: share of the tokens in which the LR falls",
     AT(cooldown), .type = OPTION_NUMBER, .high = 1, .wanted = "a share above 0, up to 1"},
    {"plot", "FILE", "coord-check history",
     "draw the activations against the width, or the LR over the runs, as SVG by gnuplot",
     AT(plot), FILE_NAME},
    {"name", "NAME", "history", "only the runs of this campaign",
     AT(name), .type = OPTION_TEXT, .wanted = "the name of a campaign"},
    {"rebuild", NULL, "history", "make the history anew, from the runs themselves", AT(rebuild)},
    {"lr-factor", "X", "compare", "exit status 7 when the LR moved by more than this factor",
     AT(lr_factor), .type = OPTION_NUMBER, .low = 1, .high = 1000, .wanted = "a factor above 1, up to 1000"},
    {"loss", "X", "compare", "the same when the loss moved by more nats",
     AT(loss_limit), .type = OPTION_NUMBER, .high = 100, .wanted = "nats above 0 such as 0.02"},
    {"json", NULL, NULL, "print the result as one JSON value on stdout", AT(json)},
    {"quiet", NULL, NULL, "no progress; errors, warnings and the summary line only",
     .letter = 'q', .type = OPTION_READ, .read = read_quiet},
    {"verbose", NULL, NULL, "tell more", .letter = 'v', .type = OPTION_READ, .read = read_verbose},
    {"help", NULL, NULL, "print this text", .letter = 'h', AT(help)},
    {"version", NULL, NULL, "print the version", AT(version)},
};
/* clang-format on */
const size_t option_row_count = sizeof(option_rows) / sizeof(option_rows[0]);

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < command_row_count; i++)
        if (strcmp(command_rows[i].name, name) == 0)
            return &command_rows[i];
    return NULL;
}

bool option_is_for(const struct option_row *row, const struct command *command)
{
    size_t length = strlen(command->name);
    for (const char *at = row->commands; at && *at; at += strcspn(at, " "), at += *at == ' ')
        if (strncmp(at, command->name, length) == 0 && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return !row->commands;
}

/* ---- exit statuses ---- */

const struct exit_row exit_rows[] = {
    {LR_EXIT_IDENTIFIED, "done, the optimum is identified"},
    {LR_EXIT_USAGE, "wrong use of the command line"},
    {LR_EXIT_NOT_IDENTIFIED, "done, but the optimum is not identified; audit: no law applies"},
    {LR_EXIT_BUDGET, "the budget was used up before the answer"},
    {5, "too many failed trials; train: it diverged"},
    {LR_EXIT_COORDINATES, "coord-check: activations, or what a step does, change with the width"},
    {LR_EXIT_DRIFT, "done, and beyond `tolerance` of the baseline"},
    {65, "the plan or the data are unusable: each error with its place"},
    {69, "too few workers"},
    {70, "internal error; run.sh: no packages, no build, no start"},
    {73, "cannot create a file or folder"},
    {74, "cannot write (disk full), the journal is damaged, or, with a `baseline`, the history"},
    {LR_EXIT_INTERRUPTED, "interrupted: the same command goes on"},
};
const size_t exit_row_count = sizeof(exit_rows) / sizeof(exit_rows[0]);

/* ---- help ---- */

void options_help(FILE *out)
{
    fprintf(out,
            "lrsearch %s: the learning rate for a long training, from short ones\n\n"
            "usage: lrsearch [COMMAND] PLAN [OPTION]...\n"
            "       mpirun -np 64 lrsearch PLAN [OPTION]...\n\n"
            "commands:\n",
            LRSEARCH_VERSION);
    for (size_t i = 0; i < command_row_count; i++)
        fprintf(out, "  %-12s %-7s %s\n", command_rows[i].name, command_rows[i].operand,
                command_rows[i].help);
    fprintf(out, "\noptions:\n");
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];
        char left[48];
        snprintf(left, sizeof(left), "--%s%s%s", row->name, row->argument ? " " : "",
                 row->argument ? row->argument : "");
        fprintf(out, "  %-20s %s%s%s\n", left, row->commands ? row->commands : "",
                row->commands ? ": " : "", row->help);
    }
    fprintf(out, "\nexit status:\n");
    for (size_t i = 0; i < exit_row_count; i++)
        fprintf(out, "  %2d  %s\n", exit_rows[i].status, exit_rows[i].meaning);
}
