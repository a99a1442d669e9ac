/* Sequences of a trial. A stream of tokens is cut into windows of `context` tokens (with the next
 * token as the last label); the windows before the validation set are training data, shuffled in
 * each epoch by a permutation that is computed, not stored. Every validation token is a label
 * exactly once, because the bytes of its text are known only for the whole set. */
#include "data/source.h"

#include <assert.h>
#include <string.h>
#include "data/dataset_file.h"
#include "data/synthetic.h"
#include "data/token_stream.h"
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"

struct source {
    struct trial_spec spec;
    struct synthetic *synthetic;      /* source synthetic */
    struct token_stream *train, *val; /* source tokens; may be the same */
    uint64_t val_first;               /* index in `val` of the first label */
    uint64_t train_windows, val_labels;
    struct lr_error *failure; /* the first read error */
};

/* Sets the training windows and validation labels. The first validation label has a token before
 * it: the last training token, or the first token of a separate validation file. */
static int lay_out(struct source *s, const struct dataset_file *file, const char *data_path,
                   struct lr_error *err)
{
    const struct trial_spec *spec = &s->spec;
    uint64_t all = token_stream_count(s->train), val = token_stream_count(s->val);
    s->val_first = dataset_file_val_first(file, spec->val_tokens);
    uint64_t train = s->val == s->train ? s->val_first : all;
    s->train_windows = train > 0 ? (train - 1) / spec->context : 0;
    s->val_labels = spec->val_tokens;
    if (s->train_windows > 0 && s->val_labels > 0 && s->val_first > 0 && s->val_first <= val &&
        s->val_labels <= val - s->val_first)
        return 0;
    return lr_fail(err, LR_EDATA,
                   "%s: %llu tokens do not give one training sequence of %u tokens and %llu tokens "
                   "for validation",
                   data_path, (unsigned long long)all, spec->context,
                   (unsigned long long)spec->val_tokens);
}

static int open_tokens(struct source *s, const char *data_path, struct lr_error *err)
{
    const struct trial_spec *spec = &s->spec;
    struct dataset_file file;
    uint64_t hash;
    int rc = dataset_file_read(&file, &hash, data_path, err);
    if (rc)
        return rc;
    if (spec->data_hash && hash != spec->data_hash) {
        rc = lr_fail(err, LR_EDATA, "%s: is not the file that the campaign began with", data_path);
        goto out;
    }
    if (file.vocab_used > spec->vocab) {
        rc = lr_fail(err, LR_EDATA, "%s: token ids go up to %u, but model.vocab is %u", data_path,
                     file.vocab_used - 1, spec->vocab);
        goto out;
    }
    if ((rc = token_stream_open(&s->train, &file.train, err)))
        goto out;
    s->val = s->train;
    if (file.val.count && (rc = token_stream_open(&s->val, &file.val, err)))
        goto out;
    rc = lay_out(s, &file, data_path, err);

out:
    dataset_file_release(&file);
    return rc;
}

int source_open(struct source **out, const struct trial_spec *spec, const char *data_path,
                struct lr_error *err)
{
    *out = NULL;
    struct source *s = lr_calloc(1, sizeof(*s));
    if (s)
        s->failure = lr_calloc(1, sizeof(*s->failure));
    if (!s || !s->failure) {
        lr_free(s);
        return lr_nomem(err);
    }
    s->spec = *spec;
    int rc;
    if (spec->source == SOURCE_SYNTHETIC) {
        uint64_t windows = spec->val_tokens / spec->context;
        s->val_labels = (windows ? windows : 1) * spec->context;
        rc = synthetic_create(&s->synthetic, spec, err);
    } else {
        rc = open_tokens(s, data_path, err);
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
    if (s->val != s->train)
        token_stream_close(s->val);
    token_stream_close(s->train);
    synthetic_destroy(s->synthetic);
    lr_free(s->failure);
    lr_free(s);
}

int source_failed(const struct source *s, struct lr_error *err)
{
    return s->failure->code ? lr_fail(err, s->failure->code, "%s", s->failure->text) : 0;
}

static void copy_window(const struct source *s, const struct token_stream *stream, uint64_t first,
                        size_t count, uint32_t *tokens)
{
    if (token_stream_copy(stream, first, count, s->spec.vocab, tokens, s->failure))
        memset(tokens, 0, count * sizeof(*tokens));
}

void source_train(const struct source *s, uint64_t index, uint32_t *tokens)
{
    const struct trial_spec *spec = &s->spec;
    if (s->synthetic) {
        synthetic_sequence(s->synthetic, spec->seed, RNG_SYNTHETIC, index,
                           (size_t)spec->context + 1, tokens);
        return;
    }
    uint64_t epoch = index / s->train_windows;
    uint64_t window = rng_permute(spec->seed, RNG_SHUFFLE + (epoch << 8), index % s->train_windows,
                                  s->train_windows);
    copy_window(s, s->train, window * spec->context, (size_t)spec->context + 1, tokens);
}

uint64_t source_val_count(const struct source *s)
{
    return (s->val_labels - 1) / s->spec.context + 1;
}

uint32_t source_val(const struct source *s, uint64_t index, uint32_t *tokens)
{
    assert(index < source_val_count(s));
    const struct trial_spec *spec = &s->spec;
    uint64_t done = index * spec->context, left = s->val_labels - done;
    uint32_t labels = left < spec->context ? (uint32_t)left : spec->context;
    if (s->synthetic) {
        synthetic_sequence(s->synthetic, 0, RNG_VALIDATION, index, (size_t)spec->context + 1,
                           tokens);
        return labels;
    }
    copy_window(s, s->val, s->val_first - 1 + done, (size_t)labels + 1, tokens);
    memset(tokens + labels + 1, 0, (spec->context - labels) * sizeof(*tokens));
    return labels;
}
