/* trials.csv: every trial as one row, for a spreadsheet or a data frame. */
#include "store/csv.h"
#include "store/run_dir.h"
#include "store/trial_row.h"

static void add_cell(struct csv *csv, const struct trial_cell *cell)
{
    if (!cell->known || cell->kind == CELL_TEXT)
        csv_text(csv, cell->text);
    else if (cell->kind == CELL_COUNT)
        csv_count(csv, cell->count);
    else
        csv_double(csv, cell->number);
}

void trials_csv_fill(struct csv *csv, const struct trial *const *trials, size_t count)
{
    struct trial_cell row[TRIAL_ROW_CELLS];
    size_t cells = trial_row_fill(row, NULL);
    for (size_t c = 0; c < cells; c++)
        csv_text(csv, row[c].name);
    csv_end_row(csv);
    for (size_t i = 0; i < count; i++) {
        trial_row_fill(row, trials[i]);
        for (size_t c = 0; c < cells; c++)
            add_cell(csv, &row[c]);
        csv_end_row(csv);
    }
}

int trials_csv_write(const char *path, const struct trial *const *trials, size_t count,
                     struct lr_error *err)
{
    struct csv csv = {0};
    trials_csv_fill(&csv, trials, count);
    int rc =
        csv.failed ? lr_nomem(err) : run_dir_write(path, "trials.csv", csv.bytes, csv.used, err);
    csv_release(&csv);
    return rc;
}
