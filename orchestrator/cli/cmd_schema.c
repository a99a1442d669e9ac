/* lrsearch schema: prints plan_schema_json(). */
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "plan/plan_schema.h"
#include "store/json_value.h"

static int run(const struct command_line *line)
{
    struct lr_error err = {0};
    (void)line;
    json_use_lr_memory();
    int rc = json_print(plan_schema_json(), true, &err); /* detects failed allocations */
    return outcome_error(rc, &err);
}

const struct command cmd_schema = {
    .name = "schema",
    .operand = "",
    .help = "print the JSON Schema of plans, for editors",
    .run = run,
};
