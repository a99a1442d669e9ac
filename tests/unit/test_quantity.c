/* Numbers, schema and suggestions: what a plan is made of, without a file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmocka_all.h"
#include "lrsearch/printable.h"
#include "lrsearch/suggestion.h"
#include "plan/schema.h"
#include "plan/complaints.h"
#include "plan/quantity.h"

static void counts_are_exact(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"64", 64},
        {"+64", 64},
        {"128k", 128000},
        {"2M", 2000000},
        {"1.5B", 1500000000},
        {"1T", 1000000000000},
        {"1_000_000", 1000000},
        {"131_072", 131072},
        {"1e6", 1000000},
        {"1.5e3", 1500},
        {"2.50k", 2500},
        {"0.5k", 500},
        {"15e-1k", 1500},
        {"1000e-3", 1},
        {".5k", 500},
        {"16Ki", 16384},
        {"1.5Ki", 1536},
        {"0.0009765625Ki", 1},
        {"8Mi", 8388608},
        {"2Gi", 2147483648},
        {"1.1B", 1100000000},
        {"9007199254740993", 9007199254740993}, /* no double holds it */
        {"18446744073709551615", UINT64_MAX},
        {"0e9999999999", 0},
    };
    static const struct {
        const char *text;
        enum quantity_status status;
    } bad[] = {
        {"", QUANTITY_SYNTAX},
        {"k", QUANTITY_SYNTAX},
        {"abc", QUANTITY_SYNTAX},
        {"12 k", QUANTITY_SYNTAX},
        {"128K", QUANTITY_SYNTAX},
        {"1m", QUANTITY_SYNTAX},
        {"0x10", QUANTITY_SYNTAX},
        {"nan", QUANTITY_SYNTAX},
        {".inf", QUANTITY_SYNTAX},
        {".", QUANTITY_SYNTAX},
        {"-", QUANTITY_SYNTAX},
        {"1e", QUANTITY_SYNTAX},
        {"1e+", QUANTITY_SYNTAX},
        {"_1", QUANTITY_SYNTAX},
        {"1_", QUANTITY_SYNTAX},
        {"1__0", QUANTITY_SYNTAX},
        {"1.2.3", QUANTITY_SYNTAX},
        {"1,000", QUANTITY_SYNTAX},
        {"1.5", QUANTITY_FRACTION},
        {"1.2345k", QUANTITY_FRACTION},
        {"1e-3", QUANTITY_FRACTION},
        {"0.3Ki", QUANTITY_FRACTION},
        {"1e-9999999", QUANTITY_FRACTION},
        {"-1", QUANTITY_BEYOND},
        {"18446744073709551616", QUANTITY_BEYOND},
        {"1e30", QUANTITY_BEYOND},
        {"99999999999T", QUANTITY_BEYOND},
        {"1e9999999999", QUANTITY_BEYOND},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t value = 77;
        if (quantity_count(good[i].text, &value) != QUANTITY_OK || value != good[i].value)
            fail_msg("%s gives %llu", good[i].text, (unsigned long long)value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t value = 77;
        enum quantity_status status = quantity_count(bad[i].text, &value);
        if (status != bad[i].status || value != 77)
            fail_msg("\"%s\" has status %d", bad[i].text, (int)status);
    }
}

static void numbers_and_durations(void **state)
{
    static const struct {
        const char *text;
        double value;
    } numbers[] = {
        {"1e-3", 1e-3}, {"0.1", 0.1},      {".5", .5},    {"5.", 5},
        {"-2.5", -2.5}, {"1_0.5", 10.5},   {"1E+2", 100}, {"0.30000000000000004", 0.1 + 0.2},
        {"1e-999", 0},  {"6.4e-2", 6.4e-2}};
    static const struct {
        const char *text;
        double seconds;
    } durations[] = {{"90s", 90}, {"5m", 300}, {"2h", 7200}, {"1d", 86400}, {"1.5h", 5400}};
    static const char *const no_number[] = {"",   "nan", "NaN", ".nan", "inf", "-.inf", "0x1p3",
                                            "1k", "1e",  "e5",  "1 ",   "--1", "+-1"};
    static const char *const no_duration[] = {"", "5", "m", "5 m", "5M", "5ms", "1h30m", "nans"};
    double value;
    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_int_equal(quantity_number(numbers[i].text, &value), QUANTITY_OK);
        assert_memory_equal(&value, &numbers[i].value, sizeof(value));
    }
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        assert_int_equal(quantity_duration(durations[i].text, &value), QUANTITY_OK);
        assert_memory_equal(&value, &durations[i].seconds, sizeof(value));
    }
    for (size_t i = 0; i < sizeof(no_number) / sizeof(no_number[0]); i++)
        assert_int_equal(quantity_number(no_number[i], &value), QUANTITY_SYNTAX);
    for (size_t i = 0; i < sizeof(no_duration) / sizeof(no_duration[0]); i++)
        assert_int_equal(quantity_duration(no_duration[i], &value), QUANTITY_SYNTAX);
    assert_int_equal(quantity_number("1e999", &value), QUANTITY_BEYOND);
    assert_int_equal(quantity_duration("1e308d", &value), QUANTITY_BEYOND);
    assert_int_equal(quantity_number("-0", &value), QUANTITY_OK);
    assert_false(signbit(value)); /* one zero, one spelling in the resolved plan */
}

static void texts_read_back(void **state)
{
    char text[32];
    (void)state;
    assert_string_equal(quantity_count_text(0, text, sizeof(text)), "0");
    assert_string_equal(quantity_count_text(65536, text, sizeof(text)), "65536");
    assert_string_equal(quantity_count_text(1000000, text, sizeof(text)), "1M");
    assert_string_equal(quantity_count_text(1500000000, text, sizeof(text)), "1500M");
    assert_string_equal(quantity_duration_text(300, text, sizeof(text)), "5m");
    assert_string_equal(quantity_duration_text(90, text, sizeof(text)), "90s");
    assert_string_equal(quantity_duration_text(604800, text, sizeof(text)), "7d");
}

static void edits(void **state)
{
    (void)state;
    assert_int_equal(edit_distance("", ""), 0);
    assert_int_equal(edit_distance("abc", ""), 3);
    assert_int_equal(edit_distance("d_modell", "d_model"), 1);
    assert_int_equal(edit_distance("n_haeds", "n_heads"), 1); /* a swap is one edit */
    assert_int_equal(edit_distance("kitten", "sitting"), 3);
    char giant[200];
    memset(giant, 'a', sizeof(giant));
    giant[sizeof(giant) - 1] = '\0';
    assert_int_equal(edit_distance(giant, "a"), 64);
}

static void utf8(void **state)
{
    (void)state;
    assert_int_equal(lr_utf8_prefix("h\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10), 10);
    assert_int_equal(lr_utf8_prefix("ab\xFF", 3), 2);
    assert_int_equal(lr_utf8_prefix("a\xC3", 2), 1);            /* cut short */
    assert_int_equal(lr_utf8_prefix("\xC0\xAF", 2), 0);         /* overlong */
    assert_int_equal(lr_utf8_prefix("\xED\xA0\x80", 3), 0);     /* surrogate */
    assert_int_equal(lr_utf8_prefix("\xF4\x90\x80\x80", 4), 0); /* above U+10FFFF */
}

/* Every default lies in its own range, every u32 range fits, every enumeration knows its
 * default. */
static void schema_is_consistent(void **state)
{
    (void)state;
    assert_true(plan_section_count <= PLAN_SECTIONS_MAX);
    for (size_t s = 0; s < plan_section_count; s++) {
        assert_true(plan_sections[s].count <= PLAN_SECTION_KEYS);
        for (size_t k = 0; k < plan_sections[s].count; k++) {
            const struct plan_key *key = &plan_sections[s].keys[k];
            uint64_t count;
            double value = 0;
            bool good = true;
            assert_non_null(key->help);
            if (key->type != TYPE_NUMBER) /* counts: ranges are compared as doubles */
                assert_true(key->high <= 9007199254740992.0);
            if (key->type == TYPE_U32)
                assert_true(key->high <= UINT32_MAX);
            if (key->list == LIST_AXIS) {
                assert_true(key->type == TYPE_U32 || key->type == TYPE_ENUM ||
                            key->type == TYPE_NUMBER);
                assert_false(key->none);
            }
            if (key->need == NEED_OR_NEXT)
                assert_true(key->derived && (key + 1)->need == NEED_NOT);
            else if (key->need != NEED_NOT)
                assert_null(key->fallback);
            else
                assert_non_null(key->fallback);
            if (!key->fallback || key->derived)
                continue;
            if (key->none && strcmp(key->fallback, "none") == 0)
                continue;
            if (key->type == TYPE_U32 || key->type == TYPE_U64) {
                good = quantity_count(key->fallback, &count) == QUANTITY_OK;
                value = (double)count;
            } else if (key->type == TYPE_DURATION) {
                good = quantity_duration(key->fallback, &value) == QUANTITY_OK;
            } else if (key->type == TYPE_NUMBER || key->type == TYPE_SHARE ||
                       key->type == TYPE_SPAN) {
                good = quantity_number(key->fallback, &value) == QUANTITY_OK;
            } else if (key->type == TYPE_ENUM) {
                char known[128];
                good = strstr(plan_choices_text(key, known, sizeof(known)), key->fallback) != NULL;
                value = key->low;
            } else {
                continue;
            }
            if (!good || value < key->low || (key->type != TYPE_ENUM && value > key->high))
                fail_msg("%s.%s: bad default %s", plan_sections[s].name, key->name, key->fallback);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_exact),
        cmocka_unit_test(numbers_and_durations),
        cmocka_unit_test(texts_read_back),
        cmocka_unit_test(edits),
        cmocka_unit_test(utf8),
        cmocka_unit_test(schema_is_consistent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
