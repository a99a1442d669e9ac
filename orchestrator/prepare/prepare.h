#ifndef LRSEARCH_PREPARE_H
#define LRSEARCH_PREPARE_H

#include "campaign/event.h"
#include "lrsearch/error.h"
#include "lrsearch/stage.h"
#include "plan/plan.h"

/* Prepares what a command needs: the plan, and the data that the plan names. */

/* Loads the plan at `path`, with the overrides `sets` ("key=value"); prints its errors (rank 0
 * only). *plan: lr_free() it; NULL on failure. 0 or an error code. */
int prepare_plan(struct plan **plan, const char *path, const char *const *sets, size_t set_count);

struct prepare {
    const struct plan *plan;
    uint64_t longest;        /* tokens of the longest training, which the text must have */
    const char *longest_key; /* the key that sets it: "search.horizons: the longest" */
    const char *cache_dir;   /* of token files, tokenizers and tables */
    const struct stage_report *stages;
};

/* Implements coordinator_setup.prepare_data; context is a struct prepare. Each vocabulary gets a
 * dataset, and the target gets one if it is to be trained. LR_EDATA also when a horizon is longer
 * than the text and data.repeat is false. */
int prepare_data(void *context, char products[TRIAL_PRODUCTS], struct event_data *data,
                 struct lr_error *err);

/* What a command says that would train a plan which has no trainer. */
#define PREPARE_EXTERNAL                                                                           \
    "trainer.kind: external is trained by you: `lrsearch ask RUN_DIR PLAN` hands out its trials"

/* The same for a single training: fills the products and data fields of *spec, whose horizon must
 * be set, and `data_path` as in trial_place. `longest_key` names the key or option of that
 * horizon. */
int prepare_trial(struct trial_spec *spec, char data_path[TRIAL_PATH], const struct plan *plan,
                  const char *longest_key, const struct stage_report *stages, struct lr_error *err);

/* "logs/NAME" -> "logs/cache", which the campaigns in one folder share. lr_free() it; NULL without
 * memory. */
char *prepare_cache_dir(const char *run_dir);

/* Creates the cache if it is missing. *folder: its absolute path, for ranks with another working
 * directory; free() it, NULL on failure. */
int prepare_cache_make(const char *cache_dir, char **folder, struct lr_error *err);

#endif
