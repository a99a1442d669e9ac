/* uv_spawn starts lrsearch again, which becomes the command (command_child(), at the end). Output
 * is read until it ends, but at most one second after the command: a process that left the group
 * may keep it open.
 *
 * The watcher that command_child() starts is not a child of the command, which may wait for all its
 * children. It stays in the process group, so that the group id cannot be reused before the group
 * is killed. */
#define _GNU_SOURCE /* close_range */
#include "trainers/command/command_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>
#include "lrsearch/limits.h"
#include "lrsearch/memory.h"

enum {
    FILES = 16,
    TICK_MS = 30,
    DRAIN_MS = 1000,
    FORCE_MS = 30000, /* for a launcher to end its step; Slurm's KillWait is 30 s */
    SHEPHERD_MS =
        3000, /* for what a killed launcher has left to end its step, such as srun's child */
    PIPES = COMMAND_STREAMS + 1,
    STATUS = COMMAND_STREAMS
};

struct command_process {
    const struct command_request *request;
    struct command_end *end;
    uv_loop_t loop;
    uv_process_t process;
    uv_process_t stopper;
    uv_timer_t timer;
    uv_pipe_t pipes[PIPES]; /* our ends of the streams and of the status pipe */
    int theirs[PIPES];      /* the child's ends; -1: none */
    int alive[2];           /* pipe that closes when we exit: the child's end, ours */
    bool reading[PIPES];
    int start_errno;
    bool exited, stopping, forced, killed;
    bool stopper_runs;
    uint64_t kill_ms, drain_ms, clear_ms;
    char buffer[65536];
};

static void signal_group(struct command_process *process, int number)
{
    if (process->process.pid > 0)
        kill(-process->process.pid, number);
}

static void on_stopper_exit(uv_process_t *handle, int64_t status, int number)
{
    struct command_process *process = handle->data;
    (void)status;
    (void)number;
    process->stopper_runs = false;
    uv_close((uv_handle_t *)handle, NULL);
}

static bool start_stopper(struct command_process *process)
{
    const uv_process_options_t options = {.exit_cb = on_stopper_exit,
                                          .file = process->request->stop[0],
                                          .args = process->request->stop,
                                          .env = process->request->env};
    process->stopper.data = process;
    process->stopper_runs = uv_spawn(&process->loop, &process->stopper, &options) == 0;
    if (!process->stopper_runs)
        uv_close((uv_handle_t *)&process->stopper, NULL);
    return process->stopper_runs;
}

void command_process_stop(struct command_process *process)
{
    if (process->stopping || process->exited)
        return;
    process->stopping = true;
    process->kill_ms = uv_now(&process->loop) + (uint64_t)(process->request->kill_grace_s * 1000.0);
    if (process->request->stop && start_stopper(process))
        return;
    process->forced = true;
    signal_group(process, SIGTERM);
    signal_group(process, SIGCONT); /* a stopped process does not handle SIGTERM */
}

/* The grace is over. A killed launcher leaves its group for a moment. */
static void force_end(struct command_process *process, uint64_t now_ms)
{
    if (!process->forced) {
        process->forced = true;
        process->kill_ms = now_ms + FORCE_MS;
        signal_group(process, SIGTERM);
        return;
    }
    process->killed = true;
    if (process->request->stop)
        uv_process_kill(&process->process, SIGKILL);
    else
        signal_group(process, SIGKILL);
}

/* ---- the end ---- */

static void close_pipe(struct command_process *process, int pipe)
{
    if (process->reading[pipe])
        uv_close((uv_handle_t *)&process->pipes[pipe], NULL);
    process->reading[pipe] = false;
}

static void finish(struct command_process *process)
{
    bool reading = false;
    for (int i = 0; i < PIPES; i++)
        reading = reading || process->reading[i];
    if (!process->exited || reading || process->clear_ms > 0)
        return;
    if (!uv_is_closing((uv_handle_t *)&process->timer))
        uv_close((uv_handle_t *)&process->timer, NULL);
    if (process->stopper_runs)
        uv_process_kill(&process->stopper, SIGKILL);
}

/* Kills its remaining processes, and the watcher. The pid is that of an ended process. */
static void clear_group(struct command_process *process)
{
    process->clear_ms = 0;
    signal_group(process, SIGKILL);
}

static void on_process_exit(uv_process_t *handle, int64_t status, int number)
{
    struct command_process *process = handle->data;
    process->end->exit_status = status;
    process->end->signal = number;
    process->exited = true;
    process->drain_ms = uv_now(&process->loop) + DRAIN_MS;
    if (process->request->stop && number == SIGKILL)
        process->clear_ms = uv_now(&process->loop) + SHEPHERD_MS;
    else
        clear_group(process);
    uv_close((uv_handle_t *)handle, NULL);
    finish(process);
}

static void on_tick(uv_timer_t *timer)
{
    struct command_process *process = timer->data;
    uint64_t now_ms = uv_now(&process->loop);
    process->request->tick(process->request->context, process);
    if (process->stopping && !process->exited && !process->killed && now_ms >= process->kill_ms)
        force_end(process, now_ms);
    if (process->clear_ms > 0 && now_ms >= process->clear_ms)
        clear_group(process);
    for (int i = 0; process->exited && now_ms >= process->drain_ms && i < PIPES; i++)
        close_pipe(process, i);
    finish(process);
}

/* ---- output ---- */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct command_process *process = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(process->buffer, sizeof(process->buffer));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct command_process *process = stream->data;
    int pipe = (int)((uv_pipe_t *)stream - process->pipes);
    if (count > 0 && pipe == STATUS && (size_t)count == sizeof(process->start_errno))
        memcpy(&process->start_errno, buffer->base, sizeof(process->start_errno));
    else if (count > 0 && pipe != STATUS)
        process->request->bytes(process->request->context, (enum command_stream)pipe, buffer->base,
                                (size_t)count);
    if (count < 0) {
        close_pipe(process, pipe);
        finish(process);
    }
}

/* ---- the start ---- */

/* A pipe, not libuv's socket pair: programs open /dev/stderr, which fails on a socket. */
static int open_pipe(struct command_process *process, int pipe)
{
    uv_file ends[2];
    int rc = uv_pipe(ends, UV_NONBLOCK_PIPE, 0);
    if (rc)
        return rc;
    process->theirs[pipe] = ends[1];
    uv_pipe_init(&process->loop, &process->pipes[pipe], 0);
    process->pipes[pipe].data = process;
    process->reading[pipe] = true;
    rc = uv_pipe_open(&process->pipes[pipe], ends[0]);
    if (rc) {
        close(ends[0]);
        return rc;
    }
    return uv_read_start((uv_stream_t *)&process->pipes[pipe], on_room, on_read);
}

static void close_theirs(struct command_process *process)
{
    for (int i = 0; i < PIPES; i++)
        if (process->theirs[i] >= 0)
            close(process->theirs[i]);
    if (process->alive[0] >= 0)
        close(process->alive[0]);
}

static int spawn(struct command_process *process, char **argv)
{
    const struct command_request *request = process->request;
    uv_stdio_container_t stdio[COMMAND_STATUS_FD + 1] = {{.flags = UV_IGNORE}};
    static const int at[PIPES] = {1, 2, COMMAND_REPORT_FD, COMMAND_STATUS_FD};
    for (int i = 0; i < PIPES; i++) {
        stdio[at[i]].flags = process->theirs[i] < 0 ? UV_IGNORE : UV_INHERIT_FD;
        stdio[at[i]].data.fd = process->theirs[i];
    }
    stdio[COMMAND_ALIVE_FD].flags = UV_INHERIT_FD;
    stdio[COMMAND_ALIVE_FD].data.fd = process->alive[0];
    const uv_process_options_t options = {
        .exit_cb = on_process_exit,
        .file = "/proc/self/exe", /* works even if the file was replaced meanwhile */
        .args = argv,
        .env = request->env,
        .cwd = request->cwd,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = COMMAND_STATUS_FD + 1,
        .stdio = stdio,
    };
    return uv_spawn(&process->loop, &process->process, &options);
}

static int start(struct command_process *process)
{
    size_t count = 0;
    while (process->request->argv[count])
        count++;
    char **argv = lr_calloc(count + 3, sizeof(*argv));
    int rc = argv ? uv_pipe(process->alive, 0, 0) : UV_ENOMEM;
    if (rc)
        goto out;
    for (int i = 0; i < PIPES; i++)
        if ((i != COMMAND_REPORT || process->request->report) && (rc = open_pipe(process, i)))
            goto out;
    argv[0] = (char *)(uintptr_t) "lrsearch"; /* only read */
    argv[1] =
        (char *)(uintptr_t)(process->request->launcher ? COMMAND_LAUNCHER_CHILD : COMMAND_CHILD);
    memcpy(argv + 2, process->request->argv, count * sizeof(*argv));
    process->process.data = process;
    if ((rc = spawn(process, argv)))
        uv_close((uv_handle_t *)&process->process, NULL);

out:
    lr_free(argv);
    close_theirs(process);
    return rc;
}

int command_process_run(const struct command_request *request, struct command_end *end,
                        struct lr_error *err)
{
    struct command_process *process = lr_calloc(1, sizeof(*process));
    memset(end, 0, sizeof(*end));
    if (!process)
        return lr_nomem(err);
    if (limits_check_files(FILES, err)) {
        lr_free(process);
        return LR_EFAILURES;
    }
    process->request = request;
    process->end = end;
    memset(process->theirs, -1, sizeof(process->theirs));
    process->alive[0] = process->alive[1] = -1;
    int rc = uv_loop_init(&process->loop);
    if (rc) {
        lr_free(process);
        return lr_fail(err, LR_EFAILURES, "no event loop: %s", uv_strerror(rc));
    }
    uv_timer_init(&process->loop, &process->timer);
    process->timer.data = process;
    rc = start(process);
    if (rc) {
        process->exited = true;
        for (int i = 0; i < PIPES; i++)
            close_pipe(process, i);
        finish(process);
    } else {
        uv_timer_start(&process->timer, on_tick, 0, TICK_MS);
    }
    uv_run(&process->loop, UV_RUN_DEFAULT);
    uv_loop_close(&process->loop);
    if (process->alive[1] >= 0)
        close(process->alive[1]);
    if (rc)
        lr_fail(err, LR_EFAILURES, "cannot start a process in %s: %s", request->cwd,
                uv_strerror(rc));
    else if (process->start_errno)
        rc = lr_fail(err, LR_EFAILURES, "cannot start %s: %s; see trainer.argv", request->argv[0],
                     strerror(process->start_errno));
    lr_free(process);
    return rc ? LR_EFAILURES : 0;
}

/* ---- in the child process ---- */

enum { EXIT_NOT_STARTED = 127, LAUNCHER_ENDS_S = 40 };

static void watch(bool launcher)
{
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
    char byte;
    ssize_t count;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN); /* meant for the command; the watcher stays until the end */
    for (int fd = 0; fd <= COMMAND_STATUS_FD; fd++)
        if (fd != COMMAND_ALIVE_FD)
            close(fd);
    do
        count = read(COMMAND_ALIVE_FD, &byte, 1);
    while (count > 0 || (count < 0 && errno == EINTR));
    const char *spec = getenv("LRSEARCH_SPEC"); /* the worker that would remove it is gone */
    if (spec)
        unlink(spec);
    if (launcher) { /* its pid is the group's */
        kill(0, SIGTERM);
        for (int i = 0; i < LAUNCHER_ENDS_S && kill(getpgrp(), 0) == 0; i++)
            sleep(1);
    }
    kill(0, SIGKILL);
    _exit(0);
}

static int start_watcher(bool launcher)
{
    pid_t middle = fork();
    if (middle == 0) {
        pid_t watcher = fork();
        if (watcher == 0)
            watch(launcher);
        _exit(watcher < 0);
    }
    int status = 1;
    while (middle > 0 && waitpid(middle, &status, 0) < 0 && errno == EINTR)
        ;
    return middle < 0 || status != 0;
}

int command_child(char **argv, bool launcher)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close_range(COMMAND_STATUS_FD + 1, ~0U, 0); /* such as MPI's sockets */
    int why = start_watcher(launcher) ? EAGAIN : 0;
    fcntl(COMMAND_ALIVE_FD, F_SETFD, FD_CLOEXEC);
    fcntl(COMMAND_STATUS_FD, F_SETFD, FD_CLOEXEC);
    if (!why) {
        execvp(argv[0], argv);
        why = errno;
    }
    ssize_t written = write(COMMAND_STATUS_FD, &why, sizeof(why));
    (void)written; /* the exit status reports it too */
    return EXIT_NOT_STARTED;
}
