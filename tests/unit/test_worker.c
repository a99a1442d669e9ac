/* A worker in a thread, over the local transport, with a trainer of this file. */
#include "cmocka_all.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include "lrsearch/log.h"
#include "net/peer.h"
#include "net/transports.h"
#include "trainers/trainer.h"
#include "worker.h"

static void nap_ms(long ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* Trains for spec->horizon_tokens steps of a millisecond; every fourth is a curve point. */
void trainer_run(const struct trial_spec *spec, struct train_files *files,
                 const struct train_hooks *hooks, struct trial_result *result)
{
    (void)files;
    memset(result, 0, sizeof(*result));
    for (uint64_t step = 1; step <= spec->horizon_tokens; step++) {
        struct train_step told = {step, 3.0, 0.001 * (double)step, step % 4 == 0};
        nap_ms(1);
        if (hooks->step(hooks->context, &told)) {
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
    r->rc = worker_run(r->its, NULL, &hello, r->lease_ms, &r->err);
    r->its->ops->destroy(r->its, 0);
    return NULL;
}

static void start(struct running *r, uint64_t lease_ms)
{
    memset(r, 0, sizeof(*r));
    r->lease_ms = lease_ms;
    assert_int_equal(local_transport_create(&r->mine, &r->its, NULL), 0);
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

static void ten_thousand_messages_keep_their_order(void **state)
{
    (void)state;
    struct transport *a, *b;
    struct message message = {.tag = MSG_PONG};
    int peer;
    uint64_t next = 0;
    assert_int_equal(local_transport_create(&a, &b, NULL), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_is_trained_and_reported),
        cmocka_unit_test(it_answers_pings_while_it_trains),
        cmocka_unit_test(hello_is_said_until_it_is_heard),
        cmocka_unit_test(only_the_named_attempt_is_canceled),
        cmocka_unit_test(a_silent_coordinator_is_left),
        cmocka_unit_test(a_coordinator_that_never_speaks_is_left),
        cmocka_unit_test(a_greeting_is_no_answer),
        cmocka_unit_test(the_end_of_the_transport_stops_it),
        cmocka_unit_test(a_worker_that_gave_up_is_not_alive),
        cmocka_unit_test(ten_thousand_messages_keep_their_order),
    };
    lr_log_level_set(LR_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
