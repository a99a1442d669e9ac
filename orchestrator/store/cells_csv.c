/* cells.csv: one row a cell and horizon that was tried, for a spreadsheet or another plot. What is
 * not known of a model is an empty cell, an unknown number nan. */
#include "lrsearch/trial.h"
#include "store/csv.h"
#include "store/run_dir.h"

static void add_size(struct csv *csv, uint64_t size)
{
    if (size > 0)
        csv_count(csv, size);
    else
        csv_text(csv, "");
}

static void add_basin(struct csv *csv, const struct answer *answer,
                      const struct basin_answer *basin)
{
    const struct cell_answer *cell = &answer->cells[basin->cell];
    const struct horizon_answer *horizon = &basin->horizon;
    csv_count(csv, basin->cell);
    add_size(csv, cell->d_model);
    add_size(csv, cell->n_layers);
    add_size(csv, cell->vocab);
    add_size(csv, cell->batch_tokens);
    csv_text(csv, parametrization_name(cell->parametrization));
    add_size(csv, cell->params);
    csv_count(csv, horizon->tokens);
    csv_double(csv, horizon->lr_opt);
    csv_double(csv, horizon->ci90[0]);
    csv_double(csv, horizon->ci90[1]);
    csv_double(csv, horizon->loss_min);
    csv_double(csv, horizon->curvature);
    csv_count(csv, horizon->trials);
    csv_count(csv, horizon->diverged);
    csv_count(csv, horizon->at_edge);
    csv_count(csv, horizon->flat);
    csv_end_row(csv);
}

void cells_csv_fill(struct csv *csv, const struct answer *answer)
{
    static const char *const columns[] = {
        "cell",      "width",  "n_layers", "vocab",    "batch_tokens", "parametrization",
        "params",    "tokens", "lr_opt",   "ci90_low", "ci90_high",    "loss_min",
        "curvature", "trials", "diverged", "at_edge",  "flat"};
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        csv_text(csv, columns[i]);
    csv_end_row(csv);
    for (size_t i = 0; i < answer->basin_count; i++)
        if (answer->basins[i].cell < answer->cell_count)
            add_basin(csv, answer, &answer->basins[i]);
}

int cells_csv_write(const char *path, const struct answer *answer, struct lr_error *err)
{
    struct csv csv = {0};
    if (answer->cell_count == 0)
        return 0;
    cells_csv_fill(&csv, answer);
    int rc =
        csv.failed ? lr_nomem(err) : run_dir_write(path, "cells.csv", csv.bytes, csv.used, err);
    csv_release(&csv);
    return rc;
}
