#ifndef LRSEARCH_SAFETENSORS_H
#define LRSEARCH_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"

/* Named arrays in one file, in the safetensors layout that other programs read too: the length of
 * the header (u64, little-endian), a JSON header, then the arrays in C order, little-endian,
 * without holes. Written whole or not at all; read through mmap(). */

/* X(name here, name in the file, bytes of an element) */
#define ST_DTYPE_MAP(X)                                                                            \
    X(ST_F32, "F32", 4)                                                                            \
    X(ST_F64, "F64", 8)                                                                            \
    X(ST_I32, "I32", 4)                                                                            \
    X(ST_I64, "I64", 8)                                                                            \
    X(ST_U32, "U32", 4)                                                                            \
    X(ST_U64, "U64", 8)                                                                            \
    X(ST_U8, "U8", 1)

enum st_dtype {
    ST_NONE, /* so that a zeroed tensor is refused */
#define X(name, text, size) name,
    ST_DTYPE_MAP(X)
#undef X
};

#define ST_RANK_MAX ((size_t)4)
#define ST_HEADER_MAX ((uint64_t)100 << 20) /* bytes of JSON; other readers have such a limit too */

struct st_tensor {
    const char *name; /* UTF-8, not empty, not "__metadata__" */
    enum st_dtype dtype;
    size_t rank; /* 0: one element */
    uint64_t shape[ST_RANK_MAX];
    const void *data; /* st_tensor_bytes() bytes; may be NULL when they are 0 */
};

struct st_pair {
    const char *key, *value; /* UTF-8 */
};

const char *st_dtype_text(enum st_dtype dtype); /* "F32"; NULL when there is no such dtype */
size_t st_dtype_size(enum st_dtype dtype);      /* bytes of an element; 0 when there is none */
/* Elements times bytes of an element. LR_EINVAL: no such dtype, rank above ST_RANK_MAX, or more
 * than INT64_MAX bytes; the text says which, without the tensor's name. */
int st_tensor_bytes(const struct st_tensor *tensor, uint64_t *bytes, struct lr_error *err);

/* Writes PATH.tmp.<pid> beside `path`, syncs it and renames it to `path`, so that a reader sees the
 * old file or the new one, even after a crash. On failure the old file is unchanged and the
 * temporary is removed; only if the folder cannot be synced after the rename, the new file is
 * already in place, and the text says so. A symbolic link at `path` is replaced, not followed. The
 * data starts at a multiple of 64 bytes; elements of 8 bytes come first, then 4, then 1, so that
 * all are aligned; otherwise in the order given. Same arguments, same bytes. Errors: LR_EINVAL (the
 * tensors or the metadata are unusable), LR_ENOMEM, LR_ECREATE (cannot make the file), LR_ENOSPC,
 * LR_EIO (cannot write it). */
int safetensors_write(const char *path, const struct st_tensor *tensors, size_t count,
                      const struct st_pair *metadata, size_t metadata_count, struct lr_error *err);

struct safetensors;

/* Maps the whole file and checks everything but the elements: all data that the functions below
 * return are inside the map and aligned. They stay valid until safetensors_close(), also when
 * safetensors_write() replaces `path`; truncating the file in place is not allowed. Errors, with
 * *out NULL: LR_EIO (cannot open or map it), LR_EDATA (what is wrong in the file), LR_ENOMEM (while
 * the JSON is parsed, a lack of memory may read as bad JSON: LR_EDATA). */
int safetensors_open(struct safetensors **out, const char *path, struct lr_error *err);
void safetensors_close(struct safetensors *file); /* NULL is fine */

size_t safetensors_count(const struct safetensors *file);
/* In the order of their data in the file; NULL when index >= count. */
const struct st_tensor *safetensors_at(const struct safetensors *file, size_t index);
const struct st_tensor *safetensors_find(const struct safetensors *file,
                                         const char *name); /* NULL */
const char *safetensors_metadata(const struct safetensors *file,
                                 const char *key); /* NULL: absent */

#endif
