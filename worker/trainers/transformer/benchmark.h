#ifndef LRSEARCH_BENCHMARK_H
#define LRSEARCH_BENCHMARK_H

#include "lrsearch/error.h"
#include "model/model.h"

/* Speed of a training step: data, forward, backward, clip and AdamW on the spec's tokens. */

struct benchmark {
    size_t steps;              /* measured */
    double step_s[3];          /* quartiles: first, median, third */
    double peak_flops;         /* FMA peak of a core, median, times threads */
    double share[3];           /* FLOP/s of a step / the peak measured during it; quartiles */
    double part_s[PART_COUNT]; /* of a step; mean */
    size_t model_bytes;
};

/* Measures for about `seconds`, after two warm-up steps, and the FMA peak every 10 ms, so that
 * drift of a shared machine affects both. One thread is timed by its CPU time, which excludes time
 * that other programs take; several by elapsed time. data_path (as in trial_place) must hold at
 * least two batches. LR_EUSAGE: threads > 1 without OpenMP. */
int benchmark_run(struct benchmark *out, const struct trial_spec *spec, const char *data_path,
                  int threads, double seconds, struct lr_error *err);

#endif
