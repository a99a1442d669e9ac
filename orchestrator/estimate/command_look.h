#ifndef LRSEARCH_COMMAND_LOOK_H
#define LRSEARCH_COMMAND_LOOK_H

#include "estimate/output_look.h"
#include "estimate/shell_words.h"
#include "lrsearch/error.h"
#include "lrsearch/stage.h"

/* Runs a user's command once, before there is a plan, and keeps what it prints. */

struct command_look {
    const struct shell_words *words;
    const char *cwd; /* absolute */
    double lr;
    uint64_t tokens;       /* of the training; more than it can do in `seconds`, if not known */
    uint32_t batch_tokens; /* tokens of a step */
    double seconds;        /* it is ended then */
    /* Called with each line, which may hold anything. */
    void (*printed)(void *context, const char *line);
    void *context;
    const struct stage_report *stages;
};

struct command_look_end {
    double seconds;
    bool stopped; /* by us, after request->seconds */
    int64_t exit_status;
    int signal; /* 0: none */
};

/* Adds the output to *look. The command runs in a process group of its own, which is gone when this
 * returns. LR_EFAILURES: it cannot be started; LR_ENOMEM; LR_ECREATE. */
int command_look_run(struct output_look *look, struct command_look_end *end,
                     const struct command_look *request, struct lr_error *err);

#endif
