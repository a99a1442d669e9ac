#ifndef LRSEARCH_PLAN_PROPOSAL_H
#define LRSEARCH_PLAN_PROPOSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "estimate/text_sample.h"
#include "lrsearch/error.h"
#include "lrsearch/stage.h"

/* Proposes a plan from a text and a machine alone: the largest model of a ladder whose campaign
 * ends within the given time. */

#define PROPOSAL_HORIZONS 3

struct proposal_request {
    const char *name;         /* of the campaign */
    const char *const *texts; /* as named in the plan; none: synthetic data */
    size_t text_count;
    const struct text_sample *text;    /* of the texts; NULL without texts */
    double time_s;                     /* for the campaign */
    uint64_t target_tokens;            /* 0: not given */
    uint64_t target_params;            /* 0: not given */
    const struct stage_report *stages; /* may be NULL */
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
    uint64_t train_tokens;                    /* of one epoch; UINT64_MAX without texts */
    bool repeat;                              /* the longest horizon exceeds one epoch */
    uint64_t params;                          /* all of the model's */
    double step_s, trials, tokens;            /* expected; trials, tokens: medians of the
                                                 campaigns */
    double bf16_step; /* share of fp32's time that a step takes in bf16; 0: fp32 is proposed */
    double wall_s, wall_most_s; /* median and 90 % quantile of the campaigns */
    uint32_t workers;
};

/* Times models for some seconds. LR_EUSAGE, LR_EDATA: time, text or target is too small, or the
 * model too large; the message says what suffices. */
int plan_proposal_make(struct plan_proposal *out, const struct proposal_request *request,
                       struct lr_error *err);

/* Prints the plan as YAML, with a reason for each key. */
void plan_proposal_print(FILE *out, const struct plan_proposal *proposal,
                         const struct proposal_request *request);

/* "512Ki" or "100B", whichever is shorter; exact. Returns `out`. */
const char *proposal_count_text(char out[24], uint64_t count);

#endif
