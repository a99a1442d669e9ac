/* Journals that cannot be: each event in a place where it makes no sense, and what is said of
 * it. */
#include "campaign_driver.h"
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"

static void refuse(struct driver *driver, struct event event, const char *text)
{
    struct lr_error err = {0};
    assert_int_equal(campaign_check(driver->campaign, &event, &err), LR_EDAMAGED);
    if (strcmp(err.text, text) != 0)
        fail_msg("'%s' instead of '%s'", err.text, text);
    err.code = 0;
    assert_int_equal(campaign_apply(driver->campaign, &event, &err), LR_EDAMAGED);
    assert_string_equal(err.text, text);
}

static struct event round_event(uint32_t round, uint32_t trials)
{
    struct event event = {.kind = EVENT_ROUND};
    event.as.round.round = round;
    event.as.round.trials = trials;
    return event;
}

static struct event planned(uint32_t id, uint32_t round, uint64_t tokens, double lr)
{
    struct event event = {.kind = EVENT_PLANNED};
    event.as.planned.trial_id = id;
    event.as.planned.round = round;
    event.as.planned.spec.horizon_tokens = tokens;
    event.as.planned.spec.lr = lr;
    event.as.planned.spec.batch_tokens = 300;
    return event;
}

static struct event finished_event(const char *status)
{
    struct event event = {.kind = EVENT_FINISHED};
    snprintf(event.as.finished.status, sizeof(event.as.finished.status), "%s", status);
    return event;
}

static void damaged_journals(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver driver;
    struct event event;
    driver_init(&driver, &plan);
    refuse(&driver, session_event(2),
           "the journal begins with a session event, not with a campaign event");
    refuse(&driver, (struct event){.kind = EVENT_CAMPAIGN}, "the campaign event has no name");
    event = opening_event();
    driver_must(&driver, &event);
    refuse(&driver, opening_event(), "a second campaign event, 'test', in the journal of 'test'");
    refuse(&driver, session_event(0), "a session of 0 ranks");
    refuse(&driver, round_event(2, 3), "round 2 follows round 0");
    refuse(&driver, round_event(1, 0), "round 1 has 0 trials; 1 to 1024 are possible");
    refuse(&driver, round_event(1, 1025), "round 1 has 1025 trials; 1 to 1024 are possible");
    refuse(&driver, planned(1, 1, 1000, 1e-3), "trial 1 is planned for round 1 in round 0");
    refuse(&driver, planned(1, 0, 1000, 1e-3),
           "trial 1 is planned, but round 0 has its 0 trials already");
    event = round_event(1, 2);
    driver_must(&driver, &event);
    refuse(&driver, planned(2, 1, 1000, 1e-3), "trial 2 is planned, but the next is trial 1");
    refuse(&driver, planned(1, 1, 1000, NAN), "trial 1 is planned with the learning rate nan");
    refuse(&driver, planned(1, 1, 1000, 0), "trial 1 is planned with the learning rate 0");
    refuse(&driver, planned(1, 1, 999, 1e-3),
           "trial 1 is planned for 999 tokens, which is none of the plan's search.horizons");
    event = planned(1, 1, 1000, 1e-3);
    event.as.planned.spec.batch_tokens = 0;
    refuse(&driver, event, "trial 1 is planned with batches of 0 tokens");
    event = planned(1, 1, 1000, 1e-3);
    event.as.planned.wsd_prefix_tokens = 1000;
    refuse(&driver, event, "trial 1 is planned to go on after its end");
    event = planned(1, 1, 1000, 1e-3);
    driver_must(&driver, &event);
    refuse(&driver, round_event(2, 1),
           "round 2 begins, but only 1 of the 2 trials of round 1 were planned");
    refuse(&driver, started_event(1, 1),
           "trial 1 starts, but only 1 of the 2 trials of round 1 were planned");
    refuse(&driver, finished_event("identified"),
           "finished, but only 1 of the 2 trials of round 1 were planned");
    event = planned(2, 1, 2000, 1e-3);
    driver_must(&driver, &event);
    refuse(&driver, planned(3, 1, 1000, 1e-3),
           "trial 3 is planned, but round 1 has its 2 trials already");
    refuse(&driver, started_event(3, 1), "start of trial 3, which was never planned");
    refuse(&driver, started_event(0, 1), "start of trial 0, which was never planned");
    refuse(&driver, started_event(1, 2), "trial 1: attempt 2 starts after attempt 0");
    refuse(&driver, ended_event(1, 1, OUTCOME_DONE, 3),
           "result of trial 1, attempt 1, but the trial is pending");
    refuse(&driver, round_event(2, 1), "round 2 begins, but trial 1 is pending");
    event = started_event(1, 1);
    driver_must(&driver, &event);
    refuse(&driver, started_event(1, 2), "trial 1 starts, but it is running");
    refuse(&driver, ended_event(1, 2, OUTCOME_DONE, 3),
           "result of trial 1, attempt 2, but attempt 1 is running");
    refuse(&driver, ended_event(1, 1, (enum outcome)6, 3),
           "result of trial 1, attempt 1: outcome 6 is unknown");
    refuse(&driver, curve_event(7, 1, 5), "curve point of trial 7, which was never planned");
    refuse(&driver, curve_event(1, 3, 5),
           "curve point of trial 1, attempt 3, but attempt 1 is running");
    refuse(&driver, finished_event("identified"), "finished, but trial 1 is running");
    refuse(&driver, finished_event("interrupted"),
           "finished with the unknown status 'interrupted'");
    event = ended_event(1, 1, OUTCOME_DONE, 3);
    driver_must(&driver, &event);
    refuse(&driver, ended_event(1, 1, OUTCOME_DONE, 3),
           "result of trial 1, attempt 1, but the trial is done");
    refuse(&driver, started_event(1, 2), "trial 1 starts, but it is done");
    refuse(&driver, curve_event(1, 1, 5),
           "curve point of trial 1, attempt 1, but the trial is done");
    event = (struct event){.kind = EVENT_CLOCK, .as.clock.wall_s = -1};
    refuse(&driver, event, "the clock went on by -1 s");
    event.as.clock.wall_s = NAN;
    refuse(&driver, event, "the clock went on by nan s");
    refuse(&driver, (struct event){.kind = EVENT_KINDS}, "an event of the unknown kind 13");
    event = started_event(2, 1);
    driver_must(&driver, &event);
    event = ended_event(2, 1, OUTCOME_CANCELED, 3); /* no failure, no result */
    driver_must(&driver, &event);
    assert_int_equal(campaign_trial(driver.campaign, 2)->state, TRIAL_PENDING);
    assert_int_equal(campaign_trial(driver.campaign, 2)->failures, 0);
    event = started_event(2, 2);
    driver_must(&driver, &event);
    event = ended_event(2, 2, OUTCOME_DIVERGED, 3);
    driver_must(&driver, &event);
    event = finished_event("identified");
    driver_must(&driver, &event);
    refuse(&driver, finished_event("identified"),
           "a finished event after the campaign was finished");
    refuse(&driver, round_event(2, 1), "a round event after the campaign was finished");
    event = session_event(1);
    driver_must(&driver, &event);
    assert_true(campaign_finished(driver.campaign));
    driver_release(&driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_journals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
