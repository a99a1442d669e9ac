#ifndef LRSEARCH_STATUS_H
#define LRSEARCH_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "lrsearch/answer.h"
#include "lrsearch/error.h"
#include "report/basin_plot.h"

/* State of a campaign as plain values, shown as text or JSON. Unknown numbers are NaN. */

#define STATUS_STATE_MAP(X)                                                                        \
    X(STATUS_PREPARING, "preparing") /* a process has begun, the journal is still empty */         \
    X(STATUS_RUNNING, "running")                                                                   \
    X(STATUS_INTERRUPTED, "interrupted") /* no process is at work, and it is not finished */       \
    X(STATUS_ASKED, "asked") /* the same, but its trials are handed out by lrsearch ask */         \
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

/* A horizon of the cell nearest to the target. */
struct status_horizon {
    uint64_t tokens;
    struct status_counts trials;
    double best_lr, best_loss; /* the lowest loss of a single trial */
    double bracket[2];      /* LRs tried next to the best; NaN: it is the lowest or highest tried */
    double lr_opt, ci90[2]; /* as fitted */
};

struct status_worker {
    uint32_t rank;
    char host[64];                   /* "": it has had no trial yet */
    uint32_t trial_id;               /* 0: none */
    uint32_t leader;                 /* of the group that trains it; its own rank: it leads */
    uint32_t ranks;                  /* of this group, 1: it trains alone */
    double lr;                       /* of the trial */
    uint64_t tokens, horizon_tokens; /* tokens: at the last point of its curve */
    double for_s;     /* seconds since its attempt began, by the campaign's 15 s clock */
    bool silent;      /* it does not answer; it may come back */
    bool lost;        /* it is gone for good */
    char message[64]; /* silent or lost: why */
};

struct status_budget {
    const char *key; /* key of the plan: "budget.tokens" */
    double used, limit;
};
#define STATUS_BUDGETS 6

struct status_view { /* zeroed: nothing is known */
    char name[64], run_dir[1024];
    enum status_state state;
    char owner_host[64], owner_since[32]; /* process that holds the lock or left it; "": none */
    uint64_t owner_pid;
    uint32_t sessions; /* starts so far */
    uint32_t round;
    struct status_counts trials;
    double wall_s; /* of all sessions */
    uint64_t trials_left, tokens_left;
    double seconds_left;                          /* at this session's tokens per second */
    struct status_budget budgets[STATUS_BUDGETS]; /* those that are limited */
    size_t budget_count;
    struct status_horizon horizons[ANSWER_HORIZONS]; /* with trials, ascending */
    size_t horizon_count;
    uint64_t plotted; /* horizon of `points`; 0: none */
    struct basin_point *points;
    size_t point_count, point_capacity;
    struct status_worker *workers; /* by rank, from 1 */
    size_t worker_count;
    struct answer answer;
};

#define STATUS_LEAST 40

struct status_layout {
    size_t columns;     /* of a line, STATUS_LEAST or more; 0: 80 */
    size_t plot_rows;   /* 0: no plot */
    size_t worker_rows; /* lines of workers; further ones are only counted */
    bool brief;         /* for a small screen: no explanations, no table of cells */
    bool unicode;
};

/* Prints the view as plain text. */
void status_print_text(FILE *out, const struct status_view *view,
                       const struct status_layout *layout);

/* Prints the view as one JSON value on stdout (docs/results.md describes it); its answer is the
 * value that result.json would have now. 0 or LR_ENOMEM. */
int status_print_json(const struct status_view *view, struct lr_error *err);

#endif
