#ifndef LRSEARCH_LOG_FILE_H
#define LRSEARCH_LOG_FILE_H

#include <stdint.h>

/* The log file of one rank: bounded, with one rotation. Not thread-safe; log.c holds its mutex. */

void log_file_set(const char *run_dir, const char *host, int rank, int ranks,
                  uint64_t campaign_bytes);
int log_file_wanted(void); /* 1: lines are written, or kept until the file opens */
/* `text`: a line without time and rank. 0, or -1 with errno and *path (static); after a failure
 * nothing more is written. */
int log_file_write(uint64_t utc_ms, const char *text, const char **path);

#endif
