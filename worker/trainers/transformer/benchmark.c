/* Times training steps, and their parts by the laps of the model's profile. The core's peak is
 * sampled at the laps throughout a step, since other programs may share the machine. */
#define _POSIX_C_SOURCE 200809L
#include "trainers/transformer/benchmark.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "kernels/kernels.h"
#include "lrsearch/memory.h"
#include "trainers/transformer/member.h"
#include "trainers/transformer/optimizer.h"

enum {
    STEPS_LEAST = 5,
    STEPS_MOST = 2000,
    WARM_UP = 2,
};
/* seconds; a CPU changes its frequency more slowly than a sample takes */
#define PEAK_EVERY 0.01
#define PEAK_SAMPLE 0.0002

static double seconds_by(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double own_seconds(void)
{
    return seconds_by(CLOCK_THREAD_CPUTIME_ID);
}

static double elapsed_seconds(void)
{
    return seconds_by(CLOCK_MONOTONIC);
}

/* The clock of the laps; it stops while the peak is sampled. */
static struct {
    double (*now)(void);
    enum peak_kind kind;
    size_t rounds;
    double excluded, last, flops, seconds;
} sampler;

static void sampler_init(enum peak_kind kind, double (*now)(void))
{
    double start, seconds;
    memset(&sampler, 0, sizeof(sampler));
    sampler.now = now;
    sampler.kind = kind;
    sampler.rounds = 1000;
    do {
        sampler.rounds *= 2;
        start = own_seconds();
        peak_loop(kind, sampler.rounds, NULL);
        seconds = own_seconds() - start;
    } while (seconds < PEAK_SAMPLE);
}

static void sample_peak(void)
{
    double before = sampler.now();
    /* a CPU needs up to 20 us to power wide units */
    peak_loop(sampler.kind, sampler.rounds / 8, NULL);
    double start = own_seconds();
    sampler.flops += peak_loop(sampler.kind, sampler.rounds, NULL);
    sampler.seconds += own_seconds() - start;
    sampler.last = sampler.now();
    sampler.excluded += sampler.last - before;
}

static double sampled_seconds(void)
{
    if (sampler.now() - sampler.last > PEAK_EVERY)
        sample_peak();
    return sampler.now() - sampler.excluded;
}

struct bench {
    const struct trial_spec *spec;
    struct source *source;
    struct model *model;
    uint32_t *tokens; /* (micro-batch, context + 1) */
    struct model_profile profile;
};

static void one_step(struct bench *b, uint64_t step)
{
    const struct trial_spec *spec = b->spec;
    const struct slice_range all = {.count = trial_slices(spec)};
    slices_gradient(b->model, b->source, b->tokens, spec, step, &all);
    model_profile_lap(&b->profile, PART_ELEMENTWISE);
    optimizer_step(b->model, spec, 1, step + 1);
    model_profile_lap(&b->profile, PART_OPTIMIZER);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void quartiles(double out[3], double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    out[0] = values[count / 4];
    out[1] = values[count / 2];
    out[2] = values[count * 3 / 4];
}

static void measure(struct benchmark *out, struct bench *b, int threads, double seconds,
                    double *times, double *peaks, double *shares)
{
    double flops = trial_flops_per_token(b->spec) * b->spec->batch_tokens, spent = 0;
    uint64_t step = 0;
    out->peak_kind = peak_best(b->spec->precision == PRECISION_BF16);
    sampler_init(out->peak_kind, threads > 1 ? elapsed_seconds : own_seconds);
    b->profile.now = sampled_seconds;
    for (; step < WARM_UP; step++)
        one_step(b, step);
    memset(b->profile.seconds, 0, sizeof(b->profile.seconds));
    while (out->steps < STEPS_MOST && (spent < seconds || out->steps < STEPS_LEAST)) {
        sampler.flops = sampler.seconds = 0;
        sample_peak();
        double start = b->profile.last = sampled_seconds();
        one_step(b, step++);
        times[out->steps] = sampled_seconds() - start;
        sample_peak();
        peaks[out->steps] = threads * sampler.flops / sampler.seconds;
        shares[out->steps] = flops / times[out->steps] / peaks[out->steps];
        spent += times[out->steps++];
    }
    double middle[3];
    quartiles(out->step_s, times, out->steps);
    quartiles(out->share, shares, out->steps);
    quartiles(middle, peaks, out->steps);
    out->peak_flops = middle[1];
    for (int p = 0; p < PART_COUNT; p++)
        out->part_s[p] = b->profile.seconds[p] / (double)out->steps;
}

int benchmark_run(struct benchmark *out, const struct trial_spec *spec, const char *data_path,
                  int threads, double seconds, struct lr_error *err)
{
    struct bench b = {.spec = spec};
    int rc;
    memset(out, 0, sizeof(*out));
    if (!kernels_set_threads(threads))
        return lr_fail(err, LR_EUSAGE, "--threads %d: built without OpenMP, so one thread is used",
                       threads);
    double *values = lr_calloc((size_t)3 * STEPS_MOST, sizeof(*values));
    if (!values)
        return lr_nomem(err);
    if ((rc = source_open(&b.source, spec, data_path, err)) ||
        (rc = model_create(&b.model, spec, err)))
        goto out;
    b.tokens =
        lr_malloc((size_t)model_micro_batch(b.model) * (spec->context + 1) * sizeof(*b.tokens));
    if (!b.tokens) {
        rc = lr_nomem(err);
        goto out;
    }
    model_init(b.model, spec->seed);
    model_set_profile(b.model, &b.profile);
    out->model_bytes = model_bytes(b.model);
    measure(out, &b, threads, seconds, values, values + STEPS_MOST, values + 2 * STEPS_MOST);
out:
    lr_free(b.tokens);
    lr_free(values);
    model_destroy(b.model);
    source_close(b.source);
    return rc;
}
