#ifndef LRSEARCH_FIGURE_DATA_H
#define LRSEARCH_FIGURE_DATA_H

#include "lrsearch/answer.h"
#include "report/cell_names.h"
#include "report/gnuplot.h"
#include "store/run_dir.h" /* struct trial */

/* What the static figures show, as data and commands of gnuplot. Each figure has three functions:
 * one chooses panels and series, one puts the points of a panel, as rows of a data block (x, y,
 * ends of the interval, symbol, colour), and one its lines, each appended to gnuplot's variable
 * `list` as an element of `plot`. The latter two run twice: with `script` NULL they extend the
 * ranges of the axes by what an axis can show, then they write, so that no other number reaches
 * gnuplot. */

enum { SCENE_VALUES = ANSWER_BASINS };
enum figure_scale { SCALE_LOSS, SCALE_LR, SCALE_RATIO, SCALE_TOKENS, SCALE_WIDTHS };

struct scene {
    enum figure_scale x_scale, y_scale;
    const struct answer *answer; /* of figure_answer() */
    const struct trial *const *trials;
    size_t trial_count;
    enum cell_axis axis; /* of the series; CELL_AXES: they are horizons, or there is one */
    uint64_t series[SCENE_VALUES]; /* ascending */
    size_t series_count;
    unsigned without;           /* a panel's cells differ along these axes */
    size_t panel[ANSWER_CELLS]; /* of each cell */
    size_t panel_count;

    FILE *script;                 /* NULL: ranges are being found */
    struct range x, y, end;       /* end: of intervals */
    uint64_t ticks[SCENE_VALUES]; /* values along SCALE_TOKENS or SCALE_WIDTHS, ascending */
    size_t tick_count;
};

typedef void scene_choose(struct scene *scene);
typedef void scene_put(struct scene *scene, size_t panel);
scene_choose choose_basins, choose_horizons, choose_ratios;
scene_put put_basins, put_parabolas, put_horizons, put_laws, put_ratios, put_slopes;

/* Colour of a series, an argument of gnuplot's `palette cb`: 0 .. 1; BLACK: of no series. */
double scene_color(const struct scene *scene, size_t series);
#define BLACK 1.25
#define PALETTE                                                                                    \
    "defined (0 '#440154', 1 '#414487', 2 '#2a788e', 3 '#22a884', 4 '#9fc82c', 4.01 'black', "     \
    "5 'black')"
#define COLOR "lc palette cb %.3f"

/* Whether the panel has the cell that gives the answer. */
bool scene_has_answer(const struct scene *scene, size_t panel);

/* A copy of the answer for the figures: one without axes gets a single cell, and embedding ratios
 * are those that were trained. Release with lr_free(); NULL: out of memory. */
struct answer *figure_answer(const struct answer *answer);

#endif
