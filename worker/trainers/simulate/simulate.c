#include "trainers/simulate/simulate.h"

#include <math.h>
#include <stdio.h>
#include "trainers/simulate/loss_surface.h"

void simulate_run(const struct trial_spec *spec, struct train_files *files,
                  const struct train_hooks *hooks, struct trial_result *result)
{
    struct surface_place place = {.tokens = spec->horizon_tokens,
                                  .vocab = spec->vocab,
                                  .width = spec->d_model,
                                  .batch = spec->batch_tokens,
                                  .ratio = spec->embedding_lr_ratio,
                                  .decay = spec->weight_decay};
    uint64_t replicate = spec->seed - spec->simulate.seed;
    if (spec->d_model > 0 && spec->n_layers > 0)
        place.params = (double)trial_params_hidden(spec);
    struct surface_course course =
        loss_surface_course(&spec->simulate, &place, spec->lr, replicate, hooks->attempt);
    result->seconds = course.seconds;
    if (course.crashed) {
        lr_fail(&files->err, LR_EFAILURES, "a simulated crash (simulate.crash)");
        result->outcome = OUTCOME_FAILED;
        snprintf(result->message, sizeof(result->message), "%.255s", files->err.text);
        return;
    }
    result->tokens = spec->horizon_tokens;
    result->val_loss = loss_surface_loss(&spec->simulate, &place, spec->lr, replicate);
    result->outcome = OUTCOME_DONE;
    if (isnan(result->val_loss)) {
        result->outcome = OUTCOME_DIVERGED;
        snprintf(result->message, sizeof(result->message),
                 "beyond the simulated cliff (simulate.cliff)");
    }
}
