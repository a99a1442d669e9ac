/* calibrate() runs the trainer twice and times it through its hooks: a probe of three steps shows
 * how many steps fit into the time, and the second run makes these. Times are elapsed times, as in
 * a campaign. A model that is too large to time is shrunk in batch, depth and width; its time is
 * scaled up by FLOPs. */
#include "estimate/calibrate.h"

#include <math.h>
#include <string.h>
#include "estimate/temp_data.h"
#include "trainers/trainer.h"

enum { WARM_UP = 2, STEPS_LEAST = 5, STEPS_MOST = 400, PROBE_STEPS = 3, BATCHES_MOST = 32 };
#define STEP_FLOPS_MOST 1e10 /* about 0.5 s on one core */
#define PARAMS_MOST 5e7      /* 800 MB with gradients and AdamW's moments */
#define VALIDATION_SHARE 0.3 /* share of the time */

struct timing {
    uint64_t tokens; /* after the last step */
    size_t steps, validations;
    double first_s, warm_s, last_s, end_s; /* elapsed: first step, warm-up, last step, validation */
    const struct stage_report *stages;
    uint64_t all;
};

static int on_step(void *context, const struct train_step *step)
{
    struct timing *timing = context;
    if (step->tokens == timing->tokens) {
        timing->validations++;
        timing->end_s = step->seconds;
        return 0;
    }
    timing->tokens = step->tokens;
    timing->steps++;
    if (timing->steps == 1)
        timing->first_s = step->seconds;
    if (timing->steps == WARM_UP)
        timing->warm_s = step->seconds;
    timing->last_s = timing->end_s = step->seconds;
    stage_say(timing->stages, "timing the model", (double)timing->steps / (double)timing->all);
    return 0;
}

/* Trains `steps` steps, then validates on `sequences` sequences. */
static int time_training(struct timing *timing, struct trial_spec spec,
                         const struct trial_place *place, uint64_t steps, uint64_t sequences,
                         const struct stage_report *stages, struct lr_error *err)
{
    struct trial_result result;
    *timing = (struct timing){.stages = stages, .all = steps};
    struct train_hooks hooks = {.context = timing, .step = on_step, .attempt = 1, .place = place};
    spec.horizon_tokens = steps * spec.batch_tokens;
    spec.val_tokens = sequences * spec.context;
    trainer_run(&spec, NULL, &hooks, &result);
    if (timing->steps < steps)
        return lr_fail(err, LR_EINTERNAL, "timing the model: %s: %s", outcome_name(result.outcome),
                       result.message);
    return 0;
}

static double step_seconds(const struct timing *timing)
{
    return (timing->last_s - timing->warm_s) / (double)(timing->steps - WARM_UP);
}

static double step_flops(const struct trial_spec *spec)
{
    return trial_flops_per_token(spec) * spec->batch_tokens;
}

/* Of a token in the passes alone: a validation has no optimizer. */
static double pass_flops(const struct trial_spec *spec)
{
    struct trial_spec passes = *spec;
    passes.optimizer = OPTIMIZER_ADAMW;
    return trial_flops_per_token(&passes);
}

/* Halves batch, depth and width until a step takes about 0.5 s and PARAMS_MOST is met. */
static void shrink_model(struct trial_spec *spec)
{
    while (step_flops(spec) > STEP_FLOPS_MOST && spec->batch_tokens / 2 >= spec->context)
        spec->batch_tokens = spec->batch_tokens / 2 / spec->context * spec->context;
    while ((step_flops(spec) > STEP_FLOPS_MOST || (double)trial_params(spec) > PARAMS_MOST) &&
           spec->n_layers > 1)
        spec->n_layers /= 2;
    while ((step_flops(spec) > STEP_FLOPS_MOST || (double)trial_params(spec) > PARAMS_MOST) &&
           spec->d_model % 2 == 0 && trial_set_width(spec, spec->d_model / 2, false))
        ;
}

static struct trial_spec spec_to_time(const struct trial_spec *spec)
{
    struct trial_spec small = *spec;
    small.lr = 1e-4; /* stable for every model */
    small.seed = 1;
    small.data_hash = 0;
    small.repeat = 1;
    small.warmup_tokens = 0;
    shrink_model(&small);
    return small;
}

static uint64_t clamp_count(double value, uint64_t least, uint64_t most)
{
    return !(value > (double)least) ? least : value < (double)most ? (uint64_t)value : most;
}

static int measure(struct calibration *out, const struct trial_spec *spec,
                   const struct trial_place *place, uint64_t sequences, double seconds,
                   const struct stage_report *stages, struct lr_error *err)
{
    struct timing probe, timing;
    int rc;
    if ((rc = time_training(&probe, *spec, place, PROBE_STEPS, 1, stages, err)))
        return rc;
    double step_s = fmax(step_seconds(&probe), 1e-6);
    double sequence_s = step_s / (spec->batch_tokens / spec->context) / 3; /* forward only */
    uint64_t steps =
        clamp_count(seconds * (1 - VALIDATION_SHARE) / step_s, STEPS_LEAST, STEPS_MOST);
    uint64_t validated = clamp_count(seconds * VALIDATION_SHARE / sequence_s, 1, sequences);
    if ((rc = time_training(&timing, *spec, place, steps + WARM_UP, validated, stages, err)))
        return rc;
    out->steps = steps;
    out->step_s = step_seconds(&timing);
    out->sequence_s = (timing.end_s - timing.last_s) / (double)validated;
    out->setup_s = fmax(timing.first_s - out->step_s, 0);
    return 0;
}

static uint64_t val_sequences(const struct trial_spec *spec)
{
    return spec->val_tokens > 0 ? (spec->val_tokens - 1) / spec->context + 1 : 1;
}

int calibrate(struct calibration *out, const struct trial_spec *spec, double seconds,
              const struct stage_report *stages, struct lr_error *err)
{
    char folder[TEMP_FOLDER];
    struct trial_spec small = spec_to_time(spec);
    struct trial_place place = {0};
    bool from_file = small.source == SOURCE_TOKENS;
    int rc;
    uint64_t sequences = val_sequences(spec);
    uint64_t most = (uint64_t)BATCHES_MOST * small.batch_tokens / small.context;
    sequences = sequences < most ? sequences : most;
    uint64_t tokens = sequences * small.context + 1 + (uint64_t)BATCHES_MOST * small.batch_tokens;
    memset(out, 0, sizeof(*out));
    if (from_file && (rc = random_tokens_make(&small, tokens, place.data_path, folder, err)))
        return rc;
    rc = measure(out, &small, &place, sequences, seconds, stages, err);
    if (from_file)
        temp_folder_remove(folder);
    stage_over(stages);
    if (rc)
        return rc;
    out->share = step_flops(&small) / step_flops(spec);
    out->step_s /= out->share;
    out->sequence_s *= pass_flops(spec) / pass_flops(&small);
    return 0;
}

double calibration_seconds(const struct calibration *calibration, const struct trial_spec *spec)
{
    return calibration->setup_s + calibration->step_s * (double)trial_steps(spec) +
           calibration->sequence_s * (double)val_sequences(spec);
}
