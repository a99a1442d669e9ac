/* Text to token files, once. File names are a hash of the text and the settings, so a cached file
 * is valid by its name; DATASET.json appears last and whole, so two processes may create the same
 * one. Validation is the end of the text from a certain byte on. At every vocabulary a token ends
 * there, and each later one is scored, so the number of scored bytes is known without scanning
 * tokens. The tokenizer learns from the first half of the text and validation is at most a quarter
 * of its bytes, so the tokenizer never sees it. */
#define _XOPEN_SOURCE 700
#include "data/dataset_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include "data/shard_writer.h"
#include "data/text_reader.h"
#include "data/tokenizer.h"
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"

#define CHUNK ((size_t)1 << 20)
enum { BYTES = 256 };                 /* the vocabulary without a tokenizer */
#define SAMPLE_MAX ((size_t)10 << 20) /* bytes of text that the tokenizer learns from */
#define PIECE_MOST 64 /* bytes of a token: sentencepiece allows 16 characters of up to four bytes */

struct job {
    const struct dataset_request *request;
    uint64_t text_bytes, text_hash;
    char *chunk;            /* CHUNK bytes */
    char model[TRIAL_PATH]; /* FOLDER/HASH-bpe8192.model, */
    char stem[TRIAL_PATH];  /* FOLDER/HASH-bpe8192-val65536 (tokens) or -val200000b (bytes) */
    bool bpe;
};

static int hash_text(struct job *job, struct lr_error *err)
{
    struct text_reader *reader = NULL;
    XXH3_state_t *state = XXH3_createState();
    int rc = state ? text_reader_open(&reader, job->request->texts, job->request->text_count, err)
                   : lr_nomem(err);
    if (rc)
        goto out;
    long got;
    XXH3_64bits_reset(state);
    while ((got = text_reader_read(reader, job->chunk, CHUNK, err)) > 0) {
        XXH3_64bits_update(state, job->chunk, (size_t)got);
        job->text_bytes += (uint64_t)got;
        stage_say(job->request->stages, "reading the text", text_reader_share(reader));
    }
    rc = got < 0 ? (int)got : 0;
    job->text_hash = XXH3_64bits_digest(state);

out:
    text_reader_close(reader);
    XXH3_freeState(state);
    return rc;
}

/* ---- the tokenizer ---- */

static int train_tokenizer(const struct job *job, const char *path, struct lr_error *err)
{
    size_t wanted = (size_t)(job->text_bytes / 2), used = 0;
    wanted = wanted < SAMPLE_MAX ? wanted : SAMPLE_MAX;
    char message[512] = "";
    struct text_reader *reader = NULL;
    char *sample = lr_malloc(wanted + 1);
    if (!sample)
        return lr_nomem(err);
    int rc = text_reader_open(&reader, job->request->texts, job->request->text_count, err);
    if (rc)
        goto out;
    long got = 1;
    while (used < wanted && got > 0) {
        got = text_reader_read(reader, sample + used, wanted - used, err);
        used += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        rc = (int)got;
        goto out;
    }
    stage_say(job->request->stages, "learning the tokenizer", 0);
    if (tokenizer_train(sample, used, job->request->vocab, path, message, sizeof(message))) {
        const char *largest = strstr(message, "<= ");
        if (largest)
            rc = lr_fail(err, LR_EDATA,
                         "a vocabulary of %u cannot be learned from this text; the largest is %ld",
                         job->request->vocab, strtol(largest + 3, NULL, 10));
        else
            rc = lr_fail(err, LR_EDATA, "the tokenizer cannot be trained: %s", message);
    }

out:
    text_reader_close(reader);
    lr_free(sample);
    return rc;
}

/* ---- the text in parts ---- */

struct walk {
    const struct job *job;
    struct text_reader *reader;
    size_t held, given; /* bytes in job->chunk; of them passed on last */
    uint64_t at;        /* offset of the chunk in the text */
    bool ended;         /* the reader has no more */
};

static int walk_begin(struct walk *walk, const struct job *job, struct lr_error *err)
{
    *walk = (struct walk){.job = job};
    return text_reader_open(&walk->reader, job->request->texts, job->request->text_count, err);
}

/* Index where the character that contains byte `at` begins. */
static size_t character_start(const char *text, size_t at)
{
    size_t start = at;
    while (start > 0 && at - start < 3 && ((unsigned char)text[start] & 0xc0) == 0x80)
        start--;
    return start;
}

static int fill_chunk(struct walk *walk, struct lr_error *err)
{
    char *chunk = walk->job->chunk;
    memmove(chunk, chunk + walk->given, walk->held - walk->given);
    walk->at += walk->given;
    walk->held -= walk->given;
    walk->given = 0;
    while (!walk->ended && walk->held < CHUNK) {
        long got = text_reader_read(walk->reader, chunk + walk->held, CHUNK - walk->held, err);
        if (got < 0)
            return (int)got;
        walk->held += (size_t)got;
        walk->ended = got == 0;
    }
    return 0;
}

/* Finds the next part of the text: whole lines if possible, since no token crosses the end of a
 * line, otherwise whole characters; nothing after byte `stop`, which is moved back to the start of
 * its character. *size 0: `stop` or the end is reached. */
static int walk_next(struct walk *walk, uint64_t stop, size_t *size, struct lr_error *err)
{
    const char *chunk = walk->job->chunk;
    int rc = fill_chunk(walk, err);
    size_t lines = walk->held;
    if (rc)
        return rc;
    if (stop - walk->at < walk->held) {
        lines = character_start(chunk, (size_t)(stop - walk->at));
    } else if (!walk->ended) {
        while (lines > 0 && chunk[lines - 1] != '\n')
            lines--;
        lines = lines ? lines : character_start(chunk, walk->held - 1);
    }
    *size = walk->given = lines;
    return 0;
}

/* ---- tokens ---- */

static int put_bytes(struct shard_writer *out, const char *text, size_t size, struct lr_error *err)
{
    uint32_t tokens[1024];
    int rc;
    for (size_t i = 0; i < size;) {
        size_t n = 0;
        for (; n < 1024 && i < size; n++, i++)
            tokens[n] = (unsigned char)text[i];
        if ((rc = shard_writer_put(out, tokens, n, err)))
            return rc;
    }
    return 0;
}

static int encode(struct tokenizer *tokenizer, const char *text, size_t size, const uint32_t **ids,
                  size_t *count, struct lr_error *err)
{
    char message[256];
    if (tokenizer_encode(tokenizer, text, size, ids, count, message, sizeof(message)))
        return lr_fail(err, LR_EDATA, "the text cannot be tokenized: %s", message);
    return 0;
}

/* tokenizer NULL: bytes. */
static int put_until(struct walk *walk, uint64_t stop, struct tokenizer *tokenizer,
                     struct shard_writer *out, struct lr_error *err)
{
    const char *text = walk->job->chunk;
    const uint32_t *ids;
    size_t size, count;
    for (;;) {
        int rc = walk_next(walk, stop, &size, err);
        if (rc || size == 0)
            return rc;
        if (!tokenizer)
            rc = put_bytes(out, text, size, err);
        else if (!(rc = encode(tokenizer, text, size, &ids, &count, err)))
            rc = shard_writer_put(out, ids, count, err);
        if (rc)
            return rc;
        stage_say(walk->job->request->stages, "tokenizing", text_reader_share(walk->reader));
    }
}

/* Writes all tokens; the last val_bytes are validation. */
static int put_text(const struct job *job, uint64_t val_bytes, struct tokenizer *tokenizer,
                    struct shard_writer *out, struct dataset_file *file, struct lr_error *err)
{
    struct walk walk;
    uint64_t val_begins = job->text_bytes;
    int rc = walk_begin(&walk, job, err);
    if (rc)
        goto out;
    if (val_bytes) {
        if ((rc = put_until(&walk, job->text_bytes - val_bytes, tokenizer, out, err)))
            goto out;
        val_begins = walk.at;
        file->val_first = shard_writer_tokens(out);
    }
    rc = put_until(&walk, UINT64_MAX, tokenizer, out, err);
    file->val_bytes = val_bytes ? walk.at - val_begins : 0;

out:
    text_reader_close(walk.reader);
    return rc;
}

/* ---- the validation set ---- */

static int too_small(const struct job *job, struct lr_error *err)
{
    const struct dataset_request *request = job->request;
    bool bytes = request->val_bytes > 0;
    return lr_fail(err, LR_EDATA,
                   "%s: %llu bytes of text are too few for %llu validation %s (data.val_%s), "
                   "which may be a quarter of them at most; use fewer, or more text",
                   request->texts[0], (unsigned long long)job->text_bytes,
                   (unsigned long long)(bytes ? request->val_bytes : request->val_tokens),
                   bytes ? "bytes" : "tokens", bytes ? "bytes" : "tokens");
}

/* Sums the bytes of the last `wanted` tokens of the text, looking at its last `tail` bytes; `last`
 * is a ring buffer of `wanted` token lengths. */
static int bytes_of_tail(const struct job *job, struct tokenizer *tokenizer, uint64_t tail,
                         uint64_t wanted, unsigned char *last, uint64_t *bytes,
                         struct lr_error *err)
{
    struct walk walk;
    const uint32_t *ids;
    size_t size, count;
    uint64_t seen = 0;
    int rc = walk_begin(&walk, job, err);
    if (rc)
        goto out;
    do
        if ((rc = walk_next(&walk, job->text_bytes - tail, &size, err)))
            goto out;
    while (size > 0);
    for (*bytes = 0;;) {
        if ((rc = walk_next(&walk, UINT64_MAX, &size, err)))
            goto out;
        if (size == 0)
            break;
        if ((rc = encode(tokenizer, job->chunk, size, &ids, &count, err)))
            goto out;
        for (size_t i = 0; i < count; i++, seen++) {
            unsigned char *oldest = &last[seen % wanted];
            *bytes -= *oldest;
            *oldest = (unsigned char)tokenizer_bytes(tokenizer, ids[i]);
            *bytes += *oldest;
        }
    }
    if (seen < wanted)
        rc = too_small(job, err);

out:
    text_reader_close(walk.reader);
    return rc;
}

/* *bytes: size of the validation set; if given as val_tokens, it depends on the first vocabulary of
 * a plan. tokenizer NULL: bytes. */
static int choose_validation(const struct job *job, struct tokenizer *tokenizer, uint64_t *bytes,
                             struct lr_error *err)
{
    const struct dataset_request *request = job->request;
    uint64_t wanted = request->val_tokens, most = job->text_bytes / 4;
    *bytes = request->val_bytes ? request->val_bytes : wanted;
    if (request->val_bytes || !tokenizer || wanted == 0)
        return 0;
    unsigned char *last = lr_calloc((size_t)wanted, 1);
    uint64_t tail = wanted > most / PIECE_MOST ? most : wanted * PIECE_MOST;
    int rc = last ? bytes_of_tail(job, tokenizer, tail, wanted, last, bytes, err) : lr_nomem(err);
    lr_free(last);
    return rc;
}

/* ---- the dataset ---- */

static void hex(char out[20], uint64_t hash)
{
    snprintf(out, 20, "%016llx", (unsigned long long)hash);
}

static int make_tokenizer(const struct job *job, struct lr_error *err)
{
    char own[TRIAL_PATH + 48];
    snprintf(own, sizeof(own), "%s.%ld", job->model, (long)getpid());
    int made = own_file_create(own, 0666); /* sentencepiece would follow a symbolic link */
    if (made < 0)
        return lr_fail_errno(err, LR_ECREATE, "%s", own);
    close(made);
    int rc = train_tokenizer(job, own, err);
    if (!rc && rename(own, job->model))
        rc = lr_fail_errno(err, LR_ECREATE, "%s", job->model);
    if (rc)
        unlink(own);
    return rc;
}

/* Trains the tokenizer, or loads the cached one. */
static int get_tokenizer(const struct job *job, struct tokenizer **tokenizer, char model_hash[20],
                         struct lr_error *err)
{
    const char *path = job->model;
    char message[256];
    struct token_file model;
    int rc;
    if (access(path, R_OK) && (rc = make_tokenizer(job, err)))
        return rc;
    if ((rc = token_file_map(&model, path, err)))
        return rc;
    hex(model_hash, XXH3_64bits(model.map, model.size));
    token_file_close(&model);
    return tokenizer_load(tokenizer, path, message, sizeof(message))
               ? lr_fail(err, LR_EDATA, "%s: %s", path, message)
               : 0;
}

static int make_dataset(const struct job *job, struct dataset_file *file, const char *path,
                        struct lr_error *err)
{
    const struct dataset_request *request = job->request;
    struct tokenizer *tokenizer = NULL;
    struct shard_writer *out = NULL;
    *file = (struct dataset_file){.val_first = VAL_AT_END, .text_bytes = job->text_bytes};
    hex(file->text_hash, job->text_hash);
    snprintf(file->tokenizer, sizeof(file->tokenizer), "%s", job->bpe ? "bpe" : "bytes");
    if (job->bpe)
        memcpy(file->model, job->model, sizeof(file->model));
    uint64_t val_bytes;
    int rc = job->bpe ? get_tokenizer(job, &tokenizer, file->model_hash, err) : 0;
    if (rc)
        goto out;
    if ((rc = choose_validation(job, tokenizer, &val_bytes, err)))
        goto out;
    if ((rc = shard_writer_open(&out, job->stem, request->vocab > 65536, SHARD_TOKENS, err)))
        goto out;
    if ((rc = put_text(job, val_bytes, tokenizer, out, file, err)))
        goto out;
    if ((rc = shard_writer_finish(out, &file->train, err)))
        goto out;
    file->vocab_used = shard_writer_highest(out) + 1;
    rc = dataset_file_write(file, path, err);

out:
    shard_writer_close(out);
    tokenizer_free(tokenizer);
    return rc;
}

/* Whether all shards are intact; otherwise they are made again. */
static bool is_whole(const struct dataset_file *file)
{
    for (size_t i = 0; i < file->train.count; i++) {
        struct token_file tokens;
        if (dataset_part_open(&tokens, &file->train.part[i], NULL))
            return false;
        token_file_close(&tokens);
    }
    return true;
}

/* Sets the file names. The tokenizer's name does not depend on validation, so that it is trained
 * once. */
static void name_files(struct job *job, const char *folder)
{
    const struct dataset_request *request = job->request;
    char name[TRIAL_PATH - 96];
    snprintf(name, sizeof(name), "%.900s/%016llx-%s%u", folder, (unsigned long long)job->text_hash,
             job->bpe ? "bpe" : "bytes", job->bpe ? request->vocab : (unsigned)BYTES);
    snprintf(job->model, sizeof(job->model), "%s.model", name);
    if (request->val_bytes)
        snprintf(job->stem, sizeof(job->stem), "%s-val%llub", name,
                 (unsigned long long)request->val_bytes);
    else if (request->val_tokens)
        snprintf(job->stem, sizeof(job->stem), "%s-val%llu", name,
                 (unsigned long long)request->val_tokens);
    else
        snprintf(job->stem, sizeof(job->stem), "%s", name);
}

int dataset_from_text(struct dataset *out, struct dataset_file *file,
                      const struct dataset_request *request, const char *folder,
                      struct lr_error *err)
{
    struct job job = {.request = request, .bpe = request->bpe && request->vocab > BYTES};
    if (request->vocab < BYTES)
        return lr_fail(err, LR_EDATA, "a vocabulary of %u is too small: bytes need 256",
                       request->vocab);
    job.chunk = lr_malloc(CHUNK);
    int rc = job.chunk ? hash_text(&job, err) : lr_nomem(err);
    if (rc)
        goto out;
    /* a token has at least one byte */
    if (job.text_bytes / 4 < (request->val_bytes ? request->val_bytes : request->val_tokens)) {
        rc = too_small(&job, err);
        goto out;
    }
    name_files(&job, folder);
    snprintf(out->path, sizeof(out->path), "%.1000s.json", job.stem);
    if (dataset_file_read(file, &out->hash, out->path, NULL) == 0)
        out->cached = is_whole(file);
    if (out->cached)
        goto out;
    dataset_file_release(file);
    rc = make_dataset(&job, file, out->path, err);
    dataset_file_release(file);
    if (rc)
        goto out;
    rc = dataset_file_read(file, &out->hash, out->path, err);

out:
    lr_free(job.chunk);
    return rc;
}
