/* Names leave out the axes along which all cells are equal; the plan has these. */
#include "report/cell_names.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include "lrsearch/trial.h"
#include "report/summary.h"

#define DECAY_UNIT 1e6
#define EXPONENT_UNIT 1e3

uint32_t cell_value(const struct cell_answer *cell, enum cell_axis axis)
{
    switch (axis) {
    case CELL_WIDTH:
        return cell->d_model;
    case CELL_DEPTH:
        return cell->n_layers;
    case CELL_VOCAB:
        return cell->vocab;
    case CELL_BATCH:
        return cell->batch_tokens;
    case CELL_PARAMETRIZATION:
        return cell->parametrization;
    case CELL_DECAY:
        return cell->weight_decay > 0 ? (uint32_t)lround(cell->weight_decay * DECAY_UNIT) : 0;
    case CELL_EXPONENT:
        return isnan(cell->embedding_lr_exponent)
                   ? 0
                   : (uint32_t)lround((cell->embedding_lr_exponent - CELL_EXPONENT_LEAST) *
                                      EXPONENT_UNIT);
    case CELL_AXES:
        break;
    }
    return 0;
}

bool cells_vary(const struct answer *answer, enum cell_axis axis)
{
    for (size_t c = 1; c < answer->cell_count; c++)
        if (cell_value(&answer->cells[c], axis) != cell_value(&answer->cells[0], axis))
            return true;
    return false;
}

enum cell_axis cells_first_axis(const struct answer *answer)
{
    enum cell_axis axis = CELL_WIDTH;
    while (axis < CELL_AXES && !cells_vary(answer, axis))
        axis++;
    return axis;
}

const char *cell_axis_title(enum cell_axis axis)
{
    static const char *const titles[CELL_AXES] = {"width", "layers", "vocab",   "batch",
                                                  "kind",  "decay",  "exponent"};
    return axis < CELL_AXES ? titles[axis] : "";
}

const char *cell_value_text(char *text, size_t capacity, enum cell_axis axis, uint32_t value)
{
    if (axis == CELL_PARAMETRIZATION)
        snprintf(text, capacity, "%s", parametrization_name(value));
    else if (value == 0)
        snprintf(text, capacity, "?");
    else if (axis == CELL_DECAY)
        snprintf(text, capacity, "%.4g", value / DECAY_UNIT);
    else if (axis == CELL_EXPONENT)
        snprintf(text, capacity, "%.3g", value / EXPONENT_UNIT + CELL_EXPONENT_LEAST);
    else if (axis == CELL_BATCH)
        format_count(text, capacity, value);
    else
        snprintf(text, capacity, "%" PRIu32, value);
    return text;
}

const char *cell_axis_text(char *text, size_t capacity, enum cell_axis axis, uint32_t value)
{
    static const struct {
        const char *before, *after;
    } words[CELL_AXES] = {
        [CELL_WIDTH] = {"width ", ""},        [CELL_DEPTH] = {"", " layers"},
        [CELL_VOCAB] = {"vocabulary ", ""},   [CELL_BATCH] = {"batch ", ""},
        [CELL_DECAY] = {"weight decay ", ""}, [CELL_EXPONENT] = {"embedding exponent ", ""}};
    char number[32];
    if (axis == CELL_PARAMETRIZATION)
        return cell_value_text(text, capacity, axis, value);
    snprintf(text, capacity, "%s%s%s", words[axis].before,
             cell_value_text(number, sizeof(number), axis, value),
             axis == CELL_DEPTH && value == 1 ? " layer" : words[axis].after);
    return text;
}

const char *cell_name(char *text, size_t capacity, const struct answer *answer, size_t cell,
                      unsigned without)
{
    size_t used = 0;
    text[0] = '\0';
    for (enum cell_axis axis = CELL_WIDTH; axis < CELL_AXES; axis++) {
        char part[48];
        if ((without & CELL_BIT(axis)) || !cells_vary(answer, axis))
            continue;
        cell_axis_text(part, sizeof(part), axis, cell_value(&answer->cells[cell], axis));
        int length = snprintf(text + used, capacity - used, "%s%s", used > 0 ? ", " : "", part);
        if (length < 0 || (size_t)length >= capacity - used) {
            text[used] = '\0'; /* no partial names */
            break;
        }
        used += (size_t)length;
    }
    return text;
}

size_t cells_values(const struct answer *answer, enum cell_axis axis, uint32_t values[ANSWER_CELLS])
{
    size_t count = 0;
    for (size_t c = 0; c < answer->cell_count; c++) {
        uint32_t value = cell_value(&answer->cells[c], axis);
        size_t at = count;
        while (at > 0 && values[at - 1] > value)
            at--;
        if (at > 0 && values[at - 1] == value)
            continue;
        for (size_t i = count++; i > at; i--)
            values[i] = values[i - 1];
        values[at] = value;
    }
    return count;
}

static bool together(const struct cell_answer *a, const struct cell_answer *b, unsigned without)
{
    for (enum cell_axis axis = CELL_WIDTH; axis < CELL_AXES; axis++)
        if (!(without & CELL_BIT(axis)) && cell_value(a, axis) != cell_value(b, axis))
            return false;
    return true;
}

size_t cells_groups(const struct answer *answer, unsigned without, size_t group[ANSWER_CELLS])
{
    size_t count = 0;
    for (size_t c = 0; c < answer->cell_count; c++) {
        size_t before = 0;
        while (before < c && !together(&answer->cells[before], &answer->cells[c], without))
            before++;
        group[c] = before < c ? group[before] : count++;
    }
    return count;
}
