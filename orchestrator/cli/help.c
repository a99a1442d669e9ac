/* lrsearch --help, help and version: the tables of commands and options as text, and what this
 * program is. */
#include "cli/help.h"

#include <string.h>
#include "kernels/kernels.h"
#include "lrsearch/version.h"
#include "net/mpi_session.h"
#include "store/provenance.h"

const struct exit_row exit_rows[] = {
    {LR_EXIT_IDENTIFIED, "done, with an answer"},
    {LR_EXIT_USAGE, "wrong use of the command line"},
    {LR_EXIT_NOT_IDENTIFIED, "done, but without an answer; audit: no published rule applies"},
    {LR_EXIT_BUDGET, "the budget was used up before the answer"},
    {5, "too many failed trials; train: it diverged"},
    {LR_EXIT_COORDINATES,
     "coord-check: activations, or the effect of a step, change with the width"},
    {LR_EXIT_DRIFT, "done, and beyond `tolerance` of the baseline"},
    {65, "the plan or the data cannot be used: each error with its place"},
    {69, "too few workers"},
    {70, "internal error; run.sh: no packages, no build, no start"},
    {73, "cannot create a file or folder"},
    {74, "cannot write (disk full), the journal is damaged, or, with a `baseline`, the history"},
    {LR_EXIT_INTERRUPTED, "interrupted: the same command continues"},
};
const size_t exit_row_count = sizeof(exit_rows) / sizeof(exit_rows[0]);

static void print_row(FILE *out, const struct option_row *row)
{
    char left[48], letter[8] = "    ";
    if (row->letter)
        snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name, row->argument ? " " : "",
             row->argument ? row->argument : "");
    fprintf(out, "  %-30s %s\n", left, row->help);
}

static void print_general(FILE *out)
{
    for (size_t i = 0; i < general_row_count; i++)
        print_row(out, &general_rows[i]);
}

void help_print_version(FILE *out)
{
    struct event_session here = {0};
    provenance_here(&here);
    fprintf(out, "lrsearch %s\n", here.version); /* for scripts: the first line stays so */
    fprintf(out, "commit: %s\n", here.commit);
    fprintf(out, "compiler: %s\n", here.compiler);
    fprintf(out, "MPI: %s\n", mpi_loaded_library());
    fprintf(out, "matrix products: %s\n", kernels_init());
    fprintf(out, "libraries: %s\n", here.libraries);
    fprintf(out, "CPU: %s\n", here.cpu);
    fprintf(out, "system: %s\n", here.system);
}

void help_print(FILE *out)
{
    char left[48];
    fprintf(out,
            "lrsearch %s: the learning rate for a long training, from short ones\n\n"
            "usage: lrsearch [COMMAND] PLAN [OPTION]...\n"
            "       mpirun -np 64 lrsearch PLAN [OPTION]...\n\n"
            "commands (lrsearch COMMAND --help shows their options):\n",
            LRSEARCH_VERSION);
    for (size_t i = 0; i < command_count; i++) {
        snprintf(left, sizeof(left), "%s %s", commands[i]->name, commands[i]->operand);
        fprintf(out, "  %-28s %s\n", left, commands[i]->help);
    }
    fputs("\noptions of every command:\n", out);
    print_general(out);
    fputs("\nexit status:\n", out);
    for (size_t i = 0; i < exit_row_count; i++)
        fprintf(out, "  %2d  %s\n", exit_rows[i].status, exit_rows[i].meaning);
}

void help_print_command(FILE *out, const struct command *command)
{
    static const char *const kinds[] = {
        [OPERAND_PLAN] = "the plan, a YAML file: see lrsearch-plan(5), and lrsearch plan init",
        [OPERAND_RUN] = "the directory of a run, such as logs/quickstart",
        [OPERAND_COMMAND] = NULL};
    fprintf(out, "usage: lrsearch %s%s%s%s\n\n%s\n", command->name, *command->operand ? " " : "",
            command->operand, command->row_count > 0 ? " [OPTION]..." : "", command->help);
    if (command->operand_help || kinds[command->kind])
        fprintf(out, "\n  %-30s %s\n", command->operand,
                command->operand_help ? command->operand_help : kinds[command->kind]);
    if (command->row_count > 0)
        fputs("\noptions:\n", out);
    for (size_t i = 0; i < command->row_count; i++)
        print_row(out, &command->rows[i]);
    fputs("\noptions of every command:\n", out);
    print_general(out);
    if (!command->examples)
        return;
    fprintf(out, "\nexample%s:\n", strchr(command->examples, '\n') ? "s" : "");
    for (const char *line = command->examples; *line;) {
        size_t length = strcspn(line, "\n");
        fprintf(out, "  %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

/* ---- lrsearch help, lrsearch version ---- */

static int check_help(const struct command_line *line, struct lr_error *err)
{
    if (line->operand_count == 0 || command_find(line->operands[0]))
        return 0;
    return command_unknown(line->operands[0], "is no command", err);
}

static int run_help(const struct command_line *line)
{
    if (line->operand_count == 0)
        help_print(stdout);
    else
        help_print_command(stdout, command_find(line->operands[0]));
    return 0;
}

const struct command cmd_help = {
    .name = "help",
    .operand = "[COMMAND]",
    .help = "print the help of a command, or of lrsearch",
    .operand_help = "as lrsearch --help lists them",
    .examples = "lrsearch help check",
    .kind = OPERAND_COMMAND,
    .least_most = {0, 1},
    .check = check_help,
    .run = run_help,
};

static int run_version(const struct command_line *line)
{
    (void)line;
    help_print_version(stdout);
    return 0;
}

const struct command cmd_version = {
    .name = "version",
    .operand = "",
    .help = "print the version, commit, libraries and instruction set",
    .run = run_version,
};
