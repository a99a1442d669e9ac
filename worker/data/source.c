/* Sequences of a trial. A stream of tokens is cut into windows of `context` tokens (with the next
 * token as the last label); the windows before the validation set are training data, shuffled anew
 * each epoch by a permutation that is computed, not stored. */
#include "data/source.h"

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
    uint64_t val_first;               /* in `val` */
    uint64_t train_windows, val_windows;
    struct lr_error *failure; /* the first */
};

/* Windows with a label behind each token, in `tokens` tokens. */
static uint64_t windows(uint64_t tokens, uint32_t context)
{
    return tokens > 0 ? (tokens - 1) / context : 0;
}

static int lay_out(struct source *s, const struct dataset_file *file, struct lr_error *err)
{
    const struct trial_spec *spec = &s->spec;
    uint64_t all = token_stream_count(s->train), train = all;
    uint64_t val = token_stream_count(s->val);
    if (s->val == s->train) {
        uint64_t tail = spec->val_tokens < all ? all - spec->val_tokens : 0;
        s->val_first = train = file->val_first != VAL_AT_END ? file->val_first : tail;
        val = all - train;
    }
    s->train_windows = windows(train, spec->context);
    s->val_windows = windows(val < spec->val_tokens ? val : spec->val_tokens, spec->context);
    if (s->train_windows > 0 && s->val_windows > 0)
        return 0;
    return lr_fail(err, LR_EDATA,
                   "%s: %llu tokens do not give one training and one validation sequence of %u "
                   "tokens",
                   spec->data_path, (unsigned long long)all, spec->context);
}

static int open_tokens(struct source *s, struct lr_error *err)
{
    const struct trial_spec *spec = &s->spec;
    struct dataset_file file;
    uint64_t hash;
    int rc = dataset_file_read(&file, &hash, spec->data_path, err);
    if (rc)
        return rc;
    if (spec->data_hash && hash != spec->data_hash)
        rc = lr_fail(err, LR_EDATA, "%s: is not the file that the campaign began with",
                     spec->data_path);
    if (!rc && file.vocab_used > spec->vocab)
        rc = lr_fail(err, LR_EDATA, "%s: token ids go up to %u, but model.vocab is %u",
                     spec->data_path, file.vocab_used - 1, spec->vocab);
    rc = rc ? rc : token_stream_open(&s->train, &file.train, err);
    s->val = s->train;
    if (!rc && file.val.count)
        rc = token_stream_open(&s->val, &file.val, err);
    rc = rc ? rc : lay_out(s, &file, err);
    dataset_file_release(&file);
    return rc;
}

int source_open(struct source **out, const struct trial_spec *spec, struct lr_error *err)
{
    *out = NULL;
    struct source *s = lr_calloc(1, sizeof(*s));
    if (s)
        s->failure = lr_calloc(1, sizeof(*s->failure));
    if (!s || !s->failure) {
        lr_free(s);
        return lr_fail(err, LR_ENOMEM, "out of memory");
    }
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
                        uint32_t *tokens)
{
    size_t count = (size_t)s->spec.context + 1;
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
    copy_window(s, s->train, window * spec->context, tokens);
}

uint64_t source_val_count(const struct source *s)
{
    return s->val_windows;
}

void source_val(const struct source *s, uint64_t index, uint32_t *tokens)
{
    const struct trial_spec *spec = &s->spec;
    if (s->synthetic)
        synthetic_sequence(s->synthetic, 0, RNG_VALIDATION, index, (size_t)spec->context + 1,
                           tokens);
    else
        copy_window(s, s->val, s->val_first + index * spec->context, tokens);
}
