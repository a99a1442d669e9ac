/* The scheduler: where a trial is tried again, and which hosts and workers are left out. */
#include "sched_case.h"

static void a_failed_trial_goes_elsewhere(void **state)
{
    (void)state;
    for (int rank = 1; rank <= 3; rank++)
        hello_from(rank, rank < 3 ? "node7" : "node8", LRSEARCH_VERSION, 1000);
    struct sched_job job = {.id = 1, .attempt = 2, .avoid = 1};
    assert_int_equal(sched_enqueue(sched, &job, NULL), 0);
    tick(1001);
    assert_int_equal(told.rank, 3); /* another host */
    job.id = 2;
    assert_int_equal(sched_enqueue(sched, &job, NULL), 0);
    tick(1002);
    assert_int_equal(told.rank, 2); /* another rank */
    job.id = 3;
    assert_int_equal(sched_enqueue(sched, &job, NULL), 0);
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

/* A host is left out only while another one can train: one that does not answer cannot. */
static void a_bad_host_stays_while_the_others_are_quiet(void **state)
{
    (void)state;
    for (int rank = 1; rank <= 3; rank++)
        hello_from(rank, rank < 3 ? "bad" : "good", LRSEARCH_VERSION, 1000);
    for (uint32_t id = 1; id <= 3; id++)
        enqueue(id, 1);
    tick(1001);
    for (uint64_t now_ms = 2000; now_ms <= 33000; now_ms += 1000) {
        pong(1, 1, 1, now_ms);
        pong(2, 2, 1, now_ms);
        tick(now_ms);
    }
    assert_int_equal(told.news_rank, 3);
    assert_int_equal(told.quiet, 1);
    ended(1, 1, 1, OUTCOME_FAILED, 33100);
    ended(2, 2, 1, OUTCOME_FAILED, 33200);
    assert_int_equal(sent(MSG_STOP, 1), 0);
    assert_int_equal(sent(MSG_STOP, 2), 0);
    pong(3, 3, 1, 33300); /* it is back: now there is another */
    enqueue(4, 1);
    tick(33301);
    ended(told.rank, 4, 1, OUTCOME_FAILED, 33400);
    assert_int_equal(sent(MSG_STOP, 1), 1);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_failed_trial_goes_elsewhere),
        CASE(a_host_that_fails_twice_is_left_out),
        CASE(a_busy_worker_of_a_bad_host_ends_its_trial),
        CASE(a_bad_host_stays_while_the_others_are_quiet),
        CASE(another_version_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
