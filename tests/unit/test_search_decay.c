/* Weight decay: searched with the LR on surfaces with a ridge between the two, and as an axis. */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include "families.h"
#include "few_runs.h"
#include "search/cell_data.h"

static struct surface_run run;

static const struct family_kind kind = {.name = "ridge",
                                        .shape = SHAPE_ASYMMETRIC,
                                        .height = {0.015, 0.06},
                                        .noise = {0.002, 0.01},
                                        .beta = {0.25, 0.12}};

static struct search_space space_of(double decay_low, double decay_high)
{
    return (struct search_space){.lr_low = FAMILY_LR_LOW,
                                 .lr_high = FAMILY_LR_HIGH,
                                 .horizons = family_horizons,
                                 .horizon_count = FAMILY_HORIZONS,
                                 .seeds = 1,
                                 .resolution = 0.5,
                                 .target_tokens = family_target,
                                 .seed = 1,
                                 .prior_beta = 0.25,
                                 .prior_beta_sd = 0.25,
                                 .precision = 0.001,
                                 .min_gain = 0.005,
                                 .round_trials = 8,
                                 .ratios = {[RATIO_EMBEDDING] = {1, 1},
                                            [RATIO_OUTPUT] = {1, 1},
                                            [RATIO_VECTOR] = {1, 1},
                                            [RATIO_DECAY] = {decay_low, decay_high}}};
}

/* `rule`: the weight decay is that of the target's length, and a trial's is inversely proportional
 * to its tokens. */
static void search_ridge(const struct ridge *ridge, const struct search_space *space, bool rule)
{
    static struct proposal round[POLICY_ROUND_MAX];
    struct lr_error err = {0};
    size_t asked;
    memset(&run, 0, sizeof(run));
    for (;;) {
        assert_int_equal(search_next(&policy_design, space, run.seen, run.count, round, &asked), 0);
        if (asked == 0)
            break;
        for (size_t i = 0; i < asked; i++) {
            struct proposal trained = round[i];
            if (rule)
                trained.ratios[RATIO_DECAY] *= (double)family_target / (double)round[i].tokens;
            assert_true(run.count < SURFACE_SEEN);
            run.seen[run.count] = ridge_observe(ridge, &trained);
            memcpy(run.seen[run.count++].ratios, round[i].ratios, sizeof(round[i].ratios));
            run.tokens += (double)round[i].tokens / (double)family_target;
        }
    }
    assert_int_equal(search_answer(&run.answer, space, run.seen, run.count, &err), 0);
}

static bool holds(const double ci90[2], double value)
{
    return ci90[0] <= value && value <= ci90[1];
}

static void intervals_of_lr_and_decay_hold_on_a_ridge(void **state)
{
    int lr = 0, decay = 0, identified = 0, all = few_runs() ? 2 : 16;
    double searched = 0, fixed = 0;
    (void)state;
    for (int seed = 1; seed <= all; seed++) {
        struct ridge ridge = ridge_draw(&kind, (uint64_t)seed, 0.1, 1);
        double best = ridge_decay(&ridge, family_target);
        struct search_space space = space_of(RIDGE_DECAY_LOW, RIDGE_DECAY_HIGH);
        search_ridge(&ridge, &space, false);
        const struct ratio_answer *of = &run.answer.ratios[RATIO_DECAY];
        assert_true(of->searched && of->trials == run.count);
        lr += holds(run.answer.target.ci90, family_optimum(&ridge.lrs, family_target));
        decay += holds(of->ci90, best);
        identified += run.answer.status == ANSWER_IDENTIFIED;
        searched += run.tokens / all;
        space = space_of(best, best);
        search_ridge(&ridge, &space, false);
        assert_false(run.answer.ratios[RATIO_DECAY].searched);
        fixed += run.tokens / all;
    }
    print_message(
        "of %d: LR holds %d, decay %d, identified %d; target runs %.2f, decay fixed %.2f\n", all,
        lr, decay, identified, searched, fixed);
    if (all < 16)
        return;
    assert_true(lr >= 13 && decay >= 13 && identified >= 12);
}

static const struct exponent_answer *exponent_of(const char *of, const char *axis)
{
    for (size_t i = 0; i < run.answer.exponent_count; i++)
        if (strcmp(run.answer.exponents[i].of, of) == 0 &&
            strcmp(run.answer.exponents[i].axis, axis) == 0)
            return &run.answer.exponents[i];
    return NULL;
}

/* With a rule the plan's best weight decay has another exponent over tokens; its prior is shifted
 * alike, so that the search asks for the same and answers the same. */
static void a_rule_shifts_the_exponent_over_tokens(void **state)
{
    struct ridge ridge = ridge_draw(&kind, 3, 0.1, 1);
    const struct search_space plain = space_of(RIDGE_DECAY_LOW, RIDGE_DECAY_HIGH);
    struct search_space rule = plain;
    (void)state;
    rule.decay_over_tokens = 1;
    for (int k = 0; k < 2; k++) {
        struct cell_data *data = cell_data_create(k ? &rule : &plain, NULL, 0, -1);
        assert_true(data && data->coordinates[1] == 1 + RATIO_DECAY);
        const struct term *tokens = term_find(&data->terms[1], TERM_TOKENS, 0);
        assert_true(tokens && fabs(tokens->mean - (k ? -0.8 : 0.2)) < 1e-12);
        cell_data_destroy(data);
    }
    search_ridge(&ridge, &rule, true);
    assert_true(holds(run.answer.target.ci90, family_optimum(&ridge.lrs, family_target)));
    assert_true(holds(run.answer.ratios[RATIO_DECAY].ci90, ridge_decay(&ridge, family_target)));
}

/* ---- a best decay beyond the range ---- */

/* The best LR with this decay. */
static double best_lr_at(const struct ridge *ridge, double decay)
{
    double best = NAN, least = INFINITY;
    for (double x = log2(FAMILY_LR_LOW); x <= log2(FAMILY_LR_HIGH); x += 0.01) {
        double penalty = ridge_penalty(ridge, family_target, exp2(x), decay);
        if (penalty < least) {
            least = penalty;
            best = exp2(x);
        }
    }
    return best;
}

static bool warned(const char *text)
{
    for (size_t i = 0; i < run.answer.warning_count; i++)
        if (strstr(run.answer.warnings[i], text))
            return true;
    return false;
}

/* The end of the range is given, with its own best LR: on the ridge that is another than where the
 * best decay would be. */
static void a_best_decay_beyond_the_range_is_not_given(void **state)
{
    int kept = 0, lr = 0, closer = 0, all = few_runs() ? 2 : 12;
    (void)state;
    for (int seed = 0; seed < all; seed++) {
        bool upper = seed % 2 == 0;
        double end = upper ? 0.1 : 0.4;
        struct ridge ridge = ridge_draw(&kind, 1 + (uint64_t)seed / 2, 0.1, 1);
        ridge.first = log2(upper ? end * 8 : end / 8);
        ridge.height = 0.02;
        struct search_space space = upper ? space_of(0.005, end) : space_of(end, 4);
        search_ridge(&ridge, &space, false);
        const struct ratio_answer *decay = &run.answer.ratios[RATIO_DECAY];
        const struct target_answer *target = &run.answer.target;
        double best = best_lr_at(&ridge, end);
        assert_true(decay->value >= space.ratios[RATIO_DECAY].low);
        assert_true(decay->value <= space.ratios[RATIO_DECAY].high);
        if (!decay->beyond)
            continue;
        kept++;
        assert_true(decay->at_edge && decay->value == end);
        assert_true(upper ? decay->optimum > end : decay->optimum < end);
        assert_true(upper ? decay->ci90[0] <= end : decay->ci90[1] >= end);
        assert_true(isnan(decay->ci90[upper]) && isfinite(decay->ci90[!upper]));
        assert_true(warned("end of its range"));
        assert_true(warned("the answer keeps to"));
        assert_true(upper ? target->held_factor > 1 : target->held_factor < 1);
        assert_true(target->held_ci90[0] <= target->held_factor &&
                    target->held_factor <= target->held_ci90[1]);
        lr += holds(target->ci90, best);
        closer +=
            fabs(log2(target->lr / best)) < fabs(log2(target->lr / target->held_factor / best));
        if (run.answer.status != ANSWER_IDENTIFIED)
            continue;
        const struct advice_answer *advice = &run.answer.advice;
        assert_true(advice->kind == ADVICE_RATIO && advice->ratio == RATIO_DECAY);
        assert_true(advice->range[0] == (upper ? 0.005 : 0.05));
        assert_true(advice->range[1] == (upper ? 0.8 : 4));
    }
    print_message("of %d beyond the range: kept to its end %d, LR holds %d, closer %d\n", all, kept,
                  lr, closer);
    if (all >= 12)
        assert_true(kept >= 10 && lr >= kept - 2 && closer >= kept - 2);
}

/* ---- an axis ---- */

#define DECAYS 3
#define FOLLOWS (-0.4) /* exponent of the best LR over the decay */

static struct search_cell cells[DECAYS];

static struct search_space axis_space(void)
{
    struct search_space space = space_of(0.1, 0.1);
    for (int c = 0; c < DECAYS; c++)
        cells[c] = (struct search_cell){.axes = {[AXIS_DECAY] = c}, .cost = 1};
    space.cells = cells;
    space.cell_count = DECAYS;
    space.target = cells[1];
    space.base[AXIS_DECAY] = 0.05;
    space.group_count = 1;
    return space;
}

static void the_exponent_over_an_axis_of_decays_is_found(void **state)
{
    static struct proposal round[POLICY_ROUND_MAX];
    struct family family = family_draw(&kind, 5, 0.05);
    struct search_space space = axis_space();
    struct lr_error err = {0};
    size_t asked;
    (void)state;
    memset(&run, 0, sizeof(run));
    for (;;) {
        assert_int_equal(search_next(&policy_design, &space, run.seen, run.count, round, &asked),
                         0);
        if (asked == 0)
            break;
        for (size_t i = 0; i < asked; i++) {
            struct proposal moved = round[i];
            moved.lr *= exp2(-FOLLOWS * (moved.cell - 1.0));
            run.seen[run.count] = family_observe(&family, &moved);
            run.seen[run.count].lr = round[i].lr;
            run.seen[run.count++].cell = round[i].cell;
        }
    }
    assert_int_equal(search_answer(&run.answer, &space, run.seen, run.count, &err), 0);
    const struct exponent_answer *decay = exponent_of("lr", "weight_decay");
    assert_non_null(decay);
    print_message("LR* ~ decay^%.2f (%.2f .. %.2f), true %.2f\n", decay->value, decay->ci90[0],
                  decay->ci90[1], FOLLOWS);
    assert_true(holds(decay->ci90, FOLLOWS) && decay->ci90[1] < 0);
    assert_true(isnan(decay->embedding_lr_exponent) && decay->parametrization == ANSWER_EVERY);
    assert_true(holds(run.answer.target.ci90, family_optimum(&family, family_target)));
    bool told = false;
    for (size_t i = 0; i < run.answer.verdict_count; i++) {
        const char *verdict = run.answer.verdicts[i];
        told = told ||
               (strstr(verdict, "the best learning rate goes as weight_decay^-0.") == verdict &&
                strstr(verdict, ": it falls as the decay grows"));
        assert_null(strstr(verdict, "width"));
    }
    assert_true(told);
    assert_non_null(strstr(run.answer.verdicts[run.answer.verdict_count - 1],
                           "with each doubling of the decay"));
}

/* Groups with other exponents of the embedding's LR: the offset of each is in its exponent. */
static void groups_differ_by_the_exponent_of_the_embedding(void **state)
{
    static struct search_cell four[4];
    struct search_space space = axis_space();
    struct terms terms;
    (void)state;
    for (uint32_t c = 0; c < 4; c++)
        four[c] = (struct search_cell){.axes = {[AXIS_WIDTH] = c % 2}, .group = c / 2, .cost = 1};
    space.cells = four;
    space.cell_count = 4;
    space.target = four[3];
    space.group_count = 2;
    space.ratios[RATIO_EMBEDDING] = (struct ratio_range){0.25, 16};
    for (uint32_t g = 0; g < 2; g++)
        space.groups[g] = (struct search_group){.embedding_exponent = 0.5 * g,
                                                .ratio_width = {0.75 - 0.5 * g, 0.5},
                                                .ratio_width_offset = 0.5 * g};
    terms_lay(&terms, &space, 1 + RATIO_EMBEDDING);
    const struct term *first = term_find(&terms, TERM_WIDTH, 0);
    const struct term *second = term_find(&terms, TERM_WIDTH, 1);
    assert_true(first && second && term_find(&terms, TERM_WIDTH_SHARED, 0));
    assert_true(fabs(first->mean - second->mean - 0.5) < 1e-12);
    struct lr_error err = {0};
    assert_int_equal(search_answer(&run.answer, &space, NULL, 0, &err), 0);
    size_t of_ratio = 0;
    for (size_t i = 0; i < run.answer.exponent_count; i++) {
        const struct exponent_answer *exponent = &run.answer.exponents[i];
        if (strcmp(exponent->of, "embedding_lr_ratio") != 0 || strcmp(exponent->axis, "width") != 0)
            continue;
        assert_true(fabs(exponent->embedding_lr_exponent - 0.5 * (double)of_ratio) < 1e-12);
        assert_true(fabs(exponent->expected - 0.75) < 1e-12);
        of_ratio++;
    }
    assert_int_equal(of_ratio, 2);
    assert_non_null(strstr(run.answer.verdicts[1], "sp with embedding_lr_exponent 0.5: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_of_lr_and_decay_hold_on_a_ridge),
        cmocka_unit_test(a_rule_shifts_the_exponent_over_tokens),
        cmocka_unit_test(a_best_decay_beyond_the_range_is_not_given),
        cmocka_unit_test(the_exponent_over_an_axis_of_decays_is_found),
        cmocka_unit_test(groups_differ_by_the_exponent_of_the_embedding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
