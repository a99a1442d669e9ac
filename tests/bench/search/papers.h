#ifndef TESTS_BENCH_PAPERS_H
#define TESTS_BENCH_PAPERS_H

#include "search/policy.h"

/* What the papers do with a grid of losses at each horizon: the vertex of a parabola in log LR
 * through the five points around the best (Bjorck et al. 2024), then a power law through the
 * vertices by least squares. Horizons whose best LR is the first or last do not count; with one
 * vertex the exponent is their rule of thumb, -.32. Returns the LR at the target; NaN: no
 * vertex. */
double papers_lr(const struct search_space *space, const struct observation *seen, size_t count);

#endif
