/* lrsearch train: runs one training of the plan's model, on this machine alone: to show what a
 * trial does, to train a target that is small enough, or to continue from a checkpoint. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "cli/progress_line.h"
#include "cli/worker_threads.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "prepare/prepare.h"
#include "kernels/kernels.h"
#include "lrsearch/limits.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"
#include "lrsearch/printable.h"
#include "report/summary.h"
#include "store/json_value.h"
#include "trainers/trainer.h"

enum { FILES = 32 }; /* a command's pipes, and some to spare */

struct train_options {
    double lr;
    uint64_t tokens, until;  /* 0: not given */
    const char *save, *init; /* checkpoints; NULL: not given */
    struct option_pairs sets;
    bool json;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

/* The first signal ends the training after the current step; a second one ends the program. */
static void heed_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaction(numbers[i], &action, NULL);
}

struct showing {
    const struct stage_report *stages;
    const struct trial_spec *spec;
    uint64_t first; /* tokens trained before this start, plus one step; 0: not known yet */
};

static int on_step(void *context, const struct train_step *step)
{
    struct showing *showing = context;
    char stage[96], tokens[24], speed[24];
    if (showing->first == 0)
        showing->first = step->tokens;
    char loss[24] = "";
    if (isfinite(step->train_loss)) /* a command may not have reported one yet */
        snprintf(loss, sizeof(loss), " loss %.3f,", step->train_loss);
    double rate = step->seconds > 0 ? (double)(step->tokens - showing->first) / step->seconds : 0;
    snprintf(stage, sizeof(stage), "training: %s tokens,%s %s tokens/s",
             format_count(tokens, sizeof(tokens), (double)step->tokens), loss,
             format_count(speed, sizeof(speed), rate));
    stage_say(showing->stages, stage, (double)step->tokens / (double)showing->spec->horizon_tokens);
    return interrupted;
}

static int print_json(const struct train_options *options, const struct trial_result *result)
{
    bool ok = true;
    json_use_lr_memory();
    json_t *object = json_object();
    json_put(object, "schema_version", json_of_count(1), &ok);
    json_put(object, "outcome", json_of_text(outcome_name(result->outcome)), &ok);
    json_put(object, "message", json_of_text(result->message), &ok);
    json_put(object, "lr", json_of_double(options->lr), &ok);
    json_put(object, "val_loss", json_of_double(result->val_loss), &ok);
    json_put(object, "val_loss_se", json_of_double(result->val_loss_se), &ok);
    json_put(object, "val_bits_per_byte", json_of_double(result->val_bits_per_byte), &ok);
    json_put(object, "train_loss", json_of_double(result->train_loss), &ok);
    json_put(object, "tokens", json_of_count(result->tokens), &ok);
    json_put(object, "flops", json_of_double(result->flops), &ok);
    json_put(object, "seconds", json_of_double(result->seconds), &ok);
    json_put(object, "saved", options->save ? json_of_text(options->save) : json_null(), &ok);
    struct lr_error err = {0};
    int rc = json_print(object, ok, &err);
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    return rc;
}

static void print_text(const struct train_options *options, const struct trial_result *result)
{
    char tokens[24], seconds[24];
    if (result->outcome == OUTCOME_DONE) {
        printf("val_loss   %.6f", result->val_loss);
        if (isfinite(result->val_loss_se))
            printf(" +- %.6f", result->val_loss_se);
        printf(" nats per token\n");
        if (isfinite(result->val_bits_per_byte))
            printf("           %.6f bits per byte\n", result->val_bits_per_byte);
        if (isfinite(result->train_loss))
            printf("train_loss %.6f (last twentieth)\n", result->train_loss);
    } else {
        lr_say(stdout, "%s: %s\n", outcome_name(result->outcome), result->message);
    }
    printf("%s tokens in %s, lr %g\n", format_count(tokens, sizeof(tokens), (double)result->tokens),
           format_seconds(seconds, sizeof(seconds), result->seconds), options->lr);
    if (options->save && result->outcome != OUTCOME_DIVERGED)
        lr_say(stdout, "checkpoint %s\n", options->save);
}

static int exit_status(const struct trial_result *result, const struct lr_error *err)
{
    switch (result->outcome) {
    case OUTCOME_DONE:
        return 0;
    case OUTCOME_CANCELED:
        return interrupted ? LR_EXIT_INTERRUPTED : 0; /* 0: stopped by --until */
    case OUTCOME_DIVERGED:
        return lr_error_exit_status(LR_EFAILURES);
    case OUTCOME_REFUSED:
        return lr_error_exit_status(LR_EDATA);
    default:
        return lr_error_exit_status(err->code);
    }
}

static int train(const struct train_options *options, const struct trial_spec *spec,
                 const struct trial_place *place, const struct stage_report *stages)
{
    struct train_files files = {
        .init = options->init, .save = options->save, .until_tokens = options->until};
    struct showing showing = {.stages = stages, .spec = spec};
    struct train_hooks hooks = {.context = &showing, .step = on_step, .attempt = 1, .place = place};
    struct trial_result result;
    heed_signals();
    kernels_init();
    trainer_run(spec, &files, &hooks, &result);
    stage_over(stages);
    if (result.outcome == OUTCOME_FAILED) {
        lr_log(LR_LOG_ERROR, "%s", files.err.text);
        return exit_status(&result, &files.err);
    }
    if (files.changed[0])
        lr_log(LR_LOG_INFO, "%s was saved with another %s", options->init, files.changed);
    int status = exit_status(&result, &files.err);
    if (options->json)
        return print_json(options, &result) ? 70 : status;
    print_text(options, &result);
    return status;
}

/* Only the transformer has weights to save. */
static int check_files(const struct train_options *options, const struct plan *plan,
                       struct lr_error *err)
{
    if (plan->trainer.kind == TRAINER_TRANSFORMER)
        return options->save ? own_place_check(options->save, err) : 0;
    if (!options->init && !options->save && !options->until)
        return 0;
    return lr_fail(
        err, LR_EUSAGE,
        "train: --init, --save and --until need trainer.kind: transformer, this one is %s",
        trainer_name(plan->trainer.kind));
}

/* Makes the trial from plan and command line, and prepares its data. */
static int make_trial(struct trial_spec *spec, struct trial_place *place,
                      const struct train_options *options, const struct plan *plan,
                      const struct stage_report *stages, struct lr_error *err)
{
    *place = (struct trial_place){.threads = plan->trainer.threads_per_worker,
                                  .silence_s = plan->limits.silence_s};
    *spec = plan_trial(plan);
    spec->lr = options->lr;
    spec->horizon_tokens = options->tokens;
    spec->weight_decay = plan_weight_decay(plan, spec, spec->weight_decay);
    spec->seed = plan->seed;
    return prepare_trial(spec, place->data_path, plan, "--tokens", stages, err);
}

static int run(const struct command_line *line)
{
    const struct train_options *options = line->options;
    struct plan *plan;
    struct lr_error err = {0};
    struct trial_spec spec;
    struct trial_place place;
    struct progress_line progress;
    int rc = prepare_plan(&plan, line->operands[0], options->sets.words, options->sets.count);
    if (rc)
        return lr_error_exit_status(rc);
    progress_line_init(&progress, line->verbosity >= 0, false);
    const struct stage_report stages = progress_line_stages(&progress);
    int status = 0;
    if ((rc = check_files(options, plan, &err)))
        goto out;
    if ((rc = limits_check_files(plan->trainer.kind == TRAINER_COMMAND ? FILES : 0, &err)))
        goto out;
    worker_threads_set(plan, line->argv);
    if ((rc = make_trial(&spec, &place, options, plan, &stages, &err)))
        goto out;
    status = train(options, &spec, &place, &stages);
out:
    progress_line_release(&progress);
    lr_free(plan);
    return rc ? outcome_error(rc, &err) : status;
}

static int check_options(const struct command_line *line, struct lr_error *err)
{
    const struct train_options *options = line->options;
    if (options->lr > 0 && options->tokens > 0)
        return 0;
    return lr_fail(err, LR_EUSAGE,
                   "train: needs --lr and --tokens, as in: lrsearch train %s "
                   "--lr 3e-3 --tokens 2M",
                   line->operands[0]);
}

static const struct option_row rows[] = {
    {"lr", "X", "peak learning rate; needed", OPTION_AT(train_options, lr), .type = OPTION_NUMBER,
     .wanted = "a number above 0 such as 3e-3"},
    {"tokens", "D", "tokens to train on, such as 2M; needed", OPTION_AT(train_options, tokens),
     OPTION_TOKENS},
    {"until", "D", "stop after D of the tokens; --init continues later",
     OPTION_AT(train_options, until), OPTION_TOKENS},
    {"save", "FILE", "write a checkpoint at the end and when interrupted",
     OPTION_AT(train_options, save), OPTION_FILE_NAME},
    {"init", "FILE", "continue from this checkpoint", OPTION_AT(train_options, init),
     OPTION_FILE_NAME},
    OPTION_ROW_SET(train_options),
    OPTION_ROW_JSON(train_options),
};

const struct command cmd_train = {
    .name = "train",
    .operand = "PLAN",
    .help = "train the plan's model once, with --lr on --tokens; needs no MPI",
    .examples = "lrsearch train plans/quickstart.yaml --lr 3e-3 --tokens 2M",
    .kind = OPERAND_PLAN,
    .least_most = {1, 1},
    COMMAND_ROWS(rows),
    .options = &(struct train_options){0},
    .check = check_options,
    .run = run,
};
