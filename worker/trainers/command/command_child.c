/* The watcher is no child of the command, which may wait for all that it has. It stays in the
 * process group, so that the group's number cannot be given to others before it is killed. */
#define _GNU_SOURCE /* close_range */
#include "trainers/command/command_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_NOT_STARTED = 127 };

static void watch(void)
{
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
    char byte;
    ssize_t count;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN); /* they are for the command; we stay until the end */
    for (int fd = 0; fd <= COMMAND_STATUS_FD; fd++)
        if (fd != COMMAND_ALIVE_FD)
            close(fd);
    do
        count = read(COMMAND_ALIVE_FD, &byte, 1);
    while (count > 0 || (count < 0 && errno == EINTR));
    const char *spec = getenv("LRSEARCH_SPEC"); /* who would remove it is gone */
    if (spec)
        unlink(spec);
    kill(0, SIGKILL);
    _exit(0);
}

static int start_watcher(void)
{
    pid_t middle = fork();
    if (middle == 0) {
        pid_t watcher = fork();
        if (watcher == 0)
            watch();
        _exit(watcher < 0);
    }
    int status = 1;
    while (middle > 0 && waitpid(middle, &status, 0) < 0 && errno == EINTR)
        ;
    return middle < 0 || status != 0;
}

int command_child(char **argv)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close_range(COMMAND_STATUS_FD + 1, ~0U, 0); /* such as MPI's sockets */
    int why = start_watcher() ? EAGAIN : 0;
    fcntl(COMMAND_ALIVE_FD, F_SETFD, FD_CLOEXEC);
    fcntl(COMMAND_STATUS_FD, F_SETFD, FD_CLOEXEC);
    if (!why) {
        execvp(argv[0], argv);
        why = errno;
    }
    ssize_t written = write(COMMAND_STATUS_FD, &why, sizeof(why));
    (void)written; /* the exit status says it too */
    return EXIT_NOT_STARTED;
}
