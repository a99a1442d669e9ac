/* Tiles of 6 rows with AVX2 and FMA: 12 registers of sums, two of the panel, one of a. */
#include "kernels/gemm_tiles.h" /* a file is not empty in C: on other CPUs it has this alone */

#ifdef __x86_64__
#include "kernels/gemm_avx2.h"

#define TILE_TARGET TARGET_AVX2
#define TILE_AHEAD 0
enum { TILE_ROWS = 6, TILE_COLUMNS = 16, LANES = 8 };

typedef __m256 vec;

#define vec_load _mm256_loadu_ps
#define vec_store _mm256_storeu_ps
#define vec_each _mm256_set1_ps
#define vec_add _mm256_add_ps
#define vec_load_rows vec_load
#define vec_store_rows vec_store
#define vec_fma _mm256_fmadd_ps

TILE_TARGET static void transpose(float *packed, const float *from, size_t stride, size_t inner)
{
    transpose_panel(packed, TILE_COLUMNS, from, stride, inner);
}

#include "kernels/gemm_tiles.inc.h"

const struct gemm_tiles gemm_avx2 = {"avx2",     TILE_ROWS, TILE_COLUMNS, any_panel,
                                     pack_panel, pack_band, add_steps};
#endif
