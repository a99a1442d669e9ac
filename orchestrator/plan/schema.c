/* The keys of a plan: the only source of names, types, units, defaults, ranges and help. A new key
 * needs one row here and one member of struct plan. Rules across keys are in the files
 * check_*.c. */
#include "plan/schema.h"

#include <stdio.h>
#include <string.h>
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
    {"grid", POLICY_GRID, NULL},
    {"design", POLICY_DESIGN, NULL},
    {0}};

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
    {.name = "version", .type = TYPE_U32, .offset = AT(version), .need = NEED_ALWAYS, .low = 1,
     .high = 1, .help = "version of the plan's language"},
    {.name = "name", .type = TYPE_TEXT, .offset = AT(name), .need = NEED_ALWAYS,
     .capacity = PLAN_NAME,
     .help = "name of the campaign: letters, digits, `-`, `_`, `.`, at most 63; not `latest`, `cache`, `history.db`"},
    {.name = "seed", .type = TYPE_U64, .offset = AT(seed), .fallback = "1", .high = PLAN_SEED_MAX,
     .help = "first seed of weights and of the order of the data"},
    {.name = "baseline", .type = TYPE_TEXT, .offset = AT(baseline), .fallback = "none",
     .derived = true, .capacity = TRIAL_PATH,
     .help = "run that the answer is compared with: previous (the last finished one of this name), or a run's folder, relative to the plan's"},
};

static const struct plan_key diverged_keys[] = {
    {.name = "loss", .type = TYPE_ENUM, .offset = AT(trainer.diverged.loss), .choices = losses,
     .fallback = "nonfinite", .help = "nan or inf where a loss should stand"},
    {.name = "exit", .type = TYPE_COUNTS, .offset = AT(trainer.diverged.exits),
     .count_offset = AT(trainer.diverged.exit_count), .capacity = PLAN_EXITS, .low = 1, .high = 255,
     .fallback = "none", .derived = true, .help = "these exit statuses, at most 8"},
    {.name = "regex", .type = TYPE_TEXT, .offset = AT(trainer.diverged.regex),
     .capacity = TRIAL_PATH, .fallback = "none", .derived = true,
     .help = "a line of stdout or stderr that matches"},
    {0}};

static const struct plan_key trainer_keys[] = {
    {KEY(ENUM, trainer, kind), .fallback = "transformer", .choices = trainers,
     .help = "transformer: the built-in one, in C; replay: losses of earlier trainings, from a table; simulate: made-up losses; command: a program of yours; external: trials go out by `lrsearch ask`, and you tell their losses"},
    {KEY(U32, trainer, threads_per_worker), .fallback = "1", .low = 1, .high = 256,
     .help = "cores that train one model together; the result does not depend on it"},
    {KEY(ENUM, trainer, ranks_per_trial), .fallback = "auto", .choices = widths,
     .help = "ranks that train one model together; auto: as many as are idle and pay; the result does not depend on it"},
    {KEY(TEXT, trainer, matmul), .fallback = "auto", .capacity = TRIAL_PRODUCTS,
     .help = "who multiplies matrices: own, openblas, onednn; auto: measured at the start"},
    {KEY(TEXT, trainer, table), .need = NEED_TO_REPLAY, .capacity = TRIAL_PATH,
     .help = "replay: CSV with a header, one row a training; relative to the plan's folder"},
    {LIST(MAP, trainer, columns, column_count), .fallback = "{lr: lr, tokens: tokens, loss: loss}",
     .derived = true, .names = columns,
     .help = "replay: what the table calls its columns lr, tokens, loss and seed (none); optimizer, of which one may be left; and d_model, n_layers, vocab, parametrization, batch_tokens or weight_decay, of whose rows only those with the plan's value count"},
    {LIST(MAP, trainer, where, where_count), .fallback = "every row", .derived = true,
     .help = "replay: only rows with these values, such as {width: 512}; at most 16"},
    {LIST(TEXTS, trainer, argv, argv_count), .need = NEED_TO_START, .empty = true,
     .help = "command: the program and its arguments, at most 64, no shell; `{lr}`, `{steps}`, `{lr/10}` and the like stand for the trial"},
    {LIST(MAP, trainer, env, env_count), .fallback = "none", .derived = true, .empty = true,
     .help = "command: further environment variables, at most 32; with placeholders as in argv"},
    {KEY(TEXT, trainer, cwd), .fallback = "the plan's folder", .derived = true,
     .capacity = TRIAL_PATH,
     .help = "command: folder in which it runs, with placeholders as in argv; it must exist; a relative one starts at the plan's folder"},
    {KEY(U32, trainer, gpus_per_trial), .fallback = "0", .high = 64,
     .help = "command: GPUs that a worker shows it by CUDA_VISIBLE_DEVICES, each worker of a host its own; 0: as it is"},
    {LIST(MAP, trainer, report, report_count), .fallback = "{fd: true}", .derived = true,
     .names = report_ways,
     .help = "command: how it tells losses: fd: true, prefix: \"LRSEARCH \", regex: \"...\", or file: NAME, with loss: NAME and tokens: NAME or steps: NAME"},
    {.name = "diverged", .type = TYPE_KEYS, .offset = AT(trainer.diverged), .inner = diverged_keys,
     .fallback = "{loss: nonfinite}", .derived = true,
     .help = "command: what means that it diverged: loss: nonfinite (nan or inf in place of a loss; always so), exit: [3] (exit statuses, at most 8), regex: '...' (a line of stdout or stderr that matches)"},
    {DURATION(trainer, kill_grace), .fallback = "30s", .high = 86400,
     .help = "command: time between SIGTERM and SIGKILL where it is ended"},
    {KEY(U32, trainer, concurrent_trials), .fallback = "0", .high = 1024,
     .help = "command: programs that lrsearch runs at a time when it is started without mpirun; 0: one, with launcher srun as many as fit into the job"},
    {LIST(TEXTS, trainer, launcher, launcher_count), .fallback = "none", .derived = true,
     .empty = true,
     .help = "command: srun (each trial is a step of the Slurm job), or words that start the command elsewhere; `{command}` in them stands for it"},
    {KEY(U32, trainer, nodes_per_trial), .fallback = "1", .low = 1, .high = 1024,
     .help = "launcher srun: nodes of a trial; the command is started once on each"},
    {KEY(U32, trainer, cpus_per_trial), .fallback = "0", .high = 65536,
     .help = "launcher srun: CPUs of a trial, over all its nodes; 0: threads_per_worker on each"},
};

static const struct plan_key simulate_keys[] = {
    {KEY(NUMBER, surface, lr), .fallback = "8e-3", .above = true, .high = 100,
     .help = "best LR at 1M tokens (with a model: of 1M hidden parameters and vocabulary 10k)"},
    {KEY(NUMBER, surface, beta), .fallback = "0.3", .low = -2, .high = 2,
     .help = "it falls as tokens^-beta"},
    {KEY(NUMBER, surface, alpha), .fallback = "0", .low = -2, .high = 2,
     .help = "and as hidden parameters^-alpha"},
    {KEY(NUMBER, surface, gamma), .fallback = "0", .low = -2, .high = 2,
     .help = "and as vocabulary^-gamma"},
    {KEY(NUMBER, surface, curvature), .unit = "nats", .fallback = "0.02", .high = 100,
     .help = "what an octave from the best LR costs, at 1M tokens"},
    {KEY(NUMBER, surface, curvature_drift), .fallback = "0", .low = -2, .high = 2,
     .help = "curvature goes as tokens^this"},
    {KEY(NUMBER, surface, asymmetry), .fallback = "0.2", .low = -1, .high = 1,
     .help = "above 0: steeper above the best LR; loss = curvature t^2 (1 + asymmetry tanh t), t octaves away"},
    {KEY(NUMBER, surface, cliff), .unit = "octaves", .fallback = "2.5", .high = 100,
     .help = "so far above the best LR trainings diverge"},
    {KEY(NUMBER, surface, misfit), .unit = "ln LR", .fallback = "0", .high = 10,
     .help = "standard deviation of each horizon's best LR from the power law"},
    {KEY(NUMBER, surface, noise), .unit = "nats", .fallback = "0.002", .high = 100,
     .help = "standard deviation of a loss"},
    {KEY(NUMBER, surface, seed_noise), .unit = "nats", .fallback = "0", .high = 100,
     .help = "standard deviation of what a seed adds to all losses of a horizon alike"},
    {KEY(SHARE, surface, crash), .fallback = "0", .high = 1, .help = "share of attempts that fail"},
    {KEY(NUMBER, surface, seconds_per_mtoken), .unit = "seconds", .fallback = "1", .high = 1e9,
     .help = "that a training says it took for 1M tokens; nothing waits for them"},
    {KEY(NUMBER, surface, delay), .fallback = "0", .high = 10,
     .help = "relative standard deviation of that time"},
    {KEY(NUMBER, surface, delta), .fallback = "0", .low = -2, .high = 2,
     .help = "with a model, the best LR falls as width^-delta, from width 64 on"},
    {KEY(NUMBER, surface, batch), .fallback = "0", .low = -2, .high = 2,
     .help = "with training.batch_tokens, it goes as batch_tokens^batch, from 10k on"},
    {KEY(NUMBER, surface, ratio), .fallback = "1", .above = true, .high = 10000,
     .help = "best model.embedding_lr_ratio (with a model: of width 64 and vocabulary 10k)"},
    {KEY(NUMBER, surface, ratio_width), .fallback = "0", .low = -2, .high = 2,
     .help = "it goes as width^this"},
    {KEY(NUMBER, surface, ratio_vocab), .fallback = "0", .low = -2, .high = 2,
     .help = "and as vocabulary^this"},
    {KEY(NUMBER, surface, ratio_curvature), .unit = "nats", .fallback = "0", .high = 100,
     .help = "what an octave from the best LR of the embedding costs; 0: the ratio is all one"},
    {KEY(NUMBER, surface, decay), .fallback = "0.1", .above = true, .high = 10,
     .help = "best training.weight_decay at 1M tokens"},
    {KEY(NUMBER, surface, decay_tokens), .fallback = "0", .low = -2, .high = 2,
     .help = "it goes as tokens^this"},
    {KEY(NUMBER, surface, decay_curvature), .unit = "nats", .fallback = "0", .high = 100,
     .help = "what an octave from the best LR times weight decay costs; 0: the decay is all one"},
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
     .help = "attention heads, the same at every width; this or head_size is needed"},
    {KEY(U32, model, head_size), .fallback = "d_model / n_heads", .derived = true, .low = 1,
     .high = 65536,
     .help = "channels of a head; the same at every width, so that heads grow in number"},
    {KEY(U32, model, context), .need = NEED_TO_TRAIN, .unit = "tokens", .low = 2, .high = 1048576,
     .help = "length of a sequence"},
    {KEY(U32, model, vocab), .need = NEED_TO_TRAIN, .unit = "tokens", .low = 2, .high = 131072,
     AXIS(vocab), .help = "size of the vocabulary; at least 256 for bytes, 512 for bpe"},
    {KEY(ENUM, model, parametrization), .fallback = "sp", .choices = parametrizations,
     AXIS(parametrization),
     .help = "how init and LR follow the width: standard, muP, or muP for large vocabularies"},
    {KEY(U32, model, base_width), .fallback = "model.d_model", .derived = true, .low = 1,
     .high = 65536, .help = "width at which mup and lvp equal sp; the LRs of the plan hold there"},
    {KEY(U32, model, base_head_size), .fallback = "by n_heads or head_size", .derived = true,
     .low = 1, .high = 65536,
     .help = "channels of a head at base_width, where mup's attention equals sp's"},
    {KEY(SPAN, model, embedding_lr_ratio), .fallback = "1; muon 0.3", .derived = true,
     .above = true, .high = 10000,
     .help = "LR of the embedding over that of the hidden matrices, at base_width; [low, high]: searched"},
    {KEY(SPAN, model, output_lr_ratio), .fallback = "1; muon 0.2", .derived = true, .above = true,
     .high = 10000, .help = "the same for the output matrix"},
    {KEY(SPAN, model, vector_lr_ratio), .fallback = "1; muon 0.2", .derived = true, .above = true,
     .high = 10000, .help = "the same for norms and biases"},
    {KEY(NUMBER, model, embedding_lr_exponent), .fallback = "auto", .derived = true,
     .automatic = true, .low = -2, .high = 2, AXIS(embedding_lr_exponent),
     .help = "the embedding's LR over that of the hidden matrices goes as width^this; auto: by parametrization (with adamw sp 0, mup 1, lvp 1/2); not with lvp"},
    {KEY(ENUM, model, depth_rule), .fallback = "none", .choices = depth_rules,
     .help = "completep: residual branches times base_layers / n_layers, so that the LR holds over depths"},
    {KEY(U32, model, base_layers), .fallback = "model.n_layers", .derived = true, .low = 1,
     .high = 1024, .help = "depth at which completep changes nothing"},
    {KEY(U32, model, d_ff), .fallback = "4 d_model; llama 8/3", .derived = true, .low = 1,
     .high = 262144,
     .help = "width of the MLP's middle; llama's default is rounded up to a multiple of 8"},
    {KEY(BOOL, model, tied_output), .fallback = "false",
     .help = "true: the output matrix is the embedding; not with lvp"},
    {KEY(BOOL, model, qk_norm), .fallback = "false",
     .help = "true: RMSNorm of each head's queries and keys, before any rotation"},
    {KEY(NUMBER, model, z_loss), .fallback = "0", .high = 1,
     .help = "this times ln(Z)^2 is added to the loss that is trained on, not to what is reported"},
};

static const struct plan_key data_keys[] = {
    {KEY(ENUM, data, source), .fallback = "tokens", .choices = sources,
     .help = "tokens: your text; synthetic: endless made-up text that needs no file"},
    {LIST(TEXTS, data, text, text_count), .need = NEED_AS_TEXT,
     .help = "text files, plain or gzip, globs allowed; relative to the plan's folder; not for synthetic, nor beside data.tokens"},
    {LIST(TEXTS, data, tokens, token_count), .fallback = "data.text", .derived = true,
     .help = "instead of text: token files, globs allowed, read as one stream; or what `lrsearch tokenize` wrote (.json)"},
    {LIST(TEXTS, data, val, val_count), .fallback = "the end", .derived = true,
     .help = "token files for validation, never trained on"},
    {KEY(ENUM, data, format), .fallback = "auto", .choices = token_formats,
     .help = "of the token files: llmc (llm.c, modded-nanogpt), megatron (.bin with .idx), nanogpt (bare uint16); auto: found from the file"},
    {KEY(ENUM, data, tokenizer), .fallback = "bytes", .choices = tokenizers,
     .help = "of text: bytes, or bpe trained once on it with model.vocab tokens (256 are the bytes)"},
    {KEY(U64, data, val_tokens), .unit = "tokens", .fallback = "65536", .low = 3,
     .high = TOKENS_MAX,
     .help = "for the validation loss: of data.val, or the end of the text, which is never trained on"},
    {KEY(U64, data, val_bytes), .unit = "bytes", .fallback = "none", .none = true, .low = 1,
     .high = TOKENS_MAX,
     .help = "instead of val_tokens: so much of the end of the text, the same at every vocabulary"},
    {KEY(BOOL, data, repeat), .fallback = "false",
     .help = "true: a horizon may be longer than the text, which is then read again"},
    {KEY(NUMBER, data, zipf_exponent), .fallback = "by model.vocab", .derived = true, .high = 4,
     .help = "synthetic: token frequency falls as rank^-this; default: as measured on text (2k: .83, 32k: 1.01)"},
    {KEY(SHARE, data, markov_weight), .fallback = "0.7", .high = 1,
     .help = "synthetic: share of tokens that their predecessors decide"},
    {KEY(U32, data, markov_order), .fallback = "1", .low = 1, .high = 8,
     .help = "synthetic: how many predecessors decide together"},
};

static const struct plan_key training_keys[] = {
    {KEY(U32, training, batch_tokens), .need = NEED_TO_TRAIN, .unit = "tokens", .low = 2,
     .high = 1e9, AXIS(batch_tokens), .help = "tokens of one step; a multiple of model.context"},
    {KEY(ENUM, training, schedule), .fallback = "cosine", .choices = schedules,
     .help = "course of the LR after the warm-up"},
    {KEY(SHARE, training, warmup), .fallback = "0.05", .high = 1, .below = true,
     .help = "linear warm-up as a share of the horizon"},
    {KEY(U64, training, warmup_tokens), .unit = "tokens", .fallback = "none", .none = true,
     .low = 1, .high = TOKENS_MAX, .help = "instead of warmup: the same length at every horizon"},
    {KEY(U64, training, warmup_steps), .unit = "steps", .fallback = "none", .none = true, .low = 1,
     .high = 1e9, .help = "instead of warmup: the same in steps of batch_tokens"},
    {KEY(SHARE, training, final_lr), .fallback = "0.1; linear and wsd 0", .derived = true,
     .high = 1, .help = "LR at the end as a share of the peak"},
    {KEY(NUMBER, training, min_lr), .fallback = "none", .none = true, .above = true, .high = 100,
     .help = "instead of final_lr: the LR at the end, whatever the peak"},
    {KEY(SHARE, training, cooldown), .fallback = "0.2", .above = true, .high = 1,
     .help = "wsd: last share of the horizon, in which the LR falls"},
    {KEY(ENUM, training, cooldown_shape), .fallback = "linear", .choices = cooldowns,
     .help = "wsd: how it falls"},
    {KEY(ENUM, training, optimizer), .fallback = "adamw", .choices = optimizers,
     .help = "muon: for hidden matrices, and AdamW for the rest with LRs of its own (model.embedding_lr_ratio and the like); of another trainer: what it has, which decides the assumption about the exponent"},
    {KEY(ENUM, training, muon_lr_scale), .fallback = "unit_rms", .choices = muon_scales,
     .help = "muon: what a matrix's step is multiplied by: unit_rms: sqrt(rows / columns), which holds over widths; match_rms: .2 sqrt(the larger), so that AdamW's LRs can be used; original: sqrt(rows / columns), 1 at least"},
    {KEY(NUMBER, training, muon_momentum), .fallback = "0.95", .high = 1, .below = true,
     .help = "muon: decay of the sum of gradients (Nesterov)"},
    {KEY(NUMBER, training, weight_decay), .fallback = "0.1", .high = 10, AXIS(weight_decay),
     .help = "decoupled, multiplied by the LR; a list needs values above 0"},
    {KEY(ENUM, training, decay_rule), .fallback = "constant", .choices = decay_rules,
     .help = "timescale: weight_decay is that of the target, and shorter or larger-batch trainings have more, as batch / tokens, so that weights forget over the same share of each training"},
    {KEY(BOOL, training, independent_decay), .fallback = "false",
     .help = "true: decay is not multiplied by the LR, only by the schedule's course from 0 to 1"},
    {KEY(NUMBER, training, beta1), .fallback = "0.9", .high = 1, .below = true,
     .help = "Adam: decay of the mean of gradients"},
    {KEY(NUMBER, training, beta2), .fallback = "0.95", .high = 1, .below = true,
     .help = "Adam: decay of the mean of squares"},
    {KEY(U64, training, beta2_half_life), .unit = "tokens", .fallback = "none", .none = true,
     .low = 1, .high = TOKENS_MAX,
     .help = "instead of beta2: tokens after which a square counts half"},
    {KEY(NUMBER, training, adam_eps), .fallback = "1e-8", .above = true, .high = 1,
     .help = "Adam: added to the root of the squares"},
    {KEY(NUMBER, training, clip), .fallback = "1.0", .none = true, .above = true, .high = 1000,
     .help = "longer gradients (global norm) are shortened to this"},
    {KEY(ENUM, training, precision), .fallback = "fp32", .choices = precisions,
     .help = "of the numbers that linear layers, attention and output matrix multiply; bf16: as mixed-precision trainings have it, with sums, weights, norms, softmax, loss and optimizer in fp32"},
};

static const struct plan_key search_keys[] = {
    {KEY(PAIR, search, lr), .need = NEED_ALWAYS, .above = true, .high = 100,
     .help = "lowest and highest peak LR to try"},
    {KEY(PAIR, search, weight_decay), .fallback = "none", .none = true, .above = true, .high = 10,
     .help = "lowest and highest training.weight_decay to try, searched together with the LR; none: training.weight_decay"},
    {LIST(COUNTS, search, horizons, horizon_count), .need = NEED_ALWAYS, .unit = "tokens", .low = 1,
     .high = TOKENS_MAX,
     .help = "lengths of the short trainings, ascending, at most 16; three or more give a back-test"},
    {KEY(U32, search, seeds), .fallback = "1", .low = 1, .high = 32, .list = LIST_SEEDS,
     .list_offset = AT(search.seed_list),
     .help = "trainings for each LR; a list: with these seeds"},
    {KEY(ENUM, search, policy), .fallback = "design", .choices = policies,
     .help = "design: narrows around each optimum, by the trials that reduce the target's uncertainty most for their tokens; grid: an octave grid at each horizon"},
    {KEY(NUMBER, search, precision), .unit = "nats", .fallback = "0.001", .above = true, .high = 10,
     .help = "design: ends when the target's expected loss penalty is below this, or its 90 % interval reaches less than half an octave each way"},
    {KEY(NUMBER, search, min_gain), .unit = "nats", .fallback = "0.005", .above = true, .high = 10,
     .help = "design: ends when no trial is expected to lower the target's loss by so much for the tokens of a target run"},
    {KEY(U32, search, round_trials), .fallback = "8", .low = 1, .high = 1024,
     .help = "design: trials of a round at most"},
    {KEY(ENUM, search, mode), .fallback = "rounds", .choices = modes,
     .help = "rounds: the same trials on any number of ranks; async (design): while trials run, another one that matters, where a worker is free"},
    {KEY(NUMBER, search, resolution), .unit = "octaves", .fallback = "1", .low = 0.05, .high = 2,
     .help = "design with several models: distance of the LRs that it may try, within .25 to .5; with one model it is .25"},
    {KEY(BOOL, search, extend), .fallback = "false",
     .help = "true: widens search.lr by itself, by up to two octaves at a time and six in all, when the best LR lies at its edge, or lower where every training diverges"},
    {KEY(NUMBER, search, prior_beta), .fallback = "auto", .derived = true, .automatic = true,
     .low = -1, .high = 2,
     .help = "assumed exponent of best LR ~ tokens^-beta; auto: from published exponents, by batch, steps and optimizer"},
    {KEY(NUMBER, search, prior_beta_sd), .fallback = "auto", .derived = true, .automatic = true,
     .above = true, .high = 10,
     .help = "its scale (Student, 3 degrees of freedom): the smaller, the less the data count"},
    {KEY(NUMBER, search, prior_lr), .fallback = "none", .none = true, .above = true, .high = 100,
     .help = "where earlier trainings say that the best LR is"},
    {KEY(NUMBER, search, prior_lr_sd), .unit = "octaves", .fallback = "1", .low = 0.1, .high = 10,
     .help = "its scale (Student, 3 degrees of freedom)"},
    {KEY(U64, search, prior_tokens), .unit = "tokens", .fallback = "none", .none = true, .low = 1,
     .high = TOKENS_MAX, .help = "horizon at which prior_lr is the best"},
};

static const struct plan_key target_keys[] = {
    {KEY(U64, target, tokens), .need = NEED_ALWAYS, .unit = "tokens", .low = 1, .high = TOKENS_MAX,
     .help = "length of the training whose LR is wanted"},
    {KEY(U32, target, d_model), .fallback = "model.d_model", .derived = true, .low = 2,
     .high = 1048576,
     .help = "its width; another than model.d_model needs mup or lvp, or several widths that are tried"},
    {KEY(U32, target, n_layers), .fallback = "model.n_layers", .derived = true, .low = 1,
     .high = 1024, .help = "its depth"},
    {KEY(U32, target, vocab), .unit = "tokens", .fallback = "model.vocab", .derived = true,
     .low = 2, .high = 1e6, .help = "its vocabulary"},
    {KEY(U32, target, batch_tokens), .unit = "tokens", .fallback = "training.batch_tokens",
     .derived = true, .low = 2, .high = 1e9,
     .help = "tokens of one of its steps; a multiple of model.context"},
    {KEY(ENUM, target, schedule), .fallback = "training.schedule", .derived = true,
     .choices = schedules, .help = "course of its LR"},
    {KEY(NUMBER, target, weight_decay), .fallback = "training.weight_decay", .derived = true,
     .high = 10, .help = "its weight decay; another than training.weight_decay needs a list there"},
};

static const struct plan_key confirm_keys[] = {
    {KEY(U64, confirm, tokens), .unit = "tokens", .fallback = "none", .none = true, .low = 1,
     .high = TOKENS_MAX,
     .help = "length of its trainings; none: target.tokens, halved until budget and text allow it"},
    {KEY(U32, confirm, seeds), .fallback = "1", .low = 1, .high = 32,
     .help = "trainings for each of the three LRs"},
};

static const struct plan_key budget_keys[] = {
    {KEY(U64, budget, tokens), .unit = "tokens", .fallback = "none", .none = true, .low = 1,
     .high = TOKENS_MAX, .help = "trained by the whole campaign at most"},
    {KEY(NUMBER, budget, flops), .unit = "FLOPs", .fallback = "none", .none = true, .low = 1,
     .high = 1e30, .help = "the same in floating point operations; of the transformer only"},
    {KEY(NUMBER, budget, core_hours), .unit = "hours", .fallback = "none", .none = true,
     .above = true, .high = 1e9,
     .help = "time of the trainings times threads_per_worker, at most; the coordinator's is not counted"},
    {KEY(U64, budget, trials), .fallback = "none", .none = true, .low = 1, .high = 1e6,
     .help = "trainings at most"},
    {DURATION(budget, wall), .fallback = "none", .none = true, .low = 1, .high = 31536000,
     .help = "elapsed time at most"},
    {KEY(NUMBER, budget, share_of_target), .unit = "target runs", .fallback = "none", .none = true,
     .above = true, .high = 1000,
     .help = "of the target run's FLOPs, or where none are known of its tokens, at most"},
    {KEY(SHARE, budget, reserve), .fallback = "0.3 with confirm, or 0", .derived = true,
     .high = 0.9, .help = "share of each budget that the search leaves to confirm"},
};

static const struct plan_key limits_keys[] = {
    {DURATION(limits, silence), .fallback = "10m", .none = true, .low = 1, .high = 604800,
     .help = "a worker that says nothing for so long is left out until it is heard again, and its training is tried elsewhere; a command that says nothing for so long has failed, also in `lrsearch train`"},
    {DURATION(limits, trial_time), .fallback = "none", .none = true, .low = 1, .high = 31536000,
     .help = "a training that takes longer has failed"},
    {DURATION(limits, checkpoint_every), .fallback = "5m", .none = true, .low = 1, .high = 604800,
     .help = "how often a training writes down where it is, to go on from there; none: only when the campaign is stopped"},
    {KEY(U32, limits, max_failures), .fallback = "10", .high = 1e6,
     .help = "failed or lost attempts that the campaign bears; one more ends it"},
};

static const struct plan_key on_fail_keys[] = {
    {KEY(U32, on_fail, retries), .fallback = "2", .high = 100,
     .help = "new attempts, on another worker where there is one; after a failure 1, 2, 4, ... 60 s later"},
    {KEY(ENUM, on_fail, then), .fallback = "mark", .choices = on_fails,
     .help = "mark: the training counts as failed and the campaign goes on; stop: the campaign ends (exit status 5), and the next start tries it again"},
};

static const struct plan_key tolerance_keys[] = {
    {KEY(NUMBER, tolerance, lr), .unit = "factor", .fallback = "1.5", .none = true, .low = 1,
     .above = true, .high = 1000,
     .help = "the target's LR may be so many times the baseline's, or less by as much"},
    {KEY(NUMBER, tolerance, loss), .unit = "nats", .fallback = "0.02", .none = true, .above = true,
     .high = 100,
     .help = "so far may the loss at the best LR be from the baseline's, at the horizon where both are known best"},
};

static const struct plan_key output_keys[] = {
    {KEY(TEXT, output, dir), .fallback = "logs/NAME", .derived = true, .capacity = TRIAL_PATH,
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
