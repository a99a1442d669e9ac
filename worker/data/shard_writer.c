#define _POSIX_C_SOURCE 200809L
#include "data/shard_writer.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"

struct shard_writer {
    char stem[TRIAL_PATH];
    bool wide, finished;
    uint64_t shard_tokens;
    unsigned shards; /* started */
    FILE *file;      /* the last shard's */
    uint64_t count;  /* tokens in it */
    uint32_t highest;
};

#define SHARD_NAME (TRIAL_PATH + 40)

static void final_name(const struct shard_writer *w, unsigned shard, char out[SHARD_NAME])
{
    snprintf(out, SHARD_NAME, "%s-%03u.bin", w->stem, shard);
}

static void own_name(const struct shard_writer *w, unsigned shard, char out[SHARD_NAME])
{
    snprintf(out, SHARD_NAME, "%s-%03u.bin.%ld", w->stem, shard, (long)getpid());
}

int shard_writer_open(struct shard_writer **out, const char *stem, bool wide, uint64_t shard_tokens,
                      struct lr_error *err)
{
    assert(shard_tokens > 0);
    struct shard_writer *w = *out = lr_calloc(1, sizeof(*w));
    if (!w)
        return lr_nomem(err);
    snprintf(w->stem, sizeof(w->stem), "%s", stem);
    w->wide = wide;
    w->shard_tokens = shard_tokens;
    return 0;
}

/* Closes the shard after writing its header again, now with the count. */
static int end_shard(struct shard_writer *w, struct lr_error *err)
{
    char name[SHARD_NAME];
    if (!w->file)
        return 0;
    own_name(w, w->shards - 1, name);
    int rc = fseek(w->file, 0, SEEK_SET) || token_file_write_header(w->file, w->wide, w->count) ||
                     fflush(w->file) || fsync(fileno(w->file))
                 ? lr_fail_errno(err, LR_EIO, "%s", name)
                 : 0;
    if (fclose(w->file) && !rc)
        rc = lr_fail_errno(err, LR_EIO, "%s", name);
    w->file = NULL;
    return rc;
}

static int begin_shard(struct shard_writer *w, struct lr_error *err)
{
    char name[SHARD_NAME];
    own_name(w, w->shards, name);
    w->file = own_file_stream(name, 0666);
    if (!w->file)
        return lr_fail_errno(err, LR_ECREATE, "%s", name);
    w->shards++;
    w->count = 0;
    return token_file_write_header(w->file, w->wide, 0) ? lr_fail_errno(err, LR_EIO, "%s", name)
                                                        : 0;
}

int shard_writer_put(struct shard_writer *w, const uint32_t *tokens, size_t count,
                     struct lr_error *err)
{
    assert(!w->finished);
    while (count > 0) {
        int rc;
        if (w->file && w->count == w->shard_tokens && (rc = end_shard(w, err)))
            return rc;
        if (!w->file && (rc = begin_shard(w, err)))
            return rc;
        uint64_t room = w->shard_tokens - w->count;
        size_t some = count < room ? count : (size_t)room;
        for (size_t i = 0; i < some; i++)
            w->highest = tokens[i] > w->highest ? tokens[i] : w->highest;
        if (token_file_write(w->file, w->wide, tokens, some))
            return lr_fail_errno(err, LR_EIO, "%s-%03u.bin", w->stem, w->shards - 1);
        w->count += some;
        tokens += some;
        count -= some;
    }
    return 0;
}

int shard_writer_finish(struct shard_writer *w, struct dataset_parts *parts, struct lr_error *err)
{
    assert(!w->finished);
    int rc = w->shards ? end_shard(w, err) : lr_fail(err, LR_EDATA, "%s: no tokens", w->stem);
    if (rc)
        return rc;
    for (unsigned i = 0; i < w->shards; i++) {
        char own[SHARD_NAME], name[SHARD_NAME];
        struct dataset_part part;
        own_name(w, i, own);
        final_name(w, i, name);
        if (rename(own, name))
            return lr_fail_errno(err, LR_ECREATE, "%s", name);
        if ((rc = dataset_part_of(&part, name, TOKENS_LLMC, err)))
            return rc;
        if ((rc = dataset_parts_add(parts, &part, err)))
            return rc;
    }
    w->finished = true;
    return 0;
}

uint64_t shard_writer_tokens(const struct shard_writer *w)
{
    return w->shards ? (w->shards - 1) * w->shard_tokens + w->count : 0;
}

uint32_t shard_writer_highest(const struct shard_writer *w)
{
    return w->highest;
}

void shard_writer_close(struct shard_writer *w)
{
    char name[SHARD_NAME];
    if (!w)
        return;
    if (w->file)
        fclose(w->file);
    for (unsigned i = 0; !w->finished && i < w->shards; i++) {
        own_name(w, i, name);
        unlink(name);
    }
    lr_free(w);
}
