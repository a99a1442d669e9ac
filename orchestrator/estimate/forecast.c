/* Simulates campaigns on random surfaces. Their parameters have the ranges that published sweeps
 * show (the same as in tests/lib/surface.c); the optimum lies inside the plan's range. */
#include "estimate/forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "campaign/campaign_space.h"
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"
#include "search/search_answer.h"
#include "trainers/simulate/loss_surface.h"

#define DRAW_SURFACE ((uint64_t)RNG_SIMULATE + (9u << 8)) /* loss_surface.c uses the lower ones */
#define DRAWS 16                                          /* random numbers per surface, at most */
#define TRIALS_MOST 4096
#define WORK_MOST 60 /* cells * horizons * campaigns; takes some seconds */
#define CAMPAIGNS_LEAST 5
#define CAMPAIGNS_OF_CELLS 2 /* with several cells a search step takes a second */
#define JUDGED_APART 1.5     /* ratio of the tokens spent at successive judgements, at least */
#define RATIO_CURVATURE 0.01 /* nats per octave^2 */

struct drawn_surface {
    struct simulate_spec surface;
    double ratio[RATIO_COUNT]; /* optimal ratios; 0: the ratio is fixed */
};

struct simulation {
    const struct plan *plan;
    const struct forecast_clock *clock;
    struct campaign_space asked;
    struct drawn_surface truth;
    struct observation seen[TRIALS_MOST];
    size_t count;
    struct proposal round[POLICY_ROUND_MAX];
    double busy_s[POLICY_ROUND_MAX]; /* of each worker in this round */
    struct answer answer;
};

static double draw_between(const struct plan *plan, size_t campaign, uint64_t which, double low,
                           double high)
{
    return low + (high - low) * rng_uniform(plan->seed, DRAW_SURFACE, campaign * DRAWS + which);
}

static struct surface_place place_of(const struct plan *plan, uint32_t cell, uint64_t tokens)
{
    struct trial_spec spec = plan_cell(plan, cell);
    struct surface_place place = {.tokens = tokens, .vocab = spec.vocab};
    if (spec.d_model > 0 && spec.n_layers > 0)
        place.params = (double)trial_params_hidden(&spec);
    return place;
}

/* Range of the optimum of the shortest horizon, in octaves above lr_low. */
static void optimum_range(const struct search_space *space, double reach[2])
{
    double octaves = log2(space->lr_high / space->lr_low), margin = fmin(1, octaves / 3);
    reach[0] = margin;
    reach[1] = octaves - margin;
    if (!(space->prior_lr > 0))
        return;
    struct expected_place place = prior_lr_at(space, (double)space->horizons[0]);
    for (int i = 0; i < 2; i++) { /* uniform, with the expected deviation */
        double end = place.center - log2(space->lr_low) + (i ? 1 : -1) * sqrt(3) * place.deviation;
        reach[i] = fmax(margin, fmin(end, octaves - margin));
    }
}

static struct drawn_surface draw_surface(const struct plan *plan, const struct search_space *space,
                                         size_t i)
{
    struct drawn_surface drawn = {{0}, {0}};
    struct simulate_spec *s = &drawn.surface;
    double reach[2];
    optimum_range(space, reach);
    s->seed = rng_u64(plan->seed, DRAW_SURFACE, i * DRAWS + DRAWS - 1) >> 1;
    s->beta = space->prior_beta + space->prior_beta_sd * draw_between(plan, i, 1, -1, 1);
    s->curvature = 0.012 * exp2(draw_between(plan, i, 2, 0, 2.32)); /* .012 to .06 */
    s->asymmetry = draw_between(plan, i, 3, 0, 0.35);
    s->cliff = draw_between(plan, i, 4, 1.2, 3);
    s->misfit = 0.15;
    /* .003 to .03, typical of large and small models; a plan with several seeds expects more */
    s->noise = 0.003 * exp2(draw_between(plan, i, 5, 0, 3.3)) * sqrt(plan->search.seeds);
    s->seed_noise = s->noise;
    s->alpha = plan->model.parametrization == PARAM_SP ? draw_between(plan, i, 6, 0, 0.4) : 0;
    s->gamma = draw_between(plan, i, 7, -0.1, 0.1);
    for (int r = 0; r < RATIO_COUNT; r++)
        if (space->ratios[r].low < space->ratios[r].high)
            drawn.ratio[r] = sqrt(space->ratios[r].low * space->ratios[r].high) *
                             exp2(draw_between(plan, i, 8 + (uint64_t)r, -1, 1));
    s->lr = 1;
    struct surface_place shortest = place_of(plan, 0, space->horizons[0]);
    s->lr = space->lr_low * exp2(draw_between(plan, i, 0, reach[0], reach[1])) /
            loss_surface_optimum(s, &shortest);
    return drawn;
}

static struct observation look_up_loss(const struct simulation *sim,
                                       const struct proposal *proposal)
{
    struct surface_place place = place_of(sim->plan, proposal->cell, proposal->tokens);
    double loss = loss_surface_loss(&sim->truth.surface, &place, proposal->lr, proposal->seed);
    for (int r = 0; r < RATIO_COUNT; r++) {
        double off = sim->truth.ratio[r] > 0 ? log2(proposal->ratios[r] / sim->truth.ratio[r]) : 0;
        loss += RATIO_CURVATURE * off * off;
    }
    struct observation seen = {.tokens = proposal->tokens,
                               .lr = proposal->lr,
                               .seed = proposal->seed,
                               .cell = proposal->cell,
                               .kind = isnan(loss) ? OBSERVED_DIVERGED : OBSERVED_LOSS,
                               .loss = loss};
    memcpy(seen.ratios, proposal->ratios, sizeof(seen.ratios));
    return seen;
}

/* Wall seconds of a round: each trial goes to the worker that is free first. */
static double round_seconds(struct simulation *sim, const double *seconds, size_t count)
{
    size_t workers =
        sim->clock->workers < POLICY_ROUND_MAX ? sim->clock->workers : POLICY_ROUND_MAX;
    double longest = 0;
    memset(sim->busy_s, 0, sizeof(sim->busy_s));
    for (size_t i = 0; i < count; i++) {
        size_t first = 0;
        for (size_t w = 1; w < workers; w++)
            first = sim->busy_s[w] < sim->busy_s[first] ? w : first;
        sim->busy_s[first] += seconds[i];
        longest = fmax(longest, sim->busy_s[first]);
    }
    return longest;
}

static int compare_longest_first(const void *a, const void *b)
{
    const struct proposal *x = a, *y = b;
    return (x->tokens < y->tokens) - (x->tokens > y->tokens);
}

static void train_round(struct simulation *sim, size_t asked, struct forecast_point *point)
{
    double seconds[POLICY_ROUND_MAX];
    qsort(sim->round, asked, sizeof(*sim->round), compare_longest_first);
    for (size_t i = 0; i < asked; i++) {
        const struct proposal *proposal = &sim->round[i];
        struct trial_spec spec = plan_cell(sim->plan, proposal->cell);
        sim->seen[sim->count++] = look_up_loss(sim, proposal);
        seconds[i] = sim->clock->seconds(sim->clock->context, proposal->cell, proposal->tokens);
        point->trials++;
        point->tokens += (double)proposal->tokens;
        if (spec.trainer == TRAINER_TRANSFORMER)
            point->flops += (double)proposal->tokens * trial_flops_per_token(&spec);
        point->seconds += seconds[i];
    }
    point->wall_s += round_seconds(sim, seconds, asked);
}

/* Appends a point with the search's current answer. */
static int judge(struct simulation *sim, struct forecast_course *course,
                 struct forecast_point *point, struct lr_error *err)
{
    const struct target_answer *target = &sim->answer.target;
    int rc;
    if ((rc = search_answer(&sim->answer, &sim->asked.space, sim->seen, sim->count, err)))
        return rc;
    double factor = fmax(target->ci90[1] / target->lr, target->lr / target->ci90[0]);
    point->factor = isfinite(factor) ? factor : INFINITY;
    point->identified = sim->answer.status == ANSWER_IDENTIFIED;
    course->points[course->count++] = *point;
    return 0;
}

static int simulate(struct simulation *sim, struct forecast_course *course, struct lr_error *err)
{
    struct forecast_point point = {0};
    const struct policy *policy = campaign_policy(sim->plan);
    double judged = 0; /* tokens at the last judgement */
    int rc;
    sim->count = 0;
    for (course->count = 0; course->count < FORECAST_ROUNDS;) {
        size_t asked;
        rc = search_next(policy, &sim->asked.space, sim->seen, sim->count, sim->round, &asked);
        if (rc)
            return lr_fail(err, rc, "the search cannot be simulated: %s", lr_error_text(rc));
        if (asked == 0 || sim->count + asked > TRIALS_MOST)
            return point.tokens > judged ? judge(sim, course, &point, err) : 0;
        train_round(sim, asked, &point);
        if (point.tokens < judged * JUDGED_APART)
            continue;
        if ((rc = judge(sim, course, &point, err)))
            return rc;
        judged = point.tokens;
    }
    return 0;
}

int forecast_run(struct forecast *out, const struct plan *plan, const struct forecast_clock *clock,
                 const struct stage_report *stages, struct lr_error *err)
{
    size_t each = plan_cell_count(plan) * plan->search.horizon_count, most = WORK_MOST / each;
    struct simulation *sim = lr_calloc(1, sizeof(*sim));
    int rc = 0;
    if (!sim)
        return lr_nomem(err);
    sim->plan = plan;
    sim->clock = clock;
    campaign_space_fill(&sim->asked, plan);
    most = most > CAMPAIGNS_LEAST ? most : CAMPAIGNS_LEAST;
    most = sim->asked.space.cell_count > 1 ? CAMPAIGNS_OF_CELLS : most;
    most = most < FORECAST_CAMPAIGNS ? most : FORECAST_CAMPAIGNS;
    for (out->count = 0; out->count < most; out->count++) {
        sim->truth = draw_surface(plan, &sim->asked.space, out->count);
        if ((rc = simulate(sim, &out->courses[out->count], err)))
            goto out;
        stage_say(stages, "simulating campaigns", (double)(out->count + 1) / (double)most);
    }
out:
    stage_over(stages);
    lr_free(sim);
    return rc;
}

/* ---- quantiles over the campaigns ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, size_t count, double share)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    double at = ceil(share * (double)count) - 1;
    return count > 0 ? values[at > 0 ? (size_t)at : 0] : NAN;
}

double forecast_quantile(const struct forecast *forecast, size_t member, double share)
{
    double values[FORECAST_CAMPAIGNS];
    size_t count = 0;
    for (size_t i = 0; i < forecast->count; i++) {
        const struct forecast_course *course = &forecast->courses[i];
        if (course->count > 0)
            memcpy(&values[count++], (const char *)&course->points[course->count - 1] + member,
                   sizeof(double));
    }
    return quantile(values, count, share);
}

struct forecast_answer forecast_after(const struct forecast *forecast, double tokens)
{
    struct forecast_answer answer = {0};
    double factors[FORECAST_CAMPAIGNS];
    for (size_t i = 0; i < forecast->count; i++) {
        const struct forecast_course *course = &forecast->courses[i];
        factors[i] = INFINITY;
        bool identified = false;
        for (size_t k = 0; k < course->count && course->points[k].tokens <= tokens; k++) {
            factors[i] = course->points[k].factor;
            identified = course->points[k].identified;
            answer.begun = true;
        }
        answer.identified += identified ? 1.0 / (double)forecast->count : 0;
    }
    answer.factor = quantile(factors, forecast->count, 0.5);
    return answer;
}
