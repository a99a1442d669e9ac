#ifndef LRSEARCH_COMMAND_PROCESS_H
#define LRSEARCH_COMMAND_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"

/* Runs a user's command in its own process group, from start to end, on a separate event loop. */

enum command_stream { COMMAND_OUT, COMMAND_ERR, COMMAND_REPORT, COMMAND_STREAMS };

struct command_process; /* a running command */

struct command_request {
    char **argv, **env; /* both end with NULL */
    bool launcher;      /* it starts the program elsewhere, and ends it on SIGTERM */
    char **stop;        /* a program that asks the command to end; NULL: SIGTERM does */
    const char *cwd;
    bool report; /* open a descriptor for its reports */
    double kill_grace_s;
    void *context;
    void (*bytes)(void *context, enum command_stream stream, const char *bytes, size_t count);
    /* Called about thirty times a second until the command and its output have ended. */
    void (*tick)(void *context, struct command_process *process);
};

struct command_end {
    int64_t exit_status;
    int signal; /* that ended it; 0: none */
};

/* Starts the command and returns when it has ended and its process group is killed. LR_EFAILURES:
 * it could not be started. */
int command_process_run(const struct command_request *request, struct command_end *end,
                        struct lr_error *err);
/* Sends SIGTERM to the group, and SIGKILL kill_grace_s later. A command with a `stop` program is a
 * launcher: that program is started instead; kill_grace_s later the group gets SIGTERM, on which it
 * ends what it has launched, and SIGKILL after another 30 s. Further calls do nothing. */
void command_process_stop(struct command_process *process);

/* ---- in the child process, before it becomes the command ---- */

/* The worker starts lrsearch again with this as its first argument, followed by the command. That
 * process leaves a watcher in the command's process group and then becomes the command, which
 * inherits no other descriptors. When the worker is gone, the watcher kills the group and removes
 * the file in LRSEARCH_SPEC. */
#define COMMAND_CHILD "--become-command"
/* The same of a launcher that ends what it has launched when it gets SIGTERM: the watcher sends
 * that first. */
#define COMMAND_LAUNCHER_CHILD "--become-launcher"

/* Descriptors of the child. */
enum {
    COMMAND_REPORT_FD = 3, /* the command writes its reports here; otherwise closed */
    COMMAND_ALIVE_FD = 4,  /* read end of a pipe that the worker holds */
    COMMAND_STATUS_FD = 5, /* gets errno (an int) when the command cannot be started */
};

/* `argv`: the command's, ends with NULL. Returns only on failure, with the exit status. */
int command_child(char **argv, bool launcher);

#endif
