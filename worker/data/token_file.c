/* Recognises and reads token files, and writes llm.c shards. Sizes are checked once, when a file is
 * opened; after that every index below count is inside the map. */
#define _POSIX_C_SOURCE 200809L
#include "data/token_file.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include "data/little_endian.h"
#include "data/token_index.h"

enum { MAGIC_NARROW = 20240520, MAGIC_WIDE = 20240801, VERSION_NARROW = 1, VERSION_WIDE = 7 };

/* ---- layouts ---- */

static bool begins_as_llmc(const struct token_file *file)
{
    uint32_t magic = file->size >= TOKEN_FILE_HEADER ? u32_at(file->map) : 0;
    return magic == MAGIC_NARROW || magic == MAGIC_WIDE;
}

static int check_llmc(struct token_file *file, const char *name, struct lr_error *err)
{
    if (file->size < TOKEN_FILE_HEADER)
        return lr_fail(err, LR_EDATA, "%s: %zu bytes are too short for the header of a token file",
                       name, file->size);
    if (!begins_as_llmc(file))
        return lr_fail(err, LR_EDATA, "%s: is no llm.c shard (it begins with %u, not %d or %d)",
                       name, u32_at(file->map), MAGIC_NARROW, MAGIC_WIDE);
    bool wide = u32_at(file->map) == MAGIC_WIDE;
    uint32_t version = u32_at(file->map + 4);
    if (version != (wide ? VERSION_WIDE : VERSION_NARROW))
        return lr_fail(err, LR_EDATA, "%s: token file version %u is not known", name, version);
    file->count = u32_at(file->map + 8);
    file->width = wide ? 4 : 2;
    file->at = file->map + TOKEN_FILE_HEADER;
    uint64_t wanted = TOKEN_FILE_HEADER + file->count * file->width;
    if (file->size != wanted)
        return lr_fail(
            err, LR_EDATA,
            "%s: the header says %llu tokens, so %llu bytes, but the file has %zu: it is "
            "cut short or damaged",
            name, (unsigned long long)file->count, (unsigned long long)wanted, file->size);
    return 0;
}

static int check_megatron(struct token_file *file, const char *name, const unsigned char *map,
                          size_t size, struct lr_error *err)
{
    struct token_index index;
    char index_name[1100];
    if (!map)
        return lr_fail(err, LR_EDATA,
                       "%s: data.format is megatron, but there is no index (.idx) beside it", name);
    size_t length = strlen(name);
    snprintf(index_name, sizeof(index_name), "%.*s.idx",
             (int)(length > 4 && strcmp(name + length - 4, ".bin") == 0 ? length - 4 : length),
             name);
    int rc = token_index_read(&index, map, size, file->size, index_name, err);
    if (rc)
        return rc;
    file->count = index.tokens;
    file->width = index.width;
    file->at = file->map;
    return 0;
}

static int check_nanogpt(struct token_file *file, const char *name, struct lr_error *err)
{
    if (file->size % 2)
        return lr_fail(err, LR_EDATA,
                       "%s: %zu bytes are no whole number of uint16 tokens: it is cut short, or "
                       "of another kind",
                       name, file->size);
    file->count = file->size / 2;
    file->width = 2;
    file->at = file->map;
    return 0;
}

static bool ends_in(const char *name, const char *ending)
{
    size_t length = strlen(name), tail = strlen(ending);
    return length >= tail && strcmp(name + length - tail, ending) == 0;
}

/* 16-bit tokens have zero bytes among the first few thousand, text has none. */
static bool looks_like_text(const struct token_file *file)
{
    return !memchr(file->map, 0, file->size < 4096 ? file->size : 4096);
}

static bool is_gzip(const struct token_file *file)
{
    return file->size > 2 && file->map[0] == 0x1f && file->map[1] == 0x8b;
}

static enum token_format recognise(const struct token_file *file, const char *name,
                                   const unsigned char *index)
{
    if (begins_as_llmc(file))
        return TOKENS_LLMC;
    if (index)
        return TOKENS_MEGATRON;
    return ends_in(name, ".bin") ? TOKENS_NANOGPT : TOKENS_AUTO;
}

int token_file_check(struct token_file *file, const char *name, enum token_format format,
                     const unsigned char *index, size_t index_size, struct lr_error *err)
{
    if (format == TOKENS_AUTO) {
        format = recognise(file, name, index);
        bool bare = format == TOKENS_AUTO || format == TOKENS_NANOGPT;
        if (bare && (looks_like_text(file) || is_gzip(file)))
            return lr_fail(err, LR_EDATA,
                           "%s: looks like text; name it under data.text, or say data.format: "
                           "nanogpt if it holds bare uint16 tokens",
                           name);
        if (format == TOKENS_AUTO)
            return lr_fail(err, LR_EDATA,
                           "%s: no known kind of token file; say data.format if it is one", name);
    }
    file->format = format;
    switch (format) {
    case TOKENS_LLMC:
        return check_llmc(file, name, err);
    case TOKENS_MEGATRON:
        return check_megatron(file, name, index, index_size, err);
    default:
        return check_nanogpt(file, name, err);
    }
}

/* ---- opening ---- */

int token_file_map(struct token_file *file, const char *path, struct lr_error *err)
{
    struct stat info;
    memset(file, 0, sizeof(*file));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* do not block on a pipe */
    if (fd < 0)
        return lr_fail_errno(err, LR_EDATA, "%s", path);
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return lr_fail(err, LR_EDATA, "%s: is no regular file", path);
    }
    size_t size = (size_t)info.st_size;
    void *map = size ? mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0) : NULL;
    int rc = !size               ? lr_fail(err, LR_EDATA, "%s: is empty", path)
             : map == MAP_FAILED ? lr_fail_errno(err, LR_EDATA, "%s", path)
                                 : 0;
    close(fd);
    if (!rc) {
        file->map = map;
        file->size = size;
    }
    return rc;
}

/* Makes the names of the tokens and of the index, x.bin and x.idx, from either; `bin` and `idx`
 * have room for strlen(path) + 5. */
static void name_pair(const char *path, char *bin, char *idx, size_t capacity)
{
    size_t length = strlen(path);
    bool is_idx = ends_in(path, ".idx");
    size_t stem = is_idx || ends_in(path, ".bin") ? length - 4 : length;
    snprintf(bin, capacity, "%.*s%s", (int)stem, path, is_idx ? ".bin" : path + stem);
    snprintf(idx, capacity, "%.*s.idx", (int)stem, path);
}

int token_file_open(struct token_file *file, const char *path, enum token_format format,
                    struct lr_error *err)
{
    char bin[1100], idx[1100];
    struct token_file index = {0};
    memset(file, 0, sizeof(*file));
    if (strlen(path) + 5 > sizeof(bin))
        return lr_fail(err, LR_EDATA, "%s: the path is too long", path);
    name_pair(path, bin, idx, sizeof(bin));
    bool may_have_index = format == TOKENS_MEGATRON || format == TOKENS_AUTO;
    int rc;
    if ((rc = token_file_map(file, bin, err)))
        goto out;
    if (may_have_index && access(idx, F_OK) == 0 && (rc = token_file_map(&index, idx, err)))
        goto out;
    rc = token_file_check(file, bin, format, index.map, index.size, err);

out:
    token_file_close(&index);
    if (rc)
        token_file_close(file);
    return rc;
}

void token_file_close(struct token_file *file)
{
    if (file->map)
        munmap((void *)(uintptr_t)file->map, file->size);
    memset(file, 0, sizeof(*file));
}

int token_file_document(const struct token_file *file, const char *path, uint64_t token,
                        uint64_t *first, struct lr_error *err)
{
    char bin[1100], idx[1100];
    struct token_file mapped;
    struct token_index index;
    *first = token;
    if (file->format != TOKENS_MEGATRON || token >= file->count)
        return 0;
    name_pair(path, bin, idx, sizeof(bin));
    int rc = token_file_map(&mapped, idx, err);
    if (rc)
        return rc;
    rc = token_index_read(&index, mapped.map, mapped.size, file->size, idx, err);
    if (!rc)
        *first = token_index_document(&index, token);
    token_file_close(&mapped);
    return rc;
}

/* ---- tokens ---- */

uint32_t token_file_get(const struct token_file *file, uint64_t index)
{
    const unsigned char *at = file->at + file->width * index;
    return file->width == 2 ? u16_at(at) : file->width == 4 ? u32_at(at) : *at;
}

void token_file_copy(const struct token_file *file, uint64_t first, size_t count, uint32_t *out)
{
    assert(first <= file->count && count <= file->count - first);
    for (size_t i = 0; i < count; i++)
        out[i] = token_file_get(file, first + i);
}

uint64_t token_file_sample_hash(const struct token_file *file)
{
    const size_t sample = (size_t)1 << 16, size = file->size;
    if (size <= 3 * sample)
        return XXH3_64bits_withSeed(file->map, size, size);
    uint64_t parts[] = {XXH3_64bits(file->map, sample),
                        XXH3_64bits(file->map + (size - sample) / 2, sample),
                        XXH3_64bits(file->map + size - sample, sample)};
    return XXH3_64bits_withSeed(parts, sizeof(parts), size);
}

/* ---- writing ---- */

static void put_word(unsigned char *bytes, uint32_t word)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(word >> (8 * i));
}

int token_file_write_header(FILE *out, bool wide, uint64_t count)
{
    unsigned char header[TOKEN_FILE_HEADER] = {0};
    put_word(header, wide ? MAGIC_WIDE : MAGIC_NARROW);
    put_word(header + 4, wide ? VERSION_WIDE : VERSION_NARROW);
    put_word(header + 8, (uint32_t)count);
    return fwrite(header, sizeof(header), 1, out) == 1 ? 0 : -1;
}

int token_file_write(FILE *out, bool wide, const uint32_t *tokens, size_t count)
{
    unsigned char buffer[4096];
    size_t width = wide ? 4 : 2;
    for (size_t i = 0; i < count;) {
        size_t used = 0;
        for (; i < count && used < sizeof(buffer); i++, used += width)
            for (size_t byte = 0; byte < width; byte++)
                buffer[used + byte] = (unsigned char)(tokens[i] >> (8 * byte));
        if (fwrite(buffer, used, 1, out) != 1)
            return -1;
    }
    return 0;
}
