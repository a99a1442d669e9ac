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

/* "760M .. 2.7B parameters, 25B .. 800B tokens", or "" */
const char *published_range(const struct published_law *law, char out[PUBLISHED_WHY]);

#endif
