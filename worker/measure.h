#ifndef LRSEARCH_MEASURE_H
#define LRSEARCH_MEASURE_H

#include "lrsearch/group.h"
#include "lrsearch/message.h"

/* What a rank measures at its start, for the scheduler's cost model of groups. */

/* Sets cores and flops; takes about 5 ms of CPU time. kernels_init() first. CPU time is measured,
 * so that other ranks on the same core do not count. */
void measure_compute(struct msg_hello *hello);

/* Sets latency_s and bytes_per_s (each way, both ways at once, and added to what is there),
 * measured with another rank, which does this at the same time. They stay 0 if it does not take
 * part within .1 s, or not all succeeds within .3 s; then 8 MB are kept for ever, because messages
 * may still use them. */
void measure_link(struct msg_hello *hello, struct group_source *groups, int rank, int other);

#endif
