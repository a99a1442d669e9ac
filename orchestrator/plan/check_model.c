/* Rules that join several keys: the model. */
#include "plan/plan_reader.h"

#include <inttypes.h>

/* Of several widths each one is told of by itself. */
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
    if (!reader_has(reader, MEMBER(model.d_model)) || !reader_given(reader, MEMBER(model.n_heads)))
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
    if (!reader_given(reader, MEMBER(model.head_size)))
        return;
    if (reader_given(reader, MEMBER(model.n_heads)))
        reader_complain(reader, MEMBER(model.head_size),
                        "is there beside model.n_heads; leave one out: n_heads stays the same "
                        "over widths, or head_size does");
    else if (reader_has(reader, MEMBER(model.d_model)) && several_widths(plan))
        check_widths(reader, "head_size", plan->model.head_size);
    else if (reader_has(reader, MEMBER(model.d_model)) &&
             plan->model.d_model % plan->model.head_size != 0)
        reader_complain(reader, MEMBER(model.head_size),
                        "%" PRIu32 " does not divide model.d_model %" PRIu32, plan->model.head_size,
                        plan->model.d_model);
}

/* RoPE turns pairs of channels. */
static void check_rotation(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    bool grow = plan->model.heads_grow;
    if (!reader_has(reader, MEMBER(model.arch)) || plan->model.arch != ARCH_LLAMA)
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
static void check_middle(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!reader_given(reader, MEMBER(model.d_ff)) || !reader_has(reader, MEMBER(model.d_model)))
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
    bool any = false;
    for (size_t i = 0; i < plan->axes.parametrization.count; i++)
        any = any || plan->axes.parametrization.values[i] == parametrization;
    return any;
}

/* The ratio of widths enters init and LRs; a crooked one is a slip of the pen. */
static void check_base_width(struct plan_reader *reader)
{
    if (!reader_given(reader, MEMBER(model.base_width)) ||
        !reader_has(reader, MEMBER(model.d_model)))
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
    if (!carries || reader->plan->model.heads_grow || !reader_has(reader, MEMBER(model.n_heads)) ||
        reader->plan->model.n_heads == 0 || reader_given(reader, MEMBER(model.base_head_size)))
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
    if (!reader_given(reader, MEMBER(target.d_model)) || !reader_has(reader, MEMBER(model.d_model)))
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
    if (!reader_has(reader, MEMBER(model.parametrization)) || !uses(plan, PARAM_SP) ||
        several_widths(plan)) /* then the law over widths is measured */
        return;
    reader_complain(reader, MEMBER(target.d_model),
                    "%" PRIu32 " is not model.d_model %" PRIu32
                    ", and model.parametrization sp does not carry an LR over to another width; "
                    "use mup or lvp",
                    plan->target.d_model, plan->model.d_model);
}

/* Both ends of a ratio's range; an octave at least, as for the LR. */
static void check_ratio(struct plan_reader *reader, size_t member, const double ratio[2])
{
    if (!reader_has(reader, member) || ratio[0] == ratio[1])
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

static void check_output(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    check_ratio(reader, MEMBER(model.embedding_lr_ratio), plan->model.embedding_lr_ratio);
    check_ratio(reader, MEMBER(model.output_lr_ratio), plan->model.output_lr_ratio);
    if (reader_has(reader, MEMBER(model.tied_output)) && plan->model.tied_output &&
        reader_given(reader, MEMBER(model.output_lr_ratio)))
        reader_complain(reader, MEMBER(model.output_lr_ratio),
                        "has no effect with model.tied_output: the output matrix is the embedding, "
                        "whose LR embedding_lr_ratio gives; leave it out");
    if (reader_has(reader, MEMBER(model.tied_output)) && plan->model.tied_output &&
        reader_has(reader, MEMBER(model.parametrization)) && uses(plan, PARAM_LVP))
        reader_complain(reader, MEMBER(model.tied_output),
                        "does not go with model.parametrization lvp, whose embedding LR falls as "
                        "width^-1/2 while that of the output matrix must stay, and tied they are "
                        "one matrix with one LR; use mup, or tied_output: false");
}

static void check_depth(struct plan_reader *reader)
{
    if (reader_given(reader, MEMBER(model.base_layers)) &&
        reader_has(reader, MEMBER(model.depth_rule)) &&
        reader->plan->model.depth_rule == DEPTH_NONE)
        reader_complain(reader, MEMBER(model.base_layers),
                        "has no effect without model.depth_rule: completep");
}

void reader_check_model(struct plan_reader *reader)
{
    check_heads(reader);
    check_head_size(reader);
    check_rotation(reader);
    check_middle(reader);
    check_base_width(reader);
    check_target_width(reader);
    check_output(reader);
    check_depth(reader);
}
