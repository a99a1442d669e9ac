/* Two trainings one after the other: the prefix up to the end of the stable part, saved, and from
 * there the rest. The trainer goes on from its checkpoints bit for bit, so nothing else is needed.
 */
#define _POSIX_C_SOURCE 200809L
#include "trainers/transformer/wsd_prefix.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include "lrsearch/log.h"
#include "trainers/transformer/checkpoint.h"

void wsd_prefix_path(char *out, size_t capacity, const struct trial_spec *spec, uint64_t tokens)
{
    XXH64_hash_t hash = 0;
    for (size_t f = 0; f < trial_spec_fields.count; f++) {
        const struct field *field = &trial_spec_fields.fields[f];
        const char *member = (const char *)spec + field->offset;
        bool prefix = field->offset == offsetof(struct trial_spec, wsd_prefix_dir) ||
                      field->offset == offsetof(struct trial_spec, wsd_prefix_tokens) ||
                      field->offset == offsetof(struct trial_spec, horizon_tokens);
        size_t size = field->type == FIELD_TEXT ? strlen(member) : field->size;
        if (!prefix && field->type != FIELD_STRUCT)
            hash = XXH3_64bits_withSeed(member, size, hash);
    }
    snprintf(out, capacity, "%s/wsd-prefix-%016" PRIx64 "-%" PRIu64 ".safetensors",
             spec->wsd_prefix_dir, (uint64_t)hash, tokens);
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
    char before[TRIAL_PATH + 96], prefix[TRIAL_PATH + 96];
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
static bool make_prefix(const struct trial_spec *plain, const char *from, uint64_t tokens,
                        const struct states *states, struct watch *watch,
                        struct trial_result *result)
{
    char part[TRIAL_PATH + 128];
    snprintf(part, sizeof(part), "%s.%ld", states->prefix, (long)getpid());
    bool good = run_from(plain, from, part, tokens, states, watch, result) &&
                result->outcome == OUTCOME_CANCELED && !watch->canceled;
    good = good && rename(part, states->prefix) == 0;
    unlink(part);
    return good;
}

/* By way of the prefix. False: it was no use, and nothing was gained. */
static bool run_by_prefix(const struct trial_spec *spec, const struct trial_spec *plain,
                          uint64_t tokens, struct states *states, struct watch *watch,
                          struct trial_result *result)
{
    uint64_t own = states->checkpoint ? checkpoint_tokens(states->checkpoint, plain) : 0;
    uint64_t shared = 0;
    struct trial_result prefix = {0};
    wsd_prefix_path(states->prefix, sizeof(states->prefix), spec, tokens);
    if (own > tokens)
        return run_from(plain, states->checkpoint, NULL, 0, states, watch, result);
    if (is_there(states->prefix)) /* an earlier attempt's, or another horizon's with the same end */
        return run_from(plain, states->prefix, NULL, 0, states, watch, result);
    if (spec->wsd_prefix_tokens > 0 && spec->wsd_prefix_tokens <= tokens) {
        wsd_prefix_path(states->before, sizeof(states->before), spec, spec->wsd_prefix_tokens);
        shared = is_there(states->before) ? spec->wsd_prefix_tokens : 0;
    }
    const char *from = own > shared ? states->checkpoint : shared > 0 ? states->before : NULL;
    if (make_prefix(plain, from, tokens, states, watch, &prefix)) {
        bool done = run_from(plain, states->prefix, NULL, 0, states, watch, result);
        result->seconds += prefix.seconds;
        result->begun_tokens = prefix.begun_tokens;
        return done;
    }
    *result = prefix; /* canceled, or diverged on the way; otherwise the state could not be made */
    return prefix.outcome == OUTCOME_DIVERGED || watch->canceled;
}

void wsd_prefix_run(const struct trial_spec *spec, const char *checkpoint,
                    const struct train_hooks *hooks, struct trial_result *result)
{
    uint64_t tokens = trial_wsd_prefix_tokens(spec);
    struct trial_spec plain = *spec;
    struct watch watch = {.hooks = hooks};
    struct states states = {.checkpoint = checkpoint && checkpoint[0] ? checkpoint : NULL};
    memset(plain.wsd_prefix_dir, 0, sizeof(plain.wsd_prefix_dir));
    plain.wsd_prefix_tokens = 0;
    if (!spec->wsd_prefix_dir[0] || tokens == 0 ||
        !run_by_prefix(spec, &plain, tokens, &states, &watch, result))
        run_from(&plain, NULL, NULL, 0, &states, &watch, result);
    result->flops = trial_flops_per_token(spec) * (double)(result->tokens - result->begun_tokens);
}
