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

#endif
