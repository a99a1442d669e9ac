#ifndef LRSEARCH_EXCHANGE_H
#define LRSEARCH_EXCHANGE_H

#include "lrsearch/error.h"
#include "lrsearch/group.h"
#include "model/model.h"

/* The traffic of one group about one model. Every function is called by all members in the same
 * order. Each bucket of the parameters is cut into a segment for each member, which sums the
 * gradients of its segments, updates their weights and holds their moments; moments elsewhere are
 * stale. A matrix that Muon updates lies in one segment.
 *
 * The first error sticks; functions that return int give LR_ECANCELED if given_up() said so, and
 * LR_EWORKERS if a member is gone. Then the memory in flight is kept for ever. */

/* Leader to followers: what to do next. */
enum command_kind {
    COMMAND_STATE,    /* exchange_state() */
    COMMAND_STEP,     /* member_step() */
    COMMAND_VALIDATE, /* member_validate() */
    COMMAND_GATHER,   /* exchange_gather() */
    COMMAND_REGROUP,  /* open the larger group and report here */
    COMMAND_END,
};
struct command {
    uint32_t kind;
    uint64_t step;
    struct group_members members; /* REGROUP */
};

/* Follower to leader: ready, or what went wrong; and in each step and validation. */
enum report_state { REPORT_NONE, REPORT_GOOD, REPORT_FAILED };
struct report {
    uint32_t state;
    double loss; /* sum over the member's slices */
    char text[256];
};

struct exchange;

/* The group stays the caller's. NULL: no memory. */
struct exchange *exchange_create(struct group *group);
/* Before all functions that need a model. losses: in member.h. LR_ENOMEM; LR_EINVAL: more members
 * than slices. */
int exchange_open(struct exchange *exchange, const struct trial_spec *spec, struct model *model,
                  double *losses, struct lr_error *err);
/* Before the group is closed. False: the group may still use the memory of model and losses, which
 * the caller keeps; its own is kept as far as need be. */
bool exchange_destroy(struct exchange *exchange);
bool exchange_given_up(const struct exchange *exchange);

struct group *exchange_group(const struct exchange *exchange);

void exchange_send_command(struct exchange *exchange, const struct command *command); /* leader */
int exchange_next_command(struct exchange *exchange, struct command *out, struct lr_error *err);

void exchange_send_report(struct exchange *exchange, const struct report *report);
/* The leader begins to receive reports from members first, first + 1, ... */
void exchange_await_reports(struct exchange *exchange, int first);
/* The first error that those reports tell. */
int exchange_reported(const struct exchange *exchange, int first, struct lr_error *err);

bool exchange_progress(struct exchange *exchange); /* true: nothing is under way, or given up */
int exchange_wait(struct exchange *exchange, struct lr_error *err);

/* Weights to all members, moments to the owners of their segments; and moments back. */
int exchange_state(struct exchange *exchange, struct lr_error *err);
int exchange_gather(struct exchange *exchange, struct lr_error *err);
/* The leader has all moments as they are now. */
bool exchange_gathered(const struct exchange *exchange);

/* A step. The members' partial gradients are in the model; _complete() begins to send a bucket. */
void exchange_gradients_begin(struct exchange *exchange);
void exchange_complete(void *exchange, size_t bucket);
int exchange_gradients_end(struct exchange *exchange, struct lr_error *err);
/* *loss: sum over all slices, in their tree; *norm: of the gradient. */
int exchange_sums(struct exchange *exchange, const struct report *own, double *loss, double *norm,
                  struct lr_error *err);
/* The update of the own segments, then the weights of all. */
int exchange_update(struct exchange *exchange, double schedule, uint64_t step, double norm,
                    struct lr_error *err);

/* Losses of sequences exchange_share(member), ... of count to the leader. */
uint64_t exchange_share(const struct exchange *exchange, int member, uint64_t batches);
int exchange_losses(struct exchange *exchange, const struct report *own, uint64_t batches,
                    uint32_t sequences, uint64_t count, struct lr_error *err);

#endif
