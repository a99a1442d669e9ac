/* ASSIGN: kept until the loop trains it. A second one while one waits or trains is a mistake of the
 * coordinator and is answered as failed, so that nothing waits for ever. */
#include <math.h>
#include <stdio.h>
#include "net/worker_state.h"

void worker_on_assign(struct worker_loop *loop, const struct msg_assign *assign)
{
    if (!loop->assigned && !loop->training) {
        loop->assigned = true;
        loop->assignment = *assign;
        return;
    }
    struct message refusal = {.tag = MSG_RESULT};
    struct trial_result *result = &refusal.as.result.result;
    refusal.as.result.trial_id = assign->trial_id;
    refusal.as.result.attempt = assign->attempt;
    result->outcome = OUTCOME_FAILED;
    result->val_loss = result->val_loss_se = result->train_loss = NAN;
    snprintf(result->message, sizeof(result->message), "the worker was busy with trial %u",
             loop->assignment.trial_id);
    worker_send(loop, &refusal);
}
