/* schedule_factor() and one step of AdamW, or of Muon for hidden matrices and AdamW for the rest,
 * over all tensors, in fixed order. Schedules end with the horizon: an LR read from a loss that was
 * not annealed is about 3x too low. */
#include "trainers/transformer/optimizer.h"

#include <assert.h>
#include <math.h>
#include "kernels/kernels.h"

static double warmup_steps(const struct trial_spec *spec, double steps)
{
    if (spec->warmup_tokens > 0)
        return floor((double)spec->warmup_tokens / spec->batch_tokens);
    return floor(spec->warmup * steps);
}

/* 1 down to 0 as `share` goes from 0 to 1. */
static double fall(const struct trial_spec *spec, double share)
{
    const double pi = 3.14159265358979323846;
    switch (spec->schedule) {
    case SCHEDULE_COSINE:
        return 0.5 * (1.0 + cos(pi * share));
    case SCHEDULE_LINEAR:
        return 1.0 - share;
    case SCHEDULE_WSD:
        return spec->cooldown_shape == COOLDOWN_ROOT ? 1.0 - sqrt(share) : 1.0 - share;
    default:
        return 1.0;
    }
}

double schedule_factor(const struct trial_spec *spec, uint64_t step)
{
    double steps = (double)trial_steps(spec), at = (double)step;
    double begin = warmup_steps(spec, steps);
    if (at <= begin)
        return at / begin;
    if (spec->schedule == SCHEDULE_WSD) {
        double cooldown = (double)trial_stable_steps(spec);
        begin = cooldown > begin ? cooldown : begin;
        if (at <= begin)
            return 1.0;
    }
    double end = spec->min_lr > 0 ? fmin(spec->min_lr / spec->lr, 1.0) : spec->final_lr;
    double share = steps > begin ? (at - begin) / (steps - begin) : 1.0;
    return end + (1.0 - end) * fall(spec, share);
}

size_t param_block(const struct param *p)
{
    return p->matrices > 0 ? p->count / p->matrices : squares_block(p->count);
}

static double muon_scale(const struct trial_spec *spec, double rows, double cols)
{
    switch (spec->muon_lr_scale) {
    case MUON_MATCH_RMS:
        return 0.2 * sqrt(fmax(rows, cols));
    case MUON_ORIGINAL:
        return sqrt(fmax(1.0, rows / cols));
    default:
        return sqrt(rows / cols);
    }
}

/* Of the floats from <= i < to, which are whole matrices. lr and decay: of this step and tensor. */
static void update_by_muon(const struct model *model, const struct trial_spec *spec,
                           const struct param *p, double shrink, double lr, double decay,
                           size_t from, size_t to)
{
    enum matmul by = spec->precision == PRECISION_BF16 ? MATMUL_BF16 : MATMUL_OWN;
    size_t each = param_block(p), rows = p->rows / p->matrices;
    assert(from % each == 0 && to % each == 0);
    for (size_t at = from; at < to; at += each) {
        muon_momentum(p->v + at, p->m + at, p->grad + at, (float)shrink, (float)spec->muon_momentum,
                      each);
        newton_schulz(by, p->v + at, model_muon_scratch(model), rows, p->cols);
        muon_update(p->value + at, p->v + at, (float)(lr * muon_scale(spec, (double)rows, p->cols)),
                    (float)decay, each);
    }
}

void optimizer_update(struct model *model, const struct trial_spec *spec,
                      const struct update *update, size_t bucket, size_t begin, size_t end)
{
    struct model_bucket range = model_bucket(model, bucket);
    double norm = update->norm, lr = spec->lr * update->schedule;
    double decay = spec->weight_decay * update->schedule;
    /* 1e-6: as PyTorch's clip_grad_norm_ */
    double shrink = spec->clip > 0 && norm > spec->clip ? spec->clip / (norm + 1e-6) : 1.0;
    for (size_t i = range.first; i < range.end; i++) {
        struct param *p = model_param(model, i);
        size_t from = begin > p->offset ? begin - p->offset : 0;
        size_t to = end > p->offset ? end - p->offset : 0;
        to = to < p->count ? to : p->count;
        if (from >= to)
            continue;
        double coupled = spec->independent_decay ? 1.0 : spec->lr * p->lr_factor;
        if (p->matrices > 0) {
            update_by_muon(model, spec, p, shrink, lr * p->lr_factor,
                           decay * p->decay_factor * coupled, from, to);
            continue;
        }
        switch ((enum optimizer)spec->optimizer) {
        case OPTIMIZER_ADAMW:
        case OPTIMIZER_MUON: /* of what is no matrix */
            adamw_update(p->value + from, p->m + from, p->v + from, p->grad + from, (float)shrink,
                         (float)(lr * p->lr_factor), (float)spec->beta1, (float)spec->beta2,
                         (float)(spec->adam_eps * p->eps_factor),
                         (float)(decay * p->decay_factor * coupled), update->step, to - from);
            break;
        }
    }
}

double optimizer_step(struct model *model, const struct trial_spec *spec, double schedule,
                      uint64_t step)
{
    double squares = 0;
    for (size_t i = 0; i < model_param_count(model); i++) {
        const struct param *p = model_param(model, i);
        double sums[SQUARES_MOST] = {0}, sum = 0;
        sums_of_squares(sums, p->grad, param_block(p), p->count);
        for (size_t block = 0; block < SQUARES_MOST; block++)
            sum += sums[block];
        squares += sum;
    }
    const struct update update = {.schedule = schedule, .norm = sqrt(squares), .step = step};
    if (isfinite(update.norm))
        for (size_t bucket = 0; bucket < model_bucket_count(model); bucket++)
            optimizer_update(model, spec, &update, bucket, 0, model_floats(model).count);
    return update.norm;
}
