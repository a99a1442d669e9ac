#ifndef LRSEARCH_LOG_FILE_H
#define LRSEARCH_LOG_FILE_H

#include <stdint.h>

/* The file of log.h: one rank's, bounded, with one rotation. For log.c, which keeps threads
 * apart. */

void log_file_set(const char *run_dir, const char *host, int rank, int ranks,
                  uint64_t campaign_bytes);
int log_file_wanted(void); /* 1: lines go there, or will */
/* `text` is a line without time and rank. 0, or -1 with errno and *path (static) when it could not
 * be written; from then on there is none. */
int log_file_write(uint64_t utc_ms, const char *text, const char **path);

#endif
