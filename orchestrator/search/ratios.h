#ifndef LRSEARCH_RATIOS_H
#define LRSEARCH_RATIOS_H

#include "search/policy.h"

/* Searches for LR ratios in a space without cells, by coordinates: at the shortest horizon first
 * the LR at ratios in the middle of their ranges, then one ratio after the other at the best LR;
 * then the policy's whole search at the best ratios. */

struct ratios {
    double value[RATIO_COUNT]; /* the best so far */
    double lr;                 /* at which they were compared; NaN: no loss was seen yet */
};

bool ratios_are_searched(const struct search_space *space);

/* search_next() and search_forecast() of a space without cells, whether ratios are searched
 * or not. */
int ratios_next(const struct policy *policy, const struct search_space *space,
                const struct observation *seen, size_t count, struct proposal *round);
int ratios_forecast(const struct policy *policy, const struct search_space *space,
                    struct forecast_stage *stages, size_t capacity);

/* Where the search for ratios stands. room: `count` observations. 0 or LR_ENOMEM. */
int ratios_settle(struct ratios *ratios, const struct search_space *space,
                  const struct observation *seen, size_t count, struct observation *room);
/* Copies what was seen at these ratios to `out` (room for `count`); returns its size. */
size_t ratios_filter(const double value[RATIO_COUNT], const struct observation *seen, size_t count,
                     struct observation *out);

/* Optimum, interval, warnings of each ratio into `answer`. LR_ENOMEM. */
int ratios_answer(struct answer *answer, const struct search_space *space,
                  const struct ratios *ratios, const struct observation *seen, size_t count,
                  struct observation *room);

#endif
