/* Rules about the search, its target, the budget, and the confirmation, for which a share of the
 * budget is reserved. */
#include "plan/check_plan.h"

#include <inttypes.h>
#include <math.h>
#include "search/laws/prior_beta.h"

/* Octaves of search.lr. Less than one is too narrow to fit a parabola. Twenty are a factor of a
 * million: more is a mistake, and a round of trials could exceed what a policy may propose. */
#define RANGE_LEAST 1.0
#define RANGE_MOST 20.0
/* Fewer steps are warm-up only; their losses say nothing about the LR of a training. */
#define STEPS_LEAST 10

/* Default share of each budget for the confirmation. Three trainings of the target's length cost
 * more than most searches, so the share limits the confirmation, and the search keeps the rest. */
#define RESERVE 0.3

static void check_range(struct plan_reader *reader)
{
    if (!HAS(reader, search.lr))
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
    if (!HAS(reader, search.horizons))
        return;
    const struct plan *plan = reader->plan;
    bool batch_good = HAS(reader, training.batch_tokens);
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

/* Looks at all horizons, which may be in a wrong order. */
static uint64_t longest_horizon(const struct plan *plan)
{
    uint64_t most = 0;
    for (size_t i = 0; i < plan->search.horizon_count; i++)
        most = plan->search.horizons[i] > most ? plan->search.horizons[i] : most;
    return most;
}

static void check_target(struct plan_reader *reader)
{
    if (!HAS(reader, target.tokens) || !HAS(reader, search.horizons))
        return;
    uint64_t target = reader->plan->target.tokens, most = longest_horizon(reader->plan);
    if (target < most)
        reader_complain(reader, MEMBER(target.tokens),
                        "%" PRIu64 " is less than the longest of search.horizons, %" PRIu64
                        "; a target is at least as long as what is tried",
                        target, most);
    if (GIVEN(reader, target.batch_tokens) &&
        target / STEPS_LEAST < reader->plan->target.batch_tokens)
        reader_complain(reader, MEMBER(target.batch_tokens),
                        "%" PRIu64 " target.tokens are less than %d steps of it; use %" PRIu64
                        " or less",
                        target, STEPS_LEAST, target / STEPS_LEAST);
}

/* Each of the two may be the user's. */
static void derive_prior_beta(struct plan_reader *reader)
{
    struct plan *plan = reader->plan;
    struct beta_prior prior;
    if (!HAS(reader, search.horizons) || !HAS(reader, target.tokens))
        return;
    plan_beta_prior(plan, &prior);
    if (ABSENT(reader, search.prior_beta))
        plan->search.prior_beta = prior.center;
    if (ABSENT(reader, search.prior_beta_sd))
        plan->search.prior_beta_sd = prior.scale;
}

/* prior_lr needs prior_tokens; prior_tokens and prior_lr_sd need prior_lr. */
static void check_prior(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!HAS(reader, search.prior_lr) || !HAS(reader, search.prior_tokens))
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
    else if (GIVEN(reader, search.prior_lr_sd))
        reader_complain(reader, MEMBER(search.prior_lr_sd),
                        "is of search.prior_lr, which is not there; add it, or leave this out");
}

/* ---- budget and confirmation ---- */

/* The section requests the confirmation, even an empty `confirm: {}`. */
static void derive_confirm(struct plan_reader *reader)
{
    struct plan *plan = reader->plan;
    const struct plan_section *section = plan_section_find("confirm");
    plan->confirm.wanted = reader->sections[section - plan_sections].line > 0;
    for (size_t k = 0; k < section->count; k++)
        plan->confirm.wanted |= reader_status(reader, section->keys[k].offset) != KEY_ABSENT;
    if (ABSENT(reader, budget.reserve))
        plan->budget.reserve = plan->confirm.wanted ? RESERVE : 0;
}

static void check_budget(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    uint64_t budget = plan->budget.tokens, most = longest_horizon(plan);
    if (GIVEN(reader, budget.reserve) && plan->budget.reserve > 0 && !plan->confirm.wanted)
        reader_complain(reader, MEMBER(budget.reserve),
                        "is kept back for a confirmation that the plan does not ask for; add "
                        "confirm: {}, or leave it out");
    if (HAS(reader, search.horizons) && GIVEN(reader, budget.tokens) && budget > 0 && budget < most)
        reader_complain(reader, MEMBER(budget.tokens),
                        "%" PRIu64 " does not pay for one training on the longest of "
                        "search.horizons, %" PRIu64,
                        budget, most);
}

static void check_confirm(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    uint64_t tokens = plan->confirm.tokens, most = longest_horizon(plan);
    if (!HAS(reader, search.horizons) || !GIVEN(reader, confirm.tokens) || tokens == 0)
        return;
    if (tokens < most)
        reader_complain(reader, MEMBER(confirm.tokens),
                        "%" PRIu64 " is less than the longest of search.horizons, %" PRIu64
                        ", which says as much already; leave it out for target.tokens",
                        tokens, most);
    else if (HAS(reader, target.tokens) && tokens > plan->target.tokens)
        reader_complain(reader, MEMBER(confirm.tokens),
                        "%" PRIu64 " is more than target.tokens, %" PRIu64
                        ", for which the LR is meant",
                        tokens, plan->target.tokens);
}

void check_search(struct plan_reader *reader)
{
    check_range(reader);
    check_horizons(reader);
    check_target(reader);
    derive_prior_beta(reader);
    check_prior(reader);
    derive_confirm(reader);
    check_budget(reader);
    check_confirm(reader);
}
