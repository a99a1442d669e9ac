#ifndef LRSEARCH_GEMM_BF16_TILES_H
#define LRSEARCH_GEMM_BF16_TILES_H

#include <stdint.h>
#include "kernels/gemm_bf16.h"

/* Packed operands hold pairs of steps, the even one in the low half of 32 bits:
 *
 *   left, rows of pairs                     right, panels of 32 columns
 *   row 0:  (0,1) (2,3) ... 0 0             steps (0,1): column 0, column 1, ... column 31
 *   row 1:  (0,1) (2,3) ... 0 0             steps (2,3): column 0, column 1, ... column 31
 *
 * Rows are filled with zeros to whole groups of 32 steps, panels to whole pairs and 32 columns. */
enum {
    BF16_PANEL = 32,
    BF16_GROUP = 16, /* pairs */
    BF16_BAND = 96,  /* rows, a multiple of every tile's */
};

static inline size_t bf16_pairs(size_t steps)
{
    return (steps + 1) / 2;
}

static inline size_t bf16_groups(size_t steps)
{
    return (bf16_pairs(steps) + BF16_GROUP - 1) / BF16_GROUP;
}

/* Pairs from row to row of the left operand: an odd number of cache lines, so that rows spread over
 * the sets of the cache. */
static inline size_t bf16_row(size_t steps)
{
    return (bf16_groups(steps) | 1) * BF16_GROUP;
}

/* Values that the next band of rows is packed from: rows of `length`, `row` apart. The tiles fetch
 * them into the L2 cache while they multiply. */
struct bf16_ahead {
    const float *from;
    size_t row, length, rows;
    size_t each; /* rows to fetch for 8 rows of a panel's sums */
};

static inline void bf16_fetch(struct bf16_ahead *ahead, size_t times)
{
    enum { LINE = 16 /* floats */ };
    for (size_t r = times * ahead->each; r > 0 && ahead->rows > 0; r--) {
        for (size_t i = 0; i < ahead->length; i += LINE)
            __builtin_prefetch(ahead->from + i, 0, 2);
        ahead->from += ahead->row;
        ahead->rows--;
    }
}

/* The functions behind gemm_bf16.c, once for each kind of instructions. */
struct bf16_tiles {
    const char *name;
    bool (*present)(void); /* whether this CPU has it; NULL: every one */

    void (*pack_left)(uint32_t *left, struct operand a, size_t rows, size_t inner);
    /* Packs one panel; columns <= BF16_PANEL. */
    void (*pack_panel)(uint32_t *panel, struct operand b, size_t inner, size_t columns);
    /* Multiplies at most BF16_BAND rows by panels that lie `panel` pairs apart, over at most
     * GEMM_DEPTH steps. */
    void (*multiply)(struct gemm_into to, const uint32_t *left, const uint32_t *panels,
                     size_t panel, size_t rows, size_t columns, size_t inner,
                     struct bf16_ahead ahead);
};

extern const struct bf16_tiles bf16_plain;
#ifdef __x86_64__
extern const struct bf16_tiles bf16_avx512;
#ifdef __linux__
#define BF16_AMX /* gemm_bf16_amx.c has the system calls of Linux */
extern const struct bf16_tiles bf16_amx;
#endif
#endif

/* Takes a kind, present or not; tests emulate one. */
void bf16_use(const struct bf16_tiles *kind);

#endif
