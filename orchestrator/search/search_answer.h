#ifndef LRSEARCH_SEARCH_ANSWER_H
#define LRSEARCH_SEARCH_ANSWER_H

#include "lrsearch/error.h"
#include "search/loss_curves.h"
#include "search/search_space.h"

/* Fits everything that `seen` supports: basins, law, hold-out, target; fills horizons, law,
 * target.lr, target.tokens, target.ci90, loss_penalty, ratios, status (identified or
 * not_identified), reason, warnings; with cells also cells, basins, exponents, joint, verdicts.
 * Zeroes cost, width and vocab and sets embedding_lr to NaN, for the caller to fill. *answer need
 * not be initialised. Works for any number of observations, including none. Deterministic, for any
 * order of `seen`. 0; LR_ENOMEM; LR_EINVAL without a horizon, *answer untouched; LR_ECANCELED with
 * an empty answer. */
int search_answer(struct answer *answer, const struct search_space *space,
                  const struct observation *seen, size_t count, struct lr_error *err);

/* As search_answer(); *curves: what a report draws of the same posterior (search/loss_curves.h),
 * NULL if no loss is known or after an error. loss_curves_destroy() it. */
int search_answer_curves(struct answer *answer, struct loss_curves **curves,
                         const struct search_space *space, const struct observation *seen,
                         size_t count, struct lr_error *err);

/* True if the horizon's optimum is not at the edge and its standard error is at most a factor 2. */
bool horizon_counts(const struct horizon_answer *horizon);

/* An answer whose 90 % interval reaches further than this factor each way (four octaves in all) is
 * refused: at a curvature of .012 nats per octave^2 its ends cost .05 nats, more than a careful
 * guess. */
#define ACCEPT_WIDEST 4.0

#endif
