/* Losses out of files as training programs write them: which rows are taken, in which order, while
 * the file grows, is replaced or was there before; and files that are none. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "trainers/command/report_file.h"
#include "lrsearch/memory.h"

static struct {
    char folder[512], rows[8192];
    struct command_setup setup;
    struct trial_spec spec;
    struct placeholder_trial trial;
    struct report_file *file;
    struct lr_error err;
    int seconds; /* of the last write, so that times differ */
} t;

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    t.spec.batch_tokens = 100;
    t.trial = (struct placeholder_trial){.spec = &t.spec, .trial_id = 7, .attempt = 1};
    return temp_dir_make(t.folder, sizeof(t.folder));
}

static int tear_down(void **state)
{
    (void)state;
    report_file_close(t.file);
    temp_dir_remove(t.folder);
    return 0;
}

static void take(void *context, const struct report *report)
{
    size_t used = strlen(t.rows);
    (void)context;
    assert_true(report->known && isnan(report->loss_se) && !report->final);
    snprintf(t.rows + used, sizeof(t.rows) - used, report->has_tokens ? "%g@%llu " : "%g ",
             report->loss, (unsigned long long)report->tokens);
}

static int try_to_follow(const char *name, const char *loss, const char *tokens, const char *steps)
{
    report_file_close(t.file);
    t.setup.report_file = name;
    t.setup.report_loss = loss;
    t.setup.report_tokens = tokens;
    t.setup.report_steps = steps;
    memset(&t.err, 0, sizeof(t.err));
    const struct report_file_request request = {&t.setup, &t.trial, t.folder, &t, take};
    return report_file_open(&t.file, &request, &t.err);
}

static void follow(const char *name, const char *loss, const char *tokens, const char *steps)
{
    assert_int_equal(try_to_follow(name, loss, tokens, steps), 0);
}

static char *path_of(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof(path), "%s/%s", t.folder, name);
    return path;
}

static void put(const char *name, const char *mode, const char *text)
{
    FILE *file = fopen(path_of(name), mode);
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    const struct timespec times[2] = {{1700000000 + ++t.seconds, 0}, {1700000000 + t.seconds, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path_of(name), times, 0), 0);
}

static int rename_to(const char *from, const char *to)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s", path_of(from));
    return rename(path, path_of(to));
}

/* Reads until there is no more, and compares the rows that came. */
static void expect_at(int line, bool final, const char *rows)
{
    int rc;
    t.rows[0] = '\0';
    while ((rc = report_file_read(t.file, final, &t.err)) > 0 && (rc & REPORT_FILE_MORE))
        ;
    if (rc < 0 || strcmp(t.rows, rows) != 0)
        fail_msg("line %d: %s instead of %s; %s", line, t.rows, rows, t.err.text);
}
#define EXPECT(rows) expect_at(__LINE__, false, rows)
#define EXPECT_LAST(rows) expect_at(__LINE__, true, rows)

static void expect_error(bool final, const char *text)
{
    int rc = 0;
    for (int i = 0; i < 20 && rc >= 0; i++) /* a line that may be half there is tried again */
        rc = report_file_read(t.file, final, &t.err);
    assert_true(rc < 0);
    if (!strstr(t.err.text, text))
        fail_msg("%s instead of %s", t.err.text, text);
    memset(&t.err, 0, sizeof(t.err));
}

static void expect_why(const char *text)
{
    char why[256];
    assert_string_equal(report_file_why(t.file, why, sizeof(why)), text);
}

/* ---- formats ---- */

static void json_lines(void **state)
{
    (void)state;
    follow("{trial}.jsonl", "eval/loss", "train/tokens", NULL);
    EXPECT("");
    put("7.jsonl", "w", "{\"eval/loss\": 4.5, \"train/tokens\": 100, \"lr\": 1e-3}\n{\"eval/lo");
    EXPECT("4.5@100 ");
    EXPECT("");
    put("7.jsonl", "a", "ss\": 4.0, \"train/tokens\": 2e2}\n\r\n{\"train/tokens\": 300}\n");
    EXPECT("4@200 ");
    put("7.jsonl", "a", "{\"eval/loss\": 3.5}\n"); /* the tokens are those of the row before */
    EXPECT("3.5@300 ");
    put("7.jsonl", "a", "{\"eval\": {\"loss\": 3.25}, \"train\": {\"tokens\": 400, \"x\": []}}");
    EXPECT("");
    EXPECT_LAST("3.25@400 ");
}

static void names_are_paths_as_well(void **state)
{
    (void)state;
    follow("a", "a/b/c", "a/b/n", NULL);
    put("a", "w",
        "{\"a/b/c\": 1}\n{\"a/b\": {\"c\": 2, \"n\": 5}}\n{\"a\": {\"b/c\": 3}, \"a/b/n\": 6}\n"
        "{\"a\": {\"b\": {\"c\": 4}}, \"a/b\": 9}\n{\"a\": {\"b\": [{\"c\": 5, \"n\": 7}, {\"c\": "
        "6, \"n\": 8}]}}\n[1, {\"a/b/c\": 7}, null]\n3\n");
    EXPECT("1 2@5 3@6 4@6 5@7 6@8 7@8 ");
    follow("a", "loss", NULL, NULL);
    put("a", "w", "[{\"loss\": 1},\n {\"loss\": 2}]\n");
    EXPECT("1 2 ");
    follow("b", "loss", "tokens", NULL); /* a document at first, then the first line of several */
    put("b", "w", "[{\"loss\": 1}, {\"loss\": 2, \"tokens\": 3}]");
    EXPECT("1 2@3 ");
    put("b", "a", "\n{\"loss\": 4}\n");
    EXPECT("1 2@3 4@3 ");
}

static void losses_that_are_not_finite(void **state)
{
    (void)state;
    follow("a", "loss", NULL, "step");
    put("a", "w",
        "{\"step\": 1, \"loss\": NaN}\n{\"loss\": Infinity}\n{\"loss\": -Infinity}\n"
        "{\"step\": 2, \"loss\": null}\n{\"loss\": \"NaN\"}\n{\"loss\": 1e999}\n");
    EXPECT("nan@100 inf@100 -inf@100 nan@200 inf@200 ");
    follow("b", "loss", NULL, "step");
    put("b", "w", "step,loss\n1,nan\n2,\n3,-inf\n4,NaN\n,1e999\n");
    EXPECT("nan@100 -inf@300 nan@400 inf@400 ");
}

/* trainer_state.json of the Hugging Face trainer, in checkpoint-N/ and at the end beside it. */
static void hugging_face(void **state)
{
    static const char *const head =
        "{\n  \"best_global_step\": null,\n  \"best_metric\": null,\n"
        "  \"best_model_checkpoint\": null,\n  \"epoch\": 0.5,\n  \"eval_steps\": 500,\n"
        "  \"global_step\": 500,\n  \"is_hyper_param_search\": false,\n"
        "  \"is_local_process_zero\": true,\n  \"is_world_process_zero\": true,\n"
        "  \"log_history\": [\n    {\n      \"epoch\": 0.25,\n      \"grad_norm\": 1.05,\n"
        "      \"learning_rate\": 4.8e-06,\n      \"loss\": 5.1677,\n      \"step\": 250\n    },\n"
        "    {\n      \"epoch\": 0.5,\n      \"eval_loss\": 4.5,\n      \"eval_runtime\": 9.01,\n"
        "      \"eval_samples_per_second\": 22.6,\n      \"step\": 500\n    }";
    static const char *const more =
        ",\n    {\n      \"epoch\": 1.0,\n      \"eval_loss\": NaN,\n      \"step\": 1000\n    }";
    static const char *const tail =
        "\n  ],\n  \"logging_steps\": 250,\n  \"max_steps\": 1000,\n  \"num_train_epochs\": 1,\n"
        "  \"save_steps\": 500,\n  \"stateful_callbacks\": {\n    \"TrainerControl\": {\n"
        "      \"args\": {\n        \"should_save\": true\n      },\n      \"attributes\": {}\n"
        "    }\n  },\n  \"total_flos\": 1.2e15,\n  \"train_batch_size\": 8,\n"
        "  \"trial_name\": null,\n  \"trial_params\": null\n}\n";
    (void)state;
    follow("out/checkpoint-*/trainer_state.json", "log_history/eval_loss", NULL,
           "log_history/step");
    EXPECT("");
    assert_int_equal(mkdir(path_of("out"), 0700) | mkdir(path_of("out/checkpoint-500"), 0700) |
                         mkdir(path_of("out/checkpoint-1000"), 0700),
                     0);
    put("out/checkpoint-500/trainer_state.json", "w", head);
    EXPECT(""); /* half of it */
    put("out/checkpoint-500/trainer_state.json", "a", tail);
    EXPECT("4.5@50000 ");
    EXPECT("");
    put("out/checkpoint-1000/trainer_state.json", "w", head);
    put("out/checkpoint-1000/trainer_state.json", "a", more);
    put("out/checkpoint-1000/trainer_state.json", "a", tail);
    EXPECT("4.5@50000 nan@100000 ");
    /* the newest one is removed: the older one does not count again */
    assert_int_equal(unlink(path_of("out/checkpoint-1000/trainer_state.json")), 0);
    EXPECT_LAST("");

    follow("out/eval_results.json", "eval_loss", NULL, NULL);
    put("out/eval_results.json", "w", "{\n    \"epoch\": 1.0,\n    \"eval_loss\": 3.25\n}");
    EXPECT_LAST("3.25 ");
    follow("one_line.json", "log_history/eval_loss", NULL, "global_step");
    put("one_line.json", "w", "{\"log_history\": [{\"eval_loss\": 3}], \"global_step\": 2}");
    EXPECT("3@200 ");
    EXPECT_LAST("3@200 ");
    follow("no_row.json", "log_history/eval_loss", NULL, "log_history/step");
    put("no_row.json", "w", "{\"log_history\": [{\"loss\": 3, \"step\": 1}]}");
    EXPECT_LAST("");
    expect_why("no_row.json has no log_history/eval_loss; it has loss, step");
}

/* metrics.csv of Lightning's CSVLogger: lines end with \r\n, cells may be empty, and the file is
 * written anew when a column is added. */
static void lightning(void **state)
{
    (void)state;
    follow("lightning_logs/version_*/metrics.csv", "val_loss", NULL, "step");
    assert_int_equal(mkdir(path_of("lightning_logs"), 0700) |
                         mkdir(path_of("lightning_logs/version_0"), 0700),
                     0);
    put("lightning_logs/version_0/metrics.csv", "w",
        "epoch,step,train_loss\r\n0,49,5.25\r\n0,99,4.75\r\n");
    EXPECT("");
    expect_why("lightning_logs/version_*/metrics.csv has no val_loss; it has epoch, step, "
               "train_loss");
    put("lightning_logs/version_0/metrics.csv", "w",
        "epoch,step,train_loss,val_loss\r\n0,49,5.25,\r\n0,99,4.75,\r\n0,99,,4.5\r\n");
    EXPECT("4.5@9900 ");
    put("lightning_logs/version_0/metrics.csv", "a", "1,149,4.25,\r\n1,199,,\"4.0\"\r\n");
    EXPECT("4@19900 ");
    put("lightning_logs/version_0/metrics.csv", "a", "1,200,,3.5");
    EXPECT("");
    EXPECT_LAST("3.5@20000 ");
    assert_true(report_file_is_whole(t.file));
}

static void tokens_that_are_named_are_there(void **state)
{
    (void)state;
    follow("a", "loss", "tokens", NULL);
    put("a", "w", "{\"loss\": 3, \"iter\": 1, \"tokens\": null}\n{\"loss\": 2, \"iter\": 2}\n");
    EXPECT("3 2 ");
    assert_false(report_file_is_whole(t.file));
    expect_why("a has no tokens; it has loss, iter");
    put("a", "a", "{\"loss\": 1, \"tokens\": 3}\n");
    EXPECT("1@3 ");
    assert_true(report_file_is_whole(t.file));
    follow("b", "loss", NULL, "steps");
    put("b", "w", "step,loss\n1,3\n");
    EXPECT("3 ");
    expect_why("b has no steps; it has step, loss");
    follow("c", "loss", NULL, NULL);
    put("c", "w", "step,loss\n1,3\n");
    EXPECT("3 ");
    assert_true(report_file_is_whole(t.file));
}

static void csv_of_others(void **state)
{
    (void)state;
    /* a byte order mark, a header that comes again, a column named as another one's cell */
    follow("a.csv", "loss", "tokens", NULL);
    put("a.csv", "w", "\xef\xbb\xbf\"loss\", kind ,tokens\n3.5,loss,100.0\nloss,kind,tokens\n");
    EXPECT("3.5@100 ");
    put("a.csv", "a", "3,tokens,200\n");
    EXPECT("3@200 ");
    put("a.csv", "a", "none,,300\n");
    expect_error(false, "a.csv, line 5 has no number loss");
    follow("b.csv", "loss", "tokens", NULL);
    put("b.csv", "w", "loss,tokens\n3,1.5\n");
    expect_error(true, "b.csv, line 2 has 1.5 tokens, which is no whole number");
    follow("c.csv", "loss", "tokens", NULL);
    put("c.csv", "w", "loss,tokens\n2e30,1\n");
    expect_error(true, "c.csv, line 2 has the loss 2e+30, and no loss is beyond 1e30");
}

/* ---- what becomes of the file ---- */

static void replaced_files(void **state)
{
    (void)state;
    follow("a", "loss", NULL, NULL);
    put("a", "w", "{\"loss\": 5}\n{\"loss\": 4}\n");
    EXPECT("5 4 ");
    put("b", "w", "{\"loss\": 3}\n"); /* by rename */
    assert_int_equal(rename_to("b", "a"), 0);
    EXPECT("3 ");
    put("a", "w", "{\"loss\": 2}\n"); /* as long as before */
    EXPECT("2 ");
    put("a", "w", ""); /* shorter, then as long with another end */
    EXPECT("");
    put("a", "a", "{\"loss\": 1}\n{\"x\": 2}\n");
    EXPECT("1 ");
    put("a", "w", "{\"loss\": 6}\n{\"x\": 2}\n{\"loss\": 7}\n"); /* longer, with another begin */
    EXPECT("6 7 ");
    assert_int_equal(unlink(path_of("a")), 0);
    EXPECT_LAST("");
}

static void files_from_before(void **state)
{
    (void)state;
    put("a.jsonl", "w", "{\"loss\": 5}\n{\"loss\": NaN}\n");
    follow("a.jsonl", "loss", NULL, NULL);
    EXPECT_LAST("");
    expect_why("a.jsonl is from before this attempt, which wrote nothing to it");
    follow("a.jsonl", "loss", NULL, NULL); /* the second attempt goes on in it */
    put("a.jsonl", "a", "{\"loss\": 4}\n");
    EXPECT("4 ");
    EXPECT_LAST("");
    follow("a.jsonl", "loss", NULL, NULL); /* it writes the same again, at once */
    put("a.jsonl", "w", "{\"loss\": 5}\n{\"loss\": 3}\n{\"loss\": 4}\n");
    EXPECT_LAST("5 3 4 ");
    follow("a.jsonl", "loss", NULL, NULL); /* the same bytes */
    put("a.jsonl", "w", "{\"loss\": 5}\n{\"loss\": 3}\n{\"loss\": 4}\n");
    EXPECT("5 3 4 ");
    put("a.jsonl", "a", "{\"loss\": 2}\n");
    EXPECT("2 ");

    put("b.csv", "w", "step,loss\n1,nan\n");
    follow("b.csv", "loss", NULL, "step");
    put("b.csv", "a", "2,4\n");
    EXPECT("4@200 ");

    put("run-1.json", "w", "{\"loss\": 5}");
    put("run-2.json", "w", "{\"loss\": 4}");
    follow("run-*.json", "loss", NULL, NULL);
    EXPECT_LAST("");
    expect_why("run-*.json is from before this attempt, which wrote nothing to it");
    follow("run-*.json", "loss", NULL, NULL);
    put("run-1.json", "w", "{\"loss\": 3}");
    EXPECT_LAST("3 ");
    follow("none/*.json", "loss", NULL, NULL);
    EXPECT_LAST("");
    expect_why("none/*.json was not written");
}

static void much_at_once(void **state)
{
    (void)state;
    follow("a", "loss", NULL, NULL);
    FILE *file = fopen(path_of("a"), "w");
    assert_non_null(file);
    for (int i = 0; i < 40000; i++) /* 2 MB */
        fprintf(file, "{\"x\": \"%040d\"}\n", i);
    fprintf(file, "{\"loss\": 3, \"x\": \"%01500000d\"}\n{\"loss\": 2}\n", 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(report_file_read(t.file, false, &t.err), REPORT_FILE_NEWS | REPORT_FILE_MORE);
    assert_string_equal(t.rows, "");
    EXPECT("3 2 ");
    EXPECT("");
}

/* ---- files that are none ---- */

static void long_lines(void **state)
{
    static const char *const begins[] = {"", "{\"loss\": \"", "step,loss\n1,", "{\n\"x\": \""};
    (void)state;
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        follow("a", "loss", NULL, "step");
        put("a", "w", begins[i]);
        assert_int_equal(truncate(path_of("a"), 10000000000), 0); /* 10 GB of NUL */
        expect_error(i % 2, "a has a line or a JSON document of more than 8 MiB");
        assert_int_equal(unlink(path_of("a")), 0);
    }
}

static void no_files(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_true(try_to_follow("pipe", "loss", NULL, NULL) < 0);
    assert_string_equal(t.err.text, "trainer.report: pipe is a pipe, and no regular file");
    assert_null(t.file);
    assert_true(try_to_follow(".", "loss", NULL, NULL) < 0);
    assert_string_equal(t.err.text, "trainer.report: . is a folder, and no regular file");
    assert_true(try_to_follow("{trail}", "loss", NULL, NULL) < 0);
    assert_non_null(strstr(t.err.text, "trainer.report: at byte 2: {trail} is not known"));
    follow("pip?", "loss", NULL, NULL);
    EXPECT_LAST("");
    follow("zero", "loss", NULL, NULL);
    EXPECT("");
    assert_int_equal(symlink("/dev/zero", path_of("zero")), 0);
    expect_error(false, "zero is a device or a socket, and no regular file");
    follow("late", "loss", NULL, NULL);
    assert_int_equal(mkfifo(path_of("late"), 0600), 0);
    expect_error(true, "late is a pipe");
    follow("none/of/it", "loss", NULL, NULL);
    EXPECT_LAST("");
    expect_why("none/of/it was not written");
}

static void texts_that_are_no_rows(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"{\"loss\": 3}\n{'loss': 4}\n", "a, line 2 is no JSON: "},
        {"{\"loss\": 3}\n\xff\xfe\n", "a, line 2 is no JSON: "},
        {"{\"loss\": 3}\n{\"loss\": \"4\"}\n", "a, line 2 has no number loss"},
        {"{\"loss\": 3}\n\n{\"loss\": {\"a\": 1}}\n", "a, line 3 has no number loss"},
        {"{\"loss\": 3, \"step\": \"4\"}\n", "a, line 1 has no number step"},
        {"{\"loss\": 3, \"step\": -1}\n", "a, line 1 has -100 tokens"},
        {"{\"loss\": 3, \"step\": 1e300}\n", "a, line 1 has 1e+302 tokens"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        follow("a", "loss", NULL, "step");
        put("a", "w", cases[i].text);
        assert_true(report_file_read(t.file, false, &t.err) >= 0); /* it may be half there */
        expect_error(i % 2, cases[i].error);
        assert_int_equal(unlink(path_of("a")), 0);
    }
    follow("a", "loss", NULL, NULL);
    put("a", "w", "{\n\"loss\": 3\n");
    for (int k = 0; k < 20; k++)
        assert_true(report_file_read(t.file, false, &t.err) >= 0);
    expect_error(true, "a is no JSON: ");
    follow("b", "loss", NULL, NULL); /* the half of a line that the other half follows */
    put("b", "w", "{\"loss\": 3}\n");
    EXPECT("3 ");
    put("b", "a", "{\"loss\n");
    EXPECT("");
    put("b", "r+", "{\"loss\": 3}\n{\"loss\": 2}\n");
    EXPECT("2 ");
    follow("c", "loss", NULL, NULL);
    put("c", "w",
        "\x7f"
        "ELF\x02\x01\n\x01\x02,\"\n");
    EXPECT_LAST("");
    expect_why("c has no loss; it has \x7f"
               "ELF\x02\x01");
}

/* ---- the program's folder and memory ---- */

static void wildcards_of_the_folder_are_plain(void **state)
{
    (void)state;
    assert_true(report_file_is_pattern("a*/{trial}") && report_file_is_pattern("[x]"));
    assert_false(report_file_is_pattern("a/{lr*2}.csv"));
    assert_int_equal(mkdir(path_of("a[b]*"), 0700), 0);
    strcat(t.folder, "/a[b]*");
    follow("x-*", "loss", NULL, NULL);
    put("x-1", "w", "loss\n3\n");
    EXPECT("3 ");
    assert_int_equal(mkdir(path_of(".d"), 0700), 0);
    follow(".[d]/.x", "loss", NULL, NULL);
    put(".d/.x", "w", "loss\n4\n");
    EXPECT("4 ");
    *strrchr(t.folder, '/') = '\0';
    follow(path_of("y"), "loss", NULL, NULL); /* an absolute name */
    put("y", "w", "loss\n2\n");
    EXPECT("2 ");
}

static void memory_may_run_out(void **state)
{
    (void)state;
    put("a-1", "w", "{\"loss\": 3}\n");
    for (long n = 0;; n++) {
        lr_memory_fail_after(n);
        int rc = try_to_follow("a-*", "loss", NULL, NULL);
        if (!rc) {
            put("a-1", "w", "{\"loss\": 3}\n");
            rc = report_file_read(t.file, true, &t.err);
        }
        lr_memory_fail_after(-1);
        if (rc >= 0 && n > 20)
            break;
        assert_true(rc >= 0 || t.err.code == LR_ENOMEM || t.err.code == LR_EDATA);
    }
    assert_string_equal(t.rows + strlen(t.rows) - 2, "3 ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(json_lines),
        TEST(names_are_paths_as_well),
        TEST(losses_that_are_not_finite),
        TEST(hugging_face),
        TEST(lightning),
        TEST(tokens_that_are_named_are_there),
        TEST(csv_of_others),
        TEST(replaced_files),
        TEST(files_from_before),
        TEST(much_at_once),
        TEST(long_lines),
        TEST(no_files),
        TEST(texts_that_are_no_rows),
        TEST(wildcards_of_the_folder_are_plain),
        TEST(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
