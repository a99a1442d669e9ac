#ifndef LRSEARCH_PROGRESS_LINE_H
#define LRSEARCH_PROGRESS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "coordinator/coordinator.h"
#include "lrsearch/stage.h"

/* The progress line of a running campaign, on stderr: on a terminal redrawn once a second and as
 * wide as it is; a plain line every 10 s elsewhere, on a terminal that cannot redraw (TERM=dumb),
 * or when it is asked for. It has no colours, whatever NO_COLOR says. */

struct progress_line {
    bool enabled, terminal;
    uint64_t started_ms, shown_ms;
    uint64_t *trial_tokens; /* by trial id: how far its running attempt is; owned */
    size_t trial_capacity;
    uint64_t tokens; /* trained in this session */
    double best_loss, best_lr;
    uint64_t best_tokens; /* horizon of the best trial */
};

/* enabled: anything is shown; plain: as lines, on a terminal too. */
void progress_line_init(struct progress_line *progress, bool enabled, bool plain);
void progress_line_release(struct progress_line *progress); /* ends the line */
struct coordinator_watch progress_line_watch(struct progress_line *progress);

/* For work before the first trial: the record to hand on (while *progress is there), or directly. */
struct stage_report progress_line_stages(struct progress_line *progress);
void progress_line_stage(void *progress, const char *stage, double share_done); /* NULL: clears */
/* Takes the terminal's line away, before something else is printed. */
void progress_line_clear(struct progress_line *progress);

#endif
