#ifndef LRSEARCH_AUDIT_H
#define LRSEARCH_AUDIT_H

#include <stdio.h>
#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "search/loss_penalty.h"
#include "search/laws/published.h"

/* lrsearch audit: what was found out about a recipe's learning rate, and how it is told. */

#define AUDIT_TEXT 320

/* What one source says about the recipe's LR. */
struct verdict {
    bool known;
    char by[64];
    double lr, ci90[2];          /* the best one, to be used instead */
    double factor, factor90[2];  /* the recipe's over it: above 1 is too high */
    struct loss_penalty penalty; /* what the recipe's costs */
    double curvature;            /* by which, nats per octave^2 */
    double batch_tokens;         /* that it is about; 0: not known */
    bool batch_assumed;          /* the recipe's is not known: that of the law or of the campaign */
};

struct audit {
    struct recipe recipe;
    struct published laws[PUBLISHED_LAWS];
    struct verdict published; /* of the first law that applies */
    /* The same law at the best batch for so many tokens (Step Law): what the recipe's own batch may
     * change. Known where that of `published` is assumed and another one. */
    struct verdict at_best_batch;
    int law; /* which; -1: none */
    bool has_runs;
    char name[64];       /* of the campaign */
    struct verdict runs; /* not known: runs_reason says why */
    bool runs_apply;     /* its model is the recipe's, or its law over sizes leads there */
    char runs_reason[AUDIT_TEXT];
    double runs_params;    /* of the model that its answer is about; 0: not known */
    uint64_t runs_longest; /* tokens of its longest horizon */
    struct answer *answer; /* of the campaign: steps; its warnings are the audit's */
};

/* The source that the first sentence is about; NULL: none applies. */
const struct verdict *audit_headline(const struct audit *audit);

void audit_print(FILE *out, const struct audit *audit);
/* One JSON value on stdout, schema_version 1. 0 or LR_ENOMEM. */
int audit_print_json(const struct audit *audit, struct lr_error *err);

#endif
