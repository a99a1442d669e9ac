#ifndef LRSEARCH_PLAN_READER_H
#define LRSEARCH_PLAN_READER_H

#include "plan/complaints.h"
#include "plan/plan.h"
#include "plan/schema.h"
#include "plan/yaml_tree.h"

/* The state of one plan_load(): what the file and the --set values give for each key. */

enum key_status {
    KEY_ABSENT, /* the default holds, if there is one */
    KEY_GOOD,
    KEY_BAD, /* complained of; rules that need it are skipped */
};

struct key_state {
    enum key_status status;
    struct place place; /* of the value */
    uint32_t node;      /* the value; valid with KEY_GOOD */
    bool meant;         /* an unknown key resembles this one, so it is not reported as missing */
    uint32_t override;  /* node of the --set that wins, or YAML_TREE_NONE */
};

/* Bytes of a --set's path that are kept: a longer one matches no key and no name of a map's
 * entry. */
#define SET_PATH 256

/* --set section.map.name=value: one entry of a map. */
struct entry_override {
    size_t section, key;
    uint32_t node; /* the value */
    char name[SET_PATH];
};
#define ENTRY_OVERRIDES 64

struct plan_reader {
    struct plan *plan;
    struct yaml_tree tree;
    struct complaints complaints;
    struct key_state states[PLAN_SECTIONS_MAX][PLAN_SECTION_KEYS];
    struct place sections[PLAN_SECTIONS_MAX]; /* of their names; line 0: not in the file */
    struct entry_override entries[ENTRY_OVERRIDES];
    size_t entry_count;
};

/* *reader must be zeroed. `plan`, `path` and `sets` must outlive it. */
void reader_init(struct plan_reader *reader, struct plan *plan, const char *path,
                 const char *const *sets);
void reader_release(struct plan_reader *reader);

/* Parses the --set values. The last one of a key overrides the file. Call it before
 * reader_read(). */
void reader_take_sets(struct plan_reader *reader, const char *const *sets, size_t count);
/* Gives each key that has a default of the schema its value; the plan must be zeroed. */
void plan_take_defaults(struct plan *plan);
/* Fills the plan with the defaults, the map `root` (index in the tree) and the --set values;
 * complains of everything but rules across keys. */
void reader_read(struct plan_reader *reader, uint32_t root);

/* ---- for rules across keys, which name a key by its member: HAS(reader, model.d_model) ---- */

#define MEMBER(member) offsetof(struct plan, member)
#define HAS(reader, member) reader_has(reader, MEMBER(member))
#define GIVEN(reader, member) reader_given(reader, MEMBER(member))
#define ABSENT(reader, member) (reader_status(reader, MEMBER(member)) == KEY_ABSENT)

enum key_status reader_status(const struct plan_reader *reader, size_t member);
/* The member holds a valid value: the user's, or a default of the schema. */
bool reader_has(const struct plan_reader *reader, size_t member);
bool reader_given(const struct plan_reader *reader, size_t member); /* by the user, and valid */
/* Complains at the place of a member's value or, if the key has none or is bad, of its section; the
 * key precedes the text. */
void reader_complain(struct plan_reader *reader, size_t member, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for element `index` of a list; for an axis without a list, at its value. */
void reader_complain_item(struct plan_reader *reader, size_t member, size_t index,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same for the entry of that name in a map. */
void reader_complain_entry(struct plan_reader *reader, size_t member, const char *name,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The text of a member that was given, as the user wrote it (paths are made absolute). */
const char *reader_text(const struct plan_reader *reader, size_t member);
/* Complains with `text` of each member that was given. */
void reader_refuse(struct plan_reader *reader, const size_t *members, size_t count,
                   const char *text);
/* At most one of two alternative keys may be given: else complains of the second, with `why` at the
 * end, and returns false. */
bool reader_one_of(struct plan_reader *reader, size_t first, size_t second, const char *why);

#endif
