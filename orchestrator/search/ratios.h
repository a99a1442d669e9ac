#ifndef LRSEARCH_RATIOS_H
#define LRSEARCH_RATIOS_H

#include "search/policy.h"

/* The ratios of a search: where their search stands, from what was seen. */

struct ratios {
    double value[RATIO_COUNT]; /* the best so far */
    double lr;                 /* at which they were compared; NaN: no loss was seen yet */
};

bool ratios_are_searched(const struct search_space *space);

/* room: `count` observations. */
void ratios_settle(struct ratios *ratios, const struct search_space *space,
                   const struct observation *seen, size_t count, struct observation *room);
/* Copies what was seen at these ratios to `out` (room for `count`); returns its size. */
size_t ratios_filter(const double value[RATIO_COUNT], const struct observation *seen, size_t count,
                     struct observation *out);

/* Optimum, interval, doubts of each ratio into `answer`. LR_ENOMEM. */
int ratios_answer(struct answer *answer, const struct search_space *space,
                  const struct ratios *ratios, const struct observation *seen, size_t count,
                  struct observation *room);

#endif
