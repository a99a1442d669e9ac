/* The directory of a run, private to the user (a plan may name private data), with the link
 * `latest` beside it. Files are written under a temporary name, synced, and renamed: a reader sees
 * the old or the new file, also after a crash. */
#define _XOPEN_SOURCE 700 /* realpath, S_ISREG */
#include "store/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"

enum { NAME_ROOM = 40 }; /* for file names in the folder */

/* Joins "path/name" and suffix; an empty path gives "name". lr_free() it. */
static char *join(const char *path, const char *name, const char *suffix)
{
    size_t size = strlen(path) + strlen(name) + strlen(suffix) + 2;
    char *joined = lr_malloc(size);
    if (joined)
        snprintf(joined, size, "%s%s%s%s", path, *path ? "/" : "", name, suffix);
    return joined;
}

static int make_directory(const char *path, struct lr_error *err)
{
    struct stat status;
    if (mkdir(path, 0700) == 0)
        return 0;
    int why = errno;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) /* EEXIST, or EROFS above it */
        return 0;
    errno = why;
    return lr_fail_errno(err, LR_ECREATE, "cannot create the directory %s", path);
}

/* `path` is modified during the call and restored on return. */
static int make_parents(char *path, struct lr_error *err)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int rc = make_directory(path, err);
        *slash = '/';
        if (rc)
            return rc;
    }
    return 0;
}

/* Points the link to `target` by a rename, so that it never is missing. */
static void replace_link(const char *link, const char *target)
{
    char beside[PATH_MAX + 32], old[NAME_MAX + 1];
    ssize_t length = readlink(link, old, sizeof(old) - 1);
    if (length >= 0 && (size_t)length == strlen(target) && memcmp(old, target, (size_t)length) == 0)
        return;
    struct stat status;
    if (lstat(link, &status) == 0 && !S_ISLNK(status.st_mode)) {
        lr_log(LR_LOG_WARNING, "%s: is no link, and is left as it is", link);
        return;
    }
    snprintf(beside, sizeof(beside), "%s.%ld", link, (long)getpid());
    if (symlink(target, beside) == 0 && rename(beside, link) == 0)
        return;
    lr_log(LR_LOG_WARNING, "%s: cannot point it to %s: %s", link, target, strerror(errno));
    unlink(beside);
}

static void point_latest(const char *path)
{
    char real[PATH_MAX], link[PATH_MAX + 8];
    if (!realpath(path, real))
        return;
    char *slash = strrchr(real, '/');
    if (!slash || !slash[1] || strcmp(slash + 1, "latest") == 0)
        return;
    snprintf(link, sizeof(link), "%.*s/latest", (int)(slash - real), real);
    replace_link(link, slash + 1);
}

int run_dir_make(const char *path, struct lr_error *err)
{
    char parents[PATH_MAX];
    if (snprintf(parents, sizeof(parents), "%s/", path) >= (int)sizeof(parents))
        return lr_fail(err, LR_ECREATE, "%s: the path is too long", path);
    return make_parents(parents, err);
}

int run_dir_make_inner(const char *path, struct lr_error *err)
{
    struct stat status; /* mkdir fails on a dangling link: report the link */
    int rc = lstat(path, &status) ? make_directory(path, err) : 0;
    return rc ? rc : own_folder_check(path, OWN_FOLDER_INSIDE, err);
}

/* `latest` is allowed if it is the link of that name: it resumes a run. */
static int check_name(const char *path, struct lr_error *err)
{
    char link[PATH_MAX];
    size_t length = strlen(path);
    struct stat status;
    while (length > 1 && path[length - 1] == '/')
        length--;
    snprintf(link, sizeof(link), "%.*s", (int)length, path);
    if (!own_name_taken(path) || (length >= 6 && memcmp(path + length - 6, "latest", 6) == 0 &&
                                  lstat(link, &status) == 0 && S_ISLNK(status.st_mode)))
        return 0;
    return lr_fail(err, LR_ECREATE,
                   "%s: is a name that lrsearch uses itself beside the runs (" OWN_NAMES
                   "); choose another --run-dir",
                   path);
}

int run_dir_open(const char *path, struct lr_error *err)
{
    if (!*path)
        return lr_fail(err, LR_ECREATE, "the run directory has no name; give --run-dir");
    int rc = check_name(path, err);
    if (rc)
        return rc;
    char *curves = join(path, "curves", "");
    if (!curves)
        return lr_nomem(err);
    if ((rc = make_parents(curves, err)))
        goto out;
    if ((rc = own_folder_check(path, OWN_FOLDER_NAMED, err)))
        goto out;
    if (access(path, W_OK | X_OK)) {
        rc = lr_fail_errno(err, LR_ECREATE,
                           "cannot write to the directory %s (name another with --run-dir)", path);
        goto out;
    }
    if ((rc = run_dir_make_inner(curves, err)))
        goto out;
    point_latest(path);

out:
    lr_free(curves);
    return rc;
}

/* Makes RUN_DIR/name and gives its absolute path, because ranks may start in other directories. */
static int make_inner(const char *path, const char *name, char dir[TRIAL_PATH],
                      struct lr_error *err)
{
    char parent[PATH_MAX], real[PATH_MAX];
    if (snprintf(parent, sizeof(parent), "%s/%s", path, name) >= (int)sizeof(parent))
        return lr_fail(err, LR_ECREATE, "%s: the path is too long", path);
    int rc = run_dir_make_inner(parent, err);
    if (rc)
        return rc;
    if (!realpath(parent, real) || strlen(real) + NAME_ROOM >= TRIAL_PATH)
        return lr_fail(err, LR_ECREATE, "%s: the path is too long", parent);
    memset(dir, 0, TRIAL_PATH);
    memcpy(dir, real, strlen(real));
    return 0;
}

int run_dir_checkpoints(const char *path, char dir[TRIAL_PATH], struct lr_error *err)
{
    return make_inner(path, "checkpoints", dir, err);
}

int run_dir_output(const char *path, char dir[TRIAL_PATH], struct lr_error *err)
{
    return make_inner(path, "output", dir, err);
}

void run_dir_output_file(char out[TRIAL_PATH], const char *dir, uint32_t trial_id, uint32_t attempt)
{
    snprintf(out, TRIAL_PATH, "%.*s/trial-%04" PRIu32 ".%" PRIu32 ".txt", TRIAL_PATH - NAME_ROOM,
             dir, trial_id, attempt);
}

void run_dir_checkpoint(char out[TRIAL_PATH], const char *dir, const struct trial *trial)
{
    snprintf(out, TRIAL_PATH, "%.*s/trial-%04" PRIu32 ".%s", TRIAL_PATH - NAME_ROOM, dir, trial->id,
             trial->spec.trainer == TRAINER_COMMAND ? "state" : "safetensors");
}

void run_dir_remove_checkpoint(const char *dir, const struct trial *trial)
{
    char path[TRIAL_PATH];
    run_dir_checkpoint(path, dir, trial);
    unlink(path);
}

void run_dir_remove_checkpoints(const char *path)
{
    char folder[PATH_MAX];
    if (snprintf(folder, sizeof(folder), "%s/checkpoints", path) >= (int)sizeof(folder))
        return;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !names)
        close(fd);
    if (!names)
        return;
    for (struct dirent *entry; (entry = readdir(names));)
        if (strncmp(entry->d_name, "wsd-prefix-", 11) == 0 ||
            strncmp(entry->d_name, "trial-", 6) == 0)
            unlinkat(dirfd(names), entry->d_name, 0);
    closedir(names);
    rmdir(folder); /* fails if it holds other files */
}

/* ---- whole files ---- */

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

int run_dir_put(const char *path, const char *name, const void *bytes, size_t size, bool synced,
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
    if (write_all(fd, bytes, size) || (synced && fsync(fd)))
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

int run_dir_write(const char *path, const char *name, const void *bytes, size_t size,
                  struct lr_error *err)
{
    return run_dir_put(path, name, bytes, size, true, err);
}

/* Reads to the end; the size that the file system reports may be wrong. */
static int read_all(int fd, const char *file, char **text, struct lr_error *err)
{
    size_t used = 0, capacity = 0;
    char *bytes = NULL;
    int rc = 0;
    for (;;) {
        char *larger = lr_grow(bytes, used + 1, &capacity, 1); /* room for the final NUL */
        if (!larger) {
            rc = lr_nomem(err);
            goto out;
        }
        bytes = larger;
        if (used + 1 >= capacity)
            continue;
        ssize_t part = read(fd, bytes + used, capacity - used - 1);
        if (part == 0)
            break;
        if (part > 0) {
            used += (size_t)part;
        } else if (errno != EINTR) {
            rc = lr_fail_errno(err, LR_EIO, "%s: cannot read it", file);
            goto out;
        }
    }
    if (memchr(bytes, '\0', used)) {
        rc = lr_fail(err, LR_EIO, "%s: is no text: it has a zero byte", file);
        goto out;
    }
    bytes[used] = '\0';
    *text = bytes;
    bytes = NULL;

out:
    lr_free(bytes);
    return rc;
}

int run_dir_read(const char *path, const char *name, char **text, struct lr_error *err)
{
    *text = NULL;
    char *file = join(path, name, "");
    if (!file)
        return lr_nomem(err);
    /* A plan may come through a pipe; in a run's directory a pipe would block its reader for
     * ever. */
    struct stat status;
    int rc = 0, fd = open(file, O_RDONLY | O_CLOEXEC | (*path ? O_NONBLOCK : 0));
    if (fd < 0) {
        rc = errno == ENOENT ? 0 : lr_fail_errno(err, LR_EIO, "%s: cannot open it", file);
        goto out;
    }
    if (*path && fstat(fd, &status) == 0 && !S_ISREG(status.st_mode))
        rc = lr_fail(err, LR_EIO, "%s: is no regular file", file);
    else
        rc = read_all(fd, file, text, err);
    close(fd);

out:
    lr_free(file);
    return rc;
}
