/* Trainings by a team of ranks, here threads: losses, weights and checkpoints are those of one
 * rank, byte for byte, whatever the size of the group and whenever it grows. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include "few_runs.h"
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
    struct trial_place place;  /* with a checkpoint: by wsd_prefix_run() instead of trainer_run() */
    uint64_t save_at, stop_at; /* calls of the step hook, 1 the first; 0: never */
    int vanishes;              /* rank that does not answer from step vanish_at on; 0: none */
    uint64_t vanish_at;
    int bad;       /* rank whose model cannot be made */
    uint64_t late; /* the first new members are ready from this step on; 0: when they are awaited */

    struct thread_world *world;
    atomic_ullong step; /* of the leader, done */
    uint64_t heard;     /* calls of the step hook */
    bool awaited;       /* the late members have been */
    int next;           /* of plan */
    int ended;          /* size of the team at the end */
    uint64_t bytes;     /* sent by all */
    struct team *team;
    atomic_bool canceled;
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

static bool has_vanished(void *context)
{
    struct run *run = context;
    return atomic_load(&run->step) >= run->vanish_at;
}

static struct group *open_group(struct run *run, int epoch, int rank)
{
    struct group_members members = members_of(run, epoch);
    return thread_group_open(run->world, &members, rank,
                             rank == run->vanishes ? has_vanished : is_canceled, run);
}

static struct group *larger(void *context)
{
    struct run *run = context;
    const struct growth *next = &run->plan[run->next];
    if (next->size == 0 || atomic_load(&run->step) < next->at_step)
        return NULL;
    int before = run->next > 0 ? next[-1].size : 1;
    if (!run->late)
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
    struct run *run = rank->run;
    const struct team_hooks hooks = {.context = rank, .open = open_larger};
    struct trial_spec spec = *run->spec;
    spec.arch = rank->rank == run->bad ? 99 : spec.arch;
    while (atomic_load(&run->step) < run->late)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    rank->rc =
        team_follow(&spec, &run->place, open_group(run, rank->epoch, rank->rank), &hooks, NULL);
    if (rank->rank == run->vanishes)
        atomic_store(&run->canceled, true); /* as the coordinator cancels the others */
    return NULL;
}

static int on_step(void *context, const struct train_step *step)
{
    struct run *run = context;
    atomic_store(&run->step, step->tokens / run->spec->batch_tokens);
    run->heard++;
    if (run->late > 0 && atomic_load(&run->step) == run->late && !run->awaited) {
        thread_world_await(run->world, 0, 1, run->plan[0].size - 1);
        run->awaited = true;
    }
    int wish = run->save_at > 0 && run->heard == run->save_at ? TRAIN_SAVE : 0;
    return wish | (run->stop_at > 0 && run->heard == run->stop_at ? TRAIN_STOP : 0);
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
    struct train_files files = {.init = run->init, .save = run->save};
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
        bool bad = ranks[i].rank == run->bad;
        bool let_go = !run->vanishes || (ranks[i].epoch > 0 && ranks[i].rc == 0);
        assert_int_equal(ranks[i].rc, bad ? LR_EINVAL : let_go ? 0 : LR_ECANCELED);
    }
    run->bytes = thread_world_bytes(run->world);
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
    int slices = (int)trial_slices(spec);
    for (int size = few_runs() && slices > 1 ? slices : 2; size <= slices; size *= 2) {
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
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i += few_runs() ? 2 : 1) {
        struct trial_spec spec = slices_of(cases[i].sequences);
        assert_int_equal(trial_slices(&spec), cases[i].slices);
        any_size_gives_the_bytes_of_one(&spec);
    }
}

static void any_model(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i += few_runs() ? 5 : 1) {
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

/* The matrices of a block are shared whole: q, k, v and the others by 2, 4, 8 or 16 ranks. */
static void any_model_with_muon(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct trial_spec spec = slices_of(i == 0 ? 16 : 4);
        spec.optimizer = OPTIMIZER_MUON;
        spec.muon_momentum = .95;
        spec.arch = i % 2 ? ARCH_LLAMA : ARCH_GPT;
        spec.precision = i < 2 ? PRECISION_FP32 : PRECISION_BF16;
        spec.muon_lr_scale = i == 3 ? MUON_MATCH_RMS : MUON_UNIT_RMS;
        spec.d_model = 40; /* parts of tensors that are no multiples of anything */
        spec.d_ff = 100;
        spec.clip = .5;
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
    spec.optimizer = OPTIMIZER_MUON;
    spec.muon_momentum = .95;
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
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i += few_runs() ? 3 : 1) {
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

/* The training has two parts; the group grows in the first and in the second, and a stop with a
 * checkpoint in the middle of the validation is followed by an attempt of another size. */
static void parts_of_a_wsd_schedule(void **state)
{
    (void)state;
    struct trial_spec spec = slices_of(4);
    spec.schedule = SCHEDULE_WSD;
    spec.horizon_tokens = 8 * spec.batch_tokens;
    spec.warmup_tokens = spec.batch_tokens;
    spec.cooldown = .5;
    assert_int_equal(trial_wsd_prefix_tokens(&spec), 4 * spec.batch_tokens);
    struct trial_result wanted = alone(&spec, NULL);
    struct run run = {.spec = &spec, .plan = {{0, 1}, {2, 2}, {6, 4}}, .stop_at = 9, .save_at = 9};
    path_of(run.place.checkpoint, "own");
    snprintf(run.place.wsd_prefix_dir, sizeof(run.place.wsd_prefix_dir), "%s", dir);
    run_team(&run);
    assert_int_equal(run.ended, 4);
    assert_string_equal(run.result.message, "canceled during validation, saved at token 16384");
    struct run again = {.spec = &spec, .plan = {{0, 2}}, .place = run.place};
    run_team(&again);
    assert_int_equal(again.result.begun_tokens, 8 * spec.batch_tokens);
    assert_same_result(&again.result, &wanted);
    assert_int_equal(unlink(run.place.checkpoint), 0);
    struct run prefix = {.spec = &spec, .plan = {{0, 4}}, .place = run.place};
    run_team(&prefix);
    assert_int_equal(prefix.result.begun_tokens, 4 * spec.batch_tokens);
    assert_same_result(&prefix.result, &wanted);
}

/* A growth that began in the first part of the training is completed in the second one. */
static void new_members_are_late_for_the_next_part(void **state)
{
    (void)state;
    struct trial_spec spec = slices_of(4);
    spec.schedule = SCHEDULE_WSD;
    spec.horizon_tokens = 8 * spec.batch_tokens;
    spec.warmup_tokens = spec.batch_tokens;
    spec.cooldown = .5;
    assert_int_equal(trial_wsd_prefix_tokens(&spec), 4 * spec.batch_tokens);
    struct trial_result wanted = alone(&spec, NULL);
    struct run run = {.spec = &spec, .plan = {{3, 2}}, .late = 5};
    path_of(run.place.checkpoint, "late");
    snprintf(run.place.wsd_prefix_dir, sizeof(run.place.wsd_prefix_dir), "%s", dir);
    run_team(&run);
    assert_int_equal(run.ended, 2);
    assert_same_result(&run.result, &wanted);
}

static void a_diverged_training_says_the_same(void **state)
{
    (void)state;
    const struct train_hooks hooks = {.attempt = 1};
    struct trial_result wanted;
    struct trial_spec spec = slices_of(4);
    spec.lr = 1e4;
    spec.horizon_tokens *= 10;
    trainer_run(&spec, NULL, &hooks, &wanted);
    assert_int_equal(wanted.outcome, OUTCOME_DIVERGED);
    struct run run = {.spec = &spec, .plan = {{0, 4}}};
    run_team(&run);
    assert_same_result(&run.result, &wanted);
    assert_string_equal(run.result.message, wanted.message);
}

/* Before its first step, between two, and while the group grows: nobody waits for it for ever. */
static void a_member_vanishes(void **state)
{
    (void)state;
    struct trial_spec spec = slices_of(8);
    for (uint64_t at = 0; at < 3; at++)
        for (int size = 2; size <= 8; size *= 4) {
            struct run run = {
                .spec = &spec, .plan = {{0, size}}, .vanishes = size, .vanish_at = at};
            run_team(&run);
            assert_int_equal(run.result.outcome, OUTCOME_CANCELED);
            char wanted[64];
            snprintf(wanted, sizeof(wanted), "canceled with its group of %d ranks", size);
            assert_string_equal(run.result.message, wanted);
        }
    struct run run = {
        .spec = &spec, .plan = {{0, 2}, {1, 4}, {2, 8}}, .vanishes = 2, .vanish_at = 1};
    run_team(&run);
    assert_int_equal(run.result.outcome, OUTCOME_CANCELED);
}

/* A rank without memory or data: told at the start, and a training that goes on does without. */
static void a_member_cannot_join(void **state)
{
    (void)state;
    struct trial_spec spec = slices_of(8);
    struct run start = {.spec = &spec, .plan = {{0, 4}}, .bad = 3};
    run_team(&start);
    assert_int_equal(start.result.outcome, OUTCOME_FAILED);
    assert_string_equal(start.result.message, "rank 3: architecture 99 is not known");
    struct trial_result wanted = alone(&spec, NULL);
    struct run later = {.spec = &spec, .plan = {{0, 2}, {1, 4}}, .bad = 4};
    run_team(&later);
    assert_int_equal(later.ended, 2);
    assert_same_result(&later.result, &wanted);
}

/* Of P parameters each member sends 4 P / g bytes of gradients to every other one, and as many of
 * weights; the rest is small. */
static void bytes_of_a_step(void **state)
{
    (void)state;
    for (int size = 2; size <= 8; size *= 2) {
        struct trial_spec spec = slices_of(8), longer = spec;
        longer.horizon_tokens += spec.batch_tokens;
        struct run run = {.spec = &spec, .plan = {{0, size}}};
        struct run run_on = {.spec = &longer, .plan = {{0, size}}};
        run_team(&run);
        run_team(&run_on);
        uint64_t step = run_on.bytes - run.bytes;
        uint64_t least = 8 * trial_params(&spec) * (uint64_t)(size - 1);
        assert_in_range(step, least, least + least / 50 + (uint64_t)(size * size) * 512);
    }
}

static void more_members_than_slices(void **state)
{
    (void)state;
    struct trial_spec spec = slices_of(2);
    struct group_members members = {.size = 4, .ranks = {1, 2, 3, 4}};
    struct thread_world *world = thread_world_create();
    struct group *group = thread_group_open(world, &members, 1, NULL, NULL);
    struct exchange *exchange = exchange_create(group);
    struct member member;
    struct lr_error err = {0};
    assert_int_equal(member_prepare(&member, &spec, "", NULL), 0);
    assert_int_equal(exchange_open(exchange, &spec, member.model, member.losses, &err), LR_EINVAL);
    assert_string_equal(err.text, "4 ranks for 2 slices of a batch");
    assert_true(exchange_destroy(exchange));
    member_release(&member);
    group->ops->close(group);
    thread_world_destroy(world);
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
        cmocka_unit_test_setup_teardown(any_model_with_muon, setup, teardown),
        cmocka_unit_test_setup_teardown(any_model, setup, teardown),
        cmocka_unit_test_setup_teardown(a_model_of_several_buckets, setup, teardown),
        cmocka_unit_test_setup_teardown(a_group_grows, setup, teardown),
        cmocka_unit_test_setup_teardown(a_checkpoint_is_of_any_size, setup, teardown),
        cmocka_unit_test_setup_teardown(parts_of_a_wsd_schedule, setup, teardown),
        cmocka_unit_test_setup_teardown(new_members_are_late_for_the_next_part, setup, teardown),
        cmocka_unit_test_setup_teardown(a_diverged_training_says_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(a_member_vanishes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_member_cannot_join, setup, teardown),
        cmocka_unit_test(bytes_of_a_step),
        cmocka_unit_test(more_members_than_slices),
    };
    /* valgrind runs one thread at a time: all of them take it more than half an hour */
    if (getenv("LRSEARCH_FEW_RUNS"))
        cmocka_set_test_filter("a_group_grows");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
