#ifndef TESTS_JOURNAL_CASE_H
#define TESTS_JOURNAL_CASE_H
/* A journal of awkward events in a directory of its own. Include it first. */
#include "temp_dir.h"
#include "awkward_event.h"
#include "cmocka_all.h"

#include <string.h>
#include <sys/stat.h>
#include "lrsearch/log.h"
#include "store/journal.h"

static char folder[256], path[300];

static inline int set_up(void **state)
{
    (void)state;
    lr_log_level_set(LR_LOG_ERROR);
    if (temp_dir_make(folder, sizeof(folder)))
        return -1;
    snprintf(path, sizeof(path), "%s/journal.jsonl", folder);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(folder);
    return 0;
}

struct replayed {
    size_t count;
    uint32_t first; /* awkward_event(kind, first + i) is expected */
    int fail_at;    /* 1: at the first event, ...; 0: never */
    int lost;       /* events behind a cut */
};

static inline struct event nth(uint32_t n)
{
    return awkward_event((enum event_kind)(n % EVENT_KINDS), n);
}

static inline int on_replay(void *context, const struct event *event, struct lr_error *err)
{
    struct replayed *replayed = context;
    struct event expected = nth((uint32_t)replayed->count++);
    if ((int)replayed->count == replayed->fail_at)
        return lr_fail(err, LR_EDAMAGED, "round 2 follows round 0");
    assert_same_event(&expected, event);
    return 0;
}

static inline void append(struct journal *journal, uint32_t from, uint32_t to)
{
    for (uint32_t n = from; n < to; n++) {
        struct event event = nth(n);
        struct lr_error err = {0};
        if (journal_append(journal, &event, &err))
            fail_msg("%s", err.text);
    }
}

static inline struct journal *open_ok(size_t expected)
{
    struct journal *journal = NULL;
    struct lr_error err = {0};
    struct replayed replayed = {0};
    if (journal_open(&journal, path, on_replay, &replayed, &err))
        fail_msg("%s", err.text);
    assert_int_equal(replayed.count, expected);
    assert_int_equal(journal_count(journal), expected);
    return journal;
}

static inline void write_file(const char *bytes, size_t size)
{
    remove(path); /* some file systems sync a file that is cut to nothing and written again */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline char *read_file(size_t *size)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    *size = (size_t)status.st_size;
    char *bytes = malloc(*size + 1);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

#endif
