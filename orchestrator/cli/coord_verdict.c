/* Which figures follow the width as they must where a learning rate carries over (mup). Their
 * slopes in theory, with m = d_model / base_width:
 *
 *   at the start: 0 for all activations, but -1/2 for output logits (their matrix starts with the
 *   same deviation at every width, their sum is divided by m) and for attention logits where heads
 *   get larger (q.k / d_h of vectors that know nothing of each other);
 *   loss that the first step takes away: 0 for each kind of tensor; under lvp -1/2 for the
 *   embedding, whose LR falls as m^-1/2;
 *   after the steps: 0 once they have written over the start.
 *
 * The first two are measured within .12 of theory, with qk-norm and heads that get larger within
 * .2: their attention logits start at order 1, get smaller, and attention flattens. So .2 are
 * allowed, and a factor that is wrong by m^1/2 is out of it (tests/unit/test_coord_matrix.c). The
 * last is blurred: narrow models overshoot at high LRs and what starts at -1/2 keeps part of it.
 * Over gpt and llama, fixed and growing heads, qk-norm, tied outputs, 256 and 4096 tokens of
 * vocabulary, LRs of 1e-3 and 1e-2, widths 32 to 256, mup and lvp had slopes of -.50 to .18, sp of
 * up to 1.4 to 3.2. So its limits are wide: it tells what a step does that the first did not. */
#include <math.h>
#include <string.h>
#include "cli/cmd_coord_check.h"
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

double coord_value(const struct coord_check *check, size_t width, const struct coord_figure *figure)
{
    if (figure->part != COORD_GAIN)
        return coord_mean(check, width, figure->part == COORD_END ? check->steps : 0,
                          figure->index);
    double sum = 0;
    for (uint32_t s = 0; s < check->seeds; s++)
        sum += check->runs[width * check->seeds + s].gains[figure->index];
    return sum / check->seeds;
}

static void fit(struct coord_figure *figure, const struct coord_check *check)
{
    double x[COORD_WIDTHS], y[COORD_WIDTHS];
    for (size_t w = 0; w < check->width_count; w++) {
        x[w] = log((double)check->widths[w]);
        y[w] = log(coord_value(check, w, figure));
    }
    figure->slope = slope_fit(x, y, check->width_count);
}

#define TOLERANCE 0.2
#define FLATTENING (-0.1) /* qk-norm, larger heads: hidden matrices were at -.17 to .02 */
#define GROWTH 0.3
#define FALL (-0.5)
#define FALL_FROM_HALF (-0.8)

static bool starts_falling(const struct coord_figure *figure, const struct coord_check *check)
{
    return strcmp(figure->name, "output logits") == 0 ||
           (strstr(figure->name, "attention logits") && !check->heads_grow);
}

static void allow(struct coord_figure *figure, const struct coord_check *check)
{
    bool lvp = check->spec.parametrization == PARAM_LVP, falls;
    if (figure->part == COORD_END) {
        falls = starts_falling(figure, check) || (lvp && strcmp(figure->name, "embedding") == 0);
        figure->low = falls ? FALL_FROM_HALF : FALL;
        figure->high = GROWTH;
        return;
    }
    if (figure->part == COORD_GAIN)
        falls = lvp && figure->index == GROUP_EMBEDDING;
    else
        falls = starts_falling(figure, check);
    bool flattens = figure->part == COORD_GAIN && figure->index == GROUP_HIDDEN &&
                    check->spec.qk_norm && !check->heads_grow;
    double centre = falls ? -0.5 : flattens ? FLATTENING : 0.0;
    figure->low = centre - TOLERANCE;
    figure->high = centre + TOLERANCE;
}

/* A figure fails when its whole 90 % interval lies outside of what is allowed; when only its slope
 * does, the data do not tell. */
static void judge(struct coord_figure *figure)
{
    const struct slope *slope = &figure->slope;
    if (!isfinite(slope->slope) || !isfinite(slope->error))
        figure->verdict = COORD_DIVERGES;
    else if (slope->ci90[0] > figure->high)
        figure->verdict = COORD_GROWS;
    else if (slope->ci90[1] < figure->low)
        figure->verdict = COORD_VANISHES;
    else if (slope->slope > figure->high || slope->slope < figure->low)
        figure->verdict = COORD_UNCLEAR;
}

static void add(struct coord_check *check, enum coord_part part, size_t index, const char *name)
{
    struct coord_figure *figure = &check->figures[check->figure_count++];
    *figure = (struct coord_figure){.part = part, .index = index, .name = name};
    fit(figure, check);
    allow(figure, check);
    judge(figure);
    check->passed &= figure->verdict <= COORD_UNCLEAR;
}

int coord_judge(struct coord_check *check, struct lr_error *err)
{
    static const char *const kinds[GROUP_COUNT] = {[GROUP_EMBEDDING] = "embedding",
                                                   [GROUP_HIDDEN] = "hidden matrices",
                                                   [GROUP_OUTPUT] = "output matrix",
                                                   [GROUP_VECTOR] = "norms, biases"};
    const struct coordinates *run = &check->runs[0];
    check->layers = run->layers;
    check->figures = lr_calloc(2 * check->layers + GROUP_COUNT, sizeof(*check->figures));
    if (!check->figures)
        return lr_nomem(err);
    check->passed = true;
    for (size_t l = 0; l < check->layers; l++)
        add(check, COORD_START, l, run->names[l]);
    for (size_t g = 0; g < GROUP_COUNT; g++)
        if (g != GROUP_OUTPUT || !check->spec.tied_output)
            add(check, COORD_GAIN, g, kinds[g]);
    for (size_t l = 0; l < check->layers; l++)
        add(check, COORD_END, l, run->names[l]);
    return 0;
}
