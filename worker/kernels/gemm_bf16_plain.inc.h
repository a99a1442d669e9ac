/* The tiles, included twice by gemm_bf16_plain.c, which first defines
 *   TILE_TARGET (function attributes), TILE_NAME(name) (the name with a suffix),
 *   fused(a, b, c): a b + c in each lane, rounded once where the CPU can.
 * sums (rows, TILE_COLUMNS) += left right. */

/* `rows` is a compile-time constant at each call. */
SIMD_INLINE TILE_TARGET void TILE_NAME(tile)(int rows, float sums[][TILE_COLUMNS],
                                             const uint32_t *left, size_t row,
                                             const uint32_t *panel, size_t inner)
{
    lanes sum[TILE_ROWS][2];
    memcpy(sum, sums, (size_t)rows * sizeof(sum[0]));
    for (size_t p = 0; p < bf16_pairs(inner); p++, panel += BF16_PANEL) {
        pairs b[2];
        for (int v = 0; v < 2; v++)
            memcpy(&b[v], panel + v * LANES, sizeof(b[v]));
        for (int i = 0; i < rows; i++) {
            pairs a = left[(size_t)i * row + p] + (pairs){0};
            lanes odd = (lanes)(a & 0xffff0000), even = (lanes)(a << 16);
            for (int v = 0; v < 2; v++)
                sum[i][v] = fused(odd, (lanes)(b[v] & 0xffff0000), sum[i][v]);
            for (int v = 0; v < 2; v++)
                sum[i][v] = fused(even, (lanes)(b[v] << 16), sum[i][v]);
        }
    }
    memcpy(sums, sum, (size_t)rows * sizeof(sum[0]));
}

TILE_TARGET static void TILE_NAME(tiles)(size_t rows, float sums[][TILE_COLUMNS],
                                         const uint32_t *left, size_t row, const uint32_t *panel,
                                         size_t inner)
{
    if (rows == TILE_ROWS)
        TILE_NAME(tile)(TILE_ROWS, sums, left, row, panel, inner);
    else
        for (size_t r = 0; r < rows; r++)
            TILE_NAME(tile)(1, sums + r, left + r * row, row, panel, inner);
}

#undef TILE_TARGET
#undef TILE_NAME
#undef fused
