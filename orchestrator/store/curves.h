#ifndef LRSEARCH_CURVES_H
#define LRSEARCH_CURVES_H

#include "campaign/event.h"
#include "campaign/trial_state.h"
#include "lrsearch/error.h"

/* Loss against tokens of every training, as the journal tells. The campaign keeps no curves in
 * memory, so the journal is read once more. */

struct curve {
    struct event_curve *points; /* tokens ascending */
    size_t count, capacity;
    char session_utc[32]; /* when the program was started that trained it last; "": never trained */
};

struct curves {
    size_t count;
    struct curve *curves; /* of each trial, in the order of their ids */
    char session_utc[32]; /* the last one */
};

/* Of the first `count` trials of RUN_DIR's journal. Release it in any case. LR_ENOMEM, LR_EIO,
 * LR_EDAMAGED. */
int curves_read(struct curves *curves, const char *run_dir, size_t count, struct lr_error *err);
void curves_release(struct curves *curves);

#endif
