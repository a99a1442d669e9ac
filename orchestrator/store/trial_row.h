#ifndef LRSEARCH_TRIAL_ROW_H
#define LRSEARCH_TRIAL_ROW_H

#include <stdbool.h>
#include "campaign/trial_state.h"

/* A trial as one row: names, kinds and values of its cells, the same for every file and format that
 * tells of trials. The columns come from the field lists, so that a new field of a spec or a result
 * is never forgotten. */

#define TRIAL_ROW_CELLS 128

enum trial_cell_kind { CELL_COUNT, CELL_NUMBER, CELL_TEXT };

struct trial_cell {
    const char *name;
    enum trial_cell_kind kind;
    bool known; /* false: of a result that is not there yet */
    uint64_t count;
    double number;
    const char *text; /* the trial's */
};

/* Returns the number of cells, the same for every trial. `trial` NULL: names and kinds alone. */
size_t trial_row_fill(struct trial_cell row[TRIAL_ROW_CELLS], const struct trial *trial);
/* NULL: there is no such cell, or it is not known. */
const struct trial_cell *trial_row_find(const struct trial_cell *row, size_t count,
                                        const char *name);

#endif
