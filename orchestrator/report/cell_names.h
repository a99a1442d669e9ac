#ifndef LRSEARCH_CELL_NAMES_H
#define LRSEARCH_CELL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include "lrsearch/answer.h"

/* Names for the cells of a campaign with axes, made of the axes in which they differ. */

enum cell_axis {
    CELL_WIDTH,
    CELL_DEPTH,
    CELL_VOCAB,
    CELL_BATCH,
    CELL_PARAMETRIZATION,
    CELL_DECAY,    /* weight decay, in millionths */
    CELL_EXPONENT, /* embedding_lr_exponent, in thousandths above CELL_EXPONENT_LEAST */
    CELL_AXES      /* their number */
};
#define CELL_BIT(axis) (1u << (axis)) /* sets of axes */
#define CELL_EXPONENT_LEAST (-8)
#define CELL_NAME 192 /* room for the name with every axis */

uint32_t cell_value(const struct cell_answer *cell, enum cell_axis axis);
bool cells_vary(const struct answer *answer, enum cell_axis axis);
/* The first axis along which the cells vary, in the order above; CELL_AXES: none. */
enum cell_axis cells_first_axis(const struct answer *answer);

const char *cell_axis_title(enum cell_axis axis); /* of a column */
/* "256", "32.8k", "mup", "0.05"; "?" when not known. Returns `text`. */
const char *cell_value_text(char *text, size_t capacity, enum cell_axis axis, uint32_t value);
/* "width 256", "4 layers", "vocabulary 4096", "batch 32.8k", "mup", "weight decay 0.05", "embedding
 * exponent 0.5". Returns `text`. */
const char *cell_axis_text(char *text, size_t capacity, enum cell_axis axis, uint32_t value);
/* "width 256, vocabulary 4096": the axes that vary, except those in `without`; "" if none does.
 * Returns `text`. */
const char *cell_name(char *text, size_t capacity, const struct answer *answer, size_t cell,
                      unsigned without);

/* The distinct values of an axis, ascending; returns their number. */
size_t cells_values(const struct answer *answer, enum cell_axis axis,
                    uint32_t values[ANSWER_CELLS]);
/* Groups cells that differ along the axes in `without` only. group: of each cell, numbered in the
 * order of the cells. Returns the number of groups. */
size_t cells_groups(const struct answer *answer, unsigned without, size_t group[ANSWER_CELLS]);

#endif
