#ifndef LRSEARCH_SCHEMA_H
#define LRSEARCH_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "plan/plan.h"

/* The keys of a plan as tables. Reading, defaults, JSON, error texts, lrsearch-plan(5) and the
 * tables of docs/plan.md use them. */

enum plan_type {
    TYPE_U32,
    TYPE_U64,
    TYPE_NUMBER,   /* double */
    TYPE_SHARE,    /* double; a fraction of 1 */
    TYPE_DURATION, /* double, seconds */
    TYPE_BOOL,
    TYPE_TEXT,   /* char array of `capacity` bytes */
    TYPE_ENUM,   /* uint32_t */
    TYPE_TEXTS,  /* `capacity` rows of TRIAL_PATH bytes; their number at `count_offset` */
    TYPE_COUNTS, /* `capacity` uint64_t; their number at `count_offset` */
    TYPE_PAIR,   /* double[2] */
    TYPE_SPAN,   /* double[2]: one number (both the same), or low and high */
    TYPE_MAP,    /* `capacity` struct plan_pair; their number at `count_offset` */
    TYPE_KEYS,   /* further keys: `inner` */
};

enum plan_need {
    NEED_NOT,
    NEED_ALWAYS,
    NEED_TO_TRAIN,  /* by trainer.kind transformer */
    NEED_TO_REPLAY, /* by trainer.kind replay */
    NEED_TO_START,  /* by trainer.kind command */
    NEED_OR_NEXT,   /* by the same, unless the key after it is there */
    NEED_AS_TEXT,   /* by the same, unless data.source is synthetic or the key after it is there */
};

/* What a list in the place of one value means; its elements are of the key's type and range. */
enum plan_list {
    LIST_REFUSED,
    LIST_AXIS,  /* struct plan_axis, of a TYPE_NUMBER plan_number_axis: 2 to PLAN_AXIS different
                 * values */
    LIST_SEEDS, /* struct plan_seeds: the seeds; the member holds their number */
};

struct plan_choice {
    const char *name;
    uint32_t value;
    const char *gone; /* an earlier version had it: what to write instead; NULL: may be chosen */
};

struct plan_key {
    const char *name;
    enum plan_type type;
    enum plan_need need;
    const char *unit;     /* for display; NULL: none */
    const char *fallback; /* the default as a user would write it; NULL: there is none */
    bool derived;         /* `fallback` describes a default that check_plan.c computes */
    bool none;            /* "none" is allowed and stored as 0 */
    bool automatic;       /* "auto" is allowed and leaves the derived default (of an axis NaN) */
    double low, high;     /* range of each number */
    bool above, below;    /* low or high itself is out of range */
    const char *beyond;   /* what a number out of range means, for its error; NULL: nothing more */
    const struct plan_choice *choices; /* TYPE_ENUM; ends with a NULL name */
    const char *const *names;          /* TYPE_MAP: keys that it may have; NULL: any */
    const struct plan_key *inner;      /* TYPE_KEYS; ends with a NULL name; all have defaults */
    bool empty;                        /* a text, or an item of a list or map, may be "" */
    size_t offset;                     /* in struct plan */
    size_t count_offset;
    size_t capacity;
    enum plan_list list;
    size_t list_offset;
    const char *help; /* one line */
};

#define PLAN_SECTION_KEYS 24
/* Seeds are limited to what JSON numbers hold exactly. */
#define PLAN_SEED_MAX 9007199254740991.0 /* 2^53 - 1 */

struct plan_section {
    const char *name; /* "" for the keys at the top */
    const char *help;
    const struct plan_key *keys;
    size_t count; /* at most PLAN_SECTION_KEYS */
};

extern const struct plan_section plan_sections[];
extern const size_t plan_section_count;
#define PLAN_SECTIONS_MAX 16

/* A key that earlier versions had; a plan that has it is refused. */
struct plan_gone_key {
    const char *section, *name;
    const char *instead; /* what to write instead */
};
const struct plan_gone_key *plan_gone_key_find(const struct plan_section *section,
                                               const char *name); /* NULL: there was none */

/* The axis of a key in the plan; NULL: the key may not be one of this kind. */
struct plan_axis *plan_key_axis(const struct plan_key *key, struct plan *plan);
struct plan_number_axis *plan_key_number_axis(const struct plan_key *key, struct plan *plan);
/* Gives the axes without a list the value of their key. */
void plan_fill_axes(struct plan *plan);

/* NULL when unknown. */
const struct plan_section *plan_section_find(const char *name);
const struct plan_key *plan_key_find(const struct plan_section *section, const char *name);

/* Whether `fallback` is the value of a key that a plan leaves out; else none is, or one that
 * check_plan.c computes. */
bool plan_key_has_default(const struct plan_key *key);

/* Texts for messages; each fills `out` and returns it. */
const char *plan_range_text(const struct plan_key *key, char *out, size_t capacity);
const char *plan_choices_text(const struct plan_key *key, char *out, size_t capacity);
const char *plan_type_text(enum plan_type type); /* "a whole count such as 64, 128k or 2M" */
const char *plan_kind_text(enum plan_type type); /* "count", for tables */

#endif
