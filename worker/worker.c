/* worker_run(): the message loop of a worker rank. `struct worker` is its state; all of a worker's
 * messages are handled here.
 *
 *   - The loop sends HELLO, at doubling intervals, until the PING of a running campaign answers,
 *     polls the transport, and trains the assigned trial. Between polls it sleeps 1 ms after a
 *     message and up to 20 ms otherwise: a blocking MPI receive would occupy a core.
 *   - While a trial trains, its step hook on_step() sends PROGRESS and polls, so messages are
 *     handled between steps. The hook can only request a stop or a checkpoint; its own errors wait
 *     in `step_rc` until the trainer returns.
 *   - A trial with several members is trained by a team (transformer/team.h): this rank leads it or
 *     follows. While it waits for the others, is_given_up() handles the messages. A canceled
 *     attempt ends at a step boundary, where nothing is in flight; it is given up if that does not
 *     come soon, or if a member is known to be gone. Nobody waits for ever, since the coordinator
 *     cancels an attempt that has lost a member.
 *   - Messages may be lost, late or doubled (lrsearch/message.h). An ASSIGN counts only if its
 *     serial is the highest so far, a CANCEL only for the attempt that it names. The last RESULT is
 *     kept, and sent again when a PING or CANCEL shows that it was lost.
 *   - The first error ends the loop: a failing transport, a coordinator that is gone or silent. */
#define _POSIX_C_SOURCE 200809L
#include "worker.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "trainers/transformer/team.h"
#include "trainers/transformer/wsd_prefix.h"

enum {
    SHORTEST_MS = 1,
    LONGEST_MS = 20,
    CHECK_EVERY_MS = 1000,
    PREPARING_LEASES = 15,
    LEASE_OF_FIRST_WORDS = 3,
    HELLO_FIRST_MS = 1000,
    HELLO_LAST_MS = 30000,
    PROGRESS_EVERY_MS = 1000,
    LEAVE_WITHIN_MS = 2000, /* from a CANCEL to a step boundary; then the group is given up */
};

struct worker;

/* This rank's place in an open group. */
struct seat {
    struct worker *worker;
    struct group_members members;
};

struct worker {
    struct transport *transport;
    struct group_source *groups;       /* NULL: none */
    struct lr_error *err;              /* worker_run()'s */
    uint64_t lease_ms;                 /* 0: none */
    uint64_t heard_ms;                 /* time of the coordinator's last message, or the start */
    bool heard;                        /* a message has arrived */
    bool campaign_runs;                /* it has answered HELLO */
    uint64_t hello_ms, hello_pause_ms; /* the last HELLO, and the pause before the next */
    uint64_t checked_ms;               /* time of the last check_coordinator() */
    struct msg_hello coordinator;      /* from its PINGs; pid 0 before the first */
    bool stopping;                     /* STOP came */
    uint64_t serial;                   /* the highest of the assignments so far */
    bool assigned;                     /* `next` waits to be trained */
    struct msg_assign next;
    bool training;
    struct msg_assign current;      /* the running trial; otherwise the last one */
    bool canceled, save;            /* requests to the trainer at its next step */
    bool patient;                   /* canceled to save: a group goes on to the end of its step */
    int step_rc;                    /* error of the step hook */
    uint64_t progress_ms, saved_ms; /* times of the last PROGRESS, the last checkpoint request */
    struct seat seats[2];           /* in the group that trains, and in a larger one */
    int newest;                     /* the seat in the group that was opened last */
    struct team *team;              /* led by this rank; NULL: none */
    struct group_members larger;    /* of the newest GROUP message about the running trial */
    bool grows;                     /* `larger` has not been tried yet */
    uint64_t leave_ms;              /* when the group was found to end; 0: it goes on */
    bool finished;                  /* `result` is the last one */
    struct msg_result result;
};

static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static int send_message(struct worker *worker, const struct message *message)
{
    return worker->transport->ops->send(worker->transport, 0, message, worker->err);
}

static int send_result(struct worker *worker)
{
    struct message message = {.tag = MSG_RESULT, .as.result = worker->result};
    return send_message(worker, &message);
}

static bool is_attempt(const struct msg_assign *assign, uint32_t trial_id, uint32_t attempt)
{
    return assign->trial_id == trial_id && assign->attempt == attempt;
}

/* Sends the last result again if it is of this attempt, which the rank has not joined again. */
static int repeat_result(struct worker *worker, uint32_t trial_id, uint32_t attempt)
{
    bool known = worker->finished && worker->result.trial_id == trial_id &&
                 worker->result.attempt == attempt;
    bool again = (worker->assigned && is_attempt(&worker->next, trial_id, attempt)) ||
                 (worker->training && is_attempt(&worker->current, trial_id, attempt));
    return known && !again ? send_result(worker) : 0;
}

static int report_result(struct worker *worker, const struct msg_assign *assign,
                         const struct trial_result *result)
{
    worker->result = (struct msg_result){assign->trial_id, assign->attempt, *result};
    worker->finished = true;
    return send_result(worker);
}

/* ---- incoming messages ---- */

/* A newer assignment replaces the one that waits or runs, which the coordinator has given up. A
 * member of a group is assigned its attempt once more if the coordinator takes the first time for
 * lost; it must not begin twice, since the others have begun. */
static int on_assign(struct worker *worker, const struct msg_assign *assign)
{
    bool same = is_attempt(&worker->current, assign->trial_id, assign->attempt) &&
                assign->epoch <= worker->current.epoch;
    if (assign->serial <= worker->serial)
        return 0;
    worker->serial = assign->serial;
    if (assign->members[0] && same && worker->training)
        return 0;
    if (assign->members[0] && same && worker->finished)
        return repeat_result(worker, assign->trial_id, assign->attempt);
    worker->assigned = true;
    worker->next = *assign;
    worker->canceled = worker->training;
    worker->save = worker->patient = false;
    return 0;
}

/* The result of an attempt that trained nothing here. */
static struct trial_result unfinished(enum outcome outcome, const char *why)
{
    struct trial_result result = {.outcome = outcome,
                                  .val_loss = NAN,
                                  .val_loss_se = NAN,
                                  .val_bits_per_byte = NAN,
                                  .train_loss = NAN};
    snprintf(result.message, sizeof(result.message), "%.*s", (int)sizeof(result.message) - 1, why);
    return result;
}

static int on_cancel(struct worker *worker, const struct msg_cancel *cancel)
{
    if (worker->assigned && is_attempt(&worker->next, cancel->trial_id, cancel->attempt)) {
        struct trial_result result = unfinished(OUTCOME_CANCELED, "canceled before it began");
        worker->assigned = false;
        return report_result(worker, &worker->next, &result);
    }
    if (worker->training && is_attempt(&worker->current, cancel->trial_id, cancel->attempt)) {
        worker->save = worker->save || (cancel->save && !worker->canceled);
        worker->canceled = true;
        worker->patient = cancel->save;
        return 0;
    }
    return repeat_result(worker, cancel->trial_id, cancel->attempt);
}

static int on_ping(struct worker *worker, const struct msg_ping *ping)
{
    struct message message = {.tag = MSG_PONG, .as.pong.nonce = ping->nonce};
    const struct msg_assign *work = worker->assigned ? &worker->next : &worker->current;
    worker->coordinator = ping->from;
    worker->campaign_runs = worker->campaign_runs || ping->nonce > 0;
    int rc = repeat_result(worker, ping->trial_id, ping->attempt);
    if (rc)
        return rc;
    if (worker->assigned || worker->training) {
        message.as.pong.trial_id = work->trial_id;
        message.as.pong.attempt = work->attempt;
    }
    return send_message(worker, &message);
}

/* A larger group for the trial that this rank leads. */
static void on_group(struct worker *worker, const struct msg_group *group)
{
    struct group_members members;
    if (!worker->training || !worker->groups ||
        !is_attempt(&worker->current, group->trial_id, group->attempt) ||
        group->epoch <= worker->larger.epoch ||
        !group_members_read(&members, group->members, worker->transport->size) ||
        members.size == 0 || members.ranks[0] != worker->transport->rank)
        return;
    members.epoch = group->epoch;
    worker->larger = members;
    worker->grows = true;
}

static int handle_message(struct worker *worker, const struct message *message)
{
    switch (message->tag) {
    case MSG_ASSIGN:
        return on_assign(worker, &message->as.assign);
    case MSG_CANCEL:
        return on_cancel(worker, &message->as.cancel);
    case MSG_PING:
        return on_ping(worker, &message->as.ping);
    case MSG_STOP:
        worker->stopping = true;
        return 0;
    case MSG_GROUP:
        on_group(worker, &message->as.group);
        return 0;
    case MSG_HELLO:
    case MSG_PROGRESS:
    case MSG_RESULT:
    case MSG_PONG:
        break; /* only workers send these */
    }
    return 0;
}

/* The coordinator sends a PING before anything else, so a missing one means that it is dead. After
 * that it may be busy preparing a large text. */
static uint64_t coordinator_limit_ms(const struct worker *worker)
{
    if (!worker->heard)
        return worker->lease_ms / LEASE_OF_FIRST_WORDS;
    return worker->campaign_runs ? worker->lease_ms : PREPARING_LEASES * worker->lease_ms;
}

/* LR_EWORKERS when the coordinator is gone or silent. */
static int check_coordinator(struct worker *worker)
{
    uint64_t now_ms = clock_ms(), limit_ms = coordinator_limit_ms(worker);
    if (worker->lease_ms == 0 || now_ms - worker->checked_ms < CHECK_EVERY_MS)
        return 0;
    worker->checked_ms = now_ms;
    const struct msg_hello *coordinator = worker->coordinator.pid ? &worker->coordinator : NULL;
    if (!worker->transport->ops->alive(worker->transport, 0, coordinator))
        return lr_fail(worker->err, LR_EWORKERS, "the coordinator's process is gone");
    if (now_ms - worker->heard_ms <= limit_ms)
        return 0;
    if (!worker->heard)
        return lr_fail(worker->err, LR_EWORKERS,
                       "the coordinator has said nothing within %llu s of the start: it "
                       "died; run the same command again to go on",
                       (unsigned long long)limit_ms / 1000);
    return lr_fail(worker->err, LR_EWORKERS, "the coordinator has been silent for %llu s",
                   (unsigned long long)limit_ms / 1000);
}

/* Handles every pending message; *any: there was at least one. */
static int poll_messages(struct worker *worker, bool *any)
{
    struct message message;
    int peer, rc;
    *any = false;
    for (;;) {
        if ((rc = worker->transport->ops->poll(worker->transport, &peer, &message, worker->err)))
            return rc;
        if (peer == TRANSPORT_NOBODY)
            break;
        worker->heard_ms = clock_ms();
        worker->heard = *any = true;
        if ((rc = handle_message(worker, &message)))
            return rc;
    }
    return worker->stopping ? 0 : check_coordinator(worker);
}

/* ---- training ---- */

static int send_progress(struct worker *worker, const struct train_step *step, uint64_t now_ms)
{
    struct message message = {.tag = MSG_PROGRESS,
                              .as.progress = {.trial_id = worker->current.trial_id,
                                              .attempt = worker->current.attempt,
                                              .curve_point = step->curve_point,
                                              .tokens = step->tokens,
                                              .train_loss = step->train_loss,
                                              .seconds = step->seconds,
                                              .ranks = (uint32_t)team_size(worker->team)}};
    worker->progress_ms = now_ms;
    return send_message(worker, &message);
}

/* The trainer's step hook; context is the worker. Every point of the loss curve is sent, otherwise
 * one PROGRESS a second at most. */
static int on_step(void *context, const struct train_step *step)
{
    struct worker *worker = context;
    uint64_t now_ms = clock_ms();
    double every_ms = worker->current.place.checkpoint_every_s * 1000;
    bool any;
    if (worker->step_rc || worker->stopping) /* the trainer has not stopped yet */
        return TRAIN_STOP;
    if (step->curve_point || now_ms - worker->progress_ms >= PROGRESS_EVERY_MS)
        worker->step_rc = send_progress(worker, step, now_ms);
    if (!worker->step_rc)
        worker->step_rc = poll_messages(worker, &any);
    if (worker->step_rc || worker->stopping)
        return TRAIN_STOP;
    int wishes = worker->canceled ? TRAIN_STOP : 0;
    if (worker->save || (every_ms > 0 && (double)(now_ms - worker->saved_ms) >= every_ms)) {
        wishes |= worker->current.place.checkpoint[0] ? TRAIN_SAVE : 0;
        worker->saved_ms = now_ms;
        worker->save = false;
    }
    return wishes;
}

/* ---- groups ---- */

/* Whether a seat is in a group that the training does not use yet. */
static bool is_larger(const struct worker *worker, const struct seat *seat)
{
    return worker->team && seat->members.epoch > worker->current.epoch &&
           seat->members.size > team_size(worker->team);
}

/* The hook of every group. A member is known to be gone only where the transport has learned it. */
static bool is_given_up(void *context)
{
    const struct seat *seat = context;
    struct worker *worker = seat->worker;
    bool any;
    if (!worker->step_rc && !worker->stopping)
        worker->step_rc = poll_messages(worker, &any);
    if (worker->step_rc || (is_larger(worker, seat) && seat->members.epoch < worker->larger.epoch))
        return true;
    if (worker->team && worker->larger.size > 0 && worker->larger.size < team_size(worker->team))
        return true; /* a rank that was taken in is gone */
    for (int i = 0; i < seat->members.size; i++)
        if (!worker->transport->ops->alive(worker->transport, seat->members.ranks[i], NULL))
            return true;
    if (worker->leave_ms == 0 && ((worker->canceled && !worker->patient) || worker->stopping))
        worker->leave_ms = clock_ms();
    return worker->leave_ms > 0 && clock_ms() - worker->leave_ms >= LEAVE_WITHIN_MS;
}

/* NULL: no memory. */
static struct group *open_group(void *context, const struct group_members *members)
{
    struct worker *worker = context;
    if (!is_larger(worker, &worker->seats[worker->newest])) /* a larger one was dropped */
        worker->newest = !worker->newest;
    struct seat *seat = &worker->seats[worker->newest];
    *seat = (struct seat){worker, *members};
    struct group *group = worker->groups->open(worker->groups, members, worker->current.trial_id,
                                               worker->current.attempt);
    if (group) {
        group->given_up = is_given_up;
        group->context = seat;
    }
    return group;
}

/* The group that the newest GROUP message names, if its first members are those that train. */
static struct group *open_larger(void *context)
{
    struct worker *worker = context;
    int size = team_size(worker->team);
    const struct seat *seat = &worker->seats[worker->newest];
    if (is_larger(worker, seat)) /* dropped */
        seat = &worker->seats[!worker->newest];
    if (!worker->grows)
        return NULL;
    worker->grows = false;
    for (int i = 1; i < size; i++)
        if (worker->larger.ranks[i] != seat->members.ranks[i])
            return NULL;
    return worker->larger.size > size ? open_group(worker, &worker->larger) : NULL;
}

/* The members of the current assignment, and this rank's index among them. False: the result says
 * why it cannot be trained. */
static bool find_members(const struct worker *worker, struct group_members *members, int *index,
                         struct trial_result *result)
{
    const struct msg_assign *job = &worker->current;
    bool known = group_members_read(members, job->members, worker->transport->size);
    members->epoch = job->epoch;
    *index = 0;
    if (known && members->size == 0)
        return true;
    while (known && *index < members->size && members->ranks[*index] != worker->transport->rank)
        ++*index;
    if (known && *index < members->size && (members->size == 1 || worker->groups))
        return true;
    *result = unfinished(OUTCOME_FAILED, "");
    snprintf(result->message, sizeof(result->message), "rank %d cannot train in the group \"%s\"",
             worker->transport->rank, job->members);
    return false;
}

/* ---- one assignment ---- */

static void lead(struct worker *worker, struct group *group, struct trial_result *result)
{
    const struct msg_assign *job = &worker->current;
    const struct team_hooks team_hooks = {
        .context = worker, .larger = open_larger, .open = open_group};
    struct lr_error err = {0};
    if (team_create(&worker->team, group, &team_hooks, &err)) {
        *result = unfinished(OUTCOME_FAILED, err.text);
        return;
    }
    const struct train_hooks hooks = {.context = worker,
                                      .step = on_step,
                                      .attempt = job->attempt,
                                      .trial_id = job->trial_id,
                                      .place = &job->place,
                                      .team = worker->team};
    wsd_prefix_run(&job->spec, &hooks, result);
}

static void follow(struct worker *worker, struct group *group, struct trial_result *result)
{
    const struct msg_assign *job = &worker->current;
    const struct team_hooks hooks = {.context = worker, .open = open_group};
    struct lr_error err = {0};
    team_follow(&job->spec, &job->place, group, &hooks, &err);
    *result = unfinished(OUTCOME_CANCELED, err.text);
}

static void train(struct worker *worker, struct trial_result *result)
{
    struct group *group = NULL;
    struct group_members members;
    int index;
    if (!find_members(worker, &members, &index, result))
        return;
    if (members.size > 1 && !(group = open_group(worker, &members)))
        *result = unfinished(OUTCOME_FAILED, "out of memory");
    else if (index == 0)
        lead(worker, group, result);
    else
        follow(worker, group, result);
    /* Nobody asked for its end: a member is gone. */
    if (result->outcome == OUTCOME_CANCELED && index == 0 && !worker->canceled)
        result->outcome = OUTCOME_LOST;
}

static int train_next(struct worker *worker)
{
    const struct msg_assign *job = &worker->current;
    struct trial_result result;
    int rc = 0;
    worker->current = worker->next;
    worker->assigned = worker->grows = false;
    memset(worker->seats, 0, sizeof(worker->seats));
    worker->larger = (struct group_members){.epoch = job->epoch};
    worker->training = true;
    worker->canceled = worker->save = worker->patient = false;
    worker->leave_ms = 0;
    worker->progress_ms = worker->saved_ms = clock_ms();
    lr_log(LR_LOG_DEBUG, "trial %u, attempt %u: begins%s%s: lr %.3g, %llu tokens", job->trial_id,
           job->attempt, job->members[0] ? " on ranks " : "", job->members, job->spec.lr,
           (unsigned long long)job->spec.horizon_tokens);
    train(worker, &result);
    lr_log(LR_LOG_DEBUG, "trial %u, attempt %u: %s at token %llu, loss %.6g, %.3g s%s%s",
           job->trial_id, job->attempt, outcome_name(result.outcome),
           (unsigned long long)result.tokens, result.val_loss, result.seconds,
           result.message[0] ? ": " : "", result.message);
    /* The result goes first: the followers need not be there any more. */
    if (!worker->step_rc && !worker->stopping)
        rc = report_result(worker, job, &result);
    team_end(worker->team);
    worker->team = NULL;
    worker->training = false;
    return worker->step_rc ? worker->step_rc : rc;
}

/* ---- the loop ---- */

/* Sends HELLO, at doubling intervals, until the campaign answers. */
static int greet(struct worker *worker, const struct msg_hello *hello)
{
    struct message message = {.tag = MSG_HELLO, .as.hello = *hello};
    uint64_t now_ms = clock_ms();
    if (worker->campaign_runs ||
        (worker->hello_pause_ms > 0 && now_ms - worker->hello_ms < worker->hello_pause_ms))
        return 0;
    worker->hello_ms = now_ms;
    worker->hello_pause_ms = worker->hello_pause_ms ? worker->hello_pause_ms * 2 : HELLO_FIRST_MS;
    if (worker->hello_pause_ms > HELLO_LAST_MS)
        worker->hello_pause_ms = HELLO_LAST_MS;
    return send_message(worker, &message);
}

static void sleep_ms(uint64_t ms)
{
    struct timespec pause = {0, (long)(ms * 1000000)};
    nanosleep(&pause, NULL);
}

int worker_run(struct transport *transport, struct group_source *groups,
               const struct msg_hello *hello, uint64_t lease_ms, struct lr_error *err)
{
    struct worker *worker = lr_calloc(1, sizeof(*worker));
    uint64_t pause_ms = SHORTEST_MS;
    bool any;
    int rc;
    if (!worker)
        return lr_nomem(err);
    worker->transport = transport;
    worker->groups = groups;
    worker->err = err;
    worker->lease_ms = lease_ms;
    worker->heard_ms = worker->checked_ms = clock_ms();
    for (;;) {
        if ((rc = greet(worker, hello)) || (rc = poll_messages(worker, &any)))
            goto out;
        if (worker->assigned && !worker->stopping) {
            if ((rc = train_next(worker)))
                goto out;
            any = true;
        }
        if (worker->stopping)
            goto out;
        sleep_ms(pause_ms);
        pause_ms = any ? SHORTEST_MS : pause_ms * 2 < LONGEST_MS ? pause_ms * 2 : LONGEST_MS;
    }
out:
    lr_free(worker);
    return rc;
}
