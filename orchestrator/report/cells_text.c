/* The table of cells. Its columns are the axes that vary, then groups of numbers; a group that no
 * cell has is left out, and those that do not fit beside the others go into a further table. */
#include "report/cells_text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "report/cell_names.h"
#include "report/summary.h"
#include "report/wrap.h"

enum { GAP = 2, ROW = 256 };

struct group {
    const char *title;
    int width, interval_width; /* columns; interval_width 0: no interval */
    bool (*known)(const struct cell_answer *cell);
    void (*format)(const struct cell_answer *cell, char number[64], char interval[80]);
};

static void format_pair(char interval[80], const char *low, const char *high)
{
    snprintf(interval, 80, "%s .. %s", low, high);
}

static bool always(const struct cell_answer *cell)
{
    (void)cell;
    return true;
}

static void lr_numbers(const struct cell_answer *cell, char number[64], char interval[80])
{
    format_lr(number, 64, 2, cell->lr);
    format_lr_interval(interval, 80, 2, cell->ci90);
}

static void ratio_numbers(const struct cell_answer *cell, int r, char number[64], char interval[80])
{
    const double *ends = cell->ratio_ci90[r];
    char low[32], high[32];
    format_ratio(number, 64, cell->ratio[r]);
    if (interval_known(ends))
        format_pair(interval, format_ratio(low, sizeof(low), ends[0]),
                    format_ratio(high, sizeof(high), ends[1]));
}

static bool embedding_known(const struct cell_answer *cell)
{
    return isfinite(cell->ratio[RATIO_EMBEDDING]);
}

static void embedding_numbers(const struct cell_answer *cell, char number[64], char interval[80])
{
    ratio_numbers(cell, RATIO_EMBEDDING, number, interval);
}

static bool output_known(const struct cell_answer *cell)
{
    return isfinite(cell->ratio[RATIO_OUTPUT]);
}

static void output_numbers(const struct cell_answer *cell, char number[64], char interval[80])
{
    ratio_numbers(cell, RATIO_OUTPUT, number, interval);
}

static void trials_number(const struct cell_answer *cell, char number[64], char interval[80])
{
    (void)interval;
    snprintf(number, 64, "%" PRIu32, cell->trials);
}

static bool beta_known(const struct cell_answer *cell)
{
    return isfinite(cell->beta);
}

static void beta_numbers(const struct cell_answer *cell, char number[64], char interval[80])
{
    char low[32], high[32];
    if (isfinite(cell->beta))
        snprintf(number, 64, "%.2f", cell->beta);
    if (!interval_known(cell->beta_ci90))
        return;
    snprintf(low, sizeof(low), "%.2f", cell->beta_ci90[0]);
    snprintf(high, sizeof(high), "%.2f", cell->beta_ci90[1]);
    format_pair(interval, low, high);
}

static const struct group groups[] = {
    {"best LR", 7, 16, always, lr_numbers},
    {"embedding", 9, 13, embedding_known, embedding_numbers},
    {"output", 7, 13, output_known, output_numbers},
    {"trials", 6, 0, always, trials_number},
    {"beta", 5, 14, beta_known, beta_numbers},
};
enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

static bool any_known(const struct answer *answer, const struct group *group)
{
    for (size_t c = 0; c < answer->cell_count; c++)
        if (group->known(&answer->cells[c]))
            return true;
    return false;
}

static int group_width(const struct group *group)
{
    return GAP + group->width + (group->interval_width ? GAP + group->interval_width : 0);
}

/* ---- rows ---- */

static void add(char row[ROW], int width, const char *text)
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

/* The axes of one cell; NULL: their titles. */
static void add_axes(char row[ROW], const struct answer *answer, const struct cell_answer *cell)
{
    char text[32];
    for (enum cell_axis axis = CELL_WIDTH; axis < CELL_AXES; axis++)
        if (cells_vary(answer, axis))
            add(row, axis_width(answer, axis),
                cell ? cell_value_text(text, sizeof(text), axis, cell_value(cell, axis))
                     : cell_axis_title(axis));
}

static void add_group(char row[ROW], const struct group *group, const struct cell_answer *cell)
{
    char number[64] = "-", interval[80] = "-";
    if (cell)
        group->format(cell, number, interval);
    add(row, group->width, cell ? number : group->title);
    if (group->interval_width)
        add(row, -group->interval_width, cell ? interval : "90 % interval");
}

/* As many of the groups that are `left` as fit beside the axes; the first in any case. */
static void print_table(FILE *out, const struct answer *answer, bool left[GROUPS])
{
    char row[ROW] = "";
    bool shown[GROUPS] = {false};
    int width = 0;
    add_axes(row, answer, NULL);
    for (int g = 0; g < GROUPS; g++) {
        int with = width + group_width(&groups[g]);
        if (!left[g] || (width > 0 && (int)strlen(row) + with > WRAP_COLUMNS))
            continue;
        left[g] = false;
        shown[g] = true;
        width = with;
    }
    for (int g = 0; g < GROUPS; g++)
        if (shown[g])
            add_group(row, &groups[g], NULL);
    fputc('\n', out);
    print_row(out, row);
    for (size_t c = 0; c < answer->cell_count; c++) {
        add_axes(row, answer, &answer->cells[c]);
        for (int g = 0; g < GROUPS; g++)
            if (shown[g])
                add_group(row, &groups[g], &answer->cells[c]);
        print_row(out, row);
    }
}

void cells_print(FILE *out, const struct answer *answer)
{
    bool left[GROUPS], some = true;
    char tokens[32];
    if (answer->cell_count < 2)
        return;
    for (int g = 0; g < GROUPS; g++)
        left[g] = any_known(answer, &groups[g]);
    while (some) {
        print_table(out, answer, left);
        some = false;
        for (int g = 0; g < GROUPS; g++)
            some = some || left[g];
    }
    bool embedding = any_known(answer, &groups[1]), output = any_known(answer, &groups[2]);
    wrap_print(out, "  ", "best LR at %s tokens%s%s%s%s%s",
               format_count(tokens, sizeof(tokens), (double)answer->target.tokens),
               embedding || output ? "; " : "", embedding ? "embedding" : "",
               embedding && output ? ", " : "", output ? "output" : "",
               embedding || output ? ": best LR there over that of the hidden matrices" : "");
}

const char *cells_nearest(char *text, size_t capacity, const struct answer *answer)
{
    char name[CELL_NAME];
    if (answer->cell_count < 2 || answer->nearest >= answer->cell_count)
        return NULL;
    snprintf(text, capacity, "%s", cell_name(name, sizeof(name), answer, answer->nearest, 0));
    return text;
}
