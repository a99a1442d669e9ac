/* lrsearch coord-check: trains the plan's model for a few steps at several widths and checks that
 * the size of its activations and the first step's effect on the loss do not change with the width.
 * If they do, the best learning rate changes too. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "cli/progress_line.h"
#include "estimate/coord_check.h"
#include "prepare/prepare.h"
#include "kernels/kernels.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "plan/quantity.h"
#include "report/coord_plot.h"
#include "store/json_value.h"

struct width_list {
    uint32_t of[COORD_WIDTHS];
    size_t count; /* 0: not given */
};

struct coord_options {
    double lr; /* 0: not given; also for all below */
    struct width_list widths;
    uint32_t steps, seeds;
    const char *plot;
    struct option_pairs sets;
    bool json;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static int is_interrupted(void)
{
    return interrupted;
}

static void print_part(const struct coord_check *check, enum coord_part part)
{
    static const char *const titles[] = {
        [COORD_START] = "mean |activation| at the start",
        [COORD_GAIN] = "loss that the first step takes away, by kind of tensor (nats)",
        [COORD_END] = "mean |activation| after the steps"};
    printf("\n%s\n", titles[part]);
    for (size_t i = 0; i < check->figure_count; i++) {
        const struct coord_figure *figure = &check->figures[i];
        if (figure->part != part)
            continue;
        printf("  %-25s", figure->name);
        for (size_t w = 0; w < check->width_count; w++)
            printf(" %8.3g", coord_value(check, w, figure));
        printf("  %+6.2f +- %4.2f  %+.2f .. %+.2f %s\n", figure->slope.slope, figure->slope.error,
               figure->low, figure->high, coord_verdict_name(figure->verdict));
    }
}

static void print_text(const struct coord_check *check)
{
    const struct trial_spec *spec = &check->spec;
    size_t failed = 0, unclear = 0;
    printf("%s, %s, lr %.3g, %u steps of %u tokens, %u seed%s\n"
           "slope: of a row's logarithm on that of the width\n\n",
           arch_name(spec->arch), parametrization_name(spec->parametrization), spec->lr,
           check->steps, spec->batch_tokens, check->seeds, check->seeds == 1 ? "" : "s");
    printf("%-27s", "width");
    for (size_t w = 0; w < check->width_count; w++)
        printf(" %8u", check->widths[w]);
    printf("  %14s  %-14s %s\n", "slope", "allowed", "verdict");
    print_part(check, COORD_START);
    print_part(check, COORD_GAIN);
    print_part(check, COORD_END);
    for (size_t i = 0; i < check->figure_count; i++) {
        failed += check->figures[i].verdict > COORD_UNCLEAR;
        unclear += check->figures[i].verdict == COORD_UNCLEAR;
    }
    if (check->passed)
        printf(
            "\npassed: activations keep their size, and steps their effect, from width %u to %u\n",
            check->widths[0], check->widths[check->width_count - 1]);
    else
        printf("\nfailed: %zu of %zu rows do not follow the width as they must, so that a learning "
               "rate found\nat one width will not hold at another%s\n",
               failed, check->figure_count,
               spec->parametrization == PARAM_SP ? " (sp is not made for that; mup and lvp are)"
                                                 : "");
    if (unclear)
        printf("unclear: %zu; more --seeds or --widths would decide\n", unclear);
}

static void put_slope(json_t *object, const struct coord_figure *figure, bool *ok)
{
    json_put(object, "slope", json_of_double(figure->slope.slope), ok);
    json_put(object, "slope_se", json_of_double(figure->slope.error), ok);
    json_put(object, "slope_low", json_of_double(figure->low), ok);
    json_put(object, "slope_high", json_of_double(figure->high), ok);
    json_put(object, "verdict", json_of_text(coord_verdict_name(figure->verdict)), ok);
}

/* A layer's mean |activation| after each step, and its slopes at the end and at the start. */
static json_t *layer_json(const struct coord_check *check, size_t index, bool *ok)
{
    const struct coord_figure *start = &check->figures[index];
    const struct coord_figure *end = &check->figures[check->figure_count - check->layers + index];
    json_t *object = json_object(), *means = json_array(), *at_start = json_object();
    json_put(object, "name", json_of_text(end->name), ok);
    for (size_t w = 0; w < check->width_count; w++)
        for (uint32_t step = 0; step <= check->steps; step++)
            *ok &= json_array_append_new(means,
                                         json_of_double(coord_mean(check, w, step, index))) == 0;
    json_put(object, "means", means, ok);
    put_slope(at_start, start, ok);
    json_put(object, "start", at_start, ok);
    json_put(object, "slope_at_start", json_of_double(start->slope.slope), ok);
    put_slope(object, end, ok);
    return object;
}

static json_t *gain_json(const struct coord_check *check, const struct coord_figure *figure,
                         bool *ok)
{
    json_t *object = json_object(), *values = json_array();
    json_put(object, "name", json_of_text(figure->name), ok);
    for (size_t w = 0; w < check->width_count; w++)
        *ok &= json_array_append_new(values, json_of_double(coord_value(check, w, figure))) == 0;
    json_put(object, "nats", values, ok);
    put_slope(object, figure, ok);
    return object;
}

static int print_json(const struct coord_check *check, struct lr_error *err)
{
    bool ok = true;
    json_use_lr_memory();
    json_t *object = json_object(), *widths = json_array(), *layers = json_array();
    json_t *gains = json_array();
    for (size_t w = 0; w < check->width_count; w++)
        ok &= json_array_append_new(widths, json_of_count(check->widths[w])) == 0;
    for (size_t l = 0; l < check->layers; l++)
        ok &= json_array_append_new(layers, layer_json(check, l, &ok)) == 0;
    for (size_t i = 0; i < check->figure_count; i++)
        if (check->figures[i].part == COORD_GAIN)
            ok &= json_array_append_new(gains, gain_json(check, &check->figures[i], &ok)) == 0;
    json_put(object, "schema_version", json_of_count(1), &ok);
    json_put(object, "parametrization",
             json_of_text(parametrization_name(check->spec.parametrization)), &ok);
    json_put(object, "passed", json_boolean(check->passed), &ok);
    json_put(object, "lr", json_of_double(check->spec.lr), &ok);
    json_put(object, "steps", json_of_count(check->steps), &ok);
    json_put(object, "seeds", json_of_count(check->seeds), &ok);
    json_put(object, "widths", widths, &ok);
    json_put(object, "layers", layers, &ok); /* means: (widths, steps + 1) */
    json_put(object, "gains", gains, &ok);   /* of the first step, by kind of tensor */
    return json_print(object, ok, err);
}

static int draw(const struct coord_check *check, const char *path, struct lr_error *err)
{
    const struct coord_plot plot = {
        .parametrization = parametrization_name(check->spec.parametrization),
        .lr = check->spec.lr,
        .widths = check->widths,
        .width_count = check->width_count,
        .steps = check->steps,
        .layers = check->layers,
        .names = check->names,
        .means = check->means,
    };
    return coord_plot_draw(&plot, path, err);
}

static int run_check(struct coord_check *check, const struct coord_options *options,
                     const struct plan *plan, const struct stage_report *stages,
                     struct lr_error *err)
{
    const struct coord_request request = {options->widths.of, options->widths.count, options->seeds,
                                          options->steps, options->lr};
    int rc;
    if ((rc = coord_setup(check, &request, plan, stages, err)))
        return rc;
    if ((rc = coord_measure(check, is_interrupted, stages, err)))
        return rc;
    if ((rc = coord_judge(check, err)))
        return rc;
    if (!options->json)
        print_text(check);
    else if ((rc = print_json(check, err)))
        return rc;
    return options->plot ? draw(check, options->plot, err) : 0;
}

static int run(const struct command_line *line)
{
    const struct coord_options *options = line->options;
    struct plan *plan;
    struct progress_line progress;
    struct coord_check check = {0};
    struct lr_error err = {0};
    int rc = prepare_plan(&plan, line->operands[0], options->sets.words, options->sets.count);
    if (rc)
        return lr_error_exit_status(rc);
    if (plan->trainer.kind != TRAINER_TRANSFORMER) {
        lr_log(LR_LOG_ERROR, "%s: coord-check needs trainer.kind: transformer, this one is %s",
               line->operands[0], trainer_name(plan->trainer.kind));
        lr_free(plan);
        return lr_error_exit_status(LR_EPLAN);
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    progress_line_init(&progress, line->verbosity >= 0, false);
    const struct stage_report stages = progress_line_stages(&progress);
    kernels_init();
    kernels_set_threads((int)plan->trainer.threads_per_worker);
    rc = run_check(&check, options, plan, &stages, &err);
    int status = outcome_error(rc, &err);
    if (!rc && !check.passed)
        status = LR_EXIT_COORDINATES;
    coord_release(&check);
    progress_line_release(&progress);
    lr_free(plan);
    return status;
}

/* ---- command line ---- */

static int read_widths(void *member, const char *value, struct lr_error *err)
{
    struct width_list *widths = member;
    widths->count = 0;
    while (*value) {
        char text[16];
        uint64_t width;
        size_t length = strcspn(value, ",");
        snprintf(text, sizeof(text), "%.*s", (int)length, value);
        if (length >= sizeof(text) || quantity_count(text, &width) != QUANTITY_OK || width == 0 ||
            width > 65536)
            return lr_fail(err, LR_EUSAGE, "--widths %.40s: must be widths such as 64,128,256,512",
                           value);
        if (widths->count == COORD_WIDTHS)
            return lr_fail(err, LR_EUSAGE, "--widths: %d at most", COORD_WIDTHS);
        widths->of[widths->count++] = (uint32_t)width;
        value += length + (value[length] == ',');
    }
    return widths->count ? 0
                         : lr_fail(err, LR_EUSAGE, "--widths: needs widths such as 64,128,256,512");
}

static const struct option_row rows[] = {
    {"lr", "X", "peak learning rate; default: the middle of search.lr",
     OPTION_AT(coord_options, lr), .type = OPTION_NUMBER,
     .wanted = "a number above 0 such as 3e-3"},
    {"widths", "A,B,...", "four at least; default: base_width (halved while too wide) x 1, 2, 4, 8",
     OPTION_AT(coord_options, widths), .type = OPTION_READ, .read = read_widths},
    {"steps", "N", "steps of training; default 3", OPTION_AT(coord_options, steps), OPTION_TO_1000},
    {"seeds", "N", "trainings of each width; default 3", OPTION_AT(coord_options, seeds),
     OPTION_TO_1000},
    {"plot", "FILE", "draw the activations against the width, as SVG by gnuplot",
     OPTION_AT(coord_options, plot), OPTION_FILE_NAME},
    OPTION_ROW_SET(coord_options),
    OPTION_ROW_JSON(coord_options),
};

const struct command cmd_coord_check = {
    .name = "coord-check",
    .operand = "PLAN",
    .help = "do activations keep their size over widths? (mup and lvp must)",
    .examples = "lrsearch coord-check my.yaml --widths 64,128,256,512 --plot widths.svg",
    .kind = OPERAND_PLAN,
    .least_most = {1, 1},
    COMMAND_ROWS(rows),
    .options = &(struct coord_options){0},
    .run = run,
};
