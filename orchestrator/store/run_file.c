/* Whole files of a run. A file is written beside its place, synced, and renamed into it: a reader
 * sees the old one or the new one, after a crash too. */
#define _POSIX_C_SOURCE 200809L /* S_ISREG */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"
#include "store/run_dir.h"

/* "path/name" + suffix; an empty path adds nothing. lr_free() it. */
static char *join(const char *path, const char *name, const char *suffix)
{
    size_t size = strlen(path) + strlen(name) + strlen(suffix) + 2;
    char *joined = lr_malloc(size);
    if (joined)
        snprintf(joined, size, "%s%s%s%s", path, *path ? "/" : "", name, suffix);
    return joined;
}

static int write_all(int fd, const void *bytes, size_t size)
{
    const char *rest = bytes;
    while (size > 0) {
        ssize_t part = write(fd, rest, size);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return -1;
        rest += part;
        size -= (size_t)part;
    }
    return 0;
}

int run_dir_write(const char *path, const char *name, const void *bytes, size_t size,
                  struct lr_error *err)
{
    char *final = join(path, name, ""), *beside = join(path, name, ".tmp");
    int rc = 0, fd = -1;
    if (!final || !beside) {
        rc = lr_nomem(err);
        goto out;
    }
    fd = own_file_create(beside, 0600);
    if (fd < 0) {
        rc = lr_fail_errno(err, LR_ECREATE, "%s: cannot create it", beside);
        goto out;
    }
    if (write_all(fd, bytes, size) || fsync(fd))
        rc = lr_fail_errno(err, LR_EIO, "%s: cannot write it", beside);
    if (close(fd) && !rc)
        rc = lr_fail_errno(err, LR_EIO, "%s: cannot write it", beside);
    if (!rc && rename(beside, final))
        rc = lr_fail_errno(err, LR_ECREATE, "%s: cannot rename it to %s", beside, final);
    if (rc)
        unlink(beside);

out:
    lr_free(final);
    lr_free(beside);
    return rc;
}

/* Reads to the end, whatever size the file system told. */
static int read_all(int fd, const char *file, char **text, struct lr_error *err)
{
    size_t used = 0, capacity = 0;
    char *bytes = NULL;
    for (;;) {
        char *larger = lr_grow(bytes, used + 1, &capacity, 1); /* room for the final NUL */
        if (!larger) {
            lr_free(bytes);
            return lr_nomem(err);
        }
        bytes = larger;
        if (used + 1 >= capacity)
            continue;
        ssize_t part = read(fd, bytes + used, capacity - used - 1);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0) {
            lr_free(bytes);
            return lr_fail_errno(err, LR_EIO, "%s: cannot read it", file);
        }
        if (part == 0)
            break;
        used += (size_t)part;
    }
    if (memchr(bytes, '\0', used)) {
        lr_free(bytes);
        return lr_fail(err, LR_EIO, "%s: is no text: it has a zero byte", file);
    }
    bytes[used] = '\0';
    *text = bytes;
    return 0;
}

int run_dir_read(const char *path, const char *name, char **text, struct lr_error *err)
{
    *text = NULL;
    int rc = 0;
    char *file = join(path, name, "");
    if (!file)
        return lr_nomem(err);
    /* A plan may come by a pipe; in a run's directory one would have its reader wait for ever. */
    struct stat status;
    int fd = open(file, O_RDONLY | O_CLOEXEC | (*path ? O_NONBLOCK : 0));
    if (fd >= 0) {
        if (*path && fstat(fd, &status) == 0 && !S_ISREG(status.st_mode))
            rc = lr_fail(err, LR_EIO, "%s: is no regular file", file);
        rc = rc ? rc : read_all(fd, file, text, err);
        close(fd);
    } else if (errno != ENOENT) {
        rc = lr_fail_errno(err, LR_EIO, "%s: cannot open it", file);
    }
    lr_free(file);
    return rc;
}
