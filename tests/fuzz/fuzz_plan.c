/* Any bytes as a plan: no crash, no leak, and an answer that keeps plan.h's word. What follows the
 * last NUL is the plan; each part before it is a --set. */
#include <string.h>
#include "fuzz_input.h"
#include "lrsearch/answer.h"
#include "lrsearch/memory.h"
#include "plan/plan.h"
#include "plan/plan_load.h"
#include "plan/plan_json.h"
#include "plan/plan_diff.h"

#define SETS_MAX 8

/* A plan that was accepted has a resolved form, and that form differs from itself nowhere. */
static void check_good(const struct plan *plan)
{
    char out[64];
    char *json = plan_to_json(plan);
    DEMAND(json);
    DEMAND(plan_diff(json, json, out, sizeof(out)) == 0);
    lr_free(json);
    DEMAND(plan->search.lr[0] < plan->search.lr[1]);
    DEMAND(plan->search.horizon_count >= 1 && plan->search.horizon_count <= PLAN_HORIZONS);
    DEMAND(plan_cell_count(plan) >= 1 && plan_cell_count(plan) <= ANSWER_CELLS);
    DEMAND(plan->search.seed_list.count == 0 || plan->search.seed_list.count == plan->search.seeds);
    for (size_t cell = 0; cell <= plan_cell_count(plan); cell++) {
        bool target = cell == plan_cell_count(plan);
        struct trial_spec spec = target ? plan_target(plan) : plan_cell(plan, cell);
        if (plan->trainer.kind != TRAINER_TRANSFORMER) /* there may be no model */
            continue;
        DEMAND(spec.d_model % spec.n_heads == 0 && spec.d_ff > 0);
        DEMAND(spec.batch_tokens % spec.context == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct memory_file file;
    static struct plan plan;
    char *sets[SETS_MAX];
    size_t set_count = 0;
    if (!file.path[0])
        file = memory_file_create("plan");
    const uint8_t *nul;
    while (set_count < SETS_MAX && size > 0 && (nul = memchr(data, 0, size)) != NULL) {
        size_t length = (size_t)(nul - data);
        sets[set_count++] = fuzz_copy(data, length + 1);
        data += length + 1;
        size -= length + 1;
    }
    memory_file_fill(&file, data, size);

    struct plan_errors errors;
    int code = plan_load(&plan, file.path, (const char *const *)sets, set_count, &errors);
    DEMAND(code == 0 || code == LR_EPLAN);
    DEMAND((code == LR_EPLAN) == (errors.count > 0));
    for (size_t i = 0; i < errors.count; i++)
        DEMAND(errors.lines[i][0] && !strchr(errors.lines[i], '\n'));
    plan_errors_release(&errors);
    if (code == 0)
        check_good(&plan);
    while (set_count > 0)
        fuzz_copy_free(sets[--set_count]);
    return 0;
}
