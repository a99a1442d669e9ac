/* Plans of the trainers that train nothing: what they may leave out, their keys, and maps. */
#include "plan_case.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cmocka_all.h"
#include "lrsearch/memory.h"
#include "plan/plan_json.h"
#include "plan/plan_diff.h"
#include "search/laws/prior_beta.h"

#define REPLAY                                                                                     \
    "version: 1\nname: t\n"                                                                        \
    "search: {lr: [1e-3, 1e-1], horizons: [100k, 200k]}\n"                                         \
    "target: {tokens: 1M}\n"
#define TABLE "trainer: {kind: replay, table: a.csv}\n"

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

static void replay_needs_a_table_only(void **state)
{
    char folder[512], expected[600];
    (void)state;
    load(REPLAY TABLE, NULL);
    assert_non_null(getcwd(folder, sizeof(folder)));
    snprintf(expected, sizeof(expected), "%s/a.csv", folder);
    assert_string_equal(plan_case.trainer.table, expected);
    assert_string_equal(plan_column(&plan_case, "lr"), "lr");
    assert_string_equal(plan_column(&plan_case, "tokens"), "tokens");
    assert_string_equal(plan_column(&plan_case, "loss"), "loss");
    assert_null(plan_column(&plan_case, "seed"));
    assert_int_equal(plan_case.trainer.where_count, 0);
    struct trial_spec spec = plan_trial(&plan_case);
    assert_int_equal(spec.trainer, TRAINER_REPLAY);
    assert_int_equal(spec.batch_tokens, 0);
    assert_int_equal(trial_steps(&spec), 0);
    assert_true(trial_flops_per_token(&spec) == 0);

    refuses(REPLAY "trainer: {kind: replay}\n", NULL,
            "plan.yaml:5:1: trainer.table: missing; expected text\n");
    refuses(REPLAY "trainer: {kind: replay, table: ~/a.csv}\n", NULL,
            "plan.yaml:5:32: trainer.table: ~ is not expanded; write the folder out\n");
}

/* What is given is checked as ever, and half a model is enough. */
static void models_may_be_given_in_part(void **state)
{
    (void)state;
    load(REPLAY TABLE "model: {d_model: 512, qk_norm: true, base_width: 64, parametrization: lvp}\n"
                      "training: {batch_tokens: 64}\ndata: {val_tokens: 100}\n",
         NULL);
    struct trial_spec spec = plan_trial(&plan_case);
    assert_true(trial_params_hidden(&spec) > 0);
    load(REPLAY TABLE "model: {base_width: 64, context: 32, head_size: 64}\n", NULL);
    load(REPLAY TABLE "training: {warmup_steps: 3}\n", NULL);
    refuses(REPLAY TABLE "model: {d_model: 512, n_heads: 3}\n", NULL,
            "plan.yaml:6:32: model.n_heads: 3 heads do not divide model.d_model 512; use 2, or "
            "another width\n");
    refuses(REPLAY TABLE "model: {d_model: 512, output_lr_ratio: [1, 4]}\n", NULL,
            "plan.yaml:6:40: model.output_lr_ratio: cannot be searched with trainer.kind: replay; "
            "give one number\n");
}

static void check_pair(const struct plan_pair *pair, const char *key, const char *value)
{
    assert_string_equal(pair->key, key);
    assert_string_equal(pair->value, value);
}

static void maps_keep_texts(void **state)
{
    const char *text = REPLAY "trainer:\n  kind: replay\n  table: /t/a.csv\n"
                              "  columns: {loss: val, seed: s}\n"
                              "  where: {batch seqs: 128, \"kind\": '0.50', x.y: true}\n";
    (void)state;
    load(text, NULL);
    assert_string_equal(plan_column(&plan_case, "loss"), "val");
    assert_string_equal(plan_column(&plan_case, "seed"), "s");
    assert_string_equal(plan_column(&plan_case, "tokens"), "tokens");
    assert_int_equal(plan_case.trainer.where_count, 3);
    check_pair(&plan_case.trainer.where[0], "batch seqs", "128");
    check_pair(&plan_case.trainer.where[1], "kind", "0.50");
    check_pair(&plan_case.trainer.where[2], "x.y", "true");

    char *json = plan_to_json(&plan_case), differences[256];
    assert_non_null(strstr(json, "\"columns\": {\n      \"loss\": \"val\""));
    load(text, "trainer.where.abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk=2");
    check_pair(&plan_case.trainer.where[3],
               "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk", "2");
    load(text, "trainer.where.x.y=2"); /* one entry */
    assert_int_equal(plan_case.trainer.where_count, 3);
    check_pair(&plan_case.trainer.where[2], "x.y", "2");
    char *other = plan_to_json(&plan_case);
    assert_int_equal(plan_diff(json, other, differences, sizeof(differences)), 1);
    assert_string_equal(differences, "trainer.where.x.y (\"true\" -> \"2\")");
    lr_free(json);
    lr_free(other);

    load(text, "trainer.where={a: 1}"); /* all of it */
    assert_int_equal(plan_case.trainer.where_count, 1);
    load(REPLAY TABLE, "trainer.where.width=512"); /* where the file has none */
    assert_int_equal(plan_case.trainer.where_count, 1);
    check_pair(&plan_case.trainer.where[0], "width", "512");
    load(REPLAY TABLE, "trainer.columns.loss=val");
    assert_string_equal(plan_column(&plan_case, "loss"), "val");
    assert_string_equal(plan_column(&plan_case, "lr"), "lr");
    const char *const both[] = {"trainer.where.b=1", "trainer.where={a: 1}"}, *lines;
    assert_int_equal(plan_case_load_bytes(REPLAY TABLE, strlen(REPLAY TABLE), both, 2, &lines), 0);
    assert_int_equal(plan_case.trainer.where_count, 2);
}

static double prior_of_beta(const char *where, const char *columns)
{
    char text[512];
    struct beta_prior prior;
    snprintf(text, sizeof(text),
             "%straining: {batch_tokens: 64}\ntrainer: {kind: replay, table: /a, where: {%s}, "
             "columns: {%s}}\n",
             REPLAY, where, columns);
    load(text, NULL);
    plan_beta_prior(&plan_case, &prior);
    return prior.center;
}

static void the_tables_optimizer_decides_the_prior(void **state)
{
    (void)state;
    double other = prior_of_beta("a: b", "seed: s");
    assert_true(prior_of_beta("optimizer: AdamW", "seed: s") < other);
    assert_true(prior_of_beta("optimizer: muon", "seed: s") > other);
    assert_true(prior_of_beta("o: scion", "optimizer: o") > other);
    assert_true(prior_of_beta("optimizer: muon", "optimizer: o") == other);
    assert_true(prior_of_beta("optimizer: lion", "seed: s") == other);
}

#define WITH(keys) REPLAY "trainer: {kind: replay, table: /a, " keys "}\n"

static void bad_maps(void **state)
{
    (void)state;
    refuses(WITH("columns: {los: val, lr: lr, lr: x}"), NULL,
            "plan.yaml:5:46: trainer.columns.los: unknown key (did you mean loss?)\n"
            "plan.yaml:5:64: trainer.columns.lr: repeated key (first in line 5)\n");
    refuses(WITH("columns: {width: w}"), NULL,
            "plan.yaml:5:46: trainer.columns.width: unknown key\n");
    refuses(WITH("where: [a]"), NULL,
            "plan.yaml:5:43: trainer.where: expected keys and values such as {width: 512}, found a "
            "list\n");
    refuses(WITH("where: {a: [1], b: , c: ''}"), NULL,
            "plan.yaml:5:47: trainer.where.a: expected text, found a list\n"
            "plan.yaml:5:55: trainer.where.b: has no value; expected text\n"
            "plan.yaml:5:60: trainer.where.c: is empty\n");
    refuses(WITH("where: {a1: 1, a2: 1, a3: 1, a4: 1, a5: 1, a6: 1, a7: 1, a8: 1, a9: 1, b1: 1, "
                 "b2: 1, b3: 1, b4: 1, b5: 1, b6: 1, b7: 1, b8: 1}"),
            NULL,
            "plan.yaml:5:156: trainer.where.b8: there are 16 entries before it, and more cannot "
            "be\n");
    refuses(REPLAY TABLE, "trainer.columns.los=val",
            "--set trainer.columns.los=val: unknown key (did you mean loss?)\n");
    refuses(REPLAY TABLE, "trainer.where.=1",
            "--set trainer.where.=1: the name must have 1 to 63 bytes\n");
    refuses(
        REPLAY TABLE,
        "trainer.where.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1",
        "--set trainer.where.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...: the name must have "
        "1 to 63 bytes\n");
    refuses(REPLAY TABLE, "trainer.where.a=", "--set trainer.where.a=: no value after the '='\n");
    refuses(REPLAY TABLE, "trainer.kind.a=1",
            "--set trainer.kind.a=1: unknown key (did you mean kind?)\n");
}

static void keys_of_one_kind(void **state)
{
    (void)state;
    load(REPLAY "trainer: {kind: simulate}\nsimulate: {noise: 0.5}\nseed: 9\n", NULL);
    struct trial_spec spec = plan_trial(&plan_case);
    assert_true(spec.simulate.noise == 0.5 && spec.simulate.lr == 8e-3);
    assert_int_equal(spec.simulate.seed, 9);
    refuses(REPLAY "trainer: {kind: simulate, table: /a, where: {a: 1}}\n", NULL,
            "plan.yaml:5:34: trainer.table: is for trainer.kind: replay only; leave it out\n"
            "plan.yaml:5:45: trainer.where: is for trainer.kind: replay only; leave it out\n");
    refuses(plan_case_text(8, "simulate: {beta: 1}"), NULL,
            "plan.yaml:8:18: simulate.beta: is for trainer.kind: simulate only; leave it out\n");
    refuses(REPLAY "trainer: {kind: simulate, ranks_per_trial: 4}\n", NULL,
            "plan.yaml:5:44: trainer.ranks_per_trial: is for trainer.kind: transformer; leave it "
            "out, or write 1\n");
    load(REPLAY "trainer: {kind: simulate, ranks_per_trial: 1}\n", NULL);
    refuses(REPLAY "trainer: {kind: simulate}\nsimulate: {crash: 2}\n", NULL,
            "plan.yaml:6:19: simulate.crash: 2 is out of range (0 to 1)\n");
}

#define COMMAND(keys) REPLAY "trainer: {kind: command, argv: [a], " keys "}\n"

static void placeholders_are_checked_in_one_pass(void **state)
{
    (void)state;
    refuses(
        REPLAY "trainer:\n  kind: command\n  argv: [a, '{vocab}',\n    '--x={2*}']\n"
               "  cwd: sub/{lr\n  env:\n    A: ok\n    B: '{1/0}'\n    C: '}{schedule*2}'\n",
        NULL,
        "plan.yaml:7:13: trainer.argv[1]: at byte 2: {vocab} has no value: give model.vocab\n"
        "plan.yaml:8:5: trainer.argv[2]: at byte 8: expected a number or a name (for a brace "
        "itself write it twice)\n"
        "plan.yaml:9:8: trainer.cwd: at byte 5: a brace is not closed (for a brace itself write "
        "it twice)\n"
        "plan.yaml:12:8: trainer.env.B: at byte 3: division by zero\n"
        "plan.yaml:13:8: trainer.env.C: at byte 3: schedule is no number and must stand alone: "
        "{schedule}\n");
    refuses(REPLAY "trainer: {kind: command, argv: [a, {lr}], env: {A: {lr}}}\n", NULL,
            "plan.yaml:5:36: trainer.argv[1]: expected text, found a map of keys; a text that "
            "begins with a brace needs quotes, as in '{lr}'\n"
            "plan.yaml:5:52: trainer.env.A: expected text, found a map of keys; a text that begins "
            "with a brace needs quotes, as in '{lr}'\n");
    refuses(COMMAND("env: {A: b}"), "trainer.env.A=x{1/0}",
            "--set trainer.env.A=x{1/0}: A: at byte 4: division by zero\n");
    load(COMMAND(
             "env: {A: '{steps}', B: '{{x}}'}, cwd: '{steps/2}'") "training: {batch_tokens: 8}\n",
         NULL);
    refuses(
        COMMAND("report: {regex: '(?<steps>.)(?<loss>.)'}"), NULL,
        "plan.yaml:5:45: trainer.report: regex: the group steps needs the tokens of a step; give "
        "training.batch_tokens\n");
    refuses(
        COMMAND("report: {regex: '(?<steps>.)(?<tokens>.)(?<loss>.)'}"), NULL,
        "plan.yaml:5:45: trainer.report: regex: it has the groups tokens and steps; leave one of "
        "them out\n");
}

static void keys_in_a_key(void **state)
{
    (void)state;
    load(COMMAND(""), NULL);
    assert_int_equal(plan_case.trainer.diverged.exit_count, 0);
    assert_string_equal(plan_case.trainer.diverged.regex, "");
    char *json = plan_to_json(&plan_case), differences[256];
    assert_non_null(strstr(json, "\"diverged\": {\n      \"loss\": \"nonfinite\",\n      \"exit\": "
                                 "[],\n      \"regex\": \"\"\n    }"));
    /* a plan of before the key was there */
    char *older = lr_malloc(strlen(json) + 1);
    const char *begin = strstr(json, "\"diverged\""), *end = strstr(begin, "},") + 2;
    struct plan back;
    struct lr_error err = {0};
    sprintf(older, "%.*s%s", (int)(begin - json), json, end);
    assert_int_equal(plan_diff(older, json, differences, sizeof(differences)), 0);
    assert_int_equal(plan_from_json(&back, older, &err), 0);
    lr_free(older);

    load(COMMAND("diverged: {loss: nonfinite, exit: [3, 255], regex: 'loss (nan|inf)'}"),
         "trainer.diverged.exit=[4]");
    assert_int_equal(plan_case.trainer.diverged.exit_count, 1);
    assert_int_equal(plan_case.trainer.diverged.exits[0], 4);
    assert_string_equal(plan_case.trainer.diverged.regex, "loss (nan|inf)");
    char *other = plan_to_json(&plan_case);
    assert_int_equal(plan_diff(json, other, differences, sizeof(differences)), 2);
    assert_string_equal(differences, "trainer.diverged.exit ([] -> [4]), "
                                     "trainer.diverged.regex (\"\" -> \"loss (nan|inf)\")");
    assert_int_equal(plan_from_json(&back, other, &err), 0);
    assert_int_equal(back.trainer.diverged.exits[0], 4);
    assert_string_equal(back.trainer.diverged.regex, "loss (nan|inf)");
    lr_free(other);
    lr_free(json);
    load(COMMAND(""), "trainer.diverged.regex=x");
    assert_string_equal(plan_case.trainer.diverged.regex, "x");

    refuses(COMMAND("diverged: {exit: [0, 256, x], regex: '', loss: any, exits: [3], exit: [1]}"),
            NULL,
            "plan.yaml:5:55: trainer.diverged.exit[0]: 0 is out of range (1 to 255)\n"
            "plan.yaml:5:58: trainer.diverged.exit[1]: 256 is out of range (1 to 255)\n"
            "plan.yaml:5:63: trainer.diverged.exit[2]: expected a whole count such as 64, 128k or "
            "2M, found \"x\"\n"
            "plan.yaml:5:74: trainer.diverged.regex: is empty\n"
            "plan.yaml:5:84: trainer.diverged.loss: unknown value any (available: nonfinite)\n"
            "plan.yaml:5:89: trainer.diverged.exits: unknown key (did you mean exit?)\n"
            "plan.yaml:5:101: trainer.diverged.exit: repeated key (first in line 5)\n");
    refuses(COMMAND("diverged: {exit: [1, 2, 3, 4, 5, 6, 7, 8, 9], regex: }"), NULL,
            "plan.yaml:5:54: trainer.diverged.exit: has 9 elements; expected at most 8\n"
            "plan.yaml:5:90: trainer.diverged.regex: has no value; expected text (leave the key "
            "out for its default)\n");
    refuses(COMMAND("diverged: {regex: '*a'}"), NULL,
            "plan.yaml:5:47: trainer.diverged: regex: quantifier does not follow a repeatable "
            "item, at byte 1\n");
    refuses(COMMAND("diverged: [3]"), NULL,
            "plan.yaml:5:47: trainer.diverged: expected keys and values such as {exit: [3]}, found "
            "a list\n");
    refuses(COMMAND("diverged: {exit: []}"), "trainer.diverged.exi=[3]",
            "plan.yaml:5:54: trainer.diverged.exit: has 0 elements; expected at least 1\n"
            "--set trainer.diverged.exi=[3]: unknown key (did you mean exit?)\n");
    refuses(REPLAY "trainer: {kind: simulate, diverged: {exit: [3]}}\n", NULL,
            "plan.yaml:5:37: trainer.diverged: is for trainer.kind: command only; leave it out\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(replay_needs_a_table_only),
                                       cmocka_unit_test(models_may_be_given_in_part),
                                       cmocka_unit_test(the_tables_optimizer_decides_the_prior),
                                       cmocka_unit_test(maps_keep_texts),
                                       cmocka_unit_test(bad_maps),
                                       cmocka_unit_test(keys_of_one_kind),
                                       cmocka_unit_test(placeholders_are_checked_in_one_pass),
                                       cmocka_unit_test(keys_in_a_key)};
    return cmocka_run_group_tests(tests, plan_case_setup, plan_case_teardown);
}
