/* lrsearch plan init --command: words of a command line, and what the lines of known programs tell.
 * The lines are as the programs print them. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "estimate/output_look.h"
#include "estimate/shell_words.h"
#include "trainers/command/report_reader.h"

/* ---- words ---- */

/* `expected`: the words, each with a | behind it; or what the error says. */
static void split(const char *line, const char *expected)
{
    struct shell_words words;
    struct lr_error err = {0};
    char text[256] = "";
    if (shell_words_split(&words, line, &err)) {
        assert_int_equal(err.code, LR_EUSAGE);
        if (!strstr(err.text, expected))
            fail_msg("%s: %s", line, err.text);
        return;
    }
    for (size_t i = 0; i < words.count; i++) {
        strcat(text, words.words[i]);
        strcat(text, i + 1 == words.variables ? "!" : "|");
    }
    assert_null(words.words[words.count]);
    shell_words_release(&words);
    assert_string_equal(text, expected);
}

static void words_are_a_shells(void **state)
{
    (void)state;
    split("python train.py --lr {lr}", "python|train.py|--lr|{lr}|");
    split("  a\t b  ", "a|b|");
    split("a 'b c' \"d e\" f\\ g", "a|b c|d e|f g|");
    split("a'b'\"c\"d", "abcd|");
    split("a '' \"\"", "a|||");
    split("a '\\' \"\\\\ \\\" \\x\" \\'", "a|\\|\\ \" \\x|'|");
    split("a '$x | ; *' \\$x \"\\$x\"", "a|$x | ; *|$x|$x|");
    split("a \\\n b", "a|b|");
    split("a b\\\nc\n", "a|bc|");
    split("a \"b\\\nc\" \"d\\\\\ne\"", "a|bc|d\\\ne|");
    split("A=1 B_2='x y' a C=3", "A=1|B_2=x y!a|C=3|");
    split("a=b.py c", "a=b.py!c|");
    split("--a=1 b", "--a=1|b|");
    split("a b~ ~c", "a shell would expand ~ at byte 6");
    split("a {lr*(2)} x[1] 50% b~ c#", "a|{lr*(2)}|x[1]|50%|b~|c#|");
    split("a | tee x", "a shell would read | at byte 3, and there is none here: put it in quotes");
    split("a | tee x", "argv: [sh, -c, ...]");
    split("a; b", "a shell would read ;");
    split("a && b", "a shell would read &");
    split("a > b", "a shell would read >");
    split("a $HOME", "a shell would expand $");
    split("a \"$HOME\"", "a shell would expand $ at byte 4");
    split("a `b`", "a shell would expand `");
    split("a *.txt", "a shell would expand *");
    split("(a)", "a shell would read (");
    split("a # b", "a shell would read #");
    split("a\nb", "a shell would read \n");
    split("a 'b c", "the quote at byte 3 is not closed");
    split("a \"b\\\"", "the quote at byte 3 is not closed");
    split("a \\", "nothing follows the \\");
    split("a \xff", "is no UTF-8");
    split("", "names no program");
    split("A=1", "names no program");
    split("''", "the program's name is empty");
}

static void too_many_words_are_refused(void **state)
{
    char line[4096] = "";
    (void)state;
    for (int i = 0; i < 65; i++)
        strcat(line, "a ");
    split(line, "has more than 64 words");
    for (int i = 65; i < 200; i++)
        strcat(line, "a ");
    split(line, "has more than 64 words");
    memset(line, 'a', 1024);
    line[1024] = '\0';
    split(line, "word 1 is longer than 1023 bytes");
}

static void edit(const char *line, const char *expected, bool lr, bool length)
{
    struct shell_words words;
    struct shell_words_sets found;
    struct lr_error err = {0};
    char text[256];
    assert_int_equal(shell_words_split(&words, line, &err), 0);
    assert_string_equal(shell_words_edit(text, sizeof(text), &words, &found), expected);
    assert_int_equal(found.lr, lr);
    assert_int_equal(found.length, length);
    assert_string_equal(shell_words_edit(text, 8, &words, &found), "");
    shell_words_release(&words);
}

static void options_become_placeholders(void **state)
{
    (void)state;
    edit("python train.py --lr 3e-4", "python train.py --lr {lr}", true, false);
    edit("python train.py --learning_rate=3e-4 --max_iters=5000 --seed=1",
         "python train.py --learning_rate={lr} --max_iters={steps} --seed={seed}", true, true);
    edit("python train.py optimizer.lr=0.01 data='a b'",
         "python train.py optimizer.lr={lr} 'data=a b'", true, false);
    edit("torchrun t.py --train-iters 100 --lr-decay-iters 100",
         "torchrun t.py --train-iters {steps} --lr-decay-iters {steps}", false, true);
    edit("python train.py --lr {lr} --min_lr 1e-5", "python train.py --lr {lr} --min_lr 1e-5",
         false, false);
}

static void placeholders_are_looked_for(void **state)
{
    struct shell_words words;
    struct shell_words_sets sets;
    struct lr_error err = {0};
    (void)state;
    assert_int_equal(shell_words_split(&words, "a {lr} {tokens}", &err), 0);
    assert_int_equal(shell_words_check(&sets, &words, 1024, &err), 0);
    assert_true(sets.lr && sets.length && !sets.seed);
    shell_words_release(&words);
    assert_int_equal(shell_words_split(&words, "a {{lr}} {seed}", &err), 0);
    assert_int_equal(shell_words_check(&sets, &words, 1024, &err), 0);
    assert_true(!sets.lr && !sets.length && sets.seed);
    shell_words_release(&words);
    assert_int_equal(shell_words_split(&words, "a {lrr}", &err), 0);
    assert_int_equal(shell_words_check(&sets, &words, 1024, &err), LR_EUSAGE);
    assert_non_null(strstr(err.text, "--command: word 2: at byte 2: {lrr} is not known"));
    shell_words_release(&words);
    assert_int_equal(shell_words_split(&words, "a --batch_size 12 --block_size=1024", &err), 0);
    assert_int_equal(shell_words_batch(&words), 12288);
    shell_words_release(&words);
    assert_int_equal(shell_words_split(&words, "a --batch_size 12", &err), 0);
    assert_int_equal(shell_words_batch(&words), 0);
    shell_words_release(&words);
}

static void whole_numbers_stay_whole(void **state)
{
    struct shell_words words;
    struct lr_error err = {0};
    (void)state;
    assert_int_equal(shell_words_split(&words, "a --lr={lr/3} {steps/10} {tokens}", &err), 0);
    assert_false(shell_words_are_whole(&words, 512 * 8, 8));
    assert_true(shell_words_are_whole(&words, 510 * 8, 8));
    shell_words_release(&words);
    assert_int_equal(shell_words_split(&words, "a {lr} {steps/3} {steps//7} {oops}", &err), 0);
    assert_true(shell_words_are_whole(&words, 512 * 8, 8));
    shell_words_release(&words);
}

/* ---- losses ---- */

struct printed {
    const char *program;
    const char *lines[8]; /* a second apart */
    bool found, validation;
    size_t matches;
    double first, last;
    enum counted counted;
    uint64_t first_count, last_count;
    const char *pattern;   /* NULL: any that reads the lines */
    const char *others[3]; /* lines that the pattern must not read */
};

static const struct printed table[] = {
    {"nanoGPT",
     {"tokens per iteration will be: 491,520", "number of parameters: 123.59M",
      "step 0: train loss 10.9874, val loss 10.9823",
      "iter 0: loss 10.9886, time 24871.14ms, mfu -100.00%",
      "iter 10: loss 9.7218, time 531.12ms, mfu 27.10%", "step 250: train loss 6.2, val loss 6.25"},
     true,
     true,
     2,
     10.9823,
     6.25,
     COUNTED_STEPS,
     0,
     250,
     "(?i)\\bstep\\s+(?<steps>\\d+).*?\\bval\\s+loss\\s+(?<loss>[-+]?(?:\\d+\\.?\\d*(?:e[-+]?\\d+)?"
     "|nan|inf))",
     {"iter 20: loss 9.0, time 531.12ms", "saving checkpoint to out"}},
    {"nanoGPT before its first evaluation",
     {"iter 0: loss 4.2586, time 24.1ms", "iter 10: loss 3.1, time 5.2ms, mfu 27.10%"},
     true,
     false,
     2,
     4.2586,
     3.1,
     COUNTED_STEPS,
     0,
     10,
     NULL,
     {NULL}},
    {"a summary that this run did not reach",
     {"epoch 1", "val loss: 3.5", "epoch 2", "val loss: 3.25"},
     true,
     true,
     2,
     3.5,
     3.25,
     COUNTED_NOTHING,
     0,
     0,
     NULL,
     {"Done. Best val loss: 3.2 in epoch 7"}},
    {"HF Trainer",
     {"{'loss': 3.1234, 'grad_norm': 1.25, 'learning_rate': 5e-05, 'epoch': 0.5}",
      "{'eval_loss': 2.875, 'eval_runtime': 1.23, 'eval_samples_per_second': 12.3, 'epoch': 0.5}",
      "{'loss': 2.5, 'grad_norm': 1.25, 'learning_rate': 4e-05, 'epoch': 1.0}",
      "{'eval_loss': 2.375, 'eval_runtime': 1.23, 'epoch': 1.0}",
      "{'train_runtime': 10.5, 'train_loss': 2.9, 'epoch': 1.0}"},
     true,
     true,
     2,
     2.875,
     2.375,
     COUNTED_NOTHING,
     0,
     0,
     "(?i)\\b(?<!best )eval_loss':\\s*(?<loss>[-+]?(?:\\d+\\.?\\d*(?:e[-+]?\\d+)?|nan|inf))",
     {NULL}},
    {"Megatron",
     {" iteration      100/    1000 | consumed samples:         1600 | elapsed time per iteration "
      "(ms): 234.5 | "
      "learning rate: 1.5E-04 | global batch size:    16 | lm loss: 7.123456E+00 | loss scale: 1.0 "
      "| grad norm: "
      "1.234 | number of skipped iterations:   0 | number of nan iterations:   0 |",
      " validation loss at iteration 100 | lm loss value: 6.789000E+00 | lm loss PPL: 8.879E+02 | ",
      " iteration      200/    1000 | consumed samples:         3200 | elapsed time per iteration "
      "(ms): 234.5 | "
      "learning rate: 1.5E-04 | global batch size:    16 | lm loss: 6.123456E+00 | loss scale: 1.0 "
      "| grad norm: "
      "1.234 | number of skipped iterations:   0 | number of nan iterations:   0 |",
      " validation loss at iteration 200 | lm loss value: 5.789000E+00 | lm loss PPL: 3.268E+02 "
      "| "},
     true,
     true,
     2,
     6.789,
     5.789,
     COUNTED_STEPS,
     100,
     200,
     NULL,
     {NULL}},
    {"Megatron without evaluation",
     {" iteration      100/    1000 | consumed samples:  1600 | lm loss: 7.123456E+00 | loss "
      "scale: 1.0 |",
      " iteration      200/    1000 | consumed samples:  3200 | lm loss: 6.5E+00 | loss scale: 1.0 "
      "|"},
     true,
     false,
     2,
     7.123456,
     6.5,
     COUNTED_STEPS,
     100,
     200,
     NULL,
     {NULL}},
    {"llm.c",
     {"val loss 11.009",
      "step    1/20000 | loss 11.01 (+nanz)| norm 15.1 (+nanz)| lr 8.5e-07 | 3056.36 ms | 42.6% "
      "bf16 MFU | 171538 tok/s",
      "step    2/20000 | loss 10.9 (+nanz)| norm 15.1 (+nanz)| lr 8.5e-07 | 3056.36 ms | 42.6% "
      "bf16 MFU | "
      "171538 tok/s",
      "val loss 7.5"},
     true,
     true,
     2,
     11.009,
     7.5,
     COUNTED_NOTHING,
     0,
     0,
     NULL,
     {NULL}},
    {"modded-nanogpt",
     {"step:0/1770 val_loss:10.8258 train_time:0ms step_avg:nanms",
      "step:1/1770 train_time:90ms step_avg:90.0ms",
      "step:125/1770 val_loss:4.5678 train_time:12345ms step_avg:98.77ms"},
     true,
     true,
     2,
     10.8258,
     4.5678,
     COUNTED_STEPS,
     0,
     125,
     NULL,
     {NULL}},
    {"Lightning's bar",
     {"Epoch 0:  50%|#####     | 50/100 [00:10<00:10,  4.99it/s, v_num=3, train_loss=2.75, "
      "val_loss=2.875]",
      "Epoch 1:  50%|#####     | 50/100 [00:10<00:10,  4.99it/s, v_num=3, train_loss=2.25, "
      "val_loss=2.375]"},
     true,
     true,
     2,
     2.875,
     2.375,
     COUNTED_NOTHING,
     0,
     0,
     NULL,
     {NULL}},
    {"Keras",
     {"100/100 - 3s - 32ms/step - loss: 2.3125 - val_loss: 2.4375",
      "100/100 - 3s - 32ms/step - loss: 2.1 - val_loss: 2.2"},
     true,
     true,
     2,
     2.4375,
     2.2,
     COUNTED_NOTHING,
     0,
     0,
     NULL,
     {NULL}},
    {"torchtitan, in colour",
     {"[titan] 2024-11-01 10:00:00,123 - root - INFO - \033[31mstep:  1  \033[32mloss:  8.1250  "
      "\033[33mmemory: "
      "4.1GiB(5.2%)  \033[34mwps: 1,234\033[39m",
      "[titan] 2024-11-01 10:00:01,123 - root - INFO - \033[31mstep: 10  \033[32mloss:  7.5  "
      "\033[33mmemory: "
      "4.1GiB(5.2%)  \033[34mwps: 1,234\033[39m"},
     true,
     false,
     2,
     8.125,
     7.5,
     COUNTED_STEPS,
     1,
     10,
     NULL,
     {NULL}},
    {"litgpt",
     {"Epoch 1 | iter 100 step 25 | loss train: 4.125, val: 4.25 | iter time: 123.4 ms (step) "
      "remaining",
      "Epoch 1 | iter 200 step 50 | loss train: 3.125, val: 3.25 | iter time: 123.4 ms (step) "
      "remaining"},
     true,
     true,
     2,
     4.25,
     3.25,
     COUNTED_STEPS,
     100,
     200,
     NULL,
     {NULL}},
    {"tokens and steps",
     {"step 10 tokens 81920 val_loss=3.5 tok/s 1000",
      "step 20 tokens 163840 val_loss=3.25 tok/s 1000"},
     true,
     true,
     2,
     3.5,
     3.25,
     COUNTED_TOKENS,
     81920,
     163840,
     NULL,
     {NULL}},
    {"loss first",
     {"Validation Loss: 3.5 | Tokens: 1000", "Validation Loss: 3.25 | Tokens: 2000"},
     true,
     true,
     2,
     3.5,
     3.25,
     COUNTED_TOKENS,
     1000,
     2000,
     NULL,
     {NULL}},
    {"a word before",
     {"[train] step 1 loss 4.5", "[eval] step 1 loss 4.25", "[train] step 2 loss 3.5",
      "[eval] step 2 loss 3.25"},
     true,
     true,
     2,
     4.25,
     3.25,
     COUNTED_STEPS,
     1,
     2,
     NULL,
     {"[train] step 3 loss 3.0"}},
    {"JSON of its own",
     {"{\"step\": 100, \"val_loss\": 2.5, \"lr\": 0.001}",
      "{\"step\": 200, \"val_loss\": NaN, \"lr\": 0.001}"},
     true,
     true,
     2,
     2.5,
     (double)NAN,
     COUNTED_STEPS,
     100,
     200,
     NULL,
     {NULL}},
    {"steps that begin again",
     {"epoch 1 step 50 val loss 3.5", "epoch 2 step 10 val loss 3.25"},
     true,
     true,
     2,
     3.5,
     3.25,
     COUNTED_NOTHING,
     0,
     0,
     NULL,
     {NULL}},
    {"once", {"step 0: val loss 4.5"}, true, true, 1, 4.5, 4.5, COUNTED_STEPS, 0, 0, NULL, {NULL}},
    {"nothing",
     {"loading data", "epoch 3 took 2.5 s", "loss scale: 1.5", "accuracy 0.5"},
     false,
     false,
     0,
     0,
     0,
     COUNTED_NOTHING,
     0,
     0,
     NULL,
     {NULL}},
    {"whole numbers",
     {"loss 3 of 7 files"},
     false,
     false,
     0,
     0,
     0,
     COUNTED_NOTHING,
     0,
     0,
     NULL,
     {NULL}},
};

static void look_at(struct output_look *look, const char *const *lines, size_t most,
                    enum command_stream stream)
{
    struct lr_error err = {0};
    for (size_t i = 0; i < most && lines[i]; i++)
        assert_int_equal(output_look_add(look, (double)i, stream, lines[i], strlen(lines[i]), &err),
                         0);
}

static void assert_same(double a, double b)
{
    assert_true((isnan(a) && isnan(b)) || fabs(a - b) < 1e-9);
}

static void losses_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct printed *p = &table[i];
        struct output_look look = {0};
        struct output_losses losses;
        struct report_reader *reader;
        struct report report;
        struct lr_error err = {0};
        look_at(&look, p->lines, 8, COMMAND_OUT);
        assert_int_equal(output_look_losses(&losses, &look, &err), 0);
        if (losses.found != p->found || (p->pattern && strcmp(losses.pattern, p->pattern) != 0) ||
            losses.counted != p->counted || losses.validation != p->validation ||
            losses.matches != p->matches)
            fail_msg("%s: found %d, validation %d, %zu matches, counted %d: %s", p->program,
                     losses.found, losses.validation, losses.matches, (int)losses.counted,
                     losses.pattern);
        if (losses.found) {
            assert_int_equal(losses.way, REPORT_REGEX);
            assert_same(losses.first, p->first);
            assert_same(losses.last, p->last);
            assert_int_equal(losses.first_count, p->first_count);
            assert_int_equal(losses.last_count, p->last_count);
            assert_int_equal(report_reader_create(&reader, REPORT_REGEX, losses.pattern, &err), 0);
            for (size_t k = 0; k < 3 && p->others[k]; k++) {
                assert_int_equal(report_reader_read(reader, p->others[k], strlen(p->others[k]),
                                                    false, &report, &err),
                                 0);
                assert_false(report.known);
            }
            report_reader_destroy(reader);
        }
        output_look_release(&look);
    }
}

/* A pattern is made of text from outside: whatever it holds is matched as it stands. */
static void signs_are_literal(void **state)
{
    static const char *const lines[] = {"\001\xc3\xa9 val.loss |#: 3.5",
                                        "\001\xc3\xa9 val.loss |#: 2.5"};
    struct output_look look = {0};
    struct output_losses losses;
    struct lr_error err = {0};
    (void)state;
    look_at(&look, lines, 2, COMMAND_OUT);
    assert_int_equal(output_look_losses(&losses, &look, &err), 0);
    assert_true(losses.found);
    assert_non_null(strstr(losses.pattern, "val\\.loss\\s*\\|\\#:\\s*(?<loss>"));
    output_look_release(&look);
}

static void protocols_are_known(void **state)
{
    static const char *const json[] = {"hello", "LR {\"loss\": 3.5, \"tokens\": 100}",
                                       "LR {\"loss\": 2.5, \"tokens\": 300}"};
    static const char *const fd[] = {"{\"loss\": 3.5, \"tokens\": 100}"};
    static const char *const err_lines[] = {"INFO:root:step 10 val_loss 3.5",
                                            "INFO:root:step 20 val_loss 2.5"};
    struct output_look look = {0};
    struct output_losses losses;
    struct lr_error err = {0};
    (void)state;
    look_at(&look, json, 3, COMMAND_OUT);
    assert_int_equal(output_look_losses(&losses, &look, &err), 0);
    assert_true(losses.found);
    assert_int_equal(losses.way, REPORT_PREFIX);
    assert_string_equal(losses.pattern, "LR ");
    assert_int_equal(losses.matches, 2);
    assert_int_equal(losses.last_count, 300);
    output_look_release(&look);
    look_at(&look, fd, 1, COMMAND_REPORT);
    assert_int_equal(output_look_losses(&losses, &look, &err), 0);
    assert_true(losses.found && losses.way == REPORT_FD);
    output_look_release(&look);
    look_at(&look, err_lines, 2, COMMAND_ERR);
    assert_int_equal(output_look_losses(&losses, &look, &err), 0);
    assert_true(losses.found && losses.on_err && losses.counted == COUNTED_STEPS);
    output_look_release(&look);
}

static void divergence_is_proposed_unless_it_is_printed(void **state)
{
    static const char *const good[] = {"step 1: train loss 3.5, val loss 3.25", "best loss 3"};
    static const char *const training[] = {"step 1 loss 3.5"};
    static const char *const early[] = {"best loss: inf", "step 1: train loss 3.5, val loss 3.25"};
    struct output_look look = {0};
    struct output_losses losses;
    struct report_reader *reader;
    bool diverged;
    struct lr_error err = {0};
    (void)state;
    look_at(&look, good, 2, COMMAND_OUT);
    assert_int_equal(output_look_losses(&losses, &look, &err), 0);
    assert_non_null(losses.diverged);
    assert_int_equal(report_reader_create(&reader, REPORT_FD, "", &err), 0);
    assert_int_equal(report_reader_take_diverged(reader, losses.diverged, &err), 0);
    assert_int_equal(report_reader_diverged(reader, "iter 9: loss NaN, x", 19, &diverged, &err), 0);
    assert_true(diverged);
    assert_int_equal(report_reader_diverged(reader, "Loss is nan, stopping", 21, &diverged, &err),
                     0);
    assert_true(diverged);
    assert_int_equal(report_reader_diverged(reader, "loss 3.5, info", 14, &diverged, &err), 0);
    assert_false(diverged);
    report_reader_destroy(reader);
    output_look_release(&look);
    look_at(&look, training, 1, COMMAND_OUT);
    assert_int_equal(output_look_losses(&losses, &look, &err), 0);
    assert_true(losses.found && !losses.validation && losses.diverged);
    output_look_release(&look);
    look_at(&look, early, 2, COMMAND_OUT);
    assert_int_equal(output_look_losses(&losses, &look, &err), 0);
    assert_true(losses.found);
    assert_null(losses.diverged);
    output_look_release(&look);
}

static void pace_is_measured(void **state)
{
    static const char *const steps[] = {"loading", "tokens per iteration will be: 491,520",
                                        "iter 0: loss 4.5, time 2.5ms", "iter 10: loss 4, x",
                                        "iter 20: loss 3.5"};
    static const char *const both[] = {"step 10 tokens 1000 loss 3.5",
                                       "step 20 tokens 2000 loss 3.5"};
    struct output_look look = {0};
    struct output_pace pace;
    (void)state;
    look_at(&look, steps, 5, COMMAND_OUT);
    output_look_pace(&pace, &look);
    assert_int_equal(pace.counted, COUNTED_STEPS);
    assert_same(pace.per_s, 10);
    assert_same(pace.startup_s, 2);
    assert_same(pace.batch_tokens, 491520);
    output_look_release(&look);
    look_at(&look, both, 2, COMMAND_OUT);
    output_look_pace(&pace, &look);
    assert_int_equal(pace.counted, COUNTED_TOKENS);
    assert_same(pace.per_s, 1000);
    assert_same(pace.batch_tokens, 100);
    output_look_release(&look);
    output_look_pace(&pace, &look);
    assert_int_equal(pace.counted, COUNTED_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_a_shells),
        cmocka_unit_test(too_many_words_are_refused),
        cmocka_unit_test(options_become_placeholders),
        cmocka_unit_test(placeholders_are_looked_for),
        cmocka_unit_test(whole_numbers_stay_whole),
        cmocka_unit_test(losses_are_found),
        cmocka_unit_test(signs_are_literal),
        cmocka_unit_test(protocols_are_known),
        cmocka_unit_test(divergence_is_proposed_unless_it_is_printed),
        cmocka_unit_test(pace_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
