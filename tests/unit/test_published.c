/* Published laws on recipes whose numbers are known, and what being off costs. */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/loss_penalty.h"
#include "search/laws/published.h"

enum { BJORCK, STEP_LAW, DEEPSEEK, PORIAN, ZHOU };

static struct loss_penalty penalty_of(double lr, double optimum, const double ci90[2],
                                      double curvature, double spread)
{
    struct loss_penalty penalty;
    assert_int_equal(loss_penalty_find(&penalty, lr, optimum, ci90, curvature, spread, NULL), 0);
    return penalty;
}

static struct recipe recipe_of(double lr, double params, double tokens)
{
    return (struct recipe){
        .lr = lr, .params = params, .tokens = tokens, .anneal = {.cooldown = 0.2, .final_lr = 0.1}};
}

static struct published ask(int law, const struct recipe *recipe)
{
    struct published answer;
    published_ask(&answer, &published_laws[law], recipe);
    return answer;
}

static void assert_near(double found, double wanted, double relative)
{
    if (!(fabs(found / wanted - 1) <= relative))
        fail_msg("%g instead of %g", found, wanted);
}

static void assert_refused(int law, const struct recipe *recipe, const char *why)
{
    struct published answer = ask(law, recipe);
    assert_false(answer.applies);
    if (!strstr(answer.why, why))
        fail_msg("%s: '%s' does not say '%s'", published_laws[law].name, answer.why, why);
}

/* LLaMA-1 7B: 3e-4 on 1T tokens; Bjorck et al. say about 1.1e-4, and at most .027 nats. */
static void llama_is_too_high(void **state)
{
    (void)state;
    struct recipe recipe = recipe_of(3e-4, 6.74e9, 1e12);
    struct published answer = ask(BJORCK, &recipe);
    assert_true(answer.applies);
    assert_string_equal(answer.why, "");
    assert_near(answer.lr, 1.096e-4, 1e-3);
    assert_true(answer.lr == answer.own_lr);
    assert_near(recipe.lr / answer.lr, 2.74, 2e-3);
    assert_near(answer.lr / answer.ci90[0], answer.ci90[1] / answer.lr, 1e-12);
    assert_near(answer.ci90[1] / answer.lr, 1.63, 0.02);
    struct loss_penalty penalty = penalty_of(recipe.lr, answer.lr, answer.ci90, PUBLISHED_CURVATURE,
                                             PUBLISHED_CURVATURE_SPREAD);
    assert_near(penalty.nats, 0.030, 0.1);
    assert_true(penalty.ci90[0] < 0.027 && 0.027 < penalty.ci90[1]);
}

/* What the laws give where their papers' formulas are evaluated by hand. */
static void formulas(void **state)
{
    (void)state;
    struct recipe billion = recipe_of(1e-3, 1e9, 1e9), recipe = recipe_of(1e-3, 1e9, 100e9);
    assert_near(ask(BJORCK, &billion).own_lr, 1.55e-3, 1e-12);
    assert_near(ask(BJORCK, &recipe).own_lr, 1.55e-3 * 0.22909, 1e-4);
    assert_near(ask(STEP_LAW, &recipe).own_lr, 1.79 * pow(1e9, -.713) * pow(1e11, .307), 1e-12);
    assert_near(ask(STEP_LAW, &recipe).own_batch, 0.58 * pow(1e11, .571), 1e-12);
    assert_near(ask(DEEPSEEK, &recipe).own_lr, .3118 * pow(6e20, -.125), 1e-4);
    assert_near(ask(DEEPSEEK, &recipe).own_batch, .292 * pow(6e20, .3271), 1e-4);
    assert_near(ask(PORIAN, &recipe).own_lr, 3.7 * pow(1e9, -.36), 1e-12);
    assert_true(isnan(ask(ZHOU, &recipe).own_lr));
    /* rule of thumb: twice the tokens, 2^-.32 of the LR */
    recipe.tokens *= 2;
    double twice = ask(BJORCK, &recipe).lr;
    recipe.tokens /= 2;
    assert_near(twice / ask(BJORCK, &recipe).lr, exp2(-.32), 1e-12);
}

/* The optima of the 125M model: the joint law is wrong there by a factor of 1.5 on both sides, so
 * that it must not be asked. */
static void small_models_are_refused(void **state)
{
    (void)state;
    static const double tokens[] = {25e9, 50e9, 100e9, 200e9, 400e9, 800e9};
    static const double measured[] = {1.34e-3, 1.02e-3, 6.60e-4, 4.12e-4, 2.51e-4, 1.98e-4};
    double worst[2] = {1, 1};
    for (int i = 0; i < 6; i++) {
        struct recipe recipe = recipe_of(measured[i], 125e6, tokens[i]);
        double off = ask(BJORCK, &recipe).own_lr / measured[i];
        worst[0] = fmin(worst[0], off);
        worst[1] = fmax(worst[1], off);
        assert_refused(BJORCK, &recipe,
                       "fitted on models of 760M to 2.7B parameters: smaller ones, like this of "
                       "125M, follow another rule");
    }
    assert_true(worst[0] < 0.7 && worst[1] > 1.4);
    struct recipe smallest = recipe_of(1e-4, 760e6, 100e9);
    assert_true(ask(BJORCK, &smallest).applies);
}

static void reach(void **state)
{
    (void)state;
    struct recipe recipe = recipe_of(1e-4, 27e9, 8e12);
    struct published far = ask(BJORCK, &recipe);
    assert_true(far.applies && far.in_range);
    recipe.params = 28e9;
    assert_refused(BJORCK, &recipe, "28B is too far beyond");
    recipe.params = 1.43e9;
    recipe.tokens = 8.1e12;
    assert_refused(BJORCK, &recipe, "fitted on 25B to 800B tokens: 8.1T is more than 10 times");
    recipe.tokens = 2.4e9;
    assert_refused(BJORCK, &recipe, "2.4B is more than 10 times");
    /* the interval grows away from the middle of what was fitted */
    recipe.tokens = 141e9;
    struct published middle = ask(BJORCK, &recipe);
    assert_near(log(middle.ci90[1] / middle.lr), 1.645 * 0.2, 1e-3);
    assert_true(far.ci90[1] / far.lr > 1.3 * middle.ci90[1] / middle.lr);
    recipe = recipe_of(1e-3, 1e9, 30e9);
    recipe.batch_tokens = 1.6e6;
    assert_true(ask(PORIAN, &recipe).in_range);
    recipe.tokens = 60e9;
    assert_refused(PORIAN, &recipe,
                   "fitted at 20 tokens a parameter, without a term for the horizon: this "
                   "recipe has 60");
    assert_refused(ZHOU, &recipe, "the units of its constant are not known");
    char range[PUBLISHED_WHY];
    assert_string_equal(published_range(&published_laws[BJORCK], range),
                        "760M .. 2.7B parameters, 25B .. 800B tokens");
    assert_string_equal(published_range(&published_laws[ZHOU], range), "");
}

static void batches(void **state)
{
    (void)state;
    struct recipe recipe = recipe_of(1e-3, 1e9, 100e9);
    assert_refused(STEP_LAW, &recipe, "of its own batch, 1.11M tokens: give --batch to compare");
    recipe.batch_tokens = 1.1e6;
    assert_true(ask(STEP_LAW, &recipe).applies);
    recipe.batch_tokens = 2.2e6;
    assert_true(ask(STEP_LAW, &recipe).applies);
    recipe.batch_tokens = 262144;
    assert_refused(STEP_LAW, &recipe, "of its own batch, 1.11M tokens, not of 262k");
    /* Bjorck's is of one batch, and carried by the square root rule */
    struct published half = ask(BJORCK, &recipe);
    assert_true(half.applies);
    assert_near(half.lr / half.own_lr, exp2(-.82), 1e-12);
    recipe.batch_tokens = 524288;
    struct published own = ask(BJORCK, &recipe);
    assert_true(own.lr == own.own_lr);
    assert_true(half.ci90[1] / half.lr > own.ci90[1] / own.lr);
    recipe.batch_tokens = 2.3e6;
    for (int law = BJORCK; law <= STEP_LAW; law++)
        assert_refused(law, &recipe,
                       "the batch of 2.3M tokens is 2.08 times the best one for so "
                       "many tokens (Step Law: 1.11M)");
}

static void schedules(void **state)
{
    (void)state;
    struct recipe recipe = recipe_of(1e-3, 1e9, 100e9);
    struct published cosine = ask(BJORCK, &recipe);
    recipe.anneal = (struct anneal){.kind = SCHEDULE_WSD, .cooldown = 0.2};
    struct published wsd = ask(BJORCK, &recipe);
    assert_true(wsd.applies);
    assert_true(wsd.lr < 0.8 * cosine.lr && wsd.lr > 0.6 * cosine.lr);
    assert_true(wsd.ci90[1] / wsd.lr > cosine.ci90[1] / cosine.lr);
    recipe.anneal = (struct anneal){.kind = SCHEDULE_CONSTANT, .final_lr = 1};
    assert_refused(BJORCK, &recipe, "fitted on learning rates that fall to the end");
}

static void what_it_costs(void **state)
{
    (void)state;
    const double sure[2] = {1e-3, 1e-3}, wide[2] = {5e-4, 2e-3};
    /* nothing uncertain but the asymmetry, .1 or .45 */
    struct loss_penalty octave = penalty_of(2e-3, 1e-3, sure, 0.01, 0);
    assert_near(octave.ci90[0], 0.01 * (1 + .1 * tanh(1)), 1e-9);
    assert_near(octave.ci90[1], 0.01 * (1 + .45 * tanh(1)), 1e-9);
    struct loss_penalty left = penalty_of(5e-4, 1e-3, sure, 0.01, 0);
    assert_true(left.ci90[1] < octave.ci90[0]);
    assert_near(penalty_of(1e-3, 1e-3, sure, 0.01, 0.5).nats + 1, 1, 1e-12);
    struct loss_penalty curved = penalty_of(2e-3, 1e-3, sure, 0.01, 0.5);
    assert_near(curved.nats, 0.012, 0.15);
    assert_near(curved.ci90[1] / curved.nats, exp(1.645 * .5), 0.15);
    /* at the best guess an unknown optimum still costs something */
    struct loss_penalty guess = penalty_of(1e-3, 1e-3, wide, 0.01, 0);
    assert_true(guess.ci90[0] >= 0 && guess.nats > 0.0005 && guess.ci90[1] > 0.009);
    const double right[2] = {9e-4, 4e-3}; /* a longer side counts */
    assert_true(penalty_of(8e-3, 1e-3, right, 0.01, 0).ci90[0] <
                0.5 * penalty_of(8e-3, 1e-3, right, 0.01, 0).nats);
    assert_true(isnan(penalty_of(1e-3, NAN, wide, 0.01, 0).nats));
    assert_true(isnan(penalty_of(1e-3, 1e-3, wide, NAN, 0).ci90[1]));
    struct loss_penalty none;
    struct lr_error err = {0};
    lr_memory_fail_after(0);
    assert_int_equal(loss_penalty_find(&none, 1e-3, 1e-3, wide, 0.01, 0, &err), LR_ENOMEM);
    assert_string_equal(err.text, "out of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(llama_is_too_high),
        cmocka_unit_test(formulas),
        cmocka_unit_test(small_models_are_refused),
        cmocka_unit_test(reach),
        cmocka_unit_test(batches),
        cmocka_unit_test(schedules),
        cmocka_unit_test(what_it_costs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
