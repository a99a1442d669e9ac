#include "export/export_files.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "store/trial_row.h"

const struct export_format export_formats[] = {
    {"csv", true, export_csv},
    {"sqlite", false, export_sqlite},
    {"tensorboard", true, export_tensorboard},
};
const size_t export_format_count = sizeof(export_formats) / sizeof(export_formats[0]);

const struct export_format *export_format_find(const char *name)
{
    for (size_t i = 0; i < export_format_count; i++)
        if (strcmp(export_formats[i].name, name) == 0)
            return &export_formats[i];
    return NULL;
}

int export_files_add(struct export_files *files, const char *name, void *bytes, size_t size,
                     struct lr_error *err)
{
    struct export_file *larger =
        lr_grow(files->files, files->count, &files->capacity, sizeof(*files->files));
    if (larger)
        files->files = larger;
    if (!larger || !bytes) {
        lr_free(bytes);
        return lr_nomem(err);
    }
    struct export_file *file = &files->files[files->count++];
    *file = (struct export_file){.bytes = bytes, .size = size};
    snprintf(file->name, sizeof(file->name), "%s", name);
    return 0;
}

void export_files_release(struct export_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        lr_free(files->files[i].bytes);
    lr_free(files->files);
    memset(files, 0, sizeof(*files));
}

/* ---- answer ---- */

void export_answer(struct export_number out[EXPORT_ANSWER_NUMBERS], const struct answer *answer)
{
    const struct target_answer *target = &answer->target;
    const struct law_answer *law = &answer->law;
    const struct answer_cost *cost = &answer->cost;
    const struct export_number numbers[EXPORT_ANSWER_NUMBERS] = {
        {"lr", target->lr},
        {"ci90_low", target->ci90[0]},
        {"ci90_high", target->ci90[1]},
        {"embedding_lr", target->embedding_lr},
        {"loss_penalty", target->loss_penalty},
        {"loss_penalty_if_wrong_2x", target->loss_penalty_if_wrong_2x},
        {"beta", law->beta},
        {"beta_ci90_low", law->beta_ci90[0]},
        {"beta_ci90_high", law->beta_ci90[1]},
        {"b", law->b},
        {"r2", law->r2},
        {"flops", cost->flops},
        {"core_seconds", cost->core_seconds},
        {"target_run_fraction", cost->target_run_fraction},
        {"keep_lr", target->keep_lr},
        {"keep_penalty", target->keep_penalty},
        {"no_basin", target->no_basin},
        {"interval_octaves", answer->confidence.interval_octaves},
        {"assumption_share", answer->confidence.assumption_share},
    };
    memcpy(out, numbers, sizeof(numbers));
}

/* ---- trials ---- */

static bool same_value(const struct trial_cell *a, const struct trial_cell *b)
{
    return a->known == b->known && a->count == b->count && strcmp(a->text, b->text) == 0 &&
           (a->number == b->number || (isnan(a->number) && isnan(b->number)));
}

bool export_differs(const struct export_source *source, const char *name)
{
    struct trial_cell first[TRIAL_ROW_CELLS], row[TRIAL_ROW_CELLS];
    for (size_t i = 0; i < source->trial_count; i++) {
        size_t count = trial_row_fill(i ? row : first, source->trials[i]);
        const struct trial_cell *a = trial_row_find(first, count, name);
        const struct trial_cell *b = i ? trial_row_find(row, count, name) : a;
        if ((!a) != (!b) || (a && b && !same_value(a, b)))
            return true;
    }
    return false;
}
