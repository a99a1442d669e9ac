#ifndef LRSEARCH_TRAINER_GROUP_H
#define LRSEARCH_TRAINER_GROUP_H

#include <stddef.h>

/* The ranks that train one trial together. At present a trial has one rank and the operations do
 * nothing; a group of several ranks must sum in an order that does not depend on its size. */
struct group;

struct group_ops {
    void (*sum)(struct group *group, float *values, size_t count); /* in place, on every rank */
    void (*sum_double)(struct group *group, double *values, size_t count);
    void (*broadcast)(struct group *group, void *bytes, size_t size); /* from rank 0 */
};

struct group {
    const struct group_ops *ops;
    int rank, size;
};

struct group group_alone(void);

#endif
