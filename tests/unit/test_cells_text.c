/* The parts of a summary that only campaigns with axes have. */
#include "print_case.h"

#include <math.h>
#include "cells_answer.h"
#include "report/cell_names.h"
#include "report/summary.h"

static char *print(const struct answer *answer)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    summary_print(out, "grid", NULL, answer);
    fclose(out);
    if (getenv("SHOW_SUMMARY")) /* for the eyes of who changes it */
        fprintf(stderr, "----------------------------------------\n%s", text);
    assert_fits(text);
    return text;
}

static size_t count(const char *text, const char *part)
{
    size_t found = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        found++;
    return found;
}

static void widths_and_vocabularies(void **state)
{
    (void)state;
    static struct answer answer;
    cells_answer(&answer);
    char *text = print(&answer);
    assert_says(text,
                "Measured (the model nearest to the target: width 256, vocabulary 4096) tokens ");
    assert_says(text, " width vocab best LR 90 % interval embedding 90 % interval runs 64 256 ");
    assert_says(text, "15 256 4096 ");
    assert_says(text,
                " width vocab slope 90 % interval 64 256 -0."); /* what did not fit beside it */
    assert_says(text, "best LR at 8.39M tokens, extrapolated; slope: best LR ~ tokens^slope; "
                      "embedding: best LR there over that of the hidden");
    assert_says(text, "best LR ~ width^-0.71 (-0.90 .. -0.52); 20 % of it is an assumption, the "
                      "rest your runs (assumed: -1) best embedding_lr_ratio ~ width^0.86 (0.67 .. "
                      "1.05) at vocabulary 256; 20 %");
    assert_says(text, "over the width: muP says 1, large vocabularies 1/2 all sizes");
    assert_says(text, "all sizes together: best LR = 41.5 N^-0.35 (-0.43 .. -0.27) D^-0.40 "
                      "(-0.52 .. -0.28), N hidden parameters, D tokens its back-test");
    assert_says(text, "its back-test: the others alone predict 1.1e-3 (7.1e-4 .. 1.8e-3) at 524k "
                      "tokens, width 256, vocabulary 4096; fitted 1.2e-3 (9.9e-4 .. 1.5e-3) ");
    assert_says(text,
                "Tried - sp, width 512, 2 layers, vocabulary 4096: half of it costs 0.012 nats "
                "where 0.013 were predicted; twice it diverged Claims");
    assert_says(text, "Claims - the best embedding ratio grows");
    assert_says(text, "best LR ~ tokens^-0.37 (");
    assert_says(text,
                "Target width 512, 2 layers, batch 2.05k, vocabulary 4096, embedding LR "
                "2.9e-3, best 14 times that of the hidden matrices (90 % interval 8.6 .. 22)");
    free(text);
}

/* Nothing of it stands in the answer of a campaign without axes. */
static void one_cell(void **state)
{
    (void)state;
    static struct answer answer;
    cells_answer(&answer);
    answer.cell_count = answer.basin_count = answer.exponent_count = answer.confirm_count =
        answer.verdict_count = answer.step_count = 0;
    answer.joint.known = false;
    char *text = print(&answer);
    static const char *const parts[] = {"nearest", "vocab ", "~ width", "all sizes",
                                        "Tried",   "Claims", "layers",  "times that of"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        assert_null(strstr(text, parts[i]));
    assert_says(text, "Target width 512, vocabulary 4096, embedding LR 2.9e-3 Cost");
    free(text);
}

static void only_what_varies(void **state)
{
    (void)state;
    static struct answer answer;
    cells_answer(&answer);
    answer.cell_count = 3;
    answer.nearest = 2;
    for (size_t c = 0; c < 3; c++)
        answer.cells[c].ratio[RATIO_EMBEDDING] = NAN;
    char *text = print(&answer);
    assert_says(text, "nearest to the target: width 256) tokens");
    assert_says(text, " width best LR 90 % interval runs slope 90 % interval 64 ");
    assert_null(strstr(text, "embedding:"));
    free(text);

    for (size_t c = 0; c < 3; c++) {
        answer.cells[c].d_model = 64;
        answer.cells[c].parametrization = (uint32_t)c;
    }
    answer.exponents[0].parametrization = answer.joint.parametrization = 1;
    answer.exponents[1].parametrization = ANSWER_EVERY;
    answer.ratios[RATIO_EMBEDDING].searched = true; /* stands in the table of cells */
    text = print(&answer);
    assert_says(text, " kind best LR 90 % interval");
    assert_says(text, " lvp ");
    assert_says(text, "(-0.90 .. -0.52) with mup; 20 %");
    assert_says(text, "width^0.86 (0.67 .. 1.05) at vocabulary 256");
    assert_says(text, "D^-0.40 (-0.52 .. -0.28) with mup, N hidden");
    assert_null(strstr(text, "embedding LR: "));
    free(text);

    answer.nearest = 3; /* none that there is */
    text = print(&answer);
    assert_null(strstr(text, "nearest"));
    free(text);
}

/* Axes of weight decay and of the exponent of the embedding's LR; or the decay is searched. */
static void decays_and_exponents(void **state)
{
    (void)state;
    static struct answer answer;
    char name[CELL_NAME];
    cells_answer(&answer);
    answer.cell_count = 4;
    answer.nearest = 3;
    for (size_t c = 0; c < 4; c++) {
        answer.cells[c].d_model = 64;
        answer.cells[c].vocab = 256;
        answer.cells[c].ratio[RATIO_EMBEDDING] = NAN;
        answer.cells[c].weight_decay = c % 2 ? 0.1 : 0.025;
        answer.cells[c].embedding_lr_exponent = c < 2 ? 0 : 0.5;
    }
    answer.exponents[0].embedding_lr_exponent = 0.5;
    char *text = print(&answer);
    assert_says(text, "nearest to the target: weight decay 0.1, embedding exponent 0.5) tokens");
    assert_says(text, " decay exponent best LR 90 % interval runs slope 90 % interval 0.025 0 ");
    assert_says(text, " 0.1 0.5 ");
    assert_says(text, "best LR ~ width^-0.71 (-0.90 .. -0.52) with exponent 0.5 of its LR; 20 %");
    free(text);
    assert_string_equal(cell_name(name, sizeof(name), &answer, 0, CELL_BIT(CELL_EXPONENT)),
                        "weight decay 0.025");
    answer.cells[0].embedding_lr_exponent = -0.5; /* under Muon */
    assert_string_equal(cell_name(name, sizeof(name), &answer, 0, CELL_BIT(CELL_DECAY)),
                        "embedding exponent -0.5");

    cells_answer(&answer);
    answer.ratios[RATIO_DECAY] = (struct ratio_answer){
        .searched = true, .value = 0.08, .optimum = 0.08, .ci90 = {0.04, 0.16}};
    for (size_t c = 0; c < answer.cell_count; c++) {
        answer.cells[c].ratio[RATIO_EMBEDDING] = NAN;
        answer.cells[c].ratio[RATIO_DECAY] = 0.05;
        answer.cells[c].ratio_ci90[RATIO_DECAY][0] = 0.03;
        answer.cells[c].ratio_ci90[RATIO_DECAY][1] = 0.09;
    }
    text = print(&answer);
    assert_says(text, " decay 90 % interval ");
    assert_says(text, " 0.05 0.03 .. 0.09 ");
    assert_says(text, "tokens^slope; decay: best weight decay");
    assert_says(text, "; weight decay 0.08 (90 % interval 0.04 .. 0.16) ");
    assert_null(strstr(text, "over that of the hidden matrices"));
    free(text);
}

static void no_number_is_made_up(void **state)
{
    (void)state;
    static struct answer answer;
    cells_answer_unknown(&answer);
    char *text = print(&answer);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "best LR ~ width"));
    assert_null(strstr(text, "slope "));
    assert_null(strstr(text, "all sizes"));
    assert_says(text, "Not finished, no answer yet for 8.39M tokens: stopped in round 1");
    assert_says(text, " width vocab best LR 90 % interval runs 64 256 - - 0 128 256 - - 0 ");
    free(text);

    cells_answer(&answer); /* a law without its intervals, a check without its numbers */
    answer.joint.alpha_ci90[0] = answer.joint.beta_ci90[1] = answer.joint.r2 = NAN;
    answer.joint.holdout.lr_measured = answer.joint.holdout.ci90[0] =
        answer.joint.holdout.measured_ci90[1] = NAN;
    answer.joint.holdout.cell = 9;
    answer.exponents[0].ci90[0] = answer.exponents[0].prior_weight = NAN;
    answer.exponents[1].prior_weight = 1;
    answer.confirms[0].d_model = 0;
    text = print(&answer);
    assert_says(
        text, "best LR ~ width^-0.71 best embedding_lr_ratio ~ width^0.86 (0.67 .. 1.05) at "
              "vocabulary 256; it is an assumption alone: your runs say nothing about it (assumed");
    assert_says(text, "N^-0.35 D^-0.40, N hidden parameters, D tokens its back-test: the others "
                      "alone predict 1.1e-3 at 524k tokens; fitted - width");
    assert_says(text, "Tried - half of it costs 0.012 nats where");
    assert_null(strstr(text, "nan"));
    free(text);
}

static void everything_full(void **state)
{
    (void)state;
    static struct answer answer;
    cells_answer_full(&answer);
    char *text = print(&answer);
    assert_int_equal(count(text, " 1.3e-100 "), ANSWER_CELLS);
    assert_int_equal(count(text, "1.23\n") + count(text, "1.23 .."), 2 * ANSWER_CELLS);
    assert_int_equal(count(text, "- sp, width 512, 2 layers"), ANSWER_CONFIRMS);
    assert_says(text, "1.5B mup ");
    free(text);
}

static void names(void **state)
{
    (void)state;
    static struct answer answer;
    char text[CELL_NAME];
    cells_answer_full(&answer);
    assert_string_equal(cell_name(text, sizeof(text), &answer, 63, 0),
                        "width 4294967294, 4294967294 layers, vocabulary 4294967292, batch 1.5B, "
                        "mup");
    assert_string_equal(cell_name(text, sizeof(text), &answer, 0, CELL_BIT(CELL_WIDTH)),
                        "4294967295 layers, vocabulary 4294967295, batch 1B, sp");
    assert_int_equal(cells_first_axis(&answer), CELL_WIDTH);
    answer.cells[1].d_model = 0;
    answer.cells[2].n_layers = 1;
    assert_string_equal(cell_axis_text(text, sizeof(text), CELL_WIDTH, 0), "width ?");
    assert_string_equal(cell_axis_text(text, sizeof(text), CELL_DEPTH, 1), "1 layer");
    assert_string_equal(cell_axis_text(text, sizeof(text), CELL_PARAMETRIZATION, 7), "?");
    answer.cell_count = 1;
    assert_string_equal(cell_name(text, sizeof(text), &answer, 0, 0), "");
    assert_int_equal(cells_first_axis(&answer), CELL_AXES);
    cells_answer(&answer);
    assert_string_equal(cell_name(text, 16, &answer, 8, 0), "width 256"); /* no half name */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths_and_vocabularies),
        cmocka_unit_test(one_cell),
        cmocka_unit_test(only_what_varies),
        cmocka_unit_test(decays_and_exponents),
        cmocka_unit_test(no_number_is_made_up),
        cmocka_unit_test(everything_full),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
