/* Horizons follow from the speed: how many trainings of which lengths a campaign takes is known
 * from simulated ones, and each costs its start-up and its tokens. Horizons are whole multiples of
 * the distance between two evaluations, so that each training ends with one. */
#define _POSIX_C_SOURCE 200809L
#include "estimate/command_proposal.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>
#include "estimate/plan_proposal.h"
#include "lrsearch/printable.h"
#include "plan/quantity.h"
#include "report/summary.h"

#define TIME_SHARE 0.9     /* of the time, for the 90 % quantile of the campaigns */
#define STEPS_LEAST 128    /* of the longest horizon */
#define TOKENS_LEAST 65536 /* the same when the tokens of a step are not known */
#define STEPS_UNKNOWN 2048 /* the longest horizon when nothing tells the speed */
#define TOKENS_UNKNOWN 4194304
#define BATCH_ASSUMED 8192
#define WHOLE_TRIED 10000 /* lengths, to find one of whole numbers */
#define TARGET_MOST 1e15  /* tokens, as of a plan */
#define TARGET_FACTOR 16  /* target / longest horizon by default */
#define LR_FACTOR 8.0 /* three octaves to each side: a default LR is often off by a factor of 4 */

/* ---- what is known ---- */

uint32_t command_batch(const char **why, bool *assumed, const struct shell_words *words,
                       uint32_t given, double printed)
{
    uint32_t options = shell_words_batch(words);
    *assumed = false;
    if (given > 0) {
        *why = "as you said";
        return given;
    }
    if (printed >= 1) {
        *why = "as the command prints it";
        return (uint32_t)printed;
    }
    if (options > 0) {
        *why = "by the options of the command; times the number of GPUs, if each has its own";
        return options;
    }
    *assumed = true;
    *why = "ASSUMED: put yours here, sequences of a batch times their length";
    return BATCH_ASSUMED;
}

/* Speed and batch of the run, as far as it tells them. */
static void set_pace(struct command_proposal *out, const struct command_seen *seen)
{
    struct output_pace pace;
    output_look_pace(&pace, seen->look);
    uint32_t batch = command_batch(&out->batch_why, &out->batch_assumed, seen->words,
                                   seen->batch_tokens, pace.batch_tokens);
    bool steps = out->losses.found && out->losses.counted == COUNTED_STEPS;
    bool needed = steps || out->sets.batch || pace.counted == COUNTED_STEPS;
    bool finished = !seen->end.stopped && seen->tokens > 0;
    out->batch_tokens = needed || !out->batch_assumed ? batch : 0;
    double unit = pace.counted == COUNTED_STEPS ? batch : 1;
    if (pace.counted) {
        out->tokens_per_s = pace.per_s * unit;
        out->startup_s = pace.startup_s;
    } else if (finished && seen->end.seconds > 0) {
        out->tokens_per_s = (double)seen->tokens / seen->end.seconds;
    }
    if (out->losses.found)
        out->interval = out->losses.interval * (steps ? batch : 1);
}

/* ---- horizons ---- */

static double unit_of(const struct command_proposal *out)
{
    return out->interval > 0       ? (double)out->interval
           : out->batch_tokens > 0 ? out->batch_tokens
                                   : 1;
}

static double least_longest(const struct command_proposal *out)
{
    double least = out->batch_tokens > 0 ? (double)STEPS_LEAST * out->batch_tokens : TOKENS_LEAST;
    double evaluations = (double)(UINT64_C(1) << (COMMAND_HORIZONS - 1)) * (double)out->interval;
    return fmax(least, evaluations);
}

/* The units next below or, if there are none, above `units` that give whole numbers to a program
 * that wants them. */
static double whole_units(const struct command_proposal *out, const struct command_seen *seen,
                          double units, double least)
{
    uint32_t batch = out->batch_tokens > 0 ? out->batch_tokens : 1;
    for (int sign = -1; sign <= 1; sign += 2)
        for (int i = 0; i < WHOLE_TRIED && units + sign * i >= least; i++)
            if (shell_words_are_whole(seen->words, (uint64_t)((units + sign * i) * unit_of(out)),
                                      batch))
                return units + sign * i;
    return units;
}

/* The longest is at most `wanted`, but no shorter than the least; the others are its halves. */
static void set_horizons(struct command_proposal *out, const struct command_seen *seen,
                         double wanted)
{
    double unit = unit_of(out), share = (double)(UINT64_C(1) << (COMMAND_HORIZONS - 1));
    double shortest = fmax(floor(wanted / share / unit), ceil(least_longest(out) / share / unit));
    double power = exp2(floor(log2(shortest)));
    double rounded = power * (shortest >= 1.5 * power && power >= 2 ? 1.5 : 1);
    if (rounded * unit * share < least_longest(out))
        rounded = shortest;
    rounded = whole_units(out, seen, rounded, ceil(least_longest(out) / share / unit));
    for (int i = 0; i < COMMAND_HORIZONS; i++)
        out->horizons[i] = (uint64_t)(rounded * unit) << i;
}

static void set_target(struct command_proposal *out, const struct command_seen *seen)
{
    uint64_t longest = out->horizons[COMMAND_HORIZONS - 1];
    out->target_tokens = seen->target_tokens ? seen->target_tokens : TARGET_FACTOR * longest;
}

/* ---- cost ---- */

/* What a campaign over these horizons and learning rates takes: trainings, and tokens in units of
 * the longest horizon. Medians and 90 % quantiles of `lrsearch check` at batches of 8k to 524k. */
static const struct cost {
    double trials, longest;
} usual = {22, 12.5}, unlucky = {30, 17};

static double wall_of(const struct command_proposal *out, struct cost cost)
{
    double longest = (double)out->horizons[COMMAND_HORIZONS - 1];
    return cost.trials * out->startup_s + cost.longest * longest / out->tokens_per_s;
}

/* Sets the horizons, the longest that fit the time if the speed is known. */
static void fit_time(struct command_proposal *out, const struct command_seen *seen)
{
    bool known = out->tokens_per_s > 0;
    double left_s = TIME_SHARE * seen->time_s - unlucky.trials * out->startup_s;
    double wanted = known                   ? left_s * out->tokens_per_s / unlucky.longest
                    : out->batch_tokens > 0 ? (double)STEPS_UNKNOWN * out->batch_tokens
                                            : TOKENS_UNKNOWN;
    if (seen->target_tokens > 0)
        wanted = fmin(wanted, (double)seen->target_tokens);
    set_horizons(out, seen, fmin(wanted, TARGET_MOST / TARGET_FACTOR));
    out->trials = usual.trials;
    if (!known)
        return;
    out->wall_s = wall_of(out, usual);
    out->wall_most_s = wall_of(out, unlucky);
    out->too_short = out->wall_most_s > seen->time_s;
    if (out->too_short)
        out->budget_s = ceil(1.2 * out->wall_most_s / 60) * 60;
}

static double two_digits(double value)
{
    double unit = pow(10, floor(log10(value)) - 1);
    return round(value / unit) * unit;
}

int command_proposal_make(struct command_proposal *out, const struct command_seen *seen,
                          struct lr_error *err)
{
    char least[24];
    int rc;
    *out = (struct command_proposal){
        .budget_s = seen->time_s,
        .lr = {two_digits(seen->lr / LR_FACTOR), two_digits(seen->lr * LR_FACTOR)}};
    if ((rc = output_look_losses(&out->losses, seen->look, err)))
        return rc;
    if ((rc = shell_words_check(&out->sets, seen->words, BATCH_ASSUMED, err)))
        return rc;
    set_pace(out, seen);
    if (seen->target_tokens > 0 && (double)seen->target_tokens < least_longest(out))
        return lr_fail(err, LR_EUSAGE,
                       "--target-tokens: a training of so few tokens needs no search by shorter "
                       "ones; at least %s",
                       format_count(least, sizeof(least), least_longest(out)));
    fit_time(out, seen);
    set_target(out, seen);
    return 0;
}

/* ---- YAML: each key with its meaning and reason ---- */

/* Whether YAML reads the word as this text without quotes: no sign, number or word of its own. */
static bool is_plain(const char *word)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "_./-";
    static const char *const meant[] = {"null", "true", "false", "yes", "no", "on", "off", "none"};
    const char *first = word + strspn(word, "-.");
    for (size_t i = 0; i < sizeof(meant) / sizeof(meant[0]); i++)
        if (strcasecmp(word, meant[i]) == 0)
            return false;
    return strspn(word, letters) == strlen(word) && *first && !isdigit((unsigned char)*first);
}

static void put_yaml_word(FILE *out, const char *word)
{
    bool controls = lr_has_controls(word);
    if (is_plain(word)) {
        fputs(word, out);
        return;
    }
    fputc(controls ? '"' : '\'', out);
    for (size_t length; *word; word += length) {
        uint32_t code = 0;
        length = lr_utf8_next(word, strlen(word), &code);
        length = length ? length : 1;
        if (code < ' ' || (code >= 0x7f && code < 0xa0))
            fprintf(out, "\\x%02x", (unsigned)code);
        else if (*word == (controls ? '"' : '\''))
            fprintf(out, controls ? "\\\"" : "''");
        else
            fprintf(out, controls && *word == '\\' ? "\\%.*s" : "%.*s", (int)length, word);
    }
    fputc(controls ? '"' : '\'', out);
}

static void put_head(FILE *out, const struct command_proposal *p, const struct command_seen *seen)
{
    char ran[24], time[24], half[24], most[24], trials[24], lr[24];
    fprintf(out,
            "# Made by `lrsearch plan init --command` from one run of it, %s at a learning rate of "
            "%s,\n# for a campaign of %s with one worker.",
            format_seconds(ran, sizeof(ran), seen->end.seconds),
            format_lr(lr, sizeof(lr), 2, seen->lr),
            format_seconds(time, sizeof(time), p->budget_s));
    if (p->wall_s > 0)
        fprintf(out, " Expected: %s trainings in %s, in one case of ten\n# more than %s.",
                format_count(trials, sizeof(trials), p->trials),
                format_seconds(half, sizeof(half), p->wall_s),
                format_seconds(most, sizeof(most), p->wall_most_s));
    fprintf(out, "\n# `lrsearch check THIS --try` runs the shortest training and says what it saw. "
                 "lrsearch-plan(5)\n# and docs/plan.md have every key.\nversion: 1\nname: ");
    put_yaml_word(out, seen->name);
    fputc('\n', out);
}

static void put_program(FILE *out, const struct command_proposal *p,
                        const struct command_seen *seen)
{
    const struct shell_words *words = seen->words;
    fprintf(out,
            "\ntrainer:\n  kind: command         # your program as it is, once for each training\n"
            "  # Its words; no shell reads them. {lr}, {steps}, {tokens}, {seed} stand for the "
            "training.\n");
    if (!p->sets.length)
        fprintf(
            out,
            "  # TO DO: it has no option for its length, and trainings of several lengths are "
            "needed. Add its\n  # option with {steps} or {tokens}, such as '--max_steps={steps}' "
            "(or it reads LRSEARCH_TOKENS).\n");
    if (p->losses.on_err)
        fprintf(out, "  # Its losses are on stderr; sh sends them to stdout, which is what report "
                     "reads.\n");
    fprintf(out, "  argv: [");
    if (p->losses.on_err)
        fprintf(out, "sh, -c, 'exec \"$@\" 2>&1', sh, ");
    for (size_t i = words->variables; i < words->count; i++) {
        fputs(i > words->variables ? ", " : "", out);
        put_yaml_word(out, words->words[i]);
    }
    fprintf(out, "]\n");
    if (words->variables > 0)
        fprintf(out, "  env: {");
    for (size_t i = 0; i < words->variables; i++) {
        fputs(i ? ", " : "", out);
        put_yaml_word(out, words->names[i]);
        fputs(": ", out);
        put_yaml_word(out, words->values[i]);
    }
    if (words->variables > 0)
        fprintf(out, "} # for the program only\n");
    if (seen->cwd) {
        fprintf(out, "  cwd: ");
        put_yaml_word(out, seen->cwd);
        fprintf(out, " # where `plan init` ran it\n");
    }
    fprintf(out,
            "  # gpus_per_trial: 1   # each worker of a host shows its trainings a GPU of their "
            "own\n");
}

/* "1.25 to 1.5" */
static const char *losses_text(char out[64], const struct output_losses *losses)
{
    snprintf(out, 64, losses->matches > 1 ? "%.4g to %.4g" : "%.4g", losses->first, losses->last);
    return out;
}

static void put_report(FILE *out, const struct command_proposal *p, const struct command_seen *seen)
{
    static const char *const counts[] = {
        [COUNTED_NOTHING] = "it counts no steps or tokens, so the report has no curves",
        [COUNTED_STEPS] = "steps times batch_tokens are tokens",
        [COUNTED_TOKENS] = "with the tokens so far"};
    const struct output_losses *losses = &p->losses;
    char line[96], range[64];
    if (!losses->found) {
        fprintf(
            out,
            "  # TO DO: none of %zu lines that it printed looks like a loss. Edit this regex; its "
            "group loss is the\n  # number, and the last one of a training is the training's. "
            "Or: prefix, file, fd (docs/trainers.md).\n"
            "  report: {regex: 'val loss[ :=]+(?<loss>[-+.0-9a-z]+)'}\n",
            seen->look->count);
        return;
    }
    lr_printable_copy(line, sizeof(line), seen->look->lines[losses->example].text);
    fprintf(out,
            "  # Its losses: %zu line%s such as\n  #   %s\n  # with %s%s; %s. The last "
            "one of a training is\n  # the training's.%s\n",
            losses->matches, losses->matches == 1 ? "" : "s", line,
            losses->validation ? "" : "the training loss ", losses_text(range, losses),
            counts[losses->counted],
            losses->validation ? "" : " A validation loss would be less noisy: it printed none.");
    if (losses->validation && losses->matches == 1)
        fprintf(out,
                "  # Only one in this run: have it evaluate at the end of a training, whatever its "
                "length.\n");
    if (losses->way == REPORT_FD) {
        fprintf(out, "  report: {fd: true}\n");
        return;
    }
    fprintf(out, "  report:\n    %s: ", losses->way == REPORT_REGEX ? "regex" : "prefix");
    put_yaml_word(out, losses->pattern);
    fputc('\n', out);
    if (!losses->diverged)
        return;
    fprintf(out,
            "  # nan or inf in place of that loss means that it diverged; so does a line such as "
            "\"loss is nan\".\n  diverged: {regex: ");
    put_yaml_word(out, losses->diverged);
    fprintf(out, "}\n");
}

static void put_training(FILE *out, const struct command_proposal *p)
{
    char speed[24];
    uint32_t batch = p->batch_tokens;
    if (batch > 0)
        fprintf(out, "\ntraining:\n  batch_tokens: %-7" PRIu32 " # tokens of a step; %s\n", batch,
                p->batch_why);
    fprintf(out, "\nsearch:\n"
                 "  # Lowest and highest learning rate to try: three octaves to each side of the "
                 "run's. The report says\n  # when the best one lies at an end.\n"
                 "  lr: [");
    char low[24], high[24], count[24];
    fprintf(out, "%s, %s]\n", format_lr(low, sizeof(low), 2, p->lr[0]),
            format_lr(high, sizeof(high), 2, p->lr[1]));
    if (p->tokens_per_s > 0)
        fprintf(
            out,
            "  # Lengths of the short trainings, in tokens: the longest that end in the time, at "
            "%s tokens/s\n  # and %.1f s before the first.",
            format_count(speed, sizeof(speed), p->tokens_per_s), p->startup_s);
    else
        fprintf(out, "  # TO DO: lengths of the short trainings, in tokens. Its speed is not "
                     "known: choose your own.");
    if (batch > 0)
        fprintf(out, " In steps: %" PRIu64 ", %" PRIu64 ", %" PRIu64 ".", p->horizons[0] / batch,
                p->horizons[1] / batch, p->horizons[2] / batch);
    if (p->interval > 0)
        fprintf(out, "\n  # Multiples of %s, after which it prints a loss.",
                proposal_count_text(count, p->interval));
    fprintf(out, "\n  horizons: [");
    for (int i = 0; i < COMMAND_HORIZONS; i++)
        fprintf(out, "%s%s", i ? ", " : "", proposal_count_text(count, p->horizons[i]));
    fprintf(out, "]\n  seeds: 1              # trainings of each learning rate%s\n",
            p->sets.seed ? "" : "; for more, the command needs a {seed}");
}

static void put_target(FILE *out, const struct command_proposal *p, const struct command_seen *seen)
{
    char tokens[24], time[24];
    fprintf(out,
            "\n# The long training whose learning rate is wanted.\n"
            "target:\n"
            "  tokens: %-13s # its length: %s\n"
            "\n# confirm: {}           # would train the answer itself, with half and twice of it\n"
            "\nbudget:\n"
            "  wall: %-15s # the search ends then, and answers with what it has%s\n",
            proposal_count_text(tokens, p->target_tokens),
            seen->target_tokens > 0
                ? "as you said"
                : "16 times the longest horizon; write here what you have in mind",
            quantity_duration_text(p->budget_s, time, sizeof(time)),
            p->too_short ? "; --time was too short" : "");
}

void command_proposal_print(FILE *out, const struct command_proposal *proposal,
                            const struct command_seen *seen)
{
    put_head(out, proposal, seen);
    put_program(out, proposal, seen);
    put_report(out, proposal, seen);
    put_training(out, proposal);
    put_target(out, proposal, seen);
}
