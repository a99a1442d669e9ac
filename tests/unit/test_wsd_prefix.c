/* Horizons that share the stable part of a wsd schedule: the same losses, for less. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "kernels/kernels.h"
#include "lrsearch/log.h"
#include "small_trial.h"
#include "trainers/transformer/wsd_prefix.h"

static char dir[256];
static uint64_t cancel_at; /* tokens; 0: not */

static int setup(void **state)
{
    (void)state;
    cancel_at = 0;
    return temp_dir_make(dir, sizeof(dir));
}

static int teardown(void **state)
{
    (void)state;
    temp_dir_remove(dir);
    return 0;
}

static struct trial_spec wsd(uint64_t steps)
{
    struct trial_spec spec = spec_of();
    spec.horizon_tokens = steps * BATCH;
    spec.schedule = SCHEDULE_WSD;
    spec.cooldown = 0.2;
    spec.warmup = 0;
    spec.warmup_tokens = 5 * BATCH;
    return spec;
}

static int on_step(void *context, const struct train_step *step)
{
    (void)context;
    return cancel_at > 0 && step->tokens >= cancel_at;
}

static struct trial_result shared(struct trial_spec spec, uint64_t wsd_prefix_tokens)
{
    struct trial_place place = {.wsd_prefix_tokens = wsd_prefix_tokens};
    const struct train_hooks hooks = {.step = on_step, .attempt = 1, .place = &place};
    struct trial_result result;
    snprintf(place.wsd_prefix_dir, sizeof(place.wsd_prefix_dir), "%s", dir);
    wsd_prefix_run(&spec, &hooks, &result);
    return result;
}

static struct trial_result alone(const struct trial_spec *spec)
{
    const struct train_hooks hooks = {.step = on_step, .attempt = 1};
    struct trial_result result;
    trainer_run(spec, NULL, &hooks, &result);
    return result;
}

static void assert_same_losses(const struct trial_result *a, const struct trial_result *b)
{
    assert_int_equal(a->outcome, OUTCOME_DONE);
    assert_int_equal(b->outcome, OUTCOME_DONE);
    assert_true(a->val_loss == b->val_loss && a->val_loss_se == b->val_loss_se);
    assert_true(a->train_loss == b->train_loss);
}

static void prefix_of(char *path, size_t capacity, struct trial_spec spec)
{
    wsd_prefix_path(path, capacity, dir, &spec, trial_wsd_prefix_tokens(&spec));
}

static void a_longer_horizon_goes_on_from_a_shorter_one(void **state)
{
    (void)state;
    struct trial_spec few = wsd(100), many = wsd(250);
    struct trial_result short_alone = alone(&few), long_alone = alone(&many);
    assert_int_equal(trial_wsd_prefix_tokens(&few), 80 * BATCH);
    struct trial_result first = shared(few, 0);
    assert_same_losses(&first, &short_alone);
    assert_int_equal(first.tokens, 100 * BATCH);
    assert_int_equal(first.begun_tokens, 0);
    struct trial_result second = shared(many, 80 * BATCH);
    assert_same_losses(&second, &long_alone);
    assert_int_equal(second.tokens, 250 * BATCH);
    assert_int_equal(second.begun_tokens, 80 * BATCH);
    assert_true(fabs(second.flops / long_alone.flops - 170.0 / 250) < 1e-12);
    /* another attempt finds its own state */
    second = shared(many, 80 * BATCH);
    assert_same_losses(&second, &long_alone);
    assert_int_equal(second.begun_tokens, 200 * BATCH);
}

static void a_state_that_is_no_use_costs_only_work(void **state)
{
    (void)state;
    struct trial_spec few = wsd(100), many = wsd(200);
    struct trial_result long_alone = alone(&many);
    char path[TRIAL_PATH + 96];
    struct trial_result result = shared(many, 80 * BATCH); /* not there */
    assert_same_losses(&result, &long_alone);
    assert_int_equal(result.tokens, 200 * BATCH);
    assert_int_equal(result.begun_tokens, 0);
    prefix_of(path, sizeof(path), many);
    assert_int_equal(truncate(path, 1000), 0); /* its own, damaged */
    result = shared(many, 0);
    assert_same_losses(&result, &long_alone);
    assert_int_equal(unlink(path), 0);
    result = shared(few, 0);
    prefix_of(path, sizeof(path), few);
    assert_int_equal(truncate(path, 1000), 0); /* that of the shorter one */
    result = shared(many, 80 * BATCH);
    assert_same_losses(&result, &long_alone);
    assert_int_equal(result.tokens, 200 * BATCH);
    assert_int_equal(result.begun_tokens, 0);
    snprintf(dir + strlen(dir), sizeof(dir) - strlen(dir), "/nowhere"); /* cannot be written */
    result = shared(many, 80 * BATCH);
    *strrchr(dir, '/') = '\0';
    assert_same_losses(&result, &long_alone);
}

static void another_recipe_has_another_state(void **state)
{
    (void)state;
    char path[TRIAL_PATH + 96], other[TRIAL_PATH + 96];
    struct trial_spec spec = wsd(100);
    prefix_of(path, sizeof(path), spec);
    spec.lr *= 1 + 1e-15;
    prefix_of(other, sizeof(other), spec);
    assert_string_not_equal(path, other);
    spec = wsd(100);
    spec.seed++;
    prefix_of(other, sizeof(other), spec);
    assert_string_not_equal(path, other);
    spec = wsd(100);
    spec.cooldown_shape = COOLDOWN_ROOT;
    prefix_of(other, sizeof(other), spec);
    assert_string_not_equal(path, other);
    spec = wsd(100);
    spec.precision = PRECISION_BF16;
    prefix_of(other, sizeof(other), spec);
    assert_string_not_equal(path, other);
}

/* Slot, threads, files and shared states change nothing: the same losses, and the same hash. */
static void the_place_does_not_show(void **state)
{
    (void)state;
    struct trial_spec spec = wsd(100);
    struct trial_place here = {0}, there = {.slot = 3,
                                            .threads = 2,
                                            .silence_s = 5,
                                            .data_path = "/elsewhere",
                                            .output = "/nowhere/output",
                                            .checkpoint_every_s = 0.001,
                                            .wsd_prefix_tokens = 40 * BATCH};
    struct trial_result results[2];
    char paths[2][TRIAL_PATH + 96];
    snprintf(there.wsd_prefix_dir, sizeof(there.wsd_prefix_dir), "%s", dir);
    snprintf(there.checkpoint, sizeof(there.checkpoint), "%s/own", dir);
    const struct trial_place *places[] = {&here, &there};
    for (int i = 0; i < 2; i++) {
        const struct train_hooks hooks = {.step = on_step, .attempt = 1, .place = places[i]};
        wsd_prefix_run(&spec, &hooks, &results[i]);
        wsd_prefix_path(paths[i], sizeof(paths[i]), places[i]->wsd_prefix_dir, &spec, 80 * BATCH);
    }
    assert_same_losses(&results[0], &results[1]);
    assert_string_equal(strrchr(paths[0], '/'), strrchr(paths[1], '/'));
}

static void every_field_of_a_spec_counts(void **state)
{
    (void)state;
    const struct trial_spec spec = wsd(100);
    struct trial_spec other = spec;
    assert_true(trial_same(&spec, &other));
    assert_true(trial_hash(&spec) == trial_hash(&other));
    for (size_t i = 0; i < trial_spec_fields.count; i++) {
        other = spec;
        ((unsigned char *)&other)[trial_spec_fields.fields[i].offset] ^= 1;
        assert_false(trial_same(&spec, &other));
        assert_true(trial_hash(&spec) != trial_hash(&other));
    }
}

static void a_canceled_prefix_leaves_nothing(void **state)
{
    (void)state;
    char path[TRIAL_PATH + 96];
    struct trial_spec spec = wsd(100);
    cancel_at = 40 * BATCH;
    struct trial_result result = shared(spec, 0);
    assert_int_equal(result.outcome, OUTCOME_CANCELED);
    prefix_of(path, sizeof(path), spec);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(rmdir(dir), 0); /* nothing else either */
    assert_int_equal(temp_dir_make(dir, sizeof(dir)), 0);
}

static void a_divergence_on_the_prefix_is_one(void **state)
{
    (void)state;
    struct trial_spec spec = wsd(100);
    spec.lr = 1e4;
    struct trial_result both[2] = {alone(&spec), shared(spec, 0)};
    assert_int_equal(both[0].outcome, OUTCOME_DIVERGED);
    assert_int_equal(both[1].outcome, OUTCOME_DIVERGED);
    assert_int_equal(both[0].tokens, both[1].tokens);
}

static void only_stable_parts_are_shared(void **state)
{
    (void)state;
    struct trial_spec spec = wsd(100);
    spec.schedule = SCHEDULE_COSINE;
    assert_int_equal(trial_wsd_prefix_tokens(&spec), 0);
    spec = wsd(100);
    spec.warmup_tokens = 0; /* a share of the horizon */
    spec.warmup = 0.05;
    assert_int_equal(trial_wsd_prefix_tokens(&spec), 0);
    spec = wsd(100);
    spec.cooldown = 0.02; /* the last twentieth is not all cooldown */
    assert_int_equal(trial_wsd_prefix_tokens(&spec), 0);
    spec.cooldown = 1;
    assert_int_equal(trial_wsd_prefix_tokens(&spec), 0);
}

#define PREFIX(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    kernels_init();
    const struct CMUnitTest tests[] = {
        PREFIX(a_longer_horizon_goes_on_from_a_shorter_one),
        PREFIX(a_state_that_is_no_use_costs_only_work),
        PREFIX(another_recipe_has_another_state),
        PREFIX(the_place_does_not_show),
        PREFIX(every_field_of_a_spec_counts),
        PREFIX(a_canceled_prefix_leaves_nothing),
        PREFIX(a_divergence_on_the_prefix_is_one),
        PREFIX(only_stable_parts_are_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
