/* Two files per rank: a full first file replaces the second, so the newest lines always remain. The
 * limit of a file is the campaign's limit divided by two files for each rank of this start, or of
 * an earlier start with more ranks. */
#include "log_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "lrsearch/own_file.h"
#include "lrsearch/printable.h"

#define PATH_ROOM 1100
#define EARLY_BYTES 4096u

static struct {
    char run_dir[PATH_ROOM], host[64];
    char path[PATH_ROOM + 32], old[PATH_ROOM + 32];
    int rank, ranks;
    uint64_t campaign_bytes, limit, size;
    int fd; /* -1: not open yet */
    int wanted;
    char early[EARLY_BYTES]; /* lines logged before the file is open */
    size_t early_length;
} file = {.fd = -1};

void log_file_set(const char *run_dir, const char *host, int rank, int ranks,
                  uint64_t campaign_bytes)
{
    if (file.fd >= 0)
        close(file.fd);
    memset(&file, 0, sizeof(file));
    file.fd = -1;
    if (!run_dir || strlen(run_dir) >= sizeof(file.run_dir))
        return;
    snprintf(file.run_dir, sizeof(file.run_dir), "%s", run_dir);
    snprintf(file.host, sizeof(file.host), "%s", host);
    file.rank = rank;
    file.ranks = ranks;
    file.campaign_bytes = campaign_bytes;
    file.wanted = 1;
}

int log_file_wanted(void)
{
    return file.wanted;
}

/* Number of ranks of this start, or of an earlier one that left more files. */
static uint64_t count_ranks(const char *folder)
{
    long most = file.ranks;
    DIR *names = opendir(folder);
    for (struct dirent *entry; names && (entry = readdir(names));) {
        long rank =
            strncmp(entry->d_name, "rank-", 5) == 0 ? strtol(entry->d_name + 5, NULL, 10) : 0;
        most = rank >= most && rank < 1000000 ? rank + 1 : most;
    }
    if (names)
        closedir(names);
    return (uint64_t)(most > 1 ? most : 1);
}

/* Opens a regular file to append. O_NONBLOCK: a named pipe at `path` must not block. */
static int open_regular(const char *path, struct stat *status)
{
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int fd = open(path, flags, 0600);
    if (fd < 0 || (fstat(fd, status) == 0 && S_ISREG(status->st_mode)))
        return fd;
    close(fd);
    errno = ENXIO; /* as open() sets it for a pipe without a reader */
    return -1;
}

static int rotate(void)
{
    struct stat status;
    if (file.fd >= 0)
        close(file.fd);
    file.fd = -1;
    if (rename(file.path, file.old) && errno != ENOENT)
        return -1;
    file.fd = open_regular(file.path, &status);
    file.size = 0;
    return file.fd >= 0 ? 0 : -1;
}

static int open_it(void)
{
    char folder[PATH_ROOM + 8];
    struct stat status;
    snprintf(folder, sizeof(folder), "%s/logs", file.run_dir);
    snprintf(file.path, sizeof(file.path), "%s/rank-%04d.log", folder, file.rank);
    snprintf(file.old, sizeof(file.old), "%s/rank-%04d.1.log", folder, file.rank);
    /* Write nothing to a folder that others can change; the coordinator refuses it later. */
    if (own_folder_check(file.run_dir, OWN_FOLDER_NAMED, NULL) ||
        (mkdir(folder, 0700) && errno != EEXIST) ||
        own_folder_check(folder, OWN_FOLDER_INSIDE, NULL))
        return -1;
    uint64_t share = file.campaign_bytes / (2 * count_ranks(folder));
    file.limit = share < LR_LOG_FILE_BYTES ? share : LR_LOG_FILE_BYTES;
    /* left by a start with fewer ranks, whose share was larger */
    if (stat(file.old, &status) == 0 && (uint64_t)status.st_size > file.limit)
        unlink(file.old);
    if (stat(file.path, &status) == 0 && (uint64_t)status.st_size > file.limit)
        unlink(file.path);
    file.fd = open_regular(file.path, &status);
    if (file.fd < 0)
        return -1;
    file.size = (uint64_t)status.st_size;
    return 0;
}

static int append(const char *line, size_t length)
{
    if (file.size > 0 && file.size + length > file.limit && rotate())
        return -1;
    errno = ENOSPC; /* for a short write, which sets none */
    if (write(file.fd, line, length) != (ssize_t)length)
        return -1;
    file.size += length;
    return 0;
}

static size_t format_line(char *line, size_t capacity, uint64_t utc_ms, const char *text)
{
    char when[32] = "?";
    time_t seconds = (time_t)(utc_ms / 1000);
    struct tm utc;
    if (gmtime_r(&seconds, &utc))
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
    int used = snprintf(line, capacity - 1, "%s.%03" PRIu64 "Z rank %d %s %s", when, utc_ms % 1000,
                        file.rank, file.host, text);
    size_t length = used < 0 ? 0 : (size_t)used < capacity - 1 ? (size_t)used : capacity - 2;
    line[length] = '\0';
    length = strlen(lr_printable(line, "")); /* a message with newlines stays one line */
    line[length++] = '\n';
    return length;
}

/* 0: the file is open; 1: RUN_DIR does not exist yet; -1: failed, with errno. */
static int ready(void)
{
    struct stat status;
    if (file.fd >= 0)
        return 0;
    if (stat(file.run_dir, &status) || !S_ISDIR(status.st_mode))
        return 1;
    int rc = open_it();
    if (!rc && file.early_length > 0)
        rc = append(file.early, file.early_length);
    file.early_length = 0;
    return rc;
}

int log_file_write(uint64_t utc_ms, const char *text, const char **path)
{
    char line[2304];
    if (!file.wanted)
        return 0;
    size_t length = format_line(line, sizeof(line), utc_ms, text);
    int rc = ready();
    if (rc == 1) {
        if (file.early_length + length <= sizeof(file.early)) {
            memcpy(file.early + file.early_length, line, length);
            file.early_length += length;
        }
        return 0;
    }
    if (!rc)
        rc = append(line, length);
    if (rc) {
        int why = errno;
        file.wanted = 0;
        if (file.fd >= 0)
            close(file.fd);
        file.fd = -1;
        *path = file.path;
        errno = why;
    }
    return rc;
}
