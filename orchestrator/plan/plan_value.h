#ifndef LRSEARCH_PLAN_VALUE_H
#define LRSEARCH_PLAN_VALUE_H

#include "plan/complaints.h"
#include "plan/plan.h"
#include "plan/schema.h"
#include "plan/yaml_tree.h"

/* A value of the tree, and where to store it in the plan. */
struct plan_value {
    struct plan *plan;
    const struct yaml_tree *tree;
    struct complaints *complaints;
    const struct plan_key *key;
    const char *path; /* for complaints: "search.lr" */
    const struct yaml_node *node;
};

/* Checks type and range and stores the value; false with a complaint. */
bool plan_value_read(const struct plan_value *value);
/* The same for an entry of a map (TYPE_MAP, TYPE_KEYS): `value` is the entry's, with the map's key
 * and path; it replaces the map's entry `name`, if there is one. `place`: of the name. */
bool plan_value_read_entry(const struct plan_value *value, const char *name, struct place place);

#endif
