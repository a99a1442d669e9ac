/* The worker's loop: poll, train, report. It sleeps between polls, 1 ms after a message and up to
 * 20 ms when nothing comes: a blocking receive of MPI burns a core. */
#define _POSIX_C_SOURCE 200809L
#include "worker.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "lrsearch/log.h"
#include "net/worker_state.h"

enum {
    SHORTEST_MS = 1,
    LONGEST_MS = 20,
    CHECK_EVERY_MS = 1000,
    PREPARING_LEASES = 15,
    LEASE_OF_FIRST_WORDS = 3,
    HELLO_FIRST_MS = 1000,
    HELLO_LAST_MS = 30000
};

uint64_t worker_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

int worker_send(struct worker_loop *loop, const struct message *message)
{
    int rc = loop->transport->ops->send(loop->transport, 0, message, loop->err);
    if (rc) {
        loop->failed = rc;
        loop->stopping = true;
    }
    return rc;
}

static void dispatch(struct worker_loop *loop, const struct message *message)
{
    switch (message->tag) {
    case MSG_ASSIGN:
        worker_on_assign(loop, &message->as.assign);
        break;
    case MSG_CANCEL:
        worker_on_cancel(loop, &message->as.cancel);
        break;
    case MSG_PING:
        worker_on_ping(loop, &message->as.ping);
        break;
    case MSG_STOP:
        worker_on_stop(loop);
        break;
    case MSG_HELLO:
    case MSG_PROGRESS:
    case MSG_RESULT:
    case MSG_PONG:
        break; /* only workers say these */
    }
}

/* The coordinator greets before anything else, so a missing greeting means that it is dead. After
 * that it may be busy with a large text. */
static uint64_t coordinator_limit_ms(const struct worker_loop *loop)
{
    if (!loop->heard)
        return loop->lease_ms / LEASE_OF_FIRST_WORDS;
    return loop->campaign_runs ? loop->lease_ms : PREPARING_LEASES * loop->lease_ms;
}

static void check_coordinator(struct worker_loop *loop)
{
    uint64_t now_ms = worker_now_ms();
    uint64_t lease_ms = coordinator_limit_ms(loop);
    if (loop->lease_ms == 0 || now_ms - loop->checked_ms < CHECK_EVERY_MS)
        return;
    loop->checked_ms = now_ms;
    const struct msg_hello *coordinator = loop->coordinator.pid ? &loop->coordinator : NULL;
    if (!loop->transport->ops->alive(loop->transport, 0, coordinator))
        loop->failed = lr_fail(loop->err, LR_EWORKERS, "the coordinator's process is gone");
    else if (now_ms - loop->heard_ms > lease_ms && !loop->heard)
        loop->failed = lr_fail(loop->err, LR_EWORKERS,
                               "the coordinator has said nothing within %llu s of the start: it "
                               "died; run the same command again to go on",
                               (unsigned long long)lease_ms / 1000);
    else if (now_ms - loop->heard_ms > lease_ms)
        loop->failed = lr_fail(loop->err, LR_EWORKERS, "the coordinator has been silent for %llu s",
                               (unsigned long long)lease_ms / 1000);
    loop->stopping = loop->failed != 0;
}

int worker_poll(struct worker_loop *loop)
{
    struct message message;
    int peer, any = 0, rc;
    while ((rc = loop->transport->ops->poll(loop->transport, &peer, &message, loop->err)) > 0) {
        loop->heard_ms = worker_now_ms();
        loop->heard = true;
        dispatch(loop, &message);
        any = 1;
    }
    if (rc < 0) {
        loop->failed = rc;
        loop->stopping = true;
    } else if (!loop->stopping) {
        check_coordinator(loop);
    }
    return any;
}

bool worker_repeat_result(struct worker_loop *loop, uint32_t trial_id, uint32_t attempt)
{
    const struct msg_result *result = &loop->result.as.result;
    bool known = loop->finished && result->trial_id == trial_id && result->attempt == attempt;
    if (known)
        worker_send(loop, &loop->result);
    return known;
}

static struct msg_result *new_result(struct worker_loop *loop, const struct msg_assign *assign)
{
    memset(&loop->result, 0, sizeof(loop->result));
    loop->result.tag = MSG_RESULT;
    loop->result.as.result.trial_id = assign->trial_id;
    loop->result.as.result.attempt = assign->attempt;
    loop->finished = true;
    return &loop->result.as.result;
}

void worker_refuse(struct worker_loop *loop, const struct msg_assign *assign, const char *why)
{
    struct trial_result *result = &new_result(loop, assign)->result;
    result->outcome = OUTCOME_CANCELED;
    result->val_loss = result->val_loss_se = result->val_bits_per_byte = result->train_loss = NAN;
    snprintf(result->message, sizeof(result->message), "%s", why);
    worker_send(loop, &loop->result);
}

static void train(struct worker_loop *loop)
{
    struct train_hooks hooks = {.context = loop,
                                .step = worker_progress,
                                .attempt = loop->next.attempt,
                                .trial_id = loop->next.trial_id,
                                .place = &loop->current.place};
    struct trial_result result;
    loop->current = loop->next;
    loop->assigned = false;
    loop->training = true;
    loop->canceled = loop->save = false;
    loop->progress_ms = loop->saved_ms = worker_now_ms();
    lr_log(LR_LOG_DEBUG, "trial %u, attempt %u: begins: lr %.3g, %llu tokens",
           loop->current.trial_id, loop->current.attempt, loop->current.spec.lr,
           (unsigned long long)loop->current.spec.horizon_tokens);
    wsd_prefix_run(&loop->current.spec, loop->current.checkpoint, &hooks, &result);
    loop->training = false;
    lr_log(LR_LOG_DEBUG, "trial %u, attempt %u: %s at token %llu, loss %.6g, %.3g s%s%s",
           loop->current.trial_id, loop->current.attempt, outcome_name(result.outcome),
           (unsigned long long)result.tokens, result.val_loss, result.seconds,
           result.message[0] ? ": " : "", result.message);
    if (loop->stopping)
        return;
    new_result(loop, &loop->current)->result = result;
    worker_send(loop, &loop->result);
}

/* HELLO again, ever more rarely, until somebody answers. */
static void greet(struct worker_loop *loop, const struct msg_hello *hello)
{
    struct message message = {.tag = MSG_HELLO};
    uint64_t now_ms = worker_now_ms();
    if (loop->campaign_runs ||
        (loop->hello_pause_ms > 0 && now_ms - loop->hello_ms < loop->hello_pause_ms))
        return;
    message.as.hello = *hello;
    loop->hello_ms = now_ms;
    loop->hello_pause_ms = loop->hello_pause_ms ? loop->hello_pause_ms * 2 : HELLO_FIRST_MS;
    if (loop->hello_pause_ms > HELLO_LAST_MS)
        loop->hello_pause_ms = HELLO_LAST_MS;
    worker_send(loop, &message);
}

static void nap(uint64_t ms)
{
    struct timespec pause = {0, (long)(ms * 1000000)};
    nanosleep(&pause, NULL);
}

int worker_run(struct transport *transport, const struct msg_hello *hello, uint64_t lease_ms,
               struct lr_error *err)
{
    struct worker_loop loop = {.transport = transport, .err = err, .lease_ms = lease_ms};
    uint64_t pause_ms = SHORTEST_MS;
    loop.heard_ms = loop.checked_ms = worker_now_ms();
    while (!loop.stopping) {
        greet(&loop, hello);
        int any = worker_poll(&loop);
        if (loop.assigned && !loop.stopping) {
            train(&loop);
            any = 1;
        }
        if (loop.stopping)
            break;
        nap(pause_ms);
        pause_ms = any ? SHORTEST_MS : pause_ms * 2 < LONGEST_MS ? pause_ms * 2 : LONGEST_MS;
    }
    return loop.failed;
}
