/* The keys of a plan: the only source of names, types, units, defaults, ranges and help. A new key
 * needs one row here and one member of struct plan. Rules across keys are in the files
 * check_*.c. */
#include "plan/schema.h"

#include <stdio.h>
#include <string.h>
#include "lrsearch/version.h"
#include "plan/quantity.h"

#define AT(member) offsetof(struct plan, member)
#define CAPACITY(member)                                                                           \
    (sizeof(((struct plan *)0)->member) / sizeof(((struct plan *)0)->member[0]))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Name, type and offset of section.key in a row; LIST: for members with a count beside them. */
#define KEY(kind, section, key) .name = #key, .type = TYPE_##kind, .offset = AT(section.key)
#define DURATION(section, key) .name = #key, .type = TYPE_DURATION, .offset = AT(section.key##_s)
#define LIST(kind, section, key, count)                                                            \
    KEY(kind, section, key), .count_offset = AT(section.count), .capacity = CAPACITY(section.key)

/* Token counts are limited to what a double holds exactly. */
#define TOKENS_MAX 1e15
#define AXIS(member) .list = LIST_AXIS, .list_offset = AT(axes.member)

#define X(enumerator, value, name) {name, enumerator, NULL},
static const struct plan_choice trainers[] = {TRAINER_MAP(X){0}};
static const struct plan_choice archs[] = {ARCH_MAP(X){0}};
static const struct plan_choice depth_rules[] = {DEPTH_MAP(X){0}};
static const struct plan_choice cooldowns[] = {COOLDOWN_MAP(X){0}};
static const struct plan_choice parametrizations[] = {PARAMETRIZATION_MAP(X){0}};
static const struct plan_choice schedules[] = {SCHEDULE_MAP(X){0}};
static const struct plan_choice optimizers[] = {OPTIMIZER_MAP(X){0}};
static const struct plan_choice muon_scales[] = {MUON_SCALE_MAP(X){0}};
static const struct plan_choice decay_rules[] = {DECAY_RULE_MAP(X){0}};
static const struct plan_choice precisions[] = {PRECISION_MAP(X){0}};
static const struct plan_choice sources[] = {SOURCE_MAP(X){0}};
static const struct plan_choice token_formats[] = {TOKEN_FORMAT_MAP(X){0}};
#undef X
static const struct plan_choice tokenizers[] = {
    {"bytes", TOKENIZER_BYTES, NULL}, {"bpe", TOKENIZER_BPE, NULL}, {0}};
static const struct plan_choice policies[] = {
    {"narrow", 0,
     "leave the key out: design, the default, narrows around each optimum for fewer tokens"},
#define X(enumerator, name) {name, enumerator, NULL},
    POLICY_MAP(X){0}};
#undef X

static const char *const columns[] = {
    "lr",    "tokens",          "loss",         "seed",      "d_model",      "n_layers",
    "vocab", "parametrization", "batch_tokens", "optimizer", "weight_decay", NULL};
static const char *const report_ways[] = {"fd",   "prefix", "regex", "file",
                                          "loss", "tokens", "steps", NULL};
static const struct plan_choice modes[] = {
    {"rounds", MODE_ROUNDS, NULL}, {"async", MODE_ASYNC, NULL}, {0}};
static const struct plan_choice widths[] = {{"auto", 0, NULL},
                                            {"1", 1, NULL},
                                            {"2", 2, NULL},
                                            {"4", 4, NULL},
                                            {"8", 8, NULL},
                                            {"16", 16, NULL},
                                            {0}};
static const struct plan_choice losses[] = {{"nonfinite", LOSS_NONFINITE, NULL}, {0}};
static const struct plan_choice on_fails[] = {
    {"mark", ON_FAIL_MARK, NULL}, {"stop", ON_FAIL_STOP, NULL}, {0}};

/* clang-format off */
static const struct plan_key top_keys[] = {
    {.name = "version", .type = TYPE_U32, .offset = AT(version), .need = NEED_ALWAYS, .low = PLAN_VERSION,
     .high = PLAN_VERSION,
     .beyond = ": the plan is for another lrsearch than this one, " LRSEARCH_VERSION,
     .help = "version of the plan's language"},
    {.name = "name", .type = TYPE_TEXT, .offset = AT(name), .need = NEED_ALWAYS,
     .capacity = PLAN_NAME,
     .help = "name of the campaign: letters, digits, `-`, `_`, `.`, at most 63; not `latest`, `cache`, `history.db`"},
    {.name = "seed", .type = TYPE_U64, .offset = AT(seed), .fallback = "1", .high = PLAN_SEED_MAX,
     .help = "first seed; it decides the initial weights and the order of the data"},
    {.name = "baseline", .type = TYPE_TEXT, .offset = AT(baseline), .fallback = "none",
     .derived = true, .capacity = TRIAL_PATH,
     .help = "run to compare the answer with: previous (the last finished run of this name), or a run's folder, relative to the plan's folder"},
};

static const struct plan_key diverged_keys[] = {
    {.name = "loss", .type = TYPE_ENUM, .offset = AT(trainer.diverged.loss), .choices = losses,
     .fallback = "nonfinite", .help = "nan or inf in place of a loss"},
    {.name = "exit", .type = TYPE_COUNTS, .offset = AT(trainer.diverged.exits),
     .count_offset = AT(trainer.diverged.exit_count), .capacity = PLAN_EXITS, .low = 1, .high = 255,
     .fallback = "none", .derived = true, .help = "these exit statuses, at most 8"},
    {.name = "regex", .type = TYPE_TEXT, .offset = AT(trainer.diverged.regex),
     .capacity = TRIAL_PATH, .fallback = "none", .derived = true,
     .help = "a line of stdout or stderr that matches"},
    {0}};

static const struct plan_key trainer_keys[] = {
    {KEY(ENUM, trainer, kind), .fallback = "transformer", .choices = trainers,
     .help = "transformer: built in, in C; command: a program of yours; replay: losses of earlier trainings, from a table; simulate: made-up losses; external: `lrsearch ask` hands out trials, `lrsearch tell` takes their losses"},
    {KEY(U32, trainer, threads_per_worker), .fallback = "1", .low = 1, .high = 256,
     .help = "threads that train one model; the result does not depend on their number"},
    {KEY(ENUM, trainer, ranks_per_trial), .fallback = "auto", .choices = widths,
     .help = "ranks that train one model together; auto: idle ranks join where that is faster; the result does not depend on their number"},
    {KEY(TEXT, trainer, matmul), .fallback = "auto", .capacity = TRIAL_PRODUCTS,
     .help = "matrix products: own, openblas or onednn; auto: the fastest, measured at the start"},
    {KEY(TEXT, trainer, table), .need = NEED_TO_REPLAY, .capacity = TRIAL_PATH,
     .help = "replay: CSV file with a header and one row per training; relative to the plan's folder"},
    {LIST(MAP, trainer, columns, column_count), .fallback = "{lr: lr, tokens: tokens, loss: loss}",
     .derived = true, .names = columns,
     .help = "replay: the table's names of lr, tokens, loss, seed (none) and optimizer, and of d_model, n_layers, vocab, parametrization, batch_tokens and weight_decay, of which only rows with the plan's values count"},
    {LIST(MAP, trainer, where, where_count), .fallback = "every row", .derived = true,
     .help = "replay: only rows with these values count, such as {width: 512}; at most 16"},
    {LIST(TEXTS, trainer, argv, argv_count), .need = NEED_TO_START, .empty = true,
     .help = "command: the program and its arguments, at most 64, without a shell; placeholders such as `{lr}`, `{steps}`, `{lr/10}` are replaced by the trial's values"},
    {LIST(MAP, trainer, env, env_count), .fallback = "none", .derived = true, .empty = true,
     .help = "command: more environment variables, at most 32; placeholders as in argv"},
    {KEY(TEXT, trainer, cwd), .fallback = "the plan's folder", .derived = true,
     .capacity = TRIAL_PATH,
     .help = "command: its working directory, which must exist; placeholders as in argv; relative to the plan's folder"},
    {KEY(U32, trainer, gpus_per_trial), .fallback = "0", .high = 64,
     .help = "command: GPUs of a trial; each worker of a host sets CUDA_VISIBLE_DEVICES to its own; 0: CUDA_VISIBLE_DEVICES is left as it is"},
    {LIST(MAP, trainer, report, report_count), .fallback = "{fd: true}", .derived = true,
     .names = report_ways,
     .help = "command: where its losses come from: fd: true, prefix: \"LRSEARCH \", regex: '...', or file: NAME with loss: NAME and tokens: NAME or steps: NAME"},
    {.name = "diverged", .type = TYPE_KEYS, .offset = AT(trainer.diverged), .inner = diverged_keys,
     .fallback = "{loss: nonfinite}", .derived = true,
     .help = "command: signs that a training diverged: loss: nonfinite (nan or inf in place of a loss; always on), exit: [3] (exit statuses, at most 8), regex: '...' (a matching line of stdout or stderr)"},
    {DURATION(trainer, kill_grace), .fallback = "30s", .high = 86400,
     .help = "command: time between SIGTERM and SIGKILL when lrsearch ends it"},
    {KEY(U32, trainer, concurrent_trials), .fallback = "0", .high = 1024,
     .help = "command: programs that run at the same time when lrsearch is started without mpirun; 0: one, with launcher srun as many as fit into the job"},
    {LIST(TEXTS, trainer, launcher, launcher_count), .fallback = "none", .derived = true,
     .empty = true,
     .help = "command: srun (each trial is a step of the Slurm job), or words that start the command elsewhere, with `{command}` in its place"},
    {KEY(U32, trainer, nodes_per_trial), .fallback = "1", .low = 1, .high = 1024,
     .help = "launcher srun: nodes of a trial; the command is started once on each"},
    {KEY(U32, trainer, cpus_per_trial), .fallback = "0", .high = 65536,
     .help = "launcher srun: CPUs of a trial over all its nodes; 0: threads_per_worker on each node"},
};

static const struct plan_key simulate_keys[] = {
    {KEY(NUMBER, surface, lr), .fallback = "8e-3", .above = true, .high = 100,
     .help = "best LR at 1M tokens (with a model: of 1M hidden parameters and vocabulary 10k)"},
    {KEY(NUMBER, surface, beta), .fallback = "0.3", .low = -2, .high = 2,
     .help = "the best LR falls as tokens^-beta"},
    {KEY(NUMBER, surface, alpha), .fallback = "0", .low = -2, .high = 2,
     .help = "the best LR falls as hidden parameters^-alpha"},
    {KEY(NUMBER, surface, gamma), .fallback = "0", .low = -2, .high = 2,
     .help = "the best LR falls as vocabulary^-gamma"},
    {KEY(NUMBER, surface, curvature), .unit = "nats", .fallback = "0.02", .high = 100,
     .help = "loss of an octave (factor 2) from the best LR, at 1M tokens"},
    {KEY(NUMBER, surface, curvature_drift), .fallback = "0", .low = -2, .high = 2,
     .help = "the curvature grows as tokens^this"},
    {KEY(NUMBER, surface, asymmetry), .fallback = "0.2", .low = -1, .high = 1,
     .help = "above 0: steeper above the best LR; loss = curvature t^2 (1 + asymmetry tanh t), t octaves away"},
    {KEY(NUMBER, surface, cliff), .unit = "octaves", .fallback = "2.5", .high = 100,
     .help = "trainings diverge from this distance above the best LR on"},
    {KEY(NUMBER, surface, misfit), .unit = "ln LR", .fallback = "0", .high = 10,
     .help = "standard deviation of each horizon's best LR from the power law"},
    {KEY(NUMBER, surface, noise), .unit = "nats", .fallback = "0.002", .high = 100,
     .help = "standard deviation of a loss"},
    {KEY(NUMBER, surface, seed_noise), .unit = "nats", .fallback = "0", .high = 100,
     .help = "standard deviation of an offset per seed, common to all losses of a horizon"},
    {KEY(SHARE, surface, crash), .fallback = "0", .high = 1, .help = "share of attempts that fail"},
    {KEY(NUMBER, surface, seconds_per_mtoken), .unit = "seconds", .fallback = "1", .high = 1e9,
     .help = "reported time of a training per 1M tokens; nothing waits for it"},
    {KEY(NUMBER, surface, delay), .fallback = "0", .high = 10,
     .help = "relative standard deviation of the reported time"},
    {KEY(NUMBER, surface, delta), .fallback = "0", .low = -2, .high = 2,
     .help = "with a model, the best LR falls as (width/64)^-delta"},
    {KEY(NUMBER, surface, batch), .fallback = "0", .low = -2, .high = 2,
     .help = "with training.batch_tokens, the best LR grows as (batch_tokens/10k)^batch"},
    {KEY(NUMBER, surface, ratio), .fallback = "1", .above = true, .high = 10000,
     .help = "best model.embedding_lr_ratio (with a model: of width 64 and vocabulary 10k)"},
    {KEY(NUMBER, surface, ratio_width), .fallback = "0", .low = -2, .high = 2,
     .help = "the best ratio grows as width^this"},
    {KEY(NUMBER, surface, ratio_vocab), .fallback = "0", .low = -2, .high = 2,
     .help = "the best ratio grows as vocabulary^this"},
    {KEY(NUMBER, surface, ratio_curvature), .unit = "nats", .fallback = "0", .high = 100,
     .help = "loss of an octave from the best LR of the embedding; 0: the ratio makes no difference"},
    {KEY(NUMBER, surface, decay), .fallback = "0.1", .above = true, .high = 10,
     .help = "best training.weight_decay at 1M tokens"},
    {KEY(NUMBER, surface, decay_tokens), .fallback = "0", .low = -2, .high = 2,
     .help = "the best weight decay grows as tokens^this"},
    {KEY(NUMBER, surface, decay_curvature), .unit = "nats", .fallback = "0", .high = 100,
     .help = "loss of an octave from the best LR times weight decay; 0: the decay makes no difference"},
};

static const struct plan_key model_keys[] = {
    {KEY(ENUM, model, arch), .fallback = "gpt", .choices = archs,
     .help = "gpt: LayerNorm, GELU, learned positions, biases; llama: RMSNorm, SwiGLU, RoPE, no biases"},
    {KEY(U32, model, d_model), .need = NEED_TO_TRAIN, .low = 2, .high = 65536, AXIS(d_model),
     .help = "width; a multiple of n_heads"},
    {KEY(U32, model, n_layers), .need = NEED_TO_TRAIN, .low = 1, .high = 1024, AXIS(n_layers),
     .help = "blocks of attention and MLP"},
    {KEY(U32, model, n_heads), .need = NEED_OR_NEXT, .fallback = "d_model / head_size",
     .derived = true, .low = 1, .high = 1024,
     .help = "attention heads, the same number at every width; give this or head_size"},
    {KEY(U32, model, head_size), .fallback = "d_model / n_heads", .derived = true, .low = 1,
     .high = 65536,
     .help = "channels of a head, the same at every width: wider models have more heads"},
    {KEY(U32, model, context), .need = NEED_TO_TRAIN, .unit = "tokens", .low = 2, .high = 1048576,
     .help = "length of a sequence"},
    {KEY(U32, model, vocab), .need = NEED_TO_TRAIN, .unit = "tokens", .low = 2, .high = 131072,
     AXIS(vocab), .help = "size of the vocabulary; at least 256 for bytes, 512 for bpe"},
    {KEY(ENUM, model, parametrization), .fallback = "sp", .choices = parametrizations,
     AXIS(parametrization),
     .help = "how initialization and LR scale with the width: standard, muP, or muP for large vocabularies"},
    {KEY(U32, model, base_width), .fallback = "model.d_model", .derived = true, .low = 1,
     .high = 65536, .help = "width at which mup and lvp equal sp; the plan's LRs are those of this width"},
    {KEY(U32, model, base_head_size), .fallback = "by n_heads or head_size", .derived = true,
     .low = 1, .high = 65536,
     .help = "channels of a head at base_width, at which mup's attention equals sp's"},
    {KEY(SPAN, model, embedding_lr_ratio), .fallback = "1; muon 0.3", .derived = true,
     .above = true, .high = 10000,
     .help = "LR of the embedding divided by that of the hidden matrices, at base_width; [low, high]: searched"},
    {KEY(SPAN, model, output_lr_ratio), .fallback = "1; muon 0.2", .derived = true, .above = true,
     .high = 10000, .help = "the same for the output matrix"},
    {KEY(SPAN, model, vector_lr_ratio), .fallback = "1; muon 0.2", .derived = true, .above = true,
     .high = 10000, .help = "the same for norms and biases"},
    {KEY(NUMBER, model, embedding_lr_exponent), .fallback = "auto", .derived = true,
     .automatic = true, .low = -2, .high = 2, AXIS(embedding_lr_exponent),
     .help = "the embedding's LR divided by that of the hidden matrices scales as width^this; auto: by parametrization (adamw: sp 0, mup 1, lvp 1/2); not with lvp"},
    {KEY(ENUM, model, depth_rule), .fallback = "none", .choices = depth_rules,
     .help = "completep: residual branches are multiplied by base_layers / n_layers, so that the LR carries over depths"},
    {KEY(U32, model, base_layers), .fallback = "model.n_layers", .derived = true, .low = 1,
     .high = 1024, .help = "depth at which completep changes nothing"},
    {KEY(U32, model, d_ff), .fallback = "4 d_model; llama 8/3", .derived = true, .low = 1,
     .high = 262144,
     .help = "hidden width of the MLP; llama's default is rounded up to a multiple of 8"},
    {KEY(BOOL, model, tied_output), .fallback = "false",
     .help = "true: output matrix and embedding are the same; not with lvp"},
    {KEY(BOOL, model, qk_norm), .fallback = "false",
     .help = "true: RMSNorm of each head's queries and keys, before RoPE"},
    {KEY(NUMBER, model, z_loss), .fallback = "0", .high = 1,
     .help = "this times ln(Z)^2 is added to the training loss, not to the reported one"},
};

static const struct plan_key data_keys[] = {
    {KEY(ENUM, data, source), .fallback = "tokens", .choices = sources,
     .help = "tokens: your text or token files; synthetic: endless made-up text without a file"},
    {LIST(TEXTS, data, text, text_count), .need = NEED_AS_TEXT,
     .help = "text files, plain or gzip, globs allowed; relative to the plan's folder; not with synthetic or data.tokens"},
    {LIST(TEXTS, data, tokens, token_count), .fallback = "data.text", .derived = true,
     .help = "instead of text: token files, globs allowed, read as one stream; or the .json that `lrsearch tokenize` wrote"},
    {LIST(TEXTS, data, val, val_count), .fallback = "the end", .derived = true,
     .help = "token files for validation, never trained on"},
    {KEY(ENUM, data, format), .fallback = "auto", .choices = token_formats,
     .help = "format of the token files: llmc (llm.c, modded-nanogpt), megatron (.bin with .idx), nanogpt (bare uint16); auto: detected"},
    {KEY(ENUM, data, tokenizer), .fallback = "bytes", .choices = tokenizers,
     .help = "tokenizer of text: bytes, or bpe, learned once from it with model.vocab tokens (256 of them bytes)"},
    {KEY(U64, data, val_tokens), .unit = "tokens", .fallback = "65536", .low = 3,
     .high = TOKENS_MAX,
     .help = "tokens of the validation loss: of data.val, or the end of the text, which is never trained on"},
    {KEY(U64, data, val_bytes), .unit = "bytes", .fallback = "none", .none = true, .low = 1,
     .high = TOKENS_MAX,
     .help = "instead of val_tokens: bytes at the end of the text, the same at every vocabulary"},
    {KEY(BOOL, data, repeat), .fallback = "false",
     .help = "true: a horizon may be longer than the text, which is then read again"},
    {KEY(NUMBER, data, zipf_exponent), .fallback = "by model.vocab", .derived = true, .high = 4,
     .help = "synthetic: token frequency falls as rank^-this; default: as measured on text (vocabulary 2k: .83, 32k: 1.01)"},
    {KEY(SHARE, data, markov_weight), .fallback = "0.7", .high = 1,
     .help = "synthetic: share of tokens that the tokens before decide"},
    {KEY(U32, data, markov_order), .fallback = "1", .low = 1, .high = 8,
     .help = "synthetic: number of tokens before that decide"},
};

static const struct plan_key training_keys[] = {
    {KEY(U32, training, batch_tokens), .need = NEED_TO_TRAIN, .unit = "tokens", .low = 2,
     .high = 1e9, AXIS(batch_tokens), .help = "tokens of one step; a multiple of model.context"},
    {KEY(ENUM, training, schedule), .fallback = "cosine", .choices = schedules,
     .help = "LR schedule after the warm-up"},
    {KEY(SHARE, training, warmup), .fallback = "0.05", .high = 1, .below = true,
     .help = "linear warm-up, as a share of the horizon"},
    {KEY(U64, training, warmup_tokens), .unit = "tokens", .fallback = "none", .none = true,
     .low = 1, .high = TOKENS_MAX, .help = "instead of warmup: the same number of tokens at every horizon"},
    {KEY(U64, training, warmup_steps), .unit = "steps", .fallback = "none", .none = true, .low = 1,
     .high = 1e9, .help = "instead of warmup: the same number of steps at every horizon"},
    {KEY(SHARE, training, final_lr), .fallback = "0.1; linear and wsd 0", .derived = true,
     .high = 1, .help = "LR at the end, as a share of the peak LR"},
    {KEY(NUMBER, training, min_lr), .fallback = "none", .none = true, .above = true, .high = 100,
     .help = "instead of final_lr: the LR at the end, independent of the peak LR"},
    {KEY(SHARE, training, cooldown), .fallback = "0.2", .above = true, .high = 1,
     .help = "wsd: share of the horizon, at its end, in which the LR falls"},
    {KEY(ENUM, training, cooldown_shape), .fallback = "linear", .choices = cooldowns,
     .help = "wsd: how it falls"},
    {KEY(ENUM, training, optimizer), .fallback = "adamw", .choices = optimizers,
     .help = "muon: hidden matrices by Muon, the rest by AdamW with LRs of its own (model.embedding_lr_ratio and the like); with another trainer: its optimizer, on which the assumed exponent depends"},
    {KEY(ENUM, training, muon_lr_scale), .fallback = "unit_rms", .choices = muon_scales,
     .help = "muon: factor of a matrix's step: unit_rms: sqrt(rows / columns), which carries over widths; match_rms: .2 sqrt(the larger of both), for AdamW's LRs; original: sqrt(rows / columns), at least 1"},
    {KEY(NUMBER, training, muon_momentum), .fallback = "0.95", .high = 1, .below = true,
     .help = "muon: momentum (Nesterov)"},
    {KEY(NUMBER, training, weight_decay), .fallback = "0.1", .high = 10, AXIS(weight_decay),
     .help = "decoupled weight decay, multiplied by the LR; values of a list must be above 0"},
    {KEY(ENUM, training, decay_rule), .fallback = "constant", .choices = decay_rules,
     .help = "timescale: weight_decay is the target's; other trainings have it times (target's tokens / tokens) (batch / target's batch), so that tau = batch / (LR weight_decay tokens) is the same"},
    {KEY(BOOL, training, independent_decay), .fallback = "false",
     .help = "true: the decay is multiplied by the schedule's factor of 0 to 1 and not by the LR"},
    {KEY(NUMBER, training, beta1), .fallback = "0.9", .high = 1, .below = true,
     .help = "Adam: decay of the mean of gradients"},
    {KEY(NUMBER, training, beta2), .fallback = "0.95", .high = 1, .below = true,
     .help = "Adam: decay of the mean of squares"},
    {KEY(U64, training, beta2_half_life), .unit = "tokens", .fallback = "none", .none = true,
     .low = 1, .high = TOKENS_MAX,
     .help = "instead of beta2: tokens after which a squared gradient has half its weight"},
    {KEY(NUMBER, training, adam_eps), .fallback = "1e-8", .above = true, .high = 1,
     .help = "Adam: added to the root of the squares"},
    {KEY(NUMBER, training, clip), .fallback = "1.0", .none = true, .above = true, .high = 1000,
     .help = "largest global norm of the gradient"},
    {KEY(ENUM, training, precision), .fallback = "fp32", .choices = precisions,
     .help = "precision of the products of linear layers, attention and output matrix; bf16: mixed precision, with sums, weights, norms, softmax, loss and optimizer in fp32"},
};

static const struct plan_key search_keys[] = {
    {KEY(PAIR, search, lr), .need = NEED_ALWAYS, .above = true, .high = 100,
     .help = "lowest and highest peak LR to try"},
    {KEY(PAIR, search, weight_decay), .fallback = "none", .none = true, .above = true, .high = 10,
     .help = "lowest and highest training.weight_decay to try, searched together with the LR; none: training.weight_decay"},
    {LIST(COUNTS, search, horizons, horizon_count), .need = NEED_ALWAYS, .unit = "tokens", .low = 1,
     .high = TOKENS_MAX,
     .help = "lengths of the short trainings, ascending, at most 16; three or more allow a back-test"},
    {KEY(U32, search, seeds), .fallback = "1", .low = 1, .high = 32, .list = LIST_SEEDS,
     .list_offset = AT(search.seed_list),
     .help = "trainings per LR; a list: the seeds themselves"},
    {KEY(ENUM, search, policy), .fallback = "design", .choices = policies,
     .help = "design: narrows around each optimum, with the trials that reduce the target's uncertainty most per token; grid: LRs an octave apart at each horizon"},
    {KEY(NUMBER, search, precision), .unit = "nats", .fallback = "0.001", .above = true, .high = 10,
     .help = "design: ends when the target's expected loss penalty is below this, or its 90 % interval reaches less than half an octave each way"},
    {KEY(NUMBER, search, min_gain), .unit = "nats", .fallback = "0.005", .above = true, .high = 10,
     .help = "design: ends when no trial is expected to lower the target's loss by this much per target run's tokens"},
    {KEY(U32, search, round_trials), .fallback = "8", .low = 1, .high = 1024,
     .help = "design: most trials of a round"},
    {KEY(ENUM, search, mode), .fallback = "rounds", .choices = modes,
     .help = "rounds: the same trials on any number of ranks; async (with design): a free worker gets a further valuable trial while others run"},
    {KEY(NUMBER, search, resolution), .unit = "octaves", .fallback = "1", .low = 0.05, .high = 2,
     .help = "design with several models: distance of the LRs that may be tried, within .25 to .5; with one model it is .25"},
    {KEY(BOOL, search, extend), .fallback = "false",
     .help = "true: widens search.lr, by up to two octaves at a time and six in all, when the best LR lies at its edge, or downward when every training diverges"},
    {KEY(NUMBER, search, prior_beta), .fallback = "auto", .derived = true, .automatic = true,
     .low = -1, .high = 2,
     .help = "assumed exponent of best LR ~ tokens^-beta; auto: from published exponents, by batch, steps and optimizer"},
    {KEY(NUMBER, search, prior_beta_sd), .fallback = "auto", .derived = true, .automatic = true,
     .above = true, .high = 10,
     .help = "scale of prior_beta (Student's t, 3 degrees of freedom): the smaller, the less the data count"},
    {KEY(NUMBER, search, prior_lr), .fallback = "none", .none = true, .above = true, .high = 100,
     .help = "best LR according to earlier trainings"},
    {KEY(NUMBER, search, prior_lr_sd), .unit = "octaves", .fallback = "1", .low = 0.1, .high = 10,
     .help = "scale of prior_lr (Student's t, 3 degrees of freedom)"},
    {KEY(U64, search, prior_tokens), .unit = "tokens", .fallback = "none", .none = true, .low = 1,
     .high = TOKENS_MAX, .help = "horizon at which prior_lr is best"},
};

static const struct plan_key target_keys[] = {
    {KEY(U64, target, tokens), .need = NEED_ALWAYS, .unit = "tokens", .low = 1, .high = TOKENS_MAX,
     .help = "length of the training whose LR is wanted"},
    {KEY(U32, target, d_model), .fallback = "model.d_model", .derived = true, .low = 2,
     .high = 1048576,
     .help = "its width; one that differs from model.d_model needs mup or lvp, or a list of widths"},
    {KEY(U32, target, n_layers), .fallback = "model.n_layers", .derived = true, .low = 1,
     .high = 1024, .help = "its depth"},
    {KEY(U32, target, vocab), .unit = "tokens", .fallback = "model.vocab", .derived = true,
     .low = 2, .high = 1e6, .help = "its vocabulary"},
    {KEY(U32, target, batch_tokens), .unit = "tokens", .fallback = "training.batch_tokens",
     .derived = true, .low = 2, .high = 1e9,
     .help = "tokens of one of its steps, a multiple of model.context"},
    {KEY(ENUM, target, schedule), .fallback = "training.schedule", .derived = true,
     .choices = schedules, .help = "its LR schedule"},
    {KEY(NUMBER, target, weight_decay), .fallback = "training.weight_decay", .derived = true,
     .high = 10, .help = "its weight decay; one that differs from training.weight_decay needs a list there"},
};

static const struct plan_key confirm_keys[] = {
    {KEY(U64, confirm, tokens), .unit = "tokens", .fallback = "none", .none = true, .low = 1,
     .high = TOKENS_MAX,
     .help = "length of the confirming trainings; none: target.tokens, halved until budget and text allow it"},
    {KEY(U32, confirm, seeds), .fallback = "1", .low = 1, .high = 32,
     .help = "trainings of each of the three LRs"},
};

static const struct plan_key budget_keys[] = {
    {KEY(U64, budget, tokens), .unit = "tokens", .fallback = "none", .none = true, .low = 1,
     .high = TOKENS_MAX, .help = "most tokens of the whole campaign"},
    {KEY(NUMBER, budget, flops), .unit = "FLOPs", .fallback = "none", .none = true, .low = 1,
     .high = 1e30, .help = "most floating-point operations of the campaign; transformer only"},
    {KEY(NUMBER, budget, core_hours), .unit = "hours", .fallback = "none", .none = true,
     .above = true, .high = 1e9,
     .help = "most core hours: time of the trainings times threads_per_worker; the coordinator's time is not counted"},
    {KEY(U64, budget, trials), .fallback = "none", .none = true, .low = 1, .high = 1e6,
     .help = "most trainings"},
    {DURATION(budget, wall), .fallback = "none", .none = true, .low = 1, .high = 31536000,
     .help = "most elapsed time"},
    {KEY(NUMBER, budget, share_of_target), .unit = "target runs", .fallback = "none", .none = true,
     .above = true, .high = 1000,
     .help = "most cost, in target runs: of its FLOPs, or of its tokens where FLOPs are unknown"},
    {KEY(SHARE, budget, reserve), .fallback = "0.3 with confirm, or 0", .derived = true,
     .high = 0.9, .help = "share of each budget that is kept for confirm"},
};

static const struct plan_key limits_keys[] = {
    {DURATION(limits, silence), .fallback = "10m", .none = true, .low = 1, .high = 604800,
     .help = "after this time without a message a worker is left out until it is heard again, and its training is tried elsewhere; a command without output for this time has failed, also in `lrsearch train`"},
    {DURATION(limits, trial_time), .fallback = "none", .none = true, .low = 1, .high = 31536000,
     .help = "a training that takes longer has failed"},
    {DURATION(limits, checkpoint_every), .fallback = "5m", .none = true, .low = 1, .high = 604800,
     .help = "time between checkpoints of a training; none: only when the campaign is stopped"},
    {KEY(U32, limits, max_failures), .fallback = "10", .high = 1e6,
     .help = "allowed failed or lost attempts; one more ends the campaign"},
};

static const struct plan_key on_fail_keys[] = {
    {KEY(U32, on_fail, retries), .fallback = "2", .high = 100,
     .help = "new attempts after a failure or loss, on another worker where there is one; after a failure 1, 2, 4, ... 60 s later"},
    {KEY(ENUM, on_fail, then), .fallback = "mark", .choices = on_fails,
     .help = "mark: the training counts as failed and the campaign continues; stop: the campaign ends (exit status 5), and the next start tries it again"},
};

static const struct plan_key tolerance_keys[] = {
    {KEY(NUMBER, tolerance, lr), .unit = "factor", .fallback = "1.5", .none = true, .low = 1,
     .above = true, .high = 1000,
     .help = "allowed factor between the target's LR and the baseline's, up or down"},
    {KEY(NUMBER, tolerance, loss), .unit = "nats", .fallback = "0.02", .none = true, .above = true,
     .high = 100,
     .help = "allowed difference of the loss at the best LR from the baseline's, at the horizon where both are known best"},
};

static const struct plan_key output_keys[] = {
    {KEY(TEXT, output, dir), .fallback = "logs/NAME", .derived = true, .capacity = TRIAL_PATH,
     .help = "folder of the run; relative to the working directory"},
};

const struct plan_section plan_sections[] = {
    {"", "at the top", top_keys, COUNT(top_keys)},
    {"trainer", "what trains", trainer_keys, COUNT(trainer_keys)},
    {"simulate", "the made-up losses of trainer.kind simulate", simulate_keys, COUNT(simulate_keys)},
    {"model", "what is trained", model_keys, COUNT(model_keys)},
    {"data", "what it is trained on", data_keys, COUNT(data_keys)},
    {"training", "how it is trained", training_keys, COUNT(training_keys)},
    {"search", "where and how the LR is searched", search_keys, COUNT(search_keys)},
    {"target", "the long training whose LR is wanted", target_keys, COUNT(target_keys)},
    {"confirm", "trainings that test the answer", confirm_keys, COUNT(confirm_keys)},
    {"budget", "what the search may cost", budget_keys, COUNT(budget_keys)},
    {"limits", "timeouts and checkpoints", limits_keys, COUNT(limits_keys)},
    {"on_fail", "when a training fails or its worker is lost (a diverged training has not failed)", on_fail_keys, COUNT(on_fail_keys)},
    {"tolerance", "allowed change from the baseline (beyond it: exit status 7)", tolerance_keys, COUNT(tolerance_keys)},
    {"output", "where results go", output_keys, COUNT(output_keys)},
};
const size_t plan_section_count = COUNT(plan_sections);
/* clang-format on */

static const struct plan_gone_key gone_keys[] = {
    {"search", "bootstrap", "leave it out: intervals come from the fit to all trials"},
};

_Static_assert(COUNT(plan_sections) <= PLAN_SECTIONS_MAX, "raise PLAN_SECTIONS_MAX");
_Static_assert(COUNT(model_keys) <= PLAN_SECTION_KEYS, "raise PLAN_SECTION_KEYS");
_Static_assert(COUNT(training_keys) <= PLAN_SECTION_KEYS, "raise PLAN_SECTION_KEYS");
_Static_assert(COUNT(search_keys) <= PLAN_SECTION_KEYS, "raise PLAN_SECTION_KEYS");

struct plan_axis *plan_key_axis(const struct plan_key *key, struct plan *plan)
{
    return key->list == LIST_AXIS && key->type != TYPE_NUMBER
               ? (struct plan_axis *)(void *)((unsigned char *)plan + key->list_offset)
               : NULL;
}

struct plan_number_axis *plan_key_number_axis(const struct plan_key *key, struct plan *plan)
{
    return key->list == LIST_AXIS && key->type == TYPE_NUMBER
               ? (struct plan_number_axis *)(void *)((unsigned char *)plan + key->list_offset)
               : NULL;
}

void plan_fill_axes(struct plan *plan)
{
    for (size_t s = 0; s < plan_section_count; s++)
        for (size_t k = 0; k < plan_sections[s].count; k++) {
            const struct plan_key *key = &plan_sections[s].keys[k];
            const void *member = (unsigned char *)plan + key->offset;
            struct plan_axis *axis = plan_key_axis(key, plan);
            struct plan_number_axis *numbers = plan_key_number_axis(key, plan);
            if (axis && axis->count < 2) {
                memcpy(axis->values, member, sizeof(axis->values[0]));
                axis->count = 1;
            }
            if (numbers && numbers->count < 2) {
                memcpy(numbers->values, member, sizeof(numbers->values[0]));
                numbers->count = 1;
            }
        }
}

const struct plan_section *plan_section_find(const char *name)
{
    for (size_t i = 0; i < plan_section_count; i++)
        if (strcmp(plan_sections[i].name, name) == 0)
            return &plan_sections[i];
    return NULL;
}

const struct plan_key *plan_key_find(const struct plan_section *section, const char *name)
{
    for (size_t i = 0; i < section->count; i++)
        if (strcmp(section->keys[i].name, name) == 0)
            return &section->keys[i];
    return NULL;
}

const struct plan_gone_key *plan_gone_key_find(const struct plan_section *section, const char *name)
{
    for (size_t i = 0; i < COUNT(gone_keys); i++)
        if (strcmp(gone_keys[i].section, section->name) == 0 &&
            strcmp(gone_keys[i].name, name) == 0)
            return &gone_keys[i];
    return NULL;
}

/* ---- what a key may be, in words: for error texts and the tables of docs/plan.md ---- */

static const char *bound_text(const struct plan_key *key, double bound, char *out, size_t capacity)
{
    if (key->type == TYPE_DURATION)
        return quantity_duration_text(bound, out, capacity);
    if (key->type == TYPE_NUMBER || key->type == TYPE_SHARE || key->type == TYPE_PAIR ||
        key->type == TYPE_SPAN) {
        snprintf(out, capacity, "%g", bound);
        return out;
    }
    return quantity_count_text((uint64_t)bound, out, capacity);
}

bool plan_key_has_default(const struct plan_key *key)
{
    return key->fallback && !key->derived;
}

const char *plan_range_text(const struct plan_key *key, char *out, size_t capacity)
{
    char low[32], high[32];
    bound_text(key, key->low, low, sizeof(low));
    bound_text(key, key->high, high, sizeof(high));
    const char *none = key->none ? ", or none" : key->automatic ? ", or auto" : "";
    if (key->low >= key->high)
        snprintf(out, capacity, "only %s", low);
    else if (!key->above && !key->below)
        snprintf(out, capacity, "%s to %s%s", low, high, none);
    else
        snprintf(out, capacity, "%s %s, %s %s%s", key->above ? "above" : "from", low,
                 key->below ? "below" : "up to", high, none);
    return out;
}

const char *plan_choices_text(const struct plan_key *key, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (const struct plan_choice *choice = key->choices; choice->name; choice++) {
        if (choice->gone || used >= capacity)
            continue;
        int length = snprintf(out + used, capacity - used, "%s%s", used ? ", " : "", choice->name);
        used += length > 0 ? (size_t)length : 0;
    }
    return out;
}

const char *plan_type_text(enum plan_type type)
{
    switch (type) {
    case TYPE_U32:
    case TYPE_U64:
        return "a whole count such as 64, 128k or 2M";
    case TYPE_NUMBER:
        return "a number such as 0.1 or 1e-3";
    case TYPE_SHARE:
        return "a share such as 0.1";
    case TYPE_DURATION:
        return "a duration such as 90s, 5m, 2h or 1d";
    case TYPE_BOOL:
        return "true or false";
    case TYPE_TEXT:
        return "text";
    case TYPE_ENUM:
        return "a word";
    case TYPE_TEXTS:
        return "a list of texts such as [corpus/*.txt.gz]";
    case TYPE_COUNTS:
        return "a list of counts such as [2M, 4M, 8M]";
    case TYPE_PAIR:
        return "two numbers such as [1e-4, 3e-2]";
    case TYPE_MAP:
        return "keys and values such as {width: 512}";
    case TYPE_KEYS:
        return "keys and values such as {exit: [3]}";
    case TYPE_SPAN:
        return "a number such as 2, or a range to search such as [0.5, 50]";
    }
    return "?";
}

const char *plan_kind_text(enum plan_type type)
{
    static const char *const names[] = {
        [TYPE_U32] = "count",           [TYPE_U64] = "count",
        [TYPE_NUMBER] = "number",       [TYPE_SHARE] = "share",
        [TYPE_DURATION] = "duration",   [TYPE_BOOL] = "true or false",
        [TYPE_TEXT] = "text",           [TYPE_ENUM] = "word",
        [TYPE_TEXTS] = "list of texts", [TYPE_COUNTS] = "list of counts",
        [TYPE_PAIR] = "two numbers",    [TYPE_SPAN] = "number or range",
        [TYPE_MAP] = "keys and values", [TYPE_KEYS] = "keys and values"};
    return names[type];
}
