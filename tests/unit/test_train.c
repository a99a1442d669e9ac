/* The parts of a training: AdamW and the schedule against numbers worked out by hand, divergence,
 * evaluation, the group of one. */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include "kernels/kernels.h"
#include "lrsearch/rng.h"
#include "small_trial.h"
#include "trainers/transformer/losses.h"
#include "trainers/transformer/member.h"
#include "trainers/transformer/optimizer.h"

/* ---- optimizer ---- */

static void fill(struct model *model, float value, float grad)
{
    for (size_t i = 0; i < model_param_count(model); i++) {
        struct param *p = model_param(model, i);
        for (size_t j = 0; j < p->count; j++) {
            p->value[j] = value;
            p->grad[j] = grad;
        }
    }
}

/* Step 1, gradient .5: m = .05, v = .0125; corrected .5 and .25: the update is 1 (less eps), the
 * weight 1 - .01 (1 + .1) = .989. Step 2, gradient -1: m = -.055, v = .061875; corrected
 * -.055/.19 = -.28947 and .061875/.0975 = .63462: update -.36337, so the weight becomes
 * .989 (1 - .001) + .0036337 = .9916447. Vectors do not decay: .99, then .9936337. */
static void adamw_by_hand(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    spec.clip = 0;
    struct model *model = model_of(&spec);
    for (uint64_t step = 1; step <= 2; step++) {
        for (size_t i = 0; i < model_param_count(model); i++)
            for (size_t j = 0; j < model_param(model, i)->count; j++) {
                model_param(model, i)->grad[j] = step == 1 ? 0.5f : -1.0f;
                if (step == 1)
                    model_param(model, i)->value[j] = 1;
            }
        optimizer_step(model, &spec, 1, step);
        for (size_t i = 0; i < model_param_count(model); i++) {
            const struct param *p = model_param(model, i);
            bool decays = p->group != GROUP_VECTOR;
            double wanted = step == 1 ? (decays ? 0.989 : 0.99) : decays ? 0.9916447 : 0.9936337;
            near((double)p->value[0], wanted, 2e-7);
            assert_true(p->value[p->count - 1] == p->value[0]);
        }
    }
    model_destroy(model);
}

/* Clipping makes the gradient 1e-3 of itself. Adam does not care for a common factor, so that it
 * has to be seen in the moments: m = (1 - .9) g / norm. */
static void clip_is_by_the_norm_of_all_tensors(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    struct model *model = model_of(&spec);
    double norm = 2 * sqrt((double)trial_params(&spec));
    fill(model, 1, 2);
    near(optimizer_step(model, &spec, 1, 1), norm, norm * 1e-9);
    for (size_t i = 0; i < model_param_count(model); i++)
        near((double)model_param(model, i)->m[0], 0.1 * 2 / norm, 1e-6 * 0.2 / norm * 4);
    model_init(model, 1);
    fill(model, 1, 1e-4f); /* below 1: left as it is */
    optimizer_step(model, &spec, 1, 1);
    near((double)model_param(model, 0)->m[0], 1e-5, 1e-11);
    model_destroy(model);
}

static void lr_factors_reach_the_weights(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    spec.parametrization = PARAM_LVP;
    spec.base_width = 4; /* m = 4 */
    spec.embedding_lr_ratio = 3;
    spec.output_lr_ratio = 0.5;
    spec.vector_lr_ratio = 1;
    spec.clip = 0;
    struct model *model = model_of(&spec);
    fill(model, 1, 0.5f);
    optimizer_step(model, &spec, 1, 1);
    for (size_t i = 0; i < model_param_count(model); i++) {
        const struct param *p = model_param(model, i);
        /* value - 1 = -lr factor (1 + .1 decay factor): hidden 1/4 and 4, embedding 3/2 and 2 */
        static const double moved[] = {[GROUP_EMBEDDING] = 1.5 * 1.2,
                                       [GROUP_HIDDEN] = .25 * 1.4,
                                       [GROUP_OUTPUT] = .5 * 1.1,
                                       [GROUP_VECTOR] = 1};
        near((double)p->value[0], 1 - 0.01 * moved[p->group], 2e-7);
    }
    model_destroy(model);
}

/* As adamw_by_hand at step 1, half of the schedule: the update is .5 lr = .005; the decay is .5
 * times .1 whatever the LR and the width, so .95 of the weight is left. */
static void independent_decay_knows_no_lr(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    spec.parametrization = PARAM_MUP;
    spec.base_width = 4; /* m = 4 */
    spec.clip = 0;
    spec.independent_decay = 1;
    struct model *model = model_of(&spec);
    fill(model, 1, 0.5f);
    optimizer_step(model, &spec, 0.5, 1);
    for (size_t i = 0; i < model_param_count(model); i++) {
        const struct param *p = model_param(model, i);
        double update = 0.005 * (p->group == GROUP_HIDDEN ? .25 : 1);
        near((double)p->value[0], (p->group == GROUP_VECTOR ? 1 : .95) - update, 2e-7);
    }
    model_destroy(model);
}

/* completep, m = 4, twice the base's layers: eps .25 becomes .25/4 outside of blocks and .25/8
 * inside. A gradient of .25 gives the update .25 / (.25 + eps) = .8 and 8/9. */
static void eps_follows_the_depth(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    spec.parametrization = PARAM_MUP;
    spec.base_width = 4;
    spec.n_layers = 2;
    spec.depth_rule = DEPTH_COMPLETEP;
    spec.adam_eps = .25;
    spec.weight_decay = 0;
    spec.clip = 0;
    struct model *model = model_of(&spec);
    fill(model, 1, 0.25f);
    optimizer_step(model, &spec, 1, 1);
    for (size_t i = 0; i < model_param_count(model); i++) {
        const struct param *p = model_param(model, i);
        double update = strncmp(p->name, "blocks.", 7) == 0 ? 8. / 9 : .8;
        near((double)p->value[0], 1 - 0.01 * p->lr_factor * update, 2e-7);
    }
    model_destroy(model);
}

static struct trial_spec muon_spec(void)
{
    struct trial_spec spec = spec_of();
    spec.optimizer = OPTIMIZER_MUON;
    spec.muon_momentum = .95;
    spec.clip = 0;
    return spec;
}

static void draw_gradients(struct model *model, uint64_t step, float factor)
{
    for (size_t i = 0; i < model_param_count(model); i++) {
        struct param *p = model_param(model, i);
        rng_fill_normal(p->grad, p->count, 1e-3, step, RNG_SIMULATE + i);
        for (size_t j = 0; j < p->count; j++)
            p->grad[j] *= factor;
    }
}

/* Muon of gradients times 1000 is Muon, as long as the momentum is of the same gradients. */
static void muon_does_not_see_the_scale_of_gradients(void **state)
{
    (void)state;
    for (uint32_t scale = MUON_UNIT_RMS; scale <= MUON_ORIGINAL; scale++) {
        struct trial_spec spec = muon_spec();
        spec.muon_lr_scale = scale;
        struct model *model = model_of(&spec), *other = model_of(&spec);
        for (uint64_t step = 1; step <= 5; step++) {
            draw_gradients(model, step, 1);
            draw_gradients(other, step, 1000);
            optimizer_step(model, &spec, 1, step);
            optimizer_step(other, &spec, 1, step);
        }
        for (size_t i = 0; i < model_param_count(model); i++) {
            const struct param *p = model_param(model, i), *o = model_param(other, i);
            for (size_t j = 0; p->group == GROUP_HIDDEN && j < p->count; j++)
                near((double)o->value[j], (double)p->value[j], 2e-6);
        }
        model_destroy(model);
        model_destroy(other);
    }
}

/* A gradient of equal elements g has one singular value: X = f(1) / sqrt(rows cols) everywhere, f
 * the five steps from 1 (.7 times a value of f's bounds), times sqrt(rows / cols). All matrices but
 * llama's are moved as far as they would be alone; q, k and v are 16 x 16 each. */
static void muon_by_hand(void **state)
{
    (void)state;
    double f = 1;
    for (int step = 0; step < 5; step++)
        f *= 3.4445 - 4.7750 * f * f + 2.0315 * f * f * f * f;
    for (int arch = ARCH_GPT; arch <= ARCH_LLAMA; arch++) {
        struct trial_spec spec = muon_spec();
        spec.arch = (uint32_t)arch;
        spec.parametrization = PARAM_MUP;
        spec.base_width = 4; /* m = 4, of which Muon's LR does not know */
        spec.vector_lr_ratio = .25;
        spec.embedding_lr_shift = -1.5;
        struct model *model = model_of(&spec);
        fill(model, 1, .5f);
        optimizer_step(model, &spec, 1, 1);
        for (size_t i = 0; i < model_param_count(model); i++) {
            const struct param *p = model_param(model, i);
            double rows = strstr(p->name, "attn.") ? 16 : p->rows;
            if (arch == ARCH_LLAMA && strstr(p->name, "mlp.fc"))
                rows /= 2;
            double muon = sqrt(rows / p->cols) * f / sqrt(rows * p->cols);
            const double moved[] = {[GROUP_EMBEDDING] = 1 / 8. + .1,
                                    [GROUP_HIDDEN] = muon + .1,
                                    [GROUP_OUTPUT] = 1 + .1,
                                    [GROUP_VECTOR] = .25};
            near((double)p->value[0], 1 - 0.01 * moved[p->group], 2e-7);
            near((double)p->value[p->count - 1], (double)p->value[0], 2e-7);
        }
        model_destroy(model);
    }
}

static void a_gradient_that_is_not_finite_updates_nothing(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    struct model *model = model_of(&spec);
    fill(model, 1, 0.5f);
    model_param(model, 7)->grad[3] = INFINITY;
    assert_true(isinf(optimizer_step(model, &spec, 1, 1)));
    model_param(model, 7)->grad[3] = NAN;
    assert_true(isnan(optimizer_step(model, &spec, 1, 1)));
    for (size_t i = 0; i < model_param_count(model); i++)
        assert_true(model_param(model, i)->value[0] == 1 && model_param(model, i)->m[0] == 0);
    model_destroy(model);
}

static void one_batch_is_learned_by_heart(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    spec.d_model = spec.base_width = 32;
    struct model *model = model_of(&spec);
    uint32_t tokens[SEQUENCES * (CONTEXT + 1)];
    for (uint32_t i = 0; i < SEQUENCES * (CONTEXT + 1); i++)
        tokens[i] = i % (CONTEXT + 1) == 0 ? i / (CONTEXT + 1) /* each begins differently */
                                           : (uint32_t)rng_below(3, RNG_SIMULATE, i, VOCAB);
    double first = 0, loss = 0;
    for (uint64_t step = 1; step <= 200; step++) {
        model_zero_grad(model);
        loss = model_forward_backward(model, tokens, SEQUENCES, 1.0f / BATCH) / BATCH;
        first = step == 1 ? loss : first;
        optimizer_step(model, &spec, 1, step);
    }
    near(first, log(VOCAB), 0.05);
    assert_true(loss < 0.02); /* random text: known by heart or not at all */
    model_destroy(model);
}

/* ---- schedule ---- */

static void schedule_at_odd_lengths(void **state)
{
    (void)state;
    /* 33 steps (the last is a whole one), warm-up floor(.1 * 33) = 3: 1/3, 2/3, 1, then down */
    struct trial_spec spec = {
        .horizon_tokens = 32 * 64 + 1, .batch_tokens = 64, .warmup = 0.1, .final_lr = 0.25};
    near(schedule_factor(&spec, 1), 1.0 / 3, 1e-15);
    near(schedule_factor(&spec, 2), 2.0 / 3, 1e-15);
    near(schedule_factor(&spec, 3), 1, 0);
    near(schedule_factor(&spec, 13), .25 + .75 * .75, 1e-12); /* a third: (1 + cos 60) / 2 = 3/4 */
    near(schedule_factor(&spec, 18), .625, 1e-12);            /* the middle */
    near(schedule_factor(&spec, 33), .25, 1e-12);
    for (uint64_t step = 4; step <= 33; step++)
        assert_true(schedule_factor(&spec, step) < schedule_factor(&spec, step - 1));
    spec.horizon_tokens = 1; /* one step, no warm-up: the end of the cosine */
    near(schedule_factor(&spec, 1), .25, 1e-12);
    spec.final_lr = 1;
    near(schedule_factor(&spec, 1), 1, 1e-12);
}

/* 20 steps, 4 of warm-up: 16 to go. */
static void other_schedules_by_hand(void **state)
{
    (void)state;
    struct trial_spec spec = {.horizon_tokens = 20 * 64,
                              .batch_tokens = 64,
                              .lr = 0.02,
                              .warmup = 0.2,
                              .schedule = SCHEDULE_LINEAR};
    near(schedule_factor(&spec, 2), .5, 1e-15);
    near(schedule_factor(&spec, 4), 1, 0);
    near(schedule_factor(&spec, 8), .75, 1e-15);
    near(schedule_factor(&spec, 20), 0, 0);
    spec.min_lr = 0.005; /* .25 of this peak */
    near(schedule_factor(&spec, 12), .625, 1e-15);
    near(schedule_factor(&spec, 20), .25, 1e-15);
    spec.min_lr = 0.03; /* above the peak: flat */
    near(schedule_factor(&spec, 12), 1, 0);
    spec.min_lr = 0;

    spec.schedule = SCHEDULE_WSD;
    spec.cooldown = 0.4; /* the last 8 steps */
    near(schedule_factor(&spec, 5), 1, 0);
    near(schedule_factor(&spec, 12), 1, 0);
    near(schedule_factor(&spec, 14), .75, 1e-15);
    near(schedule_factor(&spec, 20), 0, 0);
    spec.cooldown_shape = COOLDOWN_ROOT;
    near(schedule_factor(&spec, 14), .5, 1e-15); /* 1 - sqrt(1/4) */
    spec.final_lr = 0.2;
    near(schedule_factor(&spec, 14), .6, 1e-15);
    near(schedule_factor(&spec, 20), .2, 1e-15);
    spec.cooldown = 1; /* begins where the warm-up ends */
    near(schedule_factor(&spec, 4), 1, 0);
    near(schedule_factor(&spec, 8), .6, 1e-15);

    spec.schedule = SCHEDULE_CONSTANT;
    spec.warmup_tokens = 10 * 64 + 63; /* ten whole steps; the share does not count */
    near(schedule_factor(&spec, 5), .5, 1e-15);
    near(schedule_factor(&spec, 10), 1, 0);
    near(schedule_factor(&spec, 20), 1, 0);
}

/* ---- divergence ---- */

static int steps_until_diverged(struct diverge *diverge, double loss, int most)
{
    for (int step = 1; step <= most; step++)
        if (diverge_step(diverge, loss))
            return step;
    return 0;
}

static void a_bump_is_no_divergence(void **state)
{
    (void)state;
    struct diverge diverge = {0};
    assert_int_equal(steps_until_diverged(&diverge, 5.5, 1), 0);
    assert_int_equal(steps_until_diverged(&diverge, 3.0, 50), 0);
    assert_int_equal(steps_until_diverged(&diverge, 9.0, 5), 0); /* a spike of five steps */
    assert_int_equal(steps_until_diverged(&diverge, 3.0, 50), 0);
    assert_int_equal(steps_until_diverged(&diverge, 6.4, 500), 0); /* bad, less than a nat above */
}

static void what_stays_far_above_the_start_has_diverged(void **state)
{
    (void)state;
    struct diverge diverge = {0};
    assert_int_equal(steps_until_diverged(&diverge, 5.5, 1), 0);
    /* 2 nats above: half of it, the threshold, after the half-life of 9.6 steps */
    assert_int_equal(steps_until_diverged(&diverge, 7.5, 100), 10);
    assert_true(diverge_far(&diverge, 6.51));
    assert_false(diverge_far(&diverge, 6.49));
    static const double broken[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        struct diverge fresh = {0}, running = {0};
        assert_true(diverge_step(&fresh, broken[i]));
        assert_false(diverge_step(&running, 5.5));
        assert_true(diverge_step(&running, broken[i]));
    }
}

/* ---- evaluation ---- */

static int count_calls(void *context)
{
    int *left = context;
    return --*left == 0 ? 7 : 0;
}

static void evaluation_is_the_mean_over_all_sequences(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    struct member member;
    double one, sum = 0, squares = 0, mean, error;
    int calls = 0, stopped;
    assert_int_equal(member_prepare(&member, &spec, "", NULL), 0);
    assert_int_equal(source_val_count(member.source), 13);
    assert_int_equal(member_validate(&member, count_calls, &calls, &stopped, NULL), 0);
    assert_int_equal(stopped, 0);
    assert_int_equal(calls, -4); /* 4 + 4 + 4 + 1 sequences */
    validation_mean(member.losses, 13, 1, &mean, &error);
    for (uint64_t i = 0; i < 13; i++) {
        source_val(member.source, i, member.tokens);
        model_losses(member.model, member.tokens, 1, CONTEXT, &one);
        sum += one;
        squares += one * one;
    }
    near(mean, sum / 13, 1e-6);
    near(error, sqrt((squares - sum * sum / 13) / 12 / 13), 1e-6);
    assert_true(error > 0);
    calls = 2;
    assert_int_equal(member_validate(&member, count_calls, &calls, &stopped, NULL), 0);
    assert_int_equal(stopped, 7);
    validation_mean(member.losses, 1, 1, &mean, &error);
    assert_true(mean == member.losses[0] && isnan(error)); /* one sequence has no spread */
    member_release(&member);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adamw_by_hand),
        cmocka_unit_test(clip_is_by_the_norm_of_all_tensors),
        cmocka_unit_test(lr_factors_reach_the_weights),
        cmocka_unit_test(muon_by_hand),
        cmocka_unit_test(muon_does_not_see_the_scale_of_gradients),
        cmocka_unit_test(a_gradient_that_is_not_finite_updates_nothing),
        cmocka_unit_test(one_batch_is_learned_by_heart),
        cmocka_unit_test(independent_decay_knows_no_lr),
        cmocka_unit_test(eps_follows_the_depth),
        cmocka_unit_test(schedule_at_odd_lengths),
        cmocka_unit_test(other_schedules_by_hand),
        cmocka_unit_test(a_bump_is_no_divergence),
        cmocka_unit_test(what_stays_far_above_the_start_has_diverged),
        cmocka_unit_test(evaluation_is_the_mean_over_all_sequences),
    };
    kernels_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
