#define _POSIX_C_SOURCE 200809L
#include "data/dataset_file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"

enum { VERSION = 2, TEXT_MOST = 64 << 20 };

/* ---- parts ---- */

int dataset_part_of(struct dataset_part *part, const char *path, enum token_format format,
                    struct lr_error *err)
{
    struct token_file file;
    size_t length = strlen(path);
    memset(part, 0, sizeof(*part));
    if (length >= sizeof(part->path))
        return lr_fail(err, LR_EDATA, "%s: the path is too long", path);
    int rc = token_file_open(&file, path, format, err);
    if (rc)
        return rc;
    memcpy(part->path, path, length + 1);
    if (length > 4 && strcmp(path + length - 4, ".idx") == 0)
        memcpy(part->path + length - 4, ".bin", 5);
    part->format = file.format;
    part->width = file.width;
    part->size = file.size;
    part->begins = (uint64_t)(file.at - file.map);
    part->tokens = file.count;
    part->sample_hash = token_file_sample_hash(&file);
    token_file_close(&file);
    return 0;
}

/* Opens it as bare tokens: the part already holds what the layout's header says. */
int dataset_part_open(struct token_file *file, const struct dataset_part *part,
                      struct lr_error *err)
{
    int rc = token_file_map(file, part->path, err);
    if (rc)
        return rc;
    file->format = part->format;
    file->width = part->width;
    file->count = part->tokens;
    file->at = file->map + part->begins;
    if (file->size == part->size && token_file_sample_hash(file) == part->sample_hash)
        return 0;
    token_file_close(file);
    return lr_fail(err, LR_EDATA, "%s: is not the file that the campaign began with", part->path);
}

int dataset_parts_add(struct dataset_parts *parts, const struct dataset_part *part,
                      struct lr_error *err)
{
    struct dataset_part *grown = lr_realloc(parts->part, (parts->count + 1) * sizeof(*parts->part));
    if (!grown)
        return lr_nomem(err);
    parts->part = grown;
    parts->part[parts->count++] = *part;
    return 0;
}

uint64_t dataset_parts_tokens(const struct dataset_parts *parts)
{
    uint64_t tokens = 0;
    for (size_t i = 0; i < parts->count; i++)
        tokens += parts->part[i].tokens;
    return tokens;
}

uint64_t dataset_file_val_first(const struct dataset_file *dataset, uint64_t val_tokens)
{
    uint64_t all = dataset_parts_tokens(&dataset->train);
    if (dataset->val.count)
        return 1;
    if (dataset->val_first != VAL_AT_END)
        return dataset->val_first;
    return val_tokens < all ? all - val_tokens : 0;
}

void dataset_file_release(struct dataset_file *dataset)
{
    lr_free(dataset->train.part);
    lr_free(dataset->val.part);
    memset(dataset, 0, sizeof(*dataset));
}

/* ---- reading ---- */

static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static bool place(char out[TRIAL_PATH], const char *text, const char *beside)
{
    int folder = text[0] == '/' ? 0 : (int)folder_length(beside);
    return snprintf(out, TRIAL_PATH, "%.*s%s", folder, beside, text) < TRIAL_PATH;
}

static enum token_format format_of(const char *name)
{
    for (int format = TOKENS_LLMC; format <= TOKENS_NANOGPT; format++)
        if (strcmp(token_format_name((uint32_t)format), name) == 0)
            return (enum token_format)format;
    return TOKENS_AUTO;
}

static int parse_part(struct dataset_part *part, json_t *value, const char *path)
{
    const char *name, *format, *hash;
    json_int_t width, size, begins, tokens;
    memset(part, 0, sizeof(*part));
    if (json_unpack(value, "{s:s, s:s, s:I, s:I, s:I, s:I, s:s}", "path", &name, "format", &format,
                    "width", &width, "bytes", &size, "begins", &begins, "tokens", &tokens,
                    "sample_hash", &hash) != 0)
        return -1;
    part->format = format_of(format);
    if (part->format == TOKENS_AUTO || (width != 1 && width != 2 && width != 4) || begins < 0 ||
        tokens < 1 || size < 0 || begins > size || tokens > (size - begins) / width ||
        !place(part->path, name, path))
        return -1;
    part->width = (unsigned)width;
    part->size = (uint64_t)size;
    part->begins = (uint64_t)begins;
    part->tokens = (uint64_t)tokens;
    part->sample_hash = strtoull(hash, NULL, 16);
    return 0;
}

/* Parses the parts in root[which]; none if the key is absent. */
static int parse_parts(struct dataset_parts *parts, const json_t *root, const char *which,
                       const char *path, struct lr_error *err)
{
    json_t *values = json_object_get(root, which);
    size_t i;
    json_t *value;
    json_array_foreach(values, i, value)
    {
        struct dataset_part part;
        if (parse_part(&part, value, path))
            return lr_fail(err, LR_EDATA, "%s: %s[%zu]: is no description of a token file", path,
                           which, i);
        if (part.tokens > INT64_MAX - dataset_parts_tokens(parts))
            return lr_fail(err, LR_EDATA, "%s: %s: its files have more tokens than can be counted",
                           path, which);
        int rc = dataset_parts_add(parts, &part, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Copies a text; "" if the key is absent. */
static int get_text(char *out, size_t capacity, json_t *object, const char *key, const char *path,
                    struct lr_error *err)
{
    json_t *value = json_object_get(object, key);
    const char *text = value ? json_string_value(value) : "";
    if (!text || strlen(text) >= capacity)
        return lr_fail(err, LR_EDATA, "%s: %s is no text of at most %zu bytes", path, key,
                       capacity - 1);
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

/* Copies a path, made absolute; "" if the key is absent. */
static int get_path(char out[TRIAL_PATH], json_t *object, const char *key, const char *path,
                    struct lr_error *err)
{
    char text[TRIAL_PATH];
    int rc = get_text(text, sizeof(text), object, key, path, err);
    if (rc)
        return rc;
    if (text[0] && !place(out, text, path))
        return lr_fail(err, LR_EDATA, "%s: %s: the path is too long", path, key);
    return 0;
}

static int parse_value(struct dataset_file *out, json_t *root, const char *path,
                       struct lr_error *err)
{
    json_int_t version = json_integer_value(json_object_get(root, "lrsearch_dataset"));
    if (version == 1)
        return lr_fail(err, LR_EDATA,
                       "%s: was written by an earlier lrsearch; run `lrsearch tokenize` again",
                       path);
    if (version != VERSION)
        return lr_fail(err, LR_EDATA, "%s: is no description of a dataset (lrsearch_dataset: %d)",
                       path, VERSION);
    json_int_t vocab = json_integer_value(json_object_get(root, "vocab_used"));
    json_int_t text_bytes = json_integer_value(json_object_get(root, "text_bytes"));
    json_int_t val_bytes = json_integer_value(json_object_get(root, "val_bytes"));
    json_t *val_first = json_object_get(root, "val_first");
    if (vocab < 1 || vocab > UINT32_MAX || text_bytes < 0 || val_bytes < 0 ||
        json_integer_value(val_first) < 0)
        return lr_fail(err, LR_EDATA,
                       "%s: vocab_used, text_bytes, val_bytes or val_first is no count", path);
    out->vocab_used = (uint32_t)vocab;
    out->text_bytes = (uint64_t)text_bytes;
    out->val_bytes = (uint64_t)val_bytes;
    out->val_first = val_first ? (uint64_t)json_integer_value(val_first) : VAL_AT_END;
    int rc;
    if ((rc = get_text(out->text_hash, sizeof(out->text_hash), root, "text_hash", path, err)) ||
        (rc = get_text(out->model_hash, sizeof(out->model_hash), root, "model_hash", path, err)) ||
        (rc = get_text(out->tokenizer, sizeof(out->tokenizer), root, "tokenizer", path, err)) ||
        (rc = get_path(out->model, root, "model", path, err)) ||
        (rc = parse_parts(&out->train, root, "train", path, err)) ||
        (rc = parse_parts(&out->val, root, "val", path, err)))
        return rc;
    if (out->train.count == 0)
        return lr_fail(err, LR_EDATA, "%s: names no token files under train", path);
    if (out->val_first != VAL_AT_END && out->val_first > dataset_parts_tokens(&out->train))
        return lr_fail(err, LR_EDATA, "%s: val_first lies after the last token", path);
    return 0;
}

int dataset_file_parse(struct dataset_file *out, const char *text, size_t size, const char *path,
                       struct lr_error *err)
{
    json_error_t where;
    memset(out, 0, sizeof(*out));
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    if (!root)
        return lr_fail(err, LR_EDATA, "%s:%d: %s", path, where.line, where.text);
    int rc = parse_value(out, root, path, err);
    json_decref(root);
    if (rc)
        dataset_file_release(out);
    return rc;
}

static void add_parts(XXH3_state_t *state, const struct dataset_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        const struct dataset_part *part = &parts->part[i];
        const uint64_t numbers[] = {part->width, part->size, part->begins, part->tokens,
                                    part->sample_hash};
        XXH3_64bits_update(state, numbers, sizeof(numbers));
    }
}

static int hash_of(struct dataset_file *dataset, uint64_t *hash, struct lr_error *err)
{
    const uint64_t numbers[] = {dataset->train.count, dataset->val.count, dataset->val_first};
    XXH3_state_t *state = XXH3_createState();
    if (!state) {
        dataset_file_release(dataset);
        return lr_nomem(err);
    }
    XXH3_64bits_reset(state);
    XXH3_64bits_update(state, numbers, sizeof(numbers));
    add_parts(state, &dataset->train);
    add_parts(state, &dataset->val);
    *hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return 0;
}

int dataset_file_read(struct dataset_file *out, uint64_t *hash, const char *path,
                      struct lr_error *err)
{
    struct token_file file; /* any mapped bytes */
    memset(out, 0, sizeof(*out));
    int rc = token_file_map(&file, path, err);
    if (rc)
        return rc;
    if (file.size > TEXT_MOST)
        rc = lr_fail(err, LR_EDATA, "%s: is too large for a description of a dataset", path);
    else
        rc = dataset_file_parse(out, (const char *)file.map, file.size, path, err);
    token_file_close(&file);
    return rc ? rc : hash_of(out, hash, err);
}

/* ---- writing ---- */

/* `name`, relative to the folder of `path` if it is inside. */
static const char *relative(const char *name, const char *path)
{
    size_t folder = folder_length(path);
    return name + (strncmp(name, path, folder) == 0 ? folder : 0);
}

static json_t *value_of_parts(const struct dataset_parts *parts, const char *path)
{
    json_t *values = json_array();
    for (size_t i = 0; i < parts->count; i++) {
        const struct dataset_part *part = &parts->part[i];
        char hash[20];
        snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)part->sample_hash);
        json_array_append_new(values, json_pack("{s:s, s:s, s:i, s:I, s:I, s:I, s:s}", "path",
                                                relative(part->path, path), "format",
                                                token_format_name(part->format), "width",
                                                (int)part->width, "bytes", (json_int_t)part->size,
                                                "begins", (json_int_t)part->begins, "tokens",
                                                (json_int_t)part->tokens, "sample_hash", hash));
    }
    return values;
}

/* The JSON value, to be released with json_decref(); NULL: out of memory. */
static json_t *value_of(const struct dataset_file *dataset, const char *path)
{
    json_t *root =
        json_pack("{s:i, s:I, s:I, s:o}", "lrsearch_dataset", VERSION, "vocab_used",
                  (json_int_t)dataset->vocab_used, "text_bytes", (json_int_t)dataset->text_bytes,
                  "train", value_of_parts(&dataset->train, path));
    int bad = !root;
    if (dataset->val_first != VAL_AT_END)
        bad |= json_object_set_new(root, "val_first", json_integer((json_int_t)dataset->val_first));
    if (dataset->val_bytes)
        bad |= json_object_set_new(root, "val_bytes", json_integer((json_int_t)dataset->val_bytes));
    if (dataset->val.count)
        bad |= json_object_set_new(root, "val", value_of_parts(&dataset->val, path));
    const char *const texts[][2] = {{"text_hash", dataset->text_hash},
                                    {"tokenizer", dataset->tokenizer},
                                    {"model", relative(dataset->model, path)},
                                    {"model_hash", dataset->model_hash}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (*texts[i][1])
            bad |= json_object_set_new(root, texts[i][0], json_string(texts[i][1]));
    if (!bad)
        return root;
    json_decref(root);
    return NULL;
}

int dataset_file_write(const struct dataset_file *dataset, const char *path, struct lr_error *err)
{
    char temporary[TRIAL_PATH + 32];
    json_t *root = value_of(dataset, path);
    if (!root)
        return lr_fail(err, LR_ENOMEM, "%s: cannot be put into JSON", path);
    snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid());
    FILE *file = own_file_stream(temporary, 0666);
    int rc = file ? 0 : lr_fail_errno(err, LR_ECREATE, "%s", temporary);
    if (rc)
        goto out;
    bool written = !json_dumpf(root, file, JSON_INDENT(2)) && fputc('\n', file) != EOF;
    rc = own_stream_publish(file, written, temporary, path, err);

out:
    json_decref(root);
    return rc;
}
