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
enum { GAP = 2, ROW = 256 };

struct group {
    const char *title;
    int width, interval_width; /* columns; interval_width 0: no interval */
    /* Leaves texts that it does not know unchanged; false: the cell has no such number. */
    bool (*format)(const struct cell_answer *cell, char number[64], char interval[80]);
};

static bool format_best_lr(const struct cell_answer *cell, char number[64], char interval[80])
{
    format_lr(number, 64, 2, cell->lr);
    format_lr_interval(interval, 80, 2, cell->ci90);
    return true;
}

static bool format_cell_ratio(const struct cell_answer *cell, enum answer_ratio which,
                              char number[64], char interval[80])
{
    format_ratio(number, 64, cell->ratio[which]);
    format_ratio_interval(interval, 80, cell->ratio_ci90[which]);
    return isfinite(cell->ratio[which]);
}

static bool format_embedding(const struct cell_answer *cell, char number[64], char interval[80])
{
    return format_cell_ratio(cell, RATIO_EMBEDDING, number, interval);
}

static bool format_output(const struct cell_answer *cell, char number[64], char interval[80])
{
    return format_cell_ratio(cell, RATIO_OUTPUT, number, interval);
}

static bool format_vector(const struct cell_answer *cell, char number[64], char interval[80])
{
    return format_cell_ratio(cell, RATIO_VECTOR, number, interval);
}

static bool format_decay(const struct cell_answer *cell, char number[64], char interval[80])
{
    return format_cell_ratio(cell, RATIO_DECAY, number, interval);
}

static bool format_trials(const struct cell_answer *cell, char number[64], char interval[80])
{
    (void)interval;
    snprintf(number, 64, "%" PRIu32, cell->trials);
    return true;
}

/* The exponent of the tokens is -beta. */
static bool format_slope(const struct cell_answer *cell, char number[64], char interval[80])
{
    char low[32], high[32];
    format_fixed(number, 64, 2, -cell->beta);
    if (interval_known(cell->beta_ci90))
        snprintf(interval, 80, "%s .. %s", format_fixed(low, sizeof(low), 2, -cell->beta_ci90[1]),
                 format_fixed(high, sizeof(high), 2, -cell->beta_ci90[0]));
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
    [GROUP_LR] = {"best LR", 7, 16, format_best_lr},
    [GROUP_EMBEDDING] = {"embedding", 9, 13, format_embedding},
    [GROUP_OUTPUT] = {"output", 7, 13, format_output},
    [GROUP_VECTOR] = {"norms", 7, 13, format_vector},
    [GROUP_DECAY] = {"decay", 7, 13, format_decay},
    [GROUP_TRIALS] = {"runs", 6, 0, format_trials},
    [GROUP_SLOPE] = {"slope", 5, 14, format_slope},
};

static bool any_known(const struct answer *answer, const struct group *group)
{
    char number[64], interval[80];
    for (size_t c = 0; c < answer->cell_count; c++)
        if (group->format(&answer->cells[c], number, interval))
            return true;
    return false;
}

static int group_width(const struct group *group, bool intervals)
{
    return GAP + group->width +
           (intervals && group->interval_width ? GAP + group->interval_width : 0);
}

static void add_column(char row[ROW], int width, const char *text)
{
    size_t used = strlen(row);
    snprintf(row + used, ROW - used, "%*s%*s", GAP, "", width, text);
}

static void print_row(FILE *out, char row[ROW])
{
    size_t used = strlen(row);
    while (used > 0 && row[used - 1] == ' ')
        used--;
    fprintf(out, "%.*s\n", (int)used, row);
    row[0] = '\0';
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
static void add_axes(char row[ROW], const struct answer *answer, const struct cell_answer *cell)
{
    char text[32];
    for (enum cell_axis axis = CELL_WIDTH; axis < CELL_AXES; axis++)
        if (cells_vary(answer, axis))
            add_column(row, axis_width(answer, axis),
                       cell ? cell_value_text(text, sizeof(text), axis, cell_value(cell, axis))
                            : cell_axis_title(axis));
}

static void add_group(char row[ROW], const struct group *group, bool intervals,
                      const struct cell_answer *cell)
{
    char number[64] = "-", interval[80] = "-";
    if (cell)
        group->format(cell, number, interval);
    add_column(row, group->width, cell ? number : group->title);
    if (intervals && group->interval_width)
        add_column(row, -group->interval_width, cell ? interval : "90 % interval");
}

/* Prints the groups in `left` that fit beside the axes, at least the first, and clears them. Where
 * not even that one fits, intervals are left out. */
static void print_table(FILE *out, const struct answer *answer, bool left[GROUPS], int columns)
{
    char row[ROW] = "";
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
    print_row(out, row);
    for (size_t c = 0; c < answer->cell_count; c++) {
        add_axes(row, answer, &answer->cells[c]);
        for (int g = 0; g < GROUPS; g++)
            if (shown[g])
                add_group(row, &groups[g], intervals, &answer->cells[c]);
        print_row(out, row);
    }
}

void cells_print(FILE *out, const struct answer *answer, size_t columns)
{
    bool left[GROUPS], some = true;
    char tokens[32];
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
                format_count(tokens, sizeof(tokens), (double)answer->target.tokens),
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
    char interval[INTERVAL90_TEXT], kind[64] = "", vocab[48] = "", share[128], expected[32] = "";
    if (cells_vary(answer, CELL_PARAMETRIZATION) && exponent->parametrization != ANSWER_EVERY)
        snprintf(kind, sizeof(kind), " with %s", parametrization_name(exponent->parametrization));
    if (cells_vary(answer, CELL_EXPONENT) && exponent->parametrization != ANSWER_EVERY)
        snprintf(kind + strlen(kind), sizeof(kind) - strlen(kind), "%s exponent %.3g of its LR",
                 *kind ? "," : " with", exponent->embedding_lr_exponent);
    if (exponent->vocab > 0)
        snprintf(vocab, sizeof(vocab), " at vocabulary %" PRIu32, exponent->vocab);
    format_assumption(share, sizeof(share), exponent->prior_weight, "it");
    if (*share)
        snprintf(expected, sizeof(expected), " (assumed: %.2g)", exponent->expected);
    wrap_item(out, "best %s ~ %s^%.2f%s%s%s%s%s%s",
              strcmp(exponent->of, "lr") == 0 ? "LR" : exponent->of, exponent->axis,
              exponent->value, format_ends(interval, sizeof(interval), 'f', 2, exponent->ci90),
              kind, vocab, *share ? "; " : "", share, expected);
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
    char tokens[32], lr[2][32], predicted[INTERVAL90_TEXT], fitted[INTERVAL90_TEXT], where[160];
    if (!joint->holdout.known)
        return;
    where[0] = '\0';
    if (joint->holdout.cell < answer->cell_count)
        cell_name(where, sizeof(where), answer, joint->holdout.cell, 0);
    wrap_item(out, "its back-test: the others alone predict %s%s at %s tokens%s%s; fitted %s%s",
              format_lr(lr[0], sizeof(lr[0]), 2, joint->holdout.lr_predicted),
              format_ends(predicted, sizeof(predicted), 'l', 2, joint->holdout.ci90),
              format_count(tokens, sizeof(tokens), (double)joint->holdout.tokens),
              *where ? ", " : "", where,
              format_lr(lr[1], sizeof(lr[1]), 2, joint->holdout.lr_measured),
              format_ends(fitted, sizeof(fitted), 'l', 2, joint->holdout.measured_ci90));
}

void joint_print(FILE *out, const struct answer *answer)
{
    const struct joint_answer *joint = &answer->joint;
    char of_size[INTERVAL90_TEXT], of_tokens[INTERVAL90_TEXT], kind[32] = "";
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
              exp(joint->ln_c), -joint->alpha,
              format_ends(of_size, sizeof(of_size), 'f', 2, size_ci90), -joint->beta,
              format_ends(of_tokens, sizeof(of_tokens), 'f', 2, tokens_ci90), kind);
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
