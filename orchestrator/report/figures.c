/* Where the figures lie and what becomes of those that cannot be drawn. */
#include "report/figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"

struct answer *figures_answer(const struct answer *answer)
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

static int draw_all(const char *folder, const struct answer *answer,
                    const struct trial *const *trials, size_t count, bool *drawn,
                    struct lr_error *err)
{
    size_t size = strlen(folder) + sizeof("/horizon.svg");
    char *path = lr_malloc(size);
    bool each = true;
    if (!path)
        return lr_nomem(err);
    snprintf(path, size, "%s/horizon.svg", folder);
    int rc = horizon_figure(path, answer, NULL, &each, err);
    *drawn = each;
    snprintf(path, size, "%s/ratio.svg", folder);
    rc = rc ? rc : ratio_figure(path, answer, NULL, &each, err);
    *drawn = *drawn && each;
    snprintf(path, size, "%s/basins.svg", folder);
    rc = rc ? rc : basins_figure(path, answer, trials, count, NULL, &each, err);
    *drawn = *drawn && each;
    lr_free(path);
    return rc;
}

void figures_draw(const char *run_dir, const struct answer *answer,
                  const struct trial *const *trials, size_t count)
{
    struct lr_error err = {0};
    bool drawn = true;
    size_t size = strlen(run_dir) + sizeof("/figures");
    char *folder = lr_malloc(size);
    struct answer *cells = figures_answer(answer);
    int rc = folder && cells ? 0 : lr_nomem(&err);
    if (folder)
        snprintf(folder, size, "%s/figures", run_dir);
    if (!rc)
        rc = run_dir_make_inner(folder, &err);
    if (!rc)
        rc = draw_all(folder, cells, trials, count, &drawn, &err);
    if (folder)
        rmdir(folder); /* when there was nothing to draw */
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
