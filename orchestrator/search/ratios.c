/* Coordinate-wise search for LR ratios, at the shortest horizon:
 *
 *   1. the policy finds the best LR, with the ratios in the middle of their ranges;
 *   2. `narrow` finds the best value of each ratio in turn at that LR: loss over log ratio is a
 *      basin like loss over log LR, so it needs no code of its own;
 *   3. the policy runs its full search at the best ratios.
 *
 * There is no state: every call recomputes everything from the observations. Each step uses only
 * the observations that belong to it, so that later trials do not change earlier decisions. */
#include "search/ratios.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/bootstrap.h"
#include "search/lr_grid.h"
#include "search/observations.h"

#define RATIO_RESOLUTION 1.0 /* octaves; the loss is less sensitive to a ratio than to the LR */

static const char *const names[RATIO_COUNT] = {"embedding_lr_ratio", "output_lr_ratio"};

static bool is_searched(const struct search_space *space, int r)
{
    return space->ratios[r].low < space->ratios[r].high;
}

bool ratios_are_searched(const struct search_space *space)
{
    bool any = false;
    for (int r = 0; r < RATIO_COUNT; r++)
        any |= is_searched(space, r);
    return any;
}

/* The search for ratio r, posed as one for an LR at the shortest horizon alone. */
static struct search_space ratio_space(const struct search_space *space, int r)
{
    struct search_space of = *space;
    of.lr_low = space->ratios[r].low;
    of.lr_high = space->ratios[r].high;
    of.horizon_count = 1;
    of.target_tokens = space->horizons[0];
    of.resolution = RATIO_RESOLUTION;
    of.prior_lr = 0;
    return of;
}

/* The middle point of `narrow`'s coarse grid over the range; a fixed ratio's value. */
static double start_of(const struct search_space *space, int r)
{
    if (!is_searched(space, r))
        return space->ratios[r].low;
    struct search_space of = ratio_space(space, r);
    struct lr_grid grid = lr_grid_make(&of);
    return lr_grid_lr(&grid, &of, (grid.last / grid.coarse + 1) / 2 * grid.coarse);
}

static bool same_ratios(const double *a, const double *b, int except)
{
    for (int r = 0; r < RATIO_COUNT; r++)
        if (r != except && a[r] != b[r])
            return false;
    return true;
}

size_t ratios_filter(const double value[RATIO_COUNT], const struct observation *seen, size_t count,
                     struct observation *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (same_ratios(seen[i].ratios, value, -1))
            out[kept++] = seen[i];
    return kept;
}

/* Copies the observations along ratio r (shortest horizon, LR and other ratios as in `ratios`),
 * with the ratio as their lr. */
static size_t filter_along(const struct search_space *space, const struct ratios *ratios, int r,
                           const struct observation *seen, size_t count, struct observation *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (seen[i].tokens == space->horizons[0] && seen[i].lr == ratios->lr &&
            same_ratios(seen[i].ratios, ratios->value, r)) {
            out[kept] = seen[i];
            out[kept++].lr = seen[i].ratios[r];
        }
    return kept;
}

/* *best: the tried LR (or ratio) nearest to the optimum; NaN without a loss. 0 or LR_ENOMEM. */
static int best_tried(const struct search_space *of, const struct observation *seen, size_t count,
                      double *best)
{
    struct observations *obs = observations_create(of, seen, count);
    double nearest = INFINITY;
    *best = NAN;
    if (!obs)
        return LR_ENOMEM;
    const struct basin *basin = &obs->basins[0];
    struct noise noise = basin_noise(obs->basins, 1);
    struct parabola fit = basin_fit(basin, &noise);
    bool holds = fit.count >= 5 && !parabola_is_flat(&fit, &noise) && !basin->at_edge;
    double vertex = holds              ? basin_vertex(basin, &fit)
                    : basin->best >= 0 ? basin->points[basin->best].x
                                       : NAN;
    for (size_t i = 0; i < basin->count; i++) {
        double off = fabs(basin->points[i].x - vertex);
        if (isnan(basin->points[i].loss) || !(off < nearest - 1e-9))
            continue;
        nearest = off;
        *best = basin->points[i].seen[0].lr;
    }
    observations_destroy(obs);
    return 0;
}

static struct search_space shortest(const struct search_space *space)
{
    struct search_space of = *space;
    of.horizon_count = 1;
    return of;
}

static void start_ratios(struct ratios *ratios, const struct search_space *space)
{
    for (int r = 0; r < RATIO_COUNT; r++)
        ratios->value[r] = start_of(space, r);
    ratios->lr = NAN;
}

/* Sets ratios->lr to the best LR at ratios->value. */
static int settle_lr(struct ratios *ratios, const struct search_space *space,
                     const struct observation *seen, size_t count, struct observation *room)
{
    struct search_space of = shortest(space);
    size_t kept = ratios_filter(ratios->value, seen, count, room);
    return best_tried(&of, room, kept, &ratios->lr);
}

static int settle_ratio(struct ratios *ratios, const struct search_space *space, int r,
                        const struct observation *seen, size_t count, struct observation *room)
{
    struct search_space of = ratio_space(space, r);
    size_t kept = filter_along(space, ratios, r, seen, count, room);
    double best;
    int rc = best_tried(&of, room, kept, &best);
    ratios->value[r] = isnan(best) ? ratios->value[r] : best;
    return rc;
}

int ratios_settle(struct ratios *ratios, const struct search_space *space,
                  const struct observation *seen, size_t count, struct observation *room)
{
    start_ratios(ratios, space);
    if (!ratios_are_searched(space))
        return 0;
    int rc;
    if ((rc = settle_lr(ratios, space, seen, count, room)))
        return rc;
    for (int r = 0; r < RATIO_COUNT; r++)
        if (is_searched(space, r) && (rc = settle_ratio(ratios, space, r, seen, count, room)))
            return rc;
    return 0;
}

/* ---- the next round ---- */

static void set_ratios(struct proposal *round, int asked, const double value[RATIO_COUNT])
{
    for (int i = 0; i < asked; i++)
        memcpy(round[i].ratios, value, sizeof(round[i].ratios));
}

/* Steps 1 and 2: number of proposals, or negative; 0: both are done, and *ratios is settled. */
static int next_of_ratios(struct ratios *ratios, const struct policy *policy,
                          const struct search_space *space, const struct observation *seen,
                          size_t count, struct observation *room, struct proposal *round)
{
    struct search_space first = shortest(space);
    size_t kept = ratios_filter(ratios->value, seen, count, room);
    int asked = policy->next(&first, room, kept, round);
    set_ratios(round, asked, ratios->value);
    if (asked != 0)
        return asked;
    if (settle_lr(ratios, space, seen, count, room))
        return LR_ENOMEM;
    for (int r = 0; r < RATIO_COUNT && !isnan(ratios->lr); r++) {
        if (!is_searched(space, r))
            continue;
        struct search_space of = ratio_space(space, r);
        kept = filter_along(space, ratios, r, seen, count, room);
        asked = policy_narrow.next(&of, room, kept, round);
        for (int i = 0; i < asked; i++) {
            double ratio = round[i].lr;
            round[i].lr = ratios->lr;
            memcpy(round[i].ratios, ratios->value, sizeof(round[i].ratios));
            round[i].ratios[r] = ratio;
        }
        if (asked != 0)
            return asked;
        if (settle_ratio(ratios, space, r, seen, count, room))
            return LR_ENOMEM;
    }
    return 0;
}

int ratios_next(const struct policy *policy, const struct search_space *space,
                const struct observation *seen, size_t count, struct proposal *round)
{
    struct ratios ratios;
    struct observation *room = NULL;
    size_t kept = count;
    int asked = 0;
    start_ratios(&ratios, space);
    if (ratios_are_searched(space)) {
        room = lr_calloc(count + 1, sizeof(*room));
        if (!room)
            return LR_ENOMEM;
        asked = next_of_ratios(&ratios, policy, space, seen, count, room, round);
        kept = ratios_filter(ratios.value, seen, count, room);
    }
    if (asked == 0) {
        asked = policy->next(space, room ? room : seen, kept, round);
        set_ratios(round, asked, ratios.value);
    }
    lr_free(room);
    return asked;
}

static void name_after(struct forecast_stage *stages, size_t count, const char *step)
{
    for (size_t i = 0; i < count; i++) {
        char name[sizeof(stages[i].name)] = "";
        snprintf(name, sizeof(name), "%s: %.28s", step, stages[i].name);
        memcpy(stages[i].name, name, sizeof(name));
    }
}

/* Counts the shortest horizon twice. Step 3 repeats it at other ratios; it costs nothing more only
 * if the best ratios are those of step 1. */
int ratios_forecast(const struct policy *policy, const struct search_space *space,
                    struct forecast_stage *stages, size_t capacity)
{
    size_t used = 0;
    if (ratios_are_searched(space)) {
        struct search_space first = shortest(space);
        used = (size_t)policy->forecast(&first, stages, capacity);
        name_after(stages, used, "middling ratios");
    }
    for (int r = 0; r < RATIO_COUNT; r++) {
        if (!is_searched(space, r))
            continue;
        struct search_space of = ratio_space(space, r);
        int count = policy_narrow.forecast(&of, stages + used, capacity - used);
        name_after(stages + used, (size_t)count,
                   r == RATIO_EMBEDDING ? "embedding ratio" : "output ratio");
        used += (size_t)count;
    }
    return (int)used + policy->forecast(space, stages + used, capacity - used);
}

/* ---- the answer ---- */

static void warn_ratio(struct answer *answer, const struct ratio_answer *ratio, int r)
{
    if (ratio->at_edge)
        answer_warn(answer,
                    "the best model.%s, %.3g, lies at the end of what was tried: widen its range",
                    names[r], ratio->value);
    else if (ratio->flat || isnan(ratio->optimum))
        answer_warn(answer,
                    "the data do not tell the best model.%s: the loss changes with it less than "
                    "the noise; %.3g was used",
                    names[r], ratio->value);
}

int ratios_answer(struct answer *answer, const struct search_space *space,
                  const struct ratios *ratios, const struct observation *seen, size_t count,
                  struct observation *room)
{
    struct ratios at; /* the ratios at which each one was searched */
    start_ratios(&at, space);
    at.lr = ratios->lr;
    for (int r = 0; r < RATIO_COUNT; r++) {
        struct ratio_answer *ratio = &answer->ratios[r];
        *ratio = (struct ratio_answer){.value = ratios->value[r],
                                       .optimum = NAN,
                                       .ci90 = {NAN, NAN},
                                       .searched = is_searched(space, r)};
        if (!ratio->searched)
            continue;
        struct search_space of = ratio_space(space, r);
        struct horizon_answer found;
        size_t kept = filter_along(space, &at, r, seen, count, room);
        struct observations *obs = observations_create(&of, room, kept);
        at.value[r] = ratios->value[r];
        if (!obs)
            return LR_ENOMEM;
        struct noise noise = basin_noise(obs->basins, 1);
        int rc = basin_answer(&found, &obs->basins[0], &noise, &of);
        observations_destroy(obs);
        if (rc)
            return rc;
        ratio->optimum = found.lr_opt;
        ratio->ci90[0] = found.ci90[0];
        ratio->ci90[1] = found.ci90[1];
        ratio->at_edge = found.at_edge;
        ratio->flat = found.flat;
        ratio->trials = found.trials;
        warn_ratio(answer, ratio, r);
    }
    return 0;
}
