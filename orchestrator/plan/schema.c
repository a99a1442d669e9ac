/* The keys of a plan: the one place where names, types, units, defaults, ranges and help stand.
 * A new key is one row here and one member of struct plan. Rules that join several keys are in
 * the files check_*.c. */
#include "plan/schema.h"

#include <stdio.h>
#include <string.h>
#include "plan/quantity.h"

#define AT(member) offsetof(struct plan, member)
#define CAPACITY(member)                                                                           \
    (sizeof(((struct plan *)0)->member) / sizeof(((struct plan *)0)->member[0]))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Token counts stop where a double still holds them exactly. */
#define TOKENS_MAX 1e15
#define AXIS(member) .list = LIST_AXIS, .list_offset = AT(axes.member)

#define X(enumerator, value, name) {name, enumerator, true},
static const struct plan_choice trainers[] = {TRAINER_MAP(X){0}};
static const struct plan_choice archs[] = {ARCH_MAP(X){0}};
static const struct plan_choice depth_rules[] = {DEPTH_MAP(X){0}};
static const struct plan_choice cooldowns[] = {COOLDOWN_MAP(X){0}};
static const struct plan_choice parametrizations[] = {PARAMETRIZATION_MAP(X){0}};
static const struct plan_choice schedules[] = {SCHEDULE_MAP(X){0}};
static const struct plan_choice sources[] = {SOURCE_MAP(X){0}};
static const struct plan_choice token_formats[] = {TOKEN_FORMAT_MAP(X){0}};
#undef X
static const struct plan_choice tokenizers[] = {
    {"bytes", TOKENIZER_BYTES, true}, {"bpe", TOKENIZER_BPE, true}, {0}};
static const struct plan_choice policies[] = {{"narrow", POLICY_NARROW, true},
                                              {"grid", POLICY_GRID, true},
                                              {"design", POLICY_DESIGN, true},
                                              {0}};

static const char *const columns[] = {"lr",           "tokens",   "loss",  "seed",
                                      "d_model",      "n_layers", "vocab", "parametrization",
                                      "batch_tokens", NULL};
static const char *const report_ways[] = {"fd", "prefix", "regex", NULL};
static const struct plan_choice modes[] = {
    {"rounds", MODE_ROUNDS, true}, {"async", MODE_ASYNC, true}, {0}};
static const struct plan_choice on_fails[] = {
    {"mark", ON_FAIL_MARK, true}, {"stop", ON_FAIL_STOP, true}, {0}};

/* clang-format off */
static const struct plan_key top_keys[] = {
    {.name = "version", .type = TYPE_U32, .need = NEED_ALWAYS, .low = 1, .high = 1,
     .offset = AT(version), .help = "version of the plan's language"},
    {.name = "name", .type = TYPE_TEXT, .need = NEED_ALWAYS, .offset = AT(name),
     .capacity = PLAN_NAME,
     .help = "name of the campaign: letters, digits, `-`, `_`, `.`, at most 63; not `latest`, `cache`, `history.db`"},
    {.name = "seed", .type = TYPE_U64, .fallback = "1", .high = PLAN_SEED_MAX, .offset = AT(seed),
     .help = "first seed of weights, order of the data and bootstrap"},
    {.name = "baseline", .type = TYPE_TEXT, .fallback = "none", .derived = true,
     .offset = AT(baseline), .capacity = TRIAL_PATH, .help = "run that the answer is compared with: previous (the last finished one of this name), or a run's folder, relative to the plan's"},
};

static const struct plan_key trainer_keys[] = {
    {.name = "kind", .type = TYPE_ENUM, .fallback = "transformer", .choices = trainers,
     .offset = AT(trainer.kind), .help = "transformer: the built-in one, in C; replay: losses of earlier trainings, from a table; simulate: made-up losses; command: a program of yours"},
    {.name = "threads_per_worker", .type = TYPE_U32, .fallback = "1", .low = 1, .high = 256,
     .offset = AT(trainer.threads_per_worker),
     .help = "cores that train one model together; the result does not depend on it"},
    {.name = "matmul", .type = TYPE_TEXT, .fallback = "auto", .offset = AT(trainer.matmul),
     .capacity = TRIAL_PRODUCTS,
     .help = "who multiplies matrices: own, openblas, onednn; auto: measured at the start"},
    {.name = "table", .type = TYPE_TEXT, .need = NEED_TO_REPLAY, .offset = AT(trainer.table),
     .capacity = TRIAL_PATH,
     .help = "replay: CSV with a header, one row a training; relative to the plan's folder"},
    {.name = "columns", .type = TYPE_MAP, .fallback = "{lr: lr, tokens: tokens, loss: loss}",
     .derived = true, .offset = AT(trainer.columns), .count_offset = AT(trainer.column_count),
     .capacity = CAPACITY(trainer.columns), .names = columns,
     .help = "replay: what the table calls its columns lr, tokens, loss and seed (none); and d_model, n_layers, vocab, parametrization or batch_tokens, of whose rows only those with the plan's value count"},
    {.name = "where", .type = TYPE_MAP, .fallback = "every row", .derived = true,
     .offset = AT(trainer.where), .count_offset = AT(trainer.where_count),
     .capacity = CAPACITY(trainer.where),
     .help = "replay: only rows with these values, such as {width: 512}; at most 16"},
    {.name = "argv", .type = TYPE_TEXTS, .need = NEED_TO_START, .offset = AT(trainer.argv),
     .count_offset = AT(trainer.argv_count), .capacity = CAPACITY(trainer.argv), .empty = true,
     .help = "command: the program and its arguments, at most 64, no shell; `{lr}` and the like stand for the trial"},
    {.name = "env", .type = TYPE_MAP, .fallback = "none", .derived = true,
     .offset = AT(trainer.env), .count_offset = AT(trainer.env_count),
     .capacity = CAPACITY(trainer.env), .empty = true, .help = "command: further environment variables, at most 32"},
    {.name = "cwd", .type = TYPE_TEXT, .fallback = "the plan's folder", .derived = true,
     .offset = AT(trainer.cwd), .capacity = TRIAL_PATH,
     .help = "command: folder in which it runs; a relative one starts at the plan's folder"},
    {.name = "gpus_per_trial", .type = TYPE_U32, .fallback = "0", .high = 64,
     .offset = AT(trainer.gpus_per_trial),
     .help = "command: GPUs that a worker shows it by CUDA_VISIBLE_DEVICES, each worker of a host its own; 0: as it is"},
    {.name = "report", .type = TYPE_MAP, .fallback = "{fd: true}", .derived = true,
     .offset = AT(trainer.report), .count_offset = AT(trainer.report_count),
     .capacity = CAPACITY(trainer.report), .names = report_ways,
     .help = "command: how it tells losses: fd: true, prefix: \"LRSEARCH \" or regex: \"...\""},
    {.name = "kill_grace", .type = TYPE_DURATION, .fallback = "30s", .high = 86400,
     .offset = AT(trainer.kill_grace_s),
     .help = "command: time between SIGTERM and SIGKILL where it is ended"},
};

static const struct plan_key simulate_keys[] = {
    {.name = "lr", .type = TYPE_NUMBER, .fallback = "8e-3", .above = true, .high = 100,
     .offset = AT(surface.lr),
     .help = "best LR at 1M tokens (with a model: of 1M hidden parameters and vocabulary 10k)"},
    {.name = "beta", .type = TYPE_NUMBER, .fallback = "0.3", .low = -2, .high = 2,
     .offset = AT(surface.beta), .help = "it falls as tokens^-beta"},
    {.name = "alpha", .type = TYPE_NUMBER, .fallback = "0", .low = -2, .high = 2,
     .offset = AT(surface.alpha), .help = "and as hidden parameters^-alpha"},
    {.name = "gamma", .type = TYPE_NUMBER, .fallback = "0", .low = -2, .high = 2,
     .offset = AT(surface.gamma), .help = "and as vocabulary^-gamma"},
    {.name = "curvature", .type = TYPE_NUMBER, .unit = "nats", .fallback = "0.02", .high = 100,
     .offset = AT(surface.curvature), .help = "what an octave from the best LR costs, at 1M tokens"},
    {.name = "curvature_drift", .type = TYPE_NUMBER, .fallback = "0", .low = -2, .high = 2,
     .offset = AT(surface.curvature_drift), .help = "curvature goes as tokens^this"},
    {.name = "asymmetry", .type = TYPE_NUMBER, .fallback = "0.2", .low = -1, .high = 1,
     .offset = AT(surface.asymmetry),
     .help = "above 0: steeper above the best LR; loss = curvature t^2 (1 + asymmetry tanh t), t octaves away"},
    {.name = "cliff", .type = TYPE_NUMBER, .unit = "octaves", .fallback = "2.5", .high = 100,
     .offset = AT(surface.cliff), .help = "so far above the best LR trainings diverge"},
    {.name = "misfit", .type = TYPE_NUMBER, .unit = "ln LR", .fallback = "0", .high = 10,
     .offset = AT(surface.misfit), .help = "standard deviation of each horizon's best LR from the law"},
    {.name = "noise", .type = TYPE_NUMBER, .unit = "nats", .fallback = "0.002", .high = 100,
     .offset = AT(surface.noise), .help = "standard deviation of a loss"},
    {.name = "seed_noise", .type = TYPE_NUMBER, .unit = "nats", .fallback = "0", .high = 100,
     .offset = AT(surface.seed_noise),
     .help = "standard deviation of what a seed adds to all losses of a horizon alike"},
    {.name = "crash", .type = TYPE_SHARE, .fallback = "0", .high = 1,
     .offset = AT(surface.crash), .help = "share of attempts that fail"},
    {.name = "seconds_per_mtoken", .type = TYPE_NUMBER, .unit = "seconds", .fallback = "1",
     .high = 1e9, .offset = AT(surface.seconds_per_mtoken),
     .help = "that a training says it took for 1M tokens; nothing waits for them"},
    {.name = "delay", .type = TYPE_NUMBER, .fallback = "0", .high = 10,
     .offset = AT(surface.delay), .help = "relative standard deviation of that time"},
    {.name = "delta", .type = TYPE_NUMBER, .fallback = "0", .low = -2, .high = 2,
     .offset = AT(surface.delta), .help = "with a model, the best LR falls as width^-delta, from width 64 on"},
    {.name = "batch", .type = TYPE_NUMBER, .fallback = "0", .low = -2, .high = 2,
     .offset = AT(surface.batch),
     .help = "with training.batch_tokens, it goes as batch_tokens^batch, from 10k on"},
    {.name = "ratio", .type = TYPE_NUMBER, .fallback = "1", .above = true, .high = 10000,
     .offset = AT(surface.ratio),
     .help = "best model.embedding_lr_ratio (with a model: of width 64 and vocabulary 10k)"},
    {.name = "ratio_width", .type = TYPE_NUMBER, .fallback = "0", .low = -2, .high = 2,
     .offset = AT(surface.ratio_width), .help = "it goes as width^this"},
    {.name = "ratio_vocab", .type = TYPE_NUMBER, .fallback = "0", .low = -2, .high = 2,
     .offset = AT(surface.ratio_vocab), .help = "and as vocabulary^this"},
    {.name = "ratio_curvature", .type = TYPE_NUMBER, .unit = "nats", .fallback = "0", .high = 100,
     .offset = AT(surface.ratio_curvature),
     .help = "what an octave from the best LR of the embedding costs; 0: the ratio is all one"},
};

static const struct plan_key model_keys[] = {
    {.name = "arch", .type = TYPE_ENUM, .fallback = "gpt", .choices = archs,
     .offset = AT(model.arch),
     .help = "gpt: LayerNorm, GELU, learned positions, biases; llama: RMSNorm, SwiGLU, RoPE, no biases"},
    {.name = "d_model", .type = TYPE_U32, .need = NEED_TO_TRAIN, .low = 2, .high = 65536,
     .offset = AT(model.d_model), AXIS(d_model), .help = "width; a multiple of n_heads"},
    {.name = "n_layers", .type = TYPE_U32, .need = NEED_TO_TRAIN, .low = 1, .high = 1024,
     .offset = AT(model.n_layers), AXIS(n_layers), .help = "blocks of attention and MLP"},
    {.name = "n_heads", .type = TYPE_U32, .need = NEED_OR_NEXT, .fallback = "d_model / head_size",
     .derived = true, .low = 1, .high = 1024, .offset = AT(model.n_heads),
     .help = "attention heads, the same at every width; this or head_size is needed"},
    {.name = "head_size", .type = TYPE_U32, .fallback = "d_model / n_heads", .derived = true,
     .low = 1, .high = 65536, .offset = AT(model.head_size),
     .help = "channels of a head; the same at every width, so that heads grow in number"},
    {.name = "context", .type = TYPE_U32, .need = NEED_TO_TRAIN, .unit = "tokens", .low = 2,
     .high = 1048576, .offset = AT(model.context), .help = "length of a sequence"},
    {.name = "vocab", .type = TYPE_U32, .need = NEED_TO_TRAIN, .unit = "tokens", .low = 2,
     .high = 131072, .offset = AT(model.vocab), AXIS(vocab),
     .help = "size of the vocabulary; at least 256 for bytes, 512 for bpe"},
    {.name = "parametrization", .type = TYPE_ENUM, .fallback = "sp", .choices = parametrizations,
     .offset = AT(model.parametrization), AXIS(parametrization),
     .help = "how init and LR follow the width: standard, muP, or muP for large vocabularies"},
    {.name = "base_width", .type = TYPE_U32, .fallback = "model.d_model", .derived = true,
     .low = 1, .high = 65536, .offset = AT(model.base_width),
     .help = "width at which mup and lvp equal sp; the LRs of the plan hold there"},
    {.name = "base_head_size", .type = TYPE_U32, .fallback = "by n_heads or head_size",
     .derived = true, .low = 1, .high = 65536, .offset = AT(model.base_head_size),
     .help = "channels of a head at base_width, where mup's attention equals sp's"},
    {.name = "embedding_lr_ratio", .type = TYPE_SPAN, .fallback = "1", .above = true,
     .high = 10000, .offset = AT(model.embedding_lr_ratio),
     .help = "LR of the embedding over that of the hidden matrices, at base_width; [low, high]: searched"},
    {.name = "output_lr_ratio", .type = TYPE_SPAN, .fallback = "1", .above = true, .high = 10000,
     .offset = AT(model.output_lr_ratio), .help = "the same for the output matrix"},
    {.name = "depth_rule", .type = TYPE_ENUM, .fallback = "none", .choices = depth_rules,
     .offset = AT(model.depth_rule),
     .help = "completep: residual branches times base_layers / n_layers, so that the LR holds over depths"},
    {.name = "base_layers", .type = TYPE_U32, .fallback = "model.n_layers", .derived = true,
     .low = 1, .high = 1024, .offset = AT(model.base_layers),
     .help = "depth at which completep changes nothing"},
    {.name = "d_ff", .type = TYPE_U32, .fallback = "4 d_model; llama 8/3", .derived = true,
     .low = 1, .high = 262144, .offset = AT(model.d_ff),
     .help = "width of the MLP's middle; llama's default is rounded up to a multiple of 8"},
    {.name = "tied_output", .type = TYPE_BOOL, .fallback = "false", .offset = AT(model.tied_output),
     .help = "true: the output matrix is the embedding; not with lvp"},
    {.name = "qk_norm", .type = TYPE_BOOL, .fallback = "false", .offset = AT(model.qk_norm),
     .help = "true: RMSNorm of each head's queries and keys, before any rotation"},
    {.name = "z_loss", .type = TYPE_NUMBER, .fallback = "0", .high = 1, .offset = AT(model.z_loss),
     .help = "this times ln(Z)^2 is added to the loss that is trained on, not to what is reported"},
};

static const struct plan_key data_keys[] = {
    {.name = "source", .type = TYPE_ENUM, .fallback = "tokens", .choices = sources,
     .offset = AT(data.source),
     .help = "tokens: your text; synthetic: endless made-up text that needs no file"},
    {.name = "text", .type = TYPE_TEXTS, .need = NEED_AS_TEXT, .offset = AT(data.text),
     .count_offset = AT(data.text_count), .capacity = PLAN_TEXTS,
     .help = "text files, plain or gzip, globs allowed; relative to the plan's folder; not for synthetic, nor beside data.tokens"},
    {.name = "tokens", .type = TYPE_TEXTS, .fallback = "data.text", .derived = true, .offset = AT(data.tokens),
     .count_offset = AT(data.token_count), .capacity = PLAN_TEXTS,
     .help = "instead of text: token files, globs allowed, read as one stream; or what `lrsearch tokenize` wrote (.json)"},
    {.name = "val", .type = TYPE_TEXTS, .fallback = "the end", .derived = true, .offset = AT(data.val),
     .count_offset = AT(data.val_count), .capacity = PLAN_TEXTS,
     .help = "token files for validation, never trained on"},
    {.name = "format", .type = TYPE_ENUM, .fallback = "auto", .choices = token_formats,
     .offset = AT(data.format),
     .help = "of the token files: llmc (llm.c, modded-nanogpt), megatron (.bin with .idx), nanogpt (bare uint16); auto: found from the file"},
    {.name = "tokenizer", .type = TYPE_ENUM, .fallback = "bytes", .choices = tokenizers,
     .offset = AT(data.tokenizer),
     .help = "of text: bytes, or bpe trained once on it with model.vocab tokens (256 are the bytes)"},
    {.name = "val_tokens", .type = TYPE_U64, .unit = "tokens", .fallback = "65536", .low = 3,
     .high = TOKENS_MAX, .offset = AT(data.val_tokens),
     .help = "for the validation loss: of data.val, or the end of the text, which is never trained on"},
    {.name = "val_bytes", .type = TYPE_U64, .unit = "bytes", .fallback = "none", .none = true, .low = 1,
     .high = TOKENS_MAX, .offset = AT(data.val_bytes),
     .help = "instead of val_tokens: so much of the end of the text, the same at every vocabulary"},
    {.name = "repeat", .type = TYPE_BOOL, .fallback = "false", .offset = AT(data.repeat),
     .help = "true: a horizon may be longer than the text, which is then read again"},
    {.name = "zipf_exponent", .type = TYPE_NUMBER, .fallback = "by model.vocab", .derived = true, .high = 4,
     .offset = AT(data.zipf_exponent), .help = "synthetic: token frequency falls as rank^-this; default: as measured on text (2k: .83, 32k: 1.01)"},
    {.name = "markov_weight", .type = TYPE_SHARE, .fallback = "0.7", .high = 1,
     .offset = AT(data.markov_weight),
     .help = "synthetic: share of tokens that their predecessors decide"},
    {.name = "markov_order", .type = TYPE_U32, .fallback = "1", .low = 1, .high = 8,
     .offset = AT(data.markov_order), .help = "synthetic: how many predecessors decide together"},
};

static const struct plan_key training_keys[] = {
    {.name = "batch_tokens", .type = TYPE_U32, .need = NEED_TO_TRAIN, .unit = "tokens", .low = 2,
     .high = 1e9, .offset = AT(training.batch_tokens), AXIS(batch_tokens),
     .help = "tokens of one step; a multiple of model.context"},
    {.name = "schedule", .type = TYPE_ENUM, .fallback = "cosine", .choices = schedules,
     .offset = AT(training.schedule), .help = "course of the LR after the warm-up"},
    {.name = "warmup", .type = TYPE_SHARE, .fallback = "0.05", .high = 1, .below = true,
     .offset = AT(training.warmup), .help = "linear warm-up as a share of the horizon"},
    {.name = "warmup_tokens", .type = TYPE_U64, .unit = "tokens", .fallback = "none", .none = true,
     .low = 1, .high = TOKENS_MAX, .offset = AT(training.warmup_tokens),
     .help = "instead of warmup: the same length at every horizon"},
    {.name = "warmup_steps", .type = TYPE_U64, .unit = "steps", .fallback = "none", .none = true,
     .low = 1, .high = 1e9, .offset = AT(training.warmup_steps),
     .help = "instead of warmup: the same in steps of batch_tokens"},
    {.name = "final_lr", .type = TYPE_SHARE, .fallback = "0.1; linear and wsd 0", .derived = true,
     .high = 1, .offset = AT(training.final_lr), .help = "LR at the end as a share of the peak"},
    {.name = "min_lr", .type = TYPE_NUMBER, .fallback = "none", .none = true, .above = true,
     .high = 100, .offset = AT(training.min_lr),
     .help = "instead of final_lr: the LR at the end, whatever the peak"},
    {.name = "cooldown", .type = TYPE_SHARE, .fallback = "0.2", .above = true, .high = 1,
     .offset = AT(training.cooldown), .help = "wsd: last share of the horizon, in which the LR falls"},
    {.name = "cooldown_shape", .type = TYPE_ENUM, .fallback = "linear", .choices = cooldowns,
     .offset = AT(training.cooldown_shape), .help = "wsd: how it falls"},
    {.name = "weight_decay", .type = TYPE_NUMBER, .fallback = "0.1", .high = 10,
     .offset = AT(training.weight_decay), .help = "decoupled (AdamW), multiplied by the LR"},
    {.name = "independent_decay", .type = TYPE_BOOL, .fallback = "false",
     .offset = AT(training.independent_decay),
     .help = "true: decay is not multiplied by the LR, only by the schedule's course from 0 to 1"},
    {.name = "beta1", .type = TYPE_NUMBER, .fallback = "0.9", .high = 1, .below = true,
     .offset = AT(training.beta1), .help = "Adam: decay of the mean of gradients"},
    {.name = "beta2", .type = TYPE_NUMBER, .fallback = "0.95", .high = 1, .below = true,
     .offset = AT(training.beta2), .help = "Adam: decay of the mean of squares"},
    {.name = "beta2_half_life", .type = TYPE_U64, .unit = "tokens", .fallback = "none",
     .none = true, .low = 1, .high = TOKENS_MAX, .offset = AT(training.beta2_half_life),
     .help = "instead of beta2: tokens after which a square counts half"},
    {.name = "adam_eps", .type = TYPE_NUMBER, .fallback = "1e-8", .above = true, .high = 1,
     .offset = AT(training.adam_eps), .help = "Adam: added to the root of the squares"},
    {.name = "clip", .type = TYPE_NUMBER, .fallback = "1.0", .none = true, .above = true,
     .high = 1000, .offset = AT(training.clip),
     .help = "longer gradients (global norm) are shortened to this"},
};

static const struct plan_key search_keys[] = {
    {.name = "lr", .type = TYPE_PAIR, .need = NEED_ALWAYS, .above = true, .high = 100,
     .offset = AT(search.lr), .help = "lowest and highest peak LR to try"},
    {.name = "horizons", .type = TYPE_COUNTS, .need = NEED_ALWAYS, .unit = "tokens", .low = 1,
     .high = TOKENS_MAX, .offset = AT(search.horizons), .count_offset = AT(search.horizon_count),
     .capacity = CAPACITY(search.horizons),
     .help = "lengths of the short trainings, ascending, at most 16; three or more give a law"},
    {.name = "seeds", .type = TYPE_U32, .fallback = "1", .low = 1, .high = 32,
     .offset = AT(search.seeds), .list = LIST_SEEDS, .list_offset = AT(search.seed_list),
     .help = "trainings for each LR; a list: with these seeds"},
    {.name = "policy", .type = TYPE_ENUM, .fallback = "design", .choices = policies,
     .offset = AT(search.policy),
     .help = "design: what tells most about the target for its tokens; narrow: bisects around the best; grid: an octave grid at each horizon"},
    {.name = "min_gain", .type = TYPE_NUMBER, .unit = "nats", .fallback = "0.008", .above = true, .high = 10,
     .offset = AT(search.min_gain),
     .help = "design: ends when no trial is expected to lower the target's loss by so much for the tokens of a target run"},
    {.name = "round_trials", .type = TYPE_U32, .fallback = "8", .low = 1, .high = 1024,
     .offset = AT(search.round_trials), .help = "design: trials of a round at most"},
    {.name = "mode", .type = TYPE_ENUM, .fallback = "rounds", .choices = modes,
     .offset = AT(search.mode),
     .help = "rounds: the same trials on any number of ranks; async (design): another trial as soon as a worker is free"},
    {.name = "resolution", .type = TYPE_NUMBER, .unit = "octaves", .fallback = "1",
     .low = 0.05, .high = 2, .offset = AT(search.resolution),
     .help = "distance of neighbouring LRs in a finished basin"},
    {.name = "bootstrap", .type = TYPE_U32, .fallback = "1000", .low = 10, .high = 100000,
     .offset = AT(search.bootstrap), .help = "resamples behind the intervals of searched LR ratios"},
    {.name = "prior_beta", .type = TYPE_NUMBER, .fallback = "0.25", .low = -1, .high = 2,
     .offset = AT(search.prior_beta),
     .help = "expected exponent of the law LR*(tokens) ~ tokens^-beta"},
    {.name = "prior_beta_sd", .type = TYPE_NUMBER, .fallback = "0.2", .above = true, .high = 10,
     .offset = AT(search.prior_beta_sd),
     .help = "its scale (Student, 3 degrees of freedom): the smaller, the less the data count"},
    {.name = "prior_lr", .type = TYPE_NUMBER, .fallback = "none", .none = true, .above = true, .high = 100,
     .offset = AT(search.prior_lr), .help = "where earlier trainings say that the best LR is"},
    {.name = "prior_lr_sd", .type = TYPE_NUMBER, .unit = "octaves", .fallback = "1", .low = 0.1, .high = 10,
     .offset = AT(search.prior_lr_sd), .help = "its scale (Student, 3 degrees of freedom)"},
    {.name = "prior_tokens", .type = TYPE_U64, .unit = "tokens", .fallback = "none", .none = true, .low = 1,
     .high = TOKENS_MAX, .offset = AT(search.prior_tokens), .help = "horizon at which prior_lr is the best"},
};

static const struct plan_key target_keys[] = {
    {.name = "tokens", .type = TYPE_U64, .need = NEED_ALWAYS, .unit = "tokens", .low = 1,
     .high = TOKENS_MAX, .offset = AT(target.tokens),
     .help = "length of the training whose LR is wanted"},
    {.name = "d_model", .type = TYPE_U32, .fallback = "model.d_model", .derived = true, .low = 2,
     .high = 1048576, .offset = AT(target.d_model),
     .help = "its width; another than model.d_model needs mup or lvp, or several widths that are tried"},
    {.name = "n_layers", .type = TYPE_U32, .fallback = "model.n_layers", .derived = true, .low = 1,
     .high = 1024, .offset = AT(target.n_layers), .help = "its depth"},
    {.name = "vocab", .type = TYPE_U32, .unit = "tokens", .fallback = "model.vocab",
     .derived = true, .low = 2, .high = 1e6, .offset = AT(target.vocab),
     .help = "its vocabulary"},
    {.name = "batch_tokens", .type = TYPE_U32, .unit = "tokens", .fallback = "training.batch_tokens",
     .derived = true, .low = 2, .high = 1e9, .offset = AT(target.batch_tokens),
     .help = "tokens of one of its steps; a multiple of model.context"},
    {.name = "schedule", .type = TYPE_ENUM, .fallback = "training.schedule", .derived = true,
     .choices = schedules, .offset = AT(target.schedule), .help = "course of its LR"},
};

static const struct plan_key confirm_keys[] = {
    {.name = "tokens", .type = TYPE_U64, .unit = "tokens", .fallback = "none", .none = true,
     .low = 1, .high = TOKENS_MAX, .offset = AT(confirm.tokens),
     .help = "length of its trainings; none: target.tokens, halved until budget and text allow it"},
    {.name = "seeds", .type = TYPE_U32, .fallback = "1", .low = 1, .high = 32,
     .offset = AT(confirm.seeds), .help = "trainings for each of the three LRs"},
};

static const struct plan_key budget_keys[] = {
    {.name = "tokens", .type = TYPE_U64, .unit = "tokens", .fallback = "none", .none = true,
     .low = 1, .high = TOKENS_MAX, .offset = AT(budget.tokens),
     .help = "trained by the whole campaign at most"},
    {.name = "flops", .type = TYPE_NUMBER, .unit = "FLOPs", .fallback = "none", .none = true,
     .low = 1, .high = 1e30, .offset = AT(budget.flops),
     .help = "the same in floating point operations; of the transformer only"},
    {.name = "core_hours", .type = TYPE_NUMBER, .unit = "hours", .fallback = "none", .none = true,
     .above = true, .high = 1e9, .offset = AT(budget.core_hours),
     .help = "time of the trainings times threads_per_worker, at most; the coordinator's is not counted"},
    {.name = "trials", .type = TYPE_U64, .fallback = "none", .none = true, .low = 1, .high = 1e6,
     .offset = AT(budget.trials), .help = "trainings at most"},
    {.name = "wall", .type = TYPE_DURATION, .fallback = "none",
     .none = true, .low = 1, .high = 31536000, .offset = AT(budget.wall_s),
     .help = "elapsed time at most"},
    {.name = "reserve", .type = TYPE_SHARE, .fallback = "0.3 with confirm, or 0", .derived = true,
     .high = 0.9, .offset = AT(budget.reserve),
     .help = "share of each budget that the search leaves to confirm"},
};

static const struct plan_key limits_keys[] = {
    {.name = "silence", .type = TYPE_DURATION, .fallback = "10m",
     .none = true, .low = 1, .high = 604800, .offset = AT(limits.silence_s),
     .help = "a worker that says nothing for so long is left out until it is heard again, and its training is tried elsewhere; a command that says nothing for so long has failed, also in `lrsearch train`"},
    {.name = "trial_time", .type = TYPE_DURATION, .fallback = "none",
     .none = true, .low = 1, .high = 31536000, .offset = AT(limits.trial_time_s),
     .help = "a training that takes longer has failed"},
    {.name = "checkpoint_every", .type = TYPE_DURATION, .fallback = "5m",
     .none = true, .low = 1, .high = 604800, .offset = AT(limits.checkpoint_every_s),
     .help = "how often a training writes down where it is, to go on from there; none: only when the campaign is stopped"},
    {.name = "max_failures", .type = TYPE_U32, .fallback = "10", .high = 1e6,
     .offset = AT(limits.max_failures), .help = "failed or lost attempts that the campaign bears; one more ends it"},
};

static const struct plan_key on_fail_keys[] = {
    {.name = "retries", .type = TYPE_U32, .fallback = "2", .high = 100,
     .offset = AT(on_fail.retries), .help = "new attempts, on another worker where there is one; after a failure 1, 2, 4, ... 60 s later"},
    {.name = "then", .type = TYPE_ENUM, .fallback = "mark", .choices = on_fails,
     .offset = AT(on_fail.then),
     .help = "mark: the training counts as failed and the campaign goes on; stop: the campaign ends (exit status 5), and the next start tries it again"},
};

static const struct plan_key tolerance_keys[] = {
    {.name = "lr", .type = TYPE_NUMBER, .unit = "factor", .fallback = "1.5", .none = true,
     .low = 1, .above = true, .high = 1000, .offset = AT(tolerance.lr), .help = "the target's LR may be so many times the baseline's, or less by as much"},
    {.name = "loss", .type = TYPE_NUMBER, .unit = "nats", .fallback = "0.02", .none = true,
     .above = true, .high = 100, .offset = AT(tolerance.loss), .help = "so far may the loss at the best LR be from the baseline's, at the horizon where both are known best"},
};

static const struct plan_key output_keys[] = {
    {.name = "dir", .type = TYPE_TEXT, .fallback = "logs/NAME", .derived = true,
     .offset = AT(output.dir), .capacity = TRIAL_PATH,
     .help = "folder of the run; a relative one starts at the working directory"},
};

const struct plan_section plan_sections[] = {
    {"", "at the top", top_keys, COUNT(top_keys)},
    {"trainer", "who trains", trainer_keys, COUNT(trainer_keys)},
    {"simulate", "the losses that trainer.kind simulate makes up", simulate_keys, COUNT(simulate_keys)},
    {"model", "what is trained", model_keys, COUNT(model_keys)},
    {"data", "on what", data_keys, COUNT(data_keys)},
    {"training", "how", training_keys, COUNT(training_keys)},
    {"search", "where the LR is looked for", search_keys, COUNT(search_keys)},
    {"target", "the long training whose LR is wanted", target_keys, COUNT(target_keys)},
    {"confirm", "trainings of the answer itself", confirm_keys, COUNT(confirm_keys)},
    {"budget", "what the search may cost", budget_keys, COUNT(budget_keys)},
    {"limits", "when something is given up", limits_keys, COUNT(limits_keys)},
    {"on_fail", "when a training fails, or its worker is lost (one that diverges has not failed)", on_fail_keys, COUNT(on_fail_keys)},
    {"tolerance", "what may move between a baseline and this run (beyond: exit status 7)", tolerance_keys, COUNT(tolerance_keys)},
    {"output", "where results go", output_keys, COUNT(output_keys)},
};
const size_t plan_section_count = COUNT(plan_sections);
/* clang-format on */

_Static_assert(COUNT(plan_sections) <= PLAN_SECTIONS_MAX, "raise PLAN_SECTIONS_MAX");
_Static_assert(COUNT(model_keys) <= PLAN_SECTION_KEYS, "raise PLAN_SECTION_KEYS");
_Static_assert(COUNT(training_keys) <= PLAN_SECTION_KEYS, "raise PLAN_SECTION_KEYS");

struct plan_axis *plan_key_axis(const struct plan_key *key, struct plan *plan)
{
    return key->list == LIST_AXIS
               ? (struct plan_axis *)(void *)((unsigned char *)plan + key->list_offset)
               : NULL;
}

void plan_fill_axes(struct plan *plan)
{
    for (size_t s = 0; s < plan_section_count; s++)
        for (size_t k = 0; k < plan_sections[s].count; k++) {
            const struct plan_key *key = &plan_sections[s].keys[k];
            struct plan_axis *axis = plan_key_axis(key, plan);
            if (axis && axis->count < 2) {
                memcpy(axis->values, (unsigned char *)plan + key->offset, sizeof(uint32_t));
                axis->count = 1;
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

/* ---- what a key may be, in words: for error texts and plans/README.md ---- */

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

const char *plan_range_text(const struct plan_key *key, char *out, size_t capacity)
{
    char low[32], high[32];
    bound_text(key, key->low, low, sizeof(low));
    bound_text(key, key->high, high, sizeof(high));
    const char *none = key->none ? ", or none" : "";
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
        if (!choice->available || used >= capacity)
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
    case TYPE_SPAN:
        return "a number such as 2, or a range to search such as [0.5, 50]";
    }
    return "?";
}
