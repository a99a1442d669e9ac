/* Optimizer, weight decay and the exponent of the embedding's LR in a plan: errors, defaults, axes
 * of numbers, and what becomes of them in a trial. */
#include "plan_case.h"

#include <math.h>
#include <string.h>
#include "cmocka_all.h"
#include "lrsearch/memory.h"
#include "plan/plan_diff.h"
#include "plan/plan_json.h"
#include "search/laws/prior_beta.h"

#define MODEL "model: {d_model: 64, n_layers: 2, n_heads: 2, context: 128, vocab: 256, "

static const struct plan_error_case cases[] = {
    {5, "training: {batch_tokens: 2048, muon_momentum: 0.9, muon_lr_scale: original}",
     "plan.yaml:5:47: training.muon_momentum: has no effect without training.optimizer: muon; "
     "leave it out\n"
     "plan.yaml:5:67: training.muon_lr_scale: has no effect without training.optimizer: muon; "
     "leave it out\n"},
    {5, "training: {batch_tokens: 2048, optimizer: muon, muon_momentum: 1}",
     "plan.yaml:5:64: training.muon_momentum: 1 is out of range (from 0, below 1)\n"},
    {5, "training: {batch_tokens: 2048, weight_decay: [0.1, 0, 0.10]}",
     "plan.yaml:5:55: training.weight_decay[2]: 0.10 is there twice; leave one out\n"},
    {5, "training: {batch_tokens: 2048, weight_decay: [0.1, auto]}",
     "plan.yaml:5:52: training.weight_decay[1]: expected a number such as 0.1 or 1e-3, found "
     "\"auto\"\n"},
    {5, "training: {batch_tokens: 2048, weight_decay: [0.1]}",
     "plan.yaml:5:46: training.weight_decay: has 1 element; expected 2 to 16, or the value without "
     "brackets\n"},
    {5, "training: {batch_tokens: 2048, weight_decay: [1e-4, 2], independent_decay: true}",
     "plan.yaml:5:53: training.weight_decay[1]: 2 leaves nothing of the weights when it is not "
     "multiplied by the LR; use 1e-4 or so, or leave out independent_decay\n"},
    {5, "training: {batch_tokens: 2048, weight_decay: 0, decay_rule: timescale}",
     "plan.yaml:5:61: training.decay_rule: timescale has no effect with training.weight_decay 0; "
     "leave it out, or give a weight decay\n"},
    {5, "training: {batch_tokens: 2048, weight_decay: 2, decay_rule: timescale}",
     "plan.yaml:5:61: training.decay_rule: timescale turns the weight decay 2 of the target into "
     "20 at the shortest of search.horizons, where one step at the highest LR takes all of the "
     "weights; use decay_rule: constant, longer horizons or a smaller decay\n"},
    {5,
     "training: {batch_tokens: 2048, weight_decay: 0.2, decay_rule: timescale, "
     "independent_decay: true}",
     "plan.yaml:5:63: training.decay_rule: timescale turns the weight decay 0.2 of the target into "
     "2 at the shortest of search.horizons, where one step at the highest LR takes all of the "
     "weights; use decay_rule: constant, longer horizons or a smaller decay\n"},
    {6, "search: {lr: [1e-3, 1e-1], horizons: [100k, 200k], weight_decay: [0.1, 0.01]}",
     "plan.yaml:6:66: search.weight_decay: the lower weight decay 0.1 is not below the upper 0.01; "
     "write [low, high]\n"},
    {6, "search: {lr: [1e-3, 1e-1], horizons: [100k, 200k], weight_decay: [0, 0.1]}",
     "plan.yaml:6:67: search.weight_decay[0]: 0 is out of range (above 0, up to 10)\n"},
    {6, "search: {lr: [1e-3, 1e-1], horizons: [100k, 200k], weight_decay: [0.1, none]}",
     "plan.yaml:6:72: search.weight_decay[1]: expected a number such as 0.1 or 1e-3, found "
     "\"none\"\n"},
    {6, "search: {lr: [1e-3, 1e-1], horizons: [100k, 200k], weight_decay: [0.1, 0.15]}",
     "plan.yaml:6:66: search.weight_decay: 0.1 to 0.15 is less than an octave (a factor of 2); "
     "widen it, or give training.weight_decay one number\n"},
    {6, "search: {lr: [1e-3, 1e-1], horizons: [100k, 200k], weight_decay: 0.1}",
     "plan.yaml:6:66: search.weight_decay: expected two numbers such as [1e-4, 3e-2], or none, "
     "found \"0.1\"\n"},
    {7, "target: {tokens: 1M, weight_decay: 0.2}",
     "plan.yaml:7:36: target.weight_decay: 0.2 is not training.weight_decay 0.1, and no rule "
     "carries an LR over to another weight decay; give training.weight_decay a list with both\n"},
    {3, MODEL "embedding_lr_exponent: 0.5, tied_output: true}",
     "plan.yaml:3:96: model.embedding_lr_exponent: does not go with model.tied_output: the "
     "embedding is the output matrix too, whose LR must not follow it; leave it out, or use "
     "tied_output: false\n"},
    {3, MODEL "embedding_lr_exponent: 0.5, parametrization: [mup, lvp]}",
     "plan.yaml:3:96: model.embedding_lr_exponent: does not go with model.parametrization lvp, "
     "which is mup with embedding_lr_exponent 0.5; use mup with this one, or leave it out\n"},
    {3, MODEL "embedding_lr_exponent: [0, 0.5, 3]}",
     "plan.yaml:3:105: model.embedding_lr_exponent[2]: 3 is out of range (-2 to 2)\n"},
    {3, MODEL "vector_lr_ratio: [1, 1.5]}",
     "plan.yaml:3:90: model.vector_lr_ratio: 1 to 1.5 is less than an octave (a factor of 2); "
     "widen it, or give one number\n"},
};

static void errors(void **state)
{
    (void)state;
    plan_cases_must_fail(cases, sizeof(cases) / sizeof(cases[0]));
}

static void load(const char *text, const char *set)
{
    const char *lines;
    if (plan_case_load(text, set, &lines))
        fail_msg("%s", lines);
}

static void refuses(const char *text, const char *set, const char *expected)
{
    const char *lines;
    assert_int_equal(plan_case_load(text, set, &lines), LR_EPLAN);
    assert_string_equal(lines, expected);
}

static void is_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * fabs(expected)))
        fail_msg("%.17g is not %.17g", value, expected);
}

#define SEARCHED                                                                                   \
    "version: 1\nname: t\n" MODEL "parametrization: mup, base_width: 64}\n"                        \
    "data: {text: [/a.txt]}\ntraining: {batch_tokens: 2048}\n"                                     \
    "search: {lr: [1e-3, 1e-1], horizons: [100k, 200k], weight_decay: [0.04, 1]}\n"                \
    "target: {tokens: 1M}\n"

/* What a range of the weight decay excludes. */
static void one_way_to_a_weight_decay(void **state)
{
    (void)state;
    refuses(SEARCHED, "training.weight_decay=[0.1, 1]",
            "plan.yaml:6:66: search.weight_decay: is there beside a list in "
            "training.weight_decay; keep the range, within which the best one is searched, or the "
            "list, each of which is trained\n");
    refuses(SEARCHED, "training.independent_decay=true",
            "plan.yaml:6:66: search.weight_decay: is searched as LR times weight decay, by which "
            "the weights shrink, and with training.independent_decay they do not shrink by that; "
            "leave independent_decay out, or give training.weight_decay a list\n");
    refuses(SEARCHED, "target.weight_decay=0.2",
            "--set target.weight_decay=0.2: is what search.weight_decay looks for; leave one of "
            "them out\n");
    load(SEARCHED, NULL);
    is_near(plan_case.training.weight_decay, 0.2); /* the middle */
    is_near(plan_target(&plan_case).weight_decay, 0.2);
    load(SEARCHED, "training.weight_decay=0.3");
    assert_true(plan_trial(&plan_case).weight_decay == 0.3);
    load(SEARCHED, "search.weight_decay=none");
    assert_true(plan_case.search.weight_decay[1] == 0 && plan_case.training.weight_decay == 0.1);
}

#define OTHER(kind, more)                                                                          \
    "version: 1\nname: t\ntrainer: {kind: " kind "}\n"                                             \
    "search: {lr: [1e-3, 1e-1], horizons: [100k]}\ntarget: {tokens: 1M}\n" more "\n"

/* Keys that another trainer than ours cannot follow. */
static void other_trainers(void **state)
{
    (void)state;
    refuses(OTHER("simulate", "training: {optimizer: muon, muon_momentum: 0.9}"), NULL,
            "plan.yaml:6:44: training.muon_momentum: is for trainer.kind: transformer only; leave "
            "it out\n");
    refuses(OTHER("simulate", "training: {decay_rule: timescale}"), NULL,
            "plan.yaml:6:24: training.decay_rule: has no effect with trainer.kind: simulate, whose "
            "losses do not depend on it; leave it out\n");
    refuses(OTHER("simulate", "model: {vector_lr_ratio: [1, 4]}"), "search.weight_decay=[0.1, 1]",
            "plan.yaml:6:26: model.vector_lr_ratio: cannot be searched with trainer.kind: "
            "simulate; give one number\n"
            "--set search.weight_decay=[0.1, 1]: cannot be searched with trainer.kind: simulate; "
            "leave it out, or give simulate.decay_curvature\n");
    load(OTHER("simulate", "training: {decay_rule: timescale}\nsimulate: {decay_curvature: 0.01}"),
         "search.weight_decay=[0.1, 1]"); /* a loss with a ridge */
    refuses(OTHER("replay, table: /a", "model: {embedding_lr_exponent: 1}"), NULL,
            "plan.yaml:6:32: model.embedding_lr_exponent: has no effect with trainer.kind: "
            "replay, whose table has its own; leave it out\n");
    load(OTHER("command, argv: [a, '{weight_decay}', '{vector_lr_ratio}']",
               "training: {decay_rule: timescale}"),
         "search.weight_decay=[0.1, 1]");
}

/* Muon's LR is another than AdamW's, unless its steps are scaled to be as large. */
static void ratios_follow_the_optimizer(void **state)
{
    (void)state;
    load(plan_case_text(0, NULL), NULL);
    struct trial_spec spec = plan_trial(&plan_case);
    assert_true(spec.embedding_lr_ratio == 1 && spec.output_lr_ratio == 1);
    assert_true(spec.vector_lr_ratio == 1 && spec.muon_momentum == 0);
    assert_int_equal(spec.optimizer, OPTIMIZER_ADAMW);

    load(plan_case_text(0, NULL), "training.optimizer=muon");
    spec = plan_trial(&plan_case);
    assert_int_equal(spec.optimizer, OPTIMIZER_MUON);
    assert_int_equal(spec.muon_lr_scale, MUON_UNIT_RMS);
    assert_true(spec.muon_momentum == 0.95 && spec.warmup == 0.05);
    assert_true(spec.embedding_lr_ratio == 0.3 && spec.output_lr_ratio == 0.2);
    assert_true(spec.vector_lr_ratio == 0.2);

    load(plan_case_text(5, "training: {batch_tokens: 2048, optimizer: muon, muon_lr_scale: "
                           "match_rms, muon_momentum: 0.9}"),
         "model.output_lr_ratio=0.7");
    spec = plan_trial(&plan_case);
    assert_int_equal(spec.muon_lr_scale, MUON_MATCH_RMS);
    assert_true(spec.muon_momentum == 0.9 && spec.embedding_lr_ratio == 1);
    assert_true(spec.output_lr_ratio == 0.7 && spec.vector_lr_ratio == 1);
    load(OTHER("simulate", ""), "training.optimizer=muon");
    assert_true(plan_trial(&plan_case).embedding_lr_ratio == 1);
}

static double prior_center(void)
{
    struct beta_prior prior;
    plan_beta_prior(&plan_case, &prior);
    assert_true(plan_case.search.prior_beta == prior.center);
    return prior.center;
}

static void expects_center(enum beta_optimizer optimizer)
{
    const struct beta_setting setting = {optimizer, {2048, 2048}, 100000000, 10000000000};
    assert_true(prior_center() == beta_prior_of(&setting).center);
}

/* Of other trainers only what the plan says is known; the resolved plan keeps that. */
static void prior_knows_the_optimizer(void **state)
{
    static struct plan back;
    struct lr_error err = {0};
    static const char own[] = "version: 1\nname: t\n" MODEL "}\ndata: {text: [/a.txt]}\n"
                              "training: {batch_tokens: 2048}\n"
                              "search: {lr: [1e-3, 1e-1], horizons: [100M]}\n"
                              "target: {tokens: 10B}\n";
    static const char other[] = "version: 1\nname: t\ntrainer: {kind: command, argv: [a]}\n"
                                "training: {batch_tokens: 2048}\n"
                                "search: {lr: [1e-3, 1e-1], horizons: [100M]}\n"
                                "target: {tokens: 10B}\n";
    (void)state;
    load(own, NULL);
    expects_center(BETA_ADAMW);
    load(own, "training.optimizer=muon");
    expects_center(BETA_MUON);
    load(other, NULL);
    expects_center(BETA_OTHER);
    load(other, "training.optimizer=muon");
    expects_center(BETA_MUON);
    load(other, "training.optimizer=adamw");
    expects_center(BETA_ADAMW);
    char *text = plan_to_json(&plan_case);
    assert_int_equal(plan_from_json(&back, text, &err), 0);
    assert_true(back.training.optimizer_known);
    lr_free(text);
}

static void trial_keeps_its_time_scale(void **state)
{
    (void)state;
    load(plan_case_text(0, NULL), "training.decay_rule=timescale");
    struct trial_spec spec = plan_trial(&plan_case);
    spec.horizon_tokens = 100000;
    is_near(plan_weight_decay(&plan_case, &spec, 0.1), 1);
    spec.batch_tokens = 1024;
    is_near(plan_weight_decay(&plan_case, &spec, 0.1), 0.5);
    assert_true(plan_target(&plan_case).weight_decay == 0.1);
    spec.horizon_tokens = 0; /* not known yet */
    assert_true(plan_weight_decay(&plan_case, &spec, 0.1) == 0.1);

    spec.horizon_tokens = 200000;
    double before = plan_weight_decay(&plan_case, &spec, plan_case.training.weight_decay);
    plan_set_target(&plan_case, 4000000, 4096); /* its trials are what they were */
    is_near(plan_weight_decay(&plan_case, &spec, plan_case.training.weight_decay), before);
    struct trial_spec target = plan_target(&plan_case);
    assert_int_equal(target.horizon_tokens, 4000000);
    assert_int_equal(target.batch_tokens, 4096);
    is_near(target.weight_decay, 0.1 / 4 * 2); /* the same tau */

    load(plan_case_text(0, NULL), NULL);
    plan_set_target(&plan_case, 4000000, 0);
    assert_true(plan_weight_decay(&plan_case, &spec, 0.1) == 0.1);
    assert_true(plan_target(&plan_case).weight_decay == 0.1);
    assert_int_equal(plan_target(&plan_case).batch_tokens, 2048);
}

#define AXES                                                                                       \
    "version: 1\nname: t\n"                                                                        \
    "model: {d_model: [64, 128], n_layers: 2, n_heads: 2, context: 128, vocab: 256,\n"             \
    "        parametrization: [sp, mup], embedding_lr_exponent: [0, 0.5, 1]}\n"                    \
    "data: {text: [/a.txt]}\n"                                                                     \
    "training: {batch_tokens: 2048, weight_decay: [0.05, 0.2]}\n"                                  \
    "search: {lr: [1e-3, 1e-1], horizons: [100k, 200k]}\n"                                         \
    "target: {tokens: 1M, weight_decay: 0.1}\n"

/* d_model fastest, then weight_decay, parametrization, embedding_lr_exponent; at base_width only
 * the first parametrization with the first exponent. */
static void numbers_are_axes(void **state)
{
    const struct plan *p = &plan_case;
    char text[256];
    (void)state;
    load(AXES, NULL);
    assert_int_equal(p->axes.weight_decay.count, 2);
    assert_true(p->axes.weight_decay.values[1] == 0.2 && p->training.weight_decay == 0.05);
    assert_int_equal(plan_cell_count(p), 2 * 2 * 2 * 3 - 2 * 5);
    assert_string_equal(plan_cell_text(p, 0, text, sizeof(text)),
                        "d_model 64, weight_decay 0.05, sp, embedding_lr_exponent 0");
    assert_string_equal(plan_cell_text(p, 3, text, sizeof(text)),
                        "d_model 128, weight_decay 0.2, sp, embedding_lr_exponent 0");
    assert_string_equal(plan_cell_text(p, 13, text, sizeof(text)),
                        "d_model 128, weight_decay 0.2, mup, embedding_lr_exponent 1");
    assert_true(plan_cell(p, 13).weight_decay == 0.2);
    assert_true(plan_cell(p, 13).embedding_lr_shift == 0); /* mup's own is 1 */
    assert_true(plan_cell(p, 8).embedding_lr_shift == -0.5);
    assert_true(plan_cell(p, 6).embedding_lr_shift == 0.5); /* sp's own is 0 */
    struct trial_spec target = plan_target(p);
    assert_true(target.weight_decay == 0.1 && target.embedding_lr_shift == 0);
    assert_true(plan_target_with(p, PARAM_MUP).embedding_lr_shift == -1); /* the first: 0 */
    refuses(AXES, "target.weight_decay=0",
            "--set target.weight_decay=0: 0 lies beyond every value above 0 of "
            "training.weight_decay; use one above 0\n");
    refuses(AXES, "training.weight_decay=[0.1, 0]",
            "--set training.weight_decay=[0.1, 0]: 0 is no value of a list, along which the best "
            "LR is a power of the decay; use values above 0\n");
}

static void cells_are_limited(void **state)
{
    (void)state;
    refuses(
        AXES, "training.weight_decay=[0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 1]",
        "--set training.weight_decay=[0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0...: the plan's lists "
        "make 70 combinations, and a campaign may have 64; shorten one\n");
}

/* Muon's hidden matrices need no 1 / width, with match_rms its root. */
static void exponents_by_optimizer(void **state)
{
    struct trial_spec spec = {.parametrization = PARAM_MUP};
    (void)state;
    assert_true(trial_embedding_exponent(&spec) == 1);
    spec.optimizer = OPTIMIZER_MUON;
    assert_true(trial_embedding_exponent(&spec) == 0);
    spec.muon_lr_scale = MUON_MATCH_RMS;
    assert_true(trial_embedding_exponent(&spec) == 0.5);
    spec.parametrization = PARAM_LVP;
    assert_true(trial_embedding_exponent(&spec) == 0);
    spec.optimizer = OPTIMIZER_ADAMW;
    assert_true(trial_embedding_exponent(&spec) == 0.5);
    spec.parametrization = PARAM_SP;
    assert_true(trial_embedding_exponent(&spec) == 0);
    load(plan_case_text(3, MODEL "parametrization: mup, embedding_lr_exponent: auto}"), NULL);
    assert_true(isnan(plan_case.model.embedding_lr_exponent));
    assert_true(plan_trial(&plan_case).embedding_lr_shift == 0);
}

/* Cells of a made-up surface: an axis of numbers gives each draws of its own. */
static void made_up_cells_differ(void **state)
{
    (void)state;
    load(OTHER("simulate", "training: {weight_decay: [0.1, 0.2]}"), NULL);
    assert_true(plan_cell(&plan_case, 0).simulate.cell != plan_cell(&plan_case, 1).simulate.cell);
    /* the draws of a plan without the axis are those of before it was there */
    load(OTHER("simulate", "training: {batch_tokens: [1k, 2k]}"), NULL);
    assert_true(plan_cell(&plan_case, 0).simulate.cell == UINT64_C(0xb70bdf8539609d8c));
}

static void json_reads_back(void **state)
{
    static struct plan back;
    struct lr_error err = {0};
    char differences[256];
    static const char *const sets[] = {NULL, "model.embedding_lr_exponent=auto",
                                       "training.optimizer=muon", "training.weight_decay=0.3"};
    (void)state;
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        load(AXES, i == 3 ? NULL : sets[i]);
        char *text = plan_to_json(&plan_case);
        assert_non_null(text);
        if (plan_from_json(&back, text, &err))
            fail_msg("%s", err.text);
        assert_memory_equal(&back, &plan_case, sizeof(back));
        lr_free(text);
    }
    load(SEARCHED, NULL);
    char *old = plan_to_json(&plan_case);
    assert_int_equal(plan_from_json(&back, old, &err), 0);
    assert_memory_equal(&back.search.weight_decay, &plan_case.search.weight_decay,
                        sizeof(back.search.weight_decay));
    load(SEARCHED, "search.weight_decay=[0.04, 2]");
    char *new = plan_to_json(&plan_case);
    assert_int_equal(plan_diff(old, new, differences, sizeof(differences)), 3);
    assert_non_null(strstr(differences, "search.weight_decay ([0.04, 1.0] -> [0.04, 2.0])"));
    lr_free(old);
    lr_free(new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors),
        cmocka_unit_test(one_way_to_a_weight_decay),
        cmocka_unit_test(other_trainers),
        cmocka_unit_test(ratios_follow_the_optimizer),
        cmocka_unit_test(prior_knows_the_optimizer),
        cmocka_unit_test(trial_keeps_its_time_scale),
        cmocka_unit_test(numbers_are_axes),
        cmocka_unit_test(cells_are_limited),
        cmocka_unit_test(exponents_by_optimizer),
        cmocka_unit_test(made_up_cells_differ),
        cmocka_unit_test(json_reads_back),
    };
    return cmocka_run_group_tests(tests, plan_case_setup, plan_case_teardown);
}
