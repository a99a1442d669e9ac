/* A step of a training and its validation, by one rank or as a member of a group. */
#include "trainers/transformer/member.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "trainers/transformer/losses.h"
#include "trainers/transformer/optimizer.h"

int member_prepare(struct member *member, const struct trial_spec *spec, const char *data_path,
                   struct lr_error *err)
{
    int rc;
    memset(member, 0, sizeof(*member));
    member->spec = spec;
    if ((rc = source_open(&member->source, spec, data_path, err)) ||
        (rc = model_create(&member->model, spec, err)))
        return rc;
    member->tokens = lr_malloc((size_t)model_micro_batch(member->model) * (spec->context + 1) *
                               sizeof(*member->tokens));
    member->losses = lr_malloc((size_t)source_val_count(member->source) * sizeof(*member->losses));
    if (!member->tokens || !member->losses)
        return lr_nomem(err);
    model_init(member->model, spec->seed);
    return 0;
}

void member_release(struct member *member)
{
    if (exchange_destroy(member->exchange)) {
        lr_free(member->losses);
        model_destroy(member->model);
    }
    lr_free(member->tokens);
    source_close(member->source);
    memset(member, 0, sizeof(*member));
}

static struct report report_of(const struct member *member, double loss)
{
    struct lr_error err = {0};
    struct report report = {.state = REPORT_GOOD, .loss = loss};
    if (source_failed(member->source, &err)) {
        report.state = REPORT_FAILED;
        snprintf(report.text, sizeof(report.text), "%.255s", err.text);
    }
    return report;
}

/* ---- a step ---- */

double slices_gradient(struct model *model, const struct source *source, uint32_t *tokens,
                       const struct trial_spec *spec, uint64_t batch,
                       const struct slice_range *slices)
{
    uint64_t sequences = spec->batch_tokens / spec->context;
    uint32_t at_once = model_micro_batch(model);
    float scale = 1.0f / (float)spec->batch_tokens;
    double sums[TRIAL_SLICES_MOST] = {0};
    for (uint32_t slice = 0; slice < slices->count; slice++) {
        uint32_t begin = trial_slice_begin(spec, slices->first + slice);
        uint32_t end = trial_slice_begin(spec, slices->first + slice + 1);
        for (uint32_t first = begin; first < end; first += at_once) {
            uint32_t count = end - first < at_once ? end - first : at_once;
            const struct slice_part part = {.slice = slice,
                                            .first = first == begin,
                                            .last = first + count == end,
                                            .final = slice + 1 == slices->count,
                                            .complete = slices->complete,
                                            .context = slices->context};
            for (uint32_t s = 0; s < count; s++)
                source_train(source, batch * sequences + first + s,
                             tokens + (size_t)s * (spec->context + 1));
            model_lap(model, PART_DATA);
            sums[slice] += model_slice_part(model, tokens, count, scale, &part);
        }
    }
    for (uint32_t left = slices->count / 2; left > 0; left /= 2)
        for (uint32_t i = 0; i < left; i++)
            sums[i] = sums[2 * i] + sums[2 * i + 1];
    return sums[0];
}

static int step_together(struct member *m, uint64_t step, double *loss, double *norm,
                         struct lr_error *err)
{
    const struct group *group = exchange_group(m->exchange);
    uint32_t each = trial_slices(m->spec) / (uint32_t)group->members.size;
    const struct slice_range slices = {.first = (uint32_t)group->index * each,
                                       .count = each,
                                       .complete = exchange_complete,
                                       .context = m->exchange};
    int rc;
    exchange_gradients_begin(m->exchange);
    double sum = slices_gradient(m->model, m->source, m->tokens, m->spec, step - 1, &slices);
    struct report own = report_of(m, sum);
    if ((rc = exchange_gradients_end(m->exchange, err)) ||
        (rc = exchange_sums(m->exchange, &own, loss, norm, err)))
        return rc;
    if (isfinite(*norm) &&
        (rc = exchange_update(m->exchange, schedule_factor(m->spec, step), step, *norm, err)))
        return rc;
    return exchange_reported(m->exchange, 0, err);
}

int member_step(struct member *m, uint64_t step, double *loss, double *norm, struct lr_error *err)
{
    int rc;
    if (m->exchange) {
        rc = step_together(m, step, loss, norm, err);
    } else {
        const struct slice_range all = {.count = trial_slices(m->spec)};
        *loss = slices_gradient(m->model, m->source, m->tokens, m->spec, step - 1, &all);
        *norm = optimizer_step(m->model, m->spec, schedule_factor(m->spec, step), step);
        rc = 0;
    }
    if (!rc)
        *loss /= m->spec->batch_tokens;
    int failed = source_failed(m->source, err);
    return failed ? failed : rc;
}

/* ---- validation ---- */

int member_validate(struct member *m, int (*keep_going)(void *context_of_caller),
                    void *context_of_caller, int *stopped, struct lr_error *err)
{
    uint64_t count = source_val_count(m->source);
    uint32_t at_once = model_micro_batch(m->model);
    uint64_t batches = (count + at_once - 1) / at_once, first = 0, end = batches;
    *stopped = 0;
    if (m->exchange) {
        int index = exchange_group(m->exchange)->index;
        first = exchange_share(m->exchange, index, batches);
        end = exchange_share(m->exchange, index + 1, batches);
    }
    for (uint64_t batch = first; batch < end && !*stopped; batch++) {
        validation_losses(m->model, m->source, m->spec->context, batch, m->tokens, m->losses);
        if (keep_going)
            *stopped = keep_going(context_of_caller);
        if (m->exchange)
            exchange_progress(m->exchange);
    }
    struct report own = report_of(m, 0);
    int rc = m->exchange ? exchange_losses(m->exchange, &own, batches, at_once, count, err) : 0;
    if (rc)
        return rc;
    bool leads = m->exchange && exchange_group(m->exchange)->index == 0;
    if (leads && (rc = exchange_reported(m->exchange, 0, err)))
        return rc;
    return source_failed(m->source, err);
}
