/* lrsearch docs: prints a man page, the tables of docs/plan.md or a shell completion. */
#include <string.h>
#include "cli/command_line.h"
#include "cli/docs.h"

#define NAMES "man|plan-man|plan-tables|bash|zsh"

static const struct doc {
    const char *name;
    void (*print)(FILE *out);
} docs[] = {{"man", docs_man},
            {"plan-man", docs_plan_man},
            {"plan-tables", docs_plan_tables},
            {"bash", docs_bash},
            {"zsh", docs_zsh}};

static const struct doc *find(const char *name)
{
    for (size_t i = 0; i < sizeof(docs) / sizeof(docs[0]); i++)
        if (strcmp(docs[i].name, name) == 0)
            return &docs[i];
    return NULL;
}

static int check_options(const struct command_line *line, struct lr_error *err)
{
    if (line->operand_count == 1 && find(line->operands[0]))
        return 0;
    return lr_fail(err, LR_EUSAGE, "docs: name one of " NAMES ", as in: lrsearch docs man");
}

static int run(const struct command_line *line)
{
    find(line->operands[0])->print(stdout);
    return 0;
}

const struct command cmd_docs = {
    .name = "docs",
    .operand = NAMES,
    .help = "print a man page, the tables of the plan's keys, or the completion for a shell",
    .operand_help = "lrsearch(1), lrsearch-plan(5), its keys as Markdown, or a completion script",
    .examples = "lrsearch docs bash >~/.local/share/bash-completion/completions/lrsearch\n"
                "lrsearch docs man | man -l -",
    .kind = OPERAND_WORD,
    .least_most = {0, SIZE_MAX},
    .check = check_options,
    .run = run,
};
