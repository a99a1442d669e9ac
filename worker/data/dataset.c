/* Text to tokens, once. The cache name is a hash of the text and the settings, so a file in the
 * cache is right by its name; it appears there whole (written beside, renamed), so two processes
 * that make the same one do no harm. The last val_tokens are validation; the tokenizer learns from
 * the first half of the text and validation is at most a quarter of the tokens, so it never sees
 * them. */
#define _XOPEN_SOURCE 700
#include "data/dataset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include "data/text_reader.h"
#include "data/token_file.h"
#include "data/tokenizer.h"
#include "lrsearch/memory.h"

#define CHUNK ((size_t)1 << 20)
#define SAMPLE_MAX ((size_t)10 << 20) /* bytes of text the tokenizer learns from */

struct job {
    const struct dataset_request *request;
    uint64_t text_bytes, text_hash;
    char *chunk; /* CHUNK bytes */
    char model_path[TRIAL_PATH];
};

static void tell(const struct job *job, const char *stage, double share)
{
    if (job->request->progress)
        job->request->progress(job->request->context_of_progress, stage, share);
}

static int hash_text(struct job *job, struct lr_error *err)
{
    struct text_reader *reader;
    XXH3_state_t *state = XXH3_createState();
    int rc =
        state ? text_reader_open(&reader, job->request->patterns, job->request->pattern_count, err)
              : lr_fail(err, LR_ENOMEM, "out of memory");
    if (!rc) {
        long got;
        XXH3_64bits_reset(state);
        while ((got = text_reader_read(reader, job->chunk, CHUNK, err)) > 0) {
            XXH3_64bits_update(state, job->chunk, (size_t)got);
            job->text_bytes += (uint64_t)got;
            tell(job, "reading the text", text_reader_share(reader));
        }
        rc = got < 0 ? (int)got : 0;
        job->text_hash = XXH3_64bits_digest(state);
        text_reader_close(reader);
    }
    XXH3_freeState(state);
    return rc;
}

/* ---- the tokenizer ---- */

static int train_tokenizer(const struct job *job, const char *path, struct lr_error *err)
{
    size_t wanted = (size_t)(job->text_bytes / 2), used = 0;
    wanted = wanted < SAMPLE_MAX ? wanted : SAMPLE_MAX;
    char message[512] = "";
    struct text_reader *reader;
    char *sample = lr_malloc(wanted + 1);
    if (!sample)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    int rc = text_reader_open(&reader, job->request->patterns, job->request->pattern_count, err);
    if (!rc) {
        long got = 1;
        while (used < wanted && got > 0) {
            got = text_reader_read(reader, sample + used, wanted - used, err);
            used += got > 0 ? (size_t)got : 0;
        }
        rc = got < 0 ? (int)got : 0;
        text_reader_close(reader);
    }
    tell(job, "learning the tokenizer", 0);
    if (!rc && tokenizer_train(sample, used, job->request->vocab, path, message, sizeof(message))) {
        const char *largest = strstr(message, "<= ");
        if (largest)
            rc = lr_fail(err, LR_EDATA,
                         "model.vocab: %u pieces cannot be learned from this text; "
                         "the largest vocabulary is %ld",
                         job->request->vocab, strtol(largest + 3, NULL, 10));
        else
            rc = lr_fail(err, LR_EDATA, "the tokenizer cannot be trained: %s", message);
    }
    lr_free(sample);
    return rc;
}

/* ---- tokens ---- */

struct sink {
    FILE *file;
    bool wide;
    uint64_t count;
    uint32_t highest;
};

static int put_tokens(struct sink *sink, const uint32_t *tokens, size_t count, struct lr_error *err)
{
    for (size_t i = 0; i < count; i++)
        sink->highest = tokens[i] > sink->highest ? tokens[i] : sink->highest;
    sink->count += count;
    return token_file_write(sink->file, sink->wide, tokens, count)
               ? lr_fail_errno(err, LR_EIO, "writing the token file")
               : 0;
}

static int put_bytes(struct sink *sink, const char *text, size_t size, struct lr_error *err)
{
    uint32_t tokens[1024];
    int rc = 0;
    for (size_t i = 0; !rc && i < size;) {
        size_t n = 0;
        for (; n < 1024 && i < size; n++, i++)
            tokens[n] = (unsigned char)text[i];
        rc = put_tokens(sink, tokens, n, err);
    }
    return rc;
}

static int put_pieces(struct sink *sink, struct tokenizer *tokenizer, const char *text, size_t size,
                      struct lr_error *err)
{
    const uint32_t *ids;
    size_t count;
    char message[256];
    if (tokenizer_encode(tokenizer, text, size, &ids, &count, message, sizeof(message)))
        return lr_fail(err, LR_EDATA, "the text cannot be tokenized: %s", message);
    return put_tokens(sink, ids, count, err);
}

/* Chunks end after a newline where there is one, so that no word is cut. */
static int tokenize_stream(const struct job *job, struct tokenizer *tokenizer, struct sink *sink,
                           struct lr_error *err)
{
    struct text_reader *reader;
    size_t held = 0;
    long got = 0;
    int rc = text_reader_open(&reader, job->request->patterns, job->request->pattern_count, err);
    if (rc)
        return rc;
    do {
        got = text_reader_read(reader, job->chunk + held, CHUNK - held, err);
        if (got < 0)
            break;
        held += (size_t)got;
        size_t whole = held;
        if (tokenizer && got > 0)
            while (whole > 0 && job->chunk[whole - 1] != '\n')
                whole--;
        if (whole == 0 && held == CHUNK)
            whole = held;
        rc = tokenizer ? (whole ? put_pieces(sink, tokenizer, job->chunk, whole, err) : 0)
                       : put_bytes(sink, job->chunk, whole, err);
        memmove(job->chunk, job->chunk + whole, held - whole);
        held -= whole;
        tell(job, "tokenizing", text_reader_share(reader));
    } while (!rc && got > 0);
    text_reader_close(reader);
    return got < 0 ? (int)got : rc;
}

static int write_tokens(const struct job *job, struct tokenizer *tokenizer, const char *path,
                        struct lr_error *err)
{
    struct sink sink = {.wide = job->request->vocab > 65536};
    sink.file = fopen(path, "wb");
    if (!sink.file)
        return lr_fail_errno(err, LR_ECREATE, "%s", path);
    int rc = token_file_write_header(sink.file, sink.wide, 0)
                 ? lr_fail_errno(err, LR_EIO, "%s", path)
                 : tokenize_stream(job, tokenizer, &sink, err);
    if (!rc && sink.count > UINT32_MAX / 2)
        rc = lr_fail(err, LR_EDATA, "data.text: more than 2^31 tokens; split the text");
    if (!rc && (fseek(sink.file, 0, SEEK_SET) ||
                token_file_write_header(sink.file, sink.wide, sink.count) || fflush(sink.file) ||
                fsync(fileno(sink.file))))
        rc = lr_fail_errno(err, LR_EIO, "%s", path);
    if (fclose(sink.file) && !rc)
        rc = lr_fail_errno(err, LR_EIO, "%s", path);
    return rc;
}

/* ---- the cache ---- */

static int make_dirs(const char *path, struct lr_error *err)
{
    char partial[TRIAL_PATH];
    snprintf(partial, sizeof(partial), "%s", path);
    for (char *at = partial + 1;; at++) {
        char end = *at;
        if (end != '/' && end)
            continue;
        *at = 0;
        if (mkdir(partial, 0700) && errno != EEXIST)
            return lr_fail_errno(err, LR_ECREATE, "%s", partial);
        if (!end)
            return 0;
        *at = end;
    }
}

/* Makes `path` by way of a name of its own, unless it is there. */
static int make_tokens(struct job *job, const char *path, struct lr_error *err)
{
    char temporary[TRIAL_PATH + 32], model_temporary[TRIAL_PATH + 32], message[256];
    struct tokenizer *tokenizer = NULL;
    int rc = 0;
    snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid());
    snprintf(model_temporary, sizeof(model_temporary), "%s.%ld", job->model_path, (long)getpid());
    if (job->request->bpe) {
        if (access(job->model_path, R_OK)) {
            rc = train_tokenizer(job, model_temporary, err);
            if (!rc && rename(model_temporary, job->model_path))
                rc = lr_fail_errno(err, LR_ECREATE, "%s", job->model_path);
        }
        if (!rc && tokenizer_load(&tokenizer, job->model_path, message, sizeof(message)))
            rc = lr_fail(err, LR_EDATA, "%s: %s", job->model_path, message);
    }
    if (!rc)
        rc = write_tokens(job, tokenizer, temporary, err);
    if (!rc && rename(temporary, path))
        rc = lr_fail_errno(err, LR_ECREATE, "%s", path);
    if (rc) {
        unlink(temporary);
        unlink(model_temporary);
    }
    tokenizer_free(tokenizer);
    return rc;
}

static int describe(struct dataset *out, const struct job *job, struct lr_error *err)
{
    const struct dataset_request *request = job->request;
    struct token_file file;
    int rc = token_file_open(&file, out->path, err);
    if (rc)
        return rc;
    out->tokens = file.count;
    out->hash = token_file_hash(&file);
    for (uint64_t i = 0; i < file.count; i++) {
        uint32_t used = token_file_get(&file, i) + 1;
        out->vocab_used = used > out->vocab_used ? used : out->vocab_used;
    }
    token_file_close(&file);
    if (request->val_tokens * 4 > out->tokens ||
        out->tokens - request->val_tokens <= request->context)
        return lr_fail(err, LR_EDATA,
                       "data.text: %s: %llu tokens of text are too few: %llu for validation "
                       "(data.val_tokens) may be a quarter at most, so at least %llu are needed",
                       request->patterns[0], (unsigned long long)out->tokens,
                       (unsigned long long)request->val_tokens,
                       (unsigned long long)request->val_tokens * 4);
    out->train_tokens =
        (out->tokens - request->val_tokens - 1) / request->context * request->context;
    out->bytes_per_token = (double)job->text_bytes / (double)out->tokens;
    return 0;
}

int dataset_prepare(struct dataset *out, const struct dataset_request *request,
                    struct lr_error *err)
{
    struct job job = {.request = request};
    memset(out, 0, sizeof(*out));
    if (!request->bpe && request->vocab < 256)
        return lr_fail(err, LR_EDATA, "model.vocab: bytes need 256, found %u", request->vocab);
    job.chunk = lr_malloc(CHUNK);
    if (!job.chunk)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    char *directory = NULL;
    int rc = hash_text(&job, err);
    if (!rc && job.text_bytes < request->val_tokens) /* a token has at least one byte */
        rc = lr_fail(err, LR_EDATA,
                     "data.text: %s: %llu bytes of text are too few for %llu validation tokens "
                     "(data.val_tokens)",
                     request->patterns[0], (unsigned long long)job.text_bytes,
                     (unsigned long long)request->val_tokens);
    if (!rc)
        rc = make_dirs(request->cache_dir, err);
    if (!rc && !(directory = realpath(request->cache_dir, NULL)))
        rc = lr_fail_errno(err, LR_ECREATE, "%s", request->cache_dir);
    if (!rc && strlen(directory) + 64 > sizeof(out->path))
        rc = lr_fail(err, LR_ECREATE, "%s: the path is too long", directory);
    if (!rc) {
        const char *kind = request->bpe ? "bpe" : "bytes";
        unsigned vocab = request->bpe ? request->vocab : 256;
        snprintf(out->path, sizeof(out->path), "%.900s/%016llx-%s%u.bin", directory,
                 (unsigned long long)job.text_hash, kind, vocab);
        snprintf(job.model_path, sizeof(job.model_path), "%.900s/%016llx-%s%u.model", directory,
                 (unsigned long long)job.text_hash, kind, vocab);
        out->cached = access(out->path, R_OK) == 0;
        rc = out->cached ? 0 : make_tokens(&job, out->path, err);
    }
    if (!rc)
        rc = describe(out, &job, err);
    free(directory);
    lr_free(job.chunk);
    return rc;
}
