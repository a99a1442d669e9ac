#ifndef LRSEARCH_INSTRUCTIONS_H
#define LRSEARCH_INSTRUCTIONS_H

/* The sets of instructions that kernels are compiled for. Each kernel gives the same bytes with
 * either of the last two. */
enum instructions {
    INSTRUCTIONS_PLAIN,
    INSTRUCTIONS_AVX2,   /* and fused multiply-add */
    INSTRUCTIONS_AVX512, /* F, DQ, BW and VL: all that Skylake-X has */
};

extern enum instructions instructions_most; /* tests lower it to compare the kinds on one CPU */

/* The best set that this CPU has. */
static inline enum instructions instructions_here(void)
{
    enum instructions best = INSTRUCTIONS_PLAIN;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        best = INSTRUCTIONS_AVX2;
    if (best == INSTRUCTIONS_AVX2 && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        best = INSTRUCTIONS_AVX512;
#endif
    return best < instructions_most ? best : instructions_most;
}

#endif
