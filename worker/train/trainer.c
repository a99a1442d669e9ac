/* One training from spec to result: open the data, make the model, step, evaluate. All memory is
 * taken before the first step. What goes wrong is a result. */
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
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
    struct diverge diverge;
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
    int stop = t->hooks->step ? t->hooks->step(t->hooks->context, &t->last) : 0;
    t->group.ops->broadcast(&t->group, &stop, sizeof(stop)); /* a group stops together */
    return stop;
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

/* Mean loss of one step's batch; gradients are left in the model. The batch is cut into
 * micro-batches by the spec alone; a group shares them out. */
static double forward_backward(struct training *t, uint64_t step)
{
    const struct trial_spec *spec = t->spec;
    uint32_t batch = spec->batch_tokens / spec->context, at_once = model_micro_batch(t->model);
    uint32_t parts = (batch - 1) / at_once + 1;
    float scale = 1.0f / (float)spec->batch_tokens;
    double sum = 0;
    model_zero_grad(t->model);
    for (uint32_t part = (uint32_t)t->group.rank; part < parts; part += (uint32_t)t->group.size) {
        uint32_t first = part * at_once;
        uint32_t sequences = batch - first < at_once ? batch - first : at_once;
        for (uint32_t s = 0; s < sequences; s++)
            source_train(t->source, (step - 1) * batch + first + s,
                         t->tokens + (size_t)s * (spec->context + 1));
        sum += model_forward_backward(t->model, t->tokens, sequences, scale);
    }
    for (size_t i = 0; i < model_param_count(t->model); i++)
        t->group.ops->sum(&t->group, model_param(t->model, i)->grad,
                          model_param(t->model, i)->count);
    t->group.ops->sum_double(&t->group, &sum, 1);
    return sum / spec->batch_tokens;
}

static void say(struct trial_result *result, enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(struct trial_result *result, enum outcome outcome, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    result->outcome = outcome;
    vsnprintf(result->message, sizeof(result->message), format, arguments);
    va_end(arguments);
}

static void say_diverged(struct training *t, const char *what, double loss)
{
    if (isfinite(loss))
        say(t->result, OUTCOME_DIVERGED, "%s %.3g, far above its start %.3g, at token %" PRIu64,
            what, loss, t->diverge.first, t->last.tokens);
    else
        say(t->result, OUTCOME_DIVERGED, "%s not finite at token %" PRIu64, what, t->last.tokens);
}

/* 0: ran to the end. Otherwise the result says why not. */
static int steps(struct training *t)
{
    const struct trial_spec *spec = t->spec;
    uint64_t count = trial_steps(spec), tail = count / 20 ? count / 20 : 1;
    double tail_sum = 0;
    for (uint64_t step = 1; step <= count; step++) {
        double loss = forward_backward(t, step);
        t->last.tokens = t->result->tokens = step * spec->batch_tokens;
        t->last.train_loss = loss;
        t->last.curve_point = is_curve_point(step, count);
        if (diverge_step(&t->diverge, loss)) {
            say_diverged(t, "training loss", t->diverge.mean);
            return 1;
        }
        double norm = optimizer_step(t->model, spec, schedule_factor(spec, step), step);
        if (!isfinite(norm)) {
            say_diverged(t, "gradient", norm);
            return 1;
        }
        if (step > count - tail)
            tail_sum += loss;
        if (tell(t)) {
            say(t->result, OUTCOME_CANCELED, "canceled at token %" PRIu64, t->last.tokens);
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
        say(result, OUTCOME_CANCELED, "canceled during validation");
    } else if (diverge_far(&t->diverge, loss)) {
        say_diverged(t, "validation loss", loss);
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
        say(result, OUTCOME_FAILED, "%s", err.text);
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
