/* curves/trial-0001.csv: loss against tokens of the attempt that counted, one file a trial. The
 * campaign keeps no curves in memory, so the journal is read once more. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "store/csv.h"
#include "store/journal.h"
#include "store/run_dir.h"

struct curves {
    const struct trial *const *trials;
    size_t count;
    struct csv *csvs; /* of each trial */
};

static int add_point(void *context, const struct event *event, struct lr_error *err)
{
    struct curves *curves = context;
    const struct event_curve *point = &event->as.curve;
    if (event->kind != EVENT_CURVE || point->trial_id == 0 || point->trial_id > curves->count)
        return 0;
    const struct trial *trial = curves->trials[point->trial_id - 1];
    struct csv *csv = &curves->csvs[point->trial_id - 1];
    bool counted = trial->state == TRIAL_DONE || trial->state == TRIAL_DIVERGED;
    if (!counted || point->attempt != trial->attempt)
        return 0;
    if (csv->used == 0) {
        csv_text(csv, "tokens");
        csv_text(csv, "train_loss");
        csv_end_row(csv);
    }
    csv_count(csv, point->tokens);
    csv_double(csv, point->train_loss);
    csv_end_row(csv);
    return csv->failed ? lr_fail(err, LR_ENOMEM, "out of memory") : 0;
}

int curves_csv_write(const char *path, const struct trial *const *trials, size_t count,
                     struct lr_error *err)
{
    struct curves curves = {trials, count, lr_calloc(count + 1, sizeof(*curves.csvs))};
    size_t size = strlen(path) + sizeof("/journal.jsonl");
    char *journal = lr_malloc(size), name[64];
    int rc = curves.csvs && journal ? 0 : lr_fail(err, LR_ENOMEM, "out of memory");
    if (!rc) {
        snprintf(journal, size, "%s/journal.jsonl", path);
        rc = journal_read(journal, add_point, &curves, err);
    }
    for (size_t i = 0; i < count && !rc; i++) {
        if (curves.csvs[i].used == 0)
            continue;
        snprintf(name, sizeof(name), "curves/trial-%04" PRIu32 ".csv", trials[i]->id);
        rc = run_dir_write(path, name, curves.csvs[i].bytes, curves.csvs[i].used, err);
    }
    for (size_t i = 0; curves.csvs && i < count; i++)
        csv_release(&curves.csvs[i]);
    lr_free(curves.csvs);
    lr_free(journal);
    return rc;
}
