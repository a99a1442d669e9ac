/* The cutting off of a damaged journal: what was good stays, what is cut off is kept elsewhere. */
#include "journal_case.h"

#include <stdlib.h>
#include <xxhash.h>
#include "lrsearch/memory.h"

static void on_lost(void *context, const struct event *event)
{
    struct replayed *replayed = context;
    struct event expected = nth((uint32_t)replayed->count + 1 + (uint32_t)replayed->lost++);
    assert_same_event(&expected, event);
}

static void ignore_lost(void *context, const struct event *event)
{
    (void)context;
    (void)event;
}

/* Damage at any line: it is cut off there, after a copy under a name that was free. */
static void every_line_can_be_repaired(void **state)
{
    (void)state;
    struct journal *journal = open_ok(0);
    append(journal, 0, 8);
    journal_close(journal);
    size_t size, end = 0, now;
    char *bytes = read_file(&size), first[400];
    snprintf(first, sizeof(first), "%s.damaged-1", path);
    for (size_t line = 0; line < 7; line++) {
        struct journal_repair repair;
        struct replayed replayed = {0};
        struct lr_error err = {0};
        bytes[end + 5] ^= 1;
        write_file(bytes, size);
        assert_int_equal(journal_repair(&repair, path, on_replay, on_lost, &replayed, &err), 0);
        assert_int_equal(repair.kept, line);
        assert_int_equal(repair.dropped, 8 - line);
        assert_int_equal(replayed.lost, 7 - line); /* the damaged one cannot be read */
        assert_non_null(strstr(repair.damage.text, "the checksum does not fit"));
        assert_int_equal(strncmp(repair.copy, path, strlen(path)), 0);
        assert_int_equal(atoi(repair.copy + strlen(path) + strlen(".damaged-")), line + 1);
        char *kept = read_file(&now), *copy;
        assert_int_equal(now, end);
        assert_memory_equal(kept, bytes, end);
        free(kept);
        assert_int_equal(rename(repair.copy, path), 0);
        copy = read_file(&now);
        assert_int_equal(now, size);
        assert_memory_equal(copy, bytes, size);
        free(copy);
        assert_int_equal(rename(path, repair.copy), 0);
        bytes[end + 5] ^= 1;
        end += strcspn(bytes + end, "\n") + 1;
    }
    free(bytes);
    assert_int_equal(remove(first), 0);
}

/* The only line: who opens the journal refuses it, and here it is cut off. */
static void the_only_line_can_be_repaired(void **state)
{
    (void)state;
    struct journal *journal = open_ok(0);
    append(journal, 0, 1);
    journal_close(journal);
    size_t size, now;
    char *bytes = read_file(&size);
    bytes[5] ^= 1;
    write_file(bytes, size);
    free(bytes);
    struct journal_repair repair;
    struct replayed replayed = {0};
    struct lr_error err = {0};
    assert_int_equal(journal_open(&journal, path, on_replay, &replayed, &err), LR_EDAMAGED);
    assert_non_null(strstr(err.text, "journal repair"));
    assert_int_equal(journal_repair(&repair, path, on_replay, on_lost, &replayed, &err), 0);
    assert_int_equal(repair.kept, 0);
    assert_int_equal(repair.dropped, 1);
    assert_int_equal(remove(repair.copy), 0);
    free(read_file(&now));
    assert_int_equal(now, 0);
    journal_close(open_ok(0));
}

/* What is no damage stays as it is: a whole journal, a torn line, one that is being written. */
static void what_needs_no_repair(void **state)
{
    (void)state;
    struct journal *journal = open_ok(0);
    struct journal_repair repair;
    struct replayed replayed = {0};
    struct lr_error err = {0};
    append(journal, 0, 5);
    assert_int_equal(journal_repair(&repair, path, on_replay, on_lost, &replayed, &err), LR_EIO);
    assert_non_null(strstr(err.text, "journal.jsonl: another lrsearch is writing it"));
    journal_close(journal);
    size_t size, now;
    char *bytes = read_file(&size);
    for (int torn = 0; torn < 2; torn++) {
        memset(&replayed, 0, sizeof(replayed));
        write_file(bytes, size - (torn ? 3 : 0));
        assert_int_equal(journal_repair(&repair, path, on_replay, on_lost, &replayed, &err), 0);
        assert_int_equal(repair.kept, torn ? 4 : 5);
        assert_int_equal(repair.dropped, 0);
        assert_string_equal(repair.copy, "");
        free(read_file(&now));
        assert_int_equal(now, size - (torn ? 3 : 0));
    }
    free(bytes);
    char none[400];
    err.code = 0;
    snprintf(none, sizeof(none), "%s/none", folder);
    assert_int_equal(journal_repair(&repair, none, on_replay, on_lost, &replayed, &err), LR_EIO);
    assert_non_null(strstr(err.text, "none: cannot open the journal: No such file"));
}

/* An intact line that is not understood is another version's: that one can go on with it. */
static void another_versions_journal_is_not_cut(void **state)
{
    (void)state;
    static const char body[] = "{\"event\":\"dance\"";
    char line[64];
    int length = snprintf(line, sizeof(line), "%s,\"crc\":\"%08x\"}\n", body,
                          (unsigned)XXH3_64bits(body, strlen(body)));
    struct journal_repair repair;
    struct replayed replayed = {0};
    struct lr_error err = {0};
    size_t now;
    write_file(line, (size_t)length);
    assert_int_equal(journal_repair(&repair, path, on_replay, on_lost, &replayed, &err),
                     LR_EDAMAGED);
    assert_non_null(strstr(err.text,
                           ":1: unknown event \"dance\"; a newer lrsearch wrote it: use that one. "
                           "It is not damaged, and nothing was cut off"));
    char *same = read_file(&now);
    assert_int_equal(now, length);
    assert_memory_equal(same, line, now);
    free(same);
}

/* Without memory nothing is cut off. */
static void repair_without_memory(void **state)
{
    (void)state;
    struct journal *journal = open_ok(0);
    append(journal, 0, 6);
    journal_close(journal);
    size_t size, now;
    char *bytes = read_file(&size);
    bytes[strcspn(bytes, "\n") + 7] ^= 1;
    int failures = 0;
    for (long n = 0; n < 1000; n++) {
        struct journal_repair repair;
        struct replayed replayed = {0};
        struct lr_error err = {0};
        write_file(bytes, size);
        lr_memory_fail_after(n);
        int rc = journal_repair(&repair, path, on_replay, ignore_lost, &replayed, &err);
        lr_memory_fail_after(-1);
        failures += rc != 0;
        if (rc) {
            assert_int_equal(rc, LR_ENOMEM);
            assert_non_null(strstr(err.text, "out of memory"));
            char *same = read_file(&now);
            assert_int_equal(now, size);
            assert_memory_equal(same, bytes, size);
            free(same);
            continue;
        }
        assert_int_equal(repair.kept, 1);
        assert_int_equal(repair.dropped, 5);
        assert_int_equal(remove(repair.copy), 0);
    }
    assert_in_range(failures, 5, 900);
    free(bytes);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(every_line_can_be_repaired), IN_FOLDER(the_only_line_can_be_repaired),
        IN_FOLDER(what_needs_no_repair),       IN_FOLDER(another_versions_journal_is_not_cut),
        IN_FOLDER(repair_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
