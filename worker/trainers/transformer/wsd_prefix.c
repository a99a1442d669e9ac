/* Trains in two parts: the prefix up to the end of the stable part, which is saved, then the rest
 * from there. The trainer resumes from its checkpoints bit for bit, so nothing else is needed. */
#define _POSIX_C_SOURCE 200809L
#include "trainers/transformer/wsd_prefix.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "trainers/transformer/checkpoint.h"

void wsd_prefix_path(char *out, size_t capacity, const char *dir, const struct trial_spec *spec,
                     uint64_t tokens)
{
    struct trial_spec any_horizon = *spec;
    any_horizon.horizon_tokens = 0;
    snprintf(out, capacity, "%s/wsd-prefix-%016" PRIx64 "-%" PRIu64 ".safetensors", dir,
             trial_hash(&any_horizon), tokens);
}

static bool is_there(const char *path)
{
    return access(path, R_OK) == 0;
}

struct attempt {
    const struct trial_spec *spec;
    const struct train_hooks *hooks;
    bool canceled; /* by the caller's hook */
    uint64_t prefix_tokens;
    char shorter[TRIAL_PATH + 96], prefix[TRIAL_PATH + 96]; /* files of prefixes */
};

static int on_step(void *context, const struct train_step *step)
{
    struct attempt *attempt = context;
    int wish = attempt->hooks->step ? attempt->hooks->step(attempt->hooks->context, step) : 0;
    attempt->canceled |= (wish & TRAIN_STOP) != 0;
    return wish;
}

/* Trains from the state in `from` (NULL: from the beginning, or the own checkpoint) to the end, or
 * until `until` tokens, where it saves to `save`. False: the state in `from` could not be used. */
static bool run_from(struct attempt *attempt, const char *from, const char *save, uint64_t until,
                     struct trial_result *result)
{
    struct train_files files = {.init = from, .save = save, .until_tokens = until};
    struct train_hooks hooks = *attempt->hooks;
    hooks.context = attempt;
    hooks.step = on_step;
    trainer_run(attempt->spec, &files, &hooks, result);
    if (result->outcome != OUTCOME_FAILED || !from)
        return true;
    lr_log(LR_LOG_WARNING, "state not used: %s", result->message);
    return false;
}

/* Creates the state at the end of the stable part. False: the result says why there is none. */
static bool make_prefix(struct attempt *attempt, const char *from, struct trial_result *result)
{
    char part[TRIAL_PATH + 128];
    snprintf(part, sizeof(part), "%s.%ld", attempt->prefix, (long)getpid());
    bool good = run_from(attempt, from, part, attempt->prefix_tokens, result) &&
                result->outcome == OUTCOME_CANCELED && !attempt->canceled;
    good = good && rename(part, attempt->prefix) == 0;
    unlink(part);
    return good;
}

/* False: no prefix could be used; train from the beginning. */
static bool run_by_prefix(struct attempt *attempt, struct trial_result *result)
{
    const struct trial_place *place = attempt->hooks->place;
    uint64_t own = place->checkpoint[0] ? checkpoint_tokens(place->checkpoint, attempt->spec) : 0;
    uint64_t shared = 0;
    struct trial_result made = {0};
    wsd_prefix_path(attempt->prefix, sizeof(attempt->prefix), place->wsd_prefix_dir, attempt->spec,
                    attempt->prefix_tokens);
    if (own > attempt->prefix_tokens)
        return run_from(attempt, place->checkpoint, NULL, 0, result);
    if (is_there(attempt->prefix)) /* of an earlier attempt, or of a horizon with the same prefix */
        return run_from(attempt, attempt->prefix, NULL, 0, result);
    if (place->wsd_prefix_tokens > 0 && place->wsd_prefix_tokens <= attempt->prefix_tokens) {
        wsd_prefix_path(attempt->shorter, sizeof(attempt->shorter), place->wsd_prefix_dir,
                        attempt->spec, place->wsd_prefix_tokens);
        shared = is_there(attempt->shorter) ? place->wsd_prefix_tokens : 0;
    }
    const char *from = own > shared ? place->checkpoint : shared > 0 ? attempt->shorter : NULL;
    if (make_prefix(attempt, from, &made)) {
        bool done = run_from(attempt, attempt->prefix, NULL, 0, result);
        result->seconds += made.seconds;
        result->begun_tokens = made.begun_tokens;
        return done;
    }
    *result = made; /* canceled or diverged; otherwise the state could not be made */
    return made.outcome == OUTCOME_DIVERGED || attempt->canceled;
}

void wsd_prefix_run(const struct trial_spec *spec, const struct train_hooks *hooks,
                    struct trial_result *result)
{
    assert(hooks->place);
    struct attempt attempt = {
        .spec = spec, .hooks = hooks, .prefix_tokens = trial_wsd_prefix_tokens(spec)};
    if (!hooks->place->wsd_prefix_dir[0] || attempt.prefix_tokens == 0 ||
        !run_by_prefix(&attempt, result))
        run_from(&attempt, NULL, NULL, 0, result);
    result->flops = trial_flops_per_token(spec) * (double)(result->tokens - result->begun_tokens);
}
