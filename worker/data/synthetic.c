/* The synthetic language: a cumulative Zipf law, and successors drawn from it for each context: a
 * table for order 1; for higher orders computed each time, since contexts are too many to store. */
#include "data/synthetic.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"

struct synthetic {
    uint32_t vocab, order;
    double markov_weight;
    double *cumulative;                           /* (V), of Zipf's law */
    uint32_t (*successors)[SYNTHETIC_SUCCESSORS]; /* (V); order 1 only */
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

/* The j-th successor of a context. */
static uint32_t draw_successor(const struct synthetic *s, uint64_t context, int j)
{
    return draw_zipf(s, rng_uniform(0, RNG_LANGUAGE, context * SYNTHETIC_SUCCESSORS + (uint64_t)j));
}

/* The last tokens as one number: the token for order 1, otherwise a hash (FNV-1a over tokens) below
 * 2^60, so that context * SYNTHETIC_SUCCESSORS fits 64 bits. */
static uint64_t context_before(const struct synthetic *s, const uint32_t *next)
{
    if (s->order == 1)
        return next[-1];
    uint64_t hash = 14695981039346656037u;
    for (uint32_t i = 1; i <= s->order; i++)
        hash = (hash ^ next[-(ptrdiff_t)i]) * 1099511628211u;
    return hash >> 4;
}

static uint32_t successor(const struct synthetic *s, uint64_t context, int j)
{
    return s->order == 1 ? s->successors[context][j] : draw_successor(s, context, j);
}

int synthetic_create(struct synthetic **out, const struct trial_spec *spec, struct lr_error *err)
{
    struct synthetic *s = lr_calloc(1, sizeof(*s));
    *out = s;
    if (s) {
        s->vocab = spec->vocab;
        s->order = spec->markov_order ? spec->markov_order : 1;
        s->markov_weight = spec->markov_weight;
        s->cumulative = lr_calloc(spec->vocab, sizeof(*s->cumulative));
        s->successors = lr_calloc(s->order == 1 ? spec->vocab : 1, sizeof(*s->successors));
        s->scratch = lr_calloc(2 * (size_t)spec->vocab, sizeof(*s->scratch));
    }
    if (!s || !s->cumulative || !s->successors || !s->scratch) {
        synthetic_destroy(s);
        *out = NULL;
        return lr_nomem(err);
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
    for (uint32_t v = 0; s->order == 1 && v < s->vocab; v++)
        for (int j = 0; j < SYNTHETIC_SUCCESSORS; j++)
            s->successors[v][j] = draw_successor(s, v, j);
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
        if (t < s->order || choose >= s->markov_weight) {
            tokens[t] = draw_zipf(s, pick);
            continue;
        }
        int j = 0;
        while (j < SYNTHETIC_SUCCESSORS - 1 && s->successor_cumulative[j] <= pick)
            j++;
        tokens[t] = successor(s, context_before(s, tokens + t), j);
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

/* Entropy of the next token after a context: `all`, the Zipf part, corrected at the successors. */
static double entropy_after(const struct synthetic *s, uint64_t context, double all)
{
    double entropy = all, w = s->markov_weight;
    uint32_t after[SYNTHETIC_SUCCESSORS];
    for (int j = 0; j < SYNTHETIC_SUCCESSORS; j++)
        after[j] = successor(s, context, j);
    for (int j = 0; j < SYNTHETIC_SUCCESSORS; j++) {
        double extra = 0;
        bool seen = false;
        for (int k = 0; k < SYNTHETIC_SUCCESSORS; k++) {
            if (after[k] != after[j])
                continue;
            seen |= k < j;
            extra += w * successor_weight(s, k);
        }
        double base = (1 - w) * zipf(s, after[j]);
        if (!seen)
            entropy += surprise(base + extra) - surprise(base);
    }
    return entropy;
}

/* The Zipf part of each context's entropy, without successors. */
static double entropy_of_zipf(const struct synthetic *s)
{
    double all = 0;
    for (uint32_t v = 0; v < s->vocab; v++)
        all += surprise((1 - s->markov_weight) * zipf(s, v));
    return all;
}

/* Entropy by the stationary distribution, which holds for all tokens but the first few. */
static double entropy_of_order_1(const struct synthetic *s)
{
    double w = s->markov_weight, all = entropy_of_zipf(s), rate = 0;
    double *now = s->scratch, *next = s->scratch + s->vocab;
    for (uint32_t v = 0; v < s->vocab; v++)
        now[v] = zipf(s, v);
    for (int round = 0; round < 200; round++) { /* error w^200 */
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

#define TEXTS (1 << 16)

/* Entropy by many independent texts: the entropy after the last context of each is exact. */
static double entropy_by_sampling(const struct synthetic *s, double *error)
{
    enum { LENGTH = 64 };
    double all = entropy_of_zipf(s), sum = 0, squares = 0;
    for (uint64_t i = 0; i < TEXTS; i++) {
        uint32_t text[LENGTH];
        synthetic_sequence(s, 0, RNG_LANGUAGE + (1 << 8), i, LENGTH, text);
        double entropy = entropy_after(s, context_before(s, text + LENGTH), all);
        sum += entropy;
        squares += entropy * entropy;
    }
    double mean = sum / TEXTS;
    *error = sqrt((squares / TEXTS - mean * mean) / TEXTS);
    return mean;
}

double synthetic_entropy(const struct synthetic *s, double *error)
{
    *error = 0;
    return s->order == 1 ? entropy_of_order_1(s) : entropy_by_sampling(s, error);
}
