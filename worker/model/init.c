/* The first weights: each tensor draws from a stream of its own, so that a tensor's numbers do not
 * depend on the sizes of those before it. */
#include <string.h>
#include "lrsearch/rng.h"
#include "model/model_state.h"

void model_zero_grad(struct model *model)
{
    for (size_t i = 0; i < model->param_count; i++)
        memset(model->params[i].grad, 0, model->params[i].count * sizeof(float));
}

void model_init(struct model *model, uint64_t seed)
{
    model_zero_grad(model);
    for (size_t i = 0; i < model->param_count; i++) {
        struct param *param = &model->params[i];
        memset(param->m, 0, param->count * sizeof(float));
        memset(param->v, 0, param->count * sizeof(float));
        if (param->init_std > 0)
            rng_fill_normal(param->value, param->count, param->init_std, seed,
                            RNG_INIT + ((uint64_t)i << 8));
        else
            for (size_t j = 0; j < param->count; j++)
                param->value[j] = (float)param->init_value;
    }
}
