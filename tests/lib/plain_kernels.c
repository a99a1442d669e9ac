/* Linked into what trains under valgrind, which emulates each fused multiply-add by a call: four
 * fifths of such a test's time. With LRSEARCH_PLAIN_KERNELS in the environment kernels run without.
 * Those with AVX2 are under valgrind in test_kernels, test_gemm_tiles, test_gemm_bf16, test_model
 * and test_golden. */
#include <stdlib.h>
#include "kernels/instructions.h"

__attribute__((constructor)) static void use_plain_kernels(void)
{
    if (getenv("LRSEARCH_PLAIN_KERNELS"))
        instructions_most = INSTRUCTIONS_PLAIN;
}
