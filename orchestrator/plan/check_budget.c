/* Rules that join several keys: the budget, and the confirmation that a part of it is kept for. */
#include "plan/plan_reader.h"

#include <inttypes.h>

/* Of each budget, when the plan does not say: three trainings that are as long as the target's cost
 * more than most searches, so that a confirmation takes what it gets and no search starves for it.
 */
#define RESERVE 0.3

static uint64_t longest(const struct plan *plan)
{
    uint64_t most = 0;
    for (size_t i = 0; i < plan->search.horizon_count; i++)
        most = plan->search.horizons[i] > most ? plan->search.horizons[i] : most;
    return most;
}

/* The section itself is the wish: `confirm: {}` says that defaults will do. */
static void derive(struct plan_reader *reader)
{
    struct plan *plan = reader->plan;
    const struct plan_section *section = plan_section_find("confirm");
    size_t s = (size_t)(section - plan_sections);
    plan->confirm.wanted = reader->sections[s].line > 0;
    for (size_t k = 0; k < section->count; k++)
        plan->confirm.wanted |= reader->states[s][k].status != KEY_ABSENT;
    if (reader_state(reader, MEMBER(budget.reserve))->status == KEY_ABSENT)
        plan->budget.reserve = plan->confirm.wanted ? RESERVE : 0;
}

static void check_tokens(struct plan_reader *reader, uint64_t most)
{
    uint64_t budget = reader->plan->budget.tokens;
    if (reader_given(reader, MEMBER(budget.tokens)) && budget > 0 && budget < most)
        reader_complain(reader, MEMBER(budget.tokens),
                        "%" PRIu64 " does not pay for one training on the longest of "
                        "search.horizons, %" PRIu64,
                        budget, most);
}

static void check_reserve(struct plan_reader *reader)
{
    if (reader_given(reader, MEMBER(budget.reserve)) && reader->plan->budget.reserve > 0 &&
        !reader->plan->confirm.wanted)
        reader_complain(reader, MEMBER(budget.reserve),
                        "is kept back for a confirmation that the plan does not ask for; add "
                        "confirm: {}, or leave it out");
}

static void check_confirm(struct plan_reader *reader, uint64_t most)
{
    uint64_t tokens = reader->plan->confirm.tokens, target = reader->plan->target.tokens;
    if (!reader_given(reader, MEMBER(confirm.tokens)) || tokens == 0)
        return;
    if (tokens < most)
        reader_complain(reader, MEMBER(confirm.tokens),
                        "%" PRIu64 " is less than the longest of search.horizons, %" PRIu64
                        ", which says as much already; leave it out for target.tokens",
                        tokens, most);
    else if (reader_has(reader, MEMBER(target.tokens)) && tokens > target)
        reader_complain(reader, MEMBER(confirm.tokens),
                        "%" PRIu64 " is more than target.tokens, %" PRIu64
                        ", for which the LR is meant",
                        tokens, target);
}

void reader_check_budget(struct plan_reader *reader)
{
    derive(reader);
    check_reserve(reader);
    if (!reader_has(reader, MEMBER(search.horizons)))
        return;
    uint64_t most = longest(reader->plan);
    check_tokens(reader, most);
    check_confirm(reader, most);
}
