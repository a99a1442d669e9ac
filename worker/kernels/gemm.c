/* Packing and the loops around the tiles. From outer to inner: GEMM_DEPTH steps of the inner
 * dimension, as many columns as the packing buffer holds (kept in the L2 cache), a band of rows
 * (also in L2), one panel (in the L1 cache), the tiles. */
#include "kernels/gemm_parts.h"
#include "kernels/gemm_tiles.h"

#include <string.h>
#include "kernels/instructions.h"
#include "kernels/scratch.h"

enum {
    FAR_ROWS = 1023, /* floats; rows further apart are gathered */
    BAND_ROWS = 112, /* at most: whole tiles */
    /* In floats: */
    BAND_SIZE = BAND_ROWS * (GEMM_DEPTH + 8),
    ROOM_SIZE = GEMM_DEPTH * 256, /* packed columns */
};

enum instructions instructions_most = INSTRUCTIONS_AVX512;

static const struct gemm_tiles *tiles(void)
{
#ifdef __x86_64__
    static const struct gemm_tiles *const of[] = {&gemm_plain, &gemm_avx2, &gemm_avx512};
    return of[instructions_here()];
#else
    return &gemm_plain;
#endif
}

const char *gemm_instructions(void)
{
    return tiles()->name;
}

size_t gemm_panel(void)
{
    return tiles()->columns;
}

size_t gemm_tile_rows(void)
{
    return tiles()->rows;
}

static const float *part(struct operand o, size_t i, size_t k)
{
    return o.data + i * o.row + k * o.column;
}

/* ---- packing ---- */

size_t gemm_packed_size(size_t inner, size_t columns)
{
    size_t panel = gemm_panel();
    return (columns + panel - 1) / panel * panel * inner;
}

/* Memory to be fetched into the L2 cache: `runs` runs of `length` floats, `stride` apart. */
struct ahead {
    const float *from;
    size_t runs, stride, length;
};

/* Fetches the next `runs` of them. */
static void fetch(struct ahead *ahead, size_t runs)
{
    enum { LINE = 16 }; /* floats of a cache line */
    for (; ahead->runs > 0 && runs > 0; ahead->runs--, runs--, ahead->from += ahead->stride)
        for (size_t j = 0; j < ahead->length; j += LINE)
            __builtin_prefetch(ahead->from + j, 0, 2);
}

struct gemm_packed_operand gemm_pack(float *room, struct operand b, size_t depth, size_t columns)
{
    /* STEPS of all panels at a time, so that each cache line is fetched once; a row per step is
     * fetched AHEAD of their steps */
    enum { STEPS = 8, AHEAD = 16 };
    const struct gemm_tiles *t = tiles();
    for (size_t k = 0; k < depth; k += STEPS) {
        if (b.column == 1)
            fetch(&(struct ahead){part(b, k + AHEAD, 0), STEPS, b.row, columns}, STEPS);
        for (size_t j = 0; j < columns; j += t->columns)
            t->pack_panel(room + j * depth + k * t->columns,
                          (struct operand){part(b, k, j), b.row, b.column},
                          smaller(columns - j, t->columns), smaller(depth - k, STEPS));
    }
    return (struct gemm_packed_operand){room, depth};
}

struct gemm_packed_operand gemm_packed_from(struct gemm_packed_operand b, size_t step)
{
    return (struct gemm_packed_operand){b.panels + step * gemm_panel(), b.depth};
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

/* Multiplies the panels of b one after the other, over at most GEMM_DEPTH steps; meanwhile what
 * lies ahead comes into the L2 cache. */
static void panels(struct gemm_into to, const float *a, struct gemm_left left,
                   struct gemm_packed_operand b, size_t rows, size_t columns, size_t inner,
                   struct ahead ahead)
{
    const struct gemm_tiles *t = tiles();
    size_t some = rows, each = 0; /* rows between two fetches; runs of each */
    if (ahead.runs > 0) {
        some = GEMM_DEPTH / inner * t->rows;
        each = parts(ahead.runs, parts(rows, some) * parts(columns, t->columns));
    }
    for (size_t j = 0; j < columns; j += t->columns)
        for (size_t i = 0; i < rows; i += some) {
            fetch(&ahead, each);
            t->panel(part_of(to, i, j, 0), a + i / t->rows * left.tile, left,
                     b.panels + j * b.depth, smaller(rows - i, some),
                     smaller(columns - j, t->columns), inner);
        }
}

static struct gemm_left as_it_is(struct operand a)
{
    return (struct gemm_left){a.row, a.column, a.row * tiles()->rows};
}

void gemm_packed(struct gemm_into to, struct operand a, struct gemm_packed_operand b, size_t rows,
                 size_t columns, size_t inner)
{
    for (size_t k = 0; k < inner; k += GEMM_DEPTH)
        panels(part_of(to, 0, 0, k), part(a, 0, k), as_it_is(a), gemm_packed_from(b, k), rows,
               columns, smaller(inner - k, GEMM_DEPTH), (struct ahead){.runs = 0});
}

static struct operand gather_rows(float *band, struct operand a, size_t rows, size_t inner)
{
    size_t row = inner + 8;
    for (size_t i = 0; i < rows; i++)
        memcpy(band + i * row, part(a, i, 0), inner * sizeof(float));
    return (struct operand){band, row, 1};
}

/* Multiplies a band of rows, which `after` more follow. Columns that are not contiguous are packed,
 * unless the tiles read them in place; rows that lie far apart are gathered: strides of large
 * powers of two map to a few cache sets, which cannot hold the band. */
static void band_rows(struct gemm_into to, struct operand a, struct gemm_packed_operand b,
                      size_t rows, size_t after, size_t columns)
{
    float *band = scratch(SCRATCH_GEMM_BAND, BAND_SIZE * sizeof(float));
    const struct gemm_tiles *t = tiles();
    size_t next = smaller(after, rows);
    struct ahead ahead = {part(a, rows, 0), next, a.row, b.depth};
    struct gemm_left left = as_it_is(a);
    const float *from = a.data;
    if (a.column != 1)
        ahead = (struct ahead){part(a, rows, 0), next ? b.depth : 0, a.column, next};
    if (a.column != 1 && !t->pack_band) { /* the tiles read the rows in place, and add them up */
        panels(to, from, left, b, rows, columns, b.depth, ahead);
        return;
    }
    if (a.column != 1) {
        t->pack_band(band, to.row_sums, a.data, a.column, rows, b.depth);
        from = band;
        left = (struct gemm_left){1, t->rows, GEMM_BAND(t->rows, b.depth)};
    } else {
        gemm_row_sums(to, a, rows, b.depth);
        if (a.row > FAR_ROWS) {
            a = gather_rows(band, a, rows, b.depth);
            from = a.data;
            left = as_it_is(a);
        }
    }
    to.row_sums = NULL;
    panels(to, from, left, b, rows, columns, b.depth, ahead);
}

void gemm(struct gemm_into to, struct operand a, struct operand b, size_t rows, size_t columns,
          size_t inner)
{
    float *room = scratch(SCRATCH_GEMM_PANELS, ROOM_SIZE * sizeof(float));
    const size_t panel = gemm_panel(), at_a_time = BAND_ROWS / gemm_tile_rows() * gemm_tile_rows();
    for (size_t k = 0; k < inner; k += GEMM_DEPTH) {
        size_t depth = smaller(inner - k, GEMM_DEPTH);
        size_t at_once = ROOM_SIZE / depth / panel * panel;
        for (size_t j = 0; j < columns; j += at_once) {
            size_t width = smaller(columns - j, at_once);
            struct gemm_packed_operand packed =
                gemm_pack(room, (struct operand){part(b, k, j), b.row, b.column}, depth, width);
            for (size_t i = 0; i < rows; i += at_a_time) {
                size_t some = smaller(rows - i, at_a_time);
                band_rows(part_of(to, i, j, k), (struct operand){part(a, i, k), a.row, a.column},
                          packed, some, rows - i - some, width);
            }
        }
    }
}
