#ifndef LRSEARCH_PROVENANCE_H
#define LRSEARCH_PROVENANCE_H

#include <stddef.h>
#include "campaign/event.h"
#include "lrsearch/error.h"

/* provenance.json: what made the run, with every start of it. products: who multiplied
 * (trial.h). */
int provenance_write(const char *path, const char *products, uint64_t seed,
                     const struct event_session *starts, size_t count, struct lr_error *err);
/* What of a start this process knows of itself: time, version, compiler, system, CPU, libraries. */
void provenance_here(struct event_session *out);
void provenance_cpu(char *out, size_t size); /* the CPU's name, or "unknown" */

#endif
