/* Real trainings by groups of ranks, assigned by hand: usage: mpirun -np 9 group_training
 * sizes|grow|killed. Rank 0 is the coordinator here, the others run worker_run(). Rank 0 checks
 * that every result has the bits of one rank, and leaves a file "good". */
#define _POSIX_C_SOURCE 200809L
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "net/mpi_group.h"
#include "net/mpi_session.h"
#include "net/peer.h"
#include "net/transports.h"
#include "worker.h"

enum { RANKS_MOST = 64, POINTS_MOST = 200, LENGTH = 256, SEQUENCES = 16, STEPS = 12 };

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            leave(1);                                                                              \
        }                                                                                          \
    } while (0)

static struct transport *transport;
static uint64_t serial;

/* What the coordinator has heard of a rank. */
static struct rank {
    struct msg_hello hello;
    struct msg_progress progress;
    struct msg_result result;
    int results;
    struct {
        uint64_t tokens;
        double loss;
    } curve[POINTS_MOST];
    int points;
} ranks[RANKS_MOST];

static void send(int rank, const struct message *message)
{
    transport->ops->send(transport, rank, message, NULL);
}

static void leave(int status) __attribute__((noreturn));

static void leave(int status)
{
    const struct message stop = {.tag = MSG_STOP};
    for (int r = 1; r < transport->size; r++)
        send(r, &stop);
    transport->ops->destroy(transport, 2000);
    mpi_finish(false, status);
    _exit(status);
}

static double clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void hear(void)
{
    struct message message;
    struct lr_error err = {0};
    int peer;
    for (;;) {
        CHECK(transport->ops->poll(transport, &peer, &message, &err) == 0);
        if (peer == TRANSPORT_NOBODY)
            return;
        struct rank *rank = &ranks[peer];
        if (message.tag == MSG_HELLO)
            rank->hello = message.as.hello;
        if (message.tag == MSG_RESULT) {
            rank->result = message.as.result;
            rank->results++;
        }
        if (message.tag == MSG_PROGRESS) {
            rank->progress = message.as.progress;
            if (message.as.progress.curve_point && rank->points < POINTS_MOST) {
                rank->curve[rank->points].tokens = message.as.progress.tokens;
                rank->curve[rank->points++].loss = message.as.progress.train_loss;
            }
        }
    }
}

/* Until `is_so`, 100 s at most; pings every second, as a coordinator does. */
static void await(bool (*is_so)(const void *), const void *about)
{
    static double pinged_s;
    static uint64_t nonce;
    const struct timespec nap = {0, 1000000};
    double start_s = clock_s();
    for (;;) {
        hear();
        if (is_so(about))
            return;
        CHECK(clock_s() - start_s < 100);
        if (clock_s() - pinged_s > 1) {
            struct message ping = {.tag = MSG_PING, .as.ping.nonce = ++nonce};
            ping.as.ping.from = peer_self();
            for (int r = 1; r < transport->size; r++)
                send(r, &ping);
            pinged_s = clock_s();
        }
        nanosleep(&nap, NULL);
    }
}

/* Slices of two sequences; a curve point each step. */
static struct trial_spec spec_of_test(void)
{
    return (struct trial_spec){.seed = 5,
                               .lr = 1e-2,
                               .embedding_lr_ratio = 1,
                               .output_lr_ratio = 1,
                               .vector_lr_ratio = 1,
                               .horizon_tokens = STEPS * SEQUENCES * LENGTH,
                               .batch_tokens = SEQUENCES * LENGTH,
                               .d_model = 32,
                               .n_layers = 2,
                               .n_heads = 2,
                               .context = LENGTH,
                               .vocab = 1100,
                               .d_ff = 128,
                               .base_head_size = 16,
                               .base_layers = 1,
                               .base_width = 32,
                               .final_lr = 0.1,
                               .weight_decay = 0.1,
                               .beta1 = 0.9,
                               .beta2 = 0.95,
                               .adam_eps = 1e-8,
                               .clip = 1,
                               .source = SOURCE_SYNTHETIC,
                               .val_tokens = 13 * LENGTH + 100,
                               .zipf_exponent = 1,
                               .markov_weight = 0.7};
}

/* One trial is enough: every attempt gives the same bits. */
static void assign(int rank, uint32_t attempt, const char *members, uint32_t epoch)
{
    struct message message = {.tag = MSG_ASSIGN};
    message.as.assign.serial = ++serial;
    message.as.assign.trial_id = 1;
    message.as.assign.attempt = attempt;
    message.as.assign.epoch = epoch;
    snprintf(message.as.assign.members, sizeof(message.as.assign.members), "%s", members);
    message.as.assign.spec = spec_of_test();
    ranks[rank].points = 0;
    memset(&ranks[rank].progress, 0, sizeof(ranks[rank].progress));
    send(rank, &message);
}

/* "1,2,..." */
static const char *first_ranks(char out[GROUP_TEXT], int size)
{
    struct group_members members = {.size = size};
    for (int i = 0; i < size; i++)
        members.ranks[i] = i + 1;
    group_members_text(out, &members);
    return out;
}

struct ended {
    uint32_t attempt;
    int first, last;
};

static bool have_ended(const void *about)
{
    const struct ended *ended = about;
    for (int r = ended->first; r <= ended->last; r++)
        if (ranks[r].results == 0 || ranks[r].result.attempt != ended->attempt)
            return false;
    return true;
}

static bool all_said_hello(const void *about)
{
    (void)about;
    for (int r = 1; r < transport->size; r++)
        if (!ranks[r].hello.pid)
            return false;
    return true;
}

static struct rank alone; /* the attempt of one rank */

static void train_alone(void)
{
    const struct ended first = {1, 1, 1};
    assign(1, 1, "", 0);
    await(have_ended, &first);
    CHECK(ranks[1].result.result.outcome == OUTCOME_DONE);
    CHECK(ranks[1].points == STEPS);
    CHECK(ranks[1].progress.ranks == 1);
    alone = ranks[1];
}

/* The leader's result and curve have the bits of one rank. */
static void check_leader(int rank)
{
    const struct trial_result *mine = &ranks[rank].result.result, *its = &alone.result.result;
    CHECK(mine->outcome == OUTCOME_DONE);
    CHECK(memcmp(&mine->val_loss, &its->val_loss, sizeof(double)) == 0);
    CHECK(memcmp(&mine->val_loss_se, &its->val_loss_se, sizeof(double)) == 0);
    CHECK(memcmp(&mine->train_loss, &its->train_loss, sizeof(double)) == 0);
    CHECK(mine->tokens == its->tokens);
    CHECK(ranks[rank].points == alone.points);
    CHECK(memcmp(ranks[rank].curve, alone.curve, (size_t)alone.points * sizeof(alone.curve[0])) ==
          0);
}

static void check_followers(int first, int last)
{
    for (int r = first; r <= last; r++)
        CHECK(ranks[r].result.result.outcome == OUTCOME_CANCELED);
}

static void every_size(void)
{
    char members[GROUP_TEXT];
    train_alone();
    for (int size = 2; size <= 8 && size < transport->size; size *= 2) {
        const struct ended all = {(uint32_t)size, 1, size};
        for (int r = size; r >= 1; r--)
            assign(r, (uint32_t)size, first_ranks(members, size), 0);
        await(have_ended, &all);
        check_leader(1);
        check_followers(2, size);
        CHECK(ranks[1].progress.ranks == (uint32_t)size);
    }
}

static bool has_progress(const void *ranks_of_leader)
{
    return ranks[1].progress.ranks == *(const uint32_t *)ranks_of_leader;
}

static void offer(const char *members, uint32_t attempt, uint32_t epoch)
{
    struct message message = {.tag = MSG_GROUP,
                              .as.group = {.trial_id = 1, .attempt = attempt, .epoch = epoch}};
    snprintf(message.as.group.members, sizeof(message.as.group.members), "%s", members);
    send(1, &message);
}

/* 1, 2, 4 and 8 ranks one after the other; before the second rank comes one that never does. */
static void growing(void)
{
    char members[GROUP_TEXT];
    uint32_t size = 1, epoch = 1;
    train_alone();
    assign(1, 2, "1", 0);
    await(has_progress, &size);
    offer("1,8", 2, epoch++);
    for (size = 2; size <= 8 && (int)size < transport->size; size *= 2) {
        first_ranks(members, (int)size);
        for (uint32_t r = size / 2 + 1; r <= size; r++)
            assign((int)r, 2, members, epoch);
        offer(members, 2, epoch++);
        await(has_progress, &size);
    }
    const struct ended all = {2, 1, (int)size / 2};
    await(have_ended, &all);
    check_leader(1);
    check_followers(2, (int)size / 2);
}

static bool is_gone(const void *rank)
{
    const int *r = rank;
    return !transport->ops->alive(transport, *r, &ranks[*r].hello);
}

/* Whether the leader of four ranks is in the middle of the training. */
static bool is_half_done(const void *leader)
{
    const struct rank *rank = &ranks[*(const int *)leader];
    return rank->progress.ranks == 4 && rank->points >= STEPS / 3;
}

/* One of four ranks dies: the others leave, and train something else. */
static void kill_one(int leader, int victim, uint32_t attempt)
{
    struct group_members four = {.size = 4};
    struct message cancel = {.tag = MSG_CANCEL, .as.cancel = {.trial_id = 1, .attempt = attempt}};
    char members[GROUP_TEXT];
    for (int i = 0; i < 4; i++)
        four.ranks[i] = leader + i;
    group_members_text(members, &four);
    for (int i = 0; i < 4; i++)
        assign(leader + i, attempt, members, 0);
    await(is_half_done, &leader);
    CHECK(kill((pid_t)ranks[victim].hello.pid, SIGKILL) == 0);
    await(is_gone, &victim);
    double start_s = clock_s();
    for (int r = leader; r < leader + 4; r++)
        if (r != victim)
            send(r, &cancel);
    for (int r = leader; r < leader + 4; r++) {
        const struct ended it = {attempt, r, r};
        if (r == victim)
            continue;
        await(have_ended, &it);
        CHECK(ranks[r].result.result.outcome != OUTCOME_DONE);
    }
    CHECK(clock_s() - start_s < 30);
    printf("rank %d killed: the others were free after %.1f s\n", victim, clock_s() - start_s);
}

static void second_attempt(const char *members, int leader, int other, uint32_t attempt)
{
    const struct ended it = {attempt, leader, leader}, its = {attempt, other, other};
    assign(leader, attempt, members, 0);
    assign(other, attempt, members, 0);
    await(have_ended, &it);
    check_leader(leader);
    await(have_ended, &its);
}

/* A follower is killed, then a leader. */
static void killed(void)
{
    CHECK(transport->size == 9);
    train_alone();
    kill_one(1, 3, 2);
    second_attempt("1,2", 1, 2, 3);
    second_attempt("4,2", 4, 2, 4);
    kill_one(5, 5, 5);
    second_attempt("8,6", 8, 6, 6);
    second_attempt("1,7", 1, 7, 7);
}

static void leave_status(int status)
{
    (void)status;
}

int main(int argc, char **argv)
{
    struct lr_error err = {0};
    const char *what = argc > 1 ? argv[1] : "";
    if (mpi_start(leave_status, &err) || mpi_transport_create(&transport, &err))
        return 1;
    if (transport->rank > 0) {
        struct msg_hello hello = peer_self();
        int rc = worker_run(transport, mpi_groups(), &hello, 0, &err);
        transport->ops->destroy(transport, 2000);
        mpi_finish(false, rc ? 1 : 0);
        return 0;
    }
    await(all_said_hello, NULL);
    if (strcmp(what, "sizes") == 0)
        every_size();
    else if (strcmp(what, "grow") == 0)
        growing();
    else if (strcmp(what, "killed") == 0)
        killed();
    else
        leave(2);
    FILE *good = fopen("good", "w");
    CHECK(good && fclose(good) == 0);
    leave(0);
}
