#ifndef LRSEARCH_TRAINER_H
#define LRSEARCH_TRAINER_H

#include <stdbool.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* One training, from spec to result. All trainers stand behind this. */

struct train_step {    /* told after every optimizer step */
    uint64_t tokens;   /* trained so far */
    double train_loss; /* of this step, nats per token */
    double seconds;    /* since the training began */
    bool curve_point;  /* one of TRAIN_CURVE_POINTS places in the horizon that depend on the spec
                          alone */
};
#define TRAIN_CURVE_POINTS 32

/* What a step's hook may ask for; bits. */
enum train_wish {
    TRAIN_STOP = 1, /* return soon, with OUTCOME_CANCELED */
    TRAIN_SAVE = 2, /* before that, or before going on, write the checkpoint */
};

struct train_hooks {
    void *context;
    /* Returns wishes; 0: go on. Called often (each step, and between validation batches with the
     * last step's numbers and curve_point false). */
    int (*step)(void *context, const struct train_step *step);
    uint32_t attempt;  /* at this trial: 1, 2, ... */
    uint32_t trial_id; /* 0: of no campaign */
    /* NULL from a caller of trainer_run(): the first worker of its host, without files. */
    const struct trial_place *place;
};

/* Checkpoints of a training that a caller names (transformer/checkpoint.h). place->checkpoint is
 * another: TRAIN_SAVE writes it, and a training without `init` begins there when it is of the same
 * spec. It only saves work: what goes wrong with it is a warning. */
struct train_files {
    const char *init;      /* begins where this one stands; NULL: at the start */
    const char *save;      /* written at the end, and when the training is stopped; NULL: not */
    uint64_t until_tokens; /* stops (canceled) at the first step that has trained so many; 0: not */
    char changed[512];     /* out: fields of the spec that differ from those saved in `init` */
    struct lr_error err;   /* out: the error behind OUTCOME_FAILED */
};

/* Trains. Always fills *result: done, diverged, canceled, or failed with a message. Never returns
 * an error: what goes wrong with a trial is a result. Holds nothing afterwards. `files` may be
 * NULL. */
void trainer_run(const struct trial_spec *spec, struct train_files *files,
                 const struct train_hooks *hooks, struct trial_result *result);

#endif
