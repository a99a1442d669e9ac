/* AdamW over all tensors, in their fixed order. */
#include "trainers/transformer/optimizer.h"

#include <math.h>
#include "kernels/kernels.h"

double optimizer_step(struct model *model, const struct trial_spec *spec, double schedule,
                      uint64_t step)
{
    size_t count = model_param_count(model);
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += sum_of_squares(model_param(model, i)->grad, model_param(model, i)->count);
    double norm = sqrt(squares);
    if (!isfinite(norm))
        return norm;
    /* 1e-6: as PyTorch's clip_grad_norm_ */
    double lr = spec->lr * schedule;
    double decay = spec->weight_decay * schedule;
    double shrink = spec->clip > 0 && norm > spec->clip ? spec->clip / (norm + 1e-6) : 1.0;
    for (size_t i = 0; i < count; i++) {
        struct param *p = model_param(model, i);
        double coupled = spec->independent_decay ? 1.0 : spec->lr * p->lr_factor;
        adamw_update(p->value, p->m, p->v, p->grad, (float)shrink, (float)(lr * p->lr_factor),
                     (float)spec->beta1, (float)spec->beta2,
                     (float)(spec->adam_eps * p->eps_factor),
                     (float)(decay * p->decay_factor * coupled), step, p->count);
    }
    return norm;
}
