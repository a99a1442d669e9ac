/* --set key.path=value. The value is YAML of its own, read into the same tree as the file, and
 * takes the place of what the file says about that key; the last --set of a key wins. */
#include "plan/read_plan.h"

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

/* The state of the key that `path` names, or NULL with a complaint. */
static struct key_state *find(struct plan_reader *reader, struct place place, char path[QUOTABLE])
{
    char *dot = strchr(path, '.');
    struct key_guess guess;
    const char *name = dot ? dot + 1 : path;
    if (dot)
        *dot = '\0';
    const struct plan_section *section = plan_section_find(dot ? path : "");
    if (dot && (!section || !*path)) {
        key_guess(&guess, &plan_sections[0], path);
        complain(&reader->complaints, place, "", "unknown section %s%s", path, guess.text);
        return NULL;
    }
    const struct plan_key *key = plan_key_find(section, name);
    if (key)
        return &reader->states[section - plan_sections][key - section->keys];
    if (!dot && *name && plan_section_find(name)) {
        complain(&reader->complaints, place, "", "%s is a section; set one of its keys: %s.%s=...",
                 name, name, plan_section_find(name)->keys[0].name);
    } else {
        key_guess(&guess, section, name);
        complain(&reader->complaints, place, "", "unknown key%s", guess.text);
    }
    return NULL;
}

void reader_take_sets(struct plan_reader *reader, const char *const *sets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct place place = {(uint32_t)i + 1, 1, 1};
        char path[QUOTABLE];
        const char *value;
        if (!split(&reader->complaints, place, sets[i], path, &value))
            continue;
        struct key_state *state = find(reader, place, path);
        if (!state)
            continue;
        size_t before = reader->complaints.count + reader->complaints.left_out;
        uint32_t root =
            yaml_tree_parse(&reader->tree, value, strlen(value), place.origin, &reader->complaints);
        if (root != YAML_TREE_NONE) {
            state->override = root;
        } else {
            if (reader->complaints.count + reader->complaints.left_out == before)
                complain(&reader->complaints, place, "", "no value after the '='");
            state->status = KEY_BAD;
            state->place = place;
        }
    }
}
