#ifndef LRSEARCH_SAMPLER_LAW_H
#define LRSEARCH_SAMPLER_LAW_H

#include "search/sampler_basins.h"

/* The law of coordinate k: its coefficients, the size of the misfits around it, and those of the
 * random effects of cells and horizons. */

/* Moves the law and all vertices together, given the losses; call after sampler_weigh(). */
void sampler_shift_law(struct sampler *sampler, int k);
/* Draws the law given the vertices alone. */
void sampler_draw_law(struct sampler *sampler, int k);

/* Fills coordinate k of every basin's `line`. */
void sampler_set_lines(struct sampler *sampler, int k);
/* Standard deviations, octaves: of a vertex around the law; of a random effect. */
double sampler_misfit(const struct sampler *sampler, int k);
double sampler_effect(const struct sampler *sampler, int k, enum effect effect);
/* Prior standard deviation of a term's coefficient. */
double sampler_term_deviation(const struct sampler *sampler, int k, size_t index);

#endif
