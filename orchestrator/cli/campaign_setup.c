#include "cli/campaign_setup.h"

#include <stdio.h>
#include <string.h>
#include "cli/cmd_report.h"
#include "history/run_reader.h"
#include "kernels/kernels.h"
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"
#include "net/mpi_session.h"

/* PLAN and its --set options. `words`: room for all of them; ask puts two before. */
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
    setup->words = lr_calloc(3 + 2 * sets->count, sizeof(*setup->words));
    if (!setup->cache_dir || !setup->words)
        return lr_nomem(err);
    setup->prepare = (struct prepare){plan, plan->search.horizons[plan->search.horizon_count - 1],
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
        .arguments = start_arguments(setup->words + 2, plan_path, sets),
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

/* ---- forks ---- */

const char *fork_path(char out[FORK_PATH], const char *run_dir, const char *name)
{
    size_t length = strlen(run_dir);
    while (length > 1 && run_dir[length - 1] == '/')
        length--;
    while (length > 0 && run_dir[length - 1] != '/')
        length--;
    snprintf(out, FORK_PATH, "%.*s%s", (int)length, run_dir, name);
    return out;
}

int fork_read(void *member, const char *value, struct lr_error *err)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    *(const char **)member = value;
    if (*value && own_name_taken(value))
        return lr_fail(err, LR_EUSAGE,
                       "--fork %s: is a name that lrsearch uses itself beside the runs (" OWN_NAMES
                       "); choose another",
                       value);
    if (*value && *value != '.' && strlen(value) < FORK_NAME &&
        strspn(value, letters) == strlen(value))
        return 0;
    return lr_fail(err, LR_EUSAGE,
                   "--fork %s: must be a name of letters, digits, '-', '_' and '.', without a "
                   "leading dot",
                   value);
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
    return lr_fail(
        err, LR_EPLAN,
        "%s: trainer.kind: transformer trains in lrsearch itself, by lrsearch run; trials "
        "to hand out are those of external, command, replay and simulate",
        line->operands[line->operand_count - 1]);
}

int campaign_setup_open(struct campaign_setup *setup, const struct plan *plan,
                        const char *plan_path, const struct option_pairs *sets, const char *run_dir,
                        struct lr_error *err)
{
    struct coordinator_setup *coordinator = &setup->coordinator;
    int rc = campaign_setup_init(setup, plan, plan_path, sets, run_dir, NULL, err);
    if (rc)
        return rc;
    setup->words[0] = "ask";
    setup->words[1] = run_dir;
    coordinator->arguments.words = setup->words;
    coordinator->arguments.count += 2;
    if (!plan_path) {
        snprintf(setup->plan_copy, sizeof(setup->plan_copy), "%s/plan.yaml", run_dir);
        coordinator->plan_path = setup->plan_copy;
        coordinator->arguments.count = 0;
    }
    return 0;
}
