#ifndef LRSEARCH_RATIOS_H
#define LRSEARCH_RATIOS_H

#include "search/policy.h"

/* Coordinate-wise search for LR ratios in a space without cells. At the shortest horizon: first the
 * LR, with the ratios in the middle of their ranges, then each ratio in turn at the best LR. Then
 * the policy's full search at the best ratios. */

struct ratios {
    double value[RATIO_COUNT]; /* the best so far */
    double lr;                 /* at which the ratios were compared; NaN: no loss yet */
};

bool ratios_are_searched(const struct search_space *space);

/* search_next() and search_forecast() of a space without cells, with or without searched ratios. */
int ratios_next(const struct policy *policy, const struct search_space *space,
                const struct observation *seen, size_t count, struct proposal *round);
int ratios_forecast(const struct policy *policy, const struct search_space *space,
                    struct forecast_stage *stages, size_t capacity);

/* Fills *ratios with the best LR and ratios so far. room: scratch for `count` observations. 0 or
 * LR_ENOMEM. */
int ratios_settle(struct ratios *ratios, const struct search_space *space,
                  const struct observation *seen, size_t count, struct observation *room);
/* Copies the observations at exactly these ratios to `out` (room for `count`); returns their
 * number. */
size_t ratios_filter(const double value[RATIO_COUNT], const struct observation *seen, size_t count,
                     struct observation *out);

/* Fills answer->ratios and adds their warnings. 0 or LR_ENOMEM. */
int ratios_answer(struct answer *answer, const struct search_space *space,
                  const struct ratios *ratios, const struct observation *seen, size_t count,
                  struct observation *room);

#endif
