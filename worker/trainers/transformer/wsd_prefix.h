#ifndef LRSEARCH_WSD_PREFIX_H
#define LRSEARCH_WSD_PREFIX_H

#include "trainers/trainer.h"

/* trainer_run() for the trials of a campaign, which save work by two kinds of states, both named by
 * hooks->place (not NULL here):
 *
 * - the training's own `checkpoint`, written when a hook asks for it and taken up by a later attempt;
 * - in `wsd_prefix_dir`, for trainings that share the stable part of a wsd schedule
 *   (trial_wsd_prefix_tokens()): the state at its end is saved there, and with `wsd_prefix_tokens` a
 *   training goes on from a shorter one's state.
 *
 * The losses are the same bit for bit without them, so that a file that is missing, damaged or
 * cannot be written is no failure. result->begun_tokens tells where the attempt began. */
void wsd_prefix_run(const struct trial_spec *spec, const struct train_hooks *hooks,
                    struct trial_result *result);

/* DIR/wsd-prefix-HASH-TOKENS.safetensors; the hash is of the spec without its horizon, which does
 * not show in the prefix. */
void wsd_prefix_path(char *out, size_t capacity, const char *dir, const struct trial_spec *spec,
                     uint64_t tokens);

#endif
