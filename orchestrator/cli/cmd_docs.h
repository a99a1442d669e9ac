#ifndef LRSEARCH_DOCS_H
#define LRSEARCH_DOCS_H

#include <stdio.h>

/* What is printed from the tables of option_table.h and plan/schema.h for other programs to show:
 * man pages for man, completions for shells. The build writes each to a file that is installed. */

struct doc {
    const char *name; /* lrsearch docs NAME */
    void (*print)(FILE *out);
};

const struct doc *docs_find(const char *name); /* NULL: there is none */

void docs_man(FILE *out);      /* lrsearch(1) */
void docs_plan_man(FILE *out); /* lrsearch-plan(5) */
void docs_bash(FILE *out);
void docs_zsh(FILE *out);

#endif
