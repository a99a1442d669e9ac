/* Counter-based random numbers: Philox4x32-10 of Random123 keyed by the seed, counted by (index,
 * stream). No state is stored, so resuming, reordering and the number of ranks change no number.
 * Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3". */
#include "lrsearch/rng.h"

#include <math.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#include <Random123/philox.h>
#pragma GCC diagnostic pop

static philox4x32_ctr_t block(uint64_t seed, uint64_t stream, uint64_t index)
{
    philox4x32_ctr_t counter = {
        {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)}};
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    return philox4x32(counter, key);
}

static double to_uniform(uint32_t high, uint32_t low)
{
    uint64_t bits = ((uint64_t)high << 32 | low) >> 11;
    return (double)bits * 0x1p-53;
}

/* Box & Muller 1958: two normal numbers from one block. 1 - u lies in (0, 1], so the log is
 * finite. */
static void normal_pair(philox4x32_ctr_t bits, double out[2])
{
    double radius = sqrt(-2.0 * log(1.0 - to_uniform(bits.v[0], bits.v[1])));
    double angle = 6.283185307179586 * to_uniform(bits.v[2], bits.v[3]);
    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}

uint64_t rng_u64(uint64_t seed, uint64_t stream, uint64_t index)
{
    philox4x32_ctr_t bits = block(seed, stream, index);
    return (uint64_t)bits.v[0] << 32 | bits.v[1];
}

double rng_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    philox4x32_ctr_t bits = block(seed, stream, index);
    return to_uniform(bits.v[0], bits.v[1]);
}

double rng_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    double pair[2];
    normal_pair(block(seed, stream, index), pair);
    return pair[0];
}

/* High half of a 64 x 64 bit product: uniform to 2^-64 * bound, without a division. */
uint64_t rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t bound)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)rng_u64(seed, stream, index) * bound >> 64);
}

void rng_fill_normal(float *out, uint64_t count, double deviation, uint64_t seed, uint64_t stream)
{
    for (uint64_t i = 0; i < count; i += 2) {
        double pair[2];
        normal_pair(block(seed, stream, i / 2), pair);
        out[i] = (float)(deviation * pair[0]);
        if (i + 1 < count)
            out[i + 1] = (float)(deviation * pair[1]);
    }
}

/* A balanced Feistel network over the smallest even number of bits that holds `count`; images at or
 * above `count` are fed back until one lands below it (at most 4 tries on average). */
uint64_t rng_permute(uint64_t seed, uint64_t stream, uint64_t index, uint64_t count)
{
    unsigned half = 1;
    while (half < 32 && (UINT64_C(1) << (2 * half)) < count)
        half++;
    uint64_t mask = (UINT64_C(1) << half) - 1;
    do {
        uint64_t left = index >> half;
        uint64_t right = index & mask;
        for (uint64_t round = 0; round < 4; round++) {
            uint64_t next = left ^ (rng_u64(seed, stream, round << 48 | right) & mask);
            left = right;
            right = next;
        }
        index = left << half | right;
    } while (index >= count);
    return index;
}
