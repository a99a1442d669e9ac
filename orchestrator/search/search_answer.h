#ifndef LRSEARCH_SEARCH_ANSWER_H
#define LRSEARCH_SEARCH_ANSWER_H

#include "lrsearch/error.h"
#include "search/search_space.h"

/* Fits everything that `seen` supports: basins, law, hold-out, target; fills horizons, law,
 * target.lr, target.tokens, target.ci90, loss_penalty, ratios, status (identified or
 * not_identified), reason, warnings. Only what was seen at the best ratios enters the basins.
 * Leaves cost, width, vocab and embedding_lr alone. *answer need not be initialised. Works for any
 * number of observations, none too. Deterministic, in any order of `seen`. 0, LR_ENOMEM, or
 * LR_ECANCELED with an answer that is empty. */
int search_answer(struct answer *answer, const struct search_space *space,
                  const struct observation *seen, size_t count, struct lr_error *err);

/* The horizon's optimum is known within a factor 2, and bracketed. */
bool horizon_counts(const struct horizon_answer *horizon);

/* An interval wider than this factor each way spans four octaves: at a curvature of .012 nats per
 * octave^2 its ends cost .05, more than a careful guess would. Such an answer is refused. */
#define ACCEPT_WIDEST 4.0

#endif
