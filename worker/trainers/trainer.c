/* The table of trainer kinds. Each kind is a folder beside this file, with its run function as a
 * row here; the trainers include trainer.h and not each other. */
#include "trainers/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "trainers/command/command.h"
#include "trainers/replay/replay.h"
#include "trainers/simulate/simulate.h"
#include "trainers/transformer/transformer.h"

/* By enum trainer_kind, each with the contract of trainer_run(). */
static void (*const trainers[])(const struct trial_spec *spec, struct train_files *files,
                                const struct train_hooks *hooks, struct trial_result *result) = {
    [TRAINER_TRANSFORMER] = transformer_run,
    [TRAINER_REPLAY] = replay_run,
    [TRAINER_SIMULATE] = simulate_run,
    [TRAINER_COMMAND] = command_trial_run,
};

void trainer_run(const struct trial_spec *spec, struct train_files *files,
                 const struct train_hooks *hooks, struct trial_result *result)
{
    static const struct trial_place nowhere;
    struct train_files none = {0};
    struct train_hooks placed = *hooks;
    placed.place = hooks->place ? hooks->place : &nowhere;
    files = files ? files : &none;
    memset(result, 0, sizeof(*result));
    result->val_loss = result->val_loss_se = result->val_bits_per_byte = result->train_loss = NAN;
    if (spec->trainer == TRAINER_EXTERNAL) {
        result->outcome = OUTCOME_REFUSED;
        snprintf(result->message, sizeof(result->message),
                 "trainer.kind external: lrsearch ask hands out its trials");
        return;
    }
    if (spec->trainer < sizeof(trainers) / sizeof(trainers[0])) {
        trainers[spec->trainer](spec, files, &placed, result);
        return;
    }
    result->outcome = OUTCOME_FAILED;
    lr_fail(&files->err, LR_EINVAL, "there is no trainer of kind %u", spec->trainer);
    snprintf(result->message, sizeof(result->message), "%.255s", files->err.text);
}
