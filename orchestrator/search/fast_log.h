#ifndef LRSEARCH_FAST_LOG_H
#define LRSEARCH_FAST_LOG_H

/* x := ln x of `count` positive normal numbers, to 1e-13 or so: several at a time, and with the
 * same bits on every machine. */
void fast_log(double *x, int count);

#endif
