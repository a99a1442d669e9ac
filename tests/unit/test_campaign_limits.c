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
    assert_string_equal(answer.warnings[1],
                        "1 trial failed after all retries and gave no loss; the last, "
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
                        "4, attempt 2: lost: no luck. Fix the cause, raise limits.max_failures "
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

/* ---- first attempts that fail alike ---- */

/* A session in which `limit` first attempts that fail alike end the campaign. */
static struct event first_session(uint32_t limit, uint32_t retries)
{
    struct event event = session_event(3);
    event.as.session.first_failures = limit;
    event.as.session.retries = retries;
    return event;
}

/* Begins a campaign and plans its first round. */
static void begin_first(struct driver *driver, const struct plan *plan, uint32_t limit,
                        uint32_t retries)
{
    driver_init(driver, plan);
    struct event event = opening_event();
    driver_must(driver, &event);
    event = first_session(limit, retries);
    driver_must(driver, &event);
    driver->fail_trial = 0;
    while (campaign_trial_count(driver->campaign) < 6)
        assert_int_equal(driver_step(driver, NULL), 1);
}

static void start_on(struct driver *driver, uint32_t id, uint32_t rank)
{
    struct event event = started_event(id, campaign_trial(driver->campaign, id)->attempt + 1);
    event.as.started.rank = rank;
    driver_must(driver, &event);
}

static void end_as(struct driver *driver, uint32_t id, enum outcome outcome, const char *message)
{
    struct event event = ended_event(id, campaign_trial(driver->campaign, id)->attempt, outcome, 3);
    snprintf(event.as.ended.result.message, sizeof(event.as.ended.result.message), "%s", message);
    driver_must(driver, &event);
}

static int next_of(struct driver *driver, struct lr_error *err)
{
    memset(err, 0, sizeof(*err));
    return campaign_next(driver->campaign, NULL, &driver->next, err);
}

/* With no retries each of them fails for good: the next start tries them again all the same. */
static void first_attempts_fail_alike(void **state)
{
    (void)state;
    for (uint32_t retries = 0; retries < 3; retries += 2) {
        struct plan plan = test_plan();
        struct driver driver, again;
        struct lr_error err;
        struct answer answer;
        plan.limits.max_failures = 5;
        begin_first(&driver, &plan, 3, retries);
        start_on(&driver, 1, 1);
        end_as(&driver, 1, OUTCOME_LOST, "rank 1 is gone"); /* shows nothing */
        start_on(&driver, 2, 2);
        start_on(&driver, 3, 3);
        end_as(&driver, 2, OUTCOME_FAILED, "exit status 1; its last line: 11:03 no GPU");
        end_as(&driver, 3, OUTCOME_FAILED, "exit status 12; it printed nothing");
        start_on(&driver, 4, 1);
        start_on(&driver, 5, 2);
        end_as(&driver, 5, OUTCOME_FAILED, "exit status 1; its last line: 11:04 no GPU");
        assert_int_equal(next_of(&driver, &err), 0); /* rank 1 may do better */
        start_on(&driver, 6, 3);
        end_as(&driver, 4, OUTCOME_FAILED, "exit status 1; its last line: 11:05 no GPU");
        assert_int_equal(next_of(&driver, &err), LR_EFAILURES); /* while trial 6 runs */
        assert_string_equal(err.text, "the first 4 attempts failed in the same way; the last: "
                                      "trial 4, attempt 1: failed: exit status 1; its last line: "
                                      "11:05 no GPU. Fix the cause and run the same command again "
                                      "to go on; if that changes the plan, with --fork NAME");
        driver_answer(&driver, &answer);
        assert_int_equal(answer.status, ANSWER_INTERRUPTED);
        assert_string_equal(answer.reason, "the first attempts failed in the same way; the last: "
                                           "trial 4, attempt 1: failed: exit status 1; its last "
                                           "line: 11:05 no GPU");
        driver_init(&again, &plan); /* a restart decides alike */
        driver_replay(&again, driver.log, driver.count);
        assert_int_equal(next_of(&again, &err), LR_EFAILURES);

        struct event event = first_session(3, retries);
        driver_must(&again, &event);
        campaign_abandon(again.campaign, 6, &event);
        driver_must(&again, &event);
        again.fail_trial = 0;
        driver_run(&again); /* mended: it goes on to the end, with none of them left out */
        for (uint32_t id = 1; id < 6; id++)
            assert_int_equal(campaign_trial(again.campaign, id)->state, TRIAL_DONE);
        driver_release(&again);
        driver_release(&driver);
    }
}

/* One that ended otherwise shows that the program works; and journals of before know no limit. */
static void first_attempts_that_end_no_campaign(void **state)
{
    static const struct {
        uint32_t limit;
        enum outcome first;
        const char *message;
    } cases[] = {{3, OUTCOME_DONE, ""},
                 {3, OUTCOME_DIVERGED, "nan"},
                 {3, OUTCOME_FAILED, "signal 9 (Killed) ended it; it printed nothing"},
                 {0, OUTCOME_FAILED, "exit status 1"}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct plan plan = test_plan();
        struct driver driver;
        struct lr_error err;
        plan.limits.max_failures = 9;
        begin_first(&driver, &plan, cases[i].limit, 2);
        start_on(&driver, 1, 1);
        end_as(&driver, 1, cases[i].first, cases[i].message);
        for (uint32_t id = 2; id < 6; id++) {
            start_on(&driver, id, 1);
            end_as(&driver, id, OUTCOME_FAILED, "exit status 1; it printed nothing");
        }
        assert_int_equal(next_of(&driver, &err), 0);
        uint32_t failures = campaign_trial(driver.campaign, 2)->failures;
        struct event event = first_session(3, 2);
        driver_must(&driver, &event);
        assert_int_equal(campaign_trial(driver.campaign, 2)->failures, failures);
        assert_int_equal(next_of(&driver, &err), 0);
        driver_release(&driver);
    }
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
    assert_string_equal(answer.warnings[1],
                        "1 trial failed after all retries and gave no loss; the last, "
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
        cmocka_unit_test(failed_for_good),
        cmocka_unit_test(too_many_failures),
        cmocka_unit_test(first_attempts_fail_alike),
        cmocka_unit_test(first_attempts_that_end_no_campaign),
        cmocka_unit_test(refused_for_good),
        cmocka_unit_test(no_loss_is_divergence),
        cmocka_unit_test(bad_policies),
        cmocka_unit_test(part_of_a_round_by_another_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
