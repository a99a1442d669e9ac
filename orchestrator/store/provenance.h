#ifndef LRSEARCH_PROVENANCE_H
#define LRSEARCH_PROVENANCE_H

#include <stddef.h>
#include "campaign/event.h"
#include "lrsearch/error.h"

/* Writes provenance.json with every start of the run. products: the libraries of the matrix
 * products, as in trial_spec. */
int provenance_write(const char *path, const char *products, uint64_t seed,
                     const struct event_session *starts, size_t count, struct lr_error *err);
/* Fills what this process knows of its own start: time, version, compiler, system, CPU,
 * libraries. */
void provenance_here(struct event_session *out);
void provenance_cpu(char *out, size_t size); /* the CPU's name, or "unknown" */

#endif
