/* lrsearch docs: the man pages and completions by name. */
#include "cli/cmd_docs.h"

#include <string.h>
#include "cli/options.h"

static const struct doc docs[] = {
    {"man", docs_man}, {"plan-man", docs_plan_man}, {"bash", docs_bash}, {"zsh", docs_zsh}};

const struct doc *docs_find(const char *name)
{
    for (size_t i = 0; i < sizeof(docs) / sizeof(docs[0]); i++)
        if (strcmp(docs[i].name, name) == 0)
            return &docs[i];
    return NULL;
}

int command_docs(const struct options *options)
{
    docs_find(options->operand)->print(stdout);
    return 0;
}
