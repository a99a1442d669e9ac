#ifndef LRSEARCH_ANSWER_H
#define LRSEARCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The conclusions of a campaign: plain numbers, filled by search/, written by store/, shown by
 * report/. Unknown numbers are NaN. LR: peak learning rate; loss: nats per token. */

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
#define ANSWER_PATH 1024
#define ANSWER_CELLS 64
#define ANSWER_BASINS 256
#define ANSWER_EXPONENTS 64
#define ANSWER_STEPS 8
#define ANSWER_CONFIRMS 8
#define ANSWER_VERDICTS 16

/* What is searched together with the LR: the LRs of other tensors, as ratios to it, and the weight
 * decay, whose product with the LR acts on the loss (1 / tau) as an LR of its own would. */
enum answer_ratio { RATIO_EMBEDDING, RATIO_OUTPUT, RATIO_VECTOR, RATIO_DECAY, RATIO_COUNT };

/* How far an answer can be trusted: docs/search-model.md has the rules. */
#define CONFIDENCE_MAP(X)                                                                          \
    X(CONFIDENCE_NONE, "none") /* no answer */                                                     \
    X(CONFIDENCE_WEAK, "weak")                                                                     \
    X(CONFIDENCE_MODERATE, "moderate")                                                             \
    X(CONFIDENCE_STRONG, "strong")
/* Prediction of the longest horizon from the shorter ones, against its fitted optimum. */
#define BACK_TEST_MAP(X)                                                                           \
    X(BACK_TEST_NONE, "none")                                                                      \
    X(BACK_TEST_PASSED, "passed")                                                                  \
    X(BACK_TEST_FAILED, "failed")

#define X(name, text) name,
enum confidence { CONFIDENCE_MAP(X) };
enum back_test { BACK_TEST_MAP(X) };
#undef X

struct confidence_answer {
    enum confidence word;
    double interval_octaves; /* width of the target's 90 % interval */
    bool bracketed; /* at each horizon that counts a trial lies inside the optimum's interval, and
                       others on both sides of the optimum within an octave */
    enum back_test back_test;
    double assumption_share; /* of the extrapolation's exponent: 0: data alone, 1: prior alone */
};

/* What would make the answer better, or give one: for the commands that a report proposes. */
enum advice_kind {
    ADVICE_NONE,
    ADVICE_RANGE,
    ADVICE_HORIZON,
    ADVICE_SEEDS,
    ADVICE_MIN_GAIN,
    ADVICE_RATIO
};
struct advice_answer {
    enum advice_kind kind;
    double lr[2];            /* ADVICE_RANGE: search.lr */
    uint64_t tokens;         /* ADVICE_HORIZON: a further horizon */
    uint32_t seeds;          /* ADVICE_SEEDS: search.seeds */
    double min_gain;         /* ADVICE_MIN_GAIN: search.min_gain */
    enum answer_ratio ratio; /* ADVICE_RATIO: of this one, */
    double range[2];         /* the range to search */
};

struct horizon_answer {
    uint64_t tokens;
    double lr_opt; /* vertex of the basin; NaN with fewer than two LRs that gave a loss */
    double ci90[2];
    double curvature; /* nats per octave^2: loss = loss_min + curvature * log2(lr / lr_opt)^2 */
    double loss_min;
    double se_ln_lr; /* standard error of ln lr_opt */
    uint32_t trials; /* finished (done or diverged) */
    uint32_t diverged;
    bool at_edge;   /* the best trial is the lowest or highest LR tried */
    bool flat;      /* the basin is no deeper than the noise, or too few LRs were tried */
    double se_loss; /* standard error of loss_min; NaN: not known */
    double lowest_lr, lowest_loss; /* the trial with the lowest loss, seeds averaged; NaN: none */
    bool interpolated;             /* nothing was trained inside ci90 */
    bool bracketed; /* a trial inside ci90, and one on both sides of lr_opt within an octave */
};

struct law_answer { /* LR*(D) = exp(b) D^-beta */
    double beta;
    double beta_ci90[2];
    double b;
    double r2;           /* of ln LR* over the horizons */
    double prior_weight; /* posterior over prior standard deviation; 1: the prior alone */
    double misfit;       /* standard deviation of a horizon's random effect, ln LR */
    struct {
        uint64_t tokens; /* the longest horizon, left out of this fit; 0: not done */
        double lr_predicted;
        double ci90[2]; /* of the prediction */
        double lr_measured;
    } holdout;
    /* the prior of beta and its reason, of a table that says optimizer or batch; "": not told */
    char assumed[ANSWER_TEXT];
};

struct target_answer {
    uint64_t tokens;
    uint32_t width;
    uint32_t vocab;
    uint32_t n_layers, batch_tokens, schedule, parametrization; /* 0 or the first enumerator: as
                                                                   the trials, or unknown */
    double lr;
    double ci90[2];
    double embedding_lr;
    double
        weight_decay; /* of the target's run: best one if searched, otherwise the plan's; NaN: not
                            known */
    double ratio[RATIO_COUNT], ratio_ci90[RATIO_COUNT][2]; /* best ratio there, in campaigns with
                                                              axes; NaN: not searched */
    double loss_penalty;             /* expected, nats: `lr` may miss the optimum */
    double loss_penalty_if_wrong_2x; /* nats, at half or twice the optimum, ratios kept */
    double keep_lr;                  /* fitted optimum of the longest measured horizon; NaN: none */
    double keep_penalty;             /* expected at the target, nats, if that is kept */
    double no_basin; /* probability that the loss does not depend on the LR at all */
    /* factor of the LR that makes up for ratios at the end of their range (ratio_answer.beyond); 0:
       there are none */
    double held_factor, held_ci90[2];
};

struct
    ratio_answer { /* LR of embedding, output or vectors / LR of hidden matrices, at base_width; or
                         the weight decay at the target, as in the plan */
    bool searched;
    double value;   /* used for the LRs of this answer */
    double optimum; /* vertex of loss over log ratio; NaN when there is none, or not searched */
    double ci90[2]; /* NaN at the end that is not known, if the optimum lies beyond the range */
    bool at_edge, flat;
    uint32_t trials;
    bool beyond; /* the optimum lies beyond the range that was searched: value is its end */
};

struct answer_cost {
    uint64_t trials; /* finished */
    uint64_t tokens; /* of those trials; independent of interruptions */
    double flops;
    double core_seconds;        /* of all attempts, lost ones included */
    double target_run_fraction; /* flops over the target's */
    uint64_t lost_attempts;     /* failed, lost or interrupted */
    uint64_t lost_tokens;       /* wasted by those attempts */
    uint64_t reused_tokens;     /* of trials from another campaign */
};

/* ---- campaigns with axes: several models, vocabularies, batches, parametrizations ---- */

enum answer_axis { AXIS_WIDTH, AXIS_DEPTH, AXIS_VOCAB, AXIS_BATCH, AXIS_DECAY, AXIS_COUNT };

struct cell_answer {                                 /* one combination of the axes' values */
    uint32_t d_model, n_layers, vocab, batch_tokens; /* 0: not known */
    uint32_t parametrization;                        /* enum parametrization */
    double weight_decay;          /* as in the plan, on an axis of it; NaN: none */
    double embedding_lr_exponent; /* the same */
    uint64_t params;              /* hidden ones; 0: not known */
    double lr, ci90[2];           /* optimum at target.tokens */
    double beta, beta_ci90[2];    /* of this cell's law over the horizons */
    double ratio[RATIO_COUNT];    /* best ratio at base_width, as in the plan; NaN: not searched */
    double ratio_ci90[RATIO_COUNT][2];
    double loss; /* at the optimum of the longest horizon tried; NaN: none */
    uint32_t trials;
};

struct basin_answer { /* one horizon of one cell */
    uint32_t cell;    /* index into cells */
    struct horizon_answer horizon;
};

#define ANSWER_EVERY UINT32_MAX
struct exponent_answer {          /* `of` ~ axis^value */
    char of[24];                  /* "lr" or the name of a ratio; "weight_decay": of the trials */
    char axis[16];                /* "width", "depth", "vocab", "batch", "weight_decay", "tokens" */
    uint32_t parametrization;     /* enum parametrization that it applies to, or ANSWER_EVERY */
    double embedding_lr_exponent; /* that it applies to; NaN: all */
    uint32_t vocab;               /* vocabulary that it applies to; 0: all */
    double value, ci90[2];
    double expected;     /* prior mean */
    double prior_weight; /* as of law_answer */
};

struct joint_answer { /* LR*(N, D) = exp(ln_c) N^-alpha D^-beta, N: hidden parameters */
    bool known;       /* the plan has sizes, and two of them were measured */
    uint32_t parametrization;
    double ln_c, alpha, beta, alpha_ci90[2], beta_ci90[2];
    double r2;
    struct { /* the largest cell's longest horizon, left out of the fit */
        bool known;
        uint32_t cell;
        uint64_t tokens;
        double lr_predicted, ci90[2], lr_measured, measured_ci90[2];
    } holdout;
};

struct transfer_step {     /* a step from the measurements to the target: LR *= factor */
    char of[16];           /* "horizon", "width", "depth", "vocabulary", "batch", "schedule" */
    char how[ANSWER_TEXT]; /* the rule, and from which value to which */
    double factor, ci90[2];
    bool measured; /* by this campaign; otherwise a published rule */
};

struct confirm_answer { /* trials of the target's model, or the nearest affordable one */
    uint32_t parametrization, d_model, n_layers, vocab;
    uint64_t tokens;
    double lr[3];   /* half the predicted optimum, the optimum, twice it */
    double loss[3]; /* NaN: not known */
    bool diverged[3];
    double excess_predicted[3]; /* above the loss at the optimum, nats */
    char text[ANSWER_TEXT];     /* prediction and outcome */
};

/* ---- the best batch: `lrsearch predict --batch auto` ---- */

struct best_batch_horizon {
    uint64_t tokens;
    double batch_tokens, ci90[2]; /* fitted; NaN with fewer than two batches that gave a loss */
    uint32_t batches;             /* with a loss */
    bool at_edge;                 /* the best one may lie beyond the batches tried */
};

/* The batch with the lowest loss at target.tokens, each batch at its own best LR. */
struct best_batch_answer {
    bool asked, known;
    char reason[ANSWER_TEXT];          /* why it is not known; the target then has no LR */
    double batch_tokens, ci90[2];      /* tokens a step */
    double lr[2];                      /* best LR at the ends of ci90 */
    double exponent, exponent_ci90[2]; /* best batch ~ tokens^exponent */
    double prior_weight;               /* of the exponent, as of law_answer */
    double tried[2];                   /* smallest and largest batch with a loss */
    struct best_batch_horizon horizons[ANSWER_HORIZONS]; /* ascending */
    size_t horizon_count;
};

/* ---- comparison with an earlier answer ---- */

struct drift {
    char lr_reason[ANSWER_TEXT]; /* why the LRs cannot be compared; "": they were */
    double lr_ratio, lr_ci90[2]; /* LR now / LR then, at the target */
    uint64_t at_tokens;          /* a horizon of both runs; 0: none */
    double at_ratio, at_ci90[2]; /* LR now / LR then at that horizon */
    bool lr_beyond;              /* a ratio exceeds the limit and its interval excludes 1 */
    char loss_reason[ANSWER_TEXT];
    uint64_t loss_tokens;                 /* a horizon of both runs */
    double loss_difference, loss_ci90[2]; /* nats, now minus then */
    bool loss_beyond;
};

struct baseline_answer {         /* the drift from an earlier run that the plan names */
    bool wanted;                 /* false: it names none, or this run is not finished */
    char run_dir[ANSWER_PATH];   /* "": none was found */
    char reason[ANSWER_TEXT];    /* why none was found, or why it cannot be read */
    double limit_lr, limit_loss; /* a factor, nats; 0: none */
    struct drift drift;          /* set only with run_dir and without reason */
};

struct answer {
    enum answer_status status;
    char reason[ANSWER_TEXT]; /* empty when identified */
    struct confidence_answer confidence;
    struct advice_answer advice;
    char stopped[ANSWER_TEXT]; /* why the search asks for no more trials; "": it would go on */
    struct target_answer target;
    struct ratio_answer ratios[RATIO_COUNT];
    struct law_answer law;
    struct horizon_answer horizons[ANSWER_HORIZONS]; /* ascending */
    size_t horizon_count;
    struct answer_cost cost;
    struct cell_answer cells[ANSWER_CELLS]; /* of a campaign with axes; `horizons` and `law` are
                                               then those of the cell nearest to the target */
    size_t cell_count;
    uint32_t nearest;                          /* index of that cell */
    struct basin_answer basins[ANSWER_BASINS]; /* those tried, by cell, then tokens */
    size_t basin_count;
    struct exponent_answer exponents[ANSWER_EXPONENTS];
    size_t exponent_count;
    struct joint_answer joint;
    struct transfer_step steps[ANSWER_STEPS]; /* from the nearest measurement to target.lr */
    size_t step_count;
    struct confirm_answer confirms[ANSWER_CONFIRMS];
    size_t confirm_count;
    char verdicts[ANSWER_VERDICTS][ANSWER_TEXT]; /* results on published claims */
    size_t verdict_count;
    struct best_batch_answer best_batch;
    struct baseline_answer baseline;
    char warnings[ANSWER_WARNINGS][ANSWER_TEXT];
    size_t warning_count;
};

bool answer_drifted(const struct answer *answer); /* beyond what the plan tolerates */

const char *answer_status_name(enum answer_status status);
/* The plan's words: "embedding_lr_ratio", ..., "weight_decay"; "width", ..., "weight_decay". */
const char *answer_ratio_name(enum answer_ratio ratio);
const char *answer_axis_name(enum answer_axis axis);
const char *confidence_name(enum confidence confidence);
const char *back_test_name(enum back_test back_test);
/* Adds a warning once; drops it when the list is full. */
void answer_warn(struct answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
