/* lrsearch coord-check: trains the plan's model for a few steps at several widths and looks whether
 * its activations keep their size. Where they do not, neither does the best learning rate. */
#define _POSIX_C_SOURCE 200809L
#include "cli/coord_check.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "cli/live.h"
#include "cli/prepare.h"
#include "kernels/kernels.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "store/json_value.h"

enum {
    WIDTHS_LEAST = 4, /* a slope and its error */
    STEPS = 3,        /* the first ones write over the start; from the 4th on, at LRs near 1e-2,
                         how far narrow models overshoot shows as a slope of its own */
    SEEDS = 3,
    BATCH_TOKENS = 512, /* a coordinate is a mean over this many tokens times the width */
    CONTEXT_MOST = 128,
    WIDEST = 1024, /* that is taken unasked */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

struct progress {
    struct live *live;
    double done, all; /* FLOPs */
    double a_step;
};

static int keep_going(void *context)
{
    struct progress *progress = context;
    progress->done += progress->a_step;
    live_stage(progress->live, "coordinate check", progress->done / progress->all);
    return interrupted;
}

/* ---- what is measured ---- */

static bool fits(const struct plan *plan, uint32_t width)
{
    struct trial_spec spec = plan_trial(plan);
    return trial_set_width(&spec, width, plan->model.heads_grow) &&
           (spec.arch != ARCH_LLAMA || spec.d_model / spec.n_heads % 2 == 0);
}

/* From base_width up, or from below it where eight times base_width would take minutes. */
static uint32_t first_width(const struct plan *plan)
{
    uint32_t first = plan->model.base_width;
    while (first << (WIDTHS_LEAST - 1) > WIDEST && first % 2 == 0 && fits(plan, first / 2))
        first /= 2;
    return first;
}

static int choose_widths(struct coord_check *check, const struct options *options,
                         const struct plan *plan, struct lr_error *err)
{
    check->width_count = options->width_count ? options->width_count : WIDTHS_LEAST;
    for (size_t w = 0; w < check->width_count; w++)
        check->widths[w] = options->width_count ? options->widths[w] : first_width(plan) << w;
    size_t different = 0;
    for (size_t w = 0; w < check->width_count; w++) {
        bool again = false;
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

static int make_spec(struct coord_check *check, const struct options *options,
                     const struct plan *plan, struct live *live, struct lr_error *err)
{
    struct trial_spec *spec = &check->spec;
    *spec = plan_trial(plan);
    spec->lr = options->lr > 0 ? options->lr : sqrt(plan->search.lr[0] * plan->search.lr[1]);
    if (spec->context > CONTEXT_MOST)
        spec->context = CONTEXT_MOST;
    uint32_t sequences = BATCH_TOKENS / spec->context;
    spec->batch_tokens = (sequences ? sequences : 1) * spec->context;
    spec->horizon_tokens = (uint64_t)check->steps * spec->batch_tokens;
    return prepare_trial(spec, plan, "the coordinate check", live, err);
}

static int measure(struct coord_check *check, const struct plan *plan, struct live *live,
                   struct lr_error *err)
{
    struct progress progress = {.live = live};
    size_t count = check->width_count * check->seeds;
    check->runs = lr_calloc(count, sizeof(*check->runs));
    if (!check->runs)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    for (int pass = 0; pass < 2; pass++) /* first the work is summed up, then done */
        for (size_t i = 0; i < count; i++) {
            struct trial_spec spec = check->spec;
            trial_set_width(&spec, check->widths[i / check->seeds], check->heads_grow);
            spec.seed = plan->seed + i % check->seeds;
            progress.a_step = trial_flops_per_token(&spec);
            if (pass == 0) {
                progress.all += progress.a_step * (check->steps + 1);
                continue;
            }
            int rc = coordinates_measure(&check->runs[i], &spec, check->steps, keep_going,
                                         &progress, err);
            if (rc)
                return rc;
        }
    return 0;
}

/* ---- what is said ---- */

static void print_text(const struct coord_check *check)
{
    const struct trial_spec *spec = &check->spec;
    size_t failed = 0, unclear = 0;
    printf("%s, %s, lr %.3g, %u steps of %u tokens, %u seed%s\n"
           "mean |activation| after the steps; slope: of its logarithm on that of the width\n\n",
           arch_name(spec->arch), parametrization_name(spec->parametrization), spec->lr,
           check->steps, spec->batch_tokens, check->seeds, check->seeds == 1 ? "" : "s");
    printf("%-25s", "layer");
    for (size_t w = 0; w < check->width_count; w++)
        printf(" %8u", check->widths[w]);
    printf("  %6s %14s  %-14s %s\n", "start", "slope", "allowed", "verdict");
    for (size_t l = 0; l < check->layer_count; l++) {
        const struct coord_layer *layer = &check->layers[l];
        printf("%-25s", layer->name);
        for (size_t w = 0; w < check->width_count; w++)
            printf(" %8.3g", coord_mean(check, w, check->steps, l));
        printf("  %+6.2f %+6.2f +- %4.2f  %+.2f .. %+.2f %s\n", layer->start.slope,
               layer->end.slope, layer->end.error, layer->low, layer->high,
               coord_verdict_name(layer->verdict));
        failed += layer->verdict > COORD_UNCLEAR;
        unclear += layer->verdict == COORD_UNCLEAR;
    }
    if (check->passed)
        printf("\npassed: no layer changes its size from width %u to %u\n", check->widths[0],
               check->widths[check->width_count - 1]);
    else
        printf("\nfailed: %zu of %zu layers change their size with the width, so that a learning "
               "rate found\nat one width will not hold at another%s\n",
               failed, check->layer_count,
               spec->parametrization == PARAM_SP ? " (sp is not made for that; mup and lvp are)"
                                                 : "");
    if (unclear)
        printf("unclear: %zu; more --seeds or --widths would tell\n", unclear);
}

static json_t *layer_json(const struct coord_check *check, size_t index, bool *ok)
{
    const struct coord_layer *layer = &check->layers[index];
    json_t *object = json_object(), *means = json_array();
    json_put(object, "name", json_of_text(layer->name), ok);
    for (size_t w = 0; w < check->width_count; w++)
        for (uint32_t step = 0; step <= check->steps; step++)
            *ok &= json_array_append_new(means,
                                         json_of_double(coord_mean(check, w, step, index))) == 0;
    json_put(object, "means", means, ok);
    json_put(object, "slope_at_start", json_of_double(layer->start.slope), ok);
    json_put(object, "slope", json_of_double(layer->end.slope), ok);
    json_put(object, "slope_se", json_of_double(layer->end.error), ok);
    json_put(object, "slope_low", json_of_double(layer->low), ok);
    json_put(object, "slope_high", json_of_double(layer->high), ok);
    json_put(object, "verdict", json_of_text(coord_verdict_name(layer->verdict)), ok);
    return object;
}

static int print_json(const struct coord_check *check, struct lr_error *err)
{
    bool ok = true;
    json_use_lr_memory();
    json_t *object = json_object(), *widths = json_array(), *layers = json_array();
    for (size_t w = 0; w < check->width_count; w++)
        ok &= json_array_append_new(widths, json_of_count(check->widths[w])) == 0;
    for (size_t l = 0; l < check->layer_count; l++)
        ok &= json_array_append_new(layers, layer_json(check, l, &ok)) == 0;
    json_put(object, "schema_version", json_of_count(1), &ok);
    json_put(object, "parametrization",
             json_of_text(parametrization_name(check->spec.parametrization)), &ok);
    json_put(object, "passed", json_boolean(check->passed), &ok);
    json_put(object, "lr", json_of_double(check->spec.lr), &ok);
    json_put(object, "steps", json_of_count(check->steps), &ok);
    json_put(object, "seeds", json_of_count(check->seeds), &ok);
    json_put(object, "widths", widths, &ok);
    json_put(object, "layers", layers, &ok); /* means: (widths, steps + 1) */
    return json_print(object, ok, err);
}

static void release(struct coord_check *check)
{
    for (size_t i = 0; check->runs && i < check->width_count * check->seeds; i++)
        coordinates_release(&check->runs[i]);
    lr_free(check->runs);
    lr_free(check->layers);
}

static int run_check(struct coord_check *check, const struct options *options,
                     const struct plan *plan, struct live *live, struct lr_error *err)
{
    check->steps = options->steps ? options->steps : STEPS;
    check->seeds = options->seeds ? options->seeds : SEEDS;
    check->heads_grow = plan->model.heads_grow;
    int rc = choose_widths(check, options, plan, err);
    rc = rc ? rc : make_spec(check, options, plan, live, err);
    rc = rc ? rc : measure(check, plan, live, err);
    live_clear(live);
    rc = rc ? rc : coord_judge(check, err);
    if (!rc && options->json)
        rc = print_json(check, err);
    else if (!rc)
        print_text(check);
    if (!rc && options->plot)
        rc = coord_plot(check, options->plot, err);
    return rc;
}

int command_coord_check(const struct options *options)
{
    struct plan *plan;
    struct live live;
    struct coord_check check = {0};
    struct lr_error err = {0};
    int rc = prepare_plan(&plan, options);
    if (rc)
        return lr_error_exit_status(rc);
    if (plan->trainer.kind != TRAINER_TRANSFORMER) {
        lr_log(LR_LOG_ERROR, "%s: coord-check needs trainer.kind: transformer, this one is %s",
               options->operand, trainer_name(plan->trainer.kind));
        lr_free(plan);
        return lr_error_exit_status(LR_EPLAN);
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    live_init(&live, options);
    kernels_init();
    kernels_set_threads((int)plan->trainer.threads_per_worker);
    rc = run_check(&check, options, plan, &live, &err);
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    int status = rc ? lr_error_exit_status(rc) : check.passed ? 0 : LR_EXIT_COORDINATES;
    release(&check);
    live_release(&live);
    lr_free(plan);
    return status;
}
