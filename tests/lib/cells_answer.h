#ifndef TESTS_CELLS_ANSWER_H
#define TESTS_CELLS_ANSWER_H

#include "campaign/trial_state.h"
#include "lrsearch/answer.h"

/* What a campaign with axes could have answered, and the trainings behind it: made-up numbers that
 * obey laws. */

/* 3 widths (64, 128, 256) x 3 vocabularies (256, 1024, 4096) x 2 horizons, ratios searched, joint
 * law, a confirmation, two verdicts; the target is width 512 at 8M tokens. */
void cells_answer(struct answer *answer);
/* Every array at its end, every text at its longest. */
void cells_answer_full(struct answer *answer);
/* As many cells, horizons and so on as cells_answer(), and no number known. */
void cells_answer_unknown(struct answer *answer);

#define CELLS_TRIALS_EACH 7
/* For each of the answer's basins so many trials around its optimum, the last of which diverged;
 * `trials` and `list` have room for basin_count * CELLS_TRIALS_EACH. Returns how many. */
size_t cells_trials(const struct answer *answer, struct trial *trials, const struct trial **list);

#endif
