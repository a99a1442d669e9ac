/* Tiles of 14 rows with AVX-512: 28 registers of sums, two of the panel, one of a. */
#include "kernels/gemm_tiles.h" /* a file is not empty in C: on other CPUs it has this alone */

#ifdef __x86_64__
#include "kernels/gemm_avx2.h"

#define TILE_TARGET __attribute__((target("avx512f,fma")))
#define TILE_AHEAD 16
enum { TILE_ROWS = 14, TILE_COLUMNS = 32, LANES = 16 };

typedef __m512 vec;

#define vec_load _mm512_loadu_ps
#define vec_store _mm512_storeu_ps
#define vec_each _mm512_set1_ps
#define vec_add _mm512_add_ps
#define vec_load_rows(from) _mm512_maskz_loadu_ps((1 << TILE_ROWS) - 1, from)
#define vec_store_rows(to, v) _mm512_mask_storeu_ps(to, (1 << TILE_ROWS) - 1, v)
#define vec_fma _mm512_fmadd_ps

TILE_TARGET static void transpose(float *packed, const float *from, size_t stride, size_t inner)
{
    transpose_panel(packed, TILE_COLUMNS, from, stride, inner);
}

#include "kernels/gemm_tiles.inc.h"

const struct gemm_tiles gemm_avx512 = {"avx512",   TILE_ROWS, TILE_COLUMNS, any_panel,
                                       pack_panel, NULL,      add_steps};
#endif
