#ifndef LRSEARCH_AUDIT_H
#define LRSEARCH_AUDIT_H

#include <stdio.h>
#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "search/loss_penalty.h"
#include "search/laws/published.h"

/* lrsearch audit: the findings about a recipe's learning rate, as text and JSON. */

#define AUDIT_TEXT 320

/* The verdict of one source (a published law, the runs) on the recipe's LR. */
struct verdict {
    bool known;
    char by[64];
    double lr, ci90[2];          /* the best LR */
    double factor, factor90[2];  /* the recipe's LR / lr; above 1: too high */
    struct loss_penalty penalty; /* of the recipe's LR */
    double curvature;            /* of the basin, nats per octave^2 */
    double batch_tokens;         /* that the verdict holds for; 0: not known */
    bool batch_assumed;          /* the recipe's is not known: the law's or campaign's is used */
};

struct audit {
    struct recipe recipe;
    struct published laws[PUBLISHED_LAWS];
    struct verdict published; /* of the first law that applies */
    /* The same law at the best batch for the recipe's tokens (Step Law): how far the verdict
     * depends on the batch. Known if the batch of `published` is assumed and differs from the
     * best. */
    struct verdict at_best_batch;
    int law; /* index of that law; -1: none */
    /* tau of the recipe's weight decay (NaN: batch or decay is not known), and the best one */
    double timescale, timescale_published;
    bool has_runs;
    char name[64];       /* of the campaign */
    struct verdict runs; /* if not known, runs_reason gives the cause */
    bool runs_apply;     /* its model is the recipe's, or its law over sizes extends to it */
    char runs_reason[AUDIT_TEXT];
    double runs_params;    /* of the model that its answer applies to; 0: not known */
    uint64_t runs_longest; /* tokens of its longest horizon */
    struct answer *answer; /* steps: the campaign's; warnings: the audit's */
};

/* The verdict in the first sentence; NULL: no source applies. */
const struct verdict *audit_headline(const struct audit *audit);

void audit_print(FILE *out, const struct audit *audit);
/* One JSON value on stdout, schema_version 1. 0 or LR_ENOMEM. */
int audit_print_json(const struct audit *audit, struct lr_error *err);

#endif
