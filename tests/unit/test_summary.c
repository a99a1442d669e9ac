/* What a reader of the terminal sees: the answer first, 80 columns, no number made up. */
#define _DEFAULT_SOURCE /* mkdtemp */
#include "print_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report/next_steps.h"
#include "report/summary.h"
#include "report/plain_text.h"
#include "store/provenance.h"

/* Does not exist: without provenance.json the plan is not known. */
#define RUN_DIR "logs/nightly"

static struct horizon_answer horizon(uint64_t tokens, double lr, double low, double high,
                                     double loss, double lowest_lr)
{
    return (struct horizon_answer){.tokens = tokens,
                                   .lr_opt = lr,
                                   .ci90 = {low, high},
                                   .curvature = .04,
                                   .loss_min = loss - .004,
                                   .se_ln_lr = .1,
                                   .se_loss = NAN,
                                   .trials = 8,
                                   .lowest_lr = lowest_lr,
                                   .lowest_loss = loss,
                                   .bracketed = true};
}

static struct answer identified(void)
{
    struct answer answer = {.status = ANSWER_IDENTIFIED, .horizon_count = 3};
    answer.confidence =
        (struct confidence_answer){CONFIDENCE_MODERATE, 1.03, true, BACK_TEST_PASSED, .23};
    answer.target = (struct target_answer){.tokens = 8388608,
                                           .width = 64,
                                           .vocab = 256,
                                           .lr = 1.13e-3,
                                           .ci90 = {7.9e-4, 1.61e-3},
                                           .embedding_lr = 1.13e-3,
                                           .loss_penalty = .0062,
                                           .loss_penalty_if_wrong_2x = .0171,
                                           .keep_lr = 2.41e-3,
                                           .keep_penalty = .0213,
                                           .no_basin = .01};
    answer.law = (struct law_answer){
        .538, {.31, .77}, 1.2, .9931, .23, .17, {524288, 2.21e-3, {1.5e-3, 3.2e-3}, 2.41e-3}, ""};
    answer.horizons[0] = horizon(131072, 5.12e-3, 4.21e-3, 6.2e-3, 2.9134, 4.5e-3);
    answer.horizons[1] = horizon(262144, 3.41e-3, 2.6e-3, 4.5e-3, 2.7311, 3.2e-3);
    answer.horizons[2] = horizon(524288, 2.41e-3, 1.7e-3, 3.4e-3, 2.6261, 2.2e-3);
    answer.horizons[0].diverged = 1;
    answer.steps[0] = (struct transfer_step){
        "horizon", "this campaign's slope over tokens", .469, {.25, .9}, true};
    answer.step_count = 1;
    snprintf(answer.stopped, sizeof(answer.stopped), "no trial is worth its tokens");
    answer.cost = (struct answer_cost){23, 7340032, 1.17e13, 203.4, .875, 0, 0, 0};
    return answer;
}

static struct answer unknown(void)
{
    struct answer answer = {.status = ANSWER_NOT_IDENTIFIED, .horizon_count = 2};
    answer.confidence =
        (struct confidence_answer){CONFIDENCE_NONE, NAN, false, BACK_TEST_NONE, NAN};
    answer.target = (struct target_answer){.tokens = 1000000000,
                                           .width = 1024,
                                           .vocab = 8192,
                                           .lr = NAN,
                                           .ci90 = {NAN, NAN},
                                           .embedding_lr = NAN,
                                           .loss_penalty = NAN,
                                           .loss_penalty_if_wrong_2x = NAN,
                                           .keep_lr = NAN,
                                           .keep_penalty = NAN,
                                           .no_basin = NAN};
    answer.law =
        (struct law_answer){NAN, {NAN, NAN}, NAN, NAN, NAN, NAN, {0, NAN, {NAN, NAN}, NAN}, ""};
    answer.horizons[0] = horizon(2000000, NAN, NAN, NAN, NAN, NAN);
    answer.horizons[0].trials = answer.horizons[0].diverged = 6;
    answer.horizons[0].bracketed = false;
    answer.horizons[1] = answer.horizons[0];
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
        summary_print(out, "nightly", RUN_DIR, answer);
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
    answer.steps[1] =
        (struct transfer_step){"batch", "batch^0.75, from 4k to 8k", 1.68, {1.2, 2.4}, false};
    answer.steps[2] = (struct transfer_step){"depth", "no change", 1, {NAN, NAN}, false};
    answer.step_count = 3;
    for (int i = 0; i < 2; i++) {
        char *text = print_as(&answer, i ? "" : NULL);
        assert_says(text, "524k -> 8.39M tokens (16x longer): LR x 0.47 (0.25 .. 0.9) ");
        assert_says(text, " batch: LR x 1.68 (1.2 .. 2.4); a published rule: batch^0.75, from 4k "
                          "to 8k depth: LR x 1; a published rule: no change ");
        assert_null(strstr(text, "horizon"));
        assert_fits(text);
        free(text);
    }
    answer.step_count = 0;
    char *text = print(&answer);
    assert_says(text, "524k -> 8.39M tokens (16x longer) back-test");
    assert_null(strstr(text, "LR x"));
    free(text);
}

static void answer_stands_first(void **state)
{
    (void)state;
    struct answer answer = identified();
    char *text = print(&answer);
    const char *first = "Peak learning rate for 8.39M tokens: 1.1e-3\n"
                        "90 % sure between 7.9e-4 and 1.6e-3 (2x apart). Confidence: moderate\n"
                        "\n"
                        "If you use it     about 0.0062 nats above the unknown optimum\n"
                        "                  half or twice the optimum would cost 0.017 nats\n"
                        "                  keeping 2.4e-3, the fitted optimum at 524k tokens, "
                        "would cost\n"
                        "                  about 0.021 nats\n"
                        "\n"
                        "Measured\n"
                        "  tokens  lowest loss seen   fitted optimum (90 %)      runs  diverged\n"
                        "  131k    2.9134 at 4.5e-3   5.1e-3 (4.2e-3 .. 6.2e-3)     8         1\n"
                        "  262k    2.7311 at 3.2e-3   3.4e-3 (2.6e-3 .. 4.5e-3)     8         0\n"
                        "  524k    2.6261 at 2.2e-3   2.4e-3 (1.7e-3 .. 3.4e-3)     8         0\n"
                        "  losses in nats per token, validation\n"
                        "\n"
                        "Extrapolated (in brackets: 90 % intervals)\n"
                        "  best LR ~ tokens^-0.54 (-0.77 .. -0.31): twice as long, 31 % lower\n"
                        "  23 % of this slope is an assumption, the rest your runs\n"
                        "  524k -> 8.39M tokens (16x longer): LR x 0.47 (0.25 .. 0.9)\n"
                        "  back-test: 131k and 262k predict 2.2e-3 (1.5e-3 .. 3.2e-3) at 524k; "
                        "fitted\n"
                        "    2.4e-3 (ok)\n"
                        "\n";
    assert_memory_equal(text, first, strlen(first));
    assert_says(text, "Target width 64, vocabulary 256, embedding LR 1.1e-3 Cost 23 runs, 7.34M "
                      "tokens, 1.17e+13 FLOPs, 3m23s of core time; 87.5 % of the target run "
                      "Stopped no trial is worth its tokens Warnings none Next lrsearch report "
                      "logs/nightly Campaign nightly");
    assert_fits(text);
    free(text);
}

static void words_of_confidence(void **state)
{
    (void)state;
    struct answer answer = identified();
    answer.confidence.word = CONFIDENCE_WEAK;
    answer.confidence.back_test = BACK_TEST_FAILED;
    answer.target.no_basin = .12;
    char *text = print(&answer);
    assert_says(text, "Confidence: weak ");
    assert_says(text, "fitted 2.4e-3 (failed) ");
    assert_says(text, "12 % chance that the learning rate makes no difference to the loss ");
    free(text);
    answer.confidence.word = CONFIDENCE_STRONG;
    answer.confidence.back_test = BACK_TEST_NONE;
    answer.target.ci90[1] = NAN;
    answer.target.no_basin = NAN;
    text = print(&answer);
    assert_says(text, ": 1.1e-3 Confidence: strong If");
    assert_says(text, "fitted 2.4e-3 ");
    assert_null(strstr(text, "(ok)"));
    assert_null(strstr(text, "chance"));
    free(text);
    answer.confidence.word = CONFIDENCE_NONE;
    text = print(&answer);
    assert_null(strstr(text, "onfidence"));
    free(text);
}

/* A share of 60 % and a slope that rises. */
static void slope_in_words(void **state)
{
    (void)state;
    static const struct {
        double beta, weight;
        const char *said;
    } cases[] = {
        {-.3, .6, "best LR ~ tokens^0.30 (0.10 .. 0.50): twice as long, 23 % higher 60 % of this"},
        {.001, .001, "tokens^0.00 (-0.20 .. 0.20): twice as long, the same 524k ->"},
        {-2, 1, "twice as long, 4 times as high this slope is an assumption alone: your runs"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer answer = identified();
        answer.law.beta = cases[i].beta;
        answer.law.beta_ci90[0] = cases[i].beta - .2;
        answer.law.beta_ci90[1] = cases[i].beta + .2;
        answer.law.prior_weight = cases[i].weight;
        char *text = print(&answer);
        assert_says(text, cases[i].said);
        assert_fits(text);
        free(text);
    }
}

static void keeping_is_told_where_it_is_known(void **state)
{
    (void)state;
    struct answer answer = identified();
    answer.target.keep_penalty = NAN;
    char *text = print(&answer);
    assert_null(strstr(text, "keeping"));
    free(text);
    answer.target.loss_penalty = answer.target.loss_penalty_if_wrong_2x = NAN;
    text = print(&answer);
    assert_null(strstr(text, "If you use it"));
    assert_says(text, "moderate Measured");
    free(text);
}

static void all_diverged(void **state)
{
    (void)state;
    struct answer answer = unknown();
    answer.advice = (struct advice_answer){.kind = ADVICE_RANGE, .lr = {.01, 10}};
    char *text = print(&answer);
    const char *first =
        "No peak learning rate for 1B tokens: every training from 1 to 10 diverged;";
    assert_memory_equal(text, first, strlen(first));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf "));
    assert_says(text, " 2M - none: all diverged 6 6 4M - none: all diverged 6 6 ");
    assert_says(text, "no slope: too few lengths of training have a fitted optimum");
    assert_says(text, "embedding LR -");
    assert_null(strstr(text, "back-test"));
    assert_null(strstr(text, "not to be relied on"));
    assert_null(strstr(text, "If you use it"));
    assert_null(strstr(text, "Warnings"));
    assert_says(text, "Next lrsearch report logs/nightly lrsearch PLAN --run-dir logs/nightly "
                      "--fork nightly-wider \\ --set 'search.lr=[0.01, 10]' Campaign");
    assert_fits(text);
    free(text);

    answer.target.lr = 3e-4; /* a guess is named as one */
    answer.target.ci90[0] = 1e-4;
    answer.target.ci90[1] = 1e-3;
    answer.target.loss_penalty = .1;
    text = print(&answer);
    assert_says(text, "A guess, not to be relied on: 3.0e-4 (90 % interval 1.0e-4 .. 1.0e-3) "
                      "Measured");
    assert_null(strstr(text, "% sure"));
    assert_null(strstr(text, "If you use it"));
    assert_fits(text);
    free(text);
}

/* Where there is no optimum, the table has no number for one. */
static void edge_and_flat_have_no_optimum(void **state)
{
    (void)state;
    struct answer answer = identified();
    answer.status = ANSWER_NOT_IDENTIFIED;
    answer.target.lr = NAN;
    answer.horizons[0].at_edge = answer.horizons[1].flat = true;
    answer.horizons[2].interpolated = true;
    snprintf(answer.reason, sizeof(answer.reason),
             "the optimum of 131k tokens lies at the lower edge, 4.5e-3");
    char *text = print(&answer);
    assert_says(text, "131k 2.9134 at 4.5e-3 none: at the edge 8 1 262k");
    assert_says(text, "262k 2.7311 at 3.2e-3 none: flat 8 0 524k");
    assert_says(text, "2.4e-3 (1.7e-3 .. 3.4e-3) 8 0 * ");
    assert_says(text, "* nothing was trained inside this interval: interpolated at the edge: the "
                      "lowest loss is that of the lowest or highest LR tried, the optimum may lie "
                      "beyond flat: the losses differ by no more than their noise losses in nats");
    assert_null(strstr(text, "5.1e-3"));
    assert_null(strstr(text, "3.4e-3 ("));
    assert_fits(text);
    free(text);

    answer.horizons[2].interpolated = answer.horizons[0].at_edge = answer.horizons[1].flat = false;
    answer.horizons[1].trials = answer.horizons[0].diverged = 0;
    answer.horizons[2].lr_opt = NAN;
    answer.horizons[2].lowest_loss = answer.horizons[2].lowest_lr = NAN;
    text = print(&answer);
    assert_says(text, "none: nothing trained 0 0 524k - none: too few losses 8 0 losses in nats");
    assert_null(strstr(text, "*"));
    free(text);
}

static void commands_follow_the_advice(void **state)
{
    (void)state;
    static const struct {
        struct advice_answer advice;
        const char *said;
    } cases[] = {
        {{ADVICE_RANGE, {5e-4, 3.2e-2}, 0, 0, 0, 0, {0, 0}},
         "--fork nightly-wider \\ --set 'search.lr=[0.0005, 0.032]' Campaign"},
        {{ADVICE_RANGE, {1. / 1024, .1}, 0, 0, 0, 0, {0, 0}},
         "--set 'search.lr=[0.0009765625, 0.1]' Campaign"},
        {{ADVICE_HORIZON, {0, 0}, 1048576, 0, 0, 0, {0, 0}},
         "--fork nightly-longer \\ --set 'search.horizons=[128Ki, 256Ki, 512Ki, 1Mi]' Campaign"},
        {{ADVICE_HORIZON, {0, 0}, 400000, 0, 0, 0, {0, 0}},
         "=[128Ki, 256Ki, 400k, 512Ki]' Campaign"},
        {{ADVICE_HORIZON, {0, 0}, 1001, 0, 0, 0, {0, 0}}, "=[1001, 128Ki, 256Ki, 512Ki]' Campaign"},
        {{ADVICE_HORIZON, {0, 0}, 262144, 0, 0, 0, {0, 0}}, "=[128Ki, 256Ki, 512Ki]' Campaign"},
        {{ADVICE_HORIZON, {0, 0}, UINT64_C(1) << 40, 0, 0, 0, {0, 0}}, /* plans have no Ti */
         "=[128Ki, 256Ki, 512Ki, 1024Gi]' Campaign"},
        {{ADVICE_SEEDS, {0, 0}, 0, 3, 0, 0, {0, 0}},
         "--fork nightly-seeds \\ --set search.seeds=3 Campaign"},
        {{ADVICE_MIN_GAIN, {0, 0}, 0, 0, 1.25e-3, 0, {0, 0}},
         "--fork nightly-closer \\ --set search.min_gain=0.00125 Campaign"},
        {{ADVICE_RANGE, {NAN, NAN}, 0, 0, 0, 0, {0, 0}}, "lrsearch report logs/nightly Campaign"},
        {{ADVICE_RATIO, {0, 0}, 0, 0, 0, RATIO_DECAY, {.01, 1.6}},
         "--fork nightly-wider \\ --set 'search.weight_decay=[0.01, 1.6]' Campaign"},
        {{ADVICE_RATIO, {0, 0}, 0, 0, 0, RATIO_EMBEDDING, {1. / 1024, 64}},
         "--set 'model.embedding_lr_ratio=[0.0009765625, 64]' Campaign"},
        {{ADVICE_NONE, {0, 0}, 0, 0, 0, 0, {0, 0}}, "lrsearch report logs/nightly Campaign"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer answer = identified();
        answer.advice = cases[i].advice;
        char *text = print(&answer);
        assert_says(text, cases[i].said);
        assert_fits(text);
        free(text);
    }
    struct answer answer = identified();
    answer.status = ANSWER_INTERRUPTED; /* the advice is that of an unfinished campaign */
    answer.advice = cases[0].advice;
    char *text = print(&answer);
    assert_says(text, "lrsearch report logs/nightly lrsearch PLAN --run-dir logs/nightly Campaign");
    free(text);
}

/* The plan and its options come from the run; names that --fork would refuse are replaced. */
static void commands_of_a_run(void **state)
{
    (void)state;
    static struct next_steps steps;
    static const char *const words[] = {"my plan.yaml", "--set", "seed=3"};
    char folder[] = "/tmp/summary-XXXXXX", file[64], command[300];
    struct answer answer = identified();
    struct event_session start = {.ranks = 2};
    const struct provenance_arguments arguments = {words, 3};
    answer.advice = (struct advice_answer){.kind = ADVICE_SEEDS, .seeds = 3};
    assert_non_null(mkdtemp(folder));
    assert_int_equal(provenance_write(folder, "", 1, &arguments, &start, 1, NULL), 0);
    next_steps_fill(&steps, folder, &answer);
    snprintf(command, sizeof(command),
             "lrsearch 'my plan.yaml' --set seed=3 --run-dir %s --fork %s-seeds --set "
             "search.seeds=3",
             folder, folder + strlen("/tmp/"));
    assert_int_equal(steps.count, 2);
    assert_string_equal(steps.commands[1], command);
    snprintf(file, sizeof(file), "%s/provenance.json", folder);
    unlink(file);
    rmdir(folder);

    next_steps_fill(&steps, "logs/a night/", &answer);
    assert_string_equal(steps.commands[0], "lrsearch report 'logs/a night/'");
    assert_string_equal(steps.commands[1], "lrsearch PLAN --run-dir 'logs/a night/' --fork seeds "
                                           "--set search.seeds=3");
    char *longest = malloc(NEXT_STEP_TEXT);
    assert_non_null(longest);
    memset(longest, 'x', NEXT_STEP_TEXT - 1);
    longest[NEXT_STEP_TEXT - 1] = '\0';
    next_steps_fill(&steps, longest, &answer);
    assert_int_equal(steps.count, 0);
    free(longest);
}

static void prediction(void **state)
{
    (void)state;
    struct answer answer = identified();
    char *text = print_as(&answer, "so wide");
    const char *first = "Peak learning rate for 8.39M tokens: 1.1e-3";
    assert_memory_equal(text, first, strlen(first));
    assert_says(text, "524k -> 8.39M tokens (16x longer): LR x 0.47");
    assert_says(text, "Width so wide Stopped no trial is worth its tokens Warnings none Campaign");
    assert_null(strstr(text, "Measured"));
    assert_null(strstr(text, "Cost  "));
    assert_null(strstr(text, "Next  "));
    assert_fits(text);
    free(text);

    answer.target.tokens = 300000;
    answer.target.width = 0; /* that of a table of losses */
    text = print_as(&answer, "");
    assert_says(text, "300k tokens lie within the lengths that were trained, up to 524k back-test");
    assert_null(strstr(text, "Target"));
    free(text);
}

/* The LRs of other tensors are ratios; the weight decay is none. */
static void what_was_searched_with_the_lr(void **state)
{
    (void)state;
    struct answer answer = identified();
    char *text = print(&answer);
    assert_null(strstr(text, "weight decay"));
    free(text);
    answer.ratios[RATIO_VECTOR] =
        (struct ratio_answer){true, 2.5, 2.5, {1, 6}, false, false, 23, false};
    answer.ratios[RATIO_DECAY] =
        (struct ratio_answer){true, 0.05, 0.05, {0.02, 0.12}, false, false, 23, false};
    text = print(&answer);
    assert_says(text,
                "LR of norms and biases: 2.5 times that of the hidden matrices; fitted optimum "
                "2.5 (90 % interval 1 .. 6), 23 runs");
    assert_says(text, "weight decay: 0.05 at the target; fitted optimum 0.05 (90 % interval 0.02 "
                      ".. 0.12), 23 runs");
    assert_says(text, "; weight decay 0.05 (90 % interval 0.02 .. 0.12)");
    free(text);
    answer.target.width = 0; /* a command's model is not known */
    text = print(&answer);
    assert_says(text, "Target weight decay 0.05");
    free(text);
    answer.ratios[RATIO_DECAY] =
        (struct ratio_answer){true, 0.2, 1.27, {0.15, NAN}, true, false, 23, true};
    answer.ratios[RATIO_VECTOR] =
        (struct ratio_answer){true, 0.5, 0.1, {NAN, 0.6}, true, false, 23, true};
    text = print(&answer);
    assert_says(text, "Target weight decay 0.2 at the edge (90 % interval 0.15 or more)");
    assert_says(text, "weight decay: 0.2 at the target; at the edge: the best lies beyond (90 % "
                      "interval 0.15 or more), 23 runs");
    assert_says(text, "; at the edge: the best lies beyond (90 % interval 0.6 or less), 23 runs");
    assert_null(strstr(text, "1.27"));
    assert_fits(text);
    free(text);
}

static void one_horizon(void **state)
{
    (void)state;
    struct answer answer = identified();
    answer.horizon_count = 1;
    answer.law.prior_weight = 1;
    answer.law.holdout.tokens = 0;
    char *text = print(&answer);
    assert_says(text,
                "this slope is an assumption alone: your runs say nothing about it 131k -> 8.39M");
    assert_null(strstr(text, "back-test"));
    assert_fits(text);
    free(text);
}

static void stopped_early(void **state)
{
    (void)state;
    struct answer answer = identified();
    answer.status = ANSWER_BUDGET_EXHAUSTED;
    answer.stopped[0] = '\0';
    snprintf(answer.reason, sizeof(answer.reason), "budget.tokens is too small for round 4");
    char *text = print(&answer);
    assert_says(text,
                "The budget was used up before the answer for 8.39M tokens: budget.tokens is");
    assert_says(text, "As far as it went: 1.1e-3 (90 % interval 7.9e-4 .. 1.6e-3) If you use it");
    assert_null(strstr(text, "Stopped"));
    assert_fits(text);
    free(text);
    answer.status = ANSWER_INTERRUPTED;
    answer.horizon_count = 0;
    text = print(&answer);
    assert_says(text, "Not finished, no answer yet for 8.39M tokens: budget.tokens");
    assert_says(text, " diverged none losses");
    assert_says(text, "keeping 2.4e-3, the fitted optimum of the longest trainings, would");
    free(text);
}

/* What nobody outside of this project understands. */
static void no_word_of_our_own(void **state)
{
    (void)state;
    static const char *const words[] = {" law",       "prior",      "beta",
                                        "identified", "2x off",     "cell ",
                                        "reach",      "none found", "where it tells most",
                                        "doubt",      " R2 ",       "by the prior"};
    struct answer answers[] = {identified(), unknown()};
    for (int i = 0; i < 4; i++) {
        char *text = print_as(&answers[i % 2], i < 2 ? NULL : "");
        for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
            if (strstr(text, words[w]))
                fail_msg("'%s' stands in:\n%s", words[w], text);
        free(text);
    }
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
        answer.horizons[i].loss_min = answer.horizons[i].lowest_loss = 1.5e9;
        answer.horizons[i].lowest_lr = 1.2e-100;
        answer.horizons[i].curvature = 1.23e-11;
        answer.horizons[i].trials = 123457;
        answer.horizons[i].diverged = 123456;
        answer.horizons[i].flat = true;
    }
    answer.cost = (struct answer_cost){UINT64_MAX, UINT64_MAX, 1e300, 1e11, 1e9, 0, 0, 0};
    char *text = print(&answer);
    assert_says(text, "1.3e-100");
    assert_says(text, "best LR ~ tokens^123.46");
    assert_says(text, "1e+09 times the target run");
    assert_says(text, "1.500e+09 at 1.2e-100 none: flat 123457 123456");
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
    assert_says(text, "Warnings - warning 0: ");
    assert_says(text, " - warning 31: ");
    assert_fits(text);
    free(text);
}

static void drift_is_told(void **state)
{
    (void)state;
    struct answer answer = identified();
    char *text = print(&answer);
    assert_null(strstr(text, "Baseline"));
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
    assert_says(text, "Baseline logs/n1 LR at the target 2.68 times that (90 % interval 0.714 .. "
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
    assert_says(text, "Baseline not compared: there is none");
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
        cmocka_unit_test(words_of_confidence),
        cmocka_unit_test(slope_in_words),
        cmocka_unit_test(keeping_is_told_where_it_is_known),
        cmocka_unit_test(all_diverged),
        cmocka_unit_test(edge_and_flat_have_no_optimum),
        cmocka_unit_test(commands_follow_the_advice),
        cmocka_unit_test(commands_of_a_run),
        cmocka_unit_test(each_step_is_listed),
        cmocka_unit_test(prediction),
        cmocka_unit_test(what_was_searched_with_the_lr),
        cmocka_unit_test(one_horizon),
        cmocka_unit_test(stopped_early),
        cmocka_unit_test(no_word_of_our_own),
        cmocka_unit_test(huge_and_tiny),
        cmocka_unit_test(many_long_warnings),
        cmocka_unit_test(drift_is_told),
        cmocka_unit_test(wrap_at_the_edge),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
