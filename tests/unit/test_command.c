/* What stands between a user's program and the trainer: placeholders, lines out of bytes, reports
 * out of lines, the end of the output, and the file that says what the program is. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "trainers/command/command_file.h"
#include "trainers/command/command_launch.h"
#include "trainers/command/command_output.h"
#include "trainers/command/command_port.h"
#include "trainers/command/report_reader.h"
#include "lrsearch/placeholder.h"

/* ---- placeholders ---- */

static void expand(const char *text, const char *expected)
{
    struct trial_spec spec = {
        .lr = .1 + .2, .horizon_tokens = 5000000000, .seed = 7, .d_model = 64};
    const struct placeholder_trial trial = {
        .spec = &spec, .trial_id = 12, .attempt = 2, .worker = 3, .gpus = "6,7"};
    struct lr_error err = {0};
    char out[64];
    if (placeholder_expand(out, sizeof(out), text, &trial, &err)) {
        assert_int_equal(err.code, LR_EPLAN);
        assert_non_null(strstr(err.text, expected));
    } else {
        assert_string_equal(out, expected);
    }
}

static void placeholders_are_filled_in(void **state)
{
    (void)state;
    expand("", "");
    expand("--lr={lr}", "--lr=0.30000000000000004");
    expand("{tokens}/{seed}/{trial}.{attempt}", "5000000000/7/12.2");
    expand("{d_model}{parametrization}{checkpoint}", "64sp");
    expand("{optimizer}", "adamw");
    expand("{worker} {gpus}", "3 6,7");
    expand("{port}", "{port} has no value: give a host that has a free one");
    expand("{{lr}} }", "{lr} }");
    expand("{{{lr}}}", "{0.30000000000000004}");
    expand("{lrr}", "{lrr} is not known; there are lr, tokens, seed, ");
    expand("{}", "{} is not known");
    expand("{lr", "a brace is not closed");
    expand("{vocab}", "{vocab} has no value: give model.vocab");
    expand("012345678901234567890123456789012345678901234567890123456789{tokens}",
           "is too long (at most 63 bytes)");
}

/* ---- lines ---- */

struct heard {
    char text[64];
    size_t longest;
    unsigned lines, cut;
};

static void on_line(void *context, const char *line, size_t length, bool cut)
{
    struct heard *heard = context;
    size_t used = strlen(heard->text);
    assert_int_equal(line[length], '\0');
    snprintf(heard->text + used, sizeof(heard->text) - used, "%.5s|", line);
    heard->longest = length > heard->longest ? length : heard->longest;
    heard->lines++;
    heard->cut += cut;
}

static void lines_are_cut_out_of_bytes(void **state)
{
    struct heard heard = {0};
    struct output_lines lines = {.line = on_line, .context = &heard};
    (void)state;
    static const char bytes[] = "one\ntwo\r\n\n10%\r20%\rend";
    for (size_t i = 0; i + 1 < sizeof(bytes); i++)
        output_lines_push(&lines, bytes + i, 1);
    assert_string_equal(heard.text, "one|two|10%|20%|");
    output_lines_end(&lines);
    assert_string_equal(heard.text, "one|two|10%|20%|end|");
    output_lines_end(&lines);
    assert_int_equal(heard.lines, 5);
}

static void long_lines_are_told_before_they_end(void **state)
{
    struct heard heard = {0};
    struct output_lines lines = {.line = on_line, .context = &heard};
    char block[1000];
    (void)state;
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 4; i++)
        output_lines_push(&lines, block, sizeof(block));
    assert_int_equal(heard.lines, 0);
    output_lines_push(&lines, block, 96);
    assert_int_equal(heard.lines, 0); /* just fits */
    output_lines_push(&lines, block, sizeof(block));
    output_lines_push(&lines, block, sizeof(block));
    assert_int_equal(heard.lines, 1);
    assert_int_equal(heard.cut, 1);
    assert_int_equal(heard.longest, OUTPUT_LINE);
    output_lines_push(&lines, "\nnext\n", 6);
    assert_string_equal(heard.text, "xxxxx|next|");
    assert_int_equal(heard.cut, 1);
}

/* ---- the end of the output ---- */

static void the_last_lines_are_kept(void **state)
{
    char folder[512], path[600], text[1024], last[8];
    struct output_tail *tail = calloc(1, sizeof(*tail));
    struct lr_error err = {0};
    (void)state;
    assert_non_null(tail);
    assert_string_equal(output_tail_last(tail, last, sizeof(last)), "");
    for (int i = 1; i <= 53; i++) {
        int length = snprintf(text, sizeof(text), "%d\x80\t line", i);
        output_tail_add(tail, text, (size_t)length);
    }
    assert_string_equal(output_tail_last(tail, last, sizeof(last)), "53?? li");
    assert_int_equal(temp_dir_make(folder, sizeof(folder)), 0);
    snprintf(path, sizeof(path), "%s/tail", folder);
    assert_int_equal(output_tail_write(tail, path, "head", &err), 0);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    const char *begin = "head\n(3 earlier lines are not kept)\n4\x80\t line\n5";
    assert_memory_equal(text, begin, strlen(begin));
    assert_non_null(strstr(text, "\n53\x80\t line\n"));
    snprintf(path, sizeof(path), "%s/none/tail", folder);
    assert_int_equal(output_tail_write(tail, path, "head", &err), LR_ECREATE);
    temp_dir_remove(folder);
    free(tail);
}

/* ---- reports ---- */

static struct report report;
static struct lr_error why;

/* 1: it is a report; 0: ordinary output. */
static int read_line(enum report_way way, const char *pattern, const char *line)
{
    struct report_reader *reader;
    memset(&why, 0, sizeof(why));
    int rc = report_reader_create(&reader, way, pattern, &why);
    if (!rc)
        rc = report_reader_read(reader, line, strlen(line), false, &report, &why);
    report_reader_destroy(reader);
    return rc ? rc : report.known;
}

static void good_reports(void **state)
{
    (void)state;
    assert_int_equal(read_line(REPORT_FD, "true", "{\"tokens\": 12, \"loss\": 3}"), 1);
    assert_true(report.has_tokens && !report.final && isnan(report.loss_se));
    assert_false(report.has_begun);
    assert_int_equal(report.tokens, 12);
    assert_true(report.loss == 3);
    assert_int_equal(
        read_line(REPORT_FD, "true", "{\"final\":true,\"loss\":2.5e0,\"loss_se\":.01,\"x\":[]}"),
        LR_EDATA); /* .01 is no JSON */
    assert_int_equal(
        read_line(
            REPORT_FD, "true",
            "{\"tokens\":1e6,\"final\":true,\"loss\":2.5,\"loss_se\":0.01,\"NaN\":\"a NaN\"}"),
        1);
    assert_true(report.final && report.tokens == 1000000);
    assert_true(report.loss_se == .01);
    assert_int_equal(
        read_line(REPORT_FD, "true", "{\"tokens\": 12, \"begun_tokens\": 8, \"loss\": 3}"), 1);
    assert_true(report.has_begun && report.begun_tokens == 8);
    assert_int_equal(read_line(REPORT_PREFIX, "@@ ", "@@ {\"final\": true, \"loss\": 3}"), 1);
    assert_false(report.has_tokens);
    assert_int_equal(read_line(REPORT_PREFIX, "@@ ", "@ {\"final\": true, \"loss\": 3}"), 0);
    assert_int_equal(read_line(REPORT_PREFIX, "@@ ", "@"), 0);
}

static void losses_that_are_not_finite(void **state)
{
    static const char *const lines[] = {"{\"tokens\":1,\"loss\":NaN}",
                                        "{\"tokens\":1,\"loss\":-Infinity}",
                                        "{\"tokens\":1,\"loss\": Infinity }",
                                        "{\"tokens\":1,\"loss\":\"nan\"}",
                                        "{\"tokens\":1,\"loss\":\"+inf\"}",
                                        "{\"loss\":\"Infinity\",\"tokens\":1}",
                                        "{\"at\":\"C:\\\\\",\"tokens\":1,\"loss\":NaN}",
                                        "{\"tokens\":1,\"loss\":Infinity,\"loss_se\":Infinity}",
                                        "{\"tokens\":1,\"loss\":1e400}",
                                        "{\"tokens\":1,\"loss\": -1.5E+400 }",
                                        "{\"tokens\":1,\"loss\":1e400,\"loss_se\":1e999}"};
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_int_equal(read_line(REPORT_FD, "true", lines[i]), 1);
        assert_true(!isfinite(report.loss));
    }
}

static void large_losses_that_are_losses(void **state)
{
    (void)state;
    assert_int_equal(read_line(REPORT_FD, "true", "{\"tokens\":1,\"loss\":1e30}"), 1);
    assert_true(report.loss == 1e30);
    assert_int_equal(
        read_line(REPORT_FD, "true", "{\"tokens\":1,\"loss\":-10000000000000000000000}"), 1);
    assert_true(report.loss == -1e22);
    assert_int_equal(read_line(REPORT_FD, "true", "{\"a1e400\":\"1e400\",\"tokens\":1,\"loss\":2}"),
                     1);
    assert_true(report.loss == 2);
    assert_int_equal(read_line(REPORT_FD, "true", "{\"tokens\":1,\"loss\":0.0001e309}"), LR_EDATA);
    assert_non_null(strstr(why.text, "has the loss 1e+305"));
}

static void bad_reports(void **state)
{
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"step 1: 3.5", "is no JSON: "},
        {"{\"tokens\":1,\"loss\":3", "is no JSON: "},
        {"{\"loss\":3,\"loss\":4,\"final\":true}", "is no JSON: duplicate object key"},
        {"[1]", "is no JSON object"},
        {"{\"tokens\":1}", "has no number \"loss\""},
        {"{\"tokens\":1,\"loss\":null}", "has no number \"loss\""},
        {"{\"tokens\":1,\"loss\":\"3.5\"}", "has no number \"loss\""},
        {"{\"tokens\":1,\"loss\":\"nanny\"}", "has no number \"loss\""},
        {"{\"loss\":3}", "has no \"tokens\", which all but the final one need"},
        {"{\"tokens\":1.5,\"loss\":3}", "\"tokens\" is no whole number"},
        {"{\"tokens\":-1,\"loss\":3}", "\"tokens\" is no whole number"},
        {"{\"tokens\":1e300,\"loss\":3}", "\"tokens\" is no whole number"},
        {"{\"tokens\":\"1\",\"loss\":3}", "\"tokens\" is no whole number"},
        {"{\"tokens\":1,\"loss\":3,\"final\":1}", "\"final\" is neither true nor false"},
        {"{\"tokens\":1,\"loss\":3,\"loss_se\":\"x\"}", "\"loss_se\" is no number"},
        {"{\"tokens\":1,\"loss\":3,\"loss_se\":-1}", "\"loss_se\" is negative or infinite"},
        {"{\"tokens\":1,\"loss\":3,\"loss_se\":Infinity}", "\"loss_se\" is negative"},
        {"{\"tokens\":1,\"loss\":3,\"begun_tokens\":0.5}", "\"begun_tokens\" is no whole number"},
        {"{\"tokens\":1e400,\"loss\":3}", "\"tokens\" is no whole number"},
        {"{\"tokens\":1,\"loss\":3,\"loss_se\":1e400}", "\"loss_se\" is negative or infinite"},
        {"{\"tokens\":1,\"loss\":1.5e30}", "has the loss 1.5e+30, and no loss is beyond 1e30"},
        {"{\"tokens\":1,\"loss\":-1e308}", "has the loss -1e+308, and no loss is beyond 1e30"},
        {"{\"tokens\":1,\"loss\":10000000000000000000000000000000}", "has the loss 1e+31, and"},
        {"{\"tokens\":1,\"loss\":3,\"loss_se\":2e30}", "\"loss_se\" 2e+30 is beyond 1e30"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(read_line(REPORT_FD, "true", cases[i].line), LR_EDATA);
        assert_non_null(strstr(why.text, cases[i].text));
    }
}

static void regex_reports(void **state)
{
    const char *both = "step (?<tokens>\\d+).* loss (?<loss>\\S+)";
    (void)state;
    assert_int_equal(read_line(REPORT_REGEX, both, "[rank 0] step 12 of 100, loss 3.25"), 1);
    assert_true(report.has_tokens && report.tokens == 12 && report.loss == 3.25);
    assert_int_equal(read_line(REPORT_REGEX, both, "step 12"), 0);
    assert_int_equal(read_line(REPORT_REGEX, both, "step 1 loss -inf"), 1);
    assert_true(isinf(report.loss));
    assert_int_equal(read_line(REPORT_REGEX, both, "step 1 loss 1e400"), 1);
    assert_true(isinf(report.loss));
    assert_int_equal(read_line(REPORT_REGEX, both, "step 1 loss 1e31"), LR_EDATA);
    assert_non_null(strstr(why.text, "has the loss 1e+31, and no loss is beyond 1e30"));
    assert_int_equal(read_line(REPORT_REGEX, "loss (?<loss>\\S+)", "loss 3"), 1);
    assert_false(report.has_tokens);
    assert_int_equal(read_line(REPORT_REGEX, both, "step 1 loss 0x10"), LR_EDATA);
    assert_non_null(strstr(why.text, "its group loss is no number"));
    assert_int_equal(read_line(REPORT_REGEX, "(?<loss", "x"), LR_EPLAN);
    assert_int_equal(read_line(REPORT_REGEX, "loss", "x"), LR_EPLAN);
    /* one that would run for hours */
    assert_int_equal(read_line(REPORT_REGEX, "(x+x+)+(?<loss>y)",
                               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                               "zy"),
                     LR_EDATA);
    assert_non_null(strstr(why.text, "takes the regex too long"));
}

/* ---- the file ---- */

static void the_file_comes_back(void **state)
{
    char folder[512], path[TRIAL_PATH], other[TRIAL_PATH];
    uint64_t hash, again;
    struct lr_error err = {0};
    struct command_setup back, setup = {.argv = {"python3", "a b", "{lr}"},
                                        .argc = 3,
                                        .names = {"X"},
                                        .values = {"\xc3\xa9"},
                                        .variables = 1,
                                        .cwd = "/somewhere",
                                        .way = REPORT_PREFIX,
                                        .pattern = "@ ",
                                        .gpus = 2,
                                        .kill_grace_s = .5};
    (void)state;
    assert_int_equal(temp_dir_make(folder, sizeof(folder)), 0);
    assert_int_equal(command_file_write(&setup, folder, path, &hash, &err), 0);
    assert_int_equal(command_file_write(&setup, folder, other, &again, &err), 0);
    assert_string_equal(path, other);
    assert_int_equal(command_file_read(&back, path, hash, &err), 0);
    assert_int_equal(back.argc, 3);
    assert_string_equal(back.argv[1], "a b");
    assert_null(back.argv[3]);
    assert_string_equal(back.values[0], "\xc3\xa9");
    assert_string_equal(back.pattern, "@ ");
    assert_true(back.way == REPORT_PREFIX && back.gpus == 2 && back.kill_grace_s == .5);
    command_setup_release(&back);
    assert_int_equal(command_file_read(&back, path, hash + 1, &err), LR_EDATA);
    assert_non_null(strstr(err.text, "is not what the coordinator wrote"));
    memset(&err, 0, sizeof(err));
    assert_int_equal(command_file_read(&back, "/nowhere/x", hash, &err), LR_EIO);

    static char text[4096];
    FILE *file = fopen(path, "r"); /* its hash is that of earlier versions */
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    assert_null(strstr(text, "launcher"));
    setup.launcher[0] = "srun";
    setup.launcher[1] = "--overlap";
    setup.launcher_words = 2;
    setup.nodes = 2;
    setup.cpus = 6;
    assert_int_equal(command_file_write(&setup, folder, path, &again, &err), 0);
    assert_true(again != hash);
    assert_int_equal(command_file_read(&back, path, again, &err), 0);
    assert_int_equal(back.launcher_words, 2);
    assert_string_equal(back.launcher[1], "--overlap");
    assert_true(back.nodes == 2 && back.cpus == 6 && back.argc == 3);
    command_setup_release(&back);
    temp_dir_remove(folder);
}

/* ---- ports ---- */

/* Two attempts never have the same port, also where both begin to look at the same place. */
static void ports_are_free_and_differ(void **state)
{
    struct command_port ports[40];
    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        ports[i] = command_port_take(5);
        assert_true(ports[i].port >= 20000 && ports[i].port < 29000 && ports[i].hold >= 0);
        for (uint32_t k = 0; k < i; k++)
            assert_int_not_equal(ports[k].port, ports[i].port);
    }
    struct sockaddr_in here = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons((uint16_t)ports[0].port)};
    uint32_t first = ports[0].port;
    int listens = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listens, (struct sockaddr *)&here, sizeof(here)), 0);
    assert_int_equal(listen(listens, 1), 0);
    command_port_release(&ports[0]);
    assert_int_equal(ports[0].hold, -1);
    command_port_release(&ports[0]); /* once is enough */
    ports[0] = command_port_take(5);
    assert_int_not_equal(ports[0].port, first); /* somebody listens there */
    close(listens);
    for (uint32_t i = 0; i < 40; i++)
        command_port_release(&ports[i]);
}

/* ---- the words of a launcher ---- */

static void what_ends_a_step(void **state)
{
    (void)state;
    assert_true(command_step_ended("srun: error: Node failure on n2"));
    assert_true(
        command_step_ended("slurmstepd-n1: error: *** STEP 1.5 ON n1 CANCELLED AT 2026 ***"));
    assert_true(command_step_ended("srun: error: n1: task 0: Out Of Memory"));
    assert_true(command_step_ended("srun: error: Task launch for StepId=9.9 failed on node n2: x"));
    assert_false(command_step_ended("srun: error: n1: task 0: Exited with exit code 1"));
    assert_false(command_step_ended("srun: error: n1: task 0: Killed"));
    assert_false(command_step_ended("loss 3: Out Of Memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placeholders_are_filled_in),
        cmocka_unit_test(lines_are_cut_out_of_bytes),
        cmocka_unit_test(long_lines_are_told_before_they_end),
        cmocka_unit_test(the_last_lines_are_kept),
        cmocka_unit_test(good_reports),
        cmocka_unit_test(losses_that_are_not_finite),
        cmocka_unit_test(large_losses_that_are_losses),
        cmocka_unit_test(bad_reports),
        cmocka_unit_test(regex_reports),
        cmocka_unit_test(the_file_comes_back),
        cmocka_unit_test(ports_are_free_and_differ),
        cmocka_unit_test(what_ends_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
