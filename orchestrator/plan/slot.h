#ifndef LRSEARCH_SLOT_H
#define LRSEARCH_SLOT_H

#include "plan/complaints.h"
#include "plan/plan.h"
#include "plan/schema.h"
#include "plan/yaml_tree.h"

/* One value on its way from the tree into the plan. */
struct slot {
    struct plan *plan;
    const struct yaml_tree *tree;
    struct complaints *complaints;
    const struct plan_key *key;
    const char *path; /* for complaints: "search.lr" */
    const struct yaml_node *node;
};

/* Checks type and range and stores the value; false with a complaint. */
bool slot_read(const struct slot *slot);

#endif
