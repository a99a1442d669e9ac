/* Rules that join several keys: the model. */
#include "plan/read_plan.h"

#include <inttypes.h>

static void check_heads(struct plan_reader *reader)
{
    if (!reader_has(reader, MEMBER(model.d_model)) || !reader_given(reader, MEMBER(model.n_heads)))
        return;
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
    if (!reader_has(reader, MEMBER(model.arch)) || plan->model.arch != ARCH_LLAMA ||
        plan->model.head_size % 2 == 0)
        return;
    reader_complain(reader,
                    plan->model.heads_grow ? MEMBER(model.head_size) : MEMBER(model.n_heads),
                    "heads of %" PRIu32
                    " channels cannot be rotated by arch llama; make the size of a head even",
                    plan->model.head_size);
}

/* The ratio of widths enters init and LRs; a crooked one is a slip of the pen. */
static void check_base_width(struct plan_reader *reader)
{
    if (!reader_given(reader, MEMBER(model.base_width)) ||
        !reader_has(reader, MEMBER(model.d_model)))
        return;
    uint32_t base = reader->plan->model.base_width, width = reader->plan->model.d_model;
    if (width % base != 0 && base % width != 0) {
        reader_complain(reader, MEMBER(model.base_width),
                        "%" PRIu32 " neither divides model.d_model %" PRIu32
                        " nor is a multiple of it; use %" PRIu32 " or leave it out",
                        base, width, width);
        return;
    }
    if (reader->plan->model.parametrization == PARAM_SP || reader->plan->model.heads_grow ||
        !reader_has(reader, MEMBER(model.n_heads)) || reader->plan->model.n_heads == 0 ||
        reader_given(reader, MEMBER(model.base_head_size)))
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
    if (!reader_given(reader, MEMBER(target.d_model)) ||
        !reader_has(reader, MEMBER(model.d_model)) || plan->target.d_model == plan->model.d_model)
        return;
    struct trial_spec target = plan_trial(plan);
    if (target.n_heads > 0 && target.d_model % target.n_heads == 0 &&
        !trial_set_width(&target, plan->target.d_model, plan->model.heads_grow))
        reader_complain(reader, MEMBER(target.d_model),
                        "%" PRIu32 " cannot be shared out among model.%s %" PRIu32
                        "; use a multiple of it",
                        plan->target.d_model, plan->model.heads_grow ? "head_size" : "n_heads",
                        plan->model.heads_grow ? plan->model.head_size : plan->model.n_heads);
    if (!reader_has(reader, MEMBER(model.parametrization)) ||
        plan->model.parametrization != PARAM_SP)
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
    check_base_width(reader);
    check_target_width(reader);
    check_output(reader);
    check_depth(reader);
}
