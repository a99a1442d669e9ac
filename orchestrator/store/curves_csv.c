/* curves/trial-0001.csv: loss against tokens of the training that counted, one file a trial. */
#include <inttypes.h>
#include <stdio.h>
#include "store/csv.h"
#include "store/curves.h"
#include "store/run_dir.h"

static int write_curve(const char *path, uint32_t id, const struct curve *curve,
                       struct lr_error *err)
{
    struct csv csv = {0};
    char name[64];
    csv_text(&csv, "tokens");
    csv_text(&csv, "train_loss");
    csv_end_row(&csv);
    for (size_t i = 0; i < curve->count; i++) {
        csv_count(&csv, curve->points[i].tokens);
        csv_double(&csv, curve->points[i].train_loss);
        csv_end_row(&csv);
    }
    snprintf(name, sizeof(name), "curves/trial-%04" PRIu32 ".csv", id);
    int rc = csv.failed ? lr_nomem(err) : run_dir_write(path, name, csv.bytes, csv.used, err);
    csv_release(&csv);
    return rc;
}

int curves_csv_write(const char *path, const struct trial *const *trials, size_t count,
                     struct lr_error *err)
{
    struct curves curves;
    int rc = curves_read(&curves, path, count, err);
    for (size_t i = 0; i < count && !rc; i++)
        if (curves.curves[i].count > 0 &&
            (trials[i]->state == TRIAL_DONE || trials[i]->state == TRIAL_DIVERGED))
            rc = write_curve(path, trials[i]->id, &curves.curves[i], err);
    curves_release(&curves);
    return rc;
}
