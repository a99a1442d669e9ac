/* Prints the table of cells, how the optimum moves over them, and confirmations. */
#include "report/cells_text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "lrsearch/trial.h"
#include "report/cell_names.h"
#include "report/plain_text.h"

/* ---- table of cells ---- */

/* Columns are the axes that vary, then groups of numbers. A group that no cell has is left out;
 * those that do not fit beside the others go into another table. */
enum { GAP = 2 };

struct group {
    const char *title;
    int width, interval_width; /* columns; interval_width 0: no interval */
    /* Leaves texts that it does not know unchanged; false: the cell has no such number. */
    bool (*format)(const struct group *group, const struct cell_answer *cell, char number[64],
                   char interval[80]);
    enum answer_ratio ratio; /* that format_cell_ratio() shows */
};

static bool format_best_lr(const struct group *group, const struct cell_answer *cell,
                           char number[64], char interval[80])
{
    (void)group;
    format_lr(number, 64, 2, cell->lr);
    format_range(interval, 80, 'l', 2, cell->ci90);
    return true;
}

static bool format_cell_ratio(const struct group *group, const struct cell_answer *cell,
                              char number[64], char interval[80])
{
    format_ratio(number, 64, cell->ratio[group->ratio]);
    format_range(interval, 80, 'r', 0, cell->ratio_ci90[group->ratio]);
    return isfinite(cell->ratio[group->ratio]);
}

static bool format_trials(const struct group *group, const struct cell_answer *cell,
                          char number[64], char interval[80])
{
    (void)group;
    (void)interval;
    snprintf(number, 64, "%" PRIu32, cell->trials);
    return true;
}

/* The exponent of the tokens is -beta. */
static bool format_slope(const struct group *group, const struct cell_answer *cell, char number[64],
                         char interval[80])
{
    (void)group;
    const double ends[2] = {-cell->beta_ci90[1], -cell->beta_ci90[0]};
    format_fixed(number, 64, 2, -cell->beta);
    format_range(interval, 80, 'f', 2, ends);
    return isfinite(cell->beta);
}

enum {
    GROUP_LR,
    GROUP_EMBEDDING,
    GROUP_OUTPUT,
    GROUP_VECTOR,
    GROUP_DECAY,
    GROUP_TRIALS,
    GROUP_SLOPE,
    GROUPS
};
static const struct group groups[GROUPS] = {
    [GROUP_LR] = {"best LR", 7, 16, format_best_lr, 0},
    [GROUP_EMBEDDING] = {"embedding", 9, 13, format_cell_ratio, RATIO_EMBEDDING},
    [GROUP_OUTPUT] = {"output", 7, 13, format_cell_ratio, RATIO_OUTPUT},
    [GROUP_VECTOR] = {"norms", 7, 13, format_cell_ratio, RATIO_VECTOR},
    [GROUP_DECAY] = {"decay", 7, 13, format_cell_ratio, RATIO_DECAY},
    [GROUP_TRIALS] = {"runs", 6, 0, format_trials, 0},
    [GROUP_SLOPE] = {"slope", 5, 14, format_slope, 0},
};

static bool any_known(const struct answer *answer, const struct group *group)
{
    char number[64], interval[80];
    for (size_t c = 0; c < answer->cell_count; c++)
        if (group->format(group, &answer->cells[c], number, interval))
            return true;
    return false;
}

static int group_width(const struct group *group, bool intervals)
{
    return GAP + group->width +
           (intervals && group->interval_width ? GAP + group->interval_width : 0);
}

static int axis_width(const struct answer *answer, enum cell_axis axis)
{
    char text[32];
    size_t width = strlen(cell_axis_title(axis));
    for (size_t c = 0; c < answer->cell_count; c++) {
        size_t length =
            strlen(cell_value_text(text, sizeof(text), axis, cell_value(&answer->cells[c], axis)));
        width = length > width ? length : width;
    }
    return (int)width;
}

/* Adds the axes of a cell; NULL: their titles. */
static void add_axes(char row[ROW_MOST], const struct answer *answer,
                     const struct cell_answer *cell)
{
    char text[32];
    for (enum cell_axis axis = CELL_WIDTH; axis < CELL_AXES; axis++)
        if (cells_vary(answer, axis))
            row_add(row, GAP, axis_width(answer, axis),
                    cell ? cell_value_text(text, sizeof(text), axis, cell_value(cell, axis))
                         : cell_axis_title(axis));
}

static void add_group(char row[ROW_MOST], const struct group *group, bool intervals,
                      const struct cell_answer *cell)
{
    char number[64] = "-", interval[80] = "-";
    if (cell)
        group->format(group, cell, number, interval);
    row_add(row, GAP, group->width, cell ? number : group->title);
    if (intervals && group->interval_width)
        row_add(row, GAP, -group->interval_width, cell ? interval : "90 % interval");
}

/* Prints the groups in `left` that fit beside the axes, at least the first, and clears them. Where
 * not even that one fits, intervals are left out. */
static void print_table(FILE *out, const struct answer *answer, bool left[GROUPS], int columns)
{
    char row[ROW_MOST] = "";
    bool shown[GROUPS] = {false};
    int width = 0;
    add_axes(row, answer, NULL);
    bool intervals = (int)strlen(row) + group_width(&groups[GROUP_LR], true) <= columns;
    for (int g = 0; g < GROUPS; g++) {
        int with = width + group_width(&groups[g], intervals);
        if (!left[g] || (width > 0 && (int)strlen(row) + with > columns))
            continue;
        left[g] = false;
        shown[g] = true;
        width = with;
    }
    for (int g = 0; g < GROUPS; g++)
        if (shown[g])
            add_group(row, &groups[g], intervals, NULL);
    fputc('\n', out);
    row_print(out, row);
    for (size_t c = 0; c < answer->cell_count; c++) {
        add_axes(row, answer, &answer->cells[c]);
        for (int g = 0; g < GROUPS; g++)
            if (shown[g])
                add_group(row, &groups[g], intervals, &answer->cells[c]);
        row_print(out, row);
    }
}

void cells_print(FILE *out, const struct answer *answer, size_t columns)
{
    bool left[GROUPS], some = true;
    if (answer->cell_count < 2)
        return;
    for (int g = 0; g < GROUPS; g++)
        left[g] = any_known(answer, &groups[g]);
    while (some) {
        print_table(out, answer, left, (int)columns);
        some = false;
        for (int g = 0; g < GROUPS; g++)
            some = some || left[g];
    }
    char ratios[64] = "";
    for (int g = GROUP_EMBEDDING; g <= GROUP_VECTOR; g++) {
        size_t used = strlen(ratios);
        if (any_known(answer, &groups[g]))
            snprintf(ratios + used, sizeof(ratios) - used, "%s%s", used ? ", " : "; ",
                     groups[g].title);
    }
    wrap_within(out, columns, "  ", "best LR at %s tokens, extrapolated%s%s%s%s",
                COUNT(answer->target.tokens),
                any_known(answer, &groups[GROUP_SLOPE]) ? "; slope: best LR ~ tokens^slope" : "",
                ratios, *ratios ? ": best LR there over that of the hidden matrices" : "",
                any_known(answer, &groups[GROUP_DECAY]) ? "; decay: best weight decay" : "");
}

const char *cells_nearest(char *text, size_t capacity, const struct answer *answer)
{
    char name[CELL_NAME];
    if (answer->cell_count < 2 || answer->nearest >= answer->cell_count)
        return NULL;
    snprintf(text, capacity, "%s", cell_name(name, sizeof(name), answer, answer->nearest, 0));
    return text;
}

/* ---- exponents ---- */

/* The prefix of item `index` of a list. */
static const char *lead(size_t index, const char *first)
{
    return index == 0 ? first : "          - ";
}

static bool is_ratio_over_width(const struct exponent_answer *exponent)
{
    return strcmp(exponent->of, "embedding_lr_ratio") == 0 && strcmp(exponent->axis, "width") == 0;
}

static void print_exponent(FILE *out, const struct answer *answer,
                           const struct exponent_answer *exponent)
{
    char kind[64] = "", vocab[48] = "", expected[32] = "";
    const char *share = TEXT_OF(format_assumption, exponent->prior_weight, "it");
    if (cells_vary(answer, CELL_PARAMETRIZATION) && exponent->parametrization != ANSWER_EVERY)
        snprintf(kind, sizeof(kind), " with %s", parametrization_name(exponent->parametrization));
    if (cells_vary(answer, CELL_EXPONENT) && exponent->parametrization != ANSWER_EVERY)
        snprintf(kind + strlen(kind), sizeof(kind) - strlen(kind), "%s exponent %.3g of its LR",
                 *kind ? "," : " with", exponent->embedding_lr_exponent);
    if (exponent->vocab > 0)
        snprintf(vocab, sizeof(vocab), " at vocabulary %" PRIu32, exponent->vocab);
    if (*share)
        snprintf(expected, sizeof(expected), " (assumed: %.2g)", exponent->expected);
    wrap_item(out, "best %s ~ %s^%.2f%s%s%s%s%s%s",
              strcmp(exponent->of, "lr") == 0 ? "LR" : exponent->of, exponent->axis,
              exponent->value, ENDS('f', 2, exponent->ci90), kind, vocab, *share ? "; " : "", share,
              expected);
}

void exponents_print(FILE *out, const struct answer *answer)
{
    bool claimed = false;
    for (size_t i = 0; i < answer->exponent_count; i++) {
        const struct exponent_answer *exponent = &answer->exponents[i];
        if (!isfinite(exponent->value))
            continue;
        print_exponent(out, answer, exponent);
        claimed = claimed || is_ratio_over_width(exponent);
    }
    if (claimed)
        wrap_item(out, "%s",
                  "best embedding_lr_ratio over the width: muP says 1, large vocabularies 1/2");
}

/* ---- sizes and tokens together ---- */

static void print_joint_holdout(FILE *out, const struct answer *answer)
{
    const struct joint_answer *joint = &answer->joint;
    char where[160] = "";
    if (!joint->holdout.known)
        return;
    if (joint->holdout.cell < answer->cell_count)
        cell_name(where, sizeof(where), answer, joint->holdout.cell, 0);
    wrap_item(out, "its back-test: the others alone predict %s%s at %s tokens%s%s; fitted %s%s",
              LR(2, joint->holdout.lr_predicted), ENDS('l', 2, joint->holdout.ci90),
              COUNT(joint->holdout.tokens), *where ? ", " : "", where,
              LR(2, joint->holdout.lr_measured), ENDS('l', 2, joint->holdout.measured_ci90));
}

void joint_print(FILE *out, const struct answer *answer)
{
    const struct joint_answer *joint = &answer->joint;
    char kind[32] = "";
    if (!joint->known ||
        !(isfinite(joint->ln_c) && isfinite(joint->alpha) && isfinite(joint->beta)))
        return;
    if (cells_vary(answer, CELL_PARAMETRIZATION))
        snprintf(kind, sizeof(kind), " with %s", parametrization_name(joint->parametrization));
    const double size_ci90[2] = {-joint->alpha_ci90[1], -joint->alpha_ci90[0]};
    const double tokens_ci90[2] = {-joint->beta_ci90[1], -joint->beta_ci90[0]};
    wrap_item(out,
              "all sizes together: best LR = %.3g N^%.2f%s D^%.2f%s%s, N hidden parameters, D "
              "tokens",
              exp(joint->ln_c), -joint->alpha, ENDS('f', 2, size_ci90), -joint->beta,
              ENDS('f', 2, tokens_ci90), kind);
    print_joint_holdout(out, answer);
}

/* ---- confirmations ---- */

void confirms_print(FILE *out, const struct answer *answer)
{
    for (size_t i = 0; i < answer->confirm_count; i++) {
        const struct confirm_answer *confirm = &answer->confirms[i];
        char layers[48], model[160] = "";
        if (confirm->d_model > 0) /* simulated losses have no model */
            snprintf(model, sizeof(model), "%s, width %" PRIu32 ", %s, vocabulary %" PRIu32 ": ",
                     parametrization_name(confirm->parametrization), confirm->d_model,
                     cell_axis_text(layers, sizeof(layers), CELL_DEPTH, confirm->n_layers),
                     confirm->vocab);
        wrap_print(out, lead(i, "Tried     - "), "%s%s", model, confirm->text);
    }
}

void verdicts_print(FILE *out, const struct answer *answer)
{
    for (size_t i = 0; i < answer->verdict_count; i++)
        wrap_print(out, lead(i, "Claims    - "), "%s", answer->verdicts[i]);
}
