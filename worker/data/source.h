#ifndef LRSEARCH_SOURCE_H
#define LRSEARCH_SOURCE_H

#include <stdint.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* Where a trial's tokens come from. Reading is a pure function of (spec, index): a restart needs no
 * state, and every rank reads the same. */

struct source;

/* Opens the DATASET.json at `data_path` (as in trial_place) and the token files in it, which must be
 * those of spec->data_hash, or builds the synthetic language. LR_EDATA with a message that names the
 * file and the mend. */
int source_open(struct source **out, const struct trial_spec *spec, const char *data_path,
                struct lr_error *err);
void source_close(struct source *source);

/* 0, or the first error in reading so far: a file that went away under us, a token id that the
 * model does not have. What could not be read was given out as zeros, so look here before anything
 * that came of it is believed. */
int source_failed(const struct source *source, struct lr_error *err);

/* Training sequence `index` (0, 1, 2, ... over the whole training): context + 1 tokens, the last is
 * only a label. Sequences of one epoch are disjoint and shuffled by spec->seed; epoch e is a new
 * shuffle. Every token id is below spec->vocab. */
void source_train(const struct source *source, uint64_t index,
                  uint32_t *tokens /* (context + 1) */);

/* Validation sequence `index` < source_val_count(); the same for every seed. Its labels are those
 * that are scored: each of the validation set's spec->val_tokens once, so that the last sequence
 * may have fewer than `context`. Returned: how many it has; zeros stand behind them. */
uint64_t source_val_count(const struct source *source);
uint32_t source_val(const struct source *source, uint64_t index,
                    uint32_t *tokens /* (context + 1) */);

#endif
