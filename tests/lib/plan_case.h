#ifndef TESTS_PLAN_CASE_H
#define TESTS_PLAN_CASE_H

#include <stddef.h>
#include "plan/plan.h"

/* Plans from memory, for tests. They are loaded as "plan.yaml" of a temporary working directory. */

extern struct plan plan_case; /* the last one loaded */

/* cmocka group fixtures: enter and remove the directory. */
int plan_case_setup(void **state);
int plan_case_teardown(void **state);

/* A complete plan of 7 lines, with line `line` (from 1) replaced by `text`; 0: unchanged; 8: one
 * more line. Valid until the next call. */
const char *plan_case_text(unsigned line, const char *text);

/* Loads `size` bytes; returns plan_load()'s code. *lines: the errors, each with '\n'; valid until
 * the next call. */
int plan_case_load_bytes(const char *bytes, size_t size, const char *const *sets, size_t set_count,
                         const char **lines);
int plan_case_load(const char *text, const char *set /* or NULL */, const char **lines);

struct plan_error_case {
    unsigned line; /* of plan_case_text() */
    const char *text;
    const char *errors;
};
/* Each must be refused with exactly its errors; all that are not are printed. */
void plan_cases_must_fail(const struct plan_error_case *cases, size_t count);

#endif
