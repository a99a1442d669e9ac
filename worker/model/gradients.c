/* Sums the gradients of slices in a binary tree over their index: a stack of partial sums, at most
 * one for each level. Before slice i the stack holds one for each bit of i that is set, the largest
 * first; a slice is added to as many of the last ones as i has trailing ones. A slice that is added
 * at once is computed in memory that the layers share, so that it is still in the cache. A group of
 * ranks that has the same slices in aligned runs adds the runs' sums in the upper levels of the
 * same tree. */
#include <assert.h>
#include <string.h>
#include "kernels/kernels.h"
#include "model/model_state.h"

void gradients_begin(struct model *model, const struct slice_part *part)
{
    struct slice_sum *sum = &model->sum;
    model->part = *part;
    sum->depth = sum->adds = 0;
    for (uint32_t bits = part->slice; bits; bits >>= 1)
        sum->depth += bits & 1;
    for (uint32_t bits = part->slice; bits & 1; bits >>= 1)
        sum->adds++;
    assert(sum->adds > 0 || sum->depth < SLICE_LEVELS);
}

bool gradients_add(const struct model *model)
{
    return !model->part.first;
}

float *gradient_of(struct model *model, const struct param *param)
{
    const struct slice_sum *sum = &model->sum;
    return sum->adds > 0 ? sum->leaves[param - model->params]
                         : sum->levels[sum->depth] + param->offset;
}

float *gradient_cleared(struct model *model, const struct param *param)
{
    float *gradient = gradient_of(model, param);
    if (!gradients_add(model))
        memset(gradient, 0, param->count * sizeof(*gradient));
    return gradient;
}

void gradient_done(struct model *model, const struct param *param)
{
    const struct slice_sum *sum = &model->sum;
    const float *terms[SLICE_LEVELS + 1];
    if (!param || !model->part.last || sum->adds == 0)
        return;
    float **level = &model->sum.levels[sum->depth - sum->adds];
    for (size_t i = 0; i < sum->adds; i++)
        terms[i] = level[i] + param->offset;
    terms[sum->adds] = sum->leaves[param - model->params];
    add_nested(level[0] + param->offset, terms, sum->adds + 1, param->count);
}

void gradients_complete(struct model *model, size_t bucket)
{
    const struct slice_part *part = &model->part;
    if (part->complete && part->last && part->final)
        part->complete(part->context, bucket);
}
