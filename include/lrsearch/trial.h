#ifndef LRSEARCH_TRIAL_H
#define LRSEARCH_TRIAL_H

#include <stdbool.h>
#include "lrsearch/field.h"

/* A trial is one training. Its losses depend on `struct trial_spec` alone, bit for bit: not on the
 * place (struct trial_place), the rank, the number of ranks, the order, or an earlier attempt.
 * Enumerations are sent as u32. */

/* X(enumerator, value, name in plans and files) */
#define TRAINER_MAP(X)                                                                             \
    X(TRAINER_TRANSFORMER, 0, "transformer")                                                       \
    X(TRAINER_REPLAY, 1, "replay")     /* looks losses up in a table */                            \
    X(TRAINER_SIMULATE, 2, "simulate") /* computes losses from a synthetic surface */              \
    X(TRAINER_COMMAND, 3, "command")   /* runs a user's program */                                 \
    X(TRAINER_EXTERNAL, 4, "external") /* nothing here: results are told */
#define ARCH_MAP(X) X(ARCH_GPT, 0, "gpt") X(ARCH_LLAMA, 1, "llama")
#define PARAMETRIZATION_MAP(X) X(PARAM_SP, 0, "sp") X(PARAM_MUP, 1, "mup") X(PARAM_LVP, 2, "lvp")
#define DEPTH_MAP(X) X(DEPTH_NONE, 0, "none") X(DEPTH_COMPLETEP, 1, "completep")
#define SCHEDULE_MAP(X)                                                                            \
    X(SCHEDULE_COSINE, 0, "cosine")                                                                \
    X(SCHEDULE_LINEAR, 1, "linear")                                                                \
    X(SCHEDULE_WSD, 2, "wsd") /* warm-up, stable, decay */                                         \
    X(SCHEDULE_CONSTANT, 3, "constant")
#define COOLDOWN_MAP(X) X(COOLDOWN_LINEAR, 0, "linear") X(COOLDOWN_ROOT, 1, "1-sqrt")
#define OPTIMIZER_MAP(X)                                                                           \
    X(OPTIMIZER_ADAMW, 0, "adamw")                                                                 \
    X(OPTIMIZER_MUON, 1, "muon") /* for hidden matrices; AdamW for the rest */
/* Factor of Muon's update of a matrix of `rows` outputs and `cols` inputs. */
#define MUON_SCALE_MAP(X)                                                                          \
    X(MUON_UNIT_RMS, 0, "unit_rms")   /* sqrt(rows / cols) */                                      \
    X(MUON_MATCH_RMS, 1, "match_rms") /* .2 sqrt(max(rows, cols)) */                               \
    X(MUON_ORIGINAL, 2, "original")   /* sqrt(max(1, rows / cols)) */
#define DECAY_RULE_MAP(X)                                                                          \
    X(DECAY_CONSTANT, 0, "constant") /* the same weight_decay at every horizon */                  \
    X(DECAY_TIMESCALE, 1, "timescale")
/* Of the operands of matrix products: linear layers, attention, head. Their sums, and all else, are
 * fp32. */
#define PRECISION_MAP(X) X(PRECISION_FP32, 0, "fp32") X(PRECISION_BF16, 1, "bf16")
#define SOURCE_MAP(X) X(SOURCE_TOKENS, 0, "tokens") X(SOURCE_SYNTHETIC, 1, "synthetic")
/* Layouts of token files. */
#define TOKEN_FORMAT_MAP(X)                                                                        \
    X(TOKENS_AUTO, 0, "auto") /* found from the file itself */                                     \
    X(TOKENS_LLMC, 1, "llmc")                                                                      \
    X(TOKENS_MEGATRON, 2, "megatron")                                                              \
    X(TOKENS_NANOGPT, 3, "nanogpt")
#define OUTCOME_MAP(X)                                                                             \
    X(OUTCOME_DONE, 0, "done")         /* val_loss is set */                                       \
    X(OUTCOME_DIVERGED, 1, "diverged") /* information: this LR is too high */                      \
    X(OUTCOME_FAILED, 2, "failed")     /* environment error: tried again */                        \
    X(OUTCOME_LOST, 3, "lost")         /* its worker is gone: tried again */                       \
    X(OUTCOME_CANCELED, 4, "canceled")                                                             \
    X(OUTCOME_REFUSED, 5, "refused") /* beyond the trainer's data: not tried again */

#define X(enumerator, value, name) enumerator = (value),
enum trainer_kind { TRAINER_MAP(X) };
enum arch { ARCH_MAP(X) };
enum parametrization { PARAMETRIZATION_MAP(X) };
enum depth_rule { DEPTH_MAP(X) };
enum schedule_kind { SCHEDULE_MAP(X) };
enum cooldown_shape { COOLDOWN_MAP(X) };
enum optimizer { OPTIMIZER_MAP(X) };
enum muon_scale { MUON_SCALE_MAP(X) };
enum decay_rule { DECAY_RULE_MAP(X) };
enum precision { PRECISION_MAP(X) };
enum source_kind { SOURCE_MAP(X) };
enum token_format { TOKEN_FORMAT_MAP(X) };
enum outcome { OUTCOME_MAP(X) };
#undef X

const char *trainer_name(uint32_t kind); /* each: "?" for an unknown value */
const char *arch_name(uint32_t arch);
const char *parametrization_name(uint32_t parametrization);
const char *depth_rule_name(uint32_t rule);
const char *schedule_name(uint32_t kind);
const char *cooldown_name(uint32_t shape);
const char *optimizer_name(uint32_t optimizer);
const char *muon_scale_name(uint32_t scale);
const char *decay_rule_name(uint32_t rule);
const char *precision_name(uint32_t precision);
const char *source_name(uint32_t kind);
const char *token_format_name(uint32_t format);
const char *outcome_name(uint32_t outcome);

#define TRIAL_PATH 1024
/* A finite loss beyond this is a reporting error; a loss that is not finite means that the training
 * diverged. */
#define TRIAL_LOSS_MOST 1e30

/* Libraries of the matrix products: a letter for each product of each linear layer (own, openblas,
 * onednn; bf16, bf16-amx: our own with operands in bf16, in the order of sums that every CPU can
 * compute, or in that of AMX), so that a trial gives the same bits on any worker. "": own for all,
 * or bf16, by the precision. */
#define MATMUL_MAP(X)                                                                              \
    X('o', "own") X('b', "openblas") X('d', "onednn") X('h', "bf16") X('x', "bf16-amx")
enum trial_linear {
    LINEAR_QKV,
    LINEAR_ATTN_PROJ,
    LINEAR_FC,
    LINEAR_MLP_PROJ,
    LINEAR_OUTPUT,
    LINEAR_COUNT
};
enum trial_product { PRODUCT_FORWARD, PRODUCT_INPUT, PRODUCT_WEIGHT };
#define PRODUCT_COUNT 3
#define TRIAL_PRODUCTS 16 /* LINEAR_COUNT * PRODUCT_COUNT letters and the NUL */
/* `text`: one of the names, for all products, or the letters themselves. False: neither. */
bool trial_products(char out[TRIAL_PRODUCTS], const char *text);
/* Whether all products are of this precision; "" is of any. */
bool trial_products_suit(const char products[TRIAL_PRODUCTS], uint32_t precision);
/* "own; openblas: mlp.fc d_weight, output d_weight" */
const char *trial_products_text(const char products[TRIAL_PRODUCTS], char *out, size_t capacity);

/* Parameters of the synthetic loss surface of trainer simulate (formulas: loss_surface.h). */
#define SIMULATE_SPEC_FIELDS(U32, U64, F64, TEXT, STRUCT)                                          \
    U64(seed)  /* of all random draws */                                                           \
    F64(lr)    /* optimum at 1M tokens; of a model with 1M hidden parameters and vocabulary 10k */ \
    F64(beta)  /* the optimum falls as tokens^-beta, */                                            \
    F64(alpha) /* as parameters^-alpha */                                                          \
    F64(gamma) /* and as vocabulary^-gamma */                                                      \
    F64(curvature)       /* nats per octave^2, at 1M tokens */                                     \
    F64(curvature_drift) /* curvature ~ tokens^this */                                             \
    F64(asymmetry)                                                                                 \
    F64(cliff)              /* octaves above the optimum beyond which a training diverges */       \
    F64(misfit)             /* standard deviation of a horizon's random effect, ln LR */           \
    F64(noise)              /* standard deviation of a loss */                                     \
    F64(seed_noise)         /* of a seed's common effect on the losses of a horizon */             \
    F64(crash)              /* probability that an attempt fails */                                \
    F64(seconds_per_mtoken) /* virtual seconds for 1M tokens */                                    \
    F64(delay)              /* relative standard deviation of these seconds */                     \
    F64(delta)              /* the optimum falls as (width/64)^-delta */                           \
    F64(batch)              /* and goes as (batch_tokens/10k)^batch */                             \
    F64(ratio)              /* best embedding_lr_ratio at width 64 and vocabulary 10k */           \
    F64(ratio_width)        /* ratio ~ width^this */                                               \
    F64(ratio_vocab)        /* ratio ~ vocabulary^this */                                          \
    F64(ratio_curvature)    /* nats per octave^2 from the best embedding LR; 0: no effect */       \
    F64(decay)              /* best weight decay at 1M tokens, at the best LR */                   \
    F64(decay_tokens)       /* decay ~ tokens^this */                                              \
    F64(decay_curvature)    /* nats per octave^2 from the best LR * decay; 0: no effect */         \
    U64(cell)               /* selects independent draws in plans with axes */

struct simulate_spec {
    FIELD_DECLARE(SIMULATE_SPEC_FIELDS)
};
extern const struct field_table simulate_spec_fields;

#define TRIAL_SPEC_FIELDS(U32, U64, F64, TEXT, STRUCT)                                             \
    U32(trainer)                                                                                   \
    U64(seed)               /* weights and order of the data */                                    \
    F64(lr)                 /* peak LR of hidden matrices at base_width */                         \
    F64(embedding_lr_ratio) /* LR of the embedding / lr, at base_width */                          \
    F64(output_lr_ratio)                                                                           \
    F64(vector_lr_ratio)    /* LR of norms and biases / lr */                                      \
    F64(embedding_lr_shift) /* embedding's LR has also the factor (d_model / base_width)^this */   \
    U64(horizon_tokens)     /* tokens to train on; the schedule ends there */                      \
    U32(batch_tokens)       /* tokens a step, a multiple of context */                             \
    U32(arch)                                                                                      \
    U32(d_model)                                                                                   \
    U32(n_layers)                                                                                  \
    U32(n_heads)                                                                                   \
    U32(context) /* tokens a sequence */                                                           \
    U32(vocab)                                                                                     \
    U32(d_ff)        /* hidden width of the MLP; llama: of gate and up each */                     \
    U32(tied_output) /* 1: the output matrix is the embedding */                                   \
    U32(qk_norm)     /* 1: RMSNorm of each head's queries and keys */                              \
    F64(z_loss)      /* z_loss ln(Z)^2 per token is added to the loss for gradients */             \
    U32(parametrization)                                                                           \
    U32(base_width)     /* d_model at which mup and lvp equal sp */                                \
    U32(base_head_size) /* channels of a head at base_width */                                     \
    U32(depth_rule)                                                                                \
    U32(base_layers) /* n_layers at which completep scales nothing */                              \
    U32(schedule)                                                                                  \
    F64(warmup)        /* share of the horizon, [0, 1) */                                          \
    U64(warmup_tokens) /* the same in tokens; 0: use the share */                                  \
    F64(final_lr)      /* LR at the end as a share of the peak */                                  \
    F64(min_lr)        /* LR at the end, absolute; 0: use the share */                             \
    F64(cooldown)      /* wsd: share of the horizon in which the LR falls */                       \
    U32(cooldown_shape)                                                                            \
    U32(optimizer)                                                                                 \
    U32(muon_lr_scale)     /* optimizer muon */                                                    \
    F64(muon_momentum)     /* the same */                                                          \
    F64(weight_decay)      /* decoupled; of this trial's horizon */                                \
    U32(independent_decay) /* 0: multiplied by the LR; 1: by the schedule's factor alone */        \
    F64(beta1)                                                                                     \
    F64(beta2)                                                                                     \
    F64(adam_eps)                                                                                  \
    F64(clip) /* global gradient norm; 0: none */                                                  \
    U32(precision)                                                                                 \
    U32(source)                                                                                    \
    U64(data_hash)     /* of the content of trial_place's data_path; 0: no data, or unchecked */   \
    U64(val_tokens)    /* the validation loss is the mean over them; never trained on */           \
    U64(val_bytes)     /* bytes of text of these tokens; 0: unknown */                             \
    U32(repeat)        /* 1: the text may be read more than once */                                \
    F64(zipf_exponent) /* source synthetic */                                                      \
    F64(markov_weight) /* source synthetic: share of tokens drawn by their predecessors */         \
    U32(markov_order)  /* source synthetic: number of predecessors */                              \
    TEXT(products, TRIAL_PRODUCTS)                                                                 \
    STRUCT(simulate, simulate_spec) /* trainer simulate only; otherwise zero */

struct trial_spec {
    FIELD_DECLARE(TRIAL_SPEC_FIELDS)
};
extern const struct field_table trial_spec_fields;

#define TRIAL_RESULT_FIELDS(U32, U64, F64, TEXT, STRUCT)                                           \
    U32(outcome)                                                                                   \
    F64(val_loss)          /* nats per token over the validation set; NaN unless done */           \
    F64(val_loss_se)       /* its standard error over sequences */                                 \
    F64(val_bits_per_byte) /* val_loss val_tokens / (ln 2 val_bytes) */                            \
    F64(train_loss)        /* mean of the last twentieth of the horizon */                         \
    U64(tokens)            /* trained, up to the end or the detected divergence */                 \
    U64(begun_tokens) /* of the checkpoint or shared state that the attempt began with; 0: none */ \
    F64(seconds)      /* wall time in the worker; need not be reproducible */                      \
    F64(flops)        /* trial_flops_per_token() times tokens */                                   \
    TEXT(message, 256) /* why it diverged or failed */

struct trial_result {
    FIELD_DECLARE(TRIAL_RESULT_FIELDS)
};
extern const struct field_table trial_result_fields;

/* Where and how an attempt runs. It does not affect the losses: equal specs give the same losses at
 * any place. Paths are absolute; "": none. */
#define TRIAL_PLACE_FIELDS(U32, U64, F64, TEXT, STRUCT)                                            \
    U32(slot)                   /* the worker's number among those of its host, from 0 */          \
    U32(threads)                /* trainer.threads_per_worker */                                   \
    F64(silence_s)              /* a command silent for this long has failed; 0: no limit */       \
    TEXT(data_path, TRIAL_PATH) /* DATASET.json; the table of replay; a command's setup */         \
    TEXT(output, TRIAL_PATH)    /* file for the last lines of a command's output */                \
    TEXT(checkpoint, TRIAL_PATH)                                                                   \
    F64(checkpoint_every_s)          /* 0: only on a CANCEL with `save` */                         \
    TEXT(wsd_prefix_dir, TRIAL_PATH) /* states that horizons share */                              \
    U64(wsd_prefix_tokens)           /* of the shared state to resume from; 0: none */

struct trial_place {
    FIELD_DECLARE(TRIAL_PLACE_FIELDS)
};
extern const struct field_table trial_place_fields;

/* Whether two specs are the same training; numbers are compared bit by bit. */
bool trial_same(const struct trial_spec *a, const struct trial_spec *b);
/* XXH3-64 over the fields in their order: equal for specs that are the same, on any machine of the
 * same byte order. */
uint64_t trial_hash(const struct trial_spec *spec);

/* The MLP's usual hidden width: gpt 4 d_model; llama 8/3 d_model, rounded up to a multiple of 8. */
uint32_t trial_default_d_ff(uint32_t arch, uint32_t d_model);
/* Zipf exponent of the token frequencies of real text (BPE, ranks 10 to V/2), as measured at
 * vocabularies of 2k to 96k and extrapolated beyond; .5 at least. */
double trial_default_zipf(uint32_t vocab);
/* The usual LR at the end of each schedule, as a share of the peak. */
double trial_default_final_lr(uint32_t schedule);
/* Changes the width: d_ff follows in proportion; n_heads is kept, or with heads_grow the head size.
 * False, with the spec unchanged, if the sizes do not divide. */
bool trial_set_width(struct trial_spec *spec, uint32_t d_model, bool heads_grow);

/* Exponent over the width of the best LR of hidden matrices, by theory: AdamW -1; Muon's step has
 * the same size at every width, 0, and that of match_rms grows as its root, -1/2. */
double trial_hidden_exponent(const struct trial_spec *spec);
/* Exponent over the width of (LR of the embedding / LR of hidden matrices), as parametrization and
 * optimizer have it by themselves, without embedding_lr_shift: AdamW sp 0, mup 1, lvp 1/2
 * (arXiv 2203.03466, 2506.15025). With Muon hidden matrices have another exponent. */
double trial_embedding_exponent(const struct trial_spec *spec);

/* Parameters without the embeddings, and all. */
uint64_t trial_params_hidden(const struct trial_spec *spec);
uint64_t trial_params(const struct trial_spec *spec);
/* Forward + backward, attention counted in full: 6 (weights of the blocks) + 12 L d T + 6 d V; with
 * d_ff = 4 d that is 72 L d^2 + 12 L d T + 6 d V. Muon adds its share of a step: for each hidden
 * matrix of m x n, m <= n, 5 (4 m^2 n + 2 m^3) / batch_tokens. */
double trial_flops_per_token(const struct trial_spec *spec);
/* horizon_tokens / batch_tokens, rounded up; 0: the trial has no steps (trainers that do not
 * train). */
uint64_t trial_steps(const struct trial_spec *spec);
/* wsd: the last step before the LR falls. */
uint64_t trial_stable_steps(const struct trial_spec *spec);
/* Tokens up to there. A training is the same up to this point for all horizons, so longer ones can
 * resume from it (Haegele et al. 2024, arXiv 2405.18392). 0: no common prefix: another schedule, a
 * warm-up given as a share of the horizon, or a stable part that ends in the warm-up or the last
 * twentieth. */
uint64_t trial_wsd_prefix_tokens(const struct trial_spec *spec);

/* A batch is cut into slices of whole sequences, equal in number up to one. Each slice's gradient
 * is summed from zero, and the slices are added in a binary tree over their index, so that any
 * group of ranks whose size divides their number gets the same bits. A power of two, at most
 * TRIAL_SLICES_MOST, and the most ranks that can train the trial together; 1 for trainers other
 * than transformer. */
#define TRIAL_SLICES_MOST 16
uint32_t trial_slices(const struct trial_spec *spec);
/* The slice's first sequence in the batch; trial_slices() gives the batch's number of sequences. */
uint32_t trial_slice_begin(const struct trial_spec *spec, uint32_t slice);
/* Maximum sequences of a pass through the model; a slice is one or several of them, in order. */
uint32_t trial_micro_batch(const struct trial_spec *spec);

#endif
