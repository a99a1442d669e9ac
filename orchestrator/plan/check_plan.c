/* Rules that join several keys: model, data, training. Each says what does not fit and a value that
 * would. A rule speaks only when all its keys are good by themselves. */
#include "plan/read_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BYTES_VOCAB 256 /* every byte is a token */
#define BPE_VOCAB 512   /* bytes, specials and some room for merges */

static void fill_derived(struct plan_reader *reader)
{
    struct plan *plan = reader->plan;
    if (reader_state(reader, MEMBER(model.base_width))->status == KEY_ABSENT)
        plan->model.base_width = plan->model.d_model;
    if (reader_state(reader, MEMBER(target.d_model))->status == KEY_ABSENT)
        plan->target.d_model = plan->model.d_model;
    if (reader_state(reader, MEMBER(output.dir))->status == KEY_ABSENT)
        snprintf(plan->output.dir, sizeof(plan->output.dir), "logs/%s", plan->name);
}

/* The name becomes a folder, a file name and a word on a command line. */
static void check_name(struct plan_reader *reader)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    if (!reader_has(reader, MEMBER(name)))
        return;
    const char *name = reader->plan->name;
    size_t good = strspn(name, allowed);
    if (name[good])
        reader_complain(reader, MEMBER(name),
                        "\"%s\" is no file name: use letters, digits, '-', '_' and '.' only", name);
    else if (name[0] == '.' || name[0] == '-')
        reader_complain(reader, MEMBER(name), "must not start with '%c'", name[0]);
}

static void check_heads(struct plan_reader *reader)
{
    if (!reader_has(reader, MEMBER(model.d_model)) || !reader_has(reader, MEMBER(model.n_heads)))
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

static void check_batch(struct plan_reader *reader)
{
    if (!reader_has(reader, MEMBER(training.batch_tokens)) ||
        !reader_has(reader, MEMBER(model.context)))
        return;
    uint32_t batch = reader->plan->training.batch_tokens, context = reader->plan->model.context;
    uint32_t below = batch / context * context;
    if (below == batch)
        return;
    if (below == 0)
        reader_complain(reader, MEMBER(training.batch_tokens),
                        "%" PRIu32 " is less than one sequence; use model.context %" PRIu32
                        " or a multiple of it",
                        batch, context);
    else
        reader_complain(reader, MEMBER(training.batch_tokens),
                        "%" PRIu32 " is not a multiple of model.context %" PRIu32 "; use %" PRIu32
                        " or %" PRIu32 " (k is 1000, Ki is 1024)",
                        batch, context, below, below + context);
}

static void check_vocab(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!reader_has(reader, MEMBER(model.vocab)) || !reader_has(reader, MEMBER(data.tokenizer)) ||
        !reader_has(reader, MEMBER(data.source)) || plan->data.source != SOURCE_TOKENS)
        return;
    bool bpe = plan->data.tokenizer == TOKENIZER_BPE;
    uint32_t least = bpe ? BPE_VOCAB : BYTES_VOCAB;
    if (plan->model.vocab < least)
        reader_complain(reader, MEMBER(model.vocab),
                        "%" PRIu32 " is too small for data.tokenizer %s; use %" PRIu32 " or more",
                        plan->model.vocab, bpe ? "bpe" : "bytes", least);
}

/* A validation sequence is context tokens and the label of the last. */
static void check_validation(struct plan_reader *reader)
{
    if (!reader_has(reader, MEMBER(data.val_tokens)) || !reader_has(reader, MEMBER(model.context)))
        return;
    uint64_t val = reader->plan->data.val_tokens, context = reader->plan->model.context;
    if (val <= context)
        reader_complain(reader, MEMBER(data.val_tokens),
                        "%" PRIu64 " holds no sequence of model.context %" PRIu64
                        " and its last label; use %" PRIu64 " or more",
                        val, context, context + 1);
}

/* The ratio of widths enters init and LRs; a crooked one is a slip of the pen. */
static void check_base_width(struct plan_reader *reader)
{
    if (!reader_given(reader, MEMBER(model.base_width)) ||
        !reader_has(reader, MEMBER(model.d_model)))
        return;
    uint32_t base = reader->plan->model.base_width, width = reader->plan->model.d_model;
    if (width % base != 0 && base % width != 0)
        reader_complain(reader, MEMBER(model.base_width),
                        "%" PRIu32 " neither divides model.d_model %" PRIu32
                        " nor is a multiple of it; use %" PRIu32 " or leave it out",
                        base, width, width);
}

static void check_target_width(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!reader_given(reader, MEMBER(target.d_model)) ||
        !reader_has(reader, MEMBER(model.d_model)) ||
        !reader_has(reader, MEMBER(model.parametrization)) ||
        plan->model.parametrization != PARAM_SP || plan->target.d_model == plan->model.d_model)
        return;
    reader_complain(reader, MEMBER(target.d_model),
                    "%" PRIu32 " is not model.d_model %" PRIu32
                    ", and model.parametrization sp does not carry an LR over to another width; "
                    "use mup or lvp",
                    plan->target.d_model, plan->model.d_model);
}

void reader_check(struct plan_reader *reader)
{
    fill_derived(reader);
    check_name(reader);
    check_heads(reader);
    check_batch(reader);
    check_vocab(reader);
    check_validation(reader);
    check_base_width(reader);
    check_target_width(reader);
}
