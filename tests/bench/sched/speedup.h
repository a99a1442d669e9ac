#ifndef TESTS_BENCH_SPEEDUP_H
#define TESTS_BENCH_SPEEDUP_H

#include <stdbool.h>
#include "lrsearch/group.h"
#include "lrsearch/trial.h"

/* How much faster a group trains than one rank. */
struct speedup {
    char text[160]; /* where it is from */
    double at[GROUP_MOST + 1];
};

/* ranks / (1 + share (ranks - 1)) */
void speedup_by_share(struct speedup *out, double share);
/* Lines "RANKS SPEED-UP", # comments; between two of them by their efficiencies, linear in log2 of
 * the ranks. False, with a message on stderr: it cannot be read. */
bool speedup_read(struct speedup *out, const char *path);
double speedup_at(const struct speedup *speedup, const struct trial_spec *spec, int ranks);
const char *speedup_text(const struct speedup *speedup);

#endif
