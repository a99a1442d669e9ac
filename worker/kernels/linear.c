/* Linear layers: three matrix products, by OpenBLAS. Weights are (outputs, inputs), as PyTorch has
 * them. One thread: the result must not depend on how many are idle. */
#include "kernels/kernels.h"

#include <cblas.h>
#include <stdio.h>
#include "kernels/simd.h"

const char *kernels_init(void)
{
    static char text[128];
    openblas_set_num_threads(1);
    snprintf(text, sizeof(text), "%s, core %s", openblas_get_config(), openblas_get_corename());
    return text;
}

void linear_forward(float *out, const float *in, const float *weight, const float *bias, size_t N,
                    size_t K, size_t M)
{
    if (bias)
        for (size_t n = 0; n < N; n++)
            memcpy(out + n * M, bias, M * sizeof(float));
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)N, (int)M, (int)K, 1.0f, in, (int)K,
                weight, (int)K, bias ? 1.0f : 0.0f, out, (int)M);
}

void linear_backward_input(float *d_in, const float *d_out, const float *weight, size_t N, size_t K,
                           size_t M)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)N, (int)K, (int)M, 1.0f, d_out,
                (int)M, weight, (int)K, 0.0f, d_in, (int)K);
}

KERNEL_CLONES static void add_column_sums(float *sums, const float *rows, size_t N, size_t M)
{
    for (size_t n = 0; n < N; n++)
        for (size_t m = 0; m < M; m++)
            sums[m] += rows[n * M + m];
}

void linear_backward_weight(float *d_weight, float *d_bias, const float *d_out, const float *in,
                            size_t N, size_t K, size_t M)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)M, (int)K, (int)N, 1.0f, d_out,
                (int)M, in, (int)K, 1.0f, d_weight, (int)K);
    if (d_bias)
        add_column_sums(d_bias, d_out, N, M);
}
