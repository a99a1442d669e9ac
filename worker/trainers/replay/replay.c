/* Reads the table again for each trial: it is small, and so the worker keeps no state between
 * trials. */
#include "trainers/replay/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include "data/sweep_csv.h"

static void refuse(const struct trial_spec *spec, const struct sweep *sweep,
                   struct trial_result *result)
{
    double low, high;
    result->outcome = OUTCOME_REFUSED;
    if (sweep_range(sweep, spec->horizon_tokens, &low, &high))
        snprintf(result->message, sizeof(result->message),
                 "the table has no loss at learning rate %.4g on %" PRIu64
                 " tokens; it knows %.4g to %.4g",
                 spec->lr, spec->horizon_tokens, low, high);
    else
        snprintf(result->message, sizeof(result->message),
                 "the table has no training on %" PRIu64 " tokens", spec->horizon_tokens);
}

void replay_run(const struct trial_spec *spec, struct train_files *files,
                const struct train_hooks *hooks, struct trial_result *result)
{
    struct sweep sweep;
    double loss;
    if (sweep_read_written(&sweep, hooks->place->data_path, spec->data_hash, &files->err)) {
        result->outcome = OUTCOME_FAILED;
        snprintf(result->message, sizeof(result->message), "%.255s", files->err.text);
        return;
    }
    switch (sweep_at(&sweep, spec->horizon_tokens, spec->lr, (uint32_t)spec->seed, &loss)) {
    case SWEEP_LOSS:
        result->outcome = OUTCOME_DONE;
        result->val_loss = loss;
        result->tokens = spec->horizon_tokens;
        break;
    case SWEEP_DIVERGED:
        result->outcome = OUTCOME_DIVERGED;
        result->tokens = spec->horizon_tokens;
        snprintf(result->message, sizeof(result->message),
                 "it diverged in the table, or the "
                 "nearest learning rate there did");
        break;
    case SWEEP_UNKNOWN:
        refuse(spec, &sweep, result);
        break;
    }
    sweep_release(&sweep);
}
