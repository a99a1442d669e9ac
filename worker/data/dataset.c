/* Prepares datasets: lists existing token files, with their layout and whether the model can use
 * them, and describes the result for text and tokens. Scanning all tokens takes long, so the result
 * is kept in DATASET.json, whose name is a hash of the files' identity. */
#define _XOPEN_SOURCE 700
#include "data/dataset.h"

#include <assert.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>
#include "data/dataset_file.h"
#include "data/dataset_text.h"
#include "data/token_stream.h"
#include "data/tokenizer.h"

/* Number of scored tokens: all of a text from val_first on; val_tokens at most of token files. */
static uint64_t scored_tokens(const struct dataset_file *file,
                              const struct dataset_request *request)
{
    const struct dataset_parts *parts = file->val.count ? &file->val : &file->train;
    uint64_t all = dataset_parts_tokens(parts);
    uint64_t first = dataset_file_val_first(file, request->val_tokens);
    uint64_t there = all > first ? all - first : 0;
    bool whole = request->text_count && file->val_bytes > 0;
    return whole || there < request->val_tokens ? there : request->val_tokens;
}

/* ---- which files ---- */

struct text_origin {
    bool known; /* so far all parts have one readable tokenizer */
    char tokenizer[16], model[TRIAL_PATH], model_hash[20]; /* model "": bytes */
};

struct listing {
    const struct dataset_request *request;
    const char *key; /* data.tokens or data.val */
    struct dataset_parts *parts;
    struct dataset_file *file;
    bool all_of_text; /* so far text_bytes is known for each part */
    struct text_origin origin;
};

static bool has_part(const struct dataset_parts *parts, const char *path)
{
    for (size_t i = 0; i < parts->count; i++)
        if (strcmp(parts->part[i].path, path) == 0)
            return true;
    return false;
}

static bool ends_in_json(const char *path)
{
    size_t length = strlen(path);
    return length > 5 && strcmp(path + length - 5, ".json") == 0;
}

/* Adds a part once (FILE.bin and FILE.idx are the same); validation files are left out of
 * training. */
static int add_part(struct listing *to, const struct dataset_part *part, struct lr_error *err)
{
    if (has_part(to->parts, part->path) || has_part(&to->file->val, part->path))
        return 0;
    if (part->tokens == 0)
        return lr_fail(err, LR_EDATA, "%s: %s: holds no tokens", to->key, part->path);
    const struct dataset_part *first = to->parts->count ? to->parts->part : part;
    if (first->format != part->format)
        return lr_fail(err, LR_EDATA,
                       "%s: %s is %s, but %s is %s: name files of one kind, or say data.format",
                       to->key, part->path, token_format_name(part->format), first->path,
                       token_format_name(first->format));
    return dataset_parts_add(to->parts, part, err);
}

static bool is_model(const char *path, const char *hash)
{
    struct token_file model; /* any mapped bytes */
    if (token_file_map(&model, path, NULL))
        return false;
    bool same = XXH3_64bits(model.map, model.size) == strtoull(hash, NULL, 16);
    token_file_close(&model);
    return same;
}

/* Whether the same ids stand for the same text. */
static bool is_same_tokenizer(const char *tokenizer, const char *model_hash,
                              const struct text_origin *origin)
{
    return strcmp(tokenizer, origin->tokenizer) == 0 && strcmp(model_hash, origin->model_hash) == 0;
}

static void note_origin(struct listing *to, const struct dataset_file *other)
{
    struct text_origin *origin = &to->origin;
    bool first = to->parts->count == 0;
    if (first) {
        memcpy(origin->tokenizer, other->tokenizer, sizeof(origin->tokenizer));
        memcpy(origin->model, other->model, sizeof(origin->model));
        memcpy(origin->model_hash, other->model_hash, sizeof(origin->model_hash));
        origin->known =
            strcmp(other->tokenizer, "bytes") == 0 ||
            (strcmp(other->tokenizer, "bpe") == 0 && is_model(other->model, other->model_hash));
    } else if (!is_same_tokenizer(other->tokenizer, other->model_hash, origin)) {
        origin->known = false;
    }
}

static int add_dataset(struct listing *to, const char *path, struct lr_error *err)
{
    struct dataset_file other;
    uint64_t hash;
    size_t before = to->parts->count;
    int rc = dataset_file_read(&other, &hash, path, err);
    if (rc)
        goto out;
    note_origin(to, &other);
    for (size_t i = 0; i < other.train.count; i++)
        if ((rc = add_part(to, &other.train.part[i], err)))
            goto out;
    if (to->parts == &to->file->train) {
        to->file->text_bytes += other.text_bytes;
        to->all_of_text &= other.text_bytes > 0 && to->parts->count == before + other.train.count;
    }

out:
    dataset_file_release(&other);
    return rc;
}

static int add_file(struct listing *to, const char *path, struct lr_error *err)
{
    struct dataset_part part;
    if (ends_in_json(path))
        return add_dataset(to, path, err);
    int rc = dataset_part_of(&part, path, to->request->format, err);
    if (rc) {
        lr_prefix(err, "%s", to->key);
        return rc;
    }
    if (to->parts == &to->file->train)
        to->all_of_text = false;
    to->origin.known = false;
    return add_part(to, &part, err);
}

static int add_pattern(struct listing *to, const char *pattern, struct lr_error *err)
{
    glob_t paths;
    int found = glob(pattern, 0, NULL, &paths), rc = 0;
    if (found == GLOB_NOMATCH)
        return lr_fail(err, LR_EDATA, "%s: %s: no such file; check the path", to->key, pattern);
    if (found)
        return lr_fail(err, LR_EDATA, "%s: %s: cannot be searched", to->key, pattern);
    for (size_t i = 0; i < paths.gl_pathc; i++)
        if ((rc = add_file(to, paths.gl_pathv[i], err)))
            goto out;

out:
    globfree(&paths);
    return rc;
}

/* Lists the files of validation and training. *origin: of the validation tokens. */
static int list_files(struct dataset_file *file, const struct dataset_request *request,
                      struct text_origin *origin, struct lr_error *err)
{
    struct listing val = {request, "data.val", &file->val, file, false, {0}};
    struct listing train = {request, "data.tokens", &file->train, file, true, {0}};
    int rc;
    for (size_t i = 0; i < request->val_count; i++)
        if ((rc = add_pattern(&val, request->vals[i], err)))
            return rc;
    for (size_t i = 0; i < request->token_count; i++)
        if ((rc = add_pattern(&train, request->tokens[i], err)))
            return rc;
    if (file->train.count == 0)
        return lr_fail(err, LR_EDATA, "data.tokens: %s: all files are taken by data.val",
                       request->tokens[0]);
    if (train.origin.known && val.origin.known &&
        !is_same_tokenizer(val.origin.tokenizer, val.origin.model_hash, &train.origin))
        return lr_fail(
            err, LR_EDATA,
            "data.val: %s was made with another tokenizer than data.tokens, so the same "
            "ids are other text; leave it out: validation is then the end of data.tokens",
            request->vals[0]);
    if (!train.all_of_text)
        file->text_bytes = 0;
    *origin = file->val.count ? val.origin : train.origin;
    return 0;
}

/* Sets val_first for a validation set at the end of `train`: it begins with a document if the
 * layout has documents. */
static int find_validation(struct dataset_file *file, uint64_t val_tokens, struct lr_error *err)
{
    uint64_t all = dataset_parts_tokens(&file->train);
    file->val_first = VAL_AT_END;
    if (file->val.count || val_tokens >= all)
        return 0;
    assert(val_tokens > 0); /* so that the loop ends within the files */
    uint64_t first = all - val_tokens, before = 0;
    size_t i = 0;
    while (before + file->train.part[i].tokens <= first)
        before += file->train.part[i++].tokens;
    struct token_file tokens;
    uint64_t document;
    int rc = dataset_part_open(&tokens, &file->train.part[i], err);
    if (rc)
        return rc;
    rc = token_file_document(&tokens, file->train.part[i].path, first - before, &document, err);
    if (!rc && tokens.format == TOKENS_MEGATRON)
        file->val_first = before + document;
    token_file_close(&tokens);
    return rc;
}

/* ---- the text behind the tokens ---- */

static int add_bytes(uint64_t *bytes, const struct dataset_parts *parts, uint64_t first,
                     uint64_t count, const struct tokenizer *tokenizer, struct lr_error *err)
{
    enum { AT_ONCE = 1024 };
    uint32_t ids[AT_ONCE];
    struct token_stream *stream;
    int rc = token_stream_open(&stream, parts, err);
    if (rc)
        return rc;
    for (uint64_t done = 0; done < count; done += AT_ONCE) {
        size_t some = count - done < AT_ONCE ? (size_t)(count - done) : AT_ONCE;
        if ((rc = token_stream_copy(stream, first + done, some, UINT32_MAX, ids, err)))
            goto out;
        for (size_t i = 0; i < some; i++)
            *bytes += tokenizer_bytes(tokenizer, ids[i]);
    }

out:
    token_stream_close(stream);
    return rc;
}

/* Sets val_bytes of the scored tokens; 0 if their text is not known. */
static int count_val_bytes(struct dataset_file *file, const struct dataset_request *request,
                           const struct text_origin *origin, struct lr_error *err)
{
    struct tokenizer *tokenizer;
    char message[256];
    uint64_t count = scored_tokens(file, request);
    file->val_bytes = 0;
    if (!origin->known)
        return 0;
    if (!origin->model[0]) {
        file->val_bytes = count;
        return 0;
    }
    if (tokenizer_load(&tokenizer, origin->model, message, sizeof(message)))
        return lr_fail(err, LR_EDATA, "%s: %s", origin->model, message);
    int rc = add_bytes(&file->val_bytes, file->val.count ? &file->val : &file->train,
                       dataset_file_val_first(file, request->val_tokens), count, tokenizer, err);
    tokenizer_free(tokenizer);
    return rc;
}

/* ---- scanning all tokens ---- */

static void tell_progress(const void *context, double share)
{
    const struct dataset_request *request = context;
    stage_say(request->stages, "looking at the tokens", share);
}

static int look_at_tokens(const struct dataset_parts *parts, struct dataset_file *file,
                          const struct dataset_request *request, struct lr_error *err)
{
    struct token_stream *stream;
    uint32_t highest;
    if (parts->count == 0)
        return 0;
    int rc = token_stream_open(&stream, parts, err);
    if (rc)
        return rc;
    rc = token_stream_highest(stream, request->vocab, &highest, tell_progress, request, err);
    token_stream_close(stream);
    if (!rc && highest >= file->vocab_used)
        file->vocab_used = highest + 1;
    return rc;
}

static void hash_parts(XXH3_state_t *state, const struct dataset_parts *parts)
{
    XXH3_64bits_update(state, &parts->count, sizeof(parts->count));
    for (size_t i = 0; i < parts->count; i++) {
        const struct dataset_part *part = &parts->part[i];
        uint64_t numbers[] = {(uint64_t)part->format, part->size, part->tokens, part->sample_hash};
        XXH3_64bits_update(state, part->path, strlen(part->path) + 1);
        XXH3_64bits_update(state, numbers, sizeof(numbers));
    }
}

static int name_dataset(char out[TRIAL_PATH], const struct dataset_file *file,
                        const struct dataset_request *request, const struct text_origin *origin,
                        const char *folder, struct lr_error *err)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return lr_nomem(err);
    uint64_t numbers[] = {file->val_first, request->vocab, file->text_bytes, request->val_tokens,
                          origin->known};
    XXH3_64bits_reset(state);
    hash_parts(state, &file->train);
    hash_parts(state, &file->val);
    XXH3_64bits_update(state, numbers, sizeof(numbers));
    snprintf(out, TRIAL_PATH, "%.900s/%016llx-tokens.json", folder,
             (unsigned long long)XXH3_64bits_digest(state));
    XXH3_freeState(state);
    return 0;
}

/* Finds or creates the DATASET.json of token files in `folder`; out and file as in
 * dataset_from_text(). */
static int dataset_from_tokens(struct dataset *out, struct dataset_file *file,
                               const struct dataset_request *request, const char *folder,
                               struct lr_error *err)
{
    struct text_origin origin;
    struct dataset_file known;
    int rc;
    memset(file, 0, sizeof(*file));
    if ((rc = list_files(file, request, &origin, err)))
        goto out;
    if ((rc = find_validation(file, request->val_tokens, err)))
        goto out;
    if ((rc = name_dataset(out->path, file, request, &origin, folder, err)))
        goto out;
    if (dataset_file_read(&known, &out->hash, out->path, NULL) == 0) {
        dataset_file_release(file);
        *file = known;
        out->cached = true;
        return 0;
    }
    if ((rc = look_at_tokens(&file->train, file, request, err)))
        goto out;
    if ((rc = look_at_tokens(&file->val, file, request, err)))
        goto out;
    if ((rc = count_val_bytes(file, request, &origin, err)))
        goto out;
    rc = dataset_file_write(file, out->path, err);

out:
    dataset_file_release(file);
    return rc ? rc : dataset_file_read(file, &out->hash, out->path, err);
}

/* ---- text or tokens ---- */

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

/* For token files; for text, dataset_text.c checks the bytes. */
static int check_end(const struct dataset *out, const struct dataset_request *request,
                     struct lr_error *err)
{
    if (request->text_count || request->val_tokens * 4 <= out->tokens)
        return 0;
    return lr_fail(err, LR_EDATA,
                   "data: %s: %llu tokens are too few: %llu for validation (data.val_tokens) may "
                   "be a quarter at most, so at least %llu are needed",
                   request->tokens[0], (unsigned long long)out->tokens,
                   (unsigned long long)request->val_tokens,
                   (unsigned long long)request->val_tokens * 4);
}

static int describe(struct dataset *out, const struct dataset_file *file,
                    const struct dataset_request *request, struct lr_error *err)
{
    uint64_t val = dataset_parts_tokens(&file->val), context = request->context;
    const char *key = request->text_count ? "" : "data.tokens: "; /* for text the caller names
                                                                     the key */
    out->files = file->train.count;
    out->vocab_used = file->vocab_used;
    out->tokens = dataset_parts_tokens(&file->train);
    out->bytes_per_token = (double)file->text_bytes / (double)out->tokens;
    out->val_tokens = scored_tokens(file, request);
    out->val_bytes = file->val_bytes;
    int rc = file->val.count ? 0 : check_end(out, request, err);
    if (rc)
        return rc;
    uint64_t before =
        file->val.count ? out->tokens : dataset_file_val_first(file, request->val_tokens);
    if (before <= context)
        return lr_fail(err, LR_EDATA,
                       "%s%s: %llu tokens before the validation set do not give one sequence of %u",
                       key, request->text_count ? request->texts[0] : file->train.part[0].path,
                       (unsigned long long)before, request->context);
    if (file->val.count && val <= context)
        return lr_fail(err, LR_EDATA, "data.val: %s: %llu tokens do not give one sequence of %u",
                       file->val.part[0].path, (unsigned long long)val, request->context);
    out->train_tokens = (before - 1) / context * context;
    return 0;
}

int dataset_prepare(struct dataset *out, const struct dataset_request *request,
                    struct lr_error *err)
{
    struct dataset_file file = {0};
    char *folder = NULL;
    memset(out, 0, sizeof(*out));
    int rc = make_dirs(request->cache_dir, err);
    if (rc)
        goto out;
    folder = realpath(request->cache_dir, NULL);
    if (!folder) {
        rc = lr_fail_errno(err, LR_ECREATE, "%s", request->cache_dir);
        goto out;
    }
    if (strlen(folder) + 80 > sizeof(out->path)) {
        rc = lr_fail(err, LR_ECREATE, "%s: the path is too long", folder);
        goto out;
    }
    if ((rc = (request->text_count ? dataset_from_text : dataset_from_tokens)(out, &file, request,
                                                                              folder, err)))
        goto out;
    rc = describe(out, &file, request, err);

out:
    dataset_file_release(&file);
    free(folder);
    return rc;
}
