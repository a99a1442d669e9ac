#ifndef LRSEARCH_PLACEHOLDER_H
#define LRSEARCH_PLACEHOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* Names of a trial's values for a command: {lr} in a text, LRSEARCH_LR in the environment. Numbers
 * read back to the same bits. */

struct placeholder_trial {
    const struct trial_spec *spec;
    uint32_t trial_id, attempt;
    const char *checkpoint, *spec_file; /* paths; NULL or "": none */
    uint32_t port;                      /* a free TCP port of the host; 0: none */
    uint32_t worker;                    /* the worker's number on its host, from 0 */
    const char *gpus;                   /* as in CUDA_VISIBLE_DEVICES; NULL or "": not limited */
};

/* "lr", "tokens", ...; NULL after the last. */
const char *placeholder_name(size_t index);
/* False, with "" in `out`, when the trial has no such value (a width without a model). */
bool placeholder_value(char out[TRIAL_PATH], size_t index, const struct placeholder_trial *trial);

/* Where `braced`, such as "{command}", stands in `text` as a placeholder; NULL: nowhere. */
const char *placeholder_find(const char *text, const char *braced);

/* Replaces every {name} in `text` by its value, and every {expression} (lrsearch/expression.h) by
 * its result: whole numbers up to 2^53 as such, others with the fewest digits that read back. "{{"
 * and "}}" give one brace. LR_EPLAN, with the place in `text` ("at byte 7: ..."): an unknown name,
 * a brace that is not closed, a value that the trial does not have (a path may be empty), a text or
 * an error in an expression; or there is no room in `out`. */
int placeholder_expand(char *out, size_t capacity, const char *text,
                       const struct placeholder_trial *trial, struct lr_error *err);

#endif
