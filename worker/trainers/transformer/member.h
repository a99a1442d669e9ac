#ifndef LRSEARCH_MEMBER_H
#define LRSEARCH_MEMBER_H

#include "data/source.h"
#include "model/model.h"
#include "trainers/transformer/exchange.h"

/* What each rank of a training does in a step and in a validation: its share of the slices, of the
 * update and of the validation sequences. Alone it has all of them. Every number is the same for
 * any size of the group. */

struct member {
    const struct trial_spec *spec;
    struct source *source;
    struct model *model;
    uint32_t *tokens;          /* (micro-batch, context + 1) */
    double *losses;            /* (validation sequences) */
    struct exchange *exchange; /* NULL: alone */
};

/* Opens the data and makes the model with the weights of the spec's seed. Release *member also
 * after a failure. Errors of source_open() and model_create(); LR_ENOMEM. */
int member_prepare(struct member *member, const struct trial_spec *spec, const char *data_path,
                   struct lr_error *err);
/* Memory that a given-up group still uses is kept. */
void member_release(struct member *member);

/* Sums the gradients of slices first, ..., first + count - 1 of a batch (0, 1, 2, ...) in the
 * model; count: a power of two. complete (may be NULL): as in struct slice_part. Returns the sum of
 * the token losses, added in the same tree. */
struct slice_range {
    uint32_t first, count;
    void (*complete)(void *context, size_t bucket);
    void *context;
};
double slices_gradient(struct model *model, const struct source *source, uint32_t *tokens,
                       const struct trial_spec *spec, uint64_t batch,
                       const struct slice_range *slices);

/* Step 1, 2, ...: gradients, clip and update. *loss: mean of the batch; *norm as optimizer_step()
 * returns it. 0; LR_ECANCELED or LR_EWORKERS if the group was given up; LR_EDATA if a member could
 * not read its data. */
int member_step(struct member *member, uint64_t step, double *loss, double *norm,
                struct lr_error *err);

/* The losses of all validation sequences to the leader's member->losses. `keep_going` (may be NULL)
 * is called between batches; *stopped gets its value if that is not 0. Errors as member_step(). */
int member_validate(struct member *member, int (*keep_going)(void *context_of_caller),
                    void *context_of_caller, int *stopped, struct lr_error *err);

#endif
