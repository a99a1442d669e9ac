#ifndef LRSEARCH_WIDTH_H
#define LRSEARCH_WIDTH_H

#include <stdbool.h>
#include <stdint.h>
#include "lrsearch/group.h"

/* How many ranks train a trial: a cost model of a group's step, and a greedy division of idle ranks
 * among trials. Pure functions. Widths are powers of two up to GROUP_MOST. */

enum { WIDTHS = 5 }; /* 1, 2, 4, 8, 16 */
/* Of messages between ranks of a host that were not measured. */
#define WIDTH_LATENCY_S 2e-5
#define WIDTH_BYTES_PER_S 1e9

struct width_job {
    double step_flops; /* of a step on one rank */
    double parameters;
    uint32_t slices; /* of a batch */
};

/* How fast things are. A zero is unknown: a default is used that makes groups look expensive (fast
 * products, slow messages), so that an unmeasured group is rather too narrow. */
struct width_model {
    double flops;         /* FLOP/s of one rank's products */
    double latency_s;     /* of a message between ranks of a host, */
    double bytes_per_s;   /* and its rate */
    double ratio[WIDTHS]; /* measured time of a step over the modelled one, for each width; 0: not
                             measured */
    uint32_t samples[WIDTHS];
};

/* The widest group that a batch of so many slices allows. */
uint32_t width_most(uint32_t slices);

/* Seconds of a step of a group: the largest member's slices, the exchange of gradients and weights,
 * and each member's share of the update; times the measured ratio of this width, or of the nearest
 * narrower one that was measured. spans: the group is on several hosts. */
double width_step_s(const struct width_model *model, const struct width_job *job, uint32_t width,
                    bool spans);

/* Corrects the model by a measured step. */
void width_learn(struct width_model *model, const struct width_job *job, uint32_t width, bool spans,
                 double step_s);

/* The widest that pays while ranks are free. */
uint32_t width_best(const struct width_model *model, const struct width_job *job, bool spans);

/* Idle ranks of a host that may join a group. */
struct width_host {
    const int *ranks; /* the next one to be taken first */
    int count;        /* of ranks */
    int room;         /* cores that nobody uses: as many of them may be taken */
};

/* A trial that may get more ranks than it has. */
struct width_item {
    struct width_job job;
    double steps;   /* that are left */
    bool running;   /* joining costs time: the state must travel */
    bool spans;     /* already on several hosts */
    int host;       /* of its leader */
    uint32_t width; /* before and after */
    int taken[GROUP_MOST];
    int taken_count;
    bool done; /* width_share()'s own */
};

/* Takes `count` ranks for the item: from its host, then from where most are free. False: so many
 * are not free, nothing is taken. */
bool width_take(struct width_item *item, struct width_host *hosts, int host_count, int count);

/* Doubles the group of the longest trial, again and again, as long as that pays and ranks are free:
 * the time at which all of them are done is what counts. */
void width_share(const struct width_model *model, struct width_item *items, int count,
                 struct width_host *hosts, int host_count);

#endif
