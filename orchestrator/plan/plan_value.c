/* One value of the tree into its member of struct plan, by the type of its key. What was found and
 * what was expected is said in one sentence; the elements of a list are complained of one by one.
 */
#include "plan/plan_value.h"

#include <stdio.h>
#include <string.h>
#include "plan/quantity.h"

static const char *text_of(const struct plan_value *value)
{
    return yaml_tree_text(value->tree, value->node);
}

static bool wrong_type(const struct plan_value *value)
{
    const struct yaml_node *node = value->node;
    struct complaints *complaints = value->complaints;
    const char *expected = plan_type_text(value->key->type);
    const char *or_none = value->key->none ? ", or none" : "";
    char text[QUOTABLE];
    if (node->kind != YAML_SCALAR)
        complain(complaints, node->place, value->path, "expected %s%s, found a %s", expected,
                 or_none, node->kind == YAML_LIST ? "list" : "map of keys");
    else
        complain(complaints, node->place, value->path, "expected %s%s, found %s\"%s\"%s", expected,
                 or_none, node->quoted ? "the quoted text " : "", quotable(text_of(value), text),
                 node->quoted ? "; remove the quotes" : "");
    return false;
}

static bool out_of_range(const struct plan_value *value)
{
    char range[96], text[QUOTABLE];
    complain(value->complaints, value->node->place, value->path, "%s is out of range (%s)",
             quotable(text_of(value), text), plan_range_text(value->key, range, sizeof(range)));
    return false;
}

static bool in_range(const struct plan_key *key, double value)
{
    return (key->above ? value > key->low : value >= key->low) &&
           (key->below ? value < key->high : value <= key->high);
}

static bool is_none(const struct plan_value *value)
{
    return value->key->none && value->node->kind == YAML_SCALAR && !value->node->quoted &&
           strcmp(text_of(value), "none") == 0;
}

static bool read_count(const struct plan_value *value, uint64_t *out)
{
    *out = 0;
    if (is_none(value))
        return true;
    if (value->node->kind != YAML_SCALAR || value->node->quoted)
        return wrong_type(value);
    char text[QUOTABLE];
    switch (quantity_count(text_of(value), out)) {
    case QUANTITY_SYNTAX:
        return wrong_type(value);
    case QUANTITY_FRACTION:
        complain(value->complaints, value->node->place, value->path, "%s is not a whole number",
                 quotable(text_of(value), text));
        return false;
    case QUANTITY_BEYOND:
        return out_of_range(value);
    case QUANTITY_OK:
        break;
    }
    /* Above 2^53 the double is rounded, but every bound is at most 2^53 and exact. */
    return in_range(value->key, (double)*out) || out_of_range(value);
}

static bool read_double(const struct plan_value *value, double *out)
{
    *out = 0;
    if (is_none(value))
        return true;
    if (value->node->kind != YAML_SCALAR || value->node->quoted)
        return wrong_type(value);
    enum quantity_status status = value->key->type == TYPE_DURATION
                                      ? quantity_duration(text_of(value), out)
                                      : quantity_number(text_of(value), out);
    if (status == QUANTITY_SYNTAX)
        return wrong_type(value);
    return (status == QUANTITY_OK && in_range(value->key, *out)) || out_of_range(value);
}

static bool read_bool(const struct plan_value *value, bool *out)
{
    if (value->node->kind != YAML_SCALAR || value->node->quoted)
        return wrong_type(value);
    *out = strcmp(text_of(value), "true") == 0;
    return *out || strcmp(text_of(value), "false") == 0 || wrong_type(value);
}

static bool holds_nul(const struct plan_value *value)
{
    bool holds = strlen(text_of(value)) != value->node->length;
    if (holds)
        complain(value->complaints, value->node->place, value->path, "holds a NUL character");
    return holds;
}

static bool read_text(const struct plan_value *value, char *out, size_t capacity)
{
    const struct yaml_node *node = value->node;
    struct complaints *complaints = value->complaints;
    if (node->kind != YAML_SCALAR)
        return wrong_type(value);
    if (holds_nul(value))
        return false;
    const char *text = text_of(value);
    if (node->length == 0 && !value->key->empty) {
        complain(complaints, node->place, value->path, "is empty");
        return false;
    }
    if (node->length >= capacity) {
        complain(complaints, node->place, value->path, "is too long (%u bytes; at most %zu)",
                 (unsigned)node->length, capacity - 1);
        return false;
    }
    memcpy(out, text, node->length + 1);
    return true;
}

static bool read_choice(const struct plan_value *value, uint32_t *out)
{
    if (value->node->kind != YAML_SCALAR)
        return wrong_type(value);
    if (holds_nul(value))
        return false;
    const char *text = text_of(value);
    char known[128], shown[QUOTABLE];
    plan_choices_text(value->key, known, sizeof(known));
    struct suggestion suggestion;
    suggestion_init(&suggestion, text);
    for (const struct plan_choice *choice = value->key->choices; choice->name; choice++) {
        if (strcmp(choice->name, text) != 0) {
            if (choice->available)
                suggestion_offer(&suggestion, choice->name);
            continue;
        }
        if (choice->available) {
            *out = choice->value;
            return true;
        }
        complain(value->complaints, value->node->place, value->path,
                 "%s is not available in this version (available: %s)", text, known);
        return false;
    }
    complain(value->complaints, value->node->place, value->path,
             "unknown value %s (available: %s)%s%s%s", quotable(text, shown), known,
             suggestion.best ? "; did you mean " : "", suggestion.best ? suggestion.best : "",
             suggestion.best ? "?" : "");
    return false;
}

/* A list, element by element; all bad elements are complained of. */
static bool read_list(const struct plan_value *value, unsigned char *member,
                      unsigned char *count_member)
{
    const struct plan_key *key = value->key;
    const struct yaml_node *nodes = value->tree->nodes;
    bool pair = key->type == TYPE_PAIR || key->type == TYPE_SPAN;
    bool single = value->node->kind == YAML_SCALAR && key->type == TYPE_TEXTS;
    if (value->node->kind != YAML_LIST && !single)
        return wrong_type(value);
    size_t capacity = pair ? 2 : key->capacity, count = 0;
    bool good = true;
    uint32_t at = single ? (uint32_t)(value->node - nodes) : value->node->first;
    for (; at != YAML_TREE_NONE; at = single ? YAML_TREE_NONE : nodes[at].next, count++) {
        if (count >= capacity)
            continue;
        char path[QUOTABLE + 32];
        snprintf(path, sizeof(path), single ? "%s" : "%s[%zu]", value->path, count);
        struct plan_key item_key = *key; /* what is said of an element is said of its type */
        struct plan_value item = {value->plan, value->tree, value->complaints,
                                  &item_key,   path,        &nodes[at]};
        if (pair) {
            item_key.type = TYPE_NUMBER;
            good &= read_double(&item, (double *)(void *)member + count);
        } else if (key->type == TYPE_COUNTS) {
            item_key.type = TYPE_U64;
            good &= read_count(&item, (uint64_t *)(void *)member + count);
        } else {
            item_key.type = TYPE_TEXT;
            good &= read_text(&item, (char *)member + count * TRIAL_PATH, TRIAL_PATH);
        }
    }
    size_t least = pair ? 2 : 1;
    if (count < least || count > capacity) {
        const char *bound = least == capacity ? "exactly" : count < least ? "at least" : "at most";
        complain(value->complaints, value->node->place, value->path,
                 "has %zu elements; expected %s %zu", count, bound,
                 count < least ? least : capacity);
        good = false;
    }
    if (good && !pair)
        memcpy(count_member, &count, sizeof(count));
    return good;
}

/* ---- lists in the place of one value ---- */

static bool read_one(const struct plan_value *value, uint64_t *out)
{
    uint32_t choice = 0;
    if (value->key->type != TYPE_ENUM)
        return read_count(value, out);
    bool good = read_choice(value, &choice);
    *out = choice;
    return good;
}

/* Different values; all that are bad or there twice are complained of. */
static bool read_values(const struct plan_value *value, const struct plan_key *item_key,
                        size_t least, size_t most, uint64_t *values, size_t *count)
{
    const struct yaml_node *nodes = value->tree->nodes;
    size_t found = 0, kept = 0;
    bool good = true;
    for (uint32_t at = value->node->first; at != YAML_TREE_NONE; at = nodes[at].next, found++) {
        if (found >= most)
            continue;
        char path[QUOTABLE + 32], shown[QUOTABLE];
        snprintf(path, sizeof(path), "%s[%zu]", value->path, found);
        struct plan_value item = {value->plan, value->tree, value->complaints,
                                  item_key,    path,        &nodes[at]};
        bool again = false;
        if (!read_one(&item, &values[kept])) {
            good = false;
            continue;
        }
        for (size_t i = 0; i < kept; i++)
            again = again || values[i] == values[kept];
        if (again)
            complain(value->complaints, nodes[at].place, path, "%s is there twice; leave one out",
                     quotable(text_of(&item), shown));
        good = good && !again;
        kept += again ? 0 : 1;
    }
    if (found < least || found > most) {
        complain(value->complaints, value->node->place, value->path,
                 "has %zu element%s; expected %zu to %zu%s", found, found == 1 ? "" : "s", least,
                 most, found == 1 ? ", or the value without brackets" : "");
        good = false;
    }
    *count = kept;
    return good;
}

static bool read_axis(const struct plan_value *value, uint32_t *member, struct plan_axis *axis)
{
    uint64_t values[PLAN_AXIS];
    size_t count;
    struct plan_key item_key = *value->key;
    item_key.list = LIST_REFUSED; /* no lists in a list */
    if (!read_values(value, &item_key, 2, PLAN_AXIS, values, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        axis->values[i] = (uint32_t)values[i]; /* the range fits: see the test of the schema */
    axis->count = count;
    *member = axis->values[0];
    return true;
}

static bool read_seeds(const struct plan_value *value, uint32_t *member, struct plan_seeds *seeds)
{
    const struct plan_key item_key = {.type = TYPE_U64, .high = PLAN_SEED_MAX};
    if (!read_values(value, &item_key, 1, PLAN_SEEDS, seeds->values, &seeds->count))
        return false;
    *member = (uint32_t)seeds->count;
    return true;
}

static bool read_span(const struct plan_value *value, double *member)
{
    if (value->node->kind != YAML_SCALAR)
        return read_list(value, (unsigned char *)member, NULL);
    if (!read_double(value, member))
        return false;
    member[1] = member[0];
    return true;
}

/* ---- maps ---- */

static bool is_known_entry(const struct plan_value *value, const char *name, struct place place,
                           const char *path)
{
    struct suggestion suggestion;
    suggestion_init(&suggestion, name);
    for (const char *const *known = value->key->names; known && *known; known++) {
        if (strcmp(*known, name) == 0)
            return true;
        suggestion_offer(&suggestion, *known);
    }
    if (!value->key->names)
        return true;
    complain(value->complaints, place, path, "unknown key%s%s%s",
             suggestion.best ? " (did you mean " : "", suggestion.best ? suggestion.best : "",
             suggestion.best ? "?)" : "");
    return false;
}

/* The entry of that name, or room for a new one; NULL with a complaint. */
static struct plan_pair *find_entry(const struct plan_value *value, const char *name,
                                    struct place place, const char *path)
{
    unsigned char *plan = (unsigned char *)value->plan;
    struct plan_pair *pairs = (struct plan_pair *)(void *)(plan + value->key->offset);
    size_t count;
    memcpy(&count, plan + value->key->count_offset, sizeof(count));
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].key, name) == 0)
            return &pairs[i];
    if (!*name || strlen(name) >= sizeof(pairs->key)) {
        complain(value->complaints, place, path, "the name must have 1 to %zu bytes",
                 sizeof(pairs->key) - 1);
        return NULL;
    }
    if (count == value->key->capacity) {
        complain(value->complaints, place, path,
                 "there are %zu entries before it, and more cannot be", count);
        return NULL;
    }
    memcpy(pairs[count].key, name, strlen(name) + 1);
    count++;
    memcpy(plan + value->key->count_offset, &count, sizeof(count));
    return &pairs[count - 1];
}

bool plan_value_read_entry(const struct plan_value *value, const char *name, struct place place)
{
    char path[2 * QUOTABLE + 1], shown[QUOTABLE];
    snprintf(path, sizeof(path), "%s.%s", value->path, quotable(name, shown));
    struct plan_key item_key = {.type = TYPE_TEXT, .empty = value->key->empty};
    struct plan_value item = {value->plan, value->tree, value->complaints,
                              &item_key,   path,        value->node};
    if (!is_known_entry(value, name, place, path))
        return false;
    struct plan_pair *pair = find_entry(value, name, place, path);
    if (!pair)
        return false;
    if (yaml_tree_is_null(value->tree, value->node)) {
        complain(value->complaints, value->node->place, path, "has no value; expected %s",
                 plan_type_text(TYPE_TEXT));
        return false;
    }
    return read_text(&item, pair->value, sizeof(pair->value));
}

static const struct yaml_node *node_at(const struct plan_value *value, uint32_t index)
{
    return &value->tree->nodes[index];
}

/* Whether the name at `at` stands in the map before; complains of it. */
static bool is_repeated(const struct plan_value *value, uint32_t at)
{
    const char *name = yaml_tree_text(value->tree, node_at(value, at));
    uint32_t before = value->node->first;
    for (; before != at; before = node_at(value, node_at(value, before)->next)->next)
        if (strcmp(yaml_tree_text(value->tree, node_at(value, before)), name) == 0) {
            char path[2 * QUOTABLE + 1], shown[QUOTABLE];
            snprintf(path, sizeof(path), "%s.%s", value->path, quotable(name, shown));
            complain(value->complaints, node_at(value, at)->place, path,
                     "repeated key (first in line %u)",
                     (unsigned)node_at(value, before)->place.line);
            return true;
        }
    return false;
}

static bool read_map(const struct plan_value *value)
{
    bool good = true;
    if (value->node->kind != YAML_MAP)
        return wrong_type(value);
    for (uint32_t at = value->node->first, item; at != YAML_TREE_NONE;
         at = node_at(value, item)->next) {
        item = node_at(value, at)->next;
        struct plan_value entry = *value;
        entry.node = node_at(value, item);
        good &= !is_repeated(value, at) &&
                plan_value_read_entry(&entry, yaml_tree_text(value->tree, node_at(value, at)),
                                      node_at(value, at)->place);
    }
    return good;
}

bool plan_value_read(const struct plan_value *value)
{
    const struct plan_key *key = value->key;
    unsigned char *plan = (unsigned char *)value->plan;
    void *member = plan + key->offset;
    uint64_t count;
    if (value->node->kind == YAML_LIST && key->list == LIST_AXIS)
        return read_axis(value, member, plan_key_axis(key, value->plan));
    if (value->node->kind == YAML_LIST && key->list == LIST_SEEDS)
        return read_seeds(value, member, (void *)(plan + key->list_offset));
    switch (key->type) {
    case TYPE_U32:
        if (!read_count(value, &count))
            return false;
        *(uint32_t *)member = (uint32_t)count; /* its range fits: see the test of the schema */
        return true;
    case TYPE_U64:
        return read_count(value, member);
    case TYPE_NUMBER:
    case TYPE_SHARE:
    case TYPE_DURATION:
        return read_double(value, member);
    case TYPE_BOOL:
        return read_bool(value, member);
    case TYPE_TEXT:
        return read_text(value, member, key->capacity);
    case TYPE_ENUM:
        return read_choice(value, member);
    case TYPE_MAP:
        return read_map(value);
    case TYPE_SPAN:
        return read_span(value, member);
    case TYPE_TEXTS:
    case TYPE_COUNTS:
    case TYPE_PAIR:
        return read_list(value, member, plan + key->count_offset);
    }
    return false;
}
