#ifndef LRSEARCH_COORD_CHECK_H
#define LRSEARCH_COORD_CHECK_H

#include "lrsearch/error.h"
#include "lrsearch/stage.h"
#include "plan/plan.h"
#include "search/numerics.h"
#include "trainers/transformer/coordinates.h"

/* Coordinate check of a plan: trains its model for a few steps at several widths. If activations,
 * or the effect of the first step on the loss, change with width, the best learning rate does not
 * transfer between widths. */

#define COORD_WIDTHS 16 /* at most */

enum coord_verdict {
    COORD_OK,
    COORD_UNCLEAR /* does not fail */,
    COORD_GROWS,
    COORD_VANISHES,
    COORD_DIVERGES
};

enum coord_part {
    COORD_START, /* mean |activation| of a layer before the steps */
    COORD_GAIN,  /* by how much the first step of a kind of tensor lowers the loss */
    COORD_END    /* mean |activation| of a layer after the steps */
};

struct coord_figure {
    enum coord_part part;
    size_t index; /* of the layer, or the enum param_group */
    const char *name;
    struct slope slope; /* of ln value over ln width */
    double low, high;   /* limits of the slope */
    enum coord_verdict verdict;
};

struct coord_check {
    uint32_t widths[COORD_WIDTHS];
    size_t width_count;
    uint32_t seeds, steps;
    struct trial_spec spec; /* at the first width, with the first seed */
    char data_path[TRIAL_PATH];
    bool heads_grow;
    struct coordinates *runs; /* (width_count, seeds); owned */
    size_t layers;
    const char **names; /* (layers); owned; the strings are those of runs[0] */
    double *means;      /* (layers, width_count, steps + 1), means over the seeds; owned */
    struct coord_figure *figures; /* owned; by part, then by index */
    size_t figure_count;
    bool passed;
};

/* The user's settings; 0: a default that suits the plan. */
struct coord_request {
    const uint32_t *widths; /* COORD_WIDTHS at most */
    size_t width_count;
    uint32_t seeds, steps;
    double lr;
};

/* The three steps of a check, in this order, on a zeroed *check; call coord_release() in any case.
 * coord_setup() chooses widths, trial and data: LR_EUSAGE if the widths are too few for a slope or
 * do not fit the model, and the errors of prepare_trial(). coord_measure() trains the runs and
 * calls `interrupted` (may be NULL) after each step; nonzero gives LR_ECANCELED. Also LR_EDATA,
 * LR_EINVAL, LR_ENOMEM. coord_judge() fills the figures and the verdict: LR_ENOMEM. `stages` may be
 * NULL. */
int coord_setup(struct coord_check *check, const struct coord_request *request,
                const struct plan *plan, const struct stage_report *stages, struct lr_error *err);
int coord_measure(struct coord_check *check, int (*interrupted)(void),
                  const struct stage_report *stages, struct lr_error *err);
int coord_judge(struct coord_check *check, struct lr_error *err);
void coord_release(struct coord_check *check);

/* Mean |activation| of a layer over the seeds, after `step` steps; `width` is an index. */
double coord_mean(const struct coord_check *check, size_t width, uint32_t step, size_t layer);
/* A figure's mean over the seeds; `width` is an index. */
double coord_value(const struct coord_check *check, size_t width,
                   const struct coord_figure *figure);
const char *coord_verdict_name(enum coord_verdict verdict);

#endif
