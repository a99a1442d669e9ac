/* The scheduler against a transport of this file: what is sent is kept, time is a number. */
#include "cmocka_all.h"

#include <string.h>
#include "lrsearch/log.h"
#include "lrsearch/version.h"
#include "sched/sched.h"

enum { RANKS = 4, SENT = 256 };

struct fake {
    struct transport transport;
    struct message sent[SENT];
    int to[SENT], count;
    bool dead[RANKS];
    int forgotten;
};

static int fake_send(struct transport *transport, int peer, const struct message *message,
                     struct lr_error *err)
{
    struct fake *fake = (struct fake *)transport;
    (void)err;
    assert_true(fake->count < SENT);
    fake->to[fake->count] = peer;
    fake->sent[fake->count++] = *message;
    return 0;
}

static bool fake_alive(struct transport *transport, int peer, const struct msg_hello *hello)
{
    assert_true(!hello || hello->pid == (uint64_t)peer);
    return !((struct fake *)transport)->dead[peer];
}

static void fake_forget(struct transport *transport, int peer)
{
    (void)peer;
    ((struct fake *)transport)->forgotten++;
}

static const struct transport_ops fake_ops = {
    .send = fake_send, .alive = fake_alive, .forget = fake_forget};

/* What the owner was told. */
struct told {
    int started, ended, progress;
    uint32_t id, attempt;
    int rank;
    struct trial_result result;
};

static int on_started(void *context, uint32_t id, uint32_t attempt, int rank, const char *host)
{
    struct told *told = context;
    (void)host;
    told->started++;
    told->id = id;
    told->attempt = attempt;
    told->rank = rank;
    return 0;
}

static int on_progress(void *context, const struct msg_progress *progress, int rank)
{
    (void)progress;
    (void)rank;
    ((struct told *)context)->progress++;
    return 0;
}

static int on_ended(void *context, uint32_t id, uint32_t attempt, const struct trial_result *result)
{
    struct told *told = context;
    told->ended++;
    told->id = id;
    told->attempt = attempt;
    told->result = *result;
    return 0;
}

static struct fake fake;
static struct told told;
static struct sched *sched;

static int set_up(void **state)
{
    (void)state;
    struct sched_limits limits = {.silence_ms = 60000, .trial_time_ms = 300000};
    struct sched_owner owner = {&told, on_started, on_progress, on_ended};
    struct msg_hello self = {.pid = 99};
    memset(&fake, 0, sizeof(fake));
    memset(&told, 0, sizeof(told));
    fake.transport = (struct transport){&fake_ops, 0, RANKS};
    lr_log_level_set(LR_LOG_ERROR);
    return sched_create(&sched, &fake.transport, &self, &limits, &owner, 1000, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    sched_destroy(sched);
    return 0;
}

static void hello_from(int rank, const char *host, const char *version, uint64_t now_ms)
{
    struct message message = {.tag = MSG_HELLO};
    message.as.hello.protocol = MESSAGE_PROTOCOL;
    message.as.hello.pid = (uint64_t)rank;
    strcpy(message.as.hello.host, host);
    strcpy(message.as.hello.version, version);
    assert_int_equal(sched_message(sched, rank, &message, now_ms, NULL), 0);
}

static void hello(int rank, const char *version, uint64_t now_ms)
{
    hello_from(rank, "node7", version, now_ms);
}

/* The worker trains this attempt (0: nothing), as an answer to the last PING. */
static void pong(int rank, uint32_t id, uint32_t attempt, uint64_t now_ms)
{
    struct message message = {.tag = MSG_PONG};
    for (int i = 0; i < fake.count; i++)
        if (fake.sent[i].tag == MSG_PING && fake.to[i] == rank)
            message.as.pong.nonce = fake.sent[i].as.ping.nonce;
    message.as.pong.trial_id = id;
    message.as.pong.attempt = attempt;
    assert_int_equal(sched_message(sched, rank, &message, now_ms, NULL), 0);
}

static void ended(int rank, uint32_t id, uint32_t attempt, enum outcome outcome, uint64_t now_ms)
{
    struct message message = {.tag = MSG_RESULT};
    message.as.result.result.outcome = outcome;
    message.as.result.trial_id = id;
    message.as.result.attempt = attempt;
    message.as.result.result.val_loss = 2.5;
    assert_int_equal(sched_message(sched, rank, &message, now_ms, NULL), 0);
}

static void result(int rank, uint32_t id, uint32_t attempt, uint64_t now_ms)
{
    ended(rank, id, attempt, OUTCOME_DONE, now_ms);
}

static void enqueue(uint32_t id, uint32_t attempt)
{
    struct msg_assign job = {.trial_id = id, .attempt = attempt, .spec.lr = id};
    assert_int_equal(sched_enqueue(sched, &job, 0, NULL), 0);
}

static void tick(uint64_t now_ms)
{
    assert_int_equal(sched_tick(sched, now_ms, NULL), 0);
}

static int sent(enum message_tag tag, int rank)
{
    int count = 0;
    for (int i = 0; i < fake.count; i++)
        count += fake.sent[i].tag == tag && fake.to[i] == rank;
    return count;
}

static void trials_go_to_the_lowest_idle_rank_in_order(void **state)
{
    (void)state;
    for (uint32_t id = 1; id <= 3; id++)
        enqueue(id, 1);
    tick(1100);
    assert_int_equal(told.started, 0); /* nobody is there yet */
    hello(2, LRSEARCH_VERSION, 1200);
    hello(1, LRSEARCH_VERSION, 1200);
    tick(1201);
    assert_int_equal(told.started, 2);
    assert_int_equal(sent(MSG_ASSIGN, 1), 1);
    assert_int_equal(sent(MSG_ASSIGN, 2), 1);
    struct sched_counts counts = sched_counts(sched);
    assert_int_equal(counts.queued, 1);
    assert_int_equal(counts.running, 2);
    assert_int_equal(counts.workers_awaited, 1);
    result(1, 1, 1, 1300);
    assert_int_equal(told.ended, 1);
    assert_true(told.result.val_loss == 2.5);
    tick(1301);
    assert_int_equal(told.id, 3);
    assert_int_equal(told.rank, 1);
}

static void what_is_taken_back_does_not_start(void **state)
{
    (void)state;
    hello(1, LRSEARCH_VERSION, 1100);
    for (uint32_t id = 1; id <= 4; id++)
        enqueue(id, 1);
    tick(1101);
    sched_withdraw(sched, 1); /* it runs: too late */
    sched_withdraw(sched, 2);
    sched_withdraw(sched, 9);
    assert_int_equal(sched_counts(sched).queued, 2);
    result(1, 1, 1, 1200);
    tick(1201);
    assert_int_equal(told.id, 3);
}

static void stale_words_are_dropped_and_counted(void **state)
{
    (void)state;
    hello(1, LRSEARCH_VERSION, 1100);
    enqueue(5, 2);
    tick(1101);
    result(1, 5, 1, 1200); /* an old attempt */
    result(1, 4, 2, 1200); /* another trial */
    result(2, 5, 2, 1200); /* another rank */
    assert_int_equal(told.ended, 0);
    assert_int_equal(sched_counts(sched).stale_messages, 3);
    result(1, 5, 2, 1300);
    result(1, 5, 2, 1300); /* the same again */
    assert_int_equal(told.ended, 1);
    assert_int_equal(sched_counts(sched).stale_messages, 4);
    struct message wrong = {.tag = MSG_ASSIGN};
    sched_message(sched, 1, &wrong, 1400, NULL);
    assert_int_equal(sched_counts(sched).bad_messages, 1);
}

static void a_dead_worker_loses_its_trial(void **state)
{
    (void)state;
    hello(1, LRSEARCH_VERSION, 1100);
    hello(2, LRSEARCH_VERSION, 1100);
    enqueue(1, 1);
    tick(1101);
    fake.dead[1] = true;
    tick(2200);
    assert_int_equal(told.ended, 1);
    assert_int_equal(told.result.outcome, OUTCOME_LOST);
    assert_string_equal(told.result.message, "rank 1 on host node7: its process is gone");
    assert_int_equal(fake.forgotten, 1);
    enqueue(1, 2);
    tick(2300);
    assert_int_equal(told.rank, 2);
    result(1, 1, 1, 2400); /* it was only slow: too late */
    assert_int_equal(told.ended, 1);
    assert_int_equal(sched_counts(sched).stale_messages, 1);
}

static void a_rank_that_died_before_its_hello_is_lost(void **state)
{
    (void)state;
    hello(1, LRSEARCH_VERSION, 1100);
    fake.dead[3] = true;
    tick(2200);
    assert_int_equal(sched_counts(sched).workers_lost, 1);
    assert_int_equal(sched_counts(sched).workers_awaited, 1);
    assert_int_equal(fake.forgotten, 1);
    hello(3, LRSEARCH_VERSION, 2300); /* it was on its way */
    assert_int_equal(sched_counts(sched).workers_lost, 1);
    assert_int_equal(sched_counts(sched).stale_messages, 1);
}

static void silence_is_a_loss_and_pings_prevent_it(void **state)
{
    (void)state;
    hello(1, LRSEARCH_VERSION, 1000);
    hello(2, LRSEARCH_VERSION, 1000);
    assert_int_equal(sent(MSG_PING, 1), 1); /* at once, with who coordinates */
    assert_int_equal(fake.sent[0].as.ping.from.pid, 99);
    for (uint64_t now_ms = 2000; now_ms <= 70000; now_ms += 1000) {
        struct message pong = {.tag = MSG_PONG};
        tick(now_ms);
        sched_message(sched, 1, &pong, now_ms, NULL);
    }
    assert_in_range(sent(MSG_PING, 1), 12, 16);
    assert_int_equal(sched_counts(sched).workers_idle, 1);
    assert_int_equal(sched_counts(sched).workers_lost, 2); /* silent, and never there */
}

static void a_trial_may_not_run_for_ever(void **state)
{
    (void)state;
    hello(1, LRSEARCH_VERSION, 1000);
    hello(2, LRSEARCH_VERSION, 1000);
    enqueue(1, 1);
    tick(1001);
    for (uint64_t now_ms = 2000; now_ms <= 302000; now_ms += 1000) {
        pong(1, 1, 1, now_ms);
        pong(2, 0, 0, now_ms);
        tick(now_ms);
    }
    assert_int_equal(sent(MSG_CANCEL, 1), 1);
    assert_int_equal(told.result.outcome, OUTCOME_LOST);
    assert_non_null(strstr(told.result.message, "longer than limits.trial_time"));
    /* The worker is not lost: it gets work again as soon as it says that it has stopped. */
    enqueue(2, 1);
    tick(302500);
    assert_int_equal(told.rank, 2);
    enqueue(3, 1);
    tick(302600);
    assert_int_equal(told.started, 2);
    result(1, 1, 1, 303000); /* too late */
    assert_int_equal(told.ended, 1);
    assert_int_equal(sched_counts(sched).stale_messages, 1);
    tick(303001);
    assert_int_equal(told.id, 3);
    assert_int_equal(told.rank, 1);
}

/* What is lost on its way is found by the next PING. */
static void lost_words_are_said_again(void **state)
{
    (void)state;
    hello(1, LRSEARCH_VERSION, 1000);
    enqueue(1, 1);
    tick(1001);
    assert_int_equal(sent(MSG_ASSIGN, 1), 1);
    pong(1, 0, 0, 1002); /* asked before the assignment: says nothing about it */
    assert_int_equal(sent(MSG_ASSIGN, 1), 1);
    tick(6500);
    assert_int_equal(sent(MSG_PING, 1), 2);
    assert_int_equal(fake.sent[fake.count - 1].as.ping.trial_id, 1);
    pong(1, 0, 0, 6600); /* the ASSIGN was lost */
    assert_int_equal(sent(MSG_ASSIGN, 1), 2);
    assert_int_equal(fake.sent[fake.count - 1].as.assign.serial, 1);
    pong(1, 1, 1, 6700);
    assert_int_equal(sent(MSG_ASSIGN, 1), 2);
    result(1, 1, 1, 7000);
    pong(1, 1, 1, 7001); /* asked before, answered before */
    tick(12000);
    pong(1, 9, 1, 12100); /* it trains what nobody wants */
    assert_int_equal(sent(MSG_CANCEL, 1), 2);
    assert_int_equal(fake.sent[fake.count - 1].as.cancel.trial_id, 9);
    hello(1, LRSEARCH_VERSION, 12200); /* it has not heard a PING */
    assert_int_equal(sent(MSG_PING, 1), 4);
    assert_int_equal(told.ended, 1);
}

static void a_silent_worker_may_come_back(void **state)
{
    (void)state;
    hello(1, LRSEARCH_VERSION, 1000);
    hello(2, LRSEARCH_VERSION, 1000);
    enqueue(1, 1);
    tick(1001);
    for (uint64_t now_ms = 2000; now_ms <= 62000; now_ms += 1000) {
        pong(2, 0, 0, now_ms);
        tick(now_ms);
    }
    assert_int_equal(told.result.outcome, OUTCOME_LOST);
    assert_string_equal(told.result.message, "rank 1 on host node7: silent for too long");
    assert_int_equal(fake.forgotten, 0);
    enqueue(1, 2);
    tick(62001);
    assert_int_equal(told.rank, 2);
    pong(1, 1, 1, 63000); /* a node that was asleep: it still trains the old attempt */
    tick(63001);
    assert_int_equal(sched_counts(sched).workers_lost, 1); /* rank 3 was never there */
    pong(1, 1, 1, 63100);
    assert_int_equal(sent(MSG_CANCEL, 1), 2);
    ended(1, 1, 1, OUTCOME_CANCELED, 63200);
    enqueue(2, 1);
    tick(63300);
    assert_int_equal(told.rank, 1);
    assert_int_equal(told.id, 2);
}

/* A laptop that was closed for a night, or a coordinator that was stopped. */
static void our_own_sleep_counts_against_nobody(void **state)
{
    (void)state;
    hello(1, LRSEARCH_VERSION, 1000);
    enqueue(1, 1);
    tick(1001);
    tick(8 * 3600 * 1000);
    assert_int_equal(told.ended, 0);
    assert_int_equal(sched_counts(sched).workers_busy, 1);
    pong(1, 1, 1, 8 * 3600 * 1000 + 100);
    tick(8 * 3600 * 1000 + 200);
    assert_int_equal(told.ended, 0);
}

static void a_failed_trial_goes_elsewhere(void **state)
{
    (void)state;
    for (int rank = 1; rank <= 3; rank++)
        hello_from(rank, rank < 3 ? "node7" : "node8", LRSEARCH_VERSION, 1000);
    struct msg_assign job = {.trial_id = 1, .attempt = 2};
    assert_int_equal(sched_enqueue(sched, &job, 1, NULL), 0);
    tick(1001);
    assert_int_equal(told.rank, 3); /* another host */
    job.trial_id = 2;
    assert_int_equal(sched_enqueue(sched, &job, 1, NULL), 0);
    tick(1002);
    assert_int_equal(told.rank, 2); /* another rank */
    job.trial_id = 3;
    assert_int_equal(sched_enqueue(sched, &job, 1, NULL), 0);
    tick(1003);
    assert_int_equal(told.rank, 1); /* better than nobody */
}

static void a_host_that_fails_twice_is_left_out(void **state)
{
    (void)state;
    for (int rank = 1; rank <= 3; rank++)
        hello_from(rank, rank < 3 ? "bad" : "good", LRSEARCH_VERSION, 1000);
    for (uint32_t id = 1; id <= 3; id++)
        enqueue(id, 1);
    tick(1001);
    ended(1, 1, 1, OUTCOME_FAILED, 1100);
    enqueue(1, 2);
    tick(1101);
    ended(1, 1, 2, OUTCOME_FAILED, 1200); /* the same trial: it may be the trial's fault */
    assert_int_equal(sent(MSG_STOP, 1), 0);
    ended(2, 2, 1, OUTCOME_FAILED, 1300);
    assert_int_equal(sent(MSG_STOP, 1), 1);
    assert_int_equal(sent(MSG_STOP, 2), 1);
    assert_int_equal(sched_counts(sched).workers_lost, 2);
    ended(3, 3, 1, OUTCOME_FAILED, 1400); /* the last host stays, whatever it does */
    enqueue(4, 1);
    tick(1401);
    ended(3, 4, 1, OUTCOME_FAILED, 1500);
    enqueue(5, 1);
    tick(1501);
    assert_int_equal(told.rank, 3);
}

/* One process fails on a host and its neighbour is busy: the host ends with that trial. */
static void a_busy_worker_of_a_bad_host_ends_its_trial(void **state)
{
    (void)state;
    for (int rank = 1; rank <= 3; rank++)
        hello_from(rank, rank < 3 ? "bad" : "good", LRSEARCH_VERSION, 1000);
    for (uint32_t id = 1; id <= 3; id++)
        enqueue(id, 1);
    tick(1001);
    ended(1, 1, 1, OUTCOME_FAILED, 1100);
    enqueue(4, 1);
    tick(1101);
    ended(1, 4, 1, OUTCOME_FAILED, 1200);
    assert_int_equal(sent(MSG_STOP, 1), 1);
    assert_int_equal(sent(MSG_STOP, 2), 0);
    result(2, 2, 1, 1300);
    assert_true(told.result.outcome == OUTCOME_DONE);
    assert_int_equal(sent(MSG_STOP, 2), 1);
}

static void another_version_is_left_out(void **state)
{
    (void)state;
    struct lr_error err = {0};
    hello(1, "0.0.1", 1000);
    assert_int_equal(sent(MSG_STOP, 1), 1);
    hello(2, LRSEARCH_VERSION, 1000);
    enqueue(1, 1);
    tick(1001);
    assert_int_equal(told.rank, 2);
    enqueue(2, 1);
    fake.dead[2] = true;
    int rc = 0;
    for (uint64_t now_ms = 3000; now_ms <= 62000 && !rc; now_ms += 1000)
        rc = sched_tick(sched, now_ms, &err);
    assert_int_equal(rc, LR_EWORKERS); /* rank 3 never came */
    assert_string_equal(err.text,
                        "no worker is left and trials wait; run the same command again to go on");
}

static void the_end_reaches_everyone(void **state)
{
    (void)state;
    hello(1, LRSEARCH_VERSION, 1000);
    enqueue(1, 1);
    enqueue(2, 1);
    tick(1001);
    sched_drain(sched);
    assert_int_equal(sent(MSG_CANCEL, 1), 1);
    assert_int_equal(fake.sent[fake.count - 1].as.cancel.save, 1);
    assert_int_equal(sched_counts(sched).queued, 0);
    tick(6500);
    pong(1, 1, 1, 6600); /* it has not heard of it */
    assert_int_equal(sent(MSG_CANCEL, 1), 2);
    ended(1, 1, 1, OUTCOME_CANCELED, 6700);
    assert_int_equal(sched_counts(sched).running, 0);
    enqueue(3, 1);
    tick(6800);
    assert_int_equal(told.started, 1);
    sched_stop_workers(sched);
    for (int rank = 1; rank < RANKS; rank++)
        assert_int_equal(sent(MSG_STOP, rank), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(trials_go_to_the_lowest_idle_rank_in_order),
        CASE(what_is_taken_back_does_not_start),
        CASE(stale_words_are_dropped_and_counted),
        CASE(a_dead_worker_loses_its_trial),
        CASE(a_rank_that_died_before_its_hello_is_lost),
        CASE(silence_is_a_loss_and_pings_prevent_it),
        CASE(a_trial_may_not_run_for_ever),
        CASE(lost_words_are_said_again),
        CASE(a_silent_worker_may_come_back),
        CASE(our_own_sleep_counts_against_nobody),
        CASE(a_failed_trial_goes_elsewhere),
        CASE(a_host_that_fails_twice_is_left_out),
        CASE(a_busy_worker_of_a_bad_host_ends_its_trial),
        CASE(another_version_is_left_out),
        CASE(the_end_reaches_everyone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
