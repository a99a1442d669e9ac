/* Packing and the loops around the tiles. From outer to inner: GEMM_DEPTH steps of the inner
 * dimension, as many columns as the packing buffer holds (kept in the L2 cache), a band of rows
 * (also in L2), one panel (in the L1 cache), the tiles. */
#include "kernels/gemm_tiles.h"

#include <string.h>

enum {
    ROOM_COLUMNS = 256,
    FAR_ROWS = 511, /* floats; rows further apart are gathered */
    BAND_ROWS = 96, /* a multiple of every tile's rows */
};

static const struct gemm_tiles *tiles(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) /* both pack with AVX2 */
        return __builtin_cpu_supports("avx512f") ? &gemm_avx512 : &gemm_avx2;
#endif
    return &gemm_plain;
}

const char *gemm_instructions(void)
{
    return tiles()->name;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static const float *part(struct operand o, size_t i, size_t k)
{
    return o.data + i * o.row + k * o.column;
}

/* ---- packing ---- */

size_t gemm_packed_size(size_t inner, size_t columns)
{
    return (columns + GEMM_PANEL - 1) / GEMM_PANEL * GEMM_PANEL * inner;
}

/* Packs steps first..end-1 of one panel. */
static void pack_panel(float *packed, struct operand b, size_t first, size_t end, size_t columns)
{
    const float *from = b.data + first * b.row;
    packed += first * GEMM_PANEL;
    if (columns == GEMM_PANEL && b.column == 1) {
        for (size_t k = first; k < end; k++, from += b.row, packed += GEMM_PANEL)
            memcpy(packed, from, GEMM_PANEL * sizeof(float));
    } else if (columns == GEMM_PANEL && b.row == 1) {
        tiles()->transpose(packed, from, b.column, end - first);
    } else {
        for (size_t k = first; k < end; k++, from += b.row, packed += GEMM_PANEL)
            for (size_t j = 0; j < GEMM_PANEL; j++)
                packed[j] = j < columns ? from[j * b.column] : 0.0f;
    }
}

struct gemm_packed_operand gemm_pack(float *room, struct operand b, size_t depth, size_t columns)
{
    enum { STEPS = 8 }; /* steps of all panels at a time, so that each cache line is fetched once */
    for (size_t k = 0; k < depth; k += STEPS)
        for (size_t j = 0; j < columns; j += GEMM_PANEL)
            pack_panel(room + j * depth, (struct operand){part(b, 0, j), b.row, b.column}, k,
                       smaller(depth, k + STEPS), smaller(columns - j, GEMM_PANEL));
    return (struct gemm_packed_operand){room, depth};
}

struct gemm_packed_operand gemm_packed_from(struct gemm_packed_operand b, size_t step)
{
    return (struct gemm_packed_operand){b.panels + step * GEMM_PANEL, b.depth};
}

/* ---- loops ---- */

void gemm_row_sums(struct gemm_into to, struct operand a, size_t rows, size_t inner)
{
    if (!to.row_sums)
        return;
    if (a.row == 1)
        tiles()->add_steps(to.row_sums, a.data, a.column, rows, inner);
    else
        for (size_t i = 0; i < rows; i++)
            tiles()->add_steps(to.row_sums + i, a.data + i * a.row, 1, 1, inner);
}

static struct gemm_into part_of(struct gemm_into to, size_t i, size_t j, size_t k)
{
    to.out += i * to.ld + j;
    if (to.bias)
        to.bias = k == 0 ? to.bias + j : NULL;
    to.row_sums = to.row_sums && j == 0 ? to.row_sums + i : NULL; /* once per row */
    to.add = to.add || k > 0; /* the first chain starts the sum, later ones are added */
    return to;
}

/* Multiplies the panels of b one after the other, over at most GEMM_DEPTH steps. */
static void panels(struct gemm_into to, const float *a, struct gemm_left left,
                   struct gemm_packed_operand b, size_t rows, size_t columns, size_t inner)
{
    const struct gemm_tiles *t = tiles();
    for (size_t j = 0; j < columns; j += GEMM_PANEL)
        t->panel(part_of(to, 0, j, 0), a, left, b.panels + j * b.depth, rows,
                 smaller(columns - j, GEMM_PANEL), inner);
}

static struct gemm_left as_it_is(struct operand a)
{
    return (struct gemm_left){a.row, a.column, a.row * tiles()->rows};
}

void gemm_packed(struct gemm_into to, struct operand a, struct gemm_packed_operand b, size_t rows,
                 size_t columns, size_t inner)
{
    for (size_t k = 0; k < inner; k += GEMM_DEPTH, b.panels += GEMM_DEPTH * GEMM_PANEL)
        panels(part_of(to, 0, 0, k), part(a, 0, k), as_it_is(a), b, rows, columns,
               smaller(inner - k, GEMM_DEPTH));
}

static struct operand gather_rows(float *band, struct operand a, size_t rows, size_t inner)
{
    size_t row = inner + 8;
    for (size_t i = 0; i < rows; i++)
        memcpy(band + i * row, part(a, i, 0), inner * sizeof(float));
    return (struct operand){band, row, 1};
}

/* Multiplies a band of rows. Columns that are not contiguous are packed; rows that lie far apart
 * are gathered: strides of large powers of two map to a few cache sets, which cannot hold the
 * band. */
static void band_rows(struct gemm_into to, struct operand a, struct gemm_packed_operand b,
                      size_t rows, size_t columns)
{
    static _Thread_local _Alignas(64) float band[GEMM_DEPTH * BAND_ROWS + 8 * BAND_ROWS];
    size_t tile_rows = tiles()->rows;
    if (a.column == 1) {
        gemm_row_sums(to, a, rows, b.depth);
        if (a.row > FAR_ROWS)
            a = gather_rows(band, a, rows, b.depth);
        panels(to, a.data, as_it_is(a), b, rows, columns, b.depth);
    } else {
        tiles()->pack_band(band, to.row_sums, a.data, a.column, rows, b.depth);
        panels(to, band, (struct gemm_left){1, tile_rows, GEMM_BAND(tile_rows, b.depth)}, b, rows,
               columns, b.depth);
    }
}

void gemm(struct gemm_into to, struct operand a, struct operand b, size_t rows, size_t columns,
          size_t inner)
{
    static _Thread_local _Alignas(64) float room[GEMM_DEPTH * ROOM_COLUMNS];
    for (size_t k = 0; k < inner; k += GEMM_DEPTH) {
        size_t depth = smaller(inner - k, GEMM_DEPTH);
        size_t at_once = GEMM_DEPTH * ROOM_COLUMNS / depth / GEMM_PANEL * GEMM_PANEL;
        for (size_t j = 0; j < columns; j += at_once) {
            size_t width = smaller(columns - j, at_once);
            struct gemm_packed_operand packed =
                gemm_pack(room, (struct operand){part(b, k, j), b.row, b.column}, depth, width);
            for (size_t i = 0; i < rows; i += BAND_ROWS)
                band_rows(part_of(to, i, j, k), (struct operand){part(a, i, k), a.row, a.column},
                          packed, smaller(rows - i, BAND_ROWS), width);
        }
    }
}
