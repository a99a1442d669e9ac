/* Good plans: values, defaults, paths, the resolved plan as JSON, what differs, the trial. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmocka_all.h"
#include "lrsearch/memory.h"
#include "lrsearch/version.h"
#include "plan_case.h"
#include "plan/plan_load.h"
#include "plan/plan_json.h"
#include "plan/plan_diff.h"
#include "search/laws/prior_beta.h"

static const char full[] =
    "version: 1\n"
    "name: nightly-6m\n"
    "seed: 7\n"
    "trainer: {kind: transformer}\n"
    "model:\n"
    "  {arch: gpt, d_model: 256, n_layers: 6, n_heads: 8, context: 256, vocab: 8_192,\n"
    "   parametrization: lvp, base_width: 64, embedding_lr_ratio: 5.3, output_lr_ratio: 2}\n"
    "data: {source: tokens, text: [/corpus/*.txt.gz, ../b.txt, ./c.txt, 'd e.txt'],\n"
    "       tokenizer: bpe, val_tokens: 128k, repeat: true, zipf_exponent: 1.1,\n"
    "       markov_weight: .5}\n"
    "training: {batch_tokens: 16Ki, schedule: cosine, warmup: 0.02, final_lr: 0,\n"
    "           weight_decay: 0.2, beta1: .8, beta2: .99, adam_eps: 1e-10, clip: none,\n"
    "           precision: bf16}\n"
    "search: {lr: [1e-4, 3e-2], horizons: [2M, 4M, 8M], seeds: 3, policy: grid,\n"
    "         resolution: .25, precision: 2e-3, extend: true, prior_beta: .25, prior_beta_sd: .1}\n"
    "target: {tokens: 1.5B, d_model: 1024}\n"
    "confirm: {tokens: 1B, seeds: 2}\n"
    "budget: {tokens: 200M, trials: 99, wall: 6h, flops: 1e15, core_hours: 2.5, reserve: .4}\n"
    "limits: {silence: 10m, trial_time: 1.5h, checkpoint_every: 2m, max_failures: 5}\n"
    "on_fail: {retries: 0, then: stop}\n"
    "output: {dir: /tmp/x}\n";

#define SAME(a, b) assert_true((a) <= (b) && (a) >= (b))

static void every_key_is_read(void **state)
{
    const char *lines;
    const struct plan *p = &plan_case;
    (void)state;
    if (plan_case_load(full, NULL, &lines) != 0)
        fail_msg("%s", lines);
    assert_int_equal(p->version, 1);
    assert_string_equal(p->name, "nightly-6m");
    assert_int_equal(p->seed, 7);
    assert_int_equal(p->trainer.kind, TRAINER_TRANSFORMER);
    assert_int_equal(p->model.arch, ARCH_GPT);
    assert_int_equal(p->model.d_model, 256);
    assert_int_equal(p->model.n_layers, 6);
    assert_int_equal(p->model.n_heads, 8);
    assert_int_equal(p->model.context, 256);
    assert_int_equal(p->model.vocab, 8192);
    assert_int_equal(p->model.parametrization, PARAM_LVP);
    assert_int_equal(p->model.base_width, 64);
    SAME(p->model.embedding_lr_ratio[0], 5.3);
    SAME(p->model.embedding_lr_ratio[1], 5.3);
    SAME(p->model.output_lr_ratio[0], 2);
    assert_int_equal(p->data.source, SOURCE_TOKENS);
    assert_int_equal(p->data.text_count, 4);
    assert_int_equal(p->data.tokenizer, TOKENIZER_BPE);
    assert_int_equal(p->data.val_tokens, 128000);
    assert_true(p->data.repeat);
    SAME(p->data.zipf_exponent, 1.1);
    SAME(p->data.markov_weight, .5);
    assert_int_equal(p->training.batch_tokens, 16384);
    SAME(p->training.warmup, .02);
    SAME(p->training.final_lr, 0);
    SAME(p->training.weight_decay, .2);
    SAME(p->training.beta1, .8);
    SAME(p->training.beta2, .99);
    SAME(p->training.adam_eps, 1e-10);
    SAME(p->training.clip, 0);
    assert_int_equal(p->training.precision, PRECISION_BF16);
    SAME(p->search.lr[0], 1e-4);
    SAME(p->search.lr[1], 3e-2);
    assert_int_equal(p->search.horizon_count, 3);
    assert_int_equal(p->search.horizons[2], 8000000);
    assert_int_equal(p->search.seeds, 3);
    assert_int_equal(p->search.policy, POLICY_GRID);
    SAME(p->search.resolution, .25);
    SAME(p->search.precision, 2e-3);
    assert_true(p->search.extend);
    SAME(p->search.prior_beta, .25);
    SAME(p->search.prior_beta_sd, .1);
    assert_int_equal(p->target.tokens, 1500000000);
    assert_int_equal(p->target.d_model, 1024);
    assert_int_equal(p->budget.tokens, 200000000);
    assert_int_equal(p->budget.trials, 99);
    SAME(p->budget.wall_s, 21600);
    SAME(p->budget.flops, 1e15);
    SAME(p->budget.core_hours, 2.5);
    SAME(p->budget.reserve, .4);
    assert_true(p->confirm.wanted);
    assert_int_equal(p->confirm.tokens, 1000000000);
    assert_int_equal(p->confirm.seeds, 2);
    SAME(p->limits.silence_s, 600);
    SAME(p->limits.trial_time_s, 5400);
    SAME(p->limits.checkpoint_every_s, 120);
    assert_int_equal(p->on_fail.retries, 0);
    assert_int_equal(p->on_fail.then, ON_FAIL_STOP);
    assert_int_equal(p->limits.max_failures, 5);
    assert_string_equal(p->output.dir, "/tmp/x");
}

static void defaults(void **state)
{
    const char *lines;
    const struct plan *p = &plan_case;
    (void)state;
    assert_int_equal(plan_case_load(plan_case_text(0, ""), NULL, &lines), 0);
    assert_string_equal(lines, "");
    assert_int_equal(p->seed, 1);
    assert_int_equal(p->model.parametrization, PARAM_SP);
    assert_int_equal(p->model.base_width, 64);
    SAME(p->model.embedding_lr_ratio[0], 1);
    SAME(p->model.output_lr_ratio[0], 1);
    assert_int_equal(p->data.source, SOURCE_TOKENS);
    assert_int_equal(p->data.tokenizer, TOKENIZER_BYTES);
    assert_int_equal(p->data.val_tokens, 65536);
    assert_int_equal(p->data.val_bytes, 0);
    assert_false(p->data.repeat);
    SAME(p->data.zipf_exponent, trial_default_zipf(p->model.vocab));
    assert_int_equal(p->data.markov_order, 1);
    SAME(p->data.markov_weight, .7);
    SAME(p->training.warmup, .05);
    SAME(p->training.final_lr, .1);
    SAME(p->training.weight_decay, .1);
    SAME(p->training.beta1, .9);
    SAME(p->training.beta2, .95);
    SAME(p->training.adam_eps, 1e-8);
    SAME(p->training.clip, 1);
    assert_int_equal(p->training.precision, PRECISION_FP32);
    assert_int_equal(p->search.seeds, 1);
    assert_int_equal(p->search.policy, POLICY_DESIGN);
    SAME(p->search.resolution, 1);
    SAME(p->search.precision, 1e-3);
    assert_false(p->search.extend);
    SAME(p->search.min_gain, .005);
    assert_int_equal(p->search.round_trials, 8);
    struct beta_prior prior;
    plan_beta_prior(p, &prior);
    SAME(p->search.prior_beta, prior.center);
    SAME(p->search.prior_beta_sd, prior.scale);
    assert_int_equal(p->target.d_model, 64);
    assert_int_equal(p->budget.tokens, 0);
    assert_int_equal(p->budget.trials, 0);
    SAME(p->budget.wall_s, 0);
    SAME(p->budget.flops, 0);
    SAME(p->budget.core_hours, 0);
    SAME(p->budget.share_of_target, 0);
    SAME(p->budget.reserve, 0);
    assert_false(p->confirm.wanted);
    SAME(p->limits.silence_s, 600);
    SAME(p->limits.checkpoint_every_s, 300);
    SAME(p->limits.trial_time_s, 0);
    assert_int_equal(p->on_fail.retries, 2);
    assert_int_equal(p->on_fail.then, ON_FAIL_MARK);
    assert_int_equal(p->limits.max_failures, 10);
    assert_string_equal(p->output.dir, "logs/t");
}

/* The prior of the law's exponent is derived, each number for itself, unless the user gives it. */
static void prior_of_the_exponent(void **state)
{
    (void)state;
    static const struct {
        const char *line, *set;
        double center, scale;
    } cases[] = {
        {"", NULL, NAN, NAN},
        {"prior_beta: auto, prior_beta_sd: auto", NULL, NAN, NAN},
        {"prior_beta: -0.1", NULL, -0.1, NAN},
        {"prior_beta_sd: 0.1", NULL, NAN, 0.1},
        {"prior_beta: 0.1, prior_beta_sd: 1", NULL, 0.1, 1},
        {"prior_beta: 0.1", "search.prior_beta=auto", NAN, NAN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *lines;
        char line[200];
        struct beta_prior prior;
        snprintf(line, sizeof(line), "search: {lr: [1e-3, 1e-1], horizons: [100k, 200k, 400k]%s%s}",
                 *cases[i].line ? ", " : "", cases[i].line);
        if (plan_case_load(plan_case_text(6, line), cases[i].set, &lines))
            fail_msg("%s", lines);
        plan_beta_prior(&plan_case, &prior);
        /* narrower than with an unknown batch; few steps */
        assert_true(prior.center < 0.05 && prior.scale < 0.3);
        SAME(plan_case.search.prior_beta, isnan(cases[i].center) ? prior.center : cases[i].center);
        SAME(plan_case.search.prior_beta_sd, isnan(cases[i].scale) ? prior.scale : cases[i].scale);
    }
}

static void synthetic_needs_no_text(void **state)
{
    const char *lines;
    (void)state;
    assert_int_equal(plan_case_load(plan_case_text(4, "data: {source: synthetic}"), NULL, &lines),
                     0);
    assert_int_equal(plan_case.data.source, SOURCE_SYNTHETIC);
    assert_int_equal(plan_case.data.text_count, 0);
    /* and takes any vocabulary */
    assert_int_equal(
        plan_case_load("version: 1\nname: s\ndata: {source: synthetic}\n"
                       "model: {d_model: 8, n_layers: 1, n_heads: 1, context: 8, vocab: 17}\n"
                       "training: {batch_tokens: 8}\nsearch: {lr: [1, 2], horizons: [80]}\n"
                       "target: {tokens: 80}\n",
                       NULL, &lines),
        0);
}

/* Relative text starts at the plan, whatever the working directory. */
static void text_paths(void **state)
{
    char here[1024], expected[2048];
    struct plan_errors errors;
    const char *lines;
    (void)state;
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(plan_case_load(full, NULL, &lines), 0);
    assert_string_equal(plan_case.data.text[0], "/corpus/*.txt.gz");
    assert_string_equal(plan_case.data.text[1], "/tmp/b.txt");
    snprintf(expected, sizeof(expected), "%s/c.txt", here);
    assert_string_equal(plan_case.data.text[2], expected);
    snprintf(expected, sizeof(expected), "%s/d e.txt", here);
    assert_string_equal(plan_case.data.text[3], expected);

    assert_int_equal(
        plan_case_load(plan_case_text(4, "data: {text: ../../../.././/./x}"), NULL, &lines), 0);
    assert_string_equal(plan_case.data.text[0], "/x"); /* a string is a list of one */

    assert_int_equal(mkdir("sub", 0700), 0);
    assert_int_equal(rename("plan.yaml", "sub/plan.yaml"), 0);
    const char *set = "data.text=[u*.txt]";
    assert_int_equal(plan_load(&plan_case, "sub/plan.yaml", &set, 1, &errors), 0);
    plan_errors_release(&errors);
    snprintf(expected, sizeof(expected), "%s/sub/u*.txt", here);
    assert_string_equal(plan_case.data.text[0], expected);
    unlink("sub/plan.yaml");
    rmdir("sub");
}

static void long_paths_are_refused(void **state)
{
    char text[2200], here[1024];
    const char *lines;
    (void)state;
    assert_non_null(getcwd(here, sizeof(here)));
    int fill = (int)(TRIAL_PATH - 1 - strlen(here) - 1);
    snprintf(text, sizeof(text), "data: {text: [%0*d]}", fill, 0);
    assert_int_equal(plan_case_load(plan_case_text(4, text), NULL, &lines), 0);
    assert_int_equal(strlen(plan_case.data.text[0]), TRIAL_PATH - 1);
    snprintf(text, sizeof(text), "data: {text: [%0*d]}", fill + 1, 0);
    assert_int_equal(plan_case_load(plan_case_text(4, text), NULL, &lines), LR_EPLAN);
    assert_string_equal(
        lines, "plan.yaml:4:15: data.text[0]: the path is too long (at most 1023 bytes)\n");
    snprintf(text, sizeof(text), "data: {text: [%0*d]}", TRIAL_PATH, 0);
    assert_int_equal(plan_case_load(plan_case_text(4, text), NULL, &lines), LR_EPLAN);
    assert_string_equal(lines,
                        "plan.yaml:4:15: data.text[0]: is too long (1024 bytes; at most 1023)\n");
}

static void unusual_yaml_is_fine(void **state)
{
    const char *lines;
    (void)state;
    /* byte order mark, CRLF, comments, JSON, an empty section, quotes where text is meant */
    assert_int_equal(plan_case_load("\xEF\xBB\xBF"
                                    "{\"version\": 1, \"name\": \"t\", # so\r\n"
                                    "\"model\": {\"d_model\": 64, \"n_layers\": 2, \"n_heads\": 2,"
                                    "\"context\": 128, \"vocab\": 256},\r\n"
                                    "\"data\": {\"text\": [\"caf\\u00e9.txt\"]},"
                                    "\"training\": {\"batch_tokens\": 2048},"
                                    "\"search\": {\"lr\": [0.001, 0.1], \"horizons\": [100000]},"
                                    "\"target\": {\"tokens\": 1000000}, \"budget\": null}\r\n",
                                    NULL, &lines),
                     0);
    assert_non_null(strstr(plan_case.data.text[0], "/caf\xC3\xA9.txt"));
    assert_int_equal(plan_case_load(plan_case_text(2, "name: 2024"), NULL, &lines), 0);
    assert_string_equal(plan_case.name, "2024");
}

static json_t *resolved(const char *set)
{
    const char *lines;
    assert_int_equal(plan_case_load(full, set, &lines), 0);
    char *text = plan_to_json(&plan_case);
    assert_non_null(text);
    assert_string_equal(text + strlen(text) - 2, "}\n");
    assert_non_null(strstr(text, "{\n  \"version\": 1,\n  \"name\": \"nightly-6m\",\n"));
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    lr_free(text);
    assert_non_null(root);
    return root;
}

static void json_holds_every_key(void **state)
{
    double lr0, lr1, ratio;
    json_int_t horizon, batch;
    const char *policy, *dir;
    int repeat;
    (void)state;
    json_t *root = resolved(NULL), *clip;
    assert_int_equal(
        json_unpack(root, "{s{s[FF], s[i, i, I], s s}, s{s F}, s{s I, s o}, s{s b}, s{s s}}",
                    "search", "lr", &lr0, &lr1, "horizons", &repeat, &repeat, &horizon, "policy",
                    &policy, "model", "embedding_lr_ratio", &ratio, "training", "batch_tokens",
                    &batch, "clip", &clip, "data", "repeat", &repeat, "output", "dir", &dir),
        0);
    assert_memory_equal(&lr0, &plan_case.search.lr[0], sizeof(lr0)); /* to the last bit */
    assert_memory_equal(&lr1, &plan_case.search.lr[1], sizeof(lr1));
    assert_memory_equal(&ratio, &plan_case.model.embedding_lr_ratio, sizeof(ratio));
    assert_int_equal(horizon, 8000000);
    assert_int_equal(batch, 16384);
    assert_true(json_is_null(clip));
    assert_string_equal(policy, "grid");
    assert_true(repeat);
    assert_string_equal(dir, "/tmp/x");
    json_decref(root);
}

/* plan_to_json of the full plan under a --set. */
static char *json_under(const char *set)
{
    const char *lines;
    assert_int_equal(plan_case_load(full, set, &lines), 0);
    char *text = plan_to_json(&plan_case);
    assert_non_null(text);
    return text;
}

static void json_reads_back(void **state)
{
    static const char *const sets[] = {NULL,
                                       "training.clip=1",
                                       "model.embedding_lr_ratio=[0.5, 8]",
                                       "budget.tokens=300M",
                                       "budget.share_of_target=0.2",
                                       "training.schedule=linear"};
    static struct plan back;
    struct lr_error err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        char *text = json_under(sets[i]);
        assert_int_equal(plan_from_json(&back, text, &err), 0);
        char *again = plan_to_json(&back);
        assert_string_equal(again, text);
        assert_int_equal(back.model.heads_grow, plan_case.model.heads_grow);
        lr_free(again);
        lr_free(text);
    }
    plan_case.model.heads_grow = true;
    char *text = plan_to_json(&plan_case);
    assert_int_equal(plan_from_json(&back, text, &err), 0);
    assert_true(back.model.heads_grow);

    char *key = strstr(text, "\"seeds\": 3");
    assert_non_null(key);
    memcpy(key, "\"seeds\":-3", strlen("\"seeds\":-3"));
    assert_int_equal(plan_from_json(&back, text, &err), LR_EDATA);
    assert_string_equal(err.text, "search.seeds has a value that no plan can have");
    memcpy(key, "\"seeds\": 3", strlen("\"seeds\": 3"));
    key = strstr(text, "\"horizons\"");
    assert_non_null(key);
    memcpy(key, "\"horizonz\"", strlen("\"horizonz\"")); /* it has no default */
    err.code = 0;
    assert_int_equal(plan_from_json(&back, text, &err), LR_EDATA);
    assert_non_null(strstr(err.text, "has no search.horizons: it was written by another version"));
    text[2] = '\0';
    err.code = 0;
    assert_int_equal(plan_from_json(&back, text, &err), LR_EDATA);
    assert_non_null(strstr(err.text, "line 2: "));
    lr_free(text);
    err.code = 0;
    assert_int_equal(plan_from_json(&back, "[]", &err), LR_EDATA);
    assert_string_equal(err.text, "holds a list in place of a plan; it is damaged");
}

static void drop(json_t *root, const char *section, const char *key)
{
    assert_int_equal(json_object_del(json_object_get(root, section), key), 0);
}

/* A key that came later has its default, alone, within another key and with its whole section. */
static void absent_keys_have_defaults(void **state)
{
    static struct plan back;
    struct lr_error err = {0};
    char differences[256];
    (void)state;
    char *text = json_under(NULL);
    json_t *root = json_loads(text, 0, NULL), *trainer = json_object_get(root, "trainer");
    drop(root, "search", "seeds");
    drop(root, "search", "min_gain");
    assert_int_equal(json_object_del(json_object_get(trainer, "diverged"), "exit"), 0);
    assert_int_equal(json_object_del(root, "limits"), 0);
    char *earlier = json_dumps(root, JSON_REAL_PRECISION(17));
    assert_int_equal(plan_from_json(&back, earlier, &err), 0);
    assert_int_equal(plan_case.search.seeds, 3);
    assert_int_equal(back.search.seeds, 1);
    SAME(back.search.min_gain, 0.005);
    SAME(back.limits.max_failures, 10);
    assert_memory_equal(&back.trainer, &plan_case.trainer, sizeof(back.trainer));
    assert_int_equal(plan_diff(earlier, text, differences, sizeof(differences)), 1);
    assert_string_equal(differences, "search.seeds (1 -> 3)");
    free(earlier);
    json_decref(root);
    lr_free(text);
}

/* It may say what this version does not know. */
static void later_version(void **state)
{
    static struct plan back;
    struct lr_error err = {0};
    (void)state;
    char *text = json_under(NULL);
    assert_int_equal(plan_json_check_version(text, &err), 0);
    char *version = strstr(text, "\"version\": 1");
    assert_non_null(version);
    version[strlen("\"version\": ")] = '2';
    assert_int_equal(plan_json_check_version(text, NULL), LR_EDATA);
    assert_int_equal(plan_from_json(&back, text, &err), LR_EDATA);
    assert_string_equal(err.text,
                        "is a plan of version 2, and lrsearch " LRSEARCH_VERSION
                        " knows versions up to 1: a later lrsearch wrote it; use that one");
    lr_free(text);
}

/* A run of the version that had no Muon goes on, and is read. */
static void earlier_versions(void **state)
{
    static const char *const keys[][2] = {{"simulate", "decay"},
                                          {"simulate", "decay_tokens"},
                                          {"simulate", "decay_curvature"},
                                          {"model", "vector_lr_ratio"},
                                          {"model", "embedding_lr_exponent"},
                                          {"training", "optimizer"},
                                          {"training", "muon_lr_scale"},
                                          {"training", "muon_momentum"},
                                          {"training", "decay_rule"},
                                          {"search", "weight_decay"},
                                          {"budget", "share_of_target"},
                                          {"target", "weight_decay"},
                                          {"trainer", "launcher"},
                                          {"trainer", "concurrent_trials"},
                                          {"trainer", "nodes_per_trial"},
                                          {"trainer", "cpus_per_trial"}};
    static struct plan back;
    struct lr_error err = {0};
    char differences[256];
    (void)state;
    char *text = json_under("training.weight_decay=0.3");
    json_t *root = json_loads(text, 0, NULL);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        drop(root, keys[i][0], keys[i][1]);
    char *earlier = json_dumps(root, JSON_REAL_PRECISION(17));
    assert_int_equal(plan_from_json(&back, earlier, &err), 0);
    assert_memory_equal(&back, &plan_case, sizeof(back));
    assert_int_equal(plan_diff(earlier, text, differences, sizeof(differences)), 0);
    char *muon = json_under("training.optimizer=muon");
    assert_true(plan_diff(earlier, muon, differences, sizeof(differences)) > 0);
    assert_non_null(strstr(differences, "training.optimizer (\"adamw\" -> \"muon\")"));
    lr_free(muon);
    free(earlier);
    json_decref(root);
    lr_free(text);
}

static void diff(void **state)
{
    static const struct {
        const char *set;
        int count;
        const char *text;
    } cases[] = {
        {NULL, 0, ""},
        {"search.seeds=1", 1, "search.seeds (3 -> 1)"},
        {"training.warmup=0.3", 1, "training.warmup (0.02 -> 0.3)"},
        {"search.horizons=[2M, 4M]", 1,
         "search.horizons ([2000000, 4000000, 8000000] -> [2000000, 4000000])"},
        {"name=other", 1, "name (\"nightly-6m\" -> \"other\")"},
        {"training.clip=1", 1, "training.clip (null -> 1)"},
        {"data.repeat=false", 1, "data.repeat (true -> false)"},
        {"search.lr=[1e-4, 3.0000000000000000001e-2]", 0, ""}, /* the same double */
        {"output.dir=/tmp/y", 0, ""},
        {"budget.tokens=300M", 0, ""},
        {"limits.silence=none", 0, ""},
    };
    char out[256];
    (void)state;
    char *old = json_under(NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *new = json_under(cases[i].set);
        assert_int_equal(plan_diff(old, new, out, sizeof(out)), cases[i].count);
        assert_string_equal(out, cases[i].text);
        lr_free(new);
    }
    assert_int_equal(
        plan_diff("{\"a\": 1, \"c\": 1}", "{\"a\": 1.0, \"b\": {\"d\": 2}}", out, sizeof(out)), 2);
    assert_string_equal(out, "c (1 -> absent), b (absent -> {\"d\": 2})");
    /* what does not fit is cut at an entry, and counted */
    assert_int_equal(plan_diff("{\"a\":1,\"b\":1,\"c\":1}", "{\"a\":2,\"b\":2,\"c\":2}", out, 20),
                     3);
    assert_string_equal(out, "a (1 -> 2), ...");
    assert_int_equal(plan_diff("{\"a\":1}", "{\"a\":2}", out, 4), 1);
    assert_string_equal(out, "...");
    assert_int_equal(plan_diff("{\"a\":1}", "{\"a\":2}", out, 0), 1);
    assert_int_equal(plan_diff("", "{}", out, sizeof(out)), LR_EINVAL);
    assert_int_equal(plan_diff(old, "[]", out, sizeof(out)), LR_EINVAL);
    lr_free(old);
}

static void json_without_memory(void **state)
{
    const char *lines;
    (void)state;
    assert_int_equal(plan_case_load(full, NULL, &lines), 0);
    json_set_alloc_funcs(lr_malloc, lr_free); /* so that jansson's allocations fail too */
    char *text = NULL;
    long n = 0;
    for (; n < 10000 && !text; n++) {
        lr_memory_fail_after(n);
        text = plan_to_json(&plan_case);
        lr_memory_fail_after(-1);
    }
    json_set_alloc_funcs(malloc, free);
    assert_non_null(text);
    assert_true(n > 50);
    lr_free(text);
}

static void trial(void **state)
{
    const char *lines;
    struct trial_spec zero;
    (void)state;
    assert_int_equal(plan_case_load(full, NULL, &lines), 0);
    struct trial_spec spec = plan_trial(&plan_case);
    memset(&zero, 0, sizeof(zero));
    assert_int_equal(spec.trainer, TRAINER_TRANSFORMER);
    SAME(spec.embedding_lr_ratio, 5.3);
    SAME(spec.output_lr_ratio, 2);
    assert_int_equal(spec.batch_tokens, 16384);
    assert_int_equal(spec.arch, ARCH_GPT);
    assert_int_equal(spec.d_model, 256);
    assert_int_equal(spec.n_layers, 6);
    assert_int_equal(spec.n_heads, 8);
    assert_int_equal(spec.context, 256);
    assert_int_equal(spec.vocab, 8192);
    assert_int_equal(spec.parametrization, PARAM_LVP);
    assert_int_equal(spec.base_width, 64);
    assert_int_equal(spec.schedule, SCHEDULE_COSINE);
    SAME(spec.warmup, .02);
    SAME(spec.final_lr, 0);
    SAME(spec.weight_decay, .2);
    SAME(spec.beta1, .8);
    SAME(spec.beta2, .99);
    SAME(spec.adam_eps, 1e-10);
    SAME(spec.clip, 0);
    assert_int_equal(spec.precision, PRECISION_BF16);
    assert_int_equal(spec.source, SOURCE_TOKENS);
    assert_int_equal(spec.val_tokens, 128000);
    assert_int_equal(spec.repeat, 1);
    SAME(spec.zipf_exponent, 1.1);
    SAME(spec.markov_weight, .5);
    /* the caller's part */
    SAME(spec.lr, 0);
    assert_int_equal(spec.seed, 0);
    assert_int_equal(spec.horizon_tokens, 0);
    assert_int_equal(spec.data_hash, 0);
}

/* Every plan that is handed out loads, and so does the first one in docs/plan.md. */
static void shipped_plans(void **state)
{
    char path[1024], line[512], plan[4096] = "";
    const char *source = getenv("LRSEARCH_SOURCE_DIR"), *lines;
    struct plan_errors errors;
    (void)state;
    if (!source)
        skip();
    snprintf(path, sizeof(path), "%s/plans/quickstart.yaml", source);
    int code = plan_load(&plan_case, path, NULL, 0, &errors);
    for (size_t i = 0; i < errors.count; i++)
        print_error("%s\n", errors.lines[i]);
    plan_errors_release(&errors);
    assert_int_equal(code, 0);

    snprintf(path, sizeof(path), "%s/docs/plan.md", source);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, "    ", 4) == 0)
            strncat(plan, line + 4, sizeof(plan) - strlen(plan) - 1);
        else if (*plan)
            break;
    }
    fclose(file);
    if (plan_case_load(plan, NULL, &lines) != 0)
        fail_msg("%s", lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(defaults),
        cmocka_unit_test(prior_of_the_exponent),
        cmocka_unit_test(synthetic_needs_no_text),
        cmocka_unit_test(text_paths),
        cmocka_unit_test(long_paths_are_refused),
        cmocka_unit_test(unusual_yaml_is_fine),
        cmocka_unit_test(json_holds_every_key),
        cmocka_unit_test(json_reads_back),
        cmocka_unit_test(earlier_versions),
        cmocka_unit_test(absent_keys_have_defaults),
        cmocka_unit_test(later_version),
        cmocka_unit_test(diff),
        cmocka_unit_test(json_without_memory),
        cmocka_unit_test(trial),
        cmocka_unit_test(shipped_plans),
    };
    return cmocka_run_group_tests(tests, plan_case_setup, plan_case_teardown);
}
