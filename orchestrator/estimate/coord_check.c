/* Each figure is judged by its slope over ln width. Expected slopes where the learning rate
 * transfers (mup), with m = d_model / base_width:
 *
 *   start: 0 for all activations, except -1/2 for output logits (their matrix has the same initial
 *   deviation at every width, their sum is divided by m) and for attention logits where the head
 *   size grows (q.k / d_h of independent vectors);
 *   loss reduction by the first step: 0 for each kind of tensor; -1/2 under lvp for the embedding,
 *   whose LR scales as m^-1/2;
 *   end: 0 once the updates dominate the initial values.
 *
 * The first two are measured within .12 of theory, with qk-norm and growing head size within .2:
 * there attention logits start at order 1 and shrink, which flattens attention. The tolerance is
 * therefore .2, which a factor wrong by m^1/2 exceeds (tests/unit/test_coord_matrix.c). The last
 * is blurred: narrow models overshoot at high LRs, and a figure that starts at -1/2 keeps part of
 * that slope. Over gpt and llama, fixed and growing heads, qk-norm, tied outputs, 256 and 4096
 * tokens of vocabulary, LRs of 1e-3 and 1e-2, widths 32 to 256, mup and lvp had slopes of -.50 to
 * .18, sp of up to 1.4 to 3.2. Its limits are therefore wide; it detects effects that only later
 * steps have. */
#include "estimate/coord_check.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "prepare/prepare.h"

enum {
    WIDTHS_LEAST = 4, /* for a slope and its error */
    STEPS = 3,        /* updates dominate the initial values by then; from the 4th on, at LRs near
                         1e-2, the overshoot of narrow models adds a slope */
    SEEDS = 3,
    BATCH_TOKENS = 512, /* a coordinate is a mean over this many tokens times the width */
    CONTEXT_MOST = 128,
    WIDEST = 1024, /* of the default widths */
};

/* ---- widths and runs ---- */

static bool fits(const struct plan *plan, uint32_t width)
{
    struct trial_spec spec = plan_trial(plan);
    return trial_set_width(&spec, width, plan->model.heads_grow) &&
           (spec.arch != ARCH_LLAMA || spec.d_model / spec.n_heads % 2 == 0);
}

/* base_width, or less if eight times base_width would take minutes. */
static uint32_t first_width(const struct plan *plan)
{
    uint32_t first = plan->model.base_width;
    while (first << (WIDTHS_LEAST - 1) > WIDEST && first % 2 == 0 && fits(plan, first / 2))
        first /= 2;
    return first;
}

static int choose_widths(struct coord_check *check, const struct coord_request *request,
                         const struct plan *plan, struct lr_error *err)
{
    size_t different = 0;
    assert(request->width_count <= COORD_WIDTHS);
    check->width_count = request->width_count ? request->width_count : WIDTHS_LEAST;
    for (size_t w = 0; w < check->width_count; w++) {
        bool again = false;
        check->widths[w] = request->width_count ? request->widths[w] : first_width(plan) << w;
        for (size_t v = 0; v < w; v++)
            again |= check->widths[v] == check->widths[w];
        different += !again;
    }
    if (different < WIDTHS_LEAST)
        return lr_fail(err, LR_EUSAGE,
                       "--widths: %zu different widths tell no slope; give %d or more", different,
                       WIDTHS_LEAST);
    for (size_t w = 0; w < check->width_count; w++) {
        if (!fits(plan, check->widths[w]))
            return lr_fail(err, LR_EUSAGE,
                           "width %" PRIu32 " does not fit model.%s %" PRIu32
                           "; give other --widths",
                           check->widths[w], plan->model.heads_grow ? "head_size" : "n_heads",
                           plan->model.heads_grow ? plan->model.head_size : plan->model.n_heads);
    }
    return 0;
}

int coord_setup(struct coord_check *check, const struct coord_request *request,
                const struct plan *plan, const struct stage_report *stages, struct lr_error *err)
{
    struct trial_spec *spec = &check->spec;
    int rc = choose_widths(check, request, plan, err);
    if (rc)
        return rc;
    check->steps = request->steps ? request->steps : STEPS;
    check->seeds = request->seeds ? request->seeds : SEEDS;
    check->heads_grow = plan->model.heads_grow;
    *spec = plan_trial(plan);
    spec->seed = plan->seed;
    spec->lr = request->lr > 0 ? request->lr : sqrt(plan->search.lr[0] * plan->search.lr[1]);
    if (spec->context > CONTEXT_MOST)
        spec->context = CONTEXT_MOST;
    uint32_t sequences = BATCH_TOKENS / spec->context;
    spec->batch_tokens = (sequences ? sequences : 1) * spec->context;
    spec->horizon_tokens = (uint64_t)check->steps * spec->batch_tokens;
    return prepare_trial(spec, check->data_path, plan, "the coordinate check", stages, err);
}

struct progress {
    const struct stage_report *stages;
    int (*interrupted)(void);
    double done, all; /* FLOPs */
    double a_step;
};

static int on_step(void *context)
{
    struct progress *progress = context;
    progress->done += progress->a_step;
    stage_say(progress->stages, "coordinate check", progress->done / progress->all);
    return progress->interrupted && progress->interrupted();
}

/* Run i of (width_count, seeds). */
static struct trial_spec spec_of_run(const struct coord_check *check, size_t i)
{
    struct trial_spec spec = check->spec;
    trial_set_width(&spec, check->widths[i / check->seeds], check->heads_grow);
    spec.seed += i % check->seeds;
    return spec;
}

int coord_measure(struct coord_check *check, int (*interrupted)(void),
                  const struct stage_report *stages, struct lr_error *err)
{
    struct progress progress = {.stages = stages, .interrupted = interrupted};
    size_t count = check->width_count * check->seeds;
    int rc = 0;
    check->runs = lr_calloc(count, sizeof(*check->runs));
    if (!check->runs)
        return lr_nomem(err);
    for (size_t i = 0; i < count; i++) {
        struct trial_spec spec = spec_of_run(check, i);
        progress.all += trial_flops_per_token(&spec) * (check->steps + 1);
    }
    for (size_t i = 0; i < count; i++) {
        struct trial_spec spec = spec_of_run(check, i);
        progress.a_step = trial_flops_per_token(&spec);
        if ((rc = coordinates_measure(&check->runs[i], &spec, check->data_path, check->steps,
                                      on_step, &progress, err)))
            break;
    }
    stage_over(stages);
    return rc;
}

void coord_release(struct coord_check *check)
{
    for (size_t i = 0; check->runs && i < check->width_count * check->seeds; i++)
        coordinates_release(&check->runs[i]);
    lr_free(check->runs);
    lr_free(check->names);
    lr_free(check->means);
    lr_free(check->figures);
}

/* ---- slopes over the width ---- */

static double *mean_at(const struct coord_check *check, size_t width, uint32_t step, size_t layer)
{
    return &check->means[(layer * check->width_count + width) * (check->steps + 1) + step];
}

double coord_mean(const struct coord_check *check, size_t width, uint32_t step, size_t layer)
{
    return *mean_at(check, width, step, layer);
}

static double mean_over_seeds(const struct coord_check *check, size_t width, uint32_t step,
                              size_t layer)
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

static void fit_slope(struct coord_figure *figure, const struct coord_check *check)
{
    double x[COORD_WIDTHS], y[COORD_WIDTHS];
    for (size_t w = 0; w < check->width_count; w++) {
        x[w] = log((double)check->widths[w]);
        y[w] = log(coord_value(check, w, figure));
    }
    figure->slope = slope_fit(x, y, check->width_count);
}

#define TOLERANCE 0.2
#define FLATTENING (-0.1) /* qk-norm, growing head size: hidden matrices measured -.17 to .02 */
#define GROWTH 0.3
#define FALL (-0.5)
#define FALL_FROM_HALF (-0.8)

static bool starts_falling(const struct coord_figure *figure, const struct coord_check *check)
{
    return strcmp(figure->name, "output logits") == 0 ||
           (strstr(figure->name, "attention logits") && !check->heads_grow);
}

static void set_limits(struct coord_figure *figure, const struct coord_check *check)
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

/* A figure fails if its whole 90 % interval lies outside the limits; if only the slope does, the
 * verdict is unclear. */
static void judge_slope(struct coord_figure *figure)
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

static void add_figure(struct coord_check *check, enum coord_part part, size_t index,
                       const char *name)
{
    struct coord_figure *figure = &check->figures[check->figure_count++];
    *figure = (struct coord_figure){.part = part, .index = index, .name = name};
    fit_slope(figure, check);
    set_limits(figure, check);
    judge_slope(figure);
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
    check->names = lr_calloc(check->layers, sizeof(*check->names));
    check->means =
        lr_calloc(check->layers * check->width_count * (check->steps + 1), sizeof(*check->means));
    check->figures = lr_calloc(2 * check->layers + GROUP_COUNT, sizeof(*check->figures));
    if (!check->names || !check->means || !check->figures)
        return lr_nomem(err);
    for (size_t l = 0; l < check->layers; l++) {
        check->names[l] = run->names[l];
        for (size_t w = 0; w < check->width_count; w++)
            for (uint32_t step = 0; step <= check->steps; step++)
                *mean_at(check, w, step, l) = mean_over_seeds(check, w, step, l);
    }
    check->passed = true;
    for (size_t l = 0; l < check->layers; l++)
        add_figure(check, COORD_START, l, run->names[l]);
    for (size_t g = 0; g < GROUP_COUNT; g++)
        if (g != GROUP_OUTPUT || !check->spec.tied_output)
            add_figure(check, COORD_GAIN, g, kinds[g]);
    for (size_t l = 0; l < check->layers; l++)
        add_figure(check, COORD_END, l, run->names[l]);
    return 0;
}
