/* bf16 tiles with AMX: the instructions of gemm_bf16_amx.inc.h. */
#define _DEFAULT_SOURCE
#include "kernels/gemm_bf16_tiles.h" /* a file is not empty in C: on other CPUs it has this alone */

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#include "kernels/amx.h"
#include "kernels/gemm_bf16_avx512.h"

#define AMX_TARGET __attribute__((target("amx-tile,amx-bf16")))

/* The argument of LDTILECFG: 8 tiles of 16 rows of 64 bytes. */
static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16]; /* 8 are used */
    uint8_t rows[16];
} shapes = {.palette = 1,
            .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
            .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

/* gcc does not know which memory TILELOADD reads. */
#define amx_memory() __asm__ volatile("" ::: "memory")
/* Libraries of the same thread may use tiles of other shapes. */
#define amx_begin() _tile_loadconfig(&shapes)
#define amx_end() _tile_release()
#define amx_zero(tile) _tile_zero(tile)
#define amx_load(tile, from, stride)                                                               \
    do {                                                                                           \
        amx_memory();                                                                              \
        _tile_loadd(tile, from, stride);                                                           \
    } while (0)
#define amx_store(tile, to, stride) _tile_stored(tile, to, stride)
#define amx_multiply(sums, left, right) _tile_dpbf16ps(sums, left, right)

#include "kernels/gemm_bf16_amx.inc.h"

static bool present(void)
{
    return bf16_avx512.present() && amx_permitted(); /* AVX512-BF16 packs */
}

const struct bf16_tiles bf16_amx = {"amx", present, bf16_pack_left_avx512, bf16_pack_panel_avx512,
                                    multiply};
#endif
