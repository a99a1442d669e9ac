/* Writes safetensors files. Owns the temporary file from its creation to the rename; whatever fails
 * in between, it is removed. The tensors are checked and the header is made before a file is
 * touched, so a wrong argument costs no disk. Wide elements come first because the format allows no
 * holes: only so is each tensor aligned. */
#include "data/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"

#define ALIGNMENT ((size_t)64) /* a cache line; what the widest vector loads want */
#define LENGTH_BYTES ((size_t)8)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are written as they lie");

static int out_of_memory(struct lr_error *err)
{
    return lr_nomem(err);
}

/* jansson refuses other bytes than UTF-8 everywhere, but only json_pack_ex() tells it apart from a
 * lack of memory. */
static int check_text(const char *what, const char *text, struct lr_error *err)
{
    json_error_t why = {0}; /* jansson sets no code when memory is lacking */
    if (!text)
        return lr_fail(err, LR_EINVAL, "%s is NULL", what);
    json_t *checked = json_pack_ex(&why, 0, "s", text);
    if (checked) {
        json_decref(checked);
        return 0;
    }
    if (json_error_code(&why) == json_error_invalid_utf8)
        return lr_fail(err, LR_EINVAL, "%s is not UTF-8", what);
    return out_of_memory(err);
}

static int add_metadata(json_t *header, const struct st_pair *pairs, size_t count,
                        struct lr_error *err)
{
    json_t *object = json_object();
    if (!object || json_object_set_new(header, "__metadata__", object))
        return out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        int rc = check_text("a metadata key", pairs[i].key, err);
        if (!rc)
            rc = check_text("a metadata value", pairs[i].value, err);
        if (rc)
            return rc;
        if (json_object_get(object, pairs[i].key))
            return lr_fail(err, LR_EINVAL, "metadata key \"%.200s\" is there twice", pairs[i].key);
        if (json_object_set_new(object, pairs[i].key, json_string(pairs[i].value)))
            return out_of_memory(err);
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

/* [*end, *end + bytes) become its place in the data; *end moves on. */
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
    if (json_object_set_new(header, tensor->name, entry)) /* refuses NULL */
        return out_of_memory(err);
    *end += bytes;
    return 0;
}

/* Fills `order` with the tensors' indices as their data will lie, and `header`. */
static int lay_out(json_t *header, const struct st_tensor *tensors, size_t count, size_t *order,
                   struct lr_error *err)
{
    static const size_t widths[] = {8, 4, 1, 0}; /* 0: no such dtype, so that it is refused */
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

/* Length, JSON and padding in one block; lr_free() it. */
static int make_head(const json_t *header, char **head, size_t *size, struct lr_error *err)
{
    const size_t flags = JSON_COMPACT;
    size_t json = json_dumpb(header, NULL, 0, flags); /* 0 on failure: "{}" is the least */
    if (json > ST_HEADER_MAX - ALIGNMENT)
        return lr_fail(err, LR_EINVAL, "the header would have %zu bytes, and the limit is %" PRIu64,
                       json, ST_HEADER_MAX - ALIGNMENT);
    *size = (LENGTH_BYTES + json + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    *head = json ? lr_malloc(*size) : NULL;
    if (!*head)
        return out_of_memory(err);
    memset(*head, ' ', *size);
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        (*head)[i] = (char)(unsigned char)((uint64_t)(*size - LENGTH_BYTES) >> (8 * i));
    if (json_dumpb(header, *head + LENGTH_BYTES, json, flags) == json)
        return 0;
    lr_free(*head);
    *head = NULL;
    return out_of_memory(err);
}

static int write_all(int fd, const void *bytes, uint64_t size)
{
    const char *rest = bytes;
    while (size > 0) {
        ssize_t part = write(fd, rest, size < SSIZE_MAX ? (size_t)size : (size_t)SSIZE_MAX);
        if (part < 0 && errno == EINTR)
            continue;
        if (part == 0)
            errno = EIO; /* no progress: do not try for ever */
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
        st_tensor_bytes(tensor, &bytes, NULL); /* did well in check_tensor() */
        if (write_all(fd, tensor->data, bytes))
            return -1;
    }
    return fsync(fd);
}

/* The new name itself must survive a crash. `scratch` holds a copy of the path and is cut. */
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
        return out_of_memory(err);
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
    int rc = order && header ? 0 : out_of_memory(err);
    if (!rc && metadata_count > 0)
        rc = add_metadata(header, metadata, metadata_count, err);
    if (!rc)
        rc = lay_out(header, tensors, count, order, err);
    if (!rc)
        rc = make_head(header, &head, &head_size, err);
    if (rc)
        lr_prefix(err, "%s: cannot write it", path);
    else
        rc = write_file(path, head, head_size, tensors, count, order, err);
    json_decref(header);
    lr_free(head);
    lr_free(order);
    return rc;
}
