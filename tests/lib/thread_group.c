/* A list of messages under one lock. A receive takes the first that fits, so that messages between
 * two members keep their order. */
#define _POSIX_C_SOURCE 200809L
#include "thread_group.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SMALL = 1024 };

struct thread_group;

struct sent {
    uint32_t epoch;
    int from, to; /* world ranks */
    const void *data;
    size_t bytes;
    void *copy;                      /* of a small message */
    struct thread_group *from_group; /* of a large one, which waits for it */
    struct sent *next;
};

struct thread_world {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct sent *first;
    uint64_t bytes;
};

struct wanted {
    int from;
    void *data;
    size_t bytes;
    struct wanted *next;
};

struct thread_group {
    struct group group;
    struct thread_world *world;
    struct wanted *receives;
    size_t sends; /* large ones that nobody has taken */
};

struct thread_world *thread_world_create(void)
{
    struct thread_world *world = calloc(1, sizeof(*world));
    assert(world);
    pthread_mutex_init(&world->lock, NULL);
    pthread_cond_init(&world->changed, NULL);
    return world;
}

void thread_world_destroy(struct thread_world *world)
{
    for (struct sent *sent = world->first, *next; sent; sent = next) {
        next = sent->next;
        free(sent->copy);
        free(sent);
    }
    pthread_mutex_destroy(&world->lock);
    pthread_cond_destroy(&world->changed);
    free(world);
}

uint64_t thread_world_bytes(struct thread_world *world)
{
    pthread_mutex_lock(&world->lock);
    uint64_t bytes = world->bytes;
    pthread_mutex_unlock(&world->lock);
    return bytes;
}

static void wait_a_little(struct thread_world *world)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&world->changed, &world->lock, &until);
}

void thread_world_await(struct thread_world *world, uint32_t epoch, int rank, int messages)
{
    pthread_mutex_lock(&world->lock);
    for (;;) {
        int found = 0;
        for (const struct sent *sent = world->first; sent; sent = sent->next)
            found += sent->epoch == epoch && sent->to == rank;
        if (found >= messages)
            break;
        wait_a_little(world);
    }
    pthread_mutex_unlock(&world->lock);
}

static struct thread_group *of(struct group *group)
{
    return (struct thread_group *)(void *)group;
}

static int own_rank(const struct thread_group *g)
{
    return g->group.members.ranks[g->group.index];
}

static enum group_status begin_send(struct group *group, int member, const void *data, size_t bytes)
{
    struct thread_group *g = of(group);
    struct thread_world *world = g->world;
    struct sent *sent = calloc(1, sizeof(*sent)), **last;
    assert(sent && member != group->index && member < group->members.size && bytes > 0);
    *sent = (struct sent){.epoch = group->members.epoch,
                          .from = own_rank(g),
                          .to = group->members.ranks[member],
                          .data = data,
                          .bytes = bytes};
    pthread_mutex_lock(&world->lock);
    if (bytes <= SMALL) {
        sent->copy = malloc(bytes);
        assert(sent->copy);
        sent->data = memcpy(sent->copy, data, bytes);
    } else {
        sent->from_group = g;
        g->sends++;
    }
    for (last = &world->first; *last; last = &(*last)->next)
        continue;
    *last = sent;
    world->bytes += bytes;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
    return GROUP_OK;
}

static enum group_status begin_receive(struct group *group, int member, void *data, size_t bytes)
{
    struct thread_group *g = of(group);
    struct wanted *wanted = calloc(1, sizeof(*wanted)), **last;
    assert(wanted && member != group->index && member < group->members.size && bytes > 0);
    *wanted = (struct wanted){.from = group->members.ranks[member], .data = data, .bytes = bytes};
    for (last = &g->receives; *last; last = &(*last)->next)
        continue;
    *last = wanted;
    return GROUP_OK;
}

/* Under the lock. */
static bool take(struct thread_group *g, const struct wanted *wanted)
{
    for (struct sent **at = &g->world->first; *at; at = &(*at)->next) {
        struct sent *sent = *at;
        if (sent->epoch != g->group.members.epoch || sent->from != wanted->from ||
            sent->to != own_rank(g))
            continue;
        if (!sent->data)
            return false;
        assert(sent->bytes == wanted->bytes);
        memcpy(wanted->data, sent->data, sent->bytes);
        if (sent->from_group)
            sent->from_group->sends--;
        pthread_cond_broadcast(&g->world->changed);
        *at = sent->next;
        free(sent->copy);
        free(sent);
        return true;
    }
    return false;
}

/* Under the lock. True: nothing is under way. */
static bool move_on(struct thread_group *g)
{
    for (struct wanted **at = &g->receives; *at;) {
        struct wanted *wanted = *at;
        if (!take(g, wanted)) {
            at = &wanted->next;
            continue;
        }
        *at = wanted->next;
        free(wanted);
    }
    return !g->receives && g->sends == 0;
}

static bool progress(struct group *group)
{
    struct thread_group *g = of(group);
    pthread_mutex_lock(&g->world->lock);
    bool idle = move_on(g);
    pthread_mutex_unlock(&g->world->lock);
    return idle;
}

static enum group_status wait_for_all(struct group *group)
{
    struct thread_group *g = of(group);
    enum group_status status = GROUP_OK;
    pthread_mutex_lock(&g->world->lock);
    while (!move_on(g)) {
        if (group->given_up && group->given_up(group->context)) {
            status = GROUP_GIVEN_UP;
            break;
        }
        wait_a_little(g->world);
    }
    pthread_mutex_unlock(&g->world->lock);
    return status;
}

static void close_group(struct group *group)
{
    struct thread_group *g = of(group);
    pthread_mutex_lock(&g->world->lock);
    for (struct sent *sent = g->world->first; sent; sent = sent->next)
        if (sent->from_group == g) { /* never comes, and nothing that was sent after it */
            sent->from_group = NULL;
            sent->data = NULL;
        }
    pthread_mutex_unlock(&g->world->lock);
    for (struct wanted *wanted = g->receives, *next; wanted; wanted = next) {
        next = wanted->next;
        free(wanted);
    }
    free(g);
}

struct group *thread_group_open(struct thread_world *world, const struct group_members *members,
                                int rank, bool (*given_up)(void *context), void *context)
{
    static const struct group_ops ops = {begin_send, begin_receive, progress, wait_for_all,
                                         close_group};
    struct thread_group *g = calloc(1, sizeof(*g));
    assert(g);
    g->group = (struct group){
        .ops = &ops, .members = *members, .index = -1, .given_up = given_up, .context = context};
    for (int i = 0; i < members->size; i++)
        if (members->ranks[i] == rank)
            g->group.index = i;
    assert(g->group.index >= 0);
    g->world = world;
    return &g->group;
}
