/* What is a drift and what is not: by hand-made answers whose numbers are known. */
#include <math.h>
#include <string.h>
#include "cmocka_all.h"
#include "search/laws/drift.h"

static const struct drift_limits limits = {1.5, 0.02};

/* LR at the target with an interval that reaches a factor `reach`, and two horizons. */
static struct answer made(double lr, double reach, double loss)
{
    struct answer answer;
    memset(&answer, 0, sizeof(answer));
    answer.status = ANSWER_IDENTIFIED;
    answer.target.lr = lr;
    answer.target.ci90[0] = lr / reach;
    answer.target.ci90[1] = lr * reach;
    answer.horizon_count = 2;
    for (int h = 0; h < 2; h++)
        answer.horizons[h] = (struct horizon_answer){
            .tokens = 1000000u << h,
            .lr_opt = lr * (2 - h),
            .loss_min = loss - h,
            .se_ln_lr = h ? 0.3 : 0.1,
            .se_loss = h ? 0.001 : 0.004,
        };
    return answer;
}

static struct drift measure(const struct answer *then, const struct answer *now)
{
    struct drift drift;
    drift_measure(&drift, then, now, "", "", &limits);
    return drift;
}

static void intervals_add_in_quadrature(void **state)
{
    struct answer then = made(1e-3, 2, 3), now = made(2e-3, 3, 3.1);
    struct drift drift = measure(&then, &now);
    double error = sqrt(pow(log(2.0), 2) + pow(log(3.0), 2));
    (void)state;
    assert_true(fabs(drift.lr_ratio - 2) < 1e-12);
    assert_true(fabs(drift.lr_ci90[0] - 2 / exp(error)) < 1e-12);
    assert_true(fabs(drift.lr_ci90[1] - 2 * exp(error)) < 1e-9);
    /* the horizon where the LR is known best, and the one where the loss is */
    assert_int_equal(drift.at_tokens, 1000000);
    assert_true(fabs(drift.at_ratio - 2) < 1e-12);
    assert_true(fabs(drift.at_ci90[0] - 2 * exp(-1.6449 * 0.1 * sqrt(2.0))) < 1e-12);
    assert_int_equal(drift.loss_tokens, 2000000);
    assert_true(fabs(drift.loss_difference - 0.1) < 1e-12);
    assert_true(fabs(drift.loss_ci90[1] - 0.1 - 1.6449 * 0.001 * sqrt(2.0)) < 1e-12);
}

/* An interval that is longer to one side takes the right sides together. */
static void sides_are_not_mixed(void **state)
{
    struct answer then = made(1e-3, 1, 3), now = made(1e-3, 1, 3);
    (void)state;
    then.target.ci90[1] = 4e-3; /* the old one may have been higher: the ratio may be lower */
    now.target.ci90[1] = 2e-3;
    struct drift drift = measure(&then, &now);
    assert_true(fabs(drift.lr_ci90[0] - 0.25) < 1e-12);
    assert_true(fabs(drift.lr_ci90[1] - 2) < 1e-12);
}

static void beyond_needs_point_and_interval(void **state)
{
    const struct {
        double lr, loss, se_ln_lr, se_loss;
        bool lr_beyond, loss_beyond;
    } cases[] = {
        {1.4e-3, 3.019, 0.001, 0.001, false, false}, /* clear, but within */
        {1.6e-3, 3.021, 0.001, 0.001, true, true},
        {0.6e-3, 2.979, 0.001, 0.001, true, true}, /* downward too */
        {1.6e-3, 3.021, 0.5, 0.5, false, false},   /* beyond, but the interval has "the same" */
        {1.6e-3, 3.021, NAN, NAN, false, false},
        {1.6e-3, NAN, 0.001, 0.001, false, false}, /* no loss, no horizon; the target is unsure */
        {1.0e-3, 3.0, 0.0, 0.0, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer then = made(1e-3, 10, 3), now = made(cases[i].lr, 10, cases[i].loss);
        for (int h = 0; h < 2; h++) {
            then.horizons[h].se_ln_lr = now.horizons[h].se_ln_lr = cases[i].se_ln_lr;
            then.horizons[h].se_loss = now.horizons[h].se_loss = cases[i].se_loss;
        }
        struct drift drift = measure(&then, &now);
        if (drift.lr_beyond != cases[i].lr_beyond || drift.loss_beyond != cases[i].loss_beyond)
            fail_msg("case %zu: LR %d, loss %d", i, drift.lr_beyond, drift.loss_beyond);
    }
}

static void target_alone_is_enough(void **state)
{
    struct answer then = made(1e-3, 1.1, 3), now = made(2e-3, 1.1, 3);
    (void)state;
    now.horizon_count = 0;
    struct drift drift = measure(&then, &now);
    assert_true(drift.lr_beyond);
    assert_int_equal(drift.at_tokens, 0);
    assert_string_equal(drift.loss_reason, "no horizon has a best learning rate in both runs");
}

static void limits_may_be_off(void **state)
{
    struct answer then = made(1e-3, 1.1, 3), now = made(9e-3, 1.1, 5);
    struct drift drift;
    (void)state;
    drift_measure(&drift, &then, &now, "", "", &(struct drift_limits){0, 0});
    assert_false(drift.lr_beyond);
    assert_false(drift.loss_beyond);
    assert_true(fabs(drift.lr_ratio - 9) < 1e-9);
}

static void what_cannot_be_compared_is_not(void **state)
{
    struct answer then = made(1e-3, 1.1, 3), now = made(9e-3, 1.1, 5);
    struct drift drift;
    (void)state;
    drift_measure(&drift, &then, &now, "other target.tokens", "other data", &limits);
    assert_true(isnan(drift.lr_ratio) && isnan(drift.loss_difference) && isnan(drift.at_ratio));
    assert_false(drift.lr_beyond);
    assert_false(drift.loss_beyond);
    assert_string_equal(drift.lr_reason, "other target.tokens");
    now.status = ANSWER_NOT_IDENTIFIED;
    drift = measure(&then, &now);
    assert_string_equal(drift.lr_reason, "there was no answer now");
    assert_true(isnan(drift.lr_ratio));
    assert_true(drift.lr_beyond); /* at the horizon, where it was */
    now.horizons[0].at_edge = now.horizons[1].at_edge = true;
    drift = measure(&then, &now);
    assert_false(drift.lr_beyond);
    assert_int_equal(drift.at_tokens, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_add_in_quadrature),
        cmocka_unit_test(sides_are_not_mixed),
        cmocka_unit_test(beyond_needs_point_and_interval),
        cmocka_unit_test(target_alone_is_enough),
        cmocka_unit_test(limits_may_be_off),
        cmocka_unit_test(what_cannot_be_compared_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
