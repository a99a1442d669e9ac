/* The journal: what was written comes back bit for bit, wherever a kill, a full disk or a bad byte
 * struck. */
#define _DEFAULT_SOURCE /* mount */
#include "journal_case.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "store/journal.h"

static void append_and_replay(void **state)
{
    (void)state;
    struct stat status;
    struct journal *journal = open_ok(0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    append(journal, 0, 40);
    assert_int_equal(journal_count(journal), 40);
    assert_int_equal(journal_sync(journal, NULL), 0);
    assert_int_equal(journal_sync(journal, NULL), 0);
    journal_close(journal);
    journal = open_ok(40);
    append(journal, 40, 45);
    journal_close(journal);
    journal_close(open_ok(45));
    struct replayed replayed = {0};
    assert_int_equal(journal_read(path, on_replay, &replayed, NULL), 0);
    assert_int_equal(replayed.count, 45);
    journal_close(NULL);
}

/* A reader that follows is told each event once, and of a torn line when it is whole. */
static void reading_on(void **state)
{
    (void)state;
    struct journal_place place = {0};
    struct replayed replayed = {0};
    struct journal *journal = open_ok(0);
    append(journal, 0, 5);
    assert_int_equal(journal_read_on(path, &place, on_replay, &replayed, NULL), 0);
    assert_int_equal(replayed.count, 5);
    assert_int_equal(journal_read_on(path, &place, on_replay, &replayed, NULL), 0);
    assert_int_equal(replayed.count, 5);
    append(journal, 5, 9);
    journal_close(journal);
    size_t size;
    char *bytes = read_file(&size);
    write_file(bytes, size - 1);
    assert_int_equal(journal_read_on(path, &place, on_replay, &replayed, NULL), 0);
    assert_int_equal(replayed.count, 8);
    assert_int_equal(place.lines, 8);
    write_file(bytes, size);
    assert_int_equal(journal_read_on(path, &place, on_replay, &replayed, NULL), 0);
    assert_int_equal(replayed.count, 9);
    assert_int_equal(place.offset, size);
    struct lr_error err = {0};
    write_file(bytes, size - 1);
    assert_int_equal(journal_read_on(path, &place, on_replay, &replayed, &err), LR_EDAMAGED);
    assert_non_null(strstr(err.text, "became shorter while it was read"));
    assert_int_equal(replayed.count, 9);
    free(bytes);
}

struct kinds_seen {
    unsigned kinds;
    size_t count;
};

static int note_kind(void *context, const struct event *event, struct lr_error *err)
{
    struct kinds_seen *seen = context;
    (void)err;
    seen->kinds |= 1u << event->kind;
    seen->count++;
    return 0;
}

/* Events of the kinds that are asked for; damage is found in lines of other kinds too. */
static void some_kinds(void **state)
{
    (void)state;
    const unsigned wanted = 1u << EVENT_STARTED | 1u << EVENT_ENDED;
    struct kinds_seen seen = {0};
    struct lr_error err = {0};
    size_t size;
    struct journal *journal = open_ok(0);
    append(journal, 0, 4 * EVENT_KINDS);
    journal_close(journal);
    assert_int_equal(journal_read_run(folder, wanted, note_kind, &seen, &err), 0);
    assert_int_equal(seen.kinds, wanted);
    assert_int_equal(seen.count, 8);
    char *bytes = read_file(&size), *planned = strstr(bytes, "\"event\":\"planned\"");
    assert_non_null(planned);
    planned[40] ^= 1;
    write_file(bytes, size);
    assert_int_equal(journal_read_run(folder, wanted, note_kind, &seen, &err), LR_EDAMAGED);
    assert_non_null(strstr(err.text, "journal.jsonl:5: the checksum does not fit"));
    free(bytes);
}

/* A renamed journal replaces the file at its new path and goes on there; one that cannot be renamed
 * takes no more lines. */
static void renamed(void **state)
{
    (void)state;
    struct replayed replayed = {0};
    struct lr_error err = {0};
    struct event event = {.kind = EVENT_CLOCK};
    char moved[sizeof(path) + 8];
    snprintf(moved, sizeof(moved), "%s.moved", path);
    struct journal *journal = open_ok(0);
    append(journal, 0, 5);
    assert_int_equal(journal_rename(journal, moved, NULL), 0);
    assert_int_equal(access(path, F_OK), -1);
    append(journal, 5, 9);
    assert_int_equal(journal_read(moved, on_replay, &replayed, NULL), 0);
    assert_int_equal(replayed.count, 9);
    assert_int_equal(journal_rename(journal, path, NULL), 0);
    assert_int_equal(mkdir(moved, 0700), 0);
    assert_int_equal(journal_rename(journal, moved, &err), LR_EIO);
    assert_non_null(strstr(err.text, "cannot rename the journal"));
    assert_int_equal(journal_append(journal, &event, NULL), LR_EIO);
    journal_close(journal);
    assert_int_equal(rmdir(moved), 0);
    journal_close(open_ok(9));
}

/* More than one block of reading, lines across the blocks. */
static void large_journal(void **state)
{
    (void)state;
    struct journal *journal = open_ok(0);
    append(journal, 0, 4000);
    journal_close(journal);
    size_t size;
    free(read_file(&size));
    assert_true(size > 600000);
    journal_close(open_ok(4000));
}

/* Killed at any byte: everything that was whole comes back, and the journal goes on from there. */
static void every_prefix_opens(void **state)
{
    (void)state;
    struct journal *journal = open_ok(0);
    append(journal, 0, 10);
    journal_close(journal);
    size_t size, kept;
    char *bytes = read_file(&size);
    for (size_t cut = 0; cut <= size; cut++) {
        size_t whole = 0, end = 0;
        for (size_t i = 0; i < cut; i++)
            if (bytes[i] == '\n') {
                whole++;
                end = i + 1;
            }
        write_file(bytes, cut);
        struct replayed replayed = {0};
        assert_int_equal(journal_read(path, on_replay, &replayed, NULL), 0);
        assert_int_equal(replayed.count, whole);
        struct stat status;
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_size, cut); /* looking changes nothing */
        journal = open_ok(whole);
        if (cut % 16 == 0) {
            append(journal, (uint32_t)whole, (uint32_t)whole + 1);
            journal_close(journal);
            journal_close(open_ok(whole + 1));
        } else {
            journal_close(journal);
            char *now = read_file(&kept);
            assert_int_equal(kept, end);
            assert_memory_equal(now, bytes, end);
            free(now);
        }
    }
    free(bytes);
}

/* A bad byte anywhere: in the last line it is a torn line; before, it is damage, with its
 * number. */
static void every_flipped_byte_is_found(void **state)
{
    (void)state;
    struct journal *journal = open_ok(0);
    append(journal, 0, 6);
    journal_close(journal);
    size_t size, line = 1;
    char *bytes = read_file(&size), prefix[400];
    size_t last = size - 1;
    while (bytes[last - 1] != '\n')
        last--;
    for (size_t i = 0; i < size; i++) {
        bool newline = bytes[i] == '\n';
        bytes[i] = (char)(bytes[i] ^ 1);
        write_file(bytes, size);
        struct replayed replayed = {0};
        struct lr_error err = {0};
        int rc = journal_open(&journal, path, on_replay, &replayed, &err);
        assert_int_equal(replayed.count, line - 1);
        /* A newline lost between the last two makes them one torn line. */
        if (i >= last || (newline && line == 5)) {
            assert_int_equal(rc, 0);
            journal_close(journal);
        } else {
            assert_int_equal(rc, LR_EDAMAGED);
            assert_null(journal);
            snprintf(prefix, sizeof(prefix),
                     "%s:%zu: the checksum does not fit: the line was changed. Restore ", path,
                     line);
            if (strncmp(err.text, prefix, strlen(prefix)) != 0)
                fail_msg("byte %zu: %s", i, err.text);
            size_t now;
            free(read_file(&now));
            assert_int_equal(now, size); /* and nothing is cut off */
        }
        bytes[i] = (char)(bytes[i] ^ 1);
        line += newline;
    }
    free(bytes);
}

static void replay_can_refuse(void **state)
{
    (void)state;
    struct journal *journal = open_ok(0);
    append(journal, 0, 5);
    journal_close(journal);
    struct replayed replayed = {.fail_at = 3};
    struct lr_error err = {0};
    char expected[800];
    assert_int_equal(journal_open(&journal, path, on_replay, &replayed, &err), LR_EDAMAGED);
    snprintf(
        expected, sizeof(expected),
        "%s:3: round 2 follows round 0. Restore the file from a copy, or cut it off before this "
        "line: lrsearch journal repair %s",
        path, folder);
    assert_string_equal(err.text, expected);
}

/* A whole line that this version does not know is no torn line, not even as the last. */
static void newer_event_is_kept(void **state)
{
    (void)state;
    static const char body[] = "{\"event\":\"dance\"";
    char line[64];
    int length = snprintf(line, sizeof(line), "%s,\"crc\":\"%08x\"}\n", body,
                          (unsigned)XXH3_64bits(body, strlen(body)));
    struct journal *journal = open_ok(0);
    struct lr_error err = {0};
    journal_close(journal);
    write_file(line, (size_t)length);
    assert_int_equal(journal_open(&journal, path, on_replay, &(struct replayed){0}, &err),
                     LR_EDAMAGED);
    assert_non_null(
        strstr(err.text, ":1: unknown event \"dance\"; a newer lrsearch wrote it: use that one"));
    assert_null(strstr(err.text, "repair")); /* that version can read it */
    err.code = 0;
    write_file("\n\n", 2);
    assert_int_equal(journal_open(&journal, path, on_replay, &(struct replayed){0}, &err),
                     LR_EDAMAGED);
    assert_non_null(strstr(err.text, ":1: the checksum does not fit"));
}

/* What is no journal is not cut off: neither another program's file, nor one behind a link. */
static void another_file_is_not_cut(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"secret\n", ":1: the checksum does not fit"},
        {"\n", ":1: the checksum does not fit"},
        {"{\"event\":\"clock\",\"wall_s\":1.0,\"crc\":\"00000000\"}\n", ":1: the checksum"},
        {"secret", "is no journal of lrsearch; move it away, or choose another --run-dir"},
        {"s", "is no journal of lrsearch"},
        {"{\"event\": 1", "is no journal of lrsearch"},
    };
    struct journal *journal = NULL;
    char link[400];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lr_error err = {0};
        size_t size;
        write_file(cases[i].bytes, strlen(cases[i].bytes));
        assert_int_equal(journal_open(&journal, path, on_replay, &(struct replayed){0}, &err),
                         LR_EDAMAGED);
        if (!strstr(err.text, cases[i].text))
            fail_msg("%s: %s", cases[i].bytes, err.text);
        char *now = read_file(&size);
        assert_int_equal(size, strlen(cases[i].bytes));
        assert_memory_equal(now, cases[i].bytes, size);
        free(now);
    }
    struct lr_error err = {0};
    write_file("{\"ev", 4); /* ours, torn */
    journal_close(open_ok(0));
    snprintf(link, sizeof(link), "%s/link.jsonl", folder);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(journal_open(&journal, link, on_replay, &(struct replayed){0}, &err),
                     LR_ECREATE);
    assert_non_null(strstr(err.text, "link.jsonl: is a symbolic link, and a journal is a file of "
                                     "its own; move it away"));
    assert_int_equal(unlink(link), 0);
}

static void places_that_cannot_be(void **state)
{
    (void)state;
    struct journal *journal = NULL;
    struct lr_error err = {0};
    struct replayed replayed = {0};
    char below[400];
    write_file("", 0);
    snprintf(below, sizeof(below), "%s/journal.jsonl", path); /* below a regular file */
    assert_int_equal(journal_open(&journal, below, on_replay, &replayed, &err), LR_ECREATE);
    assert_null(journal);
    assert_non_null(strstr(err.text, "cannot create the journal: Not a directory"));
    err.code = 0;
    assert_int_equal(journal_open(&journal, folder, on_replay, &replayed, &err), LR_ECREATE);
    err.code = 0;
    snprintf(below, sizeof(below), "%s/fifo", folder);
    assert_int_equal(mkfifo(below, 0600), 0);
    assert_int_equal(journal_open(&journal, below, on_replay, &replayed, &err), LR_ECREATE);
    assert_non_null(strstr(err.text, "is no regular file; move it away"));
    err.code = 0;
    snprintf(below, sizeof(below), "%s/none", folder);
    assert_int_equal(journal_read(below, on_replay, &replayed, &err), LR_EIO);
    assert_non_null(strstr(err.text, "none: cannot open the journal: No such file"));
}

/* Appends until the disk is full; then the file ends in a whole line, and nothing more is taken. */
static void fill_disk(int code, const char *text)
{
    struct journal *journal = open_ok(0);
    struct lr_error err = {0};
    uint32_t written = 0;
    int rc;
    for (;;) {
        struct event event = nth(written);
        rc = journal_append(journal, &event, &err);
        if (rc)
            break;
        written++;
        assert_true(written < 100000);
    }
    assert_int_equal(rc, code);
    if (!strstr(err.text, text) || !strstr(err.text, "journal.jsonl: cannot write the journal: "))
        fail_msg("%s", err.text);
    assert_true(written > 10);
    assert_int_equal(journal_count(journal), written);
    struct event small = {.kind = EVENT_CLOCK}; /* it would fit */
    struct lr_error again = {0};
    assert_int_equal(journal_append(journal, &small, &again), code);
    assert_string_equal(again.text, err.text);
    assert_int_equal(journal_sync(journal, &again), code);
    journal_close(journal);
    size_t size;
    char *bytes = read_file(&size);
    assert_int_equal(bytes[size - 1], '\n');
    free(bytes);
    journal_close(open_ok(written));
}

static void disk_full(void **state)
{
    (void)state;
    if (mount("tmpfs", folder, "tmpfs", 0, "size=64k") == 0) {
        fill_disk(LR_ENOSPC, "No space left on device");
        assert_int_equal(umount(folder), 0);
    } else {
        print_message("tmpfs cannot be mounted here (%s); the limit on file size stands in\n",
                      strerror(errno));
    }
}

static void file_size_limit(void **state)
{
    (void)state;
    struct rlimit old, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    limit = old;
    limit.rlim_cur = 50001;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    fill_disk(LR_EIO, "File too large");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
}

/* Opened, replayed and written while one allocation after the other fails: LR_ENOMEM, and what was
 * there is there. */
static void without_memory(void **state)
{
    (void)state;
    struct journal *journal = open_ok(0);
    append(journal, 0, 4);
    journal_close(journal);
    size_t size, failures = 0, in_row = 0;
    char *bytes = read_file(&size);
    for (long n = 0; in_row < 100; n++) { /* jansson does without some of them */
        struct event event = nth(4);
        struct lr_error err = {0};
        struct replayed context = {0};
        write_file(bytes, size);
        lr_memory_fail_after(n);
        int rc = journal_open(&journal, path, on_replay, &context, &err);
        assert_true(rc == 0 || journal == NULL);
        if (!rc) {
            rc = journal_append(journal, &event, &err);
            assert_int_equal(journal_count(journal), rc ? 4 : 5);
        }
        lr_memory_fail_after(-1);
        journal_close(journal);
        if (rc && (rc != LR_ENOMEM || !strstr(err.text, "out of memory")))
            fail_msg("allocation %ld: %s", n, err.text);
        failures += rc != 0;
        in_row = rc ? 0 : in_row + 1;
        journal_close(open_ok(rc ? 4 : 5));
    }
    free(bytes);
    assert_true(failures > 100);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(append_and_replay),
        IN_FOLDER(reading_on),
        IN_FOLDER(some_kinds),
        IN_FOLDER(renamed),
        IN_FOLDER(large_journal),
        IN_FOLDER(every_prefix_opens),
        IN_FOLDER(every_flipped_byte_is_found),
        IN_FOLDER(replay_can_refuse),
        IN_FOLDER(newer_event_is_kept),
        IN_FOLDER(another_file_is_not_cut),
        IN_FOLDER(places_that_cannot_be),
        IN_FOLDER(disk_full),
        IN_FOLDER(file_size_limit),
        IN_FOLDER(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
