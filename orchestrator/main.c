/* lrsearch: argv in, exit status out. cli/ has the commands. Under mpirun every rank starts here;
 * its role follows from its rank. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/command_line.h"
#include "cli/help.h"
#include "cli/outcome.h"
#include "trainers/command/command_process.h"
#include "lrsearch/error.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "net/launch.h"

/* Opens /dev/null for each one that is closed; otherwise a file opened later would get its number
 * and receive what is printed. */
static void open_standard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            abort();
}

/* Under mpirun only rank 0 prints these. */
static bool is_help(const struct command_line *line)
{
    return line->help || line->version || line->command == &cmd_help ||
           line->command == &cmd_version;
}

int main(int argc, char **argv)
{
    struct command_line line;
    struct lr_error err = {0};
    int status = 0;

    if (argc > 2 && strcmp(argv[1], COMMAND_CHILD) == 0)
        return command_child(argv + 2, false);
    if (argc > 2 && strcmp(argv[1], COMMAND_LAUNCHER_CHILD) == 0)
        return command_child(argv + 2, true);
    signal(SIGXFSZ, SIG_IGN); /* beyond the file size limit (ulimit -f) write() returns an error */
    open_standard_streams();
    lr_memory_keep_freed();
    lr_log_rank_set(mpi_launched_rank());
    if (command_line_parse(&line, argc, argv, &err)) {
        if (mpi_launched_rank() == 0)
            lr_log(LR_LOG_ERROR, "%s", err.text);
        status = lr_error_exit_status(err.code);
    } else if (mpi_launched_rank() > 0 && is_help(&line)) {
        status = 0;
    } else if (line.version) {
        help_print_version(stdout);
    } else if (line.help && !line.command) {
        help_print(stdout);
    } else if (line.help) {
        help_print_command(stdout, line.command);
    } else {
        static const enum lr_log_level levels[] = {LR_LOG_WARNING, LR_LOG_INFO, LR_LOG_DEBUG};
        lr_log_level_set(levels[line.verbosity + 1]);
        status = line.command->run(&line);
    }
    command_line_release(&line);
    return outcome_written(status);
}
