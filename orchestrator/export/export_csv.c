/* Tables for a spreadsheet or a data frame: the run's trials.csv, all curves in one long table, the
 * answer as one row, and the cells if there are any. */
#include "export/export_files.h"
#include "store/run_tables.h"

/* Moves the bytes of `csv` into `files` and leaves `csv` empty, also on failure. */
static int add_csv(struct export_files *files, const char *name, struct csv *csv,
                   struct lr_error *err)
{
    struct csv full = *csv;
    *csv = (struct csv){0};
    if (!full.failed)
        return export_files_add(files, name, full.bytes, full.used, err);
    csv_release(&full);
    return lr_nomem(err);
}

static void fill_curves(struct csv *csv, const struct curves *curves)
{
    CSV_ROW(csv, "trial", "tokens", "train_loss");
    for (size_t i = 0; i < curves->count; i++)
        for (size_t p = 0; p < curves->curves[i].count; p++) {
            csv_count(csv, i + 1);
            csv_count(csv, curves->curves[i].points[p].tokens);
            csv_double(csv, curves->curves[i].points[p].train_loss);
            csv_end_row(csv);
        }
}

static void fill_answer(struct csv *csv, const char *name, const struct answer *answer)
{
    static const char *const first[] = {"name",   "status", "reason",
                                        "tokens", "trials", "trained_tokens"};
    struct export_number numbers[EXPORT_ANSWER_NUMBERS];
    export_answer(numbers, answer);
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        csv_text(csv, first[i]);
    for (size_t i = 0; i < EXPORT_ANSWER_NUMBERS; i++)
        csv_text(csv, numbers[i].name);
    csv_text(csv, "confidence");
    csv_text(csv, "bracketed");
    csv_text(csv, "back_test");
    csv_end_row(csv);
    csv_text(csv, name);
    csv_text(csv, answer_status_name(answer->status));
    csv_text(csv, answer->reason);
    csv_count(csv, answer->target.tokens);
    csv_count(csv, answer->cost.trials);
    csv_count(csv, answer->cost.tokens);
    for (size_t i = 0; i < EXPORT_ANSWER_NUMBERS; i++)
        csv_double(csv, numbers[i].value);
    csv_text(csv, confidence_name(answer->confidence.word));
    csv_count(csv, answer->confidence.bracketed);
    csv_text(csv, back_test_name(answer->confidence.back_test));
    csv_end_row(csv);
}

int export_csv(struct export_files *files, const struct export_source *source, struct lr_error *err)
{
    struct csv csv = {0};
    int rc;
    trials_csv_fill(&csv, source->trials, source->trial_count);
    if ((rc = add_csv(files, "trials.csv", &csv, err)))
        return rc;
    fill_curves(&csv, source->curves);
    if ((rc = add_csv(files, "curves.csv", &csv, err)))
        return rc;
    fill_answer(&csv, campaign_plan(source->campaign)->name, source->answer);
    if ((rc = add_csv(files, "answer.csv", &csv, err)) || source->answer->cell_count == 0)
        return rc;
    cells_csv_fill(&csv, source->answer);
    return add_csv(files, "cells.csv", &csv, err);
}
