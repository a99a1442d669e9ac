/* Rules that join several keys: the optimizer and the schedule. */
#include "plan/plan_reader.h"

#include <inttypes.h>
#include "plan/quantity.h"

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
    if (!reader_has(reader, MEMBER(model.context)))
        return;
    for (size_t i = 0; i < plan->axes.batch_tokens.count; i++)
        if (reader_has(reader, MEMBER(training.batch_tokens)))
            check_one_batch(reader, MEMBER(training.batch_tokens), i,
                            plan->axes.batch_tokens.values[i]);
    if (reader_given(reader, MEMBER(target.batch_tokens)))
        check_one_batch(reader, MEMBER(target.batch_tokens), 0, plan->target.batch_tokens);
}

/* Of several keys that say the same thing in other units one may be given. */
static bool check_one_of(struct plan_reader *reader, size_t first, size_t second,
                         const char *first_name)
{
    if (!reader_given(reader, first) || !reader_given(reader, second))
        return true;
    reader_complain(reader, second, "is there beside training.%s; leave one out", first_name);
    return false;
}

static void check_warmup(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    bool one =
        check_one_of(reader, MEMBER(training.warmup), MEMBER(training.warmup_tokens), "warmup") &&
        check_one_of(reader, MEMBER(training.warmup), MEMBER(training.warmup_steps), "warmup") &&
        check_one_of(reader, MEMBER(training.warmup_tokens), MEMBER(training.warmup_steps),
                     "warmup_tokens");
    if (!one || !reader_has(reader, MEMBER(search.horizons)) ||
        !reader_has(reader, MEMBER(training.batch_tokens)) ||
        !reader_has(reader, MEMBER(training.warmup_tokens)) ||
        !reader_has(reader, MEMBER(training.warmup_steps)) || plan->search.horizon_count == 0)
        return;
    bool steps = plan->training.warmup_steps > 0;
    uint64_t tokens = steps ? plan->training.warmup_steps * plan_largest_batch(plan)
                            : plan->training.warmup_tokens;
    char horizon[32];
    if (tokens >= plan->search.horizons[0])
        reader_complain(
            reader, steps ? MEMBER(training.warmup_steps) : MEMBER(training.warmup_tokens),
            "%" PRIu64
            " tokens of warm-up are not less than the shortest of search.horizons, %s; shorten it, "
            "or give training.warmup, a share of each horizon",
            tokens, quantity_count_text(plan->search.horizons[0], horizon, sizeof(horizon)));
}

static void check_end(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    check_one_of(reader, MEMBER(training.final_lr), MEMBER(training.min_lr), "final_lr");
    if (!reader_has(reader, MEMBER(training.schedule)))
        return;
    const size_t ends[] = {MEMBER(training.final_lr), MEMBER(training.min_lr)};
    for (size_t i = 0; i < 2; i++)
        if (plan->training.schedule == SCHEDULE_CONSTANT &&
            plan->target.schedule == SCHEDULE_CONSTANT && reader_given(reader, ends[i]))
            reader_complain(reader, ends[i],
                            "has no effect with training.schedule: constant; leave it out");
    const size_t cooldown[] = {MEMBER(training.cooldown), MEMBER(training.cooldown_shape)};
    for (size_t i = 0; i < 2; i++)
        if (plan->training.schedule != SCHEDULE_WSD && plan->target.schedule != SCHEDULE_WSD &&
            reader_given(reader, cooldown[i]))
            reader_complain(reader, cooldown[i],
                            "has no effect without training.schedule: wsd; leave it out");
    if (reader_has(reader, MEMBER(training.min_lr)) && reader_has(reader, MEMBER(search.lr)) &&
        plan->training.min_lr >= plan->search.lr[0] && plan->search.lr[0] > 0)
        reader_complain(reader, MEMBER(training.min_lr),
                        "%g is not below the lowest of search.lr, %g: that training would never "
                        "cool down; lower it, or give training.final_lr, a share of the peak",
                        plan->training.min_lr, plan->search.lr[0]);
}

static void check_cooldown(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!reader_has(reader, MEMBER(training.schedule)) || plan->training.schedule != SCHEDULE_WSD ||
        plan->training.warmup_tokens > 0 || plan->training.warmup_steps > 0 ||
        !reader_has(reader, MEMBER(training.cooldown)) ||
        !reader_has(reader, MEMBER(training.warmup)))
        return;
    if (plan->training.warmup + plan->training.cooldown > 1)
        reader_complain(reader, MEMBER(training.cooldown),
                        "%g and training.warmup %g are more than the whole horizon; use %g or less",
                        plan->training.cooldown, plan->training.warmup, 1 - plan->training.warmup);
}

static void check_optimizer(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    check_one_of(reader, MEMBER(training.beta2), MEMBER(training.beta2_half_life), "beta2");
    if (reader_has(reader, MEMBER(training.weight_decay)) &&
        reader_has(reader, MEMBER(training.independent_decay)) &&
        plan->training.independent_decay && plan->training.weight_decay >= 1)
        reader_complain(reader, MEMBER(training.weight_decay),
                        "%g leaves nothing of the weights when it is not multiplied by the LR; use "
                        "1e-4 or so, or leave out independent_decay",
                        plan->training.weight_decay);
}

void reader_check_training(struct plan_reader *reader)
{
    check_batch(reader);
    check_warmup(reader);
    check_end(reader);
    check_cooldown(reader);
    check_optimizer(reader);
}
