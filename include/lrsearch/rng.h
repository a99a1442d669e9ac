#ifndef LRSEARCH_RNG_H
#define LRSEARCH_RNG_H

#include <stdint.h>

/* Random numbers without state: each is a pure function of (seed, stream, index) by Philox4x32-10
 * (Salmon et al. 2011, through Random123). The same triple gives the same number on every rank, so
 * nothing has to be saved to resume. */

/* Uses of random numbers. A new use gets a new stream; existing numbers never change their
 * meaning. */
enum rng_stream {
    RNG_INIT = 1,       /* weights; + (parameter index << 8) */
    RNG_SHUFFLE = 2,    /* order of training sequences; + (epoch << 8) */
    RNG_SYNTHETIC = 3,  /* synthetic text, training */
    RNG_LANGUAGE = 4,   /* the synthetic language itself */
    RNG_BOOTSTRAP = 5,  /* resampling in the search's statistics */
    RNG_SIMULATE = 6,   /* noise of simulated losses and faults */
    RNG_VALIDATION = 7, /* synthetic text, validation */
    RNG_POSTERIOR = 8,  /* posterior samples of the search */
    RNG_CELLS = 9,      /* the same for a search with axes */
};

uint64_t rng_u64(uint64_t seed, uint64_t stream, uint64_t index);
double rng_uniform(uint64_t seed, uint64_t stream, uint64_t index); /* [0, 1), 53 bits */
double rng_normal(uint64_t seed, uint64_t stream, uint64_t index);  /* mean 0, variance 1 */
uint64_t rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t bound); /* bound >= 1 */

/* out[i] = standard deviation * normal number `i` of (seed, stream): bulk form, float. */
void rng_fill_normal(float *out, uint64_t count, double deviation, uint64_t seed, uint64_t stream);

/* Image of `index` under a pseudo-random permutation of 0..count-1, a cycle-walking Feistel
 * network: shuffles without storing an order. index < count. */
uint64_t rng_permute(uint64_t seed, uint64_t stream, uint64_t index, uint64_t count);

#endif
