/* Rules that join several keys: the search and its target. */
#include "plan/plan_reader.h"

#include <inttypes.h>
#include <math.h>

/* Below an octave a parabola has nothing to hold on to. Twenty octaves are a millionfold: nobody
 * means more, and a round of trials stays within what a policy may propose. */
#define RANGE_LEAST 1.0
#define RANGE_MOST 20.0
/* Fewer steps than these are warm-up only; what they say about an LR says nothing about a training.
 */
#define STEPS_LEAST 10

static void check_range(struct plan_reader *reader)
{
    if (!reader_has(reader, MEMBER(search.lr)))
        return;
    double low = reader->plan->search.lr[0], high = reader->plan->search.lr[1];
    double octaves = log2(high / low);
    if (!(low < high))
        reader_complain(reader, MEMBER(search.lr),
                        "the lower LR %g is not below the upper %g; write [low, high]", low, high);
    else if (!(octaves >= RANGE_LEAST))
        reader_complain(
            reader, MEMBER(search.lr),
            "%g to %g is less than an octave (a factor of 2); widen it, to [%g, %g] say", low, high,
            low / 2, high * 2);
    else if (!(octaves <= RANGE_MOST))
        reader_complain(reader, MEMBER(search.lr),
                        "%g to %g is %.0f octaves; narrow it to %.0f (a millionfold) at most", low,
                        high, octaves, RANGE_MOST);
}

static void check_horizons(struct plan_reader *reader)
{
    if (!reader_has(reader, MEMBER(search.horizons)))
        return;
    const struct plan *plan = reader->plan;
    bool batch_good = reader_has(reader, MEMBER(training.batch_tokens));
    uint32_t batch = plan_largest_batch(plan);
    uint64_t least = (uint64_t)batch * STEPS_LEAST;
    for (size_t i = 0; i < plan->search.horizon_count; i++) {
        uint64_t tokens = plan->search.horizons[i];
        uint64_t before = i > 0 ? plan->search.horizons[i - 1] : 0;
        if (i > 0 && tokens == before)
            reader_complain_item(reader, MEMBER(search.horizons), i,
                                 "%" PRIu64 " is there twice; leave one out", tokens);
        else if (tokens < before)
            reader_complain_item(reader, MEMBER(search.horizons), i,
                                 "%" PRIu64 " is less than %" PRIu64
                                 " before it; put them in ascending order",
                                 tokens, before);
        else if (batch_good && tokens < least)
            reader_complain_item(reader, MEMBER(search.horizons), i,
                                 "%" PRIu64
                                 " is less than %d steps of training.batch_tokens %" PRIu32
                                 "; use %" PRIu64 " or more, or a smaller batch",
                                 tokens, STEPS_LEAST, batch, least);
    }
}

static uint64_t longest(const struct plan *plan)
{
    uint64_t most = 0;
    for (size_t i = 0; i < plan->search.horizon_count; i++)
        most = plan->search.horizons[i] > most ? plan->search.horizons[i] : most;
    return most;
}

static void check_target(struct plan_reader *reader)
{
    if (!reader_has(reader, MEMBER(target.tokens)) || !reader_has(reader, MEMBER(search.horizons)))
        return;
    uint64_t target = reader->plan->target.tokens, most = longest(reader->plan);
    if (target < most)
        reader_complain(reader, MEMBER(target.tokens),
                        "%" PRIu64 " is less than the longest of search.horizons, %" PRIu64
                        "; a target is at least as long as what is tried",
                        target, most);
    uint32_t batch = reader->plan->target.batch_tokens;
    if (reader_given(reader, MEMBER(target.batch_tokens)) && target / STEPS_LEAST < batch)
        reader_complain(reader, MEMBER(target.batch_tokens),
                        "%" PRIu64 " target.tokens are less than %d steps of it; use %" PRIu64
                        " or less",
                        target, STEPS_LEAST, target / STEPS_LEAST);
}

/* Earlier trainings: what they say, and at which tokens. */
static void check_prior(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!reader_has(reader, MEMBER(search.prior_lr)) ||
        !reader_has(reader, MEMBER(search.prior_tokens)))
        return;
    if (plan->search.prior_lr > 0 && plan->search.prior_tokens == 0)
        reader_complain(reader, MEMBER(search.prior_lr),
                        "%g is the best at some horizon; say at which: search.prior_tokens",
                        plan->search.prior_lr);
    if (plan->search.prior_lr > 0)
        return;
    if (plan->search.prior_tokens > 0)
        reader_complain(reader, MEMBER(search.prior_tokens),
                        "is the horizon of search.prior_lr, which is not there; add it, or leave "
                        "this out");
    else if (reader_given(reader, MEMBER(search.prior_lr_sd)))
        reader_complain(reader, MEMBER(search.prior_lr_sd),
                        "is of search.prior_lr, which is not there; add it, or leave this out");
}

void reader_check_search(struct plan_reader *reader)
{
    check_range(reader);
    check_horizons(reader);
    check_target(reader);
    check_prior(reader);
}
