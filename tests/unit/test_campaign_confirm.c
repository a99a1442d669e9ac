/* The confirmation: what it trains and when, how long it is under a budget, what is said of it. */
#include "campaign_driver.h"
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The search finds 2e-3 in ten trials, which report 900 tokens each; the target has 100000. */
enum { SEARCHED = 10 };

static struct plan confirm_plan(void)
{
    struct plan plan = test_plan();
    plan.confirm.wanted = true;
    plan.confirm.seeds = 1;
    return plan;
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

static void trains_the_answer_and_its_neighbours(void **state)
{
    (void)state;
    struct plan plan = confirm_plan();
    struct driver driver;
    struct answer answer;
    plan.confirm.seeds = 2;
    start_run(&driver, &plan);
    assert_int_equal(campaign_trial_count(driver.campaign), SEARCHED + 6);
    for (uint32_t i = 0; i < 6; i++) {
        const struct trial *trial = campaign_trial(driver.campaign, SEARCHED + 1 + i);
        assert_int_equal(trial->purpose, PURPOSE_CONFIRM);
        assert_int_equal(trial->cell, 0);
        assert_int_equal(trial->replicate, i % 2);
        assert_true(trial->spec.lr == 1e-3 * (1 << i / 2));
        assert_int_equal(trial->spec.horizon_tokens, 100000);
        assert_int_equal(trial->spec.d_model, 128); /* the target's */
        assert_int_equal(trial->spec.seed, 70 + i % 2);
        assert_true(trial->spec.embedding_lr_ratio == 3);
        assert_string_equal(trial->spec.data_path, "/data");
        assert_int_equal(trial->spec.data_hash, UINT64_MAX - 5);
    }
    driver_answer(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_IDENTIFIED); /* ten trials: the search sees no more */
    assert_int_equal(answer.confirm_count, 1);
    const struct confirm_answer *confirm = &answer.confirms[0];
    assert_int_equal(confirm->tokens, 100000);
    assert_int_equal(confirm->d_model, 128);
    assert_int_equal(confirm->vocab, 1000);
    for (int k = 0; k < 3; k++) {
        assert_true(confirm->lr[k] == 1e-3 * (1 << k));
        assert_true(fabs(confirm->loss[k] - (k == 1 ? 3.005 : 4.005)) < 1e-9);
        assert_false(confirm->diverged[k]);
        assert_true(fabs(confirm->excess_predicted[k] - (k == 1 ? 0.1 : 1.1)) < 1e-12);
    }
    assert_string_equal(confirm->text,
                        "at 100k tokens 0.002 gives 3.0050 nats; half of it costs 1.0000, twice of "
                        "it costs 1.0000 (predicted: costs 1.0000): it is best");
    driver_release(&driver);
}

static void says_what_came_out(void **state)
{
    (void)state;
    static const struct {
        double octaves_off;
        const char *end;
        const char *warning; /* or none */
    } cases[] = {
        {0.3,
         "half of it costs 1.6000, twice of it costs 0.4000 (predicted: costs 1.0000): it is "
         "best",
         NULL},
        {0.6,
         "half of it costs 2.2000, twice of it gains 0.2000 (predicted: costs 1.0000): twice "
         "of it is better",
         NULL},
        {-1.2,
         "half of it gains 1.4000, twice of it costs 3.4000 (predicted: costs 1.0000): half "
         "of it is better",
         "confirm: at 100k tokens 0.001 is better than the predicted 0.002 by 1.4000 nats (noise "
         "0.0000): the optimum lies elsewhere than the search says"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct plan plan = confirm_plan();
        struct driver driver;
        struct answer answer;
        bool warned = false;
        start(&driver, &plan);
        driver.octaves_off = cases[i].octaves_off;
        driver_begin(&driver);
        driver_run(&driver);
        driver_answer(&driver, &answer);
        if (!strstr(answer.confirms[0].text, cases[i].end))
            fail_msg("%s", answer.confirms[0].text);
        for (size_t w = 0; w < answer.warning_count; w++) {
            if (strncmp(answer.warnings[w], "confirm:", 8) != 0)
                continue;
            warned = true;
            assert_non_null(cases[i].warning);
            assert_string_equal(answer.warnings[w], cases[i].warning);
        }
        assert_int_equal(warned, cases[i].warning != NULL);
        assert_int_equal(answer.status, ANSWER_IDENTIFIED); /* whatever came out */
        driver_release(&driver);
    }
}

/* Runs until the confirmation is planned; then its three trials end as told. */
static void confirm_by_hand(struct driver *driver, const enum outcome outcomes[3],
                            struct answer *answer)
{
    struct plan plan = confirm_plan();
    struct lr_error err = {0};
    start(driver, &plan);
    driver_begin(driver);
    while (campaign_trial_count(driver->campaign) < SEARCHED + 3)
        assert_int_equal(driver_step(driver, &err), 1);
    for (uint32_t k = 0; k < 3; k++) {
        struct event event = started_event(SEARCHED + 1 + k, 1);
        driver_must(driver, &event);
        event = ended_event(SEARCHED + 1 + k, 1, outcomes[k], 3 + k);
        event.as.ended.result.val_loss_se = 0.4;
        driver_must(driver, &event);
    }
    driver_run(driver);
    driver_answer(driver, answer);
}

static bool has_warning(const struct answer *answer, const char *text)
{
    for (size_t i = 0; i < answer->warning_count; i++)
        if (strcmp(answer->warnings[i], text) == 0)
            return true;
    return false;
}

static void not_every_training_gives_a_loss(void **state)
{
    (void)state;
    struct driver driver;
    struct answer answer;
    confirm_by_hand(&driver, (enum outcome[]){OUTCOME_DONE, OUTCOME_DONE, OUTCOME_DIVERGED},
                    &answer);
    assert_true(answer.confirms[0].diverged[2]);
    assert_true(isnan(answer.confirms[0].loss[2]));
    assert_string_equal(answer.confirms[0].text,
                        "at 100k tokens 0.002 gives 4.0000 nats; half of it gains 1.0000, twice of "
                        "it diverged (predicted: costs 1.0000): they differ by no more than the "
                        "noise, 1.1314");
    driver_release(&driver);
    confirm_by_hand(&driver, (enum outcome[]){OUTCOME_DONE, OUTCOME_DIVERGED, OUTCOME_DIVERGED},
                    &answer);
    assert_string_equal(answer.confirms[0].text, "at 100k tokens 0.002 itself diverged");
    assert_true(has_warning(&answer,
                            "confirm: at 100k tokens the learning rate 0.002 diverged, and "
                            "half of it did not"));
    driver_release(&driver);
    confirm_by_hand(&driver, (enum outcome[]){OUTCOME_REFUSED, OUTCOME_DONE, OUTCOME_REFUSED},
                    &answer);
    assert_string_equal(answer.confirms[0].text,
                        "at 100k tokens 0.002 gives 4.0000 nats; half of it is not known, twice of "
                        "it is not known (predicted: costs 1.0000): nothing to compare with");
    driver_release(&driver);
    confirm_by_hand(&driver, (enum outcome[]){OUTCOME_DONE, OUTCOME_REFUSED, OUTCOME_DONE},
                    &answer);
    assert_string_equal(answer.confirms[0].text, "at 100k tokens 0.002 itself is not known");
    driver_release(&driver);
}

static uint64_t confirmed_tokens(const struct driver *driver)
{
    size_t count = campaign_trial_count(driver->campaign);
    const struct trial *last = campaign_trial(driver->campaign, (uint32_t)count);
    return last->purpose == PURPOSE_CONFIRM ? last->spec.horizon_tokens : 0;
}

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

static void wherever_the_journal_ends(const struct driver *whole, const struct plan *plan,
                                      double clock_s)
{
    for (size_t until = 2; until < whole->count; until++) {
        struct driver part;
        start(&part, plan);
        part.clock_s = clock_s;
        driver_replay(&part, whole->log, until);
        driver_run(&part);
        assert_same_log(&part, whole);
        driver_release(&part);
    }
}

static void a_journal_replayed_goes_on_the_same(void **state)
{
    (void)state;
    struct plan plan = confirm_plan();
    struct driver whole;
    plan.budget.tokens = 9000 + 3 * 12600;
    plan.budget.reserve = 0.5;
    start_run(&whole, &plan);
    wherever_the_journal_ends(&whole, &plan, 0);
    driver_release(&whole);
    plan.search.policy = POLICY_DESIGN;
    plan.search.mode = MODE_ASYNC;
    start_run(&whole, &plan);
    assert_int_equal(confirmed_tokens(&whole), 12500);
    wherever_the_journal_ends(&whole, &plan, 0);
    driver_release(&whole);
}

/* A confirmation that is written in part keeps its length, whatever the budget is by now. */
static void a_torn_one_keeps_its_length(void **state)
{
    (void)state;
    struct plan plan = confirm_plan(), less = plan;
    struct driver driver, torn;
    struct lr_error err = {0};
    start(&driver, &plan);
    driver_begin(&driver);
    while (campaign_trial_count(driver.campaign) < SEARCHED + 1)
        assert_int_equal(driver_step(&driver, &err), 1);
    less.budget.tokens = 1000;
    start(&torn, &less);
    driver_replay(&torn, driver.log, driver.count);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(driver_step(&torn, &err), 1);
        assert_int_equal(torn.log[torn.count - 1].kind, EVENT_PLANNED);
        assert_int_equal(confirmed_tokens(&torn), 100000);
    }
    driver_release(&torn);
    /* by another version it had another LR */
    start(&torn, &plan);
    struct event *planned = &driver.log[driver.count - 1];
    planned->as.planned.spec.lr *= 1.25;
    driver_replay(&torn, driver.log, driver.count);
    assert_int_equal(driver_step(&torn, &err), LR_EDAMAGED);
    assert_non_null(strstr(err.text, "round 3 was written in part"));
    driver_release(&torn);
    driver_release(&driver);
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

static void each_parametrization_by_itself(void **state)
{
    (void)state;
    struct plan plan = confirm_plan();
    struct driver driver;
    struct answer answer;
    plan.axes.parametrization.count = 2;
    plan.axes.parametrization.values[0] = PARAM_LVP;
    plan.axes.parametrization.values[1] = PARAM_MUP;
    start_run(&driver, &plan);
    assert_int_equal(campaign_trial_count(driver.campaign), SEARCHED + 6);
    for (uint32_t i = 0; i < 6; i++) {
        const struct trial *trial = campaign_trial(driver.campaign, SEARCHED + 1 + i);
        assert_int_equal(trial->cell, i / 3);
        assert_int_equal(trial->spec.parametrization, i < 3 ? PARAM_LVP : PARAM_MUP);
    }
    driver_answer(&driver, &answer);
    assert_int_equal(answer.confirm_count, 2);
    assert_int_equal(answer.confirms[0].parametrization, PARAM_LVP);
    assert_int_equal(answer.confirms[1].parametrization, PARAM_MUP);
    driver_release(&driver);
}

static void damaged_journals(void **state)
{
    (void)state;
    struct plan plan = confirm_plan();
    struct driver driver;
    struct lr_error err = {0};
    start(&driver, &plan);
    driver_begin(&driver);
    while (campaign_trial_count(driver.campaign) < SEARCHED + 1)
        assert_int_equal(driver_step(&driver, &err), 1);
    struct event event = driver.log[driver.count - 1];
    event.as.planned.trial_id++;
    event.as.planned.spec.horizon_tokens = 100001;
    assert_int_equal(campaign_check(driver.campaign, &event, &err), LR_EDAMAGED);
    event.as.planned.spec.horizon_tokens = 4999;
    assert_int_equal(campaign_check(driver.campaign, &event, &err), LR_EDAMAGED);
    event.as.planned.spec.horizon_tokens = 5000;
    assert_int_equal(campaign_check(driver.campaign, &event, &err), 0);
    event.as.planned.purpose = PURPOSE_SEARCH;
    err.code = 0;
    assert_int_equal(campaign_check(driver.campaign, &event, &err), LR_EDAMAGED);
    assert_string_equal(err.text, "trial 12 is planned with purpose 0 in a round with purpose 1");
    driver_release(&driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trains_the_answer_and_its_neighbours),
        cmocka_unit_test(says_what_came_out),
        cmocka_unit_test(not_every_training_gives_a_loss),
        cmocka_unit_test(is_as_long_as_the_budget_allows),
        cmocka_unit_test(is_no_longer_than_the_text),
        cmocka_unit_test(a_journal_replayed_goes_on_the_same),
        cmocka_unit_test(a_torn_one_keeps_its_length),
        cmocka_unit_test(a_budget_too_small),
        cmocka_unit_test(after_a_search_that_was_cut_short),
        cmocka_unit_test(search_trials_are_left_behind),
        cmocka_unit_test(time_is_over_within_it),
        cmocka_unit_test(each_parametrization_by_itself),
        cmocka_unit_test(damaged_journals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
