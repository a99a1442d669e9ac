/* From observations to the answer: basins, law, hold-out, target, gate. Observations are sorted
 * first, so that the answer does not depend on the order in which they came. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/basin.h"
#include "search/gate.h"
#include "search/law.h"
#include "search/sorted.h"

static int by_horizon_lr_seed(const void *left, const void *right)
{
    const struct observation *a = left, *b = right;
    if (a->tokens != b->tokens)
        return a->tokens < b->tokens ? -1 : 1;
    if (a->lr != b->lr)
        return a->lr < b->lr ? -1 : 1;
    if (a->seed != b->seed)
        return a->seed < b->seed ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return (a->loss > b->loss) - (a->loss < b->loss);
}

struct observation *search_sorted(const struct observation *seen, size_t count)
{
    struct observation *sorted = lr_malloc((count + 1) * sizeof(*sorted));
    if (!sorted)
        return NULL;
    if (count)
        memcpy(sorted, seen, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), by_horizon_lr_seed);
    return sorted;
}

static void hold_out(struct answer *answer, const struct search_space *space)
{
    size_t last = answer->horizon_count - 1;
    const struct horizon_answer *longest = &answer->horizons[last];
    struct law shorter;
    law_fit(&shorter, answer->horizons, last, space);
    if (shorter.count < 2 || !law_uses(longest))
        return;
    answer->law.holdout.tokens = longest->tokens;
    answer->law.holdout.lr_predicted =
        law_predict(&shorter, longest->tokens, answer->law.holdout.ci90);
    answer->law.holdout.lr_measured = longest->lr_opt;
}

static void aim(struct answer *answer, const struct law *law, const struct search_space *space)
{
    const struct horizon_answer *longest = &answer->horizons[answer->horizon_count - 1];
    struct target_answer *target = &answer->target;
    target->tokens = space->target_tokens;
    target->lr = law_predict(law, space->target_tokens, target->ci90);
    if (space->target_tokens == longest->tokens && law_uses(longest)) {
        target->lr = longest->lr_opt; /* measured: no law is needed */
        target->ci90[0] = longest->ci90[0];
        target->ci90[1] = longest->ci90[1];
    }
    target->embedding_lr = NAN;
    target->loss_penalty_if_wrong_2x = longest->curvature > 0 ? longest->curvature : NAN;
}

int search_answer(struct answer *answer, const struct search_space *space,
                  const struct observation *seen, size_t count, struct lr_error *err)
{
    size_t horizons =
        space->horizon_count < ANSWER_HORIZONS ? space->horizon_count : ANSWER_HORIZONS;
    struct observation *sorted = search_sorted(seen, count);
    struct basin *basins = lr_calloc(horizons, sizeof(*basins));
    double *scratch = lr_calloc(space->bootstrap, sizeof(*scratch));
    struct law law;
    int rc = sorted && basins && scratch ? 0 : lr_fail(err, LR_ENOMEM, "out of memory");
    if (rc)
        goto out;
    memset(answer, 0, sizeof(*answer));
    answer->horizon_count = horizons;
    for (size_t h = 0; h < horizons; h++)
        basin_gather(&basins[h], space->horizons[h], sorted, count);
    struct noise noise = basin_noise(basins, horizons);
    for (size_t h = 0; h < horizons; h++)
        basin_answer(&answer->horizons[h], &basins[h], &noise, space, scratch);
    law_fit(&law, answer->horizons, horizons, space);
    law_answer_fill(&answer->law, &law);
    hold_out(answer, space);
    aim(answer, &law, space);
    gate_decide(answer, basins, &law, space);
    gate_warn(answer, basins, &law, space);
out:
    lr_free(sorted);
    lr_free(basins);
    lr_free(scratch);
    return rc;
}
