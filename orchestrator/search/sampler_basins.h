#ifndef LRSEARCH_SAMPLER_BASINS_H
#define LRSEARCH_SAMPLER_BASINS_H

#include "search/sampler.h"

/* The basins in coordinate k, given the law. */

/* Nodes: all combinations of the indices in struct basin_node. */
#define SAMPLER_NODES ((size_t)BASIN_SHAPES * BASIN_CURVATURES * BASIN_DRIFTS * BASIN_NOISES)

/* Call first: makes k the current coordinate; vertices and curvatures of the others stay fixed. */
void sampler_turn_to(struct sampler *sampler, int k);
/* Draws one of noise, model error, shapes, curvature and drift, by turns, with vertex, level and
 * curvature of each basin integrated out; draw the vertices next, after sampler_weigh(). */
void sampler_draw_shapes(struct sampler *sampler, int k);
/* Sets the row of every known basin. */
void sampler_weigh(struct sampler *sampler, int k);
/* Draws the law's level over the whole grid, in its steps, with the vertices integrated out; they
 * must be drawn next. Otherwise a chain stays where it starts if the losses allow optima below and
 * above the range. Only with one coordinate: the others would hold it in place. After
 * sampler_weigh(). */
void sampler_jump_level(struct sampler *sampler);
/* Draws the vertex of every known basin, after sampler_weigh(). */
void sampler_draw_vertices(struct sampler *sampler, int k);
/* Draws vertex, curvature and level of every known basin, after sampler_weigh(). */
void sampler_draw_basins(struct sampler *sampler, int k);

/* A shape for a basin of which nothing is known. */
int sampler_new_shape(struct sampler *sampler);
/* Prior mean of the curvature, nats one octave away, t octaves of tokens from the reference. */
double sampler_curvature(const struct sampler *sampler, int k, double t);

#endif
