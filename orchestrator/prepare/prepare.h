#ifndef LRSEARCH_PREPARE_H
#define LRSEARCH_PREPARE_H

#include "campaign/event.h"
#include "lrsearch/error.h"
#include "lrsearch/stage.h"
#include "plan/plan.h"

/* What a command needs before it can begin: the plan, and the data that the plan names. */

/* Loads the plan of that file, with `sets` ("key=value") over it; prints its errors (rank 0 only).
 * *plan: lr_free() it; NULL on failure. 0 or an error code. */
int prepare_plan(struct plan **plan, const char *path, const char *const *sets, size_t set_count);

struct prepare {
    const struct plan *plan;
    uint64_t longest;        /* tokens of the longest training: the text must have as many */
    const char *longest_key; /* that asks for it: "search.horizons: the longest" */
    const char *cache_dir;   /* of token files, tokenizers and tables */
    const struct stage_report *stages;
};

/* As coordinator_setup.prepare_data; context is a struct prepare. Each vocabulary has its dataset,
 * and the target has one if it is to be trained. LR_EDATA also when a horizon is longer than the
 * text and data.repeat is false. */
int prepare_data(void *context, char products[TRIAL_PRODUCTS], struct event_data *data,
                 struct lr_error *err);

/* The same for a single training: fills the data fields of *spec, whose horizon must stand, and
 * `data_path` as in trial_place. `longest_key` says who asks for that many tokens. */
int prepare_trial(struct trial_spec *spec, char data_path[TRIAL_PATH], const struct plan *plan,
                  const char *longest_key, const struct stage_report *stages, struct lr_error *err);

/* "logs/NAME" -> "logs/cache": campaigns beside each other share it. lr_free() it. */
char *prepare_cache_dir(const char *run_dir);

/* Makes the cache if it is missing. *folder: its absolute path, for trials of ranks that start
 * elsewhere; free() it, NULL on failure. */
int prepare_cache_make(const char *cache_dir, char **folder, struct lr_error *err);

#endif
