#ifndef LRSEARCH_CHECK_PLAN_H
#define LRSEARCH_CHECK_PLAN_H

#include "plan/plan_reader.h"

/* Rules across several keys. An error names what does not fit and a value that would; a rule
 * applies only if each of its keys is valid by itself, so that one mistake gives one error.
 * check_plan() sets the defaults that follow from other keys and calls the others, each in its file
 * check_NAME.c. */
void check_plan(struct plan_reader *reader, const char *plan_path);

/* Makes data.text, tokens, val, trainer.table, cwd and baseline absolute; checks them and
 * output.dir. */
void check_paths(struct plan_reader *reader, const char *plan_path);
void check_trainer(struct plan_reader *reader);  /* trainer, simulate */
void check_training(struct plan_reader *reader); /* model, data, training */
void check_search(struct plan_reader *reader);   /* search, target, confirm, budget */

#endif
