/* How fast one core trains: tokens/s of the whole step (forward, backward, clip, AdamW) on made-up
 * tokens. A shared machine drifts, so the FMA peak of the core is measured before every step, and
 * the clock is the process's own. Not a test: bench_trainer [XS S M L] prints a line for each size,
 * XS and S without an argument. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif
#include "kernels/kernels.h"
#include "lrsearch/rng.h"
#include "model/model.h"
#include "train/optimizer.h"

static const struct size {
    const char *name;
    uint32_t d_model, n_layers, n_heads, context, vocab, sequences;
} sizes[] = {
    {"XS", 64, 2, 2, 128, 256, 16},
    {"S", 128, 4, 4, 256, 4096, 8},
    {"M", 256, 6, 8, 256, 8192, 8},
    {"L", 512, 8, 8, 512, 32768, 4},
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Twelve chains of 8-wide FMAs, each with a start of its own so that none is left out: enough to
 * fill two units of latency 4 to 5. */
enum { CHAINS = 12, WIDTH = 8 };

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) static float fma_loop(size_t rounds)
{
    __m256 sums[CHAINS], a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
    __m256 total = _mm256_setzero_ps();
    float out[WIDTH];
    for (int c = 0; c < CHAINS; c++)
        sums[c] = _mm256_set1_ps((float)c);
    for (size_t r = 0; r < rounds; r++)
        for (int c = 0; c < CHAINS; c++)
            sums[c] = _mm256_fmadd_ps(sums[c], a, b);
    for (int c = 0; c < CHAINS; c++)
        total = _mm256_add_ps(total, sums[c]);
    _mm256_storeu_ps(out, total);
    return out[0];
}
#else
static float fma_loop(size_t rounds) /* what the compiler makes of it */
{
    float sums[CHAINS * WIDTH], total = 0;
    for (int c = 0; c < CHAINS * WIDTH; c++)
        sums[c] = (float)c;
    for (size_t r = 0; r < rounds; r++)
        for (int c = 0; c < CHAINS * WIDTH; c++)
            sums[c] = sums[c] * 0.999f + 1e-3f;
    for (int c = 0; c < CHAINS * WIDTH; c++)
        total += sums[c];
    return total;
}
#endif

static double peak_flops(void)
{
    static volatile float sink;
    size_t rounds = 200 * 1000; /* some 4 ms */
    double start = now();
    sink = sink + fma_loop(rounds);
    return 2.0 * CHAINS * WIDTH * (double)rounds / (now() - start);
}

static void one_step(struct model *model, const struct trial_spec *spec, const uint32_t *tokens,
                     uint64_t step)
{
    uint32_t batch = spec->batch_tokens / spec->context, at_once = model_micro_batch(model);
    model_zero_grad(model);
    for (uint32_t first = 0; first < batch; first += at_once)
        model_forward_backward(model, tokens + (size_t)first * (spec->context + 1),
                               batch - first < at_once ? batch - first : at_once,
                               1.0f / (float)spec->batch_tokens);
    optimizer_step(model, spec, 1e-3, step);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), by_value);
    return values[count / 2];
}

enum { STEPS = 200 }; /* at most */

static int measure(const struct size *size)
{
    struct trial_spec spec = {.lr = 1e-3,
                              .embedding_lr_ratio = 1,
                              .output_lr_ratio = 1,
                              .batch_tokens = size->sequences * size->context,
                              .d_model = size->d_model,
                              .n_layers = size->n_layers,
                              .n_heads = size->n_heads,
                              .context = size->context,
                              .vocab = size->vocab,
                              .d_ff = 4 * size->d_model,
                              .base_head_size = size->d_model / size->n_heads,
                              .base_layers = size->n_layers,
                              .base_width = size->d_model,
                              .weight_decay = 0.1,
                              .beta1 = 0.9,
                              .beta2 = 0.95,
                              .adam_eps = 1e-8,
                              .clip = 1};
    struct model *model = NULL;
    struct lr_error err = {0};
    size_t count = (size_t)size->sequences * (size->context + 1);
    uint32_t *tokens = malloc(count * sizeof(*tokens));
    if (!tokens || model_create(&model, &spec, &err)) {
        fprintf(stderr, "bench_trainer: %s\n", tokens ? err.text : "out of memory");
        free(tokens);
        return 1;
    }
    for (size_t i = 0; i < count; i++)
        tokens[i] = (uint32_t)rng_below(1, RNG_SYNTHETIC, i, size->vocab);
    model_init(model, 1);

    double step_flops = trial_flops_per_token(&spec) * spec.batch_tokens;
    double seconds[STEPS], shares[STEPS], spent = 0;
    size_t steps = 0;
    one_step(model, &spec, tokens, 1); /* touches all memory */
    while (steps < STEPS && (spent < 3 || steps < 5)) {
        double peak = peak_flops(), start = now();
        one_step(model, &spec, tokens, 2 + steps);
        seconds[steps] = now() - start;
        shares[steps] = step_flops / seconds[steps] / peak;
        spent += seconds[steps++];
    }
    double median = median_of(seconds, steps);
    printf("%-2s %8.0f tokens/s  %.2f of the peak  (%.1f ms a step, micro-batch %u, %zu MiB)\n",
           size->name, spec.batch_tokens / median, median_of(shares, steps), median * 1e3,
           model_micro_batch(model), model_bytes(model) >> 20);
    model_destroy(model);
    free(tokens);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = 0;
    printf("%s\n", kernels_init());
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        bool wanted = argc < 2 && i < 2;
        for (int a = 1; a < argc; a++)
            if (strncmp(argv[a], "threads=", 8) == 0)
                kernels_set_threads(atoi(argv[a] + 8));
        for (int a = 1; a < argc; a++)
            wanted = wanted || strcmp(argv[a], sizes[i].name) == 0;
        failed |= wanted ? measure(&sizes[i]) : 0;
    }
    return failed;
}
