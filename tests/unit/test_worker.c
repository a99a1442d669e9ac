/* A worker in a thread, over the local transport; trainer, team and groups are of this file. */
#include "cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "net/peer.h"
#include "net/transports.h"
#include "trainers/trainer.h"
#include "trainers/transformer/team.h"
#include "worker.h"

static void nap_ms(long ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* ---- groups: nothing is sent ---- */

static atomic_int opened, closed; /* groups */
static atomic_int gone_rank;      /* that the transport knows to be gone; 0: none */
static atomic_bool leader_ended;  /* a follower's leader has sent END */
static atomic_uint ready_epoch;   /* the new members of this larger group are ready */
static atomic_int step_ms;        /* of each step */
static atomic_bool saved;         /* the training was told to save */

static void close_group(struct group *group)
{
    atomic_fetch_add(&closed, 1);
    free(group);
}

static struct group *open_group(struct group_source *source, const struct group_members *members,
                                uint32_t trial_id, uint32_t attempt)
{
    static const struct group_ops ops = {.close = close_group};
    struct group *group = calloc(1, sizeof(*group));
    (void)source;
    assert_non_null(group);
    assert_int_equal(trial_id, 7);
    assert_int_equal(attempt, 3);
    group->ops = &ops;
    group->members = *members;
    atomic_fetch_add(&opened, 1);
    return group;
}

static struct group_source groups = {open_group};

struct team {
    struct group *group, *larger;
    struct team_hooks hooks;
};

int team_create(struct team **out, struct group *group, const struct team_hooks *hooks,
                struct lr_error *err)
{
    (void)err;
    *out = calloc(1, sizeof(**out));
    assert_non_null(*out);
    **out = (struct team){group, NULL, *hooks};
    return 0;
}

int team_size(const struct team *team)
{
    return team->group ? team->group->members.size : 1;
}

void team_end(struct team *team)
{
    if (!team)
        return;
    if (team->larger)
        close_group(team->larger);
    if (team->group)
        close_group(team->group);
    free(team);
}

int team_follow(const struct trial_spec *spec, const struct trial_place *place, struct group *group,
                const struct team_hooks *hooks, struct lr_error *err)
{
    (void)spec;
    (void)place;
    (void)hooks;
    int rc = 0;
    while (!rc && !atomic_load(&leader_ended)) {
        nap_ms(1);
        if (group->given_up(group->context))
            rc = lr_fail(err, LR_ECANCELED, "given up");
    }
    close_group(group);
    return rc;
}

/* As team_grow(); true: the present group is given up. */
static bool grow(struct team *team)
{
    if (!team->larger)
        team->larger = team->hooks.larger(team->hooks.context);
    if (team->larger && team->larger->given_up(team->larger->context)) {
        close_group(team->larger);
        team->larger = NULL;
    }
    if (team->larger && team->larger->members.epoch == atomic_load(&ready_epoch)) {
        if (team->group)
            close_group(team->group);
        team->group = team->larger;
        team->larger = NULL;
    }
    return team->group && team->group->given_up(team->group->context);
}

/* Trains for spec->horizon_tokens steps of step_ms; every fourth is a curve point. */
void trainer_run(const struct trial_spec *spec, struct train_files *files,
                 const struct train_hooks *hooks, struct trial_result *result)
{
    (void)files;
    memset(result, 0, sizeof(*result));
    for (uint64_t step = 1; step <= spec->horizon_tokens; step++) {
        struct train_step told = {step, 3.0, 0.001 * (double)step, step % 4 == 0};
        bool given_up = false;
        int ms = atomic_load(&step_ms);
        do {
            nap_ms(1);
            given_up = grow(hooks->team);
        } while (--ms > 0 && !given_up);
        int wishes = given_up ? TRAIN_STOP : hooks->step(hooks->context, &told);
        if (wishes & TRAIN_SAVE)
            atomic_store(&saved, true);
        if (wishes & TRAIN_STOP) {
            result->outcome = OUTCOME_CANCELED;
            return;
        }
    }
    result->val_loss = spec->lr;
}

struct running {
    pthread_t thread;
    struct transport *mine, *its;
    uint64_t lease_ms;
    int rc;
    struct lr_error err;
};

static void *work(void *context)
{
    struct running *r = context;
    struct msg_hello hello = peer_self();
    r->rc = worker_run(r->its, &groups, &hello, r->lease_ms, &r->err);
    r->its->ops->destroy(r->its, 0);
    return NULL;
}

static const struct transport_ops *local_ops;

static bool is_alive(struct transport *transport, int peer, const struct msg_hello *hello)
{
    return peer > 1 ? peer != atomic_load(&gone_rank) : local_ops->alive(transport, peer, hello);
}

/* The worker is rank 1 of nine. */
static void start(struct running *r, uint64_t lease_ms)
{
    static struct transport_ops ops;
    memset(r, 0, sizeof(*r));
    r->lease_ms = lease_ms;
    atomic_store(&opened, 0);
    atomic_store(&closed, 0);
    atomic_store(&gone_rank, 0);
    atomic_store(&leader_ended, false);
    atomic_store(&ready_epoch, 0);
    atomic_store(&step_ms, 1);
    atomic_store(&saved, false);
    assert_int_equal(local_transport_create(&r->mine, &r->its, 1, NULL), 0);
    local_ops = r->its->ops;
    ops = *local_ops;
    ops.alive = is_alive;
    r->its->ops = &ops;
    r->its->size = 9;
    assert_int_equal(pthread_create(&r->thread, NULL, work, r), 0);
}

static void finish(struct running *r)
{
    pthread_join(r->thread, NULL);
    r->mine->ops->destroy(r->mine, 0);
}

static void say(struct running *r, const struct message *message)
{
    assert_int_equal(r->mine->ops->send(r->mine, 1, message, NULL), 0);
}

static bool poll_one(struct transport *transport, int *peer, struct message *message)
{
    assert_int_equal(transport->ops->poll(transport, peer, message, NULL), 0);
    return *peer != TRANSPORT_NOBODY;
}

/* Waits for a message with this tag; counts the others by tag. */
static struct message hear(struct running *r, enum message_tag tag, int others[16])
{
    for (int waited = 0; waited < 10000; waited++) {
        struct message message;
        int peer;
        while (poll_one(r->mine, &peer, &message)) {
            assert_int_equal(peer, 1);
            if (message.tag == tag)
                return message;
            others[message.tag]++;
        }
        nap_ms(1);
    }
    fail_msg("no %s came", message_name(tag));
    return (struct message){.tag = tag};
}

static struct message assignment(uint32_t id, uint64_t steps)
{
    struct message message = {.tag = MSG_ASSIGN};
    message.as.assign.serial = 1;
    message.as.assign.trial_id = id;
    message.as.assign.attempt = 3;
    message.as.assign.spec.horizon_tokens = steps;
    message.as.assign.spec.lr = 0.25;
    return message;
}

static const struct message stop = {.tag = MSG_STOP};

static void a_trial_is_trained_and_reported(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    struct message assign = assignment(7, 40);
    start(&r, 0);
    assert_int_equal(hear(&r, MSG_HELLO, others).as.hello.protocol, MESSAGE_PROTOCOL);
    say(&r, &assign);
    struct message result = hear(&r, MSG_RESULT, others);
    assert_int_equal(result.as.result.trial_id, 7);
    assert_int_equal(result.as.result.attempt, 3);
    assert_true(result.as.result.result.val_loss == 0.25);
    assert_int_equal(others[MSG_PROGRESS], 10); /* the curve's points */
    say(&r, &stop);
    finish(&r);
    assert_int_equal(r.rc, 0);
}

static void it_answers_pings_while_it_trains(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    struct message assign = assignment(7, 2000), ping = {.tag = MSG_PING},
                   second = assignment(8, 1);
    ping.as.ping.nonce = 55;
    start(&r, 0);
    say(&r, &assign);
    hear(&r, MSG_PROGRESS, others);
    say(&r, &ping);
    assert_int_equal(hear(&r, MSG_PONG, others).as.pong.nonce, 55);
    assert_int_equal(others[MSG_RESULT], 0);
    say(&r, &assign); /* the same once more: nothing happens */
    second.as.assign.serial = 2;
    say(&r, &second); /* the coordinator has given the first one up */
    struct message first = hear(&r, MSG_RESULT, others);
    assert_int_equal(first.as.result.trial_id, 7);
    assert_int_equal(first.as.result.result.outcome, OUTCOME_CANCELED);
    assert_int_equal(hear(&r, MSG_RESULT, others).as.result.trial_id, 8);
    say(&r, &assign); /* overtaken by the second one */
    ping.as.ping.trial_id = 8;
    ping.as.ping.attempt = 3;
    say(&r, &ping); /* its result was lost, as far as the coordinator can tell */
    struct message again = hear(&r, MSG_RESULT, others);
    assert_int_equal(again.as.result.trial_id, 8);
    assert_true(again.as.result.result.val_loss == 0.25);
    assert_int_equal(hear(&r, MSG_PONG, others).as.pong.trial_id, 0);
    second.as.assign.serial = 3;
    second.as.assign.spec.horizon_tokens = 5000;
    say(&r, &second);
    hear(&r, MSG_PROGRESS, others);
    say(&r, &ping);
    assert_int_equal(hear(&r, MSG_PONG, others).as.pong.trial_id, 8);
    say(&r, &stop); /* in the middle of a training */
    finish(&r);
    assert_int_equal(r.rc, 0);
}

static void hello_is_said_until_it_is_heard(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    struct message ping = {.tag = MSG_PING};
    start(&r, 0);
    hear(&r, MSG_HELLO, others);
    hear(&r, MSG_HELLO, others);
    say(&r, &ping);
    hear(&r, MSG_PONG, others);
    nap_ms(2500);
    say(&r, &ping);
    hear(&r, MSG_PONG, others);
    assert_true(others[MSG_HELLO] <= 1); /* one may have been under way */
    say(&r, &stop);
    finish(&r);
}

static void only_the_named_attempt_is_canceled(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    struct message assign = assignment(7, 5000), cancel = {.tag = MSG_CANCEL};
    start(&r, 0);
    say(&r, &assign);
    cancel.as.cancel.trial_id = 7;
    cancel.as.cancel.attempt = 2; /* an old one */
    say(&r, &cancel);
    hear(&r, MSG_PROGRESS, others);
    cancel.as.cancel.attempt = 3;
    say(&r, &cancel);
    struct message result = hear(&r, MSG_RESULT, others);
    assert_int_equal(result.as.result.result.outcome, OUTCOME_CANCELED);
    say(&r, &stop);
    finish(&r);
}

static void a_silent_coordinator_is_left(void **state)
{
    (void)state;
    struct running r;
    struct message ping = {.tag = MSG_PING};
    ping.as.ping.nonce = 1;
    start(&r, 1500);
    say(&r, &ping); /* from now on it must be heard every 1.5 s */
    finish(&r);
    assert_int_equal(r.rc, LR_EWORKERS);
    assert_string_equal(r.err.text, "the coordinator has been silent for 1 s");
}

static void a_coordinator_that_never_speaks_is_left(void **state)
{
    (void)state;
    struct running r;
    start(&r, 3000); /* a third of that to the first word */
    finish(&r);
    assert_int_equal(r.rc, LR_EWORKERS);
    assert_string_equal(r.err.text, "the coordinator has said nothing within 1 s of the start: it "
                                    "died; run the same command again to go on");
}

/* It prepares the data: it has heard nobody yet, and may be silent for longer. */
static void a_greeting_is_no_answer(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    struct message greeting = {.tag = MSG_PING};
    start(&r, 300);
    hear(&r, MSG_HELLO, others);
    say(&r, &greeting);
    hear(&r, MSG_HELLO, others); /* a second later, when a lease is over */
    hear(&r, MSG_HELLO, others);
    say(&r, &stop);
    finish(&r);
    assert_int_equal(r.rc, 0);
}

/* STOP is what no memory may be left for. */
static void the_end_of_the_transport_stops_it(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    struct message assign = assignment(7, 100000); /* in the midst of a training */
    start(&r, 0);
    say(&r, &assign);
    hear(&r, MSG_PROGRESS, others);
    assert_true(r.mine->ops->alive(r.mine, 1, NULL));
    r.mine->ops->destroy(r.mine, 0);
    pthread_join(r.thread, NULL);
    assert_int_equal(r.rc, 0);
}

static void a_worker_that_gave_up_is_not_alive(void **state)
{
    (void)state;
    struct running r;
    start(&r, 3000); /* it hears nothing */
    pthread_join(r.thread, NULL);
    assert_false(r.mine->ops->alive(r.mine, 1, NULL));
    r.mine->ops->destroy(r.mine, 0);
}

/* ---- groups ---- */

static struct message member_of(const char *members, uint64_t serial, uint64_t steps)
{
    struct message message = assignment(7, steps);
    message.as.assign.serial = serial;
    snprintf(message.as.assign.members, sizeof(message.as.assign.members), "%s", members);
    return message;
}

static struct message larger_group(const char *members, uint32_t attempt, uint32_t epoch)
{
    struct message message = {.tag = MSG_GROUP};
    message.as.group.trial_id = 7;
    message.as.group.attempt = attempt;
    message.as.group.epoch = epoch;
    snprintf(message.as.group.members, sizeof(message.as.group.members), "%s", members);
    return message;
}

static void stop_and_finish(struct running *r)
{
    say(r, &stop);
    finish(r);
    assert_int_equal(r->rc, 0);
    assert_int_equal(atomic_load(&opened), atomic_load(&closed));
}

static void a_leader_reports_for_its_group(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    struct message assign = member_of("1,5,2,8", 1, 40);
    start(&r, 0);
    say(&r, &assign);
    assert_int_equal(hear(&r, MSG_PROGRESS, others).as.progress.ranks, 4);
    struct message result = hear(&r, MSG_RESULT, others);
    assert_int_equal(result.as.result.result.outcome, OUTCOME_DONE);
    assert_true(result.as.result.result.val_loss == 0.25);
    assert_int_equal(atomic_load(&opened), 1);
    stop_and_finish(&r);
}

static void a_follower_says_only_that_it_left(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    struct message assign = member_of("5,1", 1, 40), ping = {.tag = MSG_PING};
    ping.as.ping.nonce = 9;
    start(&r, 0);
    say(&r, &assign);
    do {
        say(&r, &ping);
    } while (hear(&r, MSG_PONG, others).as.pong.trial_id != 7);
    assign.as.assign.serial = 2; /* taken for lost: it must not begin twice */
    say(&r, &assign);
    say(&r, &ping);
    assert_int_equal(hear(&r, MSG_PONG, others).as.pong.trial_id, 7);
    assert_int_equal(others[MSG_RESULT], 0);
    atomic_store(&leader_ended, true);
    struct message result = hear(&r, MSG_RESULT, others);
    assert_int_equal(result.as.result.trial_id, 7);
    assert_int_equal(result.as.result.attempt, 3);
    assert_int_equal(result.as.result.result.outcome, OUTCOME_CANCELED);
    assign.as.assign.serial = 3; /* its result was lost */
    say(&r, &assign);
    assert_int_equal(hear(&r, MSG_RESULT, others).as.result.attempt, 3);
    assert_int_equal(atomic_load(&opened), 1);
    assert_int_equal(others[MSG_PROGRESS], 0);
    assign.as.assign.serial = 4; /* it joins the same attempt again */
    assign.as.assign.epoch = 1;
    say(&r, &assign);
    hear(&r, MSG_RESULT, others);
    assert_int_equal(atomic_load(&opened), 2);
    atomic_store(&leader_ended, false);
    assign.as.assign.serial = 5; /* and again; its old result is not that of this time */
    assign.as.assign.epoch = 2;
    say(&r, &assign);
    ping.as.ping.trial_id = 7;
    ping.as.ping.attempt = 3;
    others[MSG_RESULT] = 0;
    say(&r, &ping);
    assert_int_equal(hear(&r, MSG_PONG, others).as.pong.trial_id, 7);
    assert_int_equal(others[MSG_RESULT], 0);
    atomic_store(&leader_ended, true);
    stop_and_finish(&r);
}

/* Its leader is gone, and sends no END. */
static void a_follower_leaves_on_cancel(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    struct message assign = member_of("5,1", 1, 40), cancel = {.tag = MSG_CANCEL};
    struct message next = assignment(8, 4);
    start(&r, 0);
    say(&r, &assign);
    cancel.as.cancel.trial_id = 7;
    cancel.as.cancel.attempt = 3;
    while (atomic_load(&opened) == 0)
        nap_ms(1);
    say(&r, &cancel);
    assert_int_equal(hear(&r, MSG_RESULT, others).as.result.result.outcome, OUTCOME_CANCELED);
    next.as.assign.serial = 2;
    say(&r, &next);
    assert_int_equal(hear(&r, MSG_RESULT, others).as.result.trial_id, 8);
    stop_and_finish(&r);
}

static void a_newer_assignment_frees_a_follower(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    struct message assign = member_of("5,1", 1, 40), next = assignment(8, 4);
    start(&r, 0);
    say(&r, &assign);
    while (atomic_load(&opened) == 0)
        nap_ms(1);
    next.as.assign.serial = 2;
    say(&r, &next);
    assert_int_equal(hear(&r, MSG_RESULT, others).as.result.trial_id, 7);
    assert_int_equal(hear(&r, MSG_RESULT, others).as.result.trial_id, 8);
    stop_and_finish(&r);
}

static void stop_frees_a_follower(void **state)
{
    (void)state;
    struct running r;
    struct message assign = member_of("5,1", 1, 40);
    start(&r, 0);
    say(&r, &assign);
    while (atomic_load(&opened) == 0)
        nap_ms(1);
    stop_and_finish(&r);
}

static void a_member_that_is_known_to_be_gone_ends_the_attempt(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    struct message assign = member_of("1,5", 1, 100000);
    start(&r, 0);
    say(&r, &assign);
    hear(&r, MSG_PROGRESS, others);
    atomic_store(&gone_rank, 4);
    hear(&r, MSG_PROGRESS, others);
    atomic_store(&gone_rank, 5);
    assert_int_equal(hear(&r, MSG_RESULT, others).as.result.result.outcome, OUTCOME_LOST);
    stop_and_finish(&r);
}

/* Waits until the leader trains with so many ranks. */
static void hear_ranks(struct running *r, uint32_t ranks)
{
    int others[16] = {0};
    struct message progress;
    do {
        progress = hear(r, MSG_PROGRESS, others);
        assert_true(progress.as.progress.ranks <= ranks);
    } while (progress.as.progress.ranks < ranks);
}

static void wait_for_groups(int count)
{
    for (int waited = 0; atomic_load(&opened) < count; waited++) {
        assert_true(waited < 10000);
        nap_ms(1);
    }
}

static void a_group_grows_when_the_new_members_are_ready(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    struct message assign = member_of("", 1, 100000), cancel = {.tag = MSG_CANCEL};
    const struct message offers[] = {
        larger_group("1,2", 2, 1),                                /* an old attempt's */
        larger_group("2,1", 3, 1),                                /* led by another */
        larger_group("1,2", 3, 1),     larger_group("1,3", 3, 2), /* instead of that */
        larger_group("1,4", 3, 1),                                /* older */
        larger_group("1,4,3,2", 3, 3), /* not with the present ones first */
        larger_group("1,3,4,5", 3, 4),
    };
    start(&r, 0);
    say(&r, &assign);
    hear_ranks(&r, 1);
    say(&r, &offers[0]);
    say(&r, &offers[1]);
    say(&r, &offers[2]);
    wait_for_groups(1);
    hear_ranks(&r, 1);
    say(&r, &offers[3]);
    wait_for_groups(2); /* the first one is closed: its new member never was ready */
    assert_int_equal(atomic_load(&closed), 1);
    say(&r, &offers[4]);
    atomic_store(&ready_epoch, 2);
    hear_ranks(&r, 2);
    atomic_store(&ready_epoch, 4);
    say(&r, &offers[5]);
    hear_ranks(&r, 2);
    say(&r, &offers[6]);
    hear_ranks(&r, 4);
    assert_int_equal(atomic_load(&opened), 3);
    cancel.as.cancel.trial_id = 7;
    cancel.as.cancel.attempt = 3;
    say(&r, &cancel);
    assert_int_equal(hear(&r, MSG_RESULT, others).as.result.result.outcome, OUTCOME_CANCELED);
    stop_and_finish(&r);
}

static void a_new_member_that_is_gone_does_not_end_the_attempt(void **state)
{
    (void)state;
    struct running r;
    struct message assign = member_of("1,2", 1, 100000), offer = larger_group("1,2,3,4", 3, 1);
    start(&r, 0);
    say(&r, &assign);
    hear_ranks(&r, 2);
    atomic_store(&gone_rank, 3);
    say(&r, &offer);
    wait_for_groups(2);
    hear_ranks(&r, 2);
    offer = larger_group("1,2,5,4", 3, 2);
    say(&r, &offer);
    atomic_store(&ready_epoch, 2);
    hear_ranks(&r, 4);
    stop_and_finish(&r);
}

/* A member that was taken in is gone: the coordinator names a smaller group, and the leader does
 * not wait until it learns of the death itself. */
static void a_group_that_shrank_is_given_up(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    struct message assign = member_of("1,2", 1, 100000), offer = larger_group("1,2,3,4", 3, 1);
    start(&r, 0);
    say(&r, &assign);
    hear_ranks(&r, 2);
    atomic_store(&ready_epoch, 1);
    say(&r, &offer);
    hear_ranks(&r, 4);
    offer = larger_group("1,2", 3, 2);
    say(&r, &offer);
    assert_int_equal(hear(&r, MSG_RESULT, others).as.result.result.outcome, OUTCOME_LOST);
    stop_and_finish(&r);
}

/* "Save and stop" while a step takes longer than a group is waited for. */
static void a_slow_step_ends_before_its_checkpoint(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    struct message assign = member_of("1,2", 1, 100000), cancel = {.tag = MSG_CANCEL};
    snprintf(assign.as.assign.place.checkpoint, sizeof(assign.as.assign.place.checkpoint), "own");
    start(&r, 0);
    say(&r, &assign);
    hear_ranks(&r, 2);
    atomic_store(&step_ms, 3000);
    nap_ms(20); /* now it is in a long step */
    cancel.as.cancel.trial_id = 7;
    cancel.as.cancel.attempt = 3;
    cancel.as.cancel.save = 1;
    say(&r, &cancel);
    assert_int_equal(hear(&r, MSG_RESULT, others).as.result.result.outcome, OUTCOME_CANCELED);
    assert_true(atomic_load(&saved));
    stop_and_finish(&r);
}

static void a_group_without_this_rank_fails(void **state)
{
    (void)state;
    struct running r;
    int others[16] = {0};
    static const char *const bad[] = {"2,3", "1,2,3", "1,9", "one"};
    start(&r, 0);
    for (int i = 0; i < 4; i++) {
        struct message assign = member_of(bad[i], (uint64_t)i + 1, 4);
        char text[128];
        assign.as.assign.epoch = (uint32_t)i;
        say(&r, &assign);
        struct message result = hear(&r, MSG_RESULT, others);
        snprintf(text, sizeof(text), "rank 1 cannot train in the group \"%s\"", bad[i]);
        assert_int_equal(result.as.result.result.outcome, OUTCOME_FAILED);
        assert_string_equal(result.as.result.result.message, text);
    }
    stop_and_finish(&r);
}

static void ten_thousand_messages_keep_their_order(void **state)
{
    (void)state;
    struct transport *a, *b;
    struct message message = {.tag = MSG_PONG};
    int peer;
    uint64_t next = 0;
    assert_int_equal(local_transport_create(&a, &b, 1, NULL), 0);
    for (uint64_t i = 0; i < 10000; i++) {
        message.as.pong.nonce = i;
        assert_int_equal(b->ops->send(b, 0, &message, NULL), 0);
        if (i % 3 == 0 && poll_one(a, &peer, &message))
            assert_int_equal(message.as.pong.nonce, next++);
    }
    while (poll_one(a, &peer, &message))
        assert_int_equal(message.as.pong.nonce, next++);
    assert_int_equal(next, 10000);
    assert_int_equal(a->ops->send(a, 2, &message, NULL), LR_EINVAL);
    a->ops->destroy(a, 0);
    b->ops->destroy(b, 0);
}

static void many_workers_have_ends_of_their_own(void **state)
{
    (void)state;
    struct transport *a, *b[3];
    struct message message = {.tag = MSG_PONG};
    int peer;
    assert_int_equal(local_transport_create(&a, b, 3, NULL), 0);
    assert_int_equal(a->size, 4);
    for (int rank = 3; rank > 0; rank--) {
        message.as.pong.nonce = (uint64_t)rank;
        assert_int_equal(b[rank - 1]->rank, rank);
        assert_int_equal(b[rank - 1]->ops->send(b[rank - 1], 0, &message, NULL), 0);
        assert_int_equal(a->ops->send(a, rank, &message, NULL), 0);
    }
    assert_int_equal(b[0]->ops->send(b[0], 2, &message, NULL), LR_EINVAL);
    assert_int_equal(a->ops->send(a, 0, &message, NULL), LR_EINVAL);
    assert_int_equal(a->ops->send(a, 4, &message, NULL), LR_EINVAL);
    for (int rank = 3; rank > 0; rank--) {
        assert_true(poll_one(a, &peer, &message));
        assert_int_equal(peer, rank);
        assert_int_equal(message.as.pong.nonce, rank);
    }
    b[1]->ops->destroy(b[1], 0);
    assert_false(a->ops->alive(a, 2, NULL));
    assert_true(a->ops->alive(a, 3, NULL));
    a->ops->destroy(a, 0);
    for (int i = 0; i < 3; i += 2) {
        assert_true(poll_one(b[i], &peer, &message)); /* what was sent comes first */
        assert_int_equal(message.as.pong.nonce, i + 1);
        assert_true(poll_one(b[i], &peer, &message));
        assert_true(peer == 0 && message.tag == MSG_STOP);
        assert_false(poll_one(b[i], &peer, &message));
        b[i]->ops->destroy(b[i], 0);
    }
    for (long fail = 0; fail < 5; fail++) {
        lr_memory_fail_after(fail);
        assert_int_equal(local_transport_create(&a, b, 3, NULL), LR_ENOMEM);
    }
    lr_memory_fail_after(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_workers_have_ends_of_their_own),
        cmocka_unit_test(a_trial_is_trained_and_reported),
        cmocka_unit_test(it_answers_pings_while_it_trains),
        cmocka_unit_test(hello_is_said_until_it_is_heard),
        cmocka_unit_test(only_the_named_attempt_is_canceled),
        cmocka_unit_test(a_silent_coordinator_is_left),
        cmocka_unit_test(a_coordinator_that_never_speaks_is_left),
        cmocka_unit_test(a_greeting_is_no_answer),
        cmocka_unit_test(the_end_of_the_transport_stops_it),
        cmocka_unit_test(a_worker_that_gave_up_is_not_alive),
        cmocka_unit_test(a_leader_reports_for_its_group),
        cmocka_unit_test(a_follower_says_only_that_it_left),
        cmocka_unit_test(a_follower_leaves_on_cancel),
        cmocka_unit_test(a_newer_assignment_frees_a_follower),
        cmocka_unit_test(stop_frees_a_follower),
        cmocka_unit_test(a_member_that_is_known_to_be_gone_ends_the_attempt),
        cmocka_unit_test(a_group_grows_when_the_new_members_are_ready),
        cmocka_unit_test(a_new_member_that_is_gone_does_not_end_the_attempt),
        cmocka_unit_test(a_group_that_shrank_is_given_up),
        cmocka_unit_test(a_slow_step_ends_before_its_checkpoint),
        cmocka_unit_test(a_group_without_this_rank_fails),
        cmocka_unit_test(ten_thousand_messages_keep_their_order),
    };
    lr_log_level_set(LR_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
