#include "cli/campaign_setup.h"

#include <stdio.h>
#include <string.h>
#include "cli/cmd_report.h"
#include "history/run_reader.h"
#include "kernels/kernels.h"
#include "lrsearch/memory.h"
#include "net/mpi_session.h"

/* PLAN and its --set options. `words`: room for all of them. */
static struct provenance_arguments start_arguments(const char **words, const char *plan_path,
                                                   const struct option_pairs *sets)
{
    size_t count = 0;
    words[count++] = plan_path;
    for (size_t i = 0; i < sets->count; i++) {
        words[count++] = "--set";
        words[count++] = sets->words[i];
    }
    return (struct provenance_arguments){words, count};
}

int campaign_setup_init(struct campaign_setup *setup, const struct plan *plan,
                        const char *plan_path, const struct option_pairs *sets, const char *run_dir,
                        const struct stage_report *stages, struct lr_error *err)
{
    memset(setup, 0, sizeof(*setup));
    setup->cache_dir = prepare_cache_dir(run_dir);
    setup->words = lr_calloc(1 + 2 * sets->count, sizeof(*setup->words));
    if (!setup->cache_dir || !setup->words)
        return lr_nomem(err);
    setup->prepare =
        (struct prepare){plan, plan->search.horizons[plan->search.horizon_count - 1],
                         "search.horizons: the longest", setup->cache_dir, stages};
    /* confirm.tokens is at least the longest horizon; 0: as long as the text allows. */
    if (plan->confirm.tokens > 0) {
        setup->prepare.longest = plan->confirm.tokens;
        setup->prepare.longest_key = "confirm.tokens";
    }
    setup->baseline = (struct baseline){.plan = plan, .run_dir = run_dir};
    setup->coordinator = (struct coordinator_setup){
        .plan = plan,
        .plan_path = plan_path,
        .arguments = start_arguments(setup->words, plan_path, sets),
        .run_dir = run_dir,
        .resume = true,
        .mpi_library = mpi_library(),
        .blas = kernels_init(),
        .prepare_data = prepare_data,
        .prepare_context = &setup->prepare,
        .find_baseline = baseline_find,
        .compare = baseline_compare,
        .baseline_context = &setup->baseline,
        .draw = make_report,
    };
    return 0;
}

void campaign_setup_release(struct campaign_setup *setup)
{
    baseline_release(&setup->baseline);
    lr_free(setup->words);
    lr_free(setup->cache_dir);
}

/* ---- ask and tell ---- */

int campaign_setup_plan(struct plan **plan, const struct command_line *line,
                        const struct option_pairs *sets, struct lr_error *err)
{
    uint64_t hash;
    int rc;
    if (line->operand_count > 1) {
        rc = prepare_plan(plan, line->operands[1], sets->words, sets->count);
    } else {
        *plan = lr_calloc(1, sizeof(**plan));
        rc = *plan ? run_plan_read(*plan, &hash, line->operands[0], err) : lr_nomem(err);
    }
    if (rc || (*plan)->trainer.kind != TRAINER_TRANSFORMER)
        return rc;
    return lr_fail(err, LR_EPLAN,
                   "%s: trainer.kind: transformer trains in lrsearch itself, by lrsearch run; trials "
                   "to hand out are those of external, command, replay and simulate",
                   line->operands[line->operand_count - 1]);
}

int campaign_setup_open(struct campaign_setup *setup, const struct plan *plan,
                        const struct command_line *line, const struct option_pairs *sets,
                        struct lr_error *err)
{
    const char *run_dir = line->operands[0];
    int rc = campaign_setup_init(setup, plan, line->operand_count > 1 ? line->operands[1] : NULL,
                                 sets, run_dir, NULL, err);
    if (line->operand_count > 1)
        return rc;
    snprintf(setup->plan_copy, sizeof(setup->plan_copy), "%s/plan.yaml", run_dir);
    setup->coordinator.plan_path = setup->plan_copy;
    setup->coordinator.arguments.count = 0;
    return rc;
}
