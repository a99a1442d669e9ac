/* How well a search with the default settings answers, where the truth is known: on surfaces
 * outside its model, on surfaces without an answer, on cells that share a misfit, on published
 * sweeps; and how long it takes. families.sh says what the tables are. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "families.h"
#include "search/search_answer.h"
#include "search_run.h"
#include "sweep_campaigns.h"

#define RESULTS 65536
#define ROW_TEXT 64
#define NEAR 3.0 /* a printed penalty is near the true one within this factor */

struct result {
    char row[ROW_TEXT];      /* of the table */
    char campaign[ROW_TEXT]; /* which of them */
    double truth;            /* best LR at the target; NaN: none */
    double lr, ci90[2], penalty, keep_lr, keep_penalty, cost, slowest_ms;
    double twice;                                       /* true cost of being off by a factor 2 */
    double said_penalty, said_keep_penalty, said_twice; /* what the answer prints for them */
    size_t trials;
    bool outside; /* lr lies outside of all LRs tried */
    enum answer_status status;
    char reason[ANSWER_TEXT];
};

struct bench {
    const char *only;   /* row; NULL: all */
    uint64_t campaigns; /* 0: as many as each table has by default */
    double misfit;
    bool csv, subsets;
    const char *folder, *list;
    FILE *tables;
    struct result results[RESULTS];
    size_t count;
    struct search_run run;
};

/* ---- one campaign ---- */

static double capped(double penalty)
{
    return isnan(penalty) ? NAN : fmin(penalty, SWEEP_LOST);
}

/* True if the LR is lower or higher than those of all trials. */
static bool lies_outside(double lr, const struct observation *seen, size_t count)
{
    double low = INFINITY, high = 0;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, seen[i].lr);
        high = fmax(high, seen[i].lr);
    }
    return lr < low * (1 - 1e-9) || lr > high * (1 + 1e-9);
}

/* What run->answer says of trials run->seen[0..count-1]. Truth and penalties are the caller's. */
static struct result *add_result(struct bench *bench, const char *row, const char *campaign,
                                 size_t count)
{
    if (bench->count == RESULTS) {
        fprintf(stderr, "more than %d campaigns\n", RESULTS);
        exit(70);
    }
    struct result *o = &bench->results[bench->count++];
    const struct answer *answer = &bench->run.answer;
    *o = (struct result){.lr = answer->target.lr,
                         .ci90 = {answer->target.ci90[0], answer->target.ci90[1]},
                         .keep_lr = answer->target.keep_lr,
                         .cost = bench->run.cost,
                         .slowest_ms = bench->run.slowest_ms,
                         .twice = NAN,
                         .said_penalty = answer->target.loss_penalty,
                         .said_keep_penalty = answer->target.keep_penalty,
                         .said_twice = answer->target.loss_penalty_if_wrong_2x,
                         .trials = count,
                         .outside = lies_outside(answer->target.lr, bench->run.seen, count),
                         .status = answer->status};
    snprintf(o->row, sizeof(o->row), "%s", row);
    snprintf(o->campaign, sizeof(o->campaign), "%s", campaign);
    snprintf(o->reason, sizeof(o->reason), "%s", answer->reason);
    return o;
}

static void print_campaign(const struct bench *bench, const struct result *o)
{
    if (bench->csv)
        printf("%s,\"%s\",%.6g,%.6g,%.6g,%.6g,%s,%d,%zu,%.4f,%.6f,%.6g,%.6f,%.6f,%.6f,%.6f,%.6f,"
               "\"%s\"\n",
               o->row, o->campaign, o->truth, o->lr, o->ci90[0], o->ci90[1],
               answer_status_name(o->status), o->outside, o->trials, o->cost, o->penalty,
               o->keep_lr, o->keep_penalty, o->twice, o->said_penalty, o->said_keep_penalty,
               o->said_twice, o->reason);
}

static void search_or_exit(struct bench *bench,
                           struct observation (*observe)(const void *, const struct proposal *),
                           const void *context)
{
    int rc = search_run(&bench->run, &policy_design, observe, context);
    if (rc) {
        fprintf(stderr, "the search fails: %d\n", rc);
        exit(70);
    }
}

/* ---- the rows ---- */

static bool holds(const struct result *o)
{
    return o->ci90[0] <= o->truth && o->truth <= o->ci90[1];
}

static double median(double *values, size_t count)
{
    if (count == 0)
        return NAN;
    qsort(values, count, sizeof(*values), compare_values);
    return values[count / 2];
}

struct mean { /* of numbers that are known */
    double sum, count;
};

static void mean_add(struct mean *mean, double value)
{
    if (!isnan(value)) {
        mean->sum += value;
        mean->count++;
    }
}

static double mean_of(const struct mean *mean)
{
    return mean->count > 0 ? mean->sum / mean->count : NAN;
}

static void print_number(FILE *out, int width, int decimals, double value, const char *unit)
{
    if (isnan(value))
        fprintf(out, " %*s", width + (int)strlen(unit), "-");
    else
        fprintf(out, " %*.*f%s", width, decimals, value, unit);
}

static void print_head(const struct bench *bench, const char *title)
{
    FILE *out = bench->tables;
    fprintf(out, "\n%s\n", title);
    fprintf(out, "%-26s %5s %13s %13s %8s %23s %9s %29s %29s %7s %6s %8s\n", "", "",
            "90 % CI holds", "identified", "outside", "octaves", "", "penalty, nats",
            "penalty, printed over true", "cost,", "", "slowest");
    fprintf(
        out,
        "%-26s %5s %6s %6s %6s %6s %8s %7s %7s %7s %9s %9s %9s %9s %7s %7s %6s %6s %7s %6s %8s\n",
        "", "n", "all", "ident.", "all", "wrong", "of tried", "bias", "|error|", "width",
        "answered", "answer", "keeping", "saved", "answer", "keeping", "2x", "near", "targets",
        "trials", "ms");
}

static void print_row(const struct bench *bench, const char *row)
{
    static double errors[RESULTS], widths[RESULTS], ratios[RESULTS];
    FILE *out = bench->tables;
    double n = 0, held = 0, held_identified = 0, identified = 0, wrong = 0, outside = 0;
    double answered = 0, cost = 0, trials = 0, slowest = 0;
    struct mean bias = {0}, penalty = {0}, keep = {0}, better = {0};
    struct mean said = {0}, said_keep = {0}, near = {0};
    size_t error_count = 0, width_count = 0, ratio_count = 0;
    for (size_t i = 0; i < bench->count; i++) {
        const struct result *o = &bench->results[i];
        if (row && strcmp(o->row, row) != 0)
            continue;
        bool named = o->status == ANSWER_IDENTIFIED;
        n++;
        held += holds(o);
        identified += named;
        held_identified += named && holds(o);
        wrong += named && !holds(o);
        outside += o->outside;
        answered += !isnan(o->lr);
        cost += o->cost;
        trials += (double)o->trials;
        slowest = fmax(slowest, o->slowest_ms);
        double error = log2(o->lr / o->truth), width = log2(o->ci90[1] / o->ci90[0]);
        mean_add(&bias, error);
        if (!isnan(error))
            errors[error_count++] = fabs(error);
        if (!isnan(width))
            widths[width_count++] = width;
        mean_add(&penalty, o->penalty);
        mean_add(&keep, o->keep_penalty);
        mean_add(&better, o->keep_penalty - o->penalty);
        if (!isnan(o->penalty))
            mean_add(&said, o->said_penalty);
        if (!isnan(o->keep_penalty))
            mean_add(&said_keep, o->said_keep_penalty);
        double ratio = o->said_twice / o->twice;
        if (!isnan(ratio)) {
            mean_add(&near, ratio > 1 / NEAR && ratio < NEAR);
            ratios[ratio_count++] = ratio;
        }
    }
    bool truth = error_count > 0;
    fprintf(out, "%-26s %5.0f", row ? row : "all", n);
    print_number(out, 5, 1, truth ? 100 * held / n : NAN, "%");
    print_number(out, 5, 1, truth ? 100 * held_identified / identified : NAN, "%");
    print_number(out, 5, 1, 100 * identified / n, "%");
    print_number(out, 5, 1, 100 * wrong / n, "%");
    print_number(out, 7, 1, 100 * outside / n, "%");
    print_number(out, 7, 3, mean_of(&bias), "");
    print_number(out, 7, 3, median(errors, error_count), "");
    print_number(out, 7, 2, median(widths, width_count), "");
    print_number(out, 8, 1, 100 * answered / n, "%");
    print_number(out, 9, 5, mean_of(&penalty), "");
    print_number(out, 9, 5, mean_of(&keep), "");
    print_number(out, 9, 5, mean_of(&better), "");
    print_number(out, 7, 2, mean_of(&said) / mean_of(&penalty), "");
    print_number(out, 7, 2, mean_of(&said_keep) / mean_of(&keep), "");
    print_number(out, 6, 2, median(ratios, ratio_count), "");
    print_number(out, 5, 0, 100 * mean_of(&near), "%");
    fprintf(out, " %7.2f %6.1f %8.1f\n", cost / n, trials / n, slowest);
    fflush(out);
}

/* One row for each name, in the order of their first campaigns. */
static void print_rows(const struct bench *bench, bool and_all)
{
    for (size_t i = 0; i < bench->count; i++) {
        bool first = true;
        for (size_t j = 0; j < i; j++)
            first &= strcmp(bench->results[i].row, bench->results[j].row) != 0;
        if (first)
            print_row(bench, bench->results[i].row);
    }
    if (and_all && bench->count > 0)
        print_row(bench, NULL);
}

/* ---- families, refusals, rising ---- */

#define HEIGHT                                                                                     \
    {                                                                                              \
        0.015, 0.06                                                                                \
    }
#define FLATTENED                                                                                  \
    {                                                                                              \
        0.03, 0.12                                                                                 \
    }
#define NOISE                                                                                      \
    {                                                                                              \
        0.002, 0.01                                                                                \
    }
#define BETA                                                                                       \
    {                                                                                              \
        0.25, 0.12                                                                                 \
    }
#define SAME(value)                                                                                \
    {                                                                                              \
        value, value                                                                               \
    }

/* clang-format off */
static const struct family_kind outside_the_model[] = {
    {.name = "quartic", .shape = SHAPE_QUARTIC, .height = {0.02, 0.06}, .noise = NOISE, .beta = BETA},
    {.name = "flat-bottom", .shape = SHAPE_FLAT_BOTTOM, .height = HEIGHT, .noise = NOISE, .beta = BETA, .diverges_above = 1.8},
    {.name = "left-steep", .shape = SHAPE_LEFT_STEEP, .height = HEIGHT, .noise = NOISE, .beta = BETA},
    {.name = "right-steep", .shape = SHAPE_RIGHT_STEEP, .height = HEIGHT, .noise = NOISE, .beta = BETA},
    {.name = "v", .shape = SHAPE_V, .height = HEIGHT, .noise = NOISE, .beta = BETA},
    {.name = "seed-noise", .shape = SHAPE_PARABOLA, .height = HEIGHT, .noise = {0.002, 0.05}, .beta = BETA},
};
static const struct family_kind to_refuse[] = {
    {.name = "pure-noise", .shape = SHAPE_SLOPE, .noise = SAME(0.01)},
    {.name = "weak-slope", .shape = SHAPE_SLOPE, .height = SAME(0.0005), .noise = SAME(0.01)},
    {.name = "edge-low", .shape = SHAPE_PARABOLA, .height = HEIGHT, .noise = NOISE, .beta = BETA, .outside = -3},
    {.name = "edge-high", .shape = SHAPE_PARABOLA, .height = HEIGHT, .noise = NOISE, .beta = BETA, .outside = 3},
    {.name = "all-diverge", .shape = SHAPE_PARABOLA, .beta = BETA, .all_diverge = true},
    {.name = "low-lrs-diverge", .shape = SHAPE_PARABOLA, .height = HEIGHT, .noise = NOISE, .beta = BETA, .diverges_below = 1.5},
};
static const struct family_kind rising[] = {
    {.name = "rising", .shape = SHAPE_ASYMMETRIC, .height = HEIGHT, .noise = NOISE, .beta = {-0.3, 0}},
};
/* clang-format on */

static struct search_space family_space(void)
{
    struct search_space space = search_defaults();
    space.lr_low = FAMILY_LR_LOW;
    space.lr_high = FAMILY_LR_HIGH;
    space.horizons = family_horizons;
    space.horizon_count = FAMILY_HORIZONS;
    space.target_tokens = family_target;
    return space;
}

static void play_family(struct bench *bench, const struct family_kind *kind, uint64_t seed)
{
    struct family family = family_draw(kind, seed, bench->misfit);
    char campaign[ROW_TEXT];
    snprintf(campaign, sizeof(campaign), "%u", (unsigned)seed);
    bench->run.space = family_space();
    search_or_exit(bench, family_observe, &family);
    struct result *o = add_result(bench, kind->name, campaign, bench->run.count);
    o->truth = family_optimum(&family, family_target);
    bool any = !isnan(o->truth);
    o->penalty = any ? capped(family_penalty(&family, family_target, o->lr)) : NAN;
    o->keep_penalty = any ? capped(family_penalty(&family, family_target, o->keep_lr)) : NAN;
    if (any)
        o->twice = (capped(family_penalty(&family, family_target, 2 * o->truth)) +
                    capped(family_penalty(&family, family_target, o->truth / 2))) /
                   2;
    print_campaign(bench, o);
}

static void play_families(struct bench *bench, const char *title, const struct family_kind *kinds,
                          size_t count)
{
    uint64_t campaigns = bench->campaigns > 0 ? bench->campaigns : 200;
    print_head(bench, title);
    for (size_t k = 0; k < count; k++) {
        if (bench->only && strcmp(bench->only, kinds[k].name) != 0)
            continue;
        for (uint64_t seed = 1; seed <= campaigns; seed++)
            play_family(bench, &kinds[k], seed);
        print_row(bench, kinds[k].name);
    }
    if (count > 1 && bench->count > 0)
        print_row(bench, NULL);
}

static void table_families(struct bench *bench)
{
    play_families(bench, "Families outside the model; target 8 times the longest horizon",
                  outside_the_model, sizeof(outside_the_model) / sizeof(*outside_the_model));
}

static void table_refusals(struct bench *bench)
{
    play_families(bench, "To be refused", to_refuse, sizeof(to_refuse) / sizeof(*to_refuse));
}

/* Curvature over tokens: as tokens^-flattening[0] to the longest horizon, as ^-[1] beyond. */
/* clang-format off */
static const struct family_kind flattening[] = {
    {.name = "flat, then not", .shape = SHAPE_ASYMMETRIC, .height = FLATTENED, .noise = NOISE, .beta = BETA, .flattening = {0.8, 0}},
    {.name = "flattens by .35", .shape = SHAPE_ASYMMETRIC, .height = FLATTENED, .noise = NOISE, .beta = BETA, .flattening = {0.35, 0.35}},
    {.name = "flattens by .6", .shape = SHAPE_ASYMMETRIC, .height = FLATTENED, .noise = NOISE, .beta = BETA, .flattening = {0.6, 0.6}},
};
/* clang-format on */

static void table_flattening(struct bench *bench)
{
    play_families(bench, "Curvature that falls over tokens", flattening,
                  sizeof(flattening) / sizeof(*flattening));
}

static void table_rising(struct bench *bench)
{
    play_families(bench, "Rising optimum", rising, sizeof(rising) / sizeof(*rising));
}

/* ---- weight decay ---- */

/* clang-format off */
static const struct family_kind ridges =
    {.name = "ridge", .shape = SHAPE_ASYMMETRIC, .height = HEIGHT, .noise = NOISE, .beta = BETA};
/* clang-format on */

/* Searches with a weight decay in the range; three rows: LR, decay, and the LR with the decay that
 * is best at the target. */
static void play_ridge(struct bench *bench, const char *name, double tilt, uint64_t seed)
{
    const struct ridge ridge = ridge_draw(&ridges, seed, bench->misfit, tilt);
    const double best = ridge_decay(&ridge, family_target);
    const struct ratio_range ranges[] = {{RIDGE_DECAY_LOW, RIDGE_DECAY_HIGH}, {best, best}};
    char campaign[ROW_TEXT], row[ROW_TEXT];
    snprintf(campaign, sizeof(campaign), "%u", (unsigned)seed);
    for (int fixed = 0; fixed < 2; fixed++) {
        bench->run.space = family_space();
        bench->run.space.ratios[RATIO_DECAY] = ranges[fixed];
        search_or_exit(bench, ridge_observe, &ridge);
        snprintf(row, sizeof(row), "%s%s", name, fixed ? ", decay fixed" : "");
        struct result *o = add_result(bench, row, campaign, bench->run.count);
        const struct answer *answer = &bench->run.answer;
        double decay = answer->ratios[RATIO_DECAY].value;
        o->truth = family_optimum(&ridge.lrs, family_target);
        o->penalty = capped(ridge_penalty(&ridge, family_target, o->lr, decay));
        o->keep_penalty = capped(ridge_penalty(&ridge, family_target, o->keep_lr, decay));
        print_campaign(bench, o);
        if (fixed)
            continue;
        snprintf(row, sizeof(row), "%s, the decay", name);
        struct result *of_decay = add_result(bench, row, campaign, bench->run.count);
        of_decay->truth = best;
        of_decay->lr = answer->ratios[RATIO_DECAY].optimum;
        memcpy(of_decay->ci90, answer->ratios[RATIO_DECAY].ci90, sizeof(of_decay->ci90));
        of_decay->penalty = o->penalty;
        of_decay->keep_lr = of_decay->keep_penalty = NAN;
        of_decay->outside = false;
        print_campaign(bench, of_decay);
    }
}

static void table_decay(struct bench *bench)
{
    uint64_t campaigns = bench->campaigns > 0 ? bench->campaigns : 200;
    print_head(bench, "Weight decay searched with the LR; target 8 times the longest horizon");
    for (uint64_t seed = 1; seed <= campaigns; seed++) {
        play_ridge(bench, "ridge", 1, seed);
        play_ridge(bench, "tilted", 0.6, seed);
    }
    print_rows(bench, false);
}

/* ---- cells ---- */

static void play_cells(struct bench *bench, uint64_t seed)
{
    static const double shares[] = {0.4, 0.7, 1};
    const size_t cell = CELL_SURFACES - 1; /* the target's */
    struct shared_cells cells = shared_cells_draw(seed);
    struct search_run *run = &bench->run;
    struct search_space drawn = cell_surface_space(&cells.surface);
    char campaign[ROW_TEXT], row[ROW_TEXT];
    snprintf(campaign, sizeof(campaign), "%u", (unsigned)seed);
    run->space = search_defaults();
    run->space.lr_low = drawn.lr_low;
    run->space.lr_high = drawn.lr_high;
    run->space.horizons = drawn.horizons;
    run->space.horizon_count = drawn.horizon_count;
    run->space.target_tokens = drawn.target_tokens;
    run->space.cells = drawn.cells;
    run->space.cell_count = drawn.cell_count;
    run->space.target = drawn.target;
    memcpy(run->space.base, drawn.base, sizeof(drawn.base));
    run->space.group_count = drawn.group_count;
    run->space.groups[0] = drawn.groups[0];
    search_or_exit(bench, shared_cells_observe, &cells);
    double whole = run->cost;
    for (int i = 0; i < 3 && run->rounds > 0; i++) {
        size_t rounds = (size_t)ceil(shares[i] * (double)run->rounds);
        size_t count = run->after[rounds - 1];
        if (search_answer(&run->answer, &run->space, run->seen, count, NULL))
            exit(70);
        snprintf(row, sizeof(row), "cells, %.0f %% of rounds", 100 * shares[i]);
        struct result *o = add_result(bench, row, campaign, count);
        uint64_t target = run->space.target_tokens;
        o->cost = whole * (double)count / (double)run->count; /* trials cost alike on average */
        o->truth = shared_cells_optimum(&cells, cell, target);
        o->penalty = capped(shared_cells_penalty(&cells, cell, target, o->lr));
        o->keep_penalty = capped(shared_cells_penalty(&cells, cell, target, o->keep_lr));
        print_campaign(bench, o);
    }
}

static void table_cells(struct bench *bench)
{
    uint64_t campaigns = bench->campaigns > 0 ? bench->campaigns : 60;
    print_head(bench, "3 x 3 cells whose horizons share a misfit; the target's interval");
    for (uint64_t seed = 1; seed <= campaigns; seed++)
        play_cells(bench, seed);
    print_rows(bench, false);
}

/* ---- published sweeps ---- */

static void play_sweep(struct bench *bench, const struct sweep_campaign *campaign, uint64_t seed)
{
    struct search_run *run = &bench->run;
    if ((bench->only && strncmp(campaign->file, bench->only, strlen(bench->only)) != 0) ||
        !sweep_space(run, campaign))
        return;
    uint64_t target = run->space.target_tokens;
    double least;
    run->space.seed = seed;
    search_or_exit(bench, sweep_observe, campaign->sweep);
    char row[ROW_TEXT];
    snprintf(row, sizeof(row), "%.*s", (int)fmin(26, (double)strcspn(campaign->file, ".")),
             campaign->file);
    struct result *o = add_result(bench, row, campaign->name, run->count);
    o->truth = sweep_optimum(campaign->sweep, target, &least);
    o->penalty = isnan(o->lr) ? NAN : sweep_penalty(campaign->sweep, target, o->lr, least);
    o->keep_penalty =
        isnan(o->keep_lr) ? NAN : sweep_penalty(campaign->sweep, target, o->keep_lr, least);
    o->twice = sweep_twice(campaign->sweep, target, o->truth, least);
    print_campaign(bench, o);
}

static void visit_sweep(void *context, const struct sweep_campaign *campaign)
{
    play_sweep(context, campaign, 1);
}

static void table_sweeps(struct bench *bench)
{
    print_head(bench, "Published sweeps");
    sweep_campaigns(bench->folder, bench->list, bench->subsets, visit_sweep, bench);
    print_rows(bench, true);
}

#define PLAN_SEEDS 3

static void visit_with_seeds(void *context, const struct sweep_campaign *campaign)
{
    for (uint64_t seed = 1; seed <= PLAN_SEEDS; seed++)
        play_sweep(context, campaign, seed);
}

static void table_seeds(struct bench *bench)
{
    size_t same = 0, campaigns = 0;
    double apart = 0;
    sweep_campaigns(bench->folder, bench->list, bench->subsets, visit_with_seeds, bench);
    for (const struct result *o = bench->results; o < bench->results + bench->count;
         o += PLAN_SEEDS) {
        double low = fmin(o[0].lr, fmin(o[1].lr, o[2].lr));
        double high = fmax(o[0].lr, fmax(o[1].lr, o[2].lr));
        same += o[0].status == o[1].status && o[0].status == o[2].status;
        apart = fmax(apart, log2(high / low));
        campaigns++;
    }
    fprintf(bench->tables,
            "\nPlan seeds 1 to %d on the sweeps: same status in %zu of %zu (%.1f %%); the LRs are "
            "%.2f octaves apart at most\n",
            PLAN_SEEDS, same, campaigns, 100.0 * (double)same / (double)campaigns, apart);
}

/* ---- speed ---- */

/* `trials` losses of parabolas, spread over cells, then horizons, then LRs an octave apart. */
static void lay_trials(struct search_run *run, size_t cells, size_t horizons, size_t trials)
{
    run->count = trials;
    for (size_t i = 0; i < trials; i++) {
        size_t cell = i % cells, h = i / cells % horizons, at = i / cells / horizons;
        double t = (double)at - (double)(trials / cells / horizons) / 2;
        double optimum = 8e-3 * exp2(-0.25 * (double)h - 0.2 * (double)(cell % 8));
        run->seen[i] = (struct observation){.tokens = run->horizons[h],
                                            .lr = optimum * exp2(t + 0.2),
                                            .cell = (uint32_t)cell,
                                            .loss = 3 + 0.02 * t * t + 0.005 * sin(1e3 * (double)i),
                                            .ratios = {1, 1}};
    }
}

static void time_decision(struct bench *bench, size_t cell_count, size_t horizons, size_t trials)
{
    static struct proposal round[POLICY_ROUND_MAX];
    static struct search_cell cells[SEARCH_CELLS];
    struct search_run *run = &bench->run;
    double decision[5], answer[5];
    size_t asked = 0;
    run->space = search_defaults();
    run->space.lr_low = FAMILY_LR_LOW;
    run->space.lr_high = FAMILY_LR_HIGH;
    run->space.horizons = run->horizons;
    run->space.horizon_count = horizons;
    for (size_t h = 0; h < horizons; h++)
        run->horizons[h] = UINT64_C(1000000) << h;
    run->space.target_tokens = 8 * run->horizons[horizons - 1];
    if (cell_count > 1) {
        for (size_t c = 0; c < cell_count; c++) {
            double width = (double)(c % 8) / 2, vocab = (double)(c / 8) / 2;
            cells[c] = (struct search_cell){.axes = {[AXIS_WIDTH] = width, [AXIS_VOCAB] = vocab},
                                            .cost = exp2(2 * width),
                                            .log2_params = 20 + 2 * width};
        }
        run->space.cells = cells;
        run->space.cell_count = cell_count;
        run->space.target = cells[cell_count - 1];
        run->space.base[AXIS_WIDTH] = 64;
        run->space.base[AXIS_VOCAB] = 1024;
        run->space.group_count = 1;
        run->space.groups[0] = (struct search_group){
            .embedding_exponent = NAN, .lr_width = {-0.7, 0.4}, .ratio_width = {0.75, 0.5}};
    }
    lay_trials(run, cell_count, horizons, trials);
    for (int i = 0; i < 5; i++) {
        double begin = clock_ms();
        if (search_next(&policy_design, &run->space, run->seen, run->count, round, &asked))
            exit(70);
        decision[i] = clock_ms() - begin;
        begin = clock_ms();
        if (search_answer(&run->answer, &run->space, run->seen, run->count, NULL))
            exit(70);
        answer[i] = clock_ms() - begin;
    }
    fprintf(bench->tables,
            "%2zu cells x %zu horizons, %4zu trials: %8.1f ms for the next %zu "
            "trials, %8.1f ms for the answer (medians of 5)\n",
            cell_count, horizons, trials, median(decision, 5), asked, median(answer, 5));
}

static void table_speed(struct bench *bench)
{
    fprintf(bench->tables, "\nDecisions\n");
    time_decision(bench, 1, 3, 30);
    time_decision(bench, 64, 4, 1000);
}

/* ---- command line ---- */

static const struct {
    const char *name;
    void (*print)(struct bench *bench);
    bool needs_sweeps;
} tables[] = {
    {"families", table_families, false}, {"refusals", table_refusals, false},
    {"rising", table_rising, false},     {"flattening", table_flattening, false},
    {"decay", table_decay, false},       {"cells", table_cells, false},
    {"sweeps", table_sweeps, true},      {"seeds", table_seeds, true},
    {"speed", table_speed, false},
};
#define TABLES (sizeof(tables) / sizeof(*tables))

static int parse(struct bench *bench, int argc, char **argv, bool wanted[TABLES])
{
    bool any = false;
    for (int i = 1; i < argc; i++) {
        bool known = false, valued = i + 1 < argc;
        for (size_t t = 0; t < TABLES; t++)
            if (strcmp(argv[i], tables[t].name) == 0)
                wanted[t] = any = known = true;
        if (known)
            continue;
        if (strcmp(argv[i], "--csv") == 0)
            bench->csv = true;
        else if (strcmp(argv[i], "--subsets") == 0)
            bench->subsets = true;
        else if (strcmp(argv[i], "--only") == 0 && valued)
            bench->only = argv[++i];
        else if (strcmp(argv[i], "--campaigns") == 0 && valued)
            bench->campaigns = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--misfit") == 0 && valued)
            bench->misfit = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--folder") == 0 && valued)
            bench->folder = argv[++i];
        else if (strcmp(argv[i], "--list") == 0 && valued)
            bench->list = argv[++i];
        else {
            fprintf(stderr, "not understood: %s\n", argv[i]);
            return 2;
        }
    }
    for (size_t t = 0; t < TABLES && !any; t++)
        wanted[t] = true;
    return 0;
}

int main(int argc, char **argv)
{
    static struct bench bench = {.misfit = 0.1, .list = ""};
    bool wanted[TABLES] = {false};
    int rc = parse(&bench, argc, argv, wanted);
    if (rc)
        return rc;
    bench.tables = bench.csv ? stderr : stdout;
    if (bench.csv)
        printf("row,campaign,truth,lr,ci_low,ci_high,status,outside,trials,cost,penalty,keep_lr,"
               "keep_penalty,twice,said_penalty,said_keep_penalty,said_twice,reason\n");
    for (size_t t = 0; t < TABLES; t++) {
        if (!wanted[t])
            continue;
        bench.count = 0;
        if (tables[t].needs_sweeps && !bench.folder)
            fprintf(bench.tables, "\n%s: skipped, there are no sweeps\n", tables[t].name);
        else
            tables[t].print(&bench);
    }
    return 0;
}
