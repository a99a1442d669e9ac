#ifndef LRSEARCH_BENCHMARK_H
#define LRSEARCH_BENCHMARK_H

#include "kernels/peak.h"
#include "lrsearch/error.h"
#include "model/model.h"

/* Speed of a training step: data, forward, backward, clip and update on the spec's tokens. */

struct benchmark {
    size_t steps;              /* measured */
    double step_s[3];          /* quartiles: first, median, third */
    enum peak_kind peak_kind;  /* the fastest instructions of this machine for the precision */
    double peak_flops;         /* FLOP/s of a core by them, median, times threads */
    double share[3];           /* FLOP/s of a step / the peak measured during it; quartiles */
    double part_s[PART_COUNT]; /* of a step; mean */
    size_t model_bytes;
};

/* Measures for about `seconds`, after two warm-up steps, and the core's peak every 10 ms, so that
 * drift of a shared machine, and of the CPU's frequency, affects both. One thread is timed by its
 * CPU time, which excludes time that other programs take; several by elapsed time. data_path (as in
 * trial_place) must hold at least two batches. LR_EUSAGE: threads > 1 without OpenMP. */
int benchmark_run(struct benchmark *out, const struct trial_spec *spec, const char *data_path,
                  int threads, double seconds, struct lr_error *err);

#endif
