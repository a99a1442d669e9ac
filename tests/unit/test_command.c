/* What stands between a user's program and the trainer: placeholders, lines out of bytes, reports
 * out of lines, the end of the output, and the file that says what the program is. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "trainers/command/command_file.h"
#include "trainers/command/command_output.h"
#include "trainers/command/report_reader.h"
#include "lrsearch/placeholder.h"

/* ---- placeholders ---- */

static void expand(const char *text, const char *expected)
{
    struct trial_spec spec = {
        .lr = .1 + .2, .horizon_tokens = 5000000000, .seed = 7, .d_model = 64};
    const struct placeholder_trial trial = {.spec = &spec, .trial_id = 12, .attempt = 2};
    struct lr_error err = {0};
    char out[64];
    if (placeholder_expand(out, sizeof(out), text, &trial, &err)) {
        assert_int_equal(err.code, LR_EPLAN);
        if (!strstr(err.text, expected))
            fail_msg("%s: %s", text, err.text);
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
    expand("{{lr}} }", "{lr} }");
    expand("{{{lr}}}", "{0.30000000000000004}");
    expand("{lrr}", "{lrr} is not known; there are lr, tokens, seed, ");
    expand("a{lrr}", "at byte 3: {lrr} is not known");
    expand("{batch_token}", "; did you mean batch_tokens? (for a brace itself write it twice)");
    expand("{ lr\t}{steps}", "at byte 8: {steps} has no value: give training.batch_tokens");
    expand("x {lr", "at byte 3: a brace is not closed (for a brace itself write it twice)");
    expand("{lr}{", "at byte 5: a brace is not closed");
    expand("{vocab}", "{vocab} has no value: give model.vocab");
    expand("012345678901234567890123456789012345678901234567890123456789{tokens}",
           "is too long (at most 63 bytes)");
}

static void arithmetic_in_placeholders(void **state)
{
    (void)state;
    expand("{tokens/1000}", "5000000");
    expand("{tokens/1024/1024}", "4768.37158203125");
    expand("{tokens * 1000000}", "5000000000000000"); /* %g would give 5e+15 */
    expand("{tokens*10000000}", "5e+16");             /* beyond 2^53 */
    expand("{seed/3*3}", "7");
    expand("{-seed+2*3-1}/{-(seed - 7)}", "-2/0");
    expand("{lr*10}", "3.0000000000000004");
    expand("{lr}{(lr)}{lr*1}", "0.300000000000000040.300000000000000040.30000000000000004");
    expand("{lr*{d_model}}", "19.200000000000003");
    expand("{{{lr*{d_model}}}}", "{19.200000000000003}");
    expand("{-{-{seed}}}", "7");
    expand("{min(seed, trial)} {max ( 1,2*seed,3 )} {min(2)}", "7 14 2");
    expand("{1e3} {.5} {1.25e-2} {2.} {0}", "1000 0.5 0.0125 2 0");
    expand("{9007199254740992} {1/3}", "9007199254740992 0.3333333333333333");
}

/* Each error names its place. */
static void wrong_arithmetic(void **state)
{
    (void)state;
    expand("{}", "at byte 2: expected a number or a name (for a brace itself write it twice)");
    expand("{lr/}", "at byte 5: expected a number or a name");
    expand("{lr+*2}", "at byte 5: expected a number or a name");
    expand("{\"a\": 1}", "at byte 2: expected a number or a name");
    expand("{lr 10}", "at byte 5: expected an operator or } (for a brace itself write it twice)");
    expand("{lr^2}", "at byte 4: expected an operator or }");
    expand("{lr)}", "at byte 4: expected an operator or }");
    expand("{lr,2}", "at byte 4: expected an operator or }");
    expand("{2*(lr}", "at byte 7: expected an operator or )");
    expand("{max(lr}", "at byte 8: expected an operator or )");
    expand("{max()}", "at byte 6: expected a number or a name");
    expand("{min}", "at byte 2: {min} is not known");
    expand("{pow(lr,2)}", "at byte 2: pow() is not known; there are min and max");
    expand("{2*lrr}", "at byte 4: {lrr} is not known; there are lr, tokens, seed, ");
    expand("{2*vocab}", "at byte 4: {vocab} has no value: give model.vocab");
    expand("{2*schedule}", "at byte 4: schedule is no number and must stand alone: {schedule}");
    expand("{checkpoint+1}", "at byte 2: checkpoint is no number and must stand alone");
    expand("--x={lr/(seed-7)}", "at byte 8: division by zero");
    expand("{1e308*10}", "at byte 7: the result is too large");
    expand("{1e400}", "at byte 2: 1e400 is too large");
    expand("{0x10}", "at byte 2: expected a decimal number");
    expand("{.}", "at byte 2: expected a decimal number");
    expand("{inf}{nan}", "at byte 2: {inf} is not known");
}

/* Neither depth nor length is a danger. */
static void hostile_arithmetic(void **state)
{
    static const char *const opening[] = {"(", "{", "-", "max(", "1*(-"};
    (void)state;
    for (size_t i = 0; i < sizeof(opening) / sizeof(opening[0]); i++) {
        static char text[80000];
        size_t used = (size_t)sprintf(text, "{ "), length = strlen(opening[i]);
        for (int n = 0; n < 10000; n++, used += length)
            memcpy(text + used, opening[i], length);
        memset(text + used, '}', 10001);
        text[used + 10001] = '\0';
        expand(text, "is nested more than 64 deep");
    }
    char digits[5000] = "{", name[5000] = "{lr*";
    memset(digits + 1, '9', 4000);
    digits[4001] = '}';
    memset(name + 4, 'a', 4000);
    name[4004] = '}';
    expand(digits, "at byte 2: 99999999999999999999999999999999 is too large");
    expand(name, "at byte 5: {aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa} is not known");
    char sum[20002] = "{1";
    for (size_t i = 2; i < 20000; i += 2)
        memcpy(sum + i, "+1", 2);
    sum[20000] = '}';
    expand(sum, "10000");
}

static void steps_of_a_trial(void **state)
{
    struct trial_spec spec = {.horizon_tokens = 1000001, .batch_tokens = 512};
    const struct placeholder_trial trial = {.spec = &spec};
    char out[64];
    (void)state;
    assert_int_equal(
        placeholder_expand(out, sizeof(out), "{steps} {steps*batch_tokens}", &trial, NULL), 0);
    assert_string_equal(out, "1954 1000448");
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
    assert_false(report.has_tokens || report.has_steps);
    const char *steps = "iter (?<steps>\\S+): loss (?<loss>[^ ,]+)";
    assert_int_equal(read_line(REPORT_REGEX, steps, "iter 250: loss 3.1, time 2 ms"), 1);
    assert_true(report.has_steps && report.steps == 250 && !report.has_tokens);
    assert_int_equal(read_line(REPORT_REGEX, steps, "iter 1.5: loss 3"), LR_EDATA);
    assert_non_null(strstr(why.text, "its group steps is no whole number"));
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
    temp_dir_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placeholders_are_filled_in),
        cmocka_unit_test(arithmetic_in_placeholders),
        cmocka_unit_test(wrong_arithmetic),
        cmocka_unit_test(hostile_arithmetic),
        cmocka_unit_test(steps_of_a_trial),
        cmocka_unit_test(lines_are_cut_out_of_bytes),
        cmocka_unit_test(long_lines_are_told_before_they_end),
        cmocka_unit_test(the_last_lines_are_kept),
        cmocka_unit_test(good_reports),
        cmocka_unit_test(losses_that_are_not_finite),
        cmocka_unit_test(large_losses_that_are_losses),
        cmocka_unit_test(bad_reports),
        cmocka_unit_test(regex_reports),
        cmocka_unit_test(the_file_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
