/* Plans with lists: the axes of a campaign, its cells, its seeds, its target. */
#include "plan_case.h"

#include <stdio.h>
#include <string.h>
#include "cmocka_all.h"
#include "lrsearch/answer.h"
#include "lrsearch/memory.h"
#include "plan/plan_json.h"
#include "plan/plan_diff.h"

#define AXES                                                                                       \
    "version: 1\nname: t\n"                                                                        \
    "model: {d_model: [64, 128, 256], n_layers: [2, 4], n_heads: 2, context: 128,\n"               \
    "        vocab: [256, 1024], parametrization: [mup, sp], base_width: 128, d_ff: 96}\n"         \
    "data: {text: [/a.txt], tokenizer: bpe}\n"                                                     \
    "training: {batch_tokens: [2048, 4096], warmup_steps: 3, beta2_half_life: 4096}\n"             \
    "search: {lr: [1e-3, 1e-1], horizons: [100k, 200k], seeds: [3, 7, 11]}\n"                      \
    "target: {tokens: 1M, batch_tokens: 8Ki, schedule: wsd}\n"

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

static void lists_are_axes(void **state)
{
    const struct plan *p = &plan_case;
    (void)state;
    load(AXES, NULL);
    assert_int_equal(p->axes.d_model.count, 3);
    assert_int_equal(p->axes.d_model.values[2], 256);
    assert_int_equal(p->model.d_model, 64);
    assert_int_equal(p->axes.parametrization.count, 2);
    assert_int_equal(p->axes.parametrization.values[0], PARAM_MUP);
    assert_int_equal(p->model.parametrization, PARAM_MUP);
    assert_int_equal(p->search.seeds, 3);
    assert_int_equal(plan_seed(p, 1), 7);
    assert_int_equal(plan_cell_count(p), 40); /* 48, but width 128 with sp is that with mup */
    assert_int_equal(plan_largest_batch(p), 4096);
    assert_int_equal(p->target.d_model, 256); /* the last of each list */
    assert_int_equal(p->target.n_layers, 4);
    assert_int_equal(p->target.vocab, 1024);
    assert_int_equal(p->model.base_layers, 2);

    load(plan_case_text(0, NULL), NULL); /* without lists */
    assert_int_equal(p->axes.d_model.count, 1);
    assert_int_equal(p->axes.d_model.values[0], 64);
    assert_int_equal(p->axes.parametrization.count, 1);
    assert_int_equal(p->search.seed_list.count, 0);
    assert_int_equal(plan_seed(p, 2), 3);
    assert_int_equal(plan_cell_count(p), 1);
    assert_int_equal(p->target.n_layers, 2);
    assert_int_equal(p->target.vocab, 256);
    assert_int_equal(p->target.batch_tokens, 2048);
    assert_int_equal(p->target.schedule, SCHEDULE_COSINE);
    struct trial_spec first = plan_cell(p, 0), trial = plan_trial(p);
    assert_memory_equal(&first, &trial, sizeof(first));

    load(plan_case_text(0, NULL), "model.d_model=[64, 32]"); /* in the order that was given */
    assert_int_equal(p->axes.d_model.values[1], 32);
    assert_int_equal(p->target.d_model, 32);
    load(AXES, "model.d_model=512"); /* one value again */
    assert_int_equal(p->axes.d_model.count, 1);
    assert_int_equal(p->axes.d_model.values[0], 512);
    load(AXES, "search.seeds=[5]");
    assert_int_equal(p->search.seeds, 1);
    assert_int_equal(plan_seed(p, 0), 5);
    load(AXES, "search.seeds=2");
    assert_int_equal(plan_seed(p, 1), 2);
}

/* d_model fastest, then n_layers, vocab, batch_tokens, parametrization. */
static void cells_follow_their_values(void **state)
{
    (void)state;
    load(AXES, NULL);
    struct trial_spec spec = plan_cell(&plan_case, 2);
    assert_int_equal(spec.d_model, 256);
    assert_int_equal(spec.n_layers, 2);
    assert_int_equal(spec.d_ff, 384); /* 96 at width 64 */
    assert_int_equal(spec.n_heads, 2);
    assert_int_equal(spec.base_width, 128);
    spec = plan_cell(&plan_case, 3 + 6 + 12);
    assert_int_equal(spec.d_model, 64);
    assert_int_equal(spec.n_layers, 4);
    assert_int_equal(spec.vocab, 1024);
    assert_int_equal(spec.batch_tokens, 4096);
    assert_int_equal(spec.warmup_tokens, 3 * 4096);
    assert_true(spec.beta2 == .5); /* half the squares' weight a step of 4096 */
    assert_true(spec.zipf_exponent == trial_default_zipf(1024));
    assert_int_equal(spec.parametrization, PARAM_MUP);
    assert_int_equal(plan_cell(&plan_case, 24).parametrization, PARAM_SP);

    spec = plan_target(&plan_case);
    assert_int_equal(spec.d_model, 256);
    assert_int_equal(spec.batch_tokens, 8192);
    assert_int_equal(spec.schedule, SCHEDULE_WSD);
    assert_true(spec.final_lr == 0); /* wsd's */
    assert_int_equal(spec.horizon_tokens, 1000000);
    assert_int_equal(spec.parametrization, PARAM_MUP);

    load(AXES, "data.zipf_exponent=0.5");
    assert_true(plan_cell(&plan_case, 6).zipf_exponent == .5);
    load(AXES, "training.final_lr=0.2");
    assert_true(plan_target(&plan_case).final_lr == .2);
    load("version: 1\nname: t\ntrainer: {kind: replay, table: /a, columns: {d_model: w}}\n"
         "model: {d_model: [64, 96]}\nsearch: {lr: [1, 2], horizons: [80]}\ntarget: {tokens: 80}\n",
         NULL); /* no heads are known */
    assert_int_equal(plan_cell(&plan_case, 1).d_model, 96);
    assert_int_equal(plan_target(&plan_case).d_model, 96);
}

/* Cells of a made-up surface have draws of their own; the only cell has those it always had. */
static void simulated_cells_differ(void **state)
{
    static const char text[] = "version: 1\nname: t\ntrainer: {kind: simulate}\n"
                               "training: {batch_tokens: [1k, 2k]}\n"
                               "search: {lr: [1e-3, 1e-1], horizons: [100k]}\n"
                               "target: {tokens: 100k}\n";
    (void)state;
    load(text, NULL);
    uint64_t first = plan_cell(&plan_case, 0).simulate.cell;
    assert_true(first != 0 && first != plan_cell(&plan_case, 1).simulate.cell);
    assert_true(plan_cell(&plan_case, 1).simulate.cell == plan_target(&plan_case).simulate.cell);
    load(text, "training.batch_tokens=1k");
    assert_true(plan_cell(&plan_case, 0).simulate.cell == 0);
    load(text, "model.parametrization=[sp, mup]"); /* a target that is a cell of each */
    uint64_t mup = plan_target_with(&plan_case, PARAM_MUP).simulate.cell;
    assert_true(mup == plan_cell(&plan_case, 3).simulate.cell);
    assert_true(mup != plan_target(&plan_case).simulate.cell);
}

static void json_keeps_lists(void **state)
{
    static struct plan back;
    struct lr_error err = {0};
    char differences[256];
    (void)state;
    load(AXES, NULL);
    char *text = plan_to_json(&plan_case);
    assert_non_null(strstr(text, "\"parametrization\": [\n      \"mup\",\n      \"sp\"\n    ]"));
    assert_int_equal(plan_from_json(&back, text, &err), 0);
    assert_memory_equal(&back.axes, &plan_case.axes, sizeof(back.axes));
    assert_memory_equal(&back.search.seed_list, &plan_case.search.seed_list,
                        sizeof(back.search.seed_list));
    assert_int_equal(back.model.d_model, 64);
    assert_int_equal(back.search.seeds, 3);
    char *again = plan_to_json(&back);
    assert_string_equal(again, text);
    lr_free(again);

    load(AXES, "model.d_model=[64, 128]");
    again = plan_to_json(&plan_case);
    assert_int_equal(plan_diff(text, again, differences, sizeof(differences)), 2);
    assert_string_equal(differences, "model.d_model ([64, 128, 256] -> [64, 128]), "
                                     "target.d_model (256 -> 128)");
    lr_free(again);
    char *width = strstr(text, "256"); /* of d_model */
    memcpy(width, "\"x\"", 3);
    assert_int_equal(plan_from_json(&back, text, &err), LR_EDATA);
    assert_string_equal(err.text, "model.d_model has a value that no plan can have");
    lr_free(text);
}

static void bad_lists(void **state)
{
    static const struct plan_error_case cases[] = {
        {3,
         "model: {d_model: [64, x, 1, 64, [64]], n_layers: [], n_heads: [2, 4], context: 128, "
         "vocab: [256], parametrization: [mup, lpv]}",
         "plan.yaml:3:23: model.d_model[1]: expected a whole count such as 64, 128k or 2M, found "
         "\"x\"\n"
         "plan.yaml:3:26: model.d_model[2]: 1 is out of range (2 to 65536)\n"
         "plan.yaml:3:29: model.d_model[3]: 64 is there twice; leave one out\n"
         "plan.yaml:3:33: model.d_model[4]: expected a whole count such as 64, 128k or 2M, found a "
         "list\n"
         "plan.yaml:3:50: model.n_layers: has 0 elements; expected 2 to 16\n"
         "plan.yaml:3:63: model.n_heads: expected a whole count such as 64, 128k or 2M, found a "
         "list\n"
         "plan.yaml:3:92: model.vocab: has 1 element; expected 2 to 16, or the value without "
         "brackets\n"
         "plan.yaml:3:122: model.parametrization[1]: unknown value lpv (available: sp, mup, lvp); "
         "did you mean lvp?\n"},
        {5, "training: {batch_tokens: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]}",
         "plan.yaml:5:26: training.batch_tokens: has 17 elements; expected 2 to 16\n"
         "plan.yaml:5:27: training.batch_tokens[0]: 1 is out of range (2 to 1B)\n"},
        {6, "search: {lr: [1e-3, 1e-1], horizons: [100k], seeds: [1, -1, 1, 1e17]}",
         "plan.yaml:6:57: search.seeds[1]: -1 is out of range (0 to 9007199254740991)\n"
         "plan.yaml:6:61: search.seeds[2]: 1 is there twice; leave one out\n"
         "plan.yaml:6:64: search.seeds[3]: 1e17 is out of range (0 to 9007199254740991)\n"},
        {6, "search: {lr: [1e-3, 1e-1], horizons: [100k], seeds: []}",
         "plan.yaml:6:53: search.seeds: has 0 elements; expected 1 to 32\n"},
    };
    (void)state;
    plan_cases_must_fail(cases, sizeof(cases) / sizeof(cases[0]));
}

/* Rules that join several keys hold for every cell. */
static void each_cell_keeps_the_rules(void **state)
{
    static const struct plan_error_case cases[] = {
        {3, "model: {d_model: [64, 100, 50], n_layers: 2, n_heads: 4, context: 128, vocab: 256}",
         "plan.yaml:3:28: model.d_model[2]: 50 is not a multiple of model.n_heads 4; use 52\n"},
        {3, "model: {d_model: [64, 100], n_layers: 2, head_size: 32, context: 128, vocab: 256}",
         "plan.yaml:3:23: model.d_model[1]: 100 is not a multiple of model.head_size 32; use "
         "128\n"},
        {3,
         "model: {arch: llama, d_model: [64, 72], n_layers: 2, n_heads: 8, context: 128, "
         "vocab: 256, base_width: 32}",
         "plan.yaml:3:63: model.n_heads: heads of 9 channels cannot be rotated by arch llama; make "
         "the size of a head even\n"
         "plan.yaml:3:104: model.base_width: 32 neither divides model.d_model 72 nor is a multiple "
         "of it; use 8 or leave it out\n"},
        {3,
         "model: {d_model: [64, 96], n_layers: 2, n_heads: 2, context: 128, vocab: 256, d_ff: 101}",
         "plan.yaml:3:23: model.d_model[1]: model.d_ff, 101 at width 64, would be no whole number "
         "at 96; choose another of them\n"},
        {3,
         "model: {d_model: 64, n_layers: 2, n_heads: 3, context: 128, vocab: 256, "
         "parametrization: [sp, mup], base_width: 128, head_size: 32}",
         "plan.yaml:3:44: model.n_heads: 3 heads do not divide model.d_model 64; use 2, or another "
         "width\n"
         "plan.yaml:3:129: model.head_size: is there beside model.n_heads; leave one out: n_heads "
         "stays the same over widths, or head_size does\n"},
        {3,
         "model: {d_model: 64, n_layers: 2, n_heads: 8, context: 128, vocab: 256, "
         "parametrization: [sp, mup], base_width: 4}",
         "plan.yaml:3:113: model.base_width: 4 cannot be shared out among model.n_heads 8; use a "
         "multiple of it, or give model.base_head_size\n"},
        {3, "model: {d_model: 64, n_layers: 2, n_heads: 2, context: 128, vocab: [256, 300]}",
         "plan.yaml:3:68: model.vocab: a list needs data.tokenizer: bpe (of which 256 are the "
         "bytes "
         "alone)\n"},
        {4, "data: {text: [a.txt], tokenizer: bpe}\nmodel: {vocab: [256, 300]}",
         "plan.yaml:5:1: model: repeated key (first in line 3)\n"},
        {5, "training: {batch_tokens: [2k, 2048, 100, 20_480]}",
         "plan.yaml:5:27: training.batch_tokens[0]: 2000 is not a multiple of model.context 128; "
         "use 1920 or 2048 (k is 1000, Ki is 1024)\n"
         "plan.yaml:5:37: training.batch_tokens[2]: 100 is less than one sequence; use "
         "model.context 128 or a multiple of it\n"
         "plan.yaml:6:39: search.horizons[0]: 100000 is less than 10 steps of "
         "training.batch_tokens 20480; use 204800 or more, or a smaller batch\n"
         "plan.yaml:6:45: search.horizons[1]: 200000 is less than 10 steps of "
         "training.batch_tokens 20480; use 204800 or more, or a smaller batch\n"},
        {5, "training: {batch_tokens: [2048, 4096], warmup_steps: 25}",
         "plan.yaml:5:54: training.warmup_steps: 102400 tokens of warm-up are not less than the "
         "shortest of search.horizons, 100k; shorten it, or give training.warmup, a share of each "
         "horizon\n"},
        {7, "target: {tokens: 1M, batch_tokens: 1k, vocab: 1, schedule: wds, n_layers: [1, 2]}",
         "plan.yaml:7:36: target.batch_tokens: 1000 is not a multiple of model.context 128; use "
         "896 or 1024 (k is 1000, Ki is 1024)\n"
         "plan.yaml:7:47: target.vocab: 1 is out of range (2 to 1M)\n"
         "plan.yaml:7:60: target.schedule: unknown value wds (available: cosine, linear, wsd, "
         "constant); did you mean wsd?\n"
         "plan.yaml:7:75: target.n_layers: expected a whole count such as 64, 128k or 2M, found a "
         "list\n"},
        {7, "target: {tokens: 1M, batch_tokens: 128Ki}",
         "plan.yaml:7:36: target.batch_tokens: 1000000 target.tokens are less than 10 steps of it; "
         "use 100000 or less\n"},
    };
    (void)state;
    plan_cases_must_fail(cases, sizeof(cases) / sizeof(cases[0]));
}

static void vocabularies(void **state)
{
    (void)state;
    refuses(AXES, "model.vocab=[256, 300]",
            "--set model.vocab=[256, 300]: 300 is too small for data.tokenizer bpe; use 512 or "
            "more\n");
    refuses("version: 1\nname: t\ndata: {tokens: [/b.bin]}\n"
            "model: {d_model: 64, n_layers: 2, n_heads: 2, context: 128, vocab: [256, 512]}\n"
            "training: {batch_tokens: 2048}\nsearch: {lr: [1e-3, 1e-1], horizons: [100k]}\n"
            "target: {tokens: 1M}\n",
            NULL,
            "plan.yaml:4:68: model.vocab: a list needs data.text: token files have one "
            "vocabulary\n");
    load(AXES, "data.source=synthetic"); /* any vocabulary */
}

/* At base_width the parametrizations are one, and it is trained once. */
static void the_base_width_is_trained_once(void **state)
{
    const struct plan *p = &plan_case;
    (void)state;
    load(plan_case_text(0, NULL), "model.d_model=[64, 128]");
    assert_int_equal(plan_cell_count(p), 2);
    const char *sets[] = {"model.d_model=[64, 128]", "model.parametrization=[sp, mup, lvp]"};
    const char *text = plan_case_text(0, NULL), *lines;
    assert_int_equal(plan_case_load_bytes(text, strlen(text), sets, 2, &lines), 0);
    assert_int_equal(plan_cell_count(p), 4);
    const uint32_t widths[] = {64, 128, 128, 128};
    const uint32_t kinds[] = {PARAM_SP, PARAM_SP, PARAM_MUP, PARAM_LVP};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(plan_cell(p, i).d_model, widths[i]);
        assert_int_equal(plan_cell(p, i).parametrization, kinds[i]);
    }
    plan_case.model.base_head_size = 16; /* now mup's attention differs at width 64 too */
    assert_int_equal(plan_cell_count(p), 6);
}

static void too_many_cells(void **state)
{
    (void)state;
    refuses(AXES, "model.n_layers=[1, 2, 3, 4]",
            "--set model.n_layers=[1, 2, 3, 4]: the plan's lists make 80 combinations, and a "
            "campaign may have 64; shorten one\n");
    load(AXES, "training.batch_tokens=2048"); /* 20 */
}

/* sp carries no LR to another width, but a law over widths does. */
static void widths_of_the_target(void **state)
{
    static const char expected[] =
        "plan.yaml:7:31: target.d_model: 128 is not model.d_model 64, and model.parametrization sp "
        "does not carry an LR over to another width; use mup or lvp\n";
    const char *wide = plan_case_text(7, "target: {tokens: 1M, d_model: 128}");
    (void)state;
    refuses(wide, "model.parametrization=[mup, sp]", expected);
    load(wide, "model.parametrization=[mup, lvp]");
    load(wide, "model.d_model=[32, 64]");
    load(wide, "model.d_model=[64, 128]");
    refuses(plan_case_text(7, "target: {tokens: 1M, d_model: 127}"), "model.d_model=[32, 64]",
            "plan.yaml:7:31: target.d_model: 127 cannot be shared out among model.n_heads 2; use a "
            "multiple of it\n");
}

static void schedules_of_the_target(void **state)
{
    (void)state;
    const char *constant =
        plan_case_text(5, "training: {batch_tokens: 2048, schedule: constant, final_lr: 0.1, "
                          "cooldown: 0.3}");
    refuses(constant, NULL,
            "plan.yaml:5:62: training.final_lr: has no effect with training.schedule: constant; "
            "leave it out\n"
            "plan.yaml:5:77: training.cooldown: has no effect without training.schedule: wsd; "
            "leave it out\n");
    load(constant, "target.schedule=wsd");
}

#define REPLAY                                                                                     \
    "version: 1\nname: t\nsearch: {lr: [1e-3, 1e-1], horizons: [100k, 200k]}\n"                    \
    "target: {tokens: 1M}\ntraining: {batch_tokens: [64, 128]}\n"

static void columns_of_axes(void **state)
{
    (void)state;
    load(REPLAY "trainer: {kind: replay, table: /a, columns: {batch_tokens: bs}}\n", NULL);
    assert_string_equal(plan_column(&plan_case, "batch_tokens"), "bs");
    refuses(REPLAY "trainer: {kind: replay, table: /a}\n", NULL,
            "plan.yaml:5:26: training.batch_tokens: a list needs trainer.columns.batch_tokens, the "
            "table's column that tells which row is of which value\n");
    refuses(REPLAY "trainer: {kind: replay, table: /a, columns: {batch_tokens: bs, d_model: w}}\n",
            NULL,
            "plan.yaml:6:45: trainer.columns: names a column for d_model, but model.d_model does "
            "not say which of its values count\n");
#define NAMED "trainer: {kind: replay, table: /a, columns: {batch_tokens: bs, weight_decay: wd}}\n"
    refuses(REPLAY NAMED, NULL,
            "plan.yaml:6:45: trainer.columns: names a column for weight_decay, but "
            "training.weight_decay does not say which of its values count\n");
    load(REPLAY NAMED, "training.weight_decay=0.2");
    assert_string_equal(plan_column(&plan_case, "weight_decay"), "wd");
}

static void ratios_of_made_up_losses(void **state)
{
    static const char text[] = "version: 1\nname: t\ntrainer: {kind: simulate}\n"
                               "model: {embedding_lr_ratio: [1, 16]}\n"
                               "search: {lr: [1e-3, 1e-1], horizons: [100k]}\n"
                               "target: {tokens: 100k}\n";
    (void)state;
    refuses(text, NULL,
            "plan.yaml:4:29: model.embedding_lr_ratio: cannot be searched with trainer.kind: "
            "simulate; give one number, or simulate.ratio_curvature\n");
    load(text, "simulate.ratio_curvature=0.01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_axes),
        cmocka_unit_test(cells_follow_their_values),
        cmocka_unit_test(simulated_cells_differ),
        cmocka_unit_test(json_keeps_lists),
        cmocka_unit_test(bad_lists),
        cmocka_unit_test(each_cell_keeps_the_rules),
        cmocka_unit_test(vocabularies),
        cmocka_unit_test(the_base_width_is_trained_once),
        cmocka_unit_test(too_many_cells),
        cmocka_unit_test(widths_of_the_target),
        cmocka_unit_test(schedules_of_the_target),
        cmocka_unit_test(columns_of_axes),
        cmocka_unit_test(ratios_of_made_up_losses),
    };
    return cmocka_run_group_tests(tests, plan_case_setup, plan_case_teardown);
}
