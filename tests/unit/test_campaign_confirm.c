/* The confirmation: what it trains and when, and what is said of it. */
#include "cmocka_all.h"
#include "confirm_case.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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
        /* the answer's own .1, and .1 octaves squared for one octave of width by rule */
        assert_true(fabs(confirm->excess_predicted[k] - (k == 1 ? 0.11 : 1.11)) < 1e-9);
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
        cmocka_unit_test(a_journal_replayed_goes_on_the_same),
        cmocka_unit_test(a_torn_one_keeps_its_length),
        cmocka_unit_test(each_parametrization_by_itself),
        cmocka_unit_test(damaged_journals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
