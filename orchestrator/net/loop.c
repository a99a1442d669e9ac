/* One thread and one timer, and a thread for the job in flight: not one of libuv's pool, whose
 * stack is as small as `ulimit -s` says, and which ends the process if it has no thread. The timer
 * is rearmed after each round: 1 ms after a message, otherwise twice the last pause, up to 20 ms,
 * because blocking in MPI would use a whole core. Never 0 ms: in libuv 1.44 a timer that rearms
 * itself with 0 starves other timers. */
#define _POSIX_C_SOURCE 200809L
#include "net/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <uv.h>
#include "lrsearch/limits.h"
#include "lrsearch/log.h"

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
    uint64_t longest_ms; /* that callbacks held the loop */
    struct loop_job job;
    bool working;  /* a job is in flight */
    bool threaded; /* on `thread` */
    uv_thread_t thread;
    uv_async_t returned; /* from the job */
    bool done;
    int rc;
    struct lr_error *err;
};

/* sigaction() instead of libuv's signals, which arrive only after the callback returns: a signal
 * ends a job at once. The handler may run on any thread, hence the atomics. */
static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
static atomic_bool caught[SIGNALS];
static atomic_bool job_must_end;
static struct loop *running; /* the process has one, as it has one set of signal handlers */

static void catch_signal(int number)
{
    for (int i = 0; i < SIGNALS; i++)
        if (numbers[i] == number)
            atomic_store(&caught[i], true);
    atomic_store(&job_must_end, true);
}

static bool loop_interrupted(void)
{
    return atomic_load(&job_must_end);
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
        if (!atomic_exchange(&caught[i], false))
            continue;
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

static void on_timer(uv_timer_t *timer);

static void note_held(struct loop *loop, uint64_t begun_ms)
{
    uint64_t held_ms = loop_now_ms() - begun_ms;
    if (held_ms > loop->longest_ms)
        loop->longest_ms = held_ms;
}

static void pause_for(struct loop *loop, uint64_t pause_ms)
{
    loop->pause_ms = pause_ms < LONGEST_MS ? pause_ms : LONGEST_MS;
    uv_update_time(&loop->uv);
    uv_timer_start(&loop->timer, on_timer, loop->pause_ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    uint64_t begun_ms = loop_now_ms();
    unsigned messages = 0;
    if (loop->rc || loop->done) /* stopped: libuv 1.45 runs a timer that is due once more */
        return;
    loop->rc = handle_all(loop, &messages);
    note_held(loop, begun_ms);
    if (loop->rc || loop->done)
        uv_stop(&loop->uv);
    else
        pause_for(loop, messages > 0 ? SHORTEST_MS : loop->pause_ms * 2);
}

/* ---- the job ---- */

static void run_job(void *context)
{
    struct loop *loop = context;
    loop->job.run(loop->job.context);
    uv_async_send(&loop->returned);
}

static void end_job(struct loop *loop)
{
    if (loop->working && loop->threaded)
        uv_thread_join(&loop->thread);
    loop->working = false;
}

static void on_returned(uv_async_t *returned)
{
    struct loop *loop = returned->data;
    end_job(loop);
    if (loop->rc || loop->done)
        return;
    uint64_t begun_ms = loop_now_ms();
    loop->rc = handle_signals(loop); /* first the one that has ended the job */
    if (!loop->rc)
        loop->rc = loop->job.done(loop->job.context, loop_now_ms(), loop->err);
    note_held(loop, begun_ms);
    if (loop->rc) {
        uv_stop(&loop->uv);
        return;
    }
    loop->ticked_ms = 0;
    pause_for(loop, SHORTEST_MS);
}

static void loop_work(const struct loop_job *job)
{
    struct loop *loop = running;
    assert(loop && !loop->working);
    loop->job = *job;
    loop->working = true;
    atomic_store(&job_must_end, false);
    for (int i = 0; i < SIGNALS; i++) /* one that was caught just now holds for this job too */
        if (atomic_load(&caught[i]))
            atomic_store(&job_must_end, true);
    const uv_thread_options_t options = {UV_THREAD_HAS_STACK_SIZE, THREAD_STACK};
    loop->threaded = uv_thread_create_ex(&loop->thread, &options, run_job, loop) == 0;
    if (!loop->threaded)
        run_job(loop); /* a limit of threads or memory: messages wait */
}

/* ---- */

static int loop_run(struct transport *transport, const struct loop_handler *handler,
                    struct lr_error *err)
{
    struct loop loop = {
        .transport = transport, .handler = handler, .err = err, .pause_ms = SHORTEST_MS};
    struct sigaction before[SIGNALS], action = {.sa_handler = catch_signal, .sa_flags = SA_RESTART};
    int rc;
    if ((rc = limits_check_files(FILES, err)))
        return rc;
    if (uv_loop_init(&loop.uv) || uv_async_init(&loop.uv, &loop.returned, on_returned))
        return lr_fail(err, LR_EINTERNAL, "the event loop cannot be made");
    uv_timer_init(&loop.uv, &loop.timer);
    loop.timer.data = loop.returned.data = running = &loop;
    uv_timer_start(&loop.timer, on_timer, SHORTEST_MS, 0);
    for (int i = 0; i < SIGNALS; i++) {
        atomic_store(&caught[i], false);
        sigaction(numbers[i], &action, &before[i]);
    }
    uv_run(&loop.uv, UV_RUN_DEFAULT);
    atomic_store(&job_must_end, true);
    end_job(&loop);
    uv_close((uv_handle_t *)&loop.timer, NULL);
    uv_close((uv_handle_t *)&loop.returned, NULL);
    uv_run(&loop.uv, UV_RUN_DEFAULT); /* completes the closes */
    uv_loop_close(&loop.uv);
    running = NULL;
    lr_log(LR_LOG_DEBUG, "the event loop was held for %llu ms at most",
           (unsigned long long)loop.longest_ms);
    for (int i = 0; i < SIGNALS; i++)
        sigaction(numbers[i], &before[i], NULL);
    return loop.rc;
}

const struct loop_ops loop_uv = {loop_now_ms, loop_run, loop_work, loop_interrupted};
