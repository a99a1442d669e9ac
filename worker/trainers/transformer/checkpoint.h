#ifndef LRSEARCH_CHECKPOINT_H
#define LRSEARCH_CHECKPOINT_H

#include "lrsearch/error.h"
#include "model/model.h"
#include "trainers/transformer/losses.h"

/* A training on disk, as one safetensors file: each tensor by its name (README: "Checkpoints"),
 * Adam's moments as optimizer.m.NAME and optimizer.v.NAME, and as metadata where the training
 * stands and every field of its spec. Random numbers have no state: they follow from seed and step.
 * A training that goes on from a checkpoint gives the same bytes as one that never stopped. */

struct checkpoint {
    uint64_t step;   /* done */
    uint64_t tokens; /* trained */
    struct diverge diverge;
    double tail_sum; /* of the losses of the last twentieth of the horizon, so far */
};

/* Written whole or not at all. LR_ENOMEM, LR_ECREATE, LR_ENOSPC, LR_EIO. */
int checkpoint_save(const char *path, struct model *model, const struct trial_spec *spec,
                    const struct checkpoint *state, struct lr_error *err);

/* Fills the model's weights and moments. LR_EDATA, with what to do, when the file is damaged, no
 * checkpoint, or of another model; the model is as it was then. `changed` (NULL is allowed) gets
 * the names of the spec's fields that differ from the saved ones, "lr (0.001 -> 0.002), ...", or
 * "". */
int checkpoint_load(const char *path, struct model *model, const struct trial_spec *spec,
                    struct checkpoint *state, char *changed, size_t changed_size,
                    struct lr_error *err);

/* Tokens at which the file stands when it is a checkpoint of this very spec, without looking at its
 * tensors; otherwise 0, with a warning unless there is no file. */
uint64_t checkpoint_tokens(const char *path, const struct trial_spec *spec);

#endif
