#include "search_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "plan/quantity.h"
#include "plan/schema.h"
#include "search/laws/prior_beta.h"
#include "search/search_answer.h"

/* A key of the plan's section `search`, at its default. */
static double setting(const char *name)
{
    double value = NAN;
    const struct plan_key *key = plan_key_find(plan_section_find("search"), name);
    if (!key) {
        fprintf(stderr, "the plan has no key search.%s\n", name);
        exit(70);
    }
    quantity_number(key->fallback, &value);
    return value;
}

struct search_space search_defaults(void)
{
    const struct beta_setting unknown = {BETA_OTHER, {0, 0}, 1, 1};
    struct beta_prior beta = beta_prior_of(&unknown);
    return (struct search_space){
        .seeds = 1,
        .seed = 1,
        .resolution = setting("resolution"),
        .prior_beta = beta.center,
        .prior_beta_sd = beta.scale,
        .precision = setting("precision"),
        .min_gain = setting("min_gain"),
        .round_trials = (uint32_t)setting("round_trials"),
        .ratios = {{1, 1}, {1, 1}},
    };
}

double clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

int compare_values(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double cost_of(const struct search_space *space, const struct proposal *proposal)
{
    double cost = (double)proposal->tokens / (double)space->target_tokens;
    return space->cells ? cost * space->cells[proposal->cell].cost / space->target.cost : cost;
}

int search_run(struct search_run *run, const struct policy *policy,
               struct observation (*observe)(const void *context, const struct proposal *proposal),
               const void *context)
{
    static struct proposal round[POLICY_ROUND_MAX];
    size_t asked;
    run->count = run->rounds = 0;
    run->cost = run->slowest_ms = 0;
    for (;;) {
        double begin = clock_ms();
        int rc = search_next(policy, &run->space, run->seen, run->count, round, &asked);
        run->slowest_ms = fmax(run->slowest_ms, clock_ms() - begin);
        if (rc)
            return rc;
        if (asked == 0)
            break;
        if (run->count + asked > RUN_TRIALS || run->rounds == RUN_ROUNDS)
            return LR_EINTERNAL;
        for (size_t i = 0; i < asked; i++) {
            run->seen[run->count++] = observe(context, &round[i]);
            run->cost += cost_of(&run->space, &round[i]);
        }
        run->after[run->rounds++] = run->count;
    }
    return search_answer(&run->answer, &run->space, run->seen, run->count, NULL);
}
