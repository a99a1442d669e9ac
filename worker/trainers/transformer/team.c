/* The leader's commands to its followers, and how a follower obeys. The group grows between two
 * steps: new members are awaited beside the training, then the leader gathers the moments, lets the
 * old followers open the larger group, and gives its state to all. */
#include "trainers/transformer/team.h"

#include <stdio.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "trainers/transformer/team_state.h"

struct team {
    struct team_hooks hooks;
    struct group *group; /* NULL: alone */
    bool given_up;
    bool failed;               /* a member has left */
    struct group *larger;      /* its new members are awaited; NULL: none */
    struct exchange *awaiting; /* of `larger`; NULL: not begun */
};

static const struct command end_command = {.kind = COMMAND_END};

int team_create(struct team **out, struct group *group, const struct team_hooks *hooks,
                struct lr_error *err)
{
    struct team *team = *out = lr_calloc(1, sizeof(*team));
    if (!team) {
        if (group)
            group->ops->close(group);
        return lr_nomem(err);
    }
    team->hooks = *hooks;
    team->larger = group;
    return 0;
}

int team_size(const struct team *team)
{
    return team->group ? team->group->members.size : 1;
}

/* Sends END to the members from `first` on, and closes the group. */
static void dismiss(struct group *group, int first, bool wait)
{
    enum group_status status = GROUP_OK;
    for (int member = first; member < group->members.size && status == GROUP_OK; member++)
        status = group->ops->send(group, member, &end_command, sizeof(end_command));
    if (status == GROUP_OK && wait)
        group->ops->wait(group);
    group->ops->close(group);
}

static void drop_larger(struct team *team)
{
    if (!team->larger)
        return;
    bool lost = team->awaiting && exchange_given_up(team->awaiting);
    exchange_destroy(team->awaiting);
    if (lost)
        team->larger->ops->close(team->larger);
    else
        dismiss(team->larger, team_size(team), false);
    team->larger = NULL;
    team->awaiting = NULL;
}

void team_end(struct team *team)
{
    if (!team)
        return;
    drop_larger(team);
    if (team->group && team->given_up)
        team->group->ops->close(team->group);
    else if (team->group)
        dismiss(team->group, 1, true);
    lr_free(team);
}

/* ---- the leader ---- */

/* Passes rc on, after an operation of the member's group. */
static int noted(struct team *team, const struct member *member, int rc)
{
    if (team && member->exchange && exchange_given_up(member->exchange))
        team->given_up = true;
    if (team && member->exchange && rc)
        team->failed = true;
    return rc;
}

static void order(struct member *member, enum command_kind kind, uint64_t step)
{
    const struct command command = {.kind = kind, .step = step};
    if (member->exchange)
        exchange_send_command(member->exchange, &command);
}

int team_step(struct team *team, struct member *member, uint64_t step, double *loss, double *norm,
              struct lr_error *err)
{
    order(member, COMMAND_STEP, step);
    return noted(team, member, member_step(member, step, loss, norm, err));
}

int team_gather(struct team *team, struct member *member, struct lr_error *err)
{
    if (!member->exchange || exchange_gathered(member->exchange))
        return 0;
    order(member, COMMAND_GATHER, 0);
    return noted(team, member, exchange_gather(member->exchange, err));
}

/* Gathers first: a checkpoint may be written in the middle. */
int team_validate(struct team *team, struct member *member,
                  int (*keep_going)(void *context_of_caller), void *context_of_caller, int *stopped,
                  struct lr_error *err)
{
    int rc = team_gather(team, member, err);
    if (rc)
        return rc;
    order(member, COMMAND_VALIDATE, 0);
    return noted(team, member,
                 member_validate(member, keep_going, context_of_caller, stopped, err));
}

static int give_state(struct team *team, struct member *member, struct lr_error *err)
{
    order(member, COMMAND_STATE, 0);
    return noted(team, member, exchange_state(member->exchange, err));
}

/* Begins to receive the reports of the larger group's new members. */
static int await_larger(struct team *team, struct lr_error *err)
{
    team->awaiting = exchange_create(team->larger);
    if (!team->awaiting)
        return lr_nomem(err);
    exchange_await_reports(team->awaiting, team_size(team));
    return 0;
}

/* The old followers open the larger group; then the present one has no more traffic. */
static int leave_present(struct team *team, struct member *member, struct lr_error *err)
{
    const struct command command = {.kind = COMMAND_REGROUP, .members = team->larger->members};
    struct exchange *present = member->exchange;
    int rc = team_gather(team, member, err);
    if (rc)
        return rc;
    exchange_send_command(present, &command);
    exchange_await_reports(present, 1);
    if ((rc = noted(team, member, exchange_wait(present, err))) ||
        (rc = exchange_reported(present, 1, err)))
        return rc;
    exchange_destroy(present);
    team->group->ops->close(team->group);
    return 0;
}

/* The new members are ready: goes on with them. */
static int join_larger(struct team *team, struct member *member, struct lr_error *err)
{
    int rc = member->exchange ? leave_present(team, member, err) : 0;
    if (rc)
        return rc;
    member->exchange = team->awaiting;
    team->group = team->larger;
    team->larger = NULL;
    team->awaiting = NULL;
    return give_state(team, member, err);
}

int team_begin(struct team *team, struct member *member, struct lr_error *err)
{
    int rc;
    if (!team)
        return 0;
    if (team->given_up)
        return lr_fail(err, LR_EWORKERS, "one of the ranks of its group is gone");
    if (team->failed)
        return lr_fail(err, LR_EDATA, "one of the ranks of its group has failed");
    if (team->group) { /* has followers since an earlier training of the attempt */
        member->exchange = exchange_create(team->group);
        if (!member->exchange)
            return lr_nomem(err);
        rc = exchange_open(member->exchange, member->spec, member->model, member->losses, err);
        return rc ? rc : give_state(team, member, err);
    }
    if (!team->larger || team->awaiting) /* joiners of a growth are team_grow()'s */
        return 0;
    if ((rc = await_larger(team, err)) || (rc = exchange_wait(team->awaiting, err)) ||
        (rc = exchange_reported(team->awaiting, 1, err)) ||
        (rc = exchange_open(team->awaiting, member->spec, member->model, member->losses, err))) {
        drop_larger(team);
        return rc;
    }
    return join_larger(team, member, err);
}

int team_grow(struct team *team, struct member *member, struct lr_error *err)
{
    struct lr_error why = {0};
    if (!team)
        return 0;
    if (!team->larger && team->hooks.larger)
        team->larger = team->hooks.larger(team->hooks.context);
    if (!team->larger)
        return 0;
    if (!team->awaiting && await_larger(team, &why)) {
        drop_larger(team);
        return 0;
    }
    if (!exchange_progress(team->awaiting))
        return 0;
    if (exchange_given_up(team->awaiting)) {
        drop_larger(team);
        return 0;
    }
    if (exchange_reported(team->awaiting, team_size(team), &why) ||
        exchange_open(team->awaiting, member->spec, member->model, member->losses, &why)) {
        lr_log(LR_LOG_WARNING, "goes on with %d ranks: %s", team_size(team), why.text);
        drop_larger(team);
        return 0;
    }
    return join_larger(team, member, err);
}

/* ---- a follower ---- */

static struct report report_on(int rc, const struct lr_error *err)
{
    struct report report = {.state = rc ? REPORT_FAILED : REPORT_GOOD};
    if (rc)
        snprintf(report.text, sizeof(report.text), "%.255s", err->text);
    return report;
}

/* Changes to the larger group. */
static int regroup(struct member *member, const struct group_members *members,
                   const struct team_hooks *hooks, struct lr_error *err)
{
    struct exchange *present = member->exchange, *next = NULL;
    struct group *left = exchange_group(present);
    struct group *larger = hooks->open(hooks->context, members);
    if (larger)
        next = exchange_create(larger);
    int rc = next ? exchange_open(next, member->spec, member->model, member->losses, err)
                  : lr_nomem(err);
    struct report report = report_on(rc, err);
    exchange_send_report(present, &report);
    int told = exchange_wait(present, rc ? NULL : err);
    if (rc || told) {
        exchange_destroy(next);
        if (larger)
            larger->ops->close(larger);
        return rc ? rc : told;
    }
    exchange_destroy(present);
    left->ops->close(left);
    member->exchange = next;
    return 0;
}

/* 0: the leader ended the team. */
static int obey(struct member *member, const struct team_hooks *hooks, struct lr_error *err)
{
    struct command command;
    double loss, norm;
    int stopped;
    for (;;) {
        int rc = exchange_next_command(member->exchange, &command, err);
        if (rc)
            return rc;
        switch (command.kind) {
        case COMMAND_STATE:
            rc = exchange_state(member->exchange, err);
            break;
        case COMMAND_STEP:
            rc = member_step(member, command.step, &loss, &norm, err);
            break;
        case COMMAND_VALIDATE:
            rc = member_validate(member, NULL, NULL, &stopped, err);
            break;
        case COMMAND_GATHER:
            rc = exchange_gather(member->exchange, err);
            break;
        case COMMAND_REGROUP:
            rc = regroup(member, &command.members, hooks, err);
            break;
        default:
            return 0;
        }
        if (rc)
            return rc;
    }
}

int team_follow(const struct trial_spec *spec, const struct trial_place *place, struct group *group,
                const struct team_hooks *hooks, struct lr_error *err)
{
    struct lr_error none = {0};
    struct member member;
    err = err ? err : &none;
    int rc = member_prepare(&member, spec, place->data_path, err);
    member.exchange = exchange_create(group);
    if (!member.exchange) {
        rc = lr_nomem(err);
        goto out;
    }
    if (!rc)
        rc = exchange_open(member.exchange, spec, member.model, member.losses, err);
    struct report report = report_on(rc, err);
    exchange_send_report(member.exchange, &report);
    if (rc)
        exchange_wait(member.exchange, NULL);
    else
        rc = obey(&member, hooks, err);
    group = exchange_group(member.exchange);
out:
    member_release(&member);
    group->ops->close(group);
    return rc;
}
