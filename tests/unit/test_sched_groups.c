/* The scheduler: groups of ranks, how wide they are, how they grow and what ends them. */
#define RANKS 18
#include "sched_case.h"

/* A step of one rank takes 2 s by the model (50 GFLOP/s), and groups pay up to 16 ranks. */
static const struct sched_cost long_steps = {
    .tokens = 1000000, .step_tokens = 10000, .step_flops = 1e11, .parameters = 1e6, .slices = 16};

static void enqueue_cost(uint32_t id, uint32_t attempt, const struct sched_cost *cost)
{
    struct sched_job job = {.id = id, .attempt = attempt, .cost = *cost};
    assert_int_equal(sched_enqueue(sched, &job, NULL), 0);
}

static uint64_t core_set; /* of all HELLOs */

/* Ranks from `first` to `end` - 1. */
static void hellos(int first, int end, const char *host, uint32_t cores)
{
    for (int rank = first; rank < end; rank++) {
        struct message message = {.tag = MSG_HELLO};
        struct msg_hello *hello = &message.as.hello;
        hello->protocol = MESSAGE_PROTOCOL;
        hello->pid = (uint64_t)rank;
        hello->cores = cores;
        hello->core_set = core_set;
        strcpy(hello->host, host);
        strcpy(hello->version, LRSEARCH_VERSION);
        assert_int_equal(sched_message(sched, rank, &message, 1000, NULL), 0);
    }
}

static void progress(int rank, uint32_t id, uint64_t tokens, double seconds, uint32_t ranks,
                     uint64_t now_ms)
{
    struct message message = {
        .tag = MSG_PROGRESS,
        .as.progress = {
            .trial_id = id, .attempt = 1, .tokens = tokens, .seconds = seconds, .ranks = ranks}};
    assert_int_equal(sched_message(sched, rank, &message, now_ms, NULL), 0);
}

static int with_limits(uint32_t ranks_per_trial, uint32_t threads)
{
    const struct sched_limits limits = {
        .silence_ms = 600000, .ranks_per_trial = ranks_per_trial, .threads = threads};
    const struct msg_hello self = {.pid = 99};
    sched_destroy(sched);
    return sched_create(&sched, &fake.transport, &self, &limits, &owner, 1000, NULL);
}

static void a_lone_trial_gets_all_that_its_slices_allow(void **state)
{
    (void)state;
    hellos(1, 18, "node7", 0);
    enqueue_cost(1, 1, &long_steps);
    tick(1001);
    assert_int_equal(told.ranks, 16);
    assert_int_equal(told.rank, 1);
    assert_string_equal(last(MSG_ASSIGN, 16)->as.assign.members,
                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16");
    assert_int_equal(last(MSG_ASSIGN, 16)->as.assign.epoch, 0);
    assert_int_equal(last(MSG_ASSIGN, 16)->as.assign.place.slot, 15);
    assert_int_equal(sent(MSG_ASSIGN, 17), 0);
    assert_int_equal(sched_counts(sched).running, 1);
    assert_int_equal(sched_counts(sched).workers_busy, 16);
    result(1, 1, 1, 11000);
    assert_int_equal(told.ended, 1);
    assert_int_equal(told.use.ranks, 16);
    assert_true(told.use.rank_s > 159 && told.use.rank_s < 161);
    for (int rank = 2; rank <= 16; rank++)
        ended(rank, 1, 1, OUTCOME_CANCELED, 11100);
    assert_int_equal(told.ended, 1);
    assert_int_equal(sched_counts(sched).workers_idle, 17);
    assert_int_equal(sched_counts(sched).stale_messages, 0);
}

static void four_slices_are_for_four_ranks(void **state)
{
    (void)state;
    struct sched_cost cost = long_steps;
    cost.slices = 4;
    hellos(1, 18, "node7", 0);
    enqueue_cost(1, 1, &cost);
    tick(1001);
    assert_int_equal(told.ranks, 4);
}

static void the_longest_gets_most(void **state)
{
    (void)state;
    struct sched_cost shorter = long_steps;
    shorter.tokens /= 8;
    hellos(1, 13, "node7", 0);
    enqueue_cost(1, 1, &shorter);
    enqueue_cost(2, 1, &long_steps);
    enqueue_cost(3, 1, &shorter);
    tick(1001);
    assert_int_equal(told.started, 3);
    assert_string_equal(last(MSG_ASSIGN, 2)->as.assign.members, "2,4,5,6,7,8,9,10");
    assert_string_equal(last(MSG_ASSIGN, 1)->as.assign.members, "1,11");
    assert_string_equal(last(MSG_ASSIGN, 3)->as.assign.members, "3,12");
}

static void short_steps_are_for_one(void **state)
{
    (void)state;
    struct sched_cost cost = long_steps;
    cost.step_flops = 1e6; /* 20 us; the exchange takes longer */
    hellos(1, 18, "node7", 0);
    enqueue_cost(1, 1, &cost);
    tick(1001);
    assert_int_equal(told.ranks, 1);
    assert_string_equal(last(MSG_ASSIGN, 1)->as.assign.members, "");
}

static void a_group_uses_free_cores_only(void **state)
{
    (void)state;
    hellos(1, 18, "node7", 5);
    enqueue_cost(1, 1, &long_steps);
    tick(1001);
    assert_int_equal(told.ranks, 4);
    for (uint32_t id = 2; id <= 4; id++) /* the first rank of a trial may share a core */
        enqueue_cost(id, 1, &long_steps);
    tick(1002);
    assert_int_equal(told.started, 4);
    assert_int_equal(told.ranks, 1);
    assert_int_equal(sched_counts(sched).workers_busy, 7);
}

/* As `srun` binds them: each rank may use its own cores, the host has their sum. */
static void ranks_that_are_bound_use_the_cores_of_all(void **state)
{
    (void)state;
    for (int rank = 1; rank <= 4; rank++) {
        core_set = (uint64_t)rank;
        hellos(rank, rank + 1, "node7", 1);
    }
    core_set = 0;
    enqueue_cost(1, 1, &long_steps);
    tick(1001);
    assert_int_equal(told.ranks, 4);
}

static void threads_use_cores(void **state)
{
    (void)state;
    assert_int_equal(with_limits(0, 2), 0);
    hellos(1, 18, "node7", 8);
    enqueue_cost(1, 1, &long_steps);
    tick(1001);
    assert_int_equal(told.ranks, 4);
}

static void hosts_share_the_trials(void **state)
{
    (void)state;
    hellos(1, 9, "node1", 8);
    hellos(9, 17, "node2", 8);
    for (uint32_t id = 1; id <= 4; id++)
        enqueue_cost(id, 1, &long_steps);
    tick(1001);
    assert_string_equal(last(MSG_ASSIGN, 1)->as.assign.members, "1,3,5,6");
    assert_string_equal(last(MSG_ASSIGN, 9)->as.assign.members, "9,11,13,14");
    assert_string_equal(last(MSG_ASSIGN, 2)->as.assign.members, "2,4,7,8");
    assert_string_equal(last(MSG_ASSIGN, 10)->as.assign.members, "10,12,15,16");
    assert_int_equal(last(MSG_ASSIGN, 16)->as.assign.place.slot, 7);
}

static void a_group_may_span_hosts(void **state)
{
    (void)state;
    for (int rank = 1; rank <= 8; rank++) {
        char name[8] = {'n', (char)('0' + rank)};
        hellos(rank, rank + 1, name, 1);
    }
    enqueue_cost(1, 1, &long_steps);
    tick(1001);
    assert_int_equal(told.ranks, 8);
}

static void a_fixed_width_waits_for_its_ranks(void **state)
{
    (void)state;
    assert_int_equal(with_limits(4, 1), 0);
    hellos(1, 7, "node7", 2); /* cores do not matter */
    for (uint32_t id = 1; id <= 2; id++)
        enqueue_cost(id, 1, &long_steps);
    tick(1001);
    assert_int_equal(told.started, 1);
    assert_int_equal(told.ranks, 4);
    result(1, 1, 1, 1500);
    for (int rank = 2; rank <= 4; rank++)
        ended(rank, 1, 1, OUTCOME_CANCELED, 1500);
    tick(1501);
    assert_int_equal(told.started, 2);
    tick(3000); /* idle ranks stay idle */
    assert_int_equal(sched_counts(sched).workers_idle, 2);
    fake.dead[5] = fake.dead[6] = fake.dead[4] = true;
    tick(5000);
    assert_true(told.result.outcome == OUTCOME_LOST);
    for (int rank = 1; rank <= 3; rank++)
        ended(rank, 2, 1, OUTCOME_CANCELED, 5500);
    enqueue_cost(2, 2, &long_steps);
    tick(5501);
    assert_int_equal(told.ranks, 2); /* three are left */
}

/* Two trials; one ends, and its rank joins the other. */
static void start_two(void)
{
    hellos(1, 3, "node7", 0);
    enqueue_cost(1, 1, &long_steps);
    enqueue_cost(2, 1, &long_steps);
    tick(1001);
    assert_int_equal(told.ranks, 1);
    progress(1, 1, 20000, 2, 1, 3000);
    result(2, 2, 1, 4000);
    tick(4001);
    const struct msg_assign *join = &last(MSG_ASSIGN, 2)->as.assign;
    assert_int_equal(join->trial_id, 1);
    assert_int_equal(join->epoch, 1);
    assert_string_equal(join->members, "1,2");
    const struct msg_group *group = &last(MSG_GROUP, 1)->as.group;
    assert_int_equal(group->epoch, 1);
    assert_string_equal(group->members, "1,2");
    assert_int_equal(told.started, 2);
    assert_int_equal(sched_counts(sched).running, 1);
}

static void idle_ranks_join(void **state)
{
    (void)state;
    start_two();
    hellos(3, 5, "node7", 0);
    tick(5000); /* the first growth is under way: no second one */
    assert_int_equal(sent(MSG_GROUP, 1), 1);
    pong(1, 1, 1, 6000);
    tick(6500);
    pong(1, 1, 1, 7000); /* GROUP may be lost */
    assert_int_equal(sent(MSG_GROUP, 1), 2);
    progress(1, 1, 30000, 3, 2, 7100);
    assert_int_equal(told.grown, 1);
    assert_int_equal(told.ranks, 2);
    tick(7101);
    assert_string_equal(last(MSG_GROUP, 1)->as.group.members, "1,2,3,4");
    assert_int_equal(last(MSG_GROUP, 1)->as.group.epoch, 2);
    assert_int_equal(last(MSG_ASSIGN, 4)->as.assign.epoch, 2);
    result(1, 1, 1, 9000); /* before they were taken in */
    assert_int_equal(sent(MSG_CANCEL, 3), 1);
    assert_int_equal(sent(MSG_CANCEL, 4), 1);
    assert_int_equal(sent(MSG_CANCEL, 2), 0); /* it has the leader's word */
    assert_int_equal(told.use.ranks, 2);
}

static void a_short_rest_is_not_worth_a_join(void **state)
{
    (void)state;
    hellos(1, 3, "node7", 0);
    enqueue_cost(1, 1, &long_steps);
    enqueue_cost(2, 1, &long_steps);
    tick(1001);
    progress(1, 1, 10000, 2, 1, 3000);
    progress(1, 1, 1000000, 200, 1, 201000);
    result(2, 2, 1, 201001);
    tick(201002);
    assert_int_equal(sent(MSG_GROUP, 1), 0);
}

static void what_waits_goes_before_growth(void **state)
{
    (void)state;
    hellos(1, 3, "node7", 0);
    for (uint32_t id = 1; id <= 3; id++)
        enqueue_cost(id, 1, &long_steps);
    tick(1001);
    result(2, 2, 1, 4000);
    tick(4001);
    assert_int_equal(told.id, 3);
    assert_int_equal(sent(MSG_GROUP, 1), 0);
}

static void nothing_grows_while_held_or_draining(void **state)
{
    (void)state;
    hellos(1, 3, "node7", 0);
    enqueue_cost(1, 1, &long_steps);
    enqueue_cost(2, 1, &long_steps);
    tick(1001);
    result(2, 2, 1, 4000);
    sched_hold(sched, true);
    tick(4001);
    assert_int_equal(sent(MSG_GROUP, 1), 0);
    sched_hold(sched, false);
    sched_drain(sched);
    tick(5001);
    assert_int_equal(sent(MSG_GROUP, 1), 0);
}

static void a_joiner_that_dies_leaves_the_group_as_it_was(void **state)
{
    (void)state;
    start_two();
    fake.dead[2] = true;
    tick(6000);
    assert_int_equal(told.ended, 1); /* trial 2, before */
    assert_string_equal(last(MSG_GROUP, 1)->as.group.members, "1");
    assert_int_equal(last(MSG_GROUP, 1)->as.group.epoch, 2);
    progress(1, 1, 40000, 4, 1, 6500);
    result(1, 1, 1, 7000);
    assert_int_equal(told.ended, 2);
    assert_true(told.result.outcome == OUTCOME_DONE);
}

static void a_growth_that_failed_is_not_tried_again(void **state)
{
    (void)state;
    start_two();
    result(2, 1, 1, 6000); /* the joiner cannot read its data, and is idle again */
    assert_string_equal(last(MSG_GROUP, 1)->as.group.members, "1");
    int assigned = sent(MSG_ASSIGN, 2);
    for (uint64_t now_ms = 7000; now_ms < 15000; now_ms += 250) {
        pong(1, 1, 1, now_ms);
        progress(1, 1, 40000 + now_ms, (double)now_ms / 1000, 1, now_ms);
        tick(now_ms);
    }
    assert_int_equal(sent(MSG_ASSIGN, 2), assigned);
}

static void a_leader_quiet_in_growth_frees_its_joiners(void **state)
{
    (void)state;
    start_two();
    for (uint64_t now_ms = 6000; now_ms <= 40000; now_ms += 1000) {
        pong(2, 1, 1, now_ms);
        tick(now_ms);
    }
    assert_string_equal(last(MSG_GROUP, 1)->as.group.members, "1");
    assert_true(sent(MSG_CANCEL, 2) > 0);
    assert_int_equal(told.ended, 1); /* trial 2, before */
}

static void a_leader_with_a_dead_joiner_ends_as_lost(void **state)
{
    (void)state;
    start_two();
    fake.dead[2] = true;
    tick(6000);
    progress(1, 1, 40000, 4, 2, 6500); /* it had taken it in */
    assert_int_equal(told.ended, 2);
    assert_true(told.result.outcome == OUTCOME_LOST);
    assert_int_equal(sent(MSG_CANCEL, 1), 1);
}

/* It had taken it in, and waits for it for ever. */
static void a_group_that_stands_still_after_a_withdrawal_ends(void **state)
{
    (void)state;
    start_two();
    fake.dead[2] = true;
    for (uint64_t now_ms = 6000; now_ms <= 156000; now_ms += 1000) {
        pong(1, 1, 1, now_ms);
        tick(now_ms);
        if (now_ms == 150000)
            assert_int_equal(told.ended, 1);
    }
    assert_int_equal(told.ended, 2);
    assert_true(told.result.outcome == OUTCOME_LOST);
}

static void start_four(void)
{
    hellos(1, 5, "node7", 0);
    enqueue_cost(1, 1, &long_steps);
    tick(1001);
    assert_int_equal(told.ranks, 4);
}

static void a_dead_member_ends_the_attempt_for_all(void **state)
{
    (void)state;
    start_four();
    fake.dead[3] = true;
    tick(3000);
    assert_int_equal(told.ended, 1);
    assert_true(told.result.outcome == OUTCOME_LOST);
    assert_string_equal(told.result.message, "rank 3 on host node7: its process is gone");
    for (int rank = 1; rank <= 4; rank++)
        assert_int_equal(sent(MSG_CANCEL, rank), rank != 3);
    enqueue_cost(1, 2, &long_steps);
    tick(3001);
    assert_int_equal(told.started, 1); /* they have not left yet */
    ended(1, 1, 1, OUTCOME_CANCELED, 3100);
    tick(8100);
    pong(4, 0, 0, 8200);
    tick(8201);
    assert_int_equal(told.started, 2);
    assert_int_equal(told.ended, 1);
    assert_int_equal(sched_counts(sched).workers_lost, 1);
}

static void a_quiet_member_ends_a_group_that_stands_still(void **state)
{
    (void)state;
    start_four();
    for (uint64_t now_ms = 2000; now_ms <= 45000; now_ms += 1000) {
        for (int rank = 1; rank <= 4; rank++)
            if (rank != 2)
                pong(rank, 1, 1, now_ms);
        if (now_ms <= 20000)
            progress(1, 1, now_ms * 10, (double)now_ms / 1000, 4, now_ms);
        tick(now_ms);
    }
    assert_int_equal(told.ended, 0); /* the leader stepped 25 s ago */
    assert_int_equal(told.quiet, 1);
    for (uint64_t now_ms = 46000; now_ms <= 52000; now_ms += 1000) {
        pong(1, 1, 1, now_ms);
        tick(now_ms);
    }
    assert_int_equal(told.ended, 1);
    assert_true(told.result.outcome == OUTCOME_LOST);
    assert_string_equal(told.result.message, "rank 2 on host node7: no answer for 30 s");
}

static void a_follower_that_left_has_the_leaders_word(void **state)
{
    (void)state;
    start_four();
    ended(2, 1, 1, OUTCOME_CANCELED, 2000);
    assert_int_equal(told.ended, 0);
    assert_int_equal(sched_counts(sched).workers_idle, 1);
    enqueue_cost(2, 1, &long_steps);
    tick(2001);
    assert_int_equal(told.rank, 2);
    result(1, 1, 1, 2100);
    assert_int_equal(told.ended, 1);
    assert_int_equal(sent(MSG_CANCEL, 2), 0); /* it has another trial */
    result(2, 2, 1, 2200);
    assert_int_equal(told.ended, 2);
}

static void a_group_without_its_followers_ends(void **state)
{
    (void)state;
    start_four();
    ended(2, 1, 1, OUTCOME_CANCELED, 2000);
    for (uint64_t now_ms = 3000; now_ms <= 33000; now_ms += 1000) {
        for (int rank = 1; rank <= 4; rank++)
            pong(rank, rank == 2 ? 0 : 1, rank == 2 ? 0 : 1, now_ms);
        tick(now_ms);
    }
    assert_int_equal(told.ended, 1);
    assert_true(told.result.outcome == OUTCOME_LOST);
}

static void a_follower_that_fails_fails_the_attempt(void **state)
{
    (void)state;
    start_four();
    ended(3, 1, 1, OUTCOME_FAILED, 2000);
    assert_int_equal(told.ended, 1);
    assert_true(told.result.outcome == OUTCOME_FAILED);
    assert_int_equal(sent(MSG_CANCEL, 1), 1);
}

static void a_drain_cancels_the_leader_alone(void **state)
{
    (void)state;
    start_four();
    sched_drain(sched);
    assert_int_equal(sent(MSG_CANCEL, 1), 1);
    assert_int_equal(last(MSG_CANCEL, 1)->as.cancel.save, 1);
    assert_int_equal(sent(MSG_CANCEL, 2), 0);
    ended(1, 1, 1, OUTCOME_CANCELED, 3000);
    assert_int_equal(told.ended, 1);
    assert_int_equal(sent(MSG_CANCEL, 2), 1);
    assert_int_equal(sched_counts(sched).running, 0);
}

static void a_lost_assignment_of_a_member_is_said_again(void **state)
{
    (void)state;
    start_four();
    tick(6500);
    pong(3, 0, 0, 6600);
    assert_int_equal(sent(MSG_ASSIGN, 3), 2);
    assert_string_equal(last(MSG_ASSIGN, 3)->as.assign.members, "1,2,3,4");
    assert_int_equal(last(MSG_ASSIGN, 3)->as.assign.epoch, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_lone_trial_gets_all_that_its_slices_allow),
        CASE(four_slices_are_for_four_ranks),
        CASE(the_longest_gets_most),
        CASE(short_steps_are_for_one),
        CASE(a_group_uses_free_cores_only),
        CASE(ranks_that_are_bound_use_the_cores_of_all),
        CASE(threads_use_cores),
        CASE(hosts_share_the_trials),
        CASE(a_group_may_span_hosts),
        CASE(a_fixed_width_waits_for_its_ranks),
        CASE(idle_ranks_join),
        CASE(a_short_rest_is_not_worth_a_join),
        CASE(what_waits_goes_before_growth),
        CASE(nothing_grows_while_held_or_draining),
        CASE(a_joiner_that_dies_leaves_the_group_as_it_was),
        CASE(a_growth_that_failed_is_not_tried_again),
        CASE(a_leader_quiet_in_growth_frees_its_joiners),
        CASE(a_leader_with_a_dead_joiner_ends_as_lost),
        CASE(a_group_that_stands_still_after_a_withdrawal_ends),
        CASE(a_dead_member_ends_the_attempt_for_all),
        CASE(a_quiet_member_ends_a_group_that_stands_still),
        CASE(a_follower_that_left_has_the_leaders_word),
        CASE(a_group_without_its_followers_ends),
        CASE(a_follower_that_fails_fails_the_attempt),
        CASE(a_drain_cancels_the_leader_alone),
        CASE(a_lost_assignment_of_a_member_is_said_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
