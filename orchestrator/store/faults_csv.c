/* faults.csv: what went wrong on the way and where, a line an attempt that failed, was lost,
 * stopped or refused. From the journal, because the campaign keeps only the last attempt of a
 * trial. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "store/csv.h"
#include "store/journal.h"
#include "store/run_dir.h"

struct faults {
    struct event_started *started; /* of each trial, the last */
    size_t count, faults;
    struct csv csv;
};

static void add_fault(struct faults *faults, const struct event_ended *ended)
{
    const struct event_started *started = &faults->started[ended->trial_id - 1];
    struct csv *csv = &faults->csv;
    if (faults->faults++ == 0) {
        static const char *const names[] = {"trial",   "attempt", "rank",   "host",
                                            "outcome", "seconds", "message"};
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            csv_text(csv, names[i]);
        csv_end_row(csv);
    }
    csv_count(csv, ended->trial_id);
    csv_count(csv, ended->attempt);
    csv_count(csv, started->rank);
    csv_text(csv, started->host);
    csv_text(csv, outcome_name(ended->result.outcome));
    csv_double(csv, ended->result.seconds);
    csv_text(csv, ended->result.message);
    csv_end_row(csv);
}

static int look_at(void *context, const struct event *event, struct lr_error *err)
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
    size_t size = strlen(path) + sizeof("/journal.jsonl");
    char *journal = lr_malloc(size);
    int rc = faults.started && journal ? 0 : lr_nomem(err);
    if (!rc) {
        snprintf(journal, size, "%s/journal.jsonl", path);
        rc = journal_read(journal, look_at, &faults, err);
    }
    if (!rc && faults.faults > 0)
        rc = run_dir_write(path, "faults.csv", faults.csv.bytes, faults.csv.used, err);
    csv_release(&faults.csv);
    lr_free(faults.started);
    lr_free(journal);
    return rc;
}
