#ifndef LRSEARCH_TRUNK_H
#define LRSEARCH_TRUNK_H

#include "trainers/trainer.h"

/* trainer_run() for the trials of a campaign, which save work by two kinds of states:
 *
 * - the training's own `checkpoint` (NULL or "": none), written when a hook asks for it and taken
 *   up by a later attempt;
 * - for trainings that share the stable part of a wsd schedule (trial_trunk_tokens()): at its end
 *   the state goes to spec->trunk_dir, and with spec->trunk_tokens a training goes on from a
 *   shorter one's state there.
 *
 * The losses are the same bit for bit without them, so that a file that is missing, damaged or
 * cannot be written is no failure. result->begun_tokens tells where the attempt began. */
void trunk_run(const struct trial_spec *spec, const char *checkpoint,
               const struct train_hooks *hooks, struct trial_result *result);

/* TRUNK_DIR/trunk-HASH-TOKENS.safetensors; the hash is of all that makes the trunk what it is. */
void trunk_path(char *out, size_t capacity, const struct trial_spec *spec, uint64_t tokens);

#endif
