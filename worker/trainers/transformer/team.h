#ifndef LRSEARCH_TEAM_H
#define LRSEARCH_TEAM_H

#include "lrsearch/group.h"
#include "trainers/trainer.h"

/* The ranks that train one trial with its leader, over all trainings of an attempt
 * (wsd_prefix.h has two). The leader makes a team and names it in train_hooks.team; every other
 * member calls team_follow(). Only spec and data decide the result, whatever the group's size. */

struct team_hooks {
    void *context;
    /* Leader, asked at each step boundary: the larger group that the training may go on with, its
     * first members those of the present group; NULL: none (any more). The team closes it. Its new
     * members have called team_follow(), or will: the leader waits for none of them. NULL: never
     * asked. */
    struct group *(*larger)(void *context);
    /* Follower: opens the larger group that its leader goes on with. NULL: no memory. */
    struct group *(*open)(void *context, const struct group_members *members);
};

/* `group`: led by this rank, closed by the team, also if this fails; NULL: alone at first. Waits
 * for nobody. LR_ENOMEM. */
int team_create(struct team **out, struct group *group, const struct team_hooks *hooks,
                struct lr_error *err);
int team_size(const struct team *team); /* ranks that train now */
/* Lets the followers go, and closes the group. team: may be NULL. */
void team_end(struct team *team);

/* Trains as a follower of group's member 0 until that one ends the team, or the group is given up;
 * closes the group. Reads no files but the data and writes none. An error is told to the leader,
 * whose training fails by it, and returned. */
int team_follow(const struct trial_spec *spec, const struct trial_place *place, struct group *group,
                const struct team_hooks *hooks, struct lr_error *err);

#endif
