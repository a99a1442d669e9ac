/* Tiles in plain C, for CPUs without AVX2 and FMA; the compiler vectorises them. */
#include <math.h>
#include "kernels/gemm_tiles.h"

#define TILE_TARGET
#define TILE_AHEAD 0
enum { TILE_ROWS = 4, TILE_COLUMNS = 16, LANES = TILE_COLUMNS };

typedef struct {
    float lane[LANES];
} vec;

#define EACH_LANE for (int l = 0; l < LANES; l++)

static inline vec vec_load(const float *from)
{
    vec v;
    EACH_LANE v.lane[l] = from[l];
    return v;
}

static inline void vec_store(float *to, vec v)
{
    EACH_LANE to[l] = v.lane[l];
}

static inline vec vec_each(float x)
{
    vec v;
    EACH_LANE v.lane[l] = x;
    return v;
}

static inline vec vec_add(vec a, vec b)
{
    EACH_LANE a.lane[l] += b.lane[l];
    return a;
}

static inline vec vec_fma(vec a, vec b, vec c)
{
#ifdef FP_FAST_FMAF
    EACH_LANE c.lane[l] = fmaf(a.lane[l], b.lane[l], c.lane[l]);
#else
    EACH_LANE c.lane[l] += a.lane[l] * b.lane[l];
#endif
    return c;
}

#define vec_load_rows vec_load
#define vec_store_rows vec_store

static void transpose(float *packed, const float *from, size_t stride, size_t inner)
{
    for (size_t k = 0; k < inner; k++)
        for (size_t j = 0; j < TILE_COLUMNS; j++)
            packed[k * TILE_COLUMNS + j] = from[j * stride + k];
}

#include "kernels/gemm_tiles.inc.h"

const struct gemm_tiles gemm_plain = {"plain",    TILE_ROWS, TILE_COLUMNS, any_panel,
                                      pack_panel, pack_band, add_steps};
