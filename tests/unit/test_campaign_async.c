/* search.mode async: what may be planned while trials run, and that the journal says what was asked
 * when. */
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

/* With so many workers. */
static void start_on(struct driver *driver, const struct plan *plan, uint32_t workers)
{
    struct event opening = opening_event(), session = session_event(workers + 1);
    driver_init(driver, plan);
    driver_must(driver, &opening);
    driver_must(driver, &session);
}

/* What the rule is about, counted from the journal. */
struct count {
    double early, others; /* tokens of trials that were planned while others were open, or not */
    size_t rounds, early_rounds, most_open;
};

static struct count count_log(const struct driver *driver)
{
    struct count count = {0};
    size_t open = 0;
    bool early = false;
    for (size_t i = 0; i < driver->count; i++) {
        const struct event *event = &driver->log[i];
        if (event->kind == EVENT_ROUND) {
            early = open > 0;
            count.rounds++;
            count.early_rounds += early;
        } else if (event->kind == EVENT_PLANNED) {
            *(early ? &count.early : &count.others) +=
                (double)event->as.planned.spec.horizon_tokens;
            assert_true(count.early <= 0.3 * count.others);
            open++;
        } else if (event->kind == EVENT_ENDED) {
            open -= event->as.ended.result.outcome <= OUTCOME_DIVERGED;
        }
        count.most_open = open > count.most_open ? open : count.most_open;
    }
    return count;
}

static void nothing_is_planned_before_the_coarse_look_is_over(void **state)
{
    (void)state;
    struct plan plan = async_plan();
    struct driver driver;
    struct lr_error err = {0};
    struct next_events fresh = {0};
    plan.search.round_trials = 4;
    start_on(&driver, &plan, 63);
    for (bool over = false; !over;) {
        assert_int_equal(driver_step(&driver, &err), 1);
        over = campaign_trial_count(driver.campaign) == 4 &&
               campaign_open_trials(driver.campaign) == 0;
        if (campaign_trial_count(driver.campaign) < 4 || over)
            continue;
        assert_int_equal(campaign_next(driver.campaign, NULL, &fresh, &err), 0);
        assert_int_equal(fresh.count, 0);
        assert_false(campaign_next_is_long(driver.campaign, &fresh));
    }
    assert_int_equal(campaign_next(driver.campaign, NULL, &fresh, &err), 0);
    assert_int_equal(fresh.events[0].as.round.round, 2);
    assert_int_equal(fresh.events[0].as.round.trials, 4);
    next_events_release(&fresh);
    driver_release(&driver);
}

static void early_trials_are_few(void **state)
{
    (void)state;
    struct plan plan = async_plan();
    struct next_events fresh = {0};
    struct lr_error err = {0};
    for (uint32_t workers = 1; workers <= 8; workers++)
        for (uint32_t most = 1; most <= 5; most++) {
            struct driver driver;
            plan.search.round_trials = most;
            start_on(&driver, &plan, workers);
            while (driver_step(&driver, &err) > 0) {
                assert_int_equal(campaign_next(driver.campaign, NULL, &driver.next, &err), 0);
                fresh.unwanted_at = 0;
                assert_int_equal(campaign_next(driver.campaign, NULL, &fresh, &err), 0);
                assert_int_equal(fresh.count, driver.next.count); /* the cache changes nothing */
            }
            assert_true(campaign_finished(driver.campaign));
            assert_int_equal(campaign_trial_count(driver.campaign), 10);
            struct count count = count_log(&driver);
            assert_int_equal(count.most_open, most);
            bool may_be_early = workers > 1 && most > 1 && most < 5; /* 5: two rounds do */
            assert_int_equal(count.early_rounds > 0, may_be_early);
            driver_release(&driver);
        }
    next_events_release(&fresh);
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
        cmocka_unit_test(nothing_is_planned_before_the_coarse_look_is_over),
        cmocka_unit_test(early_trials_are_few),
        cmocka_unit_test(a_journal_replayed_goes_on_the_same),
        cmocka_unit_test(a_budget_ends_it_when_nothing_runs_any_more),
        cmocka_unit_test(other_policies_keep_to_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
