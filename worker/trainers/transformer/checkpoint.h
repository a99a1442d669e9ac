#ifndef LRSEARCH_CHECKPOINT_H
#define LRSEARCH_CHECKPOINT_H

#include "lrsearch/error.h"
#include "model/model.h"
#include "trainers/transformer/losses.h"

/* A training on disk as one safetensors file: each tensor by its name, the optimizer's m and v
 * (model.h) as optimizer.m.NAME and optimizer.v.NAME, and as metadata the state of the training and
 * every field of its spec. Random numbers have no state: they follow from seed and step. A training
 * resumed from a checkpoint gives the same bytes as one that never stopped. */

struct checkpoint {
    uint64_t step;   /* done */
    uint64_t tokens; /* trained */
    struct diverge diverge;
    double tail_sum; /* sum of the losses so far in the last twentieth of the horizon */
};

/* Writes the file whole or not at all. LR_ENOMEM, LR_ECREATE, LR_ENOSPC, LR_EIO. */
int checkpoint_save(const char *path, struct model *model, const struct trial_spec *spec,
                    const struct checkpoint *state, struct lr_error *err);

/* Fills the model's weights and moments. LR_EDATA, with the remedy, if the file is damaged, no
 * checkpoint, or of another model; the model is then unchanged. `changed` (may be NULL) gets the
 * fields of the spec that differ from the saved ones, "lr (0.001 -> 0.002), ...", or "". */
int checkpoint_load(const char *path, struct model *model, const struct trial_spec *spec,
                    struct checkpoint *state, char *changed, size_t changed_size,
                    struct lr_error *err);

/* Tokens trained in the file if it is a checkpoint of exactly this spec; its tensors are not
 * compared with a model. Otherwise 0, with a warning unless there is no file. */
uint64_t checkpoint_tokens(const char *path, const struct trial_spec *spec);

#endif
