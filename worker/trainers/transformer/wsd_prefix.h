#ifndef LRSEARCH_WSD_PREFIX_H
#define LRSEARCH_WSD_PREFIX_H

#include "trainers/trainer.h"

/* trainer_run() for the trials of a campaign. It saves work by two kinds of states, both named by
 * hooks->place (not NULL here):
 *
 * - the trial's `checkpoint`, written when a hook returns TRAIN_SAVE, resumed by a later attempt;
 * - in `wsd_prefix_dir`, for trials that share the stable part of a wsd schedule
 *   (trial_wsd_prefix_tokens()): the state at its end is saved there, and with
 *   `wsd_prefix_tokens` a trial resumes from the state of a shorter one.
 *
 * Losses are the same bit for bit without them, so a file that is missing, damaged or cannot be
 * written is no failure. result->begun_tokens: where the attempt began. */
void wsd_prefix_run(const struct trial_spec *spec, const struct train_hooks *hooks,
                    struct trial_result *result);

/* DIR/wsd-prefix-HASH-TOKENS.safetensors; the hash is of the spec without its horizon, which does
 * not affect the prefix. */
void wsd_prefix_path(char *out, size_t capacity, const char *dir, const struct trial_spec *spec,
                     uint64_t tokens);

#endif
