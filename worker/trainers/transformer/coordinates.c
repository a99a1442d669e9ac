/* A few training steps, with the activations of every layer measured between them. A step whose
 * gradient is not finite leaves the weights unchanged; the means are still reported. */
#include "trainers/transformer/coordinates.h"

#include <string.h>
#include "lrsearch/memory.h"
#include "trainers/transformer/member.h"
#include "trainers/transformer/optimizer.h"

struct walk {
    struct model *model;
    struct source *source;
    uint32_t *tokens; /* (micro-batch, context + 1) */
    float *before;    /* all weights, before a step */
};

static void keep_weights(struct walk *walk)
{
    float *next = walk->before;
    for (size_t i = 0; i < model_param_count(walk->model); i++) {
        const struct param *p = model_param(walk->model, i);
        memcpy(next, p->value, p->count * sizeof(*next));
        next += p->count;
    }
}

/* Adds -(gradient . change of the weights) per group: the decrease of the loss, to first order. */
static void sum_gains(struct walk *walk, double *gains)
{
    const float *before = walk->before;
    for (size_t i = 0; i < model_param_count(walk->model); i++) {
        const struct param *p = model_param(walk->model, i);
        double sum = 0;
        for (size_t j = 0; j < p->count; j++)
            sum += (double)p->grad[j] * ((double)before[j] - (double)p->value[j]);
        gains[p->group] += sum;
        before += p->count;
    }
}

/* gains may be NULL. */
static void one_step(struct walk *walk, const struct trial_spec *spec, uint32_t step, double *gains)
{
    const struct slice_range all = {.count = trial_slices(spec)};
    slices_gradient(walk->model, walk->source, walk->tokens, spec, step, &all);
    if (gains)
        keep_weights(walk);
    optimizer_step(walk->model, spec, 1, step + 1);
    if (gains)
        sum_gains(walk, gains);
}

static void measure_layers(struct walk *walk, const struct trial_spec *spec, double *means)
{
    uint32_t sequences = model_micro_batch(walk->model);
    for (uint32_t s = 0; s < sequences; s++)
        source_train(walk->source, s, walk->tokens + (size_t)s * (spec->context + 1));
    model_layer_means(walk->model, walk->tokens, sequences, means);
}

static int prepare(struct walk *walk, struct coordinates *out, const struct trial_spec *spec,
                   const char *data_path, struct lr_error *err)
{
    size_t weights = 0;
    int rc;
    if ((rc = source_open(&walk->source, spec, data_path, err)) ||
        (rc = model_create(&walk->model, spec, err)))
        return rc;
    model_init(walk->model, spec->seed);
    out->layers = model_layer_count(walk->model);
    out->names = lr_calloc(out->layers, sizeof(*out->names));
    out->means = lr_calloc(out->layers * (out->steps + 1), sizeof(*out->means));
    for (size_t i = 0; i < model_param_count(walk->model); i++)
        weights += model_param(walk->model, i)->count;
    walk->before = lr_malloc(weights * sizeof(*walk->before));
    walk->tokens = lr_malloc((size_t)model_micro_batch(walk->model) * (spec->context + 1) *
                             sizeof(*walk->tokens));
    if (!out->names || !out->means || !walk->before || !walk->tokens)
        return lr_nomem(err);
    model_layer_names(walk->model, out->names);
    return 0;
}

int coordinates_measure(struct coordinates *out, const struct trial_spec *spec,
                        const char *data_path, uint32_t steps, int (*keep_going)(void *context),
                        void *context, struct lr_error *err)
{
    struct walk walk = {0};
    memset(out, 0, sizeof(*out));
    out->steps = steps;
    int rc = prepare(&walk, out, spec, data_path, err);
    if (rc)
        goto out;
    for (uint32_t step = 0; step <= steps; step++) {
        measure_layers(&walk, spec, out->means + step * out->layers);
        if (step < steps)
            one_step(&walk, spec, step, step == 0 ? out->gains : NULL);
        if ((rc = source_failed(walk.source, err)))
            goto out;
        if (keep_going && keep_going(context)) {
            rc = lr_fail(err, LR_ECANCELED, "interrupted");
            goto out;
        }
    }

out:
    lr_free(walk.before);
    lr_free(walk.tokens);
    model_destroy(walk.model);
    source_close(walk.source);
    return rc;
}

void coordinates_release(struct coordinates *coordinates)
{
    lr_free(coordinates->names);
    lr_free(coordinates->means);
    memset(coordinates, 0, sizeof(*coordinates));
}
