/* The differences between two resolved plans, leaf by leaf. A campaign may resume with another
 * budget, other limits or in a moved folder (may_change()); anything else would change the meaning
 * of its earlier trials. A list is one leaf: "search.horizons ([2000000] -> [2000000,
 * 4000000])". */
#include "plan/plan_diff.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "plan/plan_later.h"

struct diff {
    char *out;
    size_t capacity, used;
    bool full;
    int count;
};

static bool may_change(const char *path)
{
    return strcmp(path, "output.dir") == 0 || strcmp(path, "trainer.threads_per_worker") == 0 ||
           strcmp(path, "trainer.ranks_per_trial") == 0 ||
           strcmp(path, "trainer.concurrent_trials") == 0 || strncmp(path, "budget.", 7) == 0 ||
           strncmp(path, "limits.", 7) == 0 || strncmp(path, "on_fail.", 8) == 0 ||
           strcmp(path, "baseline") == 0 || strncmp(path, "tolerance.", 10) == 0;
}

/* Appends an entry. Once one does not fit, appends ", ..." and only counts the rest. */
static void append(struct diff *diff, const char *entry)
{
    static const char more[] = ", ...";
    size_t length = strlen(entry), comma = diff->used ? 2 : 0;
    diff->count++;
    if (diff->full || diff->capacity == 0)
        return;
    if (diff->used + comma + length + sizeof(more) > diff->capacity) {
        diff->full = true;
        const char *text = diff->used ? more : more + 2;
        if (diff->used + strlen(text) < diff->capacity)
            memcpy(diff->out + diff->used, text, strlen(text) + 1);
        return;
    }
    memcpy(diff->out + diff->used, ", ", comma);
    memcpy(diff->out + diff->used + comma, entry, length + 1);
    diff->used += comma + length;
}

/* A leaf in its shortest form: the fewest digits that give the same number. */
static const char *leaf_text(const json_t *leaf, char out[160])
{
    double number = json_real_value(leaf);
    if (!leaf) {
        memcpy(out, "absent", 7);
    } else if (json_is_real(leaf)) {
        for (int digits = 1; digits <= 17; digits++) {
            snprintf(out, 160, "%.*g", digits, number);
            double back = strtod(out, NULL);
            if (!(back < number) && !(back > number))
                break;
        }
    } else {
        char *dumped = json_dumps(leaf, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        snprintf(out, 160, "%s", dumped ? dumped : "?");
        if (dumped && strlen(dumped) >= 160)
            memcpy(out + 156, "...", 4);
        free(dumped); /* jansson's own allocation */
    }
    return out;
}

static bool is_equal(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) { /* 1 equals 1.0 */
        double x = json_number_value(a), y = json_number_value(b);
        return (json_is_integer(a) && json_is_integer(b))
                   ? json_integer_value(a) == json_integer_value(b)
                   : !(x < y) && !(x > y);
    }
    return a && b && json_equal(a, b);
}

static void compare(struct diff *diff, const char *path, json_t *old, json_t *new)
{
    if (json_is_object(old) && json_is_object(new)) {
        const char *key;
        json_t *value;
        char inner[256];
        const char *dot = *path ? "." : "";
        json_object_foreach(old, key, value)
        {
            snprintf(inner, sizeof(inner), "%s%s%s", path, dot, key);
            compare(diff, inner, value, json_object_get(new, key));
        }
        json_object_foreach(new, key, value)
        {
            snprintf(inner, sizeof(inner), "%s%s%s", path, dot, key);
            if (!json_object_get(old, key))
                compare(diff, inner, NULL, value);
        }
        return;
    }
    if (may_change(path) || is_equal(old, new))
        return;
    char before[160], after[160], entry[640];
    snprintf(entry, sizeof(entry), "%s (%s -> %s)", path, leaf_text(old, before),
             leaf_text(new, after));
    append(diff, entry);
}

int plan_diff(const char *old_json, const char *new_json, char *out, size_t capacity)
{
    struct diff diff = {.out = out, .capacity = capacity};
    int code = LR_EINVAL;
    if (capacity > 0)
        out[0] = '\0';
    json_t *old = json_loads(old_json, JSON_REJECT_DUPLICATES, NULL);
    json_t *new = json_loads(new_json, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(old) && json_is_object(new) && plan_add_later(old) && plan_add_later(new)) {
        compare(&diff, "", old, new);
        code = diff.count;
    }
    json_decref(old);
    json_decref(new);
    return code;
}
