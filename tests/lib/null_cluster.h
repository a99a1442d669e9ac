#ifndef TESTS_NULL_CLUSTER_H
#define TESTS_NULL_CLUSTER_H

#include "net/loop.h"
#include "campaign/event.h"

/* Workers that answer each assignment at once, with a loss by a formula, in this process. There is
 * one cluster at a time. */

/* The coordinator's end, valid until null_cluster_end(); every worker has said HELLO. `sent`, which
 * may be NULL, is called with each message to a worker. */
struct transport *null_cluster(int workers, void (*sent)(const struct message *message));
void null_cluster_end(void);

/* A loop that never sleeps. A turn handles the messages that were there when it began, 256 at most;
 * jobs are done at once. */
extern const struct loop_ops null_loop;

/* coordinator_setup.prepare_data without data. */
int null_prepare(void *context, char products[TRIAL_PRODUCTS], struct event_data *data,
                 struct lr_error *err);

#endif
