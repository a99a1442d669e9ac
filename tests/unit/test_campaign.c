/* The campaign alone: rounds, the answer, and a replay that goes on where the first run stopped. */
#include "campaign_driver.h"
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"

static void rounds_and_answer(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver driver;
    struct answer answer;
    driver_init(&driver, &plan);
    assert_int_equal(campaign_round(driver.campaign), 0);
    assert_string_equal(campaign_opening(driver.campaign)->name, "");
    driver_begin(&driver);
    assert_string_equal(campaign_opening(driver.campaign)->name, "test");
    uint64_t trials, tokens;
    campaign_remaining(driver.campaign, &trials, &tokens);
    assert_int_equal(trials, 7 + 2 + 2);
    assert_int_equal(tokens, 7 * 1000 + 2 * 2000 + 2 * 5000);
    driver_run(&driver);
    campaign_remaining(driver.campaign, &trials, &tokens);
    assert_int_equal(trials, 0);

    static const struct {
        uint64_t tokens;
        double lr;
        uint32_t replicate, round;
    } expected[] = {{1000, 1e-3, 0, 1}, {1000, 1e-3, 1, 1}, {1000, 2e-3, 0, 1}, {1000, 2e-3, 1, 1},
                    {1000, 4e-3, 0, 1}, {1000, 4e-3, 1, 1}, {5000, 2e-3, 0, 2}, {2000, 1e-3, 0, 2},
                    {2000, 2e-3, 0, 2}, {1000, 3e-3, 0, 2}}; /* longest first, then by LR */
    assert_int_equal(campaign_trial_count(driver.campaign), 10);
    assert_null(campaign_trial(driver.campaign, 0));
    assert_null(campaign_trial(driver.campaign, 11));
    for (uint32_t i = 0; i < 10; i++) {
        const struct trial *trial = campaign_trial(driver.campaign, i + 1);
        assert_int_equal(trial->id, i + 1);
        assert_int_equal(trial->round, expected[i].round);
        assert_int_equal(trial->spec.horizon_tokens, expected[i].tokens);
        assert_true(trial->spec.lr == expected[i].lr);
        assert_int_equal(trial->replicate, expected[i].replicate);
        assert_int_equal(trial->spec.seed, 70 + expected[i].replicate);
        assert_true(trial->spec.data_hash == UINT64_MAX - 5);
        assert_int_equal(trial->state, i == 5 ? TRIAL_DIVERGED : TRIAL_DONE);
    }
    assert_int_equal(campaign_trial(driver.campaign, 4)->attempt, 3);
    assert_int_equal(campaign_trial(driver.campaign, 4)->failures, 2);

    driver_answer(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_string_equal(answer.reason, "");
    assert_int_equal(answer.target.width, 128);
    assert_int_equal(answer.target.vocab, 1000);
    assert_true(answer.target.embedding_lr == 3 * 2e-3 / 2); /* lvp: m = 128 / 32 = 4 */
    assert_int_equal(answer.cost.trials, 10);
    assert_int_equal(answer.cost.tokens, 10 * 900);
    assert_int_equal(answer.cost.lost_attempts, 2);
    /* the lost one is charged by its loss curve: 600 tokens */
    assert_int_equal(answer.cost.lost_tokens, 900 + 600);
    assert_int_equal(answer.cost.reused_tokens, 0);
    struct trial_spec spec = plan_trial(&plan);
    double flops = 10 * 900 * trial_flops_per_token(&spec);
    assert_true(fabs(answer.cost.flops - flops) < 1);
    assert_true(trial_set_width(&spec, 128, false));
    assert_true(fabs(answer.cost.target_run_fraction -
                     flops / (100000 * trial_flops_per_token(&spec))) < 1e-12);
    assert_true(fabs(answer.cost.core_seconds - .1 * (55 + 4 + 4)) < 1e-9);
    assert_int_equal(answer.warning_count, 1); /* 5000 tokens for such a model */
    assert_non_null(strstr(answer.warnings[0], "the longest horizon has 0.021 tokens a parameter"));
    driver_release(&driver);
}

/* Warnings that follow from the plan alone. */
static void a_large_batch_and_a_long_warmup_are_told(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver driver;
    struct answer answer;
    plan.training.batch_tokens = 300;
    plan.training.warmup_steps = 1;
    for (int i = 0; i < 2; i++) {
        driver_init(&driver, &plan);
        driver_begin(&driver);
        driver_run(&driver);
        driver_answer(&driver, &answer);
        assert_int_equal(answer.warning_count, i == 0 ? 3 : 1);
        driver_release(&driver);
        if (i == 0) {
            assert_non_null(strstr(answer.warnings[0],
                                   "training.batch_tokens, 300, is 4.0 times what is best for the "
                                   "longest horizon (Step Law: 75)"));
            assert_non_null(strstr(answer.warnings[1],
                                   "the warm-up takes 30 % of the shortest horizon and less of the "
                                   "others (training.warmup is a share of each)"));
        }
        plan.training.batch_tokens = 100;
        plan.training.warmup_steps = 2;
    }
}

/* Library products on two kinds of CPU; the order in which these came does not show. */
static void cpus_are_told_where_a_library_multiplies(void **state)
{
    (void)state;
    static const char *const cpus[][3] = {
        {"EPYC, OpenBLAS 0.3.21 Zen", "Xeon, OpenBLAS 0.3.21 SkylakeX", ""},
        {"Xeon, OpenBLAS 0.3.21 SkylakeX", "EPYC, OpenBLAS 0.3.21 Zen", ""},
        {"EPYC, OpenBLAS 0.3.21 Zen", "", "EPYC, OpenBLAS 0.3.21 Zen"}};
    static const char *const products[] = {"obooooooooooooo", "ooooooooooooooo", ""};
    for (size_t i = 0; i < 9; i++) {
        struct plan plan = test_plan();
        struct driver driver;
        struct answer answer;
        driver_init(&driver, &plan);
        struct event event = opening_event();
        snprintf(event.as.campaign.products, sizeof(event.as.campaign.products), "%s",
                 products[i % 3]);
        driver_must(&driver, &event);
        event = session_event(4);
        driver_must(&driver, &event);
        size_t starts;
        struct lr_error err = {0};
        while (campaign_next(driver.campaign, NULL, &driver.next, &err) == 0 &&
               driver.next.count > 0)
            driver_must(&driver, &driver.next.events[0]);
        for (uint32_t id = 1; id <= 3; id++) {
            event = started_event(id, 1);
            snprintf(event.as.started.cpu, sizeof(event.as.started.cpu), "%s", cpus[i / 3][id - 1]);
            driver_must(&driver, &event);
        }
        event = session_event(9);
        snprintf(event.as.session.host, sizeof(event.as.session.host), "node7");
        driver_must(&driver, &event);
        const struct event_session *sessions = campaign_sessions(driver.campaign, &starts);
        assert_int_equal(starts, 2);
        assert_int_equal(sessions[0].ranks, 4);
        assert_int_equal(sessions[1].ranks, 9);
        assert_string_equal(sessions[1].host, "node7");
        driver_answer(&driver, &answer);
        bool told = false;
        for (size_t w = 0; w < answer.warning_count; w++)
            told = told ||
                   strcmp(answer.warnings[w],
                          "the trials ran on 2 kinds of CPU (EPYC, OpenBLAS 0.3.21 Zen and Xeon, "
                          "OpenBLAS 0.3.21 SkylakeX); products of a library (trainer.matmul) have "
                          "other bits on each, and so may the losses; own products have the same "
                          "bits on all") == 0;
        assert_int_equal(told, i == 0 || i == 3);
        driver_release(&driver);
    }
}

static void embedding_lr_by_parametrization(void **state)
{
    (void)state;
    static const uint32_t kinds[] = {PARAM_SP, PARAM_MUP, PARAM_LVP};
    for (size_t i = 0; i < 3; i++) {
        struct plan plan = test_plan();
        struct driver driver;
        struct answer answer;
        plan.model.parametrization = kinds[i];
        driver_init(&driver, &plan);
        driver_begin(&driver);
        driver_run(&driver);
        driver_answer(&driver, &answer);
        assert_true(answer.target.lr == 2e-3);
        assert_true(answer.target.embedding_lr == (kinds[i] == PARAM_LVP ? 3e-3 : 6e-3));
        assert_int_equal(answer.warning_count, 1 + (kinds[i] == PARAM_SP));
        if (kinds[i] == PARAM_SP)
            assert_non_null(strstr(answer.warnings[0], "does not carry over to another width"));
        driver_release(&driver);
    }
}

/* Killed after every event: the rest of the campaign comes out event for event the same. */
static void replay_goes_on_the_same(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver whole;
    struct answer expected, answer;
    driver_init(&whole, &plan);
    driver_begin(&whole);
    driver_run(&whole);
    driver_answer(&whole, &expected);
    assert_true(whole.count > 50);
    for (size_t k = 2; k <= whole.count; k++) {
        struct driver again;
        driver_init(&again, &plan);
        driver_replay(&again, whole.log, k);
        driver_run(&again);
        assert_same_log(&whole, &again);
        driver_answer(&again, &answer);
        assert_memory_equal(&expected, &answer, sizeof(answer));
        driver_release(&again);
    }
    driver_release(&whole);
}

/* The same, but trials that ran are given up by the new session: other costs, the same findings. */
static void abandoned_trials_are_no_failures(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver whole;
    struct answer expected, answer;
    bool abandoned = false;
    driver_init(&whole, &plan);
    driver_begin(&whole);
    driver_run(&whole);
    driver_answer(&whole, &expected);
    for (size_t k = 2; k < whole.count; k++) {
        struct driver again;
        struct event event = session_event(9);
        uint64_t extra = 0;
        driver_init(&again, &plan);
        driver_replay(&again, whole.log, k);
        driver_must(&again, &event);
        for (uint32_t id = 1; id <= campaign_trial_count(again.campaign); id++) {
            const struct trial *trial = campaign_trial(again.campaign, id);
            if (trial->state != TRIAL_RUNNING)
                continue;
            campaign_abandon(again.campaign, id, &event);
            assert_int_equal(event.as.ended.result.tokens, trial->curve_tokens);
            assert_string_equal(event.as.ended.result.message,
                                "the coordinator stopped while it ran");
            driver_must(&again, &event);
            assert_int_equal(trial->state, TRIAL_LOST);
            extra++;
        }
        abandoned = abandoned || extra;
        driver_run(&again); /* limits are as tight as the world's own failures need */
        driver_answer(&again, &answer);
        assert_int_equal(answer.cost.trials, expected.cost.trials);
        assert_int_equal(answer.cost.tokens, expected.cost.tokens);
        assert_true(answer.cost.flops == expected.cost.flops);
        assert_int_equal(answer.cost.lost_attempts, expected.cost.lost_attempts + extra);
        answer.cost = expected.cost;
        assert_memory_equal(&expected, &answer, sizeof(answer));
        driver_release(&again);
    }
    assert_true(abandoned);
    driver_release(&whole);
}

static void before_the_start(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver driver;
    struct answer answer;
    struct lr_error err = {0};
    driver_init(&driver, &plan);
    driver.next.count = 7;
    assert_int_equal(campaign_next(driver.campaign, NULL, &driver.next, &err), LR_EINVAL);
    assert_int_equal(driver.next.count, 0);
    driver_answer(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_INTERRUPTED);
    assert_string_equal(answer.reason, "stopped before the first round");
    driver_begin(&driver);
    for (int i = 0; i < 12; i++)
        assert_int_equal(driver_step(&driver, &(struct lr_error){0}), 1);
    driver_answer(&driver, &answer);
    assert_string_equal(answer.reason, "stopped in round 1 with 5 of its trials to go; run the "
                                       "same command again to go on");
    driver_release(&driver);
    plan.search.policy = 17;
    err.code = 0;
    assert_int_equal(campaign_create(&driver.campaign, &plan, &err), LR_EINVAL);
    assert_string_equal(err.text, "search.policy: number 17 is no policy");
    campaign_destroy(NULL);
}

static void without_memory(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver driver;
    struct answer answer;
    struct lr_error err = {0};
    long failures = 0;
    lr_memory_fail_after(0);
    assert_int_equal(campaign_create(&driver.campaign, &plan, &err), LR_ENOMEM);
    assert_null(driver.campaign);
    driver_init(&driver, &plan);
    driver_begin(&driver);
    for (int rc = 1; rc > 0;) { /* every step first meets every failure it can meet */
        for (long n = 0;; n++) {
            size_t before = driver.count;
            err.code = 0;
            lr_memory_fail_after(n);
            rc = driver_step(&driver, &err);
            lr_memory_fail_after(-1);
            if (rc >= 0)
                break;
            assert_int_equal(rc, LR_ENOMEM);
            assert_string_equal(err.text, "out of memory");
            assert_int_equal(driver.count, before);
            failures++;
        }
    }
    assert_true(failures > 10);
    assert_true(campaign_finished(driver.campaign));
    lr_memory_fail_after(0);
    err.code = 0;
    assert_int_equal(campaign_answer(driver.campaign, &answer, &err), LR_ENOMEM);
    driver_answer(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    driver_release(&driver);
}

/* Of another campaign's trials those of this plan are the first round, whatever the policy asks
 * for; what the journal holds of it already is not planned again. */
static void a_fork_begins_with_the_trials_it_could_ask_for(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver old, fork;
    struct foreign_trial trials[14];
    struct next_events next = {0};
    struct lr_error err = {0};
    plan.search.lr[0] = 1e-3;
    plan.search.lr[1] = 4e-3;
    plan.model.output_lr_ratio[0] = plan.model.output_lr_ratio[1] = 1;
    driver_init(&old, &plan);
    driver_begin(&old);
    driver_run(&old);
    driver_init(&fork, &plan);
    driver_begin(&fork);
    for (uint32_t i = 0; i < 10; i++)
        trials[i + 4] = (struct foreign_trial){campaign_trial(old.campaign, i + 1)->spec, 0};
    for (int i = 0; i < 4; i++)
        trials[i] = trials[5];
    trials[0].spec.lr = plan.search.lr[1] * 1.01;
    trials[1].spec.seed = 1;
    trials[2].spec.horizon_tokens = 3000;
    trials[3].spec.batch_tokens++;
    assert_int_equal(campaign_adopt(fork.campaign, trials, 4, &next, &err), 0);
    assert_int_equal(next.count, 0);
    assert_int_equal(campaign_adopt(fork.campaign, trials, 14, &next, &err), 0);
    assert_int_equal(next.count, 1 + 10);
    assert_int_equal(next.events[0].as.round.trials, 10);
    for (int i = 0; i < 4; i++)
        driver_must(&fork, &next.events[i]);
    const struct trial *second = campaign_trial(fork.campaign, 2);
    assert_true(trial_same(&second->spec, &trials[5].spec));
    assert_int_equal(second->replicate, 1);
    assert_int_equal(campaign_adopt(fork.campaign, trials + 5, 9, &next, &err), LR_EDAMAGED);
    assert_int_equal(next.count, 0);
    assert_int_equal(campaign_adopt(fork.campaign, trials, 14, &next, &err), 0);
    assert_int_equal(next.count, 10 - 3);
    for (size_t i = 0; i < next.count; i++)
        driver_must(&fork, &next.events[i]);
    assert_int_equal(campaign_trial_count(fork.campaign), 10);
    assert_int_equal(campaign_adopt(fork.campaign, trials, 14, &next, &err), 0);
    assert_int_equal(next.count, 0);
    next_events_release(&next);
    driver_release(&old);
    driver_release(&fork);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_batch_and_a_long_warmup_are_told),
        cmocka_unit_test(rounds_and_answer),
        cmocka_unit_test(cpus_are_told_where_a_library_multiplies),
        cmocka_unit_test(embedding_lr_by_parametrization),
        cmocka_unit_test(replay_goes_on_the_same),
        cmocka_unit_test(abandoned_trials_are_no_failures),
        cmocka_unit_test(before_the_start),
        cmocka_unit_test(a_fork_begins_with_the_trials_it_could_ask_for),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
