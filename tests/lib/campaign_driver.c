/* The fakes and the driver. The world: loss = 3 + log2(lr / 2e-3)^2, a little more for the second
 * seed; trial 6 diverges; trial 4 fails as often as the test wants. */
#include "campaign_driver.h"

#include "cmocka_all.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "search/search_answer.h"

#define LOG_MAX 256

int fake_policy_mode;

struct trial_spec plan_trial(const struct plan *plan)
{
    struct trial_spec spec = {.batch_tokens = 300, .d_model = plan->model.d_model, .n_layers = 2};
    spec.context = 100;
    spec.vocab = plan->model.vocab;
    spec.n_heads = plan->model.n_heads;
    spec.d_ff = trial_default_d_ff(spec.arch, spec.d_model);
    spec.embedding_lr_ratio = plan->model.embedding_lr_ratio[0];
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

static struct proposal ask(uint64_t tokens, double lr, uint32_t seed)
{
    return (struct proposal){.tokens = tokens, .lr = lr, .seed = seed, .ratios = {3, 1}};
}

/* Round 1: three LRs, two seeds, at the shortest horizon. Round 2: around the best, mixed. */
static int fake_next(const struct search_space *space, const struct observation *seen, size_t count,
                     struct proposal *round, size_t *asked)
{
    const struct proposal first[] = {ask(1000, 1e-3, 1), ask(1000, 4e-3, 0), ask(1000, 1e-3, 0),
                                     ask(1000, 2e-3, 1), ask(1000, 2e-3, 0), ask(1000, 4e-3, 1)};
    const double best = best_lr(seen, count);
    const struct proposal second[] = {ask(1000, best * 1.5, 0), ask(2000, best, 0),
                                      ask(5000, best, 0), ask(2000, best / 2, 0)};
    *asked = 0;
    assert_int_equal(space->seeds, 2);
    if (fake_policy_mode == 2)
        return LR_ENOMEM;
    for (size_t i = 0; i < 6; i++)
        if (!has(seen, count, &first[i]) || fake_policy_mode == 1)
            round[(*asked)++] = first[i];
    for (size_t i = 0; i < 4 && count >= 6 && best > 0; i++)
        if (!has(seen, count, &second[i]))
            round[(*asked)++] = second[i];
    if (fake_policy_mode == 3)
        round[0].lr = NAN;
    return 0;
}

static size_t fake_forecast(const struct search_space *space, struct forecast_stage *stages,
                            size_t capacity)
{
    assert_true(capacity >= 3);
    for (size_t i = 0; i < 3; i++)
        stages[i] = (struct forecast_stage){"x", space->horizons[i], i == 0 ? 7 : 2, 9};
    return 3;
}

static const struct policy fake_policy = {"grid", fake_next, fake_forecast, false, NULL};

/* Ten LRs one after the other, as many at once as it may. */
static int fake_async_next(const struct search_space *space, const struct observation *seen,
                           size_t count, struct proposal *round, size_t *asked)
{
    *asked = 0;
    for (int i = 0; i < 10 && *asked < space->round_trials; i++) {
        struct proposal next = ask(1000, 1e-3 * (1 + i), 0);
        if (!has(seen, count, &next))
            round[(*asked)++] = next;
    }
    return 0;
}

static const struct policy fake_async = {"design", fake_async_next, fake_forecast, true, NULL};

const struct policy *policy_find(const char *name)
{
    return strcmp(name, "grid") == 0     ? &fake_policy
           : strcmp(name, "design") == 0 ? &fake_async
                                         : NULL;
}

int search_next(const struct policy *policy, const struct search_space *space,
                const struct observation *seen, size_t count, struct proposal *round, size_t *asked)
{
    return policy->next(space, seen, count, round, asked);
}

size_t search_forecast(const struct policy *policy, const struct search_space *space,
                       struct forecast_stage *stages, size_t capacity)
{
    return policy->forecast(space, stages, capacity);
}

int search_answer(struct answer *answer, const struct search_space *space,
                  const struct observation *seen, size_t count, struct lr_error *err)
{
    (void)err;
    memset(answer, 0, sizeof(*answer));
    answer->status = count == 10 ? ANSWER_IDENTIFIED : ANSWER_NOT_IDENTIFIED;
    if (count != 10)
        snprintf(answer->reason, sizeof(answer->reason), "only %zu trials", count);
    answer->ratios[RATIO_EMBEDDING].value = 3;
    answer->target.lr = best_lr(seen, count);
    answer->target.loss_penalty = 0.1;
    answer->target.loss_penalty_if_wrong_2x = 1;
    answer->target.tokens = space->target_tokens;
    for (size_t i = 0; i < count; i++) {
        answer->law.b += (double)(i + 1) * (seen[i].kind == OBSERVED_LOSS ? seen[i].loss : 0);
        answer->law.beta += seen[i].kind == OBSERVED_NOTHING;
        answer->law.r2 += seen[i].kind == OBSERVED_DIVERGED;
    }
    return 0;
}

int search_answer_curves(struct answer *answer, struct loss_curves **curves,
                         const struct search_space *space, const struct observation *seen,
                         size_t count, struct lr_error *err)
{
    *curves = NULL;
    return search_answer(answer, space, seen, count, err);
}

void loss_curves_destroy(struct loss_curves *curves)
{
    assert_null(curves);
}

void loss_curves_transfer(struct loss_curves *curves, double octaves, double reach)
{
    (void)octaves;
    (void)reach;
    fail_msg("there are none: %p", (void *)curves);
}

/* ---- a driver ---- */

struct plan test_plan(void)
{
    struct plan plan = {.seed = 70};
    snprintf(plan.name, sizeof(plan.name), "test");
    plan.trainer.threads_per_worker = 1;
    plan.model.d_model = 64;
    plan.model.vocab = 1000;
    plan.model.base_width = 32;
    plan.model.n_heads = 2;
    plan.model.embedding_lr_ratio[0] = plan.model.embedding_lr_ratio[1] = 3;
    plan.model.parametrization = PARAM_LVP;
    plan.model.embedding_lr_exponent = NAN;
    plan.target.d_model = 128;
    plan.target.tokens = 100000;
    plan.search.horizons[0] = 1000;
    plan.search.horizons[1] = 2000;
    plan.search.horizons[2] = 5000;
    plan.search.horizon_count = 3;
    plan.search.seeds = 2;
    plan.search.round_trials = 8;
    plan.on_fail.retries = 2;
    plan.limits.max_failures = 2;
    return plan;
}

void driver_init(struct driver *driver, const struct plan *plan)
{
    struct lr_error err = {0};
    memset(driver, 0, sizeof(*driver));
    driver->log = calloc(LOG_MAX, sizeof(*driver->log));
    driver->fail_trial = 4;
    driver->fail_times = 2;
    assert_int_equal(campaign_create(&driver->campaign, plan, &err), 0);
}

void driver_release(struct driver *driver)
{
    campaign_destroy(driver->campaign);
    next_events_release(&driver->next);
    free(driver->log);
}

int driver_record(struct driver *driver, const struct event *event, struct lr_error *err)
{
    int rc = campaign_apply(driver->campaign, event, err);
    if (!rc) {
        assert_true(driver->count < LOG_MAX);
        driver->log[driver->count++] = *event;
    }
    return rc;
}

void driver_must(struct driver *driver, const struct event *event)
{
    struct lr_error err = {0};
    if (driver_record(driver, event, &err))
        fail_msg("%s", err.text);
}

struct event opening_event(void)
{
    struct event event = {.kind = EVENT_CAMPAIGN};
    snprintf(event.as.campaign.name, sizeof(event.as.campaign.name), "test");
    snprintf(event.as.campaign.version, sizeof(event.as.campaign.version), "0.1.0");
    snprintf(event.as.campaign.data_path, sizeof(event.as.campaign.data_path), "/data");
    event.as.campaign.data_hash = UINT64_MAX - 5;
    return event;
}

struct event session_event(uint32_t ranks)
{
    struct event event = {.kind = EVENT_SESSION};
    event.as.session.ranks = ranks;
    event.as.session.retries = 2;
    return event;
}

struct event started_event(uint32_t id, uint32_t attempt)
{
    struct event event = {.kind = EVENT_STARTED};
    event.as.started.trial_id = id;
    event.as.started.attempt = attempt;
    event.as.started.rank = 1 + id % 3;
    return event;
}

struct event curve_event(uint32_t id, uint32_t attempt, uint64_t tokens)
{
    struct event event = {.kind = EVENT_CURVE};
    event.as.curve.trial_id = id;
    event.as.curve.attempt = attempt;
    event.as.curve.tokens = tokens;
    event.as.curve.train_loss = NAN;
    return event;
}

struct event ended_event(uint32_t id, uint32_t attempt, enum outcome outcome, double loss)
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
    if (trial->purpose == PURPOSE_CONFIRM)
        off -= driver->octaves_off;
    if (trial->id == driver->fail_trial && trial->failures < driver->fail_times)
        return ended_event(trial->id, trial->attempt,
                           trial->failures ? OUTCOME_LOST : OUTCOME_FAILED, 0);
    if (trial->id == 6)
        return ended_event(trial->id, trial->attempt, OUTCOME_DIVERGED, 0);
    return ended_event(trial->id, trial->attempt, OUTCOME_DONE,
                       3 + off * off + 0.01 * trial->replicate);
}

/* Does one thing that the state calls for, two trials at a time. 1: done something; 0: the end. */
int driver_step(struct driver *driver, struct lr_error *err)
{
    size_t running = 0;
    const struct trial *pending = NULL, *first = NULL;
    struct event clock = {.kind = EVENT_CLOCK, .as.clock.wall_s = driver->clock_s};
    if (driver->clock_s > 0 && driver->log[driver->count - 1].kind == EVENT_ENDED)
        return driver_record(driver, &clock, err) ? err->code : 1;
    int rc = campaign_next(driver->campaign, NULL, &driver->next, err);
    if (!rc && driver->next.count > 0) /* then the state itself calls for the others */
        rc = driver_record(driver, &driver->next.events[0], err);
    if (rc || driver->next.count > 0)
        return rc ? rc : 1;
    for (uint32_t id = 1; id <= campaign_trial_count(driver->campaign); id++) {
        const struct trial *trial = campaign_trial(driver->campaign, id);
        if (campaign_may_start(driver->campaign, id) && !pending)
            pending = trial;
        if (trial->state == TRIAL_RUNNING && running++ == 0)
            first = trial;
    }
    struct event event;
    if (pending && running < 2)
        event = started_event(pending->id, pending->attempt + 1);
    else if (first && first->curve_tokens == 0)
        event = curve_event(first->id, first->attempt, 600);
    else if (first)
        event = outcome_of(driver, first);
    else
        return 0;
    rc = driver_record(driver, &event, err);
    return rc ? rc : 1;
}

void driver_run(struct driver *driver)
{
    struct lr_error err = {0};
    int rc;
    while ((rc = driver_step(driver, &err)) > 0)
        ;
    if (rc)
        fail_msg("%s", err.text);
    assert_true(campaign_finished(driver->campaign));
}

void driver_begin(struct driver *driver)
{
    struct event event = opening_event();
    driver_must(driver, &event);
    event = session_event(3);
    driver_must(driver, &event);
}

void driver_answer(const struct driver *driver, struct answer *answer)
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

void assert_same_log(const struct driver *left, const struct driver *right)
{
    assert_int_equal(left->count, right->count);
    for (size_t i = 0; i < left->count; i++) {
        assert_int_equal(left->log[i].kind, right->log[i].kind);
        if (!same_fields(event_fields(left->log[i].kind), &left->log[i].as, &right->log[i].as))
            fail_msg("event %zu (%s) differs", i, event_name(left->log[i].kind));
    }
}

void driver_replay(struct driver *driver, const struct event *log, size_t count)
{
    for (size_t i = 0; i < count; i++)
        driver_must(driver, &log[i]);
}
