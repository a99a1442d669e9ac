#ifndef LRSEARCH_LOG_H
#define LRSEARCH_LOG_H

/* Log lines to stderr: "lrsearch: warning: text" on rank 0, "lrsearch[3]: warning: text" on rank 3.
 * One write(2) a line; the settings below are made once, before threads start. */
enum lr_log_level { LR_LOG_ERROR, LR_LOG_WARNING, LR_LOG_INFO, LR_LOG_DEBUG };

void lr_log_level_set(enum lr_log_level most_detailed); /* default LR_LOG_INFO */
void lr_log_rank_set(int rank);
void lr_log(enum lr_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
