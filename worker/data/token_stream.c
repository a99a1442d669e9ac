#define _POSIX_C_SOURCE 200809L
#include "data/token_stream.h"

#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include "lrsearch/memory.h"

struct token_stream {
    size_t count;
    struct token_file *files;
    uint64_t *first; /* (count + 1): first token of each file, and the end */
    char (*path)[TRIAL_PATH];
};

/* ---- a file that disappears while it is mapped ---- */

static _Thread_local sigjmp_buf *volatile guard; /* jump target of a fault in this thread */

static struct sigaction before; /* the earlier handler, such as the MPI library's */

static void on_bus_error(int number)
{
    if (guard)
        siglongjmp(*guard, 1);
    sigaction(number, &before, NULL); /* not ours: the faulting instruction repeats and reaches
                                         the earlier handler */
}

/* Runs for each stream: a library may have replaced the handler. */
static void install_handler(void)
{
    struct sigaction action = {.sa_handler = on_bus_error}, old;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_NODEFER; /* sigsetjmp() does not save the mask */
    if (sigaction(SIGBUS, &action, &old) == 0 && old.sa_handler != on_bus_error)
        before = old;
}

/* token_file_copy(); -1 if the mapped file is gone or cut short. */
static int copy_guarded(const struct token_file *file, uint64_t first, size_t count, uint32_t *out)
{
    sigjmp_buf here;
    if (sigsetjmp(here, 0)) {
        guard = NULL;
        return -1;
    }
    guard = &here;
    token_file_copy(file, first, count, out);
    guard = NULL;
    return 0;
}

/* ---- the stream ---- */

int token_stream_open(struct token_stream **out, const struct dataset_parts *parts,
                      struct lr_error *err)
{
    assert(parts->count > 0);
    struct token_stream *s = lr_calloc(1, sizeof(*s));
    *out = NULL;
    if (s) {
        s->files = lr_calloc(parts->count, sizeof(*s->files));
        s->first = lr_calloc(parts->count + 1, sizeof(*s->first));
        s->path = lr_calloc(parts->count, sizeof(*s->path));
    }
    if (!s || !s->files || !s->first || !s->path) {
        token_stream_close(s);
        return lr_nomem(err);
    }
    install_handler();
    for (size_t i = 0; i < parts->count; i++) {
        int rc = dataset_part_open(&s->files[i], &parts->part[i], err);
        if (rc) {
            token_stream_close(s);
            return rc;
        }
        s->count++;
        s->first[i + 1] = s->first[i] + parts->part[i].tokens;
        memcpy(s->path[i], parts->part[i].path, sizeof(s->path[i]));
    }
    *out = s;
    return 0;
}

void token_stream_close(struct token_stream *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        token_file_close(&s->files[i]);
    lr_free(s->files);
    lr_free(s->first);
    lr_free(s->path);
    lr_free(s);
}

uint64_t token_stream_count(const struct token_stream *s)
{
    return s->first[s->count];
}

static size_t file_of(const struct token_stream *s, uint64_t token)
{
    size_t low = 0, high = s->count - 1;
    while (low < high) { /* the last file that begins at or before the token */
        size_t middle = high - (high - low) / 2;
        if (s->first[middle] <= token)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static int complain_of_id(const struct token_stream *s, size_t i, uint64_t at, uint32_t id,
                          uint32_t vocab, struct lr_error *err)
{
    const struct token_file *file = &s->files[i];
    uint64_t byte = (uint64_t)(file->at - file->map) + at * file->width;
    return lr_fail(err, LR_EDATA,
                   "%s: token %llu (byte %llu) is %u, but model.vocab is %u; use %u or more",
                   s->path[i], (unsigned long long)at, (unsigned long long)byte, id, vocab, id + 1);
}

int token_stream_copy(const struct token_stream *s, uint64_t first, size_t count, uint32_t vocab,
                      uint32_t *out, struct lr_error *err)
{
    assert(first <= token_stream_count(s) && count <= token_stream_count(s) - first);
    for (size_t i = file_of(s, first); count > 0; i++) {
        uint64_t at = first - s->first[i], here = s->first[i + 1] - first;
        size_t some = here < count ? (size_t)here : count;
        if (copy_guarded(&s->files[i], at, some, out))
            return lr_fail(err, LR_EDATA, "%s: went away or was cut short while it was read",
                           s->path[i]);
        for (size_t t = 0; t < some; t++)
            if (out[t] >= vocab)
                return complain_of_id(s, i, at + t, out[t], vocab, err);
        first += some;
        out += some;
        count -= some;
    }
    return 0;
}

int token_stream_highest(const struct token_stream *s, uint32_t vocab, uint32_t *highest,
                         void (*progress)(const void *context, double share), const void *context,
                         struct lr_error *err)
{
    enum { AT_ONCE = 1 << 16 };
    uint32_t *tokens = lr_malloc(AT_ONCE * sizeof(*tokens));
    uint64_t all = token_stream_count(s), first = 0;
    int rc = tokens ? 0 : lr_nomem(err);
    *highest = 0;
    if (rc)
        goto out;
    for (; first < all; first += AT_ONCE) {
        size_t count = all - first < AT_ONCE ? (size_t)(all - first) : AT_ONCE;
        if ((rc = token_stream_copy(s, first, count, vocab, tokens, err)))
            goto out;
        for (size_t t = 0; t < count; t++)
            *highest = tokens[t] > *highest ? tokens[t] : *highest;
        if (progress && first / AT_ONCE % 64 == 0)
            progress(context, (double)first / (double)all);
    }

out:
    lr_free(tokens);
    return rc;
}
