/* lrsearch: argv in, exit status out. What a command does stands in cli/; under mpirun every rank
 * comes through here, and the role follows from the rank (cli/run.c). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/options.h"
#include "command/command_child.h"
#include "lrsearch/error.h"
#include "lrsearch/log.h"
#include "lrsearch/version.h"
#include "net/transports.h"

enum { ERRORS_FROM = 64 }; /* smaller exit statuses tell of an answer (sysexits.h) */

/* The exit status: an answer that could not be printed must not pass for one that was. */
static int end_output(int status)
{
    struct lr_error err = {0};
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    lr_fail_errno(&err, LR_EIO, "stdout: cannot be written");
    lr_log(LR_LOG_ERROR, "%s", err.text);
    return status < ERRORS_FROM ? lr_error_exit_status(err.code) : status;
}

int main(int argc, char **argv)
{
    struct options options;
    struct lr_error err = {0};
    int status = 0;

    if (argc > 2 && strcmp(argv[1], COMMAND_CHILD) == 0)
        return command_child(argv + 2);
    signal(SIGXFSZ, SIG_IGN); /* a file beyond the limit (ulimit -f) is an error of write() */
    lr_log_rank_set(mpi_launched_rank());
    if (options_parse(&options, argc, argv, &err)) {
        if (mpi_launched_rank() == 0)
            lr_log(LR_LOG_ERROR, "%s", err.text);
        status = lr_error_exit_status(err.code);
    } else if (options.help) {
        options_help(stdout);
    } else if (options.version) {
        printf("lrsearch %s\n", LRSEARCH_VERSION);
    } else {
        static const enum lr_log_level levels[] = {LR_LOG_WARNING, LR_LOG_INFO, LR_LOG_DEBUG};
        lr_log_level_set(levels[options.verbosity + 1]);
        status = options.command->run(&options);
    }
    options_release(&options);
    return end_output(status);
}
