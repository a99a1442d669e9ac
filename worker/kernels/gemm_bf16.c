/* The loops around the bf16 tiles, as in gemm.c; both operands are packed. */
#include "kernels/gemm_bf16_tiles.h"
#include "kernels/gemm_parts.h"

#include <string.h>
#include "kernels/scratch.h"

/* Of 4 bytes, a pair of bf16: */
enum {
    BAND_SIZE = BF16_BAND * (GEMM_DEPTH / 2 + BF16_GROUP),
    ROOM_SIZE = GEMM_DEPTH / 2 * 512, /* packed columns */
};

/* The first that the CPU has is taken; AMX, whose bits are its own, only where it is asked for. */
static const struct bf16_tiles *const kinds[] = {
#ifdef __x86_64__
    &bf16_avx512,
#endif
    &bf16_plain,
#ifdef BF16_AMX
    &bf16_amx,
#endif
};
static const struct bf16_tiles *_Atomic chosen;

static bool present(const struct bf16_tiles *kind)
{
    return !kind->present || kind->present();
}

static const struct bf16_tiles *tiles(void)
{
    const struct bf16_tiles *kind = chosen;
    for (size_t i = 0; !kind; i++)
        if (present(kinds[i]))
            chosen = kind = kinds[i];
    return kind;
}

void bf16_use(const struct bf16_tiles *kind)
{
    if (chosen != kind) /* threads may multiply with the same kind meanwhile */
        chosen = kind;
}

static const struct bf16_tiles *find(const char *kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (strcmp(kinds[i]->name, kind) == 0 && present(kinds[i]))
            return kinds[i];
    return NULL;
}

bool gemm_bf16_present(const char *kind)
{
    return find(kind) != NULL;
}

bool gemm_bf16_use(const char *kind)
{
    const struct bf16_tiles *found = find(kind);
    if (found)
        bf16_use(found);
    return found != NULL;
}

const char *gemm_bf16_instructions(void)
{
    return tiles()->name;
}

static struct operand part(struct operand o, size_t i, size_t k)
{
    o.data += i * o.row + k * o.column;
    return o;
}

/* ---- the packed right operand: its struct counts in floats, which are as large as pairs ---- */

static size_t panel_size(size_t depth)
{
    return bf16_pairs(depth) * BF16_PANEL;
}

size_t gemm_bf16_packed_size(size_t depth, size_t columns)
{
    return parts(columns, BF16_PANEL) * panel_size(depth);
}

struct gemm_packed_operand gemm_bf16_pack(float *room, struct operand b, size_t depth,
                                          size_t columns)
{
    /* Steps of all panels at a time, so that each cache line is fetched once; columns are read one
     * by one anyway. */
    size_t steps = b.column == 1 ? 8 : depth;
    for (size_t k = 0; k < depth; k += steps) {
        uint32_t *panel = (uint32_t *)(void *)room + panel_size(k);
        for (size_t j = 0; j < columns; j += BF16_PANEL, panel += panel_size(depth))
            tiles()->pack_panel(panel, part(b, k, j), smaller(depth - k, steps),
                                smaller(columns - j, BF16_PANEL));
    }
    return (struct gemm_packed_operand){room, depth};
}

struct gemm_packed_operand gemm_bf16_packed_from(struct gemm_packed_operand b, size_t step)
{
    return (struct gemm_packed_operand){b.panels + panel_size(step), b.depth};
}

/* ---- loops ---- */

/* What the band from row i on is packed from, while the one before is multiplied. */
static struct bf16_ahead band_ahead(struct operand a, size_t i, size_t rows, size_t columns,
                                    size_t inner)
{
    if (i >= rows)
        return (struct bf16_ahead){.rows = 0};
    size_t some = smaller(rows - i, BF16_BAND), tiles = BF16_BAND / 8 * parts(columns, BF16_PANEL);
    struct bf16_ahead ahead = {part(a, i, 0).data, a.row, inner, some, 0};
    if (a.column != 1) {
        ahead.row = a.column;
        ahead.length = some;
        ahead.rows = inner;
    }
    ahead.each = parts(ahead.rows, tiles);
    return ahead;
}

/* Multiplies over at most GEMM_DEPTH steps, band by band. */
static void bands(struct gemm_into to, struct operand a, struct gemm_packed_operand b, size_t rows,
                  size_t columns, size_t inner)
{
    uint32_t *left = scratch(SCRATCH_BF16_BAND, BAND_SIZE * sizeof(uint32_t));
    const struct bf16_tiles *t = tiles();
    for (size_t i = 0; i < rows; i += BF16_BAND) {
        size_t some = smaller(rows - i, BF16_BAND);
        struct gemm_into band = part_of(to, i, 0, 0);
        gemm_row_sums(band, part(a, i, 0), some, inner);
        t->pack_left(left, part(a, i, 0), some, inner);
        t->multiply(band, left, (const void *)b.panels, panel_size(b.depth), some, columns, inner,
                    band_ahead(a, i + BF16_BAND, rows, columns, inner));
    }
}

void gemm_bf16_packed(struct gemm_into to, struct operand a, struct gemm_packed_operand b,
                      size_t rows, size_t columns, size_t inner)
{
    for (size_t k = 0; k < inner; k += GEMM_DEPTH)
        bands(part_of(to, 0, 0, k), part(a, 0, k), gemm_bf16_packed_from(b, k), rows, columns,
              smaller(inner - k, GEMM_DEPTH));
}

void gemm_bf16(struct gemm_into to, struct operand a, struct operand b, size_t rows, size_t columns,
               size_t inner)
{
    float *room = scratch(SCRATCH_BF16_PANELS, ROOM_SIZE * sizeof(float));
    for (size_t k = 0; k < inner; k += GEMM_DEPTH) {
        size_t depth = smaller(inner - k, GEMM_DEPTH);
        size_t at_once = ROOM_SIZE / panel_size(depth) * BF16_PANEL;
        for (size_t j = 0; j < columns; j += at_once) {
            size_t width = smaller(columns - j, at_once);
            bands(part_of(to, 0, j, k), part(a, 0, k),
                  gemm_bf16_pack(room, part(b, k, j), depth, width), rows, width, depth);
        }
    }
}
