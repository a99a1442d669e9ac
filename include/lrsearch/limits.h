#ifndef LRSEARCH_LIMITS_H
#define LRSEARCH_LIMITS_H

#include "lrsearch/error.h"

/* Resource limits of the process (ulimit). */

/* 0 if `wanted` more files (64 at most are checked) can be open at once, else LR_EINTERNAL with the
 * limit and the remedy. Call it before uv_loop_init(): libuv aborts the process when it gets no
 * descriptor. */
int limits_check_files(unsigned wanted, struct lr_error *err);

#endif
