#ifndef LRSEARCH_DOCS_H
#define LRSEARCH_DOCS_H

#include <stdio.h>

/* Man pages (man.c), the tables of docs/plan.md (plan_tables.c) and shell completions
 * (completion.c), made from the tables of command_line.h and plan/schema.h. The build writes man
 * pages and completions to files that are installed. */

void docs_man(FILE *out);         /* lrsearch(1) */
void docs_plan_man(FILE *out);    /* lrsearch-plan(5) */
void docs_plan_tables(FILE *out); /* Markdown */
void docs_bash(FILE *out);
void docs_zsh(FILE *out);

#endif
