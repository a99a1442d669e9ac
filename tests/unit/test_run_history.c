/* What a report reads from the journal about groups of ranks. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include "lrsearch/log.h"
#include "report/run_history.h"
#include "store/journal.h"

static int none(void *context, const struct event *event, struct lr_error *err)
{
    (void)context;
    (void)event;
    (void)err;
    return 0;
}

static void write_journal(const char *folder)
{
    char path[300];
    struct journal *journal;
    struct event session = {.kind = EVENT_SESSION}, started = {.kind = EVENT_STARTED};
    struct event group = {.kind = EVENT_GROUP}, steps = {.kind = EVENT_STEPS};
    struct event ended = {.kind = EVENT_ENDED};
    const struct event *const events[] = {&session, &started, &group, &steps, &ended};
    session.as.session.ranks = 4;
    started.as.started = (struct event_started){.trial_id = 1, .attempt = 1, .rank = 2, .at_s = 1};
    strcpy(started.as.started.host, "node7");
    group.as.group = (struct event_group){.trial_id = 1, .attempt = 1, .at_s = 3};
    strcpy(group.as.group.members, "2,3");
    steps.as.steps.ranks = 2;
    ended.as.ended.trial_id = ended.as.ended.attempt = 1;
    ended.as.ended.at_s = 7;
    snprintf(path, sizeof(path), "%s/journal.jsonl", folder);
    assert_int_equal(journal_open(&journal, path, none, NULL, NULL), 0);
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        assert_int_equal(journal_append(journal, events[i], NULL), 0);
    journal_close(journal);
}

static void groups_are_seen(void **state)
{
    char folder[256];
    struct run_history history;
    (void)state;
    assert_int_equal(temp_dir_make(folder, sizeof(folder)), 0);
    write_journal(folder);
    assert_int_equal(run_history_read(&history, folder, 1, NULL), 0);
    assert_int_equal(history.widest, 2);
    assert_int_equal(history.step_count, 1);
    assert_int_equal(history.steps[0].ranks, 2);
    assert_int_equal(history.attempt_count, 2);
    assert_int_equal(history.attempts[0].rank, 2);
    assert_int_equal(history.attempts[1].rank, 3);
    assert_true(history.attempts[1].begin_s == 3);
    assert_true(history.attempts[0].end_s == 7 && history.attempts[1].end_s == 7);
    run_history_release(&history);
    temp_dir_remove(folder);
}

/* ---- starts and curves ---- */

static void append(struct journal *journal, const struct event *event)
{
    assert_int_equal(journal_append(journal, event, NULL), 0);
}

/* Two starts with 30 s of the first; a curve of 1,000 points. */
static void write_long_journal(const char *folder)
{
    char path[300];
    struct journal *journal;
    struct event session = {.kind = EVENT_SESSION}, clock = {.kind = EVENT_CLOCK};
    clock.as.clock.wall_s = 15;
    snprintf(path, sizeof(path), "%s/journal.jsonl", folder);
    assert_int_equal(journal_open(&journal, path, none, NULL, NULL), 0);
    append(journal, &session);
    append(journal, &clock);
    append(journal, &clock);
    append(journal, &session);
    for (uint64_t i = 1; i <= 1000; i++) {
        struct event event = {.kind = EVENT_CURVE};
        event.as.curve =
            (struct event_curve){.trial_id = 2, .attempt = 1, .tokens = i, .train_loss = 4};
        append(journal, &event);
    }
    journal_close(journal);
}

static void starts_and_thinned_curves(void **state)
{
    static const struct {
        size_t trials;
        uint32_t points;
    } cases[] = {{2, HISTORY_POINTS}, {2999, 20}, {20000, HISTORY_POINTS_LEAST}};
    char folder[256];
    (void)state;
    assert_int_equal(temp_dir_make(folder, sizeof(folder)), 0);
    write_long_journal(folder);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run_history history;
        assert_int_equal(run_history_read(&history, folder, cases[i].trials, NULL), 0);
        assert_int_equal(history.start_count, 2);
        assert_true(history.starts[0].at_s == 0 && history.starts[1].at_s == 30);
        assert_null(history.curves[0]);
        const struct history_curve *curve = history.curves[1];
        assert_in_range(curve->count, cases[i].points / 2, cases[i].points);
        for (uint32_t k = 0; k < curve->count; k++) /* evenly, up to the end */
            assert_int_equal(curve->tokens[k], (k + 1) * curve->tokens[0]);
        assert_true(curve->tokens[curve->count - 1] > 1000 - curve->tokens[0]);
        run_history_release(&history);
    }
    temp_dir_remove(folder);
}

/* Killed 4 s after its last CLOCK, while it trained; the next session's clock begins there. */
static void a_killed_session(void **state)
{
    char folder[256], path[300];
    struct run_history history;
    struct journal *journal;
    struct event session = {.kind = EVENT_SESSION}, clock = {.kind = EVENT_CLOCK};
    struct event started = {.kind = EVENT_STARTED}, ended = {.kind = EVENT_ENDED};
    (void)state;
    clock.as.clock.wall_s = 15;
    assert_int_equal(temp_dir_make(folder, sizeof(folder)), 0);
    snprintf(path, sizeof(path), "%s/journal.jsonl", folder);
    assert_int_equal(journal_open(&journal, path, none, NULL, NULL), 0);
    append(journal, &session);
    append(journal, &clock);
    started.as.started = (struct event_started){.trial_id = 1, .attempt = 1, .rank = 1, .at_s = 19};
    append(journal, &started);
    ended.as.ended.trial_id = ended.as.ended.attempt = 1;
    ended.as.ended.at_s = 15; /* found lost by the next session */
    append(journal, &session);
    append(journal, &ended);
    started.as.started.attempt = ended.as.ended.attempt = 2;
    started.as.started.at_s = 16;
    ended.as.ended.at_s = 18;
    append(journal, &started);
    append(journal, &ended);
    journal_close(journal);
    assert_int_equal(run_history_read(&history, folder, 1, NULL), 0);
    assert_int_equal(history.attempt_count, 2);
    assert_true(history.attempts[0].begin_s == 19 && history.attempts[0].end_s == 19);
    assert_true(history.starts[1].at_s == 19);
    assert_true(history.attempts[1].begin_s == 20 && history.attempts[1].end_s == 22);
    assert_true(history.wall_s == 22);
    run_history_release(&history);
    temp_dir_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(groups_are_seen),
                                       cmocka_unit_test(starts_and_thinned_curves),
                                       cmocka_unit_test(a_killed_session)};
    lr_log_level_set(LR_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
