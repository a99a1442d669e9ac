/* The tables of commands and options, and the reading of argv by them with getopt_long. */
#define _GNU_SOURCE /* getopt_long */
#include "cli/options.h"

#include <getopt.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/trial.h"
#include "lrsearch/version.h"
#include "plan/value.h"

static const struct command commands[] = {
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
    {"audit", "[RUN]",
     "is a recipe's --lr right for --tokens and --params? by published laws, and a run's own",
     command_audit},
    {"journal", "repair", "journal repair RUN_DIR: cut a damaged journal off, after a copy of it",
     command_journal},
    {"bench", "train", "how fast this machine trains, and where the time goes", command_bench},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

#define WIDTH_MAX 1048576 /* as target.d_model */
#define LAYERS_MAX 1024
#define VOCAB_MAX 131072
#define BATCH_MAX 1000000000
#define GRACE_DEFAULT_S 60.0
#define GRACE_MAX_S 3600.0

struct option_row {
    const char *name;
    char letter;          /* also the value of getopt_long */
    const char *argument; /* NULL: takes none */
    const char *commands; /* that it is for; NULL: all */
    const char *help;
};

static const struct option_row rows[] = {
    {"run-dir", 'd', "DIR", "run",
     "where the campaign's files go (default: output.dir of the plan)"},
    {"resume", 'r', "auto|never", "run", "never: refuse a directory that already holds a campaign"},
    {"grace", 'g', "TIME", "run",
     "after SIGUSR1 or SIGUSR2, for trainings to write where they are; default 60s"},
    {"fork", 'F', "NAME", "run",
     "a new campaign in NAME beside --run-dir, which takes over the trainings that still hold"},
    {"set", 's', "KEY=VALUE", "run check train coord-check",
     "override a key of the plan, as in --set search.seeds=3; repeatable"},
    {"lr", 'l', "X", "train coord-check audit", "peak learning rate"},
    {"tokens", 't', "D", "train predict audit",
     "tokens to train on, or to predict for, such as 2M"},
    {"save", 'S', "FILE", "train", "write a checkpoint at the end, and when it is interrupted"},
    {"init", 'I', "FILE", "train", "begin where this checkpoint stands"},
    {"until", 'U', "D", "train", "stop after so many of the tokens; --init goes on later"},
    {"widths", 'w', "A,B,...", "coord-check",
     "four at least; default: base_width (halved while too wide) x 1, 2, 4, 8"},
    {"steps", 'n', "N", "coord-check", "steps of training; default 3"},
    {"seeds", 'e', "N", "coord-check", "trainings of each width; default 3"},
    {"size", 'z', "XS|S|M|L|all", "bench", "model to measure; default XS and S"},
    {"threads", 'T', "N", "bench", "threads of one model; default 1"},
    {"vocab", 'b', "N", "tokenize predict",
     "256: the bytes; 512 to 131072: bpe, learned from the text; predict: the target's"},
    {"out", 'o', "DIR", "tokenize",
     "where the token files go; what is there already is not made again"},
    {"table", 'f', "FILE", "fit", "losses of any trainings, as CSV; needs --target-tokens"},
    {"target-tokens", 'D', "D", "fit",
     "of the table: the horizon to fit for; longer rows do not count"},
    {"columns", 'c', "lr=A,...", "fit",
     "of the table: what lr, tokens, loss and seed are called; or lr_opt, tokens and se"},
    {"where", 'W', "NAME=VALUE", "fit", "of the table: only the rows that have it; repeatable"},
    {"prior-beta", 'B', "X", "fit", "of the table: as search.prior_beta"},
    {"prior-beta-sd", 'Y', "X", "fit",
     "of the table: as search.prior_beta_sd; of optima 1 by default"},
    {"ranks", 'R', "N", "check", "of the run that is estimated; default: cores + 1"},
    {"width", 'm', "W", "predict audit", "of the model to predict for; default: the target's"},
    {"layers", 'L', "N", "predict", "the same: blocks of attention and MLP"},
    {"params", 'P', "N", "predict audit",
     "parameters, such as 7B; predict: hidden ones, by the run's law over sizes"},
    {"batch", 'k', "B", "predict audit", "tokens of a step, such as 4M"},
    {"schedule", 'H', "NAME", "predict audit", "cosine, linear, wsd or constant"},
    {"cooldown", 'C', "X", "predict audit", "of wsd: share of the tokens in which the LR falls"},
    {"plot", 'p', "FILE", "coord-check",
     "draw the activations against the width, as SVG by gnuplot"},
    {"json", 'j', NULL, NULL, "print the result as one JSON value on stdout"},
    {"quiet", 'q', NULL, NULL, "no progress; errors and warnings only"},
    {"verbose", 'v', NULL, NULL, "tell more"},
    {"help", 'h', NULL, NULL, "print this text"},
    {"version", 'V', NULL, NULL, "print the version"},
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int read_tokens(const char *option, const char *value, uint64_t *out, struct lr_error *err)
{
    if (value_count(value, out) == VALUE_OK && *out > 0)
        return 0;
    return lr_fail(err, LR_EUSAGE, "%s %s: must be a whole count such as 2M", option, value);
}

static int read_small(const char *option, const char *value, uint32_t *out, struct lr_error *err)
{
    uint64_t count;
    if (value_count(value, &count) != VALUE_OK || count == 0 || count > 1000)
        return lr_fail(err, LR_EUSAGE, "%s %s: must be a whole count from 1 to 1000", option,
                       value);
    *out = (uint32_t)count;
    return 0;
}

/* A size of the model to predict for: the ranges are those of the plan's keys. */
static int read_size(const char *option, const char *value, uint32_t low, uint32_t high,
                     const char *wanted, uint32_t *out, struct lr_error *err)
{
    uint64_t count;
    if (value_count(value, &count) != VALUE_OK || count < low || count > high)
        return lr_fail(err, LR_EUSAGE, "%s %s: must be %s", option, value, wanted);
    *out = (uint32_t)count;
    return 0;
}

static int read_schedule(const char *value, struct options *options, struct lr_error *err)
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
        if (length >= sizeof(text) || value_count(text, &width) != VALUE_OK || width == 0 ||
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

static bool is_plain_name(const char *name)
{
    return *name && *name != '.' && strlen(name) < OPTION_NAME &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
               strlen(name);
}

static int read_option(struct options *options, int letter, const char *value, struct lr_error *err)
{
    switch (letter) {
    case 'd':
        options->run_dir = value;
        return *value ? 0 : lr_fail(err, LR_EUSAGE, "--run-dir: needs the name of a directory");
    case 'r':
        if (strcmp(value, "auto") != 0 && strcmp(value, "never") != 0)
            return lr_fail(err, LR_EUSAGE, "--resume=%s: must be auto or never", value);
        options->resume = strcmp(value, "auto") == 0;
        return 0;
    case 'g':
        if (value_duration(value, &options->grace_s) == VALUE_OK && options->grace_s <= GRACE_MAX_S)
            return 0;
        return lr_fail(err, LR_EUSAGE, "--grace %s: must be a time such as 60s, 1h at most", value);
    case 'F':
        options->fork = value;
        return is_plain_name(value) ? 0
                                    : lr_fail(err, LR_EUSAGE,
                                              "--fork %s: must be a name of letters, digits, '-', "
                                              "'_' and '.', without a leading dot",
                                              value);
    case 's':
        if (!strchr(value, '=') || *value == '=')
            return lr_fail(err, LR_EUSAGE, "--set %s: must have the form KEY=VALUE", value);
        options->sets[options->set_count++] = value;
        return 0;
    case 'l':
        if (value_number(value, &options->lr) == VALUE_OK && options->lr > 0)
            return 0;
        return lr_fail(err, LR_EUSAGE, "--lr %s: must be a number above 0 such as 3e-3", value);
    case 't':
        return read_tokens("--tokens", value, &options->tokens, err);
    case 'U':
        return read_tokens("--until", value, &options->until, err);
    case 'S':
        options->save = value;
        return *value ? 0 : lr_fail(err, LR_EUSAGE, "--save: needs the name of a file");
    case 'I':
        options->init = value;
        return *value ? 0 : lr_fail(err, LR_EUSAGE, "--init: needs the name of a file");
    case 'w':
        return read_widths(options, value, err);
    case 'n':
        return read_small("--steps", value, &options->steps, err);
    case 'e':
        return read_small("--seeds", value, &options->seeds, err);
    case 'z':
        options->size = value;
        return 0;
    case 'T':
        return read_small("--threads", value, &options->threads, err);
    case 'b':
        return read_size("--vocab", value, 2, VOCAB_MAX,
                         "256 (bytes), or 512 to 131072; predict: 2 to 131072", &options->vocab,
                         err);
    case 'o':
        options->out = value;
        return *value ? 0 : lr_fail(err, LR_EUSAGE, "--out: needs the name of a directory");
    case 'f':
        options->table = value;
        return *value ? 0 : lr_fail(err, LR_EUSAGE, "--table: needs the name of a file");
    case 'D':
        return read_tokens("--target-tokens", value, &options->target_tokens, err);
    case 'c':
        options->columns = value;
        return 0;
    case 'W':
        if (!strchr(value, '=') || *value == '=')
            return lr_fail(err, LR_EUSAGE, "--where %s: must have the form COLUMN=VALUE", value);
        options->wheres[options->where_count++] = value;
        return 0;
    case 'B':
        options->prior_beta = value;
        return 0;
    case 'Y':
        options->prior_beta_sd = value;
        return 0;
    case 'R':
        return read_small("--ranks", value, &options->ranks, err);
    case 'm':
        return read_size("--width", value, 2, WIDTH_MAX, "a width such as 1024", &options->width,
                         err);
    case 'L':
        return read_size("--layers", value, 1, LAYERS_MAX, "a depth from 1 to 1024",
                         &options->layers, err);
    case 'k':
        return read_size("--batch", value, 2, BATCH_MAX, "the tokens of a step, such as 4M",
                         &options->batch, err);
    case 'P':
        if (value_count(value, &options->params) == VALUE_OK && options->params > 0)
            return 0;
        return lr_fail(err, LR_EUSAGE, "--params %s: must be a whole count such as 7B", value);
    case 'H':
        return read_schedule(value, options, err);
    case 'C':
        if (value_number(value, &options->cooldown) == VALUE_OK && options->cooldown > 0 &&
            options->cooldown <= 1)
            return 0;
        return lr_fail(err, LR_EUSAGE, "--cooldown %s: must be a share above 0, up to 1", value);
    case 'p':
        options->plot = value;
        return *value ? 0 : lr_fail(err, LR_EUSAGE, "--plot: needs the name of a file");
    case 'j':
        options->json = true;
        return 0;
    case 'q':
        options->verbosity = -1;
        return 0;
    case 'v':
        options->verbosity = 1;
        return 0;
    case 'h':
        options->help = true;
        return 0;
    case 'V':
        options->version = true;
        return 0;
    default:
        return lr_fail(err, LR_EUSAGE, "try lrsearch --help");
    }
}

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

/* What a command needs beside the options that say so themselves. */
static int check_operands(const struct options *options, int count, char **operands,
                          struct lr_error *err)
{
    const struct command *command = options->command;
    bool of_run = command->run == command_fit || command->run == command_predict ||
                  command->run == command_audit;
    if (command->run == command_bench && (count != 1 || strcmp(operands[0], "train") != 0))
        return lr_fail(err, LR_EUSAGE, "bench: what can be measured is: lrsearch bench train");
    if (command->run == command_journal && (count != 2 || strcmp(operands[0], "repair") != 0))
        return lr_fail(err, LR_EUSAGE,
                       "journal: what can be done is: lrsearch journal repair RUN_DIR");
    if (command->run == command_tokenize && (count == 0 || !options->vocab || !options->out))
        return lr_fail(err, LR_EUSAGE,
                       "tokenize: name text files, --vocab and --out, as in: lrsearch tokenize "
                       "book.txt.gz --vocab 8192 --out tokens");
    if (command->run == command_tokenize && options->vocab != 256 && options->vocab < 512)
        return lr_fail(err, LR_EUSAGE, "--vocab %u: must be 256 (bytes), or 512 to %d",
                       options->vocab, VOCAB_MAX);
    if (command->run == command_audit && !(options->lr > 0 && options->tokens && options->params))
        return lr_fail(
            err, LR_EUSAGE,
            "audit: needs --lr, --tokens and --params of a recipe, as in: lrsearch audit "
            "--lr 3e-4 --tokens 1T --params 7B");
    if (command->run == command_predict && (count == 0 || !options->tokens))
        return lr_fail(err, LR_EUSAGE,
                       "predict: name a run's directory and --tokens, as in: lrsearch predict "
                       "logs/quickstart --tokens 1B");
    if (count > 1 && command->run != command_tokenize && command->run != command_journal)
        return lr_fail(err, LR_EUSAGE, "%s: one %s is expected, found also '%s'", command->name,
                       of_run ? "run's directory" : "plan", operands[1]);
    if (command->run == command_fit)
        return check_fit(options, count, err);
    if (command->run == command_predict || command->run == command_audit)
        return check_target(options, count, err);
    if (count == 0)
        return lr_fail(err, LR_EUSAGE, "%s: name a plan, as in: lrsearch %s plans/quickstart.yaml",
                       command->name, command->name);
    return 0;
}

static int read_operands(struct options *options, int count, char **operands, struct lr_error *err)
{
    if (options->help || options->version)
        return 0;
    options->command = count > 0 ? find_command(operands[0]) : NULL;
    if (options->command) {
        operands++;
        count--;
    } else {
        options->command = &commands[0];
    }
    int rc = check_operands(options, count, operands, err);
    if (rc)
        return rc;
    options->operand = count > 0 ? operands[0] : NULL;
    options->operands = operands;
    options->operand_count = (size_t)count;
    return 0;
}

static bool is_for(const struct option_row *row, const struct command *command)
{
    size_t length = strlen(command->name);
    for (const char *at = row->commands; at && *at; at += strcspn(at, " "), at += *at == ' ')
        if (strncmp(at, command->name, length) == 0 && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return !row->commands;
}

/* An option of another command has no effect: say so instead of passing over it. */
static int check_commands(const struct options *options, const bool *given, struct lr_error *err)
{
    for (size_t i = 0; i < ROW_COUNT && options->command; i++)
        if (given[i] && !is_for(&rows[i], options->command))
            return lr_fail(err, LR_EUSAGE, "--%s: has no meaning for lrsearch %s (see --help)",
                           rows[i].name, options->command->name);
    return 0;
}

int options_parse(struct options *options, int argc, char **argv, struct lr_error *err)
{
    memset(options, 0, sizeof(*options));
    options->resume = true;
    options->grace_s = GRACE_DEFAULT_S;
    options->sets = lr_calloc((size_t)argc + 1, sizeof(*options->sets));
    options->wheres = lr_calloc((size_t)argc + 1, sizeof(*options->wheres));
    if (!options->sets || !options->wheres)
        return lr_fail(err, LR_ENOMEM, "out of memory");

    struct option longs[ROW_COUNT + 1];
    memset(longs, 0, sizeof(longs));
    for (size_t i = 0; i < ROW_COUNT; i++) {
        longs[i].name = rows[i].name;
        longs[i].has_arg = rows[i].argument ? required_argument : no_argument;
        longs[i].val = rows[i].letter;
    }
    opterr = 0;
    optind = 1;
    bool given_rows[ROW_COUNT] = {false};
    int letter;
    while ((letter = getopt_long(argc, argv, ":qvho:", longs, NULL)) != -1) {
        const char *given = argv[optind - 1];
        if (letter == ':')
            return lr_fail(err, LR_EUSAGE, "%s: needs a value (see lrsearch --help)", given);
        if (letter == '?')
            return lr_fail(err, LR_EUSAGE, "%s: unknown option (see lrsearch --help)", given);
        for (size_t i = 0; i < ROW_COUNT; i++)
            given_rows[i] |= rows[i].letter == letter;
        int rc = read_option(options, letter, optarg, err);
        if (rc)
            return rc;
    }
    int rc = read_operands(options, argc - optind, argv + optind, err);
    return rc ? rc : check_commands(options, given_rows, err);
}

void options_release(struct options *options)
{
    lr_free(options->sets);
    lr_free(options->wheres);
    options->sets = options->wheres = NULL;
}

void options_help(FILE *out)
{
    fprintf(out,
            "lrsearch %s: the learning rate for a long training, from short ones\n\n"
            "usage: lrsearch [COMMAND] PLAN [OPTION]...\n"
            "       mpirun -np 64 lrsearch PLAN [OPTION]...\n\n"
            "commands:\n",
            LRSEARCH_VERSION);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-12s %-7s %s\n", commands[i].name, commands[i].operand, commands[i].help);
    fprintf(out, "\noptions:\n");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        char left[48];
        snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].argument ? " " : "",
                 rows[i].argument ? rows[i].argument : "");
        fprintf(out, "  %-20s %s%s%s\n", left, rows[i].commands ? rows[i].commands : "",
                rows[i].commands ? ": " : "", rows[i].help);
    }
    fprintf(out,
            "\nexit status: 0 optimum identified, 2 usage, 3 not identified, 4 budget used up,\n"
            "5 too many failed trials or diverged, 6 coordinate check failed, 65 plan or data\n"
            "invalid, 69 too few workers, 70 internal error, 73 cannot create, 74 cannot write,\n"
            "75 interrupted (run it again to go on)\n");
}
