#ifndef LRSEARCH_PLAN_READER_H
#define LRSEARCH_PLAN_READER_H

#include "plan/complaints.h"
#include "plan/plan.h"
#include "plan/schema.h"
#include "plan/yaml_tree.h"

/* The state of one plan_load(), shared by the files of this folder. */

enum key_status {
    KEY_ABSENT, /* the default holds, if there is one */
    KEY_GOOD,
    KEY_BAD, /* complained of: rules that need it keep silent */
};

struct key_state {
    enum key_status status;
    struct place place; /* of the value */
    uint32_t node;      /* the value; holds when a place does */
    bool meant;         /* an unknown key looks like this one: not complained of as missing */
    uint32_t override;  /* node of the --set that wins, or YAML_TREE_NONE */
};

/* --set section.map.name=value: one entry of a map. */
struct entry_override {
    size_t section, key;
    uint32_t node; /* the value */
    char name[QUOTABLE];
};
#define ENTRY_OVERRIDES 64

struct plan_reader {
    struct plan *plan;
    struct yaml_tree tree;
    struct complaints complaints;
    struct key_state states[PLAN_SECTIONS_MAX][PLAN_SECTION_KEYS];
    struct place sections[PLAN_SECTIONS_MAX]; /* of their keys; line 0: not in the file */
    struct entry_override entries[ENTRY_OVERRIDES];
    size_t entry_count;
};

/* override.c: reads the --set values; to be called first. */
void reader_take_sets(struct plan_reader *reader, const char *const *sets, size_t count);
/* read_plan.c: all that stands in the file (`root`: index in the tree) and the --set values, then
 * the defaults; complains of everything but rules across keys. */
void reader_read(struct plan_reader *reader, uint32_t root);
/* plan_paths.c: makes data.text, tokens, val, trainer.table and baseline absolute; checks
 * them and output.dir. */
void reader_check_paths(struct plan_reader *reader, const char *plan_path);
/* check_plan.c: derived defaults, then the rules across keys; the others, each in its file
 * check_NAME.c, come after it. */
void reader_check(struct plan_reader *reader);
void reader_check_trainer(struct plan_reader *reader);
void reader_check_command(struct plan_reader *reader);
void reader_check_data(struct plan_reader *reader);
void reader_check_model(struct plan_reader *reader);
void reader_check_training(struct plan_reader *reader);
void reader_check_search(struct plan_reader *reader);
void reader_check_budget(struct plan_reader *reader);

/* Rules name a key by its member in struct plan: MEMBER(model.d_model). */
#define MEMBER(member) offsetof(struct plan, member)

struct key_state *reader_state(struct plan_reader *reader, size_t member);
/* The member holds a value that was not complained of. */
bool reader_has(struct plan_reader *reader, size_t member);
bool reader_given(struct plan_reader *reader, size_t member); /* by the user, and good */
/* Complains of a member where it stands, or, when it was left to its default, where its section
 * does; the key is put before the text. */
void reader_complain(struct plan_reader *reader, size_t member, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for element `index` of a list; of an axis without a list for its value. */
void reader_complain_item(struct plan_reader *reader, size_t member, size_t index,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));
/* "section.name", or "name" at the top. */
const char *key_path(const struct plan_section *section, const char *name, char out[QUOTABLE]);
/* What a user may have meant by an unknown key: the nearest key or (at the top) section. */
struct key_guess {
    size_t section, key; /* in this section the key; or, without `found`, nothing */
    bool found;          /* a key of the section itself */
    bool is_section;     /* the whole of `section` */
    char text[128];      /* " (did you mean d_model?)", or "" */
};
void key_guess(struct key_guess *guess, const struct plan_section *section, const char *name);

#endif
