/* The man pages, in man(7) macros: lrsearch(1) from the tables of commands, options and exit
 * statuses, lrsearch-plan(5) from the plan's schema. */
#include <string.h>
#include "cli/docs.h"
#include "cli/help.h"
#include "lrsearch/version.h"
#include "plan/schema.h"

#define MAN_DATE "2026-11-30" /* last change of the texts; fixed, for reproducible builds */

/* Escapes a text for roff, so that no character acts as a request. */
static void put_roff(FILE *out, const char *text)
{
    for (const char *c = text; *c; c++)
        switch (*c) {
        case '\\':
            fputs("\\e", out);
            break;
        case '-':
            fputs("\\-", out);
            break;
        case '^':
            fputs("\\(ha", out);
            break;
        case '~':
            fputs("\\(ti", out);
            break;
        case '`':
            fputs("\\(ga", out);
            break;
        case '\'':
            fputs("\\(aq", out);
            break;
        case '.':
            fputs(c == text ? "\\&." : ".", out);
            break;
        default:
            fputc(*c, out);
        }
}

static void put_title(FILE *out, const char *name, int section)
{
    fprintf(out, ".TH %s %d " MAN_DATE " \"lrsearch %s\" \"lrsearch manual\"\n", name, section,
            LRSEARCH_VERSION);
}

/* Prints lines verbatim. */
static void put_example(FILE *out, const char *const *lines)
{
    fputs(".EX\n", out);
    for (; *lines; lines++) {
        put_roff(out, *lines);
        fputc('\n', out);
    }
    fputs(".EE\n", out);
}

/* ---- lrsearch(1) ---- */

static void put_option(FILE *out, const struct option_row *row)
{
    fputs(".TP\n", out);
    if (row->letter)
        fprintf(out, "\\fB\\-%c\\fR, ", row->letter);
    fputs("\\fB\\-\\-", out);
    put_roff(out, row->name);
    fputs("\\fR", out);
    if (row->argument) {
        fputs(" \\fI", out);
        put_roff(out, row->argument);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    put_roff(out, row->help);
    fputs(".\n", out);
}

static void put_command(FILE *out, const struct command *command)
{
    fputs(".SS \\fB", out);
    put_roff(out, command->name);
    fprintf(out, "\\fR%s", *command->operand ? " " : "");
    put_roff(out, command->operand);
    fputc('\n', out);
    put_roff(out, command->help);
    fputs(".\n", out);
    for (size_t i = 0; i < command->row_count; i++)
        put_option(out, &command->rows[i]);
}

void docs_man(FILE *out)
{
    static const char *const examples[] = {
        "lrsearch plan init corpus/*.txt.gz -o my.yaml   a plan for this text and machine",
        "lrsearch check my.yaml                          what it trains and what that costs",
        "mpirun -np 64 lrsearch my.yaml                  one rank coordinates, the others train",
        "lrsearch predict logs/my --tokens 1B            another target, after the run", NULL};
    put_title(out, "LRSEARCH", 1);
    fputs(".SH NAME\nlrsearch \\- the learning rate for a long training, from short ones\n"
          ".SH SYNOPSIS\n\\fBlrsearch\\fR [\\fICOMMAND\\fR] \\fIPLAN\\fR [\\fIOPTION\\fR]...\n.br\n"
          "\\fBmpirun \\-np 64 lrsearch\\fR \\fIPLAN\\fR [\\fIOPTION\\fR]...\n"
          ".SH DESCRIPTION\n"
          "lrsearch finds the peak learning rate of a long language-model training from many\n"
          "short, cheap ones. It runs short trainings, fits how the best learning rate changes\n"
          "with length, and predicts it for the long training, with a 90 % interval, what it may\n"
          "cost in loss, and warnings about anything that makes it less certain. Given the same\n"
          "command again it continues where it stopped.\n"
          ".PP\nThe plan is a YAML file: see\n.BR lrsearch\\-plan (5).\n"
          "Results go to standard output, progress and messages to standard error.\n"
          ".SH COMMANDS\n",
          out);
    for (size_t i = 0; i < command_count; i++)
        put_command(out, commands[i]);
    fputs(".SH OPTIONS\nEvery command takes these, and its own, which stand with it above.\n", out);
    for (size_t i = 0; i < general_row_count; i++)
        put_option(out, &general_rows[i]);
    fputs(".SH EXIT STATUS\n", out);
    for (size_t i = 0; i < exit_row_count; i++) {
        fprintf(out, ".TP\n.B %d\n", exit_rows[i].status);
        put_roff(out, exit_rows[i].meaning);
        fputc('\n', out);
    }
    fputs(".SH FILES\nA run leaves its files in\n.IR output.dir ,\n.I logs/NAME\n"
          "by default: \\fIresult.json\\fR, \\fItrials.csv\\fR, \\fIfigures/\\fR, "
          "\\fIjournal.jsonl\\fR and more.\n.SH EXAMPLES\n",
          out);
    put_example(out, examples);
    fputs(".SH SEE ALSO\n.BR lrsearch\\-plan (5),\n.BR mpirun (1)\n", out);
}

/* ---- lrsearch-plan(5) ---- */

static void put_need(FILE *out, const struct plan_key *key)
{
    switch (key->need) {
    case NEED_ALWAYS:
        fputs("Needed.", out);
        return;
    case NEED_NOT:
        break;
    case NEED_OR_NEXT:
    case NEED_AS_TEXT:
        fputs("Needed to train, or \\fB", out);
        put_roff(out, key[1].name);
        fputs("\\fR.", out);
        return;
    default:
        fputs("Needed by some kinds of trainer.", out);
        return;
    }
    fputs(key->fallback ? "Default: " : "May be left out", out);
    put_roff(out, key->fallback ? key->fallback : "");
    fputc('.', out);
}

static void put_key(FILE *out, const struct plan_section *section, const struct plan_key *key)
{
    char text[512];
    fputs(".TP\n\\fB", out);
    put_roff(out, section->name);
    fputs(*section->name ? "." : "", out);
    put_roff(out, key->name);
    fputs("\\fR\n", out);
    put_roff(out, key->help);
    fputs(".\n", out);
    snprintf(text, sizeof(text), "%s", plan_type_text(key->type));
    fputs("Takes ", out);
    if (key->choices) {
        fputs("one of ", out);
        plan_choices_text(key, text, sizeof(text));
    }
    put_roff(out, text);
    if (key->unit) {
        fputs(", in ", out);
        put_roff(out, key->unit);
    }
    if (key->list != LIST_REFUSED)
        fputs(", or a list of them", out);
    if (key->high > key->low) {
        fputs("; ", out);
        put_roff(out, plan_range_text(key, text, sizeof(text)));
    }
    fputs(".\n", out);
    put_need(out, key);
    fputc('\n', out);
}

void docs_plan_man(FILE *out)
{
    static const char *const example[] = {
        "version: 1",
        "name: quickstart",
        "model: {d_model: 64, n_layers: 2, n_heads: 2, context: 128, vocab: 256}",
        "data: {text: [book.txt.gz], tokenizer: bytes}",
        "training: {batch_tokens: 2048}",
        "search: {lr: [1e-3, 3.2e-2], horizons: [128Ki, 256Ki, 512Ki]}",
        "target: {tokens: 8Mi}",
        NULL};
    put_title(out, "LRSEARCH-PLAN", 5);
    fputs(
        ".SH NAME\nlrsearch\\-plan \\- what lrsearch is to train, and where to look\n"
        ".SH DESCRIPTION\nA plan is YAML: keys in sections. Unknown keys are errors, and all\n"
        "errors are reported at once, with line and column, by\n.BR \"lrsearch check\" .\n"
        "\\fBlrsearch plan init\\fR writes a plan to start from; \\fBlrsearch schema\\fR prints a\n"
        "JSON Schema for editors. A plan may be as short as this:\n",
        out);
    put_example(out, example);
    fputs(".PP\nCounts may end in k, M, B, T (powers of 1000) or Ki, Mi, Gi (of 1024). Durations "
          "end in\n"
          "s, m, h or d. Relative file names start at the plan's folder, those of results at the\n"
          "working directory.\n",
          out);
    for (size_t s = 0; s < plan_section_count; s++) {
        const struct plan_section *section = &plan_sections[s];
        fputs(*section->name ? ".SS " : ".SS keys ", out);
        put_roff(out, section->name);
        fputs(*section->name ? " \\- " : "", out);
        put_roff(out, section->help);
        fputc('\n', out);
        for (size_t k = 0; k < section->count; k++)
            put_key(out, section, &section->keys[k]);
    }
    fputs(".SH SEE ALSO\n.BR lrsearch (1)\n", out);
}
