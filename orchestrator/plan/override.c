/* --set key.path=value. The value is YAML of its own, read into the same tree as the file, and
 * takes the place of what the file says about that key; the last --set of a key wins. */
#include "plan/plan_reader.h"

#include <string.h>

static bool split(struct complaints *complaints, struct place place, const char *set,
                  char path[QUOTABLE], const char **value)
{
    const char *equals = strchr(set, '=');
    if (!equals) {
        complain(complaints, place, "", "expected KEY=VALUE, such as search.seeds=3");
        return false;
    }
    size_t length = (size_t)(equals - set);
    if (length >= QUOTABLE)
        length = QUOTABLE - 1; /* longer than any key: unknown either way */
    memcpy(path, set, length);
    path[length] = '\0';
    *value = equals + 1;
    return true;
}

/* What a --set is about: a key, or one entry of a map. */
struct target {
    struct key_state *state;
    struct entry_override *entry; /* NULL: the whole key */
};

/* "map.name" of a section: the entry that is to be read; NULL: there is no such map. */
static struct entry_override *find_entry(struct plan_reader *reader,
                                         const struct plan_section *section, const char *path)
{
    const char *dot = strchr(path, '.');
    for (size_t k = 0; dot && k < section->count; k++) {
        const struct plan_key *key = &section->keys[k];
        if (key->type != TYPE_MAP || strncmp(key->name, path, (size_t)(dot - path)) != 0 ||
            key->name[dot - path])
            continue;
        struct entry_override *entry = &reader->entries[reader->entry_count];
        entry->section = (size_t)(section - plan_sections);
        entry->key = k;
        memcpy(entry->name, dot + 1, strlen(dot + 1) + 1);
        return entry;
    }
    return NULL;
}

/* Sets *target to what `path` names; false with a complaint. */
static bool find(struct plan_reader *reader, struct place place, char path[QUOTABLE],
                 struct target *target)
{
    char *dot = strchr(path, '.');
    char shown[QUOTABLE];
    struct key_guess guess;
    const char *name = dot ? dot + 1 : path;
    if (dot)
        *dot = '\0';
    const struct plan_section *section = plan_section_find(dot ? path : "");
    if (dot && (!section || !*path)) {
        key_guess(&guess, &plan_sections[0], path);
        complain(&reader->complaints, place, "", "unknown section %s%s", quotable(path, shown),
                 guess.text);
        return false;
    }
    const struct plan_key *key = plan_key_find(section, name);
    target->entry = key ? NULL : find_entry(reader, section, name);
    if (target->entry && reader->entry_count + 1 == ENTRY_OVERRIDES) {
        complain(&reader->complaints, place, "", "too many --set of single entries; set the map");
        return false;
    }
    if (target->entry)
        key = &section->keys[target->entry->key];
    if (key) {
        target->state = &reader->states[section - plan_sections][key - section->keys];
        return true;
    }
    if (!dot && *name && plan_section_find(name)) {
        complain(&reader->complaints, place, "", "%s is a section; set one of its keys: %s.%s=...",
                 name, name, plan_section_find(name)->keys[0].name);
    } else {
        key_guess(&guess, section, name);
        complain(&reader->complaints, place, "", "unknown key%s", guess.text);
    }
    return false;
}

void reader_take_sets(struct plan_reader *reader, const char *const *sets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct place place = {(uint32_t)i + 1, 1, 1};
        char path[QUOTABLE];
        const char *value;
        if (!split(&reader->complaints, place, sets[i], path, &value))
            continue;
        struct target target;
        if (!find(reader, place, path, &target))
            continue;
        size_t before = reader->complaints.count + reader->complaints.left_out;
        uint32_t root =
            yaml_tree_parse(&reader->tree, value, strlen(value), place.origin, &reader->complaints);
        if (root != YAML_TREE_NONE && target.entry) {
            target.entry->node = root;
            reader->entry_count++;
        } else if (root != YAML_TREE_NONE) {
            target.state->override = root;
        } else {
            if (reader->complaints.count + reader->complaints.left_out == before)
                complain(&reader->complaints, place, "", "no value after the '='");
            target.state->status = KEY_BAD;
            target.state->place = place;
        }
    }
}
