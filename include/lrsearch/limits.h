#ifndef LRSEARCH_LIMITS_H
#define LRSEARCH_LIMITS_H

#include "lrsearch/error.h"

/* Resource limits of the process (ulimit). */

/* 0 if `wanted` more files (64 at most are checked) can be open at once, else LR_EINTERNAL with the
 * limit and the remedy. Call it before uv_loop_init(): libuv aborts the process when it gets no
 * descriptor. */
int limits_check_files(unsigned wanted, struct lr_error *err);

/* 0 if `wanted` more threads can run, else LR_EINTERNAL with the remedy. Call it before the first
 * uv_queue_work(): libuv aborts the process when it gets no thread. */
int limits_check_threads(unsigned wanted, struct lr_error *err);

#endif
