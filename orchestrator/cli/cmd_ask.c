/* lrsearch ask: hands out trials of a campaign, for a scheduler of the user's own. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/campaign_setup.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "coordinator/ask_tell.h"
#include "history/nights.h"
#include "history/run_reader.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/placeholder.h"
#include "lrsearch/printable.h"
#include "lrsearch/utc.h"
#include "prepare/prepare_command.h"
#include "store/json_value.h"
#include "store/result_json.h"

#define MOST_TRIALS 4096
/* {port}: on hosts that are not known yet, so only different for trials at the same time. */
#define FIRST_PORT 20000u
#define PORTS 10000u

struct ask_options {
    uint32_t count;
    double again_after_s; /* below 0: limits.trial_time of the plan */
    const char *fork;     /* NULL: not given */
    struct option_pairs sets;
    bool json;
};

/* ---- output ---- */

/* A number, if `text` is one. */
static json_t *typed_json(const char *text)
{
    char *end;
    errno = 0;
    long long whole = strtoll(text, &end, 10);
    if (*text && !*end && !errno)
        return json_integer(whole);
    double number = strtod(text, &end);
    return *text && !*end && isfinite(number) ? json_real(number) : json_of_text(text);
}

static json_t *words_json(char *const *words, bool *ok)
{
    json_t *array = json_array();
    for (; *words; words++)
        json_push(array, json_of_text(*words), ok);
    return array;
}

/* {"NAME": "VALUE", ...} */
static json_t *env_json(char *const *words, bool *ok)
{
    json_t *object = json_object();
    for (; *words; words++) {
        char *equals = strchr(*words, '=');
        *equals = '\0';
        json_put(object, *words, json_of_text(equals + 1), ok);
        *equals = '=';
    }
    return object;
}

static int put_command(json_t *object, const struct plan *plan,
                       const struct placeholder_trial *trial, bool *ok, struct lr_error *err)
{
    struct trial_command command;
    int rc = prepare_command_expand(&command, plan, trial, err);
    if (!rc) {
        json_put(object, "argv", words_json(command.argv, ok), ok);
        json_put(object, "env", env_json(command.env, ok), ok);
        json_put(object, "cwd", json_of_text(command.cwd), ok);
    }
    prepare_command_release(&command);
    return rc;
}

static struct placeholder_trial values_of(const struct asked_trial *asked)
{
    return (struct placeholder_trial){.spec = &asked->trial.spec,
                                      .trial_id = asked->trial.id,
                                      .attempt = asked->trial.attempt,
                                      .checkpoint = asked->checkpoint,
                                      .port = FIRST_PORT + asked->trial.id % PORTS};
}

static int push_trial(json_t *array, const struct plan *plan, const struct asked_trial *asked,
                      bool *ok, struct lr_error *err)
{
    json_t *object = json_object();
    const struct placeholder_trial trial = values_of(asked);
    char value[TRIAL_PATH];
    for (size_t i = 0; placeholder_name(i); i++)
        if (placeholder_value(value, i, &trial))
            json_put(object, placeholder_name(i), typed_json(value), ok);
    json_put(object, "horizon", json_of_count(asked->trial.spec.horizon_tokens), ok);
    json_put(object, "round", json_of_count(asked->trial.round), ok);
    json_put(object, "purpose", json_string(trial_purpose_name(asked->trial.purpose)), ok);
    int rc = plan->trainer.kind == TRAINER_COMMAND ? put_command(object, plan, &trial, ok, err) : 0;
    json_push(array, object, ok);
    return rc;
}

static int print_json(const struct plan *plan, const struct ask_reply *reply, struct lr_error *err)
{
    int rc = 0;
    bool ok = true;
    char *result = reply->answer ? result_json(plan->name, reply->answer) : NULL;
    json_use_lr_memory();
    json_t *object = json_object(), *trials = json_array();
    for (size_t i = 0; i < reply->count && !rc; i++)
        rc = push_trial(trials, plan, &reply->trials[i], &ok, err);
    json_put(object, "schema_version", json_of_count(1), &ok);
    json_put(object, "state", json_string(ask_state_name(reply->state)), &ok);
    json_put(object, "trials", trials, &ok);
    json_put(object, "out", json_of_count(reply->out), &ok);
    json_put(object, "result", result ? json_loads(result, 0, NULL) : json_null(), &ok);
    lr_free(result);
    if (!rc)
        return json_print(object, ok, err);
    json_decref(object);
    return rc;
}

/* "trial 12, attempt 1: lr 0.004, tokens 1000000, seed 1, ..." */
static void print_trial(const struct asked_trial *asked)
{
    static const char *const shown = " lr tokens seed embedding_lr_ratio weight_decay ";
    const struct placeholder_trial trial = values_of(asked);
    char value[TRIAL_PATH], key[64];
    const char *before = ":";
    printf("trial %u, attempt %u", trial.trial_id, trial.attempt);
    for (size_t i = 0; placeholder_name(i); i++) {
        snprintf(key, sizeof(key), " %s ", placeholder_name(i));
        if (!strstr(shown, key) || !placeholder_value(value, i, &trial))
            continue;
        printf("%s %s %s", before, placeholder_name(i), value);
        before = ",";
    }
    printf("\n");
}

static void print_text(const struct plan *plan, const char *run_dir, const struct ask_reply *reply)
{
    if (reply->answer)
        outcome_print(false, plan->name, run_dir, reply->answer);
    else if (reply->count == 0)
        printf("nothing to hand out until results are told; trials without a result: %zu\n",
               reply->out);
    for (size_t i = 0; i < reply->count; i++)
        print_trial(&reply->trials[i]);
}

/* Before anything is handed out: whether the command can be given with a trial. {port} is of the
 * host that runs it. */
static int check_command(const struct plan *plan, struct lr_error *err)
{
    struct trial_command command;
    const struct trial_spec spec = plan_trial(plan);
    const struct placeholder_trial trial = {.spec = &spec, .trial_id = 1, .attempt = 1};
    int rc = prepare_command_expand(&command, plan, &trial, err);
    prepare_command_release(&command);
    if (rc)
        lr_prefix(err, "--json gives the command of each trial");
    return rc;
}

/* ---- the command ---- */

static int answer_ask(const struct command_line *line, const struct plan *plan,
                      struct lr_error *err)
{
    const struct ask_options *options = line->options;
    char fork[FORK_PATH];
    const char *run_dir = line->operands[0], *plan_path = NULL;
    double lapse_s =
        options->again_after_s >= 0 ? options->again_after_s : plan->limits.trial_time_s;
    const struct ask_request request = {
        .starts = line->operand_count > 1,
        .count = options->count,
        .lapses = options->again_after_s >= 0 || lapse_s > 0,
        .lapse_s = lapse_s,
        .now_unix_ms = utc_now_ms(),
    };
    struct campaign_setup setup = {0};
    struct ask_reply reply = {0};
    int rc, status = 0;
    if (options->json && plan->trainer.kind == TRAINER_COMMAND && (rc = check_command(plan, err)))
        goto out;
    if (line->operand_count > 1)
        plan_path = line->operands[1];
    if (options->fork)
        run_dir = fork_path(fork, run_dir, options->fork);
    if ((rc = campaign_setup_open(&setup, plan, plan_path, &options->sets, run_dir, err)))
        goto out;
    setup.coordinator.fork_from = options->fork ? line->operands[0] : NULL;
    rc = ask_trials(&setup.coordinator, &request, &reply, err);
    if (rc)
        goto out;
    if (reply.answer) {
        status = outcome_status(0, reply.answer);
        night_record(run_dir, plan, reply.answer);
    }
    if (options->json)
        rc = print_json(plan, &reply, err);
    else
        print_text(plan, run_dir, &reply);

out:
    ask_reply_release(&reply);
    campaign_setup_release(&setup);
    return rc ? outcome_error(rc, err) : status;
}

static int run(const struct command_line *line)
{
    const struct ask_options *options = line->options;
    struct lr_error err = {0};
    struct plan *plan = NULL;
    int rc = campaign_setup_plan(&plan, line, &options->sets, &err);
    int status = !rc        ? answer_ask(line, plan, &err)
                 : err.code ? outcome_error(rc, &err)
                            : lr_error_exit_status(rc); /* its errors are printed */
    lr_free(plan);
    return outcome_written(status);
}

static int check(const struct command_line *line, struct lr_error *err)
{
    const struct ask_options *options = line->options;
    const char *name = options->fork ? "fork" : options->sets.count > 0 ? "set" : NULL;
    if (name && line->operand_count < 2)
        return lr_fail(err, LR_EUSAGE, "--%s: needs a PLAN, as in: lrsearch ask logs/my my.yaml",
                       name);
    return 0;
}

static const struct option_row rows[] = {
    {"count", "N", "trials to hand out, at most; default 1", .letter = 'n',
     OPTION_AT(ask_options, count), .type = OPTION_U32, .low = 1, .high = MOST_TRIALS,
     .wanted = "a whole count from 1 to 4096"},
    {"again-after", "TIME",
     "hand trials out again if they have no result after this time; default: limits.trial_time",
     OPTION_AT(ask_options, again_after_s), .type = OPTION_DURATION, .high = 3.2e7,
     .wanted = "a time such as 6h, 370d at most"},
    {"fork", "NAME",
     "a new campaign in NAME beside RUN_DIR that reuses its results that are still valid",
     OPTION_AT(ask_options, fork), .type = OPTION_READ, .read = fork_read},
    OPTION_ROW_SET(ask_options),
    OPTION_ROW_JSON(ask_options),
};

const struct command cmd_ask = {
    .name = "ask",
    .operand = "RUN_DIR [PLAN]",
    .help = "hand out trials that you train yourself; the first call, with PLAN, begins",
    .operand_help = "a campaign's directory, and the plan to begin it with",
    .examples = "lrsearch ask logs/mine mine.yaml -n 4 --json\n"
                "lrsearch tell logs/mine --trial 1 --loss 3.21",
    .kind = OPERAND_RUN,
    .least_most = {1, 2},
    COMMAND_ROWS(rows),
    .options = &(struct ask_options){.count = 1, .again_after_s = -1},
    .check = check,
    .run = run,
};
