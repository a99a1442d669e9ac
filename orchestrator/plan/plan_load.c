/* From a file to a checked plan: reads the bytes, the overrides and the tree, fills the plan by the
 * schema, checks the rules, and reports all errors at once. */
#include "plan/plan_load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "plan/check_plan.h"
#include "plan/plan_reader.h"

void plan_errors_release(struct plan_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        lr_free(errors->lines[i]);
    lr_free(errors->lines);
    memset(errors, 0, sizeof(*errors));
}

/* Reads one byte more than a plan may have, so that yaml_tree_parse() can refuse a file that is too
 * large. NULL with a complaint or no_memory. */
static char *read_file(const char *path, size_t *size, struct complaints *complaints)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    if (!file) {
        complain(complaints, (struct place){0, 0, 0}, "", "cannot open the plan: %s",
                 strerror(errno));
        return NULL;
    }
    bytes = lr_malloc(YAML_TREE_BYTES + 1);
    if (!bytes) {
        complaints->no_memory = true;
    } else {
        *size = fread(bytes, 1, YAML_TREE_BYTES + 1, file);
        if (ferror(file)) {
            complain(complaints, (struct place){0, 0, 0}, "", "cannot read the plan: %s",
                     strerror(errno));
            lr_free(bytes);
            bytes = NULL;
        }
    }
    fclose(file);
    return bytes;
}

static bool is_map(struct plan_reader *reader, uint32_t root)
{
    struct complaints *complaints = &reader->complaints;
    const struct yaml_node *node = root == YAML_TREE_NONE ? NULL : &reader->tree.nodes[root];
    if (node && node->kind == YAML_MAP)
        return true;
    if (!node || yaml_tree_is_null(&reader->tree, node))
        complain(complaints, (struct place){0, 1, 1}, "",
                 "the plan is empty; plans/quickstart.yaml is one to start from");
    else
        complain(complaints, node->place, "", "a plan is keys and values, found %s",
                 node->kind == YAML_LIST ? "a list" : "plain text");
    return false;
}

static void read_and_check(struct plan_reader *reader, const char *path, const char *const *sets,
                           size_t set_count)
{
    size_t size = 0;
    char *bytes = read_file(path, &size, &reader->complaints);
    if (!bytes)
        return;
    uint32_t root = yaml_tree_parse(&reader->tree, bytes, size, 0, &reader->complaints);
    lr_free(bytes);
    bool refused = reader->complaints.count > 0 || reader->complaints.no_memory;
    if (refused || !is_map(reader, root))
        return;
    reader_take_sets(reader, sets, set_count);
    if (reader->complaints.no_memory)
        return;
    reader_read(reader, root);
    check_plan(reader, path);
}

int plan_load(struct plan *plan, const char *path, const char *const *sets, size_t set_count,
              struct plan_errors *errors)
{
    memset(errors, 0, sizeof(*errors));
    memset(plan, 0, sizeof(*plan));
    struct plan_reader *reader = lr_calloc(1, sizeof(*reader));
    if (!reader)
        return LR_ENOMEM;
    reader_init(reader, plan, path, sets);
    read_and_check(reader, path, sets, set_count);
    int rc = complaints_finish(&reader->complaints, errors);
    if (rc == LR_ENOMEM) /* an incomplete list of errors would mislead */
        plan_errors_release(errors);
    reader_release(reader);
    lr_free(reader);
    return rc;
}
