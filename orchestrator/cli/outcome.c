#define _POSIX_C_SOURCE 200809L /* flockfile() */
#include "cli/outcome.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "report/summary.h"
#include "store/result_json.h"
#include "store/run_dir.h"

void outcome_print(bool json, const char *name, const char *run_dir, const struct answer *answer)
{
    char *text = json ? result_json(name, answer) : NULL;
    flockfile(stdout); /* a log line of another thread waits for the end */
    if (!json)
        summary_print(stdout, name, run_dir, answer);
    else if (text)
        fputs(text, stdout);
    fflush(stdout);
    funlockfile(stdout);
    lr_free(text);
}

int outcome_status(int rc, const struct answer *answer)
{
    if (rc)
        return lr_error_exit_status(rc);
    switch (answer->status) {
    case ANSWER_IDENTIFIED:
        return answer_drifted(answer) ? LR_EXIT_DRIFT : LR_EXIT_IDENTIFIED;
    case ANSWER_BUDGET_EXHAUSTED:
        return LR_EXIT_BUDGET;
    case ANSWER_INTERRUPTED:
        return LR_EXIT_INTERRUPTED;
    case ANSWER_NOT_IDENTIFIED:
        break;
    }
    return LR_EXIT_NOT_IDENTIFIED;
}

int outcome_error(int rc, const struct lr_error *err)
{
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err->text);
    return rc ? lr_error_exit_status(rc) : 0;
}

int outcome_written(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    int why = errno;
    clearerr(stdout); /* report it only once */
    if (why == EPIPE) /* the reader closed the pipe: no error */
        return status;
    lr_log(LR_LOG_ERROR, "standard output: cannot write it: %s; what was written is not whole",
           why ? strerror(why) : "a write failed");
    return status > LR_EXIT_DRIFT ? status : lr_error_exit_status(LR_EIO);
}
