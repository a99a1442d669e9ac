/* The figures and report.html of a run, at its end and by lrsearch report. What was known before each
 * round is what the journal up to there says, fitted again. */
#include "report/run_report.h"

#include <stdio.h>
#include <string.h>
#include "campaign/campaign.h"
#include "history/run_reader.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
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
    if (rc)
        return rc;
    return campaign_apply(rounds->campaign, event, err);
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

int run_report_write(const char *run_dir, const struct plan *plan, const struct answer *answer,
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

void run_report_draw(const char *run_dir, const struct answer *answer,
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
        rc = run_report_write(run_dir, plan, answer, trials, count,
                              !hurry || plan_cell_count(plan) == 1, &err);
    if (rc)
        lr_log(LR_LOG_WARNING, "report.html could not be written: %s", err.text);
    lr_free(plan);
}
