/* curves/trial-0001.csv: loss against tokens of the training that counted, one file a trial. The
 * campaign keeps no curves in memory, so the journal is read once more. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "store/csv.h"
#include "store/journal.h"
#include "store/run_dir.h"

struct curve {
    struct event_curve *points; /* tokens ascending */
    size_t count, capacity;
};

struct curves {
    const struct trial *const *trials;
    size_t count;
    struct curve *curves; /* of each trial */
};

/* A later attempt goes on where a checkpoint stood: from there on its points are those that count.
 */
static int add_point(void *context, const struct event *event, struct lr_error *err)
{
    struct curves *curves = context;
    const struct event_curve *point = &event->as.curve;
    if (event->kind != EVENT_CURVE || point->trial_id == 0 || point->trial_id > curves->count)
        return 0;
    const struct trial *trial = curves->trials[point->trial_id - 1];
    struct curve *curve = &curves->curves[point->trial_id - 1];
    if (trial->state != TRIAL_DONE && trial->state != TRIAL_DIVERGED)
        return 0;
    while (curve->count > 0 && curve->points[curve->count - 1].tokens >= point->tokens)
        curve->count--;
    struct event_curve *larger =
        lr_grow(curve->points, curve->count, &curve->capacity, sizeof(*curve->points));
    if (!larger)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    curve->points = larger;
    curve->points[curve->count++] = *point;
    return 0;
}

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
    int rc = csv.failed ? lr_fail(err, LR_ENOMEM, "out of memory")
                        : run_dir_write(path, name, csv.bytes, csv.used, err);
    csv_release(&csv);
    return rc;
}

int curves_csv_write(const char *path, const struct trial *const *trials, size_t count,
                     struct lr_error *err)
{
    struct curves curves = {trials, count, lr_calloc(count + 1, sizeof(*curves.curves))};
    size_t size = strlen(path) + sizeof("/journal.jsonl");
    char *journal = lr_malloc(size);
    int rc = curves.curves && journal ? 0 : lr_fail(err, LR_ENOMEM, "out of memory");
    if (!rc) {
        snprintf(journal, size, "%s/journal.jsonl", path);
        rc = journal_read(journal, add_point, &curves, err);
    }
    for (size_t i = 0; i < count && !rc; i++)
        if (curves.curves[i].count > 0)
            rc = write_curve(path, trials[i]->id, &curves.curves[i], err);
    for (size_t i = 0; curves.curves && i < count; i++)
        lr_free(curves.curves[i].points);
    lr_free(curves.curves);
    lr_free(journal);
    return rc;
}
