#ifndef LRSEARCH_GEMM_BF16_AVX512_H
#define LRSEARCH_GEMM_BF16_AVX512_H

#include "kernels/gemm_bf16_tiles.h"

/* The packing of struct bf16_tiles with AVX512-BF16, for AMX too. */
void bf16_pack_left_avx512(uint32_t *left, struct operand a, size_t rows, size_t inner);
void bf16_pack_panel_avx512(uint32_t *panel, struct operand b, size_t inner, size_t columns);

#endif
