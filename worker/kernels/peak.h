#ifndef LRSEARCH_PEAK_H
#define LRSEARCH_PEAK_H

#include <stdbool.h>
#include <stddef.h>

/* The peak rate of a core: multiply-adds in registers, by one kind of instructions. */

enum peak_kind {
    PEAK_PLAIN, /* what the compiler makes of C on any CPU */
    PEAK_AVX2,
    PEAK_AVX512,
    PEAK_AVX512_BF16, /* VDPBF16PS: pairs of bf16, fp32 sums */
    PEAK_AMX_BF16,    /* TDPBF16PS: tiles of bf16, fp32 sums */
    PEAK_COUNT,
};

extern const char *const peak_names[PEAK_COUNT]; /* "plain", "avx2", ... */

/* Whether the CPU and the system have it. For AMX this asks Linux for the permission to use tiles,
 * which holds for the process from then on. */
bool peak_present(enum peak_kind kind);

/* The fastest kind present for products in fp32, or with bf16 operands: AMX, else AVX512-BF16, else
 * that of fp32. */
enum peak_kind peak_best(bool bf16);

/* Runs `rounds` rounds; returns the FLOPs done. FLOPs / time is the peak. The kind must be present.
 * A round takes 6 to 64 cycles; AMX leaves the tiles of the calling thread empty, configured as
 * before. `counted` (may be NULL) gets the FLOPs as the sums have counted them: every product is 1.
 * Exact below 500,000 rounds. */
double peak_loop(enum peak_kind kind, size_t rounds, double *counted);

#endif
