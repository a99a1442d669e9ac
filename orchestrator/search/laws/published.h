#ifndef LRSEARCH_PUBLISHED_H
#define LRSEARCH_PUBLISHED_H

#include <stdbool.h>
#include <stddef.h>
#include "search/laws/transfer.h"

/* Published laws of the best peak learning rate over parameters N and tokens D, as one table, and
 * their predictions for a recipe (AdamW, a transformer, text). Pure. */

#define PUBLISHED_LAWS 5
#define PUBLISHED_WHY 200

struct published_law {
    const char *name, *source, *formula;
    double lr, unit, alpha, beta; /* LR* = lr (N/unit)^-alpha (D/unit)^-beta; lr NaN: not known */
    double params[2], tokens[2];  /* ranges of the fit; NaN: not known */
    bool small_too; /* it is known to hold below params[0] as far as above params[1] */
    double batch, batch_alpha, batch_beta; /* tokens: batch N^batch_alpha D^batch_beta */
    bool batch_fixed;          /* one batch for all; else the best for each, tuned with the LR */
    double tokens_a_parameter; /* fixed in the fit; 0: several */
};
extern const struct published_law published_laws[PUBLISHED_LAWS];

struct recipe {
    double lr, params, tokens;
    double batch_tokens; /* 0: not known */
    double weight_decay; /* the same; multiplied by the LR */
    struct anneal anneal;
};

struct published { /* one law's prediction for one recipe */
    double own_lr; /* as published: at the law's own batch, with a cosine */
    double own_batch;
    double lr, ci90[2]; /* at the recipe's batch and schedule; NaN: not computable */
    bool in_range;      /* within the limits of extrapolation */
    bool applies;
    char why[PUBLISHED_WHY]; /* why it does not apply; else empty */
};

void published_ask(struct published *answer, const struct published_law *law,
                   const struct recipe *recipe);

/* tau = batch / (LR weight_decay tokens): the part of a training over which AdamW's weights forget
 * what they were (Wang and Aitchison 2024, arXiv 2405.13698). In units of the training's length. */
double decay_timescale(double lr, double weight_decay, double batch_tokens, double tokens);
/* The tau of the lowest loss: 1.084 (tokens / parameters)^-.527, R2 .975, AdamW, muP, 111M to 3.3B
 * parameters (Bergsma et al. 2025, "Power Lines", arXiv 2505.13738). */
double published_timescale(double params, double tokens);
#define PUBLISHED_TIMESCALE "1.084 (tokens / parameters)^-0.527, arXiv 2505.13738"

struct published_decay { /* what a known model was trained with; AdamW */
    const char *name, *source;
    double lr, weight_decay, batch_tokens, tokens, params;
};
#define PUBLISHED_DECAYS 3
extern const struct published_decay published_decays[PUBLISHED_DECAYS];

/* "760M .. 2.7B parameters, 25B .. 800B tokens", or "" */
const char *published_range(const struct published_law *law, char out[PUBLISHED_WHY]);

#endif
