/* transformer_run(): one training of the built-in model. Opens the data, creates the model, steps,
 * validates, alone or as the leader of a team. Failures become results. */
#include "trainers/transformer/transformer.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "lrsearch/log.h"
#include "trainers/transformer/checkpoint.h"
#include "trainers/transformer/losses.h"
#include "trainers/transformer/member.h"
#include "trainers/transformer/team_state.h"

#define LN_2 0.69314718055994530942

struct training {
    const struct trial_spec *spec;
    const struct train_hooks *hooks;
    struct trial_result *result;
    struct train_files *files;
    struct member member;
    struct checkpoint state; /* progress of the training */
    struct timespec start;
    struct train_step last; /* the last one passed to the hook */
    uint64_t saved_tokens;  /* of the last checkpoint that was written; 0: none */
};

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

static void write_checkpoint(struct training *t)
{
    struct lr_error err = {0};
    if (!t->hooks->place->checkpoint[0])
        return;
    if (team_gather(t->hooks->team, &t->member, &err) ||
        checkpoint_save(t->hooks->place->checkpoint, t->member.model, t->spec, &t->state, &err))
        lr_log(LR_LOG_WARNING, "checkpoint not written: %s", err.text);
    else
        t->saved_tokens = t->state.tokens;
}

/* Nonzero: stop. */
static int report_progress(struct training *t)
{
    t->last.seconds = seconds_since(&t->start);
    int wish = t->hooks->step ? t->hooks->step(t->hooks->context, &t->last) : 0;
    if (wish & TRAIN_SAVE)
        write_checkpoint(t);
    return wish & TRAIN_STOP;
}

static int keep_going(void *context)
{
    struct training *t = context;
    t->last.curve_point = false;
    return report_progress(t);
}

/* Point k of TRAIN_CURVE_POINTS is the first step at or after k/TRAIN_CURVE_POINTS of the
 * horizon. */
static bool is_curve_point(uint64_t step, uint64_t steps)
{
    return step * TRAIN_CURVE_POINTS / steps != (step - 1) * TRAIN_CURVE_POINTS / steps;
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
            what, loss, t->state.diverge.first, t->last.tokens);
    else
        say(t->result, OUTCOME_DIVERGED, "%s not finite at token %" PRIu64, what, t->last.tokens);
}

static void fail(struct training *t)
{
    int code = t->files->err.code; /* LR_EWORKERS: the worker makes LOST of it */
    bool canceled = code == LR_ECANCELED || code == LR_EWORKERS;
    say(t->result, canceled ? OUTCOME_CANCELED : OUTCOME_FAILED, "%s", t->files->err.text);
}

/* Nonzero: the file could not be written; the result is set. */
static int save(struct training *t)
{
    if (!t->files->save ||
        (!team_gather(t->hooks->team, &t->member, &t->files->err) &&
         !checkpoint_save(t->files->save, t->member.model, t->spec, &t->state, &t->files->err)))
        return 0;
    fail(t);
    return 1;
}

static void say_canceled(struct training *t, const char *where)
{
    if (t->saved_tokens > 0 && t->saved_tokens == t->state.tokens)
        say(t->result, OUTCOME_CANCELED, "canceled %s, saved at token %" PRIu64, where,
            t->saved_tokens);
    else
        say(t->result, OUTCOME_CANCELED, "canceled %s", where);
}

static void stop(struct training *t)
{
    char where[48];
    snprintf(where, sizeof(where), "at token %" PRIu64, t->last.tokens);
    if (save(t))
        return;
    if (t->files->save)
        say(t->result, OUTCOME_CANCELED, "stopped at token %" PRIu64 ", saved in %.150s",
            t->last.tokens, t->files->save);
    else
        say_canceled(t, where);
}

/* Nonzero: diverged, or the group was given up, or the data cannot be read; the result is set. */
static int step_once(struct training *t, uint64_t step, uint64_t count)
{
    double loss, norm;
    if (team_grow(t->hooks->team, &t->member, &t->files->err) ||
        team_step(t->hooks->team, &t->member, step, &loss, &norm, &t->files->err)) {
        fail(t);
        return 1;
    }
    t->last.tokens = t->result->tokens = t->state.tokens = step * t->spec->batch_tokens;
    t->last.train_loss = loss;
    t->last.curve_point = is_curve_point(step, count);
    if (diverge_step(&t->state.diverge, loss)) {
        say_diverged(t, "training loss", t->state.diverge.mean);
        return 1;
    }
    if (!isfinite(norm)) {
        say_diverged(t, "gradient", norm);
        return 1;
    }
    t->state.step = step;
    return 0;
}

/* 0: ran to the end. Otherwise the result says why not. */
static int steps(struct training *t)
{
    uint64_t count = trial_steps(t->spec), tail = count / 20 ? count / 20 : 1;
    uint64_t first = t->state.step + 1, until = t->files->until_tokens;
    for (uint64_t step = first; step <= count; step++) {
        if (step_once(t, step, count))
            return 1;
        if (step > count - tail)
            t->state.tail_sum += t->last.train_loss;
        if (report_progress(t) || (until > 0 && t->last.tokens >= until && step < count)) {
            stop(t);
            return 1;
        }
    }
    /* after resuming from another horizon, the tail may be only partly seen */
    uint64_t seen = first > count - tail + 1 && t->files->changed[0] ? count + 1 - first : tail;
    t->result->train_loss = seen ? t->state.tail_sum / (double)seen : NAN;
    return save(t);
}

/* Resumes from a checkpoint. Its tail of losses counts only for the horizon of its own spec. */
static int resume(struct training *t)
{
    struct train_files *files = t->files;
    int rc = checkpoint_load(files->init, t->member.model, t->spec, &t->state, files->changed,
                             sizeof(files->changed), &files->err);
    if (rc)
        return rc;
    if (t->state.step > trial_steps(t->spec))
        return lr_fail(&files->err, LR_EDATA,
                       "%s: has %" PRIu64 " steps behind it, more than the %" PRIu64
                       " of this training; give it a longer horizon",
                       files->init, t->state.step, trial_steps(t->spec));
    if (t->state.tokens != t->state.step * t->spec->batch_tokens)
        return lr_fail(&files->err, LR_EDATA,
                       "%s: was trained with another batch_tokens; use the plan that it was saved "
                       "with",
                       files->init);
    if (files->changed[0])
        t->state.tail_sum = 0;
    t->last.tokens = t->result->tokens = t->result->begun_tokens = t->state.tokens;
    return 0;
}

/* Resumes from the training's own checkpoint if it is usable. */
static void resume_own(struct training *t)
{
    struct train_files *files = t->files;
    const char *checkpoint = t->hooks->place->checkpoint;
    if (!checkpoint[0] || checkpoint_tokens(checkpoint, t->spec) == 0)
        return;
    files->init = checkpoint;
    if (resume(t)) { /* the model is unchanged */
        lr_log(LR_LOG_WARNING, "checkpoint not used: %s", files->err.text);
        memset(&files->err, 0, sizeof(files->err));
        memset(&t->state, 0, sizeof(t->state));
    }
    files->init = NULL;
}

static int prepare(struct training *t)
{
    struct lr_error *err = &t->files->err;
    int rc = member_prepare(&t->member, t->spec, t->hooks->place->data_path, err);
    if (rc)
        return rc;
    if (!t->files->init)
        resume_own(t);
    else if ((rc = resume(t)))
        return rc;
    return team_begin(t->hooks->team, &t->member, err);
}

static void finish(struct training *t)
{
    struct trial_result *result = t->result;
    const struct source *source = t->member.source;
    uint64_t count = source_val_count(source);
    double loss, standard_error;
    int stopped;
    if (team_validate(t->hooks->team, &t->member, keep_going, t, &stopped, &t->files->err)) {
        fail(t);
        return;
    }
    if (stopped) {
        say_canceled(t, "during validation");
        return;
    }
    uint32_t last = source_val(source, count - 1, t->member.tokens);
    validation_mean(t->member.losses, count, (double)last / t->spec->context, &loss,
                    &standard_error);
    if (diverge_far(&t->state.diverge, loss)) {
        say_diverged(t, "validation loss", loss);
    } else {
        result->outcome = OUTCOME_DONE;
        result->val_loss = loss;
        result->val_loss_se = standard_error;
        if (t->spec->val_bytes > 0)
            result->val_bits_per_byte =
                loss * (double)t->spec->val_tokens / (LN_2 * (double)t->spec->val_bytes);
    }
}

void transformer_run(const struct trial_spec *spec, struct train_files *files,
                     const struct train_hooks *hooks, struct trial_result *result)
{
    struct training training = {.spec = spec, .hooks = hooks, .result = result, .files = files};
    struct training *t = &training;
    clock_gettime(CLOCK_MONOTONIC, &t->start);
    if (prepare(t))
        fail(t);
    else if (steps(t) == 0)
        finish(t);
    result->flops = trial_flops_per_token(spec) * (double)(result->tokens - result->begun_tokens);
    result->seconds = seconds_since(&t->start);
    member_release(&t->member);
}
