#ifndef TESTS_SCHED_CASE_H
#define TESTS_SCHED_CASE_H

#include "cmocka_all.h"
#include <string.h>
#include "lrsearch/log.h"
#include "lrsearch/version.h"
#include "sched/sched.h"

/* A scheduler with a transport that keeps what is sent, and an owner that keeps what it is told. */

#ifndef RANKS
#define RANKS 4
#endif

enum { SENT = 4096 };

struct fake {
    struct transport transport;
    struct message sent[SENT];
    int to[SENT], count;
    bool dead[RANKS];
    int forgotten;
};

static inline int fake_send(struct transport *transport, int peer, const struct message *message,
                            struct lr_error *err)
{
    struct fake *fake = (struct fake *)transport;
    (void)err;
    assert_true(fake->count < SENT);
    fake->to[fake->count] = peer;
    fake->sent[fake->count++] = *message;
    return 0;
}

static inline bool fake_alive(struct transport *transport, int peer, const struct msg_hello *hello)
{
    assert_true(!hello || hello->pid == (uint64_t)peer);
    return !((struct fake *)transport)->dead[peer];
}

static inline void fake_forget(struct transport *transport, int peer)
{
    (void)peer;
    ((struct fake *)transport)->forgotten++;
}

static const struct transport_ops fake_ops = {
    .send = fake_send, .alive = fake_alive, .forget = fake_forget};

/* What the owner was told. */
struct told {
    int started, grown, ended, progress;
    uint32_t id, attempt, ranks;
    int rank;
    struct sched_use use;
    int quiet, heard, gone, news_rank;
    struct trial_result result;
};

static inline int on_describe(void *context, uint32_t id, uint32_t attempt, struct msg_assign *job,
                              struct lr_error *err)
{
    (void)context;
    (void)attempt;
    (void)err;
    job->spec.lr = id;
    return 0;
}

static inline int on_started(void *context, uint32_t id, uint32_t attempt,
                             const struct group_members *members, const struct msg_hello *hello,
                             struct lr_error *err)
{
    struct told *told = context;
    (void)hello;
    (void)err;
    told->started++;
    told->id = id;
    told->attempt = attempt;
    told->rank = members->ranks[0];
    told->ranks = (uint32_t)members->size;
    return 0;
}

static inline int on_grown(void *context, uint32_t id, uint32_t attempt,
                           const struct group_members *members, struct lr_error *err)
{
    struct told *told = context;
    (void)id;
    (void)attempt;
    (void)err;
    told->grown++;
    told->ranks = (uint32_t)members->size;
    return 0;
}

static inline int on_progress(void *context, const struct msg_progress *progress, int rank,
                              struct lr_error *err)
{
    (void)err;
    (void)progress;
    (void)rank;
    ((struct told *)context)->progress++;
    return 0;
}

static inline int on_ended(void *context, uint32_t id, uint32_t attempt,
                           const struct trial_result *result, const struct sched_use *use,
                           struct lr_error *err)
{
    (void)err;
    struct told *told = context;
    told->use = *use;
    told->ended++;
    told->id = id;
    told->attempt = attempt;
    told->result = *result;
    return 0;
}

static inline int on_news(void *context, int rank, const struct msg_hello *hello,
                          enum sched_news news, const char *why, struct lr_error *err)
{
    struct told *told = context;
    (void)hello;
    (void)why;
    (void)err;
    told->quiet += news == WORKER_QUIET;
    told->heard += news == WORKER_HEARD;
    told->gone += news == WORKER_GONE;
    told->news_rank = rank;
    return 0;
}

static struct fake fake;
static struct told told;
static struct sched *sched;
static const struct sched_owner owner = {&told,       on_describe, on_started, on_grown,
                                         on_progress, on_ended,    on_news};

static inline int set_up(void **state)
{
    (void)state;
    struct sched_limits limits = {.silence_ms = 60000, .trial_time_ms = 300000};
    struct msg_hello self = {.pid = 99};
    memset(&fake, 0, sizeof(fake));
    memset(&told, 0, sizeof(told));
    fake.transport = (struct transport){&fake_ops, 0, RANKS};
    lr_log_level_set(LR_LOG_ERROR);
    return sched_create(&sched, &fake.transport, &self, &limits, &owner, 1000, NULL);
}

static inline int tear_down(void **state)
{
    (void)state;
    sched_destroy(sched);
    return 0;
}

static inline void hello_from(int rank, const char *host, const char *version, uint64_t now_ms)
{
    struct message message = {.tag = MSG_HELLO};
    message.as.hello.protocol = MESSAGE_PROTOCOL;
    message.as.hello.pid = (uint64_t)rank;
    strcpy(message.as.hello.host, host);
    strcpy(message.as.hello.version, version);
    assert_int_equal(sched_message(sched, rank, &message, now_ms, NULL), 0);
}

static inline void hello(int rank, const char *version, uint64_t now_ms)
{
    hello_from(rank, "node7", version, now_ms);
}

/* The worker trains this attempt (0: nothing), as an answer to the last PING. */
static inline void pong(int rank, uint32_t id, uint32_t attempt, uint64_t now_ms)
{
    struct message message = {.tag = MSG_PONG};
    for (int i = 0; i < fake.count; i++)
        if (fake.sent[i].tag == MSG_PING && fake.to[i] == rank)
            message.as.pong.nonce = fake.sent[i].as.ping.nonce;
    message.as.pong.trial_id = id;
    message.as.pong.attempt = attempt;
    assert_int_equal(sched_message(sched, rank, &message, now_ms, NULL), 0);
}

static inline void ended(int rank, uint32_t id, uint32_t attempt, enum outcome outcome,
                         uint64_t now_ms)
{
    struct message message = {.tag = MSG_RESULT};
    message.as.result.result.outcome = outcome;
    message.as.result.trial_id = id;
    message.as.result.attempt = attempt;
    message.as.result.result.val_loss = 2.5;
    assert_int_equal(sched_message(sched, rank, &message, now_ms, NULL), 0);
}

static inline void result(int rank, uint32_t id, uint32_t attempt, uint64_t now_ms)
{
    ended(rank, id, attempt, OUTCOME_DONE, now_ms);
}

static inline void enqueue(uint32_t id, uint32_t attempt)
{
    struct sched_job job = {.id = id, .attempt = attempt};
    assert_int_equal(sched_enqueue(sched, &job, NULL), 0);
}

static inline void tick(uint64_t now_ms)
{
    assert_int_equal(sched_tick(sched, now_ms, NULL), 0);
}

static inline int sent(enum message_tag tag, int rank)
{
    int count = 0;
    for (int i = 0; i < fake.count; i++)
        count += fake.sent[i].tag == tag && fake.to[i] == rank;
    return count;
}

/* The last message of this kind to this rank; the test fails without one. */
static inline const struct message *last(enum message_tag tag, int rank)
{
    for (int i = fake.count - 1; i >= 0; i--)
        if (fake.sent[i].tag == tag && fake.to[i] == rank)
            return &fake.sent[i];
    fail_msg("no such message was sent to rank %d", rank);
    return NULL;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
