/* Writing: the tensors are checked and the header is made before a file is created, so that a wrong
 * argument writes nothing; on any failure before the rename the temporary file is removed. Wide
 * elements come first because the format allows no holes: this order aligns every tensor.
 *
 * Reading: a file owns its map and the parsed header, to which the tensors' names and data point.
 * All checks run once, on opening: after that each tensor lies inside the map, aligned, and every
 * byte belongs to exactly one tensor. A file that passes was written completely. */
#include "data/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "data/little_endian.h"
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"

#define LENGTH_BYTES ((size_t)8)
#define ALIGNMENT ((size_t)64) /* a cache line; the widest vector */
#define MEND "write it again, or take another copy"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "elements are read and written as they lie");

/* ---- types and sizes ---- */

static const struct {
    const char *text;
    size_t size;
} dtypes[] = {
#define X(name, text, size) [name] = {text, size},
    ST_DTYPE_MAP(X)
#undef X
};
#define DTYPES (sizeof(dtypes) / sizeof(dtypes[0]))

const char *st_dtype_text(enum st_dtype dtype)
{
    return (size_t)dtype < DTYPES ? dtypes[dtype].text : NULL;
}

size_t st_dtype_size(enum st_dtype dtype)
{
    return (size_t)dtype < DTYPES ? dtypes[dtype].size : 0;
}

static enum st_dtype dtype_of(const char *text)
{
    for (size_t i = ST_NONE + 1; i < DTYPES; i++)
        if (strcmp(text, dtypes[i].text) == 0)
            return (enum st_dtype)i;
    return ST_NONE;
}

/* Counts without overflow, up to INT64_MAX: most JSON readers have signed integers. */
int st_tensor_bytes(const struct st_tensor *tensor, uint64_t *bytes, struct lr_error *err)
{
    uint64_t product = st_dtype_size(tensor->dtype);
    *bytes = 0;
    if (product == 0)
        return lr_fail(err, LR_EINVAL, "dtype %d is not known", (int)tensor->dtype);
    if (tensor->rank > ST_RANK_MAX)
        return lr_fail(err, LR_EINVAL, "it has %zu dimensions, and %zu are the most", tensor->rank,
                       ST_RANK_MAX);
    for (size_t i = 0; i < tensor->rank; i++) {
        uint64_t length = tensor->shape[i];
        if (length > INT64_MAX || (length > 0 && product > INT64_MAX / length))
            return lr_fail(err, LR_EINVAL, "its shape is too large to be counted in bytes");
        product *= length;
    }
    *bytes = product;
    return 0;
}

/* ---- writing ---- */

/* jansson refuses invalid UTF-8 everywhere, but only json_pack_ex() distinguishes it from a lack of
 * memory. */
static int check_text(const char *what, const char *text, struct lr_error *err)
{
    json_error_t why = {0}; /* jansson sets no code when out of memory */
    if (!text)
        return lr_fail(err, LR_EINVAL, "%s is NULL", what);
    json_t *checked = json_pack_ex(&why, 0, "s", text);
    if (checked) {
        json_decref(checked);
        return 0;
    }
    if (json_error_code(&why) == json_error_invalid_utf8)
        return lr_fail(err, LR_EINVAL, "%s is not UTF-8", what);
    return lr_nomem(err);
}

static int add_metadata(json_t *header, const struct st_pair *pairs, size_t count,
                        struct lr_error *err)
{
    json_t *object = json_object();
    if (!object || json_object_set_new(header, "__metadata__", object))
        return lr_nomem(err);
    for (size_t i = 0; i < count; i++) {
        int rc;
        if ((rc = check_text("a metadata key", pairs[i].key, err)))
            return rc;
        if ((rc = check_text("a metadata value", pairs[i].value, err)))
            return rc;
        if (json_object_get(object, pairs[i].key))
            return lr_fail(err, LR_EINVAL, "metadata key \"%.200s\" is there twice", pairs[i].key);
        if (json_object_set_new(object, pairs[i].key, json_string(pairs[i].value)))
            return lr_nomem(err);
    }
    return 0;
}

static int check_tensor(json_t *header, const struct st_tensor *tensor, uint64_t *bytes,
                        struct lr_error *err)
{
    int rc = check_text("a tensor's name", tensor->name, err);
    if (rc)
        return rc;
    const char *name = tensor->name;
    if (!*name || strcmp(name, "__metadata__") == 0)
        return lr_fail(err, LR_EINVAL, "a tensor cannot have the name \"%s\": take another", name);
    if (json_object_get(header, name))
        return lr_fail(err, LR_EINVAL, "tensor \"%.200s\" is there twice: names must differ", name);
    rc = st_tensor_bytes(tensor, bytes, err);
    if (rc) {
        lr_prefix(err, "tensor \"%.200s\"", name);
        return rc;
    }
    if (*bytes > 0 && !tensor->data)
        return lr_fail(err, LR_EINVAL, "tensor \"%.200s\" has no data", name);
    return 0;
}

/* Adds the tensor at [*end, *end + bytes) of the data and advances *end. */
static int add_tensor(json_t *header, const struct st_tensor *tensor, uint64_t *end,
                      struct lr_error *err)
{
    uint64_t bytes;
    int rc = check_tensor(header, tensor, &bytes, err);
    if (rc)
        return rc;
    if (bytes > (uint64_t)INT64_MAX - *end)
        return lr_fail(err, LR_EINVAL, "the tensors are too large together");
    json_t *shape = json_array();
    int failed = !shape;
    for (size_t i = 0; i < tensor->rank; i++)
        failed |= json_array_append_new(shape, json_integer((json_int_t)tensor->shape[i]));
    json_t *entry =
        failed ? NULL
               : json_pack("{s:s, s:O, s:[I, I]}", "dtype", st_dtype_text(tensor->dtype), "shape",
                           shape, "data_offsets", (json_int_t)*end, (json_int_t)(*end + bytes));
    json_decref(shape);
    if (json_object_set_new(header, tensor->name, entry)) /* fails if entry is NULL */
        return lr_nomem(err);
    *end += bytes;
    return 0;
}

/* Fills `order` with the tensors' indices in the order of their data, and `header`. */
static int lay_out_tensors(json_t *header, const struct st_tensor *tensors, size_t count,
                           size_t *order, struct lr_error *err)
{
    static const size_t widths[] = {8, 4, 1, 0}; /* 0: unknown dtype, which add_tensor() refuses */
    uint64_t end = 0;
    size_t placed = 0;
    for (size_t w = 0; w < sizeof(widths) / sizeof(*widths); w++) {
        for (size_t i = 0; i < count; i++) {
            if (st_dtype_size(tensors[i].dtype) != widths[w])
                continue;
            int rc = add_tensor(header, &tensors[i], &end, err);
            if (rc)
                return rc;
            order[placed++] = i;
        }
    }
    return 0;
}

/* Makes length, JSON and padding in one block; release it with lr_free(). */
static int make_head(const json_t *header, char **head, size_t *size, struct lr_error *err)
{
    const size_t flags = JSON_COMPACT;
    size_t json = json_dumpb(header, NULL, 0, flags); /* 0 on failure: the shortest is "{}" */
    if (json > ST_HEADER_MAX - ALIGNMENT)
        return lr_fail(err, LR_EINVAL, "the header would have %zu bytes, and the limit is %" PRIu64,
                       json, ST_HEADER_MAX - ALIGNMENT);
    *size = (LENGTH_BYTES + json + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    *head = json ? lr_malloc(*size) : NULL;
    if (!*head)
        return lr_nomem(err);
    memset(*head, ' ', *size);
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        (*head)[i] = (char)(unsigned char)((uint64_t)(*size - LENGTH_BYTES) >> (8 * i));
    if (json_dumpb(header, *head + LENGTH_BYTES, json, flags) == json)
        return 0;
    lr_free(*head);
    *head = NULL;
    return lr_nomem(err);
}

static int write_all(int fd, const void *bytes, uint64_t size)
{
    const char *rest = bytes;
    while (size > 0) {
        ssize_t part = write(fd, rest, size < SSIZE_MAX ? (size_t)size : (size_t)SSIZE_MAX);
        if (part < 0 && errno == EINTR)
            continue;
        if (part == 0)
            errno = EIO; /* no progress: do not loop for ever */
        if (part <= 0)
            return -1;
        rest += part;
        size -= (uint64_t)part;
    }
    return 0;
}

static int write_parts(int fd, const char *head, size_t head_size, const struct st_tensor *tensors,
                       size_t count, const size_t *order)
{
    if (write_all(fd, head, head_size))
        return -1;
    for (size_t i = 0; i < count; i++) {
        const struct st_tensor *tensor = &tensors[order[i]];
        uint64_t bytes = 0;
        st_tensor_bytes(tensor, &bytes, NULL); /* succeeded in check_tensor() */
        if (write_all(fd, tensor->data, bytes))
            return -1;
    }
    return fsync(fd);
}

/* Syncs the folder, so that the new name survives a crash. `scratch` holds a copy of the path and
 * is modified. */
static int sync_folder(const char *path, char *scratch, struct lr_error *err)
{
    char *slash = strrchr(scratch, '/');
    if (slash)
        slash[slash == scratch] = '\0'; /* keeps the / of "/file" */
    int fd = open(slash ? scratch : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || (fsync(fd) && errno != EINVAL); /* EINVAL: a file system without it */
    int rc = 0;
    if (failed)
        rc = lr_fail_errno(err, LR_EIO,
                           "%s: is written, but its folder cannot be synced, so a power cut may "
                           "undo it",
                           path);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int write_file(const char *path, const char *head, size_t head_size,
                      const struct st_tensor *tensors, size_t count, const size_t *order,
                      struct lr_error *err)
{
    size_t room = strlen(path) + 32;
    char *temporary = lr_malloc(room);
    if (!temporary)
        return lr_nomem(err);
    snprintf(temporary, room, "%s.tmp.%ld", path, (long)getpid());
    int rc = 0, fd = own_file_create(temporary, 0600);
    if (fd < 0) {
        rc = lr_fail_errno(err, LR_ECREATE,
                           "%s: cannot create it (the folder must exist and be writable)",
                           temporary);
        lr_free(temporary);
        return rc;
    }
    if (write_parts(fd, head, head_size, tensors, count, order))
        rc = lr_fail_errno(err, LR_EIO, "%s: cannot write it", temporary);
    if (close(fd) && !rc)
        rc = lr_fail_errno(err, LR_EIO, "%s: cannot write it", temporary);
    if (!rc && rename(temporary, path))
        rc = lr_fail_errno(err, LR_ECREATE, "%s: cannot rename it to %s", temporary, path);
    if (rc)
        unlink(temporary);
    else
        rc = sync_folder(path, strcpy(temporary, path), err);
    lr_free(temporary);
    return rc;
}

int safetensors_write(const char *path, const struct st_tensor *tensors, size_t count,
                      const struct st_pair *metadata, size_t metadata_count, struct lr_error *err)
{
    char *head = NULL;
    size_t head_size = 0;
    size_t *order = lr_calloc(count + 1, sizeof(*order));
    json_t *header = json_object();
    int rc = order && header ? 0 : lr_nomem(err);
    if (rc || (metadata_count > 0 && (rc = add_metadata(header, metadata, metadata_count, err))) ||
        (rc = lay_out_tensors(header, tensors, count, order, err)) ||
        (rc = make_head(header, &head, &head_size, err))) {
        lr_prefix(err, "%s: cannot write it", path);
        goto out;
    }
    rc = write_file(path, head, head_size, tensors, count, order, err);

out:
    json_decref(header);
    lr_free(head);
    lr_free(order);
    return rc;
}

/* ---- reading ---- */

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
    int rc;
    if ((rc = read_shape(tensor, json_object_get(object, "shape"), err)))
        return rc;
    if ((rc = read_offsets(entry, json_object_get(object, "data_offsets"), err)))
        return rc;
    if (st_tensor_bytes(tensor, &bytes, NULL))
        return lr_fail(err, LR_EDATA, "its shape is too large to be counted in bytes: " MEND);
    if (entry->end - entry->begin != bytes)
        return lr_fail(err, LR_EDATA,
                       "its shape needs %" PRIu64 " bytes, but \"data_offsets\" give it %" PRIu64
                       ": " MEND,
                       bytes, entry->end - entry->begin);
    /* The map is page-aligned, so the offset in the file determines the alignment in memory. */
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
    if (a->end != b->end) /* empty tensors come before the one at the same offset */
        return a->end < b->end ? -1 : 1;
    return strcmp(a->tensor.name, b->tensor.name);
}

/* Sorts the tensors and checks that they cover the data without gap or overlap. */
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
    uint64_t length;
    json_error_t where = {0};
    if (file->size < LENGTH_BYTES)
        return lr_fail(err, LR_EDATA,
                       "has %" PRIu64 " bytes, too few for a safetensors file: " MEND, file->size);
    length = u64_at(file->map);
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
    if (length == 0 || *text != '{') /* other readers require it too */
        return lr_fail(err, LR_EDATA, "is no safetensors file: its header does not begin with {");
    file->data = file->map + LENGTH_BYTES + length;
    file->data_size = file->size - LENGTH_BYTES - length;
    file->header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    if (file->header)
        return 0;
    /* jansson leaves the text empty on some failed allocations */
    if (!*where.text || json_error_code(&where) == json_error_out_of_memory)
        return lr_nomem(err);
    return lr_fail(err, LR_EDATA, "the header is no good JSON: %s (byte %d of it): " MEND,
                   where.text, where.position);
}

static int map_file(struct safetensors *file, const char *path, struct lr_error *err)
{
    struct stat info;
    int rc = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* do not block on a pipe */
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
    if (rc || (rc = read_header(file, err)) || (rc = read_entries(file, err))) {
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

/* Linear: files have at most hundreds of tensors, each looked up once. */
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
