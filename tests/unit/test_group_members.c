/* The members of a group as text. */
#include "cmocka_all.h"

#include <string.h>
#include "lrsearch/group.h"

static void reads_and_writes(void **state)
{
    static const char *const texts[] = {"", "3", "3,7", "3,7,8,9", "63,1,2,4,5,6,7,8"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct group_members members;
        char text[GROUP_TEXT];
        assert_true(group_members_read(&members, texts[i], 64));
        group_members_text(text, &members);
        assert_string_equal(text, texts[i]);
    }
}

static void sixteen_large_ranks_fit(void **state)
{
    struct group_members members = {.size = GROUP_MOST}, again;
    char text[GROUP_TEXT];
    (void)state;
    for (int i = 0; i < GROUP_MOST; i++)
        members.ranks[i] = 999984 + i;
    group_members_text(text, &members);
    assert_true(group_members_read(&again, text, 1000000));
    assert_memory_equal(again.ranks, members.ranks, sizeof(members.ranks));
}

static void refuses_what_is_no_group(void **state)
{
    static const char *const texts[] = {
        "0",
        "64",
        "-1",
        "1,",
        ",1",
        "1,1",
        "1,2,3",
        "1 ,2",
        " 1",
        "1;2",
        "x",
        "1x",
        "1,,2",
        "01",
        "99999999999999999999",
        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct group_members members;
        assert_false(group_members_read(&members, texts[i], 64));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes),
        cmocka_unit_test(sixteen_large_ranks_fit),
        cmocka_unit_test(refuses_what_is_no_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
