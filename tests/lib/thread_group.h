#ifndef TESTS_THREAD_GROUP_H
#define TESTS_THREAD_GROUP_H

#include "lrsearch/group.h"

/* Groups between threads of one process. As over MPI, small messages leave at once and large ones
 * when their receiver takes them. */

struct thread_world;

struct thread_world *thread_world_create(void);
/* After all its groups are closed. */
void thread_world_destroy(struct thread_world *world);

/* The group of the member with this rank; epochs keep the traffic of groups apart. given_up: as in
 * struct group; NULL: never. */
struct group *thread_group_open(struct thread_world *world, const struct group_members *members,
                                int rank, bool (*given_up)(void *context), void *context);
/* Waits until so many messages of an epoch are on their way to `rank`. */
void thread_world_await(struct thread_world *world, uint32_t epoch, int rank, int messages);
uint64_t thread_world_bytes(struct thread_world *world); /* sent so far */

#endif
