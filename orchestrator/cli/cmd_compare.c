/* lrsearch compare: prints the answers of two runs side by side, refitted from their journals.
 * Writes no file. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "history/run_compare.h"
#include "lrsearch/log.h"
#include "report/summary.h"
#include "store/json_value.h"
#include "store/result_json.h"

struct compare_options {
    double lr_factor, loss_limit; /* 0: not given */
    bool json;
};

/* ---- text ---- */

static void print_row(const char *what, const char *a, const char *b)
{
    printf("%-14s  %-28s  %s\n", what, a, b);
}

static const char *horizon_text(char out[48], const struct answer *answer, uint64_t tokens)
{
    snprintf(out, 48, "-");
    for (size_t h = 0; h < answer->horizon_count; h++)
        if (answer->horizons[h].tokens == tokens && isfinite(answer->horizons[h].loss_min)) {
            char lr[32];
            snprintf(out, 48, "%.4f at %s", answer->horizons[h].loss_min,
                     format_lr(lr, sizeof(lr), 3, answer->horizons[h].lr_opt));
        }
    return out;
}

static bool has_horizon(const struct answer *answer, uint64_t tokens)
{
    for (size_t h = 0; h < answer->horizon_count; h++)
        if (answer->horizons[h].tokens == tokens)
            return true;
    return false;
}

static void print_horizons(const struct answer *a, const struct answer *b)
{
    for (size_t h = 0; h < b->horizon_count; h++) {
        char what[32], count[24], left[48], right[48];
        uint64_t tokens = b->horizons[h].tokens;
        if (!has_horizon(a, tokens))
            continue;
        snprintf(what, sizeof(what), "loss at %s",
                 format_count(count, sizeof(count), (double)tokens));
        print_row(what, horizon_text(left, a, tokens), horizon_text(right, b, tokens));
    }
}

static void print_text(const struct run_comparison *of)
{
    const struct answer *a = &of->runs[0]->answer, *b = &of->runs[1]->answer;
    char left[64], right[64];
    wrap_print(stdout, "A  ", "%s", of->dirs[0]);
    wrap_print(stdout, "B  ", "%s", of->dirs[1]);
    print_row("\n              ", "A", "B");
    print_row("status", answer_status_name(a->status), answer_status_name(b->status));
    print_row("target tokens", format_count(left, sizeof(left), (double)a->target.tokens),
              format_count(right, sizeof(right), (double)b->target.tokens));
    print_row("learning rate", format_lr(left, sizeof(left), 3, a->target.lr),
              format_lr(right, sizeof(right), 3, b->target.lr));
    print_row("90 % interval", format_range(left, sizeof(left), 'l', 2, a->target.ci90),
              format_range(right, sizeof(right), 'l', 2, b->target.ci90));
    print_row("LR ~ tokens^", format_fixed(left, sizeof(left), 2, -a->law.beta),
              format_fixed(right, sizeof(right), 2, -b->law.beta));
    print_horizons(a, b);
    snprintf(left, sizeof(left), "%" PRIu64 " trainings", a->cost.trials);
    snprintf(right, sizeof(right), "%" PRIu64 " trainings", b->cost.trials);
    print_row("cost", left, right);
    print_row("", format_count(left, sizeof(left), (double)a->cost.tokens),
              format_count(right, sizeof(right), (double)b->cost.tokens));
    putchar('\n');
    drift_print(stdout, "B over A  ", &of->drift);
    wrap_print(stdout, "plans     ", "%s", *of->differences ? of->differences : "the same");
}

/* ---- JSON ---- */

static json_t *run_json(const struct run_comparison *of, int i, bool *ok)
{
    const struct run_answer *run = of->runs[i];
    const struct answer *answer = &run->answer;
    json_t *object = json_object(), *horizons = json_array();
    json_put(object, "run_dir", json_of_text(of->dirs[i]), ok);
    json_put(object, "name", json_of_text(run->plan.name), ok);
    json_put(object, "finished", json_boolean(run->finished), ok);
    json_put(object, "status", json_string(answer_status_name(answer->status)), ok);
    json_put(object, "target_tokens", json_of_count(answer->target.tokens), ok);
    json_put(object, "lr", json_of_double(answer->target.lr), ok);
    json_put(object, "ci90", json_of_interval(answer->target.ci90), ok);
    json_put(object, "beta", json_of_double(answer->law.beta), ok);
    json_put(object, "beta_ci90", json_of_interval(answer->law.beta_ci90), ok);
    for (size_t h = 0; h < answer->horizon_count; h++) {
        json_t *one = json_object();
        json_put(one, "tokens", json_of_count(answer->horizons[h].tokens), ok);
        json_put(one, "lr_opt", json_of_double(answer->horizons[h].lr_opt), ok);
        json_put(one, "loss_min", json_of_double(answer->horizons[h].loss_min), ok);
        if (json_array_append_new(horizons, one))
            *ok = false;
    }
    json_put(object, "horizons", horizons, ok);
    json_put(object, "trials", json_of_count(answer->cost.trials), ok);
    json_put(object, "tokens", json_of_count(answer->cost.tokens), ok);
    json_put(object, "flops", json_of_double(answer->cost.flops), ok);
    json_put(object, "core_seconds", json_of_double(answer->cost.core_seconds), ok);
    return object;
}

static int print_json(const struct run_comparison *of, struct lr_error *err)
{
    bool ok = true;
    json_use_lr_memory();
    json_t *object = json_object();
    json_put(object, "schema_version", json_integer(1), &ok);
    json_put(object, "a", run_json(of, 0, &ok), &ok);
    json_put(object, "b", run_json(of, 1, &ok), &ok);
    json_put(object, "drift", drift_json(&of->drift, &ok), &ok);
    json_put(object, "plan_differences", json_of_text(of->differences), &ok);
    return json_print(object, ok, err);
}

static int run(const struct command_line *line)
{
    const struct compare_options *options = line->options;
    const char *const dirs[2] = {line->operands[0], line->operands[1]};
    const struct drift_limits limits = {options->lr_factor, options->loss_limit};
    struct run_comparison of;
    struct lr_error err = {0};
    int rc;
    if ((rc = run_comparison_read(&of, dirs, &limits, &err)))
        goto out;
    for (int i = 0; i < 2; i++)
        if (!of.runs[i]->finished)
            lr_log(LR_LOG_WARNING, "%s: is not finished: its answer may still move", of.dirs[i]);
    if (options->json)
        rc = print_json(&of, &err);
    else
        print_text(&of);
out:
    run_comparison_release(&of);
    if (rc)
        return outcome_error(rc, &err);
    return of.drift.lr_beyond || of.drift.loss_beyond ? LR_EXIT_DRIFT : LR_EXIT_IDENTIFIED;
}

static int check_options(const struct command_line *line, struct lr_error *err)
{
    if (line->operand_count == 2)
        return 0;
    return lr_fail(err, LR_EUSAGE,
                   "compare: name two runs' directories, the earlier one first, as in: "
                   "lrsearch compare logs/nightly-2026-11-25 logs/nightly-2026-11-26");
}

static const struct option_row rows[] = {
    {"lr-factor", "X", "exit status 7 when the LR moved by more than this factor",
     OPTION_AT(compare_options, lr_factor), .type = OPTION_NUMBER, .low = 1, .high = 1000,
     .wanted = "a factor above 1, up to 1000"},
    {"loss", "X", "the same when the loss moved by more nats",
     OPTION_AT(compare_options, loss_limit), .type = OPTION_NUMBER, .high = 100,
     .wanted = "nats above 0 such as 0.02"},
    OPTION_ROW_JSON(compare_options),
};

const struct command cmd_compare = {
    .name = "compare",
    .operand = "RUN_DIR RUN_DIR",
    .help = "two runs' answers side by side, and what moved from the first to the second",
    .operand_help = "the directories of two runs, the earlier one first",
    .examples = "lrsearch compare logs/nightly-2026-11-25 logs/nightly-2026-11-26 --lr-factor 1.2",
    .kind = OPERAND_RUN,
    .least_most = {0, SIZE_MAX},
    COMMAND_ROWS(rows),
    .options = &(struct compare_options){0},
    .check = check_options,
    .run = run,
};
