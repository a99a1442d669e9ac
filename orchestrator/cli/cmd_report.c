/* lrsearch report: writes RUN_DIR/report.html and the figures from the journal alone; run does so
 * at its end. The answer before each round is a new fit of the journal up to that round. --watch
 * repeats this on a campaign that another process runs. */
#define _DEFAULT_SOURCE /* flock() */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "cli/cmd_report.h"
#include "campaign/campaign_answer.h"
#include "campaign/campaign_apply.h"
#include "cli/campaign_look.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "history/run_reader.h"
#include "coordinator/open_run.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"
#include "lrsearch/printable.h"
#include "net/loop.h"
#include "report/figures.h"
#include "report/html.h"
#include "report/report.h"
#include "store/journal.h"
#include "store/json_value.h"

struct replay {
    struct campaign *campaign;
    struct report_input *input;
    struct answer *answer;
    size_t seen, step; /* search rounds so far; every step-th is fitted, 0: none */
};

/* Fits the answer before a search round, then applies the event. */
static int on_event(void *context, const struct event *event, struct lr_error *err)
{
    struct replay *replay = context;
    const struct event_round *round = &event->as.round;
    int rc;
    if (event->kind == EVENT_ROUND && round->purpose == PURPOSE_SEARCH && replay->step > 0 &&
        replay->seen++ % replay->step == 0 && round->round > 1) {
        if ((rc = campaign_fit(replay->campaign, replay->answer, err)))
            return rc;
        if ((rc = report_add_round(replay->input, round->round, replay->answer, err)))
            return rc;
    }
    return campaign_apply(replay->campaign, event, err);
}

/* A fit slows down with trials and cells, so only every step-th of many rounds is fitted: the total
 * stays within seconds. */
static size_t step_of(const struct report_input *input)
{
    size_t rounds = input->count > 0 ? input->trials[input->count - 1]->round : 0;
    size_t wanted = input->answer->cell_count > 1 || input->count > 1000 ? 6 : REPORT_ROUNDS - 2;
    return rounds / wanted + 1;
}

/* Fills what the page shows beyond the answer: what is spent of the budgets and, with `fits`, the
 * answers before each round. curves: those of the posterior are fitted, too; NULL: known. */
static int complete_input(struct report_input *input, const struct plan *plan, bool fits,
                          struct loss_curves **curves, struct lr_error *err)
{
    struct replay replay = {.input = input, .step = fits ? step_of(input) : 0};
    size_t size = strlen(input->run_dir) + sizeof("/journal.jsonl");
    char *path = lr_malloc(size);
    int rc;
    replay.answer = lr_malloc(sizeof(*replay.answer));
    if (!path || !replay.answer) {
        rc = lr_nomem(err);
        goto out;
    }
    input->name = plan->name;
    snprintf(path, size, "%s/journal.jsonl", input->run_dir);
    if ((rc = campaign_create(&replay.campaign, plan, err)))
        goto out;
    if ((rc = journal_read(path, on_event, &replay, err)))
        goto out;
    if (curves) {
        if ((rc = campaign_answer_curves(replay.campaign, NULL, replay.answer, curves, err)))
            goto out;
        input->curves = *curves;
    }
    if ((rc = report_add_round(input, 0, input->answer, err)))
        goto out;
    const struct campaign_spent spent = campaign_spent(replay.campaign);
    input->budget_count = status_fill_budgets(input->budgets, replay.campaign, &spent);
out:
    campaign_destroy(replay.campaign);
    lr_free(replay.answer);
    lr_free(path);
    return rc;
}

#define TURN_TRIES 100
#define TURN_EVERY_MS 100

/* The files have one temporary name each, so two processes write them in turn: the campaign, at its
 * end, and `lrsearch report`. Waits for the other up to ten seconds. Close it; -1: no folder. */
static int take_turn(const char *run_dir)
{
    int fd = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0;
         fd >= 0 && i < TURN_TRIES && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK; i++)
        poll(NULL, 0, TURN_EVERY_MS);
    return fd;
}

static void end_turn(int fd)
{
    if (fd >= 0)
        close(fd);
}

void make_report(const char *run_dir, const struct answer *answer,
                 const struct trial *const *trials, size_t count)
{
    struct report_input input = {
        .run_dir = run_dir,
        .state = answer->status == ANSWER_INTERRUPTED ? STATUS_INTERRUPTED : STATUS_FINISHED,
        .answer = answer,
        .trials = trials,
        .count = count,
    };
    struct plan *plan = lr_calloc(1, sizeof(*plan));
    struct loss_curves *curves = NULL;
    struct lr_error err = {0};
    uint64_t hash;
    int rc, turn = take_turn(run_dir);
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
    if ((rc = complete_input(&input, plan, !hurry, hurry ? NULL : &curves, &err)))
        goto out;
    rc = report_write(&input, &err);
out:
    report_input_release(&input);
    loss_curves_destroy(curves);
    if (rc)
        lr_log(LR_LOG_WARNING, "report.html could not be written: %s", err.text);
    end_turn(turn);
    lr_free(plan);
}

/* ---- the command ---- */

struct report_options {
    bool watch, data, json;
};

/* Every trial of the campaign, in the order of their ids; lr_free() it. NULL: out of memory. */
static const struct trial **list_trials(const struct campaign *campaign, size_t *count)
{
    *count = campaign_trial_count(campaign);
    const struct trial **trials = lr_calloc(*count + 1, sizeof(struct trial *));
    for (uint32_t id = 1; trials && id <= *count; id++)
        trials[id - 1] = campaign_trial(campaign, id);
    return trials;
}

static int print_data(const struct report_input *input, struct lr_error *err)
{
    char *text;
    int rc = report_data_text(&text, input, err);
    if (rc)
        return rc;
    puts(text);
    lr_free(text);
    return 0;
}

/* Writes the page of the last look, or prints its data. While a page refreshes itself, the static
 * figures stay as they were, unless it consists of them: drawing them takes longest. */
static int report(const struct campaign_look *look, bool data, unsigned refresh_s,
                  struct lr_error *err)
{
    const struct campaign *campaign = look->follow.campaign;
    struct report_input input = {.run_dir = look->run_dir,
                                 .state = look->fill.view.state,
                                 .refresh_s = refresh_s,
                                 .answer = &look->fill.view.answer,
                                 .curves = look->fill.curves};
    const struct trial **trials = NULL;
    int rc, turn = -1;
    if (!campaign || input.state == STATUS_PREPARING)
        return lr_fail(err, LR_EDATA, "%s/journal.jsonl: holds no campaign yet", look->run_dir);
    if (!data && (rc = own_folder_check(look->run_dir, OWN_FOLDER_NAMED, err)))
        return rc;
    if (!(input.trials = trials = list_trials(campaign, &input.count)))
        return lr_nomem(err);
    if (!data) {
        turn = take_turn(look->run_dir);
        open_run_tidy(look->run_dir, campaign);
    }
    if (!data && (refresh_s == 0 || page_d3_size == 0))
        figures_draw(look->run_dir, input.answer, trials, input.count);
    if ((rc = complete_input(&input, look->plan, true, NULL, err)))
        goto out;
    rc = data ? print_data(&input, err) : report_write(&input, err);
out:
    end_turn(turn);
    report_input_release(&input);
    lr_free(trials);
    return rc;
}

/* ---- --watch ---- */

#define LOOK_EVERY_MS 1000
#define WRITE_EVERY_MS 5000
#define WRITE_SHARE 5

static volatile sig_atomic_t ended;

static void on_end(int signal_number)
{
    ended = signal_number;
}

/* The first signal ends the watch with a last page; a second one ends the process. SIGHUP stays
 * ignored under nohup. */
static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction end = {.sa_handler = on_end, .sa_flags = (int)SA_RESETHAND};
    struct sigaction before;
    sigemptyset(&end.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (numbers[i] != SIGHUP ||
            (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN))
            sigaction(numbers[i], &end, NULL);
}

/* On a terminal one line, redrawn; elsewhere a line for each page. */
static void say_written(const struct campaign_look *look, bool last)
{
    const struct campaign *campaign = look->follow.campaign;
    char line[TRIAL_PATH + 64];
    bool redrawn = lr_log_is_terminal() && !last;
    size_t room = redrawn ? (size_t)lr_log_columns() : sizeof(line);
    snprintf(line, room < sizeof(line) ? room : sizeof(line),
             "%s/report.html: %s, round %" PRIu32 ", %zu trials", look->run_dir,
             status_state_name(look->fill.view.state), campaign_round(campaign),
             campaign_trial_count(campaign));
    lr_printable(line, "");
    lr_log_transient(redrawn ? line : NULL);
    if (!redrawn)
        lr_say(stderr, "%s\n", line);
}

/* Writes the page after each change of the journal, until the campaign ends or a signal comes. A
 * page that cannot be written (a full disk) is a warning, and is tried again. Looks and pages
 * together take a fifth of the time at most. */
static int watch(struct campaign_look *look, struct lr_error *err)
{
    const struct status_view *view = &look->fill.view;
    uint64_t next_ms = 0;
    int64_t written = -1; /* the journal's length in the last page */
    bool changed;
    int rc;
    catch_signals();
    for (;; poll(NULL, 0, LOOK_EVERY_MS)) {
        uint64_t began_ms = loop_uv.now_ms();
        if (!ended && began_ms < next_ms)
            continue;
        if ((rc = campaign_look(look, &changed, err)))
            return rc;
        if (ended || view->state == STATUS_FINISHED || view->state == STATUS_INTERRUPTED)
            break;
        if (view->state == STATUS_PREPARING || look->follow.place.offset == written)
            continue;
        if (!(rc = report(look, false, WRITE_EVERY_MS / 1000, err))) {
            say_written(look, false);
            written = look->follow.place.offset;
        } else if (rc == LR_ENOSPC || rc == LR_ECREATE || rc == LR_EIO) {
            lr_log(LR_LOG_WARNING, "%s; it is tried again", err->text);
            *err = (struct lr_error){0};
        } else {
            return rc;
        }
        uint64_t pause_ms = (WRITE_SHARE - 1) * (loop_uv.now_ms() - began_ms);
        next_ms = loop_uv.now_ms() + (pause_ms > WRITE_EVERY_MS ? pause_ms : WRITE_EVERY_MS);
    }
    if ((rc = report(look, false, 0, err)))
        return rc;
    say_written(look, true);
    return 0;
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

static int show_report(struct campaign_look *look, const struct report_options *options,
                       struct lr_error *err)
{
    bool changed;
    int rc;
    if (options->watch) {
        rc = watch(look, err);
        lr_log_transient(NULL);
    } else if (!(rc = campaign_look(look, &changed, err))) {
        rc = report(look, options->data, 0, err);
    }
    if (rc || options->data)
        return rc;
    if (options->json)
        return print_json(look->run_dir, err);
    lr_say(stdout, "%s/report.html\n", look->run_dir);
    return 0;
}

static int run(const struct command_line *line)
{
    const struct report_options *options = line->options;
    struct campaign_look *look = NULL;
    struct lr_error err = {0};
    int rc;
    if (options->data && (options->watch || options->json)) {
        rc = lr_fail(&err, LR_EUSAGE, "report: --data goes without --%s",
                     options->watch ? "watch" : "json");
        goto out;
    }
    if ((rc = campaign_look_create(&look, line->operands[0], &err)))
        goto out;
    look->fill.with_curves = true;
    rc = show_report(look, options, &err);
out:
    campaign_look_destroy(look);
    return outcome_error(rc, &err);
}

static const struct option_row rows[] = {
    {"watch", NULL, "write it again while the campaign runs, which the page then shows",
     OPTION_AT(report_options, watch)},
    {"data", NULL, "print the data of the page as JSON instead of writing it",
     OPTION_AT(report_options, data)},
    OPTION_ROW_JSON(report_options),
};

const struct command cmd_report = {
    .name = "report",
    .operand = "[RUN_DIR]",
    .help = "write RUN_DIR/report.html and its figures again, from the journal",
    .examples = "lrsearch report logs/quickstart\nlrsearch report --watch",
    .operand_help = LATEST_HELP,
    .kind = OPERAND_RUN,
    .latest = true,
    .least_most = {1, 1},
    COMMAND_ROWS(rows),
    .options = &(struct report_options){0},
    .run = run,
};
