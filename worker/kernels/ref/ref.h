#ifndef LRSEARCH_REF_H
#define LRSEARCH_REF_H

#include <stddef.h>
#include <stdint.h>

/* Naive double-precision twins of kernels.h: obviously right, slow, for tests only. Same names,
 * same shapes. */

void ref_linear_forward(double *out, const double *in, const double *weight, const double *bias,
                        size_t N, size_t K, size_t M);
void ref_layernorm_forward(double *out, const double *in, const double *weight, const double *bias,
                           size_t N, size_t C);
void ref_rmsnorm_forward(double *out, const double *in, const double *weight, size_t N, size_t C);
/* out (N, 3, H, C/H) is qkv with its queries and keys normalised */
void ref_qk_norm_forward(double *out, const double *qkv, const double *q_weight,
                         const double *k_weight, size_t N, size_t C, size_t H);
/* out (N, 3, H, C/H) is qkv with its queries and keys rotated */
void ref_rope_forward(double *out, const double *qkv, size_t N, size_t T, size_t C, size_t H);
void ref_swiglu_forward(double *out, const double *in, size_t N, size_t F);
void ref_gelu_forward(double *out, const double *in, size_t count);
void ref_attention_forward(double *out, const double *qkv, double scale, size_t B, size_t T,
                           size_t C, size_t H);
/* The five steps as they are written, without the transposition: rows <= cols. Room for
 * rows (2 rows + cols) doubles. */
void ref_newton_schulz(double *x, double *room, size_t rows, size_t cols);
/* losses + z_loss ln(Z)^2 */
void ref_cross_entropy(double *losses, const double *logits, const uint32_t *labels,
                       double logit_scale, double z_loss, size_t N, size_t V);

#endif
