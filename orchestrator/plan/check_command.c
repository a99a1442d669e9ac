/* Rules about trainer.kind command. What can be known to be wrong before anything is started is
 * said here; whether the program is there, cli/prepare_command.c looks. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <inttypes.h>
#include <pcre2.h>
#include <string.h>
#include "lrsearch/placeholder.h"
#include "plan/plan_reader.h"

static void refuse_all(struct plan_reader *reader)
{
    static const size_t members[] = {MEMBER(trainer.argv),   MEMBER(trainer.env),
                                     MEMBER(trainer.cwd),    MEMBER(trainer.gpus_per_trial),
                                     MEMBER(trainer.report), MEMBER(trainer.kill_grace_s)};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (reader_given(reader, members[i]))
            reader_complain(reader, members[i], "is for trainer.kind: command only; leave it out");
}

static void check_argv(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    struct trial_spec spec = plan_trial(plan);
    const struct placeholder_trial trial = {.spec = &spec};
    char expanded[2 * TRIAL_PATH];
    if (!reader_given(reader, MEMBER(trainer.argv)))
        return;
    if (plan->trainer.argv_count > 0 && !plan->trainer.argv[0][0])
        reader_complain_item(reader, MEMBER(trainer.argv), 0, "is the program and cannot be empty");
    for (size_t i = 0; i < plan->trainer.argv_count; i++) {
        struct lr_error err = {0};
        if (placeholder_expand(expanded, sizeof(expanded), plan->trainer.argv[i], &trial, &err))
            reader_complain_item(reader, MEMBER(trainer.argv), i, "%s", err.text);
    }
}

static void check_env(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    for (size_t i = 0; i < plan->trainer.env_count; i++) {
        const char *name = plan->trainer.env[i].key;
        if (strchr(name, '='))
            reader_complain(reader, MEMBER(trainer.env), "the name %s must have no =", name);
        else if (strncmp(name, "LRSEARCH_", 9) == 0)
            reader_complain(reader, MEMBER(trainer.env),
                            "%s: names that begin with LRSEARCH_ are lrsearch's own; choose "
                            "another",
                            name);
        else if (strcmp(name, "CUDA_VISIBLE_DEVICES") == 0 && plan->trainer.gpus_per_trial > 0)
            reader_complain(reader, MEMBER(trainer.env),
                            "%s is what trainer.gpus_per_trial gives; leave one of them out", name);
    }
}

static void check_regex(struct plan_reader *reader, const char *text)
{
    int code;
    PCRE2_SIZE offset;
    PCRE2_UCHAR why[128];
    pcre2_code *regex =
        pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, &code, &offset, NULL);
    if (!regex) {
        pcre2_get_error_message(code, why, sizeof(why));
        reader_complain(reader, MEMBER(trainer.report), "regex: %s, at byte %zu", (const char *)why,
                        (size_t)offset + 1);
        return;
    }
    if (pcre2_substring_number_from_name(regex, (PCRE2_SPTR) "loss") < 0)
        reader_complain(reader, MEMBER(trainer.report),
                        "regex: it needs a group that is called loss, such as "
                        "'val loss: (?<loss>[-+.0-9a-z]+)'");
    pcre2_code_free(regex);
}

static void check_report(struct plan_reader *reader)
{
    struct plan *plan = reader->plan;
    struct plan_pair *way = &plan->trainer.report[0];
    if (!reader_given(reader, MEMBER(trainer.report)) && plan->trainer.report_count == 0) {
        memcpy(way->key, "fd", sizeof("fd"));
        memcpy(way->value, "true", sizeof("true"));
        plan->trainer.report_count = 1;
    }
    if (plan->trainer.report_count != 1)
        reader_complain(reader, MEMBER(trainer.report), "give one of fd, prefix and regex");
    else if (strcmp(way->key, "regex") == 0)
        check_regex(reader, way->value);
    else if (strcmp(way->key, "fd") == 0 && strcmp(way->value, "true") != 0)
        reader_complain(reader, MEMBER(trainer.report),
                        "fd can only be true (its number is in LRSEARCH_REPORT_FD), or give prefix "
                        "or regex");
}

void reader_check_command(struct plan_reader *reader)
{
    if (reader->plan->trainer.kind != TRAINER_COMMAND) {
        refuse_all(reader);
        return;
    }
    check_argv(reader);
    check_env(reader);
    check_report(reader);
}
