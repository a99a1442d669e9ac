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
    expand("{worker} {gpus}", "3 6,7");
    expand("{port}", "{port} has no value: give a host that has a free one");
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
    expand("{7//2} {-7//2} {7 // 2 * 2} {7.5/ 2//1}", "3 -4 6 3");
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
                                        "{\"tokens\":1,\"loss\":1e400,\"loss_se\":1e999}",
                                        "{\"tokens\":1,\"loss\":nan}",
                                        "{\"tokens\":1,\"loss\":-nan,\"nan\":[inf,-INF]}",
                                        "{\"tokens\":1,\"loss\": inf}",
                                        "{\"loss\":-Inf,\"tokens\":1}"};
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
        {"{\"tokens\":1,\"loss\":nanny}", "is no JSON: "},
        {"{\"tokens\":1,\"loss\":info}", "is no JSON: "},
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
    assert_int_equal(read_line(REPORT_REGEX, "loss (?<loss>\\S+)", "(loss 3.5), lr 1"), 1);
    assert_true(fabs(report.loss - 3.5) < 1e-9);
    assert_int_equal(read_line(REPORT_REGEX, "loss (?<loss>\\S+)", "loss NaN, lr 1"), 1);
    assert_true(isnan(report.loss));
    assert_int_equal(read_line(REPORT_REGEX, "loss (?<loss>\\S+)", "loss 1,234"), LR_EDATA);
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

/* A regex whose number does not take nan: the word counts where a number would be the loss. */
static void words_in_place_of_a_loss(void **state)
{
    static const struct {
        const char *regex, *line;
    } diverged[] = {
        {"val_loss (?<loss>[0-9.]+)", "val_loss nan"},
        {"val_loss (?<loss>[0-9.]+)", "step 3: val_loss -nan, lr 0.1"},
        {"val_loss (?<loss>[0-9.]+)", "val_loss NaN (nancy, info: inf)"},
        {"val_loss (?<loss>[0-9.]+)", "val_loss +Infinity."},
        {"val_loss (?<loss>[0-9.]*)", "val_loss inf"},
        {"val_loss=(?<loss>\\d+\\.\\d{4}),", "val_loss=nan,"},
        {"val_loss=(?<loss>\\d+)$", "val_loss=INF"},
        {"loss (?<loss>\\d\\.\\d+e[-+]\\d+)$", "loss nan"},
        {"loss (?<loss>[\\d.]+) norm [\\d.]+", "loss nan norm inf"},
        {"nan 0, loss (?<loss>[\\d.]+)", "nan 0, loss nan"},
        {"loss.*?(?<loss>\\d+\\.\\d+)", "loss nan, lr 0.001"}, /* not a loss of 0.001 */
        {"loss tensor\\((?<loss>[\\d.]+)\\)", "loss tensor(nan)"},
        {"loss (?<loss>[\\d.]+)", "loss -nan(ind)"},
        {"step (?<tokens>\\d+) loss (?<loss>[\\d.]+)", "step 12 loss nan"},
    };
    static const struct {
        const char *regex, *line;
    } ordinary[] = {
        {"val_loss (?<loss>[0-9.]+)", "val_loss nancy"},
        {"val_loss (?<loss>[0-9.]+)", "val_loss info: none"},
        {"val_loss (?<loss>[0-9.]+)", "val_loss inference"},
        {"val_loss (?<loss>[0-9.]+)", "val_loss nan_check"},
        {"val_loss (?<loss>[0-9.]+)", "val_loss nan-safe, inf/nan guards"},
        {"val_loss (?<loss>[0-9.]+)", "val_loss inf.py"},
        {"val_loss (?<loss>[0-9.]+)", "val_loss nan\xc3\xa9"},
        {"val_loss (?<loss>[0-9.]+)", "val_loss x nan"},
        {"val_loss (?<loss>[0-9.]+)", "no val_loss, inf"},
        {"loss (?<loss>[\\d.]+) norm [\\d.]+", "loss nan"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(diverged) / sizeof(diverged[0]); i++)
        if (read_line(REPORT_REGEX, diverged[i].regex, diverged[i].line) != 1 ||
            isfinite(report.loss))
            fail_msg("%s does not diverge with %s", diverged[i].line, diverged[i].regex);
    assert_true(report.has_tokens && report.tokens == 12);
    for (size_t i = 0; i < sizeof(ordinary) / sizeof(ordinary[0]); i++)
        if (read_line(REPORT_REGEX, ordinary[i].regex, ordinary[i].line) != 0)
            fail_msg("%s is a report with %s", ordinary[i].line, ordinary[i].regex);
    assert_int_equal(
        read_line(REPORT_REGEX, "loss (?<loss>[\\d.]+)", "nan 0 loss 3.5 norm inf nan"), 1);
    assert_true(report.loss == 3.5);
    assert_int_equal(read_line(REPORT_REGEX, "loss (?<loss>.*)", "loss -inf"), 1);
    assert_true(isinf(report.loss) && report.loss < 0);
    /* more words than are looked at */
    assert_int_equal(
        read_line(REPORT_REGEX, "loss (?<loss>[\\d.]+)",
                  "inf inf inf inf inf inf inf inf inf inf inf inf inf inf inf loss 2"),
        1);
    assert_true(report.loss == 2);
}

static void lines_that_mean_divergence(void **state)
{
    struct report_reader *reader;
    struct lr_error err = {0};
    bool diverged;
    (void)state;
    assert_int_equal(report_reader_create(&reader, REPORT_FD, "true", &err), 0);
    assert_int_equal(report_reader_diverged(reader, "x", 1, &diverged, &err), 0);
    assert_false(diverged);
    assert_int_equal(report_reader_take_diverged(reader, "loss (nan|inf)|(x+x+)+y", &err), 0);
    assert_int_equal(report_reader_diverged(reader, "a loss inf", 10, &diverged, &err), 0);
    assert_true(diverged);
    assert_int_equal(report_reader_diverged(reader, "a loss 3", 8, &diverged, &err), 0);
    assert_false(diverged);
    const char *slow = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxzy";
    assert_int_equal(report_reader_diverged(reader, slow, strlen(slow), &diverged, &err), LR_EDATA);
    assert_non_null(strstr(err.text, "takes the regex of trainer.diverged too long"));
    assert_false(diverged);
    report_reader_destroy(reader);
    memset(&err, 0, sizeof(err));
    assert_int_equal(report_reader_create(&reader, REPORT_FD, "true", &err), 0);
    assert_int_equal(report_reader_take_diverged(reader, "(", &err), LR_EPLAN);
    report_reader_destroy(reader);
}

/* Megatron-LM prints the validation loss also at the end, and then that of the test set. */
static void megatron_reports(void **state)
{
    static const struct {
        const char *line;
        double loss; /* 0: none */
    } cases[] = {
        {" [2025-11-03 10:00:00] iteration     1000/    2000 | consumed samples:        64000 | "
         "elapsed time per iteration (ms): 125.3 | learning rate: 1.500000E-04 | global batch "
         "size:    64 | lm loss: 2.401234E+00 | loss scale: 1.0 | grad norm: 0.412 | number of "
         "skipped iterations:   0 | number of nan iterations:   0 |",
         0},
        {" validation loss at iteration 1000 | lm loss value: 2.345678E+00 | lm loss PPL: "
         "1.044034E+01 | ",
         2.345678},
        {"0:  validation loss at iteration 2000 on validation set | lm loss value: 2.25E+00 | lm "
         "loss PPL: 9.487736E+00 | ",
         2.25},
        {" validation loss at iteration 2000 on test set | lm loss value: 2.3E+00 | lm loss PPL: "
         "9.974182E+00 | ",
         0},
        {" validation loss at iteration 2000 | lm loss value: NAN | lm loss PPL: NAN | ", NAN},
        {"-----------------------------------------------------------------------------", 0},
    };
    const char *pattern = "validation loss at iteration (?<steps>\\d+)(?: on validation set)? \\| "
                          "lm loss value: (?<loss>\\S+)";
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool found = read_line(REPORT_REGEX, pattern, cases[i].line) == 1;
        assert_int_equal(found, cases[i].loss != 0);
        if (found)
            assert_true(isnan(cases[i].loss) ? isnan(report.loss) : report.loss == cases[i].loss);
    }
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
    assert_true(back.diverged.exit_count == 0 && !back.diverged.regex);
    assert_null(back.report_file);
    command_setup_release(&back);
    setup.way = REPORT_FILE;
    setup.report_file = "{trial}/a.csv";
    setup.report_loss = "val";
    setup.report_steps = "step";
    assert_int_equal(command_file_write(&setup, folder, other, &again, &err), 0);
    assert_int_equal(command_file_read(&back, other, again, &err), 0);
    assert_true(back.way == REPORT_FILE && !back.report_tokens);
    assert_string_equal(back.report_file, "{trial}/a.csv");
    assert_string_equal(back.report_loss, "val");
    assert_string_equal(back.report_steps, "step");
    command_setup_release(&back);
    assert_int_equal(command_file_read(&back, path, hash + 1, &err), LR_EDATA);
    assert_non_null(strstr(err.text, "is not what the coordinator wrote"));
    setup.way = REPORT_PREFIX;
    setup.diverged = (struct command_diverged){.regex = ""}; /* not used: the same file */
    assert_int_equal(command_file_write(&setup, folder, path, &again, &err), 0);
    assert_true(again == hash);
    setup.diverged = (struct command_diverged){{3, 255}, 2, "loss nan"};
    assert_int_equal(command_file_write(&setup, folder, path, &again, &err), 0);
    assert_true(again != hash);
    memset(&err, 0, sizeof(err));
    assert_int_equal(command_file_read(&back, path, again, &err), 0);
    assert_int_equal(back.diverged.exit_count, 2);
    assert_int_equal(back.diverged.exits[1], 255);
    assert_string_equal(back.diverged.regex, "loss nan");
    command_setup_release(&back);
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
        cmocka_unit_test(words_in_place_of_a_loss),
        cmocka_unit_test(lines_that_mean_divergence),
        cmocka_unit_test(megatron_reports),
        cmocka_unit_test(the_file_comes_back),
        cmocka_unit_test(ports_are_free_and_differ),
        cmocka_unit_test(what_ends_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
