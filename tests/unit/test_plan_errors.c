/* Every error text of a plan, with its place. The plan is that of plan_case_text(), one line
 * changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmocka_all.h"
#include "lrsearch/memory.h"
#include "lrsearch/version.h"
#include "plan_case.h"
#include "plan/plan_load.h"

#define TEN "[[[[[[[[[["

static const struct plan_error_case cases[] = {
    /* keys */
    {3, "model: {d_modell: 64, n_layers: 2, n_heads: 2, context: 128, vocab: 256}",
     "plan.yaml:3:9: model.d_modell: unknown key (did you mean d_model?)\n"},
    {8, "serach: {}", "plan.yaml:8:1: serach: unknown key (did you mean search?)\n"},
    {8, "zzz: 1", "plan.yaml:8:1: zzz: unknown key\n"},
    {8, "? \"\"\n: 1", "plan.yaml:8:3: unknown key\n"},
    {8, "warmup: .1", "plan.yaml:8:1: warmup: unknown key (did you mean training.warmup?)\n"},
    {5, "training: {batch_tokens: 2048, context: 128}",
     "plan.yaml:5:32: training.context: unknown key (did you mean model.context?)\n"},
    {8, "\"a\\tb\\nc\": 1", "plan.yaml:8:1: a?b?c: unknown key\n"},
    {8, "name: again", "plan.yaml:8:1: name: repeated key (first in line 2)\n"},
    {8, "model: {d_model: 1}", "plan.yaml:8:1: model: repeated key (first in line 3)\n"},
    {5, "training: {batch_tokens: 2048,\n  batch_tokens: 4096}",
     "plan.yaml:6:3: training.batch_tokens: repeated key (first in line 5)\n"},
    {8, "[a]: 1", "plan.yaml:8:1: a key must be a plain word\n"},

    /* missing */
    {1, "", "plan.yaml:1:1: version: missing; expected a whole count such as 64, 128k or 2M\n"},
    {6, "search:\n  lr: [1e-3, 1e-1]",
     "plan.yaml:6:1: search.horizons: missing; expected a list of counts such as [2M, 4M, 8M]\n"},
    {6, "search:",
     "plan.yaml:6:1: search.lr: missing; expected two numbers such as [1e-4, 3e-2]\n"
     "plan.yaml:6:1: search.horizons: missing; expected a list of counts such as [2M, 4M, 8M]\n"},
    {6, "", "plan.yaml:1:1: search: missing section; it needs lr, horizons\n"},
    {3, "",
     "plan.yaml:1:1: model: missing section; it needs d_model, n_layers, n_heads, context, "
     "vocab\n"},
    {4, "", "plan.yaml:1:1: data: missing section; it needs text\n"},
    {4, "data: {source: tokens}",
     "plan.yaml:4:1: data.text: missing; expected a list of texts such as "
     "[corpus/*.txt.gz]\n"},
    {7, "target:",
     "plan.yaml:7:1: target.tokens: missing; expected a whole count such as 64, 128k "
     "or 2M\n"},
    {7, "traget: {tokens: 1M}", "plan.yaml:7:1: traget: unknown key (did you mean target?)\n"},

    /* wrong type */
    {3, "model: 5",
     "plan.yaml:3:8: model: expected the keys of the section, such as {arch: ...}\n"},
    {3, "model: [d_model, 5]",
     "plan.yaml:3:8: model: expected the keys of the section, such as {arch: ...}\n"},
    {2, "name: [a]", "plan.yaml:2:7: name: expected text, found a list\n"},
    {2, "name:", "plan.yaml:2:6: name: has no value; expected text\n"},
    {2, "name: \"\"", "plan.yaml:2:7: name: is empty\n"},
    {2, "name: \"a\\0b\"", "plan.yaml:2:7: name: holds a NUL character\n"},
    /* nothing that a terminal obeys comes out again, and nothing that turns the letters round */
    {2, "name: \"a\\u009b31m\"",
     "plan.yaml:2:7: name: \"a?31m\" is no file name: use letters, digits, '-', '_' and '.' "
     "only\n"},
    {2,
     "name: a\xE2\x80\xAE"
     "b",
     "plan.yaml:2:7: name: \"a?b\" is no file name: use letters, digits, '-', '_' and '.' only\n"},
    {8, "\"a\\u202eb\\u2066c\\u200bd\\u2028\\ue000\\x9b\": 1",
     "plan.yaml:8:1: a?b?c?d?\xEE\x80\x80?: unknown key\n"},
    {8, "seed: \"\\u009b2J\"",
     "plan.yaml:8:7: seed: expected a whole count such as 64, 128k or 2M, found the quoted text "
     "\"?2J\"; remove the quotes\n"},
    /* names of our own */
    {2, "name: latest",
     "plan.yaml:2:7: name: is a name that lrsearch uses itself beside the runs (latest, cache and "
     "history.db); choose another\n"},
    {2, "name: cache",
     "plan.yaml:2:7: name: is a name that lrsearch uses itself beside the runs (latest, cache and "
     "history.db); choose another\n"},
    {8, "output: {dir: logs/cache/}",
     "plan.yaml:8:15: output.dir: ends in a name that lrsearch uses itself beside the runs "
     "(latest, cache and history.db); choose another\n"},
    {8, "output: {dir: \"logs/a\\nb\"}",
     "plan.yaml:8:15: output.dir: the path holds a control character; rename the file or folder\n"},
    {4, "data: {text: [\"a\\eb.txt\"]}",
     "plan.yaml:4:15: data.text[0]: the path holds a control character; rename the file or "
     "folder\n"},
    {8, "\"seed\\0x\": 3", "plan.yaml:8:1: a key holds a NUL character\n"},
    {8, "trainer: {kind: \"transformer\\0x\"}",
     "plan.yaml:8:17: trainer.kind: holds a NUL character\n"},
    {2, "name: 0123456789012345678901234567890123456789012345678901234567890123",
     "plan.yaml:2:7: name: is too long (64 bytes; at most 63)\n"},
    {8, "seed: {a: 1}",
     "plan.yaml:8:7: seed: expected a whole count such as 64, 128k or 2M, found "
     "a map of keys\n"},
    {8, "seed: \"3\"",
     "plan.yaml:8:7: seed: expected a whole count such as 64, 128k or 2M, found "
     "the quoted text \"3\"; remove the quotes\n"},
    {8, "seed: 1.5", "plan.yaml:8:7: seed: 1.5 is not a whole number\n"},
    {8, "seed: many",
     "plan.yaml:8:7: seed: expected a whole count such as 64, 128k or 2M, found "
     "\"many\"\n"},
    {8, "seed: ~",
     "plan.yaml:8:7: seed: has no value; expected a whole count such as 64, 128k or "
     "2M (leave the key out for its default)\n"},
    {8, "seed: none",
     "plan.yaml:8:7: seed: expected a whole count such as 64, 128k or 2M, found "
     "\"none\"\n"},
    {5, "training: {batch_tokens: 2048, beta1: nan}",
     "plan.yaml:5:39: training.beta1: expected a number such as 0.1 or 1e-3, found \"nan\"\n"},
    {5, "training: {batch_tokens: 2048, clip: .inf}",
     "plan.yaml:5:38: training.clip: expected a number such as 0.1 or 1e-3, or none, found "
     "\".inf\"\n"},
    {8, "budget: {wall: 6}",
     "plan.yaml:8:16: budget.wall: expected a duration such as 90s, 5m, 2h "
     "or 1d, or none, found \"6\"\n"},
    {4, "data: {text: [a.txt], repeat: yes}",
     "plan.yaml:4:31: data.repeat: expected true or false, found \"yes\"\n"},
    {4, "data: {text: {a: 1}}",
     "plan.yaml:4:14: data.text: expected a list of texts such as "
     "[corpus/*.txt.gz], found a map of keys\n"},
    {4, "data: {text: []}", "plan.yaml:4:14: data.text: has 0 elements; expected at least 1\n"},
    {4, "data: {text: [a, [b], \"\"]}",
     "plan.yaml:4:18: data.text[1]: expected text, found a list\n"
     "plan.yaml:4:23: data.text[2]: is empty\n"},
    {6, "search: {lr: 1e-3, horizons: 100k}",
     "plan.yaml:6:14: search.lr: expected two numbers such as [1e-4, 3e-2], found \"1e-3\"\n"
     "plan.yaml:6:30: search.horizons: expected a list of counts such as [2M, 4M, 8M], found "
     "\"100k\"\n"},
    {6, "search: {lr: [1e-3, 1e-2, 1e-1], horizons: []}",
     "plan.yaml:6:14: search.lr: has 3 elements; expected exactly 2\n"
     "plan.yaml:6:44: search.horizons: has 0 elements; expected at least 1\n"},
    {6, "search: {lr: [1e-3, a], horizons: [100k, 200x]}",
     "plan.yaml:6:21: search.lr[1]: expected a number such as 0.1 or 1e-3, found \"a\"\n"
     "plan.yaml:6:42: search.horizons[1]: expected a whole count such as 64, 128k or 2M, found "
     "\"200x\"\n"},
    {6,
     "search: {lr: [1e-3, 1e-1], horizons: [1M,2M,3M,4M,5M,6M,7M,8M,9M,10M,11M,12M,13M,14M,15M,"
     "16M,17M]}",
     "plan.yaml:6:38: search.horizons: has 17 elements; expected at most 16\n"},

    /* words */
    {8, "trainer: {kind: transfomer}",
     "plan.yaml:8:17: trainer.kind: unknown value transfomer "
     "(available: transformer, replay, simulate, command, external); did you mean transformer?\n"},
    {8, "trainer: {kind: command}",
     "plan.yaml:8:1: trainer.argv: missing; expected a list of texts such as "
     "[corpus/*.txt.gz]\n"},
    {6, "search: {lr: [1e-3, 1e-1], horizons: [1M], policy: desing}",
     "plan.yaml:6:52: search.policy: unknown value desing (available: grid, design); did you mean "
     "design?\n"},
    {6, "search: {lr: [1e-3, 1e-1], horizons: [1M], policy: narrow}",
     "plan.yaml:6:52: search.policy: narrow is gone (available: grid, design); leave the key out: "
     "design, the default, narrows around each optimum for fewer tokens\n"},
    {6, "search: {lr: [1e-3, 1e-1], horizons: [1M], bootstrap: 50}",
     "plan.yaml:6:44: search.bootstrap: is gone; leave it out: intervals come from the fit to all "
     "trials\n"},
    {6, "search: {lr: [1e-3, 1e-1], horizons: [1M], prior_beta: automatic}",
     "plan.yaml:6:56: search.prior_beta: expected a number such as 0.1 or 1e-3, or auto, found "
     "\"automatic\"\n"},
    {6, "search: {lr: [1e-3, 1e-1], horizons: [1M], prior_beta_sd: 0}",
     "plan.yaml:6:59: search.prior_beta_sd: 0 is out of range (above 0, up to 10, or auto)\n"},
    {6, "search: {lr: [1e-3, 1e-1], horizons: [1M], precision: 0}",
     "plan.yaml:6:55: search.precision: 0 is out of range (above 0, up to 10)\n"},
    {6, "search: {lr: [1e-3, 1e-1], horizons: [1M], extend: maybe}",
     "plan.yaml:6:52: search.extend: expected true or false, found \"maybe\"\n"},
    {5, "training: {batch_tokens: 2048, schedule: [cosine]}",
     "plan.yaml:5:42: training.schedule: expected a word, found a list\n"},
    {5, "training: {batch_tokens: 2048, precision: fp16}",
     "plan.yaml:5:43: training.precision: unknown value fp16 (available: fp32, bf16)\n"},
    {5, "training: {batch_tokens: 2048, precision: [fp32, bf16]}",
     "plan.yaml:5:43: training.precision: expected a word, found a list\n"},

    /* range */
    {1, "version: 2",
     "plan.yaml:1:10: version: 2 is out of range (only 1): the plan is for another "
     "lrsearch than this one, " LRSEARCH_VERSION "\n"},
    {8, "seed: -1", "plan.yaml:8:7: seed: -1 is out of range (0 to 9007199254740991)\n"},
    {8, "seed: 1e40", "plan.yaml:8:7: seed: 1e40 is out of range (0 to 9007199254740991)\n"},
    {8, "seed: 9007199254740992",
     "plan.yaml:8:7: seed: 9007199254740992 is out of range (0 to 9007199254740991)\n"},
    {5, "training: {batch_tokens: 2048, warmup: 1}",
     "plan.yaml:5:40: training.warmup: 1 is out of range (from 0, below 1)\n"},
    {5, "training: {batch_tokens: 2048, adam_eps: 0}",
     "plan.yaml:5:42: training.adam_eps: 0 is out of range (above 0, up to 1)\n"},
    {5, "training: {batch_tokens: 2048, clip: 0}",
     "plan.yaml:5:38: training.clip: 0 is out of range (above 0, up to 1000, or none)\n"},
    {5, "training: {batch_tokens: 2048, weight_decay: 1e999}",
     "plan.yaml:5:46: training.weight_decay: 1e999 is out of range (0 to 10)\n"},
    {8, "limits: {silence: 8d}",
     "plan.yaml:8:19: limits.silence: 8d is out of range (1s to 7d, or "
     "none)\n"},
    {8, "budget: {tokens: 0}",
     "plan.yaml:8:18: budget.tokens: 0 is out of range (1 to 1000T, or none)\n"},
    {6, "search: {lr: [0, 1e-1], horizons: [0, 2M]}",
     "plan.yaml:6:15: search.lr[0]: 0 is out of range (above 0, up to 100)\n"
     "plan.yaml:6:36: search.horizons[0]: 0 is out of range (1 to 1000T)\n"},

    /* across keys */
    {2, "name: a b",
     "plan.yaml:2:7: name: \"a b\" is no file name: use letters, digits, '-', '_' "
     "and '.' only\n"},
    {2, "name: ../x",
     "plan.yaml:2:7: name: \"../x\" is no file name: use letters, digits, '-', '_' "
     "and '.' only\n"},
    {2, "name: .x", "plan.yaml:2:7: name: must not start with '.'\n"},
    {4, "data: {text: [a.txt, ~/b.txt]}",
     "plan.yaml:4:22: data.text[1]: ~ is not expanded; write the folder out\n"},
    {8, "output: {dir: logs/../../x}",
     "plan.yaml:8:15: output.dir: must not hold \"..\"; give a path below the working directory or "
     "an absolute one\n"},
    {8, "output: {dir: ~/x}",
     "plan.yaml:8:15: output.dir: ~ is not expanded; write the folder out\n"},

    /* YAML */
    {8, "a: [1, 2",
     "plan.yaml:9:1: did not find expected ',' or ']' while parsing a flow "
     "sequence\n"},
    {8, "a:\n\t- 1",
     "plan.yaml:9:1: found character that cannot start any token while scanning "
     "for the next token; YAML is indented with spaces: replace the tab\n"},
    {8, "a: {b: '\xC3\xA9'}\nc: @", /* characters are counted */
     "plan.yaml:9:4: found character that cannot start any token while scanning "
     "for the next token\n"},
    {8, "\xC3\xA9: 1\nb:\n\t- 1",
     "plan.yaml:10:1: found character that cannot start any token while scanning "
     "for the next token; YAML is indented with spaces: replace the tab\n"},
    {8, "a:\n  b: 1\n \tc: 2",
     "plan.yaml:10:2: found a tab character that violates indentation while scanning a plain "
     "scalar; YAML is indented with spaces: replace the tab\n"},
    {8, "a: {b: \"loss (\\S+)\"}",
     "plan.yaml:8:15: found unknown escape character while parsing a quoted scalar; a backslash in "
     "\"double quotes\" begins an escape: write a regex or a path in 'single quotes'\n"},
    {8, "a: \"C:\\users\"",
     "plan.yaml:8:9: did not find expected hexdecimal number while parsing a quoted scalar; a "
     "backslash in \"double quotes\" begins an escape: write a regex or a path in 'single "
     "quotes'\n"},
    {8, "a: \x01", "plan.yaml:8:4: control characters are not allowed\n"},
    {8, "a: \xC3\xA9 \xFF", "plan.yaml:8:6: byte 0xff is not UTF-8; save the plan as UTF-8 text\n"},
    {8, "a: &x 1",
     "plan.yaml:8:4: anchors (&x) are not supported; write the value out where it is used\n"},
    {8, "a: &x [1]",
     "plan.yaml:8:4: anchors (&x) are not supported; write the value out where it is used\n"},
    {8, "a: *x", "plan.yaml:8:4: aliases (*x) are not supported; write the value out\n"},
    {8, "a: !!int 3",
     "plan.yaml:8:4: tags (tag:yaml.org,2002:int) are not supported; leave it out\n"},
    {8, "--- {a: 1}", "plan.yaml:8:1: a second document; a plan is one\n"},
    {8, "a: " TEN TEN, "plan.yaml:8:19: nested deeper than 16 levels\n"},
};

static void each_text(void **state)
{
    (void)state;
    plan_cases_must_fail(cases, sizeof(cases) / sizeof(cases[0]));
}

static const struct {
    const char *set;
    const char *errors; /* NULL: none */
} sets[] = {
    {"search.seeds=3", NULL},
    {"search.lr=[1e-4, 1e-2]", NULL},
    {"data.text=b.txt", NULL},
    {"data.source=synthetic", NULL},
    {"version=1", NULL},
    {"budget.wall=6h", NULL}, /* adds a section */
    {"search.seeds=x", "--set search.seeds=x: expected a whole count such as 64, 128k or 2M, found "
                       "\"x\"\n"},
    {"search.seeds=0", "--set search.seeds=0: 0 is out of range (1 to 32)\n"},
    {"search.lr=[1, 2",
     "--set search.lr=[1, 2: did not find expected ',' or ']' while parsing a flow sequence\n"},
    {"search.lr=[3, a]", "--set search.lr=[3, a]: expected a number such as 0.1 or 1e-3, found "
                         "\"a\"\n"},
    {"search.seeds=", "--set search.seeds=: no value after the '='\n"},
    {"search.seeds=~", "--set search.seeds=~: has no value; expected a whole count such as 64, "
                       "128k or 2M (leave the key out for its default)\n"},
    {"search.seeds", "--set search.seeds: expected KEY=VALUE, such as search.seeds=3\n"},
    {"", "--set : expected KEY=VALUE, such as search.seeds=3\n"},
    {"=3", "--set =3: unknown key\n"},
    {".seeds=3", "--set .seeds=3: unknown section \n"},
    {"search.=3", "--set search.=3: unknown key\n"},
    {"search.bootstrap=3",
     "--set search.bootstrap=3: is gone; leave it out: intervals come from the fit to all "
     "trials\n"},
    {"search.policy=narrow",
     "--set search.policy=narrow: narrow is gone (available: grid, design); leave the key out: "
     "design, the default, narrows around each optimum for fewer tokens\n"},
    {"search.sedes=3", "--set search.sedes=3: unknown key (did you mean seeds?)\n"},
    {"seeds=3", "--set seeds=3: unknown key (did you mean search.seeds?)\n"},
    {"serach.seeds=3", "--set serach.seeds=3: unknown section serach (did you mean search?)\n"},
    {"a\nb.seeds=3", "--set a?b.seeds=3: unknown section a?b\n"},
    {"search={seeds: 3}",
     "--set search={seeds: 3}: search is a section; set one of its keys: search.lr=...\n"},
    {"search.seeds=*a",
     "--set search.seeds=*a: aliases (*a) are not supported; write the value out\n"},
    {"search.seeds=\xFF", "--set search.seeds=?: byte 0xff is not UTF-8; save the plan as UTF-8 "
                          "text\n"},
    {"model.n_heads=3", "--set model.n_heads=3: 3 heads do not divide model.d_model 64; use 2, or "
                        "another width\n"},
    {"model.d_model=63", "plan.yaml:3:44: model.n_heads: 2 heads do not divide model.d_model 63; "
                         "use 1, or another width\n"},
};

static void each_set(void **state)
{
    unsigned wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        const char *lines, *expected = sets[i].errors ? sets[i].errors : "";
        int code = plan_case_load(plan_case_text(0, ""), sets[i].set, &lines);
        if (code != (sets[i].errors ? LR_EPLAN : 0) || strcmp(lines, expected) != 0) {
            wrong++;
            print_error("--set %s\n  gives %d:\n%s  not:\n%s", sets[i].set, code, lines, expected);
        }
    }
    assert_int_equal(wrong, 0);
}

/* A --set takes the place of a value, of a bad one too; the last wins; bad ones keep their
 * order. */
static void sets_replace(void **state)
{
    const char *lines;
    const char *const two[] = {"model.d_model=128", "model.d_model=256", "model.n_heads=4"};
    const char *const bad[] = {"zzz=1", "target.tokens=x", "a=2"};
    (void)state;
    const char *text = plan_case_text(3, "model: {d_model: wide, n_layers: 2, n_heads: 3, "
                                         "context: 128, vocab: 256}");
    assert_int_equal(plan_case_load_bytes(text, strlen(text), two, 3, &lines), 0);
    assert_int_equal(plan_case.model.d_model, 256);
    assert_int_equal(plan_case.model.n_heads, 4);
    text = plan_case_text(8, "seed: -1");
    assert_int_equal(plan_case_load_bytes(text, strlen(text), bad, 3, &lines), LR_EPLAN);
    assert_string_equal(lines,
                        "plan.yaml:8:7: seed: -1 is out of range (0 to 9007199254740991)\n"
                        "--set zzz=1: unknown key\n"
                        "--set target.tokens=x: expected a whole count such as 64, 128k or 2M, "
                        "found \"x\"\n"
                        "--set a=2: unknown key\n");
}

static void five_errors_in_one_pass(void **state)
{
    const char *lines;
    (void)state;
    const char *text = "version: 1\n"
                       "name: five\n"
                       "target: {tokens: soon}\n"
                       "training: {batch_tokens: 2048, warmup: 2}\n"
                       "model:\n"
                       "  d_modell: 64\n"
                       "  n_layers: 2\n"
                       "  n_heads: 2\n"
                       "  context: 128\n"
                       "  vocab: 256\n"
                       "  vocab: 512\n"
                       "data: {text: [a.txt]}\n"
                       "search: {lr: [1e-3, 1e-1]}\n";
    assert_int_equal(plan_case_load(text, NULL, &lines), LR_EPLAN);
    assert_string_equal(
        lines,
        "plan.yaml:3:18: target.tokens: expected a whole count such as 64, 128k or 2M, found "
        "\"soon\"\n"
        "plan.yaml:4:40: training.warmup: 2 is out of range (from 0, below 1)\n"
        "plan.yaml:6:3: model.d_modell: unknown key (did you mean d_model?)\n"
        "plan.yaml:11:3: model.vocab: repeated key (first in line 10)\n"
        "plan.yaml:13:1: search.horizons: missing; expected a list of counts such as [2M, 4M, "
        "8M]\n");
}

static void no_plan_at_all(void **state)
{
    const char *lines;
    struct plan_errors errors;
    static const char *const empty[] = {"",    "\n\n",       "# nothing\n",
                                        "~\n", "---\n...\n", "\xEF\xBB\xBF"};
    (void)state;
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        assert_int_equal(plan_case_load(empty[i], NULL, &lines), LR_EPLAN);
        assert_string_equal(lines, "plan.yaml:1:1: the plan is empty; plans/quickstart.yaml is one "
                                   "to start from\n");
    }
    assert_int_equal(plan_case_load("- a\n", NULL, &lines), LR_EPLAN);
    assert_string_equal(lines, "plan.yaml:1:1: a plan is keys and values, found a list\n");
    assert_int_equal(plan_case_load("\n hello\n", "search.seeds=3", &lines), LR_EPLAN);
    assert_string_equal(lines, "plan.yaml:2:2: a plan is keys and values, found plain text\n");

    assert_int_equal(plan_load(&plan_case, "nowhere/plan.yaml", NULL, 0, &errors), LR_EPLAN);
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.lines[0],
                        "nowhere/plan.yaml: cannot open the plan: No such file or directory");
    plan_errors_release(&errors);
    assert_int_equal(plan_load(&plan_case, ".", NULL, 0, &errors), LR_EPLAN);
    assert_string_equal(errors.lines[0], ".: cannot read the plan: Is a directory");
    plan_errors_release(&errors);
}

/* Input that is made to hurt ends at once, with a text. */
static void hostile(void **state)
{
    static char big[1000002];
    const char *lines;
    (void)state;
    const char *bomb = "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n"
                       "c: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n";
    assert_int_equal(plan_case_load(bomb, NULL, &lines), LR_EPLAN);
    assert_string_equal(lines, "plan.yaml:1:4: anchors (&a) are not supported; write the value out "
                               "where it is used\n");

    static const char fillers[] = "[{-a?&*!|>%@`\"'#:,]} \n\t\x7F\0\xFF";
    for (size_t i = 0; i < sizeof(fillers) - 1; i++) {
        memset(big, fillers[i], 1000000);
        assert_int_equal(plan_case_load_bytes(big, 1000000, NULL, 0, &lines), LR_EPLAN);
        assert_true(strlen(lines) > 0);
    }
    uint32_t x = 1; /* garbage, the same on every run */
    for (size_t i = 0; i < 1000000; i++)
        big[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
    assert_int_equal(plan_case_load_bytes(big, 1000000, NULL, 0, &lines), LR_EPLAN);
    memset(big, ' ', sizeof(big));
    assert_int_equal(plan_case_load_bytes(big, 1000001, NULL, 0, &lines), LR_EPLAN);
    assert_string_equal(
        lines, "plan.yaml: larger than 1 MB; a plan is a page of text: is this the right file?\n");
    for (size_t i = 0; i + 5 <= 1000000; i += 5)
        memcpy(big + i, "a: 1\n", 5);
    assert_int_equal(plan_case_load_bytes(big, 1000000, NULL, 0, &lines), LR_EPLAN);
    assert_non_null(strstr(lines, "plan.yaml:100:1: a: unknown key\n"
                                  "plan.yaml: and 199907 more errors\n"));
}

/* Whichever allocation fails: LR_ENOMEM, no half list of errors, nothing leaked
 * (AddressSanitizer). */
static void every_allocation_fails(void **state)
{
    static const char *const lists[] = {"search.seeds=3", "budget.wall=x"};
    const char *lines;
    (void)state;
    for (unsigned variant = 0; variant < 3; variant++) {
        int expected = variant == 0 ? 0 : LR_EPLAN;
        const char *text = variant == 2 ? "a: 1\nb: 2\na: [1, 2\n" : plan_case_text(0, "");
        int code = LR_ENOMEM;
        long n = 0;
        for (; n < 1000 && code == LR_ENOMEM; n++) {
            lr_memory_fail_after(n);
            code = plan_case_load_bytes(text, strlen(text), lists, variant == 1 ? 2 : 1, &lines);
            lr_memory_fail_after(-1);
            if (code == LR_ENOMEM)
                assert_string_equal(lines, "");
        }
        assert_int_equal(code, expected);
        assert_true(n > 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text),
        cmocka_unit_test(each_set),
        cmocka_unit_test(sets_replace),
        cmocka_unit_test(five_errors_in_one_pass),
        cmocka_unit_test(no_plan_at_all),
        cmocka_unit_test(hostile),
        cmocka_unit_test(every_allocation_fails),
    };
    return cmocka_run_group_tests(tests, plan_case_setup, plan_case_teardown);
}
