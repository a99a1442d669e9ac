#ifndef TESTS_SEARCH_CASE_H
#define TESTS_SEARCH_CASE_H
/* Observations put together one by one, and what is concluded from them. After cmocka_all.h. */
#include <math.h>
#include <string.h>
#include "search/policy.h"
#include "search/search_answer.h"

static const uint64_t horizons[] = {1000000, 2000000, 4000000};
static struct observation seen[2000];
static size_t count;
static struct answer answer;
static struct search_space space;

static inline int setup(void **state)
{
    (void)state;
    space = (struct search_space){.lr_low = 1e-3,
                                  .lr_high = 6.4e-2,
                                  .horizons = horizons,
                                  .horizon_count = 3,
                                  .seeds = 1,
                                  .resolution = 0.5,
                                  .target_tokens = 16000000,
                                  .seed = 1,
                                  .prior_beta = 0.3,
                                  .prior_beta_sd = 0.15,
                                  .precision = 0.001,
                                  .min_gain = 0.005,
                                  .round_trials = 8,
                                  .ratios = {{1, 1}, {1, 1}}};
    count = 0;
    return 0;
}

static inline struct observation *see(uint64_t tokens, double lr, double loss)
{
    seen[count] = (struct observation){
        .tokens = tokens, .lr = lr, .kind = OBSERVED_LOSS, .loss = loss, .ratios = {1, 1}};
    return &seen[count++];
}

/* Five points half an octave apart: curvature .04, best at `best`. */
static inline void see_basin(uint64_t tokens, double best, uint32_t seed)
{
    for (int i = -2; i <= 2; i++) {
        double x = 0.5 * i + 0.13;
        see(tokens, best * exp2(x), 3 + 0.04 * x * x)->seed = seed;
    }
}

static inline void see_clean_basins(void)
{
    for (int h = 0; h < 3; h++)
        see_basin(horizons[h], 8e-3 * pow(2, -0.3 * h), 0);
}

static inline void conclude(void)
{
    memset(&answer, 0x5a, sizeof(answer)); /* it need not be initialised */
    assert_int_equal(search_answer(&answer, &space, seen, count, NULL), 0);
}

static inline bool warned(const char *part)
{
    for (size_t i = 0; i < answer.warning_count; i++)
        if (strstr(answer.warnings[i], part))
            return true;
    return false;
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

#endif
