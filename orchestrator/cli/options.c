/* The tables of commands and options, and the reading of argv by them with getopt_long. */
#define _GNU_SOURCE /* getopt_long */
#include "cli/options.h"

#include <getopt.h>
#include <string.h>
#include "lrsearch/memory.h"
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
    {"bench", "train", "how fast this machine trains, and where the time goes", command_bench},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

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
    {"set", 's', "KEY=VALUE", NULL,
     "override a key of the plan, as in --set search.seeds=3; repeatable"},
    {"lr", 'l', "X", "train coord-check", "peak learning rate"},
    {"tokens", 't', "D", "train", "tokens to train on, such as 2M"},
    {"save", 'S', "FILE", "train", "write a checkpoint at the end, and when it is interrupted"},
    {"init", 'I', "FILE", "train", "begin where this checkpoint stands"},
    {"until", 'U', "D", "train", "stop after so many of the tokens; --init goes on later"},
    {"widths", 'w', "A,B,...", "coord-check",
     "four at least; default: base_width (halved while too wide) x 1, 2, 4, 8"},
    {"steps", 'n', "N", "coord-check", "steps of training; default 3"},
    {"seeds", 'e', "N", "coord-check", "trainings of each width; default 3"},
    {"size", 'z', "XS|S|M|L|all", "bench", "model to measure; default XS and S"},
    {"threads", 'T', "N", "bench", "threads of one model; default 1"},
    {"vocab", 'b', "N", "tokenize", "256: the bytes; 512 to 131072: bpe, learned from the text"},
    {"out", 'o', "DIR", "tokenize",
     "where the token files go; what is there already is not made again"},
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

static int read_vocab(const char *value, uint32_t *out, struct lr_error *err)
{
    uint64_t count;
    if (value_count(value, &count) != VALUE_OK ||
        !(count == 256 || (count >= 512 && count <= 131072)))
        return lr_fail(err, LR_EUSAGE, "--vocab %s: must be 256 (bytes), or 512 to 131072", value);
    *out = (uint32_t)count;
    return 0;
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
        return read_vocab(value, &options->vocab, err);
    case 'o':
        options->out = value;
        return *value ? 0 : lr_fail(err, LR_EUSAGE, "--out: needs the name of a directory");
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
    if (options->command->run == command_bench && (count != 1 || strcmp(operands[0], "train") != 0))
        return lr_fail(err, LR_EUSAGE, "bench: what can be measured is: lrsearch bench train");
    if (options->command->run == command_tokenize &&
        (count == 0 || !options->vocab || !options->out))
        return lr_fail(err, LR_EUSAGE,
                       "tokenize: name text files, --vocab and --out, as in: lrsearch tokenize "
                       "book.txt.gz --vocab 8192 --out tokens");
    if (count == 0)
        return lr_fail(err, LR_EUSAGE, "%s: name a plan, as in: lrsearch %s plans/quickstart.yaml",
                       options->command->name, options->command->name);
    if (count > 1 && options->command->run != command_tokenize)
        return lr_fail(err, LR_EUSAGE, "%s: one plan is expected, found also '%s'",
                       options->command->name, operands[1]);
    options->operand = operands[0];
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
    options->sets = lr_calloc((size_t)argc + 1, sizeof(*options->sets));
    if (!options->sets)
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
    options->sets = NULL;
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
