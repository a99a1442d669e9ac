#ifndef LRSEARCH_PROGRESS_LINE_H
#define LRSEARCH_PROGRESS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "cli/options.h"
#include "coordinator/coordinator.h"
#include "lrsearch/stage.h"

/* The progress line of a running campaign, on stderr: on a terminal redrawn once a second and as
 * wide as it is; a plain line every 10 s elsewhere, on a terminal that cannot redraw (TERM=dumb),
 * or when it is asked for. It has no colours, whatever NO_COLOR says. */

struct live {
    bool enabled, terminal;
    uint64_t started_ms, shown_ms;
    uint64_t *trial_tokens; /* by trial id: how far its running attempt is; owned */
    size_t trial_capacity;
    uint64_t tokens; /* trained in this session */
    double best_loss, best_lr;
    uint64_t best_tokens; /* horizon of the best trial */
};

void live_init(struct live *live, const struct options *options); /* --quiet, --progress */
void live_release(struct live *live);                             /* ends the line */
struct coordinator_watch live_watch(struct live *live);

/* For work before the first trial: the record to hand on (while *live lives), or directly. */
struct stage_report live_stages(struct live *live);
void live_stage(void *live, const char *stage, double share_done); /* stage NULL: live_clear() */
void live_clear(struct live *live); /* the terminal's line, before something else is printed */

#endif
