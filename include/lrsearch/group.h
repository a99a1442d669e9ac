#ifndef LRSEARCH_GROUP_H
#define LRSEARCH_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A group: the ranks that train one trial together, data parallel. Member 0 leads. The size is a
 * power of two, and the sums of a training do not depend on it, so it never shows in the losses.
 *
 * Group traffic is point to point and never waits for a rank that is gone: every wait asks
 * `given_up`, which handles the coordinator's messages meanwhile. A group that was given up is only
 * closed. Not thread-safe. */

#define GROUP_MOST 16
#define GROUP_TEXT 128

struct group_members {
    uint32_t epoch; /* 0 at the start of an attempt, grows each time that the group does */
    int size;       /* 1 to GROUP_MOST */
    int ranks[GROUP_MOST];
};

/* "3,7,8,9". False: not ranks of a world of `world_size` ranks without the coordinator, one of them
 * twice, or not a power of two of them. "" gives size 0. */
bool group_members_read(struct group_members *out, const char *text, int world_size);
void group_members_text(char out[GROUP_TEXT], const struct group_members *members);

struct group;

enum group_status {
    GROUP_OK = 0,
    GROUP_GIVEN_UP = 1, /* a member is gone, or given_up() said so: leave the training */
};

struct group_ops {
    /* Begin a transfer; messages between two members keep their order. The memory belongs to the
     * group until wait() has returned, or for ever if it was given up. */
    enum group_status (*send)(struct group *group, int member, const void *data, size_t bytes);
    enum group_status (*receive)(struct group *group, int member, void *data, size_t bytes);
    /* Moves transfers on, without waiting; asks given_up() now and then. True: all that was begun
     * is done. */
    bool (*progress)(struct group *group);
    /* Until all that was begun is done. */
    enum group_status (*wait)(struct group *group);
    /* Frees the group, and what it has in flight as far as its memory allows. */
    void (*close)(struct group *group);
};

struct group { /* the first member of every implementation */
    const struct group_ops *ops;
    struct group_members members;
    int index;                       /* this rank's among the members */
    bool lost;                       /* given up: the next operation says so */
    bool (*given_up)(void *context); /* asked in every wait, at least each millisecond */
    void *context;
};

/* Where groups come from: over MPI, between threads in a test. */
struct group_source {
    /* Does not wait for the other members. NULL: no memory. The trial and its attempt keep the
     * traffic of different trainings apart. */
    struct group *(*open)(struct group_source *source, const struct group_members *members,
                          uint32_t trial_id, uint32_t attempt);
};

#endif
