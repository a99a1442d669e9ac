#ifndef LRSEARCH_TRIAL_ROW_H
#define LRSEARCH_TRIAL_ROW_H

#include <stdbool.h>
#include "campaign/trial_state.h"

/* A trial as one row: names, kinds and values of its cells, the same in every file and format. The
 * columns come from the field lists, so that new fields of spec and result are included. */

#define TRIAL_ROW_CELLS 128

enum trial_cell_kind { CELL_COUNT, CELL_NUMBER, CELL_TEXT };

struct trial_cell {
    const char *name;
    enum trial_cell_kind kind;
    bool known; /* false: the trial has no result yet */
    uint64_t count;
    double number;
    const char *text; /* owned by the trial */
};

/* Returns the number of cells, the same for every trial. `trial` NULL: names and kinds only. */
size_t trial_row_fill(struct trial_cell row[TRIAL_ROW_CELLS], const struct trial *trial);
/* NULL: no such cell, or its value is unknown. */
const struct trial_cell *trial_row_find(const struct trial_cell *row, size_t count,
                                        const char *name);

#endif
