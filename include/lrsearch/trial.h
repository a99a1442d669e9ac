#ifndef LRSEARCH_TRIAL_H
#define LRSEARCH_TRIAL_H

#include <stdbool.h>
#include "lrsearch/field.h"

/* A trial is one training. Its losses depend on `struct trial_spec` alone, bit for bit: not on the
 * place (struct trial_place), the rank, the number of ranks, the order, or an earlier attempt.
 * Enumerations travel as u32. */

/* X(enumerator, value, name in plans and files) */
#define TRAINER_MAP(X)                                                                             \
    X(TRAINER_TRANSFORMER, 0, "transformer")                                                       \
    X(TRAINER_REPLAY, 1, "replay")     /* looks its losses up in a table of earlier ones */        \
    X(TRAINER_SIMULATE, 2, "simulate") /* draws them from a made-up surface */                     \
    X(TRAINER_COMMAND, 3, "command")   /* a program of the user's */
#define ARCH_MAP(X) X(ARCH_GPT, 0, "gpt") X(ARCH_LLAMA, 1, "llama")
#define PARAMETRIZATION_MAP(X) X(PARAM_SP, 0, "sp") X(PARAM_MUP, 1, "mup") X(PARAM_LVP, 2, "lvp")
#define DEPTH_MAP(X) X(DEPTH_NONE, 0, "none") X(DEPTH_COMPLETEP, 1, "completep")
#define SCHEDULE_MAP(X)                                                                            \
    X(SCHEDULE_COSINE, 0, "cosine")                                                                \
    X(SCHEDULE_LINEAR, 1, "linear")                                                                \
    X(SCHEDULE_WSD, 2, "wsd") /* warm-up, stable, decay */                                         \
    X(SCHEDULE_CONSTANT, 3, "constant")
#define COOLDOWN_MAP(X) X(COOLDOWN_LINEAR, 0, "linear") X(COOLDOWN_ROOT, 1, "1-sqrt")
#define SOURCE_MAP(X) X(SOURCE_TOKENS, 0, "tokens") X(SOURCE_SYNTHETIC, 1, "synthetic")
/* Of a file of tokens (worker/data/token_file.h). */
#define TOKEN_FORMAT_MAP(X)                                                                        \
    X(TOKENS_AUTO, 0, "auto") /* found from the file itself */                                     \
    X(TOKENS_LLMC, 1, "llmc")                                                                      \
    X(TOKENS_MEGATRON, 2, "megatron")                                                              \
    X(TOKENS_NANOGPT, 3, "nanogpt")
#define OUTCOME_MAP(X)                                                                             \
    X(OUTCOME_DONE, 0, "done")         /* val_loss holds */                                        \
    X(OUTCOME_DIVERGED, 1, "diverged") /* information: this LR is too high */                      \
    X(OUTCOME_FAILED, 2, "failed")     /* the environment's fault: tried again */                  \
    X(OUTCOME_LOST, 3, "lost")         /* its worker vanished: tried again */                      \
    X(OUTCOME_CANCELED, 4, "canceled")                                                             \
    X(OUTCOME_REFUSED, 5, "refused") /* this trainer cannot know: not tried again */

#define X(enumerator, value, name) enumerator = (value),
enum trainer_kind { TRAINER_MAP(X) };
enum arch { ARCH_MAP(X) };
enum parametrization { PARAMETRIZATION_MAP(X) };
enum depth_rule { DEPTH_MAP(X) };
enum schedule_kind { SCHEDULE_MAP(X) };
enum cooldown_shape { COOLDOWN_MAP(X) };
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
const char *source_name(uint32_t kind);
const char *token_format_name(uint32_t format);
const char *outcome_name(uint32_t outcome);

#define TRIAL_PATH 1024
/* A finite loss of a larger size is an error of whoever tells it; one that is not finite is that of
 * a training that diverged. */
#define TRIAL_LOSS_MOST 1e30

/* Who multiplies: a letter for each product of each linear layer (own, openblas, onednn), so that a
 * trial has the same bits wherever it is trained. "" is all our own. */
#define MATMUL_MAP(X) X('o', "own") X('b', "openblas") X('d', "onednn")
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
#define TRIAL_PRODUCTS 16 /* LINEAR_COUNT * PRODUCT_COUNT letters and the end */
/* `text`: one of the names, for all products, or the letters themselves. False: neither. */
bool trial_products(char out[TRIAL_PRODUCTS], const char *text);
/* "own; openblas: mlp.fc d_weight, output d_weight" */
const char *trial_products_text(const char products[TRIAL_PRODUCTS], char *out, size_t capacity);

/* The made-up loss surface of trainer simulate (formulas: worker/trainers/simulate/loss_surface.h). */
#define SIMULATE_SPEC_FIELDS(U32, U64, F64, TEXT, STRUCT)                                          \
    U64(seed)  /* of all its draws */                                                              \
    F64(lr)    /* optimum at 1M tokens; of a model with 1M hidden parameters and vocabulary 10k */ \
    F64(beta)  /* the optimum falls as tokens^-beta, */                                            \
    F64(alpha) /* as parameters^-alpha */                                                          \
    F64(gamma) /* and as vocabulary^-gamma */                                                      \
    F64(curvature)       /* nats per octave^2, at 1M tokens */                                     \
    F64(curvature_drift) /* it goes as tokens^this */                                              \
    F64(asymmetry)                                                                                 \
    F64(cliff)              /* octaves above the optimum beyond which a training diverges */       \
    F64(misfit)             /* standard deviation, ln LR, of each horizon's own optimum */         \
    F64(noise)              /* standard deviation of a loss */                                     \
    F64(seed_noise)         /* of what a seed adds to all losses of a horizon alike */             \
    F64(crash)              /* probability that an attempt fails */                                \
    F64(seconds_per_mtoken) /* virtual seconds for 1M tokens */                                    \
    F64(delay)              /* relative standard deviation of that */                              \
    F64(delta)              /* the optimum falls as width^-delta, from 64 on, */                   \
    F64(batch)              /* and goes as batch^batch, from 10k tokens on */                      \
    F64(ratio)              /* best embedding_lr_ratio at width 64 and vocabulary 10k */           \
    F64(ratio_width)        /* it goes as width^this */                                            \
    F64(ratio_vocab)        /* and as vocabulary^this */                                           \
    F64(ratio_curvature)    /* nats per octave^2 from the best embedding LR; 0: it is all one */   \
    U64(cell)               /* draws of its own, where a plan has axes */

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
    U64(horizon_tokens) /* tokens to train on; the schedule ends there */                          \
    U32(batch_tokens)   /* tokens a step, a multiple of context */                                 \
    U32(arch)                                                                                      \
    U32(d_model)                                                                                   \
    U32(n_layers)                                                                                  \
    U32(n_heads)                                                                                   \
    U32(context) /* tokens a sequence */                                                           \
    U32(vocab)                                                                                     \
    U32(d_ff)        /* width of the MLP's middle; of llama's gate and up each */                  \
    U32(tied_output) /* 1: the output matrix is the embedding */                                   \
    U32(qk_norm)     /* 1: RMSNorm of each head's queries and keys */                              \
    F64(z_loss)      /* this * ln(Z)^2 a token is added to what is differentiated */               \
    U32(parametrization)                                                                           \
    U32(base_width)     /* d_model at which mup and lvp equal sp */                                \
    U32(base_head_size) /* channels of a head there */                                             \
    U32(depth_rule)                                                                                \
    U32(base_layers) /* n_layers at which completep scales nothing */                              \
    U32(schedule)                                                                                  \
    F64(warmup)        /* share of the horizon, [0, 1) */                                          \
    U64(warmup_tokens) /* the same in tokens; 0: the share holds */                                \
    F64(final_lr)      /* LR at the end as a share of the peak */                                  \
    F64(min_lr)        /* the same, fixed; 0: the share holds */                                   \
    F64(cooldown)      /* wsd: share of the horizon in which the LR falls */                       \
    U32(cooldown_shape)                                                                            \
    F64(weight_decay)      /* decoupled */                                                         \
    U32(independent_decay) /* 0: multiplied by the LR; 1: by the schedule's factor alone */        \
    F64(beta1)                                                                                     \
    F64(beta2)                                                                                     \
    F64(adam_eps)                                                                                  \
    F64(clip) /* global gradient norm; 0: none */                                                  \
    U32(source)                                                                                    \
    U64(data_hash)  /* of what trial_place's data_path says; 0: nothing is read, or unchecked */   \
    U64(val_tokens) /* that the validation loss is the mean over; never trained on */              \
    U64(val_bytes)  /* of text that these tokens stand for; 0: not known */                        \
    U32(repeat)     /* 1: the text may be read more than once */                                   \
    F64(zipf_exponent) /* source synthetic */                                                      \
    F64(markov_weight) /* source synthetic: share of tokens drawn by their predecessors */         \
    U32(markov_order)  /* source synthetic: by how many of them */                                 \
    TEXT(products, TRIAL_PRODUCTS)                                                                 \
    STRUCT(simulate, simulate_spec) /* trainer simulate alone; elsewhere zero */

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
    U64(tokens)            /* trained until the end, or until it was seen to diverge */            \
    U64(begun_tokens) /* of the checkpoint or shared state that the attempt began with; 0: none */ \
    F64(seconds)      /* of the worker, wall; not part of what must be reproducible */             \
    F64(flops)        /* trial_flops_per_token() times tokens */                                   \
    TEXT(message, 256) /* why it diverged or failed */

struct trial_result {
    FIELD_DECLARE(TRIAL_RESULT_FIELDS)
};
extern const struct field_table trial_result_fields;

/* Where and how an attempt runs. Nothing of it reaches the losses: specs that are the same give the
 * same losses at any place. Paths are absolute; "": none. */
#define TRIAL_PLACE_FIELDS(U32, U64, F64, TEXT, STRUCT)                                            \
    U32(slot)                   /* the worker's number among those of its host, from 0 */          \
    U32(threads)                /* trainer.threads_per_worker */                                   \
    F64(silence_s)              /* a command that says nothing for so long has failed; 0: never */ \
    TEXT(data_path, TRIAL_PATH) /* DATASET.json; the table of replay; a command's setup */         \
    TEXT(output, TRIAL_PATH)    /* file for the end of what a command prints */                    \
    TEXT(checkpoint, TRIAL_PATH)                                                                   \
    F64(checkpoint_every_s)          /* 0: only when CANCEL asks for it */                         \
    TEXT(wsd_prefix_dir, TRIAL_PATH) /* states that horizons share (transformer/wsd_prefix.h) */   \
    U64(wsd_prefix_tokens)           /* of such a state to go on from; 0: none */

struct trial_place {
    FIELD_DECLARE(TRIAL_PLACE_FIELDS)
};
extern const struct field_table trial_place_fields;

/* Whether two specs mean the same training; bits of numbers are compared. */
bool trial_same(const struct trial_spec *a, const struct trial_spec *b);
/* XXH3-64 over the fields in their order: equal for specs that are the same, on any machine of the
 * same byte order. */
uint64_t trial_hash(const struct trial_spec *spec);

/* The MLP's usual middle: gpt 4 d_model; llama 8/3 d_model, rounded up to a multiple of 8. */
uint32_t trial_default_d_ff(uint32_t arch, uint32_t d_model);
/* Zipf exponent of the token frequencies of real text (BPE, ranks 10 to V/2), as measured at
 * vocabularies of 2k to 96k and drawn on from there; .5 at least. */
double trial_default_zipf(uint32_t vocab);
/* The LR's share of the peak at the end that each schedule usually has. */
double trial_default_final_lr(uint32_t schedule);
/* Gives the model another width: d_ff follows in proportion; n_heads is kept, or with heads_grow
 * the size of a head. False, with the spec as it was, when that does not divide. */
bool trial_set_width(struct trial_spec *spec, uint32_t d_model, bool heads_grow);

/* Parameters without the embeddings, and all. */
uint64_t trial_params_hidden(const struct trial_spec *spec);
uint64_t trial_params(const struct trial_spec *spec);
/* Forward + backward, attention counted in full: 6 (weights of the blocks) + 12 L d T + 6 d V; with
 * d_ff = 4 d that is 72 L d^2 + 12 L d T + 6 d V. */
double trial_flops_per_token(const struct trial_spec *spec);
/* horizon_tokens / batch_tokens, rounded up; 0: the trial has no steps (trainers that do not
 * train). */
uint64_t trial_steps(const struct trial_spec *spec);
/* wsd: the last step before the LR falls. */
uint64_t trial_stable_steps(const struct trial_spec *spec);
/* Tokens up to there, where a training is the same whatever its horizon, so that longer ones can go
 * on from it (Haegele et al. 2024, arXiv 2405.18392); 0: it is not, because the schedule is another
 * or the warm-up a share of the horizon. */
uint64_t trial_wsd_prefix_tokens(const struct trial_spec *spec);

#endif
