/* Cells of a trial: the coordinator's fields, the spec's, the result's. Nested structs (a simulated
 * surface, equal for all trials of a plan) are left out. */
#include "store/trial_row.h"

#include <string.h>

/* Enumerations that are shown by name. */
static const struct {
    const char *field;
    const char *(*name)(uint32_t value);
} names[] = {
    {"trainer", trainer_name},
    {"arch", arch_name},
    {"parametrization", parametrization_name},
    {"depth_rule", depth_rule_name},
    {"schedule", schedule_name},
    {"optimizer", optimizer_name},
    {"muon_lr_scale", muon_scale_name},
    {"cooldown_shape", cooldown_name},
    {"precision", precision_name},
    {"source", source_name},
    {"outcome", outcome_name},
};

struct row {
    struct trial_cell *cells;
    size_t count;
};

static struct trial_cell *add_cell(struct row *row, const char *name, enum trial_cell_kind kind,
                                   bool known)
{
    struct trial_cell *cell = &row->cells[row->count];
    if (row->count + 1 < TRIAL_ROW_CELLS) /* always true: a test checks it */
        row->count++;
    *cell = (struct trial_cell){.name = name, .kind = kind, .known = known, .text = ""};
    return cell;
}

static void add_count(struct row *row, const char *name, bool known, uint64_t count)
{
    add_cell(row, name, CELL_COUNT, known)->count = count;
}

static void add_text(struct row *row, const char *name, bool known, const char *text)
{
    add_cell(row, name, CELL_TEXT, known)->text = text;
}

static void add_u32(struct row *row, const char *field, bool known, uint32_t value)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i].field, field) == 0) {
            add_text(row, field, known, known ? names[i].name(value) : "");
            return;
        }
    add_count(row, field, known, value);
}

/* owner NULL: all values unknown */
static void add_fields(struct row *row, const struct field_table *table, const void *owner)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        const char *member = owner ? (const char *)owner + field->offset : NULL;
        uint32_t u32 = 0;
        uint64_t u64 = 0;
        struct trial_cell *cell;
        switch (field->type) {
        case FIELD_U32:
            if (member)
                memcpy(&u32, member, sizeof(u32));
            add_u32(row, field->name, member, u32);
            break;
        case FIELD_U64:
            if (member)
                memcpy(&u64, member, sizeof(u64));
            add_count(row, field->name, member, u64);
            break;
        case FIELD_F64:
            cell = add_cell(row, field->name, CELL_NUMBER, member);
            if (member)
                memcpy(&cell->number, member, sizeof(cell->number));
            break;
        case FIELD_TEXT:
            add_text(row, field->name, member, member ? member : "");
            break;
        case FIELD_STRUCT:
            break;
        }
    }
}

size_t trial_row_fill(struct trial_cell cells[TRIAL_ROW_CELLS], const struct trial *trial)
{
    struct row row = {cells, 0};
    bool over = trial && trial_state_is_over(trial->state);
    add_count(&row, "id", trial, trial ? trial->id : 0);
    add_count(&row, "round", trial, trial ? trial->round : 0);
    add_count(&row, "replicate", trial, trial ? trial->replicate : 0);
    add_text(&row, "state", trial, trial ? trial_state_name(trial->state) : "");
    add_count(&row, "attempt", trial, trial ? trial->attempt : 0);
    add_count(&row, "cell", trial, trial ? trial->cell : 0);
    add_text(&row, "purpose", trial, trial ? trial_purpose_name(trial->purpose) : "");
    add_count(&row, "wsd_prefix_tokens", trial, trial ? trial->wsd_prefix_tokens : 0);
    add_fields(&row, &trial_spec_fields, trial ? &trial->spec : NULL);
    add_fields(&row, &trial_result_fields, over ? &trial->result : NULL);
    return row.count;
}

const struct trial_cell *trial_row_find(const struct trial_cell *row, size_t count,
                                        const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(row[i].name, name) == 0)
            return row[i].known ? &row[i] : NULL;
    return NULL;
}
