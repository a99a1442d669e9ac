/* What the schema says of a key, in words: for error texts and plans/README.md. */
#include <stdio.h>
#include "plan/schema.h"
#include "plan/quantity.h"

static const char *bound_text(const struct plan_key *key, double bound, char *out, size_t capacity)
{
    if (key->type == TYPE_DURATION)
        return quantity_duration_text(bound, out, capacity);
    if (key->type == TYPE_NUMBER || key->type == TYPE_SHARE || key->type == TYPE_PAIR ||
        key->type == TYPE_SPAN) {
        snprintf(out, capacity, "%g", bound);
        return out;
    }
    return quantity_count_text((uint64_t)bound, out, capacity);
}

const char *plan_range_text(const struct plan_key *key, char *out, size_t capacity)
{
    char low[32], high[32];
    bound_text(key, key->low, low, sizeof(low));
    bound_text(key, key->high, high, sizeof(high));
    const char *none = key->none ? ", or none" : "";
    if (key->low >= key->high)
        snprintf(out, capacity, "only %s", low);
    else if (!key->above && !key->below)
        snprintf(out, capacity, "%s to %s%s", low, high, none);
    else
        snprintf(out, capacity, "%s %s, %s %s%s", key->above ? "above" : "from", low,
                 key->below ? "below" : "up to", high, none);
    return out;
}

const char *plan_choices_text(const struct plan_key *key, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (const struct plan_choice *choice = key->choices; choice->name; choice++) {
        if (!choice->available || used >= capacity)
            continue;
        int length = snprintf(out + used, capacity - used, "%s%s", used ? ", " : "", choice->name);
        used += length > 0 ? (size_t)length : 0;
    }
    return out;
}

const char *plan_type_text(enum plan_type type)
{
    switch (type) {
    case TYPE_U32:
    case TYPE_U64:
        return "a whole count such as 64, 128k or 2M";
    case TYPE_NUMBER:
        return "a number such as 0.1 or 1e-3";
    case TYPE_SHARE:
        return "a share such as 0.1";
    case TYPE_DURATION:
        return "a duration such as 90s, 5m, 2h or 1d";
    case TYPE_BOOL:
        return "true or false";
    case TYPE_TEXT:
        return "text";
    case TYPE_ENUM:
        return "a word";
    case TYPE_TEXTS:
        return "a list of texts such as [corpus/*.txt.gz]";
    case TYPE_COUNTS:
        return "a list of counts such as [2M, 4M, 8M]";
    case TYPE_PAIR:
        return "two numbers such as [1e-4, 3e-2]";
    case TYPE_MAP:
        return "keys and values such as {width: 512}";
    case TYPE_SPAN:
        return "a number such as 2, or a range to search such as [0.5, 50]";
    }
    return "?";
}
