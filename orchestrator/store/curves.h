#ifndef LRSEARCH_CURVES_H
#define LRSEARCH_CURVES_H

#include "campaign/event.h"
#include "campaign/trial_state.h"
#include "lrsearch/error.h"

/* Loss against tokens of every trial, read from the journal, because the campaign keeps no curves
 * in memory. */

struct curve {
    struct event_curve *points; /* tokens ascending */
    size_t count, capacity;
    char session_utc[32]; /* start of the program that last trained it; "": never trained */
};

struct curves {
    size_t count;
    struct curve *curves; /* by trial id - 1 */
    char session_utc[32]; /* of the last session */
};

/* Reads the curves of the first `count` trials of RUN_DIR's journal. curves_release() in any case.
 * LR_ENOMEM, LR_EIO, LR_EDAMAGED. */
int curves_read(struct curves *curves, const char *run_dir, size_t count, struct lr_error *err);
void curves_release(struct curves *curves);

#endif
