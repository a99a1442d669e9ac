/* search.mode async: no worker waits, and the journal says what was asked when. */
#include "cmocka_all.h"

#include "campaign_driver.h"

static struct plan async_plan(void)
{
    struct plan plan = test_plan();
    plan.search.policy = POLICY_DESIGN;
    plan.search.mode = MODE_ASYNC;
    return plan;
}

static void start(struct driver *driver, const struct plan *plan)
{
    driver_init(driver, plan);
    driver_begin(driver);
}

static void every_worker_is_kept_busy(void **state)
{
    (void)state;
    struct plan plan = async_plan();
    struct driver driver;
    struct lr_error err = {0};
    struct next_events fresh = {0};
    size_t rounds = 0;
    start(&driver, &plan);
    while (driver_step(&driver, &err) > 0) {
        rounds += driver.log[driver.count - 1].kind == EVENT_ROUND;
        assert_int_equal(campaign_next(driver.campaign, NULL, &driver.next, &err), 0);
        fresh.unwanted_at = 0;
        assert_int_equal(campaign_next(driver.campaign, NULL, &fresh, &err), 0);
        assert_int_equal(fresh.count, driver.next.count); /* the cache changes nothing */
        if (fresh.count == 0 && campaign_trial_count(driver.campaign) < 10)
            assert_int_equal(campaign_open_trials(driver.campaign), 2);
        assert_true(campaign_open_trials(driver.campaign) <= 2);
    }
    assert_true(campaign_finished(driver.campaign));
    assert_int_equal(campaign_trial_count(driver.campaign), 10);
    assert_true(rounds >= 8); /* one for each trial that ended, after the first two */
    next_events_release(&fresh);
    driver_release(&driver);
}

/* Wherever the journal ends, in the midst of a round too, the same follows. */
static void a_journal_replayed_goes_on_the_same(void **state)
{
    (void)state;
    struct plan plan = async_plan();
    struct driver whole;
    start(&whole, &plan);
    driver_run(&whole);
    for (size_t until = 2; until < whole.count; until++) {
        struct driver part;
        driver_init(&part, &plan);
        driver_replay(&part, whole.log, until);
        driver_run(&part);
        assert_same_log(&part, &whole);
        driver_release(&part);
    }
    driver_release(&whole);
}

static void a_budget_ends_it_when_nothing_runs_any_more(void **state)
{
    (void)state;
    struct plan plan = async_plan();
    struct driver driver;
    struct answer answer;
    plan.budget.trials = 7;
    start(&driver, &plan);
    driver_run(&driver);
    driver_answer(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_BUDGET_EXHAUSTED);
    assert_int_equal(campaign_trial_count(driver.campaign), 7);
    assert_int_equal(campaign_open_trials(driver.campaign), 0);
    driver_release(&driver);
    plan.budget.trials = 0;
    plan.budget.tokens = 5 * 1200; /* steps of 300: what runs is counted before it ends */
    start(&driver, &plan);
    driver.fail_times = 0;
    driver_run(&driver);
    driver_answer(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_BUDGET_EXHAUSTED);
    assert_true(answer.cost.tokens <= plan.budget.tokens);
    driver_release(&driver);
}

/* `grid` has nothing to ask before a round is over. */
static void other_policies_keep_to_rounds(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver rounds, async;
    start(&rounds, &plan);
    driver_run(&rounds);
    plan.search.mode = MODE_ASYNC;
    start(&async, &plan);
    driver_run(&async);
    assert_same_log(&async, &rounds);
    driver_release(&rounds);
    driver_release(&async);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_worker_is_kept_busy),
        cmocka_unit_test(a_journal_replayed_goes_on_the_same),
        cmocka_unit_test(a_budget_ends_it_when_nothing_runs_any_more),
        cmocka_unit_test(other_policies_keep_to_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
