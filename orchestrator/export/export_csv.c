/* Tables for a spreadsheet or a data frame: what the run's own trials.csv says, all curves in one
 * long table, and the answer as one row. */
#include "export/export_files.h"
#include "store/run_tables.h"

static int add(struct export_files *files, const char *name, struct csv *csv, struct lr_error *err)
{
    if (csv->failed) {
        csv_release(csv);
        return lr_nomem(err);
    }
    return export_files_add(files, name, csv->bytes, csv->used, err);
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
    csv_end_row(csv);
    csv_text(csv, name);
    csv_text(csv, answer_status_name(answer->status));
    csv_text(csv, answer->reason);
    csv_count(csv, answer->target.tokens);
    csv_count(csv, answer->cost.trials);
    csv_count(csv, answer->cost.tokens);
    for (size_t i = 0; i < EXPORT_ANSWER_NUMBERS; i++)
        csv_double(csv, numbers[i].value);
    csv_end_row(csv);
}

int export_csv(struct export_files *files, const struct export_source *source, struct lr_error *err)
{
    struct csv trials = {0}, curves = {0}, answer = {0}, cells = {0};
    trials_csv_fill(&trials, source->trials, source->trial_count);
    int rc = add(files, "trials.csv", &trials, err);
    if (!rc) {
        fill_curves(&curves, source->curves);
        rc = add(files, "curves.csv", &curves, err);
    }
    if (!rc) {
        fill_answer(&answer, campaign_plan(source->campaign)->name, source->answer);
        rc = add(files, "answer.csv", &answer, err);
    }
    if (!rc && source->answer->cell_count > 0) {
        cells_csv_fill(&cells, source->answer);
        rc = add(files, "cells.csv", &cells, err);
    }
    return rc;
}
