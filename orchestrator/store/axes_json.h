#ifndef LRSEARCH_AXES_JSON_H
#define LRSEARCH_AXES_JSON_H

#include "lrsearch/answer.h"
#include "store/json_value.h"

/* The keys of result.json for what campaigns with axes find: cells, basins, exponents, joint,
 * transfer, confirm, verdicts. They are always there, empty or null without axes. */
void axes_json_put_target(json_t *target, const struct answer *answer, bool *ok); /* more of it */
void axes_json_put(json_t *root, const struct answer *answer, bool *ok);

#endif
