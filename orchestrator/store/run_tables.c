/* Curves and faults are read from the journal: the campaign keeps no curves, and of each trial only
 * the last attempt. */
#include "store/run_tables.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include "lrsearch/memory.h"
#include "lrsearch/trial.h"
#include "store/curves.h"
#include "store/journal.h"
#include "store/run_dir.h"
#include "store/trial_row.h"

/* Releases `csv`. */
static int write_table(const char *path, const char *name, struct csv *csv, bool synced,
                       struct lr_error *err)
{
    int rc =
        csv->failed ? lr_nomem(err) : run_dir_put(path, name, csv->bytes, csv->used, synced, err);
    csv_release(csv);
    return rc;
}

/* ---- trials.csv ---- */

static void add_trial_cell(struct csv *csv, const struct trial_cell *cell)
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
            add_trial_cell(csv, &row[c]);
        csv_end_row(csv);
    }
}

int trials_csv_write(const char *path, const struct trial *const *trials, size_t count,
                     struct lr_error *err)
{
    struct csv csv = {0};
    trials_csv_fill(&csv, trials, count);
    return write_table(path, "trials.csv", &csv, true, err);
}

/* ---- cells.csv ---- */

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
    csv_double(csv, horizon->lowest_lr);
    csv_double(csv, horizon->lowest_loss);
    csv_count(csv, horizon->interpolated);
    csv_count(csv, horizon->bracketed);
    csv_double(csv, cell->weight_decay);
    csv_double(csv, cell->embedding_lr_exponent);
    csv_end_row(csv);
}

void cells_csv_fill(struct csv *csv, const struct answer *answer)
{
    CSV_ROW(csv, "cell", "width", "n_layers", "vocab", "batch_tokens", "parametrization", "params",
            "tokens", "lr_opt", "ci90_low", "ci90_high", "loss_min", "curvature", "trials",
            "diverged", "at_edge", "flat", "lowest_lr", "lowest_loss", "interpolated", "bracketed",
            "weight_decay", "embedding_lr_exponent");
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
    return write_table(path, "cells.csv", &csv, true, err);
}

/* ---- curves/ ---- */

static int write_curve(const char *path, uint32_t id, const struct curve *curve,
                       struct lr_error *err)
{
    struct csv csv = {0};
    char name[64];
    CSV_ROW(&csv, "tokens", "train_loss");
    for (size_t i = 0; i < curve->count; i++) {
        csv_count(&csv, curve->points[i].tokens);
        csv_double(&csv, curve->points[i].train_loss);
        csv_end_row(&csv);
    }
    snprintf(name, sizeof(name), "curves/trial-%04" PRIu32 ".csv", id);
    return write_table(path, name, &csv, false, err);
}

int curves_csv_write(const char *path, const struct trial *const *trials, size_t count,
                     struct lr_error *err)
{
    struct curves curves;
    int rc = curves_read(&curves, path, count, err);
    if (rc)
        goto out;
    for (size_t i = 0; i < count; i++) {
        bool ended = trials[i]->state == TRIAL_DONE || trials[i]->state == TRIAL_DIVERGED;
        if (ended && curves.curves[i].count > 0 &&
            (rc = write_curve(path, trials[i]->id, &curves.curves[i], err)))
            goto out;
    }

out:
    curves_release(&curves);
    return rc;
}

/* ---- faults.csv ---- */

struct faults {
    struct event_started *started; /* of each trial, the last */
    size_t count, faults;
    struct csv csv;
};

static void add_fault(struct faults *faults, const struct event_ended *ended)
{
    const struct event_started *started = &faults->started[ended->trial_id - 1];
    struct csv *csv = &faults->csv;
    if (faults->faults++ == 0)
        CSV_ROW(csv, "trial", "attempt", "rank", "host", "outcome", "seconds", "message");
    csv_count(csv, ended->trial_id);
    csv_count(csv, ended->attempt);
    csv_count(csv, started->rank);
    csv_text(csv, started->host);
    csv_text(csv, outcome_name(ended->result.outcome));
    csv_double(csv, ended->result.seconds);
    csv_text(csv, ended->result.message);
    csv_end_row(csv);
}

static int collect_fault(void *context, const struct event *event, struct lr_error *err)
{
    struct faults *faults = context;
    const struct event_started *started = &event->as.started;
    const struct event_ended *ended = &event->as.ended;
    if (event->kind == EVENT_STARTED && started->trial_id >= 1 &&
        started->trial_id <= faults->count)
        faults->started[started->trial_id - 1] = *started;
    if (event->kind == EVENT_ENDED && ended->trial_id >= 1 && ended->trial_id <= faults->count &&
        ended->result.outcome != OUTCOME_DONE && ended->result.outcome != OUTCOME_DIVERGED)
        add_fault(faults, ended);
    return faults->csv.failed ? lr_nomem(err) : 0;
}

int faults_csv_write(const char *path, size_t trial_count, struct lr_error *err)
{
    struct faults faults = {.started = lr_calloc(trial_count + 1, sizeof(*faults.started)),
                            .count = trial_count};
    const unsigned kinds = 1u << EVENT_STARTED | 1u << EVENT_ENDED;
    int rc =
        faults.started ? journal_read_run(path, kinds, collect_fault, &faults, err) : lr_nomem(err);
    if (!rc && faults.faults > 0)
        rc = write_table(path, "faults.csv", &faults.csv, true, err);
    csv_release(&faults.csv);
    lr_free(faults.started);
    return rc;
}
