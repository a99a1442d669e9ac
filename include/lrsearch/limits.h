#ifndef LRSEARCH_LIMITS_H
#define LRSEARCH_LIMITS_H

#include "lrsearch/error.h"

/* What the system lets a process have (ulimit). */

/* 0 when `wanted` more files can be open at once, or LR_EINTERNAL with the limit and the mend. To
 * be asked before libuv makes a loop: it aborts the process when it gets no descriptor. */
int limits_check_files(unsigned wanted, struct lr_error *err);

#endif
