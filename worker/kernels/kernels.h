#ifndef LRSEARCH_KERNELS_H
#define LRSEARCH_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernels/matmul.h"

/* Pure functions on fp32 arrays, row-major: outputs first, inputs next, sizes last. Gradients of
 * parameters are accumulated (+=), gradients of activations are set (=) unless said otherwise. No
 * allocation, no state but the number of threads; sums run in a fixed order that does not depend on
 * it (pieces.h), so the same input gives the same bytes. NaN in gives NaN out. kernels/ref has
 * naive double-precision twins of the forward kernels, except embedding and residual.
 *
 * N: rows (tokens), C: channels, T: context, H: heads, F: MLP's hidden width, V: vocabulary. */

#define NORM_EPS 1e-5f /* added to the variance or mean square, as PyTorch's and llama's norms */

/* Call first, from one thread: sets each library to one thread. Later calls only return what
 * multiplies here: our own instruction set and the libraries, with versions. */
const char *kernels_init(void);
/* The libraries, which with the CPU determine the bits of their products: "OpenBLAS 0.3.21
 * SkylakeX" */
const char *kernels_libraries(char *out, size_t size);
/* NULL; or one sentence, with the remedy, if OpenBLAS does not use this CPU's AVX2: versions older
 * than the CPU take it for a Prescott (SSE3). Its products are then slow, not wrong. */
const char *openblas_warning(void);
/* Sets the threads per kernel; 1 by default. Do not call it while a kernel runs, or between
 * attention_scratch() and the use of the scratch. False: built without OpenMP, so only one
 * thread. */
bool kernels_set_threads(int threads);

/* by: library or precision. out (N, M) = in (N, K) weight (M, K)^T + bias (M); bias may be NULL */
void linear_forward(enum matmul by, float *out, const float *in, const float *weight,
                    const float *bias, size_t N, size_t K, size_t M);
/* d_in (N, K) = d_out (N, M) weight (M, K) */
void linear_backward_input(enum matmul by, float *d_in, const float *d_out, const float *weight,
                           size_t N, size_t K, size_t M);
/* d_weight (M, K) = d_out^T in, or += with add; d_bias (M) += column sums of d_out; d_bias may be
 * NULL */
void linear_backward_weight(enum matmul by, float *d_weight, float *d_bias, const float *d_out,
                            const float *in, bool add, size_t N, size_t K, size_t M);

/* out = (in - mean) * rstd * weight + bias over C (Ba et al. 2016), eps 1e-5; mean, rstd: (N) kept
 * for the backward pass */
void layernorm_forward(float *out, float *mean, float *rstd, const float *in, const float *weight,
                       const float *bias, size_t N, size_t C);
/* d_in += (into the residual stream's gradient); d_weight, d_bias += */
void layernorm_backward(float *d_in, float *d_weight, float *d_bias, const float *d_out,
                        const float *in, const float *mean, const float *rstd, const float *weight,
                        size_t N, size_t C);

/* out = in * rstd * weight, rstd = 1 / sqrt(mean(in^2) + eps) (Zhang & Sennrich 2019); rstd: (N) */
void rmsnorm_forward(float *out, float *rstd, const float *in, const float *weight, size_t N,
                     size_t C);
/* d_in +=; d_weight += */
void rmsnorm_backward(float *d_in, float *d_weight, const float *d_out, const float *in,
                      const float *rstd, const float *weight, size_t N, size_t C);

/* RMSNorm of each head's queries and keys, in place in qkv (N, 3, H, C/H), each with one gain (C/H)
 * for all heads; raw (N, 2, H, C/H) and rstd (N, 2, H) are kept for the backward pass. */
void qk_norm_forward(float *qkv, float *raw, float *rstd, const float *q_weight,
                     const float *k_weight, size_t N, size_t C, size_t H);
/* d_qkv in place; d_q_weight, d_k_weight += */
void qk_norm_backward(float *d_qkv, float *d_q_weight, float *d_k_weight, const float *raw,
                      const float *rstd, const float *q_weight, const float *k_weight, size_t N,
                      size_t C, size_t H);

/* Rotary positions (Su et al. 2021), base 10000: channels i and i + D/2 of each head's queries and
 * keys turn by t * base^(-2i/D). In place in qkv (N, 3, H, D), row n at position n % T; tables
 * (T, D/2). D = C/H is even. */
void rope_table(float *cosines, float *sines, size_t T, size_t D);
void rope_forward(float *qkv, const float *cosines, const float *sines, size_t N, size_t T,
                  size_t C, size_t H);
void rope_backward(float *d_qkv, const float *cosines, const float *sines, size_t N, size_t T,
                   size_t C, size_t H);

/* tanh form (Hendrycks & Gimpel 2016). The forward pass replaces `in` by gelu'(in): the exponential
 * is computed once, and the backward pass is a product. */
void gelu_forward(float *out, float *in, size_t count);
/* d_in = d_out * slope; d_in may be d_out */
void gelu_backward(float *d_in, const float *d_out, const float *slope, size_t count);

/* out (N, F) = silu(gate) * up (Shazeer 2020); in (N, 2, F): gates, then ups. Replaces them by the
 * slopes d out/d gate, d out/d up. */
void swiglu_forward(float *out, float *in, size_t N, size_t F);
/* d_in (N, 2, F); not in place */
void swiglu_backward(float *d_in, const float *d_out, const float *slopes, size_t N, size_t F);

/* out = scale * a + b; out may be a */
void residual_forward(float *out, const float *a, const float *b, float scale, size_t count);
/* d_a = scale * d_out */
void residual_backward(float *d_a, const float *d_out, float scale, size_t count);

/* out (B*T, C) = token_weight[token] + position_weight[t]; tokens[b * stride + t]. Without
 * positions position_weight (and its gradient) is NULL. */
void embedding_forward(float *out, const uint32_t *tokens, size_t stride, const float *token_weight,
                       const float *position_weight, size_t B, size_t T, size_t C);
/* both +=, in the order of b, t */
void embedding_backward(float *d_token_weight, float *d_position_weight, const float *d_out,
                        const uint32_t *tokens, size_t stride, size_t B, size_t T, size_t C);

/* Causal self-attention. qkv: (B, T, 3, H, C/H); out: (B, T, C); lse: (B, H, T), log-sum-exp of
 * each row of scale * q.k, kept for the backward pass. The probabilities are not kept: memory is
 * linear in T. by: MATMUL_BF16 rounds the operands of its products; any other multiplies by our own
 * fp32 product. scratch: attention_scratch() floats, 64-byte aligned, for heads of D channels and
 * the current number of threads. */
size_t attention_scratch(enum matmul by, size_t T, size_t D);
void attention_forward(enum matmul by, float *out, float *lse, const float *qkv, float scale,
                       float *scratch, size_t B, size_t T, size_t C, size_t H);
void attention_backward(enum matmul by, float *d_qkv, const float *d_out, const float *qkv,
                        const float *out, const float *lse, float scale, float *scratch, size_t B,
                        size_t T, size_t C, size_t H);

/* losses[i] = -log softmax(logit_scale * logits[i])[label[i]]; logits (N, V) becomes
 * d(loss + z_loss ln(Z)^2)/d(logits) * gradient_scale in place, Z being the softmax's sum; or is
 * left as it is when gradient_scale is 0 */
void cross_entropy(float *losses, float *logits, const uint32_t *labels, float logit_scale,
                   float z_loss, float gradient_scale, size_t N, size_t V);

/* AdamW (Loshchilov & Hutter 2019): w = (1 - decay) w - lr m_hat / (sqrt(v_hat) + eps); decay is
 * this step's, including all factors; step counts from 1 */
void adamw_update(float *weight, float *m, float *v, const float *grad, float grad_scale, float lr,
                  float beta1, float beta2, float eps, float decay, uint64_t step, size_t count);

/* Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) on one matrix: with
 * muon_momentum(u, m, ...) and newton_schulz(u), muon_update(weight, u, ...).
 *
 * m = momentum m + g, out = g + momentum m, where g = grad_scale grad (Nesterov) */
void muon_momentum(float *out, float *m, const float *grad, float grad_scale, float momentum,
                   size_t count);
/* x (rows, cols) becomes x / (||x||_F + NEWTON_SCHULZ_EPS) after five steps
 *   X <- (a I + b X X^T + c (X X^T)^2) X, (a, b, c) = (3.4445, -4.7750, 2.0315),
 * of its transpose if rows > cols: the singular vectors stay, singular values above some .003 of
 * the norm become .68 to 1.21. by: MATMUL_BF16 rounds the operands of the products; any other
 * multiplies by our own fp32 product. scratch: newton_schulz_scratch() floats, 64-byte aligned. */
#define NEWTON_SCHULZ_EPS 1e-12 /* against 0 / 0; PyTorch's 1e-7 would show in small gradients */
size_t newton_schulz_scratch(enum matmul by, size_t rows, size_t cols);
void newton_schulz(enum matmul by, float *x, float *scratch, size_t rows, size_t cols);
double newton_schulz_flops(size_t rows, size_t cols); /* as computed: less than the formula's */
/* weight = (1 - decay) weight - lr x; lr and decay are this step's, including all factors */
void muon_update(float *weight, const float *x, float lr, float decay, size_t count);

/* Sums of squares in double, one for each block of values: block i of a tensor of `count` begins at
 * i * squares_block(count). At most SQUARES_MOST blocks. */
#define SQUARES_MOST 64
size_t squares_block(size_t count);
void sums_of_squares(double *sums, const float *values, size_t block, size_t count);
double sum_of_squares(const float *values, size_t count); /* the sums of its blocks, in order */

/* out = terms[0] + (terms[1] + (... + terms[most])); out may be one of them. 2 to 5 terms. */
void add_nested(float *out, const float *const *terms, size_t terms_count, size_t count);
/* The sum of 2, 4, 8 or 16 terms in a binary tree, ((0 + 1) + (2 + 3)) + ...; out may be one of
 * them. */
void add_tree(float *out, const float *const *terms, size_t terms_count, size_t count);

#endif
