/* try_trial() runs one training as a worker would, and keeps what a command prints, to propose
 * another trainer.report when this one finds nothing. */
#include "cli/try_trial.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "estimate/output_look.h"
#include "kernels/kernels.h"
#include "lrsearch/limits.h"
#include "lrsearch/printable.h"
#include "prepare/prepare.h"
#include "report/summary.h"
#include "trainers/trainer.h"

enum { FILES = 32, LAST_LINES = 8 }; /* files: a command's pipes, and some to spare */

struct trying {
    const struct plan *plan;
    const struct stage_report *stages;
    struct trial_spec spec;
    double most_s;
    bool timed_out;
    double seconds; /* at the last step */
    struct output_look look;
    struct lr_error err; /* of a line that was not kept */
    size_t reports;
    struct told {
        double loss;
        bool has_tokens;
        uint64_t tokens;
    } first, last;
};

/* ---- while it runs ---- */

static void on_printed(void *context, const char *line, size_t length, bool is_err)
{
    struct trying *trying = context;
    output_look_add(&trying->look, trying->seconds, is_err ? COMMAND_ERR : COMMAND_OUT, line,
                    length, &trying->err);
}

static void on_reported(void *context, double loss, bool has_tokens, uint64_t tokens)
{
    struct trying *trying = context;
    trying->last = (struct told){loss, has_tokens, tokens};
    if (trying->reports++ == 0)
        trying->first = trying->last;
}

static int on_step(void *context, const struct train_step *step)
{
    struct trying *trying = context;
    double share = (double)step->tokens / (double)trying->spec.horizon_tokens;
    char stage[64], tokens[24];
    snprintf(stage, sizeof(stage), "trying: %s tokens",
             format_count(tokens, sizeof(tokens), (double)step->tokens));
    stage_say(trying->stages, stage, share);
    trying->seconds = step->seconds;
    trying->timed_out = trying->timed_out || step->seconds > trying->most_s;
    return trying->timed_out ? TRAIN_STOP : 0;
}

/* ---- what it saw ---- */

static void print_told(const char *before, const struct told *told)
{
    char tokens[24];
    printf("%s%.5g", before, told->loss);
    if (told->has_tokens)
        printf(" at %s tokens", format_count(tokens, sizeof(tokens), (double)told->tokens));
}

static void print_reports(const struct trying *trying)
{
    const char *way =
        plan_report(trying->plan, "file") ? "file" : trying->plan->trainer.report[0].key;
    if (trying->spec.trainer != TRAINER_COMMAND)
        return;
    printf("  it printed %llu line%s; by trainer.report (%s) ", trying->look.seen,
           trying->look.seen == 1 ? "" : "s", way);
    if (trying->reports == 0) {
        printf("none has a loss\n");
        return;
    }
    printf("%zu loss%s: ", trying->reports, trying->reports == 1 ? "" : "es");
    print_told("", &trying->first);
    if (trying->reports > 1)
        print_told(", last ", &trying->last);
    printf("\n");
    if (trying->reports > 1 && !trying->last.has_tokens)
        printf("  they count no tokens: a group tokens or steps would give curves and progress\n");
}

static void print_last_lines(const struct output_look *look)
{
    size_t first = look->count > LAST_LINES ? look->count - LAST_LINES : 0;
    if (look->count > 0)
        printf("  its last lines:\n");
    for (size_t i = first; i < look->count; i++)
        lr_say(stdout, "    | %.200s\n", look->lines[i].text);
}

/* When no loss was read: the line that looks like one, and how it would be read. */
static int print_nearest(const struct trying *trying, struct lr_error *err)
{
    struct output_losses losses;
    char line[160];
    int rc = output_look_losses(&losses, &trying->look, err);
    if (rc)
        return rc;
    if (plan_report(trying->plan, "file")) {
        print_last_lines(&trying->look);
        printf("  to change: trainer.report: the program writes no such file in its folder "
               "(trainer.cwd), or no such rows\n");
        return 0;
    }
    if (!losses.found || losses.way == REPORT_FD) {
        print_last_lines(&trying->look);
        printf("  to change: trainer.report, so that it reads the line with the loss%s\n",
               trying->look.count > 0
                   ? ""
                   : "; it printed nothing (stdbuf -oL may make it print at once)");
        return 0;
    }
    lr_printable_copy(line, sizeof(line), trying->look.lines[losses.example].text);
    printf("  the nearest: %s\n", line);
    if (losses.on_err)
        printf("  to change: it is on stderr, which is not read; trainer.argv: [sh, -c, 'exec "
               "\"$@\" 2>&1', sh, ...] sends it to stdout\n");
    lr_say(stdout, "  to change: this reads it:\n    report:\n      %s: '",
           losses.way == REPORT_REGEX ? "regex" : "prefix");
    for (const char *c = losses.pattern; *c; c++)
        lr_say(stdout, *c == '\'' ? "''" : "%c", *c);
    printf("'\n");
    return 0;
}

/* Failures of a length name both counts. */
static bool is_about_length(const char *message)
{
    return strstr(message, "the horizon is ") || strstr(message, "beyond the horizon");
}

static int print_failure(const struct trying *trying, const struct trial_result *result,
                         struct lr_error *err)
{
    bool command = trying->spec.trainer == TRAINER_COMMAND;
    lr_say(stdout, "  %s: %s\n", outcome_name(result->outcome), result->message);
    print_reports(trying);
    if (!command)
        return 0;
    if (result->outcome == OUTCOME_DIVERGED) {
        print_last_lines(&trying->look);
        printf(
            "  to change: lower search.lr, whose middle this is, or the program's own settings\n");
    } else if (is_about_length(result->message)) {
        print_last_lines(&trying->look);
        printf("  to change: pass its length by {tokens} or {steps} in trainer.argv, have it "
               "evaluate at its\n  end, and check that training.batch_tokens is the tokens of one "
               "step\n");
    } else if (trying->reports == 0 && strstr(result->message, "exit status 0")) {
        return print_nearest(trying, err);
    } else {
        print_last_lines(&trying->look);
    }
    return 0;
}

static void print_stopped(const struct trying *trying, const struct trial_result *result)
{
    char time[24], all[24];
    double share = (double)result->tokens / (double)trying->spec.horizon_tokens;
    printf("  stopped after %s (--try-time)", format_seconds(time, sizeof(time), result->seconds));
    if (share > 0)
        printf(", at %.0f %% of its tokens; all of it takes about %s", 100 * share,
               format_seconds(all, sizeof(all), result->seconds / share));
    printf("\n");
    print_reports(trying);
}

static void print_done(const struct trying *trying, const struct trial_result *result)
{
    char time[24], speed[24];
    printf(
        "  done%s after %s, %s tokens/s\n",
        trying->spec.trainer == TRAINER_COMMAND ? ", exit status 0," : "",
        format_seconds(time, sizeof(time), result->seconds),
        format_count(speed, sizeof(speed), (double)result->tokens / fmax(result->seconds, 1e-3)));
    print_reports(trying);
    printf("  final loss %.6g: accepted\n", result->val_loss);
}

/* Returns LR_EFAILURES for a trial that did not do what a campaign needs. */
static int print_result(const struct trying *trying, const struct trial_result *result,
                        struct lr_error *err)
{
    char horizon[24];
    int rc = 0;
    printf("\ntried: one training of %s tokens at lr %.4g, seed %" PRIu64 "\n",
           format_count(horizon, sizeof(horizon), (double)trying->spec.horizon_tokens),
           trying->spec.lr, trying->spec.seed);
    if (result->outcome == OUTCOME_DONE) {
        print_done(trying, result);
        return 0;
    }
    if (trying->timed_out && result->outcome == OUTCOME_CANCELED) {
        print_stopped(trying, result);
        if (trying->reports > 0 || trying->spec.trainer != TRAINER_COMMAND)
            return 0;
        rc = print_nearest(trying, err);
    } else {
        rc = print_failure(trying, result, err);
    }
    return rc ? rc : LR_EFAILURES;
}

int try_trial(const struct plan *plan, double most_s, const struct stage_report *stages,
              struct lr_error *err)
{
    struct trying trying = {
        .plan = plan, .stages = stages, .spec = plan_trial(plan), .most_s = most_s};
    struct trial_place place = {.threads = plan->trainer.threads_per_worker,
                                .silence_s = plan->limits.silence_s};
    struct train_hooks hooks = {.context = &trying,
                                .step = on_step,
                                .printed = on_printed,
                                .reported = on_reported,
                                .attempt = 1,
                                .place = &place};
    struct train_files files = {0};
    struct trial_result result;
    struct trial_spec *spec = &trying.spec;
    int rc;
    if ((rc = limits_check_files(plan->trainer.kind == TRAINER_COMMAND ? FILES : 0, err)))
        return rc;
    spec->lr = sqrt(plan->search.lr[0] * plan->search.lr[1]);
    spec->horizon_tokens = plan->search.horizons[0];
    spec->weight_decay = plan_weight_decay(plan, spec, spec->weight_decay);
    spec->seed = plan->seed;
    if ((rc = prepare_trial(spec, place.data_path, plan, "search.horizons", stages, err)))
        return rc;
    fflush(stdout);
    kernels_init();
    trainer_run(spec, &files, &hooks, &result);
    stage_over(stages);
    rc = trying.err.code ? lr_fail(err, trying.err.code, "%s", trying.err.text)
                         : print_result(&trying, &result, err);
    output_look_release(&trying.look);
    return rc;
}
