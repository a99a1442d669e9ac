#ifndef LRSEARCH_COMMAND_PROCESS_H
#define LRSEARCH_COMMAND_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"

/* A process group of the user's, from start to end, on an event loop of its own. */

enum command_stream { COMMAND_OUT, COMMAND_ERR, COMMAND_REPORT, COMMAND_STREAMS };

struct command_process; /* running; of the callbacks */

struct command_request {
    char **argv, **env; /* both end with NULL */
    const char *cwd;
    bool report; /* it gets a descriptor to report on */
    double kill_grace_s;
    void *context;
    void (*bytes)(void *context, enum command_stream stream, const char *bytes, size_t count);
    /* Some thirty times a second as long as something of it lives. */
    void (*tick)(void *context, struct command_process *process);
};

struct command_end {
    int64_t exit_status;
    int signal; /* that ended it; 0: none */
};

/* Starts it and returns when it has ended; then nothing of its group is left. LR_EFAILURES: it
 * could not be started. */
int command_process_run(const struct command_request *request, struct command_end *end,
                        struct lr_error *err);
/* SIGTERM to the group, and SIGKILL kill_grace_s later. Called again, it does nothing. */
void command_process_stop(struct command_process *process);

/* ---- the other side: lrsearch as the command's first process ---- */

/* Between the worker and its command lrsearch runs itself once more, for a moment, with this as its
 * first argument and the command behind it: it leaves a watcher in the command's process group that
 * kills the group and removes the file in LRSEARCH_SPEC when the worker is gone, and becomes the
 * command. It inherits no other descriptors. */
#define COMMAND_CHILD "--become-command"

/* Descriptors of the child. */
enum {
    COMMAND_REPORT_FD = 3, /* where the command writes its reports; else closed */
    COMMAND_ALIVE_FD = 4,  /* read end of a pipe that the worker holds */
    COMMAND_STATUS_FD = 5, /* gets errno (an int) when the command cannot be started */
};

/* `argv`: the command's, ends with NULL. Never returns but with the exit status of a failure. */
int command_child(char **argv);

#endif
