/* What ends a campaign early, or goes wrong in it: failures, policies that misbehave. */
#include "campaign_driver.h"
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"

static void failed_for_good(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver driver;
    struct answer answer;
    plan.limits.max_failures = 3;
    driver_init(&driver, &plan);
    driver.fail_times = 3;
    driver_begin(&driver);
    driver_run(&driver);
    assert_int_equal(campaign_trial(driver.campaign, 4)->state, TRIAL_FAILED);
    driver_answer(&driver, &answer);
    assert_true(answer.law.beta == 1); /* OBSERVED_NOTHING */
    assert_int_equal(answer.warning_count, 2);
    assert_string_equal(answer.warnings[1], "1 trial failed for good and tells nothing; the last, "
                                            "trial 4: no luck");

    /* The same journal under other retries stays right: what is decided stays decided. */
    for (uint32_t retries = 0; retries < 6; retries++) {
        struct driver again;
        plan.on_fail.retries = retries;
        driver_init(&again, &plan);
        driver_replay(&again, driver.log, driver.count);
        assert_int_equal(campaign_trial(again.campaign, 4)->state, TRIAL_FAILED);
        assert_true(campaign_finished(again.campaign));
        driver_release(&again);
    }
    driver_release(&driver);
}

static void too_many_failures(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver driver, again;
    struct answer answer;
    struct lr_error err = {0};
    int rc;
    plan.limits.max_failures = 1;
    driver_init(&driver, &plan);
    driver_begin(&driver);
    while ((rc = driver_step(&driver, &err)) > 0)
        ;
    assert_int_equal(rc, LR_EFAILURES);
    assert_string_equal(err.text,
                        "2 attempts failed or were lost, limits.max_failures is 1; the last: trial "
                        "4, attempt 2: lost: no luck. Mend the cause, raise limits.max_failures "
                        "and run the same command again to go on");
    driver_answer(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_INTERRUPTED);
    assert_string_equal(answer.reason, "too many failed trials; the last: trial 4, attempt 2: "
                                       "lost: no luck");
    plan.limits.max_failures = 2; /* as it says */
    driver_init(&again, &plan);
    driver_replay(&again, driver.log, driver.count);
    driver_run(&again);
    driver_release(&again);
    driver_release(&driver);
}

/* A refusal is final at once and no failure. */
static void refused_for_good(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver driver;
    struct answer answer;
    plan.limits.max_failures = 0;
    driver_init(&driver, &plan);
    driver.fail_times = 0;
    driver_begin(&driver);
    while (!campaign_trial(driver.campaign, 1) ||
           campaign_trial(driver.campaign, 1)->state != TRIAL_RUNNING)
        driver_step(&driver, NULL);
    struct event event = ended_event(1, 1, OUTCOME_REFUSED, 0);
    driver_must(&driver, &event);
    assert_int_equal(campaign_trial(driver.campaign, 1)->state, TRIAL_FAILED);
    driver_run(&driver);
    assert_int_equal(campaign_trial(driver.campaign, 1)->attempt, 1);
    driver_answer(&driver, &answer);
    assert_string_equal(answer.warnings[1], "1 trial failed for good and tells nothing; the last, "
                                            "trial 1: no luck");
    driver_release(&driver);
}

static void no_loss_is_divergence(void **state)
{
    (void)state;
    static const double losses[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        struct plan plan = test_plan();
        struct driver driver;
        driver_init(&driver, &plan);
        driver_begin(&driver);
        struct lr_error err = {0};
        while (campaign_trial_count(driver.campaign) < 6)
            assert_int_equal(driver_step(&driver, &err), 1);
        struct event event = started_event(1, 1);
        driver_must(&driver, &event);
        event = ended_event(1, 1, OUTCOME_DONE, losses[i]);
        driver_must(&driver, &event);
        const struct trial *trial = campaign_trial(driver.campaign, 1);
        assert_int_equal(trial->state, TRIAL_DIVERGED);
        assert_int_equal(trial->result.outcome, OUTCOME_DIVERGED);
        assert_true(isnan(trial->result.val_loss));
        assert_string_equal(trial->result.message, "the validation loss is not finite");
        driver_release(&driver);
    }
}

static void bad_policies(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "search.policy grid asks twice for learning rate 0.001", /* and so on: 17 digits */
        "search.policy grid: cannot plan round 2: out of memory",
        "search.policy grid asks wrongly for learning rate nan at "};
    for (int mode = 1; mode <= 3; mode++) {
        struct plan plan = test_plan();
        struct driver driver;
        struct lr_error err = {0};
        int rc;
        driver_init(&driver, &plan);
        driver_begin(&driver);
        do {
            fake_policy_mode = campaign_trial_count(driver.campaign) == 6 ? mode : 0;
            rc = driver_step(&driver, &err);
        } while (rc > 0);
        fake_policy_mode = 0;
        assert_int_equal(rc, mode == 2 ? LR_ENOMEM : LR_EINTERNAL);
        if (strncmp(err.text, texts[mode], strlen(texts[mode])) != 0)
            fail_msg("%s", err.text);
        driver_release(&driver);
    }
}

static void part_of_a_round_by_another_version(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver driver;
    struct lr_error err = {0};
    driver_init(&driver, &plan);
    driver_begin(&driver);
    assert_int_equal(campaign_next(driver.campaign, NULL, &driver.next, &err), 0);
    assert_int_equal(driver.next.count, 7);
    driver_must(&driver, &driver.next.events[0]);
    struct event other = driver.next.events[1];
    other.as.planned.spec.lr *= 1.25;
    driver_must(&driver, &other);
    assert_int_equal(campaign_next(driver.campaign, NULL, &driver.next, &err), LR_EDAMAGED);
    assert_int_equal(driver.next.count, 0);
    assert_non_null(strstr(err.text, "round 1 was written in part"));
    assert_non_null(strstr(err.text, "begun by lrsearch 0.1.0"));
    driver_release(&driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_for_good),  cmocka_unit_test(too_many_failures),
        cmocka_unit_test(refused_for_good), cmocka_unit_test(no_loss_is_divergence),
        cmocka_unit_test(bad_policies),     cmocka_unit_test(part_of_a_round_by_another_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
