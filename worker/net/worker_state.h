#ifndef LRSEARCH_WORKER_STATE_H
#define LRSEARCH_WORKER_STATE_H

#include <stdbool.h>
#include "lrsearch/transport.h"
#include "trainers/transformer/wsd_prefix.h"

/* The inside of a worker: what its message handlers share. */
struct worker_loop {
    struct transport *transport;
    struct lr_error *err;
    uint64_t lease_ms;                 /* 0: none */
    uint64_t heard_ms;                 /* the coordinator, or the start */
    bool heard;                        /* it has said something */
    bool campaign_runs;                /* the coordinator has answered HELLO */
    uint64_t hello_ms, hello_pause_ms; /* when HELLO was last said, and until it is said again */
    uint64_t checked_ms;
    struct msg_hello coordinator; /* as its PINGs say; pid 0 before the first */
    bool stopping;                /* STOP came, or the transport failed (failed != 0) */
    int failed;
    uint64_t serial; /* the highest of the assignments seen */
    bool assigned;   /* `next` waits to be trained */
    struct msg_assign next;
    bool training;
    struct msg_assign current; /* while training */
    bool canceled, save;       /* what the training is to do at its next step */
    bool finished;             /* `result` is the last one; it may have been lost on its way */
    struct message result;
    uint64_t progress_ms, saved_ms; /* when the last PROGRESS left, the last checkpoint was begun */
};

uint64_t worker_now_ms(void);
/* Takes every message that is there; 1 when there was any. Sets stopping and failed. */
int worker_poll(struct worker_loop *loop);
int worker_send(struct worker_loop *loop, const struct message *message);
/* Whether the last result is that of this attempt; then it is sent once more. */
bool worker_repeat_result(struct worker_loop *loop, uint32_t trial_id, uint32_t attempt);
/* The RESULT of an assignment that was not trained. */
void worker_refuse(struct worker_loop *loop, const struct msg_assign *assign, const char *why);

/* One incoming message each (on_assign.c, ...). */
void worker_on_assign(struct worker_loop *loop, const struct msg_assign *assign);
void worker_on_cancel(struct worker_loop *loop, const struct msg_cancel *cancel);
void worker_on_ping(struct worker_loop *loop, const struct msg_ping *ping);
void worker_on_stop(struct worker_loop *loop);

/* The trainer's step hook (progress.c): context is the worker_loop. */
int worker_progress(void *context, const struct train_step *step);

#endif
