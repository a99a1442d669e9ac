/* The tables of commands against what is made from them: each row of each command is in its help,
 * in the man page and in both completions; and against what reading a command line takes for
 * granted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmocka_all.h"
#include "cli/docs.h"
#include "cli/help.h"

#define ROOM 200000

static char *printed(void (*print)(FILE *out))
{
    char *text = calloc(1, ROOM);
    FILE *out = fmemopen(text, ROOM, "w");
    assert_non_null(out);
    print(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* The text from `begin` up to `end`, free() it. */
static char *part_of(const char *text, const char *begin, const char *end)
{
    const char *from = strstr(text, begin);
    if (!from)
        fail_msg("there is no %s", begin);
    const char *to = strstr(from + strlen(begin), end);
    return to ? strndup(from, (size_t)(to - from)) : strdup(from);
}

/* "--run-dir" as roff has it */
static void roff_name(char out[96], const char *name)
{
    for (; *name; name++) {
        if (*name == '-')
            *out++ = '\\';
        *out++ = *name;
    }
    *out = '\0';
}

static void expect(const char *text, const char *where, const char *command, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("%s of %s lacks: %s", where, command, wanted);
}

static void each_row_is_in_each_document(void **state)
{
    char *man = printed(docs_man), *bash = printed(docs_bash), *zsh = printed(docs_zsh);
    size_t rows = 0;
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = commands[i];
        char begin[128], name[96], wanted[128], help[8192] = "";
        FILE *out = fmemopen(help, sizeof(help), "w");
        help_print_command(out, command);
        assert_int_equal(fclose(out), 0);
        roff_name(name, command->name);
        snprintf(begin, sizeof(begin), "\n.SS \\fB%s\\fR", name);
        char *of_man = part_of(man, begin, "\n.S");
        snprintf(begin, sizeof(begin), "\n    %s)\n", command->name);
        char *of_bash = part_of(bash, begin, ";;");
        snprintf(begin, sizeof(begin), "\n    (%s)\n", command->name);
        char *of_zsh = part_of(zsh, begin, ";;");
        for (size_t k = 0; k < command->row_count; k++, rows++) {
            const struct option_row *row = &command->rows[k];
            snprintf(wanted, sizeof(wanted), " --%s ", row->name);
            expect(help, "help", command->name, wanted);
            snprintf(wanted, sizeof(wanted), "--%s", row->name);
            expect(of_bash, "bash", command->name, wanted);
            snprintf(wanted, sizeof(wanted), "--%s%s[", row->name, row->argument ? "=" : "");
            expect(of_zsh, "zsh", command->name, wanted);
            snprintf(wanted, sizeof(wanted), "'-%c%s[", row->letter, row->argument ? "+" : "");
            if (row->letter)
                expect(of_zsh, "zsh", command->name, wanted);
            roff_name(name, row->name);
            snprintf(wanted, sizeof(wanted), "\\fB\\-\\-%s\\fR", name);
            expect(of_man, "man", command->name, wanted);
            snprintf(wanted, sizeof(wanted), "    %s\\ --%s", command->name, row->name);
            if (row->argument) /* how its argument is completed */
                expect(bash, "bash", command->name, wanted);
        }
        free(of_man);
        free(of_bash);
        free(of_zsh);
    }
    assert_true(rows > 60);
    free(man);
    free(bash);
    free(zsh);
}

/* A letter may be that of another option in each command, but each takes a value or none does. */
static void one_letter_has_one_form(void **state)
{
    (void)state;
    bool seen[128] = {false}, takes[128] = {false};
    for (size_t i = 0; i < command_count; i++)
        for (size_t k = 0; k < commands[i]->row_count; k++) {
            const struct option_row *row = &commands[i]->rows[k];
            size_t letter = (size_t)row->letter;
            if (letter == 0)
                continue;
            if (seen[letter] && takes[letter] != (row->argument != NULL))
                fail_msg("-%c of %s differs from that of others", row->letter, commands[i]->name);
            seen[letter] = true;
            takes[letter] = row->argument != NULL;
        }
    assert_true(seen['n']);
}

/* An option is found before its command is known: one name, one form. */
static void one_name_has_one_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        const struct command *a = commands[i];
        assert_true(a->row_count == 0 || a->options);
        for (size_t k = 0; k < a->row_count; k++) {
            const struct option_row *row = &a->rows[k];
            assert_ptr_equal(option_find(a->rows, a->row_count, row->name), row); /* once */
            assert_null(option_find(general_rows, general_row_count, row->name));
            for (size_t j = 0; j < command_count; j++) {
                const struct option_row *other =
                    option_find(commands[j]->rows, commands[j]->row_count, row->name);
                if (other && (!other->argument != !row->argument || other->letter != row->letter))
                    fail_msg("--%s of %s and %s differ", row->name, a->name, commands[j]->name);
            }
        }
    }
}

static void members_are_filled(void **state)
{
    struct {
        bool flag;
        const char *text;
        uint32_t choice, small;
        uint64_t large;
        double number, time_s;
        struct option_pairs sets;
    } all = {0};
#define ROW(name, type_)                                                                           \
    {                                                                                              \
#name, "X", "", .type = type_, .offset = (size_t)((char *)&all.name - (char *)&all)        \
    }
    struct option_row rows[] = {ROW(flag, OPTION_FLAG),       ROW(text, OPTION_TEXT),
                                ROW(choice, OPTION_CHOICE),   ROW(small, OPTION_U32),
                                ROW(large, OPTION_U64),       ROW(number, OPTION_NUMBER),
                                ROW(time_s, OPTION_DURATION), ROW(sets, OPTION_PAIRS)};
    const char *good[] = {NULL, "a", "plain", "7", "2M", "0.5", "1m", "a=b"};
    const char *bad[] = {NULL, "", "plai", "9", "-1", "2", "2h", "=b"};
    struct lr_error err = {0};
    (void)state;
    rows[2].values = "auto plain none";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rows[i].high = i == 3 ? 8 : i == 4 ? 0 : i == 5 ? 1 : 3600;
        rows[i].wanted = "other";
        if (bad[i])
            assert_int_equal(option_read(&all, &rows[i], bad[i], &err), LR_EUSAGE);
        assert_int_equal(option_read(&all, &rows[i], good[i], &err), 0);
    }
    assert_int_equal(option_read(&all, &rows[7], "c=", &err), 0);
    assert_true(all.flag);
    assert_string_equal(all.text, "a");
    assert_int_equal(all.choice, 2);
    assert_int_equal(all.small, 7);
    assert_int_equal(all.large, 2000000);
    assert_true(all.number == 0.5 && all.time_s == 60);
    assert_int_equal(all.sets.count, 2);
    assert_string_equal(all.sets.words[0], "a=b");
    assert_string_equal(all.sets.words[1], "c=");
    err = (struct lr_error){0};
    assert_int_equal(option_read(&all, &rows[2], "some", &err), LR_EUSAGE);
    assert_string_equal(err.text, "--choice some: must be auto, plain or none");
    option_release(&all, rows, sizeof(rows) / sizeof(rows[0]));
    assert_null(all.sets.words);
}

static int parse(struct command_line *line, const char *first, const char *second, char *third,
                 struct lr_error *err)
{
    char *argv[] = {"lrsearch", (char *)first, (char *)second, third, NULL};
    int argc = 1;
    while (argv[argc])
        argc++;
    *err = (struct lr_error){0};
    return command_line_parse(line, argc, argv, err);
}

static void the_first_word_is_command_or_plan(void **state)
{
    struct command_line line;
    struct lr_error err;
    (void)state;
    assert_int_equal(parse(&line, "check", "a.yaml", NULL, &err), 0);
    assert_ptr_equal(line.command, &cmd_check);
    assert_int_equal(parse(&line, "a.yaml", NULL, NULL, &err), 0);
    assert_ptr_equal(line.command, &cmd_run);
    assert_int_equal(parse(&line, "folder/chekc", NULL, NULL, &err), 0);
    assert_ptr_equal(line.command, &cmd_run);
    assert_int_equal(parse(&line, "run", "chekc", NULL, &err), 0);
    assert_int_equal(parse(&line, "--quiet", "a.yml", NULL, &err), 0);
    assert_int_equal(line.verbosity, -1);
    assert_int_equal(parse(&line, "chekc", "a.yaml", NULL, &err), LR_EUSAGE);
    assert_non_null(strstr(err.text, "did you mean check?"));
    assert_int_equal(parse(&line, ".yaml", NULL, NULL, &err), LR_EUSAGE);
    assert_int_equal(parse(&line, "", NULL, NULL, &err), LR_EUSAGE);
    /* options before the command, and those of another */
    assert_int_equal(parse(&line, "--set=a=b", "check", "a.yaml", &err), 0);
    assert_ptr_equal(line.command, &cmd_check);
    command_line_release(&line);
    assert_int_equal(parse(&line, "--widths=1", "check", "a.yaml", &err), LR_EUSAGE);
    assert_non_null(strstr(err.text, "it is an option of coord-check"));
    command_line_release(&line);
    /* help of what is named */
    assert_int_equal(parse(&line, "--help", "fit", NULL, &err), 0);
    assert_true(line.help && line.command == &cmd_fit);
    assert_int_equal(parse(&line, "--help", NULL, NULL, &err), 0);
    assert_true(line.help && !line.command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_in_each_document),
        cmocka_unit_test(one_name_has_one_form),
        cmocka_unit_test(one_letter_has_one_form),
        cmocka_unit_test(members_are_filled),
        cmocka_unit_test(the_first_word_is_command_or_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
