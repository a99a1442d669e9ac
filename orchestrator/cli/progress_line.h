#ifndef LRSEARCH_PROGRESS_LINE_H
#define LRSEARCH_PROGRESS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "coordinator/coordinator.h"
#include "lrsearch/stage.h"

/* The progress line of a running campaign, on stderr. On a terminal it is redrawn once a second and
 * fits its width; elsewhere, with TERM=dumb, or on request it is a plain line every 10 s. It has no
 * colours, so that NO_COLOR does not apply. */

struct progress_line {
    bool enabled, terminal;
    uint64_t started_ms, shown_ms;
    uint64_t *trial_tokens; /* by trial id: tokens of its running attempt; owned */
    size_t trial_capacity;
    uint64_t tokens;    /* trained in this session */
    uint64_t under_way; /* of these, by attempts that run: the sum of trial_tokens */
    double best_loss, best_lr;
    uint64_t best_tokens; /* horizon of the best trial */
};

/* enabled: shows progress at all; plain: as lines, on a terminal too. */
void progress_line_init(struct progress_line *progress, bool enabled, bool plain);
void progress_line_release(struct progress_line *progress); /* clears the line */
struct coordinator_watch progress_line_watch(struct progress_line *progress);

/* For work before the first trial: as a stage_report, valid while *progress exists, or called
 * directly. */
struct stage_report progress_line_stages(struct progress_line *progress);
void progress_line_stage(void *progress, const char *stage, double share_done); /* NULL: clears */
/* Clears the line on a terminal; call it before other output. */
void progress_line_clear(struct progress_line *progress);

#endif
