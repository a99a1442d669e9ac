#ifndef LRSEARCH_FAST_MATH_H
#define LRSEARCH_FAST_MATH_H

/* Vectorizable, and bit-identical on every machine: the sampler spends most of its time on
 * these. */

/* x := ln x of `count` positive normal numbers, error about 1e-13. */
void fast_log(double *x, int count);
/* x := exp x of `count` numbers of at most 700, relative error about 1e-11; 0 below -700. */
void fast_exp(double *x, int count);

#endif
