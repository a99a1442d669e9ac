/* lrsearch tell: takes the result of a trial that lrsearch ask handed out. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/campaign_setup.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "coordinator/ask_tell.h"
#include "history/nights.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "lrsearch/utc.h"
#include "store/json_value.h"
#include "trainers/trainer.h"

#define LINE_BYTES 4096

struct told_loss {
    double value;
    bool given;
};

struct tell_options {
    uint32_t trial, attempt;
    struct told_loss loss;
    double loss_se, seconds;
    bool diverged, json;
    const char *failed, *curve;
    uint64_t tokens;
};

/* ---- the curve ---- */

struct curve {
    struct event_curve *points;
    size_t count, capacity;
};

/* Adds a line, {"tokens": 10, "loss": 3.2}; points beyond TRAIN_CURVE_POINTS are left out later. */
static int add_point(struct curve *curve, const char *line, const char *place, struct lr_error *err)
{
    json_error_t where;
    json_use_lr_memory();
    json_t *object = json_loads(line, 0, &where);
    const json_t *tokens = json_object_get(object, "tokens"),
                 *loss = json_object_get(object, "loss");
    bool good = json_is_number(tokens) && json_number_value(tokens) > 0 &&
                json_number_value(tokens) <= 1e15 && json_is_number(loss);
    struct event_curve point = {.tokens = good ? (uint64_t)json_number_value(tokens) : 0,
                                .train_loss = json_number_value(loss)};
    json_decref(object);
    if (!good)
        return json_memory_failed() ? lr_nomem(err)
                                    : lr_fail(err, LR_EDATA,
                                              "%s: is no point of a curve, such as {\"tokens\": "
                                              "1000, \"loss\": 3.2}",
                                              place);
    if (curve->count > 0 && point.tokens <= curve->points[curve->count - 1].tokens)
        return 0;
    struct event_curve *larger =
        lr_grow(curve->points, curve->count, &curve->capacity, sizeof(*curve->points));
    if (!larger)
        return lr_nomem(err);
    curve->points = larger;
    curve->points[curve->count++] = point;
    return 0;
}

/* Keeps the last point in each of TRAIN_CURVE_POINTS parts of the curve. */
static void thin_out(struct curve *curve)
{
    size_t kept = 0;
    uint64_t end = curve->count > 0 ? curve->points[curve->count - 1].tokens : 1;
    for (size_t i = 0, part = 0; i < curve->count; i++) {
        size_t own = (size_t)((double)curve->points[i].tokens / (double)end * TRAIN_CURVE_POINTS);
        if (kept > 0 && own == part)
            kept--;
        part = own;
        curve->points[kept++] = curve->points[i];
    }
    curve->count = kept;
}

static int read_curve(struct curve *curve, const char *path, struct lr_error *err)
{
    int rc = 0;
    char line[LINE_BYTES], place[512];
    bool in = strcmp(path, "-") == 0;
    FILE *file = in ? stdin : fopen(path, "re");
    if (!file)
        return lr_fail_errno(err, LR_EDATA, "--curve: %s", path);
    for (size_t number = 1; !rc && fgets(line, sizeof(line), file); number++) {
        snprintf(place, sizeof(place), "--curve %.400s:%zu", path, number);
        if (line[strspn(line, " \t\r\n")])
            rc = add_point(curve, line, place, err);
        if (!rc && curve->count >= 4 * TRAIN_CURVE_POINTS * TRAIN_CURVE_POINTS)
            thin_out(curve); /* bounds the memory */
    }
    if (!rc && ferror(file))
        rc = lr_fail_errno(err, LR_EIO, "--curve: %s", path);
    if (!in)
        fclose(file);
    thin_out(curve);
    return rc;
}

/* ---- the result ---- */

static void fill_result(struct trial_result *result, const struct tell_options *options)
{
    *result = (struct trial_result){.tokens = options->tokens, .seconds = options->seconds};
    result->val_loss = result->val_loss_se = NAN;
    result->val_bits_per_byte = result->train_loss = NAN;
    if (options->failed) {
        result->outcome = OUTCOME_FAILED;
        lr_printable_copy(result->message, sizeof(result->message), options->failed);
    } else if (options->diverged || !isfinite(options->loss.value)) {
        result->outcome = OUTCOME_DIVERGED;
        snprintf(result->message, sizeof(result->message), "told as diverged");
    } else {
        result->outcome = OUTCOME_DONE;
        result->val_loss = options->loss.value;
        result->val_loss_se = options->loss_se;
    }
}

static int print_reply(const struct tell_options *options, const struct plan *plan,
                       const char *run_dir, const struct tell_reply *reply, struct lr_error *err)
{
    bool ok = true;
    if (!options->json) {
        printf("trial %u, attempt %u: %s\n", options->trial, reply->attempt,
               reply->known ? "is known already" : "recorded");
        if (reply->answer)
            outcome_print(false, plan->name, run_dir, reply->answer);
        return 0;
    }
    json_use_lr_memory();
    json_t *object = json_object();
    json_put(object, "schema_version", json_of_count(1), &ok);
    json_put(object, "trial", json_of_count(options->trial), &ok);
    json_put(object, "attempt", json_of_count(reply->attempt), &ok);
    json_put(object, "recorded", json_boolean(!reply->known), &ok);
    json_put(object, "state", json_string(ask_state_name(reply->state)), &ok);
    return json_print(object, ok, err);
}

/* ---- the command ---- */

static int tell(const struct command_line *line, const struct plan *plan, const struct curve *curve,
                struct lr_error *err)
{
    static const struct option_pairs none;
    const struct tell_options *options = line->options;
    struct tell_request request = {
        .trial = options->trial,
        .attempt = options->attempt,
        .points = curve->points,
        .point_count = curve->count,
        .now_unix_ms = utc_now_ms(),
    };
    struct campaign_setup setup;
    struct tell_reply reply = {0};
    fill_result(&request.result, options);
    int rc = campaign_setup_open(&setup, plan, NULL, &none, line->operands[0], err);
    if (!rc && !(rc = tell_result(&setup.coordinator, &request, &reply, err))) {
        if (reply.after.code)
            lr_log(LR_LOG_WARNING, "%s", reply.after.text);
        if (reply.answer)
            night_record(line->operands[0], plan, reply.answer);
        rc = print_reply(options, plan, line->operands[0], &reply, err);
    }
    tell_reply_release(&reply);
    campaign_setup_release(&setup);
    return rc;
}

static int run(const struct command_line *line)
{
    static const struct option_pairs none;
    const struct tell_options *options = line->options;
    struct lr_error err = {0};
    struct plan *plan = NULL;
    struct curve curve = {0};
    int rc = options->curve ? read_curve(&curve, options->curve, &err) : 0;
    if (!rc && !(rc = campaign_setup_plan(&plan, line, &none, &err)))
        rc = tell(line, plan, &curve, &err);
    lr_free(curve.points);
    lr_free(plan);
    return outcome_written(outcome_error(rc, &err));
}

static int check(const struct command_line *line, struct lr_error *err)
{
    const struct tell_options *options = line->options;
    if (options->trial == 0)
        return lr_fail(err, LR_EUSAGE, "tell: needs --trial N, a number that lrsearch ask gave");
    if (options->loss.given + options->diverged + (options->failed != NULL) != 1)
        return lr_fail(err, LR_EUSAGE, "tell: give one of --loss, --diverged and --failed");
    return 0;
}

/* Any number, also nan and inf, which mean that it diverged. */
static int read_loss(void *member, const char *value, struct lr_error *err)
{
    char *end;
    *(struct told_loss *)member = (struct told_loss){strtod(value, &end), true};
    if (end == value || *end)
        return lr_fail(err, LR_EUSAGE, "--loss %s: must be a number such as 2.345, or nan", value);
    return 0;
}

/* Any text: a program's last words may hold anything, and are filtered later. */
static int read_reason(void *member, const char *value, struct lr_error *err)
{
    (void)err;
    *(const char **)member = *value ? value : "no reason given";
    return 0;
}

static const struct option_row rows[] = {
    {"trial", "N", "the trial's number, from lrsearch ask", OPTION_AT(tell_options, trial),
     .type = OPTION_U32, .low = 1, .high = 1e9, .wanted = "a number from lrsearch ask"},
    {"attempt", "N", "its attempt; default: the last", OPTION_AT(tell_options, attempt),
     .type = OPTION_U32, .low = 1, .high = 1e6, .wanted = "a number from lrsearch ask"},
    {"loss", "L", "its final loss, in nats per token; nan or inf: it diverged",
     OPTION_AT(tell_options, loss), .type = OPTION_READ, .read = read_loss},
    {"loss-se", "X", "the loss's standard error", OPTION_AT(tell_options, loss_se),
     .type = OPTION_NUMBER, .wanted = "a number above 0"},
    {"tokens", "N", "tokens that it was trained on; default: its horizon",
     OPTION_AT(tell_options, tokens), OPTION_TOKENS},
    {"seconds", "S", "that it took", OPTION_AT(tell_options, seconds), .type = OPTION_NUMBER,
     .wanted = "a number above 0"},
    {"curve", "FILE",
     "its training losses, lines such as {\"tokens\": 1000, \"loss\": 3.2}; -: stdin",
     OPTION_AT(tell_options, curve), OPTION_FILE_NAME},
    {"diverged", NULL, "it diverged", OPTION_AT(tell_options, diverged)},
    {"failed", "TEXT", "it failed, for this reason, and is handed out again",
     OPTION_AT(tell_options, failed), .type = OPTION_READ, .read = read_reason},
    OPTION_ROW_JSON(tell_options),
};

const struct command cmd_tell = {
    .name = "tell",
    .operand = "RUN_DIR",
    .help = "record the result of a trial that lrsearch ask handed out",
    .examples = "lrsearch tell logs/mine --trial 12 --loss 2.34 --seconds 810\n"
                "lrsearch tell logs/mine --trial 13 --diverged\n"
                "lrsearch tell logs/mine --trial 14 --failed \"CUDA out of memory\"",
    .kind = OPERAND_RUN,
    .least_most = {1, 1},
    COMMAND_ROWS(rows),
    .options = &(struct tell_options){.loss_se = NAN},
    .check = check,
    .run = run,
};
