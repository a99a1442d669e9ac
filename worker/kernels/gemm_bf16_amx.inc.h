/* The loops over AMX tiles, included by gemm_bf16_amx.c and by its test, which emulates the
 * instructions. Each first defines AMX_TARGET (function attributes) and, for tiles numbered by a
 * literal and memory with a stride in bytes:
 *   amx_begin() all tiles have 16 rows of 64 bytes; amx_end()
 *   amx_zero(tile), amx_load(tile, from, stride), amx_store(tile, to, stride)
 *   amx_multiply(sums, left, right): sums += left right, TDPBF16PS
 * and gets multiply() for its struct bf16_tiles.
 *
 * A block of 32 x 32 sums is four tiles. Each step takes one group of 32 steps of the inner
 * dimension: 16 pairs.
 *
 *                                  right: 16 rows of pairs
 *                                  columns 0-15   columns 16-31
 *                                  +-----------+ +-----------+
 *                                  |  tile 6   | |  tile 7   |
 *      left: 16 pairs of each row  +-----------+ +-----------+
 *      rows 0-15    +-----------+  +-----------+ +-----------+
 *                   |  tile 4   |  |  tile 0   | |  tile 1   |
 *                   +-----------+  +-----------+ +-----------+
 *      rows 16-31   +-----------+  +-----------+ +-----------+
 *                   |  tile 5   |  |  tile 2   | |  tile 3   |
 *                   +-----------+  +-----------+ +-----------+ */

#include <string.h>
#include "kernels/gemm_bf16_tiles.h"

#define AMX_INLINE static inline __attribute__((always_inline)) AMX_TARGET

enum {
    TILE = 16, /* rows, and columns of sums */
    BLOCK = 2 * TILE,
    ACROSS = BF16_PANEL * sizeof(uint32_t), /* bytes from pair to pair of a panel */
};

/* tall, wide: the lower and the right tiles too; compile-time constants at each call. */
AMX_INLINE void add_group(bool tall, bool wide, const uint32_t *left, size_t row,
                          const uint32_t *right)
{
    amx_load(6, right, ACROSS);
    amx_load(4, left, row * sizeof(*left));
    amx_multiply(0, 4, 6);
    if (wide) {
        amx_load(7, right + TILE, ACROSS);
        amx_multiply(1, 4, 7);
    }
    if (tall) {
        amx_load(5, left + TILE * row, row * sizeof(*left));
        amx_multiply(2, 5, 6);
    }
    if (tall && wide)
        amx_multiply(3, 5, 7);
}

/* One block of sums at `to`. last: the last group of the panel, padded with zeros, or NULL. */
AMX_INLINE void block(bool tall, bool wide, struct gemm_into to, const uint32_t *left, size_t row,
                      const uint32_t *panel, size_t groups, const uint32_t *last)
{
    float *lower = to.out + TILE * to.ld;
    size_t stride = to.ld * sizeof(float);
    if (to.add) {
        amx_load(0, to.out, stride);
        if (wide)
            amx_load(1, to.out + TILE, stride);
        if (tall)
            amx_load(2, lower, stride);
        if (tall && wide)
            amx_load(3, lower + TILE, stride);
    } else if (to.bias) { /* the same row 16 times */
        amx_load(0, to.bias, 0);
        if (wide)
            amx_load(1, to.bias + TILE, 0);
        if (tall)
            amx_load(2, to.bias, 0);
        if (tall && wide)
            amx_load(3, to.bias + TILE, 0);
    } else {
        amx_zero(0);
        amx_zero(1);
        amx_zero(2);
        amx_zero(3);
    }
    for (size_t g = 0; g < groups; g++, left += BF16_GROUP, panel += BF16_GROUP * BF16_PANEL)
        add_group(tall, wide, left, row, panel);
    if (last)
        add_group(tall, wide, left, row, last);
    amx_store(0, to.out, stride);
    if (wide)
        amx_store(1, to.out + TILE, stride);
    if (tall)
        amx_store(2, lower, stride);
    if (tall && wide)
        amx_store(3, lower + TILE, stride);
}

/* Sums that do not fill the tiles are computed in a block of their own. */
AMX_TARGET static void part_block(struct gemm_into to, const uint32_t *left, size_t row,
                                  const uint32_t *panel, size_t rows, size_t columns, size_t groups,
                                  const uint32_t *last)
{
    float room[BLOCK * BLOCK], bias[BLOCK] = {0};
    const struct gemm_into part = {room, BLOCK, to.bias ? bias : NULL, to.add, NULL};
    size_t bytes = columns * sizeof(float);
    if (to.bias)
        memcpy(bias, to.bias, bytes);
    if (to.add)
        memset(room, 0, sizeof(room));
    for (size_t i = 0; to.add && i < rows; i++)
        memcpy(room + i * BLOCK, to.out + i * to.ld, bytes);
    if (rows > TILE && columns > TILE)
        block(true, true, part, left, row, panel, groups, last);
    else if (rows > TILE)
        block(true, false, part, left, row, panel, groups, last);
    else if (columns > TILE)
        block(false, true, part, left, row, panel, groups, last);
    else
        block(false, false, part, left, row, panel, groups, last);
    for (size_t i = 0; i < rows; i++)
        memcpy(to.out + i * to.ld, room + i * BLOCK, bytes);
}

AMX_TARGET static void multiply(struct gemm_into to, const uint32_t *left, const uint32_t *panels,
                                size_t panel, size_t rows, size_t columns, size_t inner,
                                struct bf16_ahead ahead)
{
    _Alignas(64) uint32_t padded[BF16_GROUP * BF16_PANEL];
    size_t row = bf16_row(inner), pairs = bf16_pairs(inner), groups = pairs / BF16_GROUP;
    size_t whole = groups * BF16_GROUP;
    amx_begin();
    for (size_t j = 0; j < columns; j += BF16_PANEL, panels += panel) {
        size_t wide = columns - j < BLOCK ? columns - j : BLOCK;
        const uint32_t *last = NULL;
        if (whole < pairs) { /* later pairs of the panel may belong to steps that are not used */
            size_t used = (pairs - whole) * BF16_PANEL;
            memcpy(padded, panels + whole * BF16_PANEL, used * sizeof(*padded));
            memset(padded + used, 0, sizeof(padded) - used * sizeof(*padded));
            last = padded;
        }
        for (size_t i = 0; i < rows; i += BLOCK) {
            size_t tall = rows - i < BLOCK ? rows - i : BLOCK;
            struct gemm_into part = to;
            part.out += i * to.ld + j;
            part.bias = to.bias ? to.bias + j : NULL;
            bf16_fetch(&ahead, BLOCK / 8);
            if (tall == BLOCK && wide == BLOCK)
                block(true, true, part, left + i * row, row, panels, groups, last);
            else
                part_block(part, left + i * row, row, panels, tall, wide, groups, last);
        }
    }
    amx_end();
}
