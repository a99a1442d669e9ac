/* The journal: an append-only file of lines with checksums, from which all of a campaign can be
 * rebuilt. Invariant: `size` is the length of all whole lines; anything behind it is cut off after
 * a failed write and when the file is opened. Lines are written in order, so only the last one can
 * be torn; damage before it is never repaired silently. A file without a good line is cut only if
 * it begins like one: otherwise it may not be a journal. */
#define _POSIX_C_SOURCE 200809L /* O_NOFOLLOW */
#include "store/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "store/event_json.h"

#define READ_BLOCK ((size_t)1 << 18)
/* A process that is ending (mpirun killed, requeued) needs time to release it: 10 s. */
#define LOCK_TRIES 100
#define LOCK_PAUSE_NS 100000000L

struct journal {
    int fd;
    char *path;
    size_t count;
    off_t size; /* bytes of whole lines */
    bool unsynced;
    struct lr_error failed; /* the first write error; no more writes after it */
};

/* ---- reading ---- */

struct scan {
    const char *path;
    int (*replay)(void *context, const struct event *event, struct lr_error *err);
    void *context;
    unsigned kinds; /* bits 1 << EVENT_... of those to replay; 0: all */
    off_t total;    /* size of the file at the start of the read */
    off_t good;     /* end of the last whole line */
    bool writing;   /* the file will be cut off at `good` */
    size_t count;
    bool torn;  /* the last line is incomplete */
    bool newer; /* an intact line was not understood: from another version, not damaged */
};

/* Scans one line, given without its newline. A torn line ends the journal. */
static int scan_line(struct scan *scan, const char *line, size_t length, struct lr_error *err)
{
    bool last = scan->good + (off_t)length + 1 == scan->total;
    struct event event;
    struct lr_error why = {0};
    int rc = 0;
    if (!event_line_intact(line, length)) {
        scan->torn = last && !(scan->writing && scan->count == 0);
        if (scan->torn)
            return 0;
        rc = lr_fail(&why, LR_EDAMAGED, "the checksum does not fit: the line was changed");
        goto out;
    }
    bool wanted = !scan->kinds || (scan->kinds & 1u << event_line_kind(line, length));
    if (wanted && (rc = event_from_line(&event, line, length, &why))) {
        scan->newer = true;
        goto out;
    }
    if (wanted && (rc = scan->replay(scan->context, &event, &why)))
        goto out;
    scan->good += (off_t)length + 1;
    scan->count++;

out:
    return rc ? lr_fail(err, rc, "%s:%zu: %s", scan->path, scan->count + 1,
                        why.code ? why.text : lr_error_text(rc))
              : 0;
}

/* Scans the whole lines in `used` bytes; *eaten: their length in bytes. */
static int scan_block(struct scan *scan, const char *bytes, size_t used, size_t *eaten,
                      struct lr_error *err)
{
    int rc;
    *eaten = 0;
    while (!scan->torn && *eaten < used) {
        const char *line = bytes + *eaten, *end = memchr(line, '\n', used - *eaten);
        if (!end)
            break;
        if ((rc = scan_line(scan, line, (size_t)(end - line), err)))
            return rc;
        *eaten += (size_t)(end - line) + 1;
    }
    return 0;
}

/* Reads the file from scan->good to the size it had at the start, and passes its events to
 * scan->replay. */
static int scan_file(struct scan *scan, int fd, struct lr_error *err)
{
    size_t capacity = READ_BLOCK, used = 0, eaten = 0;
    off_t offset = scan->good;
    char *bytes = lr_malloc(capacity);
    int rc = bytes ? 0 : lr_nomem(err);
    if (rc)
        goto out;
    while (!scan->torn && offset < scan->total) {
        if (used == capacity) { /* a line longer than the buffer */
            char *larger = lr_grow(bytes, used, &capacity, 1);
            if (!larger) {
                rc = lr_nomem(err);
                goto out;
            }
            bytes = larger;
        }
        size_t wanted = capacity - used;
        if ((off_t)wanted > scan->total - offset)
            wanted = (size_t)(scan->total - offset);
        ssize_t got = pread(fd, bytes + used, wanted, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            rc = lr_fail_errno(err, LR_EIO, "%s: cannot read", scan->path);
        if (got <= 0)
            break;
        offset += got;
        used += (size_t)got;
        if ((rc = scan_block(scan, bytes, used, &eaten, err)))
            goto out;
        memmove(bytes, bytes + eaten, used - eaten);
        used -= eaten;
    }

out:
    lr_free(bytes);
    return rc;
}

/* Length of the directory part of `path`. */
static size_t directory_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash != path ? (size_t)(slash - path) : slash ? 1 : 0;
}

static int scan_or_tell_mend(struct scan *scan, int fd, struct lr_error *err)
{
    int rc = scan_file(scan, fd, err);
    size_t length = directory_length(scan->path), used = err ? strlen(err->text) : 0;
    if (rc == LR_EDAMAGED && err && !scan->newer)
        snprintf(err->text + used, sizeof(err->text) - used,
                 ". Restore the file from a copy, or cut it off before this line: lrsearch journal "
                 "repair %.*s",
                 length ? (int)length : 1, length ? scan->path : ".");
    return rc;
}

static int open_file(const char *path, int flags, off_t *size, struct lr_error *err)
{
    struct stat status;
    /* Reading may follow a link; a file to write must be our own. */
    int no_link = (flags & O_ACCMODE) == O_RDONLY ? 0 : O_NOFOLLOW;
    int fd = open(path, flags | no_link | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0 && errno == ELOOP && no_link)
        return lr_fail(err, LR_ECREATE,
                       "%s: is a symbolic link, and a journal is a file of its own; move it away",
                       path);
    if (fd < 0)
        return lr_fail_errno(err, flags & O_CREAT ? LR_ECREATE : LR_EIO, "%s: cannot %s", path,
                             flags & O_CREAT ? "create the journal" : "open the journal");
    if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
        close(fd);
        return lr_fail(err, LR_ECREATE, "%s: is no regular file; move it away", path);
    }
    *size = status.st_size;
    return fd;
}

static int read_kinds(const char *path, unsigned kinds, struct journal_place *place,
                      int (*replay)(void *context, const struct event *event, struct lr_error *err),
                      void *context, struct lr_error *err)
{
    struct scan scan = {.path = path, .replay = replay, .context = context, .kinds = kinds};
    assert(place->offset >= 0 && (place->offset > 0) == (place->lines > 0));
    scan.good = (off_t)place->offset;
    scan.count = place->lines;
    int fd = open_file(path, O_RDONLY, &scan.total, err);
    if (fd < 0)
        return fd;
    int rc = scan.total >= scan.good
                 ? scan_or_tell_mend(&scan, fd, err)
                 : lr_fail(err, LR_EDAMAGED, "%s: became shorter while it was read", path);
    close(fd);
    place->offset = (int64_t)scan.good;
    place->lines = scan.count;
    return rc;
}

int journal_read_on(const char *path, struct journal_place *place,
                    int (*replay)(void *context, const struct event *event, struct lr_error *err),
                    void *context, struct lr_error *err)
{
    return read_kinds(path, 0, place, replay, context, err);
}

int journal_read(const char *path,
                 int (*replay)(void *context, const struct event *event, struct lr_error *err),
                 void *context, struct lr_error *err)
{
    struct journal_place beginning = {0};
    return journal_read_on(path, &beginning, replay, context, err);
}

int journal_read_run(const char *run_dir, unsigned kinds,
                     int (*replay)(void *context, const struct event *event, struct lr_error *err),
                     void *context, struct lr_error *err)
{
    size_t size = strlen(run_dir) + sizeof("/journal.jsonl");
    char *path = lr_malloc(size);
    if (!path)
        return lr_nomem(err);
    snprintf(path, size, "%s/journal.jsonl", run_dir);
    struct journal_place beginning = {0};
    int rc = read_kinds(path, kinds, &beginning, replay, context, err);
    lr_free(path);
    return rc;
}

/* ---- opening ---- */

/* One writer only: two coordinators in one directory would mix their campaigns. File systems
 * without locks (some network ones) are not protected. */
static int lock_file(int fd, const char *path, int most_tries, struct lr_error *err)
{
    for (int tries = 0; tries < most_tries; tries++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR))
            return 0;
        if (tries == 10)
            lr_log(LR_LOG_INFO, "%s: waiting for another lrsearch to let go of it", path);
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
    }
    return lr_fail(err, LR_EIO,
                   "%s: another lrsearch is writing it; wait for its end or stop it, or choose "
                   "another --run-dir",
                   path);
}

/* A new file survives a crash only if its directory is synced too. */
static void sync_directory(const char *path)
{
    size_t length = directory_length(path);
    char *directory = lr_strdup(length ? path : ".");
    if (!directory)
        return;
    if (length)
        directory[length] = '\0';
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd); /* some file systems cannot; ignored */
        close(fd);
    }
    lr_free(directory);
}

/* Refuses a file that has no whole line and does not begin like an event: it is another program's.
 * Part of an event is the first line of a killed process. */
static int check_beginning(const struct scan *scan, int fd, struct lr_error *err)
{
    char found[sizeof(EVENT_LINE_BEGINNING)];
    if (scan->count > 0 || scan->total == 0)
        return 0;
    ssize_t length = pread(fd, found, sizeof(found) - 1, 0);
    if (length >= 0 && memcmp(found, EVENT_LINE_BEGINNING, (size_t)length) == 0)
        return 0;
    return lr_fail(err, LR_EDAMAGED,
                   "%s: is no journal of lrsearch; move it away, or choose another --run-dir",
                   scan->path);
}

int journal_open(struct journal **out, const char *path,
                 int (*replay)(void *context, const struct event *event, struct lr_error *err),
                 void *context, struct lr_error *err)
{
    struct scan scan = {.path = path, .replay = replay, .context = context, .writing = true};
    struct stat status;
    int rc = 0;
    *out = NULL;
    struct journal *journal = lr_calloc(1, sizeof(*journal));
    if (!journal)
        return lr_nomem(err);
    journal->fd = -1;
    journal->path = lr_strdup(path);
    if (!journal->path) {
        rc = lr_nomem(err);
        goto fail;
    }
    journal->fd = open_file(path, O_RDWR | O_CREAT | O_APPEND, &scan.total, err);
    if (journal->fd < 0) {
        rc = journal->fd;
        goto fail;
    }
    if ((rc = lock_file(journal->fd, path, LOCK_TRIES, err)))
        goto fail;
    if (fstat(journal->fd, &status) == 0)
        scan.total = status.st_size; /* its last writer may have just finished */
    if ((rc = scan_or_tell_mend(&scan, journal->fd, err)))
        goto fail;
    if ((rc = check_beginning(&scan, journal->fd, err)))
        goto fail;
    if (scan.good < scan.total) {
        lr_log(LR_LOG_WARNING,
               "%s:%zu: the last line was not written to its end; its %lld bytes are cut off", path,
               scan.count + 1, (long long)(scan.total - scan.good));
        if (ftruncate(journal->fd, scan.good)) {
            rc = lr_fail_errno(err, LR_EIO, "%s: cannot cut off the torn last line", path);
            goto fail;
        }
    }
    if (scan.total == 0)
        sync_directory(path);
    journal->size = scan.good;
    journal->count = scan.count;
    *out = journal;
    return 0;

fail:
    journal_close(journal);
    return rc;
}

/* ---- writing ---- */

static int give_up(struct journal *journal, const char *what, struct lr_error *err)
{
    lr_fail_errno(&journal->failed, LR_EIO, "%s: cannot %s the journal", journal->path, what);
    return lr_fail(err, journal->failed.code, "%s", journal->failed.text);
}

int journal_append(struct journal *journal, const struct event *event, struct lr_error *err)
{
    size_t length, written = 0;
    if (journal->failed.code)
        return lr_fail(err, journal->failed.code, "%s", journal->failed.text);
    char *line = event_to_line(event, &length);
    if (!line)
        return lr_nomem(err);
    while (written < length) {
        ssize_t part = write(journal->fd, line + written, length - written);
        if (part >= 0) {
            written += (size_t)part;
        } else if (errno != EINTR) {
            int rc = give_up(journal, "write", err);
            if (written && ftruncate(journal->fd, journal->size))
                lr_log(LR_LOG_WARNING,
                       "%s: half a line is left at its end; the next start cuts it "
                       "off",
                       journal->path);
            lr_free(line);
            return rc;
        }
    }
    lr_free(line);
    journal->size += (off_t)length;
    journal->count++;
    journal->unsynced = true;
    return 0;
}

int journal_sync(struct journal *journal, struct lr_error *err)
{
    if (journal->failed.code)
        return lr_fail(err, journal->failed.code, "%s", journal->failed.text);
    if (!journal->unsynced)
        return 0;
    /* After a failed fsync the kernel may have dropped the pages: a retry would falsely succeed. */
    if (fsync(journal->fd))
        return give_up(journal, "sync", err);
    journal->unsynced = false;
    return 0;
}

int journal_rename(struct journal *journal, const char *path, struct lr_error *err)
{
    int rc = journal_sync(journal, err);
    if (rc)
        return rc;
    char *moved = lr_strdup(path);
    if (!moved)
        return lr_nomem(err);
    if (rename(journal->path, path)) {
        lr_free(moved);
        return give_up(journal, "rename", err);
    }
    sync_directory(path);
    lr_free(journal->path);
    journal->path = moved;
    return 0;
}

size_t journal_count(const struct journal *journal)
{
    return journal->count;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    lr_free(journal->path);
    lr_free(journal);
}

/* ---- repair ---- */

/* Copies the whole file to the first free name PATH.damaged-1, -2, ... */
static int copy_file(int fd, off_t total, const char *path, char *copy, size_t size,
                     struct lr_error *err)
{
    int to = -1;
    for (int n = 1; to < 0 && n < 1000; n++) {
        if (snprintf(copy, size, "%s.damaged-%d", path, n) >= (int)size)
            return lr_fail(err, LR_ECREATE, "%s: the path is too long", path);
        to = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (to < 0 && errno != EEXIST)
            break;
    }
    if (to < 0)
        return lr_fail_errno(err, LR_ECREATE, "%s: cannot create it", copy);
    char block[8192];
    int rc = 0;
    for (off_t offset = 0; offset < total;) {
        ssize_t got = pread(fd, block, sizeof(block), offset);
        if (got <= 0) {
            rc = lr_fail_errno(err, LR_EIO, "%s: cannot read", path);
            goto out;
        }
        errno = ENOSPC; /* a short write() means a full disk */
        if (write(to, block, (size_t)got) != got) {
            rc = lr_fail_errno(err, LR_EIO, "%s: cannot write it", copy);
            goto out;
        }
        offset += got;
    }
    if (fsync(to))
        rc = lr_fail_errno(err, LR_EIO, "%s: cannot write it", copy);

out:
    close(to);
    if (rc)
        unlink(copy);
    return rc;
}

/* Counts the lines behind the good ones, and passes their readable events to `lost`. */
static int look_at_lost(struct journal_repair *repair, const struct scan *scan, int fd,
                        void (*lost)(void *context, const struct event *event),
                        struct lr_error *err)
{
    size_t size = (size_t)(scan->total - scan->good), at = 0;
    char *bytes = lr_malloc(size);
    if (!bytes)
        return lr_nomem(err);
    while (at < size) {
        ssize_t got = pread(fd, bytes + at, size - at, scan->good + (off_t)at);
        if (got <= 0) {
            lr_free(bytes);
            return lr_fail_errno(err, LR_EIO, "%s: cannot read", scan->path);
        }
        at += (size_t)got;
    }
    int rc = 0;
    for (at = 0; rc != LR_ENOMEM && at < size; repair->dropped++) {
        struct event event;
        const char *end = memchr(bytes + at, '\n', size - at);
        size_t length = end ? (size_t)(end - bytes) - at : size - at;
        rc = event_line_intact(bytes + at, length)
                 ? event_from_line(&event, bytes + at, length, NULL)
                 : LR_EDAMAGED;
        if (!rc)
            lost(scan->context, &event);
        at += length + 1;
    }
    lr_free(bytes);
    return rc == LR_ENOMEM ? lr_nomem(err) : 0;
}

int journal_repair(struct journal_repair *repair, const char *path,
                   int (*replay)(void *context, const struct event *event, struct lr_error *err),
                   void (*lost)(void *context, const struct event *event), void *context,
                   struct lr_error *err)
{
    struct scan scan = {.path = path, .replay = replay, .context = context, .writing = true};
    memset(repair, 0, sizeof(*repair));
    int fd = open_file(path, O_RDWR, &scan.total, err);
    if (fd < 0)
        return fd;
    int rc = lock_file(fd, path, 1, err);
    if (rc)
        goto out;
    rc = scan_file(&scan, fd, &repair->damage);
    repair->kept = scan.count;
    if (scan.newer && rc == LR_EDAMAGED) {
        lr_fail(err, rc, "%s. It is not damaged, and nothing was cut off", repair->damage.text);
        goto out;
    }
    if (rc != LR_EDAMAGED) {
        if (rc)
            lr_fail(err, rc, "%s", repair->damage.text);
        goto out;
    }
    if ((rc = look_at_lost(repair, &scan, fd, lost, err)))
        goto out;
    if ((rc = copy_file(fd, scan.total, path, repair->copy, sizeof(repair->copy), err)))
        goto out;
    if (ftruncate(fd, scan.good) || fsync(fd))
        rc = lr_fail_errno(err, LR_EIO, "%s: cannot cut it off", path);

out:
    close(fd);
    return rc;
}
