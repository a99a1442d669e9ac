/* Trainings by a team of ranks, here threads: losses, weights and checkpoints are those of one rank,
 * byte for byte, whatever the size of the group and whenever it grows. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include "lrsearch/log.h"
#include "small_trial.h"
#include "thread_group.h"
#include "trainers/transformer/member.h"
#include "trainers/transformer/team.h"
#include "trainers/transformer/wsd_prefix.h"

enum { LONG = 512, STEPS_OF_TEAM = 4, GROWTHS = 4 };

/* Sequences of 512 tokens: each is a slice as long as there are at most 16. */
static struct trial_spec slices_of(uint32_t sequences)
{
    struct trial_spec spec = spec_of();
    spec.context = LONG;
    spec.batch_tokens = sequences * LONG;
    spec.horizon_tokens = (uint64_t)spec.batch_tokens * STEPS_OF_TEAM;
    spec.val_tokens = 7 * LONG + 100;
    spec.n_layers = 2;
    spec.vocab = 1100; /* tensors of two blocks */
    spec.warmup = 0;
    return spec;
}

/* ---- running a team ---- */

/* From `at_step` on the group has `size` ranks; the first begins at step 0. size 0: the end. */
struct growth {
    uint64_t at_step;
    int size;
};

struct run {
    const struct trial_spec *spec;
    struct growth plan[GROWTHS + 1];
    const char *save, *init;   /* files */
    uint64_t until_tokens;     /* as in train_files */
    struct trial_place place;  /* its checkpoint: by wsd_prefix_run() instead of trainer_run() */
    uint64_t save_at, stop_at; /* steps; 0: never */
    uint64_t vanish_at;        /* step in which the last rank stops to answer; 0: never */

    struct thread_world *world;
    uint64_t step; /* of the leader, done */
    int next;      /* of plan */
    int ended;     /* size of the team at the end */
    struct team *team;
    atomic_bool canceled, lost;
    struct trial_result result;
};

struct rank {
    struct run *run;
    int rank, epoch;
    int rc;
    pthread_t thread;
};

static struct group_members members_of(const struct run *run, int epoch)
{
    struct group_members members = {.epoch = (uint32_t)epoch, .size = run->plan[epoch].size};
    for (int i = 0; i < members.size; i++)
        members.ranks[i] = i + 1;
    return members;
}

static bool is_canceled(void *context)
{
    struct run *run = context;
    return atomic_load(&run->canceled);
}

static struct group *open_group(struct run *run, int epoch, int rank)
{
    struct group_members members = members_of(run, epoch);
    return thread_group_open(run->world, &members, rank, is_canceled, run);
}

static struct group *larger(void *context)
{
    struct run *run = context;
    const struct growth *next = &run->plan[run->next];
    if (next->size == 0 || run->step < next->at_step)
        return NULL;
    int before = run->next > 0 ? next[-1].size : 1;
    thread_world_await(run->world, (uint32_t)run->next, 1, next->size - before);
    return open_group(run, run->next++, 1);
}

static struct group *open_larger(void *context, const struct group_members *members)
{
    struct rank *rank = context;
    struct group_members planned = members_of(rank->run, (int)members->epoch);
    assert_memory_equal(members, &planned, sizeof(planned));
    return open_group(rank->run, (int)members->epoch, rank->rank);
}

static void *follow(void *context)
{
    struct rank *rank = context;
    const struct team_hooks hooks = {.context = rank, .open = open_larger};
    rank->rc = team_follow(rank->run->spec, &rank->run->place,
                           open_group(rank->run, rank->epoch, rank->rank), &hooks, NULL);
    return NULL;
}

static int on_step(void *context, const struct train_step *step)
{
    struct run *run = context;
    run->step = step->tokens / run->spec->batch_tokens;
    int wish = run->save_at > 0 && run->step == run->save_at ? TRAIN_SAVE : 0;
    return wish | (run->stop_at > 0 && run->step == run->stop_at ? TRAIN_STOP : 0);
}

static void lead(struct run *run)
{
    const struct team_hooks hooks = {.context = run, .larger = larger};
    bool grouped = run->plan[0].at_step == 0;
    struct group *group = NULL;
    if (grouped)
        group = open_group(run, run->next++, 1);
    assert_int_equal(team_create(&run->team, group, &hooks, NULL), 0);
    const struct train_hooks train = {
        .context = run, .step = on_step, .attempt = 1, .place = &run->place, .team = run->team};
    struct train_files files = {
        .init = run->init, .save = run->save, .until_tokens = run->until_tokens};
    if (run->place.checkpoint[0])
        wsd_prefix_run(run->spec, &train, &run->result);
    else
        trainer_run(run->spec, &files, &train, &run->result);
    run->ended = team_size(run->team);
    team_end(run->team);
}

static void run_team(struct run *run)
{
    struct rank ranks[GROUP_MOST] = {0};
    int most = 1;
    run->world = thread_world_create();
    for (int epoch = 0; run->plan[epoch].size > 0; epoch++)
        for (; most < run->plan[epoch].size; most++) {
            ranks[most] = (struct rank){.run = run, .rank = most + 1, .epoch = epoch};
            assert_int_equal(pthread_create(&ranks[most].thread, NULL, follow, &ranks[most]), 0);
        }
    lead(run);
    for (int i = 1; i < most; i++) {
        assert_int_equal(pthread_join(ranks[i].thread, NULL), 0);
        assert_int_equal(ranks[i].rc, run->result.outcome == OUTCOME_FAILED ? LR_EDATA : 0);
    }
    thread_world_destroy(run->world);
}

/* ---- comparison ---- */

static char dir[256];

static int setup(void **state)
{
    (void)state;
    lr_log_level_set(LR_LOG_ERROR);
    return temp_dir_make(dir, sizeof(dir));
}

static int teardown(void **state)
{
    (void)state;
    temp_dir_remove(dir);
    return 0;
}

static char *path_of(char out[300], const char *name)
{
    snprintf(out, 300, "%s/%s", dir, name);
    return out;
}

static unsigned char *contents(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void assert_same_files(const char *a, const char *b)
{
    size_t sizes[2];
    unsigned char *bytes[2] = {contents(a, &sizes[0]), contents(b, &sizes[1])};
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void assert_same_result(const struct trial_result *a, const struct trial_result *b)
{
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->tokens, b->tokens);
    assert_memory_equal(&a->val_loss, &b->val_loss, sizeof(a->val_loss));
    assert_memory_equal(&a->val_loss_se, &b->val_loss_se, sizeof(a->val_loss_se));
    assert_memory_equal(&a->train_loss, &b->train_loss, sizeof(a->train_loss));
}

static struct trial_result alone(const struct trial_spec *spec, const char *save)
{
    const struct train_hooks hooks = {.attempt = 1};
    struct train_files files = {.save = save};
    struct trial_result result;
    trainer_run(spec, &files, &hooks, &result);
    assert_int_equal(result.outcome, OUTCOME_DONE);
    return result;
}

static void any_size_gives_the_bytes_of_one(const struct trial_spec *spec)
{
    char one[300], many[300];
    struct trial_result wanted = alone(spec, path_of(one, "one"));
    for (int size = 2; size <= (int)trial_slices(spec); size *= 2) {
        struct run run = {.spec = spec, .plan = {{0, size}}, .save = path_of(many, "many")};
        run_team(&run);
        assert_int_equal(run.ended, size);
        assert_same_result(&run.result, &wanted);
        assert_same_files(many, one);
    }
}

/* ---- tests ---- */

static void any_number_of_slices(void **state)
{
    (void)state;
    static const struct {
        uint32_t sequences, slices;
    } cases[] = {{1, 1}, {2, 2}, {3, 2}, {4, 4}, {5, 4}, {8, 8}, {16, 16}, {37, 16}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct trial_spec spec = slices_of(cases[i].sequences);
        assert_int_equal(trial_slices(&spec), cases[i].slices);
        any_size_gives_the_bytes_of_one(&spec);
    }
}

static void any_model(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct trial_spec spec = slices_of(4);
        spec.arch = i % 2 ? ARCH_LLAMA : ARCH_GPT;
        spec.tied_output = i >= 2 && i < 5;
        spec.qk_norm = i == 1 || i == 4;
        spec.clip = i == 2 ? 0 : .5;
        spec.z_loss = i == 3 ? 1e-3 : 0;
        spec.precision = i == 4 || i == 5 ? PRECISION_BF16 : PRECISION_FP32;
        spec.n_layers = i == 0 ? 3 : 2;
        any_size_gives_the_bytes_of_one(&spec);
    }
}

/* A layer of 64k floats is a bucket of its own. */
static void a_model_of_several_buckets(void **state)
{
    (void)state;
    struct trial_spec spec = slices_of(4);
    spec.context = 64;
    spec.batch_tokens = 64 * 64;
    spec.horizon_tokens = 3 * 64 * 64;
    spec.d_model = 96;
    spec.d_ff = 384;
    spec.n_layers = 3;
    assert_int_equal(trial_slices(&spec), 4);
    struct member member;
    assert_int_equal(member_prepare(&member, &spec, "", NULL), 0);
    assert_int_equal(model_bucket_count(member.model), 5);
    member_release(&member);
    any_size_gives_the_bytes_of_one(&spec);
}

static void a_group_grows(void **state)
{
    (void)state;
    static const struct growth plans[][GROWTHS + 1] = {
        {{0, 1}, {1, 2}, {3, 4}}, {{0, 2}, {2, 4}}, {{0, 1}, {0, 4}}, {{0, 2}, {0, 8}, {1, 16}}};
    char one[300], many[300];
    struct trial_spec spec = slices_of(16);
    struct trial_result wanted = alone(&spec, path_of(one, "one"));
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        struct run run = {.spec = &spec, .save = path_of(many, "many")};
        int last = 0;
        memcpy(run.plan, plans[i], sizeof(run.plan));
        while (run.plan[last + 1].size > 0)
            last++;
        run_team(&run);
        assert_int_equal(run.ended, run.plan[last].size);
        assert_same_result(&run.result, &wanted);
        assert_same_files(many, one);
    }
}

/* Stopped in the middle with one size, taken up with another. */
static void a_checkpoint_is_of_any_size(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {2, 4}, {4, 1}, {1, 2}};
    char one[300], many[300], middle[300], wanted_middle[300];
    struct trial_spec spec = slices_of(4);
    struct trial_result wanted = alone(&spec, path_of(one, "one"));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct run first = {.spec = &spec,
                            .plan = {{0, sizes[i][0]}},
                            .save = path_of(middle, i ? "middle" : "wanted_middle"),
                            .stop_at = 2};
        run_team(&first);
        assert_int_equal(first.result.outcome, OUTCOME_CANCELED);
        assert_same_files(middle, path_of(wanted_middle, "wanted_middle"));
        struct run second = {.spec = &spec,
                             .plan = {{0, sizes[i][1]}},
                             .init = middle,
                             .save = path_of(many, "many")};
        run_team(&second);
        assert_same_result(&second.result, &wanted);
        assert_same_files(many, one);
    }
}

/* The sum of the slices' gradients by the public functions of the model, in a tree made by hand. */
static void the_tree_by_hand(void **state)
{
    (void)state;
    for (uint32_t sequences = 4; sequences <= 40; sequences += 9) {
        struct trial_spec spec = slices_of(sequences);
        uint32_t slices = trial_slices(&spec);
        struct member member;
        assert_int_equal(member_prepare(&member, &spec, "", NULL), 0);
        struct model *model = member.model;
        struct model_floats floats = model_floats(model);
        float *sums = calloc(slices * floats.count, sizeof(*sums));
        double losses[TRIAL_SLICES_MOST] = {0};
        assert_non_null(sums);
        for (uint32_t i = 0; i < slices; i++) {
            model_zero_grad(model);
            for (uint32_t s = trial_slice_begin(&spec, i); s < trial_slice_begin(&spec, i + 1);
                 s++) {
                assert_int_equal(model_micro_batch(model), 1);
                source_train(member.source, sequences + s, member.tokens); /* batch 1 */
                losses[i] += model_forward_backward(model, member.tokens, 1,
                                                    1.0f / (float)spec.batch_tokens);
            }
            memcpy(sums + i * floats.count, floats.grad, floats.count * sizeof(*sums));
        }
        for (uint32_t step = 1; step < slices; step *= 2)
            for (uint32_t i = 0; i < slices; i += 2 * step) {
                for (size_t j = 0; j < floats.count; j++)
                    sums[i * floats.count + j] += sums[(i + step) * floats.count + j];
                losses[i] += losses[i + step];
            }
        memset(floats.grad, 0xff, floats.count * sizeof(*floats.grad)); /* NaN */
        const struct slice_range all = {.count = slices};
        double loss = slices_gradient(model, member.source, member.tokens, &spec, 1, &all);
        assert_true(loss == losses[0]);
        for (size_t i = 0; i < model_param_count(model); i++) {
            const struct param *p = model_param(model, i);
            for (size_t j = 0; j < p->count; j++)
                if (!(p->grad[j] == sums[p->offset + j]))
                    fail_msg("%s, element %zu", p->name, j);
        }
        free(sums);
        member_release(&member);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tree_by_hand),
        cmocka_unit_test_setup_teardown(any_number_of_slices, setup, teardown),
        cmocka_unit_test_setup_teardown(any_model, setup, teardown),
        cmocka_unit_test_setup_teardown(a_model_of_several_buckets, setup, teardown),
        cmocka_unit_test_setup_teardown(a_group_grows, setup, teardown),
        cmocka_unit_test_setup_teardown(a_checkpoint_is_of_any_size, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
