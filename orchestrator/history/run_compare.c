/* Numbers of two runs are compared only if both runs answer the same question. run_drift() lists
 * the differences between the questions as text and leaves out the numbers concerned. */
#include "history/run_compare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "plan/plan_diff.h"
#include "store/run_dir.h"

/* ---- what differs ---- */

/* "other target.tokens (1 -> 2), data.source" */
static void differ(char text[ANSWER_TEXT], const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void differ(char text[ANSWER_TEXT], const char *format, ...)
{
    size_t used = strlen(text);
    snprintf(text + used, ANSWER_TEXT - used, "%s", used ? ", " : "other ");
    used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, ANSWER_TEXT - used, format, args);
    va_end(args);
}

static void differ_size(char text[ANSWER_TEXT], const char *name, uint64_t then, uint64_t now)
{
    if (then != now)
        differ(text, "%s (%" PRIu64 " -> %" PRIu64 ")", name, then, now);
}

static void differ_name(char text[ANSWER_TEXT], const char *name, const char *then, const char *now)
{
    if (strcmp(then, now) != 0)
        differ(text, "%s (%s -> %s)", name, then, now);
}

static void differ_number(char text[ANSWER_TEXT], const char *name, double then, double now)
{
    if (then < now || then > now)
        differ(text, "%s (%g -> %g)", name, then, now);
}

/* Tables and simulated surfaces may differ: they stand in for a trainer, whose drift is to be
 * measured. Text and tokens must be equal. */
static void differ_data(char text[ANSWER_TEXT], const struct question *then,
                        const struct question *now)
{
    const struct plan *a = then->plan, *b = now->plan;
    differ_name(text, "trainer.kind", trainer_name(a->trainer.kind), trainer_name(b->trainer.kind));
    if (a->trainer.kind != TRAINER_TRANSFORMER || b->trainer.kind != TRAINER_TRANSFORMER)
        return;
    if (a->data.source != b->data.source)
        differ(text, "data.source");
    else if (campaign_opening(then->campaign)->data_hash !=
             campaign_opening(now->campaign)->data_hash)
        differ(text, "data (their hashes)");
    differ_size(text, "data.val_tokens", a->data.val_tokens, b->data.val_tokens);
    differ_size(text, "data.val_bytes", a->data.val_bytes, b->data.val_bytes);
    if (a->data.source != SOURCE_SYNTHETIC || b->data.source != SOURCE_SYNTHETIC)
        return;
    differ_number(text, "data.zipf_exponent", a->data.zipf_exponent, b->data.zipf_exponent);
    differ_number(text, "data.markov_weight", a->data.markov_weight, b->data.markov_weight);
    differ_size(text, "data.markov_order", a->data.markov_order, b->data.markov_order);
}

static void differ_target(char text[ANSWER_TEXT], const struct target_answer *then,
                          const struct target_answer *now)
{
    differ_size(text, "target.tokens", then->tokens, now->tokens);
    differ_size(text, "target.d_model", then->width, now->width);
    differ_size(text, "target.n_layers", then->n_layers, now->n_layers);
    differ_size(text, "target.vocab", then->vocab, now->vocab);
    differ_size(text, "target.batch_tokens", then->batch_tokens, now->batch_tokens);
    differ_name(text, "target.schedule", schedule_name(then->schedule),
                schedule_name(now->schedule));
    differ_name(text, "model.parametrization", parametrization_name(then->parametrization),
                parametrization_name(now->parametrization));
}

/* The LR is given at base_width, so another base_width changes its meaning. */
static void differ_base(char text[ANSWER_TEXT], const struct plan *then, const struct plan *now)
{
    if (then->model.parametrization != PARAM_SP && now->model.parametrization != PARAM_SP)
        differ_size(text, "model.base_width", then->model.base_width, now->model.base_width);
}

/* The cell whose horizons are in the answer. */
static struct trial_spec model_of(const struct question *of)
{
    return plan_cell(of->plan, of->answer->cell_count > 0 ? of->answer->nearest : 0);
}

static void differ_model(char text[ANSWER_TEXT], const struct question *then,
                         const struct question *now)
{
    const struct trial_spec a = model_of(then), b = model_of(now);
    differ_size(text, "model.d_model", a.d_model, b.d_model);
    differ_size(text, "model.n_layers", a.n_layers, b.n_layers);
    differ_size(text, "model.vocab", a.vocab, b.vocab);
    differ_size(text, "model.context", a.context, b.context);
    differ_size(text, "training.batch_tokens", a.batch_tokens, b.batch_tokens);
    differ_name(text, "training.schedule", schedule_name(a.schedule), schedule_name(b.schedule));
}

void run_drift(struct drift *out, const struct question *then, const struct question *now,
               const struct drift_limits *limits)
{
    char lr[ANSWER_TEXT] = "", loss[ANSWER_TEXT] = "";
    differ_data(lr, then, now);
    memcpy(loss, lr, sizeof(loss));
    differ_target(lr, &then->answer->target, &now->answer->target);
    differ_base(lr, then->plan, now->plan);
    differ_model(loss, then, now);
    drift_measure(out, then->answer, now->answer, lr, loss, limits);
}

/* ---- two runs ---- */

static int read_differences(struct run_comparison *out, struct lr_error *err)
{
    char *plans[2] = {NULL, NULL};
    int rc = 0;
    for (int i = 0; i < 2; i++)
        if ((rc = run_dir_read(out->dirs[i], "plan.resolved.json", &plans[i], err)))
            goto out;
    if (plan_diff(plans[0], plans[1], out->differences, sizeof(out->differences)) < 0)
        rc = lr_fail(err, LR_EDATA, "%s/plan.resolved.json: cannot be read", out->dirs[1]);
out:
    lr_free(plans[0]);
    lr_free(plans[1]);
    return rc;
}

int run_comparison_read(struct run_comparison *out, const char *const dirs[2],
                        const struct drift_limits *limits, struct lr_error *err)
{
    struct question questions[2];
    int rc;
    memset(out, 0, sizeof(*out));
    for (int i = 0; i < 2; i++) {
        out->dirs[i] = dirs[i];
        if ((rc = run_answer_read(&out->runs[i], dirs[i], err)))
            return rc;
        const struct run_answer *run = out->runs[i];
        questions[i] = (struct question){&run->plan, run->campaign, &run->answer};
    }
    if ((rc = read_differences(out, err)))
        return rc;
    run_drift(&out->drift, &questions[0], &questions[1], limits);
    return 0;
}

void run_comparison_release(struct run_comparison *comparison)
{
    for (int i = 0; i < 2; i++)
        run_answer_free(comparison->runs[i]);
}
