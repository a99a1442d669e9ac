/* Draws the figures of a campaign as files of RUN_DIR/figures. */
#include "report/figures.h"

#include <math.h>
#include <string.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "store/run_dir.h"

/* A copy of the answer; one without axes gets a single cell. Release with lr_free(); NULL: out of
 * memory. */
static struct answer *answer_with_cells(const struct answer *answer)
{
    struct answer *copy = lr_malloc(sizeof(*copy));
    if (!copy)
        return NULL;
    *copy = *answer;
    if (copy->cell_count > 0)
        return copy;
    copy->cells[0] = (struct cell_answer){
        .lr = answer->target.lr,
        .ci90 = {answer->target.ci90[0], answer->target.ci90[1]},
        .beta = answer->law.beta,
        .beta_ci90 = {answer->law.beta_ci90[0], answer->law.beta_ci90[1]},
        .ratio = {NAN, NAN},
        .loss = NAN,
    };
    copy->cell_count = 1;
    copy->nearest = 0;
    copy->basin_count = answer->horizon_count;
    for (size_t i = 0; i < answer->horizon_count; i++)
        copy->basins[i] = (struct basin_answer){.horizon = answer->horizons[i]};
    return copy;
}

/* ---- all figures ---- */

static const struct figure_kind {
    const char *file; /* in RUN_DIR/figures */
    figure_function *draw;
} kinds[] = {
    {"basins.svg", basins_figure}, {"horizon.svg", horizon_figure}, {"ratio.svg", ratio_figure}};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* FOLDER/NAME; release with lr_free(). */
static char *join_path(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = lr_malloc(size);
    if (path)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static int draw_files(const char *folder, const struct report_input *input, bool *drawn,
                      struct lr_error *err)
{
    *drawn = true;
    for (size_t i = 0; i < KINDS; i++) {
        bool each = true;
        char *path = join_path(folder, kinds[i].file);
        int rc = path ? kinds[i].draw(path, input, NULL, &each, err) : lr_nomem(err);
        lr_free(path);
        if (rc)
            return rc;
        *drawn = *drawn && each;
    }
    return 0;
}

void figures_draw(const char *run_dir, const struct answer *answer,
                  const struct trial *const *trials, size_t count)
{
    struct lr_error err = {0};
    bool drawn = true;
    char *folder = join_path(run_dir, "figures");
    struct answer *cells = answer_with_cells(answer);
    const struct report_input input = {.answer = cells, .trials = trials, .count = count};
    int rc;
    if (!folder || !cells) {
        rc = lr_nomem(&err);
        goto out;
    }
    if ((rc = run_dir_make_inner(folder, &err)))
        goto out;
    rc = draw_files(folder, &input, &drawn, &err);
    rmdir(folder); /* succeeds only if empty */
out:
    if (rc)
        lr_log(LR_LOG_WARNING, "the figures could not be drawn: %s", err.text);
    else if (!drawn)
        lr_log(LR_LOG_INFO,
               "the figures are not drawn: gnuplot is missing or failed; their scripts are "
               "%s/*.svg.gp, to be drawn by gnuplot anywhere",
               folder);
    lr_free(cells);
    lr_free(folder);
}
