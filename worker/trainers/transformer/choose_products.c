/* Chooses the library of each matrix product. Candidates take turns; both medians and fastest turns
 * are compared: on a busy machine most turns of a candidate may be slow by chance, but rarely
 * all. */
#define _POSIX_C_SOURCE 200809L
#include "trainers/transformer/choose_products.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "kernels/kernels.h"
#include "lrsearch/memory.h"

enum {
    ROWS = 512,             /* of activations, as in a micro-batch */
    WEIGHTS_MOST = 1 << 20, /* of a matrix: larger ones are timed on a part */
    TURNS = 5,
    CANDIDATES = 3,
};
#define LEAST_SECONDS 2e-4 /* of a turn: shorter products are repeated */
/* Another library must take at most this share of our own time, so that noise does not decide. */
#define CLEARLY 0.8
#define LEAST_FLOPS 2e6 /* of a product: smaller ones stay our own, their time is negligible */

struct product {
    enum trial_product kind;
    size_t N, K, M;
    float *in, *weight, *out; /* (N, K), (M, K), (N, M) */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void multiply(enum matmul by, const struct product *p)
{
    switch (p->kind) {
    case PRODUCT_FORWARD:
        linear_forward(by, p->out, p->in, p->weight, NULL, p->N, p->K, p->M);
        break;
    case PRODUCT_INPUT:
        linear_backward_input(by, p->in, p->out, p->weight, p->N, p->K, p->M);
        break;
    default:
        linear_backward_weight(by, p->weight, NULL, p->out, p->in, false, p->N, p->K, p->M);
        break;
    }
}

/* Small values that stay in range: overflow or denormals would slow the products. */
static void refill(const struct product *p)
{
    for (size_t i = 0; i < p->N * p->K; i++)
        p->in[i] = 0.01f * (float)(i % 7);
    for (size_t i = 0; i < p->M * p->K; i++)
        p->weight[i] = 0.01f * (float)(i % 5);
    for (size_t i = 0; i < p->N * p->M; i++)
        p->out[i] = 0.01f * (float)(i % 3);
}

static double seconds_of(enum matmul by, const struct product *p)
{
    double start = now(), spent;
    size_t times = 0;
    do {
        multiply(by, p);
        times++;
        spent = now() - start;
    } while (spent < LEAST_SECONDS);
    return spent / (double)times;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Lists the usable libraries, our own first; ends with 0. */
static void list_candidates(char by[CANDIDATES + 1])
{
    size_t count = 0;
    for (size_t i = 0; matmul_all[i]; i++)
        if (matmul_all[i] != MATMUL_OPENBLAS || !openblas_warning())
            by[count++] = matmul_all[i];
    by[count] = 0;
}

static enum matmul fastest(const struct product *p)
{
    char all[CANDIDATES + 1];
    double times[CANDIDATES][TURNS];
    enum matmul best = MATMUL_OWN;
    if (2.0 * (double)p->N * (double)p->K * (double)p->M < LEAST_FLOPS)
        return MATMUL_OWN;
    list_candidates(all);
    refill(p);
    for (size_t c = 0; all[c]; c++) /* untimed warm-up */
        multiply((enum matmul)all[c], p);
    for (size_t turn = 0; turn < TURNS; turn++) {
        refill(p);
        for (size_t c = 0; all[c]; c++)
            times[c][turn] = seconds_of((enum matmul)all[c], p);
    }
    double to_beat = 0;
    for (size_t c = 0; all[c]; c++) {
        qsort(times[c], TURNS, sizeof(times[c][0]), compare_doubles);
        double median = times[c][TURNS / 2];
        if (c == 0)
            to_beat = CLEARLY * median;
        if (c == 0 || median >= to_beat || times[c][0] >= CLEARLY * times[0][0])
            continue;
        best = (enum matmul)all[c];
        to_beat = median;
    }
    return best;
}

/* Inputs and outputs of each linear layer, as in shapes.c; large outputs are cut to
 * WEIGHTS_MOST. */
static void shape_of(struct product *p, enum trial_linear linear, const struct trial_spec *spec)
{
    size_t C = spec->d_model, F = spec->d_ff, W = F * (spec->arch == ARCH_LLAMA ? 2 : 1);
    const size_t inputs[LINEAR_COUNT] = {C, C, C, F, C};
    const size_t outputs[LINEAR_COUNT] = {3 * C, C, W, C, spec->vocab};
    p->N = spec->batch_tokens < ROWS ? spec->batch_tokens : ROWS;
    p->K = inputs[linear];
    p->M = outputs[linear];
    if (p->M * p->K > WEIGHTS_MOST)
        p->M = p->K < WEIGHTS_MOST ? WEIGHTS_MOST / p->K : 1;
}

int choose_products(char products[TRIAL_PRODUCTS], const struct trial_spec *spec,
                    struct lr_error *err)
{
    memset(products, 0, TRIAL_PRODUCTS);
    if (spec->precision == PRECISION_BF16) {
        memset(products, matmul_present(MATMUL_AMX) ? MATMUL_AMX : MATMUL_BF16, TRIAL_PRODUCTS - 1);
        return 0;
    }
    for (int linear = 0; linear < LINEAR_COUNT; linear++) {
        struct product p = {0};
        struct arena arena;
        shape_of(&p, (enum trial_linear)linear, spec);
        size_t in = p.N * p.K * sizeof(float), weight = p.M * p.K * sizeof(float);
        size_t out = p.N * p.M * sizeof(float);
        if (arena_init(&arena, arena_padded(in) + arena_padded(weight) + arena_padded(out)))
            return lr_nomem(err);
        p.in = arena_alloc(&arena, in);
        p.weight = arena_alloc(&arena, weight);
        p.out = arena_alloc(&arena, out);
        for (int kind = 0; kind < PRODUCT_COUNT; kind++) {
            p.kind = (enum trial_product)kind;
            products[linear * PRODUCT_COUNT + kind] = (char)fastest(&p);
        }
        arena_release(&arena);
    }
    return 0;
}
