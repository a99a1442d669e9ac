/* Reads safetensors files. Owns the map and the parsed header, to which the tensors' names and data
 * point. Everything is checked once, on opening: after that each tensor lies inside the map,
 * aligned, and no byte belongs to two tensors or to none. A file that passes is one that a writer
 * finished. */
#include "data/safetensors.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lrsearch/memory.h"

#define LENGTH_BYTES ((uint64_t)8)
#define MEND "write it again, or take another copy"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are read as they lie");

struct entry {
    struct st_tensor tensor;
    uint64_t begin, end; /* bytes from the data's start */
};

struct safetensors {
    const unsigned char *map;
    uint64_t size;
    const unsigned char *data;
    uint64_t data_size;
    json_t *header;
    json_t *metadata; /* borrowed from header; NULL: none */
    struct entry *entries;
    size_t count;
};

static enum st_dtype dtype_of(const char *text)
{
#define X(name, known, size)                                                                       \
    if (strcmp(text, known) == 0)                                                                  \
        return name;
    ST_DTYPE_MAP(X)
#undef X
    return ST_NONE;
}

static int read_shape(struct st_tensor *tensor, const json_t *shape, struct lr_error *err)
{
    if (!json_is_array(shape))
        return lr_fail(err, LR_EDATA, "\"shape\" is no list: " MEND);
    tensor->rank = json_array_size(shape);
    if (tensor->rank > ST_RANK_MAX)
        return lr_fail(err, LR_EDATA,
                       "it has %zu dimensions, and %zu are the most: write it with fewer",
                       tensor->rank, ST_RANK_MAX);
    for (size_t i = 0; i < tensor->rank; i++) {
        const json_t *length = json_array_get(shape, i);
        if (!json_is_integer(length) || json_integer_value(length) < 0)
            return lr_fail(err, LR_EDATA,
                           "\"shape\" has something else than whole numbers from 0 up: " MEND);
        tensor->shape[i] = (uint64_t)json_integer_value(length);
    }
    return 0;
}

static int read_offsets(struct entry *entry, const json_t *offsets, struct lr_error *err)
{
    uint64_t *const ends[2] = {&entry->begin, &entry->end};
    int fine = json_is_array(offsets) && json_array_size(offsets) == 2;
    for (size_t i = 0; fine && i < 2; i++) {
        const json_t *offset = json_array_get(offsets, i);
        fine = json_is_integer(offset) && json_integer_value(offset) >= 0;
        *ends[i] = (uint64_t)json_integer_value(offset);
    }
    if (!fine || entry->begin > entry->end)
        return lr_fail(err, LR_EDATA,
                       "\"data_offsets\" must be two whole numbers from 0 up, the smaller one "
                       "first: " MEND);
    return 0;
}

static int read_entry(const struct safetensors *file, struct entry *entry, const json_t *object,
                      struct lr_error *err)
{
    struct st_tensor *tensor = &entry->tensor;
    uint64_t bytes;
    const char *dtype = json_string_value(json_object_get(object, "dtype"));
    if (!dtype)
        return lr_fail(err, LR_EDATA, "it has no \"dtype\" that is a text: " MEND);
    tensor->dtype = dtype_of(dtype);
    if (tensor->dtype == ST_NONE)
        return lr_fail(err, LR_EDATA,
                       "dtype \"%.40s\" cannot be read here: write it as F32, F64, I32, I64, U32, "
                       "U64 or U8",
                       dtype);
    int rc = read_shape(tensor, json_object_get(object, "shape"), err);
    if (!rc)
        rc = read_offsets(entry, json_object_get(object, "data_offsets"), err);
    if (rc)
        return rc;
    if (st_tensor_bytes(tensor, &bytes, NULL))
        return lr_fail(err, LR_EDATA, "its shape is too large to be counted in bytes: " MEND);
    if (entry->end - entry->begin != bytes)
        return lr_fail(err, LR_EDATA,
                       "its shape needs %" PRIu64 " bytes, but \"data_offsets\" give it %" PRIu64
                       ": " MEND,
                       bytes, entry->end - entry->begin);
    /* The map starts at a page, so the place in the file tells the alignment in memory. */
    if (((uint64_t)(file->data - file->map) + entry->begin) % st_dtype_size(tensor->dtype))
        return lr_fail(err, LR_EDATA,
                       "its data starts at byte %" PRIu64
                       " of the file, which is no multiple of %s's %zu bytes: write it again with "
                       "a padded header and the widest elements first",
                       (uint64_t)(file->data - file->map) + entry->begin, dtype,
                       st_dtype_size(tensor->dtype));
    return 0;
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    if (a->end != b->end) /* empty tensors come before the one that starts at their place */
        return a->end < b->end ? -1 : 1;
    return strcmp(a->tensor.name, b->tensor.name);
}

/* The tensors must cover the data, one after the other. */
static int place_entries(struct safetensors *file, struct lr_error *err)
{
    uint64_t end = 0;
    if (file->count > 0)
        qsort(file->entries, file->count, sizeof(*file->entries), compare_entries);
    for (size_t i = 0; i < file->count; i++) {
        struct entry *entry = &file->entries[i];
        if (entry->begin < end)
            return lr_fail(err, LR_EDATA, "tensors \"%.200s\" and \"%.200s\" overlap: " MEND,
                           entry[-1].tensor.name, entry->tensor.name);
        if (entry->begin > end)
            return lr_fail(err, LR_EDATA,
                           "%" PRIu64 " bytes of data before tensor \"%.200s\" belong to no "
                           "tensor: " MEND,
                           entry->begin - end, entry->tensor.name);
        end = entry->end;
    }
    if (end > file->data_size)
        return lr_fail(err, LR_EDATA, "is cut short: %" PRIu64 " bytes of data are missing: " MEND,
                       end - file->data_size);
    if (end < file->data_size)
        return lr_fail(err, LR_EDATA,
                       "%" PRIu64 " bytes after the last tensor belong to no tensor: " MEND,
                       file->data_size - end);
    for (size_t i = 0; i < file->count; i++)
        file->entries[i].tensor.data = file->data + file->entries[i].begin;
    return 0;
}

static int read_metadata(struct safetensors *file, json_t *metadata, struct lr_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return lr_fail(err, LR_EDATA, "\"__metadata__\" is no object: " MEND);
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return lr_fail(err, LR_EDATA, "\"__metadata__\": \"%.200s\" is no text: " MEND, key);
    }
    file->metadata = metadata;
    return 0;
}

static int read_entries(struct safetensors *file, struct lr_error *err)
{
    const char *name;
    json_t *value;
    file->entries = lr_calloc(json_object_size(file->header) + 1, sizeof(*file->entries));
    if (!file->entries)
        return lr_nomem(err);
    json_object_foreach(file->header, name, value)
    {
        int rc;
        if (strcmp(name, "__metadata__") == 0) {
            rc = read_metadata(file, value, err);
        } else if (!*name) {
            rc = lr_fail(err, LR_EDATA, "a tensor has no name: " MEND);
        } else {
            struct entry *entry = &file->entries[file->count++];
            entry->tensor.name = name;
            rc = read_entry(file, entry, value, err);
            if (rc)
                lr_prefix(err, "tensor \"%.200s\"", name);
        }
        if (rc)
            return rc;
    }
    return place_entries(file, err);
}

static int read_header(struct safetensors *file, struct lr_error *err)
{
    uint64_t length = 0;
    json_error_t where = {0};
    if (file->size < LENGTH_BYTES)
        return lr_fail(err, LR_EDATA,
                       "has %" PRIu64 " bytes, too few for a safetensors file: " MEND, file->size);
    for (unsigned i = 0; i < LENGTH_BYTES; i++)
        length |= (uint64_t)file->map[i] << (8 * i);
    if (length > ST_HEADER_MAX)
        return lr_fail(err, LR_EDATA,
                       "is no safetensors file: its header would have %" PRIu64
                       " bytes, and the limit is %" PRIu64,
                       length, ST_HEADER_MAX);
    if (length > file->size - LENGTH_BYTES)
        return lr_fail(err, LR_EDATA,
                       "is cut short: %" PRIu64 " bytes of the header are missing: " MEND,
                       length - (file->size - LENGTH_BYTES));
    const char *text = (const char *)file->map + LENGTH_BYTES;
    if (length == 0 || *text != '{') /* other readers demand it too */
        return lr_fail(err, LR_EDATA, "is no safetensors file: its header does not begin with {");
    file->data = file->map + LENGTH_BYTES + length;
    file->data_size = file->size - LENGTH_BYTES - length;
    file->header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    if (file->header)
        return 0;
    /* jansson leaves the text empty at some allocations that fail */
    if (!*where.text || json_error_code(&where) == json_error_out_of_memory)
        return lr_nomem(err);
    return lr_fail(err, LR_EDATA, "the header is no good JSON: %s (byte %d of it): " MEND,
                   where.text, where.position);
}

static int map_file(struct safetensors *file, const char *path, struct lr_error *err)
{
    struct stat info;
    int rc = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* do not wait at a pipe */
    if (fd < 0)
        return lr_fail_errno(err, LR_EIO, "cannot open it");
    if (fstat(fd, &info)) {
        rc = lr_fail_errno(err, LR_EIO, "cannot look at it");
    } else if (!S_ISREG(info.st_mode)) {
        rc = lr_fail(err, LR_EDATA, "is no regular file");
    } else if (info.st_size > 0) {
        void *map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            rc = lr_fail_errno(err, LR_EIO, "cannot map it");
        } else {
            file->map = map;
            file->size = (uint64_t)info.st_size;
        }
    }
    close(fd);
    return rc;
}

int safetensors_open(struct safetensors **out, const char *path, struct lr_error *err)
{
    *out = NULL;
    struct safetensors *file = lr_calloc(1, sizeof(*file));
    int rc = file ? map_file(file, path, err) : lr_nomem(err);
    if (!rc)
        rc = read_header(file, err);
    if (!rc)
        rc = read_entries(file, err);
    if (rc) {
        lr_prefix(err, "%s", path);
        safetensors_close(file);
        return rc;
    }
    *out = file;
    return 0;
}

void safetensors_close(struct safetensors *file)
{
    if (!file)
        return;
    if (file->map)
        munmap((void *)(uintptr_t)file->map, (size_t)file->size);
    json_decref(file->header);
    lr_free(file->entries);
    lr_free(file);
}

size_t safetensors_count(const struct safetensors *file)
{
    return file->count;
}

const struct st_tensor *safetensors_at(const struct safetensors *file, size_t index)
{
    return index < file->count ? &file->entries[index].tensor : NULL;
}

/* Files have hundreds of tensors at the most, and each is looked for once. */
const struct st_tensor *safetensors_find(const struct safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->entries[i].tensor.name, name) == 0)
            return &file->entries[i].tensor;
    return NULL;
}

const char *safetensors_metadata(const struct safetensors *file, const char *key)
{
    return json_string_value(json_object_get(file->metadata, key));
}
