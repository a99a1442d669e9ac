#ifndef LRSEARCH_LOSS_CURVES_H
#define LRSEARCH_LOSS_CURVES_H

#include <stddef.h>
#include <stdint.h>
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* What a report draws of the posterior: the loss over the LR of each basin and of the target, LR*
 * over the tokens, and the loss over LR and ratio. Plain numbers, all of them finite; what is not
 * known has no entry. Deterministic.
 *
 * A band reaches from the 5 % to the 95 % quantile of the posterior: low <= loss <= high and low <=
 * lr <= high. Losses are nats, without the noise of a trial; LRs those of the hidden matrices at
 * base_width, log-spaced and ascending. "Ratios at their best": the searched LRs of embedding,
 * output and vectors and the weight decay are the best ones for each LR, whether they were searched
 * that far or not. Divergence is not part of a curve: the model's loss goes on beyond it. */

#define CURVE_LRS 49
#define LAW_POINTS 33
#define CONTOUR_LRS 33
#define CONTOUR_VALUES 25

struct loss_curve {
    double lr[CURVE_LRS];
    double loss[CURVE_LRS]; /* posterior mean */
    double low[CURVE_LRS], high[CURVE_LRS];
};

/* A cell and horizon with losses at two points at least; the LRs are the same at all horizons of a
 * cell: from the lowest to the highest that gave a loss there, half an octave wider each way. */
struct basin_curve {
    uint32_t cell; /* 0 in a campaign without axes */
    uint64_t tokens;
    struct loss_curve curve; /* ratios at their best */
};

/* LR* of a cell over the tokens, log-spaced from the shortest horizon to the longest or, if it is
 * longer, the target: the law, with a band for the optimum of one length, which misses the law. At
 * the target's tokens the band is about the cell's 90 % interval. */
struct law_line {
    uint32_t cell;
    double beta; /* mean, as in the answer: LR* ~ tokens^-beta */
    double tokens[LAW_POINTS], lr[LAW_POINTS], low[LAW_POINTS], high[LAW_POINTS];
};

/* Posterior mean loss of a cell at its longest horizon with losses at two points at least, over LR
 * and one searched ratio (or the weight decay, as in the plan); the other ratios at their best. The
 * values are those that gave a loss in the cell, half an octave wider each way. */
struct loss_contour {
    uint32_t cell;
    uint64_t tokens;
    enum answer_ratio ratio;
    double lr[CONTOUR_LRS], value[CONTOUR_VALUES];
    double loss[CONTOUR_VALUES][CONTOUR_LRS];
    struct { /* may lie beyond the grid */
        double lr, value, lr_ci90[2], value_ci90[2];
    } optimum;
};

struct target_samples; /* private */

struct loss_curves {
    struct basin_curve *basins; /* by cell, then tokens */
    size_t basin_count;
    struct law_line *laws; /* by cell; none if horizons and target have the same length */
    size_t law_count;
    struct loss_contour *contours; /* by cell, then ratio */
    size_t contour_count;
    /* Nats above the target's own optimum, whose level is not predicted. The LRs span those of the
     * nearest cell's basins and the target's 90 % interval, an octave wider each way. A ratio whose
     * best value lies beyond the range that was searched is held at the end of the range
     * (ratio_answer.beyond), so that the least lies near the answer's LR; the others are at their
     * best. */
    struct loss_curve target;
    struct target_samples *samples;
};

struct posterior;
/* *out is NULL if no basin has losses at two points, and after LR_ENOMEM. The curves do not refer
 * to the posterior. The caller destroys them. */
int loss_curves_create(struct loss_curves **out, const struct posterior *posterior,
                       struct lr_error *err);
/* Recomputes curves->target for a target whose LR is the search's times 2^octaves. `reach`: half
 * the 90 % interval of this factor, octaves. */
void loss_curves_transfer(struct loss_curves *curves, double octaves, double reach);
void loss_curves_destroy(struct loss_curves *curves); /* takes NULL */

#endif
