/* Rules of transfer: each against what was published, and how their errors add. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "search/laws/transfer.h"

#define Z90 1.6448536269514722

static struct answer answer;

static void assert_near(double found, double wanted, double relative)
{
    if (!(fabs(found / wanted - 1) <= relative))
        fail_msg("%g instead of %g", found, wanted);
}

static bool warned(const char *text)
{
    for (size_t i = 0; i < answer.warning_count; i++)
        if (strstr(answer.warnings[i], text))
            return true;
    return false;
}

/* 1e-3 for 64M tokens (5e-4 .. 3e-3), from 2e-3 measured at 4M. */
static void make_answer(void)
{
    memset(&answer, 0, sizeof(answer));
    answer.status = ANSWER_IDENTIFIED;
    answer.target = (struct target_answer){.tokens = 64000000,
                                           .lr = 1e-3,
                                           .ci90 = {5e-4, 3e-3},
                                           .embedding_lr = 8e-3,
                                           .loss_penalty = 0.002,
                                           .loss_penalty_if_wrong_2x = 0.01};
    answer.law.beta = 0.25;
    answer.horizon_count = 3;
    answer.horizons[0] = (struct horizon_answer){.tokens = 1000000, .lr_opt = 3e-3};
    answer.horizons[1] = (struct horizon_answer){.tokens = 4000000, .lr_opt = 2e-3};
    answer.horizons[2] = (struct horizon_answer){.tokens = 8000000, .lr_opt = NAN};
}

static const struct anneal cosine = {SCHEDULE_COSINE, 0, 0.2, 0.1};

static struct transfer same(void)
{
    struct transfer_end end = {64, 2, 1024, 4096, cosine};
    return (struct transfer){end, end, PARAM_MUP, DEPTH_NONE, {false}};
}

/* ---- rules ---- */

static void sizes(void **state)
{
    (void)state;
    for (int side = -1; side <= 1; side += 2) {
        struct rule width = transfer_width(2 * side), depth = transfer_depth(2 * side, false);
        struct rule completep = transfer_depth(2 * side, true), vocab = transfer_vocab(2 * side);
        assert_true(width.ln_factor == 0 && depth.ln_factor == 0 && vocab.ln_factor == 0);
        /* plans/mup-transfer: .16 octaves off after one octave of width, .08 after two */
        assert_near(width.sd / log(2), 0.2, 1e-12);
        assert_near(depth.sd / log(2), 0.5, 1e-12);
        assert_true(completep.sd < depth.sd / 2 && completep.sd > 0);
        assert_near(vocab.sd, width.sd, 1e-12);
        assert_false(width.stretched || depth.stretched || completep.stretched || vocab.stretched);
        assert_true(transfer_width(4.5 * side).stretched);
        assert_true(transfer_depth(2.5 * side, false).stretched);
        assert_false(transfer_depth(2.5 * side, true).stretched);
        assert_true(transfer_vocab(5 * side).stretched);
    }
    assert_true(transfer_width(0).sd == 0);
    assert_true(transfer_width(NAN).stretched);
}

/* Optima of published trainings of a 215M model, at 100B and 20B tokens. */
static void batches(void **state)
{
    (void)state;
    static const struct {
        double tokens, from, to, factor;
    } measured[] = {{100e9, 131072, 1048576, 4.39}, {100e9, 262144, 2097152, 3.92},
                    {100e9, 131072, 524288, 2.64},  {20e9, 65536, 393216, 4.55},
                    {20e9, 131072, 1048576, 2.54},  {20e9, 393216, 1048576, 0.98}};
    for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
        struct rule rule =
            transfer_batch(measured[i].from, measured[i].to, measured[i].tokens, 0.24);
        double off = log(measured[i].factor) - rule.ln_factor;
        if (!(fabs(off) <= Z90 * rule.sd))
            fail_msg("%zu: off by %g, error %g", i, off, rule.sd);
        struct rule back =
            transfer_batch(measured[i].to, measured[i].from, measured[i].tokens, 0.24);
        assert_near(back.ln_factor, -rule.ln_factor, 1e-12);
        assert_true(back.sd == rule.sd);
    }
    double best = transfer_best_batch(1e9);
    assert_near(best, 79600, 0.01);
    assert_near(transfer_batch(best / 8, best, 1e9, 0.25).ln_factor, 0.75 * log(8), 1e-12);
    assert_near(transfer_batch(best / 8, best, 1e9, NAN).ln_factor, 0.75 * log(8), 1e-12);
    /* a law that rises is that of a batch too large: the square root alone is left */
    assert_near(transfer_batch(best / 8, best, 1e9, -0.3).ln_factor, 0.5 * log(8), 1e-12);
    assert_near(transfer_batch(best / 8, best, 1e9, 0.9).ln_factor, log(8), 1e-12);
    /* limits */
    assert_false(transfer_batch(best / 8, best, 1e9, 0.25).stretched);
    assert_true(transfer_batch(best / 8.2, best, 1e9, 0.25).stretched);
    assert_false(transfer_batch(best, 1.9 * best, 1e9, 0.25).stretched);
    struct rule above = transfer_batch(best, 2.1 * best, 1e9, 0.25);
    assert_true(above.stretched);
    assert_near(above.ln_factor, 0.75 * log(1.25), 1e-12); /* above the knee it stays */
    assert_near(above.sd, 2 * 0.15 * log(2.1), 1e-12);
    assert_true(transfer_batch(3 * best, 6 * best, 1e9, 0.25).ln_factor == 0);
    assert_true(transfer_batch(best, best, 1e9, 0.25).sd == 0);
}

/* 124M runs: LR* relative to a cooldown of .2. */
static void schedules(void **state)
{
    (void)state;
    static const struct {
        double cooldown, measured, theory;
    } runs[] = {
        {.1, .81, .90}, {.4, 1.25, 1.18}, {.6, 1.60, 1.38}, {.8, 1.64, 1.62}, {.9, 1.84, 1.77}};
    const struct anneal fifth = {SCHEDULE_WSD, COOLDOWN_LINEAR, 0.2, 0};
    for (size_t i = 0; i < 5; i++) {
        struct anneal wsd = fifth;
        wsd.cooldown = runs[i].cooldown;
        struct rule rule = transfer_anneal(&fifth, &wsd);
        assert_near(exp(rule.ln_factor), runs[i].theory, 0.006);
        assert_true(fabs(log(runs[i].measured) - rule.ln_factor) <= Z90 * rule.sd);
        assert_false(rule.stretched);
        struct rule back = transfer_anneal(&wsd, &fifth);
        assert_near(back.ln_factor, -rule.ln_factor, 1e-12);
    }
    const struct anneal linear = {SCHEDULE_LINEAR, 0, 0.2, 0}, whole = {SCHEDULE_WSD, 0, 1, 0};
    const struct anneal root = {SCHEDULE_WSD, COOLDOWN_ROOT, 0.2, 0};
    const struct anneal cosine_to_0 = {SCHEDULE_COSINE, 0, 0.2, 0};
    const struct anneal constant = {SCHEDULE_CONSTANT, 0, 0.2, 0};
    assert_true(transfer_anneal(&fifth, &linear).ln_factor ==
                transfer_anneal(&fifth, &whole).ln_factor);
    assert_near(exp(transfer_anneal(&fifth, &linear).ln_factor), 1.943, 1e-3);
    /* measured: 1.61, 1.58, 1.04, 1.13, .30 */
    assert_true(fabs(log(1.61) - transfer_anneal(&fifth, &linear).ln_factor) <= Z90 * 0.12);
    struct rule rule = transfer_anneal(&fifth, &cosine_to_0);
    assert_true(fabs(log(1.58) - rule.ln_factor) <= Z90 * rule.sd);
    rule = transfer_anneal(&fifth, &cosine);
    assert_true(fabs(log(1.04) - rule.ln_factor) <= 2 * rule.sd);
    assert_true(rule.sd > 0.15);
    rule = transfer_anneal(&fifth, &root);
    assert_near(exp(rule.ln_factor), 1.09, 1e-9);
    rule = transfer_anneal(&fifth, &constant);
    assert_near(exp(rule.ln_factor), 0.3, 1e-9);
    assert_true(rule.stretched && rule.sd > 0.5);
    assert_true(transfer_anneal(&linear, &linear).sd == 0);
    struct anneal other = linear; /* linear has no cooldown */
    other.cooldown = 0.7;
    assert_true(transfer_anneal(&linear, &other).sd == 0);
    char text[ANNEAL_TEXT];
    assert_string_equal(anneal_text(&root, text), "wsd to 0, 1-sqrt cooldown 0.2");
    assert_string_equal(anneal_text(&cosine, text), "cosine to 0.1");
    assert_string_equal(anneal_text(&constant, text), "constant");
    assert_true(trial_default_final_lr(SCHEDULE_COSINE) == 0.1);
    assert_true(trial_default_final_lr(SCHEDULE_WSD) == 0);
}

/* ---- steps ---- */

static void the_same_target_is_left_alone(void **state)
{
    (void)state;
    make_answer();
    struct answer before = answer;
    struct transfer transfer = same();
    transfer_apply(&answer, &transfer);
    assert_memory_equal(&answer.target, &before.target, sizeof(answer.target));
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_int_equal(answer.warning_count, 0);
    assert_int_equal(answer.step_count, 1);
    const struct transfer_step *step = &answer.steps[0];
    assert_string_equal(step->of, "horizon");
    assert_string_equal(step->how, "this campaign's slope over tokens, from 4M to 64M tokens");
    assert_true(step->measured);
    assert_near(step->factor, 0.5, 1e-12);
    assert_near(step->ci90[0], 0.25, 1e-12);
    assert_near(step->ci90[1], 1.5, 1e-12);
    /* nothing known of the model: no rule is asked */
    make_answer();
    transfer.from = (struct transfer_end){.anneal = cosine};
    transfer_apply(&answer, &transfer);
    assert_int_equal(answer.step_count, 1);
    make_answer();
    answer.target.lr = NAN;
    transfer_apply(&answer, &transfer);
    assert_int_equal(answer.step_count, 0);
    make_answer();
    answer.horizon_count = 0;
    transfer_apply(&answer, &transfer);
    assert_int_equal(answer.step_count, 0);
}

/* The LR of the target already has the factor: the steps together still lead to it. */
static void a_ratio_held_at_its_range_is_a_step(void **state)
{
    (void)state;
    make_answer();
    answer.target.held_factor = 1.25;
    answer.target.held_ci90[0] = 1.1;
    answer.target.held_ci90[1] = 1.4;
    answer.ratios[RATIO_DECAY] =
        (struct ratio_answer){.value = 0.2, .optimum = 1.27, .beyond = true};
    answer.ratios[RATIO_OUTPUT] = (struct ratio_answer){.value = 1, .optimum = 0.3, .beyond = true};
    struct target_answer before = answer.target;
    struct transfer transfer = same();
    transfer_apply(&answer, &transfer);
    assert_memory_equal(&answer.target, &before, sizeof(before));
    assert_int_equal(answer.step_count, 2);
    const struct transfer_step *step = &answer.steps[1];
    assert_string_equal(step->of, "range");
    assert_string_equal(step->how, "output_lr_ratio is 1, the lower end of its range, weight_decay "
                                   "is 0.2, the upper end of its range");
    assert_true(step->measured && step->factor == 1.25);
    assert_true(step->ci90[0] == 1.1 && step->ci90[1] == 1.4);
    assert_near(2e-3 * answer.steps[0].factor * step->factor, answer.target.lr, 1e-12);
}

static void errors_add_in_squares(void **state)
{
    (void)state;
    make_answer();
    struct transfer transfer = same();
    transfer.to.d_model = 256;
    transfer.to.vocab = 4096;
    transfer.to.batch_tokens = 8192;
    transfer_apply(&answer, &transfer);
    static const char *const of[] = {"horizon", "width", "vocabulary", "batch"};
    assert_int_equal(answer.step_count, 4);
    double factor = 1, low = 0, high = 0;
    for (size_t i = 0; i < 4; i++) {
        const struct transfer_step *step = &answer.steps[i];
        assert_string_equal(step->of, of[i]);
        assert_true(step->measured == (i == 0));
        factor *= step->factor;
        low += pow(log(step->factor / step->ci90[0]), 2);
        high += pow(log(step->ci90[1] / step->factor), 2);
    }
    assert_near(answer.target.lr, 2e-3 * factor, 1e-12);
    assert_near(answer.target.lr, 1e-3 * exp2(.75), 1e-12);
    assert_near(answer.target.embedding_lr, 8e-3 * exp2(.75), 1e-12);
    assert_near(log(answer.target.lr / answer.target.ci90[0]), sqrt(low), 1e-9);
    assert_near(log(answer.target.ci90[1] / answer.target.lr), sqrt(high), 1e-9);
    /* .2 octaves for width and vocabulary each, .15 for the batch: curvature times their squares */
    assert_near(answer.target.loss_penalty, .002 + .01 * (.04 + .04 + .0225), 1e-9);
    assert_true(answer.target.loss_penalty_if_wrong_2x == 0.01);
    assert_string_equal(answer.steps[1].how,
                        "mup holds the LR of base_width, from width 64 to 256");
    assert_string_equal(answer.steps[3].how,
                        "batch^0.75, the square root rule at a fixed number of tokens, from 4.1k "
                        "to 8.19k tokens");
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    assert_int_equal(answer.warning_count, 0);
}

static void what_was_measured_needs_no_rule(void **state)
{
    (void)state;
    make_answer();
    struct transfer transfer = same();
    transfer.to = (struct transfer_end){256, 8, 8192, 16384, cosine};
    transfer.measured[AXIS_WIDTH] = transfer.measured[AXIS_DEPTH] = true;
    transfer.measured[AXIS_VOCAB] = transfer.measured[AXIS_BATCH] = true;
    transfer_apply(&answer, &transfer);
    assert_int_equal(answer.step_count, 1);
    assert_string_equal(
        answer.steps[0].how,
        "this campaign's slope over tokens and width, depth, vocabulary, batch, from "
        "4M to 64M tokens");
    assert_true(answer.target.lr == 1e-3);
    make_answer(); /* no longer than what was measured: the step is one over the axes alone */
    transfer.measured[AXIS_WIDTH] = false;
    answer.target.tokens = 4000000;
    transfer_apply(&answer, &transfer);
    assert_string_equal(answer.steps[0].of, "depth");
    assert_string_equal(answer.steps[0].how,
                        "this campaign's slope over depth, vocabulary, batch, at 4M tokens");
    make_answer();
    transfer = same();
    transfer.parametrization = PARAM_SP; /* has no rule over widths; campaign_warn() says so */
    transfer.to.d_model = 256;
    transfer_apply(&answer, &transfer);
    assert_int_equal(answer.step_count, 1);
}

static void what_is_stretched_is_said(void **state)
{
    (void)state;
    make_answer();
    struct transfer transfer = same();
    transfer.to = (struct transfer_end){64 * 32, 12, 65536, 1 << 20, cosine};
    transfer_apply(&answer, &transfer);
    assert_int_equal(answer.step_count, 5);
    assert_true(warned("the target's width is 2048, that of the trials 64: mup is not known"));
    assert_true(warned("the target has 12 layers, the trials 2: without model.depth_rule: comp"));
    assert_true(warned("the target's vocabulary is 65536, that of the trials 1024: too far"));
    assert_true(warned("the batch goes from 4.1k to 1.05M tokens: the square root rule holds "
                       "over a factor of 8 and below 2 times the best batch (Step Law: 16.6k"));
    /* and too wide to be an answer */
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_non_null(strstr(answer.reason, "carried over to the target, the 90 % interval reaches"));
    assert_non_null(strstr(answer.reason, "no measurement stands behind its batch"));

    make_answer(); /* wide before any rule: the gate has let it pass, and it stays */
    answer.target.ci90[1] = 9e-3;
    transfer = same();
    transfer_apply(&answer, &transfer);
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    transfer.depth_rule = DEPTH_COMPLETEP;
    transfer.to.n_layers = 3;
    transfer_apply(&answer, &transfer);
    assert_int_equal(answer.step_count, 2);
    assert_string_equal(answer.steps[1].how, "completep holds the LR, from 2 to 3 layers");
    assert_int_equal(answer.warning_count, 0);
}

static void a_schedule_that_does_not_anneal(void **state)
{
    (void)state;
    make_answer();
    struct transfer transfer = same();
    transfer.from.anneal = (struct anneal){SCHEDULE_CONSTANT, 0, 0.2, 0};
    transfer_apply(&answer, &transfer);
    assert_int_equal(answer.step_count, 1);
    assert_true(answer.target.lr == 1e-3);
    assert_true(
        warned("the trials' schedule is constant: their optimum is not that of a training"));
    make_answer();
    transfer = same();
    transfer.to.anneal = transfer.from.anneal;
    transfer.to.anneal.final_lr = 0;
    transfer_apply(&answer, &transfer);
    assert_int_equal(answer.step_count, 2);
    assert_string_equal(answer.steps[1].of, "schedule");
    assert_string_equal(answer.steps[1].how, "cosine to 0.1 -> cosine to 0 (arXiv 2602.07145)");
    assert_true(answer.target.lr > 1.2e-3 && answer.target.lr < 1.6e-3);
    transfer.to.anneal.kind = SCHEDULE_CONSTANT;
    make_answer();
    transfer_apply(&answer, &transfer);
    assert_true(warned("the target's schedule is constant"));
    assert_true(answer.target.lr < 0.3e-3);
}

static void a_law_over_sizes(void **state)
{
    (void)state;
    make_answer();
    struct transfer transfer = same();
    transfer_apply(&answer, &transfer);
    answer.joint = (struct joint_answer){
        .known = true, .alpha = 0.25, .alpha_ci90 = {0.125, 0.5}, .beta = 0.25};
    transfer_size(&answer, 1e6, 16e6);
    assert_int_equal(answer.step_count, 2);
    assert_string_equal(answer.steps[1].of, "size");
    assert_string_equal(answer.steps[1].how,
                        "this campaign's slope over sizes, from 1M to 16M parameters");
    assert_true(answer.steps[1].measured);
    assert_near(answer.steps[1].ci90[0], 0.25, 1e-12);
    assert_near(answer.steps[1].ci90[1], exp2(-.5), 1e-12);
    assert_near(answer.target.lr, 5e-4, 1e-12);
    assert_near(log(answer.target.lr / answer.target.ci90[0]), hypot(log(2), log(2)), 1e-9);
    transfer_size(&answer, 16e6, 1e6); /* back */
    assert_near(answer.target.lr, 1e-3, 1e-12);
    assert_true(answer.steps[2].ci90[0] < answer.steps[2].ci90[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(batches),
        cmocka_unit_test(schedules),
        cmocka_unit_test(the_same_target_is_left_alone),
        cmocka_unit_test(a_ratio_held_at_its_range_is_a_step),
        cmocka_unit_test(errors_add_in_squares),
        cmocka_unit_test(what_was_measured_needs_no_rule),
        cmocka_unit_test(what_is_stretched_is_said),
        cmocka_unit_test(a_schedule_that_does_not_anneal),
        cmocka_unit_test(a_law_over_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
