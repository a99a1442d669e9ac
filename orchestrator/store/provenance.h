#ifndef LRSEARCH_PROVENANCE_H
#define LRSEARCH_PROVENANCE_H

#include <stddef.h>
#include "campaign/event.h"
#include "lrsearch/error.h"

/* Writes provenance.json with every start of the run. products: the libraries of the matrix
 * products, as in trial_spec. arguments: PLAN and the --set options of the last start. */
struct provenance_arguments {
    const char *const *words;
    size_t count; /* 0: not known */
};
int provenance_write(const char *path, const char *products, uint64_t seed,
                     const struct provenance_arguments *arguments,
                     const struct event_session *starts, size_t count, struct lr_error *err);
/* "lrsearch PLAN --set KEY=VALUE ...", as a shell reads it, from the arguments in provenance.json;
 * "" when they are not known or need more than `size`. Only proposals to a reader depend on it, so
 * that nothing is an error. Returns `out`. */
const char *provenance_command(char *out, size_t size, const char *path);
#define PROVENANCE_COMMAND 2048 /* room for it */
/* The commit that the program was built from: 40 hexadecimal digits, with "-dirty" behind them if
 * files of the checkout differed from it. "unknown": built outside a checkout, and not from a
 * release's tarball. */
const char *provenance_commit(void);
/* Fills what this process knows of its own start: time, version, commit, compiler, system, CPU,
 * libraries. */
void provenance_here(struct event_session *out);
void provenance_cpu(char *out, size_t size); /* the CPU's name, or "unknown" */

#endif
