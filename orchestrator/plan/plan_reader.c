/* Reads the tree by the schema's tables, and the --set values of single keys. Every key ends in one
 * of three states (absent, good, bad), so that later rules see valid values only, and one mistake
 * gives one error. */
#include "plan/plan_reader.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/suggestion.h"
#include "plan/plan_value.h"

void reader_init(struct plan_reader *reader, struct plan *plan, const char *path,
                 const char *const *sets)
{
    reader->plan = plan;
    complaints_init(&reader->complaints, path, sets);
    for (size_t s = 0; s < PLAN_SECTIONS_MAX; s++)
        for (size_t k = 0; k < PLAN_SECTION_KEYS; k++)
            reader->states[s][k].override = YAML_TREE_NONE;
}

void reader_release(struct plan_reader *reader)
{
    complaints_release(&reader->complaints);
    yaml_tree_release(&reader->tree);
}

/* ---- names of keys ---- */

/* "section.name", or "name" at the top. */
static const char *key_path(const struct plan_section *section, const char *name,
                            char out[QUOTABLE])
{
    int length = snprintf(out, QUOTABLE, "%s%s%s", section->name, *section->name ? "." : "", name);
    if (length >= QUOTABLE)
        memcpy(out + QUOTABLE - 4, "...", 4);
    return out;
}

/* What a user may have meant by an unknown key: the nearest key or (at the top) section. */
struct key_guess {
    size_t section, key; /* section: valid with `found` or `is_section`; key: with `found` */
    bool found;          /* a key of the same section is meant */
    bool is_section;     /* `section` itself is meant */
    char text[128];      /* " (did you mean d_model?)", or "" */
};

static void guess_key(struct key_guess *guess, const struct plan_section *section, const char *name)
{
    struct suggestion suggestion;
    memset(guess, 0, sizeof(*guess));
    suggestion_init(&suggestion, name);
    for (size_t k = 0; k < section->count; k++)
        suggestion_offer(&suggestion, section->keys[k].name);
    if (section == &plan_sections[0])
        for (size_t s = 1; s < plan_section_count; s++)
            suggestion_offer(&suggestion, plan_sections[s].name);
    /* A right key in the wrong section is a better guess than a wrong key in the right one. */
    for (size_t s = 0; s < plan_section_count; s++) {
        char path[QUOTABLE];
        if (!plan_key_find(&plan_sections[s], name) || &plan_sections[s] == section)
            continue;
        snprintf(guess->text, sizeof(guess->text), " (did you mean %s?)",
                 key_path(&plan_sections[s], name, path));
        return;
    }
    if (!suggestion.best)
        return;
    snprintf(guess->text, sizeof(guess->text), " (did you mean %s?)", suggestion.best);
    const struct plan_key *key = plan_key_find(section, suggestion.best);
    const struct plan_section *meant = key ? section : plan_section_find(suggestion.best);
    guess->section = (size_t)(meant - plan_sections);
    guess->key = key ? (size_t)(key - section->keys) : 0;
    guess->found = key != NULL;
    guess->is_section = !key;
}

/* ---- --set key.path=value: parsed as YAML, into the same tree as the file ---- */

/* Splits at the '='; false with a complaint. */
static bool split_set(struct complaints *complaints, struct place place, const char *set,
                      char path[SET_PATH], const char **value)
{
    const char *equals = strchr(set, '=');
    if (!equals) {
        complain(complaints, place, "", "expected KEY=VALUE, such as search.seeds=3");
        return false;
    }
    snprintf(path, SET_PATH, "%.*s", (int)(equals - set), set);
    *value = equals + 1;
    return true;
}

/* The map key in `path`, "map.name"; NULL: there is no such map. */
static const struct plan_key *find_map(const struct plan_section *section, const char *path)
{
    size_t length = strcspn(path, ".");
    for (size_t k = 0; path[length] && k < section->count; k++) {
        const struct plan_key *key = &section->keys[k];
        if ((key->type == TYPE_MAP || key->type == TYPE_KEYS) && strlen(key->name) == length &&
            strncmp(key->name, path, length) == 0)
            return key;
    }
    return NULL;
}

/* The key that `path` names, or whose entry it names (*entry: that name, else NULL). NULL with a
 * complaint. */
static const struct plan_key *find_key(struct plan_reader *reader, struct place place,
                                       char path[SET_PATH], const struct plan_section **section,
                                       const char **entry)
{
    struct complaints *complaints = &reader->complaints;
    char *dot = strchr(path, '.'), shown[QUOTABLE];
    const char *name = dot ? dot + 1 : path;
    struct key_guess guess;
    *entry = NULL;
    if (dot)
        *dot = '\0';
    *section = plan_section_find(dot ? path : "");
    if (dot && (!*section || !*path)) {
        guess_key(&guess, &plan_sections[0], path);
        complain(complaints, place, "", "unknown section %s%s", quotable(path, shown), guess.text);
        return NULL;
    }
    const struct plan_key *key = plan_key_find(*section, name);
    if (key)
        return key;
    if ((key = find_map(*section, name))) {
        *entry = strchr(name, '.') + 1;
        if (reader->entry_count + 1 < ENTRY_OVERRIDES)
            return key;
        complain(complaints, place, "", "too many --set of single entries; set the map");
    } else if (!dot && *name && plan_section_find(name)) {
        complain(complaints, place, "", "%s is a section; set one of its keys: %s.%s=...", name,
                 name, plan_section_find(name)->keys[0].name);
    } else if (plan_gone_key_find(*section, name)) {
        complain(complaints, place, "", "is gone; %s", plan_gone_key_find(*section, name)->instead);
    } else {
        guess_key(&guess, *section, name);
        complain(complaints, place, "", "unknown key%s", guess.text);
    }
    return NULL;
}

static void take_set(struct plan_reader *reader, struct place place, const char *set)
{
    char path[SET_PATH];
    const char *text, *entry;
    const struct plan_section *section;
    const struct plan_key *key;
    if (!split_set(&reader->complaints, place, set, path, &text) ||
        !(key = find_key(reader, place, path, &section, &entry)))
        return;
    size_t s = (size_t)(section - plan_sections), k = (size_t)(key - section->keys);
    struct key_state *state = &reader->states[s][k];
    size_t before = reader->complaints.count + reader->complaints.left_out;
    uint32_t root =
        yaml_tree_parse(&reader->tree, text, strlen(text), place.origin, &reader->complaints);
    if (root == YAML_TREE_NONE) {
        if (reader->complaints.count + reader->complaints.left_out == before)
            complain(&reader->complaints, place, "", "no value after the '='");
        state->status = KEY_BAD;
        state->place = place;
    } else if (entry) {
        struct entry_override *override = &reader->entries[reader->entry_count++];
        *override = (struct entry_override){.section = s, .key = k, .node = root};
        memcpy(override->name, entry, strlen(entry) + 1);
    } else {
        state->override = root;
    }
}

void reader_take_sets(struct plan_reader *reader, const char *const *sets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        take_set(reader, (struct place){(uint32_t)i + 1, 1, 1}, sets[i]);
}

/* ---- the file ---- */

/* The value `node` of key k in section s; `path` receives the key's path. */
static struct plan_value value_of(struct plan_reader *reader, size_t s, size_t k, uint32_t node,
                                  char path[QUOTABLE])
{
    const struct plan_key *key = &plan_sections[s].keys[k];
    return (struct plan_value){.plan = reader->plan,
                               .tree = &reader->tree,
                               .complaints = &reader->complaints,
                               .key = key,
                               .path = key_path(&plan_sections[s], key->name, path),
                               .node = &reader->tree.nodes[node]};
}

/* The word auto, in place of a value that is derived. */
static bool is_automatic(const struct plan_reader *reader, const struct plan_key *key,
                         const struct yaml_node *node)
{
    return key->automatic && node->kind == YAML_SCALAR && !node->quoted &&
           strcmp(yaml_tree_text(&reader->tree, node), "auto") == 0;
}

static void read_value(struct plan_reader *reader, size_t s, size_t k, uint32_t node)
{
    char path[QUOTABLE];
    struct key_state *state = &reader->states[s][k];
    struct plan_value value = value_of(reader, s, k, node, path);
    state->place = value.node->place;
    state->node = node;
    if (is_automatic(reader, value.key, value.node))
        return; /* KEY_ABSENT: check_plan.c derives the value */
    if (!yaml_tree_is_null(&reader->tree, value.node)) {
        state->status = plan_value_read(&value) ? KEY_GOOD : KEY_BAD;
        return;
    }
    complain(&reader->complaints, state->place, path, "has no value; expected %s%s",
             plan_type_text(value.key->type),
             value.key->fallback ? " (leave the key out for its default)" : "");
    state->status = KEY_BAD;
}

/* Marks the key that was meant, so that it is not reported as missing as well. */
static void complain_of_unknown(struct plan_reader *reader, const struct plan_section *section,
                                const struct yaml_node *node)
{
    char path[QUOTABLE], name[QUOTABLE];
    const char *text = yaml_tree_text(&reader->tree, node);
    const struct plan_gone_key *gone = plan_gone_key_find(section, text);
    struct key_guess guess = {0};
    if (gone) {
        complain(&reader->complaints, node->place, key_path(section, text, path), "is gone; %s",
                 gone->instead);
        return;
    }
    if (!complaints_full(&reader->complaints))
        guess_key(&guess, section, text);
    if (guess.found)
        reader->states[guess.section][guess.key].meant = true;
    for (size_t k = 0; guess.is_section && k < PLAN_SECTION_KEYS; k++)
        reader->states[guess.section][k].meant = true;
    complain(&reader->complaints, node->place, key_path(section, quotable(text, name), path),
             "unknown key%s", guess.text);
}

/* Whether the name at `node` occurred before, at *first; then complains. Else sets *first. */
static bool is_repeated(struct plan_reader *reader, const struct yaml_node *node, const char *path,
                        struct place *first)
{
    if (first->line == 0) {
        *first = node->place;
        return false;
    }
    complain(&reader->complaints, node->place, path, "repeated key (first in line %u)",
             (unsigned)first->line);
    return true;
}

static void read_map(struct plan_reader *reader, size_t s, uint32_t map);

static void read_section(struct plan_reader *reader, size_t s, uint32_t value)
{
    const struct plan_section *section = &plan_sections[s];
    const struct yaml_node *node = &reader->tree.nodes[value];
    if (node->kind == YAML_MAP) {
        read_map(reader, s, value);
    } else if (!yaml_tree_is_null(&reader->tree, node)) {
        complain(&reader->complaints, node->place, section->name,
                 "expected the keys of the section, such as {%s: ...}", section->keys[0].name);
        for (size_t k = 0; k < section->count; k++)
            if (reader->states[s][k].override == YAML_TREE_NONE)
                reader->states[s][k].status = KEY_BAD;
    }
}

/* Reads the keys of one section; at the top also the sections. */
static void read_map(struct plan_reader *reader, size_t s, uint32_t map)
{
    const struct plan_section *section = &plan_sections[s];
    struct place seen[PLAN_SECTION_KEYS] = {{0, 0, 0}};
    uint32_t value;
    for (uint32_t at = reader->tree.nodes[map].first; at != YAML_TREE_NONE;
         at = reader->tree.nodes[value].next) {
        const struct yaml_node *node = &reader->tree.nodes[at];
        const char *name = yaml_tree_text(&reader->tree, node);
        const struct plan_key *key = plan_key_find(section, name);
        const struct plan_section *inner = s == 0 && *name ? plan_section_find(name) : NULL;
        char path[QUOTABLE];
        value = node->next;
        if (key) {
            size_t k = (size_t)(key - section->keys);
            const struct key_state *state = &reader->states[s][k];
            if (!is_repeated(reader, node, key_path(section, name, path), &seen[k]) &&
                state->override == YAML_TREE_NONE && state->status == KEY_ABSENT)
                read_value(reader, s, k, value);
        } else if (inner) {
            size_t i = (size_t)(inner - plan_sections);
            if (!is_repeated(reader, node, name, &reader->sections[i]))
                read_section(reader, i, value);
        } else {
            complain_of_unknown(reader, section, node);
        }
    }
}

static bool is_needed(const struct plan_reader *reader, size_t section, size_t index)
{
    const struct key_state *states = reader->states[section];
    uint32_t kind = reader->plan->trainer.kind;
    bool known = HAS(reader, trainer.kind), trains = known && kind == TRAINER_TRANSFORMER;
    switch (plan_sections[section].keys[index].need) {
    case NEED_ALWAYS:
        return true;
    case NEED_TO_TRAIN:
        return trains;
    case NEED_TO_REPLAY:
        return known && kind == TRAINER_REPLAY;
    case NEED_TO_START:
        return known && kind == TRAINER_COMMAND;
    case NEED_AS_TEXT:
        return trains && HAS(reader, data.source) && reader->plan->data.source == SOURCE_TOKENS &&
               states[index + 1].status == KEY_ABSENT;
    case NEED_OR_NEXT:
        return trains && states[index + 1].status == KEY_ABSENT;
    case NEED_NOT:
        break;
    }
    return false;
}

/* Complains once for each missing key, or once for a section that is missing as a whole. */
static void complain_of_missing(struct plan_reader *reader, size_t s)
{
    const struct plan_section *section = &plan_sections[s];
    char names[256] = "", path[QUOTABLE];
    size_t used = 0;
    bool any = false;
    for (size_t k = 0; k < section->count; k++)
        any |= reader->states[s][k].status != KEY_ABSENT;
    for (size_t k = 0; k < section->count; k++) {
        const struct plan_key *key = &section->keys[k];
        struct key_state *state = &reader->states[s][k];
        if (state->status != KEY_ABSENT || !is_needed(reader, s, k))
            continue;
        state->status = KEY_BAD;
        if (state->meant)
            continue;
        if (s > 0 && reader->sections[s].line == 0 && !any) {
            used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
                                     key->name);
            continue;
        }
        struct place place = reader->sections[s];
        if (place.line == 0)
            place = (struct place){0, 1, 1};
        complain(&reader->complaints, place, key_path(section, key->name, path),
                 "missing; expected %s", plan_type_text(key->type));
    }
    if (used > 0)
        complain(&reader->complaints, (struct place){0, 1, 1}, section->name,
                 "missing section; it needs %s", names);
}

/* Defaults are parsed like user input. That cannot fail: the test of the schema checks every
 * default against its range. */
static void take_default(struct plan *plan, const struct plan_key *key)
{
    struct complaints none;
    struct yaml_node node = {.kind = YAML_SCALAR, .length = (uint32_t)strlen(key->fallback)};
    struct yaml_tree tree = {.texts = (char *)(uintptr_t)key->fallback}; /* only read */
    struct plan_value value = {plan, &tree, &none, key, key->name, &node};
    complaints_init(&none, "", NULL);
    plan_value_read(&value);
    assert(none.count == 0);
}

void plan_take_defaults(struct plan *plan)
{
    for (size_t s = 0; s < plan_section_count; s++)
        for (size_t k = 0; k < plan_sections[s].count; k++)
            if (plan_key_has_default(&plan_sections[s].keys[k]))
                take_default(plan, &plan_sections[s].keys[k]);
}

/* An entry's --set is applied after a --set of the whole map. */
static void read_entry(struct plan_reader *reader, const struct entry_override *entry)
{
    char path[QUOTABLE];
    struct key_state *state = &reader->states[entry->section][entry->key];
    struct plan_value value = value_of(reader, entry->section, entry->key, entry->node, path);
    if (state->status == KEY_ABSENT) {
        state->place = value.node->place;
        state->node = entry->node;
        state->status = KEY_GOOD;
    }
    if (!plan_value_read_entry(&value, entry->name, value.node->place))
        state->status = KEY_BAD;
}

void reader_read(struct plan_reader *reader, uint32_t root)
{
    assert(reader->tree.nodes[root].kind == YAML_MAP);
    plan_take_defaults(reader->plan);
    read_map(reader, 0, root);
    for (size_t s = 0; s < plan_section_count; s++)
        for (size_t k = 0; k < plan_sections[s].count; k++)
            if (reader->states[s][k].override != YAML_TREE_NONE)
                read_value(reader, s, k, reader->states[s][k].override);
    for (size_t i = 0; i < reader->entry_count; i++)
        read_entry(reader, &reader->entries[i]);
    for (size_t s = 0; s < plan_section_count; s++)
        complain_of_missing(reader, s);
}

/* ---- for rules across keys ---- */

/* The key that is stored at a member; *s, *k: its indices. */
static const struct plan_key *key_of(size_t member, size_t *s, size_t *k)
{
    for (*s = 0; *s < plan_section_count; (*s)++)
        for (*k = 0; *k < plan_sections[*s].count; (*k)++)
            if (plan_sections[*s].keys[*k].offset == member)
                return &plan_sections[*s].keys[*k];
    assert(0 && "a rule names a member that the schema lacks");
    *s = *k = 0;
    return &plan_sections[0].keys[0];
}

enum key_status reader_status(const struct plan_reader *reader, size_t member)
{
    size_t s, k;
    key_of(member, &s, &k);
    return reader->states[s][k].status;
}

bool reader_given(const struct plan_reader *reader, size_t member)
{
    return reader_status(reader, member) == KEY_GOOD;
}

bool reader_has(const struct plan_reader *reader, size_t member)
{
    size_t s, k;
    const struct plan_key *key = key_of(member, &s, &k);
    enum key_status status = reader->states[s][k].status;
    return status == KEY_GOOD || (status == KEY_ABSENT && plan_key_has_default(key));
}

void reader_complain(struct plan_reader *reader, size_t member, const char *format, ...)
{
    size_t s, k;
    const struct plan_key *key = key_of(member, &s, &k);
    struct key_state *state = &reader->states[s][k];
    struct place place = state->status == KEY_GOOD ? state->place : reader->sections[s];
    char path[QUOTABLE];
    if (place.origin == 0 && place.line == 0)
        place = (struct place){0, 1, 1};
    va_list args;
    va_start(args, format);
    complain_va(&reader->complaints, place, key_path(&plan_sections[s], key->name, path), format,
                args);
    va_end(args);
}

/* Complains at `place` inside the value of a key; `inside` is "[2]" or ".NAME". A --set shows the
 * value as a whole, so there `inside` precedes the text. */
__attribute__((format(printf, 5, 0))) static void
complain_inside(struct plan_reader *reader, struct place place, const char *path,
                const char *inside, const char *format, va_list args)
{
    char key[2 * QUOTABLE], text[LR_ERROR_TEXT];
    if (place.origin == 0) {
        snprintf(key, sizeof(key), "%s%s", path, inside);
        complain_va(&reader->complaints, place, key, format, args);
        return;
    }
    vsnprintf(text, sizeof(text), format, args);
    complain(&reader->complaints, place, "", "%s%s%s", inside + (*inside == '.'),
             *inside ? ": " : "", text);
}

void reader_complain_item(struct plan_reader *reader, size_t member, size_t index,
                          const char *format, ...)
{
    size_t s, k;
    const struct plan_key *key = key_of(member, &s, &k);
    struct key_state *state = &reader->states[s][k];
    const struct yaml_node *nodes = reader->tree.nodes;
    const struct yaml_node *node = &nodes[state->node];
    bool list = node->kind == YAML_LIST;
    if (list) {
        node = &nodes[node->first];
        for (size_t i = 0; i < index; i++)
            node = &nodes[node->next];
    }
    char path[QUOTABLE], item[32] = "";                               /* "": the value itself */
    if (key->type == TYPE_TEXTS || (list && node->place.origin == 0)) /* else its value tells */
        snprintf(item, sizeof(item), "[%zu]", index);
    va_list args;
    va_start(args, format);
    complain_inside(reader, node->place, key_path(&plan_sections[s], key->name, path), item, format,
                    args);
    va_end(args);
}

/* The value of the entry `name` of key k in section s: that of a --set, or in the map. */
static const struct yaml_node *entry_node(const struct plan_reader *reader, size_t s, size_t k,
                                          const char *name)
{
    const struct yaml_node *nodes = reader->tree.nodes, *map = &nodes[reader->states[s][k].node];
    for (size_t i = reader->entry_count; i-- > 0;) {
        const struct entry_override *entry = &reader->entries[i];
        if (entry->section == s && entry->key == k && strcmp(entry->name, name) == 0)
            return &nodes[entry->node];
    }
    uint32_t at = map->kind == YAML_MAP ? map->first : YAML_TREE_NONE;
    while (at != YAML_TREE_NONE && strcmp(yaml_tree_text(&reader->tree, &nodes[at]), name) != 0)
        at = nodes[nodes[at].next].next;
    return at != YAML_TREE_NONE ? &nodes[nodes[at].next] : map;
}

void reader_complain_entry(struct plan_reader *reader, size_t member, const char *name,
                           const char *format, ...)
{
    size_t s, k;
    const struct plan_key *key = key_of(member, &s, &k);
    const struct yaml_node *node = entry_node(reader, s, k, name);
    char path[QUOTABLE], shown[QUOTABLE], entry[QUOTABLE + 1];
    snprintf(entry, sizeof(entry), ".%s", quotable(name, shown));
    va_list args;
    va_start(args, format);
    complain_inside(reader, node->place, key_path(&plan_sections[s], key->name, path), entry,
                    format, args);
    va_end(args);
}

const char *reader_text(const struct plan_reader *reader, size_t member)
{
    size_t s, k;
    key_of(member, &s, &k);
    assert(reader->states[s][k].status == KEY_GOOD);
    return yaml_tree_text(&reader->tree, &reader->tree.nodes[reader->states[s][k].node]);
}

void reader_refuse(struct plan_reader *reader, const size_t *members, size_t count,
                   const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (reader_given(reader, members[i]))
            reader_complain(reader, members[i], "%s", text);
}

bool reader_one_of(struct plan_reader *reader, size_t first, size_t second, const char *why)
{
    size_t s, k;
    char path[QUOTABLE];
    if (!reader_given(reader, first) || !reader_given(reader, second))
        return true;
    const struct plan_key *key = key_of(first, &s, &k);
    reader_complain(reader, second, "is there beside %s; leave one out%s",
                    key_path(&plan_sections[s], key->name, path), why);
    return false;
}
