/* trials.csv: every trial as one row, for a spreadsheet or a data frame. The columns come from the
 * field lists, so that a new field of a spec or a result is never forgotten here. */
#include <string.h>
#include "store/csv.h"
#include "store/run_dir.h"

/* Enumerations travel as numbers; a reader wants their names. */
static const struct {
    const char *field;
    const char *(*name)(uint32_t value);
} names[] = {
    {"trainer", trainer_name},
    {"arch", arch_name},
    {"parametrization", parametrization_name},
    {"depth_rule", depth_rule_name},
    {"schedule", schedule_name},
    {"cooldown_shape", cooldown_name},
    {"source", source_name},
    {"outcome", outcome_name},
};

static void add_u32(struct csv *csv, const char *field, uint32_t value)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i].field, field) == 0 && strcmp(names[i].name(value), "?") != 0) {
            csv_text(csv, names[i].name(value));
            return;
        }
    csv_count(csv, value);
}

static void add_header(struct csv *csv, const struct field_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->fields[i].type != FIELD_STRUCT)
            csv_text(csv, table->fields[i].name);
}

/* The members of a struct, but for structs in it (a simulated surface, which is the same for all
 * trials of a plan); empty cells when `owner` is NULL. */
static void add_cells(struct csv *csv, const struct field_table *table, const void *owner)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        const char *member = owner ? (const char *)owner + field->offset : NULL;
        uint32_t u32;
        uint64_t u64;
        double f64;
        if (field->type == FIELD_STRUCT)
            continue;
        if (!member) {
            csv_text(csv, "");
            continue;
        }
        switch (field->type) {
        case FIELD_U32:
            memcpy(&u32, member, sizeof(u32));
            add_u32(csv, field->name, u32);
            break;
        case FIELD_U64:
            memcpy(&u64, member, sizeof(u64));
            csv_count(csv, u64);
            break;
        case FIELD_F64:
            memcpy(&f64, member, sizeof(f64));
            csv_double(csv, f64);
            break;
        case FIELD_TEXT:
            csv_text(csv, member);
            break;
        case FIELD_STRUCT:
            break;
        }
    }
}

int trials_csv_write(const char *path, const struct trial *const *trials, size_t count,
                     struct lr_error *err)
{
    static const char *const own[] = {"id",      "round", "replicate", "state",
                                      "attempt", "cell",  "purpose"};
    struct csv csv = {0};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        csv_text(&csv, own[i]);
    add_header(&csv, &trial_spec_fields);
    add_header(&csv, &trial_result_fields);
    csv_end_row(&csv);
    for (size_t i = 0; i < count; i++) {
        const struct trial *trial = trials[i];
        csv_count(&csv, trial->id);
        csv_count(&csv, trial->round);
        csv_count(&csv, trial->replicate);
        csv_text(&csv, trial_state_name(trial->state));
        csv_count(&csv, trial->attempt);
        csv_count(&csv, trial->cell);
        csv_text(&csv, trial_purpose_name(trial->purpose));
        add_cells(&csv, &trial_spec_fields, &trial->spec);
        add_cells(&csv, &trial_result_fields,
                  trial_state_is_over(trial->state) ? &trial->result : NULL);
        csv_end_row(&csv);
    }
    int rc = csv.failed ? lr_fail(err, LR_ENOMEM, "out of memory")
                        : run_dir_write(path, "trials.csv", csv.bytes, csv.used, err);
    csv_release(&csv);
    return rc;
}
