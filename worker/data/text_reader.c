/* Streams text through zlib, which passes plain files through. Files that are not text are refused
 * by their first bytes: training on a token file or an image read as text would fail silently. */
#define _POSIX_C_SOURCE 200809L
#include "data/text_reader.h"

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>
#include "lrsearch/memory.h"

struct text_reader {
    glob_t paths;
    size_t next; /* index of the file after the open one */
    gzFile file;
    bool at_start;      /* nothing was read from this file yet */
    double done, total; /* compressed bytes */
};

/* Adds the file's size to the total. */
static int add_size(struct text_reader *reader, const char *path, struct lr_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return lr_fail_errno(err, LR_EDATA, "%s", path);
    if (!S_ISREG(info.st_mode))
        return lr_fail(err, LR_EDATA, "%s: is no regular file", path);
    if (info.st_size == 0)
        return lr_fail(err, LR_EDATA, "%s: is empty", path);
    reader->total += (double)info.st_size;
    return 0;
}

static int add_pattern(struct text_reader *reader, const char *pattern, bool append,
                       struct lr_error *err)
{
    int rc = glob(pattern, append ? GLOB_APPEND : 0, NULL, &reader->paths);
    if (rc == GLOB_NOMATCH)
        return lr_fail(err, LR_EDATA, "%s: no such file; check the path", pattern);
    return rc ? lr_fail(err, LR_EDATA, "%s: cannot be searched", pattern) : 0;
}

int text_reader_open(struct text_reader **out, const char *const *patterns, size_t count,
                     struct lr_error *err)
{
    *out = NULL;
    struct text_reader *reader = lr_calloc(1, sizeof(*reader));
    if (!reader)
        return lr_nomem(err);
    int rc = 0;
    for (size_t i = 0; i < count; i++)
        if ((rc = add_pattern(reader, patterns[i], i > 0, err)))
            goto out;
    for (size_t i = 0; i < reader->paths.gl_pathc; i++)
        if ((rc = add_size(reader, reader->paths.gl_pathv[i], err)))
            goto out;
    *out = reader;
    reader = NULL;

out:
    text_reader_close(reader);
    return rc;
}

static const char *path_now(const struct text_reader *reader)
{
    return reader->paths.gl_pathv[reader->next - 1];
}

static void close_file(struct text_reader *reader)
{
    struct stat info;
    if (!reader->file)
        return;
    gzclose(reader->file);
    reader->file = NULL;
    if (stat(path_now(reader), &info) == 0)
        reader->done += (double)info.st_size;
}

long text_reader_read(struct text_reader *reader, char *buffer, size_t size, struct lr_error *err)
{
    for (;;) {
        if (!reader->file) {
            if (reader->next >= reader->paths.gl_pathc)
                return 0;
            reader->file = gzopen(reader->paths.gl_pathv[reader->next++], "rb");
            reader->at_start = true;
            if (!reader->file)
                return lr_fail_errno(err, LR_EDATA, "%s", path_now(reader));
            gzbuffer(reader->file, 1 << 18);
        }
        int got = gzread(reader->file, buffer, (unsigned)size);
        int code;
        const char *text = gzerror(reader->file, &code);
        if (got < 0 || (got == 0 && code != Z_OK))
            return lr_fail(err, LR_EDATA, "%s: damaged gzip: %s", path_now(reader),
                           code == Z_ERRNO ? strerror(errno) : text);
        if (got > 0 && reader->at_start && memchr(buffer, 0, (size_t)(got < 4096 ? got : 4096)))
            return lr_fail(err, LR_EDATA, "%s: is not text (it has NUL bytes)", path_now(reader));
        reader->at_start = false;
        if (got > 0)
            return got;
        close_file(reader);
    }
}

double text_reader_share(const struct text_reader *reader)
{
    double now = reader->file ? (double)gzoffset(reader->file) : 0;
    return reader->total > 0 ? (reader->done + now) / reader->total : 1;
}

void text_reader_close(struct text_reader *reader)
{
    if (!reader)
        return;
    if (reader->file)
        gzclose(reader->file);
    globfree(&reader->paths);
    lr_free(reader);
}
