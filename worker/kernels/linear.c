/* Linear layers: three matrix products. Weights are (outputs, inputs), as PyTorch has them. */
#include "kernels/kernels.h"

#include "kernels/pieces.h"
#include "kernels/simd.h"

void linear_forward(enum matmul by, float *out, const float *in, const float *weight,
                    const float *bias, size_t N, size_t K, size_t M)
{
    matmul(by, (struct gemm_into){out, M, bias, 0}, (struct operand){in, K, 1},
           (struct operand){weight, 1, K}, N, M, K);
}

void linear_backward_input(enum matmul by, float *d_in, const float *d_out, const float *weight,
                           size_t N, size_t K, size_t M)
{
    matmul(by, (struct gemm_into){d_in, K, NULL, 0}, (struct operand){d_out, M, 1},
           (struct operand){weight, K, 1}, N, K, M);
}

KERNEL(add_column_sums, (float *sums, const float *rows, size_t N, size_t M, size_t columns),
       (sums, rows, N, M, columns))
{
    for (size_t n = 0; n < N; n++)
        for (size_t m = 0; m < columns; m++)
            sums[m] += rows[n * M + m];
}

void linear_backward_weight(enum matmul by, float *d_weight, float *d_bias, const float *d_out,
                            const float *in, size_t N, size_t K, size_t M)
{
    matmul(by, (struct gemm_into){d_weight, K, NULL, 1}, (struct operand){d_out, 1, M},
           (struct operand){in, K, 1}, M, K, N);
    if (!d_bias)
        return;
    FOR_PIECES(m, M, PIECE_COLUMNS)
    add_column_sums(d_bias + m, d_out + m, N, M, piece_length(M, m, PIECE_COLUMNS));
}
