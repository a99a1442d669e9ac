/* Events as lines: what was written comes back bit for bit, and what cannot be read is named. */
#include "awkward_event.h"
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/version.h"
#include "store/event_json.h"

static void lines_come_back(void **state)
{
    (void)state;
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        for (uint32_t n = 0; n < 500; n++) {
            struct event event = awkward_event((enum event_kind)kind, n), back;
            struct lr_error err = {0};
            size_t length;
            char *line = event_to_line(&event, &length);
            assert_non_null(line);
            assert_int_equal(strlen(line), length);
            assert_int_equal(line[length - 1], '\n');
            assert_null(memchr(line, '\n', length - 1));
            assert_true(event_line_intact(line, length - 1));
            if (event_from_line(&back, line, length - 1, &err))
                fail_msg("%s: %s", line, err.text);
            assert_same_event(&event, &back);
            lr_free(line);
        }
}

static void line_as_documented(void **state)
{
    (void)state;
    struct event event = {.kind = EVENT_ROUND};
    size_t length;
    event.as.round.round = 1;
    event.as.round.trials = 4;
    char *line = event_to_line(&event, &length);
    const char *body = "{\"event\":\"round\",\"round\":1,\"trials\":4,\"purpose\":0,\"crc\":\"";
    assert_memory_equal(line, body, strlen(body));
    assert_int_equal(length, strlen(body) + 8 + 3);
    lr_free(line);
    event = (struct event){.kind = EVENT_CURVE};
    event.as.curve.train_loss = NAN;
    line = event_to_line(&event, &length);
    assert_non_null(strstr(line, "\"train_loss\":\"nan\""));
    lr_free(line);
    event = (struct event){.kind = EVENT_CLOCK, .as.clock.wall_s = 0.1};
    line = event_to_line(&event, &length);
    assert_non_null(strstr(line, "\"wall_s\":0.10000000000000001"));
    lr_free(line);
}

static void bad_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"{\"event\":\"round\",\"round\":1", "is no JSON: column"},
        {"", "is no JSON: column"},
        {"[1]", "has no \"event\""},
        {"{\"round\":1}", "has no \"event\""},
        {"{\"event\":7}", "has no \"event\""},
        {"{\"event\":\"party\"}",
         "unknown event \"party\"; a newer lrsearch wrote it: use that one"},
        {"{\"event\":\"round\",\"round\":-1}",
         "round.round: must be an integer from 0 to 4294967295"},
        {"{\"event\":\"round\",\"round\":4294967296}", "round.round: must be an integer"},
        {"{\"event\":\"round\",\"round\":1.0}", "round.round: must be an integer"},
        {"{\"event\":\"round\",\"round\":\"1x\"}", "round.round: must be an integer"},
        {"{\"event\":\"round\",\"round\":\" 1\"}", "round.round: must be an integer"},
        {"{\"event\":\"round\",\"round\":1,\"round\":1}", "is no JSON: column"},
        {"{\"event\":\"round\",\"colour\":1}", "round: has fields that this version does not know; "
                                               "another lrsearch wrote it: use that one"},
        {"{\"event\":\"curve\",\"tokens\":\"18446744073709551616\"}",
         "curve.tokens: must be an integer from 0 to 18446744073709551615"},
        {"{\"event\":\"curve\",\"train_loss\":\"NaN\"}",
         "curve.train_loss: must be a number, \"nan\", \"inf\" or \"-inf\""},
        {"{\"event\":\"curve\",\"train_loss\":null}", "curve.train_loss: must be a number"},
        {"{\"event\":\"finished\",\"status\":\"12345678901234567890123456789012\"}",
         "finished.status: must be a text of 31 bytes at most"},
        {"{\"event\":\"finished\",\"status\":{\"hex\":\"4\"}}", "finished.status: must be a text"},
        {"{\"event\":\"finished\",\"status\":{\"hex\":\"4G\"}}", "finished.status: must be a text"},
        {"{\"event\":\"finished\",\"status\":{\"hex\":\"4100\"}}",
         "finished.status: must be a text"},
        {"{\"event\":\"finished\",\"status\":3}", "finished.status: must be a text"},
        {"{\"event\":\"ended\",\"result\":3}", "ended.result: must be an object"},
        {"{\"event\":\"ended\",\"result\":{\"val_loss\":\"\"}}",
         "ended.result.val_loss: must be a number"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct event event;
        struct lr_error err = {0};
        assert_int_equal(event_from_line(&event, cases[i].line, strlen(cases[i].line), &err),
                         LR_EDAMAGED);
        if (strncmp(err.text, cases[i].text, strlen(cases[i].text)) != 0)
            fail_msg("%s: '%s'", cases[i].line, err.text);
        assert_false(event_line_intact(cases[i].line, strlen(cases[i].line)));
    }
    struct event event;
    const char *old = "{\"event\":\"clock\"}"; /* of a version without the field */
    assert_int_equal(event_from_line(&event, old, strlen(old), NULL), 0);
    assert_true(event.as.clock.wall_s == 0);
}

/* A later format is told before the fields that this version does not know. */
static void later_formats(void **state)
{
    (void)state;
    static const char *const later[] = {
        "{\"event\":\"campaign\",\"version\":\"9.1.0\",\"format\":2,\"colour\":1}",
        "{\"event\":\"session\",\"colour\":1,\"version\":\"9.1.0\",\"format\":2}",
        "{\"event\":\"session\",\"version\":\"9.1.0\",\"format\":\"18446744073709551615\"}",
    };
    struct event event;
    for (size_t i = 0; i < 3; i++) {
        struct lr_error err = {0};
        assert_int_equal(event_from_line(&event, later[i], strlen(later[i]), &err), LR_EDATA);
        assert_non_null(strstr(err.text, "lrsearch 9.1.0 wrote this journal in format "));
        assert_non_null(strstr(err.text, "this lrsearch, " LRSEARCH_VERSION
                                         ", knows formats up to 1: use that version, or a later"));
    }
    const char *ours = "{\"event\":\"campaign\",\"format\":1}", *before = "{\"event\":\"session\"}";
    assert_int_equal(event_from_line(&event, ours, strlen(ours), NULL), 0);
    assert_int_equal(event.as.campaign.format, JOURNAL_FORMAT);
    assert_int_equal(event_from_line(&event, before, strlen(before), NULL), 0);
    assert_int_equal(event.as.session.format, 0);
}

/* Every allocation fails in turn: a whole line or none, the event or nothing of it. */
static void without_memory(void **state)
{
    (void)state;
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        struct event event = awkward_event((enum event_kind)kind, 5), back, zero;
        size_t whole, length, failures = 0;
        char *expected = event_to_line(&event, &whole);
        assert_non_null(expected);
        assert_int_equal(event_line_kind(expected, whole), kind);
        for (size_t cut = 0; cut < strlen("{\"event\":\"\"") + strlen(event_name(event.kind));
             cut++)
            assert_int_equal(event_line_kind(expected, cut), EVENT_KINDS);
        memset(&zero, 0, sizeof(zero));
        for (long n = 0; n < 500; n++) {
            lr_memory_fail_after(n);
            char *line = event_to_line(&event, &length);
            lr_memory_fail_after(-1);
            failures += !line;
            if (line)
                assert_string_equal(line, expected);
            lr_free(line);

            struct lr_error err = {0};
            lr_memory_fail_after(n);
            int rc = event_from_line(&back, expected, whole - 1, &err);
            lr_memory_fail_after(-1);
            failures += rc != 0;
            if (!rc) {
                assert_same_event(&event, &back);
                continue;
            }
            assert_int_equal(rc, LR_ENOMEM);
            assert_string_equal(err.text, "out of memory");
            assert_memory_equal(&back, &zero, sizeof(zero));
        }
        assert_in_range(failures, 10, 900);
        lr_free(expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_back),    cmocka_unit_test(later_formats),
        cmocka_unit_test(line_as_documented), cmocka_unit_test(bad_lines),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
