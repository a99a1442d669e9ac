#ifndef LRSEARCH_FIELD_H
#define LRSEARCH_FIELD_H

#include <stddef.h>
#include <stdint.h>

/* A serialised struct (messages, journal, trials.csv) is defined once, as a list X(U32, U64, F64,
 * TEXT, STRUCT) of its fields. FIELD_DECLARE makes the struct from it, FIELD_TABLE_DEFINE the
 * `struct field_table` that all codecs use. */

enum field_type { FIELD_U32, FIELD_U64, FIELD_F64, FIELD_TEXT, FIELD_STRUCT };

struct field_table;

struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    size_t size;                   /* of the member; for TEXT the array with its final NUL */
    const struct field_table *sub; /* FIELD_STRUCT only */
};

struct field_table {
    const char *name;
    const struct field *fields;
    size_t count;
};

/* clang-format off */
#define FIELD_DECLARE_U32(name) uint32_t name;
#define FIELD_DECLARE_U64(name) uint64_t name;
#define FIELD_DECLARE_F64(name) double name;
#define FIELD_DECLARE_TEXT(name, capacity) char name[capacity];
#define FIELD_DECLARE_STRUCT(name, tag) struct tag name;
#define FIELD_DECLARE(LIST)                                                                        \
    LIST(FIELD_DECLARE_U32, FIELD_DECLARE_U64, FIELD_DECLARE_F64, FIELD_DECLARE_TEXT,              \
         FIELD_DECLARE_STRUCT)

/* In one .c file: `#define FIELD_OWNER trial_spec`, then FIELD_TABLE_DEFINE(trial_spec, LIST)
 * defines `const struct field_table trial_spec_fields`. */
#define FIELD_OFFSET_(owner, name) offsetof(struct owner, name), sizeof(((struct owner *)0)->name)
#define FIELD_OFFSET(owner, name) FIELD_OFFSET_(owner, name)
#define FIELD_ROW_U32(name) {#name, FIELD_U32, FIELD_OFFSET(FIELD_OWNER, name), NULL},
#define FIELD_ROW_U64(name) {#name, FIELD_U64, FIELD_OFFSET(FIELD_OWNER, name), NULL},
#define FIELD_ROW_F64(name) {#name, FIELD_F64, FIELD_OFFSET(FIELD_OWNER, name), NULL},
#define FIELD_ROW_TEXT(name, capacity) {#name, FIELD_TEXT, FIELD_OFFSET(FIELD_OWNER, name), NULL},
#define FIELD_ROW_STRUCT(name, tag)                                                                \
    {#name, FIELD_STRUCT, FIELD_OFFSET(FIELD_OWNER, name), &tag##_fields},
#define FIELD_TABLE_DEFINE(tag, LIST)                                                              \
    static const struct field tag##_rows[] = {LIST(FIELD_ROW_U32, FIELD_ROW_U64, FIELD_ROW_F64,    \
                                                   FIELD_ROW_TEXT, FIELD_ROW_STRUCT)};             \
    const struct field_table tag##_fields = {#tag, tag##_rows,                                     \
                                             sizeof(tag##_rows) / sizeof(tag##_rows[0])};
/* clang-format on */

#endif
