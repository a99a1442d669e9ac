#ifndef LRSEARCH_KERNELS_H
#define LRSEARCH_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Pure functions on fp32 arrays, row-major: outputs first, inputs next, sizes last. Gradients of
 * parameters are accumulated (+=), gradients of activations are set (=) unless said otherwise. No
 * allocation, no global state, one thread; sums run in a fixed order, so the same input gives the
 * same bytes. NaN in gives NaN out. kernels/ref holds each one's naive double-precision twin.
 *
 * N: rows (tokens), C: channels, T: context, H: heads, V: vocabulary. */

/* Call once a process, first: one BLAS thread. Returns the BLAS's own description. */
const char *kernels_init(void);

/* out (N, M) = in (N, K) weight (M, K)^T + bias (M); bias may be NULL */
void linear_forward(float *out, const float *in, const float *weight, const float *bias, size_t N,
                    size_t K, size_t M);
/* d_in (N, K) = d_out (N, M) weight (M, K) */
void linear_backward_input(float *d_in, const float *d_out, const float *weight, size_t N, size_t K,
                           size_t M);
/* d_weight (M, K) += d_out^T in; d_bias (M) += column sums of d_out; d_bias may be NULL */
void linear_backward_weight(float *d_weight, float *d_bias, const float *d_out, const float *in,
                            size_t N, size_t K, size_t M);

/* out = (in - mean) * rstd * weight + bias over C (Ba et al. 2016), eps 1e-5; mean, rstd: (N) kept
 * for the way back */
void layernorm_forward(float *out, float *mean, float *rstd, const float *in, const float *weight,
                       const float *bias, size_t N, size_t C);
/* d_in += (it joins the residual stream's gradient); d_weight, d_bias += */
void layernorm_backward(float *d_in, float *d_weight, float *d_bias, const float *d_out,
                        const float *in, const float *mean, const float *rstd, const float *weight,
                        size_t N, size_t C);

/* tanh form (Hendrycks & Gimpel 2016) */
void gelu_forward(float *out, const float *in, size_t count);
/* d_in = d_out * gelu'(in); d_in may be d_out */
void gelu_backward(float *d_in, const float *d_out, const float *in, size_t count);

/* out = a + b; out may be a */
void residual_forward(float *out, const float *a, const float *b, size_t count);

/* out (B*T, C) = token_weight[token] + position_weight[t]; tokens[b * stride + t] */
void embedding_forward(float *out, const uint32_t *tokens, size_t stride, const float *token_weight,
                       const float *position_weight, size_t B, size_t T, size_t C);
/* both +=, in the order of b, t */
void embedding_backward(float *d_token_weight, float *d_position_weight, const float *d_out,
                        const uint32_t *tokens, size_t stride, size_t B, size_t T, size_t C);

/* Causal self-attention. qkv: (B, T, 3, H, C/H); out: (B, T, C); lse: (B, H, T), log-sum-exp of
 * each row of scale * q.k, kept for the way back. The probabilities are not kept: memory is linear
 * in T. scratch: attention_scratch() floats. */
size_t attention_scratch(size_t T, size_t C, size_t H);
void attention_forward(float *out, float *lse, const float *qkv, float scale, float *scratch,
                       size_t B, size_t T, size_t C, size_t H);
void attention_backward(float *d_qkv, const float *d_out, const float *qkv, const float *out,
                        const float *lse, float scale, float *scratch, size_t B, size_t T, size_t C,
                        size_t H);

/* losses[i] = -log softmax(logit_scale * logits[i])[label[i]]; logits (N, V) becomes
 * d(loss)/d(logits) * gradient_scale in place (the softmax minus one-hot), or is left as it is when
 * gradient_scale is 0 */
void cross_entropy(float *losses, float *logits, const uint32_t *labels, float logit_scale,
                   float gradient_scale, size_t N, size_t V);

/* AdamW (Loshchilov & Hutter 2019), decoupled decay coupled to the LR:
 * w -= lr * (m_hat / (sqrt(v_hat) + eps) + decay * w); step counts from 1 */
void adamw_update(float *weight, float *m, float *v, const float *grad, float grad_scale, float lr,
                  float beta1, float beta2, float eps, float decay, uint64_t step, size_t count);

double sum_of_squares(const float *values, size_t count); /* in blocks, double, fixed order */

#endif
