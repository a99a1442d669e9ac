/* Trainings that stop and go on, and files that are not what they should be. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "kernels/kernels.h"
#include "small_trial.h"
#include "trainers/trainer.h"

static char whole[512], part[512], again[512];

static int setup(void **state)
{
    static char dir[256];
    if (temp_dir_make(dir, sizeof(dir)))
        return 1;
    *state = dir;
    snprintf(whole, sizeof(whole), "%s/whole.safetensors", dir);
    snprintf(part, sizeof(part), "%s/part.safetensors", dir);
    snprintf(again, sizeof(again), "%s/again.safetensors", dir);
    return 0;
}

static int teardown(void **state)
{
    temp_dir_remove(*state);
    return 0;
}

static double losses[STEPS + 1];

static struct trial_place place;

static int keep_loss(void *context, const struct train_step *step)
{
    (void)context;
    losses[step->tokens / BATCH] = step->train_loss;
    return 0;
}

static struct trial_result trained(const struct trial_spec *spec, struct train_files *files)
{
    const struct train_hooks hooks = {.step = keep_loss, .attempt = 1, .place = &place};
    struct trial_result result;
    trainer_run(spec, files, &hooks, &result);
    return result;
}

static char *slurp(const char *path, size_t *size)
{
    struct stat info;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &info), 0);
    char *bytes = malloc((size_t)info.st_size + 1);
    assert_non_null(bytes);
    *size = fread(bytes, 1, (size_t)info.st_size, file);
    fclose(file);
    return bytes;
}

static void spew(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void same_files(const char *left, const char *right)
{
    size_t left_size, right_size;
    char *a = slurp(left, &left_size), *b = slurp(right, &right_size);
    assert_int_equal(left_size, right_size);
    assert_memory_equal(a, b, left_size);
    free(a);
    free(b);
}

/* Stopped after 1 step, in the middle, in the tail (the last five steps), before the last. */
static void what_stopped_goes_on_bit_for_bit(void **state)
{
    static const uint64_t stops[] = {1, 37, 97, STEPS - 1};
    (void)state;
    for (uint32_t kind = 0; kind < 4; kind++) {
        struct trial_spec spec = spec_of();
        spec.arch = kind % 2 ? ARCH_LLAMA : ARCH_GPT;
        spec.qk_norm = kind % 2;
        spec.optimizer = kind < 2 ? OPTIMIZER_ADAMW : OPTIMIZER_MUON;
        spec.muon_momentum = .95;
        double wanted_losses[STEPS + 1];
        struct train_files straight = {.save = whole};
        struct trial_result wanted = trained(&spec, &straight);
        assert_int_equal(wanted.outcome, OUTCOME_DONE);
        memcpy(wanted_losses, losses, sizeof(losses));
        for (size_t i = 0; i < sizeof(stops) / sizeof(*stops); i++) {
            struct train_files first = {.save = part, .until_tokens = stops[i] * BATCH};
            struct train_files second = {.init = part, .save = again};
            memset(losses, 0, sizeof(losses));
            struct trial_result stopped = trained(&spec, &first);
            assert_int_equal(stopped.outcome, OUTCOME_CANCELED);
            assert_non_null(strstr(stopped.message, ", saved in "));
            assert_int_equal(stopped.tokens, stops[i] * BATCH);
            struct trial_result result = trained(&spec, &second);
            assert_int_equal(result.outcome, OUTCOME_DONE);
            assert_string_equal(second.changed, "");
            assert_memory_equal(losses + 1, wanted_losses + 1, STEPS * sizeof(*losses));
            assert_memory_equal(&result.val_loss, &wanted.val_loss, sizeof(result.val_loss));
            assert_memory_equal(&result.train_loss, &wanted.train_loss, sizeof(double));
            assert_int_equal(result.tokens, wanted.tokens);
            same_files(whole, again);
        }
    }
}

static void data_may_lie_elsewhere(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    struct train_files first = {.save = part, .until_tokens = 10 * BATCH}, second = {.init = part};
    assert_int_equal(trained(&spec, &first).outcome, OUTCOME_CANCELED);
    snprintf(place.data_path, sizeof(place.data_path), "/elsewhere");
    assert_int_equal(trained(&spec, &second).outcome, OUTCOME_DONE);
    assert_string_equal(second.changed, "");
    memset(&place, 0, sizeof(place));
}

/* The end of one training is the beginning of a longer one: a prefix with another schedule. */
static void a_longer_horizon_goes_on_from_the_end(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    struct train_files first = {.save = whole}, second = {.init = whole};
    spec.horizon_tokens = 50 * BATCH;
    assert_int_equal(trained(&spec, &first).outcome, OUTCOME_DONE);
    spec.horizon_tokens = STEPS * BATCH;
    spec.lr = 5e-3;
    memset(losses, 0, sizeof(losses));
    struct trial_result result = trained(&spec, &second);
    assert_int_equal(result.outcome, OUTCOME_DONE);
    assert_int_equal(result.tokens, STEPS * BATCH);
    assert_true(losses[50] == 0 && losses[51] > 0);
    assert_string_equal(second.changed,
                        "lr (0.01 -> 0.0050000000000000001), horizon_tokens (1600 -> 3200)");
}

static void refused(const struct trial_spec *spec, const char *path, const char *text)
{
    struct train_files files = {.init = path};
    struct trial_result result = trained(spec, &files);
    assert_int_equal(result.outcome, OUTCOME_FAILED);
    if (!strstr(files.err.text, text))
        fail_msg("\"%s\" is not in \"%s\"", text, files.err.text);
    assert_non_null(strstr(files.err.text, path)); /* the file is named */
    assert_true(strncmp(result.message, files.err.text, 200) == 0);
}

/* The place of `text` in a file's bytes. */
static char *find(char *bytes, size_t size, const char *text)
{
    for (size_t i = 0; i + strlen(text) <= size; i++)
        if (memcmp(bytes + i, text, strlen(text)) == 0)
            return bytes + i;
    fail_msg("%s is not there", text);
    return NULL;
}

/* Its record of trainer simulate had another name; the trainings are the same. */
static void one_of_an_earlier_version_goes_on_bit_for_bit(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    struct train_files straight = {0}, first = {.save = part, .until_tokens = 97 * BATCH};
    struct train_files second = {.init = part};
    size_t size;
    struct trial_result wanted = trained(&spec, &straight);
    assert_int_equal(trained(&spec, &first).outcome, OUTCOME_CANCELED);
    char *bytes = slurp(part, &size);
    memcpy(find(bytes, size, "spec.simulate"), "spec.surface_", strlen("spec.surface_"));
    spew(part, bytes, size);
    free(bytes);
    struct trial_result result = trained(&spec, &second);
    assert_string_equal(second.changed, "");
    assert_memory_equal(&result.train_loss, &wanted.train_loss, sizeof(double));
    assert_memory_equal(&result.val_loss, &wanted.val_loss, sizeof(double));
}

static void wrong_checkpoints_are_refused(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of(), other = spec;
    struct train_files files = {.save = whole};
    assert_int_equal(trained(&spec, &files).outcome, OUTCOME_DONE);

    other.n_layers = 2;
    refused(&other, whole, "has no tensor blocks.1.ln1.weight: it was saved by another model");
    other = spec;
    other.vocab = VOCAB + 1;
    refused(&other, whole, "wte.weight is 19 x 16 of F32, the model's is 20 x 16 of F32");
    other = spec;
    other.tied_output = 1;
    refused(&other, whole, "holds 51 tensors, the model has 48");
    other = spec;
    other.horizon_tokens = 10 * BATCH;
    refused(&other, whole, "has 100 steps behind it, more than the 10 of this training");
    other = spec;
    other.batch_tokens = BATCH / 2;
    refused(&other, whole, "was trained with another batch_tokens");

    size_t size;
    char *bytes = slurp(whole, &size);
    spew(part, bytes, size - 7);
    refused(&spec, part, "cut short");
    spew(part, bytes, 5);
    refused(&spec, part, "has 5 bytes, too few");
    memcpy(find(bytes, size, "\"step\":\"100\""), "\"stop\"", 6);
    spew(part, bytes, size);
    refused(&spec, part, "does not say where the training stands");
    find(bytes, size, "checkpoint-1")[11] = '9';
    spew(part, bytes, size);
    refused(&spec, part, "is no checkpoint of this program (format lrsearch-checkpoint-9");
    free(bytes);
    unlink(part);
    refused(&spec, part, "No such file");
}

static void what_cannot_be_saved_is_a_failure(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of();
    struct train_files files = {.save = "/dev/null/x"};
    struct trial_result result = trained(&spec, &files);
    assert_int_equal(result.outcome, OUTCOME_FAILED);
    assert_int_equal(files.err.code, LR_ECREATE);
    assert_non_null(strstr(result.message, "/dev/null/x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stopped_goes_on_bit_for_bit),
        cmocka_unit_test(data_may_lie_elsewhere),
        cmocka_unit_test(a_longer_horizon_goes_on_from_the_end),
        cmocka_unit_test(one_of_an_earlier_version_goes_on_bit_for_bit),
        cmocka_unit_test(wrong_checkpoints_are_refused),
        cmocka_unit_test(what_cannot_be_saved_is_a_failure),
    };
    kernels_init();
    return cmocka_run_group_tests(tests, setup, teardown);
}
