/* TensorBoard: one folder per trial with its curve over tokens and its final loss, and hparams by
 * which trials are compared. Columns with the same value in all trials are left out, except lr and
 * horizon_tokens. Wall times are estimates from the journal: the start of the trial's session plus
 * a share of the trial's seconds. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "export/export_files.h"
#include "export/tfevents.h"
#include "lrsearch/utc.h"
#include "store/trial_row.h"

/* Columns of trials.csv. */
static const char *const hparams[] = {
    "lr",      "horizon_tokens", "replicate", "embedding_lr_ratio", "output_lr_ratio",
    "d_model", "n_layers",       "vocab",     "batch_tokens",       "parametrization",
    "purpose"};
#define HPARAMS (sizeof(hparams) / sizeof(hparams[0]))
enum data_type { TYPE_STRING = 1, TYPE_FLOAT64 = 3 };
enum session_status { SESSION_UNKNOWN, SESSION_SUCCESS, SESSION_FAILURE, SESSION_RUNNING };

static int add_file(struct export_files *files, const char *name, struct bytes *file,
                    struct lr_error *err)
{
    if (file->failed) {
        bytes_release(file);
        return lr_nomem(err);
    }
    return export_files_add(files, name, file->data, file->used, err);
}

/* HParamsPluginData, version 0, with one of its messages; `part` is released. */
static void plugin_data(struct bytes *out, uint32_t field, struct bytes *part)
{
    pb_int(out, 1, 0);
    pb_part(out, field, part);
}

static void add_hparam_info(struct bytes *experiment, const struct trial_cell *cell)
{
    struct bytes info = {0};
    pb_text(&info, 1, cell->name);
    pb_int(&info, 4, cell->kind == CELL_TEXT ? TYPE_STRING : TYPE_FLOAT64);
    pb_part(experiment, 4, &info);
}

static void add_metric_info(struct bytes *experiment, const char *tag)
{
    struct bytes info = {0}, name = {0};
    pb_text(&name, 2, tag);
    pb_part(&info, 1, &name);
    pb_part(experiment, 5, &info);
}

static int add_experiment(struct export_files *files, const struct export_source *source,
                          const bool *wanted, struct lr_error *err)
{
    struct trial_cell row[TRIAL_ROW_CELLS];
    struct bytes file = {0}, experiment = {0}, data = {0};
    double begun = (double)utc_seconds(source->curves->session_utc);
    size_t count = trial_row_fill(row, source->trial_count ? source->trials[0] : NULL);
    pb_text(&experiment, 6, campaign_plan(source->campaign)->name);
    pb_double(&experiment, 3, begun);
    for (size_t i = 0; i < HPARAMS; i++)
        if (wanted[i])
            add_hparam_info(&experiment, trial_row_find(row, count, hparams[i]));
    add_metric_info(&experiment, "val_loss");
    add_metric_info(&experiment, "train_loss");
    plugin_data(&data, 2, &experiment);
    tfevents_begin(&file, begun);
    tfevents_hparams(&file, begun, "_hparams_/experiment", &data);
    return add_file(files, "events.out.tfevents.0.lrsearch", &file, err);
}

static void begin_session(struct bytes *file, const struct trial_cell *row, size_t count,
                          const char *name, double begun, const bool *wanted)
{
    struct bytes start = {0}, data = {0};
    for (size_t i = 0; i < HPARAMS; i++) {
        const struct trial_cell *cell = trial_row_find(row, count, hparams[i]);
        struct bytes entry = {0}, value = {0};
        if (!wanted[i] || !cell)
            continue;
        if (cell->kind == CELL_TEXT)
            pb_text(&value, 3, cell->text);
        else
            pb_double(&value, 2, cell->kind == CELL_COUNT ? (double)cell->count : cell->number);
        pb_text(&entry, 1, cell->name);
        pb_part(&entry, 2, &value);
        pb_part(&start, 1, &entry);
    }
    pb_text(&start, 4, name); /* group: one per trial; seeds of one LR stay apart */
    pb_double(&start, 5, begun);
    plugin_data(&data, 3, &start);
    tfevents_hparams(file, begun, "_hparams_/session_start_info", &data);
}

static void end_session(struct bytes *file, const struct trial *trial, double ended)
{
    struct bytes end = {0}, data = {0};
    pb_int(&end, 1,
           trial->state == TRIAL_DONE          ? SESSION_SUCCESS
           : trial_state_is_over(trial->state) ? SESSION_FAILURE
           : trial->state == TRIAL_RUNNING     ? SESSION_RUNNING
                                               : SESSION_UNKNOWN);
    if (trial_state_is_over(trial->state))
        pb_double(&end, 2, ended);
    plugin_data(&data, 4, &end);
    tfevents_hparams(file, ended, "_hparams_/session_end_info", &data);
}

static int add_trial(struct export_files *files, const struct trial *trial,
                     const struct curve *curve, const bool *wanted, struct lr_error *err)
{
    struct trial_cell row[TRIAL_ROW_CELLS];
    size_t count = trial_row_fill(row, trial);
    struct bytes file = {0};
    char group[32], name[64];
    double begun = (double)utc_seconds(curve->session_utc), seconds = 0;
    if (trial_state_is_over(trial->state) && trial->result.seconds > 0)
        seconds = trial->result.seconds;
    snprintf(group, sizeof(group), "trial-%04" PRIu32, trial->id);
    snprintf(name, sizeof(name), "%s/events.out.tfevents.0.lrsearch", group);
    tfevents_begin(&file, begun);
    begin_session(&file, row, count, group, begun, wanted);
    for (size_t i = 0; i < curve->count; i++) {
        const struct event_curve *point = &curve->points[i];
        /* the last step may end beyond the horizon */
        double share = fmin(1, (double)point->tokens / (double)trial->spec.horizon_tokens);
        tfevents_scalar(&file, begun + seconds * share, point->tokens, "train_loss",
                        point->train_loss);
    }
    if (trial->state == TRIAL_DONE)
        tfevents_scalar(&file, begun + seconds, trial->result.tokens, "val_loss",
                        trial->result.val_loss);
    end_session(&file, trial, begun + seconds);
    return add_file(files, name, &file, err);
}

int export_tensorboard(struct export_files *files, const struct export_source *source,
                       struct lr_error *err)
{
    bool wanted[HPARAMS];
    for (size_t i = 0; i < HPARAMS; i++)
        wanted[i] =
            source->trial_count > 0 && (i == 0 || strcmp(hparams[i], "horizon_tokens") == 0 ||
                                        export_differs(source, hparams[i]));
    int rc;
    if ((rc = add_experiment(files, source, wanted, err)))
        return rc;
    for (size_t i = 0; i < source->trial_count; i++)
        if ((rc = add_trial(files, source->trials[i], &source->curves->curves[i], wanted, err)))
            return rc;
    return 0;
}
