/* Every error text of the rules that join several keys, with its place. The plan is that of
 * plan_case_text(), one line changed. */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "plan_case.h"
#include "plan/plan_json.h"

#define TIED_LVP                                                                                   \
    "model.tied_output: does not go with model.parametrization lvp, whose embedding LR falls as "  \
    "width^-1/2 while that of the output matrix must stay, and tied they are one matrix with one " \
    "LR; use mup, or tied_output: false\n"

static const struct plan_error_case cases[] = {
    {3, "model: {arch: llama, d_model: 6, n_layers: 2, n_heads: 2, context: 128, vocab: 256}",
     "plan.yaml:3:56: model.n_heads: heads of 3 channels cannot be rotated by arch llama; make the "
     "size of a head even\n"},
    {3, "model: {d_model: 64, n_layers: 2, context: 128, vocab: 256}",
     "plan.yaml:3:1: model.n_heads: missing; expected a whole count such as 64, 128k or 2M\n"},
    {3, "model: {d_model: 64, n_layers: 2, n_heads: 2, head_size: 32, context: 128, vocab: 256}",
     "plan.yaml:3:58: model.head_size: is there beside model.n_heads; leave one out: n_heads stays "
     "the same over widths, or head_size does\n"},
    {3, "model: {d_model: 28, n_layers: 2, n_heads: 2, head_size: 32, context: 128, vocab: 256}",
     "plan.yaml:3:58: model.head_size: is there beside model.n_heads; leave one out: n_heads stays "
     "the same over widths, or head_size does\n"},
    {3, "model: {d_model: 64, n_layers: 2, head_size: 24, context: 128, vocab: 256}",
     "plan.yaml:3:46: model.head_size: 24 does not divide model.d_model 64\n"},
    {3,
     "model: {d_model: 48, n_layers: 2, n_heads: 4, context: 128, vocab: 256, base_width: 6, "
     "parametrization: mup}",
     "plan.yaml:3:85: model.base_width: 6 cannot be shared out among model.n_heads 4; use a "
     "multiple of it, or give model.base_head_size\n"},
    {3,
     "model: {d_model: 64, n_layers: 2, n_heads: 2, context: 128, vocab: 256, tied_output: true, "
     "output_lr_ratio: 2}",
     "plan.yaml:3:109: model.output_lr_ratio: has no effect with model.tied_output: the output "
     "matrix is the embedding, whose LR embedding_lr_ratio gives; leave it out\n"},
    {3,
     "model: {d_model: 64, n_layers: 2, n_heads: 2, context: 128, vocab: 256, tied_output: true, "
     "parametrization: lvp}",
     "plan.yaml:3:86: " TIED_LVP},
    {3,
     "model: {d_model: 64, n_layers: 2, n_heads: 2, context: 128, vocab: 256, tied_output: true, "
     "parametrization: [mup, lvp]}",
     "plan.yaml:3:86: " TIED_LVP},
    {3,
     "model: {d_model: 64, n_layers: 2, n_heads: 2, context: 128, vocab: 256, base_layers: 2, "
     "embedding_lr_ratio: [3, 2], output_lr_ratio: [1, 1.5]}",
     "plan.yaml:3:86: model.base_layers: has no effect without model.depth_rule: completep\n"
     "plan.yaml:3:109: model.embedding_lr_ratio: the lower ratio 3 is not below the upper 2\n"
     "plan.yaml:3:134: model.output_lr_ratio: 1 to 1.5 is less than an octave (a factor of 2); "
     "widen it, or give one number\n"},
    {5, "training: {batch_tokens: 2048, schedule: cosin}",
     "plan.yaml:5:42: training.schedule: unknown value cosin (available: cosine, linear, wsd, "
     "constant); did you mean cosine?\n"},
    {5, "training: {batch_tokens: 2048, weight_decay: -0.1}",
     "plan.yaml:5:46: training.weight_decay: -0.1 is out of range (0 to 10)\n"},
    {5, "training: {batch_tokens: 2048, schedule: constant, min_lr: 1e-5, cooldown: 0.1}",
     "plan.yaml:5:60: training.min_lr: has no effect with training.schedule: constant; leave it "
     "out\n"
     "plan.yaml:5:76: training.cooldown: has no effect without training.schedule: wsd; leave it "
     "out\n"},
    {5, "training: {batch_tokens: 2048, schedule: wsd, warmup: 0.5, cooldown: 0.6}",
     "plan.yaml:5:70: training.cooldown: 0.6 and training.warmup 0.5 are more than the whole "
     "horizon; use 0.5 or less\n"},
    {5,
     "training: {batch_tokens: 2048, warmup_steps: 2, warmup_tokens: 1k, beta2: 0.9, "
     "beta2_half_life: 1M, final_lr: 0, min_lr: 1}",
     "plan.yaml:5:46: training.warmup_steps: is there beside training.warmup_tokens; leave one "
     "out\n"
     "plan.yaml:5:97: training.beta2_half_life: is there beside training.beta2; leave one out\n"
     "plan.yaml:5:122: training.min_lr: is there beside training.final_lr; leave one out\n"
     "plan.yaml:5:122: training.min_lr: 1 is not below the lowest of search.lr, 0.001: that "
     "training would never cool down; lower it, or give training.final_lr, a share of the peak\n"},
    {5,
     "training: {batch_tokens: 2048, warmup_tokens: 1M, independent_decay: true, "
     "weight_decay: 1}",
     "plan.yaml:5:47: training.warmup_tokens: 1000000 tokens of warm-up are not less than the "
     "shortest of search.horizons, 100k; shorten it, or give training.warmup, a share of each "
     "horizon\n"
     "plan.yaml:5:90: training.weight_decay: 1 leaves nothing of the weights when it is not "
     "multiplied by the LR; use 1e-4 or so, or leave out independent_decay\n"},
    {5, "training: {batch_tokens: 2048, precision: bf16}\ntrainer: {matmul: openblas}",
     "plan.yaml:6:19: trainer.matmul: openblas does not multiply in training.precision bf16; "
     "leave it out\n"},
    {8, "trainer: {ranks_per_trial: 3}",
     "plan.yaml:8:28: trainer.ranks_per_trial: unknown value 3 (available: auto, 1, 2, 4, 8, "
     "16)\n"},
    {8, "trainer: {matmul: bf16}",
     "plan.yaml:8:19: trainer.matmul: bf16 does not multiply in training.precision fp32; leave it "
     "out, or set training.precision: bf16\n"},
    {3, "model: {d_model: 64, n_layers: 2, n_heads: 3, context: 128, vocab: 256}",
     "plan.yaml:3:44: model.n_heads: 3 heads do not divide model.d_model 64; use 2, or another "
     "width\n"},
    {3, "model: {d_model: 2, n_layers: 2, n_heads: 1000, context: 128, vocab: 256}",
     "plan.yaml:3:43: model.n_heads: 1000 heads do not divide model.d_model 2; use 2, or another "
     "width\n"},
    {5, "training: {batch_tokens: 2k}",
     "plan.yaml:5:26: training.batch_tokens: 2000 is not a multiple of model.context 128; use 1920 "
     "or 2048 (k is 1000, Ki is 1024)\n"},
    {5, "training: {batch_tokens: 100}",
     "plan.yaml:5:26: training.batch_tokens: 100 is less than one sequence; use model.context 128 "
     "or a multiple of it\n"},
    {3, "model: {d_model: 64, n_layers: 2, n_heads: 2, context: 128, vocab: 255}",
     "plan.yaml:3:68: model.vocab: 255 is too small for data.tokenizer bytes; use 256 or more\n"},
    {4, "data: {text: [a.txt], tokens: [b.bin]}",
     "plan.yaml:4:31: data.tokens: data.text is there too; name one of the two\n"},
    {4, "data: {tokens: [b.bin], tokenizer: bpe}",
     "plan.yaml:4:36: data.tokenizer: is for data.text only; leave it out\n"},
    {4, "data: {text: [a.txt], val: [b.bin], format: llmc}",
     "plan.yaml:4:28: data.val: is for data.tokens only; leave it out\n"
     "plan.yaml:4:45: data.format: is for data.tokens only; leave it out\n"},
    {4, "data: {tokens: [~/b.bin], val: [v.bin], format: megatron}",
     "plan.yaml:4:17: data.tokens[0]: ~ is not expanded; write the folder out\n"},
    {4, "data: {source: synthetic, markov_order: 9}",
     "plan.yaml:4:41: data.markov_order: 9 is out of range (1 to 8)\n"},
    {4, "data: {text: [a.txt], val_tokens: 127}",
     "plan.yaml:4:35: data.val_tokens: 127 is less than one sequence of model.context 128; use "
     "that or more\n"},
    {4, "data: {text: [a.txt], val_tokens: 128, val_bytes: 1k}",
     "plan.yaml:4:51: data.val_bytes: is there beside data.val_tokens; leave one out\n"},
    {4, "data: {tokens: [a.bin], val_bytes: 1k}",
     "plan.yaml:4:36: data.val_bytes: is for data.text only; leave it out\n"},
    {3, "model: {d_model: 64, n_layers: 2, n_heads: 2, context: 128, vocab: 256, base_width: 48}",
     "plan.yaml:3:85: model.base_width: 48 neither divides model.d_model 64 nor is a multiple of "
     "it; use 64 or leave it out\n"},
    {7, "target: {tokens: 1M, d_model: 128}",
     "plan.yaml:7:31: target.d_model: 128 is not model.d_model 64, and model.parametrization sp "
     "does not carry an LR over to another width; use mup or lvp\n"},
    {6, "search: {lr: [1e-1, 1e-3], horizons: [1M]}",
     "plan.yaml:6:14: search.lr: the lower LR 0.1 is not below the upper 0.001; write [low, "
     "high]\n"},
    {6, "search: {lr: [1e-3, 1.5e-3], horizons: [1M]}",
     "plan.yaml:6:14: search.lr: 0.001 to 0.0015 is less than an octave (a factor of 2); widen it, "
     "to [0.0005, 0.003] say\n"},
    {6, "search: {lr: [1e-9, 10], horizons: [1M]}",
     "plan.yaml:6:14: search.lr: 1e-09 to 10 is 33 octaves; narrow it to 20 (a millionfold) at "
     "most\n"},
    {6, "search: {lr: [1e-3, 1e-1], horizons: [20479, 2M, 1M, 1M]}",
     "plan.yaml:6:39: search.horizons[0]: 20479 is less than 10 steps of training.batch_tokens "
     "2048; use 20480 or more, or a smaller batch\n"
     "plan.yaml:6:50: search.horizons[2]: 1000000 is less than 2000000 before it; put them in "
     "ascending order\n"
     "plan.yaml:6:54: search.horizons[3]: 1000000 is there twice; leave one out\n"
     "plan.yaml:7:18: target.tokens: 1000000 is less than the longest of search.horizons, 2000000; "
     "a target is at least as long as what is tried\n"},
    {8, "budget: {tokens: 199_999}",
     "plan.yaml:8:18: budget.tokens: 199999 does not pay for one training on the longest of "
     "search.horizons, 200000\n"},
    {8, "budget: {flops: 1e12, reserve: .2}",
     "plan.yaml:8:32: budget.reserve: is kept back for a confirmation that the plan does not ask "
     "for; add confirm: {}, or leave it out\n"},
    {8, "budget: {share_of_target: 0}",
     "plan.yaml:8:27: budget.share_of_target: 0 is out of range (above 0, up to 1000, or none)\n"},
    {8, "budget: {reserve: 1.5, flops: 0, core_hours: 0}\nconfirm: {seeds: 0}",
     "plan.yaml:8:19: budget.reserve: 1.5 is out of range (0 to 0.9)\n"
     "plan.yaml:8:31: budget.flops: 0 is out of range (1 to 1e+30, or none)\n"
     "plan.yaml:8:46: budget.core_hours: 0 is out of range (above 0, up to 1e+09, or none)\n"
     "plan.yaml:9:18: confirm.seeds: 0 is out of range (1 to 32)\n"},
    {8, "confirm: {tokens: 199_999}",
     "plan.yaml:8:19: confirm.tokens: 199999 is less than the longest of search.horizons, 200000, "
     "which says as much already; leave it out for target.tokens\n"},
    {8, "confirm: {tokens: 1_000_001}",
     "plan.yaml:8:19: confirm.tokens: 1000001 is more than target.tokens, 1000000, for which the "
     "LR "
     "is meant\n"},
};

static void each_rule(void **state)
{
    (void)state;
    plan_cases_must_fail(cases, sizeof(cases) / sizeof(cases[0]));
}

/* Keys that say one thing in two ways, and sizes that follow from others. */
static void smallest_vocabularies(void **state)
{
    const char *lines;
    (void)state;
    const char *few =
        plan_case_text(3, "model: {d_model: 64, n_layers: 2, n_heads: 2, context: 128, "
                          "vocab: 300}");
    assert_int_equal(plan_case_load(few, "data.tokenizer=bpe", &lines), LR_EPLAN);
    assert_non_null(strstr(lines, "model.vocab: 300 is too small for data.tokenizer bpe; use 512"));
    /* so that a row of vocabularies can begin with the bytes */
    assert_int_equal(plan_case_load(plan_case_text(0, NULL), "data.tokenizer=bpe", &lines), 0);
}

static void derived_values(void **state)
{
    const char *lines;
    (void)state;
    assert_int_equal(plan_case_load(plan_case_text(3, "model: {arch: llama, d_model: 256, "
                                                      "n_layers: 2, head_size: 32, context: 128, "
                                                      "vocab: 256, base_width: 64, "
                                                      "output_lr_ratio: [0.5, 8]}"),
                                    NULL, &lines),
                     0);
    struct trial_spec spec = plan_trial(&plan_case);
    assert_true(fabs(spec.zipf_exponent - .652) < 1e-9); /* 2.97 octaves below 2k, .06 each */
    assert_int_equal(spec.n_heads, 8);
    assert_int_equal(spec.d_ff, 688); /* 682.7, up to a multiple of 8 */
    assert_int_equal(spec.base_head_size, 32);
    assert_int_equal(spec.base_layers, 2);
    assert_true(spec.embedding_lr_ratio == 1 && spec.output_lr_ratio == 2);
    assert_true(trial_set_width(&spec, 64, plan_case.model.heads_grow));
    assert_int_equal(spec.n_heads, 2);
    assert_int_equal(spec.d_ff, 176);
    assert_false(trial_set_width(&spec, 48, true)); /* heads of 32 */
    assert_int_equal(spec.d_model, 64);

    assert_int_equal(plan_case_load(plan_case_text(3, "model: {d_model: 256, n_layers: 2, "
                                                      "n_heads: 4, context: 128, vocab: 256, "
                                                      "base_width: 64, d_ff: 512}"),
                                    NULL, &lines),
                     0);
    spec = plan_trial(&plan_case);
    assert_int_equal(spec.base_head_size, 16); /* heads are kept over widths */
    assert_true(trial_set_width(&spec, 128, plan_case.model.heads_grow));
    assert_int_equal(spec.n_heads, 4);
    assert_int_equal(spec.d_ff, 256);

    assert_int_equal(plan_case_load(plan_case_text(5, "training: {batch_tokens: 2048, schedule: "
                                                      "wsd, beta2_half_life: 4096, "
                                                      "warmup_steps: 3}"),
                                    NULL, &lines),
                     0);
    spec = plan_trial(&plan_case);
    assert_true(spec.beta2 > 0.70710 && spec.beta2 < 0.70711); /* 2^(-2048/4096) */
    assert_true(spec.final_lr == 0);
    assert_int_equal(spec.warmup_tokens, 3 * 2048);
}

/* The section is the wish, whatever stands in it, and keeps a part of the budget back. */
static void confirm_is_wanted(void **state)
{
    static const struct {
        const char *line, *set;
        bool wanted;
        double reserve;
    } plans[] = {
        {"", NULL, false, 0},
        {"confirm: {}", NULL, true, 0.3},
        {"confirm:", NULL, true, 0.3},
        {"confirm: {tokens: none}", NULL, true, 0.3},
        {"", "confirm.seeds=2", true, 0.3},
        {"confirm: {}", "budget.reserve=0", true, 0},
        {"", "budget.reserve=0", false, 0},
        {"budget: {reserve: .9}", "confirm.tokens=1M", true, 0.9},
    };
    static struct plan back;
    struct lr_error err = {0};
    const char *lines;
    (void)state;
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        if (plan_case_load(plan_case_text(8, plans[i].line), plans[i].set, &lines))
            fail_msg("%s: %s", plans[i].line, lines);
        assert_int_equal(plan_case.confirm.wanted, plans[i].wanted);
        assert_true(fabs(plan_case.budget.reserve - plans[i].reserve) < 1e-12);
        char *json = plan_to_json(&plan_case);
        assert_int_equal(plan_from_json(&back, json, &err), 0);
        assert_int_equal(back.confirm.wanted, plans[i].wanted);
        lr_free(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule),
        cmocka_unit_test(smallest_vocabularies),
        cmocka_unit_test(derived_values),
        cmocka_unit_test(confirm_is_wanted),
    };
    return cmocka_run_group_tests(tests, plan_case_setup, plan_case_teardown);
}
