/* The synthetic language: two tables, a cumulative Zipf law and the successors of each token. */
#include "data/synthetic.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"

struct synthetic {
    uint32_t vocab;
    double markov_weight;
    double *cumulative;                           /* (V), of Zipf's law */
    uint32_t (*successors)[SYNTHETIC_SUCCESSORS]; /* (V) */
    double successor_cumulative[SYNTHETIC_SUCCESSORS];
    double *scratch; /* (2, V), for the entropy */
};

static uint32_t draw_zipf(const struct synthetic *s, double u)
{
    uint32_t low = 0, high = s->vocab - 1;
    while (low < high) { /* first rank whose cumulative probability exceeds u */
        uint32_t middle = low + (high - low) / 2;
        if (s->cumulative[middle] > u)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

int synthetic_create(struct synthetic **out, const struct trial_spec *spec, struct lr_error *err)
{
    struct synthetic *s = lr_calloc(1, sizeof(*s));
    *out = s;
    if (s) {
        s->vocab = spec->vocab;
        s->markov_weight = spec->markov_weight;
        s->cumulative = lr_calloc(spec->vocab, sizeof(*s->cumulative));
        s->successors = lr_calloc(spec->vocab, sizeof(*s->successors));
        s->scratch = lr_calloc(2 * (size_t)spec->vocab, sizeof(*s->scratch));
    }
    if (!s || !s->cumulative || !s->successors || !s->scratch) {
        synthetic_destroy(s);
        *out = NULL;
        return lr_fail(err, LR_ENOMEM, "out of memory");
    }
    double sum = 0, weights = 0;
    for (uint32_t v = 0; v < s->vocab; v++)
        s->cumulative[v] = sum += pow(v + 1.0, -spec->zipf_exponent);
    for (uint32_t v = 0; v < s->vocab; v++)
        s->cumulative[v] /= sum;
    for (int j = 0; j < SYNTHETIC_SUCCESSORS; j++)
        s->successor_cumulative[j] = weights += 1.0 / (j + 1);
    for (int j = 0; j < SYNTHETIC_SUCCESSORS; j++)
        s->successor_cumulative[j] /= weights;
    for (uint32_t v = 0; v < s->vocab; v++)
        for (uint32_t j = 0; j < SYNTHETIC_SUCCESSORS; j++)
            s->successors[v][j] =
                draw_zipf(s, rng_uniform(0, RNG_LANGUAGE, (uint64_t)v * SYNTHETIC_SUCCESSORS + j));
    return 0;
}

void synthetic_destroy(struct synthetic *s)
{
    if (!s)
        return;
    lr_free(s->cumulative);
    lr_free(s->successors);
    lr_free(s->scratch);
    lr_free(s);
}

void synthetic_sequence(const struct synthetic *s, uint64_t seed, uint64_t stream, uint64_t index,
                        size_t count, uint32_t *tokens)
{
    for (size_t t = 0; t < count; t++) {
        uint64_t bits = rng_u64(seed, stream, index * count + t);
        double choose = (double)(bits >> 32) * 0x1p-32, pick = (double)(uint32_t)bits * 0x1p-32;
        if (t == 0 || choose >= s->markov_weight) {
            tokens[t] = draw_zipf(s, pick);
            continue;
        }
        int j = 0;
        while (j < SYNTHETIC_SUCCESSORS - 1 && s->successor_cumulative[j] <= pick)
            j++;
        tokens[t] = s->successors[tokens[t - 1]][j];
    }
}

static double zipf(const struct synthetic *s, uint32_t v)
{
    return s->cumulative[v] - (v ? s->cumulative[v - 1] : 0.0);
}

static double successor_weight(const struct synthetic *s, int j)
{
    return s->successor_cumulative[j] - (j ? s->successor_cumulative[j - 1] : 0.0);
}

static double surprise(double p)
{
    return p > 0 ? -p * log(p) : 0.0;
}

/* Entropy of what follows token v: the Zipf part for all tokens, corrected at the successors. */
static double entropy_after(const struct synthetic *s, uint32_t v, double all)
{
    double entropy = all, w = s->markov_weight;
    for (int j = 0; j < SYNTHETIC_SUCCESSORS; j++) {
        uint32_t token = s->successors[v][j];
        double extra = 0;
        bool seen = false;
        for (int k = 0; k < SYNTHETIC_SUCCESSORS; k++) {
            if (s->successors[v][k] != token)
                continue;
            seen |= k < j;
            extra += w * successor_weight(s, k);
        }
        double base = (1 - w) * zipf(s, token);
        if (!seen)
            entropy += surprise(base + extra) - surprise(base);
    }
    return entropy;
}

double synthetic_entropy(const struct synthetic *s)
{
    double w = s->markov_weight, all = 0, rate = 0;
    double *now = s->scratch, *next = s->scratch + s->vocab;
    for (uint32_t v = 0; v < s->vocab; v++) {
        now[v] = zipf(s, v);
        all += surprise((1 - w) * zipf(s, v));
    }
    for (int round = 0; round < 200; round++) { /* the stationary distribution: error w^200 */
        for (uint32_t v = 0; v < s->vocab; v++)
            next[v] = (1 - w) * zipf(s, v);
        for (uint32_t v = 0; v < s->vocab; v++)
            for (int j = 0; j < SYNTHETIC_SUCCESSORS; j++)
                next[s->successors[v][j]] += w * successor_weight(s, j) * now[v];
        memcpy(now, next, s->vocab * sizeof(*now));
    }
    for (uint32_t v = 0; v < s->vocab; v++)
        rate += now[v] * entropy_after(s, v, all);
    return rate;
}
