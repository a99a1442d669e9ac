/* lrsearch report: writes RUN_DIR/report.html and the figures from the journal alone; run does so
 * at its end. The answer before each round is a new fit of the journal up to that round. */
#include <stdio.h>
#include <string.h>
#include "cli/cmd_report.h"
#include "campaign/campaign_answer.h"
#include "campaign/campaign_apply.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "history/run_reader.h"
#include "coordinator/open_run.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"
#include "lrsearch/printable.h"
#include "report/figures.h"
#include "report/report.h"
#include "store/journal.h"
#include "store/json_value.h"

struct rounds {
    struct campaign *campaign;
    struct report_input *input;
    struct answer *answer;
    size_t seen, step; /* search rounds so far; every step-th is fitted */
};

static void add_round(struct report_input *input, uint32_t round, const struct answer *answer)
{
    if (input->round_count < REPORT_ROUNDS)
        input->rounds[input->round_count++] = (struct report_round){
            .round = round,
            .tokens = answer->cost.tokens,
            .lr = answer->target.lr,
            .ci90 = {answer->target.ci90[0], answer->target.ci90[1]},
        };
}

/* Fits the answer before a search round, then applies the event. */
static int on_event(void *context, const struct event *event, struct lr_error *err)
{
    struct rounds *rounds = context;
    const struct event_round *round = &event->as.round;
    int rc;
    if (event->kind == EVENT_ROUND && round->purpose == PURPOSE_SEARCH &&
        rounds->seen++ % rounds->step == 0 && round->round > 1 &&
        rounds->input->round_count < REPORT_ROUNDS) {
        if ((rc = campaign_fit(rounds->campaign, rounds->answer, err)))
            return rc;
        add_round(rounds->input, round->round, rounds->answer);
    }
    return campaign_apply(rounds->campaign, event, err);
}

/* A fit slows down with trials and cells, so only every step-th of many rounds is fitted: the total
 * stays within seconds. */
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
    int rc;
    rounds.answer = lr_malloc(sizeof(*rounds.answer));
    if (!path || !rounds.answer) {
        rc = lr_nomem(err);
        goto out;
    }
    snprintf(path, size, "%s/journal.jsonl", input->run_dir);
    if ((rc = campaign_create(&rounds.campaign, plan, err)))
        goto out;
    if ((rc = journal_read(path, on_event, &rounds, err)))
        goto out;
    add_round(input, 0, input->answer);
out:
    campaign_destroy(rounds.campaign);
    lr_free(rounds.answer);
    lr_free(path);
    return rc;
}

/* Writes the report; `rounds`: fits the answer before each round for it. */
static int write_report(struct report_input *input, const struct plan *plan, bool rounds,
                        struct lr_error *err)
{
    int rc;
    input->name = plan->name;
    if (rounds && (rc = find_rounds(input, plan, err)))
        return rc;
    return report_write(input, err);
}

void make_report(const char *run_dir, const struct answer *answer,
                 const struct trial *const *trials, size_t count)
{
    struct report_input input = {
        .run_dir = run_dir, .answer = answer, .trials = trials, .count = count};
    struct plan *plan = lr_calloc(1, sizeof(*plan));
    struct lr_error err = {0};
    uint64_t hash;
    int rc;
    figures_draw(run_dir, answer, trials, count);
    if (!plan) {
        rc = lr_nomem(&err);
        goto out;
    }
    if ((rc = run_plan_read(plan, &hash, run_dir, &err)))
        goto out;
    /* After an interruption, time is too short to fit rounds of several cells; `lrsearch report`
     * adds them later. */
    bool hurry = answer->status == ANSWER_INTERRUPTED && plan_cell_count(plan) > 1;
    rc = write_report(&input, plan, !hurry, &err);
out:
    if (rc)
        lr_log(LR_LOG_WARNING, "report.html could not be written: %s", err.text);
    lr_free(plan);
}

static int report(const char *run_dir, struct plan *plan, struct answer *answer,
                  struct lr_error *err)
{
    struct report_input input = {.run_dir = run_dir, .answer = answer};
    const struct trial **trials = NULL;
    struct campaign *campaign = NULL;
    uint64_t hash;
    int rc;
    if ((rc = run_plan_read(plan, &hash, run_dir, err)))
        goto out;
    if ((rc = own_folder_check(run_dir, OWN_FOLDER_NAMED, err)))
        goto out;
    if ((rc = run_campaign_read(&campaign, plan, hash, run_dir, err)))
        goto out;
    if ((rc = campaign_answer(campaign, answer, err)))
        goto out;
    input.count = campaign_trial_count(campaign);
    input.trials = trials = lr_calloc(input.count + 1, sizeof(struct trial *));
    if (!trials) {
        rc = lr_nomem(err);
        goto out;
    }
    for (uint32_t id = 1; id <= input.count; id++)
        trials[id - 1] = campaign_trial(campaign, id);
    open_run_tidy(run_dir, campaign);
    figures_draw(run_dir, answer, trials, input.count);
    rc = write_report(&input, plan, true, err);
out:
    campaign_destroy(campaign);
    lr_free(trials);
    return rc;
}

static int print_json(const char *run_dir, struct lr_error *err)
{
    char path[TRIAL_PATH + 32];
    bool ok = true;
    json_use_lr_memory();
    json_t *object = json_object();
    snprintf(path, sizeof(path), "%s/report.html", run_dir);
    json_put(object, "schema_version", json_of_count(1), &ok);
    json_put(object, "report", json_of_text(path), &ok);
    return json_print(object, ok, err);
}

struct report_options {
    bool json;
};

static int run(const struct command_line *line)
{
    const struct report_options *options = line->options;
    const char *run_dir = line->operands[0];
    struct plan *plan = lr_calloc(1, sizeof(*plan));
    struct answer *answer = lr_calloc(1, sizeof(*answer));
    struct lr_error err = {0};
    int rc = plan && answer ? report(run_dir, plan, answer, &err) : lr_nomem(&err);
    if (rc)
        goto out;
    if (options->json)
        rc = print_json(run_dir, &err);
    else
        lr_say(stdout, "%s/report.html\n", run_dir);

out:
    lr_free(answer);
    lr_free(plan);
    return outcome_error(rc, &err);
}

static const struct option_row rows[] = {OPTION_ROW_JSON(report_options)};

const struct command cmd_report = {
    .name = "report",
    .operand = "[RUN_DIR]",
    .help = "write RUN_DIR/report.html and its figures again, from the journal",
    .examples = "lrsearch report logs/quickstart",
    .operand_help = LATEST_HELP,
    .kind = OPERAND_RUN,
    .latest = true,
    .least_most = {1, 1},
    COMMAND_ROWS(rows),
    .options = &(struct report_options){0},
    .run = run,
};
