/* One training from spec to result: open the data, make the model, step, evaluate. All memory is
 * taken before the first step. What goes wrong is a result. */
#define _POSIX_C_SOURCE 200809L
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "data/source.h"
#include "lrsearch/memory.h"
#include "model/model.h"
#include "train/diverge.h"
#include "train/evaluate.h"
#include "train/group.h"
#include "train/optimizer.h"
#include "train/schedule.h"

struct training {
    const struct trial_spec *spec;
    const struct train_hooks *hooks;
    struct trial_result *result;
    struct source *source;
    struct model *model;
    struct group group;
    uint32_t *tokens; /* (micro-batch, context + 1) */
    double *losses;   /* (micro-batch) */
    struct timespec start;
    struct train_step last; /* what the hook was told last */
};

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

static int tell(struct training *t)
{
    t->last.seconds = seconds_since(&t->start);
    return t->hooks->step ? t->hooks->step(t->hooks->context, &t->last) : 0;
}

static int keep_going(void *context)
{
    struct training *t = context;
    t->last.curve_point = false;
    return tell(t);
}

/* Point k of TRAIN_CURVE_POINTS is the first step at or after k/TRAIN_CURVE_POINTS of the horizon.
 */
static bool is_curve_point(uint64_t step, uint64_t steps)
{
    return step * TRAIN_CURVE_POINTS / steps != (step - 1) * TRAIN_CURVE_POINTS / steps;
}

/* Mean loss of one step's batch; gradients are left in the model. */
static double forward_backward(struct training *t, uint64_t step)
{
    const struct trial_spec *spec = t->spec;
    uint32_t batch = spec->batch_tokens / spec->context, at_once = model_micro_batch(t->model);
    double sum = 0;
    model_zero_grad(t->model);
    for (uint32_t first = 0; first < batch; first += at_once) {
        uint32_t sequences = batch - first < at_once ? batch - first : at_once;
        for (uint32_t s = 0; s < sequences; s++)
            source_train(t->source, (step - 1) * batch + first + s,
                         t->tokens + (size_t)s * (spec->context + 1));
        sum += model_forward_backward(t->model, t->tokens, sequences,
                                      1.0f / (float)spec->batch_tokens);
    }
    for (size_t i = 0; i < model_param_count(t->model); i++)
        t->group.ops->sum(&t->group, model_param(t->model, i)->grad,
                          model_param(t->model, i)->count);
    t->group.ops->sum_double(&t->group, &sum, 1);
    return sum / spec->batch_tokens;
}

static void say(struct trial_result *result, enum outcome outcome, const char *text,
                uint64_t tokens)
{
    result->outcome = outcome;
    snprintf(result->message, sizeof(result->message), "%s at token %llu", text,
             (unsigned long long)tokens);
}

/* 0: ran to the end. Otherwise the result says why not. */
static int steps(struct training *t)
{
    const struct trial_spec *spec = t->spec;
    struct diverge diverge = {0};
    uint64_t count = trial_steps(spec), tail = count / 20 ? count / 20 : 1;
    double tail_sum = 0;
    for (uint64_t step = 1; step <= count; step++) {
        double loss = forward_backward(t, step);
        t->last.tokens = t->result->tokens = step * spec->batch_tokens;
        t->last.train_loss = loss;
        t->last.curve_point = is_curve_point(step, count);
        if (diverge_step(&diverge, loss)) {
            say(t->result, OUTCOME_DIVERGED,
                isfinite(loss) ? "training loss far above its start" : "training loss not finite",
                t->last.tokens);
            return 1;
        }
        double norm = optimizer_step(t->model, spec, spec->lr * schedule_factor(spec, step), step);
        if (!isfinite(norm)) {
            say(t->result, OUTCOME_DIVERGED, "gradient not finite", t->last.tokens);
            return 1;
        }
        if (step > count - tail)
            tail_sum += loss;
        if (tell(t)) {
            say(t->result, OUTCOME_CANCELED, "canceled", t->last.tokens);
            return 1;
        }
    }
    t->result->train_loss = tail_sum / (double)tail;
    return 0;
}

static int prepare(struct training *t, struct lr_error *err)
{
    int rc = source_open(&t->source, t->spec, err);
    if (!rc)
        rc = model_create(&t->model, t->spec, err);
    if (rc)
        return rc;
    uint32_t at_once = model_micro_batch(t->model);
    t->tokens = lr_malloc((size_t)at_once * (t->spec->context + 1) * sizeof(*t->tokens));
    t->losses = lr_malloc(at_once * sizeof(*t->losses));
    if (!t->tokens || !t->losses)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    model_init(t->model, t->spec->seed);
    return 0;
}

static void finish(struct training *t)
{
    struct trial_result *result = t->result;
    double loss, standard_error;
    if (evaluate(t->model, t->source, t->spec->context, t->tokens, t->losses, keep_going, t, &loss,
                 &standard_error)) {
        say(result, OUTCOME_CANCELED, "canceled during validation", result->tokens);
    } else if (!isfinite(loss)) {
        say(result, OUTCOME_DIVERGED, "validation loss not finite", result->tokens);
    } else {
        result->outcome = OUTCOME_DONE;
        result->val_loss = loss;
        result->val_loss_se = standard_error;
    }
}

void trainer_run(const struct trial_spec *spec, const struct train_hooks *hooks,
                 struct trial_result *result)
{
    struct training training = {.spec = spec, .hooks = hooks, .result = result};
    struct training *t = &training;
    struct lr_error err = {0};
    memset(result, 0, sizeof(*result));
    result->val_loss = result->val_loss_se = result->train_loss = NAN;
    t->group = group_alone();
    clock_gettime(CLOCK_MONOTONIC, &t->start);
    if (prepare(t, &err)) {
        result->outcome = OUTCOME_FAILED;
        snprintf(result->message, sizeof(result->message), "%.250s", err.text);
    } else if (steps(t) == 0) {
        finish(t);
    }
    result->flops = trial_flops_per_token(spec) * (double)result->tokens;
    result->seconds = seconds_since(&t->start);
    lr_free(t->losses);
    lr_free(t->tokens);
    model_destroy(t->model);
    source_close(t->source);
}
