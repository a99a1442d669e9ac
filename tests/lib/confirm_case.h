#ifndef TESTS_CONFIRM_CASE_H
#define TESTS_CONFIRM_CASE_H

#include "campaign_driver.h"
#include "cmocka_all.h"

#include <string.h>

/* Campaigns with a confirmation, in the world of campaign_driver.h, without failures. */

/* The search finds 2e-3 in ten trials, which report 900 tokens each; the target has 100000. */
enum { SEARCHED = 10 };

static inline struct plan confirm_plan(void)
{
    struct plan plan = test_plan();
    plan.confirm.wanted = true;
    plan.confirm.seeds = 1;
    return plan;
}

static inline void start(struct driver *driver, const struct plan *plan)
{
    driver_init(driver, plan);
    driver->fail_times = 0;
}

static inline void start_run(struct driver *driver, const struct plan *plan)
{
    start(driver, plan);
    driver_begin(driver);
    driver_run(driver);
}

static inline bool has_warning(const struct answer *answer, const char *text)
{
    for (size_t i = 0; i < answer->warning_count; i++)
        if (strcmp(answer->warnings[i], text) == 0)
            return true;
    return false;
}

static inline uint64_t confirmed_tokens(const struct driver *driver)
{
    size_t count = campaign_trial_count(driver->campaign);
    const struct trial *last = campaign_trial(driver->campaign, (uint32_t)count);
    return last->purpose == PURPOSE_CONFIRM ? last->spec.horizon_tokens : 0;
}

static inline void wherever_the_journal_ends(const struct driver *whole, const struct plan *plan,
                                             double clock_s)
{
    for (size_t until = 2; until < whole->count; until++) {
        struct driver part;
        start(&part, plan);
        part.clock_s = clock_s;
        driver_replay(&part, whole->log, until);
        driver_run(&part);
        assert_same_log(&part, whole);
        driver_release(&part);
    }
}

#endif
