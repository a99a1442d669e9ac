#ifndef LRSEARCH_RATIO_EDGES_H
#define LRSEARCH_RATIO_EDGES_H

#include "search/posterior.h"

/* Ratios (and the weight decay, counted among them) whose best value at the target lies beyond the
 * range that was searched. Losses from one side only tell that it lies beyond, not where: such a
 * ratio is held at the end of its range, and the LR is the best one with that value. */
struct ratio_edges {
    bool any;
    bool held[SEARCH_COORDINATES]; /* coordinate k of the posterior; never 0, the LR */
    double value[SEARCH_COORDINATES], at[SEARCH_COORDINATES]; /* where held: the end of its range,
                                                                and log2 of it */
};

/* A ratio of a target that is none of the cells may lie beyond by the law over an axis, which is
 * measured: it is held only if that of the nearest cell lies beyond too. */
struct ratio_edges ratio_edges_of(const struct posterior *posterior);

/* posterior_optimum_spread() of the target with the held ratios where they are held; the same bits
 * if none is. ci90 of a held one reaches from inside the range to beyond it: where is not known, so
 * that this end is NaN. */
struct spread ratio_edges_spread(const struct posterior *posterior, const struct ratio_edges *edges,
                                 int k);

/* log2 of a sample's best LR with the held ratios. */
double ratio_edges_best_lr(const struct posterior *posterior, const struct ratio_edges *edges,
                           const struct optimum_sample *sample);

/* Octaves that holding moves the target's best LR. */
struct spread ratio_edges_move(const struct posterior *posterior, const struct ratio_edges *edges);

#endif
