/* What a training says between its steps: every point of its loss curve, otherwise at most one line
 * a second; what it hears meanwhile; and when it is to write its checkpoint. */
#include "net/worker_state.h"

enum { PROGRESS_EVERY_MS = 1000 };

int worker_progress(void *context, const struct train_step *step)
{
    struct worker_loop *loop = context;
    uint64_t now_ms = worker_now_ms();
    if (loop->stopping) /* asked again by a training that takes its time to stop */
        return TRAIN_STOP;
    if (step->curve_point || now_ms - loop->progress_ms >= PROGRESS_EVERY_MS) {
        struct message message = {.tag = MSG_PROGRESS};
        struct msg_progress *progress = &message.as.progress;
        progress->trial_id = loop->current.trial_id;
        progress->attempt = loop->current.attempt;
        progress->curve_point = step->curve_point;
        progress->tokens = step->tokens;
        progress->train_loss = step->train_loss;
        progress->seconds = step->seconds;
        loop->progress_ms = now_ms;
        worker_send(loop, &message);
    }
    worker_poll(loop);
    int wishes = loop->stopping || loop->canceled ? TRAIN_STOP : 0;
    double every_ms = loop->current.checkpoint_every_s * 1000;
    if (every_ms > 0 && (double)(now_ms - loop->saved_ms) >= every_ms)
        loop->save = true;
    if (loop->save && loop->current.checkpoint[0] && !loop->stopping)
        wishes |= TRAIN_SAVE;
    if (loop->save)
        loop->saved_ms = now_ms;
    loop->save = false;
    return wishes;
}
