#include "history/nights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "history/baseline.h"
#include "lrsearch/log.h"

/* Of a path, which may end in slashes. */
static void last_part(char out[HISTORY_NAME], const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    size_t length = end - begin < HISTORY_NAME - 1 ? end - begin : HISTORY_NAME - 1;
    memcpy(out, path + begin, length);
    out[length] = '\0';
}

void night_row(struct history_run *row, const char *run, const struct run_end *end,
               const struct answer *answer)
{
    const struct drift *drift = &answer->baseline.drift;
    bool compared =
        answer->baseline.wanted && answer->baseline.run_dir[0] && !answer->baseline.reason[0];
    memset(row, 0, sizeof(*row));
    snprintf(row->run, sizeof(row->run), "%s", run);
    snprintf(row->name, sizeof(row->name), "%s", end->name);
    snprintf(row->finished_utc, sizeof(row->finished_utc), "%s", end->finished_utc);
    snprintf(row->status, sizeof(row->status), "%s", answer_status_name(answer->status));
    snprintf(row->version, sizeof(row->version), "%s", end->version);
    snprintf(row->host, sizeof(row->host), "%s", end->host);
    row->target_tokens = answer->target.tokens;
    row->target_width = answer->target.width;
    row->lr = answer->target.lr;
    row->loss = NAN;
    for (size_t h = 0; h < answer->horizon_count; h++)
        if (isfinite(answer->horizons[h].lr_opt) && isfinite(answer->horizons[h].loss_min)) {
            row->loss_tokens = answer->horizons[h].tokens;
            row->loss = answer->horizons[h].loss_min;
        }
    row->trials = answer->cost.trials;
    row->tokens = answer->cost.tokens;
    row->flops = answer->cost.flops;
    row->core_seconds = answer->cost.core_seconds;
    row->drift_lr = compared ? drift->lr_ratio : NAN;
    row->drift_loss = compared ? drift->loss_difference : NAN;
    for (int i = 0; i < 2; i++) {
        row->ci90[i] = answer->target.ci90[i];
        row->drift_lr_ci90[i] = compared ? drift->lr_ci90[i] : NAN;
        row->drift_loss_ci90[i] = compared ? drift->loss_ci90[i] : NAN;
    }
    if (compared)
        last_part(row->baseline, answer->baseline.run_dir);
    row->drifted = answer_drifted(answer);
}

int night_record(const char *run_dir, const struct plan *plan, const struct answer *answer)
{
    struct history *history = NULL;
    struct history_run row;
    struct run_end end;
    struct run_place place;
    struct lr_error err = {0};
    int rc = run_place_find(&place, run_dir, &err);
    rc = rc ? rc : run_end_read(&end, run_dir, &err);
    rc = rc ? rc : history_open(&history, place.dir, HISTORY_WRITE, &err);
    if (!rc) {
        night_row(&row, place.run, &end, answer);
        rc = history_put(history, &row, &err);
    }
    if (rc)
        lr_log(plan->baseline[0] ? LR_LOG_ERROR : LR_LOG_WARNING,
               "the run is not in the history: %s", err.text);
    history_close(history);
    return rc;
}
