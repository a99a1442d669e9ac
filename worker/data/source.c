/* Sequences of a trial. A token file is cut into windows of `context` tokens (with the next token
 * as the last label); the windows before the validation tail are training data, shuffled anew each
 * epoch by a permutation that is computed, not stored. */
#include "data/source.h"

#include "data/synthetic.h"
#include "data/token_file.h"
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"

struct source {
    struct trial_spec spec;
    struct token_file file;      /* source tokens */
    struct synthetic *synthetic; /* source synthetic */
    uint64_t train_windows, val_windows;
};

/* Windows with a label behind each token, in `tokens` tokens. */
static uint64_t windows(uint64_t tokens, uint32_t context)
{
    return tokens > 0 ? (tokens - 1) / context : 0;
}

static int open_tokens(struct source *s, struct lr_error *err)
{
    const struct trial_spec *spec = &s->spec;
    int rc = token_file_open(&s->file, spec->data_path, err);
    if (rc)
        return rc;
    if (spec->data_hash && token_file_hash(&s->file) != spec->data_hash)
        return lr_fail(err, LR_EDATA, "%s: is not the file that the campaign began with",
                       spec->data_path);
    for (uint64_t i = 0; i < s->file.count; i++)
        if (token_file_get(&s->file, i) >= spec->vocab)
            return lr_fail(err, LR_EDATA, "%s: token %llu is %u, but model.vocab is %u",
                           spec->data_path, (unsigned long long)i, token_file_get(&s->file, i),
                           spec->vocab);
    if (spec->val_tokens < s->file.count)
        s->train_windows = windows(s->file.count - spec->val_tokens, spec->context);
    s->val_windows = windows(spec->val_tokens, spec->context);
    if (s->train_windows == 0 || s->val_windows == 0)
        return lr_fail(err, LR_EDATA,
                       "%s: %llu tokens do not give one training and one validation sequence of %u "
                       "tokens",
                       spec->data_path, (unsigned long long)s->file.count, spec->context);
    return 0;
}

int source_open(struct source **out, const struct trial_spec *spec, struct lr_error *err)
{
    *out = NULL;
    struct source *s = lr_calloc(1, sizeof(*s));
    if (!s)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    s->spec = *spec;
    int rc;
    if (spec->source == SOURCE_SYNTHETIC) {
        s->val_windows = spec->val_tokens / spec->context ? spec->val_tokens / spec->context : 1;
        rc = synthetic_create(&s->synthetic, spec, err);
    } else {
        rc = open_tokens(s, err);
    }
    if (rc)
        source_close(s);
    else
        *out = s;
    return rc;
}

void source_close(struct source *s)
{
    if (!s)
        return;
    token_file_close(&s->file);
    synthetic_destroy(s->synthetic);
    lr_free(s);
}

void source_train(const struct source *s, uint64_t index, uint32_t *tokens)
{
    const struct trial_spec *spec = &s->spec;
    size_t count = (size_t)spec->context + 1;
    if (s->synthetic) {
        synthetic_sequence(s->synthetic, spec->seed, RNG_SYNTHETIC, index, count, tokens);
        return;
    }
    uint64_t epoch = index / s->train_windows;
    uint64_t window = rng_permute(spec->seed, RNG_SHUFFLE + (epoch << 8), index % s->train_windows,
                                  s->train_windows);
    token_file_copy(&s->file, window * spec->context, count, tokens);
}

uint64_t source_val_count(const struct source *s)
{
    return s->val_windows;
}

void source_val(const struct source *s, uint64_t index, uint32_t *tokens)
{
    const struct trial_spec *spec = &s->spec;
    size_t count = (size_t)spec->context + 1;
    if (s->synthetic)
        synthetic_sequence(s->synthetic, 0, RNG_VALIDATION, index, count, tokens);
    else
        token_file_copy(&s->file, s->file.count - spec->val_tokens + index * spec->context, count,
                        tokens);
}
