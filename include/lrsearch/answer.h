#ifndef LRSEARCH_ANSWER_H
#define LRSEARCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a campaign concluded: plain numbers, filled by search/, written by store/, shown by report/.
 * Unknown numbers are NaN. LR: peak learning rate; loss: nats per token. */

#define ANSWER_STATUS_MAP(X)                                                                       \
    X(ANSWER_IDENTIFIED, "identified")                                                             \
    X(ANSWER_NOT_IDENTIFIED, "not_identified")                                                     \
    X(ANSWER_BUDGET_EXHAUSTED, "budget_exhausted")                                                 \
    X(ANSWER_INTERRUPTED, "interrupted")

enum answer_status {
#define X(name, text) name,
    ANSWER_STATUS_MAP(X)
#undef X
};

#define ANSWER_HORIZONS 32
#define ANSWER_WARNINGS 32
#define ANSWER_TEXT 320

struct horizon_answer {
    uint64_t tokens;
    double lr_opt; /* vertex of the basin; NaN with fewer than two LRs that gave a loss */
    double ci90[2];
    double curvature; /* nats per octave^2: loss = loss_min + curvature * log2(lr / lr_opt)^2 */
    double loss_min;
    double se_ln_lr; /* standard error of ln lr_opt */
    uint32_t trials; /* finished (done or diverged) */
    uint32_t diverged;
    bool at_edge; /* the best trial is the lowest or highest LR tried */
    bool flat;    /* the basin is not deeper than the noise, or too little was tried to see it */
};

struct law_answer { /* LR*(D) = exp(b) D^-beta */
    double beta;
    double beta_ci90[2];
    double b;
    double r2;           /* of ln LR* over the horizons */
    double prior_weight; /* 0: the data alone, 1: the prior alone */
    double misfit;       /* standard deviation in ln LR that each horizon has of its own */
    struct {
        uint64_t tokens; /* the longest horizon, left out of this fit; 0: not done */
        double lr_predicted;
        double ci90[2]; /* of the prediction */
        double lr_measured;
    } holdout;
};

struct target_answer {
    uint64_t tokens;
    uint32_t width;
    uint32_t vocab;
    double lr;
    double ci90[2];
    double embedding_lr;
    double loss_penalty;             /* nats, expected: this lr may not be the optimum */
    double loss_penalty_if_wrong_2x; /* nats, at half or twice the optimum */
};

enum answer_ratio { RATIO_EMBEDDING, RATIO_OUTPUT, RATIO_COUNT };

struct ratio_answer { /* LR of embedding or output over that of the hidden matrices, at base_width
                       */
    bool searched;
    double value;   /* with which the LRs of this answer were found */
    double optimum; /* vertex of loss over log ratio; NaN when there is none, or not searched */
    double ci90[2];
    bool at_edge, flat;
    uint32_t trials;
};

struct answer_cost {
    uint64_t trials; /* that are over */
    uint64_t tokens; /* that they were trained on: the same however often the run was disturbed */
    double flops;
    double core_seconds;        /* of all attempts, lost ones too */
    double target_run_fraction; /* flops over the target's */
    uint64_t lost_attempts;     /* failed, lost or interrupted */
    uint64_t lost_tokens;       /* trained in vain by them */
    uint64_t reused_tokens;     /* taken over from another campaign */
};

struct answer {
    enum answer_status status;
    char reason[ANSWER_TEXT]; /* empty when identified */
    struct target_answer target;
    struct ratio_answer ratios[RATIO_COUNT];
    struct law_answer law;
    struct horizon_answer horizons[ANSWER_HORIZONS]; /* ascending */
    size_t horizon_count;
    struct answer_cost cost;
    char warnings[ANSWER_WARNINGS][ANSWER_TEXT];
    size_t warning_count;
};

const char *answer_status_name(enum answer_status status);
/* Adds a warning once; drops it when the list is full. */
void answer_warn(struct answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
