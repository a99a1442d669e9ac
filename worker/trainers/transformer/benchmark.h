#ifndef LRSEARCH_BENCHMARK_H
#define LRSEARCH_BENCHMARK_H

#include "lrsearch/error.h"
#include "model/model.h"

/* How fast a training step is: data, forward, backward, clip and AdamW on random tokens. */

struct benchmark {
    size_t steps;              /* measured */
    double step_s[3];          /* quartiles: first, median, third */
    double peak_flops;         /* of all threads: FMA peak of a core, median, times threads */
    double share[3];           /* FLOP/s of a step over the peak along it; quartiles */
    double part_s[PART_COUNT]; /* of a step; mean */
    size_t model_bytes;
};

/* Measures for about `seconds`, after two steps of warm-up; the FMA peak every 10 ms, so that
 * a shared machine's drift shows in both. One thread: its CPU time counts, which is there when
 * others take the core; several: elapsed time. data_path (as in trial_place) must hold at least two batches. */
int benchmark_run(struct benchmark *out, const struct trial_spec *spec, const char *data_path,
                  int threads, double seconds, struct lr_error *err);

#endif
