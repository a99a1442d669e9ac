/* Groups over MPI. No call waits for a peer: transfers are MPI_Isend and MPI_Irecv, and wait()
 * tests them, asks given_up() and lets other processes have the core.
 *
 * Messages of all groups share one communicator. Their tags are hashes, so two groups may have the
 * same one, and what was sent in a group that is given up may arrive while the next one runs.
 * Therefore the first message from each member to another is the group's name: what comes before
 * the name is a leftover and is dropped, and no receive is posted earlier. MPI keeps the order of
 * messages with equal tags, and the receives of a group that is given up are canceled, so a message
 * never meets the receive of another group. */
#define _DEFAULT_SOURCE
#include "net/mpi_group.h"

#include <assert.h>
#include <mpi.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <xxhash.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"

enum {
    PIECE_MOST = 1 << 30,   /* bytes of a message: MPI counts them in an int */
    TAG_MOST_LEAST = 32767, /* tags that every MPI has */
    CAPACITY_FIRST = 64,
};

/* wait() spins at first: a message between cores takes a few microseconds. A member that is later
 * computes, perhaps on this core, so then it sleeps. sched_yield() is no substitute: it says that
 * this process can wait, and the kernel lets one that repeats it wait for seconds on a busy core.
 * The MPI library yields too, so a test that took long shows that others want the core. */
enum {
    SPIN_US = 50,
    SLOW_TEST_US = 30,
    SLEEP_US = 20,
    SLEEP_LATER_US = 200,
    LATER_US = 2000,
    ASK_EVERY_US = 500,
    TIMER_SLACK_NS = 1000, /* of sleeps; 50 us otherwise */
};

#define NAME_MAGIC 0x70756f7267736c72u

struct name {
    uint64_t magic;
    uint32_t trial_id, attempt, epoch, sender;
};

/* A message of the group; after the name has been sent, or has arrived. */
struct transfer {
    int member, bytes;
    bool is_receive;
};

/* A receive before the name has arrived. */
struct deferred {
    int member, bytes;
    unsigned char *data;
};

struct link {     /* to another member */
    bool named;   /* the own name was sent to it */
    bool heard;   /* its name has arrived */
    int deferred; /* receives that wait for it */
    void *before; /* the message that is being received before that; NULL: none */
    int before_bytes;
    MPI_Request before_request;
};

struct mpi_group {
    struct group group;
    struct mpi_group *next; /* among those abandoned */
    int tag;
    struct name name;
    struct link links[GROUP_MOST];
    uint64_t asked_us; /* when given_up() was last asked */
    int count, capacity;
    MPI_Request *requests; /* (capacity), and so are the next three */
    struct transfer *transfers;
    int *finished;
    MPI_Status *statuses;
    struct deferred *deferred; /* in the order of their calls */
    int deferred_count, deferred_capacity;
};

static struct {
    struct group_source source;
    MPI_Comm comm;
    int tag_most;
    struct mpi_group *abandoned; /* closed while MPI may still use their memory */
} groups;

static uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* ---- transfers ---- */

/* False, as every function of this part: the group is lost. */
static bool lose(struct mpi_group *group, const char *why)
{
    if (!group->group.lost)
        lr_log(LR_LOG_DEBUG, "trial %u, attempt %u: group given up: %s", group->name.trial_id,
               group->name.attempt, why);
    group->group.lost = true;
    return false;
}

static void *grown(void *memory, int capacity, size_t size)
{
    return lr_realloc(memory, (size_t)capacity * size);
}

static bool make_room(struct mpi_group *group)
{
    if (group->count < group->capacity)
        return true;
    int capacity = group->capacity ? 2 * group->capacity : CAPACITY_FIRST;
    MPI_Request *requests = grown(group->requests, capacity, sizeof(*requests));
    if (requests)
        group->requests = requests;
    struct transfer *transfers = grown(group->transfers, capacity, sizeof(*transfers));
    if (transfers)
        group->transfers = transfers;
    int *finished = grown(group->finished, capacity, sizeof(*finished));
    if (finished)
        group->finished = finished;
    MPI_Status *statuses = grown(group->statuses, capacity, sizeof(*statuses));
    if (statuses)
        group->statuses = statuses;
    if (!requests || !transfers || !finished || !statuses)
        return lose(group, "out of memory");
    group->capacity = capacity;
    return true;
}

static bool begin(struct mpi_group *group, bool is_receive, int member, void *data, int bytes)
{
    int rank = group->group.members.ranks[member], code;
    if (!make_room(group))
        return false;
    MPI_Request *request = &group->requests[group->count];
    if (is_receive)
        code = MPI_Irecv(data, bytes, MPI_BYTE, rank, group->tag, groups.comm, request);
    else
        code = MPI_Isend(data, bytes, MPI_BYTE, rank, group->tag, groups.comm, request);
    if (code != MPI_SUCCESS)
        return lose(group, "a member is gone");
    group->transfers[group->count++] = (struct transfer){member, bytes, is_receive};
    return true;
}

static bool defer(struct mpi_group *group, int member, unsigned char *data, int bytes)
{
    if (group->deferred_count == group->deferred_capacity) {
        int capacity = group->deferred_capacity ? 2 * group->deferred_capacity : CAPACITY_FIRST;
        struct deferred *deferred = grown(group->deferred, capacity, sizeof(*deferred));
        if (!deferred)
            return lose(group, "out of memory");
        group->deferred = deferred;
        group->deferred_capacity = capacity;
    }
    group->deferred[group->deferred_count++] = (struct deferred){member, bytes, data};
    group->links[member].deferred++;
    return true;
}

static bool begin_deferred(struct mpi_group *group, int member)
{
    int kept = 0;
    for (int i = 0; i < group->deferred_count; i++) {
        struct deferred receive = group->deferred[i];
        if (receive.member != member)
            group->deferred[kept++] = receive;
        else if (!begin(group, true, member, receive.data, receive.bytes))
            return false;
    }
    group->deferred_count = kept;
    group->links[member].deferred = 0;
    return true;
}

/* Receives whatever the member sent first; *arrived: there is something. */
static bool take_first(struct mpi_group *group, int member, bool *arrived)
{
    struct link *link = &group->links[member];
    int there = 0;
    MPI_Message message;
    MPI_Status status;
    *arrived = false;
    if (MPI_Improbe(group->group.members.ranks[member], group->tag, groups.comm, &there, &message,
                    &status) != MPI_SUCCESS)
        return lose(group, "a member is gone");
    if (!there)
        return true;
    MPI_Get_count(&status, MPI_BYTE, &link->before_bytes);
    link->before = lr_malloc(link->before_bytes > 0 ? (size_t)link->before_bytes : 1);
    if (!link->before)
        return lose(group, "out of memory");
    *arrived = true;
    if (MPI_Imrecv(link->before, link->before_bytes, MPI_BYTE, &message, &link->before_request) !=
        MPI_SUCCESS)
        return lose(group, "a member is gone");
    return true;
}

/* Looks for the member's name behind what other groups have left. */
static bool look_for_name(struct mpi_group *group, int member)
{
    struct link *link = &group->links[member];
    struct name expected = group->name;
    expected.sender = (uint32_t)member;
    while (!link->heard) {
        bool arrived = link->before != NULL;
        int done = 0;
        if (!arrived && (!take_first(group, member, &arrived) || !arrived))
            return !group->group.lost;
        if (MPI_Test(&link->before_request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            return lose(group, "a member is gone");
        if (!done)
            return true;
        link->heard = link->before_bytes == (int)sizeof(expected) &&
                      memcmp(link->before, &expected, sizeof(expected)) == 0;
        lr_free(link->before);
        link->before = NULL;
    }
    return begin_deferred(group, member);
}

/* Removes what has ended; sets *any if something has. */
static bool test_transfers(struct mpi_group *group, bool *any)
{
    int finished = 0, kept = 0;
    if (group->count == 0)
        return true;
    if (MPI_Testsome(group->count, group->requests, &finished, group->finished, group->statuses) !=
        MPI_SUCCESS)
        return lose(group, "a member is gone");
    if (finished <= 0)
        return true;
    *any = true;
    for (int i = 0; i < finished; i++) {
        const struct transfer *transfer = &group->transfers[group->finished[i]];
        int bytes = transfer->bytes;
        if (transfer->is_receive)
            MPI_Get_count(&group->statuses[i], MPI_BYTE, &bytes);
        if (bytes != transfer->bytes)
            return lose(group, "a message has another length than expected");
    }
    for (int i = 0; i < group->count; i++) {
        if (group->requests[i] == MPI_REQUEST_NULL)
            continue;
        group->requests[kept] = group->requests[i];
        group->transfers[kept++] = group->transfers[i];
    }
    group->count = kept;
    return true;
}

/* Moves everything on once; *any: something has ended. */
static bool advance(struct mpi_group *group, bool *any)
{
    *any = false;
    if (group->group.lost)
        return false;
    for (int m = 0; m < group->group.members.size; m++) {
        if (group->links[m].deferred == 0)
            continue;
        if (!look_for_name(group, m))
            return false;
        *any = *any || group->links[m].deferred == 0;
    }
    return test_transfers(group, any);
}

/* ---- the operations ---- */

static enum group_status status_of(const struct mpi_group *group)
{
    return group->group.lost ? GROUP_GIVEN_UP : GROUP_OK;
}

static enum group_status mpi_group_send(struct group *base, int member, const void *data,
                                        size_t bytes)
{
    struct mpi_group *group = (struct mpi_group *)base;
    assert(member != base->index && member < base->members.size);
    if (!group->group.lost && !group->links[member].named) {
        group->links[member].named = true;
        begin(group, false, member, &group->name, (int)sizeof(group->name));
    }
    const unsigned char *from = data;
    while (bytes > 0 && !group->group.lost) {
        int piece = bytes < PIECE_MOST ? (int)bytes : PIECE_MOST;
        begin(group, false, member, (void *)(uintptr_t)from, piece);
        from += piece;
        bytes -= (size_t)piece;
    }
    return status_of(group);
}

static enum group_status mpi_group_receive(struct group *base, int member, void *data, size_t bytes)
{
    struct mpi_group *group = (struct mpi_group *)base;
    assert(member != base->index && member < base->members.size);
    unsigned char *to = data;
    while (bytes > 0 && !group->group.lost) {
        int piece = bytes < PIECE_MOST ? (int)bytes : PIECE_MOST;
        if (group->links[member].heard)
            begin(group, true, member, to, piece);
        else
            defer(group, member, to, piece);
        to += piece;
        bytes -= (size_t)piece;
    }
    return status_of(group);
}

static void ask(struct mpi_group *group, uint64_t now_us)
{
    if (now_us - group->asked_us < ASK_EVERY_US)
        return;
    group->asked_us = now_us;
    if (group->group.given_up && group->group.given_up(group->group.context))
        lose(group, "reported as lost");
}

static bool mpi_group_progress(struct group *base)
{
    struct mpi_group *group = (struct mpi_group *)base;
    bool any;
    ask(group, clock_us());
    return advance(group, &any) && group->count + group->deferred_count == 0;
}

static void sleep_us(long us)
{
    const struct timespec pause = {0, us * 1000};
    nanosleep(&pause, NULL);
}

static enum group_status mpi_group_wait(struct group *base)
{
    struct mpi_group *group = (struct mpi_group *)base;
    uint64_t now_us = clock_us(), moved_us = now_us;
    for (;;) {
        bool any;
        ask(group, now_us);
        uint64_t before_us = clock_us();
        if (!advance(group, &any))
            return GROUP_GIVEN_UP;
        if (group->count + group->deferred_count == 0)
            return GROUP_OK;
        now_us = clock_us();
        if (any)
            moved_us = now_us;
        else if (now_us - moved_us >= LATER_US)
            sleep_us(SLEEP_LATER_US);
        else if (now_us - moved_us >= SPIN_US || now_us - before_us >= SLOW_TEST_US)
            sleep_us(SLEEP_US);
    }
}

/* ---- groups ---- */

static void free_group(struct mpi_group *group)
{
    lr_free(group->deferred);
    lr_free(group->statuses);
    lr_free(group->finished);
    lr_free(group->transfers);
    lr_free(group->requests);
    lr_free(group);
}

/* Whether MPI no longer uses anything of a group that was given up. */
static bool is_at_rest(struct mpi_group *group)
{
    int pending = 0;
    for (int i = 0; i < group->count; i++) {
        int done = group->requests[i] == MPI_REQUEST_NULL;
        if (!done && MPI_Test(&group->requests[i], &done, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            done = group->requests[i] == MPI_REQUEST_NULL;
        pending += !done;
    }
    for (int m = 0; m < group->group.members.size; m++) {
        struct link *link = &group->links[m];
        int done = 1;
        if (!link->before)
            continue;
        if (link->before_request != MPI_REQUEST_NULL &&
            MPI_Test(&link->before_request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            done = link->before_request == MPI_REQUEST_NULL;
        if (done) {
            lr_free(link->before);
            link->before = NULL;
        }
        pending += !done;
    }
    return pending == 0;
}

static void free_abandoned(void)
{
    for (struct mpi_group **at = &groups.abandoned; *at;) {
        struct mpi_group *group = *at;
        if (is_at_rest(group)) {
            *at = group->next;
            free_group(group);
        } else {
            at = &group->next;
        }
    }
}

static void mpi_group_close(struct group *base)
{
    struct mpi_group *group = (struct mpi_group *)base;
    for (int i = 0; i < group->count; i++)
        if (group->transfers[i].is_receive && group->requests[i] != MPI_REQUEST_NULL)
            MPI_Cancel(&group->requests[i]);
    group->next = groups.abandoned;
    groups.abandoned = group;
    free_abandoned();
}

int mpi_group_tag(uint32_t trial_id, uint32_t attempt, uint32_t epoch)
{
    const uint32_t key[] = {trial_id, attempt, epoch};
    return (int)(XXH3_64bits(key, sizeof(key)) % ((uint64_t)groups.tag_most + 1));
}

static const struct group_ops mpi_group_ops = {mpi_group_send, mpi_group_receive,
                                               mpi_group_progress, mpi_group_wait, mpi_group_close};

static struct group *mpi_group_open(struct group_source *source,
                                    const struct group_members *members, uint32_t trial_id,
                                    uint32_t attempt)
{
    int self;
    (void)source;
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS); /* of this thread, for sleep_us() */
    free_abandoned();
    struct mpi_group *group = lr_calloc(1, sizeof(*group));
    if (!group)
        return NULL;
    MPI_Comm_rank(groups.comm, &self);
    group->group.ops = &mpi_group_ops;
    group->group.members = *members;
    while (group->group.index < members->size && members->ranks[group->group.index] != self)
        group->group.index++;
    assert(group->group.index < members->size);
    group->name =
        (struct name){NAME_MAGIC, trial_id, attempt, members->epoch, (uint32_t)group->group.index};
    group->tag = mpi_group_tag(trial_id, attempt, members->epoch);
    for (int m = 0; m < GROUP_MOST; m++)
        group->links[m].before_request = MPI_REQUEST_NULL;
    return &group->group;
}

int mpi_groups_start(struct lr_error *err)
{
    int *tag_most, found = 0;
    if (MPI_Comm_dup(MPI_COMM_WORLD, &groups.comm) != MPI_SUCCESS)
        return lr_fail(err, LR_EINTERNAL, "MPI cannot make a communicator");
    MPI_Comm_set_errhandler(groups.comm, MPI_ERRORS_RETURN);
    MPI_Comm_get_attr(groups.comm, MPI_TAG_UB, &tag_most, &found);
    groups.tag_most = found ? *tag_most : TAG_MOST_LEAST;
    groups.source.open = mpi_group_open;
    return 0;
}

struct group_source *mpi_groups(void)
{
    return &groups.source;
}
