#include "sim_world.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/rng.h"
#include "lrsearch/version.h"

enum { RANKS = 257, TRIALS = 16384, TICK_MS = 200, LOOK_MS = 100, PROGRESS_MS = 1000, DAYS = 60 };

/* END: a leader tells a follower that the training is over. */
enum kind { TO_WORKER, TO_COORDINATOR, WAKE, END, HELLO_AGAIN, DEATH, PAUSE };

struct happening {
    uint64_t at_ms, order; /* order: ties are in the order of scheduling */
    enum kind kind;
    int rank;
    uint64_t life;           /* WAKE, END: of this training only */
    struct message *message; /* TO_WORKER, TO_COORDINATOR; owned */
};

struct sim_worker {
    bool dead, greeted, training;
    uint64_t paused_until_ms;
    double pace; /* how many times slower than it could be */
    uint64_t serial, life;
    struct msg_assign job;
    struct group_members group, offered; /* offered: epoch 0, or the leader may grow to it */
    uint64_t begun_ms, told_ms, saved_ms, looked_ms;
    uint64_t begun_tokens;
    double tokens; /* a leader's, at looked_ms */
    bool fails, finished;
    struct message result;
};

static struct world {
    struct transport transport;
    struct sim_faults faults;
    struct sim_worker workers[RANKS];
    struct happening **heap;
    size_t count, capacity;
    uint64_t now_ms, order, seed, draws;
    struct happening *arrived; /* taken from the heap, for poll() */
    bool killed;
    struct sim_account account;
    struct loop_job job;
    pthread_t job_thread;
    bool working; /* a job is in flight, until job_end_ms */
    uint64_t job_end_ms;
    unsigned beside;
} world;

static atomic_bool job_must_end;

static uint64_t checkpoints[TRIALS]; /* tokens, by trial id */

static double draw(void)
{
    return rng_uniform(world.seed, RNG_SIMULATE, world.draws++);
}

/* ---- what happens when ---- */

static bool earlier(const struct happening *a, const struct happening *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(size_t i, size_t j)
{
    struct happening *kept = world.heap[i];
    world.heap[i] = world.heap[j];
    world.heap[j] = kept;
}

static void discard(struct happening *happening)
{
    if (happening)
        free(happening->message);
    free(happening);
}

static void push(struct happening happening)
{
    struct happening *own = malloc(sizeof(*own));
    if (world.count == world.capacity) {
        world.capacity = world.capacity ? 2 * world.capacity : 256;
        world.heap = realloc(world.heap, world.capacity * sizeof(struct happening *));
    }
    if (!own || !world.heap)
        abort();
    *own = happening;
    own->order = world.order++;
    size_t at = world.count++;
    world.heap[at] = own;
    for (; at > 0 && earlier(world.heap[at], world.heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(at, (at - 1) / 2);
}

static struct happening *pop(void)
{
    struct happening *first = world.heap[0];
    world.heap[0] = world.heap[--world.count];
    for (size_t at = 0, child; (child = 2 * at + 1) < world.count; at = child) {
        if (child + 1 < world.count && earlier(world.heap[child + 1], world.heap[child]))
            child++;
        if (!earlier(world.heap[child], world.heap[at]))
            break;
        swap(at, child);
    }
    return first;
}

static void post(enum kind kind, int rank, const struct message *message)
{
    int copies = draw() < world.faults.lose ? 0 : draw() < world.faults.repeat ? 2 : 1;
    for (int i = 0; i < copies; i++) {
        uint64_t latency = 1 + (uint64_t)(draw() * world.faults.latency_ms);
        struct message *own = malloc(sizeof(*own));
        if (!own)
            abort();
        *own = *message;
        push((struct happening){
            .at_ms = world.now_ms + latency, .kind = kind, .rank = rank, .message = own});
    }
}

/* ---- a group ---- */

static bool trains(int rank, const struct msg_assign *job)
{
    const struct sim_worker *worker = &world.workers[rank];
    return !worker->dead && worker->training && worker->paused_until_ms <= world.now_ms &&
           worker->job.trial_id == job->trial_id && worker->job.attempt == job->attempt;
}

/* All of them are there, so that the group can make its next step. */
static bool is_whole(const struct group_members *group, const struct msg_assign *job)
{
    for (int i = 0; i < group->size; i++)
        if (!trains(group->ranks[i], job))
            return false;
    return true;
}

static int host_of(int rank)
{
    return (rank - 1) / (world.faults.host_ranks > 0 ? world.faults.host_ranks : 2);
}

/* A group is as fast as its slowest member. */
static double seconds_per_token(const struct sim_worker *leader)
{
    double pace = 0, seconds = 1e-4;
    bool spans = false;
    for (int i = 0; i < leader->group.size; i++) {
        pace = fmax(pace, world.workers[leader->group.ranks[i]].pace);
        spans = spans || host_of(leader->group.ranks[i]) != host_of(leader->group.ranks[0]);
    }
    if (world.faults.seconds_per_token)
        seconds = world.faults.seconds_per_token(&leader->job.spec, leader->group.size, spans);
    else
        seconds /= leader->group.size;
    return seconds * pace;
}

static double tokens_left(const struct sim_worker *leader)
{
    return (double)leader->job.spec.horizon_tokens - leader->tokens;
}

static uint64_t tokens_now(const struct sim_worker *worker)
{
    return tokens_left(worker) < .5 ? worker->job.spec.horizon_tokens : (uint64_t)worker->tokens;
}

/* Steps since the last look; none, while a member is missing. Then larger, if all can agree. */
static void step_group(struct sim_worker *leader)
{
    double seconds = (double)(world.now_ms - leader->looked_ms) / 1000;
    double each = seconds_per_token(leader), more = seconds / each;
    leader->looked_ms = world.now_ms;
    if (is_whole(&leader->group, &leader->job)) {
        more = fmin(more, tokens_left(leader));
        leader->tokens += more;
        world.account.busy_rank_s += leader->group.size * seconds;
        world.account.tokens += more;
        if (world.faults.seconds_per_token)
            world.account.work_s +=
                more * world.faults.seconds_per_token(&leader->job.spec, 1, false);
    }
    if (leader->offered.epoch > leader->group.epoch && is_whole(&leader->offered, &leader->job)) {
        leader->group = leader->offered;
        world.account.regroups++;
    }
}

static bool leads(int rank)
{
    return world.workers[rank].group.ranks[0] == rank;
}

/* ---- a worker ---- */

static void set_checkpoint(struct sim_worker *worker)
{
    if (worker->job.place.checkpoint[0] && worker->job.trial_id < TRIALS)
        checkpoints[worker->job.trial_id] = tokens_now(worker);
    worker->saved_ms = world.now_ms;
}

/* A basin in ln lr whose place falls with the horizon; the rest a pure function of the spec. */
static double loss_of(const struct trial_spec *spec)
{
    if (world.faults.loss)
        return world.faults.loss(spec);
    double best = log(0.02) - 0.3 * log((double)spec->horizon_tokens / 1e5);
    double off = log(spec->lr) - best;
    double noise = rng_normal(spec->seed, RNG_SIMULATE,
                              spec->horizon_tokens * 1000003 + (uint64_t)(spec->lr * 1e9));
    return 3 + 2 * pow((double)spec->horizon_tokens / 1e5, -0.2) + 0.1 * off * off + 0.002 * noise;
}

static void send_result(int rank, enum outcome outcome, const char *why)
{
    struct sim_worker *worker = &world.workers[rank];
    struct msg_result *msg = &worker->result.as.result;
    struct trial_result *result = &msg->result;
    memset(&worker->result, 0, sizeof(worker->result));
    worker->result.tag = MSG_RESULT;
    msg->trial_id = worker->job.trial_id;
    msg->attempt = worker->job.attempt;
    result->outcome = outcome;
    result->val_loss = result->val_loss_se = result->val_bits_per_byte = NAN;
    result->train_loss = NAN;
    result->begun_tokens = worker->begun_tokens;
    result->tokens = tokens_now(worker);
    result->seconds = (double)(world.now_ms - worker->begun_ms) / 1000;
    result->flops =
        (double)(result->tokens - result->begun_tokens) * trial_flops_per_token(&worker->job.spec);
    snprintf(result->message, sizeof(result->message), "%s", why);
    if (outcome == OUTCOME_DONE) {
        result->val_loss = loss_of(&worker->job.spec);
        result->val_loss_se = 0.001;
        if (isnan(result->val_loss) || (!world.faults.loss && worker->job.spec.lr > 0.5)) {
            result->outcome = OUTCOME_DIVERGED;
            result->val_loss = NAN;
        }
    }
    worker->training = false;
    worker->life++;
    worker->finished = true;
    post(TO_COORDINATOR, rank, &worker->result);
}

static void wake_after(int rank, double after_ms)
{
    push((struct happening){.at_ms = world.now_ms + (uint64_t)ceil(fmax(after_ms, 1)),
                            .kind = WAKE,
                            .rank = rank,
                            .life = world.workers[rank].life});
}

/* The leader's next look: at its end at the latest, or after a step if the group may grow. */
static void wake_again(int rank)
{
    const struct sim_worker *worker = &world.workers[rank];
    double each_ms = 1000 * seconds_per_token(worker), after_ms = LOOK_MS;
    if (world.faults.look_ms > 0)
        after_ms = world.faults.look_ms;
    if (worker->offered.epoch > worker->group.epoch)
        after_ms = fmin(after_ms, each_ms * worker->job.spec.batch_tokens);
    wake_after(rank, fmin(after_ms, each_ms * tokens_left(worker)));
}

static void assign(int rank, const struct msg_assign *job)
{
    struct sim_worker *worker = &world.workers[rank];
    if (job->serial <= worker->serial)
        return;
    if (worker->training)
        send_result(rank, OUTCOME_CANCELED, "given up for another");
    worker->serial = job->serial;
    worker->job = *job;
    worker->training = true;
    worker->life++;
    worker->begun_ms = worker->told_ms = worker->saved_ms = worker->looked_ms = world.now_ms;
    worker->begun_tokens = 0;
    worker->tokens = 0;
    worker->offered = (struct group_members){0};
    worker->group = (struct group_members){.size = 1, .ranks = {rank}};
    if (job->members[0] && !group_members_read(&worker->group, job->members, world.transport.size))
        abort();
    worker->group.epoch = job->epoch;
    if (!leads(rank))
        return;
    if (job->trial_id < TRIALS && job->place.checkpoint[0])
        worker->tokens = (double)(worker->begun_tokens = checkpoints[job->trial_id]);
    worker->fails = draw() < world.faults.fail;
    wake_again(rank);
}

/* More ranks may join this leader's training. */
static void grow(int rank, const struct msg_group *offer)
{
    struct sim_worker *worker = &world.workers[rank];
    if (!worker->training || worker->job.trial_id != offer->trial_id ||
        worker->job.attempt != offer->attempt || offer->epoch <= worker->offered.epoch)
        return;
    if (!leads(rank) || !group_members_read(&worker->offered, offer->members, world.transport.size))
        abort();
    worker->offered.epoch = offer->epoch;
    wake_after(rank, 1);
}

/* The leader's training is over: its followers leave. */
static void end_group(int rank)
{
    const struct sim_worker *worker = &world.workers[rank];
    for (int i = 1; i < worker->group.size; i++)
        if (trains(worker->group.ranks[i], &worker->job))
            push((struct happening){.at_ms = world.now_ms + 1,
                                    .kind = END,
                                    .rank = worker->group.ranks[i],
                                    .life = world.workers[worker->group.ranks[i]].life});
}

static void cancel(int rank, const struct msg_cancel *cancel)
{
    struct sim_worker *worker = &world.workers[rank];
    const struct msg_result *last = &worker->result.as.result;
    if (worker->training && worker->job.trial_id == cancel->trial_id &&
        worker->job.attempt == cancel->attempt) {
        if (cancel->save && leads(rank))
            set_checkpoint(worker);
        send_result(rank, OUTCOME_CANCELED, "canceled");
    } else if (worker->finished && last->trial_id == cancel->trial_id &&
               last->attempt == cancel->attempt) {
        post(TO_COORDINATOR, rank, &worker->result);
    }
}

static void ping(int rank, const struct msg_ping *ping)
{
    struct sim_worker *worker = &world.workers[rank];
    const struct msg_result *last = &worker->result.as.result;
    struct message pong = {.tag = MSG_PONG};
    worker->greeted = worker->greeted || ping->nonce > 0;
    if (worker->finished && last->trial_id == ping->trial_id && last->attempt == ping->attempt)
        post(TO_COORDINATOR, rank, &worker->result);
    pong.as.pong.nonce = ping->nonce;
    if (worker->training) {
        pong.as.pong.trial_id = worker->job.trial_id;
        pong.as.pong.attempt = worker->job.attempt;
    }
    post(TO_COORDINATOR, rank, &pong);
}

static void hear(int rank, const struct message *message)
{
    switch (message->tag) {
    case MSG_ASSIGN:
        assign(rank, &message->as.assign);
        break;
    case MSG_CANCEL:
        cancel(rank, &message->as.cancel);
        break;
    case MSG_PING:
        ping(rank, &message->as.ping);
        break;
    case MSG_GROUP:
        grow(rank, &message->as.group);
        break;
    case MSG_STOP:
        world.workers[rank].dead = true;
        break;
    default:
        abort(); /* the coordinator never says this */
    }
}

static void train_on(int rank)
{
    struct sim_worker *worker = &world.workers[rank];
    step_group(worker);
    uint64_t tokens = tokens_now(worker);
    double every_ms = worker->job.place.checkpoint_every_s * 1000;
    if (worker->fails && tokens > worker->job.spec.horizon_tokens / 2) {
        end_group(rank);
        send_result(rank, OUTCOME_FAILED, "no luck");
        return;
    }
    if (tokens >= worker->job.spec.horizon_tokens) {
        end_group(rank);
        send_result(rank, OUTCOME_DONE, "");
        return;
    }
    if (every_ms > 0 && (double)(world.now_ms - worker->saved_ms) >= every_ms)
        set_checkpoint(worker);
    if (world.now_ms - worker->told_ms >= PROGRESS_MS) {
        struct message message = {.tag = MSG_PROGRESS};
        struct msg_progress *progress = &message.as.progress;
        progress->trial_id = worker->job.trial_id;
        progress->attempt = worker->job.attempt;
        progress->tokens = tokens;
        progress->train_loss = 4;
        progress->ranks = (uint32_t)worker->group.size;
        progress->seconds = (double)(world.now_ms - worker->begun_ms) / 1000;
        progress->curve_point = tokens > 0 && !world.faults.loss && draw() < 0.2;
        worker->told_ms = world.now_ms;
        post(TO_COORDINATOR, rank, &message);
    }
    wake_again(rank);
}

static void say_hello(int rank)
{
    struct message message = {.tag = MSG_HELLO};
    struct msg_hello *hello = &message.as.hello;
    if (world.workers[rank].greeted)
        return;
    hello->protocol = MESSAGE_PROTOCOL;
    hello->pid = (uint64_t)rank;
    hello->cores = world.faults.host_ranks > 0 ? (uint32_t)world.faults.host_ranks : 2;
    hello->flops = world.faults.flops;
    hello->latency_s = world.faults.link_latency_s;
    hello->bytes_per_s = world.faults.link_bytes_per_s;
    snprintf(hello->host, sizeof(hello->host), "node%d", 1 + host_of(rank));
    snprintf(hello->version, sizeof(hello->version), "%s", LRSEARCH_VERSION);
    post(TO_COORDINATOR, rank, &message);
    push((struct happening){.at_ms = world.now_ms + 1000, .kind = HELLO_AGAIN, .rank = rank});
}

static void later(enum kind kind, int rank, double mean_s)
{
    if (mean_s > 0)
        push((struct happening){.at_ms =
                                    world.now_ms + 1 + (uint64_t)(-log(1 - draw()) * mean_s * 1000),
                                .kind = kind,
                                .rank = rank});
}

/* Whether it was something for the coordinator, which is then `arrived`. */
static bool happen(struct happening *happening)
{
    int rank = happening->rank;
    struct sim_worker *worker = &world.workers[rank];
    if (happening->kind == TO_COORDINATOR)
        return true;
    if (worker->dead)
        return false;
    if (worker->paused_until_ms > world.now_ms) { /* all of it waits */
        struct happening again = *happening;
        happening->message = NULL;
        again.at_ms = worker->paused_until_ms;
        push(again);
        return false;
    }
    switch (happening->kind) {
    case TO_WORKER:
        hear(rank, happening->message);
        break;
    case WAKE:
        if (worker->training && worker->life == happening->life)
            train_on(rank);
        break;
    case END:
        if (worker->training && worker->life == happening->life)
            send_result(rank, OUTCOME_CANCELED, "the group's training is over");
        break;
    case HELLO_AGAIN:
        say_hello(rank);
        break;
    case DEATH:
        worker->dead = true;
        break;
    case PAUSE:
        worker->paused_until_ms = world.now_ms + (uint64_t)(draw() * 200000);
        worker->looked_ms = worker->paused_until_ms;
        later(PAUSE, rank, world.faults.pause_s);
        break;
    case TO_COORDINATOR:
        break;
    }
    return false;
}

/* ---- transport and loop of the coordinator ---- */

static int sim_send(struct transport *transport, int peer, const struct message *message,
                    struct lr_error *err)
{
    (void)transport;
    (void)err;
    post(TO_WORKER, peer, message);
    return 0;
}

static int sim_poll(struct transport *transport, int *peer, struct message *message,
                    struct lr_error *err)
{
    (void)transport;
    (void)err;
    *peer = TRANSPORT_NOBODY;
    if (!world.arrived)
        return 0;
    *peer = world.arrived->rank;
    *message = *world.arrived->message;
    discard(world.arrived);
    world.arrived = NULL;
    return 0;
}

static bool sim_alive(struct transport *transport, int peer, const struct msg_hello *hello)
{
    (void)transport;
    (void)hello;
    return !world.faults.deaths_seen || !world.workers[peer].dead;
}

static void sim_forget(struct transport *transport, int peer)
{
    (void)transport;
    (void)peer;
}

static void sim_destroy(struct transport *transport, unsigned timeout_ms)
{
    (void)transport;
    (void)timeout_ms;
}

static const struct transport_ops sim_ops = {sim_send, sim_poll, sim_alive, sim_forget,
                                             sim_destroy};

static uint64_t sim_now_ms(void)
{
    return world.now_ms;
}

static void *run_job(void *context)
{
    const struct loop_job *job = context;
    job->run(job->context);
    return NULL;
}

static void sim_work(const struct loop_job *job)
{
    if (world.working)
        abort(); /* one at a time */
    world.job = *job;
    world.working = true;
    world.job_end_ms = world.now_ms;
    if (world.faults.job_ms > 0)
        world.job_end_ms += (uint64_t)(draw() * world.faults.job_ms);
    atomic_store(&job_must_end, false);
    if (pthread_create(&world.job_thread, NULL, run_job, &world.job))
        abort();
}

static bool sim_interrupted(void)
{
    return atomic_load(&job_must_end);
}

static void join_job(void)
{
    if (world.working)
        pthread_join(world.job_thread, NULL);
    world.working = false;
}

static int deliver(const struct loop_handler *handler, bool *done, struct lr_error *err)
{
    struct message message;
    int peer, rc;
    for (;;) {
        if ((rc = world.transport.ops->poll(&world.transport, &peer, &message, err)))
            return rc;
        if (peer == TRANSPORT_NOBODY)
            return handler->tick(handler->context, world.now_ms, done, err);
        world.beside += world.working && message.tag == MSG_RESULT;
        if ((rc = handler->message(handler->context, peer, &message, world.now_ms, err)))
            return rc;
    }
}

static int run_handler(const struct loop_handler *handler, struct lr_error *err)
{
    uint64_t tick_ms = world.now_ms, end_ms = world.now_ms + (uint64_t)(world.faults.end_s * 1000);
    uint64_t tick_every_ms = world.faults.look_ms > TICK_MS ? world.faults.look_ms : TICK_MS;
    bool ends = world.faults.end_s > 0, done = false;
    int rc = 0;
    while (!rc && !done) {
        if (world.now_ms > (uint64_t)DAYS * 86400000 && !world.faults.loss)
            return lr_fail(err, LR_EINTERNAL, "the campaign does not come to its end");
        uint64_t next_ms = tick_ms + tick_every_ms;
        bool any = world.count > 0 && world.heap[0]->at_ms <= next_ms;
        if (any)
            next_ms = world.heap[0]->at_ms;
        bool job_ends = world.working && world.job_end_ms <= next_ms;
        world.now_ms = job_ends ? world.job_end_ms : next_ms;
        if (ends && world.now_ms >= end_ms) {
            ends = false;
            if (world.faults.end_signal == 0) {
                world.killed = true;
                return lr_fail(err, SIM_KILLED, "killed");
            }
            atomic_store(&job_must_end, true);
            rc = handler->signal(handler->context, world.faults.end_signal, world.now_ms, err);
            continue;
        }
        if (job_ends) {
            join_job();
            tick_ms = world.now_ms;
            if (!(rc = world.job.done(world.job.context, world.now_ms, err)))
                rc = handler->tick(handler->context, world.now_ms, &done, err);
            continue;
        }
        if (!any) {
            tick_ms = world.now_ms;
            rc = handler->tick(handler->context, world.now_ms, &done, err);
            continue;
        }
        struct happening *next = pop();
        if (happen(next)) {
            world.arrived = next;
            tick_ms = world.now_ms;
            rc = deliver(handler, &done, err);
        } else {
            discard(next);
        }
    }
    return rc;
}

static int sim_run(struct transport *transport, const struct loop_handler *handler,
                   struct lr_error *err)
{
    (void)transport;
    int rc = run_handler(handler, err);
    atomic_store(&job_must_end, true);
    join_job();
    return rc;
}

const struct loop_ops sim_loop = {sim_now_ms, sim_run, NULL, NULL};
const struct loop_ops sim_loop_threads = {sim_now_ms, sim_run, sim_work, sim_interrupted};

void sim_forget_checkpoints(void)
{
    memset(checkpoints, 0, sizeof(checkpoints));
}

struct transport *sim_begin(uint64_t seed, const struct sim_faults *faults)
{
    memset(&world, 0, sizeof(world));
    world.seed = seed;
    world.faults = *faults;
    world.now_ms = 1000;
    world.transport = (struct transport){&sim_ops, 0, faults->workers + 1};
    for (int rank = 1; rank <= faults->workers; rank++) {
        world.workers[rank].pace = 1 + draw() * (faults->slow > 1 ? faults->slow - 1 : 0);
        say_hello(rank);
        later(DEATH, rank, faults->kill_s);
        later(PAUSE, rank, faults->pause_s);
    }
    return &world.transport;
}

void sim_end(void)
{
    for (size_t i = 0; i < world.count; i++)
        discard(world.heap[i]);
    free(world.heap);
    discard(world.arrived);
    world.heap = NULL;
    world.arrived = NULL;
    world.count = world.capacity = 0;
}

bool sim_coordinator_was_killed(void)
{
    return world.killed;
}

struct sim_account sim_account(void)
{
    return world.account;
}

double sim_now_s(void)
{
    return (double)world.now_ms / 1000;
}

unsigned sim_results_beside_jobs(void)
{
    return world.beside;
}
