/* What a reader of the terminal sees: the answer first, 80 columns, no number made up. */
#include "print_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/summary.h"
#include "report/plain_text.h"

static struct answer identified(void)
{
    struct answer answer = {.status = ANSWER_IDENTIFIED, .horizon_count = 3};
    answer.target = (struct target_answer){.tokens = 8388608,
                                           .width = 64,
                                           .vocab = 256,
                                           .lr = 1.13e-3,
                                           .ci90 = {7.9e-4, 1.61e-3},
                                           .embedding_lr = 1.13e-3,
                                           .loss_penalty = .0062,
                                           .loss_penalty_if_wrong_2x = .0171};
    answer.law = (struct law_answer){
        .538, {.31, .77}, 1.2, .9931, .23, .17, {524288, 2.21e-3, {1.5e-3, 3.2e-3}, 2.41e-3}};
    const struct horizon_answer horizons[] = {
        {131072, 5.12e-3, {4.21e-3, 6.2e-3}, .0641, 2.9134, .1, 8, 1, false, false, NAN},
        {262144, 3.41e-3, {2.6e-3, 4.5e-3}, .033, 2.7311, .1, 7, 0, false, false, NAN},
        {524288, 2.41e-3, {1.7e-3, 3.4e-3}, .017, 2.6261, .1, 7, 0, false, false, NAN},
    };
    memcpy(answer.horizons, horizons, sizeof(horizons));
    answer.cost = (struct answer_cost){23, 7340032, 1.17e13, 203.4, .875, 0, 0, 0};
    return answer;
}

static struct answer unknown(void)
{
    struct answer answer = {.status = ANSWER_NOT_IDENTIFIED, .horizon_count = 2};
    answer.target = (struct target_answer){.tokens = 1000000000,
                                           .width = 1024,
                                           .vocab = 8192,
                                           .lr = NAN,
                                           .ci90 = {NAN, NAN},
                                           .embedding_lr = NAN,
                                           .loss_penalty = NAN,
                                           .loss_penalty_if_wrong_2x = NAN};
    answer.law =
        (struct law_answer){NAN, {NAN, NAN}, NAN, NAN, NAN, NAN, {0, NAN, {NAN, NAN}, NAN}};
    const struct horizon_answer nothing = {2000000, NAN, {NAN, NAN}, NAN,   NAN, NAN,
                                           6,       6,   false,      false, NAN};
    answer.horizons[0] = answer.horizons[1] = nothing;
    answer.horizons[1].tokens = 4000000;
    snprintf(answer.reason, sizeof(answer.reason),
             "every training from 1 to 10 diverged; lower search.lr");
    answer.cost = (struct answer_cost){12, 31000, NAN, NAN, NAN, 0, 0, 0};
    return answer;
}

static char *print_as(const struct answer *answer, const char *width)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    if (width)
        summary_print_prediction(out, "nightly", answer, width);
    else
        summary_print(out, "nightly", answer);
    fclose(out);
    if (getenv("SHOW_SUMMARY")) /* for the eyes of who changes it */
        fprintf(stderr, "----------------------------------------\n%s", text);
    return text;
}

static char *print(const struct answer *answer)
{
    return print_as(answer, NULL);
}

static void each_step_is_listed(void **state)
{
    (void)state;
    struct answer answer = identified();
    answer.steps[0] =
        (struct transfer_step){"horizon", "this law, from 1M to 2M", .471, {.25, .9}, true};
    answer.steps[1] =
        (struct transfer_step){"batch", "batch^0.75, from 4k to 8k", 1.68, {1.2, 2.4}, false};
    answer.steps[2] = (struct transfer_step){"depth", "no change", 1, {NAN, NAN}, false};
    answer.step_count = 3;
    for (int i = 0; i < 2; i++) {
        char *text = print_as(&answer, i ? "" : NULL);
        assert_says(text, "transfer - horizon: LR times 0.471 (90 % interval 0.25 .. 0.9); "
                          "measured: this law, from 1M to 2M - batch: LR times 1.68 (90 % interval "
                          "1.2 .. 2.4); assumed: batch^0.75, from 4k to 8k - depth: LR times 1; "
                          "assumed: no change");
        assert_fits(text);
        free(text);
    }
    answer.step_count = 0;
    char *text = print(&answer);
    assert_null(strstr(text, "transfer"));
    free(text);
}

static void answer_stands_first(void **state)
{
    (void)state;
    struct answer answer = identified();
    char *text = print(&answer);
    const char *first = "learning rate for 8.39M tokens: 1.1e-3 (90 % interval 7.9e-4 .. 1.6e-3);";
    assert_memory_equal(text, first, strlen(first));
    assert_says(text, "being wrong by 2x would cost 0.017");
    assert_says(text, " 131k 5.12e-3 4.21e-3 .. 6.20e-3 2.9134 8 1 0.064 262k ");
    assert_says(text, "LR falls as tokens^-0.54 (90 % interval 0.31 .. 0.77)");
    assert_says(text, "R2 0.993");
    assert_says(text, "23 % of it by the prior");
    assert_says(text, "at 524k tokens the shorter horizons alone predict 2.2e-3");
    assert_says(text, "1.09 times that");
    assert_says(text, "23 trainings, 7.34M tokens, 1.17e+13 FLOPs, 3m23s of core time");
    assert_says(text, "87.5 % of the target run");
    assert_says(text, "warnings none found campaign nightly");
    assert_fits(text);
    free(text);
}

static void no_number_is_made_up(void **state)
{
    (void)state;
    struct answer answer = unknown();
    char *text = print(&answer);
    const char *first = "no learning rate for 1B tokens could be identified: every training from";
    assert_memory_equal(text, first, strlen(first));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf "));
    assert_says(text, "law none: too few horizons have a best LR");
    assert_says(text, "embedding LR -");
    assert_null(strstr(text, "check "));
    assert_null(strstr(text, "not to be relied on"));
    assert_fits(text);
    free(text);

    answer.target.lr = 3e-4; /* a guess is named as one */
    text = print(&answer);
    assert_says(text, "a guess, not to be relied on: learning rate for 1B tokens: 3.0e-4 tokens");
    assert_fits(text);
    free(text);
}

static void prediction(void **state)
{
    (void)state;
    struct answer answer = identified();
    char *text = print_as(&answer, "so wide");
    const char *first = "learning rate for 8.39M tokens: 1.1e-3";
    assert_memory_equal(text, first, strlen(first));
    assert_says(text, "reach 16 times as long as the longest horizon, 524k tokens target width 64");
    assert_says(text, "width so wide warnings none found campaign nightly");
    assert_null(strstr(text, "2x off"));
    assert_null(strstr(text, "cost  "));
    assert_fits(text);
    free(text);

    answer.target.tokens = 300000;
    answer.target.width = 0; /* that of a table of losses */
    text = print_as(&answer, "");
    assert_says(text, "reach within the horizons, the longest of which is 524k tokens warnings");
    free(text);
}

static void one_horizon(void **state)
{
    (void)state;
    struct answer answer = identified();
    answer.horizon_count = 1;
    answer.horizons[0].at_edge = true;
    answer.law.r2 = NAN;
    answer.law.prior_weight = 1;
    answer.law.holdout.tokens = 0;
    char *text = print(&answer);
    assert_says(text, "which is the prior alone");
    assert_says(text, " 0.064 edge loss in");
    assert_says(text, "edge: the best LR is the lowest or highest tried");
    assert_null(strstr(text, "R2"));
    assert_fits(text);
    free(text);
}

static void stopped_early(void **state)
{
    (void)state;
    struct answer answer = identified();
    answer.status = ANSWER_BUDGET_EXHAUSTED;
    snprintf(answer.reason, sizeof(answer.reason), "budget.tokens is too small for round 4");
    char *text = print(&answer);
    assert_says(text, "the budget was used up before the answer: budget.tokens is too small");
    assert_says(text, "as far as it went: learning rate for 8.39M tokens: 1.1e-3");
    assert_fits(text);
    free(text);
    answer.status = ANSWER_INTERRUPTED;
    answer.horizon_count = 0;
    text = print(&answer);
    assert_says(text, "not finished: budget.tokens");
    assert_says(text, " 2x off none loss");
    free(text);
}

static void huge_and_tiny(void **state)
{
    (void)state;
    struct answer answer = identified();
    answer.target.tokens = UINT64_MAX;
    answer.target.width = answer.target.vocab = UINT32_MAX;
    answer.target.lr = 1.26e-100;
    answer.target.ci90[0] = 1e-300;
    answer.target.ci90[1] = 1e300;
    answer.target.loss_penalty_if_wrong_2x = 1.2e-9;
    answer.law.beta = -123.456;
    for (size_t i = 0; i < 3; i++) {
        answer.horizons[i].tokens = UINT64_MAX - i;
        answer.horizons[i].loss_min = 1.5e9;
        answer.horizons[i].curvature = 1.23e-11;
        answer.horizons[i].trials = answer.horizons[i].diverged = 123456;
        answer.horizons[i].flat = true;
    }
    answer.cost = (struct answer_cost){UINT64_MAX, UINT64_MAX, 1e300, 1e11, 1e9, 0, 0, 0};
    char *text = print(&answer);
    assert_says(text, "1.3e-100");
    assert_says(text, "LR rises as tokens^123.46");
    assert_says(text, "1e+09 times the target run");
    assert_says(text, "flat: the losses differ by no more than their noise");
    assert_fits(text);
    free(text);
}

static void many_long_warnings(void **state)
{
    (void)state;
    struct answer answer = identified();
    for (int i = 0; i < 2 * ANSWER_WARNINGS; i++)
        answer_warn(&answer,
                    "warning %d: the words of this one go on, and on, until it has no room left on "
                    "a line of eighty columns, \x1b[31mred\n and a new line \xc3\xa9\xc3\xa9",
                    i);
    char *text = print(&answer);
    assert_null(strchr(text, '\x1b'));
    assert_says(text, "warnings - warning 0: ");
    assert_says(text, " - warning 31: ");
    assert_fits(text);
    free(text);
}

static void drift_is_told(void **state)
{
    (void)state;
    struct answer answer = identified();
    char *text = print(&answer);
    assert_null(strstr(text, "baseline"));
    free(text);
    answer.baseline = (struct baseline_answer){.wanted = true, .run_dir = "logs/n1"};
    struct drift *drift = &answer.baseline.drift;
    *drift = (struct drift){.lr_ratio = 2.68,
                            .lr_ci90 = {.714, 9.59},
                            .at_tokens = 1000000,
                            .at_ratio = 2.93,
                            .at_ci90 = {1.92, 4.46},
                            .lr_beyond = true,
                            .loss_tokens = 2000000,
                            .loss_difference = -.0033,
                            .loss_ci90 = {-.025, .018}};
    text = print(&answer);
    assert_fits(text);
    assert_says(text, "baseline logs/n1 LR at the target 2.68 times that (90 % interval 0.714 .. "
                      "9.59) LR at 1M tokens 2.93 times that (90 % interval 1.92 .. 4.46); beyond "
                      "tolerance loss at 2M tokens -0.0033 nats (90 % interval -0.025 .. +0.018)");
    free(text);
    drift->loss_beyond = true;
    drift->loss_ci90[0] = NAN;
    snprintf(drift->lr_reason, sizeof(drift->lr_reason), "other target.tokens");
    text = print(&answer);
    assert_says(text, "LR at the target not compared: other target.tokens");
    assert_says(text, "loss at 2M tokens -0.0033 nats; beyond tolerance");
    free(text);
    snprintf(answer.baseline.reason, sizeof(answer.baseline.reason), "there is none");
    text = print(&answer);
    assert_says(text, "baseline not compared: there is none");
    free(text);
}

static void wrap_at_the_edge(void **state)
{
    (void)state;
    char *text = NULL, word[WRAP_COLUMNS + 2];
    size_t size = 0;
    memset(word, 'x', sizeof(word));
    FILE *out = open_memstream(&text, &size);
    word[40] = '\0';
    wrap_print(out, "", "%s %.39s", word, word); /* 80 columns: one line */
    wrap_print(out, "", "%s %.40s", word, word); /* 81: two */
    wrap_print(out, "- ", "  ");
    word[40] = 'x';
    word[WRAP_COLUMNS + 1] = '\0';
    wrap_print(out, "- ", "a %s b", word); /* a word that never fits */
    fclose(out);
    char *line = strtok(text, "\n");
    assert_int_equal(strlen(line), 80);
    assert_int_equal(strlen(strtok(NULL, "\n")), 40);
    assert_int_equal(strlen(strtok(NULL, "\n")), 40);
    assert_string_equal(strtok(NULL, "\n"), "- ");
    assert_string_equal(strtok(NULL, "\n"), "- a");
    assert_int_equal(strlen(strtok(NULL, "\n")), 2 + WRAP_COLUMNS + 1);
    assert_string_equal(strtok(NULL, "\n"), "  b");
    free(text);
}

static void numbers(void **state)
{
    (void)state;
    char text[32];
    static const struct {
        double value;
        const char *text;
    } counts[] = {{0, "0"},         {512, "512"},       {999.4, "999"},  {999.5, "1k"},
                  {131072, "131k"}, {3.4e6, "3.4M"},    {1.5e9, "1.5B"}, {999499, "999k"},
                  {999500, "1M"},   {8388608, "8.39M"}, {1e12, "1T"},    {1e18, "1.00e+06T"},
                  {NAN, "?"},       {-1, "?"},          {INFINITY, "?"}, {0.25, "0.25"}},
      seconds[] = {{0, "0.0s"},      {9.94, "9.9s"}, {9.96, "10s"},     {59.4, "59s"},
                   {59.6, "1m00s"},  {80, "1m20s"},  {3599.6, "1h00m"}, {7500, "2h05m"},
                   {90000, "1d01h"}, {NAN, "?"},     {-1, "?"},         {INFINITY, "?"}};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        assert_string_equal(format_count(text, sizeof(text), counts[i].value), counts[i].text);
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++)
        assert_string_equal(format_seconds(text, sizeof(text), seconds[i].value), seconds[i].text);
    assert_string_equal(format_lr(text, sizeof(text), 2, 1.149e-3), "1.1e-3");
    assert_string_equal(format_lr(text, sizeof(text), 3, 9.999e-5), "1.00e-4");
    assert_string_equal(format_lr(text, sizeof(text), 2, 12), "1.2e1");
    assert_string_equal(format_lr(text, sizeof(text), 2, 0), "0.0e0");
    assert_string_equal(format_lr(text, sizeof(text), 2, NAN), "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_stands_first),
        cmocka_unit_test(each_step_is_listed),
        cmocka_unit_test(no_number_is_made_up),
        cmocka_unit_test(prediction),
        cmocka_unit_test(one_horizon),
        cmocka_unit_test(stopped_early),
        cmocka_unit_test(huge_and_tiny),
        cmocka_unit_test(many_long_warnings),
        cmocka_unit_test(drift_is_told),
        cmocka_unit_test(wrap_at_the_edge),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
