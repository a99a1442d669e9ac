#ifndef TESTS_CAMPAIGN_DRIVER_H
#define TESTS_CAMPAIGN_DRIVER_H

#include "campaign/campaign_answer.h"
#include "campaign/campaign_apply.h"
#include "campaign/campaign_budget.h"
#include "campaign/campaign_next.h"

/* A campaign in a small world: plan_trial(), policy and statistics are fakes, so that every number
 * can be told in advance, and a driver trains the trials by a formula. What the driver does follows
 * from the campaign's state alone, so that a replay of any part of a journal must go on exactly as
 * the first run did. Everything asserts; nothing returns what was not expected. */

extern int fake_policy_mode; /* 1: the policy asks twice for the same; 2: it fails; 3: a wrong LR */

struct driver {
    struct campaign *campaign;
    struct next_events next;
    struct event *log; /* the journal */
    size_t count;
    uint32_t fail_trial, fail_times; /* this trial fails so often */
    double clock_s;                  /* the clock goes on by so much with each attempt that ends */
    double octaves_off; /* a confirmation's best LR lies so far above the search's, 2e-3 */
};

/* policy `design`, which may be asked while trials run: ten LRs at the shortest horizon. `grid`:
 * two rounds: six trials at the shortest horizon, four around the best. Width 64, target 128. */
struct plan test_plan(void);
void driver_init(struct driver *driver, const struct plan *plan);
void driver_release(struct driver *driver);
/* Applies an event and keeps it in the log when it was accepted; or must have it accepted. */
int driver_record(struct driver *driver, const struct event *event, struct lr_error *err);
void driver_must(struct driver *driver, const struct event *event);
void driver_begin(struct driver *driver); /* campaign and session events */
/* Does one thing that the state calls for. 1: done something; 0: the end; negative: error. */
int driver_step(struct driver *driver, struct lr_error *err);
void driver_run(struct driver *driver); /* until it is finished */
void driver_replay(struct driver *driver, const struct event *log, size_t count);
void driver_answer(const struct driver *driver, struct answer *answer);
void assert_same_log(const struct driver *left, const struct driver *right);

struct event opening_event(void);
struct event session_event(uint32_t ranks);
struct event started_event(uint32_t id, uint32_t attempt);
struct event curve_event(uint32_t id, uint32_t attempt, uint64_t tokens);
struct event ended_event(uint32_t id, uint32_t attempt, enum outcome outcome, double loss);

#endif
