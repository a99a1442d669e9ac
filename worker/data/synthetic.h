#ifndef LRSEARCH_SYNTHETIC_H
#define LRSEARCH_SYNTHETIC_H

#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* Synthetic text of any length: the next token is, with probability markov_weight, one of
 * SYNTHETIC_SUCCESSORS fixed successors of the last markov_order tokens (the j-th with weight 1/j),
 * otherwise drawn from Zipf's law over the vocabulary, p(rank) ~ rank^-zipf_exponent; a sequence
 * begins with markov_order tokens by Zipf alone. The successors are drawn from the same law, so
 * frequencies stay about Zipf's. The language is the same for every seed. */
enum { SYNTHETIC_SUCCESSORS = 8 };

struct synthetic;

int synthetic_create(struct synthetic **out, const struct trial_spec *spec, struct lr_error *err);
void synthetic_destroy(struct synthetic *synthetic);
/* `count` tokens: a pure function of (seed, stream, index). */
void synthetic_sequence(const struct synthetic *synthetic, uint64_t seed, uint64_t stream,
                        uint64_t index, size_t count, uint32_t *tokens);
/* Entropy rate of the language, nats per token: no model can do better on average. Exact for order
 * 1 (*error 0, up to the remainder of the power method); for higher orders the mean over the last
 * contexts of many texts, *error its standard error. */
double synthetic_entropy(const struct synthetic *synthetic, double *error);

#endif
