/* Group traffic over MPI: usage: mpirun -np N group_traffic random|leftovers|killed|huge
 *
 * Each rank checks what it receives. One that finds nothing wrong leaves a file good.RANK: with
 * recovery neither mpirun's status nor its output tells all. */
#define _POSIX_C_SOURCE 200809L
#include <mpi.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "net/mpi_group.h"
#include "net/mpi_session.h"

static int rank, world;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "rank %d: %s:%d: %s\n", rank, __FILE__, __LINE__, #condition);         \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static double clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static uint32_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static void *room(size_t bytes)
{
    void *memory = malloc(bytes + 1);
    CHECK(memory);
    return memory;
}

/* Bytes that depend on the message: its training, sender, receiver and number. */
static uint64_t seed_of(uint32_t trial_id, int from, int to, int number)
{
    return ((uint64_t)trial_id << 32) + (uint64_t)(from * 1000003 + to * 1009 + number);
}

static void fill(unsigned char *data, size_t bytes, uint64_t seed)
{
    for (size_t i = 0; i < bytes; i++)
        data[i] = (unsigned char)((seed >> (i % 8 * 8)) + i * 31u + (i >> 12));
}

static bool is_filled(const unsigned char *data, size_t bytes, uint64_t seed)
{
    for (size_t i = 0; i < bytes; i++)
        if (data[i] != (unsigned char)((seed >> (i % 8 * 8)) + i * 31u + (i >> 12)))
            return false;
    return true;
}

static int asked;
static double give_up_at_s; /* 0: never */

static bool told_to_give_up(void *context)
{
    (void)context;
    asked++;
    return give_up_at_s > 0 && clock_s() > give_up_at_s;
}

static struct group *open_group(const struct group_members *members, uint32_t trial_id,
                                uint32_t attempt)
{
    struct group *group = mpi_groups()->open(mpi_groups(), members, trial_id, attempt);
    CHECK(group);
    group->given_up = told_to_give_up;
    return group;
}

enum { MESSAGES = 6, PAIRS = GROUP_MOST * MESSAGES };

static size_t random_size(uint64_t *state)
{
    static const uint32_t most[] = {1, 30, 5000, 70000, 300000, 1000000};
    return draw(state) % most[draw(state) % 6];
}

/* Every member sends MESSAGES messages to each other one, in steps with waits between. */
static void exchange(struct group *group, uint32_t trial_id, int steps)
{
    unsigned char *sent[PAIRS], *received[PAIRS];
    size_t sent_bytes[PAIRS], received_bytes[PAIRS];
    int size = group->members.size, self = group->index;
    for (int step = 0; step < steps; step++) {
        for (int m = 0; m < size; m++)
            for (int k = 0; k < MESSAGES && m != self; k++) {
                int at = m * MESSAGES + k, number = step * MESSAGES + k;
                uint64_t out = seed_of(trial_id, self, m, number);
                uint64_t in = seed_of(trial_id, m, self, number);
                uint64_t out_state = out, in_state = in;
                sent_bytes[at] = random_size(&out_state);
                received_bytes[at] = random_size(&in_state);
                sent[at] = room(sent_bytes[at]);
                received[at] = room(received_bytes[at]);
                fill(sent[at], sent_bytes[at], out);
                received[at][received_bytes[at]] = 0x5a;
                CHECK(group->ops->receive(group, m, received[at], received_bytes[at]) == GROUP_OK);
                CHECK(group->ops->send(group, m, sent[at], sent_bytes[at]) == GROUP_OK);
                group->ops->progress(group);
            }
        if (step % 2 == 0)
            CHECK(group->ops->wait(group) == GROUP_OK);
        else
            while (!group->ops->progress(group))
                sched_yield();
        for (int m = 0; m < size; m++)
            for (int k = 0; k < MESSAGES && m != self; k++) {
                int at = m * MESSAGES + k, number = step * MESSAGES + k;
                CHECK(is_filled(received[at], received_bytes[at],
                                seed_of(trial_id, m, self, number)));
                CHECK(received[at][received_bytes[at]] == 0x5a);
                free(received[at]);
                free(sent[at]);
            }
    }
}

/* Groups of all sizes, whose members and their order are drawn; groups that share no rank run
 * beside each other, and a rank begins a group whenever it has ended the one before. */
static void random_groups(void)
{
    uint64_t state = 99;
    for (uint32_t trial_id = 1; trial_id <= 24; trial_id++) {
        struct group_members members = {.epoch = trial_id % 3};
        int order[64], most = 1;
        for (int r = 0; r < world; r++)
            order[r] = r;
        for (int r = world - 1; r > 0; r--) {
            int other = (int)(draw(&state) % (uint32_t)(r + 1)), kept = order[r];
            order[r] = order[other];
            order[other] = kept;
        }
        while (2 * most <= world && 2 * most <= GROUP_MOST)
            most *= 2;
        members.size = most;
        while (members.size > 1 && draw(&state) % 3 == 0)
            members.size /= 2;
        bool mine = false;
        for (int m = 0; m < members.size; m++) {
            members.ranks[m] = order[m];
            mine |= order[m] == rank;
        }
        if (!mine)
            continue;
        struct group *group = open_group(&members, trial_id, 1 + trial_id % 2);
        CHECK(members.ranks[group->index] == rank);
        exchange(group, trial_id, 3);
        group->ops->close(group);
    }
}

/* Two trainings with the same tag: attempts of trial 7. */
static void find_equal_tags(uint32_t *first, uint32_t *second)
{
    enum { SLOTS = 1 << 22 };
    struct seen {
        int tag;
        uint32_t attempt;
    } *table = calloc(SLOTS, sizeof(*table));
    CHECK(table);
    for (uint32_t attempt = 1;; attempt++) {
        int tag = mpi_group_tag(7, attempt, 0);
        struct seen *slot = &table[(uint32_t)tag % SLOTS];
        if (slot->attempt && slot->tag == tag) {
            *first = slot->attempt;
            *second = attempt;
            free(table);
            return;
        }
        *slot = (struct seen){tag, attempt};
        CHECK(attempt < 100000000);
    }
}

static void give_up_after(double seconds)
{
    give_up_at_s = clock_s() + seconds;
}

/* What one group leaves behind is not received by the next one with the same tag. */
static void leftovers(void)
{
    static const size_t sizes[] = {24, 1, 3000, 100000, 5000000};
    const struct group_members members = {.size = 2, .ranks = {0, 1}};
    uint32_t attempts[2];
    unsigned char *kept[5], *in = room(5000000); /* for ever: MPI may still read or write them */
    find_equal_tags(&attempts[0], &attempts[1]);
    struct group *group = open_group(&members, 7, attempts[0]);
    if (rank == 0) {
        for (int i = 0; i < 5; i++) {
            kept[i] = room(sizes[i]);
            memset(kept[i], 0x77, sizes[i]);
            CHECK(group->ops->send(group, 1, kept[i], sizes[i]) == GROUP_OK);
        }
    } else { /* 0 receives nothing, and 1 receives one of five */
        CHECK(group->ops->send(group, 0, in, 10) == GROUP_OK);
        CHECK(group->ops->receive(group, 0, in, 24) == GROUP_OK);
        CHECK(group->ops->wait(group) == GROUP_OK);
    }
    unsigned char *never = room(64);
    CHECK(group->ops->receive(group, 1 - rank, never, 64) == GROUP_OK);
    if (rank == 0) /* one that matches nothing, as its 10 bytes are what 1 has sent */
        CHECK(group->ops->receive(group, 1, never, 64) == GROUP_OK);
    give_up_after(0);
    CHECK(group->ops->wait(group) == GROUP_GIVEN_UP);
    CHECK(group->ops->wait(group) == GROUP_GIVEN_UP);
    CHECK(group->ops->send(group, 1 - rank, never, 1) == GROUP_GIVEN_UP);
    CHECK(group->ops->receive(group, 1 - rank, never, 1) == GROUP_GIVEN_UP);
    CHECK(!group->ops->progress(group));
    group->ops->close(group);
    give_up_at_s = 0;
    for (int time = 0; time < 3; time++) { /* the tag of the first, and others */
        group = open_group(&members, 7, attempts[1] + (uint32_t)time);
        exchange(group, (uint32_t)time, 4);
        group->ops->close(group);
    }
}

/* The last member dies in the middle of 16 MB to and from everybody; the others wait for one
 * message more from it, so that they miss something however far it came. */
static void killed(void)
{
    enum { BYTES = 16 << 20 };
    struct group_members members = {.size = 4, .ranks = {0, 1, 2, 3}};
    unsigned char *out = room(BYTES), *in[4], *last = room(1); /* for ever */
    CHECK(world == 4);
    fill(out, BYTES, (uint64_t)rank);
    struct group *group = open_group(&members, 1, 1);
    for (int m = 0; m < 4; m++) {
        in[m] = room(BYTES);
        if (m == rank)
            continue;
        CHECK(group->ops->receive(group, m, in[m], BYTES) == GROUP_OK);
        CHECK(group->ops->send(group, m, out, BYTES) == GROUP_OK);
    }
    if (rank == 3) {
        for (int i = 0; i < 20; i++)
            group->ops->progress(group);
        raise(SIGKILL);
    }
    CHECK(group->ops->receive(group, 3, last, 1) == GROUP_OK);
    double start_s = clock_s();
    give_up_after(0.5); /* as by a CANCEL of the coordinator */
    asked = 0;
    CHECK(group->ops->wait(group) == GROUP_GIVEN_UP);
    CHECK(clock_s() - start_s < 10);
    CHECK(asked > 0);
    group->ops->close(group);
    give_up_at_s = 0;
    members = (struct group_members){.size = 2, .ranks = {1, 0}};
    if (rank < 2) {
        group = open_group(&members, 1, 2);
        exchange(group, 5, 4);
        group->ops->close(group);
    }
    members = (struct group_members){.size = 2, .ranks = {2, 1}};
    if (rank == 2 || rank == 1) {
        group = open_group(&members, 2, 1);
        exchange(group, 6, 4);
        group->ops->close(group);
    }
}

/* More bytes than an MPI count holds. */
static void huge(void)
{
    const size_t bytes = ((size_t)2 << 30) + 12345;
    const struct group_members members = {.size = 2, .ranks = {0, 1}};
    unsigned char *data = room(bytes);
    struct group *group = open_group(&members, 1, 1);
    if (rank == 0) {
        fill(data, bytes, 3);
        CHECK(group->ops->send(group, 1, data, bytes) == GROUP_OK);
    } else {
        CHECK(group->ops->receive(group, 0, data, bytes) == GROUP_OK);
    }
    CHECK(group->ops->wait(group) == GROUP_OK);
    CHECK(is_filled(data, bytes, 3));
    group->ops->close(group);
    free(data);
}

static void leave_status(int status)
{
    (void)status;
}

int main(int argc, char **argv)
{
    struct lr_error err = {0};
    const char *what = argc > 1 ? argv[1] : "";
    if (mpi_start(leave_status, &err))
        return 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &world);
    if (strcmp(what, "random") == 0)
        random_groups();
    else if (strcmp(what, "leftovers") == 0)
        leftovers();
    else if (strcmp(what, "killed") == 0)
        killed();
    else if (strcmp(what, "huge") == 0)
        huge();
    else
        return 2;
    char path[32];
    snprintf(path, sizeof(path), "good.%d", rank);
    FILE *good = fopen(path, "w");
    CHECK(good && fclose(good) == 0);
    mpi_finish(strcmp(what, "killed") != 0, 0);
    return 0;
}
