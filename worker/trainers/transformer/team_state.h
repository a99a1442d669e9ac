#ifndef LRSEARCH_TEAM_STATE_H
#define LRSEARCH_TEAM_STATE_H

#include "trainers/transformer/member.h"
#include "trainers/transformer/team.h"

/* The leader's side of a team, for transformer.c: what its training does together with the
 * followers. team may be NULL, and then the training is alone. Errors: as member_step(). */

/* The leader's weights are set: gives them to the members that the attempt begins with, and waits
 * until they are ready. */
int team_begin(struct team *team, struct member *member, struct lr_error *err);
/* Between two steps: goes on with a larger group if there is one and it is ready. */
int team_grow(struct team *team, struct member *member, struct lr_error *err);
int team_step(struct team *team, struct member *member, uint64_t step, double *loss, double *norm,
              struct lr_error *err);
int team_validate(struct team *team, struct member *member,
                  int (*keep_going)(void *context_of_caller), void *context_of_caller, int *stopped,
                  struct lr_error *err);
/* All moments to the leader. */
int team_gather(struct team *team, struct member *member, struct lr_error *err);

#endif
