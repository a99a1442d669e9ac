/* lrsearch plan init --command: checks the command line, runs it once (estimate/command_look.h),
 * shows what it prints, and writes the plan that this gives (estimate/command_proposal.h). */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "cli/plan_init.h"
#include "cli/progress_line.h"
#include "estimate/command_proposal.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "plan/quantity.h"
#include "report/summary.h"
#include "store/json_value.h"

#define STEPS_TRIED UINT64_C(1000000) /* more than a minute has */
enum { SHOWN_FIRST = 20, SHOWN_LAST = 5, EDITED = 2048 };

/* ---- the command line ---- */

/* What of the command's own numbers should be a placeholder. */
static int check_words(const struct shell_words *words, struct lr_error *err)
{
    struct shell_words_sets sets, found;
    char edited[EDITED], quoted[EDITED + 8];
    int rc = shell_words_check(&sets, words, 2, err);
    if (rc)
        return rc;
    shell_words_edit(edited, sizeof(edited), words, &found);
    lr_shell_word(quoted, sizeof(quoted), edited);
    bool known = edited[0] && quoted[0];
    if (!sets.lr && found.lr && known)
        return lr_fail(
            err, LR_EUSAGE,
            "--command: {lr} must stand where the learning rate does; try: lrsearch plan "
            "init --command %s",
            quoted);
    if (!sets.lr)
        return lr_fail(err, LR_EUSAGE,
                       "--command: {lr} must stand where the learning rate does, as in --command "
                       "'python train.py --lr {lr}'");
    if (!sets.length && found.length && known)
        return lr_fail(err, LR_EUSAGE,
                       "--command: trains for a fixed length, and a search needs several; try: "
                       "lrsearch plan init --command %s",
                       quoted);
    return 0;
}

/* ---- what it prints ---- */

struct showing {
    struct progress_line *progress;
    size_t lines;
};

static void show_line(const char *line)
{
    lr_say(stderr, "  | %.200s\n", line);
}

static void on_printed(void *context, const char *line)
{
    struct showing *showing = context;
    if (!showing->progress->enabled || showing->lines++ >= SHOWN_FIRST)
        return;
    progress_line_clear(showing->progress);
    show_line(line);
}

static void show_last(const struct showing *showing, const struct output_look *look)
{
    size_t first = look->count > SHOWN_LAST ? look->count - SHOWN_LAST : 0;
    if (!showing->progress->enabled || showing->lines <= SHOWN_FIRST)
        return;
    first = first > SHOWN_FIRST ? first : SHOWN_FIRST;
    if (first > SHOWN_FIRST)
        lr_say(stderr, "  | ... %zu lines ...\n", first - SHOWN_FIRST);
    for (size_t i = first; i < look->count; i++)
        show_line(look->lines[i].text);
}

/* ---- the result ---- */

static const char *ending_text(char out[64], const struct command_look_end *end)
{
    if (end->signal)
        snprintf(out, 64, "signal %d ended it", end->signal);
    else
        snprintf(out, 64, "exit status %d", (int)end->exit_status);
    return out;
}

static int check_end(const struct command_proposal *proposal, const struct command_seen *seen,
                     struct lr_error *err)
{
    const struct command_look_end *end = &seen->end;
    const struct output_look *look = seen->look;
    char how[64], time[24], last[160] = "";
    if (end->stopped || (!end->signal && end->exit_status == 0))
        return 0;
    ending_text(how, end);
    format_seconds(time, sizeof(time), end->seconds);
    if (look->count > 0)
        lr_printable_copy(last, sizeof(last), look->lines[look->count - 1].text);
    if (!proposal->losses.found)
        return lr_fail(
            err, LR_EFAILURES,
            "--command: %s after %s, before it printed a loss%s%s; try it by hand, with the "
            "numbers in place of {lr} and the like",
            how, time, last[0] ? "; its last line: " : "; it printed nothing", last);
    lr_log(LR_LOG_WARNING, "the command failed: %s after %s; its last line: %s", how, time, last);
    return 0;
}

static void warn(const struct command_proposal *proposal, const struct command_seen *seen)
{
    char time[24];
    if (!proposal->losses.found)
        lr_log(
            LR_LOG_WARNING,
            "nothing that it printed in %s looks like a loss; put your own words into the plan's "
            "trainer.report, or give it more time (--seconds) or a shorter training (--tokens)%s",
            format_seconds(time, sizeof(time), seen->end.seconds),
            seen->look->seen == 0 && seen->end.stopped
                ? "; many programs keep what they print while stdout is no terminal (stdbuf -oL)"
                : "");
    else if (!proposal->losses.validation)
        lr_log(LR_LOG_WARNING, "it printed no validation loss; the plan takes the training loss");
    else if (proposal->losses.matches == 1 && seen->end.stopped)
        lr_log(LR_LOG_WARNING,
               "it printed one validation loss in %s; have it evaluate at the end of a training, "
               "whatever its length (its option for that with {steps}, say)",
               format_seconds(time, sizeof(time), seen->end.seconds));
    if (proposal->sets.length && !(proposal->tokens_per_s > 0))
        lr_log(LR_LOG_WARNING, "its speed is not known; choose search.horizons yourself");
    if (!proposal->sets.length)
        lr_log(LR_LOG_WARNING, "the command has no option for its length; add one with {steps} or "
                               "{tokens} to trainer.argv");
    if (proposal->batch_tokens > 0 && proposal->batch_assumed)
        lr_log(LR_LOG_WARNING,
               "training.batch_tokens is assumed: the tokens of a step are not known "
               "(--batch-tokens)");
    if (proposal->too_short)
        lr_log(LR_LOG_WARNING,
               "--time: too short for useful trainings; the plan's budget "
               "is %s",
               format_seconds(time, sizeof(time), proposal->budget_s));
}

static int print_json(const char *path, const struct command_proposal *p, struct lr_error *err)
{
    static const char *const ways[] = {
        [REPORT_FD] = "fd", [REPORT_PREFIX] = "prefix", [REPORT_REGEX] = "regex"};
    bool ok = true, timed = p->tokens_per_s > 0;
    json_t *object = json_object(), *horizons = json_array();
    for (int i = 0; i < COMMAND_HORIZONS; i++)
        ok &= json_array_append_new(horizons, json_of_count(p->horizons[i])) == 0;
    json_put(object, "schema_version", json_of_count(1), &ok);
    json_put(object, "plan", json_of_text(path), &ok);
    json_put(object, "report", p->losses.found ? json_string(ways[p->losses.way]) : json_null(),
             &ok);
    json_put(object, "pattern", p->losses.found ? json_of_text(p->losses.pattern) : json_null(),
             &ok);
    json_put(object, "losses", json_of_count(p->losses.matches), &ok);
    json_put(object, "batch_tokens", p->batch_tokens ? json_of_count(p->batch_tokens) : json_null(),
             &ok);
    json_put(object, "tokens_per_second", timed ? json_of_double(p->tokens_per_s) : json_null(),
             &ok);
    json_put(object, "horizons", horizons, &ok);
    json_put(object, "target_tokens", json_of_count(p->target_tokens), &ok);
    json_put(object, "wall_seconds", timed ? json_of_double(p->wall_s) : json_null(), &ok);
    json_put(object, "trials", json_of_double(p->trials), &ok);
    return json_print(object, ok, err);
}

static void print_text(const char *path, const struct command_proposal *p)
{
    char longest[24], target[24], time[24], speed[24], word[4 * TRIAL_PATH];
    printf("\n");
    lr_say(stdout, "%s: ", path);
    if (p->losses.found)
        printf("%s losses from %zu line%s, %.4g to %.4g; ",
               p->losses.validation ? "validation" : "training", p->losses.matches,
               p->losses.matches == 1 ? "" : "s", p->losses.first, p->losses.last);
    if (p->tokens_per_s > 0)
        printf("%s tokens/s; ", format_count(speed, sizeof(speed), p->tokens_per_s));
    printf("trainings of up to %s tokens for a target of %s",
           format_count(longest, sizeof(longest), (double)p->horizons[COMMAND_HORIZONS - 1]),
           format_count(target, sizeof(target), (double)p->target_tokens));
    if (p->wall_s > 0)
        printf("; about %s with one worker", format_seconds(time, sizeof(time), p->wall_s));
    lr_shell_word(word, sizeof(word), path);
    lr_say(stdout, "\n\nnext:\n  lrsearch check %s --try\n  lrsearch run %s\n", word, word);
}

struct printing {
    const struct command_proposal *proposal;
    const struct command_seen *seen;
};

static void print_plan(FILE *out, const void *context)
{
    const struct printing *printing = context;
    command_proposal_print(out, printing->proposal, printing->seen);
}

static int propose(const struct plan_options *options, const char *path, struct command_seen *seen,
                   struct output_look *look, struct showing *showing,
                   const struct stage_report *stages, struct lr_error *err)
{
    struct command_proposal proposal;
    const struct printing printing = {&proposal, seen};
    char cwd[TRIAL_PATH];
    const char *why;
    bool assumed;
    int rc;
    if (!getcwd(cwd, sizeof(cwd)))
        return lr_fail_errno(err, LR_EIO, "the current folder");
    seen->cwd = strchr(path, '/') ? cwd : NULL;
    if (cwd[lr_utf8_prefix(cwd, strlen(cwd))])
        return lr_fail(err, LR_EDATA, "the current folder's name is no UTF-8, as a plan is");
    uint32_t batch = command_batch(&why, &assumed, seen->words, seen->batch_tokens, 0);
    const struct command_look run = {
        .words = seen->words,
        .cwd = cwd,
        .lr = seen->lr,
        .tokens = seen->tokens ? seen->tokens : STEPS_TRIED * batch,
        .batch_tokens = batch,
        .seconds = options->seconds > 0 ? options->seconds : PLAN_INIT_SECONDS,
        .printed = on_printed,
        .context = showing,
        .stages = stages,
    };
    if ((rc = command_look_run(look, &seen->end, &run, err)))
        return rc;
    show_last(showing, look);
    if ((rc = command_proposal_make(&proposal, seen, err)) ||
        (rc = check_end(&proposal, seen, err)))
        return rc;
    progress_line_clear(showing->progress);
    warn(&proposal, seen);
    if ((rc = plan_init_write(path, print_plan, &printing, err)))
        return rc;
    if (options->json)
        return print_json(path, &proposal, err);
    print_text(path, &proposal);
    return 0;
}

int plan_init_command(const struct command_line *line, const char *path, const char *name,
                      struct lr_error *err)
{
    const struct plan_options *options = line->options;
    struct shell_words words = {0};
    struct output_look look = {0};
    struct progress_line progress;
    struct showing showing = {.progress = &progress};
    progress_line_init(&progress, line->verbosity >= 0, false);
    const struct stage_report stages = progress_line_stages(&progress);
    int rc;
    if ((rc = shell_words_split(&words, options->command, err)) || (rc = check_words(&words, err)))
        goto out;
    struct command_seen seen = {.name = name,
                                .words = &words,
                                .look = &look,
                                .lr = options->lr > 0 ? options->lr : PLAN_INIT_LR,
                                .tokens = options->tokens,
                                .time_s = options->time_s,
                                .target_tokens = options->target_tokens,
                                .batch_tokens = (uint32_t)options->batch_tokens};
    rc = propose(options, path, &seen, &look, &showing, &stages, err);
out:
    progress_line_release(&progress);
    output_look_release(&look);
    shell_words_release(&words);
    return rc;
}
