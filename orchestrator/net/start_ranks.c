/* The options are those that many ranks on few cores, root and a dying worker need. The MPI library
 * that this program is linked with says whose launcher is started. No shell: words pass as they
 * are. */
#define _GNU_SOURCE /* POSIX_SPAWN_SETSID */
#include "net/start_ranks.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "net/mpi_session.h"

#define REQUEUE_SECONDS 60 /* Slurm ends a job that was put back well within this time */
#define CRASH_SECONDS 60   /* what crashes sooner may crash again and again, and is not put back */

/* ---- words and variables ---- */

/* mpirun separates the programs that it starts by the word ':', wherever it stands. */
static int check_words(char *const *words, struct lr_error *err)
{
    for (; *words; words++)
        if (strcmp(*words, ":") == 0)
            return lr_fail(err, LR_EUSAGE,
                           "':': mpirun would take it for the end of a command; a file of that "
                           "name is ./:");
    return 0;
}

/* MPICH's Hydra has this name beside `mpirun`, which may be Open MPI's on a system with both. */
static const char *launcher_name(void)
{
    return mpi_open_mpi_major() > 0 ? "mpirun" : "mpiexec.hydra";
}

/* --bind-to none: by default each rank is bound to a core. Recovery: a dead worker must not end the
 * campaign. Asynchronous finalize: nor may it keep the others from ending. Hydra binds no rank,
 * takes any number of them, and has no recovery. */
static const char *const *launcher_options(void)
{
    static const char *const open_mpi_4[] = {
        "--oversubscribe",   "--bind-to", "none", "--mca", "async_mpi_finalize", "1",
        "--enable-recovery", NULL};
    static const char *const open_mpi_5[] = {
        "--oversubscribe", "--bind-to", "none", "--mca", "async_mpi_finalize", "1",
        "--with-ft",       "ulfm",      NULL};
    static const char *const hydra[] = {NULL};
    int major = mpi_open_mpi_major();
    return major >= 5 ? open_mpi_5 : major > 0 ? open_mpi_4 : hydra;
}

static size_t count_words(const char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    return count;
}

/* LAUNCHER OPTION... -np N PROGRAM ARGUMENT... `program`, `number`: must outlive the list. */
static const char **make_words(const struct start_ranks *start, const char *program,
                               const char *number)
{
    const char *const *options = launcher_options();
    const char *const *arguments = (const char *const *)start->arguments;
    size_t option_count = count_words(options), argument_count = count_words(arguments), used = 0;
    const char **words = lr_calloc(option_count + argument_count + 5, sizeof(*words));
    if (!words)
        return NULL;
    words[used++] = launcher_name();
    for (size_t i = 0; i < option_count; i++)
        words[used++] = options[i];
    words[used++] = "-np";
    words[used++] = number;
    words[used++] = program;
    for (size_t i = 1; i < argument_count; i++)
        words[used++] = arguments[i];
    return words;
}

/* Variables for mpirun and the ranks. What the user set stays, but for the file of the status. */
static void set_variables(const char *exit_file)
{
    char terminal[256];
    setenv("LRSEARCH_EXIT_FILE", exit_file, 1);
    /* mpirun forwards stderr through a pipe: this is where it ends. */
    if (ttyname_r(STDERR_FILENO, terminal, sizeof(terminal)) == 0)
        setenv("LRSEARCH_TERMINAL", terminal, 1);
    if (mpi_open_mpi_major() == 0)
        return;
    if (geteuid() == 0) {
        setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
        setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    }
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
    /* How long the ranks have between SIGTERM and SIGKILL to write down where they are (Open MPI 5:
     * always 250 ms). */
    setenv("OMPI_MCA_odls_base_sigkill_timeout", "5", 0);
}

/* ---- the file of the status ---- */

static int make_exit_file(char *path, size_t size, struct lr_error *err)
{
    const char *folder = getenv("TMPDIR");
    int length = snprintf(path, size, "%s/lrsearch-XXXXXX", folder && *folder ? folder : "/tmp");
    int file = length > 0 && (size_t)length < size ? mkstemp(path) : -1;
    if (file < 0)
        return lr_fail_errno(err, LR_ECREATE, "%s: cannot make a temporary file", path);
    close(file);
    return 0;
}

/* -1: rank 0 left none. */
static int read_exit_file(const char *path)
{
    int status = -1;
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    if (fscanf(file, "%d", &status) != 1 || status < 0 || status > 255)
        status = -1;
    fclose(file);
    return status;
}

/* ---- processes ---- */

/* Starts words[0], found in PATH; Debian has it in `package`. `own_session`: without this terminal,
 * and stdin is empty. */
static int spawn(pid_t *pid, const char **words, const char *package, bool own_session,
                 struct lr_error *err)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int rc = ENOMEM;
    if (posix_spawn_file_actions_init(&files))
        return lr_nomem(err);
    if (posix_spawnattr_init(&attributes)) {
        posix_spawn_file_actions_destroy(&files);
        return lr_nomem(err);
    }
    sigemptyset(&none);
    sigemptyset(&all);
    sigaddset(&all, SIGCHLD); /* which libraries expect to have its default */
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                  (own_session ? POSIX_SPAWN_SETSID : 0)));
    if (!own_session ||
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0)
        /* The cast: spawn does not write to the words. */
        rc = posix_spawnp(pid, words[0], &files, &attributes, (char *const *)words, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (rc == ENOENT)
        return lr_fail(err, LR_EINTERNAL, "%s: is not in PATH; Debian has it in the package %s",
                       words[0], package);
    errno = rc;
    return rc ? lr_fail_errno(err, LR_EINTERNAL, "%s: cannot be started", words[0]) : 0;
}

/* Those that are not ignored, and SIGCHLD, are blocked and waited for. */
static void block_signals(sigset_t *waited)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    struct sigaction now;
    sigemptyset(waited);
    sigaddset(waited, SIGCHLD);
    signal(SIGCHLD, SIG_DFL); /* ignored, it would take the children's statuses away */
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(waited, numbers[i]);
    sigprocmask(SIG_BLOCK, waited, NULL);
}

/* Hands signals on until `pid` has ended. *first: the first signal that asked for the end, 0 if
 * none did. Returns its wait status. */
static int wait_for_end(pid_t pid, const sigset_t *waited, int *first)
{
    int status = 0, number;
    *first = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (sigwait(waited, &number) != 0 || number == SIGCHLD)
            continue;
        if (*first == 0) {
            *first = number;
            lr_log(LR_LOG_INFO, "stopping (once more: at once)");
            kill(pid, SIGUSR1);
        } else if (number != SIGUSR1 && number != SIGUSR2) {
            kill(pid, SIGTERM);
        }
    }
    return status;
}

/* Puts the job of Slurm back into the queue, and waits until Slurm ends this start. */
static int requeue(const sigset_t *waited, struct lr_error *err)
{
    const struct timespec second = {1, 0};
    const char *job = getenv("SLURM_JOB_ID"), *start = getenv("SLURM_RESTART_COUNT");
    const char *words[] = {"scontrol", "requeue", job, NULL};
    pid_t pid;
    int rc, status;
    if (!job || !*job)
        return lr_fail(err, LR_EINTERNAL, "--requeue: no job of Slurm, SLURM_JOB_ID is not set");
    lr_log(LR_LOG_INFO, "start %s is over; back into the queue", start ? start : "0");
    if ((rc = spawn(&pid, words, "slurm-client", false, err)))
        return rc;
    if (waitpid(pid, &status, 0) < 0 || status != 0)
        return lr_fail(err, LR_EINTERNAL, "scontrol requeue %s: failed", job);
    for (int i = 0; i < REQUEUE_SECONDS; i++) {
        int number = sigtimedwait(waited, NULL, &second);
        if (number == SIGTERM || number == SIGINT || number == SIGHUP)
            break;
    }
    return 0;
}

/* Whether the launcher's wait status is that of ranks which did not start. If a signal ended one,
 * Open MPI returns 128 and its number, Hydra the number itself. 255 is Hydra's where it does not
 * know an option, as those of Open MPI. */
static bool did_not_start(int ended)
{
    int status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 0;
    if (status == 255)
        return true;
    return mpi_open_mpi_major() > 0 ? status > 0 && status <= 128 : status == 1;
}

static int wait_for_ranks(pid_t mpirun, const char *exit_file, const struct start_ranks *start,
                          const sigset_t *waited, int *status, struct lr_error *err)
{
    time_t began = time(NULL);
    int asked, ended = wait_for_end(mpirun, waited, &asked);
    bool again = start->requeue && asked != SIGINT && asked != SIGTERM && asked != SIGHUP;
    *status = read_exit_file(exit_file);
    if (*status < 0) {
        again = again && (asked || time(NULL) - began >= CRASH_SECONDS);
        if (!asked && did_not_start(ended))
            return lr_fail(err, LR_EINTERNAL,
                           "%s could not start the ranks (its status: %d); it must be that of %s, "
                           "which lrsearch is linked with",
                           launcher_name(), WEXITSTATUS(ended),
                           mpi_open_mpi_major() > 0 ? "Open MPI" : "MPICH");
        lr_log(LR_LOG_WARNING, "the coordinator was stopped before it was done; the same command "
                               "goes on from there");
        *status = LR_EXIT_INTERRUPTED;
    }
    return again && *status == LR_EXIT_INTERRUPTED ? requeue(waited, err) : 0;
}

int start_ranks(const struct start_ranks *start, int *status, struct lr_error *err)
{
    char program[4096], number[16], exit_file[4096] = "";
    const char **words = NULL;
    sigset_t waited;
    pid_t mpirun;
    int rc;
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length < 0)
        return lr_fail_errno(err, LR_EINTERNAL, "/proc/self/exe: cannot be read");
    program[length] = 0;
    snprintf(number, sizeof(number), "%u", start->ranks);
    if ((rc = check_words(start->arguments, err)) ||
        (rc = make_exit_file(exit_file, sizeof(exit_file), err)))
        return rc;
    set_variables(exit_file);
    if (!(words = make_words(start, program, number))) {
        rc = lr_nomem(err);
        goto out;
    }
    block_signals(&waited);
    const char *package = mpi_open_mpi_major() > 0 ? "openmpi-bin" : "mpich";
    if ((rc = spawn(&mpirun, words, package, true, err)))
        goto out;
    rc = wait_for_ranks(mpirun, exit_file, start, &waited, status, err);
out:
    unlink(exit_file);
    lr_free(words);
    return rc;
}
