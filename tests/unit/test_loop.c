/* The event loop with a job beside it: messages are served meanwhile, a signal or the end of the
 * loop ends the job, and its end is told on the loop's thread. */
#include "cmocka_all.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "net/loop.h"

enum { MESSAGE_EVERY_MS = 5, JOB_MS = 300, PATIENCE_MS = 60000 };

static void nap_ms(long ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* ---- a peer that says something every 5 ms ---- */

static uint64_t spoken_ms;

static int poll_ticking(struct transport *transport, int *peer, struct message *message,
                        struct lr_error *err)
{
    uint64_t now_ms = loop_uv.now_ms();
    (void)transport;
    (void)err;
    *peer = TRANSPORT_NOBODY;
    if (now_ms < spoken_ms + MESSAGE_EVERY_MS)
        return 0;
    spoken_ms = now_ms;
    *peer = 1;
    *message = (struct message){.tag = MSG_PONG};
    return 0;
}

static const struct transport_ops ticking_ops = {.poll = poll_ticking};
static struct transport ticking = {&ticking_ops, 0, 2};

/* ---- a handler that starts jobs ---- */

struct scene {
    pthread_t loop_thread;
    unsigned jobs_wanted, begun, ended;
    unsigned served;   /* messages while a job was in flight */
    int signal;        /* raised while the first job runs; 0: none */
    int message_fails; /* rc of a message while the first job runs */
    int done_fails;    /* rc of done() */
    unsigned signaled; /* calls of the handler */
    uint64_t job_ms;
    size_t filled;
    bool fills_stack;        /* the job uses DEEP bytes of its stack */
    atomic_bool running;     /* the job has begun and not returned */
    atomic_bool interrupted; /* it saw that it was to end */
    atomic_bool beside;      /* it ran on another thread */
};

#define DEEP ((size_t)1 << 20)
#define SMALL ((rlim_t)256 << 10) /* a limit that is smaller */

static size_t fill_stack(void)
{
    volatile char deep[DEEP];
    size_t sum = 0;
    for (size_t i = 0; i < DEEP; i += 512)
        deep[i] = 1;
    for (size_t i = 0; i < DEEP; i += 512)
        sum += (size_t)deep[i];
    return sum;
}

static void run_job(void *context)
{
    struct scene *scene = context;
    scene->filled = scene->fills_stack ? fill_stack() : 0;
    atomic_store(&scene->running, true);
    atomic_store(&scene->beside, !pthread_equal(pthread_self(), scene->loop_thread));
    uint64_t end_ms = loop_uv.now_ms() + scene->job_ms;
    while (loop_uv.now_ms() < end_ms && !atomic_load(&scene->interrupted)) {
        nap_ms(1);
        atomic_store(&scene->interrupted, loop_uv.interrupted());
    }
    atomic_store(&scene->running, false);
}

static int on_done(void *context, uint64_t now_ms, struct lr_error *err)
{
    struct scene *scene = context;
    assert_true(pthread_equal(pthread_self(), scene->loop_thread));
    assert_true(now_ms > 0);
    assert_false(atomic_load(&scene->running));
    scene->ended++;
    return scene->done_fails ? lr_fail(err, scene->done_fails, "done failed") : 0;
}

static int on_message(void *context, int peer, const struct message *message, uint64_t now_ms,
                      struct lr_error *err)
{
    struct scene *scene = context;
    (void)now_ms;
    assert_int_equal(peer, 1);
    assert_int_equal(message->tag, MSG_PONG);
    if (!atomic_load(&scene->running))
        return 0;
    scene->served++;
    if (scene->signal)
        raise(scene->signal);
    scene->signal = 0;
    return scene->message_fails ? lr_fail(err, scene->message_fails, "a message failed") : 0;
}

static int on_tick(void *context, uint64_t now_ms, bool *done, struct lr_error *err)
{
    struct scene *scene = context;
    const struct loop_job job = {scene, run_job, on_done};
    (void)now_ms;
    (void)err;
    if (scene->begun > scene->ended) /* it is in flight */
        return 0;
    *done = scene->ended == scene->jobs_wanted;
    if (!*done) {
        scene->begun++;
        loop_uv.work(&job);
    }
    return 0;
}

static int on_signal(void *context, int number, uint64_t now_ms, struct lr_error *err)
{
    struct scene *scene = context;
    (void)now_ms;
    scene->signaled++;
    return number == SIGTERM ? lr_fail(err, LR_ECANCELED, "ended") : 0;
}

static int run(struct scene *scene, struct lr_error *err)
{
    const struct loop_handler handler = {scene, on_message, on_tick, on_signal};
    memset(err, 0, sizeof(*err));
    scene->loop_thread = pthread_self();
    return loop_uv.run(&ticking, &handler, err);
}

static void messages_are_served_beside_a_job(void **state)
{
    (void)state;
    struct lr_error err;
    struct scene scene = {.jobs_wanted = 1, .job_ms = JOB_MS};
    assert_int_equal(run(&scene, &err), 0);
    assert_int_equal(scene.ended, 1);
    assert_true(atomic_load(&scene.beside));
    assert_false(atomic_load(&scene.interrupted));
    /* 60 on an idle machine */
    assert_true(scene.served >= JOB_MS / MESSAGE_EVERY_MS / 4);
}

static void a_job_needs_no_large_stack_limit(void **state)
{
    (void)state;
    struct lr_error err;
    struct rlimit before, small;
    struct scene scene = {.jobs_wanted = 1, .job_ms = 1, .fills_stack = true};
    assert_int_equal(getrlimit(RLIMIT_STACK, &before), 0);
    small = (struct rlimit){SMALL, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_STACK, &small), 0);
    int rc = run(&scene, &err);
    assert_int_equal(setrlimit(RLIMIT_STACK, &before), 0);
    assert_int_equal(rc, 0);
    assert_int_equal(scene.filled, DEEP / 512);
    assert_true(atomic_load(&scene.beside));
}

static void jobs_follow_each_other(void **state)
{
    (void)state;
    struct lr_error err;
    struct scene scene = {.jobs_wanted = 20, .job_ms = 1};
    assert_int_equal(run(&scene, &err), 0);
    assert_int_equal(scene.begun, 20);
    assert_int_equal(scene.ended, 20);
}

static void a_signal_ends_the_job_and_the_loop(void **state)
{
    (void)state;
    struct lr_error err;
    struct scene scene = {.jobs_wanted = 1, .job_ms = PATIENCE_MS, .signal = SIGTERM};
    assert_int_equal(run(&scene, &err), LR_ECANCELED);
    assert_string_equal(err.text, "ended");
    assert_int_equal(scene.signaled, 1);
    assert_true(atomic_load(&scene.interrupted));
    assert_false(atomic_load(&scene.running)); /* the loop has waited for it */
    assert_int_equal(scene.ended, 0);
}

static void a_signal_may_end_the_job_alone(void **state)
{
    (void)state;
    struct lr_error err;
    struct scene scene = {.jobs_wanted = 2, .job_ms = JOB_MS, .signal = SIGUSR1};
    assert_int_equal(run(&scene, &err), 0);
    assert_int_equal(scene.signaled, 1);
    assert_int_equal(scene.ended, 2);
    assert_true(
        atomic_load(&scene.interrupted)); /* the first saw it, and it stays in this struct */
}

static void an_error_of_the_loop_ends_the_job(void **state)
{
    (void)state;
    struct lr_error err;
    struct scene scene = {.jobs_wanted = 1, .job_ms = PATIENCE_MS, .message_fails = LR_EPROTO};
    assert_int_equal(run(&scene, &err), LR_EPROTO);
    assert_string_equal(err.text, "a message failed");
    assert_true(atomic_load(&scene.interrupted));
    assert_false(atomic_load(&scene.running));
    assert_int_equal(scene.ended, 0);
}

static void an_error_of_done_ends_the_loop(void **state)
{
    (void)state;
    struct lr_error err;
    struct scene scene = {.jobs_wanted = 2, .job_ms = 1, .done_fails = LR_ENOMEM};
    assert_int_equal(run(&scene, &err), LR_ENOMEM);
    assert_string_equal(err.text, "done failed");
    assert_int_equal(scene.begun, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_needs_no_large_stack_limit),
        cmocka_unit_test(messages_are_served_beside_a_job),
        cmocka_unit_test(jobs_follow_each_other),
        cmocka_unit_test(a_signal_ends_the_job_and_the_loop),
        cmocka_unit_test(a_signal_may_end_the_job_alone),
        cmocka_unit_test(an_error_of_the_loop_ends_the_job),
        cmocka_unit_test(an_error_of_done_ends_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
