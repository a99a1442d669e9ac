/* The search on losses whose truth is known. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/rng.h"
#include "search/basin.h"
#include "search/law.h"
#include "search/policy.h"

static const uint64_t horizons[] = {1000000, 2000000, 4000000};

static struct search_space space_of(double low, double high)
{
    return (struct search_space){.lr_low = low,
                                 .lr_high = high,
                                 .horizons = horizons,
                                 .horizon_count = 3,
                                 .seeds = 1,
                                 .resolution = 1.0,
                                 .target_tokens = 16000000,
                                 .bootstrap = 200,
                                 .seed = 1,
                                 .prior_beta = 0.3,
                                 .prior_beta_sd = 0.15};
}

/* LR*(D) = 4e-3 (D / 1M)^-beta, a parabola of `curvature` nats per octave^2 around it, noise, and a
 * cliff `cliff` octaves to the right. */
struct surface {
    double beta, curvature, noise, cliff;
    uint64_t seed, nothing_in; /* one in so many observations is OBSERVED_NOTHING; 0: none */
};

static double truth(const struct surface *s, uint64_t tokens)
{
    return 4e-3 * pow((double)tokens / 1e6, -s->beta);
}

static struct observation look(const struct surface *s, const struct proposal *p, uint64_t draw)
{
    double x = log2(p->lr / truth(s, p->tokens));
    struct observation o = {p->tokens, p->lr, p->seed, OBSERVED_LOSS, 0};
    o.loss = 3 - 0.1 * log((double)p->tokens / 1e6) + s->curvature * x * x +
             s->noise * rng_normal(s->seed, RNG_SIMULATE, draw);
    if (x > s->cliff)
        o.kind = OBSERVED_DIVERGED;
    if (s->nothing_in && rng_below(s->seed, RNG_SIMULATE + 256, draw, s->nothing_in) == 0)
        o.kind = OBSERVED_NOTHING;
    return o;
}

enum { MOST = 2000 };

/* Runs a policy to its end; checks what every policy promises. */
static size_t campaign(const struct policy *policy, const struct search_space *space,
                       const struct surface *surface, struct observation *seen)
{
    static struct proposal round[POLICY_ROUND_MAX];
    size_t count = 0;
    for (;;) {
        int asked = policy->next(space, seen, count, round);
        assert_true(asked >= 0);
        if (asked == 0)
            return count;
        size_t before = count;
        for (int i = 0; i < asked; i++) {
            assert_true(round[i].lr >= space->lr_low * (1 - 1e-9));
            assert_true(round[i].lr <= space->lr_high * (1 + 1e-9));
            for (size_t j = 0; j < count; j++) {
                bool same = seen[j].tokens == round[i].tokens && seen[j].seed == round[i].seed &&
                            seen[j].lr == round[i].lr;
                assert_false(same);
                if (j < before && seen[j].tokens == round[i].tokens &&
                    seen[j].kind == OBSERVED_DIVERGED && policy == &policy_narrow)
                    assert_true(round[i].lr < seen[j].lr);
            }
            assert_true(count < MOST);
            seen[count] = look(surface, &round[i], count);
            count++;
        }
    }
}

static struct observation seen[MOST];
static struct answer answer, again;

static void a_clean_parabola_gives_its_vertex(void **state)
{
    (void)state;
    const struct surface surface = {.beta = 0.3, .curvature = 0.03, .cliff = 99};
    struct search_space space = space_of(1e-4, 1e-1);
    size_t count = campaign(&policy_narrow, &space, &surface, seen);
    assert_int_equal(search_answer(&answer, &space, seen, count, NULL), 0);
    assert_int_equal(answer.status, ANSWER_IDENTIFIED);
    for (size_t h = 0; h < 3; h++) {
        assert_true(fabs(log(answer.horizons[h].lr_opt / truth(&surface, horizons[h]))) < 1e-6);
        assert_true(fabs(answer.horizons[h].curvature - 0.03) < 1e-9);
        assert_false(answer.horizons[h].at_edge || answer.horizons[h].flat);
        assert_true(answer.horizons[h].trials >= 5);
    }
    assert_true(fabs(answer.law.beta - 0.3) < 1e-6);
    assert_true(fabs(log(answer.target.lr / truth(&surface, 16000000))) < 1e-6);
    assert_true(answer.target.ci90[0] < answer.target.lr &&
                answer.target.lr < answer.target.ci90[1]);
    assert_true(fabs(answer.target.loss_penalty_if_wrong_2x - 0.03) < 1e-9);
    assert_int_equal(answer.law.holdout.tokens, 4000000);
    assert_true(fabs(log(answer.law.holdout.lr_predicted / answer.law.holdout.lr_measured)) < 1e-6);
}

static void order_does_not_matter(void **state)
{
    (void)state;
    const struct surface surface = {
        .beta = 0.5, .curvature = 0.03, .noise = 0.01, .cliff = 3, .seed = 3};
    struct search_space space = space_of(1e-4, 1e-1);
    size_t count = campaign(&policy_narrow, &space, &surface, seen);
    search_answer(&answer, &space, seen, count, NULL);
    for (size_t i = 0; i < count; i++) {
        size_t j = (size_t)rng_below(9, RNG_SIMULATE, i, count);
        struct observation swap = seen[i];
        seen[i] = seen[j];
        seen[j] = swap;
    }
    search_answer(&again, &space, seen, count, NULL);
    assert_memory_equal(&answer, &again, sizeof(answer));
}

static void narrow_always_ends(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct surface surface = {.beta = 2 * rng_uniform(seed, 99, 0) - 0.5,
                                  .curvature = 0.1 * rng_uniform(seed, 99, 1) - 0.02,
                                  .noise = 0.2 * rng_uniform(seed, 99, 2),
                                  .cliff = 8 * rng_uniform(seed, 99, 3) - 5,
                                  .seed = seed,
                                  .nothing_in = seed % 3 == 0 ? 4 : 0};
        struct search_space space = space_of(1e-4 * (1 + (double)(seed % 7)), 1e-1);
        space.seeds = 1 + (uint32_t)(seed % 2);
        space.bootstrap = 20;
        size_t count = campaign(&policy_narrow, &space, &surface, seen);
        assert_int_equal(search_answer(&answer, &space, seen, count, NULL), 0);
        struct forecast_stage stages[16];
        int used = policy_narrow.forecast(&space, stages, 16);
        uint32_t most = 0;
        for (int i = 0; i < used; i++)
            most += stages[i].trials_max;
        assert_true(count <= most);
    }
}

static void everything_diverged_says_so(void **state)
{
    (void)state;
    const struct surface surface = {.beta = 0.3, .curvature = 0.03, .cliff = 1};
    struct search_space space = space_of(1, 10);
    size_t count = campaign(&policy_narrow, &space, &surface, seen);
    search_answer(&answer, &space, seen, count, NULL);
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_string_equal(answer.reason, "every trial diverged: the range [1, 10] is too high; try "
                                       "search.lr: [0.0001, 0.1]");
    assert_true(isnan(answer.target.lr));
}

static void an_edge_is_not_an_optimum(void **state)
{
    (void)state;
    const struct surface surface = {.beta = 0.3, .curvature = 0.03, .cliff = 99};
    struct search_space space = space_of(2e-2, 2);
    size_t count = campaign(&policy_narrow, &space, &surface, seen);
    search_answer(&answer, &space, seen, count, NULL);
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_true(answer.horizons[2].at_edge);
    assert_non_null(strstr(answer.reason, "lies at the lower edge of what was tried: widen "
                                          "search.lr to [0.0025, 2]"));
}

static void noise_is_not_a_basin(void **state)
{
    (void)state;
    unsigned identified = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        const struct surface surface = {
            .beta = 0.3, .curvature = 0, .noise = 0.02, .cliff = 99, .seed = seed};
        struct search_space space = space_of(1e-4, 1e-1);
        space.bootstrap = 50;
        size_t count = campaign(&policy_narrow, &space, &surface, seen);
        search_answer(&answer, &space, seen, count, NULL);
        identified += answer.status == ANSWER_IDENTIFIED;
    }
    assert_in_range(identified, 0, 25);
}

static void nothing_seen_is_said(void **state)
{
    (void)state;
    struct search_space space = space_of(1e-4, 1e-1);
    assert_int_equal(search_answer(&answer, &space, NULL, 0, NULL), 0);
    assert_string_equal(answer.reason, "no trial has finished");
    assert_true(isnan(answer.horizons[0].lr_opt));
}

static void a_far_target_is_refused(void **state)
{
    (void)state;
    const struct surface surface = {.beta = 0.3, .curvature = 0.03, .cliff = 99};
    struct search_space space = space_of(1e-4, 1e-1);
    space.target_tokens = UINT64_C(1000000000000);
    size_t count = campaign(&policy_narrow, &space, &surface, seen);
    search_answer(&answer, &space, seen, count, NULL);
    assert_int_equal(answer.status, ANSWER_NOT_IDENTIFIED);
    assert_non_null(strstr(answer.reason, "extrapolation refused: the target is 250000 times"));
}

/* How often the target's 90 % interval holds the truth, and what it costs against the grid. */
static void intervals_cover_and_narrow_is_cheaper(void **state)
{
    (void)state;
    enum { RUNS = 200 };
    unsigned covered = 0, identified = 0;
    double tokens[2] = {0}, penalty[2] = {0};
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        const struct surface surface = {.beta = 0.15 + 0.3 * rng_uniform(seed, 98, 0),
                                        .curvature = 0.04,
                                        .noise = 0.008,
                                        .cliff = 4,
                                        .seed = seed};
        struct search_space space = space_of(1e-4, 1e-1);
        for (int p = 0; p < 2; p++) {
            size_t count = campaign(p ? &policy_grid : &policy_narrow, &space, &surface, seen);
            search_answer(&answer, &space, seen, count, NULL);
            double best = truth(&surface, space.target_tokens);
            double off = log2(answer.target.lr / best);
            for (size_t i = 0; i < count; i++)
                tokens[p] += (double)seen[i].tokens / RUNS;
            penalty[p] += isnan(off) ? 0 : 0.04 * off * off / RUNS;
            if (p == 0 && answer.status == ANSWER_IDENTIFIED) {
                identified++;
                covered += answer.target.ci90[0] <= best && best <= answer.target.ci90[1];
            }
        }
    }
    printf("identified %u of %d, covered %u; narrow %.3g tokens, penalty %.4f; grid %.3g, %.4f\n",
           identified, RUNS, covered, tokens[0], penalty[0], tokens[1], penalty[1]);
    assert_true(identified >= RUNS * 8 / 10);
    assert_true(covered >= identified * 8 / 10);
    assert_true(tokens[0] < tokens[1]);
    assert_true(penalty[0] < penalty[1] * 1.25);
}

/* Bjorck et al. 2024 (arXiv 2409.19913, table 9): optima of a 125M model at 25, 50, 100 B tokens;
 * at 800 B it was 1.98e-4. */
static void published_optima_predict_a_longer_horizon(void **state)
{
    (void)state;
    const double optima[] = {1.34e-3, 1.02e-3, 6.60e-4};
    struct horizon_answer points[3];
    struct search_space space = space_of(1e-4, 1e-2);
    struct law law;
    double ci90[2];
    memset(points, 0, sizeof(points));
    for (int h = 0; h < 3; h++) {
        points[h].tokens = UINT64_C(25000000000) << h;
        points[h].lr_opt = optima[h];
        points[h].se_ln_lr = 0.05;
    }
    space.prior_beta_sd = 1e6; /* the data alone */
    law_fit(&law, points, 3, &space);
    assert_true(fabs(law.beta - 0.5108) < 1e-3); /* slope through three points, by hand */
    double predicted = law_predict(&law, UINT64_C(800000000000), ci90);
    assert_true(fabs(predicted / 1.98e-4 - 1) < 0.25);
    assert_true(ci90[0] < 1.98e-4 && 1.98e-4 < ci90[1]);
    assert_true(law.prior_weight < 1e-9);
    space.prior_beta_sd = 1e-6; /* the prior alone */
    law_fit(&law, points, 3, &space);
    assert_true(fabs(law.beta - space.prior_beta) < 1e-6);
    assert_true(law.prior_weight > 0.999);
}

static void the_grid_is_the_published_protocol(void **state)
{
    (void)state;
    const struct surface surface = {.beta = 0.3, .curvature = 0.03, .cliff = 99};
    struct search_space space = space_of(1e-3, 6.4e-2);
    space.seeds = 2;
    size_t count = campaign(&policy_grid, &space, &surface, seen);
    assert_int_equal(count, 7 * 3 * 2);
    assert_true(fabs(seen[0].lr - 1e-3) < 1e-12);
    assert_true(fabs(seen[2].lr / seen[0].lr - 2) < 1e-9);
    assert_ptr_equal(policy_find("grid"), &policy_grid);
    assert_null(policy_find("guess"));
}

static void student_is_wider_than_normal(void **state)
{
    (void)state;
    assert_true(fabs(student_widening(4) * 1.6449 - 2.132) < 0.03);
    assert_true(fabs(student_widening(1e9) - 1) < 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_parabola_gives_its_vertex),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(narrow_always_ends),
        cmocka_unit_test(everything_diverged_says_so),
        cmocka_unit_test(an_edge_is_not_an_optimum),
        cmocka_unit_test(noise_is_not_a_basin),
        cmocka_unit_test(nothing_seen_is_said),
        cmocka_unit_test(a_far_target_is_refused),
        cmocka_unit_test(intervals_cover_and_narrow_is_cheaper),
        cmocka_unit_test(published_optima_predict_a_longer_horizon),
        cmocka_unit_test(the_grid_is_the_published_protocol),
        cmocka_unit_test(student_is_wider_than_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
