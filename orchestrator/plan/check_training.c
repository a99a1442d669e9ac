/* Rules about what is trained, on what and how: the model, its data and vocabulary, the optimizer
 * and the schedule. */
#include "plan/check_plan.h"

#include <inttypes.h>
#include "plan/quantity.h"

#define BYTES_VOCAB 256 /* every byte is a token */
#define BPE_VOCAB 512   /* bytes, specials and some room for merges */

/* ---- model ---- */

/* Complains of each width that is not a multiple of `divisor`. */
static void check_widths(struct plan_reader *reader, const char *name, uint32_t divisor)
{
    const struct plan_axis *widths = &reader->plan->axes.d_model;
    for (size_t i = 0; i < widths->count; i++) {
        uint32_t width = widths->values[i], above = (width / divisor + 1) * divisor;
        if (width % divisor != 0)
            reader_complain_item(reader, MEMBER(model.d_model), i,
                                 "%" PRIu32 " is not a multiple of model.%s %" PRIu32
                                 "; use %" PRIu32,
                                 width, name, divisor, above);
    }
}

static bool several_widths(const struct plan *plan)
{
    return plan->axes.d_model.count > 1;
}

static void check_heads(struct plan_reader *reader)
{
    if (!HAS(reader, model.d_model) || !GIVEN(reader, model.n_heads))
        return;
    if (several_widths(reader->plan)) {
        check_widths(reader, "n_heads", reader->plan->model.n_heads);
        return;
    }
    uint32_t width = reader->plan->model.d_model, heads = reader->plan->model.n_heads;
    if (width % heads == 0)
        return;
    uint32_t divisor = heads < width ? heads : width;
    while (width % divisor != 0)
        divisor--;
    reader_complain(reader, MEMBER(model.n_heads),
                    "%" PRIu32 " heads do not divide model.d_model %" PRIu32 "; use %" PRIu32
                    ", or another width",
                    heads, width, divisor);
}

static void check_head_size(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!GIVEN(reader, model.head_size))
        return;
    if (!reader_one_of(reader, MEMBER(model.n_heads), MEMBER(model.head_size),
                       ": n_heads stays the same over widths, or head_size does") ||
        !HAS(reader, model.d_model))
        return;
    if (several_widths(plan))
        check_widths(reader, "head_size", plan->model.head_size);
    else if (plan->model.d_model % plan->model.head_size != 0)
        reader_complain(reader, MEMBER(model.head_size),
                        "%" PRIu32 " does not divide model.d_model %" PRIu32, plan->model.head_size,
                        plan->model.d_model);
}

/* RoPE rotates pairs of channels. */
static void check_rotation(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    bool grow = plan->model.heads_grow;
    if (!HAS(reader, model.arch) || plan->model.arch != ARCH_LLAMA)
        return;
    uint32_t size = plan->model.head_size;
    for (size_t i = 1; i < plan->axes.d_model.count && !grow && size % 2 == 0; i++)
        if (plan->model.n_heads > 0)
            size = plan->axes.d_model.values[i] / plan->model.n_heads;
    if (size % 2 != 0)
        reader_complain(reader, grow ? MEMBER(model.head_size) : MEMBER(model.n_heads),
                        "heads of %" PRIu32
                        " channels cannot be rotated by arch llama; make the size of a head even",
                        size);
}

/* d_ff follows the width in proportion. */
static void check_d_ff(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!GIVEN(reader, model.d_ff) || !HAS(reader, model.d_model))
        return;
    for (size_t i = 1; i < plan->axes.d_model.count; i++)
        if ((uint64_t)plan->model.d_ff * plan->axes.d_model.values[i] % plan->model.d_model != 0)
            reader_complain_item(
                reader, MEMBER(model.d_model), i,
                "model.d_ff, %" PRIu32 " at width %" PRIu32 ", would be no whole number at %" PRIu32
                "; choose another of them",
                plan->model.d_ff, plan->model.d_model, plan->axes.d_model.values[i]);
}

static uint32_t common_divisor(const struct plan_axis *axis)
{
    uint32_t common = axis->values[0];
    for (size_t i = 1; i < axis->count; i++)
        for (uint32_t rest = axis->values[i]; rest > 0;) {
            uint32_t left = common % rest;
            common = rest;
            rest = left;
        }
    return common;
}

static bool uses(const struct plan *plan, uint32_t parametrization)
{
    for (size_t i = 0; i < plan->axes.parametrization.count; i++)
        if (plan->axes.parametrization.values[i] == parametrization)
            return true;
    return false;
}

/* Init and LRs depend on the ratio of widths, so base and width must divide one another. */
static void check_base_width(struct plan_reader *reader)
{
    if (!GIVEN(reader, model.base_width) || !HAS(reader, model.d_model))
        return;
    const struct plan_axis *widths = &reader->plan->axes.d_model;
    uint32_t base = reader->plan->model.base_width;
    for (size_t i = 0; i < widths->count; i++) {
        uint32_t width = widths->values[i];
        if (width % base == 0 || base % width == 0)
            continue;
        reader_complain(reader, MEMBER(model.base_width),
                        "%" PRIu32 " neither divides model.d_model %" PRIu32
                        " nor is a multiple of it; use %" PRIu32 " or leave it out",
                        base, width, common_divisor(widths));
        return;
    }
    bool carries = uses(reader->plan, PARAM_MUP) || uses(reader->plan, PARAM_LVP);
    if (!carries || reader->plan->model.heads_grow || !HAS(reader, model.n_heads) ||
        reader->plan->model.n_heads == 0 || GIVEN(reader, model.base_head_size))
        return;
    if (base % reader->plan->model.n_heads != 0)
        reader_complain(reader, MEMBER(model.base_width),
                        "%" PRIu32 " cannot be shared out among model.n_heads %" PRIu32
                        "; use a multiple of it, or give model.base_head_size",
                        base, reader->plan->model.n_heads);
}

static void check_target_width(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!GIVEN(reader, target.d_model) || !HAS(reader, model.d_model))
        return;
    for (size_t i = 0; i < plan->axes.d_model.count; i++)
        if (plan->axes.d_model.values[i] == plan->target.d_model)
            return;
    struct trial_spec target = plan_trial(plan);
    if (target.n_heads > 0 && target.d_model % target.n_heads == 0 &&
        !trial_set_width(&target, plan->target.d_model, plan->model.heads_grow))
        reader_complain(reader, MEMBER(target.d_model),
                        "%" PRIu32 " cannot be shared out among model.%s %" PRIu32
                        "; use a multiple of it",
                        plan->target.d_model, plan->model.heads_grow ? "head_size" : "n_heads",
                        plan->model.heads_grow ? plan->model.head_size : plan->model.n_heads);
    if (!HAS(reader, model.parametrization) || !uses(plan, PARAM_SP) ||
        several_widths(plan)) /* then the law over widths is measured */
        return;
    reader_complain(reader, MEMBER(target.d_model),
                    "%" PRIu32 " is not model.d_model %" PRIu32
                    ", and model.parametrization sp does not carry an LR over to another width; "
                    "use mup or lvp",
                    plan->target.d_model, plan->model.d_model);
}

/* The range of a ratio: an octave at least, as for the LR. */
static void check_ratio(struct plan_reader *reader, size_t member, const double ratio[2])
{
    if (!reader_given(reader, member) || ratio[0] == ratio[1])
        return;
    if (!(ratio[0] < ratio[1]))
        reader_complain(reader, member, "the lower ratio %g is not below the upper %g", ratio[0],
                        ratio[1]);
    else if (!(ratio[1] >= 2 * ratio[0]))
        reader_complain(reader, member,
                        "%g to %g is less than an octave (a factor of 2); widen it, or give one "
                        "number",
                        ratio[0], ratio[1]);
}

/* The exponents of lvp and of a tied output are not free. */
static void check_embedding_exponent(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!GIVEN(reader, model.embedding_lr_exponent))
        return;
    struct trial_spec lvp = plan_trial(plan);
    lvp.parametrization = PARAM_LVP;
    if (HAS(reader, model.tied_output) && plan->model.tied_output)
        reader_complain(reader, MEMBER(model.embedding_lr_exponent),
                        "does not go with model.tied_output: the embedding is the output matrix "
                        "too, whose LR must not follow it; leave it out, or use tied_output: "
                        "false");
    if (HAS(reader, model.parametrization) && uses(plan, PARAM_LVP))
        reader_complain(reader, MEMBER(model.embedding_lr_exponent),
                        "does not go with model.parametrization lvp, which is mup with "
                        "embedding_lr_exponent %g; use mup with this one, or leave it out",
                        trial_embedding_exponent(&lvp));
}

static void check_tied_output(struct plan_reader *reader)
{
    if (!HAS(reader, model.tied_output) || !reader->plan->model.tied_output)
        return;
    if (GIVEN(reader, model.output_lr_ratio))
        reader_complain(reader, MEMBER(model.output_lr_ratio),
                        "has no effect with model.tied_output: the output matrix is the embedding, "
                        "whose LR embedding_lr_ratio gives; leave it out");
    if (HAS(reader, model.parametrization) && uses(reader->plan, PARAM_LVP))
        reader_complain(reader, MEMBER(model.tied_output),
                        "does not go with model.parametrization lvp, whose embedding LR falls as "
                        "width^-1/2 while that of the output matrix must stay, and tied they are "
                        "one matrix with one LR; use mup, or tied_output: false");
}

static void check_depth(struct plan_reader *reader)
{
    if (GIVEN(reader, model.base_layers) && HAS(reader, model.depth_rule) &&
        reader->plan->model.depth_rule == DEPTH_NONE)
        reader_complain(reader, MEMBER(model.base_layers),
                        "has no effect without model.depth_rule: completep");
}

/* ---- data ---- */

/* Keys of text have no effect on token files, nor those of token files on text. */
static void check_text_or_tokens(struct plan_reader *reader)
{
    static const struct {
        size_t member;
        bool of_tokens;
    } keys[] = {{MEMBER(data.tokenizer), false},
                {MEMBER(data.val_bytes), false},
                {MEMBER(data.val), true},
                {MEMBER(data.format), true}};
    bool text = GIVEN(reader, data.text), tokens = GIVEN(reader, data.tokens);
    if (text && tokens)
        reader_complain(reader, MEMBER(data.tokens), "data.text is there too; name one of the two");
    for (size_t i = 0; text != tokens && i < sizeof(keys) / sizeof(*keys); i++)
        if (keys[i].of_tokens != tokens && reader_given(reader, keys[i].member))
            reader_complain(reader, keys[i].member, "is for %s only; leave it out",
                            tokens ? "data.text" : "data.tokens");
}

/* Text is tokenized anew for each vocabulary. */
static void check_vocabs(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (plan->axes.vocab.count == 1)
        return;
    if (GIVEN(reader, data.tokens))
        reader_complain(reader, MEMBER(model.vocab),
                        "a list needs data.text: token files have one vocabulary");
    else if (plan->data.tokenizer == TOKENIZER_BYTES)
        reader_complain(reader, MEMBER(model.vocab),
                        "a list needs data.tokenizer: bpe (of which 256 are the bytes alone)");
}

static void check_vocab(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!HAS(reader, model.vocab) || !HAS(reader, data.tokenizer) || !HAS(reader, data.source) ||
        plan->data.source != SOURCE_TOKENS || plan->trainer.kind != TRAINER_TRANSFORMER)
        return;
    check_vocabs(reader);
    bool bpe = plan->data.tokenizer == TOKENIZER_BPE, tokens = GIVEN(reader, data.tokens);
    uint32_t least = bpe ? BPE_VOCAB : BYTES_VOCAB;
    for (size_t i = 0; i < plan->axes.vocab.count && !tokens; i++) {
        uint32_t vocab = plan->axes.vocab.values[i];
        if (vocab < least && !(bpe && vocab == BYTES_VOCAB))
            reader_complain_item(reader, MEMBER(model.vocab), i,
                                 "%" PRIu32 " is too small for data.tokenizer %s; use %" PRIu32
                                 " or more",
                                 vocab, bpe ? "bpe" : "bytes", least);
    }
}

/* At least one whole sequence. The tokens of val_bytes are known only after tokenizing. */
static void check_validation(struct plan_reader *reader)
{
    reader_one_of(reader, MEMBER(data.val_tokens), MEMBER(data.val_bytes), "");
    if (!HAS(reader, data.val_tokens) || !HAS(reader, model.context))
        return;
    uint64_t val = reader->plan->data.val_tokens, context = reader->plan->model.context;
    if (val < context)
        reader_complain(reader, MEMBER(data.val_tokens),
                        "%" PRIu64 " is less than one sequence of model.context %" PRIu64
                        "; use that or more",
                        val, context);
}

/* ---- training ---- */

static void check_one_batch(struct plan_reader *reader, size_t member, size_t index, uint32_t batch)
{
    uint32_t context = reader->plan->model.context, below = batch / context * context;
    if (below == batch)
        return;
    if (below == 0)
        reader_complain_item(reader, member, index,
                             "%" PRIu32 " is less than one sequence; use model.context %" PRIu32
                             " or a multiple of it",
                             batch, context);
    else
        reader_complain_item(reader, member, index,
                             "%" PRIu32 " is not a multiple of model.context %" PRIu32
                             "; use %" PRIu32 " or %" PRIu32 " (k is 1000, Ki is 1024)",
                             batch, context, below, below + context);
}

static void check_batch(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!HAS(reader, model.context))
        return;
    for (size_t i = 0; i < plan->axes.batch_tokens.count; i++)
        if (HAS(reader, training.batch_tokens))
            check_one_batch(reader, MEMBER(training.batch_tokens), i,
                            plan->axes.batch_tokens.values[i]);
    if (GIVEN(reader, target.batch_tokens))
        check_one_batch(reader, MEMBER(target.batch_tokens), 0, plan->target.batch_tokens);
}

static void check_warmup(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    const size_t share = MEMBER(training.warmup), in_tokens = MEMBER(training.warmup_tokens),
                 in_steps = MEMBER(training.warmup_steps);
    bool one = reader_one_of(reader, share, in_tokens, "") &&
               reader_one_of(reader, share, in_steps, "") &&
               reader_one_of(reader, in_tokens, in_steps, "");
    if (!one || !HAS(reader, search.horizons) || !HAS(reader, training.batch_tokens) ||
        !HAS(reader, training.warmup_tokens) || !HAS(reader, training.warmup_steps) ||
        plan->search.horizon_count == 0)
        return;
    bool steps = plan->training.warmup_steps > 0;
    uint64_t tokens = steps ? plan->training.warmup_steps * plan_largest_batch(plan)
                            : plan->training.warmup_tokens;
    char horizon[32];
    if (tokens >= plan->search.horizons[0])
        reader_complain(
            reader, steps ? in_steps : in_tokens,
            "%" PRIu64
            " tokens of warm-up are not less than the shortest of search.horizons, %s; shorten it, "
            "or give training.warmup, a share of each horizon",
            tokens, quantity_count_text(plan->search.horizons[0], horizon, sizeof(horizon)));
}

static void check_last_lr(struct plan_reader *reader)
{
    static const size_t ends[] = {MEMBER(training.final_lr), MEMBER(training.min_lr)};
    static const size_t cooldown[] = {MEMBER(training.cooldown), MEMBER(training.cooldown_shape)};
    const struct plan *plan = reader->plan;
    reader_one_of(reader, ends[0], ends[1], "");
    if (!HAS(reader, training.schedule))
        return;
    if (plan->training.schedule == SCHEDULE_CONSTANT && plan->target.schedule == SCHEDULE_CONSTANT)
        reader_refuse(reader, ends, 2,
                      "has no effect with training.schedule: constant; leave it out");
    if (plan->training.schedule != SCHEDULE_WSD && plan->target.schedule != SCHEDULE_WSD)
        reader_refuse(reader, cooldown, 2,
                      "has no effect without training.schedule: wsd; leave it out");
    if (HAS(reader, training.min_lr) && HAS(reader, search.lr) &&
        plan->training.min_lr >= plan->search.lr[0] && plan->search.lr[0] > 0)
        reader_complain(reader, MEMBER(training.min_lr),
                        "%g is not below the lowest of search.lr, %g: that training would never "
                        "cool down; lower it, or give training.final_lr, a share of the peak",
                        plan->training.min_lr, plan->search.lr[0]);
}

static void check_cooldown(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!HAS(reader, training.schedule) || plan->training.schedule != SCHEDULE_WSD ||
        plan->training.warmup_tokens > 0 || plan->training.warmup_steps > 0 ||
        !HAS(reader, training.cooldown) || !HAS(reader, training.warmup))
        return;
    if (plan->training.warmup + plan->training.cooldown > 1)
        reader_complain(reader, MEMBER(training.cooldown),
                        "%g and training.warmup %g are more than the whole horizon; use %g or less",
                        plan->training.cooldown, plan->training.warmup, 1 - plan->training.warmup);
}

static void check_optimizer(struct plan_reader *reader)
{
    static const size_t muon[] = {MEMBER(training.muon_lr_scale), MEMBER(training.muon_momentum)};
    const struct plan *plan = reader->plan;
    reader_one_of(reader, MEMBER(training.beta2), MEMBER(training.beta2_half_life), "");
    if (plan->trainer.kind == TRAINER_TRANSFORMER && HAS(reader, training.optimizer) &&
        plan->training.optimizer != OPTIMIZER_MUON)
        reader_refuse(reader, muon, sizeof(muon) / sizeof(muon[0]),
                      "has no effect without training.optimizer: muon; leave it out");
}

/* ---- weight decay ---- */

/* The values of the list, or the only one. */
static void check_decay_values(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    const struct plan_number_axis *decays = &plan->axes.weight_decay;
    if (!HAS(reader, training.weight_decay))
        return;
    for (size_t i = 0; i < decays->count; i++) {
        double decay = decays->values[i];
        if (HAS(reader, training.independent_decay) && plan->training.independent_decay &&
            decay >= 1)
            reader_complain_item(reader, MEMBER(training.weight_decay), i,
                                 "%g leaves nothing of the weights when it is not multiplied by "
                                 "the LR; use 1e-4 or so, or leave out independent_decay",
                                 decay);
        if (decays->count > 1 && !(decay > 0))
            reader_complain_item(reader, MEMBER(training.weight_decay), i,
                                 "%g is no value of a list, along which the best LR is a power of "
                                 "the decay; use values above 0",
                                 decay);
    }
}

static void check_decay_search(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    const double *range = plan->search.weight_decay;
    if (!GIVEN(reader, search.weight_decay) || !(range[1] > 0))
        return;
    if (!(range[1] >= 2 * range[0]))
        reader_complain(reader, MEMBER(search.weight_decay),
                        range[0] < range[1]
                            ? "%g to %g is less than an octave (a factor of 2); widen it, or give "
                              "training.weight_decay one number"
                            : "the lower weight decay %g is not below the upper %g; write [low, "
                              "high]",
                        range[0], range[1]);
    if (plan->axes.weight_decay.count > 1)
        reader_complain(reader, MEMBER(search.weight_decay),
                        "is there beside a list in training.weight_decay; keep the range, within "
                        "which the best one is searched, or the list, each of which is trained");
    if (HAS(reader, training.independent_decay) && plan->training.independent_decay)
        reader_complain(reader, MEMBER(search.weight_decay),
                        "is searched as LR times weight decay, by which the weights shrink, and "
                        "with training.independent_decay they do not shrink by that; leave "
                        "independent_decay out, or give training.weight_decay a list");
}

static void check_target_decay(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    double decay = plan->target.weight_decay;
    if (!GIVEN(reader, target.weight_decay) || !HAS(reader, training.weight_decay))
        return;
    if (plan->search.weight_decay[1] > 0)
        reader_complain(reader, MEMBER(target.weight_decay),
                        "is what search.weight_decay looks for; leave one of them out");
    else if (plan->axes.weight_decay.count > 1 && !(decay > 0))
        reader_complain(reader, MEMBER(target.weight_decay),
                        "%g lies beyond every value above 0 of training.weight_decay; use one "
                        "above 0",
                        decay);
    else if (plan->axes.weight_decay.count == 1 &&
             (decay < plan->training.weight_decay || decay > plan->training.weight_decay))
        reader_complain(reader, MEMBER(target.weight_decay),
                        "%g is not training.weight_decay %g, and no rule carries an LR over to "
                        "another weight decay; give training.weight_decay a list with both",
                        decay, plan->training.weight_decay);
}

/* The most that a step of a trial takes off its weights, as a share of them. Ratios of LRs below
 * those of hidden matrices are left out. */
static double largest_step(const struct plan *plan, double weight_decay)
{
    const struct trial_spec shortest = {.horizon_tokens = plan->search.horizons[0],
                                        .batch_tokens = plan_largest_batch(plan)};
    double decay = plan_weight_decay(plan, &shortest, weight_decay);
    return plan->training.independent_decay ? decay : decay * plan->search.lr[1];
}

/* timescale, which is for independent_decay as well: batch / tokens keeps the share of the training
 * over which the weights forget, whether a step takes LR x decay of them or the decay alone. */
static void check_decay_rule(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    bool known = HAS(reader, search.horizons) && HAS(reader, target.tokens) &&
                 HAS(reader, training.weight_decay) && HAS(reader, search.lr) &&
                 HAS(reader, training.batch_tokens) && plan->search.horizon_count > 0;
    double most = HAS(reader, search.weight_decay) ? plan->search.weight_decay[1] : 0;
    if (!GIVEN(reader, training.decay_rule) || plan->training.decay_rule != DECAY_TIMESCALE)
        return;
    for (size_t i = 0; i < plan->axes.weight_decay.count; i++)
        most = plan->axes.weight_decay.values[i] > most ? plan->axes.weight_decay.values[i] : most;
    if (HAS(reader, training.weight_decay) && !(most > 0))
        reader_complain(reader, MEMBER(training.decay_rule),
                        "timescale has no effect with training.weight_decay 0; leave it out, or "
                        "give a weight decay");
    else if (known && largest_step(plan, most) >= 1)
        reader_complain(reader, MEMBER(training.decay_rule),
                        "timescale turns the weight decay %g of the target into %g at the shortest "
                        "of search.horizons, where one step at the highest LR takes all of the "
                        "weights; use decay_rule: constant, longer horizons or a smaller decay",
                        most,
                        largest_step(plan, most) /
                            (plan->training.independent_decay ? 1 : plan->search.lr[1]));
}

void check_training(struct plan_reader *reader)
{
    check_text_or_tokens(reader);
    check_vocab(reader);
    check_validation(reader);
    check_heads(reader);
    check_head_size(reader);
    check_rotation(reader);
    check_d_ff(reader);
    check_base_width(reader);
    check_target_width(reader);
    check_ratio(reader, MEMBER(model.embedding_lr_ratio), reader->plan->model.embedding_lr_ratio);
    check_ratio(reader, MEMBER(model.output_lr_ratio), reader->plan->model.output_lr_ratio);
    check_ratio(reader, MEMBER(model.vector_lr_ratio), reader->plan->model.vector_lr_ratio);
    check_embedding_exponent(reader);
    check_tied_output(reader);
    check_depth(reader);
    check_batch(reader);
    check_warmup(reader);
    check_last_lr(reader);
    check_cooldown(reader);
    check_optimizer(reader);
    check_decay_values(reader);
    check_decay_search(reader);
    check_target_decay(reader);
    check_decay_rule(reader);
}
