/* What a training says between its steps: every point of its loss curve, otherwise at most one line
 * a second; and what it hears meanwhile. */
#include "net/worker_state.h"

enum { PROGRESS_EVERY_MS = 1000 };

int worker_progress(void *context, const struct train_step *step)
{
    struct worker_loop *loop = context;
    uint64_t now_ms = worker_now_ms();
    if (step->curve_point || now_ms - loop->progress_ms >= PROGRESS_EVERY_MS) {
        struct message message = {.tag = MSG_PROGRESS};
        struct msg_progress *progress = &message.as.progress;
        progress->trial_id = loop->assignment.trial_id;
        progress->attempt = loop->assignment.attempt;
        progress->curve_point = step->curve_point;
        progress->tokens = step->tokens;
        progress->train_loss = step->train_loss;
        progress->seconds = step->seconds;
        loop->progress_ms = now_ms;
        worker_send(loop, &message);
    }
    worker_poll(loop);
    return loop->stopping || loop->canceled;
}
