#ifndef LRSEARCH_PLAN_VALUE_H
#define LRSEARCH_PLAN_VALUE_H

#include "plan/complaints.h"
#include "plan/plan.h"
#include "plan/schema.h"
#include "plan/yaml_tree.h"

/* One value on its way from the tree into the plan. */
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
/* The same for one entry of a map (TYPE_MAP) of which `value` is the value; takes the place of what
 * the map has under `name`. `place`: of the name. */
bool plan_value_read_entry(const struct plan_value *value, const char *name, struct place place);

#endif
