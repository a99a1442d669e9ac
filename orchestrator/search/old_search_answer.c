/* From observations to the answer: the posterior of basins and law, hold-out, acceptance,
 * warnings. */
#include "search/search_answer.h"

#include <math.h>
#include <stddef.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/accept.h"
#include "search/answer_cells.h"
#include "search/basin_model.h"
#include "search/posterior.h"
#include "search/ratios.h"
#include "search/warnings.h"

#define HALF_KNOWN 1.0 /* octaves: a vertex with a larger standard deviation is called flat */
#define MEASURED 2     /* LRs with a loss */
#define FEW 3          /* LRs */
#define BEYOND 0.33    /* probability beyond the range from which an optimum is at the edge */
#define PARABOLA 5     /* least points in the fit for its flatness to count */

static struct spread spread_at(const struct posterior *posterior, size_t array, size_t h)
{
    return posterior_spread(posterior, array + h * sizeof(double));
}

/* ---- horizons ---- */

static size_t losses_of(const struct basin *basin)
{
    size_t count = 0;
    for (size_t i = 0; i < basin->count; i++)
        count += isnan(basin->points[i].loss) ? 0 : 1;
    return count;
}

/* True if the best LR is the lowest or highest that gave a loss or diverged. With at most FEW
 * losses, only if the optimum lies beyond the range with probability above BEYOND: otherwise the
 * other horizons place it. */
static bool lies_at_edge(const struct basin *basin, const struct search_space *space,
                         const struct posterior *posterior, size_t h)
{
    double low = log2(space->lr_low), high = log2(space->lr_high), below = 0, above = 0;
    if (!basin->at_edge || losses_of(basin) > FEW)
        return basin->at_edge;
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        below += posterior->samples[s].vertex[h] < low ? 1.0 / POSTERIOR_SAMPLES : 0;
        above += posterior->samples[s].vertex[h] > high ? 1.0 / POSTERIOR_SAMPLES : 0;
    }
    return below > BEYOND || above > BEYOND;
}

static void fill_horizon(struct horizon_answer *answer, const struct basin *basin,
                         const struct noise *noise, const struct search_space *space,
                         const struct posterior *posterior, size_t h)
{
    *answer = (struct horizon_answer){
        .tokens = basin->tokens,
        .lr_opt = NAN,
        .ci90 = {NAN, NAN},
        .curvature = NAN,
        .loss_min = NAN,
        .se_ln_lr = NAN,
        .se_loss = NAN,
        .trials = basin->trials,
        .diverged = basin->diverged,
    };
    size_t losses = losses_of(basin);
    if (basin->best >= 0) {
        answer->loss_min = basin->points[basin->best].loss;
        answer->at_edge = lies_at_edge(basin, space, posterior, h);
    }
    if (losses < MEASURED && !basin->optimum)
        return;
    struct spread vertex = spread_at(posterior, offsetof(struct sample, vertex), h);
    spread_exp2(&vertex, &answer->lr_opt, answer->ci90);
    answer->se_ln_lr = vertex.deviation * log(2.0);
    struct parabola fit = basin_fit(basin, noise);
    answer->flat =
        vertex.deviation > HALF_KNOWN || (fit.count >= PARABOLA && parabola_is_flat(&fit, noise));
    if (losses < MEASURED)
        return; /* an optimum measured elsewhere: its basin is not known */
    answer->curvature = spread_at(posterior, offsetof(struct sample, curvature), h).mean;
    struct spread level = spread_at(posterior, offsetof(struct sample, level), h);
    answer->loss_min = level.mean;
    answer->se_loss = level.deviation;
}

/* ---- law ---- */

static void fill_law(struct answer *answer, const struct posterior *posterior)
{
    struct law_answer *law = &answer->law;
    struct spread beta = posterior_spread(posterior, offsetof(struct sample, beta));
    struct spread line = posterior_spread(posterior, offsetof(struct sample, line));
    struct spread misfit = posterior_spread(posterior, offsetof(struct sample, misfit));
    law->beta = beta.mean;
    law->beta_ci90[0] = beta.ci90[0];
    law->beta_ci90[1] = beta.ci90[1];
    law->b = line.mean * log(2.0) + beta.mean * log(posterior->reference_tokens);
    law->misfit = misfit.mean * log(2.0);
    law->prior_weight = fmin(1, pow(beta.deviation / posterior->prior_beta_sd, 2));
}

/* Predicts the longest horizon from the shorter ones, to compare with its measured optimum. 0 or
 * LR_ENOMEM. */
static int hold_out(struct answer *answer, const struct observations *obs)
{
    size_t last = answer->horizon_count - 1, measured = 0;
    const struct horizon_answer *longest = &answer->horizons[last];
    for (size_t h = 0; h < last; h++)
        measured += horizon_counts(&answer->horizons[h]);
    if (measured < 2 || !horizon_counts(longest))
        return 0;
    struct posterior *shorter = posterior_create(obs, last, longest->tokens);
    if (!shorter)
        return LR_ENOMEM;
    struct spread predicted = posterior_spread(shorter, offsetof(struct sample, target));
    lr_free(shorter);
    answer->law.holdout.tokens = longest->tokens;
    spread_exp2(&predicted, &answer->law.holdout.lr_predicted, answer->law.holdout.ci90);
    answer->law.holdout.lr_measured = longest->lr_opt;
    return 0;
}

/* ---- target ---- */

static void fill_target(struct target_answer *target, const struct posterior *posterior)
{
    struct spread optimum = posterior_spread(posterior, offsetof(struct sample, target));
    double wrong[2] = {0, 0}, penalty = 0;
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        const struct sample *sample = &posterior->samples[s];
        double share = sample->target_curvature / POSTERIOR_SAMPLES;
        penalty += share * basin_shape(optimum.mean - sample->target, sample->asymmetry);
        for (int i = 0; i < 2; i++)
            wrong[i] += share * basin_shape(i ? 1 : -1, sample->asymmetry);
    }
    spread_exp2(&optimum, &target->lr, target->ci90);
    target->loss_penalty = penalty;
    target->loss_penalty_if_wrong_2x = (wrong[0] + wrong[1]) / 2;
}

static bool anything_known(const struct observations *obs)
{
    for (size_t h = 0; h < obs->horizon_count; h++)
        if (obs->basins[h].best >= 0 || obs->basins[h].optimum)
            return true;
    return false;
}

static int one_cell_answer(struct answer *answer, const struct observations *obs)
{
    size_t count = obs->horizon_count;
    int rc;
    struct posterior *posterior = posterior_create(obs, count, obs->space->target_tokens);
    if (!posterior)
        return LR_ENOMEM;
    answer->horizon_count = count;
    struct noise noise = basin_noise(obs->basins, count);
    for (size_t h = 0; h < count; h++)
        fill_horizon(&answer->horizons[h], &obs->basins[h], &noise, obs->space, posterior, h);
    if (anything_known(obs)) {
        fill_law(answer, posterior);
        fill_target(&answer->target, posterior);
    }
    lr_free(posterior);
    if ((rc = hold_out(answer, obs)) || (rc = accept_decide(answer, obs)))
        return rc;
    warnings_add(answer, obs);
    return 0;
}

/* The answer from the observations at the best ratios, and the ratios. 0 or LR_ENOMEM. */
static int answer_with_ratios(struct answer *answer, const struct search_space *space,
                              const struct observation *seen, size_t count)
{
    struct ratios ratios;
    struct observations *obs = NULL;
    int rc = LR_ENOMEM;
    struct observation *room = lr_calloc(count + 1, sizeof(*room));
    if (!room || ratios_settle(&ratios, space, seen, count, room))
        goto out;
    if (ratios_are_searched(space))
        obs = observations_create(space, room, ratios_filter(ratios.value, seen, count, room));
    else
        obs = observations_create(space, seen, count);
    if (!obs || (rc = one_cell_answer(answer, obs)))
        goto out;
    rc = ratios_answer(answer, space, &ratios, seen, count, room);
out:
    observations_destroy(obs);
    lr_free(room);
    return rc;
}

/* ---- any campaign ---- */

/* Empties the answer: the target's tokens, and NaN for what is unknown. */
static void clear_answer(struct answer *answer, const struct search_space *space)
{
    memset(answer, 0, sizeof(*answer)); /* padding too: answers are compared as bytes */
    answer->target.tokens = space->target_tokens;
    answer->target.lr = answer->target.ci90[0] = answer->target.ci90[1] = NAN;
    answer->target.loss_penalty = answer->target.loss_penalty_if_wrong_2x = NAN;
    answer->target.embedding_lr = NAN;
    for (int r = 0; r < RATIO_COUNT; r++)
        answer->target.ratio[r] = answer->target.ratio_ci90[r][0] =
            answer->target.ratio_ci90[r][1] = NAN;
    struct law_answer *law = &answer->law;
    law->beta = law->beta_ci90[0] = law->beta_ci90[1] = law->b = law->r2 = NAN;
    law->prior_weight = law->misfit = NAN;
    law->holdout.lr_predicted = law->holdout.lr_measured = NAN;
    law->holdout.ci90[0] = law->holdout.ci90[1] = NAN;
}

/* Zeroes what lies behind the end of each warning: answers are compared as bytes. */
static void clear_tails(struct answer *answer)
{
    for (size_t i = 0; i < answer->warning_count; i++) {
        size_t length = strlen(answer->warnings[i]);
        memset(answer->warnings[i] + length, 0, ANSWER_TEXT - length);
    }
}

/* R2 of ln LR* over the answer's horizons; NaN with fewer than three that count. */
static double explained_variance(const struct answer *answer)
{
    double sum = 0, total = 0, left = 0, count = 0;
    for (size_t h = 0; h < answer->horizon_count; h++)
        if (horizon_counts(&answer->horizons[h])) {
            sum += log(answer->horizons[h].lr_opt);
            count++;
        }
    for (size_t h = 0; h < answer->horizon_count; h++) {
        const struct horizon_answer *horizon = &answer->horizons[h];
        if (!horizon_counts(horizon))
            continue;
        double y = log(horizon->lr_opt), around = y - sum / count;
        double off = y - (answer->law.b - answer->law.beta * log((double)horizon->tokens));
        left += off * off;
        total += around * around;
    }
    return count >= 3 && total > 0 ? 1 - left / total : NAN;
}

int search_answer(struct answer *answer, const struct search_space *space,
                  const struct observation *seen, size_t count, struct lr_error *err)
{
    if (space->horizon_count == 0)
        return lr_fail(err, LR_EINVAL, "a search needs one horizon at least");
    clear_answer(answer, space);
    int rc = space->cell_count > 1 ? cells_answer(answer, space, seen, count)
                                   : answer_with_ratios(answer, space, seen, count);
    if (rc == LR_ECANCELED) {
        clear_answer(answer, space);
        return lr_fail(err, rc, "interrupted in a fit");
    }
    if (rc)
        return lr_nomem(err);
    answer->law.r2 = explained_variance(answer);
    clear_tails(answer);
    return 0;
}
