/* Errors, memory and random numbers. */
#include "cmocka_all.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "lrsearch/rng.h"
#include "lrsearch/trial.h"

static void the_first_error_wins(void **state)
{
    (void)state;
    struct lr_error err = {0};
    assert_int_equal(lr_fail(&err, LR_EDATA, "file %s", "a"), LR_EDATA);
    assert_int_equal(lr_fail(&err, LR_EIO, "later"), LR_EDATA);
    assert_string_equal(err.text, "file a");
    assert_int_equal(lr_prefix(&err, "trial %d", 3), LR_EDATA);
    assert_string_equal(err.text, "trial 3: file a");
    assert_int_equal(lr_fail(NULL, LR_EIO, "no one listens"), LR_EIO);
    assert_int_equal(lr_prefix(NULL, "x"), LR_EINTERNAL);
}

static void a_full_disk_is_told_apart(void **state)
{
    (void)state;
    struct lr_error err = {0};
    errno = ENOSPC;
    assert_int_equal(lr_fail_errno(&err, LR_EIO, "%s", "journal"), LR_ENOSPC);
    assert_string_equal(err.text, "journal: No space left on device");
    assert_int_equal(lr_error_exit_status(LR_ENOSPC), 74);
    errno = EDQUOT; /* a quota is a disk, too */
    memset(&err, 0, sizeof(err));
    assert_int_equal(lr_fail_errno(&err, LR_ECREATE, "%s", "journal"), LR_ENOSPC);
    assert_string_equal(err.text, "journal: Disk quota exceeded");
    errno = EACCES;
    memset(&err, 0, sizeof(err));
    assert_int_equal(lr_fail_errno(&err, LR_ECREATE, "d"), LR_ECREATE);
    assert_string_equal(err.text, "d: Permission denied");
    assert_int_equal(lr_error_exit_status(LR_ECREATE), 73);
    assert_string_equal(lr_error_text(LR_EPLAN), "invalid plan");
    assert_string_equal(lr_error_text(12345), "unknown error");
}

static void a_chosen_allocation_fails(void **state)
{
    (void)state;
    lr_memory_fail_after(1);
    void *first = lr_malloc(8), *second = lr_malloc(8), *third = lr_malloc(8);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    lr_free(first);
    lr_free(third);
    assert_null(lr_calloc(SIZE_MAX, 2));
}

static void an_arena_hands_out_zeroed_aligned_parts(void **state)
{
    (void)state;
    struct arena arena;
    size_t sizes[] = {1, 64, 65, 4096, 3u << 20};
    size_t total = 0;
    for (size_t i = 0; i < 5; i++)
        total += arena_padded(sizes[i]);
    assert_int_equal(arena_init(&arena, total), 0);
    for (size_t i = 0; i < 5; i++) {
        unsigned char *part = arena_alloc(&arena, sizes[i]);
        assert_non_null(part);
        assert_int_equal((uintptr_t)part % 64, 0);
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(part[j], 0);
        memset(part, 0xff, sizes[i]);
    }
    assert_null(arena_alloc(&arena, 1));
    assert_null(arena_alloc(&arena, SIZE_MAX - 3));
    arena_release(&arena);
    lr_memory_fail_after(0);
    assert_int_equal(arena_init(&arena, 100), LR_ENOMEM);
    arena_release(&arena);
}

static void growing_keeps_what_is_there(void **state)
{
    (void)state;
    int *values = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 1000; i++) {
        int *larger = lr_grow(values, (size_t)i, &capacity, sizeof(*values));
        assert_non_null(larger);
        values = larger;
        values[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(values[i], i);
    lr_free(values);
}

/* Known answer of Philox4x32-10 for counter 0, key 0 (Random123): 6627e8d5 e169c58d. */
static void random_numbers_are_philox(void **state)
{
    (void)state;
    assert_true(rng_u64(0, 0, 0) == 0x6627e8d5e169c58du);
    assert_true(rng_u64(1, 2, 3) == rng_u64(1, 2, 3));
    assert_true(rng_u64(1, 2, 3) != rng_u64(1, 3, 3));
    assert_true(rng_u64(1, 2, 3) != rng_u64(2, 2, 3));
}

#define COUNT 100001

static void normal_numbers_have_their_moments(void **state)
{
    (void)state;
    float *values = lr_malloc(COUNT * sizeof(float));
    double sum = 0, squares = 0, fourth = 0;
    rng_fill_normal(values, COUNT, 2.0, 7, RNG_INIT);
    for (int i = 0; i < COUNT; i++) {
        double z = (double)values[i] / 2.0;
        sum += z;
        squares += z * z;
        fourth += z * z * z * z;
    }
    assert_true(fabs(sum / COUNT) < 0.015);
    assert_true(fabs(squares / COUNT - 1) < 0.02);
    assert_true(fabs(fourth / COUNT - 3) < 0.15);
    lr_free(values);
}

static void a_permutation_visits_everything_once(void **state)
{
    (void)state;
    static const uint64_t counts[] = {1, 2, 3, 17, 1000, 4097};
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        unsigned char seen[4097] = {0};
        uint64_t moved = 0;
        for (uint64_t i = 0; i < counts[c]; i++) {
            uint64_t image = rng_permute(5, RNG_SHUFFLE, i, counts[c]);
            assert_true(image < counts[c]);
            assert_int_equal(seen[image], 0);
            seen[image] = 1;
            moved += image != i;
        }
        if (counts[c] >= 1000)
            assert_true(moved > counts[c] * 9 / 10);
    }
}

static void draws_below_a_bound_are_uniform(void **state)
{
    (void)state;
    unsigned counts[7] = {0};
    for (uint64_t i = 0; i < 70000; i++) {
        uint64_t draw = rng_below(3, RNG_SIMULATE, i, 7);
        assert_true(draw < 7);
        counts[draw]++;
    }
    for (size_t i = 0; i < 7; i++)
        assert_in_range(counts[i], 9600, 10400);
}

/* 2 layers, d 64, context 128, vocabulary 256: summed by hand. */
static void sizes_of_a_trial(void **state)
{
    (void)state;
    struct trial_spec spec = {.d_model = 64,
                              .n_layers = 2,
                              .n_heads = 2,
                              .context = 128,
                              .vocab = 256,
                              .d_ff = 256,
                              .batch_tokens = 2048,
                              .horizon_tokens = 131073};
    assert_int_equal(trial_params_hidden(&spec), 2 * (12 * 4096 + 13 * 64) + 128);
    assert_int_equal(trial_params(&spec), 2 * (12 * 4096 + 13 * 64) + 128 + 640 * 64);
    assert_true(trial_flops_per_token(&spec) ==
                72. * 2 * 4096 + 12. * 2 * 64 * 128 + 6. * 64 * 256);
    spec.optimizer = OPTIMIZER_MUON; /* 4 of 64 x 64, two (llama: three) of 64 x 256 */
    double passes = 72. * 2 * 4096 + 12. * 2 * 64 * 128 + 6. * 64 * 256;
    double square = 6. * 64 * 64 * 64, wide = 18. * 64 * 64 * 64;
    assert_true(trial_flops_per_token(&spec) == passes + 2 * 5 * (4 * square + 2 * wide) / 2048);
    spec.arch = ARCH_LLAMA;
    spec.batch_tokens = 4096;
    passes += 6. * 2 * 64 * 256;
    assert_true(trial_flops_per_token(&spec) == passes + 2 * 5 * (4 * square + 3 * wide) / 4096);
    spec.arch = ARCH_GPT;
    spec.batch_tokens = 2048;
    assert_int_equal(trial_steps(&spec), 65);
    assert_string_equal(parametrization_name(PARAM_LVP), "lvp");
    assert_string_equal(outcome_name(77), "?");
}

static void words_of_an_answer(void **state)
{
    (void)state;
    assert_string_equal(confidence_name(CONFIDENCE_NONE), "none");
    assert_string_equal(confidence_name(CONFIDENCE_MODERATE), "moderate");
    assert_string_equal(confidence_name((enum confidence)77), "?");
    assert_string_equal(back_test_name(BACK_TEST_FAILED), "failed");
    assert_string_equal(back_test_name((enum back_test)77), "?");
}

static void warnings_are_kept_once_and_bounded(void **state)
{
    (void)state;
    static struct answer answer;
    answer_warn(&answer, "horizon %d", 1);
    answer_warn(&answer, "horizon %d", 1);
    assert_int_equal(answer.warning_count, 1);
    for (int i = 0; i < 100; i++)
        answer_warn(&answer, "number %d", i);
    assert_int_equal(answer.warning_count, ANSWER_WARNINGS);
    assert_string_equal(answer.warnings[1], "number 0");
}

static void a_shell_reads_the_word_back(void **state)
{
    (void)state;
    static const struct {
        const char *word, *quoted;
    } cases[] = {
        {"logs/run-1_2.3", "logs/run-1_2.3"},
        {"a=[1e-3, 2e-2]", "'a=[1e-3, 2e-2]'"},
        {"it's", "'it'\\''s'"},
        {"", "''"},
        {"$(x)`\n", "'$(x)`\n'"},
    };
    char text[32];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size = strlen(cases[i].quoted) + 1;
        assert_string_equal(lr_shell_word(text, sizeof(text), cases[i].word), cases[i].quoted);
        assert_string_equal(lr_shell_word(text, size, cases[i].word), cases[i].quoted);
        assert_string_equal(lr_shell_word(text, size - 1, cases[i].word), "");
    }
}

/* Characters that a terminal obeys, or that make a reader see another text. */
static void only_what_has_a_look_is_printable(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"", ""},
        {"logs/na\xC3\xAFve \xE5\xAD\xA6\xE7\xBF\x92 \xF0\x9F\x9A\x80",
         "logs/na\xC3\xAFve \xE5\xAD\xA6\xE7\xBF\x92 \xF0\x9F\x9A\x80"},
        {"a\033[2Jb\nc\td\177e", "a?[2Jb?c?d?e"},
        {"a\xC2\x9B"
         "31mb",
         "a?31mb"}, /* U+009B: ESC [ in one */
        {"a\x9B"
         "31m\xFF\xC3",
         "a?31m??"}, /* no UTF-8 */
        {"a\xE2\x80\xAE"
         "gnp.exe",
         "a?gnp.exe"}, /* U+202E: right to left */
        {"\xE2\x81\xA6\xE2\x80\x8B\xE2\x80\xA8\xE2\x80\xA9\xEF\xBB\xBF\xD8\x9C\xC2\xAD", "???????"},
        {"\xF3\xA0\x81\x81", "?"},         /* U+E0041: tag */
        {"\xC0\x9B\xED\xA0\x80", "?????"}, /* overlong; a surrogate */
    };
    char text[64];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), "%s", cases[i].from);
        assert_string_equal(lr_printable(text, ""), cases[i].to);
        assert_string_equal(lr_printable_copy(text, sizeof(text), cases[i].from), cases[i].to);
    }
    snprintf(text, sizeof(text), "a\nb\r");
    assert_string_equal(lr_printable(text, "\n"), "a\nb?");
    /* cut between characters */
    assert_string_equal(lr_printable_copy(text, 4,
                                          "ab\xC3\xAF"
                                          "c"),
                        "ab");
    assert_string_equal(lr_printable_copy(text, 5,
                                          "ab\xC3\xAF"
                                          "c"),
                        "ab\xC3\xAF");
    assert_true(lr_has_controls("a\nb") && lr_has_controls("\xC2\x9B") && lr_has_controls("\177"));
    assert_false(lr_has_controls("na\xC3\xAFve \xFF|<`$()'\"-e"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_wins),
        cmocka_unit_test(a_full_disk_is_told_apart),
        cmocka_unit_test(a_chosen_allocation_fails),
        cmocka_unit_test(an_arena_hands_out_zeroed_aligned_parts),
        cmocka_unit_test(growing_keeps_what_is_there),
        cmocka_unit_test(random_numbers_are_philox),
        cmocka_unit_test(normal_numbers_have_their_moments),
        cmocka_unit_test(a_permutation_visits_everything_once),
        cmocka_unit_test(draws_below_a_bound_are_uniform),
        cmocka_unit_test(sizes_of_a_trial),
        cmocka_unit_test(words_of_an_answer),
        cmocka_unit_test(warnings_are_kept_once_and_bounded),
        cmocka_unit_test(only_what_has_a_look_is_printable),
        cmocka_unit_test(a_shell_reads_the_word_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
