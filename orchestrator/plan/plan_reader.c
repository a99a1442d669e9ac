/* How rules and readers speak of keys: by member of struct plan, by path, by nearest name. */
#include "plan/plan_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "plan/suggest.h"

/* The key behind a member; every member that a rule names is in the schema. */
static const struct plan_key *key_of(size_t member, size_t *s, size_t *k)
{
    for (*s = 0; *s < plan_section_count; (*s)++)
        for (*k = 0; *k < plan_sections[*s].count; (*k)++)
            if (plan_sections[*s].keys[*k].offset == member)
                return &plan_sections[*s].keys[*k];
    *s = *k = 0;
    return &plan_sections[0].keys[0];
}

struct key_state *reader_state(struct plan_reader *reader, size_t member)
{
    size_t s, k;
    key_of(member, &s, &k);
    return &reader->states[s][k];
}

bool reader_given(struct plan_reader *reader, size_t member)
{
    return reader_state(reader, member)->status == KEY_GOOD;
}

bool reader_has(struct plan_reader *reader, size_t member)
{
    size_t s, k;
    const struct plan_key *key = key_of(member, &s, &k);
    enum key_status status = reader->states[s][k].status;
    return status == KEY_GOOD || (status == KEY_ABSENT && key->fallback && !key->derived);
}

static void complain_at(struct plan_reader *reader, struct place place, const char *path,
                        const char *format, va_list args) __attribute__((format(printf, 4, 0)));
static void complain_at(struct plan_reader *reader, struct place place, const char *path,
                        const char *format, va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof(text), format, args);
    complain(&reader->complaints, place, path, "%s", text);
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
    complain_at(reader, place, key_path(&plan_sections[s], key->name, path), format, args);
    va_end(args);
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
    char path[QUOTABLE], item[QUOTABLE + 32];
    key_path(&plan_sections[s], key->name, path);
    if (!list && key->type != TYPE_TEXTS) /* the value itself */
        snprintf(item, sizeof(item), "%s", path);
    else
        snprintf(item, sizeof(item), "%s[%zu]", path, index);
    va_list args;
    va_start(args, format);
    complain_at(reader, node->place, item, format, args);
    va_end(args);
}

const char *key_path(const struct plan_section *section, const char *name, char out[QUOTABLE])
{
    int length = snprintf(out, QUOTABLE, "%s%s%s", section->name, *section->name ? "." : "", name);
    if (length >= QUOTABLE)
        memcpy(out + QUOTABLE - 4, "...", 4);
    return out;
}

void key_guess(struct key_guess *guess, const struct plan_section *section, const char *name)
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
