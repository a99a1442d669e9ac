/* lrsearch history: lists the finished runs in a folder as a table, JSON or a figure; --rebuild
 * recreates the index from the runs' plans and journals. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "history/history.h"
#include "history/nights.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "report/figures.h"
#include "report/summary.h"
#include "store/json_value.h"

#define LOGS "logs"

struct history_options {
    const char *name, *plot; /* NULL: not given */
    bool rebuild, json;
};

static void print_table(const struct history_run *runs, size_t count)
{
    int width = 3;
    for (size_t i = 0; i < count; i++)
        width = (int)strlen(runs[i].run) > width ? (int)strlen(runs[i].run) : width;
    printf("%-20s  %-*s  %-16s  %7s  %-18s  %8s  drift\n", "finished", width, "run", "status", "LR",
           "90 % interval", "loss");
    for (size_t i = 0; i < count; i++) {
        const struct history_run *run = &runs[i];
        char lr[32], ratio[32], interval[64], loss[32] = "-", moved[32] = "-", drift[96] = "-";
        if (isfinite(run->loss))
            snprintf(loss, sizeof(loss), "%.4f", run->loss);
        if (isfinite(run->drift_loss))
            snprintf(moved, sizeof(moved), "%+.3g", run->drift_loss);
        if (*run->baseline)
            snprintf(drift, sizeof(drift), "LR x %s, loss %s%s",
                     format_ratio(ratio, sizeof(ratio), run->drift_lr), moved,
                     run->drifted ? "  BEYOND" : "");
        lr_say(stdout, "%-20s  %-*s  %-16s  %7s  %-18s  %8s  %s\n", run->finished_utc, width,
               run->run, run->status, format_lr(lr, sizeof(lr), 2, run->lr),
               format_range(interval, sizeof(interval), 'l', 2, run->ci90), loss, drift);
    }
}

static json_t *row_json(const struct history_run *run, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "run", json_of_text(run->run), ok);
    json_put(object, "name", json_of_text(run->name), ok);
    json_put(object, "finished_utc", json_of_text(run->finished_utc), ok);
    json_put(object, "status", json_of_text(run->status), ok);
    json_put(object, "target_tokens", json_of_count(run->target_tokens), ok);
    json_put(object, "target_width", json_of_size(run->target_width), ok);
    json_put(object, "lr", json_of_double(run->lr), ok);
    json_put(object, "ci90", json_of_interval(run->ci90), ok);
    json_put(object, "loss_tokens",
             run->loss_tokens ? json_of_count(run->loss_tokens) : json_null(), ok);
    json_put(object, "loss", json_of_double(run->loss), ok);
    json_put(object, "trials", json_of_count(run->trials), ok);
    json_put(object, "tokens", json_of_count(run->tokens), ok);
    json_put(object, "flops", json_of_double(run->flops), ok);
    json_put(object, "core_seconds", json_of_double(run->core_seconds), ok);
    json_put(object, "baseline", *run->baseline ? json_of_text(run->baseline) : json_null(), ok);
    json_put(object, "drift_lr", json_of_double(run->drift_lr), ok);
    json_put(object, "drift_lr_ci90", json_of_interval(run->drift_lr_ci90), ok);
    json_put(object, "drift_loss", json_of_double(run->drift_loss), ok);
    json_put(object, "drift_loss_ci90", json_of_interval(run->drift_loss_ci90), ok);
    json_put(object, "drifted", json_boolean(run->drifted), ok);
    json_put(object, "version", json_of_text(run->version), ok);
    json_put(object, "host", json_of_text(run->host), ok);
    return object;
}

static int print_json(const struct history_run *runs, size_t count, struct lr_error *err)
{
    bool ok = true;
    json_use_lr_memory();
    json_t *object = json_object(), *all = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(all, row_json(&runs[i], &ok)))
            ok = false;
    json_put(object, "schema_version", json_integer(1), &ok);
    json_put(object, "runs", all, &ok);
    return json_print(object, ok, err);
}

static int show_runs(const struct history_options *options, const char *dir, struct lr_error *err)
{
    struct history *history = NULL;
    struct history_run *runs = NULL;
    size_t count = 0;
    int rc;
    if ((rc = history_open(&history, dir, HISTORY_READ, err)))
        return rc;
    if (!history)
        return lr_fail(err, LR_EDATA,
                       "%s/" HISTORY_FILE ": there is none; a run makes it beside its directory "
                       "when it is finished, and lrsearch history --rebuild for the runs before",
                       dir);
    rc = history_list(history, options->name, &runs, &count, err);
    history_close(history);
    if (rc)
        return rc;
    if (count == 0 && options->name)
        lr_log(LR_LOG_WARNING, "%s/" HISTORY_FILE ": no run is named %s", dir, options->name);
    if (options->plot && (rc = history_figure(options->plot, runs, count, err)))
        goto out;
    if (options->json)
        rc = print_json(runs, count, err);
    else
        print_table(runs, count);
out:
    lr_free(runs);
    return rc;
}

static int run(const struct command_line *line)
{
    const struct history_options *options = line->options;
    struct lr_error err = {0};
    const char *dir = line->operand_count > 0 ? line->operands[0] : LOGS;
    int rc = 0;
    if (options->rebuild && (rc = nights_rebuild(dir, &err)))
        goto out;
    rc = show_runs(options, dir, &err);

out:
    return outcome_error(rc, &err);
}

static const struct option_row rows[] = {
    {"name", "NAME", "only the runs of this campaign", OPTION_AT(history_options, name),
     .type = OPTION_TEXT, .wanted = "the name of a campaign"},
    {"plot", "FILE", "draw the LR over the runs, as SVG by gnuplot",
     OPTION_AT(history_options, plot), OPTION_FILE_NAME},
    {"rebuild", NULL, "make the history again from the runs themselves",
     OPTION_AT(history_options, rebuild)},
    OPTION_ROW_JSON(history_options),
};

const struct command cmd_history = {
    .name = "history",
    .operand = "[DIR]",
    .help = "the finished runs in DIR (default: logs), the oldest first",
    .operand_help = "the folder that holds the runs' directories",
    .examples = "lrsearch history --name nightly --plot nightly.svg",
    .kind = OPERAND_FOLDER,
    .least_most = {0, 1},
    COMMAND_ROWS(rows),
    .options = &(struct history_options){0},
    .run = run,
};
