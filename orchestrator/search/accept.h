#ifndef LRSEARCH_ACCEPT_H
#define LRSEARCH_ACCEPT_H

#include "search/observations.h"

/* An interval wider than this factor each way spans four octaves: at a curvature of .012 nats per
 * octave^2 its ends cost .05, more than a careful guess would. It is no answer. */
#define ACCEPT_WIDEST 4.0

/* Its optimum is known within a factor 2, and bracketed. */
bool horizon_counts(const struct horizon_answer *horizon);

/* Decides whether the data identify the target's optimum (status), and says why not in plain words
 * (reason). horizons, law and target are filled. 0 or LR_ENOMEM. */
int accept_decide(struct answer *answer, const struct observations *obs);

/* Adds every doubt that can be known from the numbers. */
void warnings_add(struct answer *answer, const struct observations *obs);
/* Of them: that the law over tokens does not fall, as published ones do. */
void warnings_direction(struct answer *answer);

#endif
