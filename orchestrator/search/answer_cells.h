#ifndef LRSEARCH_ANSWER_CELLS_H
#define LRSEARCH_ANSWER_CELLS_H

#include "search/cell_posterior.h"

/* search_answer() of a campaign with axes: the same, and cells, basins, exponents, joint, verdicts.
 * horizons and law are those of the cell nearest to the target. */
int cells_answer(struct answer *answer, const struct search_space *space,
                 const struct observation *seen, size_t count, struct lr_error *err);

/* Its parts. */
/* The cell nearest to the target, of its parametrization where there is one. */
uint32_t nearest_cell_of(const struct search_space *space);
/* Mean, deviation and interval of exponent `sum over terms of coefficient * theta` of coordinate k.
 */
struct spread cells_combine(const struct cell_posterior *posterior, int k,
                            const double coefficients[TERMS_MAX]);

/* cell_exponents.c: exponents, and the joint law of size and horizon with its hold-out, for which
 * the losses are needed once more. 0 or LR_ENOMEM. */
void exponents_fill(struct answer *answer, const struct cell_posterior *posterior);
int joint_fill(struct answer *answer, const struct cell_posterior *posterior,
               const struct observation *seen, size_t count);

/* cell_gate.c: status and reason, then every doubt; everything else is filled. */
void cells_accept(struct answer *answer, const struct cell_posterior *posterior);
void cells_warn(struct answer *answer, const struct cell_posterior *posterior);

/* cell_verdicts.c: what the campaign says about the claims that it was made to test. */
void verdicts_add(struct answer *answer, const struct cell_posterior *posterior);

#endif
