/* Collects the errors of a plan. They are found section by section, rules last, but are shown in
 * the order of the file: each is inserted after those whose place is not later. At most
 * COMPLAINTS_MAX are kept, so that insertion stays cheap whatever the input. */
#include "plan/complaints.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "plan/plan_load.h"

#define LINE_MAX_BYTES 2048

void complaints_init(struct complaints *complaints, const char *path, const char *const *sets)
{
    memset(complaints, 0, sizeof(*complaints));
    complaints->path = path;
    complaints->sets = sets;
}

void complaints_release(struct complaints *complaints)
{
    for (size_t i = 0; i < complaints->count; i++)
        lr_free(complaints->items[i].text);
    lr_free(complaints->items);
    complaints->items = NULL;
    complaints->count = complaints->capacity = 0;
}

static bool after(struct place a, struct place b)
{
    if (a.origin != b.origin)
        return a.origin > b.origin;
    if (a.origin > 0) /* places inside a --set are not shown */
        return false;
    return a.line != b.line ? a.line > b.line : a.column > b.column;
}

bool complaints_full(const struct complaints *complaints)
{
    return complaints->count >= COMPLAINTS_MAX;
}

void complain(struct complaints *complaints, struct place place, const char *key,
              const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain_va(complaints, place, key, format, args);
    va_end(args);
}

void complain_va(struct complaints *complaints, struct place place, const char *key,
                 const char *format, va_list args)
{
    char text[LINE_MAX_BYTES];
    size_t used = 0;
    if (complaints_full(complaints)) {
        complaints->left_out++;
        return;
    }
    if (*key && place.origin == 0)
        used = (size_t)snprintf(text, sizeof(text), "%.200s: ", key);
    vsnprintf(text + used, sizeof(text) - used, format, args);
    struct complaint *moved = lr_grow(complaints->items, complaints->count, &complaints->capacity,
                                      sizeof(*complaints->items));
    if (moved)
        complaints->items = moved;
    char *copy = moved ? lr_strdup(text) : NULL;
    if (!copy) {
        complaints->no_memory = true;
        return;
    }
    size_t at = complaints->count++;
    for (; at > 0 && after(complaints->items[at - 1].place, place); at--)
        complaints->items[at] = complaints->items[at - 1];
    complaints->items[at] = (struct complaint){place, copy};
}

static int add_line(struct plan_errors *errors, char *line)
{
    char **moved = lr_grow(errors->lines, errors->count, &errors->capacity, sizeof(*errors->lines));
    if (moved)
        errors->lines = moved;
    char *copy = moved ? lr_strdup(lr_printable(line, "")) : NULL;
    if (!copy)
        return LR_ENOMEM;
    errors->lines[errors->count++] = copy;
    return 0;
}

int complaints_finish(struct complaints *complaints, struct plan_errors *errors)
{
    char line[LINE_MAX_BYTES + TRIAL_PATH];
    int code = complaints->no_memory ? LR_ENOMEM : 0;
    for (size_t i = 0; i < complaints->count && code == 0; i++) {
        const struct complaint *item = &complaints->items[i];
        char set[QUOTABLE];
        if (item->place.origin > 0)
            snprintf(line, sizeof(line), "--set %s: %s",
                     quotable(complaints->sets[item->place.origin - 1], set), item->text);
        else if (item->place.line > 0)
            snprintf(line, sizeof(line), "%.1000s:%" PRIu32 ":%" PRIu32 ": %s", complaints->path,
                     item->place.line, item->place.column, item->text);
        else
            snprintf(line, sizeof(line), "%.1000s: %s", complaints->path, item->text);
        code = add_line(errors, line);
    }
    if (complaints->left_out > 0 && code == 0) {
        snprintf(line, sizeof(line), "%.1000s: and %zu more errors", complaints->path,
                 complaints->left_out);
        code = add_line(errors, line);
    }
    if (code == 0 && errors->count > 0)
        code = LR_EPLAN;
    return code;
}

const char *quotable(const char *text, char out[QUOTABLE])
{
    bool cut = strlen(text) >= QUOTABLE - 3;
    lr_printable_copy(out, cut ? QUOTABLE - 3 : QUOTABLE, text);
    if (cut)
        strcat(out, "...");
    return out;
}
