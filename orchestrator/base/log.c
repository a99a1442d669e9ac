/* Log lines: one write(2) each, so that lines of several ranks on one terminal do not mix. */
#include "lrsearch/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum lr_log_level most_detailed_level = LR_LOG_INFO;
static int own_rank = 0;

void lr_log_level_set(enum lr_log_level most_detailed)
{
    most_detailed_level = most_detailed;
}

void lr_log_rank_set(int rank)
{
    own_rank = rank;
}

void lr_log(enum lr_log_level level, const char *format, ...)
{
    static const char *const words[] = {"error: ", "warning: ", "", ""};
    if (level > most_detailed_level)
        return;
    char line[2048];
    int used = own_rank == 0
                   ? snprintf(line, sizeof(line), "lrsearch: %s", words[level])
                   : snprintf(line, sizeof(line), "lrsearch[%d]: %s", own_rank, words[level]);
    va_list args;
    va_start(args, format);
    vsnprintf(line + used, sizeof(line) - (size_t)used - 1, format, args);
    va_end(args);
    size_t length = strlen(line);
    line[length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written; /* nowhere is left to complain to */
}
