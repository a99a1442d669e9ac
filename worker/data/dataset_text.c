/* Text to token files, once. Their names are a hash of the text and the settings, so what is in the
 * cache is right by its name; DATASET.json appears last and whole, so two processes that make the
 * same one do no harm. The last val_tokens are validation; the tokenizer learns from the first half
 * of the text and validation is at most a quarter of the tokens, so it never sees them. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include "data/dataset_make.h"
#include "data/shard_writer.h"
#include "data/text_reader.h"
#include "data/tokenizer.h"
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"

#define CHUNK ((size_t)1 << 20)
enum { BYTES = 256 };                 /* the vocabulary that needs no tokenizer */
#define SAMPLE_MAX ((size_t)10 << 20) /* bytes of text the tokenizer learns from */

struct job {
    const struct dataset_request *request;
    uint64_t text_bytes, text_hash;
    char *chunk;           /* CHUNK bytes */
    char stem[TRIAL_PATH]; /* FOLDER/HASH-bpe8192: of all files that are made */
    bool bpe;
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
    int rc = state ? text_reader_open(&reader, job->request->texts, job->request->text_count, err)
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
    int rc = text_reader_open(&reader, job->request->texts, job->request->text_count, err);
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
                         "a vocabulary of %u cannot be learned from this text; the largest is %ld",
                         job->request->vocab, strtol(largest + 3, NULL, 10));
        else
            rc = lr_fail(err, LR_EDATA, "the tokenizer cannot be trained: %s", message);
    }
    lr_free(sample);
    return rc;
}

/* ---- tokens ---- */

static int put_bytes(struct shard_writer *out, const char *text, size_t size, struct lr_error *err)
{
    uint32_t tokens[1024];
    int rc = 0;
    for (size_t i = 0; !rc && i < size;) {
        size_t n = 0;
        for (; n < 1024 && i < size; n++, i++)
            tokens[n] = (unsigned char)text[i];
        rc = shard_writer_put(out, tokens, n, err);
    }
    return rc;
}

static int put_pieces(struct shard_writer *out, struct tokenizer *tokenizer, const char *text,
                      size_t size, struct lr_error *err)
{
    const uint32_t *ids;
    size_t count;
    char message[256];
    if (tokenizer_encode(tokenizer, text, size, &ids, &count, message, sizeof(message)))
        return lr_fail(err, LR_EDATA, "the text cannot be tokenized: %s", message);
    return shard_writer_put(out, ids, count, err);
}

/* Chunks end after a newline where there is one, so that no word is cut. tokenizer NULL: bytes. */
static int put_text(const struct job *job, struct tokenizer *tokenizer, struct shard_writer *out,
                    struct lr_error *err)
{
    struct text_reader *reader;
    size_t held = 0;
    long got = 0;
    int rc = text_reader_open(&reader, job->request->texts, job->request->text_count, err);
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
        if (whole)
            rc = tokenizer ? put_pieces(out, tokenizer, job->chunk, whole, err)
                           : put_bytes(out, job->chunk, whole, err);
        memmove(job->chunk, job->chunk + whole, held - whole);
        held -= whole;
        tell(job, "tokenizing", text_reader_share(reader));
    } while (!rc && got > 0);
    text_reader_close(reader);
    return got < 0 ? (int)got : rc;
}

/* ---- the dataset ---- */

static void hex(char out[20], uint64_t hash)
{
    snprintf(out, 20, "%016llx", (unsigned long long)hash);
}

/* Learns the tokenizer, or takes the one that is there. */
static int get_tokenizer(const struct job *job, struct tokenizer **tokenizer, char model_hash[20],
                         struct lr_error *err)
{
    char path[TRIAL_PATH + 16], own[TRIAL_PATH + 48], message[256];
    struct token_file model;
    int rc = 0;
    snprintf(path, sizeof(path), "%s.model", job->stem);
    snprintf(own, sizeof(own), "%s.%ld", path, (long)getpid());
    if (access(path, R_OK)) {
        int made = own_file_create(own, 0666); /* sentencepiece would follow a link */
        rc = made < 0 ? lr_fail_errno(err, LR_ECREATE, "%s", own) : 0;
        if (made >= 0)
            close(made);
        rc = rc ? rc : train_tokenizer(job, own, err);
        if (!rc && rename(own, path))
            rc = lr_fail_errno(err, LR_ECREATE, "%s", path);
        if (rc)
            unlink(own);
    }
    rc = rc ? rc : token_file_map(&model, path, err);
    if (rc)
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
    int rc = job->bpe ? get_tokenizer(job, &tokenizer, file->model_hash, err) : 0;
    rc = rc ? rc : shard_writer_open(&out, job->stem, request->vocab > 65536, SHARD_TOKENS, err);
    rc = rc ? rc : put_text(job, tokenizer, out, err);
    rc = rc ? rc : shard_writer_finish(out, &file->train, err);
    if (!rc) {
        file->vocab_used = shard_writer_highest(out) + 1;
        rc = dataset_file_write(file, path, err);
    }
    shard_writer_close(out);
    tokenizer_free(tokenizer);
    return rc;
}

/* A shard that was deleted or damaged is made again. */
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

int dataset_from_text(struct dataset *out, struct dataset_file *file,
                      const struct dataset_request *request, const char *folder,
                      struct lr_error *err)
{
    struct job job = {.request = request, .bpe = request->bpe && request->vocab > BYTES};
    if (request->vocab < BYTES)
        return lr_fail(err, LR_EDATA, "a vocabulary of %u is too small: bytes need 256",
                       request->vocab);
    job.chunk = lr_malloc(CHUNK);
    int rc = job.chunk ? hash_text(&job, err) : lr_fail(err, LR_ENOMEM, "out of memory");
    if (!rc && job.text_bytes < request->val_tokens) /* a token has at least one byte */
        rc = lr_fail(err, LR_EDATA,
                     "%s: %llu bytes of text are too few for %llu validation tokens "
                     "(data.val_tokens)",
                     request->texts[0], (unsigned long long)job.text_bytes,
                     (unsigned long long)request->val_tokens);
    if (!rc) {
        snprintf(job.stem, sizeof(job.stem), "%.900s/%016llx-%s%u", folder,
                 (unsigned long long)job.text_hash, job.bpe ? "bpe" : "bytes",
                 job.bpe ? request->vocab : (unsigned)BYTES);
        snprintf(out->path, sizeof(out->path), "%.1000s.json", job.stem);
        if (dataset_file_read(file, &out->hash, out->path, NULL) == 0)
            out->cached = is_whole(file);
        if (!out->cached) {
            dataset_file_release(file);
            rc = make_dataset(&job, file, out->path, err);
            dataset_file_release(file);
            rc = rc ? rc : dataset_file_read(file, &out->hash, out->path, err);
        }
    }
    lr_free(job.chunk);
    return rc;
}
