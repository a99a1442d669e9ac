#ifndef LRSEARCH_FORK_H
#define LRSEARCH_FORK_H

#include <stddef.h>
#include "campaign/event.h"
#include "lrsearch/error.h"

/* The trainings of another campaign, by what was trained: a new campaign with a changed plan takes
 * over those that are still its own to the last field. */

struct fork;

struct fork_trial {
    struct trial_spec spec;
    struct trial_result result; /* done or diverged */
    struct event_curve *points; /* of its loss curve */
    size_t point_count, point_capacity;
    struct event_started start; /* the last one: on what it ran */
    bool over;
};

/* Reads RUN_DIR/journal.jsonl. LR_EDATA when it holds no campaign, or one of another version of
 * lrsearch, whose losses may not be those of this one. fork_close() it. */
int fork_open(struct fork **out, const char *run_dir, struct lr_error *err);
void fork_close(struct fork *fork);

const struct event_campaign *fork_opening(const struct fork *fork);
/* The trial that was trained by this spec; NULL: none is over. The fork's. */
const struct fork_trial *fork_find(const struct fork *fork, const struct trial_spec *spec);

#endif
