#ifndef LRSEARCH_SOURCE_H
#define LRSEARCH_SOURCE_H

#include <stdint.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* The token sequences of a trial. Reading is a pure function of (spec, index): a restart needs no
 * state, and every rank reads the same. */

struct source;

/* Opens the DATASET.json at `data_path` (as in trial_place) and its token files, which must match
 * spec->data_hash, or builds the synthetic language. LR_EDATA with the file and the remedy. */
int source_open(struct source **out, const struct trial_spec *spec, const char *data_path,
                struct lr_error *err);
void source_close(struct source *source);

/* 0, or the first read error so far: a file that disappeared, a token id that the model does not
 * have. Unreadable tokens are returned as zeros, so check this before using any result. */
int source_failed(const struct source *source, struct lr_error *err);

/* Training sequence `index` (0, 1, 2, ... over the whole training): context + 1 tokens, the last
 * only a label. Sequences of one epoch are disjoint and shuffled by spec->seed; each epoch is
 * shuffled anew. Every token id is below spec->vocab. */
void source_train(const struct source *source, uint64_t index,
                  uint32_t *tokens /* (context + 1) */);

/* Validation sequence `index` < source_val_count(); the same for every seed. Each of the
 * spec->val_tokens validation tokens is a label once, so the last sequence may have fewer than
 * `context` labels. Returns its number of labels; zeros follow them. */
uint64_t source_val_count(const struct source *source);
uint32_t source_val(const struct source *source, uint64_t index,
                    uint32_t *tokens /* (context + 1) */);

#endif
