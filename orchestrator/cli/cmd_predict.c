/* lrsearch predict: applies a campaign's law to another horizon and, as far as transfer rules
 * allow, to another width, depth, vocabulary, batch or schedule; or to the best batch there. Refits
 * the losses with the new target, so that every reason to refuse an answer is checked for it. */
#include <stdio.h>
#include <string.h>
#include "campaign/campaign_answer.h"
#include "campaign/campaign_batch.h"
#include "cli/predict_target.h"
#include "cli/outcome.h"
#include "history/run_reader.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "plan/quantity.h"
#include "report/summary.h"

struct predict_options {
    struct predict_target target;
    uint64_t params; /* 0: not given */
    bool json;
};

/* mup and lvp: the LR of the target's hidden matrices, in words; "" when it is the answer's. */
static void explain_width(char *text, size_t capacity, const struct plan *plan,
                          const struct answer *answer)
{
    char lr[16];
    uint32_t width = plan->target.d_model, base = plan->model.base_width;
    text[0] = '\0';
    if (plan->model.parametrization == PARAM_SP || width == base)
        return;
    snprintf(text, capacity,
             "the learning rate is that at base_width %u and holds at each width: %s divides it by "
             "%.4g for the hidden matrices of width %u, which train with %s",
             base, parametrization_name(plan->model.parametrization), (double)width / base, width,
             format_lr(lr, sizeof(lr), 2, answer->target.lr * base / width));
}

/* A parameter count alone does not determine width and depth: the campaign needs a law over
 * sizes. */
static int predict_size(const struct campaign *campaign, struct answer *answer, uint64_t params,
                        struct lr_error *err)
{
    char size[24];
    if (!answer->joint.known)
        return lr_fail(
            err, LR_EPLAN,
            "--params %s: the campaign does not say how the best LR changes with size, as "
            "one with several model.d_model or model.n_layers has; give --width and --layers",
            format_count(size, sizeof(size), (double)params));
    campaign_transfer_size(campaign, answer, (double)params);
    answer->target.width = answer->target.n_layers = 0; /* many shapes have this size */
    return 0;
}

static int fit(const struct campaign *campaign, const struct predict_target *target,
               struct answer *answer, struct lr_error *err)
{
    return target->batch == PREDICT_BATCH_AUTO ? campaign_fit_best_batch(campaign, answer, err)
                                               : campaign_fit(campaign, answer, err);
}

static int predict(const struct command_line *line, struct plan *plan, struct campaign **campaign,
                   struct answer *answer, struct lr_error *err)
{
    const struct predict_options *options = line->options;
    uint64_t hash;
    int rc;
    if ((rc = run_plan_read(plan, &hash, line->operands[0], err)) ||
        (rc = predict_target_set(plan, &options->target, err)) ||
        (rc = run_campaign_read(campaign, plan, hash, line->operands[0], err)) ||
        (rc = fit(*campaign, &options->target, answer, err)))
        return rc;
    if (options->params && (rc = predict_size(*campaign, answer, options->params, err)))
        return rc;
    if (!campaign_finished(*campaign))
        answer_warn(answer, "the campaign is not finished: more trials may move this");
    return 0;
}

static int run(const struct command_line *line)
{
    const struct predict_options *options = line->options;
    struct plan *plan = lr_calloc(1, sizeof(*plan));
    struct answer *answer = lr_calloc(1, sizeof(*answer));
    struct campaign *campaign = NULL;
    struct lr_error err = {0};
    int rc = plan && answer ? predict(line, plan, &campaign, answer, &err) : lr_nomem(&err);
    if (rc) {
        lr_log(LR_LOG_ERROR, "%s", err.text);
    } else if (options->json) {
        outcome_print(true, plan->name, NULL, answer);
    } else {
        char width[320] = "";
        if (answer->target.width > 0)
            explain_width(width, sizeof(width), plan, answer);
        summary_print_prediction(stdout, plan->name, answer, width);
    }
    int status = outcome_status(rc, answer);
    campaign_destroy(campaign);
    lr_free(answer);
    lr_free(plan);
    return status;
}

static int read_batch(void *member, const char *value, struct lr_error *err)
{
    uint64_t count;
    bool best = strcmp(value, "auto") == 0;
    bool counted = quantity_count(value, &count) == QUANTITY_OK;
    if (!best && !(counted && count >= 2 && count <= PREDICT_BATCH_MOST))
        return lr_fail(err, LR_EUSAGE,
                       "--batch %s: must be the tokens of a step, such as 4M, or auto", value);
    *(uint32_t *)member = best ? PREDICT_BATCH_AUTO : (uint32_t)count;
    return 0;
}

static int check_options(const struct command_line *line, struct lr_error *err)
{
    const struct predict_options *options = line->options;
    if (line->operand_count == 0 || !options->target.tokens)
        return lr_fail(err, LR_EUSAGE,
                       "predict: name a run's directory and --tokens, as in: lrsearch predict "
                       "logs/quickstart --tokens 1B");
    if (options->params > 0 && (options->target.width || options->target.layers))
        return lr_fail(err, LR_EUSAGE,
                       "predict: --params is a model's size, and so are --width and --layers; give "
                       "one or the others");
    return predict_target_check(&options->target, line, err);
}

static const struct option_row rows[] = {
    PREDICT_TARGET_TOKENS(predict_options, "tokens to predict for, such as 1B; needed"),
    {"batch", "B|auto",
     "tokens of a step, such as 4M; auto: the best ones, of a run with several batches",
     OPTION_AT(predict_options, target.batch), .type = OPTION_READ, .read = read_batch,
     .values = "auto"},
    PREDICT_TARGET_ROWS(predict_options),
    {"layers", "N", "of the model to predict for: blocks of attention and MLP",
     OPTION_AT(predict_options, target.layers), .type = OPTION_U32, .low = 1, .high = 1024,
     .wanted = "a depth from 1 to 1024"},
    {"vocab", "N", "of the model to predict for", OPTION_AT(predict_options, target.vocab),
     .type = OPTION_U32, .low = 2, .high = 131072, .wanted = "a whole count from 2 to 131072"},
    {"params", "N", "hidden parameters, such as 7B, as the run's best LR changes with size",
     OPTION_AT(predict_options, params), .type = OPTION_U64, .wanted = "a whole count such as 7B"},
    OPTION_ROW_JSON(predict_options),
};

const struct command cmd_predict = {
    .name = "predict",
    .operand = "[RUN_DIR]",
    .help = "the learning rate for --tokens, from the losses of a run",
    .examples = "lrsearch predict logs/quickstart --tokens 1B\n"
                "lrsearch predict logs/batches --tokens 1B --batch auto",
    .operand_help = LATEST_HELP,
    .kind = OPERAND_RUN,
    .latest = true,
    .least_most = {0, 1},
    COMMAND_ROWS(rows),
    .options = &(struct predict_options){.json = false},
    .check = check_options,
    .run = run,
};
