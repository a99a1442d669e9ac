#ifndef LRSEARCH_ASK_TELL_H
#define LRSEARCH_ASK_TELL_H

#include "coordinator/coordinator.h"

/* A campaign whose trials are trained by whom its user chooses. Each call is a short coordinator:
 * it waits its turn for RUN_DIR's lock, replays the journal, appends its events and lets go again.
 * Any number of processes may call at once, on any host that sees RUN_DIR.
 *
 * Of *setup, `transport` and `loop` are not used. Campaign wall time is the time during which
 * trials are handed out. */

enum ask_state {
    ASK_OPEN,    /* trials are handed out, more may come */
    ASK_WAITING, /* nothing to hand out before further results are told */
    ASK_FINISHED
};
const char *ask_state_name(enum ask_state state);

struct ask_request {
    bool starts;          /* the user gave the plan: begin the campaign if there is none */
    uint32_t count;       /* trials to hand out at most, above 0 */
    bool lapses;          /* attempts that were handed out lapse_s ago and not told are lost, */
    double lapse_s;       /* and their trials are handed out again */
    uint64_t now_unix_ms; /* now */
};

struct asked_trial {
    struct trial trial;
    char checkpoint[TRIAL_PATH]; /* where it may save its state; "": none */
};

struct ask_reply {
    enum ask_state state;
    struct asked_trial *trials; /* handed out by this call */
    size_t count;
    size_t out;            /* trials that are handed out and not told, these included */
    struct answer *answer; /* of a campaign that has ended, in whichever way; NULL: it has not */
};

/* Hands out trials; they are durable in the journal before it returns. A campaign that ends, or has
 * ended, gets its files in RUN_DIR. LR_EFAILURES (too many failures): *reply has the answer so far.
 * LR_EIO: another process, which is named, holds RUN_DIR. Always ask_reply_release() *reply. */
int ask_trials(const struct coordinator_setup *setup, const struct ask_request *request,
               struct ask_reply *reply, struct lr_error *err);
void ask_reply_release(struct ask_reply *reply);

struct tell_request {
    uint32_t trial;
    uint32_t attempt;                 /* 0: the last one */
    struct trial_result result;       /* outcome DONE, DIVERGED or FAILED; tokens 0: the horizon */
    const struct event_curve *points; /* of its loss curve, ascending; tokens and train_loss */
    size_t point_count;
    uint64_t now_unix_ms;
};

struct tell_reply {
    bool known;            /* nothing was recorded: it is told already, or of no consequence */
    uint32_t attempt;      /* of which the result was taken */
    enum ask_state state;  /* OPEN or FINISHED */
    struct answer *answer; /* as in ask_reply */
    struct lr_error after; /* what failed after the result was recorded; a later call repeats it */
};

/* Takes the result of an attempt that was handed out. One that is recorded is taken again as
 * `known`. That of an attempt which is no longer waited for counts if no other attempt has ended
 * its trial. LR_EDATA, and nothing is recorded: the trial is unknown, was not handed out, or has
 * ended with another result; or tokens do not fit the horizon. A campaign that ends gets its files
 * in RUN_DIR. */
int tell_result(const struct coordinator_setup *setup, const struct tell_request *request,
                struct tell_reply *reply, struct lr_error *err);
void tell_reply_release(struct tell_reply *reply);

#endif
