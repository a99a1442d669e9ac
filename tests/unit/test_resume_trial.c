/* Trainings that are stopped, killed and taken up again, any number of times: the same losses bit
 * for bit, whatever became of the files. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "kernels/kernels.h"
#include "lrsearch/log.h"
#include "small_trial.h"
#include "trainers/transformer/wsd_prefix.h"

static char dir[256], path[300];
static uint64_t prefix_tokens; /* of a shorter horizon's state, for attempt(); 0: none */

/* Asks to save every `every` steps, and to stop `more` steps after the attempt began; with `save`
 * when it stops, otherwise as a kill does it. */
struct visitor {
    uint64_t every, more, heard;
    bool save;
};

static int on_step(void *context, const struct train_step *step)
{
    struct visitor *visitor = context;
    int wish = 0;
    visitor->heard++;
    if (visitor->every > 0 && step->tokens / BATCH % visitor->every == 0)
        wish |= TRAIN_SAVE;
    if (visitor->more > 0 && visitor->heard >= visitor->more)
        wish |= TRAIN_STOP | (visitor->save ? TRAIN_SAVE : 0);
    return wish;
}

static int setup(void **state)
{
    (void)state;
    lr_log_level_set(LR_LOG_ERROR);
    prefix_tokens = 0;
    int rc = temp_dir_make(dir, sizeof(dir));
    snprintf(path, sizeof(path), "%s/trial.safetensors", dir);
    return rc;
}

static int teardown(void **state)
{
    (void)state;
    temp_dir_remove(dir);
    return 0;
}

static struct trial_result attempt(const struct trial_spec *spec, struct visitor visitor)
{
    struct trial_place place = {.wsd_prefix_tokens = prefix_tokens};
    const struct train_hooks hooks = {
        .context = &visitor, .step = on_step, .attempt = 1, .place = &place};
    struct trial_result result;
    snprintf(place.checkpoint, sizeof(place.checkpoint), "%s", path);
    if (spec->schedule == SCHEDULE_WSD)
        snprintf(place.wsd_prefix_dir, sizeof(place.wsd_prefix_dir), "%s", dir);
    wsd_prefix_run(spec, &hooks, &result);
    return result;
}

static struct trial_result undisturbed(const struct trial_spec *spec)
{
    struct train_hooks hooks = {.attempt = 1};
    struct trial_result result;
    trainer_run(spec, NULL, &hooks, &result);
    assert_int_equal(result.outcome, OUTCOME_DONE);
    return result;
}

static void assert_same(const struct trial_result *a, const struct trial_result *b)
{
    assert_int_equal(a->outcome, OUTCOME_DONE);
    assert_int_equal(a->tokens, b->tokens);
    assert_memory_equal(&a->val_loss, &b->val_loss, sizeof(a->val_loss));
    assert_memory_equal(&a->val_loss_se, &b->val_loss_se, sizeof(a->val_loss_se));
    assert_memory_equal(&a->train_loss, &b->train_loss, sizeof(a->train_loss));
}

static struct trial_spec wsd(void)
{
    struct trial_spec spec = spec_of();
    spec.schedule = SCHEDULE_WSD;
    spec.cooldown = 0.3;
    spec.warmup = 0;
    spec.warmup_tokens = 5 * BATCH;
    return spec;
}

/* Cosine; wsd; wsd in bf16. */
enum { KINDS = 3 };

static struct trial_spec spec_of_kind(int kind)
{
    struct trial_spec spec = kind ? wsd() : spec_of();
    spec.precision = kind == 2 ? PRECISION_BF16 : PRECISION_FP32;
    return spec;
}

/* From attempt to attempt until it is done; returns how many it took. */
static int until_done(const struct trial_spec *spec, struct visitor visitor,
                      struct trial_result *result, uint64_t *trained)
{
    *trained = 0;
    for (int count = 1; count <= 200; count++) {
        *result = attempt(spec, visitor);
        *trained += result->tokens - result->begun_tokens;
        if (result->outcome == OUTCOME_DONE)
            return count;
        assert_int_equal(result->outcome, OUTCOME_CANCELED);
    }
    fail_msg("it never came to its end");
    return 0;
}

static void stopped_with_a_checkpoint(void **state)
{
    (void)state;
    static const uint64_t steps[] = {7, 33, 99};
    for (int kind = 0; kind < KINDS; kind++) {
        struct trial_spec spec = spec_of_kind(kind);
        struct trial_result wanted = undisturbed(&spec), result;
        for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
            uint64_t trained;
            struct visitor visitor = {.more = steps[i], .save = true};
            int count = until_done(&spec, visitor, &result, &trained);
            assert_same(&result, &wanted);
            assert_true(count > (int)(STEPS / steps[i]));
            assert_int_equal(trained, STEPS * BATCH); /* nothing was done twice */
            temp_dir_remove(dir);
            assert_int_equal(temp_dir_make(dir, sizeof(dir)), 0);
            snprintf(path, sizeof(path), "%s/trial.safetensors", dir);
        }
    }
}

static void killed_between_checkpoints(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct trial_spec spec = spec_of_kind(kind);
        struct trial_result wanted = undisturbed(&spec), result;
        uint64_t trained;
        struct visitor visitor = {.every = 10, .more = 24};
        int count = until_done(&spec, visitor, &result, &trained);
        assert_same(&result, &wanted);
        assert_in_range(count, 4, 7);
        assert_true(trained > STEPS * BATCH);
        unlink(path);
    }
}

/* The last step is done, and the validation is interrupted. */
static void saved_during_validation(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    struct trial_result wanted = undisturbed(&spec), result;
    result = attempt(&spec, (struct visitor){.more = STEPS + 1, .save = true});
    assert_int_equal(result.outcome, OUTCOME_CANCELED);
    assert_string_equal(result.message, "canceled during validation, saved at token 3200");
    result = attempt(&spec, (struct visitor){0});
    assert_same(&result, &wanted);
    assert_int_equal(result.begun_tokens, STEPS * BATCH);
    assert_true(result.flops == 0);
}

static void what_it_says_when_it_is_stopped(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    struct trial_result result = attempt(&spec, (struct visitor){.more = 3, .save = true});
    assert_string_equal(result.message, "canceled at token 96, saved at token 96");
    assert_int_equal(result.begun_tokens, 0);
    result = attempt(&spec, (struct visitor){.more = 3});
    assert_string_equal(result.message, "canceled at token 192");
    assert_int_equal(result.begun_tokens, 96);
    assert_int_equal(result.tokens, 192);
    assert_true(fabs(result.flops - 96 * trial_flops_per_token(&spec)) < 1);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 077, 0); /* a plan may name private data */
}

/* Of no use: damaged, cut short, of another LR or precision, in a folder that is not there. */
static void a_file_that_is_no_use_costs_only_work(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of(), others[] = {spec, spec};
    struct trial_result wanted = undisturbed(&spec), result;
    others[0].lr *= 2;
    others[1].precision = PRECISION_BF16;
    for (size_t i = 0; i < 2; i++) {
        attempt(&others[i], (struct visitor){.more = 5, .save = true});
        result = attempt(&spec, (struct visitor){0});
        assert_same(&result, &wanted);
        assert_int_equal(result.begun_tokens, 0);
    }
    attempt(&spec, (struct visitor){.more = 50, .save = true});
    assert_int_equal(truncate(path, 4000), 0);
    result = attempt(&spec, (struct visitor){0});
    assert_same(&result, &wanted);
    assert_int_equal(result.begun_tokens, 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("no such thing", file);
    fclose(file);
    result = attempt(&spec, (struct visitor){.every = 9});
    assert_same(&result, &wanted);
    result = attempt(&spec, (struct visitor){0}); /* it has written a good one over it */
    assert_same(&result, &wanted);
    assert_int_equal(result.begun_tokens, 99 * BATCH);
    snprintf(path, sizeof(path), "%s/nowhere/trial.safetensors", dir);
    result = attempt(&spec, (struct visitor){.every = 9});
    assert_same(&result, &wanted);
    result = attempt(&spec, (struct visitor){.more = 9, .save = true});
    assert_string_equal(result.message, "canceled at token 288");
}

/* A checkpoint in the prefix, in the rest, and prefixes that come and go between the attempts. */
static void checkpoints_and_prefixes_go_together(void **state)
{
    (void)state;
    struct trial_spec spec = wsd(), longer = wsd();
    longer.horizon_tokens = 2 * STEPS * BATCH;
    struct trial_result wanted = undisturbed(&spec), wanted_longer = undisturbed(&longer), result;
    char prefix[TRIAL_PATH + 96];
    wsd_prefix_path(prefix, sizeof(prefix), dir, &spec, trial_wsd_prefix_tokens(&spec));
    result = attempt(&spec, (struct visitor){.more = 40, .save = true}); /* of 70 */
    assert_int_equal(access(prefix, F_OK), -1);
    result = attempt(&spec, (struct visitor){.more = 40, .save = true}); /* at 80 */
    assert_int_equal(result.begun_tokens, 40 * BATCH);
    assert_int_equal(access(prefix, F_OK), 0);
    assert_int_equal(unlink(prefix), 0);
    result = attempt(&spec, (struct visitor){0}); /* its own is further than the prefix */
    assert_same(&result, &wanted);
    assert_int_equal(result.begun_tokens, 80 * BATCH);
    assert_int_equal(unlink(path), 0);
    result = attempt(&spec, (struct visitor){0}); /* makes the prefix again */
    assert_same(&result, &wanted);
    prefix_tokens = trial_wsd_prefix_tokens(&spec);
    result = attempt(&longer, (struct visitor){.more = 20, .save = true});
    assert_int_equal(result.begun_tokens, 70 * BATCH);
    result = attempt(&longer, (struct visitor){0});
    assert_same(&result, &wanted_longer);
    assert_int_equal(result.begun_tokens, 90 * BATCH);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(stopped_with_a_checkpoint),
        CASE(killed_between_checkpoints),
        CASE(saved_during_validation),
        CASE(what_it_says_when_it_is_stopped),
        CASE(a_file_that_is_no_use_costs_only_work),
        CASE(checkpoints_and_prefixes_go_together),
    };
    kernels_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
