#ifndef LRSEARCH_BASELINE_H
#define LRSEARCH_BASELINE_H

#include "history/run_reader.h"

/* The earlier run that a plan's `baseline` names, and the drift from it. */

struct baseline {
    const struct plan *plan;
    const char *run_dir;  /* of the run that is compared */
    bool quiet;           /* says nothing of a first night */
    const char *last_run; /* the name beside run_dir of a finished run that was read already, */
    const struct run_answer *last; /* and its answer; NULL: none */
    struct run_answer *then;       /* of a named one, once it is found */
    bool failed; /* out: there may be a previous run, but it or the history cannot be read */
};

/* As coordinator_setup.find_baseline; context: a struct baseline. Reads a run that is named by its
 * directory: LR_EDATA when that holds no finished one. baseline_release() in any case. */
int baseline_find(void *context, struct lr_error *err);
/* As coordinator_setup.compare: fills answer->baseline, and warns of what is beyond tolerance. For
 * `previous` the history beside run_dir is asked for the newest run that finished before this one,
 * now that this one is finished. Does nothing for a campaign that is not. */
void baseline_compare(void *context, const struct campaign *campaign, struct answer *answer);
void baseline_release(struct baseline *baseline);

/* RUN_DIR's whole path as the folder that holds it and its name there. */
struct run_place {
    char dir[TRIAL_PATH], run[256]; /* a name has 255 bytes at most */
};
int run_place_find(struct run_place *place, const char *run_dir, struct lr_error *err);

#endif
