/* Two trainings one after the other: the trunk up to the end of the stable part, saved, and from
 * there the rest. The trainer goes on from its checkpoints bit for bit, so nothing else is needed.
 */
#define _POSIX_C_SOURCE 200809L
#include "train/trunk.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include "lrsearch/log.h"

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
    int rc = watch->hooks->step(watch->hooks->context, step);
    watch->canceled |= rc != 0;
    return rc;
}

static void add_effort(struct trial_result *result, const struct trial_result *earlier)
{
    result->seconds += earlier->seconds;
}

/* From the state in `from` (tokens of it; "": from the beginning) to the end. */
static bool run_from(const struct trial_spec *spec, const char *from, const char *save,
                     uint64_t until, struct watch *watch, struct trial_result *result)
{
    struct train_files files = {.init = from[0] ? from : NULL, .save = save, .until_tokens = until};
    struct train_hooks hooks = {watch, watch_step, watch->hooks->attempt};
    trainer_run(spec, &files, &hooks, result);
    if (result->outcome != OUTCOME_FAILED)
        return true;
    lr_log(LR_LOG_WARNING, "trunk not used: %s", result->message);
    return false;
}

/* Makes the state at the end of the stable part, unless it is there. False: the result says why
 * there is none; *from: where the training began. */
static bool make_trunk(const struct trial_spec *plain, const char *before, const char *path,
                       uint64_t tokens, struct watch *watch, struct trial_result *result)
{
    char part[TRIAL_PATH + 128];
    snprintf(part, sizeof(part), "%s.%ld", path, (long)getpid());
    bool good = run_from(plain, before, part, tokens, watch, result) &&
                result->outcome == OUTCOME_CANCELED && !watch->canceled;
    good = good && rename(part, path) == 0;
    unlink(part);
    return good;
}

void trunk_run(const struct trial_spec *spec, const struct train_hooks *hooks,
               struct trial_result *result)
{
    uint64_t tokens = trial_trunk_tokens(spec), begun = 0;
    struct trial_spec plain = *spec;
    struct watch watch = {.hooks = hooks};
    struct trial_result trunk = {0};
    char path[TRIAL_PATH + 96], before[TRIAL_PATH + 96] = "";
    if (!spec->trunk_dir[0] || tokens == 0) {
        trainer_run(spec, NULL, hooks, result);
        return;
    }
    memset(plain.trunk_dir, 0, sizeof(plain.trunk_dir));
    plain.trunk_tokens = 0;
    trunk_path(path, sizeof(path), spec, tokens);
    if (spec->trunk_tokens > 0 && spec->trunk_tokens <= tokens) {
        trunk_path(before, sizeof(before), spec, spec->trunk_tokens);
        before[is_there(before) ? strlen(before) : 0] = '\0';
        begun = before[0] ? spec->trunk_tokens : 0;
    }
    bool done = false;
    if (is_there(path)) { /* an earlier attempt's, or another horizon's with the same end */
        begun = tokens;
        done = run_from(&plain, path, NULL, 0, &watch, result);
    } else if (make_trunk(&plain, before, path, tokens, &watch, &trunk)) {
        done = run_from(&plain, path, NULL, 0, &watch, result);
        add_effort(result, &trunk);
    } else if (trunk.outcome != OUTCOME_FAILED &&
               (watch.canceled || trunk.outcome != OUTCOME_CANCELED)) {
        *result = trunk; /* canceled, or diverged on the way */
        done = true;
    }
    if (!done) {
        begun = 0;
        trainer_run(&plain, NULL, hooks, result);
    }
    result->tokens -= result->tokens < begun ? result->tokens : begun;
    result->flops = trial_flops_per_token(spec) * (double)result->tokens;
}
