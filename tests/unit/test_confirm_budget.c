/* The confirmation under budgets: how long it is, what is left behind, what a larger budget
 * does. */
#include "cmocka_all.h"
#include "confirm_case.h"

#include <string.h>

/* The search is planned with 5400 + 10500 tokens and spends 9000; steps have 300. */
static void is_as_long_as_the_budget_allows(void **state)
{
    (void)state;
    static const struct {
        uint64_t budget;
        double reserve;
        uint64_t asked, tokens;
    } cases[] = {
        {9000 + 3 * 100200, 0.9, 0, 100000},
        {9000 + 3 * 100200 - 1, 0.9, 0, 50000},
        {9000 + 3 * 12600, 0.5, 0, 12500},
        {9000 + 3 * 12600 - 1, 0.5, 0, 6250},
        {9000 + 3 * 6300 - 1, 0.4, 0, 5000}, /* not below the longest horizon */
        {0, 0.5, 20000, 20000},
        {9000 + 3 * 20100 - 1, 0.5, 20000, 10000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct plan plan = confirm_plan();
        struct driver driver;
        plan.budget.tokens = cases[i].budget;
        plan.budget.reserve = cases[i].reserve;
        plan.confirm.tokens = cases[i].asked;
        start_run(&driver, &plan);
        assert_int_equal(campaign_trial_count(driver.campaign), SEARCHED + 3);
        assert_int_equal(confirmed_tokens(&driver), cases[i].tokens);
        driver_release(&driver);
    }
}

static void is_no_longer_than_the_text(void **state)
{
    (void)state;
    for (int repeat = 0; repeat < 2; repeat++) {
        struct plan plan = confirm_plan();
        struct driver driver;
        plan.data.repeat = repeat;
        start(&driver, &plan);
        struct event event = opening_event();
        event.as.campaign.train_tokens = 49999;
        driver_must(&driver, &event);
        event = session_event(3);
        driver_must(&driver, &event);
        driver_run(&driver);
        assert_int_equal(confirmed_tokens(&driver), repeat ? 100000 : 25000);
        driver_release(&driver);
    }
}

/* No budget for it: the answer stands, with a warning, and a larger budget does the rest. */
static void a_budget_too_small(void **state)
{
    (void)state;
    struct plan plan = confirm_plan();
    struct driver driver, larger;
    struct answer answer;
    plan.budget.tokens = 16000;
    plan.budget.reserve = 0.005; /* too little, and not told: all of it would not do */
    start_run(&driver, &plan);
    assert_int_equal(campaign_trial_count(driver.campaign), SEARCHED);
    driver_answer(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_int_equal(answer.confirm_count, 0);
    assert_true(has_warning(&answer, "confirm: budget.tokens has no room for it: 9000 of 16000 "
                                     "tokens are used; raise it and run the same command again"));
    plan.budget.tokens = 9000 + 3 * 5100;
    start(&larger, &plan);
    driver_replay(&larger, driver.log, driver.count);
    assert_false(campaign_finished(larger.campaign));
    driver_run(&larger);
    assert_int_equal(confirmed_tokens(&larger), 5000);
    driver_answer(&larger, &answer);
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_int_equal(answer.confirm_count, 1);
    driver_release(&larger);
    driver_release(&driver);
}

/* The search's part of the budget ends it; the rest is for the confirmation. With more, the search
 * goes on, and what it says then is confirmed again. */
static void after_a_search_that_was_cut_short(void **state)
{
    (void)state;
    struct plan plan = confirm_plan();
    struct driver driver, larger;
    struct answer answer;
    plan.budget.trials = 10;
    plan.budget.reserve = 0.3;
    start_run(&driver, &plan);
    assert_int_equal(campaign_trial_count(driver.campaign), 7 + 3);
    driver_answer(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_BUDGET_EXHAUSTED);
    assert_string_equal(answer.reason,
                        "budget.trials is too small for another trial: 10 of 10 trials are used, "
                        "and 30 % are kept back for confirm; raise it and run the same command "
                        "again to go on");
    assert_int_equal(answer.confirm_count, 1);
    plan.budget.trials = 100;
    start(&larger, &plan);
    driver_replay(&larger, driver.log, driver.count);
    driver_run(&larger);
    assert_int_equal(campaign_trial_count(larger.campaign), SEARCHED + 3 + 3);
    driver_answer(&larger, &answer);
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_int_equal(answer.confirm_count, 1);
    driver_release(&larger);
    driver_release(&driver);
}

/* Time for the search is over in the midst of a round: what is left of it waits behind the
 * confirmation, for more time. */
static void search_trials_are_left_behind(void **state)
{
    (void)state;
    struct plan plan = confirm_plan();
    struct driver driver, larger;
    struct answer answer;
    plan.budget.wall_s = 100; /* ten seconds an attempt: 40 for the search */
    plan.budget.reserve = 0.6;
    start(&driver, &plan);
    driver.clock_s = 10;
    driver_begin(&driver);
    driver_run(&driver);
    assert_int_equal(campaign_trial_count(driver.campaign), 6 + 3);
    assert_int_equal(campaign_trial(driver.campaign, 6)->state, TRIAL_PENDING);
    assert_int_equal(campaign_trial(driver.campaign, 9)->state, TRIAL_DONE);
    driver_answer(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_BUDGET_EXHAUSTED);
    assert_non_null(strstr(answer.reason, "budget.wall is too small for the 1 trial that is left"));
    wherever_the_journal_ends(&driver, &plan, 10);
    plan.budget.wall_s = 10000;
    start(&larger, &plan);
    larger.clock_s = 10;
    driver_replay(&larger, driver.log, driver.count);
    driver_run(&larger);
    driver_answer(&larger, &answer);
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_int_equal(campaign_trial_count(larger.campaign), SEARCHED + 3 + 3);
    driver_release(&larger);
    driver_release(&driver);
}

/* The same in the last round: what was left behind and trained later changes the answer too, and
 * costs a confirmation nothing as long as it waits. */
static void the_last_search_trial_is_left_behind(void **state)
{
    (void)state;
    struct plan plan = confirm_plan();
    struct driver driver, larger;
    plan.budget.wall_s = 200; /* 80 for the search: nine trials */
    plan.budget.reserve = 0.6;
    plan.budget.tokens = 9 * 900 + 3 * 12600;
    start(&driver, &plan);
    driver.clock_s = 10;
    driver_begin(&driver);
    driver_run(&driver);
    assert_int_equal(campaign_trial_count(driver.campaign), SEARCHED + 3);
    assert_int_equal(campaign_trial(driver.campaign, SEARCHED)->state, TRIAL_PENDING);
    assert_int_equal(confirmed_tokens(&driver), 12500);
    plan.budget.wall_s = 10000;
    plan.budget.tokens = 0;
    start(&larger, &plan);
    driver_replay(&larger, driver.log, driver.count);
    driver_run(&larger);
    assert_int_equal(campaign_trial(larger.campaign, SEARCHED)->state, TRIAL_DONE);
    assert_int_equal(campaign_trial_count(larger.campaign), SEARCHED + 3 + 3);
    assert_int_equal(confirmed_tokens(&larger), 100000);
    driver_release(&larger);
    driver_release(&driver);
}

static void time_is_over_within_it(void **state)
{
    (void)state;
    struct plan plan = confirm_plan();
    struct driver driver, larger;
    struct answer answer;
    plan.budget.wall_s = 111; /* ten trials, one of the confirmation and what ran beside it */
    start(&driver, &plan);
    driver.clock_s = 10;
    driver_begin(&driver);
    driver_run(&driver);
    assert_int_equal(campaign_trial_count(driver.campaign), SEARCHED + 3);
    assert_int_equal(campaign_trial(driver.campaign, SEARCHED + 3)->state, TRIAL_DONE);
    driver_release(&driver);
    plan.budget.wall_s = 109;
    start(&driver, &plan);
    driver.clock_s = 10;
    driver_begin(&driver);
    driver_run(&driver);
    assert_int_equal(campaign_trial(driver.campaign, SEARCHED + 3)->state, TRIAL_PENDING);
    driver_answer(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_true(has_warning(&answer, "confirm: the budget was used up before 1 of its trainings; "
                                     "raise it and run the same command again"));
    assert_non_null(strstr(answer.confirms[0].text, "twice of it is not trained"));
    wherever_the_journal_ends(&driver, &plan, 10);
    plan.budget.wall_s = 1000;
    start(&larger, &plan);
    driver_replay(&larger, driver.log, driver.count);
    assert_false(campaign_finished(larger.campaign));
    driver_run(&larger);
    assert_int_equal(campaign_trial_count(larger.campaign), SEARCHED + 3);
    driver_answer(&larger, &answer);
    assert_true(answer.confirms[0].loss[2] > 3);
    driver_release(&larger);
    driver_release(&driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_as_long_as_the_budget_allows),
        cmocka_unit_test(is_no_longer_than_the_text),
        cmocka_unit_test(a_budget_too_small),
        cmocka_unit_test(after_a_search_that_was_cut_short),
        cmocka_unit_test(search_trials_are_left_behind),
        cmocka_unit_test(the_last_search_trial_is_left_behind),
        cmocka_unit_test(time_is_over_within_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
