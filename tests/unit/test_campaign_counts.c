/* What the campaign keeps of its trials (counts, the waiting ones, sums, the pace) is after every
 * event of random sequences what a scan of all trials finds. */
#include "campaign_driver.h"

#include "cmocka_all.h"
#include <math.h>
#include <string.h>
#include "campaign/campaign_state.h"
#include "few_runs.h"
#include "lrsearch/rng.h"

enum { SEEDS = 40, EVENTS = 1500, TRIALS = 300 };

static uint64_t seed, draws;

static uint32_t below(uint32_t limit)
{
    return (uint32_t)rng_below(seed, RNG_SIMULATE, draws++, limit);
}

/* ---- random events ---- */

static void plan_round(struct campaign *campaign)
{
    struct lr_error err = {0};
    struct event event = {.kind = EVENT_ROUND};
    event.as.round.round = campaign->round + 1;
    event.as.round.trials = 1 + below(50);
    event.as.round.purpose = below(4) == 0 ? PURPOSE_CONFIRM : PURPOSE_SEARCH;
    if (campaign->trial_count + event.as.round.trials > TRIALS)
        return;
    campaign_apply(campaign, &event, &err); /* refused while trials are open */
}

static struct event planned(const struct campaign *campaign)
{
    struct event event = {.kind = EVENT_PLANNED};
    struct event_planned *planned = &event.as.planned;
    planned->trial_id = (uint32_t)campaign->trial_count + 1;
    planned->round = campaign->round;
    planned->purpose = campaign->round_purpose;
    planned->spec = plan_trial(&campaign->plan);
    planned->spec.lr = 1e-3;
    planned->spec.horizon_tokens =
        planned->purpose == PURPOSE_CONFIRM ? 5000 : campaign->plan.search.horizons[below(3)];
    return event;
}

static struct event ended(const struct trial *trial)
{
    static const enum outcome outcomes[] = {
        OUTCOME_DONE,     OUTCOME_DONE,   OUTCOME_DONE, OUTCOME_DONE,     OUTCOME_LOST,
        OUTCOME_DIVERGED, OUTCOME_FAILED, OUTCOME_DONE, OUTCOME_CANCELED, OUTCOME_REFUSED};
    struct event event = ended_event(trial->id, trial->attempt,
                                     outcomes[below(sizeof(outcomes) / sizeof(outcomes[0]))],
                                     below(10) > 0 ? 3 : INFINITY);
    event.as.ended.result.tokens = below(3000);
    event.as.ended.result.flops = below(3) * 1.1e9 * below(1000);
    event.as.ended.result.seconds = .1 * below(40);
    event.as.ended.abandoned = below(5) == 0;
    return event;
}

/* One that may be refused; then nothing must have changed. */
static struct event any_event(struct campaign *campaign)
{
    const struct trial *trial =
        campaign_trial(campaign, 1 + below((uint32_t)campaign->trial_count + 1));
    struct event event = {.kind = EVENT_CLOCK, .as.clock.wall_s = .01 * below(20)};
    if (!round_is_planned(campaign) && below(8) > 0)
        return planned(campaign);
    if (trial && trial_state_is_waiting(trial->state)) {
        event = started_event(trial->id, trial->attempt + 1);
        event.as.started.rank = below(4); /* 0: taken over */
    } else if (trial && trial->state == TRIAL_RUNNING && below(3) == 0) {
        event = curve_event(trial->id, trial->attempt, trial->curve_tokens + 1 + below(500));
    } else if (trial) {
        event = ended(trial);
    }
    if (below(200) == 0) {
        event = session_event(1 + below(5));
        event.as.session.retries = below(2);
        event.as.session.stop_on_fail = below(2);
    }
    return event;
}

/* ---- the scans ---- */

static double pace_of(const struct trial *trial)
{
    const struct trial_result *result = &trial->result;
    double work = result->flops > 0 ? result->flops : (double)result->tokens;
    return trial->state == TRIAL_DONE && result->seconds > 0 && work > 0 ? result->seconds / work
                                                                         : INFINITY;
}

static void check_counts(const struct campaign *campaign)
{
    size_t counts[TRIAL_PURPOSES][TRIAL_STATES] = {0}, open = 0, settled = 0;
    uint64_t per_horizon[PLAN_HORIZONS] = {0};
    uint32_t waiting = 0;
    double pace = INFINITY;
    for (size_t i = 0; i < campaign->trial_count; i++) {
        const struct trial *trial = campaign->trials[i];
        counts[trial->purpose][trial->state]++;
        open += !trial_state_is_over(trial->state);
        settled += open == 0;
        pace = fmin(pace, pace_of(trial));
        for (size_t h = 0; h < 3; h++)
            per_horizon[h] += trial->purpose == PURPOSE_SEARCH &&
                              trial->spec.horizon_tokens == campaign->plan.search.horizons[h];
        if (!trial_state_is_waiting(trial->state))
            continue;
        assert_int_equal(campaign_next_waiting(campaign, waiting), trial->id);
        waiting = trial->id;
    }
    assert_int_equal(campaign_next_waiting(campaign, waiting), 0);
    assert_memory_equal(counts, campaign->counts, sizeof(counts));
    assert_memory_equal(per_horizon, campaign->planned, sizeof(per_horizon));
    assert_int_equal(open, campaign_open_trials(campaign));
    assert_int_equal(settled, campaign->settled);
    assert_true(campaign->least_pace == (isfinite(pace) ? pace : 0));
}

static void check_sums(const struct campaign *campaign)
{
    struct campaign_spent sum = {0}, kept = campaign_spent(campaign);
    uint64_t left_trials = 0, left_tokens = 0, trials, tokens, over[3] = {0};
    double seconds = 0;
    for (size_t i = 0; i < campaign->trial_count; i++) {
        const struct trial *trial = campaign->trials[i];
        bool is_over = trial_state_is_over(trial->state);
        sum.tokens += trial->spent.tokens;
        sum.flops += trial->spent.flops;
        seconds += trial->spent.seconds;
        sum.trials += !trial_is_taken_over(trial);
        for (size_t h = 0; h < 3; h++)
            over[h] += is_over && trial->purpose == PURPOSE_SEARCH &&
                       trial->spec.horizon_tokens == campaign->plan.search.horizons[h];
        if (trial->purpose == PURPOSE_CONFIRM && !is_over) {
            left_trials++;
            left_tokens += trial->spec.horizon_tokens;
        }
    }
    assert_int_equal(sum.tokens, kept.tokens);
    assert_int_equal(sum.trials, kept.trials);
    assert_true(sum.flops == kept.flops && seconds * 1 / 3600 == kept.core_hours);
    for (uint32_t purpose = 0; purpose < TRIAL_PURPOSES; purpose++)
        assert_ptr_equal(campaign->time_over[purpose], campaign_time_over(campaign, purpose, NULL));
    for (size_t h = 0; h < 3; h++) {
        uint64_t expected = h == 0 ? 7 : 2; /* the forecast */
        uint64_t all = campaign->planned[h] > expected ? campaign->planned[h] : expected;
        left_trials += all - over[h];
        left_tokens += (all - over[h]) * campaign->plan.search.horizons[h];
    }
    campaign_remaining(campaign, &trials, &tokens);
    assert_int_equal(trials, left_trials);
    assert_int_equal(tokens, left_tokens);
}

static void kept_counts_are_those_of_a_scan(void **state)
{
    (void)state;
    struct plan plan = test_plan();
    struct event opening = opening_event(), start = session_event(3);
    size_t most = 0, reopened = 0, time_over = 0;
    plan.budget.wall_s = 60;
    plan.budget.core_hours = .1;
    plan.budget.reserve = .3;
    plan.confirm.wanted = 1;
    for (seed = 1; seed <= (few_runs() ? 4 : SEEDS); seed++) {
        struct campaign *campaign;
        struct lr_error err = {0};
        plan.search.mode = seed % 2 == 0 ? MODE_ASYNC : MODE_ROUNDS;
        plan.search.policy = seed % 2 == 0 ? POLICY_DESIGN : POLICY_GRID;
        assert_int_equal(campaign_create(&campaign, &plan, &err), 0);
        assert_int_equal(campaign_apply(campaign, &opening, &err), 0);
        assert_int_equal(campaign_apply(campaign, &start, &err), 0);
        for (int i = 0; i < EVENTS; i++) {
            size_t settled = campaign->settled;
            if (round_is_planned(campaign) && below(4) == 0)
                plan_round(campaign);
            struct event event = any_event(campaign);
            campaign_apply(campaign, &event, &err);
            check_counts(campaign);
            check_sums(campaign);
            reopened += campaign->settled < settled;
            time_over +=
                campaign->time_over[PURPOSE_SEARCH] && !campaign->time_over[PURPOSE_CONFIRM];
        }
        most = campaign->trial_count > most ? campaign->trial_count : most;
        campaign_destroy(campaign);
    }
    assert_true(most > 128 && reopened > 0 && time_over > 0); /* the sequences reach everything */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kept_counts_are_those_of_a_scan)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
