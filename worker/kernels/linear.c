/* Linear layers: three matrix products. Weights are (outputs, inputs), as PyTorch has them. */
#include "kernels/kernels.h"

void linear_forward(enum matmul by, float *out, const float *in, const float *weight,
                    const float *bias, size_t N, size_t K, size_t M)
{
    matmul(by, (struct gemm_into){out, M, .bias = bias}, (struct operand){in, K, 1},
           (struct operand){weight, 1, K}, N, M, K);
}

void linear_backward_input(enum matmul by, float *d_in, const float *d_out, const float *weight,
                           size_t N, size_t K, size_t M)
{
    matmul(by, (struct gemm_into){d_in, K, .add = 0}, (struct operand){d_out, M, 1},
           (struct operand){weight, K, 1}, N, K, M);
}

void linear_backward_weight(enum matmul by, float *d_weight, float *d_bias, const float *d_out,
                            const float *in, size_t N, size_t K, size_t M)
{
    matmul(by, (struct gemm_into){d_weight, K, .add = 1, .row_sums = d_bias},
           (struct operand){d_out, 1, M}, (struct operand){in, K, 1}, M, K, N);
}
