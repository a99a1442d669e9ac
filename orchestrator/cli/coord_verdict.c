/* Which layers keep their size over the width.
 *
 * In theory every activation of mup is of order 1 at every width once a few steps have written over
 * the start (slope 0), and under sp what hidden matrices give grows by the width or more (slope 1).
 * Measured after three steps over gpt and llama, fixed and growing heads, qk-norm, tied outputs,
 * 256 and 4096 tokens of vocabulary, LRs of 1e-3 and 1e-2, widths 32 to 256: the steepest layer of
 * sp had slopes of 1.4 to 3.2; the steepest of mup and lvp at most .18. Falling slopes went down to
 * -.50 where theory has 0 or -1/2, because narrow models overshoot at high LRs; a LR that is
 * divided by the width once too often gives -1. The overshoot grows with the steps: gpt with 2
 * heads of growing size at 1e-2 had slopes of mup from -.87 to .58 after six steps.
 *
 * Some layers start at a slope of -1/2 and keep part of it: output logits (their matrix starts with
 * the same deviation at every width, their sum is divided by m), attention logits when heads get
 * larger (q.k / d_h of vectors that know nothing of each other), and under lvp whatever the
 * embedding's LR, which falls like m^-1/2, has made. */
#include <math.h>
#include <string.h>
#include "cli/coord_check.h"
#include "lrsearch/memory.h"

double coord_mean(const struct coord_check *check, size_t width, uint32_t step, size_t layer)
{
    double sum = 0;
    for (uint32_t s = 0; s < check->seeds; s++) {
        const struct coordinates *run = &check->runs[width * check->seeds + s];
        sum += run->means[step * run->layers + layer];
    }
    return sum / check->seeds;
}

const char *coord_verdict_name(enum coord_verdict verdict)
{
    static const char *const names[] = {"ok", "unclear", "grows", "vanishes", "diverges"};
    return names[verdict];
}

static struct slope slope_of(const struct coord_check *check, uint32_t step, size_t layer)
{
    double x[OPTION_WIDTHS], y[OPTION_WIDTHS];
    for (size_t w = 0; w < check->width_count; w++) {
        x[w] = log((double)check->widths[w]);
        y[w] = log(coord_mean(check, w, step, layer));
    }
    return slope_fit(x, y, check->width_count);
}

#define GROWTH 0.3
#define FALL (-0.5)
#define FALL_FROM_HALF (-0.8)
#define FALL_BY_HALF (-1.0) /* tied to lvp's embedding, logits lose m^-1/2 by their LR too */

static bool starts_falling(const struct coord_layer *layer, const struct coord_check *check)
{
    const struct trial_spec *spec = &check->spec;
    if (strcmp(layer->name, "output logits") == 0)
        return true;
    if (strcmp(layer->name, "embedding") == 0)
        return spec->parametrization == PARAM_LVP;
    return strstr(layer->name, "attention logits") && !check->heads_grow;
}

/* A layer fails when its whole 90 % interval lies outside of what is allowed; when only its slope
 * does, the data do not tell. */
static void judge_layer(struct coord_layer *layer, const struct coord_check *check)
{
    const struct slope *end = &layer->end;
    layer->high = GROWTH;
    layer->low = starts_falling(layer, check) ? FALL_FROM_HALF : FALL;
    if (check->spec.tied_output && check->spec.parametrization == PARAM_LVP &&
        strcmp(layer->name, "output logits") == 0)
        layer->low = FALL_BY_HALF;
    if (!isfinite(end->slope) || !isfinite(end->error))
        layer->verdict = COORD_DIVERGES;
    else if (end->ci90[0] > layer->high)
        layer->verdict = COORD_GROWS;
    else if (end->ci90[1] < layer->low)
        layer->verdict = COORD_VANISHES;
    else if (end->slope > layer->high || end->slope < layer->low)
        layer->verdict = COORD_UNCLEAR;
}

int coord_judge(struct coord_check *check, struct lr_error *err)
{
    check->layer_count = check->runs[0].layers;
    check->layers = lr_calloc(check->layer_count, sizeof(*check->layers));
    if (!check->layers)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    check->passed = true;
    for (size_t l = 0; l < check->layer_count; l++) {
        struct coord_layer *layer = &check->layers[l];
        layer->name = check->runs[0].names[l];
        layer->start = slope_of(check, 0, l);
        layer->end = slope_of(check, check->steps, l);
        judge_layer(layer, check);
        check->passed &= layer->verdict == COORD_OK || layer->verdict == COORD_UNCLEAR;
    }
    return 0;
}
