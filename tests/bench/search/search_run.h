#ifndef TESTS_BENCH_SEARCH_RUN_H
#define TESTS_BENCH_SEARCH_RUN_H

#include "search/policy.h"

/* One search from beginning to end, on any source of losses. */

#define RUN_TRIALS 8192
#define RUN_ROUNDS 1024
#define RUN_HORIZONS 16

struct search_run {
    struct search_space space;
    uint64_t horizons[RUN_HORIZONS];
    struct observation seen[RUN_TRIALS];
    size_t count, rounds;
    size_t after[RUN_ROUNDS]; /* trials at the end of each round */
    double cost;              /* tokens times FLOPs per token, in target runs */
    double slowest_ms;        /* of the decisions */
    struct answer answer;
};

/* The plan's section `search` at its defaults, with seed 1 and one replicate; without a range,
 * horizons and target. */
struct search_space search_defaults(void);

/* Searches run->space until the policy asks for no more, then fills run->answer. 0, or the error of
 * the policy or of search_answer(); LR_EINTERNAL if there are more trials or rounds than fit. */
int search_run(struct search_run *run, const struct policy *policy,
               struct observation (*observe)(const void *context, const struct proposal *proposal),
               const void *context);

double clock_ms(void);
int compare_values(const void *left, const void *right); /* of qsort(), for double */

#endif
