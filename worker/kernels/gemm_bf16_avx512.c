/* bf16 tiles with AVX512-BF16. VDPBF16PS multiplies pairs in 16 lanes and adds the odd product,
 * then the even one, to the sums. The packing serves AMX too. */
#include "kernels/gemm_bf16_tiles.h" /* a file is not empty in C: on other CPUs it has this alone */

#ifdef __x86_64__
#include <immintrin.h>
#include "kernels/gemm_bf16_avx512.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#define INLINE static inline __attribute__((always_inline)) TARGET

enum {
    TILE_ROWS = 8, /* two registers of sums each */
    LANES = 16,
    STEPS = 2 * BF16_GROUP,
    DENORMALS_ARE_ZERO = 0x8040, /* in operands and results; VDPBF16PS always does so */
};

static bool present(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bf16");
}

/* ---- packing ---- */

/* The first `count` of 16 lanes. */
INLINE __mmask16 first_lanes(size_t count)
{
    return (__mmask16)(count < LANES ? (1u << count) - 1 : 0xffff);
}

/* Pairs of the values `count` <= STEPS that follow each other. */
INLINE __m512i pairs_along(const float *from, size_t count)
{
    __m512 low = _mm512_maskz_loadu_ps(first_lanes(count), from);
    __m512 high = _mm512_maskz_loadu_ps(first_lanes(count > LANES ? count - LANES : 0),
                                        from + (count > LANES ? LANES : 0));
    return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

/* Pairs (even, odd) of 16 columns. */
INLINE __m512i pairs_across(__m512 even, __m512 odd)
{
    const __m512i interleave =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(interleave, (__m512i)_mm512_cvtne2ps_pbh(odd, even));
}

/* Transposes 16 rows of 16. */
INLINE void transpose(__m512i r[LANES])
{
    __m512i t[LANES];
    for (int i = 0; i < LANES; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < LANES; i += 4) /* r[i + c]: column 4 q + c of four rows, in quarter q */
        for (int c = 0; c < 4; c++)
            r[i + c] = c % 2 ? _mm512_unpackhi_epi64(t[i + c / 2], t[i + c / 2 + 2])
                             : _mm512_unpacklo_epi64(t[i + c / 2], t[i + c / 2 + 2]);
    for (int c = 0; c < 4; c++) {
        __m512i low = _mm512_shuffle_i32x4(r[c], r[4 + c], 0x44);  /* quarters 0 1 of rows 0..7 */
        __m512i high = _mm512_shuffle_i32x4(r[c], r[4 + c], 0xee); /* 2 3 */
        __m512i low2 = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0x44); /* of rows 8..15 */
        __m512i high2 = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0xee);
        t[c] = _mm512_shuffle_i32x4(low, low2, 0x88);
        t[4 + c] = _mm512_shuffle_i32x4(low, low2, 0xdd);
        t[8 + c] = _mm512_shuffle_i32x4(high, high2, 0x88);
        t[12 + c] = _mm512_shuffle_i32x4(high, high2, 0xdd);
    }
    for (int i = 0; i < LANES; i++)
        r[i] = t[i];
}

TARGET static void pack_left_rows(uint32_t *left, struct operand a, size_t rows, size_t inner)
{
    for (size_t i = 0; i < rows; i++, left += bf16_row(inner))
        for (size_t k = 0; k < inner; k += STEPS)
            _mm512_store_si512(left + k / 2, pairs_along(a.data + i * a.row + k, inner - k));
}

/* Rows that are not contiguous: the values of one step are. */
TARGET static void pack_left_steps(uint32_t *left, struct operand a, size_t rows, size_t inner)
{
    for (size_t k = 0; k < inner; k += STEPS)
        for (size_t i = 0; i < rows; i += LANES) {
            const float *from = a.data + k * a.column + i;
            __mmask16 some = first_lanes(rows - i);
            __m512i r[LANES];
            for (size_t p = 0; p < LANES; p++, from += 2 * a.column) {
                __mmask16 even = k + 2 * p < inner ? some : 0;
                __mmask16 odd = k + 2 * p + 1 < inner ? some : 0;
                r[p] = pairs_across(_mm512_maskz_loadu_ps(even, from),
                                    _mm512_maskz_loadu_ps(odd, from + a.column));
            }
            transpose(r);
            for (size_t l = 0; l < LANES && i + l < rows; l++)
                _mm512_store_si512(left + (i + l) * bf16_row(inner) + k / 2, r[l]);
        }
}

void bf16_pack_left_avx512(uint32_t *left, struct operand a, size_t rows, size_t inner)
{
    (a.column == 1 ? pack_left_rows : pack_left_steps)(left, a, rows, inner);
}

TARGET static void pack_panel_rows(uint32_t *panel, struct operand b, size_t inner, size_t columns)
{
    __mmask16 low = first_lanes(columns), high = first_lanes(columns > LANES ? columns - LANES : 0);
    for (size_t k = 0; k < inner; k += 2, panel += BF16_PANEL) {
        const float *even = b.data + k * b.row, *odd = even + b.row;
        __mmask16 both = k + 1 < inner ? 0xffff : 0;
        _mm512_store_si512(panel, pairs_across(_mm512_maskz_loadu_ps(low, even),
                                               _mm512_maskz_loadu_ps(low & both, odd)));
        _mm512_store_si512(panel + LANES,
                           pairs_across(_mm512_maskz_loadu_ps(high, even + LANES),
                                        _mm512_maskz_loadu_ps(high & both, odd + LANES)));
    }
}

TARGET static void pack_panel_columns(uint32_t *panel, struct operand b, size_t inner,
                                      size_t columns)
{
    for (size_t k = 0; k < inner; k += STEPS)
        for (size_t j = 0; j < BF16_PANEL; j += LANES) {
            __m512i r[LANES];
            for (size_t l = 0; l < LANES; l++)
                r[l] = j + l < columns ? pairs_along(b.data + (j + l) * b.column + k, inner - k)
                                       : _mm512_setzero_si512();
            transpose(r);
            for (size_t p = 0; p < LANES && k + 2 * p < inner; p++)
                _mm512_store_si512(panel + (k / 2 + p) * BF16_PANEL + j, r[p]);
        }
}

void bf16_pack_panel_avx512(uint32_t *panel, struct operand b, size_t inner, size_t columns)
{
    (b.column == 1 ? pack_panel_rows : pack_panel_columns)(panel, b, inner, columns);
}

/* ---- tiles ---- */

/* `rows` and `vectors` are compile-time constants at each call. last: lanes of the last vector. */
INLINE void tile(int rows, int vectors, struct gemm_into to, const uint32_t *left, size_t row,
                 const uint32_t *panel, size_t pairs, __mmask16 last)
{
    __m512 sums[TILE_ROWS][2];
    __mmask16 lanes[2] = {vectors == 1 ? last : 0xffff, last};
    for (int v = 0; v < vectors; v++) {
        __m512 bias =
            to.bias ? _mm512_maskz_loadu_ps(lanes[v], to.bias + v * LANES) : _mm512_setzero_ps();
        for (int i = 0; i < rows; i++)
            sums[i][v] = bias;
    }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++)
            __builtin_prefetch(to.out + (size_t)i * to.ld + v * LANES, 1);
    for (size_t p = 0; p < pairs; p++, panel += BF16_PANEL) {
        __m512bh b[2];
        for (int v = 0; v < vectors; v++)
            b[v] = (__m512bh)_mm512_load_si512(panel + v * LANES);
        for (int i = 0; i < rows; i++) {
            __m512bh a = (__m512bh)_mm512_set1_epi32((int)left[(size_t)i * row + p]);
            for (int v = 0; v < vectors; v++)
                sums[i][v] = _mm512_dpbf16_ps(sums[i][v], a, b[v]);
        }
    }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) {
            float *out = to.out + (size_t)i * to.ld + v * LANES;
            if (to.add)
                sums[i][v] = _mm512_add_ps(_mm512_maskz_loadu_ps(lanes[v], out), sums[i][v]);
            if (lanes[v] == 0xffff)
                _mm512_storeu_ps(out, sums[i][v]);
            else
                _mm512_mask_storeu_ps(out, lanes[v], sums[i][v]);
        }
}

/* `vectors` is a compile-time constant at each call. */
INLINE void any_rows(int vectors, struct gemm_into to, const uint32_t *left, size_t row,
                     const uint32_t *panel, size_t rows, size_t pairs, __mmask16 last,
                     struct bf16_ahead *ahead)
{
    for (; rows >= TILE_ROWS;
         rows -= TILE_ROWS, left += TILE_ROWS * row, to.out += TILE_ROWS * to.ld) {
        bf16_fetch(ahead, 1);
        tile(TILE_ROWS, vectors, to, left, row, panel, pairs, last);
    }
    for (; rows >= 4; rows -= 4, left += 4 * row, to.out += 4 * to.ld)
        tile(4, vectors, to, left, row, panel, pairs, last);
    for (; rows >= 2; rows -= 2, left += 2 * row, to.out += 2 * to.ld)
        tile(2, vectors, to, left, row, panel, pairs, last);
    if (rows)
        tile(1, vectors, to, left, row, panel, pairs, last);
}

TARGET static void wide_panel(struct gemm_into to, const uint32_t *left, size_t row,
                              const uint32_t *panel, size_t rows, size_t pairs, __mmask16 last,
                              struct bf16_ahead *ahead)
{
    any_rows(2, to, left, row, panel, rows, pairs, last, ahead);
}

TARGET static void narrow_panel(struct gemm_into to, const uint32_t *left, size_t row,
                                const uint32_t *panel, size_t rows, size_t pairs, __mmask16 last,
                                struct bf16_ahead *ahead)
{
    any_rows(1, to, left, row, panel, rows, pairs, last, ahead);
}

TARGET static void multiply(struct gemm_into to, const uint32_t *left, const uint32_t *panels,
                            size_t panel, size_t rows, size_t columns, size_t inner,
                            struct bf16_ahead ahead)
{
    unsigned kept = _mm_getcsr();
    _mm_setcsr(kept | DENORMALS_ARE_ZERO);
    for (size_t j = 0; j < columns; j += BF16_PANEL, panels += panel) {
        bool wide = columns - j > LANES;
        struct gemm_into part = to;
        part.out += j;
        part.bias = to.bias ? to.bias + j : NULL;
        (wide ? wide_panel : narrow_panel)(part, left, bf16_row(inner), panels, rows,
                                           bf16_pairs(inner),
                                           first_lanes(columns - j - (wide ? LANES : 0)), &ahead);
    }
    _mm_setcsr(kept);
}

const struct bf16_tiles bf16_avx512 = {"avx512bf16", present, bf16_pack_left_avx512,
                                       bf16_pack_panel_avx512, multiply};
#endif
