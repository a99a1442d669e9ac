/* One attempt of a user's program. Reports are checked as they arrive; the first error ends the
 * attempt and is its result. Without an error, the exit status and the final loss decide. */
#define _POSIX_C_SOURCE 200809L
#include "trainers/command/command.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "trainers/command/command_env.h"
#include "trainers/command/command_file.h"
#include "trainers/command/command_launch.h"
#include "trainers/command/command_output.h"
#include "trainers/command/command_port.h"
#include "trainers/command/command_process.h"
#include "trainers/command/report_file.h"
#include "trainers/command/report_reader.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"

#define SHORTEST_FINAL .9  /* of the horizon: whole steps may end a little before it */
#define LONGEST_DEAF_S .05 /* at most, between polls for messages, in report_progress() */
#define LOOK_S .5          /* between looks at the file with its losses */
enum { LAST_LINE = 120, SHOWN = 60 };

struct attempt {
    const struct trial_spec *spec;
    const struct train_hooks *hooks;
    struct trial_result *result;
    struct lr_error *err;
    struct command_setup setup;
    struct report_reader *reader;
    struct report_file *file; /* NULL unless it reports in a file */
    struct output_tail tail;
    struct output_lines streams[COMMAND_STREAMS];
    bool ended;  /* the result is set; later output is only kept for the tail */
    bool wanted; /* on_tick() must stop the command */
    bool has_final;
    char step_end[LAST_LINE]; /* by Slurm's own words; "": it did not end the step */
    struct report final;      /* regex, file: the last loss */
    struct train_step last;   /* the last one passed to the hook */
    struct timespec start, heard, told, looked;
};

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

/* Sets the result unless it is set already; on_tick() then stops the command. */
static void end_attempt(struct attempt *a, enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void end_attempt(struct attempt *a, enum outcome outcome, const char *format, ...)
{
    va_list arguments;
    char text[sizeof(a->result->message)];
    a->wanted = true;
    if (a->ended)
        return;
    a->ended = true;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (char *c = text; *c; c++) /* a program may print any bytes, the journal is UTF-8 */
        *c = *c >= ' ' && *c <= '~' ? *c : '?';
    a->result->outcome = outcome;
    memcpy(a->result->message, text, sizeof(text));
    if (outcome == OUTCOME_FAILED || outcome == OUTCOME_LOST)
        lr_fail(a->err, LR_EFAILURES, "%s", text);
}

/* ---- reports ---- */

/* The horizon, rounded up to whole steps if the plan has a batch. */
static uint64_t most_tokens(const struct trial_spec *spec)
{
    uint64_t batch = spec->batch_tokens;
    return batch > 0 ? (spec->horizon_tokens + batch - 1) / batch * batch : spec->horizon_tokens;
}

/* Tokens from the steps of a report, at most UINT64_MAX. */
static void set_tokens(const struct attempt *a, struct report *report)
{
    uint64_t batch = a->spec->batch_tokens;
    report->has_tokens = batch > 0; /* the plan's check asks for a batch */
    report->tokens =
        batch > 0 && report->steps > UINT64_MAX / batch ? UINT64_MAX : report->steps * batch;
}

static uint64_t curve_place(const struct attempt *a, uint64_t tokens)
{
    double share = (double)tokens / (double)a->spec->horizon_tokens;
    return (uint64_t)(share * TRAIN_CURVE_POINTS);
}

static bool is_too_early(const struct attempt *a, uint64_t tokens)
{
    return !((double)tokens >= SHORTEST_FINAL * (double)a->spec->horizon_tokens);
}

static void end_too_early(struct attempt *a, uint64_t tokens)
{
    end_attempt(a, OUTCOME_FAILED,
                "its final loss is of %" PRIu64 " tokens, the horizon is %" PRIu64
                " (LRSEARCH_TOKENS)",
                tokens, a->spec->horizon_tokens);
}

/* The same of a regex's final loss. A script that counts steps is the likely reason. */
static void end_regex_too_early(struct attempt *a)
{
    uint64_t tokens = a->final.tokens, steps = trial_steps(a->spec);
    if (a->final.has_steps || tokens > steps || (double)tokens < SHORTEST_FINAL * (double)steps)
        end_too_early(a, tokens);
    else
        end_attempt(a, OUTCOME_FAILED,
                    "the group tokens grew to %" PRIu64
                    ", which is %sthe number of steps: call the group steps",
                    tokens, tokens < steps ? "nearly " : "");
}

static void report_progress(struct attempt *a)
{
    a->last.seconds = seconds_since(&a->start);
    clock_gettime(CLOCK_MONOTONIC, &a->told);
    int wish = a->hooks->step ? a->hooks->step(a->hooks->context, &a->last) : 0;
    a->last.curve_point = false;
    if (wish & TRAIN_STOP)
        end_attempt(a, OUTCOME_CANCELED, "canceled at token %" PRIu64, a->last.tokens);
}

static void take_report(struct attempt *a, const struct report *report)
{
    bool is_final = report->final || a->setup.way == REPORT_REGEX || a->setup.way == REPORT_FILE;
    uint64_t most = most_tokens(a->spec);
    if (a->hooks->reported)
        a->hooks->reported(a->hooks->context, report->loss, report->has_tokens, report->tokens);
    if (report->has_tokens && report->tokens > most) {
        end_attempt(a, OUTCOME_FAILED,
                    "it reported a loss for %" PRIu64 " tokens, beyond the horizon of %" PRIu64
                    " (LRSEARCH_TOKENS)",
                    report->tokens, a->spec->horizon_tokens);
        return;
    }
    if (report->has_begun && report->begun_tokens > most) {
        end_attempt(a, OUTCOME_FAILED,
                    "it went on from %" PRIu64 " tokens, beyond the horizon of %" PRIu64
                    " (LRSEARCH_TOKENS)",
                    report->begun_tokens, a->spec->horizon_tokens);
        return;
    }
    if (report->has_begun)
        a->result->begun_tokens = report->begun_tokens;
    uint64_t tokens = report->has_tokens ? report->tokens
                      : report->final    ? a->spec->horizon_tokens
                                         : a->last.tokens;
    uint64_t before = curve_place(a, a->last.tokens);
    bool forth = tokens > a->last.tokens;
    a->result->tokens = a->last.tokens = forth ? tokens : a->last.tokens;
    if (!isfinite(report->loss)) {
        end_attempt(a, OUTCOME_DIVERGED, "it reported a loss of %g at token %" PRIu64, report->loss,
                    a->last.tokens);
        return;
    }
    if (report->final && is_too_early(a, tokens)) {
        end_too_early(a, tokens);
        return;
    }
    if (is_final) {
        a->final = *report;
        a->has_final = true;
    }
    if (report->final)
        return; /* a validation loss is no point of the training curve */
    a->last.train_loss = report->loss;
    a->last.curve_point = forth && report->has_tokens && curve_place(a, tokens) > before;
    if (a->last.curve_point)
        report_progress(a);
}

/* Polls for messages after a slow regex or in much output. */
static void stay_responsive(struct attempt *a)
{
    if (seconds_since(&a->told) > LONGEST_DEAF_S)
        report_progress(a);
}

/* Reads a line of stdout or of the report descriptor, which may hold a report. */
static void take_line(struct attempt *a, const char *line, size_t length, bool cut)
{
    struct report report;
    struct lr_error err = {0};
    int shown = length < SHOWN ? (int)length : SHOWN;
    if (a->ended)
        return;
    int rc = report_reader_read(a->reader, line, length, cut, &report, &err);
    stay_responsive(a);
    if (report.known && report.has_steps)
        set_tokens(a, &report);
    if (report.known)
        take_report(a, &report);
    if (rc)
        end_attempt(a, OUTCOME_FAILED, "a report %.100s: %.*s", err.text, shown, line);
}

/* Keeps a line of stdout or stderr, which may say that the training diverged. */
static void keep_line(struct attempt *a, const char *line, size_t length, bool is_err)
{
    bool diverged;
    struct lr_error err = {0};
    int shown = length < SHOWN ? (int)length : SHOWN;
    if (a->hooks->printed)
        a->hooks->printed(a->hooks->context, line, length, is_err);
    output_tail_add(&a->tail, line, length);
    lr_log(LR_LOG_DEBUG, "command: %s", line);
    if (a->ended)
        return;
    int rc = report_reader_diverged(a->reader, line, length, &diverged, &err);
    stay_responsive(a);
    if (rc)
        end_attempt(a, OUTCOME_FAILED, "a line %.100s: %.*s", err.text, shown, line);
    else if (diverged)
        end_attempt(a, OUTCOME_DIVERGED, "it printed a line of trainer.diverged.regex: %.*s", shown,
                    line);
}

static void on_out(void *context, const char *line, size_t length, bool cut)
{
    struct attempt *a = context;
    keep_line(a, line, length, false);
    if (a->setup.way == REPORT_PREFIX || a->setup.way == REPORT_REGEX)
        take_line(a, line, length, cut);
}

static void on_err(void *context, const char *line, size_t length, bool cut)
{
    struct attempt *a = context;
    (void)cut;
    keep_line(a, line, length, true);
    if (command_by_srun(&a->setup) && command_step_ended(line))
        snprintf(a->step_end, sizeof(a->step_end), "%.*s", LAST_LINE - 1, line);
}

static void on_report(void *context, const char *line, size_t length, bool cut)
{
    take_line(context, line, length, cut);
}

/* ---- while it runs ---- */

static void on_row(void *context, const struct report *report)
{
    struct attempt *a = context;
    if (!a->ended)
        take_report(a, report);
    if (seconds_since(&a->told) > LONGEST_DEAF_S)
        report_progress(a);
}

/* Reads what its file has now. ending: the command has ended, so that all of it is read; what is
 * wrong with the file then does not count if the command failed, which tells more. */
static void look_at_file(struct attempt *a, const struct command_end *ending)
{
    struct lr_error err = {0};
    bool final = ending != NULL;
    int rc;
    do {
        rc = a->ended ? 0 : report_file_read(a->file, final, &err);
        clock_gettime(CLOCK_MONOTONIC, &a->looked);
        if (rc > 0 && (rc & REPORT_FILE_NEWS))
            a->heard = a->looked;
        if (rc < 0 && !(final && (ending->signal || ending->exit_status != 0)))
            end_attempt(a, OUTCOME_FAILED, "%s", err.text);
    } while (final && rc > 0 && (rc & REPORT_FILE_MORE));
    if (rc > 0 && (rc & REPORT_FILE_MORE))
        a->looked = a->start; /* go on at the next tick */
}

static void on_bytes(void *context, enum command_stream stream, const char *bytes, size_t count)
{
    struct attempt *a = context;
    clock_gettime(CLOCK_MONOTONIC, &a->heard);
    output_lines_push(&a->streams[stream], bytes, count);
}

static void on_tick(void *context, struct command_process *process)
{
    struct attempt *a = context;
    double silence_s = a->hooks->place->silence_s;
    report_progress(a);
    if (a->file && seconds_since(&a->looked) > LOOK_S)
        look_at_file(a, NULL);
    if (silence_s > 0 && !a->ended && seconds_since(&a->heard) > silence_s)
        end_attempt(a, OUTCOME_FAILED, "it said nothing for %g s (limits.silence)", silence_s);
    if (a->wanted)
        command_process_stop(process);
}

/* ---- the end ---- */

static bool has_diverged(const struct attempt *a, int64_t exit_status)
{
    const struct command_diverged *diverged = &a->setup.diverged;
    for (size_t i = 0; i < diverged->exit_count; i++)
        if (diverged->exits[i] == exit_status)
            return true;
    return false;
}

static void judge_end(struct attempt *a, const struct command_end *ending)
{
    char last[LAST_LINE], why[LAST_LINE + SHOWN];
    output_tail_last(&a->tail, last, sizeof(last));
    const char *said = last[0] ? "; its last line: " : "; it printed nothing";
    if (a->step_end[0]) /* srun's exit status may be 0 all the same */
        end_attempt(a, OUTCOME_LOST, "Slurm ended its step: %s", a->step_end);
    else if (command_by_srun(&a->setup) && ending->exit_status == COMMAND_SRUN_STATUS)
        end_attempt(a, OUTCOME_LOST, "srun could not run it%s%s", said, last);
    else if (ending->signal)
        end_attempt(a, OUTCOME_FAILED, "signal %d (%s) ended it%s%s", ending->signal,
                    strsignal(ending->signal), said, last);
    else if (has_diverged(a, ending->exit_status))
        end_attempt(a, OUTCOME_DIVERGED, "exit status %d (trainer.diverged.exit)%s%s",
                    (int)ending->exit_status, said, last);
    else if (ending->exit_status != 0)
        end_attempt(a, OUTCOME_FAILED, "exit status %d%s%s", (int)ending->exit_status, said, last);
    else if (a->file && !report_file_is_whole(a->file))
        end_attempt(a, OUTCOME_FAILED, "exit status 0, but %s",
                    report_file_why(a->file, why, sizeof(why)));
    else if (!a->has_final)
        end_attempt(a, OUTCOME_FAILED, "exit status 0, but it reported no final loss%s%s", said,
                    last);
    else if (a->final.has_tokens && is_too_early(a, a->final.tokens) &&
             a->setup.way == REPORT_REGEX)
        end_regex_too_early(a); /* known only now, as that of a file */
    else if (a->final.has_tokens && is_too_early(a, a->final.tokens))
        end_too_early(a, a->final.tokens);
    else
        end_attempt(a, OUTCOME_DONE, "%s", "");
    if (a->result->outcome != OUTCOME_DONE)
        return;
    a->result->val_loss = a->final.loss;
    a->result->val_loss_se = a->final.loss_se;
    a->result->tokens = a->last.tokens =
        a->final.has_tokens && a->final.final ? a->final.tokens : a->spec->horizon_tokens;
}

static void write_output(struct attempt *a, const struct command_end *ending)
{
    struct lr_error err = {0};
    char head[512];
    const char *path = a->hooks->place->output;
    if (!path[0])
        return;
    int length = snprintf(head, sizeof(head), "trial %" PRIu32 ", attempt %" PRIu32 ": %s%s%s\n",
                          a->hooks->trial_id, a->hooks->attempt, outcome_name(a->result->outcome),
                          a->result->message[0] ? ": " : "", a->result->message);
    snprintf(head + length, sizeof(head) - (size_t)length, "%s %d",
             ending->signal ? "ended by signal" : "exit status",
             ending->signal ? ending->signal : (int)ending->exit_status);
    if (output_tail_write(&a->tail, path, head, &err))
        lr_log(LR_LOG_WARNING, "the command's output is not kept: %s", err.text);
}

/* What an attempt has while it runs. */
struct launch {
    char spec_file[TRIAL_PATH], gpus[COMMAND_GPUS], cwd[COMMAND_WORD];
    struct placeholder_trial trial;
    struct command_port port;
    char **argv, **env, **stop;
};

static int prepare_launch(struct launch *launch, struct attempt *a)
{
    const struct trial_place *place = a->hooks->place;
    launch->trial = (struct placeholder_trial){.spec = a->spec,
                                               .trial_id = a->hooks->trial_id,
                                               .attempt = a->hooks->attempt,
                                               .checkpoint = place->checkpoint,
                                               .spec_file = launch->spec_file,
                                               .worker = place->slot,
                                               .gpus = launch->gpus};
    struct placeholder_trial *trial = &launch->trial;
    bool by_srun = command_by_srun(&a->setup);
    int rc;
    if (by_srun && !getenv("SLURM_JOB_ID"))
        return lr_fail(a->err, LR_EFAILURES,
                       "trainer.launcher: srun needs a job of Slurm (sbatch or salloc)");
    launch->port =
        command_port_take((uint32_t)getpid() * 31 + trial->trial_id * 7 + trial->attempt);
    trial->port = launch->port.port;
    if ((rc = command_gpus(launch->gpus, &a->setup, place->slot, a->err)) ||
        (rc = command_spec_write(launch->spec_file, trial,
                                 a->setup.launcher_words ? place->data_path : NULL, a->err)) ||
        (rc = command_argv_make(&launch->argv, &a->setup, trial, a->err)) ||
        (rc = command_env_make(&launch->env, &a->setup, trial, place, a->err)) ||
        (rc = command_cwd_make(launch->cwd, &a->setup, trial, a->err)))
        return rc;
    return by_srun ? command_step_stop(&launch->stop, trial, a->err) : 0;
}

static void release_launch(struct launch *launch)
{
    if (launch->spec_file[0])
        unlink(launch->spec_file);
    command_port_release(&launch->port);
    command_words_free(launch->argv);
    command_words_free(launch->env);
    command_words_free(launch->stop);
}

static int run_command(struct attempt *a)
{
    struct command_end ending = {0};
    struct launch launch = {.port = {0, -1}};
    int rc;
    if ((rc = prepare_launch(&launch, a)))
        goto out;
    if (access(launch.cwd, X_OK)) {
        rc = lr_fail_errno(a->err, LR_EFAILURES, "trainer.cwd: %s", launch.cwd);
        goto out;
    }
    const struct report_file_request follow = {&a->setup, &launch.trial, launch.cwd, a, on_row};
    if (a->setup.way == REPORT_FILE && (rc = report_file_open(&a->file, &follow, a->err)))
        goto out;
    const struct command_request request = {
        .argv = launch.argv,
        .env = launch.env,
        .launcher = a->setup.launcher_words > 0,
        .stop = launch.stop,
        .cwd = launch.cwd,
        .report = a->setup.way == REPORT_FD,
        .kill_grace_s = a->setup.kill_grace_s,
        .context = a,
        .bytes = on_bytes,
        .tick = on_tick,
    };
    if ((rc = command_process_run(&request, &ending, a->err)))
        goto out;
    for (int i = 0; i < COMMAND_STREAMS; i++)
        output_lines_end(&a->streams[i]);
    if (a->file)
        look_at_file(a, &ending);
    judge_end(a, &ending);
    write_output(a, &ending);
out:
    report_file_close(a->file);
    release_launch(&launch);
    return rc;
}

static int run_attempt(struct attempt *a)
{
    static void (*const on_line[])(void *, const char *, size_t, bool) = {on_out, on_err,
                                                                          on_report};
    int rc;
    a->last.train_loss = NAN;
    clock_gettime(CLOCK_MONOTONIC, &a->start);
    a->heard = a->told = a->start;
    for (int i = 0; i < COMMAND_STREAMS; i++) {
        a->streams[i].line = on_line[i];
        a->streams[i].context = a;
    }
    if ((rc = command_file_read(&a->setup, a->hooks->place->data_path, a->spec->data_hash,
                                a->err)) ||
        (rc = report_reader_create(&a->reader, a->setup.way, a->setup.pattern, a->err)))
        goto out;
    const char *diverged = a->setup.diverged.regex;
    if (diverged && *diverged && (rc = report_reader_take_diverged(a->reader, diverged, a->err)))
        goto out;
    rc = run_command(a);
out:
    a->result->seconds = seconds_since(&a->start);
    report_reader_destroy(a->reader);
    command_setup_release(&a->setup);
    return rc;
}

void command_trial_run(const struct trial_spec *spec, struct train_files *files,
                       const struct train_hooks *hooks, struct trial_result *result)
{
    struct attempt *a = lr_calloc(1, sizeof(*a));
    int rc = LR_ENOMEM;
    if (!a) {
        lr_nomem(&files->err);
    } else {
        a->spec = spec;
        a->hooks = hooks;
        a->result = result;
        a->err = &files->err;
        rc = run_attempt(a);
    }
    if (rc) {
        result->outcome = OUTCOME_FAILED;
        snprintf(result->message, sizeof(result->message), "%.255s", files->err.text);
    }
    lr_free(a);
}
