#ifndef LRSEARCH_PLAN_LATER_H
#define LRSEARCH_PLAN_LATER_H

#include <jansson.h>
#include <stdbool.h>

/* Adds to the resolved plan of an earlier version the keys that came after it, with what its
 * trainings had. A plan of this version stays as it is. false: no memory. */
bool plan_add_later(json_t *root);

#endif
