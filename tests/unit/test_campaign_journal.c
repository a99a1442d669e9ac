/* Plan, campaign, search and journal together, in a world where a loss is a formula: whatever the
 * number of workers and wherever it is killed, a campaign ends in the same answer. */
#include "temp_dir.h"
#include "cmocka_all.h"
#include "few_runs.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "campaign/campaign_answer.h"
#include "campaign/campaign_apply.h"
#include "campaign/campaign_next.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"
#include "store/journal.h"
#include "store/result_json.h"
#include "store/run_dir.h"
#include "plan/plan_load.h"

static char folder[256], path[300];

static int set_up(void **state)
{
    (void)state;
    lr_log_level_set(LR_LOG_ERROR);
    if (temp_dir_make(folder, sizeof(folder)))
        return -1;
    snprintf(path, sizeof(path), "%s/journal.jsonl", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(folder);
    return 0;
}

/* `small`: for what runs once per line of the journal. */
static struct plan load_plan(const char *policy, bool small)
{
    static const char text[] =
        "version: 1\nname: world\nseed: 5\n"
        "model: {d_model: 64, n_layers: 2, n_heads: 2, context: 128, vocab: 256}\n"
        "data: {source: synthetic}\ntraining: {batch_tokens: 2048}\n"
        "search: {lr: [2e-4, 5e-2], horizons: [128Ki, 256Ki, 512Ki], seeds: 2}\n"
        "target: {tokens: 8Mi}\n";
    struct plan plan;
    struct plan_errors errors = {0};
    struct lr_error err = {0};
    char set[64], file[300];
    snprintf(set, sizeof(set), "search.policy=%s", policy);
    const char *sets[] = {set, "search.min_gain=0.05", /* of design: a few rounds */
                          "budget.trials=8"};
    assert_int_equal(run_dir_write(folder, "plan.yaml", text, strlen(text), &err), 0);
    snprintf(file, sizeof(file), "%s/plan.yaml", folder);
    if (plan_load(&plan, file, sets, small ? 3 : 2, &errors))
        fail_msg("%s", errors.count ? errors.lines[0] : "no memory");
    plan_errors_release(&errors);
    return plan;
}

/* One run of the program: campaign and journal, `workers` trials at a time. */
struct session {
    struct campaign *campaign;
    struct next_events next;
    struct journal *journal;
    uint32_t workers;
};

static int on_replay(void *context, const struct event *event, struct lr_error *err)
{
    struct session *session = context;
    return campaign_apply(session->campaign, event, err);
}

static int record(struct session *session, const struct event *event, struct lr_error *err)
{
    int rc = campaign_check(session->campaign, event, err);
    if (!rc)
        rc = journal_append(session->journal, event, err);
    return rc ? rc : campaign_apply(session->campaign, event, err);
}

/* LR* = 5e-3 at 128Ki tokens, falling as tokens^-0.4; .05 nats per octave^2; beyond four times the
 * optimum it diverges. */
static struct event outcome_of(const struct trial *trial)
{
    struct event event = {.kind = EVENT_ENDED};
    struct trial_result *result = &event.as.ended.result;
    double ratio = (double)trial->spec.horizon_tokens / 131072;
    double off = log2(trial->spec.lr / (5e-3 * pow(ratio, -0.4)));
    event.as.ended.trial_id = trial->id;
    event.as.ended.attempt = trial->attempt;
    result->tokens = trial->spec.horizon_tokens;
    result->flops = (double)result->tokens * trial_flops_per_token(&trial->spec);
    result->seconds = 1;
    result->outcome = off > 2 ? OUTCOME_DIVERGED : OUTCOME_DONE;
    result->val_loss = result->val_loss_se = result->train_loss = NAN;
    if (result->outcome == OUTCOME_DONE)
        result->val_loss = 2 + pow(ratio, -0.1) + 0.05 * off * off +
                           0.001 * rng_normal(trial->spec.seed, RNG_SIMULATE, trial->id);
    return event;
}

/* What a coordinator does next, by the campaign's state alone. 1: done; 0: there is nothing. */
static int step(struct session *session, struct lr_error *err)
{
    size_t running = 0;
    const struct trial *pending = NULL, *last = NULL;
    int rc = campaign_next(session->campaign, NULL, &session->next, err);
    if (!rc && session->next.count > 0)
        rc = record(session, &session->next.events[0], err);
    if (rc || session->next.count > 0)
        return rc ? rc : 1;
    for (uint32_t id = 1; id <= campaign_trial_count(session->campaign); id++) {
        const struct trial *trial = campaign_trial(session->campaign, id);
        if (trial_state_is_waiting(trial->state) && !pending)
            pending = trial;
        if (trial->state == TRIAL_RUNNING) {
            running++;
            last = trial;
        }
    }
    struct event event = {.kind = EVENT_STARTED};
    if (pending && running < session->workers) {
        event.as.started.trial_id = pending->id;
        event.as.started.attempt = pending->attempt + 1;
        event.as.started.rank = 1 + pending->id % session->workers;
    } else if (last) { /* the last started ends first: another order for each number of workers */
        event = outcome_of(last);
    } else {
        return 0;
    }
    rc = record(session, &event, err);
    return rc ? rc : 1;
}

static void session_open(struct session *session, const struct plan *plan, uint32_t workers)
{
    struct lr_error err = {0};
    session->workers = workers;
    session->next = (struct next_events){0};
    if (campaign_create(&session->campaign, plan, &err) ||
        journal_open(&session->journal, path, on_replay, session, &err))
        fail_msg("%s", err.text);
    if (journal_count(session->journal) > 0)
        return;
    struct event event = {.kind = EVENT_CAMPAIGN};
    snprintf(event.as.campaign.name, sizeof(event.as.campaign.name), "world");
    if (record(session, &event, &err))
        fail_msg("%s", err.text);
}

static char *session_close(struct session *session)
{
    struct answer answer;
    struct lr_error err = {0};
    if (campaign_answer(session->campaign, &answer, &err))
        fail_msg("%s", err.text);
    char *json = result_json("world", &answer);
    assert_non_null(json);
    journal_close(session->journal);
    campaign_destroy(session->campaign);
    next_events_release(&session->next);
    return json;
}

static char *run(const struct plan *plan, uint32_t workers)
{
    struct session session;
    struct lr_error err = {0};
    session_open(&session, plan, workers);
    int rc = 1;
    while (rc > 0)
        rc = step(&session, &err);
    if (rc)
        fail_msg("%s", err.text);
    assert_true(campaign_finished(session.campaign));
    return session_close(&session);
}

static char *read_journal(void)
{
    char *text = NULL;
    assert_int_equal(run_dir_read("", path, &text, NULL), 0);
    assert_non_null(text);
    return text;
}

static void same_answer_for_any_workers(const char *policy)
{
    struct plan plan = load_plan(policy, false);
    char *expected = run(&plan, 1);
    if (!strstr(expected, "\"status\": \"identified\""))
        fail_msg("%s", expected);
    for (uint32_t workers = 2; workers < 40; workers = workers * 3 - 1) {
        assert_int_equal(remove(path), 0);
        char *json = run(&plan, workers);
        assert_string_equal(json, expected);
        lr_free(json);
    }
    lr_free(expected);
}

/* Killed after every event, and in the midst of writing it. */
static void same_journal_after_any_kill(const char *policy)
{
    struct plan plan = load_plan(policy, true);
    char *expected = run(&plan, 3), *journal = read_journal();
    size_t kept = 0;
    for (unsigned event = 0; journal[kept]; event++) {
        kept += strcspn(journal + kept, "\n") + 1;
        if (few_runs() && event % 10 > 0)
            continue;
        size_t torn = journal[kept] ? 7 : 0;
        assert_int_equal(run_dir_write("", path, journal, kept + torn, NULL), 0);
        char *json = run(&plan, 3), *again = read_journal();
        assert_string_equal(json, expected);
        assert_string_equal(again, journal);
        lr_free(json);
        lr_free(again);
    }
    lr_free(expected);
    lr_free(journal);
}

static void design_for_any_workers(void **state)
{
    (void)state;
    same_answer_for_any_workers("design");
}

static void grid_for_any_workers(void **state)
{
    (void)state;
    same_answer_for_any_workers("grid");
}

static void design_after_any_kill(void **state)
{
    (void)state;
    same_journal_after_any_kill("design");
}

static void grid_after_any_kill(void **state)
{
    (void)state;
    same_journal_after_any_kill("grid");
}

/* Every step meets every failure of an allocation that it can meet, and is tried again; where the
 * event stood in the journal already, by a new session. The answer too. */
static void same_journal_without_memory(void **state)
{
    (void)state;
    struct plan plan = load_plan("design", true);
    char *expected = run(&plan, 3), *journal = read_journal();
    struct session session;
    struct answer answer;
    struct lr_error err = {0};
    long failures = 0, reopened = 0, steps = 0, every = few_runs() ? 5 : 1;
    assert_int_equal(remove(path), 0);
    session_open(&session, &plan, 3);
    int rc = 1;
    for (long n = 0; rc != 0; n += every) {
        size_t written = journal_count(session.journal);
        err.code = 0;
        lr_memory_fail_after(n);
        rc = step(&session, &err);
        lr_memory_fail_after(-1);
        if (rc > 0) {
            n = ++steps % every - every;
            continue;
        }
        if (rc && (rc != LR_ENOMEM || !strstr(err.text, "out of memory")))
            fail_msg("%s", err.text);
        failures += rc != 0;
        if (rc && journal_count(session.journal) > written) {
            lr_free(session_close(&session));
            session_open(&session, &plan, 3);
            reopened++;
            n = -every;
        }
    }
    assert_true(failures > 1000 / every);
    assert_true(reopened > 0);
    assert_true(campaign_finished(session.campaign));
    rc = LR_ENOMEM;
    for (long n = 0; rc; n += every) {
        err.code = 0;
        lr_memory_fail_after(n);
        rc = campaign_answer(session.campaign, &answer, &err);
        lr_memory_fail_after(-1);
        if (rc && (rc != LR_ENOMEM || !strstr(err.text, "out of memory")))
            fail_msg("%s", err.text);
    }
    char *json = session_close(&session), *again = read_journal();
    assert_string_equal(json, expected);
    assert_string_equal(again, journal);
    lr_free(json);
    lr_free(again);
    lr_free(expected);
    lr_free(journal);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(design_for_any_workers),      IN_FOLDER(grid_for_any_workers),
        IN_FOLDER(design_after_any_kill),       IN_FOLDER(grid_after_any_kill),
        IN_FOLDER(same_journal_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
