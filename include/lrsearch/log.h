#ifndef LRSEARCH_LOG_H
#define LRSEARCH_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* Log lines to stderr: "lrsearch: warning: text" on rank 0, "lrsearch[3]: warning: text" on rank 3,
 * and to a file a rank once lr_log_files() was called. One write(2) a line, from any thread; the
 * settings below are made once, before threads start.
 *
 * A text that comes again and again (numbers apart) is shown ten times a minute on stderr, and less
 * often where many ranks may say it at once; then it is counted, and told once: "text ... 123 times
 * more". Errors, and what is shown with --verbose only, are never held back; the file has all. */
enum lr_log_level { LR_LOG_ERROR, LR_LOG_WARNING, LR_LOG_INFO, LR_LOG_DEBUG };

void lr_log_level_set(enum lr_log_level most_detailed); /* of stderr; default LR_LOG_INFO */
void lr_log_rank_set(int rank);
void lr_log(enum lr_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Tells what was counted and is a minute old, which otherwise the next line does; or, at the end of
 * the program, all of it. */
void lr_log_flush(bool all);

#define LR_LOG_CAMPAIGN_BYTES 200000000u /* of all ranks' files together */
#define LR_LOG_FILE_BYTES 8000000u       /* of one */

/* Lines of every level go to RUN_DIR/logs/rank-0003.log too (0600), as "2026-11-26T01:45:42.123Z
 * rank 3 HOST warning: text". It is opened when RUN_DIR is there, which rank 0 makes; what was said
 * before is kept until then, 4 KB of it. A full file becomes rank-0003.1.log, so that all of them
 * stay within `campaign_bytes`. One that cannot be written is a warning of rank 0, and is given up.
 * NULL: no file any more. The strings are copied. */
void lr_log_files(const char *run_dir, const char *host, int ranks, uint64_t campaign_bytes);

/* Whether stderr is a terminal that can rewrite a line. mpirun hands it on through a pipe: whoever
 * starts it names the terminal in LRSEARCH_TERMINAL (run.sh does). Not with TERM=dumb, or without
 * TERM. */
bool lr_log_is_terminal(void);

/* The last line of a terminal on stderr, until another, or NULL, takes its place; log lines go
 * above it. One row: the caller cuts it to lr_log_columns(). */
void lr_log_transient(const char *line);
int lr_log_columns(void); /* of the terminal on stderr; 80 when not known */

void lr_log_clock_set(uint64_t (*utc_ms)(void)); /* for tests; NULL: the real one */

#endif
