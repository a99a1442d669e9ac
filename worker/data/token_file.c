/* Reads and writes llm.c token shards. Sizes are checked once, when a file is opened; after that
 * every index below count is inside the map. */
#define _POSIX_C_SOURCE 200809L
#include "data/token_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { MAGIC_NARROW = 20240520, MAGIC_WIDE = 20240801, VERSION_NARROW = 1, VERSION_WIDE = 7 };

static uint32_t word_at(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

int token_file_check(struct token_file *file, const char *name, struct lr_error *err)
{
    if (file->size < TOKEN_FILE_HEADER)
        return lr_fail(err, LR_EDATA, "%s: %zu bytes are too short for a token file's header", name,
                       file->size);
    uint32_t magic = word_at(file->map), version = word_at(file->map + 4);
    file->wide = magic == MAGIC_WIDE;
    if (magic != MAGIC_NARROW && magic != MAGIC_WIDE)
        return lr_fail(err, LR_EDATA, "%s: is no token file (it begins with %u, not %d or %d)",
                       name, magic, MAGIC_NARROW, MAGIC_WIDE);
    if (version != (file->wide ? VERSION_WIDE : VERSION_NARROW))
        return lr_fail(err, LR_EDATA, "%s: token file version %u is not known", name, version);
    file->count = word_at(file->map + 8);
    uint64_t wanted = TOKEN_FILE_HEADER + file->count * (file->wide ? 4 : 2);
    if (file->size != wanted)
        return lr_fail(
            err, LR_EDATA,
            "%s: the header says %llu tokens, so %llu bytes, but the file has %zu: it is "
            "cut short or damaged",
            name, (unsigned long long)file->count, (unsigned long long)wanted, file->size);
    return 0;
}

int token_file_open(struct token_file *file, const char *path, struct lr_error *err)
{
    struct stat info;
    memset(file, 0, sizeof(*file));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        int rc = lr_fail_errno(err, LR_EDATA, "%s", path);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    file->size = (size_t)info.st_size;
    void *map = file->size ? mmap(NULL, file->size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    close(fd);
    if (map == MAP_FAILED)
        return lr_fail(err, LR_EDATA, "%s: is empty or cannot be mapped", path);
    file->map = map;
    int rc = token_file_check(file, path, err);
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

uint32_t token_file_get(const struct token_file *file, uint64_t index)
{
    if (file->wide)
        return word_at(file->map + TOKEN_FILE_HEADER + 4 * index);
    const unsigned char *at = file->map + TOKEN_FILE_HEADER + 2 * index;
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

void token_file_copy(const struct token_file *file, uint64_t first, size_t count, uint32_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = token_file_get(file, first + i);
}

uint64_t token_file_hash(const struct token_file *file)
{
    return XXH3_64bits(file->map, file->size);
}

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
