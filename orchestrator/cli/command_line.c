/* The table of commands, and the parsing of argv by their tables with getopt_long. First the
 * options of all commands are collected, because they may precede the command; once the command is
 * known, its own rows parse their values. */
#define _GNU_SOURCE /* getopt_long */
#include "cli/command_line.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "lrsearch/suggestion.h"

const struct command *const commands[] = {
    &cmd_run,      &cmd_ask,    &cmd_tell,    &cmd_check,  &cmd_train,   &cmd_coord_check,
    &cmd_tokenize, &cmd_fit,    &cmd_predict, &cmd_import, &cmd_export,  &cmd_status,
    &cmd_audit,    &cmd_report, &cmd_plan,    &cmd_schema, &cmd_history, &cmd_compare,
    &cmd_journal,  &cmd_bench,  &cmd_docs,    &cmd_help,   &cmd_version,
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

int command_unknown(const char *word, const char *why, struct lr_error *err)
{
    struct suggestion suggestion;
    suggestion_init(&suggestion, word);
    for (size_t i = 0; i < command_count; i++)
        suggestion_offer(&suggestion, commands[i]->name);
    if (suggestion.best)
        return lr_fail(err, LR_EUSAGE, "%s: %s; did you mean %s?", word, why, suggestion.best);
    return lr_fail(err, LR_EUSAGE, "%s: %s (see lrsearch --help)", word, why);
}

/* ---- general options ---- */

static int read_quiet(void *member, const char *value, struct lr_error *err)
{
    (void)value, (void)err;
    *(int *)member = -1;
    return 0;
}

static int read_verbose(void *member, const char *value, struct lr_error *err)
{
    (void)value, (void)err;
    *(int *)member = 1;
    return 0;
}

const struct option_row general_rows[] = {
    {"quiet", NULL, "no progress; errors, warnings and the summary line only", .letter = 'q',
     OPTION_AT(command_line, verbosity), .type = OPTION_READ, .read = read_quiet},
    {"verbose", NULL, "more messages", .letter = 'v', OPTION_AT(command_line, verbosity),
     .type = OPTION_READ, .read = read_verbose},
    {"help", NULL, "print the help of the command, or of lrsearch", .letter = 'h',
     OPTION_AT(command_line, help)},
    {"version", NULL, "print the version, commit, libraries and instruction set",
     OPTION_AT(command_line, version)},
};
const size_t general_row_count = sizeof(general_rows) / sizeof(general_rows[0]);

/* ---- getopt_long ---- */

enum { ROW_BASE = 256 }; /* getopt_long returns ROW_BASE + i for row i */

struct given { /* an option as it stands in argv */
    const struct option_row *row;
    char letter; /* by which it was given; 0: by its name */
    const char *value;
};

struct scan {
    const struct option_row **rows; /* of all commands, each name once, the general ones first */
    size_t row_count;
    struct option *longs; /* row_count + 1 */
    char *shorts;
    struct given *given; /* options of commands, in the order of argv */
    size_t given_count;
};

static void add_rows(struct scan *scan, const struct option_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool known = false;
        for (size_t k = 0; k < scan->row_count && !known; k++)
            known = strcmp(scan->rows[k]->name, rows[i].name) == 0;
        if (!known)
            scan->rows[scan->row_count++] = &rows[i];
    }
}

static int scan_init(struct scan *scan, int argc, struct lr_error *err)
{
    size_t most = general_row_count, used = 1;
    for (size_t i = 0; i < command_count; i++)
        most += commands[i]->row_count;
    scan->rows = lr_calloc(most, sizeof(scan->rows[0]));
    scan->longs = lr_calloc(most + 1, sizeof(*scan->longs));
    scan->shorts = lr_calloc(2 * most + 2, 1);
    scan->given = lr_calloc((size_t)argc + 1, sizeof(*scan->given));
    if (!scan->rows || !scan->longs || !scan->shorts || !scan->given)
        return lr_nomem(err);
    add_rows(scan, general_rows, general_row_count);
    for (size_t i = 0; i < command_count; i++)
        add_rows(scan, commands[i]->rows, commands[i]->row_count);
    scan->shorts[0] = ':';
    for (size_t i = 0; i < scan->row_count; i++) {
        const struct option_row *row = scan->rows[i];
        scan->longs[i] = (struct option){.name = row->name,
                                         .has_arg = row->argument ? required_argument : no_argument,
                                         .val = ROW_BASE + (int)i};
        if (row->letter)
            scan->shorts[used++] = row->letter;
        if (row->letter && row->argument)
            scan->shorts[used++] = ':';
    }
    return 0;
}

static void scan_release(struct scan *scan)
{
    lr_free(scan->rows);
    lr_free(scan->longs);
    lr_free(scan->shorts);
    lr_free(scan->given);
}

static const struct option_row *row_of(const struct scan *scan, int value)
{
    for (size_t i = 0; i < scan->row_count; i++)
        if (value == ROW_BASE + (int)i || (value < ROW_BASE && value == scan->rows[i]->letter))
            return scan->rows[i];
    return NULL;
}

/* Reports an option for which getopt_long returned ':' or '?'. Inside a cluster such as "-xq",
 * optind is still at the cluster, so `word`, argv[optind - 1], is not the option: optopt is. */
static int refuse_word(int value, const char *word, struct lr_error *err)
{
    const char letter[] = {'-', (char)optopt, '\0'};
    if (value == ':')
        return lr_fail(err, LR_EUSAGE, "%s: needs a value (see lrsearch --help)", word);
    if (optopt >= ROW_BASE)
        return lr_fail(err, LR_EUSAGE, "%s: the option takes no value", word);
    return lr_fail(err, LR_EUSAGE, "%s: unknown option (see lrsearch --help)",
                   optopt > 0 && optopt < 0x80 ? letter : word);
}

/* Permutes argv: the operands follow the options, from optind on. */
static int scan_options(struct scan *scan, struct command_line *line, int argc, char **argv,
                        struct lr_error *err)
{
    opterr = 0;
    optind = 1;
    for (int value; (value = getopt_long(argc, argv, scan->shorts, scan->longs, NULL)) != -1;) {
        const struct option_row *row = row_of(scan, value);
        if (!row)
            return refuse_word(value, argv[optind - 1], err);
        if (row >= general_rows && row < general_rows + general_row_count)
            option_read(line, row, optarg, err);
        else
            scan->given[scan->given_count++] =
                (struct given){row, value < ROW_BASE ? (char)value : 0, optarg};
    }
    return 0;
}

/* ---- the command ---- */

/* Whether a word that is no command is a plan: by its '/', its suffix, or because the file
 * exists. */
static bool is_plan(const char *word)
{
    size_t length = strlen(word);
    return strchr(word, '/') || (length > 5 && strcmp(word + length - 5, ".yaml") == 0) ||
           (length > 4 && strcmp(word + length - 4, ".yml") == 0) || access(word, F_OK) == 0;
}

static int choose_command(struct command_line *line, struct lr_error *err)
{
    const char *word = line->operand_count > 0 ? line->operands[0] : NULL;
    line->command = word ? command_find(word) : NULL;
    if (line->command) {
        line->operands++;
        line->operand_count--;
    } else if (word && !is_plan(word)) {
        return command_unknown(word, "is no command, and no plan of that name exists", err);
    } else if (word || !(line->help || line->version)) {
        line->command = &cmd_run;
    }
    return 0;
}

/* The command's own row of an option; NULL: it has none. A letter may stand for other names in
 * other commands. */
static const struct option_row *find_given(const struct command *command, const struct given *given)
{
    for (size_t i = 0; given->letter && i < command->row_count; i++)
        if (command->rows[i].letter == given->letter)
            return &command->rows[i];
    return given->letter ? NULL : option_find(command->rows, command->row_count, given->row->name);
}

/* Refuses an option of another command, and names the commands that have it. */
static int refuse_option(const char *name, const struct command *command, struct lr_error *err)
{
    char owners[256] = "";
    size_t used = 0;
    const struct command *last = NULL;
    for (size_t i = command_count; i-- > 0 && !last;)
        if (option_find(commands[i]->rows, commands[i]->row_count, name))
            last = commands[i];
    for (size_t i = 0; i < command_count && used < sizeof(owners); i++)
        if (option_find(commands[i]->rows, commands[i]->row_count, name))
            used += (size_t)snprintf(owners + used, sizeof(owners) - used, "%s%s",
                                     used == 0             ? ""
                                     : commands[i] == last ? " and "
                                                           : ", ",
                                     commands[i]->name);
    return lr_fail(err, LR_EUSAGE,
                   "--%s: has no meaning for lrsearch %s; it is an option of %s (see lrsearch %s "
                   "--help)",
                   name, command->name, owners, command->name);
}

#define LATEST "logs/latest" /* a link to the newest run (store/run_dir.c) */

/* The newest run of this folder, by its own name; LATEST if its link is not ours. NULL: none. */
static char *latest_run(void)
{
    static char path[sizeof(LATEST) + NAME_MAX];
    char name[NAME_MAX + 1];
    struct stat status;
    ssize_t length = readlink(LATEST, name, NAME_MAX);
    if (stat(LATEST, &status) || !S_ISDIR(status.st_mode))
        return NULL;
    name[length > 0 ? length : 0] = '\0';
    bool plain = name[0] && name[0] != '.' && !strchr(name, '/') && !lr_has_controls(name);
    snprintf(path, sizeof(path), "%s%s", plain ? "logs/" : LATEST, plain ? name : "");
    return path;
}

/* Without an operand. */
static void use_latest_run(struct command_line *line)
{
    static char *operands[2];
    if (line->operand_count > 0 || !line->command->latest)
        return;
    operands[0] = latest_run();
    line->operands = operands;
    line->operand_count = operands[0] != NULL;
}

static int check_operands(const struct command_line *line, struct lr_error *err)
{
    static const char *const names[] = {[OPERAND_PLAN] = "plan",
                                        [OPERAND_RUN] = "run's directory",
                                        [OPERAND_FOLDER] = "folder of runs",
                                        [OPERAND_COMMAND] = "command"};
    static const char *const samples[] = {
        [OPERAND_PLAN] = "plans/quickstart.yaml", [OPERAND_RUN] = "logs/quickstart"};
    const struct command *command = line->command;
    if (line->operand_count < command->least_most[0])
        return lr_fail(err, LR_EUSAGE, "%s: name a %s, as in: lrsearch %s %s%s", command->name,
                       names[command->kind], command->name, samples[command->kind],
                       command->latest ? " (without one it is " LATEST ", which is not there)"
                                       : "");
    if (line->operand_count > command->least_most[1] && command->least_most[1] == 0)
        return lr_fail(err, LR_EUSAGE, "%s: takes no '%s' (see lrsearch %s --help)", command->name,
                       line->operands[0], command->name);
    if (line->operand_count > command->least_most[1] && command->least_most[1] == 1)
        return lr_fail(err, LR_EUSAGE, "%s: one %s is expected, found also '%s'", command->name,
                       names[command->kind], line->operands[1]);
    for (size_t i = 0; i < line->operand_count; i++)
        if (option_check_word(command->name, line->operands[i], err))
            return LR_EUSAGE;
    return 0;
}

int command_line_parse(struct command_line *line, int argc, char **argv, struct lr_error *err)
{
    struct scan scan = {0};
    int rc;
    *line = (struct command_line){.argv = argv};
    if ((rc = scan_init(&scan, argc, err)))
        goto out;
    if ((rc = scan_options(&scan, line, argc, argv, err)))
        goto out;
    line->operands = argv + optind;
    line->operand_count = (size_t)(argc - optind);
    if ((rc = choose_command(line, err)) || line->help || line->version)
        goto out;
    const struct command *command = line->command;
    line->options = command->options;
    for (size_t i = 0; i < scan.given_count; i++) {
        const char *name = scan.given[i].row->name;
        const struct option_row *row = find_given(command, &scan.given[i]);
        rc = row ? option_read(command->options, row, scan.given[i].value, err)
                 : refuse_option(name, command, err);
        if (rc)
            goto out;
    }
    use_latest_run(line);
    if ((rc = check_operands(line, err)))
        goto out;
    rc = command->check ? command->check(line, err) : 0;
out:
    scan_release(&scan);
    return rc;
}

void command_line_release(struct command_line *line)
{
    if (line->command)
        option_release(line->command->options, line->command->rows, line->command->row_count);
}
