/* The prior of the law's exponent: what decides it, its limits, and the published exponents that it
 * must allow. */
#include <math.h>
#include <string.h>
#include "cmocka_all.h"
#include "search/laws/prior_beta.h"

#define RISING (-0.307) /* Step Law, with the best batch */

static struct beta_prior prior_at(enum beta_optimizer optimizer, uint64_t batch, uint64_t shortest,
                                  uint64_t target)
{
    const struct beta_setting setting = {optimizer, {batch, batch}, shortest, target};
    return beta_prior_of(&setting);
}

static double scales_off(const struct beta_prior *prior, double beta)
{
    return fabs(beta - prior->center) / prior->scale;
}

static void is_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%g is not %g +- %g", value, expected, tolerance);
}

static void a_larger_batch_never_raises_it(void **state)
{
    (void)state;
    static const uint64_t lengths[][2] = {{131072, 524288},
                                          {131072, 8388608},
                                          {2000000, 1000000000},
                                          {4000000000, 100000000000},
                                          {25000000000, 800000000000}};
    for (int o = 0; o < BETA_OPTIMIZERS; o++)
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            double last = INFINITY;
            for (uint64_t batch = 16; batch <= (uint64_t)1 << 40; batch *= 2) {
                struct beta_prior prior =
                    prior_at((enum beta_optimizer)o, batch, lengths[i][0], lengths[i][1]);
                assert_true(prior.center <= last);
                assert_true(prior.scale >= 0.25 && prior.scale <= 0.35);
                assert_true(scales_off(&prior, RISING) <= 3);
                last = prior.center;
            }
        }
}

static void far_from_the_best_batch_it_is_that_of_the_papers(void **state)
{
    (void)state;
    struct beta_prior small = prior_at(BETA_ADAMW, 4096, 4000000000, 100000000000),
                      muon = prior_at(BETA_MUON, 4096, 4000000000, 100000000000),
                      large = prior_at(BETA_ADAMW, 1000000000, 4000000000, 100000000000);
    is_near(small.center, 0.28, 1e-9);
    is_near(small.scale, 0.25, 1e-9);
    is_near(muon.center, 0.38, 1e-9);
    is_near(large.center, -0.3, 1e-9);
    is_near(large.scale, 0.25, 1e-9);
    assert_non_null(strstr(small.why, "a batch of 4.1k tokens is below the best one for these "
                                      "lengths (about 412k)"));
    assert_non_null(strstr(small.why, "for AdamW are -0.25 to -0.35"));
    assert_null(strstr(small.why, "steps"));
    assert_non_null(strstr(muon.why, "for Muon"));
    assert_non_null(strstr(large.why, "is above the best one"));
    assert_non_null(strstr(large.why, "stays or rises"));
}

/* Step Law's runs, 4B to 100B tokens, at fixed batches: .24 in the mean up to 262k tokens, and its
 * sign changes at .7M. */
static void step_laws_runs(void **state)
{
    (void)state;
    double sum = 0;
    for (uint64_t batch = 65536; batch <= 262144; batch *= 2)
        sum += prior_at(BETA_ADAMW, batch, 4000000000, 100000000000).center;
    is_near(sum / 3, 0.24, 0.03);
    is_near(prior_at(BETA_ADAMW, 720896, 4000000000, 100000000000).center, 0, 0.05);
    assert_true(prior_at(BETA_ADAMW, 1048576, 4000000000, 100000000000).center < 0);
}

static void published_exponents_are_allowed(void **state)
{
    (void)state;
    struct beta_prior bjorck = prior_at(BETA_ADAMW, 524288, 25000000000, 800000000000),
                      muon = prior_at(BETA_MUON, 262144, 25000000000, 800000000000),
                      other = prior_at(BETA_OTHER, 262144, 25000000000, 800000000000);
    assert_true(scales_off(&bjorck, 0.32) < 1);  /* 760M to 2.7B parameters */
    assert_true(scales_off(&bjorck, 0.703) < 3); /* 50M */
    assert_true(scales_off(&muon, 0.395) < 1);   /* marin */
    assert_true(scales_off(&muon, 0.32) < 1);    /* ArchScale */
    assert_true(scales_off(&muon, 0.56) < 1.5);  /* Scion */
    assert_true(scales_off(&other, 0.28) < 1);
}

/* Direct sweeps of a small model, 512 and 2048 tokens a step: .17 over 256 to 16384 steps; the
 * optimum rises over 256 to 4096. */
static void few_steps_flatten_it(void **state)
{
    (void)state;
    struct beta_prior many = prior_at(BETA_ADAMW, 512, 131072, 8388608),
                      few = prior_at(BETA_ADAMW, 2048, 524288, 8388608),
                      fewer = prior_at(BETA_ADAMW, 2048, 131072, 524288);
    is_near(many.center, 0.17, 0.05);
    assert_true(few.center < many.center && fewer.center < few.center);
    assert_true(scales_off(&few, -0.1) < 1.5);
    is_near(fewer.center, 0, 0.1);
    assert_non_null(strstr(fewer.why, "; with 64 steps at the shortest horizon it changes less"));
    /* the batch at the best one for each length: steps alone */
    assert_true(prior_at(BETA_ADAMW, 16, 1600, 1600).center <
                prior_at(BETA_ADAMW, 16, 160000, 160000).center);
}

static void an_unknown_batch(void **state)
{
    (void)state;
    for (int o = 0; o < BETA_OPTIMIZERS; o++) {
        struct beta_prior prior = prior_at((enum beta_optimizer)o, 0, 1, 2);
        is_near(prior.center, 0.1, 1e-9);
        is_near(prior.scale, 0.35, 1e-9);
        assert_true(scales_off(&prior, 0.7) < 2 && scales_off(&prior, -0.39) < 2);
        assert_non_null(strstr(prior.why, "the batch is not known (training.batch_tokens)"));
    }
}

static void names_of_optimizers(void **state)
{
    (void)state;
    assert_int_equal(beta_optimizer_of("adamw"), BETA_ADAMW);
    assert_int_equal(beta_optimizer_of("AdamH"), BETA_ADAMW);
    assert_int_equal(beta_optimizer_of("Muon"), BETA_MUON);
    assert_int_equal(beta_optimizer_of("scion"), BETA_MUON);
    assert_int_equal(beta_optimizer_of("muon2"), BETA_OTHER);
    assert_int_equal(beta_optimizer_of("lion"), BETA_OTHER);
    assert_int_equal(beta_optimizer_of(""), BETA_OTHER);
}

static void several_batches(void **state)
{
    (void)state;
    const struct beta_setting setting = {BETA_ADAMW, {65536, 4194304}, 4000000000, 100000000000};
    struct beta_prior all = beta_prior_of(&setting),
                      least = prior_at(BETA_ADAMW, 65536, 4000000000, 100000000000),
                      most = prior_at(BETA_ADAMW, 4194304, 4000000000, 100000000000);
    assert_true(all.center < least.center && all.center > most.center);
    assert_true(all.scale >= least.scale && all.scale >= most.scale);
    assert_non_null(strstr(all.why, "batches of 65.5k to 4.19M tokens are near the best one"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_larger_batch_never_raises_it),
        cmocka_unit_test(far_from_the_best_batch_it_is_that_of_the_papers),
        cmocka_unit_test(step_laws_runs),
        cmocka_unit_test(published_exponents_are_allowed),
        cmocka_unit_test(few_steps_flatten_it),
        cmocka_unit_test(an_unknown_batch),
        cmocka_unit_test(names_of_optimizers),
        cmocka_unit_test(several_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
