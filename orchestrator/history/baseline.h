#ifndef LRSEARCH_BASELINE_H
#define LRSEARCH_BASELINE_H

#include "history/run_reader.h"

/* The earlier run that a plan's `baseline` names, and the drift from it. */

struct baseline {
    const struct plan *plan;
    const char *run_dir;           /* of the run to compare */
    bool quiet;                    /* logs less: no message if there is no earlier run */
    const char *last_run;          /* name beside run_dir of a finished run already read, */
    const struct run_answer *last; /* and its answer; NULL: none */
    struct run_answer *then;       /* the run read by this struct; NULL: none yet */
    bool failed;                   /* out: the previous run or the history cannot be read */
};

/* For coordinator_setup.find_baseline; context: a struct baseline. Reads a baseline that is named
 * by its directory: LR_EDATA if that holds no finished run. baseline_release() in any case. */
int baseline_find(void *context, struct lr_error *err);
/* For coordinator_setup.compare: fills answer->baseline, and warns of drift beyond the tolerance.
 * For `previous` it takes the newest run in the history beside run_dir that finished before this
 * one. Does nothing if the campaign is not finished. */
void baseline_compare(void *context, const struct campaign *campaign, struct answer *answer);
void baseline_release(struct baseline *baseline);

/* RUN_DIR's absolute path, split into its folder and its name there. */
struct run_place {
    char dir[TRIAL_PATH], run[256]; /* names have at most 255 bytes */
};
int run_place_find(struct run_place *place, const char *run_dir, struct lr_error *err);

#endif
