/* The scheduler: who trains what, what is lost, and what is said again. Time is a number. */
#include "sched_case.h"

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
    assert_int_equal(sched_counts(sched).workers_silent, 2); /* silent, and never there */
    assert_int_equal(sched_counts(sched).workers_lost, 0);
    assert_int_equal(told.quiet, 2);
}

static void hello_is_awaited_for_a_minute(void **state)
{
    struct sched_limits patient = {.silence_ms = 600000};
    struct msg_hello self = {.pid = 99};
    struct lr_error err = {0};
    uint64_t now_ms = 1000;
    sched_destroy(sched);
    assert_int_equal(sched_create(&sched, &fake.transport, &self, &patient, &owner, now_ms, NULL),
                     0);
    enqueue(1, 1);
    while (sched_tick(sched, now_ms, &err) == 0 && now_ms < 600000)
        now_ms += 1000;
    assert_int_equal(err.code, LR_EWORKERS);
    assert_int_equal(now_ms, 62000);
    (void)state;
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
    enqueue(1, 1);
    for (uint64_t now_ms = 1001; now_ms <= 62001; now_ms += 1000)
        tick(now_ms);
    assert_int_equal(told.result.outcome, OUTCOME_LOST);
    assert_string_equal(told.result.message, "rank 1 on host node7: silent for too long");
    assert_int_equal(fake.forgotten, 0);
    enqueue(1, 2);
    hello(2, LRSEARCH_VERSION, 62001); /* late */
    tick(62002);
    assert_int_equal(told.rank, 2);
    pong(1, 1, 1, 63000); /* a node that was asleep: it still trains the old attempt */
    tick(63001);
    assert_int_equal(sched_counts(sched).workers_silent, 1); /* rank 3 was never there */
    assert_int_equal(told.heard, 2);
    pong(1, 1, 1, 63100);
    assert_int_equal(sent(MSG_CANCEL, 1), 2);
    ended(1, 1, 1, OUTCOME_CANCELED, 63200);
    enqueue(2, 1);
    tick(63300);
    assert_int_equal(told.rank, 1);
    assert_int_equal(told.id, 2);
}

static void wait_for(uint64_t from_ms, uint64_t to_ms, int answering)
{
    for (uint64_t now_ms = from_ms; now_ms <= to_ms; now_ms += 1000) {
        pong(answering, 0, 0, now_ms);
        tick(now_ms);
    }
}

/* Half a minute without an answer: an idle worker trains the same, and the first result counts. */
static void a_quiet_worker_gets_a_twin(void **state)
{
    (void)state;
    hello(1, LRSEARCH_VERSION, 1000);
    enqueue(1, 1);
    tick(1001);
    hello(2, LRSEARCH_VERSION, 1002);
    hello(3, LRSEARCH_VERSION, 1002);
    wait_for(2000, 25000, 2);
    pong(3, 0, 0, 25001);
    wait_for(26000, 30000, 2);
    assert_int_equal(sched_counts(sched).workers_silent, 0);
    wait_for(31000, 32000, 2);
    assert_int_equal(told.quiet, 1);
    assert_int_equal(told.news_rank, 1);
    struct sched_counts counts = sched_counts(sched);
    assert_int_equal(counts.workers_silent, 1);
    assert_int_equal(counts.workers_busy, 1);
    assert_int_equal(counts.workers_idle, 1);
    assert_int_equal(counts.running, 1);
    assert_int_equal(told.started, 1); /* the journal knows of one attempt */
    assert_int_equal(sent(MSG_ASSIGN, 2), 1);
    assert_int_equal(last(MSG_ASSIGN, 2)->as.assign.attempt, 1);
    result(2, 1, 1, 33000);
    assert_int_equal(told.ended, 1);
    assert_true(told.result.outcome == OUTCOME_DONE);
    assert_int_equal(sched_counts(sched).running, 0);
    assert_int_equal(sent(MSG_CANCEL, 1), 1);
    result(1, 1, 1, 34000); /* too late, but it is alive */
    assert_int_equal(told.ended, 1);
    assert_int_equal(told.heard, 1);
    assert_int_equal(sched_counts(sched).workers_idle, 3);
    enqueue(2, 1);
    tick(34001);
    assert_int_equal(told.rank, 1);
}

static void the_first_of_twins_may_win(void **state)
{
    (void)state;
    hello(1, LRSEARCH_VERSION, 1000);
    enqueue(1, 1);
    tick(1001);
    hello(2, LRSEARCH_VERSION, 1002);
    wait_for(2000, 32000, 2);
    assert_int_equal(sent(MSG_ASSIGN, 2), 1);
    ended(2, 1, 1, OUTCOME_FAILED, 32500); /* the other trains on */
    assert_int_equal(told.ended, 0);
    assert_int_equal(sched_counts(sched).running, 1);
    wait_for(33000, 40000, 2); /* there is no third */
    assert_int_equal(sent(MSG_ASSIGN, 2), 1);
    result(1, 1, 1, 41000);
    assert_int_equal(told.ended, 1);
    assert_true(told.result.outcome == OUTCOME_DONE);
    assert_int_equal(sched_counts(sched).workers_idle, 2);
}

static void a_twin_takes_over_from_the_silent(void **state)
{
    (void)state;
    hello(1, LRSEARCH_VERSION, 1000);
    enqueue(1, 1);
    tick(1001);
    hello(2, LRSEARCH_VERSION, 1002);
    wait_for(2000, 30000, 2);
    tick(31000);
    tick(32000);
    for (uint64_t now_ms = 33000; now_ms <= 63000; now_ms += 1000) {
        pong(2, 1, 1, now_ms);
        tick(now_ms);
    }
    assert_int_equal(told.ended, 0);
    assert_int_equal(told.quiet, 2); /* rank 3 never came */
    result(2, 1, 1, 64000);
    assert_int_equal(told.ended, 1);
}

/* "Save and stop": the silent worker may never answer, and is not waited for. */
static void a_drained_twin_ends_the_attempt(void **state)
{
    (void)state;
    hello(1, LRSEARCH_VERSION, 1000);
    enqueue(1, 1);
    tick(1001);
    hello(2, LRSEARCH_VERSION, 1002);
    wait_for(2000, 32000, 2);
    assert_int_equal(sent(MSG_ASSIGN, 2), 1);
    sched_drain(sched);
    assert_int_equal(last(MSG_CANCEL, 2)->as.cancel.save, 1);
    ended(2, 1, 1, OUTCOME_CANCELED, 32500);
    assert_int_equal(told.ended, 1);
    assert_true(told.result.outcome == OUTCOME_CANCELED);
    assert_int_equal(sched_counts(sched).running, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(trials_go_to_the_lowest_idle_rank_in_order),
        CASE(what_is_taken_back_does_not_start),
        CASE(stale_words_are_dropped_and_counted),
        CASE(a_dead_worker_loses_its_trial),
        CASE(a_rank_that_died_before_its_hello_is_lost),
        CASE(silence_is_a_loss_and_pings_prevent_it),
        CASE(hello_is_awaited_for_a_minute),
        CASE(a_trial_may_not_run_for_ever),
        CASE(lost_words_are_said_again),
        CASE(a_silent_worker_may_come_back),
        CASE(a_quiet_worker_gets_a_twin),
        CASE(the_first_of_twins_may_win),
        CASE(a_twin_takes_over_from_the_silent),
        CASE(a_drained_twin_ends_the_attempt),
        CASE(our_own_sleep_counts_against_nobody),
        CASE(the_end_reaches_everyone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
