#ifndef LRSEARCH_SAMPLER_BASINS_H
#define LRSEARCH_SAMPLER_BASINS_H

#include "search/sampler.h"

/* The basins over coordinate k, given the law. */

/* To be called first: what comes next is about k, and vertices and curvatures of the other
 * coordinates stay. */
void sampler_turn_to(struct sampler *sampler, int k);
/* Draws the noise and the shape that all basins share, with level and curvature of each integrated
 * out: those are to be drawn next. */
void sampler_draw_shape(struct sampler *sampler, int k);
/* Fills log_of of every known basin. */
void sampler_weigh(struct sampler *sampler, int k);
/* Draws vertex, curvature and level of every known basin, after sampler_weigh(). */
void sampler_draw_basins(struct sampler *sampler, int k);

/* Expected curvature, t octaves of tokens from the reference. */
double sampler_curvature(const struct sampler *sampler, int k, double t);

#endif
