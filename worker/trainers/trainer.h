#ifndef LRSEARCH_TRAINER_H
#define LRSEARCH_TRAINER_H

#include <stdbool.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* One training, from spec to result: the common interface of all trainers. */

struct train_step {    /* passed to the hook after every optimizer step */
    uint64_t tokens;   /* trained so far */
    double train_loss; /* of this step, nats per token */
    double seconds;    /* since the training began */
    bool curve_point;  /* one of TRAIN_CURVE_POINTS places in the horizon that depend on the spec
                          alone */
};
#define TRAIN_CURVE_POINTS 32

/* Bits that a step hook may return. */
enum train_wish {
    TRAIN_STOP = 1, /* return soon, with OUTCOME_CANCELED */
    TRAIN_SAVE = 2, /* write the checkpoint first, then stop or continue */
};

struct train_hooks {
    void *context;
    /* Returns bits of enum train_wish; 0: continue. Called at each step, and between validation
     * batches with the last step's numbers and curve_point false. */
    int (*step)(void *context, const struct train_step *step);
    /* For trainer.kind command; either may be NULL. Each line that it prints, as it is, and each
     * loss that trainer.report reads. */
    void (*printed)(void *context, const char *line, size_t length, bool is_err);
    void (*reported)(void *context, double loss, bool has_tokens, uint64_t tokens);
    uint32_t attempt;  /* number of the attempt: 1, 2, ... */
    uint32_t trial_id; /* 0: outside a campaign */
    /* NULL in a call of trainer_run(): the first worker of its host, without files. */
    const struct trial_place *place;
    struct team *team; /* transformer/team.h: the ranks that train with this one; NULL: none */
};

/* Checkpoint files that a caller names (transformer/checkpoint.h). They are distinct from
 * place->checkpoint, which TRAIN_SAVE writes and from which a training without `init` resumes if it
 * has the same spec. place->checkpoint only saves work: its errors are warnings. */
struct train_files {
    const char *init;      /* resume from this file; NULL: start from the beginning */
    const char *save;      /* written at the end and on a stop; NULL: not written */
    uint64_t until_tokens; /* stop (canceled) at the first step at or beyond this; 0: no limit */
    char changed[512];     /* out: fields of the spec that differ from those saved in `init` */
    struct lr_error err;   /* out: the error behind OUTCOME_FAILED */
};

/* Runs one trial and always fills *result: done, diverged, canceled, refused, or failed with a
 * message. Returns no error: a failure of the trial is a result. Keeps no state afterwards. `files`
 * may be NULL. */
void trainer_run(const struct trial_spec *spec, struct train_files *files,
                 const struct train_hooks *hooks, struct trial_result *result);

#endif
