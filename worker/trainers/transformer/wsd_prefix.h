#ifndef LRSEARCH_WSD_PREFIX_H
#define LRSEARCH_WSD_PREFIX_H

#include "trainers/trainer.h"

/* trainer_run() for the trials of a campaign, which save work by two kinds of states:
 *
 * - the training's own `checkpoint` (NULL or "": none), written when a hook asks for it and taken
 *   up by a later attempt;
 * - for trainings that share the stable part of a wsd schedule (trial_wsd_prefix_tokens()): at its end
 *   the state goes to spec->wsd_prefix_dir, and with spec->wsd_prefix_tokens a training goes on from a
 *   shorter one's state there.
 *
 * The losses are the same bit for bit without them, so that a file that is missing, damaged or
 * cannot be written is no failure. result->begun_tokens tells where the attempt began. */
void wsd_prefix_run(const struct trial_spec *spec, const char *checkpoint,
                    const struct train_hooks *hooks, struct trial_result *result);

/* WSD_PREFIX_DIR/wsd-prefix-HASH-TOKENS.safetensors; the hash is of all that makes the prefix what it is. */
void wsd_prefix_path(char *out, size_t capacity, const struct trial_spec *spec, uint64_t tokens);

#endif
