/* bf16 tiles with AMX: the instructions of gemm_bf16_amx.inc.h, and the permission to use them. */
#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
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

static bool cpu_has_amx(void)
{
    enum { LEAF = 7, AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24 };
    unsigned a = LEAF, b, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (d & AMX_BF16) && (d & AMX_TILE);
}

/* Linux lets a process use the tiles, 8 KiB of each thread's registers, only if it asks. */
static bool system_permits(void)
{
    enum { ARCH_PRCTL = 158, ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };
    long result = ARCH_PRCTL;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"((long)ARCH_REQ_XCOMP_PERM), "S"((long)TILE_DATA)
                     : "rcx", "r11", "memory");
    return result == 0;
}

static bool present(void)
{
    return bf16_avx512.present() && cpu_has_amx() && system_permits();
}

const struct bf16_tiles bf16_amx = {"amx", present, bf16_pack_left_avx512, bf16_pack_panel_avx512,
                                    multiply};
#endif
