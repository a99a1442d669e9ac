/* Budgets: a round is cut to what fits, time that runs out leaves trials behind, and a larger
 * budget goes on from there. */
#include "campaign_driver.h"
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Round 1: six trials of 1200 tokens, which report 900. Round 2 asks for 1200, 2100, 5100 and 2100,
 * in this order. */
static const double asked[] = {1200, 2100, 5100, 2100};
enum { TOKENS, FLOPS, TRIALS, CORE_HOURS, WALL, SHARE, KINDS };

static void set_budget(struct plan *plan, int kind, double value)
{
    plan->budget.tokens = kind == TOKENS ? (uint64_t)value : 0;
    plan->budget.flops = kind == FLOPS ? value : 0;
    plan->budget.trials = kind == TRIALS ? (uint64_t)value : 0;
    plan->budget.core_hours = kind == CORE_HOURS ? value : 0;
    plan->budget.wall_s = kind == WALL ? value : 0;
    plan->budget.share_of_target = kind == SHARE ? value : 0;
}

/* What the first round costs and `count` trials of the second. By the fastest of the first: trial 1
 * took .1 s for 900e6 FLOPs. */
static double price(const struct plan *plan, int kind, size_t count)
{
    struct trial_spec spec = plan_trial(plan);
    double tokens = 0, longest = 0, each = trial_flops_per_token(&spec);
    double pace = 0.1 / 900e6;
    for (size_t i = 0; i < count; i++) {
        tokens += asked[i];
        longest = fmax(longest, asked[i]);
    }
    switch (kind) {
    case TOKENS:
        return 6 * 900 + tokens;
    case FLOPS:
        return 6 * 900e6 + tokens * each;
    case TRIALS:
        return 6 + (double)count;
    case CORE_HOURS:
        return (0.1 * (1 + 2 + 3 + 4 + 5 + 6) + pace * tokens * each) / 3600;
    case SHARE:
        return plan_target_runs(plan, 0, price(plan, FLOPS, count));
    default:
        return pace * each * fmax(longest, tokens / 2);
    }
}

static void start(struct driver *driver, const struct plan *plan)
{
    driver_init(driver, plan);
    driver->fail_times = 0;
}

static void start_run(struct driver *driver, const struct plan *plan)
{
    start(driver, plan);
    driver_begin(driver);
    driver_run(driver);
}

/* Trials of round 2. */
static size_t second_round(const struct driver *driver)
{
    size_t count = 0;
    for (uint32_t id = 1; id <= campaign_trial_count(driver->campaign); id++)
        count += campaign_trial(driver->campaign, id)->round == 2;
    return count;
}

/* The journal of the first round, which no budget cut. */
static void first_round(struct driver *driver)
{
    struct plan plan = test_plan();
    struct lr_error err = {0};
    start(driver, &plan);
    driver_begin(driver);
    while (driver->log[driver->count - 1].kind != EVENT_ENDED ||
           driver->log[driver->count - 1].as.ended.trial_id < 6)
        assert_int_equal(driver_step(driver, &err), 1);
}

static void a_round_is_cut_to_what_fits(void **state)
{
    (void)state;
    struct driver before;
    first_round(&before);
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t fits = 0; fits <= 4; fits++) {
            struct plan plan = test_plan();
            struct driver driver;
            /* time must not be used up to the last bit */
            double little = kind == TRIALS || kind == TOKENS ? 0 : 1e-9 * price(&plan, kind, fits);
            set_budget(&plan, kind, price(&plan, kind, fits) + little);
            if (kind == WALL && fits == 0)
                plan.budget.wall_s = 0.999 * price(&plan, kind, 1);
            start(&driver, &plan);
            driver_replay(&driver, before.log, before.count);
            driver_run(&driver);
            assert_int_equal(second_round(&driver), fits);
            assert_int_equal(driver.log[driver.count - 1].kind, EVENT_FINISHED);
            driver_release(&driver);
        }
    driver_release(&before);
}

/* The first of those that the policy asks for, in the order of planning: longest first. */
static void what_is_asked_first_is_trained(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver driver;
    set_budget(&plan, TRIALS, 8);
    start_run(&driver, &plan);
    assert_int_equal(campaign_trial_count(driver.campaign), 8);
    assert_int_equal(campaign_trial(driver.campaign, 7)->spec.horizon_tokens, 2000);
    assert_int_equal(campaign_trial(driver.campaign, 8)->spec.horizon_tokens, 1000);
    driver_release(&driver);
}

static void says_what_is_too_small(void **state)
{
    (void)state;
    static const char *const reasons[KINDS] = {
        "budget.tokens is too small for another trial: 7200 of 8700 tokens are used; raise it and "
        "run the same command again to go on",
        "budget.flops is too small for another trial: 7.2e+09 of 9.12e+09 FLOPs are used",
        "budget.trials is too small for another trial: 8 of 8 trials are used; raise it and run "
        "the same command again to go on",
        "budget.core_hours is too small for another trial: 0.001 of 0.00",
        "budget.wall is too small for another trial: 0 of 0 s are used; raise it and run the same "
        "command again to go on",
        "budget.share_of_target is too small for another trial: 0.021 of 0.0266 target runs are "
        "used",
    };
    for (int kind = 0; kind < KINDS; kind++) {
        struct plan plan = test_plan();
        struct driver driver, again, larger;
        struct answer answer;
        set_budget(&plan, kind, price(&plan, kind, 2));
        if (kind == FLOPS || kind == CORE_HOURS || kind == SHARE)
            set_budget(&plan, kind, price(&plan, kind, 2) * 1.0001);
        if (kind == WALL) /* 2100 tokens are too long */
            set_budget(&plan, kind, price(&plan, kind, 1) * 1.0001);
        start_run(&driver, &plan);
        driver_answer(&driver, &answer);
        assert_int_equal(answer.status, ANSWER_BUDGET_EXHAUSTED);
        if (strncmp(answer.reason, reasons[kind], strlen(reasons[kind])) != 0)
            fail_msg("%s", answer.reason);
        assert_true(answer.target.lr > 0); /* the best so far */
        size_t trials = campaign_trial_count(driver.campaign);

        /* The same budget again: open for the session, then finished as before. */
        start(&again, &plan);
        driver_replay(&again, driver.log, driver.count);
        assert_true(campaign_finished(again.campaign));
        struct event event = session_event(3);
        driver_must(&again, &event);
        assert_false(campaign_finished(again.campaign));
        driver_run(&again);
        assert_int_equal(campaign_trial_count(again.campaign), trials);
        driver_answer(&again, &answer);
        assert_int_equal(answer.status, ANSWER_BUDGET_EXHAUSTED);

        /* A larger one: it goes on. */
        set_budget(&plan, kind, 1e15);
        start(&larger, &plan);
        driver_replay(&larger, again.log, again.count);
        assert_false(campaign_finished(larger.campaign));
        driver_run(&larger);
        driver_answer(&larger, &answer);
        assert_int_equal(answer.status, ANSWER_IDENTIFIED);
        assert_int_equal(campaign_trial_count(larger.campaign), 10);
        driver_release(&larger);
        driver_release(&again);
        driver_release(&driver);
    }
}

/* An attempt that was lost was paid for: here 600 tokens of trial 4, and 900 of its failure. */
static void lost_attempts_count(void **state)
{
    (void)state;
    for (int enough = 0; enough < 2; enough++) {
        struct plan plan = test_plan();
        struct driver driver;
        set_budget(&plan, TOKENS, 7 * 900 + 600 + 1200 - !enough);
        driver_init(&driver, &plan);
        driver_begin(&driver);
        driver_run(&driver);
        assert_int_equal(second_round(&driver), enough);
        driver_release(&driver);
    }
}

static size_t in_state(const struct driver *driver, enum trial_state state)
{
    size_t count = 0;
    for (uint32_t id = 1; id <= campaign_trial_count(driver->campaign); id++)
        count += campaign_trial(driver->campaign, id)->state == state;
    return count;
}

/* Nothing is known about the pace before the first trial ends, so the whole round is planned. */
static void plan_that_runs_out_of_time(struct plan *plan, int kind)
{
    *plan = test_plan();
    if (kind == WALL)
        set_budget(plan, WALL, 25); /* ten seconds an attempt: used up after three */
    else
        set_budget(plan, CORE_HOURS, 0.25 / 3600); /* .1 + .2 s: used up after two */
}

static void time_runs_out_in_a_round(void **state)
{
    (void)state;
    static const char *const reasons[] = {
        "budget.wall is too small for the 2 trials that are left: 40 of 25 s are used; raise it "
        "and run the same command again to go on",
        "budget.core_hours is too small for the 3 trials that are left: 0.000167 of 6.94e-05 "
        "core-hours are used; raise it and run the same command again to go on"};
    for (int kind = CORE_HOURS; kind <= WALL; kind++) {
        struct plan plan;
        struct driver whole, larger;
        struct answer answer;
        plan_that_runs_out_of_time(&plan, kind);
        start(&whole, &plan);
        whole.clock_s = 10;
        driver_begin(&whole);
        driver_run(&whole);
        /* what ran then ended: two at a time */
        size_t left = kind == WALL ? 2 : 3;
        assert_int_equal(in_state(&whole, TRIAL_PENDING), left);
        assert_int_equal(in_state(&whole, TRIAL_DONE), 6 - left);
        driver_answer(&whole, &answer);
        assert_int_equal(answer.status, ANSWER_BUDGET_EXHAUSTED);
        assert_string_equal(answer.reason, reasons[kind == CORE_HOURS]);
        assert_int_equal(answer.cost.trials, 6 - left);

        /* Wherever the journal ends, the same follows. */
        for (size_t until = 2; until < whole.count; until++) {
            struct driver part;
            start(&part, &plan);
            part.clock_s = 10;
            driver_replay(&part, whole.log, until);
            driver_run(&part);
            assert_same_log(&part, &whole);
            driver_release(&part);
        }

        /* More time: those that were left behind are trained, and the search goes on. */
        set_budget(&plan, kind, 1e9);
        start(&larger, &plan);
        driver_replay(&larger, whole.log, whole.count);
        assert_false(campaign_finished(larger.campaign));
        driver_run(&larger);
        driver_answer(&larger, &answer);
        assert_int_equal(answer.status, ANSWER_IDENTIFIED);
        assert_int_equal(campaign_trial_count(larger.campaign), 10);
        driver_release(&larger);
        driver_release(&whole);
    }
}

static void no_trial_begins_when_the_time_is_over(void **state)
{
    (void)state;
    struct plan plan;
    struct driver driver;
    struct lr_error err = {0};
    plan_that_runs_out_of_time(&plan, WALL);
    start(&driver, &plan);
    driver_begin(&driver);
    while (campaign_trial_count(driver.campaign) < 6)
        assert_int_equal(driver_step(&driver, &err), 1);
    assert_true(campaign_may_start(driver.campaign, 1));
    assert_false(campaign_may_start(driver.campaign, 7));
    struct event event = {.kind = EVENT_CLOCK, .as.clock.wall_s = 25};
    driver_must(&driver, &event);
    assert_false(campaign_may_start(driver.campaign, 1));
    driver_release(&driver);
}

/* A round that was cut and then torn is completed as it was cut, whatever the clock says now. */
static void a_cut_round_is_completed(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver whole;
    set_budget(&plan, TOKENS, price(&plan, TOKENS, 3));
    start_run(&whole, &plan);
    assert_int_equal(second_round(&whole), 3);
    for (size_t until = 2; until < whole.count; until++) {
        struct driver part;
        struct plan other = plan;
        start(&part, &plan);
        driver_replay(&part, whole.log, until);
        driver_run(&part);
        assert_same_log(&part, &whole);
        driver_release(&part);
        if (whole.log[until - 1].kind != EVENT_PLANNED && whole.log[until - 1].kind != EVENT_ROUND)
            continue;
        other.budget.tokens = 1; /* less now than was allowed then */
        start(&part, &other);
        driver_replay(&part, whole.log, until);
        struct lr_error err = {0};
        while (driver_step(&part, &err) > 0 && part.log[part.count - 1].kind == EVENT_PLANNED)
            ;
        for (size_t i = 0; i + 1 < part.count; i++)
            assert_int_equal(part.log[i].kind, whole.log[i].kind);
        assert_int_equal(err.code, 0);
        driver_release(&part);
    }
    driver_release(&whole);
}

/* `async` asks for as many as workers are free, and takes fewer. */
static void async_is_cut_too(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver whole;
    struct answer answer;
    plan.search.policy = POLICY_DESIGN;
    plan.search.mode = MODE_ASYNC;
    for (uint64_t trials = 1; trials < 10; trials++) {
        set_budget(&plan, TRIALS, (double)trials);
        start_run(&whole, &plan);
        assert_int_equal(campaign_trial_count(whole.campaign), trials);
        driver_answer(&whole, &answer);
        assert_int_equal(answer.status, ANSWER_BUDGET_EXHAUSTED);
        for (size_t until = 2; until < whole.count; until++) {
            struct driver part;
            start(&part, &plan);
            driver_replay(&part, whole.log, until);
            driver_run(&part);
            assert_same_log(&part, &whole);
            driver_release(&part);
        }
        driver_release(&whole);
    }
    set_budget(&plan, WALL, 35); /* the clock stops it after four */
    start(&whole, &plan);
    whole.clock_s = 10;
    driver_begin(&whole);
    driver_run(&whole);
    assert_int_equal(campaign_trial_count(whole.campaign), plan.search.round_trials);
    size_t over = campaign_trial_count(whole.campaign) - campaign_open_trials(whole.campaign);
    assert_in_range(over, 4, 6);
    assert_int_equal(in_state(&whole, TRIAL_RUNNING), 0);
    driver_release(&whole);
}

static void the_time_is_over_at_the_start(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver driver;
    struct answer answer;
    struct event clock = {.kind = EVENT_CLOCK, .as.clock.wall_s = 25};
    set_budget(&plan, WALL, 50);
    start(&driver, &plan);
    driver_begin(&driver);
    driver_must(&driver, &clock);
    driver_must(&driver, &clock); /* increments, over all sessions */
    driver_run(&driver);
    assert_int_equal(campaign_trial_count(driver.campaign), 0);
    driver_answer(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_BUDGET_EXHAUSTED);
    driver_must(&driver, &clock); /* the driver's last word */
    driver_release(&driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_is_cut_to_what_fits),
        cmocka_unit_test(what_is_asked_first_is_trained),
        cmocka_unit_test(says_what_is_too_small),
        cmocka_unit_test(lost_attempts_count),
        cmocka_unit_test(time_runs_out_in_a_round),
        cmocka_unit_test(no_trial_begins_when_the_time_is_over),
        cmocka_unit_test(a_cut_round_is_completed),
        cmocka_unit_test(async_is_cut_too),
        cmocka_unit_test(the_time_is_over_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
