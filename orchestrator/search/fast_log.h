#ifndef LRSEARCH_FAST_LOG_H
#define LRSEARCH_FAST_LOG_H

/* x := ln x of `count` positive normal numbers, error about 1e-13. Vectorizable; bit-identical on
 * every machine. */
void fast_log(double *x, int count);

#endif
