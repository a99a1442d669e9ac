#ifndef LRSEARCH_LOG_H
#define LRSEARCH_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* Log lines to stderr: "lrsearch: warning: text" on rank 0, "lrsearch[3]: warning: text" on rank 3;
 * after lr_log_files() also to one file per rank. One write(2) per line, from any thread; make the
 * settings below once, before threads start.
 *
 * A text that repeats (numbers aside) appears at most ten times a minute on stderr, less often on
 * each of several workers; further repeats are counted and reported once: "text ... 123 times
 * more". Errors and debug lines are never suppressed; the file has every line. */
enum lr_log_level { LR_LOG_ERROR, LR_LOG_WARNING, LR_LOG_INFO, LR_LOG_DEBUG };

void lr_log_level_set(enum lr_log_level most_detailed); /* of stderr; default LR_LOG_INFO */
void lr_log_rank_set(int rank);
void lr_log(enum lr_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Reports the counts that are a minute old, which the next line does too; with `all`, at the end of
 * the program, every count. */
void lr_log_flush(bool all);

#define LR_LOG_CAMPAIGN_BYTES 200000000u /* of all ranks' files together */
#define LR_LOG_FILE_BYTES 8000000u       /* of one */

/* Lines of every level go to RUN_DIR/logs/rank-0003.log too (0600), as "2026-11-26T01:45:42.123Z
 * rank 3 HOST warning: text". The file opens once rank 0 has made RUN_DIR; until then up to 4 KB of
 * lines are kept. A full file becomes rank-0003.1.log; all files together stay within
 * `campaign_bytes`. If a file cannot be written, logging to it ends, with a warning on rank 0.
 * run_dir NULL: no file from now on. The strings are copied. */
void lr_log_files(const char *run_dir, const char *host, int ranks, uint64_t campaign_bytes);

/* Whether stderr is a terminal that can rewrite a line; false with TERM=dumb or without TERM. Under
 * mpirun stderr is a pipe: the launcher (run.sh) names the terminal in LRSEARCH_TERMINAL. */
bool lr_log_is_terminal(void);

/* Shows `line` as the last line of a terminal on stderr until the next call; NULL: none. Log lines
 * go above it. The caller cuts it to one row, lr_log_columns(). */
void lr_log_transient(const char *line);
int lr_log_columns(void); /* of the terminal on stderr; 80 when not known */

void lr_log_clock_set(uint64_t (*utc_ms)(void)); /* for tests; NULL: the real one */

#endif
