#ifndef LRSEARCH_TEST_FEW_RUNS_H
#define LRSEARCH_TEST_FEW_RUNS_H

#include <stdbool.h>
#include <stdlib.h>

/* Sanitizers and valgrind look for bugs, which show in the first runs: a test that repeats a
 * campaign many times repeats it a few times there, and judges neither shares nor seconds. CTest
 * sets LRSEARCH_FEW_RUNS for valgrind. */
static inline bool few_runs(void)
{
#ifdef LRSEARCH_SANITIZE
    return true;
#else
    return getenv("LRSEARCH_FEW_RUNS") != NULL;
#endif
}

#endif
