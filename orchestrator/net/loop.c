/* One thread, one timer. The timer is rearmed after each round: 1 ms after a message, otherwise
 * twice the last pause, up to 20 ms, because blocking in MPI would use a whole core. Never 0 ms: in
 * libuv 1.44 a timer that rearms itself with 0 starves other timers. */
#define _POSIX_C_SOURCE 200809L
#include "net/loop.h"

#include <signal.h>
#include <uv.h>
#include "lrsearch/limits.h"

enum {
    SHORTEST_MS = 1,
    LONGEST_MS = 20,
    TICK_MS = 200,
    MESSAGES_A_ROUND = 256,
    SIGNALS = 4,
    FILES = 8
};

/* libuv's callback returns nothing: `rc` and *err keep the error that ended the loop, for
 * loop_run(). */
struct loop {
    struct transport *transport;
    const struct loop_handler *handler;
    uv_loop_t uv;
    uv_timer_t timer;
    uint64_t pause_ms, ticked_ms;
    bool done;
    int rc;
    struct lr_error *err;
};

/* sigaction() instead of libuv's signals, which arrive only after the handler returns: a signal
 * must interrupt a decision of the search, which may take half a minute. */
static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
static volatile sig_atomic_t caught[SIGNALS];

static void catch_signal(int number)
{
    for (int i = 0; i < SIGNALS; i++)
        if (numbers[i] == number)
            caught[i] = 1;
}

static bool loop_signaled(void)
{
    for (int i = 0; i < SIGNALS; i++)
        if (caught[i])
            return true;
    return false;
}

static uint64_t loop_now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static int handle_messages(struct loop *loop, unsigned *count)
{
    for (*count = 0; *count < MESSAGES_A_ROUND; ++*count) {
        struct message message;
        int peer;
        int rc = loop->transport->ops->poll(loop->transport, &peer, &message, loop->err);
        if (rc || peer == TRANSPORT_NOBODY)
            return rc;
        if ((rc = loop->handler->message(loop->handler->context, peer, &message, loop_now_ms(),
                                         loop->err)))
            return rc;
    }
    return 0;
}

static int handle_signals(struct loop *loop)
{
    int rc;
    for (int i = 0; i < SIGNALS; i++) {
        if (!caught[i])
            continue;
        caught[i] = 0;
        if ((rc = loop->handler->signal(loop->handler->context, numbers[i], loop_now_ms(),
                                        loop->err)))
            return rc;
    }
    return 0;
}

/* One round: signals, messages, and a tick after messages or when one is due. */
static int handle_all(struct loop *loop, unsigned *messages)
{
    int rc;
    if ((rc = handle_signals(loop)) || (rc = handle_messages(loop, messages)))
        return rc;
    uint64_t now_ms = loop_now_ms();
    if (*messages == 0 && now_ms - loop->ticked_ms < TICK_MS)
        return 0;
    loop->ticked_ms = now_ms;
    return loop->handler->tick(loop->handler->context, now_ms, &loop->done, loop->err);
}

static void on_timer(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    unsigned messages = 0;
    loop->rc = handle_all(loop, &messages);
    if (loop->rc || loop->done) {
        uv_stop(&loop->uv);
        return;
    }
    loop->pause_ms = messages > 0 ? SHORTEST_MS : loop->pause_ms * 2;
    if (loop->pause_ms > LONGEST_MS)
        loop->pause_ms = LONGEST_MS;
    uv_update_time(&loop->uv);
    uv_timer_start(timer, on_timer, loop->pause_ms, 0);
}

static int loop_run(struct transport *transport, const struct loop_handler *handler,
                    struct lr_error *err)
{
    struct loop loop = {
        .transport = transport, .handler = handler, .err = err, .pause_ms = SHORTEST_MS};
    struct sigaction before[SIGNALS], action = {.sa_handler = catch_signal, .sa_flags = SA_RESTART};
    int rc = limits_check_files(FILES, err);
    if (rc)
        return rc;
    if (uv_loop_init(&loop.uv))
        return lr_fail(err, LR_EINTERNAL, "the event loop cannot be made");
    uv_timer_init(&loop.uv, &loop.timer);
    loop.timer.data = &loop;
    uv_timer_start(&loop.timer, on_timer, SHORTEST_MS, 0);
    for (int i = 0; i < SIGNALS; i++) {
        caught[i] = 0;
        sigaction(numbers[i], &action, &before[i]);
    }
    uv_run(&loop.uv, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&loop.timer, NULL);
    uv_run(&loop.uv, UV_RUN_DEFAULT); /* completes the close */
    uv_loop_close(&loop.uv);
    for (int i = 0; i < SIGNALS; i++)
        sigaction(numbers[i], &before[i], NULL);
    return loop.rc;
}

const struct loop_ops loop_uv = {loop_now_ms, loop_run, loop_signaled};
