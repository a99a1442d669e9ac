/* Each kernel against its twin in double precision; each gradient against central differences of
 * the twin, along random weights of the outputs. Inputs are floats widened, so that both see the
 * same numbers. A float sum of n products of order 1 errs by some sqrt(n) 6e-8: 2e-5 leaves
 * room. */
#include "cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "kernels/kernels.h"
#include "kernels/ref/ref.h"
#include "lrsearch/rng.h"

#define TOLERANCE 2e-5
/* Where a kernel rounds values to bf16 in between: by 2^-9 of each. */
#define TOLERANCE_BF16 2e-3
enum { MOST = 8192 };

/* A twin as a function of its inputs, and everything a case needs, in fixed arrays. */
struct problem {
    void (*forward)(const struct problem *problem, double *out);
    double input[3][MOST], weight[MOST];
    float in[3][MOST], gradient[3][MOST], d_out[MOST], out[MOST];
    const uint32_t *labels;
    size_t outputs, inputs[3], size[4];
    double scale, z_loss;
    enum matmul by;   /* bf16: draw() takes numbers that bf16 holds */
    double tolerance; /* of outputs, relative to the largest; gradients have 2.5 times as much */
};

static struct problem p = {.by = MATMUL_OWN, .tolerance = TOLERANCE};
static double wanted[MOST];

static void keep_bf16(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof(bits));
        bits &= 0xffff0000;
        memcpy(&values[i], &bits, sizeof(bits));
    }
}

/* Random inputs and output weights; sizes that are 0 stay unused. */
static void draw(size_t outputs, size_t first, size_t second, size_t third, double deviation)
{
    static uint64_t seed = 1;
    const size_t counts[3] = {first, second, third};
    p.outputs = outputs;
    assert_true(outputs <= MOST);
    memset(p.gradient, 0, sizeof(p.gradient));
    rng_fill_normal(p.d_out, outputs, 1, seed++, RNG_SIMULATE);
    if (p.by == MATMUL_BF16)
        keep_bf16(p.d_out, outputs);
    for (size_t i = 0; i < outputs; i++)
        p.weight[i] = (double)p.d_out[i];
    for (int k = 0; k < 3; k++) {
        assert_true(counts[k] <= MOST);
        p.inputs[k] = counts[k];
        rng_fill_normal(p.in[k], counts[k], deviation, seed++, RNG_SIMULATE);
        if (p.by == MATMUL_BF16)
            keep_bf16(p.in[k], counts[k]);
        for (size_t i = 0; i < counts[k]; i++)
            p.input[k][i] = (double)p.in[k][i];
    }
}

static void out_is_near(void)
{
    double scale = 1e-3;
    p.forward(&p, wanted);
    for (size_t i = 0; i < p.outputs; i++)
        scale = fmax(scale, fabs(wanted[i]));
    for (size_t i = 0; i < p.outputs; i++)
        if (!(fabs((double)p.out[i] - wanted[i]) <= p.tolerance * scale))
            fail_msg("output %zu of %zu: %.9g, wanted %.9g", i, p.outputs, (double)p.out[i],
                     wanted[i]);
}

static double objective(void)
{
    double sum = 0;
    p.forward(&p, wanted);
    for (size_t i = 0; i < p.outputs; i++)
        sum += p.weight[i] * wanted[i];
    return sum;
}

static void gradients_are_near(void)
{
    for (int k = 0; k < 3; k++) {
        double largest = 1e-2, h = 1e-5;
        for (size_t i = 0; i < p.inputs[k]; i++)
            if (fabs((double)p.gradient[k][i]) > largest) /* fmax() crashes gcc 12 for aarch64 */
                largest = fabs((double)p.gradient[k][i]);
        for (size_t i = 0; i < p.inputs[k]; i += p.inputs[k] / 40 + 1) {
            double *x = &p.input[k][i], kept = *x;
            *x = kept + h;
            double up = objective();
            *x = kept - h;
            double slope = (up - objective()) / (2 * h);
            *x = kept;
            if (!(fabs((double)p.gradient[k][i] - slope) <= 2.5 * p.tolerance * largest))
                fail_msg("input %d, element %zu: %.9g, wanted %.9g", k, i, (double)p.gradient[k][i],
                         slope);
        }
    }
}

static void linear_twin(const struct problem *q, double *out)
{
    ref_linear_forward(out, q->input[0], q->input[1], q->inputs[2] ? q->input[2] : NULL, q->size[0],
                       q->size[1], q->size[2]);
}

static void linear_by(enum matmul by, size_t N, size_t K, size_t M)
{
    p.forward = linear_twin;
    p.by = by;
    p.size[0] = N, p.size[1] = K, p.size[2] = M;
    draw(N * M, N * K, M * K, M, 1);
    linear_forward(by, p.out, p.in[0], p.in[1], p.in[2], N, K, M);
    out_is_near();
    linear_backward_input(by, p.gradient[0], p.d_out, p.in[1], N, K, M);
    linear_backward_weight(by, p.gradient[1], p.gradient[2], p.d_out, p.in[0], true, N, K, M);
    gradients_are_near();
    float once = p.gradient[1][0]; /* accumulates */
    linear_backward_weight(by, p.gradient[1], NULL, p.d_out, p.in[0], true, N, K, M);
    assert_true(fabsf(p.gradient[1][0] - 2 * once) <= 1e-4f * (1 + fabsf(once)));
    for (size_t i = 0; i < M * K; i++) /* overwrites, whatever was there */
        p.gradient[1][i] = NAN;
    linear_backward_weight(by, p.gradient[1], NULL, p.d_out, p.in[0], false, N, K, M);
    assert_true(p.gradient[1][0] == once);
    assert_true(isfinite(p.gradient[1][M * K - 1]));
    draw(N * M, N * K, M * K, 0, 1);
    linear_forward(by, p.out, p.in[0], p.in[1], NULL, N, K, M);
    out_is_near();
    p.in[0][(N - 1) * K] = NAN; /* in the last row, and nowhere else */
    linear_forward(by, p.out, p.in[0], p.in[1], NULL, N, K, M);
    for (size_t m = 0; m < M; m++)
        assert_true(isnan(p.out[(N - 1) * M + m]) && (N == 1 || !isnan(p.out[m])));
    p.by = MATMUL_OWN;
}

/* Every shape of tile and panel that is left over, and more steps than one chain takes. */
static void linear(void **state)
{
    static const size_t shapes[][3] = {{1, 1, 1},    {3, 17, 5},   {65, 33, 64}, {120, 64, 7},
                                       {13, 300, 2}, {300, 6, 19}, {23, 40, 50}};
    (void)state;
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        for (size_t i = 0; matmul_all[i]; i++)
            linear_by((enum matmul)matmul_all[i], shapes[s][0], shapes[s][1], shapes[s][2]);
        linear_by(MATMUL_BF16, shapes[s][0], shapes[s][1], shapes[s][2]);
    }
}

static void layernorm_twin(const struct problem *q, double *out)
{
    ref_layernorm_forward(out, q->input[0], q->input[1], q->input[2], q->size[0], q->size[1]);
}

static void layernorm(void **state)
{
    static const size_t shapes[][2] = {{1, 2}, {3, 17}, {5, 64}, {2, 257}};
    float mean[8], rstd[8];
    (void)state;
    for (size_t s = 0; s < 4; s++) {
        size_t N = shapes[s][0], C = shapes[s][1];
        p.forward = layernorm_twin;
        memcpy(p.size, shapes[s], sizeof(shapes[s]));
        draw(N * C, N * C, C, C, 1.5);
        layernorm_forward(p.out, mean, rstd, p.in[0], p.in[1], p.in[2], N, C);
        out_is_near();
        layernorm_backward(p.gradient[0], p.gradient[1], p.gradient[2], p.d_out, p.in[0], mean,
                           rstd, p.in[1], N, C);
        gradients_are_near();
        p.in[0][C - 1] = NAN;
        layernorm_forward(p.out, mean, rstd, p.in[0], p.in[1], p.in[2], N, C);
        assert_true(isnan(p.out[0]));
    }
}

static void rmsnorm_twin(const struct problem *q, double *out)
{
    ref_rmsnorm_forward(out, q->input[0], q->input[1], q->size[0], q->size[1]);
}

static void rmsnorm(void **state)
{
    static const size_t shapes[][2] = {{1, 1}, {3, 17}, {35, 64}, {2, 257}};
    float rstd[40];
    (void)state;
    for (size_t s = 0; s < 4; s++) {
        size_t N = shapes[s][0], C = shapes[s][1];
        p.forward = rmsnorm_twin;
        memcpy(p.size, shapes[s], sizeof(shapes[s]));
        draw(N * C, N * C, C, 0, 1.5);
        rmsnorm_forward(p.out, rstd, p.in[0], p.in[1], N, C);
        out_is_near();
        rmsnorm_backward(p.gradient[0], p.gradient[1], p.d_out, p.in[0], rstd, p.in[1], N, C);
        gradients_are_near();
        float once = p.gradient[0][0]; /* joins what is there */
        rmsnorm_backward(p.gradient[0], p.gradient[1], p.d_out, p.in[0], rstd, p.in[1], N, C);
        assert_true(fabsf(p.gradient[0][0] - 2 * once) <= 1e-6f);
        p.in[0][C - 1] = NAN;
        rmsnorm_forward(p.out, rstd, p.in[0], p.in[1], N, C);
        assert_true(isnan(p.out[0]));
    }
}

static void qk_norm_twin(const struct problem *q, double *out)
{
    ref_qk_norm_forward(out, q->input[0], q->input[1], q->input[2], q->size[0], q->size[1],
                        q->size[2]);
}

/* Queries and keys change in place, values pass. */
static void qk_norm(void **state)
{
    static const size_t shapes[][3] = {{1, 2, 1}, {3, 12, 3}, {35, 34, 2}};
    static float raw[MOST], rstd[MOST];
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        size_t N = shapes[s][0], C = shapes[s][1], H = shapes[s][2];
        p.forward = qk_norm_twin;
        memcpy(p.size, shapes[s], sizeof(shapes[s]));
        draw(3 * N * C, 3 * N * C, C / H, C / H, 1.5);
        memcpy(p.out, p.in[0], 3 * N * C * sizeof(float));
        qk_norm_forward(p.out, raw, rstd, p.in[1], p.in[2], N, C, H);
        out_is_near();
        memcpy(p.gradient[0], p.d_out, 3 * N * C * sizeof(float));
        qk_norm_backward(p.gradient[0], p.gradient[1], p.gradient[2], raw, rstd, p.in[1], p.in[2],
                         N, C, H);
        gradients_are_near();
        p.in[0][0] = NAN;
        qk_norm_forward(p.in[0], raw, rstd, p.in[1], p.in[2], N, C, H);
        assert_true(isnan(p.in[0][C / H - 1]));
    }
}

static void rope_twin(const struct problem *q, double *out)
{
    ref_rope_forward(out, q->input[0], q->size[0], q->size[1], q->size[2], q->size[3]);
}

static void rope(void **state)
{
    static const size_t shapes[][4] = {{1, 1, 2, 1}, {6, 3, 12, 3}, {70, 35, 20, 2}};
    static float cosines[MOST], sines[MOST];
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        size_t N = shapes[s][0], T = shapes[s][1], C = shapes[s][2], H = shapes[s][3];
        p.forward = rope_twin;
        memcpy(p.size, shapes[s], sizeof(shapes[s]));
        draw(3 * N * C, 3 * N * C, 0, 0, 1);
        rope_table(cosines, sines, T, C / H);
        memcpy(p.out, p.in[0], 3 * N * C * sizeof(float));
        rope_forward(p.out, cosines, sines, N, T, C, H);
        out_is_near();
        memcpy(p.gradient[0], p.d_out, 3 * N * C * sizeof(float));
        rope_backward(p.gradient[0], cosines, sines, N, T, C, H);
        gradients_are_near();
        p.out[0] = NAN;
        rope_backward(p.out, cosines, sines, N, T, C, H);
        assert_true(isnan(p.out[0]));
    }
}

static void swiglu_twin(const struct problem *q, double *out)
{
    ref_swiglu_forward(out, q->input[0], q->size[0], q->size[1]);
}

static void swiglu(void **state)
{
    static const size_t shapes[][2] = {{1, 1}, {3, 17}, {35, 40}};
    float extreme[] = {NAN, 100, -100, INFINITY, 1, 2, 3, 4};
    static float slopes[MOST];
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        size_t N = shapes[s][0], F = shapes[s][1];
        p.forward = swiglu_twin;
        memcpy(p.size, shapes[s], sizeof(shapes[s]));
        draw(N * F, 2 * N * F, 0, 0, 2);
        memcpy(slopes, p.in[0], 2 * N * F * sizeof(*slopes));
        swiglu_forward(p.out, slopes, N, F);
        out_is_near();
        swiglu_backward(p.gradient[0], p.d_out, slopes, N, F);
        gradients_are_near();
    }
    swiglu_forward(p.out, extreme, 1, 4);
    assert_true(isnan(p.out[0]) && p.out[1] == 200 && p.out[2] == 0 && isinf(p.out[3]));
}

static void gelu_twin(const struct problem *q, double *out)
{
    ref_gelu_forward(out, q->input[0], q->outputs);
}

static void gelu(void **state)
{
    float extreme[] = {NAN, INFINITY, 100, -100, 0};
    static float slopes[1003];
    (void)state;
    p.forward = gelu_twin;
    draw(1003, 1003, 0, 0, 3);
    memcpy(slopes, p.in[0], sizeof(slopes));
    gelu_forward(p.out, slopes, 1003);
    gelu_twin(&p, wanted);
    for (int i = 0; i < 1003; i++) /* pointwise, down to the tail */
        assert_true(fabs((double)p.out[i] - wanted[i]) <= 1e-6 * (1 + fabs(wanted[i])));
    gelu_backward(p.gradient[0], p.d_out, slopes, 1003);
    gradients_are_near();
    gelu_forward(p.out, extreme, 5);
    assert_true(isnan(p.out[0]) && isinf(p.out[1]) && p.out[2] == 100);
    assert_true(p.out[3] == 0 && p.out[4] == 0);
}

static void attention_twin(const struct problem *q, double *out)
{
    ref_attention_forward(out, q->input[0], q->scale, q->size[0], q->size[1], q->size[2],
                          q->size[3]);
}

static void attention_by(enum matmul by, size_t B, size_t T, size_t C, size_t H)
{
    _Alignas(64) static float scratch[65536];
    static float lse[MOST], later[MOST];
    size_t n = B * T * C;
    assert_true(attention_scratch(by, T, C / H) <= 65536);
    p.forward = attention_twin;
    p.scale = 0.5;
    p.size[0] = B, p.size[1] = T, p.size[2] = C, p.size[3] = H;
    p.by = by;
    p.tolerance = by == MATMUL_BF16 ? TOLERANCE_BF16 : TOLERANCE;
    draw(n, 3 * n, 0, 0, 1);
    attention_forward(by, p.out, lse, p.in[0], 0.5f, scratch, B, T, C, H);
    out_is_near();
    attention_backward(by, p.gradient[0], p.d_out, p.in[0], p.out, lse, 0.5f, scratch, B, T, C, H);
    gradients_are_near();
    for (size_t c = 0; c < 3 * C; c++) /* causal: the last token changes the last row only */
        p.in[0][3 * n - 3 * C + c] += 5;
    attention_forward(by, later, lse, p.in[0], 0.5f, scratch, B, T, C, H);
    assert_memory_equal(later, p.out, (n - C) * sizeof(*later));
    p.in[0][0] = NAN;
    attention_forward(by, later, lse, p.in[0], 0.5f, scratch, B, T, C, H);
    assert_true(isnan(later[0]));
    p.by = MATMUL_OWN;
    p.tolerance = TOLERANCE;
}

static void attention(void **state)
{
    static const size_t shapes[][4] = {{1, 1, 4, 1}, {2, 3, 6, 2}, {1, 65, 8, 2}, {2, 130, 6, 3}};
    (void)state;
    for (size_t s = 0; s < 4; s++) {
        attention_by(MATMUL_OWN, shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3]);
        attention_by(MATMUL_BF16, shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3]);
    }
}

static void cross_entropy_twin(const struct problem *q, double *out)
{
    ref_cross_entropy(out, q->input[0], q->labels, q->scale, q->z_loss, q->size[0], q->size[1]);
}

static void cross_entropy_and_its_gradient(void **state)
{
    static const size_t shapes[][2] = {{1, 1}, {3, 17}, {5, 259}};
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        size_t N = shapes[s][0], V = shapes[s][1];
        const uint32_t labels[5] = {0, (uint32_t)V - 1, (uint32_t)V / 2, (uint32_t)V / 3, 0};
        p.forward = cross_entropy_twin;
        p.labels = labels;
        p.scale = 0.5;
        memcpy(p.size, shapes[s], sizeof(shapes[s]));
        draw(N, N * V, 0, 0, 3);
        for (size_t i = 0; i < N; i++)
            p.weight[i] = 2; /* the kernel's gradient is of the sum, times gradient_scale */
        memcpy(p.gradient[0], p.in[0], N * V * sizeof(float));
        p.z_loss = 0;
        cross_entropy(p.out, p.in[0], labels, 0.5f, 0.1f, 0, N, V);
        out_is_near(); /* without the z-loss, which is in the gradient only */
        assert_memory_equal(p.gradient[0], p.in[0], N * V * sizeof(float)); /* left alone */
        cross_entropy(p.out, p.gradient[0], labels, 0.5f, 0, 2, N, V);
        out_is_near();
        gradients_are_near();
        p.z_loss = (double)0.1f;
        memcpy(p.gradient[0], p.in[0], N * V * sizeof(float));
        cross_entropy(p.out, p.gradient[0], labels, 0.5f, 0.1f, 2, N, V);
        gradients_are_near();
        p.in[0][0] = 3e4f; /* no overflow */
        cross_entropy(p.out, p.in[0], labels, 1, 0, 0, N, V);
        assert_true(isfinite(p.out[0]));
        p.in[0][0] = NAN;
        cross_entropy(p.out, p.in[0], labels, 1, 0, 1, N, V);
        assert_true(isnan(p.out[0]));
    }
}

static void embedding_rows_are_picked_and_scattered(void **state)
{
    (void)state;
    const uint32_t tokens[] = {2, 0, 9, 2, 2, 9}; /* (2, 2 + 1): the third is a label only */
    const float table[] = {1, 2, 3, 4, 5, 6}, position[] = {10, 20, 30, 40};
    const float d_out[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const float picked[] = {15, 26, 31, 42, 15, 26, 35, 46};
    const float to_table[] = {3, 4, 0, 0, 13, 16}, to_position[] = {6, 8, 10, 12};
    float out[8], d_table[6] = {0}, d_position[4] = {0};
    embedding_forward(out, tokens, 3, table, position, 2, 2, 2);
    assert_memory_equal(out, picked, sizeof(out));
    embedding_backward(d_table, d_position, d_out, tokens, 3, 2, 2, 2);
    assert_memory_equal(d_table, to_table, sizeof(d_table));
    assert_memory_equal(d_position, to_position, sizeof(d_position));
    embedding_forward(out, tokens, 3, table, NULL, 2, 2, 2);
    assert_true(out[0] == 5 && out[1] == 6 && out[2] == 1 && out[3] == 2);
    memset(d_table, 0, sizeof(d_table));
    embedding_backward(d_table, NULL, d_out, tokens, 3, 2, 2, 2);
    assert_memory_equal(d_table, to_table, sizeof(d_table));
}

/* By hand: lr .1, betas .9 and .99, decay .5 times the lr, gradients 1 and -2.
 * step 1: m_hat = 1, v_hat = 1: w = .95 - .1 = .85
 * step 2: m = .09 - .2 = -.11, m_hat = -.11/.19; v = .0099 + .04, v_hat = .0499/.0199:
 *         w = .95 * .85 + .1 * .5789474/1.5835237 = .8440607 */
static void adamw_by_hand(void **state)
{
    (void)state;
    float w = 1, m = 0, v = 0, g = 1;
    adamw_update(&w, &m, &v, &g, 1, 0.1f, 0.9f, 0.99f, 1e-8f, 0.05f, 1, 1);
    assert_true(fabsf(w - 0.85f) < 1e-6f);
    g = -4;
    adamw_update(&w, &m, &v, &g, 0.5f, 0.1f, 0.9f, 0.99f, 1e-8f, 0.05f, 2, 1);
    assert_true(fabsf(w - 0.8440607f) < 2e-6f);
}

static void norms_and_sums(void **state)
{
    (void)state;
    float values[37], sum[37];
    for (int i = 0; i < 37; i++)
        values[i] = (float)(i + 1);
    assert_true(sum_of_squares(values, 37) == 37. * 38 * 75 / 6);
    residual_forward(sum, values, values, 1, 37);
    assert_true(sum[36] == 74);
    residual_forward(sum, values, values, 0.5f, 37);
    assert_true(sum[36] == 55.5f);
    residual_backward(sum, values, 0.5f, 37);
    assert_true(sum[36] == 18.5f);
    values[20] = NAN;
    assert_true(isnan(sum_of_squares(values, 37)));
}

/* Parts of a tensor that begin at a block have the sums of the whole one. */
static void sums_of_blocks(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 16384, 16385, 100000, 64 * 16384 + 5};
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        size_t count = counts[c], block = squares_block(count), blocks = (count - 1) / block + 1;
        float *values = malloc(count * sizeof(*values));
        double sums[SQUARES_MOST], one, total = 0;
        assert_non_null(values);
        assert_true(blocks <= SQUARES_MOST);
        for (size_t i = 0; i < count; i++)
            values[i] = .1f * (float)(i % 37);
        sums_of_squares(sums, values, block, count);
        for (size_t b = 0; b < blocks; b++) {
            size_t left = count - b * block;
            sums_of_squares(&one, values + b * block, block, left < block ? left : block);
            assert_true(one == sums[b]);
            total += one;
        }
        assert_true(total == sum_of_squares(values, count));
        free(values);
    }
}

/* Terms whose sum depends on the order. */
static void orders_of_sums(void **state)
{
    (void)state;
    enum { COUNT = 16384 + 300, TERMS = 16 };
    float *block = malloc(TERMS * COUNT * sizeof(*block)), *out = malloc(COUNT * sizeof(*out));
    const float *terms[TERMS];
    assert_true(block && out);
    for (size_t i = 0; i < (size_t)TERMS * COUNT; i++)
        block[i] = 1.0f / (float)(i % 1009 + 1);
    for (size_t t = 0; t < TERMS; t++)
        terms[t] = block + t * COUNT;
    for (size_t n = 2; n <= 5; n++) {
        add_nested(out, terms, n, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            float sum = terms[n - 1][i];
            for (size_t t = n - 1; t-- > 0;)
                sum = terms[t][i] + sum;
            assert_true(out[i] == sum);
        }
    }
    for (size_t n = 2; n <= TERMS; n *= 2) {
        add_tree(out, terms, n, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            float sums[TERMS];
            for (size_t t = 0; t < n; t++)
                sums[t] = terms[t][i];
            for (size_t step = 1; step < n; step *= 2)
                for (size_t t = 0; t < n; t += 2 * step)
                    sums[t] += sums[t + step];
            assert_true(out[i] == sums[0]);
        }
    }
    add_tree(block + 3 * COUNT, terms, TERMS, COUNT); /* into one of the terms */
    assert_memory_equal(block + 3 * COUNT, out, COUNT * sizeof(*out));
    free(block);
    free(out);
}

static void openblas_took_the_cpu_for_an_older_one(void **state)
{
    (void)state;
    char text[256];
    const char *version = "OpenBLAS 0.3.21";
    assert_true(openblas_core_warning(text, sizeof(text), "Prescott", version, "avx512", false));
    assert_string_equal(text,
                        "OpenBLAS 0.3.21 takes this CPU for a Prescott and uses no AVX2, though "
                        "the CPU has avx512: set OPENBLAS_CORETYPE=SkylakeX in the environment of "
                        "every rank");
    assert_true(openblas_core_warning(text, sizeof(text), "Nehalem", version, "avx2", true));
    assert_string_equal(text,
                        "OPENBLAS_CORETYPE makes OpenBLAS 0.3.21 use its kernels for Nehalem, "
                        "without AVX2, though this CPU has avx2: unset OPENBLAS_CORETYPE, or set "
                        "it to Haswell");
    static const char *const right[] = {"Haswell", "Zen", "SkylakeX", "Cooperlake", "of 2030"};
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        assert_false(openblas_core_warning(text, sizeof(text), right[i], version, "avx512", false));
    assert_false(openblas_core_warning(text, sizeof(text), "Prescott", version, "plain", false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear),
        cmocka_unit_test(layernorm),
        cmocka_unit_test(rmsnorm),
        cmocka_unit_test(qk_norm),
        cmocka_unit_test(rope),
        cmocka_unit_test(swiglu),
        cmocka_unit_test(gelu),
        cmocka_unit_test(attention),
        cmocka_unit_test(cross_entropy_and_its_gradient),
        cmocka_unit_test(embedding_rows_are_picked_and_scattered),
        cmocka_unit_test(adamw_by_hand),
        cmocka_unit_test(norms_and_sums),
        cmocka_unit_test(sums_of_blocks),
        cmocka_unit_test(orders_of_sums),
        cmocka_unit_test(openblas_took_the_cpu_for_an_older_one),
    };
    kernels_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
