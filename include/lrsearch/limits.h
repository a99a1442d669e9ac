#ifndef LRSEARCH_LIMITS_H
#define LRSEARCH_LIMITS_H

#include <stddef.h>
#include "lrsearch/error.h"

/* Resource limits of the process (ulimit). */

/* Bytes, for each thread that the program starts: the default is what `ulimit -s` says, and .4 MB
 * of it go to thread-local variables. */
#define THREAD_STACK ((size_t)8 << 20)

/* 0 if `wanted` more files (64 at most are checked) can be open at once, else LR_EINTERNAL with the
 * limit and the remedy. Call it before uv_loop_init(): libuv aborts the process when it gets no
 * descriptor. */
int limits_check_files(unsigned wanted, struct lr_error *err);

/* Raises the soft limit of open files to `wanted` if it is lower; LR_EINTERNAL: the hard limit does
 * not allow that. */
int limits_need_files(unsigned wanted, struct lr_error *err);

/* Cores in the affinity mask of a process, 0: this one; 1 if it cannot be read. */
unsigned limits_cores(long pid);

#endif
