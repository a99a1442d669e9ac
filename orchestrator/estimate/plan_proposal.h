#ifndef LRSEARCH_PLAN_PROPOSAL_H
#define LRSEARCH_PLAN_PROPOSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "estimate/text_sample.h"
#include "lrsearch/error.h"
#include "lrsearch/stage.h"

/* A plan for a text and a machine, when nothing else is known: the largest model of a ladder whose
 * campaign ends in the time that there is. */

#define PROPOSAL_HORIZONS 3

struct proposal_request {
    const char *name;         /* of the campaign */
    const char *const *texts; /* as the plan shall name them; none: synthetic data */
    size_t text_count;
    const struct text_sample *text;    /* of the texts; NULL without */
    double time_s;                     /* that the campaign may take */
    uint64_t target_tokens;            /* 0: not said */
    uint64_t target_params;            /* 0: not said */
    const struct stage_report *stages; /* NULL: nobody listens */
};

struct proposal_size { /* of a model, and the batch that suits it */
    uint32_t d_model, n_layers, head_size, context, vocab, batch_tokens;
};

struct plan_proposal {
    struct proposal_size size;
    double lr[2];
    uint64_t horizons[PROPOSAL_HORIZONS], val_tokens, target_tokens;
    uint32_t target_d_model, target_n_layers; /* 0: those of the model */
    double text_tokens, bytes_per_token;      /* 0 without texts */
    uint64_t train_tokens;                    /* those of one epoch; UINT64_MAX without texts */
    bool repeat;                              /* the longest horizon is longer than that */
    uint64_t params;                          /* of the model, all of them */
    double step_s, trials, tokens;            /* expected: of a step; of half of the campaigns */
    double wall_s, wall_most_s;               /* of half of the campaigns, and of 9 in 10 */
    uint32_t workers;
};

/* Times models for some seconds. 0, or LR_EUSAGE or LR_EDATA: time, text or target are too small,
 * with what would do. */
int plan_proposal_make(struct plan_proposal *out, const struct proposal_request *request,
                       struct lr_error *err);

/* The plan as YAML, each key with its reason. */
void plan_proposal_print(FILE *out, const struct plan_proposal *proposal,
                         const struct proposal_request *request);

#endif
