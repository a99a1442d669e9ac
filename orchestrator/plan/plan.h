#ifndef LRSEARCH_PLAN_H
#define LRSEARCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* A plan, checked and with its defaults filled in. The tables in schema.c are the only source of
 * keys, units, defaults and ranges; docs/plan.md explains every key. */

#define PLAN_NAME 64
#define PLAN_HORIZONS 16
#define PLAN_TEXTS 64
#define PLAN_PAIRS 16
#define PLAN_ARGUMENTS 64
#define PLAN_VARIABLES 32
#define PLAN_LAUNCHER 16
#define PLAN_REPORT 7
#define PLAN_EXITS 8
#define PLAN_PREVIOUS "previous"

enum plan_tokenizer { TOKENIZER_BYTES, TOKENIZER_BPE };
/* X(enumerator, name): search/policy.h has a policy of each name. */
#define POLICY_MAP(X) X(POLICY_GRID, "grid") X(POLICY_DESIGN, "design")
#define X(enumerator, name) enumerator,
enum plan_policy { POLICY_MAP(X) };
#undef X
enum plan_mode { MODE_ROUNDS, MODE_ASYNC };
enum plan_loss { LOSS_NONFINITE }; /* that means divergence */
enum plan_on_fail { ON_FAIL_MARK, ON_FAIL_STOP };

/* Values of a key that may be a list: an axis of the campaign. The key's own member has the
 * first. */
#define PLAN_AXIS 16
struct plan_axis {
    uint32_t values[PLAN_AXIS];
    size_t count; /* 1: no list was given */
};

struct plan_number_axis { /* the same of a key that is a double */
    double values[PLAN_AXIS];
    size_t count;
};

#define PLAN_SEEDS 32
struct plan_seeds {
    uint64_t values[PLAN_SEEDS];
    size_t count; /* 0: no list was given */
};

/* An entry of a map such as trainer.env. */
struct plan_pair {
    char key[64], value[TRIAL_PATH];
};

#define PLAN_VERSION 1 /* of the plan's language; a key with a default is no new version */

struct plan {
    uint32_t version;     /* PLAN_VERSION */
    char name[PLAN_NAME]; /* letters, digits, '-', '_', '.'; no leading '-' or '.' */
    uint64_t seed;
    char baseline[TRIAL_PATH]; /* "": none; PLAN_PREVIOUS; or a run's directory, absolute (in the
                                * file relative to the plan) */

    struct {
        uint32_t kind; /* enum trainer_kind */
        uint32_t threads_per_worker;
        uint32_t ranks_per_trial;    /* 0: auto; else a power of two up to 16 */
        char matmul[TRIAL_PRODUCTS]; /* "auto", or as trial_products() takes it */
        char table[TRIAL_PATH];      /* kind replay: table of losses, absolute (in the file relative
                                      * to the plan) */
        struct plan_pair columns[PLAN_PAIRS]; /* names of its columns; lr, tokens and loss are
                                               * always set */
        size_t column_count;
        struct plan_pair where[PLAN_PAIRS]; /* rows that count: column and value */
        size_t where_count;
        char argv[PLAN_ARGUMENTS][TRIAL_PATH]; /* kind command, as all below */
        size_t argv_count;
        struct plan_pair env[PLAN_VARIABLES];
        size_t env_count;
        char cwd[TRIAL_PATH]; /* absolute; argv, the values of env and cwd with placeholders */
        uint32_t gpus_per_trial;
        struct plan_pair report[PLAN_REPORT]; /* one of fd, prefix, regex, file; with
                                               * file also loss and one of tokens, steps */
        size_t report_count;
        struct {                        /* what of a command's end means that it diverged */
            uint32_t loss;              /* enum plan_loss */
            uint64_t exits[PLAN_EXITS]; /* exit statuses */
            size_t exit_count;
            char regex[TRIAL_PATH]; /* a line of its output; "": none */
        } diverged;
        double kill_grace_s;
        uint32_t concurrent_trials;               /* in one process; 0: one, with launcher srun as
                                                   * many as fit */
        char launcher[PLAN_LAUNCHER][TRIAL_PATH]; /* words before the command */
        size_t launcher_count;
        uint32_t nodes_per_trial, cpus_per_trial; /* launcher srun; cpus_per_trial 0:
                                                   * threads_per_worker on each node */
    } trainer;

    struct {
        uint32_t arch, d_model, n_layers, n_heads, head_size, context, vocab, d_ff;
        bool heads_grow; /* head_size was given, and is the same at every width */
        bool tied_output, qk_norm;
        double z_loss;
        uint32_t parametrization, base_width, base_head_size, depth_rule, base_layers;
        double embedding_lr_ratio[2], output_lr_ratio[2]; /* low, high; equal: fixed */
        double vector_lr_ratio[2];                        /* the same */
        double embedding_lr_exponent; /* of the embedding's LR / lr over the width; NaN: that of the
                                       * parametrization */
    } model;

    struct {
        struct plan_axis d_model, n_layers, vocab, parametrization, batch_tokens;
        struct plan_number_axis weight_decay, embedding_lr_exponent;
    } axes;

    struct simulate_spec surface; /* kind simulate; seed: the plan's */

    struct {
        uint32_t source;                   /* enum source_kind */
        char text[PLAN_TEXTS][TRIAL_PATH]; /* files or globs, absolute (in the file relative to the
                                            * plan) */
        size_t text_count;
        char tokens[PLAN_TEXTS][TRIAL_PATH]; /* instead of text: token files, likewise */
        size_t token_count;
        char val[PLAN_TEXTS][TRIAL_PATH]; /* token files for validation */
        size_t val_count;
        uint32_t format;    /* enum token_format */
        uint32_t tokenizer; /* enum plan_tokenizer */
        uint64_t val_tokens;
        uint64_t val_bytes; /* instead of val_tokens; 0: not given */
        bool repeat;
        double zipf_exponent, markov_weight; /* source: synthetic */
        uint32_t markov_order;
    } data;

    struct {
        uint32_t batch_tokens, schedule;
        double warmup;
        uint64_t warmup_tokens, warmup_steps; /* at most one of the three is set; 0: not set */
        double final_lr, min_lr, cooldown;
        uint32_t cooldown_shape;
        uint32_t optimizer;     /* enum optimizer */
        bool optimizer_known;   /* kind transformer, or the key was given */
        uint32_t muon_lr_scale; /* enum muon_scale */
        double muon_momentum;
        double weight_decay; /* at target.tokens; at others too unless decay_rule says otherwise */
        uint32_t decay_rule; /* enum decay_rule */
        bool independent_decay;
        double beta1, beta2, adam_eps, clip;
        uint64_t beta2_half_life; /* tokens; 0: beta2 itself was given */
        uint32_t precision;       /* enum precision */
    } training;

    struct {
        double lr[2];                     /* low, high */
        double weight_decay[2];           /* the same, searched with the LR; 0, 0: not searched */
        uint64_t horizons[PLAN_HORIZONS]; /* tokens, ascending */
        size_t horizon_count;
        uint32_t seeds; /* trials for each LR */
        struct plan_seeds seed_list;
        uint32_t policy;   /* enum plan_policy */
        double precision;  /* design: nats expected to be lost at the target when it ends */
        double resolution; /* octaves between the LRs of a finished basin */
        bool extend;       /* lr is widened when the best LR lies at its edge */
        double prior_beta, prior_beta_sd; /* the user's, or those of plan_beta_prior() */
        double prior_lr, prior_lr_sd;     /* prior_lr 0: none */
        uint64_t prior_tokens;            /* 0: none */
        double min_gain;                  /* design: nats for a target run's worth of tokens */
        uint32_t round_trials;
        uint32_t mode; /* enum plan_mode */
    } search;

    struct {
        uint64_t tokens;
        uint32_t d_model; /* default: model.d_model; of a list, the last */
        uint32_t n_layers, vocab, batch_tokens, schedule; /* the same */
        double weight_decay; /* default: training.weight_decay; of a list, the first */
        double cooldown; /* of a wsd target (predict --cooldown, no key); 0: training.cooldown */
    } target;

    struct { /* trainings of the target's model at the answer's LR, half and twice that */
        bool wanted;
        uint64_t tokens; /* 0: target.tokens, halved until budget and text allow it */
        uint32_t seeds;
    } confirm;

    struct { /* over all sessions and ranks; 0: no limit */
        uint64_t tokens, trials;
        double flops, core_hours;
        double wall_s;
        double share_of_target; /* plan_target_runs() at most */
        double reserve;         /* share of each that is reserved for `confirm` */
    } budget;

    struct {
        double silence_s, trial_time_s; /* 0: no limit */
        double checkpoint_every_s;      /* 0: only when the campaign is stopped */
        uint32_t max_failures;          /* failed or lost attempts of the campaign */
    } limits;

    struct {
        uint32_t retries; /* of one trial that failed or was lost */
        uint32_t then;    /* enum plan_on_fail */
    } on_fail;

    struct {             /* allowed change from the baseline; 0: no limit */
        double lr, loss; /* lr: a factor above 1; loss: nats */
    } tolerance;

    struct {
        char dir[TRIAL_PATH]; /* default logs/NAME; relative to the working directory */
    } output;
};

/* The table's name of a column, from trainer.columns; NULL: not named. */
const char *plan_column(const struct plan *plan, const char *column);
/* The value of a key of trainer.report; NULL: not given. */
const char *plan_report(const struct plan *plan, const char *key);
/* Whether trials are steps of a Slurm job. */
bool plan_by_srun(const struct plan *plan);
uint32_t plan_cpus_per_trial(const struct plan *plan); /* over all its nodes, of launcher srun */

/* The trial that the plan describes, without lr, horizon, seed and the data's path and hash. A
 * ratio that is searched starts at the middle of its range (geometric mean). */
struct trial_spec plan_trial(const struct plan *plan);

/* What model.embedding_lr_exponent (NaN: auto) adds to the parametrization's own exponent. */
double plan_embedding_shift(const struct trial_spec *spec, double exponent);

/* Adam's beta2 that halves a square's weight after half_life tokens. */
double plan_beta2(uint32_t batch_tokens, uint64_t half_life);

/* The prior of the law's exponent for the plan's batches and lengths, whether or not the plan has
 * numbers of its own. */
struct beta_prior;
void plan_beta_prior(const struct plan *plan, struct beta_prior *prior);

/* The seed of replicate 0, 1, ...: from the list in search.seeds, or plan->seed + replicate. */
uint64_t plan_seed(const struct plan *plan, uint32_t replicate);

/* The number of cells, which are the combinations of the axes' values, 1 without axes: d_model
 * changes fastest, then n_layers, vocab, batch_tokens, weight_decay, parametrization,
 * embedding_lr_exponent. At base_width all parametrizations are identical, and all exponents, so
 * there is a cell for the first only. */
size_t plan_cell_count(const struct plan *plan);
/* As plan_trial() for one cell: heads and d_ff follow the width; the warm-up in steps, and beta2 by
 * its half-life, follow the batch; the default zipf_exponent follows the vocabulary. weight_decay
 * is the plan's: plan_weight_decay() makes that of a horizon from it. */
struct trial_spec plan_cell(const struct plan *plan, size_t cell);
/* The same for the target, with the plan's first parametrization or with another. */
struct trial_spec plan_target(const struct plan *plan);
/* What trainings cost in runs of the target: of the transformer their FLOPs over
 * the target's, of another trainer, whose FLOPs are not known, their tokens over its tokens. */
double plan_target_runs(const struct plan *plan, double tokens, double flops);
struct trial_spec plan_target_with(const struct plan *plan, uint32_t parametrization);
/* "d_model 64, vocab 512": a cell's values on the axes with several; "" without. Returns `out`. */
const char *plan_cell_text(const struct plan *plan, size_t cell, char *out, size_t capacity);
uint32_t plan_largest_batch(const struct plan *plan); /* of the trials */

/* The weight decay of a trial of spec's horizon and batch, if the plan's is `weight_decay`:
 * training.decay_rule. With timescale it goes as batch / tokens and is `weight_decay` itself at the
 * target, so that tau = batch / (LR weight_decay tokens) is the same at every horizon (Wang and
 * Aitchison 2024, arXiv 2405.13698); with independent_decay, where steps have no LR in the decay,
 * tau = batch / (weight_decay tokens) is. */
double plan_weight_decay(const struct plan *plan, const struct trial_spec *spec,
                         double weight_decay);
/* Another target for a campaign that has been trained. Every weight decay of the plan is converted,
 * so that plan_weight_decay() gives its trials what they had. batch_tokens 0: unchanged. */
void plan_set_target(struct plan *plan, uint64_t tokens, uint32_t batch_tokens);

#endif
