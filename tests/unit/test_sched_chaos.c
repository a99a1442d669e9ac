/* The scheduler among random faults: workers that die, sleep and fail, messages that are lost,
 * doubled, late and overtake each other. Each trial ends exactly once, no worker is leaked, and no
 * rank is in two groups that train. The workers here keep to the rules of lrsearch/message.h and
 * group.h. */
#define RANKS 64
#include "sched_case.h"
#include "sched/sched_state.h"

enum { TRIALS = 60, STEP_MS = 100, FLYING = 8192 };

struct faults {
    double lose, repeat, die, sleep, fail; /* die, sleep: of each worker in a step of time */
    bool seen;                             /* deaths are known at once */
    uint32_t ranks_per_trial;
};

static struct sim {
    struct faults faults;
    unsigned seed;
    uint64_t now_ms;
    struct {
        struct message message;
        int to, from;
        uint64_t at_ms;
    } flying[FLYING];
    int flying_count;
    struct sim_worker {
        bool dead, stopped, greeted, trains, ended; /* stopped: its host was left out */
        uint64_t asleep_until_ms, told_ms, serial;
        struct msg_assign job;
        struct group_members group, offered;
        double tokens;
        struct message result;
    } workers[RANKS];
    struct {
        uint32_t attempt, failures;
        bool runs, done, queued;
    } trials[TRIALS + 1];
    int done, groups, grown, twins, lost;
} sim;

static double draw(void)
{
    sim.seed = sim.seed * 1664525u + 1013904223u;
    return (sim.seed >> 8) / 16777216.0;
}

static void fly(int from, int to, const struct message *message)
{
    int copies = draw() < sim.faults.lose ? 0 : draw() < sim.faults.repeat ? 2 : 1;
    for (int i = 0; i < copies; i++) {
        assert_true(sim.flying_count < FLYING);
        sim.flying[sim.flying_count].message = *message;
        sim.flying[sim.flying_count].from = from;
        sim.flying[sim.flying_count].to = to;
        sim.flying[sim.flying_count++].at_ms = sim.now_ms + 1 + (uint64_t)(draw() * 300);
    }
}

static int sim_send(struct transport *transport, int peer, const struct message *message,
                    struct lr_error *err)
{
    (void)transport;
    (void)err;
    sim.workers[peer].stopped = sim.workers[peer].stopped || message->tag == MSG_STOP;
    fly(0, peer, message);
    return 0;
}

static bool sim_alive(struct transport *transport, int peer, const struct msg_hello *hello)
{
    (void)transport;
    (void)hello;
    return !(sim.workers[peer].dead && sim.faults.seen);
}

static const struct transport_ops sim_ops = {
    .send = sim_send, .alive = sim_alive, .forget = fake_forget};

/* ---- workers ---- */

static bool awake(int rank)
{
    return !sim.workers[rank].dead && sim.workers[rank].asleep_until_ms <= sim.now_ms;
}

static void leave(int rank, enum outcome outcome)
{
    struct sim_worker *worker = &sim.workers[rank];
    worker->trains = false;
    worker->ended = true;
    worker->result = (struct message){.tag = MSG_RESULT};
    worker->result.as.result.trial_id = worker->job.trial_id;
    worker->result.as.result.attempt = worker->job.attempt;
    worker->result.as.result.result.outcome = outcome;
    fly(rank, 0, &worker->result);
}

static bool is_at_it(int rank, const struct msg_assign *job)
{
    const struct sim_worker *worker = &sim.workers[rank];
    return awake(rank) && worker->trains && worker->job.trial_id == job->trial_id &&
           worker->job.attempt == job->attempt;
}

static bool are_at_it(const struct group_members *group, const struct msg_assign *job)
{
    for (int i = 0; i < group->size; i++)
        if (!is_at_it(group->ranks[i], job))
            return false;
    return true;
}

static bool is_prefix(const struct group_members *group, const struct group_members *of)
{
    return group->size <= of->size &&
           memcmp(group->ranks, of->ranks, (size_t)group->size * sizeof(int)) == 0;
}

static void end_group(int leader, enum outcome outcome)
{
    struct sim_worker *worker = &sim.workers[leader];
    for (int i = 1; i < worker->group.size; i++)
        if (is_at_it(worker->group.ranks[i], &worker->job))
            leave(worker->group.ranks[i], OUTCOME_CANCELED);
    leave(leader, outcome);
}

static void step(int rank)
{
    struct sim_worker *worker = &sim.workers[rank];
    if (!worker->trains || worker->group.ranks[0] != rank)
        return;
    if (worker->offered.epoch > worker->group.epoch && are_at_it(&worker->offered, &worker->job)) {
        sim.grown += worker->offered.size > worker->group.size;
        worker->group = worker->offered;
    }
    if (!are_at_it(&worker->group, &worker->job))
        return; /* it waits for a member */
    worker->tokens += 100 * worker->group.size;
    if (draw() < sim.faults.fail) {
        end_group(rank, OUTCOME_FAILED);
        return;
    }
    if (worker->tokens >= 10000 * (1 + worker->job.trial_id % 3)) {
        end_group(rank, OUTCOME_DONE);
        return;
    }
    if (sim.now_ms - worker->told_ms < 1000)
        return;
    worker->told_ms = sim.now_ms;
    struct message message = {.tag = MSG_PROGRESS,
                              .as.progress = {.trial_id = worker->job.trial_id,
                                              .attempt = worker->job.attempt,
                                              .tokens = (uint64_t)worker->tokens,
                                              .ranks = (uint32_t)worker->group.size}};
    fly(rank, 0, &message);
}

static void follow(int rank, const struct msg_assign *job)
{
    struct sim_worker *worker = &sim.workers[rank];
    if (job->serial <= worker->serial)
        return;
    worker->serial = job->serial;
    worker->job = *job;
    worker->trains = true;
    worker->tokens = 0;
    worker->told_ms = sim.now_ms;
    worker->offered = (struct group_members){0};
    worker->group = (struct group_members){.size = 1, .ranks = {rank}};
    if (job->members[0])
        assert_true(group_members_read(&worker->group, job->members, RANKS));
    worker->group.epoch = job->epoch;
    sim.groups += worker->group.size > 1 && worker->group.ranks[0] == rank;
}

static void regroup(int rank, const struct msg_group *offer)
{
    struct sim_worker *worker = &sim.workers[rank];
    struct group_members offered;
    if (!worker->trains || worker->job.trial_id != offer->trial_id ||
        worker->job.attempt != offer->attempt || offer->epoch <= worker->offered.epoch)
        return;
    assert_int_equal(worker->group.ranks[0], rank);
    assert_true(group_members_read(&offered, offer->members, RANKS));
    offered.epoch = offer->epoch;
    worker->offered = offered;
    if (!is_prefix(&worker->group, &offered)) /* a member is gone */
        end_group(rank, OUTCOME_CANCELED);
}

static void hear(int rank, const struct message *message)
{
    struct sim_worker *worker = &sim.workers[rank];
    const struct msg_result *last_result = &worker->result.as.result;
    struct message answer = {.tag = MSG_PONG};
    switch (message->tag) {
    case MSG_ASSIGN:
        follow(rank, &message->as.assign);
        break;
    case MSG_GROUP:
        regroup(rank, &message->as.group);
        break;
    case MSG_CANCEL:
        if (worker->trains && worker->job.trial_id == message->as.cancel.trial_id &&
            worker->job.attempt == message->as.cancel.attempt)
            leave(rank, OUTCOME_CANCELED);
        else if (worker->ended && last_result->trial_id == message->as.cancel.trial_id &&
                 last_result->attempt == message->as.cancel.attempt)
            fly(rank, 0, &worker->result);
        break;
    case MSG_PING:
        worker->greeted = true;
        if (worker->ended && last_result->trial_id == message->as.ping.trial_id &&
            last_result->attempt == message->as.ping.attempt)
            fly(rank, 0, &worker->result);
        answer.as.pong.nonce = message->as.ping.nonce;
        if (worker->trains) {
            answer.as.pong.trial_id = worker->job.trial_id;
            answer.as.pong.attempt = worker->job.attempt;
        }
        fly(rank, 0, &answer);
        break;
    case MSG_STOP:
        worker->dead = true;
        break;
    default:
        break;
    }
}

static void greet(int rank)
{
    struct message message = {.tag = MSG_HELLO};
    struct msg_hello *self = &message.as.hello;
    if (sim.workers[rank].greeted)
        return;
    self->protocol = MESSAGE_PROTOCOL;
    self->pid = (uint64_t)rank;
    strcpy(self->version, LRSEARCH_VERSION);
    strcpy(self->host, rank < RANKS / 2 ? "node1" : "node2");
    fly(rank, 0, &message);
}

/* ---- the owner ---- */

static const struct sched_cost cost = {
    .tokens = 20000, .step_tokens = 100, .step_flops = 5e9, .parameters = 1e5, .slices = 16};

static void queue_trial(uint32_t id)
{
    struct sched_job job = {.id = id, .attempt = sim.trials[id].attempt + 1, .cost = cost};
    assert_false(sim.trials[id].queued || sim.trials[id].runs || sim.trials[id].done);
    sim.trials[id].queued = true;
    assert_int_equal(sched_enqueue(sched, &job, NULL), 0);
}

static int sim_started(void *context, uint32_t id, uint32_t attempt,
                       const struct group_members *members, const struct msg_hello *hello,
                       struct lr_error *err)
{
    (void)context;
    (void)hello;
    (void)err;
    assert_true(sim.trials[id].queued && !sim.trials[id].runs && !sim.trials[id].done);
    assert_int_equal(attempt, sim.trials[id].attempt + 1);
    assert_in_range(members->ranks[0], 1, RANKS - 1);
    assert_in_range(members->size, 1, GROUP_MOST);
    sim.trials[id].attempt = attempt;
    sim.trials[id].runs = true;
    sim.trials[id].queued = false;
    return 0;
}

static int sim_ended(void *context, uint32_t id, uint32_t attempt,
                     const struct trial_result *result, const struct sched_use *use,
                     struct lr_error *err)
{
    (void)context;
    (void)err;
    assert_true(sim.trials[id].runs && !sim.trials[id].done);
    assert_int_equal(attempt, sim.trials[id].attempt);
    assert_in_range(use->ranks, 1, GROUP_MOST);
    assert_true(use->rank_s >= 0);
    sim.trials[id].runs = false;
    sim.trials[id].done = result->outcome == OUTCOME_DONE;
    sim.done += sim.trials[id].done;
    sim.lost += result->outcome == OUTCOME_LOST;
    if (!sim.trials[id].done)
        queue_trial(id);
    return 0;
}

/* ---- what must hold at any time ---- */

static void check_state(void)
{
    struct sched_counts counts = sched_counts(sched);
    uint32_t runs = 0, busy = 0;
    assert_int_equal(counts.workers_idle + counts.workers_busy + counts.workers_silent +
                         counts.workers_lost + counts.workers_awaited,
                     RANKS - 1);
    for (int rank = 1; rank < RANKS; rank++) {
        const struct worker *worker = &sched->workers[rank];
        assert_true((worker->state == WORKER_BUSY) == (worker->run != NULL));
        busy += worker->state == WORKER_BUSY;
    }
    uint32_t members = 0;
    for (int i = 1; i < RANKS; i++) {
        const struct run *run = &sched->runs[i];
        if (run->id == 0)
            continue;
        runs += !run->twin || run < run->twin;
        sim.twins += run->twin != NULL;
        assert_true(sim.trials[run->id].runs && sim.trials[run->id].attempt == run->attempt);
        assert_ptr_equal(sched->workers[run->members.ranks[0]].run, run);
        assert_in_range(run->trained, 1, run->members.size);
        for (int k = 0; k < run->members.size; k++) {
            bool has = sched->workers[run->members.ranks[k]].run == run;
            assert_true(has || run->left_ms > 0);
            members += has;
        }
    }
    assert_int_equal(members, busy);
    assert_int_equal(runs, counts.running);
    uint32_t waits = 0;
    for (uint32_t id = 1; id <= TRIALS; id++)
        waits += sim.trials[id].queued;
    assert_int_equal(waits, counts.queued);
}

/* A group that makes steps has each of its members to itself: in the workers, not in our table. */
static void check_groups(void)
{
    int in[RANKS] = {0};
    for (int rank = 1; rank < RANKS; rank++) {
        const struct sim_worker *worker = &sim.workers[rank];
        if (!worker->trains || worker->group.ranks[0] != rank ||
            !are_at_it(&worker->group, &worker->job))
            continue;
        for (int i = 0; i < worker->group.size; i++)
            assert_int_equal(in[worker->group.ranks[i]]++, 0);
    }
}

/* ---- the time ---- */

static void move_messages(void)
{
    for (int i = 0; i < sim.flying_count;) {
        int to = sim.flying[i].to, from = sim.flying[i].from;
        if (sim.flying[i].at_ms > sim.now_ms || (to > 0 && !sim.workers[to].dead && !awake(to))) {
            i++;
            continue;
        }
        struct message message = sim.flying[i].message;
        sim.flying[i] = sim.flying[--sim.flying_count];
        if (to == 0) {
            assert_int_equal(sched_message(sched, from, &message, sim.now_ms, NULL), 0);
            check_state();
        } else if (!sim.workers[to].dead) {
            hear(to, &message);
        }
    }
}

static void pass_time(void)
{
    sim.now_ms += STEP_MS;
    move_messages();
    int living = 0;
    for (int rank = 1; rank < RANKS; rank++)
        living += !sim.workers[rank].dead;
    for (int rank = 1; rank < RANKS; rank++) {
        struct sim_worker *worker = &sim.workers[rank];
        if (!awake(rank))
            continue;
        if (living > RANKS / 4 && draw() < sim.faults.die) {
            worker->dead = true;
            living--;
            continue;
        }
        if (draw() < sim.faults.sleep)
            worker->asleep_until_ms = sim.now_ms + (uint64_t)(draw() * 120000);
        if (sim.now_ms % 1000 == 0)
            greet(rank);
        step(rank);
    }
    check_groups();
    assert_int_equal(sched_tick(sched, sim.now_ms, NULL), 0);
    check_state();
}

/* A campaign of TRIALS; then a quiet time, after which every living worker must be idle. */
static void run_sim(unsigned seed, const struct faults *faults)
{
    static const struct sched_owner watching = {NULL,        on_describe, sim_started, on_grown,
                                                on_progress, sim_ended,   on_news};
    const struct sched_limits limits = {
        .silence_ms = 90000, .trial_time_ms = 600000, .ranks_per_trial = faults->ranks_per_trial};
    const struct msg_hello self = {.pid = 99};
    struct sched_owner mine = watching;
    static struct transport transport;
    memset(&sim, 0, sizeof(sim));
    mine.context = &told;
    transport = (struct transport){&sim_ops, 0, RANKS};
    sim.faults = *faults;
    sim.seed = seed;
    sim.now_ms = 1000;
    assert_int_equal(sched_create(&sched, &transport, &self, &limits, &mine, sim.now_ms, NULL), 0);
    for (uint32_t id = 1; id <= TRIALS; id++)
        queue_trial(id);
    for (int i = 0; sim.done < TRIALS; i++) {
        assert_true(i < 200000);
        pass_time();
    }
    sim.faults.die = sim.faults.sleep = sim.faults.lose = 0;
    for (int i = 0; i < 3000; i++)
        pass_time();
    struct sched_counts counts = sched_counts(sched);
    uint32_t living = 0;
    for (int rank = 1; rank < RANKS; rank++)
        living += !sim.workers[rank].dead && !sim.workers[rank].stopped;
    assert_int_equal(counts.running + counts.queued + counts.workers_busy, 0);
    assert_int_equal(counts.workers_idle, living);
    sched_destroy(sched);
    sched = NULL;
}

static void quiet_times(void **state)
{
    (void)state;
    run_sim(1, &(struct faults){.seen = true});
    assert_true(sim.groups > 0 || sim.grown > 0);
    assert_true(sim.grown > 0);
    assert_int_equal(sim.lost, 0);
}

static void random_faults(void **state)
{
    (void)state;
    int grown = 0, twins = 0, lost = 0;
    for (unsigned seed = 1; seed <= 48; seed++) {
        struct faults faults = {.lose = seed % 3 * .05,
                                .repeat = seed % 2 * .1,
                                .die = seed % 4 == 0 ? .0002 : 0,
                                .sleep = seed % 5 == 0 ? .0005 : 0,
                                .fail = seed % 7 == 0 ? .0005 : 0,
                                .seen = seed % 8 != 0,
                                .ranks_per_trial = seed % 6 == 5 ? 4 : 0};
        run_sim(seed, &faults);
        grown += sim.grown;
        twins += sim.twins;
        lost += sim.lost;
    }
    assert_true(grown > 0 && twins > 0 && lost > 0); /* all of it was met */
}

int main(void)
{
    lr_log_level_set(LR_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_times),
        cmocka_unit_test(random_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
