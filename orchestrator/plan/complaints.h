#ifndef LRSEARCH_COMPLAINTS_H
#define LRSEARCH_COMPLAINTS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Errors of a plan, collected in any order and returned in the order of the file; those of --set
 * follow, in the order of the command line. */

struct place {
    uint32_t origin;       /* 0: the file; n: the n-th --set */
    uint32_t line, column; /* from 1; line 0: the file as a whole */
};

#define COMPLAINTS_MAX 100 /* so that garbage does not flood the screen; the rest is counted */

struct complaint {
    struct place place;
    char *text; /* owned, without the place */
};

struct complaints {
    const char *path; /* as the user wrote it; must outlive this */
    const char *const *sets;
    struct complaint *items; /* in order of place; equal places in order of arrival */
    size_t count, capacity;
    size_t left_out;
    bool no_memory; /* sticky */
};

void complaints_init(struct complaints *complaints, const char *path, const char *const *sets);
void complaints_release(struct complaints *complaints);

/* Adds "key: text" at a place; `key` may be "". A --set already names its key, so `key` is
 * omitted. */
void complain(struct complaints *complaints, struct place place, const char *key,
              const char *format, ...) __attribute__((format(printf, 4, 5)));
void complain_va(struct complaints *complaints, struct place place, const char *key,
                 const char *format, va_list args) __attribute__((format(printf, 4, 0)));
/* True: no more is shown, so that the search for a suggestion can be skipped. */
bool complaints_full(const struct complaints *complaints);

struct plan_errors;
/* Copies all to *errors, as lines. 0, LR_EPLAN when there are any, or LR_ENOMEM. */
int complaints_finish(struct complaints *complaints, struct plan_errors *errors);

/* `text` fit for a message: control characters as '?', at most 60 bytes, "..." when cut. */
#define QUOTABLE 64
const char *quotable(const char *text, char out[QUOTABLE]);

#endif
