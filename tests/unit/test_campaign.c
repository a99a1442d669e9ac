/* The campaign alone: plan, policy and statistics are small fakes (below), so that every number can
 * be told in advance. The simulated driver does what the state calls for, so that a replay of any
 * part of a journal must go on exactly as the first run did. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "campaign/campaign.h"
#include "lrsearch/memory.h"

/* ---- fakes ---- */

static int fake_mode; /* 1: the policy asks twice for the same; 2: it fails; 3: a wrong LR */

struct trial_spec plan_trial(const struct plan *plan)
{
    struct trial_spec spec = {.batch_tokens = 300, .d_model = plan->model.d_model, .n_layers = 2};
    spec.context = 100;
    spec.vocab = plan->model.vocab;
    return spec;
}

static double best_lr(const struct observation *seen, size_t count)
{
    double lr = 0, loss = INFINITY;
    for (size_t i = 0; i < count; i++)
        if (seen[i].kind == OBSERVED_LOSS && seen[i].tokens == 1000 && seen[i].loss < loss) {
            loss = seen[i].loss;
            lr = seen[i].lr;
        }
    return lr;
}

static bool has(const struct observation *seen, size_t count, const struct proposal *p)
{
    for (size_t i = 0; i < count; i++)
        if (seen[i].tokens == p->tokens && seen[i].lr == p->lr && seen[i].seed == p->seed)
            return true;
    return false;
}

/* Round 1: three LRs, two seeds, at the shortest horizon. Round 2: around the best, mixed. */
static int fake_next(const struct search_space *space, const struct observation *seen, size_t count,
                     struct proposal *round)
{
    const struct proposal first[] = {{1000, 1e-3, 1}, {1000, 4e-3, 0}, {1000, 1e-3, 0},
                                     {1000, 2e-3, 1}, {1000, 2e-3, 0}, {1000, 4e-3, 1}};
    const double best = best_lr(seen, count);
    const struct proposal second[] = {
        {1000, best * 1.5, 0}, {2000, best, 0}, {5000, best, 0}, {2000, best / 2, 0}};
    int asked = 0;
    assert_int_equal(space->seeds, 2);
    if (fake_mode == 2)
        return LR_ENOMEM;
    for (size_t i = 0; i < 6; i++)
        if (!has(seen, count, &first[i]) || fake_mode == 1)
            round[asked++] = first[i];
    for (size_t i = 0; i < 4 && count >= 6 && best > 0; i++)
        if (!has(seen, count, &second[i]))
            round[asked++] = second[i];
    if (fake_mode == 3)
        round[0].lr = NAN;
    return asked;
}

static int fake_forecast(const struct search_space *space, struct forecast_stage *stages,
                         size_t capacity)
{
    assert_true(capacity >= 3);
    for (size_t i = 0; i < 3; i++)
        stages[i] = (struct forecast_stage){"x", space->horizons[i], i == 0 ? 7 : 2, 9};
    return 3;
}

static const struct policy fake_policy = {"narrow", fake_next, fake_forecast};

const struct policy *policy_find(const char *name)
{
    return strcmp(name, "narrow") == 0 ? &fake_policy : NULL;
}

int search_answer(struct answer *answer, const struct search_space *space,
                  const struct observation *seen, size_t count, struct lr_error *err)
{
    (void)err;
    memset(answer, 0, sizeof(*answer));
    answer->status = count == 10 ? ANSWER_IDENTIFIED : ANSWER_NOT_IDENTIFIED;
    if (count != 10)
        snprintf(answer->reason, sizeof(answer->reason), "only %zu trials", count);
    answer->target.lr = best_lr(seen, count);
    answer->target.tokens = space->target_tokens;
    for (size_t i = 0; i < count; i++) {
        answer->law.b += (double)(i + 1) * (seen[i].kind == OBSERVED_LOSS ? seen[i].loss : 0);
        answer->law.beta += seen[i].kind == OBSERVED_NOTHING;
        answer->law.r2 += seen[i].kind == OBSERVED_DIVERGED;
    }
    return 0;
}

/* ---- a driver ---- */

#define LOG_MAX 256
struct driver {
    struct campaign *campaign;
    struct event *log; /* the journal */
    size_t count;
    uint32_t fail_trial, fail_times; /* this trial fails so often */
};

static struct plan test_plan(void)
{
    struct plan plan = {.seed = 70};
    snprintf(plan.name, sizeof(plan.name), "test");
    plan.model.d_model = 64;
    plan.model.vocab = 1000;
    plan.model.base_width = 32;
    plan.model.embedding_lr_ratio = 3;
    plan.model.parametrization = PARAM_LVP;
    plan.target.d_model = 128;
    plan.target.tokens = 100000;
    plan.search.horizons[0] = 1000;
    plan.search.horizons[1] = 2000;
    plan.search.horizons[2] = 5000;
    plan.search.horizon_count = 3;
    plan.search.seeds = 2;
    plan.limits.retries = 2;
    plan.limits.max_failures = 2;
    return plan;
}

static void driver_init(struct driver *driver, const struct plan *plan)
{
    struct lr_error err = {0};
    memset(driver, 0, sizeof(*driver));
    driver->log = calloc(LOG_MAX, sizeof(*driver->log));
    driver->fail_trial = 4;
    driver->fail_times = 2;
    assert_int_equal(campaign_create(&driver->campaign, plan, &err), 0);
}

static void driver_release(struct driver *driver)
{
    campaign_destroy(driver->campaign);
    free(driver->log);
}

static int record(struct driver *driver, const struct event *event, struct lr_error *err)
{
    int rc = campaign_apply(driver->campaign, event, err);
    if (!rc) {
        assert_true(driver->count < LOG_MAX);
        driver->log[driver->count++] = *event;
    }
    return rc;
}

static void must(struct driver *driver, const struct event *event)
{
    struct lr_error err = {0};
    if (record(driver, event, &err))
        fail_msg("%s", err.text);
}

static struct event opening(void)
{
    struct event event = {.kind = EVENT_CAMPAIGN};
    snprintf(event.as.campaign.name, sizeof(event.as.campaign.name), "test");
    snprintf(event.as.campaign.version, sizeof(event.as.campaign.version), "0.1.0");
    snprintf(event.as.campaign.data_path, sizeof(event.as.campaign.data_path), "/data");
    event.as.campaign.data_hash = UINT64_MAX - 5;
    return event;
}

static struct event session(uint32_t ranks)
{
    struct event event = {.kind = EVENT_SESSION};
    event.as.session.ranks = ranks;
    return event;
}

static struct event started(uint32_t id, uint32_t attempt)
{
    struct event event = {.kind = EVENT_STARTED};
    event.as.started.trial_id = id;
    event.as.started.attempt = attempt;
    event.as.started.rank = 1 + id % 3;
    return event;
}

static struct event curve(uint32_t id, uint32_t attempt, uint64_t tokens)
{
    struct event event = {.kind = EVENT_CURVE};
    event.as.curve.trial_id = id;
    event.as.curve.attempt = attempt;
    event.as.curve.tokens = tokens;
    event.as.curve.train_loss = NAN;
    return event;
}

static struct event ended(uint32_t id, uint32_t attempt, enum outcome outcome, double loss)
{
    struct event event = {.kind = EVENT_ENDED};
    event.as.ended.trial_id = id;
    event.as.ended.attempt = attempt;
    event.as.ended.result.outcome = outcome;
    event.as.ended.result.val_loss = outcome == OUTCOME_DONE ? loss : NAN;
    event.as.ended.result.tokens = outcome == OUTCOME_LOST ? 0 : 900;
    event.as.ended.result.flops = outcome == OUTCOME_LOST ? 0 : 900e6;
    event.as.ended.result.seconds = 0.1 * id;
    snprintf(event.as.ended.result.message, sizeof(event.as.ended.result.message), "%s",
             outcome == OUTCOME_DONE ? "" : "no luck");
    return event;
}

/* How a trial of this world ends, whoever trains it. */
static struct event outcome_of(const struct driver *driver, const struct trial *trial)
{
    double off = log2(trial->spec.lr / 2e-3);
    if (trial->id == driver->fail_trial && trial->failures < driver->fail_times)
        return ended(trial->id, trial->attempt, trial->failures ? OUTCOME_LOST : OUTCOME_FAILED, 0);
    if (trial->id == 6)
        return ended(trial->id, trial->attempt, OUTCOME_DIVERGED, 0);
    return ended(trial->id, trial->attempt, OUTCOME_DONE, 3 + off * off + 0.01 * trial->replicate);
}

/* Does one thing that the state calls for, two trials at a time. 1: done something; 0: the end. */
static int step(struct driver *driver, struct lr_error *err)
{
    const struct event *events;
    size_t count, running = 0;
    const struct trial *pending = NULL, *first = NULL;
    int rc = campaign_next(driver->campaign, &events, &count, err);
    if (!rc && count > 0)
        rc = record(driver, &events[0], err); /* then the state itself calls for the others */
    if (rc || count > 0)
        return rc ? rc : 1;
    for (uint32_t id = 1; id <= campaign_trial_count(driver->campaign); id++) {
        const struct trial *trial = campaign_trial(driver->campaign, id);
        if (trial->state == TRIAL_PENDING && !pending)
            pending = trial;
        if (trial->state == TRIAL_RUNNING && running++ == 0)
            first = trial;
    }
    struct event event;
    if (pending && running < 2)
        event = started(pending->id, pending->attempt + 1);
    else if (first && first->curve_tokens == 0)
        event = curve(first->id, first->attempt, 600);
    else if (first)
        event = outcome_of(driver, first);
    else
        return 0;
    rc = record(driver, &event, err);
    return rc ? rc : 1;
}

static void run_to_end(struct driver *driver)
{
    struct lr_error err = {0};
    int rc;
    while ((rc = step(driver, &err)) > 0)
        ;
    if (rc)
        fail_msg("%s", err.text);
    assert_true(campaign_finished(driver->campaign));
}

static void begin(struct driver *driver)
{
    struct event event = opening();
    must(driver, &event);
    event = session(3);
    must(driver, &event);
}

static void answer_of(const struct driver *driver, struct answer *answer)
{
    struct lr_error err = {0};
    memset(answer, 0, sizeof(*answer));
    assert_int_equal(campaign_answer(driver->campaign, answer, &err), 0);
}

static bool same_fields(const struct field_table *table, const void *left, const void *right)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        const char *a = (const char *)left + field->offset,
                   *b = (const char *)right + field->offset;
        bool same = field->type == FIELD_STRUCT ? same_fields(field->sub, a, b)
                                                : memcmp(a, b, field->size) == 0;
        if (!same)
            return false;
    }
    return true;
}

static void assert_same_log(const struct driver *left, const struct driver *right)
{
    assert_int_equal(left->count, right->count);
    for (size_t i = 0; i < left->count; i++) {
        assert_int_equal(left->log[i].kind, right->log[i].kind);
        if (!same_fields(event_fields(left->log[i].kind), &left->log[i].as, &right->log[i].as))
            fail_msg("event %zu (%s) differs", i, event_name(left->log[i].kind));
    }
}

static void replay(struct driver *driver, const struct event *log, size_t count)
{
    for (size_t i = 0; i < count; i++)
        must(driver, &log[i]);
}

/* ---- tests ---- */

static void rounds_and_answer(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver driver;
    struct answer answer;
    driver_init(&driver, &plan);
    assert_int_equal(campaign_round(driver.campaign), 0);
    assert_string_equal(campaign_opening(driver.campaign)->name, "");
    begin(&driver);
    assert_string_equal(campaign_opening(driver.campaign)->name, "test");
    uint64_t trials, tokens;
    campaign_remaining(driver.campaign, &trials, &tokens);
    assert_int_equal(trials, 7 + 2 + 2);
    assert_int_equal(tokens, 7 * 1000 + 2 * 2000 + 2 * 5000);
    run_to_end(&driver);
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
        assert_string_equal(trial->spec.data_path, "/data");
        assert_true(trial->spec.data_hash == UINT64_MAX - 5);
        assert_int_equal(trial->state, i == 5 ? TRIAL_DIVERGED : TRIAL_DONE);
    }
    assert_int_equal(campaign_trial(driver.campaign, 4)->attempt, 3);
    assert_int_equal(campaign_trial(driver.campaign, 4)->failures, 2);

    answer_of(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_string_equal(answer.reason, "");
    assert_int_equal(answer.target.width, 128);
    assert_int_equal(answer.target.vocab, 1000);
    assert_true(answer.target.embedding_lr == 3 * 2e-3 / 2); /* lvp: m = 128 / 32 = 4 */
    assert_int_equal(answer.cost.trials, 12);
    /* the lost attempt is charged by its loss curve: 600 tokens */
    assert_int_equal(answer.cost.tokens, 11 * 900 + 600);
    struct trial_spec spec = plan_trial(&plan);
    double flops = 11 * 900e6 + 600 * trial_flops_per_token(&spec);
    assert_true(fabs(answer.cost.flops - flops) < 1);
    spec.d_model = 128;
    assert_true(fabs(answer.cost.target_run_fraction -
                     flops / (100000 * trial_flops_per_token(&spec))) < 1e-12);
    assert_true(fabs(answer.cost.core_seconds - .1 * (55 + 4 + 4)) < 1e-9);
    assert_int_equal(answer.warning_count, 0);
    driver_release(&driver);
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
        begin(&driver);
        run_to_end(&driver);
        answer_of(&driver, &answer);
        assert_true(answer.target.lr == 2e-3);
        assert_true(answer.target.embedding_lr == (kinds[i] == PARAM_LVP ? 3e-3 : 6e-3));
        assert_int_equal(answer.warning_count, kinds[i] == PARAM_SP);
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
    begin(&whole);
    run_to_end(&whole);
    answer_of(&whole, &expected);
    assert_true(whole.count > 50);
    for (size_t k = 2; k <= whole.count; k++) {
        struct driver again;
        driver_init(&again, &plan);
        replay(&again, whole.log, k);
        run_to_end(&again);
        assert_same_log(&whole, &again);
        answer_of(&again, &answer);
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
    struct lr_error err = {0};
    bool abandoned = false;
    driver_init(&whole, &plan);
    begin(&whole);
    run_to_end(&whole);
    answer_of(&whole, &expected);
    for (size_t k = 2; k < whole.count; k++) {
        struct driver again;
        struct event event = session(9);
        uint64_t extra = 0;
        driver_init(&again, &plan);
        replay(&again, whole.log, k);
        must(&again, &event);
        for (uint32_t id = 1; id <= campaign_trial_count(again.campaign); id++) {
            const struct trial *trial = campaign_trial(again.campaign, id);
            if (trial->state != TRIAL_RUNNING)
                continue;
            assert_int_equal(campaign_abandon(again.campaign, id, &event, &err), 0);
            assert_int_equal(event.as.ended.result.tokens, trial->curve_tokens);
            assert_string_equal(event.as.ended.result.message,
                                "the coordinator stopped while it ran");
            must(&again, &event);
            assert_int_equal(trial->state, TRIAL_PENDING);
            extra++;
        }
        abandoned = abandoned || extra;
        run_to_end(&again); /* limits are as tight as the world's own failures need */
        answer_of(&again, &answer);
        assert_int_equal(answer.cost.trials, expected.cost.trials + extra);
        answer.cost = expected.cost;
        assert_memory_equal(&expected, &answer, sizeof(answer));
        driver_release(&again);
    }
    assert_true(abandoned);
    assert_int_equal(campaign_abandon(whole.campaign, 1, &(struct event){0}, &err), LR_EINVAL);
    assert_string_equal(err.text, "trial 1: cannot be abandoned, it is not running");
    driver_release(&whole);
}

static void failed_for_good(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver driver;
    struct answer answer;
    plan.limits.max_failures = 3;
    driver_init(&driver, &plan);
    driver.fail_times = 3;
    begin(&driver);
    run_to_end(&driver);
    assert_int_equal(campaign_trial(driver.campaign, 4)->state, TRIAL_FAILED);
    answer_of(&driver, &answer);
    assert_true(answer.law.beta == 1); /* OBSERVED_NOTHING */
    assert_int_equal(answer.warning_count, 1);
    assert_string_equal(answer.warnings[0], "1 trial failed for good and tells nothing; the last, "
                                            "trial 4: no luck");

    /* The same journal under other retries stays right: what is decided stays decided. */
    for (uint32_t retries = 0; retries < 6; retries++) {
        struct driver again;
        plan.limits.retries = retries;
        driver_init(&again, &plan);
        replay(&again, driver.log, driver.count);
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
    begin(&driver);
    while ((rc = step(&driver, &err)) > 0)
        ;
    assert_int_equal(rc, LR_EFAILURES);
    assert_string_equal(err.text,
                        "2 attempts failed or were lost, limits.max_failures is 1; the last: trial "
                        "4, attempt 2: lost: no luck. Mend the cause, raise limits.max_failures "
                        "and run the same command again to go on");
    answer_of(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_INTERRUPTED);
    assert_string_equal(answer.reason, "too many failed trials; the last: trial 4, attempt 2: "
                                       "lost: no luck");
    plan.limits.max_failures = 2; /* as it says */
    driver_init(&again, &plan);
    replay(&again, driver.log, driver.count);
    run_to_end(&again);
    driver_release(&again);
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
        begin(&driver);
        struct lr_error err = {0};
        while (campaign_trial_count(driver.campaign) < 6)
            assert_int_equal(step(&driver, &err), 1);
        struct event event = started(1, 1);
        must(&driver, &event);
        event = ended(1, 1, OUTCOME_DONE, losses[i]);
        must(&driver, &event);
        const struct trial *trial = campaign_trial(driver.campaign, 1);
        assert_int_equal(trial->state, TRIAL_DIVERGED);
        assert_int_equal(trial->result.outcome, OUTCOME_DIVERGED);
        assert_true(isnan(trial->result.val_loss));
        assert_string_equal(trial->result.message, "the validation loss is not finite");
        driver_release(&driver);
    }
}

static void budget(void **state)
{
    (void)state;
    /* Round 1 trains 6 x 1200 tokens by the plan, but reports 900 an attempt (and 600 once); round
     * 2 needs 5100 + 2 x 2100 + 1200. */
    const uint64_t used = 7 * 900 + 600, next = 5100 + 2 * 2100 + 1200;
    static const char *const reasons[] = {
        "budget.tokens is too small for round 2 with its 4 trials: 6900 of 17399 tokens are used; "
        "raise it and run the same command again to go on",
        "budget.trials is too small for round 2 with its 4 trials: 6 of 9 trials are used; raise "
        "it and run the same command again to go on",
        "budget.wall is too small for round 2 with its 4 trials: 50 of 50 s are used; raise it and "
        "run the same command again to go on"};
    for (int kind = 0; kind < 3; kind++) {
        struct plan plan = test_plan();
        struct driver driver, again;
        struct answer answer;
        struct event clock = {.kind = EVENT_CLOCK, .as.clock.wall_s = 25}, event;
        driver_init(&driver, &plan);
        campaign_destroy(driver.campaign);
        plan.budget.tokens = kind == 0 ? used + next - 1 : 0;
        plan.budget.trials = kind == 1 ? 9 : 0;
        plan.budget.wall_s = kind == 2 ? 50 : 0;
        struct lr_error err = {0};
        assert_int_equal(campaign_create(&driver.campaign, &plan, &err), 0);
        begin(&driver);
        must(&driver, &clock);
        must(&driver, &clock); /* increments, over all sessions */
        if (kind == 2) {       /* nothing is known, but no time is left either */
            run_to_end(&driver);
            assert_int_equal(campaign_trial_count(driver.campaign), 0);
            answer_of(&driver, &answer);
            assert_int_equal(answer.status, ANSWER_BUDGET_EXHAUSTED);
        } else {
            run_to_end(&driver);
            assert_int_equal(campaign_trial_count(driver.campaign), 6);
            answer_of(&driver, &answer);
            assert_int_equal(answer.status, ANSWER_BUDGET_EXHAUSTED);
            assert_string_equal(answer.reason, reasons[kind]);
        }
        must(&driver, &clock); /* the driver's last word */

        /* The same budget again: open for the session, then finished as before. */
        driver_init(&again, &plan);
        replay(&again, driver.log, driver.count);
        assert_true(campaign_finished(again.campaign));
        event = session(3);
        must(&again, &event);
        assert_false(campaign_finished(again.campaign));
        run_to_end(&again);
        answer_of(&again, &answer);
        assert_int_equal(answer.status, ANSWER_BUDGET_EXHAUSTED);

        /* A larger one: it goes on. */
        struct driver larger;
        plan.budget.tokens += kind == 0;
        plan.budget.trials += kind == 1;
        plan.budget.wall_s += kind == 2 ? 1000 : 0;
        driver_init(&larger, &plan);
        replay(&larger, again.log, again.count);
        assert_false(campaign_finished(larger.campaign));
        run_to_end(&larger);
        answer_of(&larger, &answer);
        assert_int_equal(answer.status, ANSWER_IDENTIFIED);
        assert_int_equal(campaign_trial_count(larger.campaign), 10);
        driver_release(&larger);
        driver_release(&again);
        driver_release(&driver);
    }
}

/* With a known pace, a round that cannot end in time is not begun. */
static void budget_wall_looks_ahead(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct trial_spec spec = plan_trial(&plan);
    /* the fastest: trial 1, 0.1 s for 900e6 FLOPs; the longest trial of round 2 has 5100 tokens,
     * all of round 2 on two workers 10500 / 2 */
    double least = 0.1 / 900e6 * trial_flops_per_token(&spec) * 10500 / 2;
    for (int enough = 0; enough < 2; enough++) {
        struct driver driver;
        plan.budget.wall_s = least * (enough ? 1.001 : 0.999);
        driver_init(&driver, &plan);
        begin(&driver);
        run_to_end(&driver);
        assert_int_equal(campaign_trial_count(driver.campaign), enough ? 10 : 6);
        driver_release(&driver);
    }
}

static void bad_policies(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "search.policy narrow asks twice for learning rate 0.001", /* and so on: 17 digits */
        "search.policy narrow: cannot plan round 2: out of memory",
        "search.policy narrow asks wrongly for learning rate nan at "};
    for (int mode = 1; mode <= 3; mode++) {
        struct plan plan = test_plan();
        struct driver driver;
        struct lr_error err = {0};
        int rc;
        driver_init(&driver, &plan);
        begin(&driver);
        do {
            fake_mode = campaign_trial_count(driver.campaign) == 6 ? mode : 0;
            rc = step(&driver, &err);
        } while (rc > 0);
        fake_mode = 0;
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
    const struct event *events;
    size_t count;
    driver_init(&driver, &plan);
    begin(&driver);
    assert_int_equal(campaign_next(driver.campaign, &events, &count, &err), 0);
    assert_int_equal(count, 7);
    must(&driver, &events[0]);
    struct event other = events[1];
    other.as.planned.spec.lr *= 1.25;
    must(&driver, &other);
    assert_int_equal(campaign_next(driver.campaign, &events, &count, &err), LR_EDAMAGED);
    assert_int_equal(count, 0);
    assert_non_null(strstr(err.text, "round 1 was written in part"));
    assert_non_null(strstr(err.text, "begun by lrsearch 0.1.0"));
    driver_release(&driver);
}

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

static struct event finished(const char *status)
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
    refuse(&driver, session(2),
           "the journal begins with a session event, not with a campaign event");
    refuse(&driver, (struct event){.kind = EVENT_CAMPAIGN}, "the campaign event has no name");
    event = opening();
    must(&driver, &event);
    refuse(&driver, opening(), "a second campaign event, 'test', in the journal of 'test'");
    refuse(&driver, session(0), "a session of 0 ranks");
    refuse(&driver, round_event(2, 3), "round 2 follows round 0");
    refuse(&driver, round_event(1, 0), "round 1 has 0 trials; 1 to 1024 are possible");
    refuse(&driver, round_event(1, 1025), "round 1 has 1025 trials; 1 to 1024 are possible");
    refuse(&driver, planned(1, 1, 1000, 1e-3), "trial 1 is planned for round 1 in round 0");
    refuse(&driver, planned(1, 0, 1000, 1e-3),
           "trial 1 is planned, but round 0 has its 0 trials already");
    event = round_event(1, 2);
    must(&driver, &event);
    refuse(&driver, planned(2, 1, 1000, 1e-3), "trial 2 is planned, but the next is trial 1");
    refuse(&driver, planned(1, 1, 1000, NAN), "trial 1 is planned with the learning rate nan");
    refuse(&driver, planned(1, 1, 1000, 0), "trial 1 is planned with the learning rate 0");
    refuse(&driver, planned(1, 1, 999, 1e-3),
           "trial 1 is planned for 999 tokens, which is none of the plan's search.horizons");
    event = planned(1, 1, 1000, 1e-3);
    event.as.planned.spec.batch_tokens = 0;
    refuse(&driver, event, "trial 1 is planned with batches of 0 tokens");
    event = planned(1, 1, 1000, 1e-3);
    must(&driver, &event);
    refuse(&driver, round_event(2, 1),
           "round 2 begins, but only 1 of the 2 trials of round 1 were planned");
    refuse(&driver, started(1, 1),
           "trial 1 starts, but only 1 of the 2 trials of round 1 were planned");
    refuse(&driver, finished("identified"),
           "finished, but only 1 of the 2 trials of round 1 were planned");
    event = planned(2, 1, 2000, 1e-3);
    must(&driver, &event);
    refuse(&driver, planned(3, 1, 1000, 1e-3),
           "trial 3 is planned, but round 1 has its 2 trials already");
    refuse(&driver, started(3, 1), "start of trial 3, which was never planned");
    refuse(&driver, started(0, 1), "start of trial 0, which was never planned");
    refuse(&driver, started(1, 2), "trial 1: attempt 2 starts after attempt 0");
    refuse(&driver, ended(1, 1, OUTCOME_DONE, 3),
           "result of trial 1, attempt 1, but the trial is pending");
    refuse(&driver, round_event(2, 1), "round 2 begins, but trial 1 is pending");
    event = started(1, 1);
    must(&driver, &event);
    refuse(&driver, started(1, 2), "trial 1 starts, but it is running");
    refuse(&driver, ended(1, 2, OUTCOME_DONE, 3),
           "result of trial 1, attempt 2, but attempt 1 is running");
    refuse(&driver, ended(1, 1, (enum outcome)5, 3),
           "result of trial 1, attempt 1: outcome 5 is unknown");
    refuse(&driver, curve(7, 1, 5), "curve point of trial 7, which was never planned");
    refuse(&driver, curve(1, 3, 5), "curve point of trial 1, attempt 3, but attempt 1 is running");
    refuse(&driver, finished("identified"), "finished, but trial 1 is running");
    refuse(&driver, finished("interrupted"), "finished with the unknown status 'interrupted'");
    event = ended(1, 1, OUTCOME_DONE, 3);
    must(&driver, &event);
    refuse(&driver, ended(1, 1, OUTCOME_DONE, 3),
           "result of trial 1, attempt 1, but the trial is done");
    refuse(&driver, started(1, 2), "trial 1 starts, but it is done");
    refuse(&driver, curve(1, 1, 5), "curve point of trial 1, attempt 1, but the trial is done");
    event = (struct event){.kind = EVENT_CLOCK, .as.clock.wall_s = -1};
    refuse(&driver, event, "the clock went on by -1 s");
    event.as.clock.wall_s = NAN;
    refuse(&driver, event, "the clock went on by nan s");
    refuse(&driver, (struct event){.kind = EVENT_KINDS}, "an event of the unknown kind 9");
    event = started(2, 1);
    must(&driver, &event);
    event = ended(2, 1, OUTCOME_CANCELED, 3); /* no failure, no result */
    must(&driver, &event);
    assert_int_equal(campaign_trial(driver.campaign, 2)->state, TRIAL_PENDING);
    assert_int_equal(campaign_trial(driver.campaign, 2)->failures, 0);
    event = started(2, 2);
    must(&driver, &event);
    event = ended(2, 2, OUTCOME_DIVERGED, 3);
    must(&driver, &event);
    event = finished("identified");
    must(&driver, &event);
    refuse(&driver, finished("identified"), "a finished event after the campaign was finished");
    refuse(&driver, round_event(2, 1), "a round event after the campaign was finished");
    event = session(1);
    must(&driver, &event);
    assert_true(campaign_finished(driver.campaign));
    driver_release(&driver);
}

static void before_the_start(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct driver driver;
    struct answer answer;
    struct lr_error err = {0};
    const struct event *events;
    size_t count = 7;
    driver_init(&driver, &plan);
    assert_int_equal(campaign_next(driver.campaign, &events, &count, &err), LR_EINVAL);
    assert_int_equal(count, 0);
    answer_of(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_INTERRUPTED);
    assert_string_equal(answer.reason, "stopped before the first round");
    begin(&driver);
    for (int i = 0; i < 12; i++)
        assert_int_equal(step(&driver, &(struct lr_error){0}), 1);
    answer_of(&driver, &answer);
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
    begin(&driver);
    for (int rc = 1; rc > 0;) { /* every step first meets every failure it can meet */
        for (long n = 0;; n++) {
            size_t before = driver.count;
            err.code = 0;
            lr_memory_fail_after(n);
            rc = step(&driver, &err);
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
    answer_of(&driver, &answer);
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    driver_release(&driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_and_answer),
        cmocka_unit_test(embedding_lr_by_parametrization),
        cmocka_unit_test(replay_goes_on_the_same),
        cmocka_unit_test(abandoned_trials_are_no_failures),
        cmocka_unit_test(failed_for_good),
        cmocka_unit_test(too_many_failures),
        cmocka_unit_test(no_loss_is_divergence),
        cmocka_unit_test(budget),
        cmocka_unit_test(budget_wall_looks_ahead),
        cmocka_unit_test(bad_policies),
        cmocka_unit_test(part_of_a_round_by_another_version),
        cmocka_unit_test(damaged_journals),
        cmocka_unit_test(before_the_start),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
