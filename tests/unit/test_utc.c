/* Times in files: what is written is read again, and nothing else passes for a time. */
#include "cmocka_all.h"

#include "lrsearch/utc.h"

static void texts_are_read(void **state)
{
    (void)state;
    assert_true(utc_seconds("2026-01-31T12:00:00Z") == 1769860800);
    assert_true(utc_seconds("2024-02-29T23:59:59Z") == 1709251199);
    assert_true(utc_seconds("1970-01-01T00:00:01Z") == 1);
}

static void other_texts_are_none(void **state)
{
    static const char *const texts[] = {"",
                                        "2026-01-31",
                                        "2026-01-31T12:00:00",
                                        "soon",
                                        "2026-01-31T12:00:00Z and more",
                                        "2026-13-31T12:00:00Z"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_true(utc_seconds(texts[i]) == 0);
}

static void what_is_written_is_read(void **state)
{
    static const time_t times[] = {1, 1709251199, 1769860800, 253402300799};
    char text[UTC_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        assert_true(utc_seconds(utc_format(text, times[i])) == times[i]);
    assert_string_equal(utc_format(text, 1769860800), "2026-01-31T12:00:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read),
        cmocka_unit_test(other_texts_are_none),
        cmocka_unit_test(what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
