/* Reads the tree by the schema's tables. Every key ends in one of three states (absent, good, bad),
 * so that the rules that follow speak only of values that make sense and one mistake gives one
 * error. */
#include "plan/plan_reader.h"

#include <stdio.h>
#include <string.h>
#include "plan/plan_value.h"

static void read_value(struct plan_reader *reader, size_t s, size_t k, uint32_t node)
{
    const struct plan_key *key = &plan_sections[s].keys[k];
    struct key_state *state = &reader->states[s][k];
    char path[QUOTABLE];
    struct plan_value value = {reader->plan,
                               &reader->tree,
                               &reader->complaints,
                               key,
                               key_path(&plan_sections[s], key->name, path),
                               &reader->tree.nodes[node]};
    state->place = value.node->place;
    state->node = node;
    if (yaml_tree_is_null(&reader->tree, value.node)) {
        complain(&reader->complaints, state->place, path, "has no value; expected %s%s",
                 plan_type_text(key->type),
                 key->fallback ? " (leave the key out for its default)" : "");
        state->status = KEY_BAD;
        return;
    }
    state->status = plan_value_read(&value) ? KEY_GOOD : KEY_BAD;
}

/* One mistake is one complaint: what was meant is not reported as missing as well. */
static void unknown_key(struct plan_reader *reader, const struct plan_section *section,
                        const struct yaml_node *node)
{
    char path[QUOTABLE], name[QUOTABLE];
    const char *text = yaml_tree_text(&reader->tree, node);
    struct key_guess guess = {0};
    if (!complaints_full(&reader->complaints))
        key_guess(&guess, section, text);
    if (guess.found)
        reader->states[guess.section][guess.key].meant = true;
    for (size_t k = 0; guess.is_section && k < PLAN_SECTION_KEYS; k++)
        reader->states[guess.section][k].meant = true;
    complain(&reader->complaints, node->place, key_path(section, quotable(text, name), path),
             "unknown key%s", guess.text);
}

static void repeated_key(struct plan_reader *reader, const struct yaml_node *node, const char *path,
                         struct place first)
{
    complain(&reader->complaints, node->place, path, "repeated key (first in line %u)",
             (unsigned)first.line);
}

/* The keys of one section of the file. At the top, the sections themselves. */
static void read_section(struct plan_reader *reader, size_t s, uint32_t map)
{
    const struct plan_section *section = &plan_sections[s];
    struct place seen[PLAN_SECTION_KEYS] = {{0, 0, 0}};
    uint32_t value;
    for (uint32_t at = reader->tree.nodes[map].first; at != YAML_TREE_NONE;
         at = reader->tree.nodes[value].next) {
        const struct yaml_node *node = &reader->tree.nodes[at];
        const char *name = yaml_tree_text(&reader->tree, node);
        char path[QUOTABLE];
        value = node->next;
        const struct plan_key *key = plan_key_find(section, name);
        const struct plan_section *inner = s == 0 && *name ? plan_section_find(name) : NULL;
        if (key) {
            size_t k = (size_t)(key - section->keys);
            if (seen[k].line > 0) {
                repeated_key(reader, node, key_path(section, name, path), seen[k]);
                continue;
            }
            seen[k] = node->place;
            if (reader->states[s][k].override == YAML_TREE_NONE &&
                reader->states[s][k].status == KEY_ABSENT)
                read_value(reader, s, k, value);
        } else if (inner) {
            size_t i = (size_t)(inner - plan_sections);
            if (reader->sections[i].line > 0) {
                repeated_key(reader, node, name, reader->sections[i]);
                continue;
            }
            reader->sections[i] = node->place;
            if (reader->tree.nodes[value].kind == YAML_MAP) {
                read_section(reader, i, value);
            } else if (!yaml_tree_is_null(&reader->tree, &reader->tree.nodes[value])) {
                complain(&reader->complaints, reader->tree.nodes[value].place, name,
                         "expected the keys of the section, such as {%s: ...}",
                         inner->keys[0].name);
                for (size_t k = 0; k < inner->count; k++)
                    if (reader->states[i][k].override == YAML_TREE_NONE)
                        reader->states[i][k].status = KEY_BAD;
            }
        } else {
            unknown_key(reader, section, node);
        }
    }
}

static bool is_needed(struct plan_reader *reader, size_t section, size_t index)
{
    const struct plan_key *key = &plan_sections[section].keys[index];
    bool known = reader_has(reader, MEMBER(trainer.kind));
    uint32_t kind = reader->plan->trainer.kind;
    bool trains = known && kind == TRAINER_TRANSFORMER;
    bool tokens =
        reader_has(reader, MEMBER(data.source)) && reader->plan->data.source == SOURCE_TOKENS;
    switch (key->need) {
    case NEED_ALWAYS:
        return true;
    case NEED_TO_TRAIN:
        return trains;
    case NEED_TO_REPLAY:
        return known && kind == TRAINER_REPLAY;
    case NEED_TO_START:
        return known && kind == TRAINER_COMMAND;
    case NEED_AS_TEXT:
        return trains && tokens && reader->states[section][index + 1].status == KEY_ABSENT;
    case NEED_OR_NEXT:
        return trains && reader->states[section][index + 1].status == KEY_ABSENT;
    case NEED_NOT:
        break;
    }
    return false;
}

/* Missing keys: one complaint a key, or one for a section that is missing as a whole. */
static void find_missing(struct plan_reader *reader, size_t s)
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

/* The defaults go through the same readers as what users write. */
static void take_default(struct plan_reader *reader, const struct plan_key *key)
{
    struct yaml_node node = {.kind = YAML_SCALAR, .length = (uint32_t)strlen(key->fallback)};
    struct yaml_tree tree = {.texts = (char *)(uintptr_t)key->fallback}; /* only read */
    struct plan_value value = {reader->plan, &tree, &reader->complaints, key, key->name, &node};
    plan_value_read(
        &value); /* cannot fail: the test of the schema holds every default to its range */
}

/* What --set says of one entry counts after what it says of the map. */
static void read_entry(struct plan_reader *reader, const struct entry_override *entry)
{
    const struct plan_section *section = &plan_sections[entry->section];
    const struct plan_key *key = &section->keys[entry->key];
    struct key_state *state = &reader->states[entry->section][entry->key];
    const struct yaml_node *node = &reader->tree.nodes[entry->node];
    char path[QUOTABLE];
    struct plan_value value = {
        reader->plan, &reader->tree, &reader->complaints, key, key_path(section, key->name, path),
        node};
    if (state->status == KEY_ABSENT) {
        state->place = node->place;
        state->node = entry->node;
        state->status = KEY_GOOD;
    }
    if (!plan_value_read_entry(&value, entry->name, node->place))
        state->status = KEY_BAD;
}

void reader_read(struct plan_reader *reader, uint32_t root)
{
    for (size_t s = 0; s < plan_section_count; s++)
        for (size_t k = 0; k < plan_sections[s].count; k++)
            if (plan_sections[s].keys[k].fallback && !plan_sections[s].keys[k].derived)
                take_default(reader, &plan_sections[s].keys[k]);
    if (reader->tree.nodes[root].kind == YAML_MAP)
        read_section(reader, 0, root);
    for (size_t s = 0; s < plan_section_count; s++)
        for (size_t k = 0; k < plan_sections[s].count; k++)
            if (reader->states[s][k].override != YAML_TREE_NONE)
                read_value(reader, s, k, reader->states[s][k].override);
    for (size_t i = 0; i < reader->entry_count; i++)
        read_entry(reader, &reader->entries[i]);
    for (size_t s = 0; s < plan_section_count; s++)
        find_missing(reader, s);
}
