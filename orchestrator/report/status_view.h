#ifndef LRSEARCH_STATUS_VIEW_H
#define LRSEARCH_STATUS_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include "campaign/campaign.h"
#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "report/basin_plot.h"

/* Where a campaign stands: plain values, filled from the campaign and from its journal's events,
 * which tell what the campaign does not keep: the last start of the program, its clock, and who
 * trains what since when. status_print.h shows them. Unknown numbers are NaN. */

#define STATUS_STATE_MAP(X)                                                                        \
    X(STATUS_PREPARING, "preparing") /* somebody is at it, and the journal is still empty */       \
    X(STATUS_RUNNING, "running")                                                                   \
    X(STATUS_INTERRUPTED, "interrupted") /* nobody is at it, and it is not finished */             \
    X(STATUS_FINISHED, "finished")

enum status_state {
#define X(name, text) name,
    STATUS_STATE_MAP(X)
#undef X
};
const char *status_state_name(enum status_state state);

struct status_counts {
    uint32_t done, diverged, failed, running, waiting;
};

/* Of the cell nearest to the target. */
struct status_horizon {
    uint64_t tokens;
    struct status_counts trials;
    double best_lr, best_loss; /* the lowest loss of a single training */
    double bracket[2];      /* LRs tried next to the best; NaN: it is the lowest or highest tried */
    double lr_opt, ci90[2]; /* as fitted */
};

struct status_worker {
    uint32_t rank;
    char host[64];                   /* "": it has not trained yet */
    uint32_t trial_id;               /* 0: none */
    double lr;                       /* of the trial */
    uint64_t tokens, horizon_tokens; /* by the trial's curve */
    double for_s; /* since its attempt began, by the campaign's clock, which beats every 15 s */
    bool lost;    /* its last attempt was lost, and it got no other since */
    char message[256]; /* of what was lost */
};

struct status_budget {
    const char *key; /* of the plan: "budget.tokens" */
    double used, limit;
};
#define STATUS_BUDGETS 5

struct status_began { /* a trial's last attempt */
    double clock_s;   /* of the session, when it began */
    uint64_t tokens;  /* of it that the session has counted */
};

/* The last start of the program; status_view.c's own. */
struct status_session {
    double clock_s;             /* by the journal */
    time_t utc;                 /* its beginning by its host's clock; 0: not known */
    uint64_t tokens;            /* trained in it */
    struct status_began *began; /* by trial id */
    size_t began_capacity;
};

struct status_view { /* zeroed: nothing is known */
    char name[64], run_dir[1024];
    enum status_state state;
    char owner_host[64], owner_since[32]; /* who holds the lock, or left it; "": nobody */
    uint64_t owner_pid;
    uint32_t sessions; /* starts so far */
    uint32_t round;
    struct status_counts trials;
    double wall_s; /* of all sessions */
    uint64_t trials_left, tokens_left;
    double seconds_left;                          /* by the tokens a second of this session */
    struct status_budget budgets[STATUS_BUDGETS]; /* those that are limited */
    size_t budget_count;
    struct status_horizon horizons[ANSWER_HORIZONS]; /* with trainings, ascending */
    size_t horizon_count;
    uint64_t plotted; /* horizon of `points`; 0: none */
    struct basin_point *points;
    size_t point_count, point_capacity;
    struct status_worker *workers; /* by rank, from 1 */
    size_t worker_count;
    struct answer answer;
    struct status_session session;
};

/* To be told of each event after it was applied. 0 or LR_ENOMEM. */
int status_view_event(struct status_view *view, const struct campaign *campaign,
                      const struct event *event, struct lr_error *err);
/* Fills the view, whose state is known; refit: there are other trials than at the last time. */
int status_view_fill(struct status_view *view, const struct campaign *campaign, bool refit,
                     struct lr_error *err);
/* As if no event had been told. */
void status_view_forget(struct status_view *view);
void status_view_release(struct status_view *view);

#endif
