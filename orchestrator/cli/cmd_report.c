/* lrsearch report: RUN_DIR/report.html and the figures, from the journal alone; also at the end of
 * a run. What was known before each round is what the journal up to there says, fitted again. */
#include <stdio.h>
#include <string.h>
#include "cli/cmd_report.h"
#include "cli/options.h"
#include "history/run_reader.h"
#include "coordinator/coordinator.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"
#include "lrsearch/printable.h"
#include "report/figures.h"
#include "report/report.h"
#include "store/journal.h"

struct rounds {
    struct campaign *campaign;
    struct report_input *input;
    struct answer *answer;
    size_t seen, step; /* rounds; every step-th is fitted */
};

static int add_round(struct rounds *rounds, uint32_t round, struct lr_error *err)
{
    struct report_input *input = rounds->input;
    if (input->round_count == REPORT_ROUNDS)
        return 0;
    int rc = campaign_fit(rounds->campaign, rounds->answer, err);
    const struct answer *answer = rounds->answer;
    if (!rc)
        input->rounds[input->round_count++] = (struct report_round){
            .round = round,
            .trials = answer->cost.trials,
            .tokens = answer->cost.tokens,
            .lr = answer->target.lr,
            .ci90 = {answer->target.ci90[0], answer->target.ci90[1]},
        };
    return rc;
}

static int follow(void *context, const struct event *event, struct lr_error *err)
{
    struct rounds *rounds = context;
    int rc = 0;
    if (event->kind == EVENT_ROUND && event->as.round.purpose == PURPOSE_SEARCH &&
        rounds->seen++ % rounds->step == 0 && event->as.round.round > 1)
        rc = add_round(rounds, event->as.round.round, err);
    return rc ? rc : campaign_apply(rounds->campaign, event, err);
}

/* A fit takes longer the more trials and cells there are: many rounds are thinned, so that all of
 * them take seconds. */
static size_t step_of(const struct report_input *input)
{
    size_t rounds = input->count > 0 ? input->trials[input->count - 1]->round : 0;
    size_t wanted = input->answer->cell_count > 1 || input->count > 1000 ? 6 : REPORT_ROUNDS - 2;
    return rounds / wanted + 1;
}

static int find_rounds(struct report_input *input, const struct plan *plan, struct lr_error *err)
{
    struct rounds rounds = {.input = input, .step = step_of(input)};
    size_t size = strlen(input->run_dir) + sizeof("/journal.jsonl");
    char *path = lr_malloc(size);
    rounds.answer = lr_malloc(sizeof(*rounds.answer));
    int rc = path && rounds.answer ? campaign_create(&rounds.campaign, plan, err) : lr_nomem(err);
    if (!rc) {
        snprintf(path, size, "%s/journal.jsonl", input->run_dir);
        rc = journal_read(path, follow, &rounds, err);
    }
    if (!rc && input->round_count < REPORT_ROUNDS)
        input->rounds[input->round_count++] = (struct report_round){
            .trials = input->answer->cost.trials,
            .tokens = input->answer->cost.tokens,
            .lr = input->answer->target.lr,
            .ci90 = {input->answer->target.ci90[0], input->answer->target.ci90[1]},
        };
    campaign_destroy(rounds.campaign);
    lr_free(rounds.answer);
    lr_free(path);
    return rc;
}

static int write_report(const char *run_dir, const struct plan *plan, const struct answer *answer,
                        const struct trial *const *trials, size_t count, bool rounds,
                        struct lr_error *err)
{
    struct report_input *input = lr_calloc(1, sizeof(*input));
    if (!input)
        return lr_nomem(err);
    input->run_dir = run_dir;
    input->name = plan->name;
    input->answer = answer;
    input->trials = trials;
    input->count = count;
    int rc = rounds ? find_rounds(input, plan, err) : 0;
    if (!rc)
        rc = report_write(input, err);
    lr_free(input);
    return rc;
}

void make_report(const char *run_dir, const struct answer *answer,
                 const struct trial *const *trials, size_t count)
{
    struct plan *plan = lr_calloc(1, sizeof(*plan));
    struct lr_error err = {0};
    uint64_t hash;
    /* Whoever interrupted us may not wait for the fits of many cells; `report` makes up for it. */
    bool hurry = answer->status == ANSWER_INTERRUPTED;
    figures_draw(run_dir, answer, trials, count);
    int rc = plan ? run_plan_read(plan, &hash, run_dir, &err) : lr_nomem(&err);
    if (!rc)
        rc = write_report(run_dir, plan, answer, trials, count,
                          !hurry || plan_cell_count(plan) == 1, &err);
    if (rc)
        lr_log(LR_LOG_WARNING, "report.html could not be written: %s", err.text);
    lr_free(plan);
}

static int report(const char *run_dir, struct plan *plan, struct campaign **campaign,
                  struct answer *answer, const struct trial ***trials, struct lr_error *err)
{
    uint64_t hash;
    int rc = run_plan_read(plan, &hash, run_dir, err);
    if (!rc)
        rc = own_folder_check(run_dir, OWN_FOLDER_NAMED, err);
    if (!rc)
        rc = run_campaign_read(campaign, plan, hash, run_dir, err);
    if (!rc)
        rc = campaign_answer(*campaign, answer, err);
    size_t count = rc ? 0 : campaign_trial_count(*campaign);
    *trials = lr_calloc(count + 1, sizeof(struct trial *));
    if (!rc && !*trials)
        rc = lr_nomem(err);
    if (rc)
        return rc;
    for (uint32_t id = 1; id <= count; id++)
        (*trials)[id - 1] = campaign_trial(*campaign, id);
    coordinator_tidy(run_dir, *campaign);
    figures_draw(run_dir, answer, *trials, count);
    return write_report(run_dir, plan, answer, *trials, count, true, err);
}

int command_report(const struct options *options)
{
    struct plan *plan = lr_calloc(1, sizeof(*plan));
    struct answer *answer = lr_calloc(1, sizeof(*answer));
    const struct trial **trials = NULL;
    struct campaign *campaign = NULL;
    struct lr_error err = {0};
    int rc = plan && answer ? report(options->operand, plan, &campaign, answer, &trials, &err)
                            : lr_nomem(&err);
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    else
        lr_say(stdout, "%s/report.html\n", options->operand);
    campaign_destroy(campaign);
    lr_free(trials);
    lr_free(answer);
    lr_free(plan);
    return rc ? lr_error_exit_status(rc) : 0;
}
