#ifndef LRSEARCH_TRANSFER_H
#define LRSEARCH_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>
#include "lrsearch/answer.h"
#include "lrsearch/trial.h"

/* A learning rate where nobody measured it, by rules that others found: from the campaign's model,
 * batch and schedule to the target's. Pure; transfer.c tells where each rule and its error come
 * from. */

struct rule {
    double ln_factor; /* the LR is multiplied by exp(ln_factor) */
    double sd;        /* standard deviation of ln_factor, that of the rule itself */
    bool stretched;   /* further than the rule was seen to hold */
};

/* The course of the LR after the warm-up. */
struct anneal {
    uint32_t kind;   /* enum schedule_kind */
    uint32_t shape;  /* wsd: enum cooldown_shape */
    double cooldown; /* wsd: share of the horizon in which the LR falls, (0, 1] */
    double final_lr; /* LR at the end as a share of the peak, [0, 1]; not of a constant one */
};

/* The hidden matrices' LR at base_width. octaves: log2 of target over trials, any sign. */
struct rule transfer_width(double octaves); /* mup, lvp */
struct rule transfer_depth(double octaves, bool completep);
struct rule transfer_vocab(double octaves);
/* At a fixed number of tokens. beta: of the law over horizons; NaN: not known. */
struct rule transfer_batch(double from, double to, double tokens, double beta);
double transfer_best_batch(double tokens); /* Step Law, arXiv 2503.04715 */
/* `from` must anneal: no optimum is to be read off a constant schedule. */
struct rule transfer_anneal(const struct anneal *from, const struct anneal *to);

/* "cosine to 0.1", "wsd to 0, cooldown 0.2" */
#define ANNEAL_TEXT 64
const char *anneal_text(const struct anneal *anneal, char out[ANNEAL_TEXT]);

struct transfer_end {
    uint32_t d_model, n_layers, vocab, batch_tokens; /* 0: not known, no rule is asked */
    struct anneal anneal;
};

struct transfer {
    struct transfer_end from, to;
    uint32_t parametrization, depth_rule;
    bool measured[AXIS_COUNT]; /* axes of the campaign: its own law is in answer->target already */
};

/* Lists in answer->steps how target.lr comes about: the campaign's own law first, as one step with
 * the interval of the answer so far, then a step for each rule that is needed. These multiply
 * target.lr and embedding_lr, widen target.ci90 (errors of rules are independent: squares add in
 * ln LR) and raise loss_penalty by curvature times the added variance. A rule that is stretched
 * adds a warning; an interval that becomes too wide to be an answer (ACCEPT_WIDEST) takes status
 * and reason. Without an answer, nothing is done; without a rule the target stays as it is. */
void transfer_apply(struct answer *answer, const struct transfer *transfer);

/* One step more: to a model of `params` hidden parameters instead of `from`, by the campaign's law
 * over sizes (answer->joint.known). */
void transfer_size(struct answer *answer, double from, double params);

#endif
