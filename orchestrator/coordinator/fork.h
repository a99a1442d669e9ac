#ifndef LRSEARCH_FORK_H
#define LRSEARCH_FORK_H

#include <stdbool.h>
#include <stddef.h>
#include "campaign/event.h"
#include "lrsearch/error.h"

/* Results of another campaign, found by trial spec: a campaign with a changed plan takes over the
 * results of trials whose specs agree in every field that affects the result. */

struct fork;

struct fork_trial {
    struct trial_spec spec;
    uint64_t wsd_prefix_tokens;
    uint32_t purpose;           /* enum trial_purpose */
    struct trial_result result; /* done or diverged */
    struct event_curve *points; /* of its loss curve */
    size_t point_count, point_capacity;
    struct event_started start; /* the last start: host and CPU */
    bool over;
};

/* Reads RUN_DIR/journal.jsonl. LR_EDATA if it holds no campaign, or one of another version of
 * lrsearch, whose losses may differ. fork_close() it. */
int fork_open(struct fork **out, const char *run_dir, struct lr_error *err);
void fork_close(struct fork *fork);

/* Whether trainings of that version of lrsearch have the same losses as those of this one: releases
 * that differ in the last of the three numbers have. */
bool fork_same_series(const char *version);

const struct event_campaign *fork_opening(const struct fork *fork);
/* The trials, in the order of their ids. Owned by the fork. */
const struct fork_trial *fork_trials(const struct fork *fork, size_t *count);
/* The finished trial with this spec; NULL: none. Owned by the fork. */
const struct fork_trial *fork_find(const struct fork *fork, const struct trial_spec *spec);

#endif
