#ifndef LRSEARCH_TRANSFER_H
#define LRSEARCH_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>
#include "lrsearch/answer.h"
#include "lrsearch/trial.h"

/* Transfer of a learning rate from the campaign's model, batch and schedule to the target's, by
 * published rules. Pure; the constants in transfer.c carry the sources of rules and errors. */

struct rule {
    double ln_factor; /* the LR is multiplied by exp(ln_factor) */
    double sd;        /* standard deviation of ln_factor, from the rule alone */
    bool stretched;   /* used further than the rule is verified */
};

/* The LR schedule after the warm-up. */
struct anneal {
    uint32_t kind;   /* enum schedule_kind */
    uint32_t shape;  /* wsd: enum cooldown_shape */
    double cooldown; /* wsd: share of the horizon in which the LR falls, (0, 1] */
    double final_lr; /* LR at the end over the peak, [0, 1]; unused by a constant one */
};

/* Rules for the hidden matrices' LR at base_width. octaves: log2(target / trials), any sign. */
struct rule transfer_width(double octaves); /* mup, lvp */
struct rule transfer_depth(double octaves, bool completep);
struct rule transfer_vocab(double octaves);
/* At a fixed number of tokens. beta: of the law over horizons; NaN: not known. */
struct rule transfer_batch(double from, double to, double tokens, double beta);
double transfer_best_batch(double tokens); /* .58 tokens^.571: Step Law, arXiv 2503.04715 */
/* `from` must anneal: the optimum of a constant schedule does not transfer. */
struct rule transfer_anneal(const struct anneal *from, const struct anneal *to);

/* "cosine to 0.1", "wsd to 0, cooldown 0.2" */
#define ANNEAL_TEXT 64
const char *anneal_text(const struct anneal *anneal, char out[ANNEAL_TEXT]);

struct transfer_end {
    uint32_t d_model, n_layers, vocab, batch_tokens; /* 0: not known, and no rule applies */
    struct anneal anneal;
};

struct transfer {
    struct transfer_end from, to;
    uint32_t parametrization, depth_rule;
    bool measured[AXIS_COUNT]; /* campaign axes: answer->target includes its own law */
};

/* Fills answer->steps with how target.lr comes about: first the campaign's own law, as one step
 * with the interval of the answer so far, then a step for each rule that is needed. Each multiplies
 * target.lr and embedding_lr, widens target.ci90 (errors of rules are independent: squares add in
 * ln LR) and raises loss_penalty by curvature times the added variance. A stretched rule adds a
 * warning; an interval wider than ACCEPT_WIDEST sets status and reason. Without an answer it only
 * clears the steps; without a rule the target stays as it is. */
void transfer_apply(struct answer *answer, const struct transfer *transfer);

/* Adds a step to a model of `params` hidden parameters instead of `from`, by the campaign's law
 * over sizes: factor (params / from)^-alpha. Requires answer->joint.known. */
void transfer_size(struct answer *answer, double from, double params);

#endif
