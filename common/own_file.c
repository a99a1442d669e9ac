#define _XOPEN_SOURCE 700 /* lstat, fdopen, O_NOFOLLOW */
#include "lrsearch/own_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int own_file_create(const char *path, unsigned mode)
{
    if (unlink(path) && errno != ENOENT && errno != EISDIR && errno != EPERM)
        return -1;
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
}

FILE *own_file_stream(const char *path, unsigned mode)
{
    int fd = own_file_create(path, mode);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (fd >= 0 && !file) {
        int why = errno;
        close(fd);
        unlink(path);
        errno = why;
    }
    return file;
}

int own_stream_publish(FILE *file, bool written, const char *temporary, const char *path,
                       struct lr_error *err)
{
    int rc = 0;
    if (!written || fflush(file) || fsync(fileno(file)))
        rc = lr_fail_errno(err, LR_EIO, "%s", temporary);
    if (fclose(file) && !rc) /* fclose() closes in any case; the first error counts */
        rc = lr_fail_errno(err, LR_EIO, "%s", temporary);
    if (rc)
        goto out;
    if (rename(temporary, path))
        rc = lr_fail_errno(err, LR_ECREATE, "%s", path);

out:
    if (rc)
        unlink(temporary);
    return rc;
}

int own_place_check(const char *path, struct lr_error *err)
{
    static const char proc[] = "/proc/";
    char target[sizeof(proc) - 1];
    struct stat status;
    bool special = stat(path, &status) == 0 && !S_ISREG(status.st_mode);
    special = special || (readlink(path, target, sizeof(target)) == (ssize_t)sizeof(target) &&
                          memcmp(target, proc, sizeof(target)) == 0);
    return special ? lr_fail(err, LR_ECREATE,
                             "%s: is no regular file, and a new file would take its place; choose "
                             "another name",
                             path)
                   : 0;
}

int own_folder_check(const char *path, enum own_folder kind, struct lr_error *err)
{
    struct stat status;
    if (kind == OWN_FOLDER_INSIDE ? lstat(path, &status) : stat(path, &status))
        return lr_fail_errno(err, LR_ECREATE, "%s: cannot look at it", path);
    int rc = 0;
    if (S_ISLNK(status.st_mode))
        rc = lr_fail(err, LR_ECREATE,
                     "%s: is a symbolic link, and what is written there would go elsewhere; "
                     "remove it, or choose another --run-dir",
                     path);
    else if (!S_ISDIR(status.st_mode))
        rc = lr_fail(err, LR_ECREATE, "%s: is no directory; move it away", path);
    else if (status.st_uid != geteuid())
        rc = lr_fail(err, LR_ECREATE,
                     "%s: belongs to another user (uid %u), who could exchange files in it; "
                     "choose another --run-dir",
                     path, (unsigned)status.st_uid);
    else if (status.st_mode & (S_IWGRP | S_IWOTH))
        rc = lr_fail(err, LR_ECREATE,
                     "%s: others may write to it (mode %04o), and could exchange files in it; "
                     "take that from them (chmod go-w %s), or choose another --run-dir",
                     path, (unsigned)status.st_mode & 07777, path);
    errno = S_ISLNK(status.st_mode) ? ELOOP : S_ISDIR(status.st_mode) ? EPERM : ENOTDIR;
    return rc;
}

bool own_name_taken(const char *path)
{
    static const char history[] = "history.db";
    size_t end = strlen(path), begin;
    while (end > 0 && (path[end - 1] == '/' ||
                       (path[end - 1] == '.' && end > 1 && path[end - 2] == '/'))) /* "cache/./" */
        end--;
    for (begin = end; begin > 0 && path[begin - 1] != '/';)
        begin--;
    const char *name = path + begin;
    size_t length = end - begin;
    return (length == 6 && memcmp(name, "latest", 6) == 0) ||
           (length == 5 && memcmp(name, "cache", 5) == 0) ||
           (length >= sizeof(history) - 1 && memcmp(name, history, sizeof(history) - 1) == 0);
}
