/* command_look_run() runs the command as a worker would, with a report descriptor in case it knows
 * lrsearch already, but judges nothing: lines are kept with the time at which they came. */
#define _POSIX_C_SOURCE 200809L
#include "estimate/command_look.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "lrsearch/memory.h"
#include "trainers/command/command_env.h"
#include "trainers/command/command_output.h"
#include "trainers/command/command_port.h"

#define KILL_GRACE_S 5.0

struct run;

struct stream {
    struct run *run;
    enum command_stream which;
    struct output_lines lines;
};

struct run {
    struct output_look *look;
    const struct command_look *request;
    struct command_look_end *end;
    struct stream streams[COMMAND_STREAMS];
    struct timespec start;
    struct lr_error err; /* of a line that was not kept */
};

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

static void on_line(void *context, const char *line, size_t length, bool cut)
{
    struct stream *stream = context;
    struct run *run = stream->run;
    (void)cut;
    output_look_add(run->look, seconds_since(&run->start), stream->which, line, length, &run->err);
    if (run->request->printed)
        run->request->printed(run->request->context, line);
}

static void on_bytes(void *context, enum command_stream stream, const char *bytes, size_t count)
{
    struct run *run = context;
    output_lines_push(&run->streams[stream].lines, bytes, count);
}

static void on_tick(void *context, struct command_process *process)
{
    struct run *run = context;
    double seconds = seconds_since(&run->start);
    stage_say(run->request->stages, "the command runs", seconds / run->request->seconds);
    if (seconds < run->request->seconds && !run->err.code)
        return;
    run->end->stopped = true;
    command_process_stop(process);
}

int command_look_run(struct output_look *look, struct command_look_end *end,
                     const struct command_look *request, struct lr_error *err)
{
    const struct trial_spec spec = {.trainer = TRAINER_COMMAND,
                                    .lr = request->lr,
                                    .horizon_tokens = request->tokens,
                                    .batch_tokens = request->batch_tokens,
                                    .embedding_lr_ratio = 1,
                                    .output_lr_ratio = 1,
                                    .vector_lr_ratio = 1,
                                    .seed = 1};
    const struct trial_place place = {.threads = 1};
    struct command_setup setup = {.cwd = request->cwd, .way = REPORT_FD};
    const struct shell_words *words = request->words;
    struct command_end ending = {0};
    char spec_file[TRIAL_PATH] = "", **argv = NULL, **env = NULL;
    struct placeholder_trial trial = {
        .spec = &spec, .trial_id = 1, .attempt = 1, .spec_file = spec_file};
    struct run *run = lr_calloc(1, sizeof(*run));
    int rc = 0;
    *end = (struct command_look_end){0};
    if (!run)
        return lr_nomem(err);
    struct command_port port = command_port_take((uint32_t)getpid());
    trial.port = port.port;
    run->look = look;
    run->request = request;
    run->end = end;
    for (int i = 0; i < COMMAND_STREAMS; i++)
        run->streams[i] = (struct stream){
            .run = run, .which = (enum command_stream)i, .lines = {.line = on_line}};
    for (int i = 0; i < COMMAND_STREAMS; i++)
        run->streams[i].lines.context = &run->streams[i];
    for (size_t i = words->variables; i < words->count; i++)
        setup.argv[setup.argc++] = words->words[i];
    for (; setup.variables < words->variables; setup.variables++) {
        setup.names[setup.variables] = words->names[setup.variables];
        setup.values[setup.variables] = words->values[setup.variables];
    }
    if ((rc = command_spec_write(spec_file, &trial, NULL, err)) ||
        (rc = command_argv_make(&argv, &setup, &trial, err)) ||
        (rc = command_env_make(&env, &setup, &trial, &place, err)))
        goto out;
    const struct command_request process = {.argv = argv,
                                            .env = env,
                                            .cwd = request->cwd,
                                            .report = true,
                                            .kill_grace_s = KILL_GRACE_S,
                                            .context = run,
                                            .bytes = on_bytes,
                                            .tick = on_tick};
    clock_gettime(CLOCK_MONOTONIC, &run->start);
    if ((rc = command_process_run(&process, &ending, err)))
        goto out;
    for (int i = 0; i < COMMAND_STREAMS; i++)
        output_lines_end(&run->streams[i].lines);
    end->seconds = seconds_since(&run->start);
    end->exit_status = ending.exit_status;
    end->signal = ending.signal;
    if (run->err.code)
        rc = lr_fail(err, run->err.code, "%s", run->err.text);
out:
    stage_over(request->stages);
    command_port_release(&port);
    if (spec_file[0])
        unlink(spec_file);
    command_words_free(argv);
    command_words_free(env);
    lr_free(run);
    return rc;
}
