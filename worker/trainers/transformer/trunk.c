/* Two trainings one after the other: the trunk up to the end of the stable part, saved, and from
 * there the rest. The trainer goes on from its checkpoints bit for bit, so nothing else is needed.
 */
#define _POSIX_C_SOURCE 200809L
#include "trainers/transformer/trunk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include "lrsearch/log.h"
#include "trainers/transformer/checkpoint.h"

void trunk_path(char *out, size_t capacity, const struct trial_spec *spec, uint64_t tokens)
{
    XXH64_hash_t hash = 0;
    for (size_t f = 0; f < trial_spec_fields.count; f++) {
        const struct field *field = &trial_spec_fields.fields[f];
        const char *member = (const char *)spec + field->offset;
        bool trunk = field->offset == offsetof(struct trial_spec, trunk_dir) ||
                     field->offset == offsetof(struct trial_spec, trunk_tokens) ||
                     field->offset == offsetof(struct trial_spec, horizon_tokens);
        size_t size = field->type == FIELD_TEXT ? strlen(member) : field->size;
        if (!trunk && field->type != FIELD_STRUCT)
            hash = XXH3_64bits_withSeed(member, size, hash);
    }
    snprintf(out, capacity, "%s/trunk-%016" PRIx64 "-%" PRIu64 ".safetensors", spec->trunk_dir,
             (uint64_t)hash, tokens);
}

static bool is_there(const char *path)
{
    return access(path, R_OK) == 0;
}

/* Whether it was the caller that canceled. */
struct watch {
    const struct train_hooks *hooks;
    bool canceled;
};

static int watch_step(void *context, const struct train_step *step)
{
    struct watch *watch = context;
    int wish = watch->hooks->step ? watch->hooks->step(watch->hooks->context, step) : 0;
    watch->canceled |= (wish & TRAIN_STOP) != 0;
    return wish;
}

/* The files of one attempt. */
struct states {
    const char *checkpoint; /* of the training itself; NULL: none */
    char before[TRIAL_PATH + 96], trunk[TRIAL_PATH + 96];
};

/* From the state in `from` (NULL: from the beginning, or the checkpoint) to the end, or to where it
 * is saved. */
static bool run_from(const struct trial_spec *spec, const char *from, const char *save,
                     uint64_t until, const struct states *states, struct watch *watch,
                     struct trial_result *result)
{
    struct train_files files = {
        .init = from, .save = save, .until_tokens = until, .checkpoint = states->checkpoint};
    struct train_hooks hooks = *watch->hooks;
    hooks.context = watch;
    hooks.step = watch_step;
    trainer_run(spec, &files, &hooks, result);
    if (result->outcome != OUTCOME_FAILED || !from)
        return true;
    lr_log(LR_LOG_WARNING, "state not used: %s", result->message);
    return false;
}

/* Makes the state at the end of the stable part. False: the result says why there is none. */
static bool make_trunk(const struct trial_spec *plain, const char *from, uint64_t tokens,
                       const struct states *states, struct watch *watch,
                       struct trial_result *result)
{
    char part[TRIAL_PATH + 128];
    snprintf(part, sizeof(part), "%s.%ld", states->trunk, (long)getpid());
    bool good = run_from(plain, from, part, tokens, states, watch, result) &&
                result->outcome == OUTCOME_CANCELED && !watch->canceled;
    good = good && rename(part, states->trunk) == 0;
    unlink(part);
    return good;
}

/* By way of the trunk. False: it was no use, and nothing was gained. */
static bool run_by_trunk(const struct trial_spec *spec, const struct trial_spec *plain,
                         uint64_t tokens, struct states *states, struct watch *watch,
                         struct trial_result *result)
{
    uint64_t own = states->checkpoint ? checkpoint_tokens(states->checkpoint, plain) : 0;
    uint64_t shared = 0;
    struct trial_result trunk = {0};
    trunk_path(states->trunk, sizeof(states->trunk), spec, tokens);
    if (own > tokens)
        return run_from(plain, states->checkpoint, NULL, 0, states, watch, result);
    if (is_there(states->trunk)) /* an earlier attempt's, or another horizon's with the same end */
        return run_from(plain, states->trunk, NULL, 0, states, watch, result);
    if (spec->trunk_tokens > 0 && spec->trunk_tokens <= tokens) {
        trunk_path(states->before, sizeof(states->before), spec, spec->trunk_tokens);
        shared = is_there(states->before) ? spec->trunk_tokens : 0;
    }
    const char *from = own > shared ? states->checkpoint : shared > 0 ? states->before : NULL;
    if (make_trunk(plain, from, tokens, states, watch, &trunk)) {
        bool done = run_from(plain, states->trunk, NULL, 0, states, watch, result);
        result->seconds += trunk.seconds;
        result->begun_tokens = trunk.begun_tokens;
        return done;
    }
    *result = trunk; /* canceled, or diverged on the way; otherwise the state could not be made */
    return trunk.outcome == OUTCOME_DIVERGED || watch->canceled;
}

void trunk_run(const struct trial_spec *spec, const char *checkpoint,
               const struct train_hooks *hooks, struct trial_result *result)
{
    uint64_t tokens = trial_trunk_tokens(spec);
    struct trial_spec plain = *spec;
    struct watch watch = {.hooks = hooks};
    struct states states = {.checkpoint = checkpoint && checkpoint[0] ? checkpoint : NULL};
    memset(plain.trunk_dir, 0, sizeof(plain.trunk_dir));
    plain.trunk_tokens = 0;
    if (!spec->trunk_dir[0] || tokens == 0 ||
        !run_by_trunk(spec, &plain, tokens, &states, &watch, result))
        run_from(&plain, NULL, NULL, 0, &states, &watch, result);
    result->flops = trial_flops_per_token(spec) * (double)(result->tokens - result->begun_tokens);
}
