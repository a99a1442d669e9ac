#ifndef LRSEARCH_FORECAST_H
#define LRSEARCH_FORECAST_H

#include <stdbool.h>
#include <stdint.h>
#include "lrsearch/error.h"
#include "lrsearch/stage.h"
#include "plan/plan.h"

/* Simulates a plan's campaign several times: the plan's own search on synthetic loss surfaces
 * (trainers/simulate/loss_surface.h) whose parameters are drawn from the range that published
 * sweeps show. Nothing is trained. */

#define FORECAST_CAMPAIGNS 20
#define FORECAST_ROUNDS 64

/* Seconds that a trial of a cell takes; 0: not known. */
struct forecast_clock {
    double (*seconds)(const void *context, uint32_t cell, uint64_t tokens);
    const void *context;
    uint32_t workers;
};

struct forecast_point {                            /* a campaign after one of its rounds */
    double trials, tokens, flops, seconds, wall_s; /* so far; seconds: sum over the trials */
    double factor;                                 /* larger of high / LR and LR / low of the
                                                      answer's 90 % interval; infinite: no interval
                                                      yet */
    bool identified;
};

struct forecast_course {
    struct forecast_point points[FORECAST_ROUNDS];
    size_t count;
};

struct forecast {
    struct forecast_course courses[FORECAST_CAMPAIGNS];
    size_t count; /* fewer for large plans, whose search takes longer */
};

/* Deterministic: the surfaces follow from the plan's seed. 0 or an error of the search. */
int forecast_run(struct forecast *out, const struct plan *plan, const struct forecast_clock *clock,
                 const struct stage_report *stages, struct lr_error *err);

/* Quantile `share` over the campaigns of a member (offsetof) of their last points. */
double forecast_quantile(const struct forecast *forecast, size_t member, double share);

/* After `tokens` tokens: the median of the factors (infinite: half of the campaigns have no
 * interval), and the share of campaigns with an identified answer. */
struct forecast_answer {
    double factor, identified;
    bool begun; /* some campaign has finished a round */
};
struct forecast_answer forecast_after(const struct forecast *forecast, double tokens);

#endif
