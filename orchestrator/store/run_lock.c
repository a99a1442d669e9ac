/* The lock file. It is written under a private name and then linked to `lock`: link(2) is atomic
 * and fails on an existing name on network file systems too. Clocks of hosts are never compared: an
 * owner on another host is alive if the lock's mtime changes while it is watched.
 *
 * Breaking: two processes that find the same lock dead must not break each other's new lock. The
 * old lock is renamed aside, checked there, and linked back unless it is the one that was found
 * dead. Meanwhile a third process may take the free name, so a process that broke a lock checks its
 * own lock again after a pause. */
#include "store/run_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/utc.h"
#include "store/json_value.h"

#define LOCK_BYTES 512
#define POLL_MS 250
#define TURN_POLL_MS 20 /* to twice that */
#define LEFTOVER_S 3600 /* private files are used for far less */
#define SETTLE_MS 1000  /* far longer than between reading a lock and renaming it */

struct run_lock {
    char *path, *own, *aside; /* RUN_DIR/lock, and two names private to this process */
    char bytes[LOCK_BYTES];
    size_t length;
    int fd; /* of our own file, even if renamed: a beat never touches another's */
};

/* A lock file as read; changed: its mtime. */
struct found {
    bool there;
    char bytes[LOCK_BYTES];
    size_t length;
    struct timespec changed;
};

/* A lock's line, parsed. */
struct told {
    struct run_owner owner;
    char since[32];
    bool known; /* the line is valid */
};

/* ---- time ---- */

static uint64_t real_now_ms(void *context)
{
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void real_sleep_ms(void *context, uint64_t duration_ms)
{
    (void)context;
    nanosleep(&(struct timespec){.tv_sec = (time_t)(duration_ms / 1000),
                                 .tv_nsec = (long)(duration_ms % 1000) * 1000000},
              NULL);
}

static const struct run_lock_clock real_clock = {NULL, real_now_ms, real_sleep_ms};

/* ---- the line ---- */

static int write_line(struct run_lock *lock, const struct run_owner *self)
{
    char id[24], started[UTC_TEXT];
    bool ok = true;
    snprintf(id, sizeof(id), "%016" PRIx64, self->host_id); /* may exceed INT64_MAX */
    json_use_lr_memory();
    json_t *object = json_object();
    json_put(object, "host", json_of_text(self->host), &ok);
    json_put(object, "pid", json_of_count(self->pid), &ok);
    json_put(object, "host_id", json_string(id), &ok);
    json_put(object, "started_utc", json_string(utc_format(started, time(NULL))), &ok);
    char *dump = json_to_line(object, ok);
    if (!dump)
        return LR_ENOMEM;
    /* a 63-byte host name has at most 6 * 63 bytes when escaped: it fits */
    lock->length = (size_t)snprintf(lock->bytes, sizeof(lock->bytes), "%s\n", dump);
    lr_free(dump);
    return 0;
}

static int read_line(struct told *told, const struct found *found, struct lr_error *err)
{
    json_error_t where;
    memset(told, 0, sizeof(*told));
    json_use_lr_memory();
    json_t *object = json_loadb(found->bytes, found->length, 0, &where);
    const char *host = json_string_value(json_object_get(object, "host"));
    const char *id = json_string_value(json_object_get(object, "host_id"));
    const char *since = json_string_value(json_object_get(object, "started_utc"));
    const json_t *pid = json_object_get(object, "pid");
    told->known = host && id && since && json_integer_value(pid) > 0 && strlen(id) == 16 &&
                  strspn(id, "0123456789abcdef") == 16;
    if (told->known) {
        snprintf(told->owner.host, sizeof(told->owner.host), "%s", host);
        snprintf(told->since, sizeof(told->since), "%s", since);
        told->owner.host_id = strtoull(id, NULL, 16);
        told->owner.pid = (uint64_t)json_integer_value(pid);
    }
    json_decref(object);
    return json_memory_failed() ? lr_nomem(err) : 0;
}

/* found->there: the file exists. It is opened, because a network file system may answer stat() from
 * a cache that is a minute old, but not after open(). */
static int read_lock_file(struct found *found, const char *path, struct lr_error *err)
{
    struct stat status;
    ssize_t length = -1;
    memset(found, 0, sizeof(*found));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ESTALE))
        return 0;
    if (fd < 0)
        return lr_fail_errno(err, LR_EIO, "%s: cannot read it; when no lrsearch runs, remove it",
                             path);
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        length = read(fd, found->bytes, sizeof(found->bytes));
    close(fd);
    if (length < 0)
        return lr_fail(err, LR_EIO, "%s: is no file of lrsearch; move it away", path);
    found->length = (size_t)length;
    found->changed = status.st_mtim;
    found->there = true;
    return 0;
}

static bool has_same_line(const struct found *a, const struct found *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static bool is_unchanged(const struct found *a, const struct found *b)
{
    return has_same_line(a, b) && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool has_our_line(const struct run_lock *lock, const struct found *found)
{
    return found->length == lock->length && memcmp(found->bytes, lock->bytes, lock->length) == 0;
}

static bool is_ours(const struct run_lock *lock)
{
    struct found found;
    return !read_lock_file(&found, lock->path, NULL) && found.there && has_our_line(lock, &found);
}

/* Whether another process has the lock. A missing lock (removed by hand, or aside for a moment) is
 * not another's. */
static bool is_anothers(const struct run_lock *lock)
{
    struct found found;
    return !read_lock_file(&found, lock->path, NULL) && found.there && !has_our_line(lock, &found);
}

/* ---- taking and breaking ---- */

/* RUN_DIR/name; with an owner RUN_DIR/name-HOST_ID-PID, unique to that process. */
static char *path_in(const char *run_dir, const char *name, const struct run_owner *owner)
{
    size_t size = strlen(run_dir) + 80;
    char *path = lr_malloc(size);
    int used = path ? snprintf(path, size, "%s/%s", run_dir, name) : 0;
    if (path && owner)
        snprintf(path + used, size - (size_t)used, "-%016" PRIx64 "-%" PRIu64, owner->host_id,
                 owner->pid);
    return path;
}

static int create_own(struct run_lock *lock, struct lr_error *err)
{
    unlink(lock->own); /* left by an earlier process with this pid */
    lock->fd = open(lock->own, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (lock->fd < 0)
        return lr_fail_errno(err, LR_ECREATE, "%s: cannot create it", lock->own);
    errno = ENOSPC; /* for a short write */
    if (write(lock->fd, lock->bytes, lock->length) != (ssize_t)lock->length || fsync(lock->fd))
        return lr_fail_errno(err, LR_EIO, "%s: cannot write it", lock->own);
    return 0;
}

/* Links the private file to `lock`; *taken false: another process has the lock. */
static int link_own(struct run_lock *lock, bool *taken, struct lr_error *err)
{
    *taken = true;
    if (link(lock->own, lock->path) == 0)
        return 0;
    int why = errno;
    if (why == EPERM || why == EOPNOTSUPP || why == ENOSYS || why == EMLINK) {
        lr_log(LR_LOG_WARNING,
               "%s: this file system has no hard links: a second lrsearch on another host would "
               "not be seen",
               lock->path);
        return 0;
    }
    if (is_ours(lock)) /* linked, but the reply was lost and the client retried */
        return 0;
    *taken = false;
    errno = why;
    return why == EEXIST ? 0 : lr_fail_errno(err, LR_ECREATE, "%s: cannot create it", lock->path);
}

static int try_take(struct run_lock *lock, bool *taken, struct lr_error *err)
{
    if (lock->fd >= 0)
        close(lock->fd);
    int rc;
    if ((rc = create_own(lock, err)))
        goto out;
    rc = link_own(lock, taken, err);

out:
    unlink(lock->own);
    return rc;
}

static int break_lock(struct run_lock *lock, const struct found *dead, const struct told *told,
                      struct lr_error *err)
{
    struct found aside;
    if (rename(lock->path, lock->aside)) {
        if (errno == ENOENT)
            return 0; /* another process was faster */
        return lr_fail_errno(err, LR_EIO, "%s: cannot remove the lock that was left behind",
                             lock->path);
    }
    bool right =
        !read_lock_file(&aside, lock->aside, NULL) && aside.there && is_unchanged(&aside, dead);
    if (right && told->known)
        lr_log(LR_LOG_INFO, "%s: was left behind by lrsearch on %s (pid %" PRIu64 "): removed",
               lock->path, told->owner.host, told->owner.pid);
    else if (right)
        lr_log(LR_LOG_INFO, "%s: no process kept it fresh: removed", lock->path);
    else if (link(lock->aside, lock->path))
        lr_log(LR_LOG_WARNING, "%s: was replaced while it was looked at", lock->path);
    unlink(lock->aside);
    return 0;
}

static int refuse_in_use(const struct run_lock *lock, const struct told *told, struct lr_error *err)
{
    if (!told->known)
        return lr_fail(
            err, LR_EIO,
            "%s: another process keeps it fresh, but it does not name its owner: another "
            "lrsearch is writing here; stop it, or choose another --run-dir",
            lock->path);
    return lr_fail(err, LR_EIO,
                   "%s: lrsearch on %s (pid %" PRIu64 ", since %s) is writing here; wait for its "
                   "end or stop it, or choose another --run-dir. If that process is no lrsearch, "
                   "remove the file",
                   lock->path, told->owner.host, told->owner.pid, told->since);
}

static void say_what_is_waited_for(const struct run_lock *lock, const struct told *told, bool here)
{
    if (here)
        lr_log(LR_LOG_INFO, "%s: waiting for another lrsearch (pid %" PRIu64 ") to let go of it",
               lock->path, told->owner.pid);
    else if (told->known)
        lr_log(LR_LOG_INFO,
               "%s: lrsearch on %s (pid %" PRIu64 ", since %s) holds or held it; watching for %d s "
               "whether it is alive. If you know that it is not, remove the file to go on at once",
               lock->path, told->owner.host, told->owner.pid, told->since,
               RUN_LOCK_SILENCE_MS / 1000);
    else
        lr_log(LR_LOG_INFO,
               "%s: does not name its owner; watching for %d s whether a process keeps it fresh. "
               "If no lrsearch runs here, remove the file to go on at once",
               lock->path, RUN_LOCK_SILENCE_MS / 1000);
}

/* How this process decides whether an owner is alive. */
struct judge {
    const struct run_owner *self;
    bool (*alive)(const struct run_owner *owner);
    const struct run_lock_clock *clock;
    uint64_t turn_ms; /* as given to run_lock_take() */
    uint64_t polls;
    bool broke; /* a lock was broken */
};

static void sleep_between_polls(struct judge *judge)
{
    uint64_t poll_ms = POLL_MS;
    if (judge->turn_ms > 0) /* differs between processes */
        poll_ms = TURN_POLL_MS + (judge->self->pid * 7 + judge->polls++ * 13) % TURN_POLL_MS;
    judge->clock->sleep_ms(judge->clock->context, poll_ms);
}

/* Waits until the current lock is gone, replaced or broken (0); LR_EIO once it is known to be in
 * use. */
static int wait_for_owner(struct run_lock *lock, struct judge *judge, struct lr_error *err)
{
    const struct run_lock_clock *clock = judge->clock;
    struct found first, now;
    struct told told;
    int rc = read_lock_file(&first, lock->path, err);
    if (rc || !first.there || (rc = read_line(&told, &first, err)))
        return rc;
    bool here = told.known && told.owner.host_id == judge->self->host_id;
    uint64_t turn_ms = judge->turn_ms, wait_ms = turn_ms > 0 ? turn_ms : RUN_LOCK_WAIT_MS;
    uint64_t limit_ms = here ? wait_ms : RUN_LOCK_SILENCE_MS;
    uint64_t begun_ms = clock->now_ms(clock->context), quiet_ms = begun_ms;
    for (bool said = turn_ms > 0;; said = true) {
        bool over = clock->now_ms(clock->context) - quiet_ms >= limit_ms;
        /* Our own pid means an earlier process, in a restarted container. */
        if (here ? told.owner.pid == judge->self->pid || !judge->alive(&told.owner) : over) {
            judge->broke = true;
            return break_lock(lock, &first, &told, err);
        }
        if (over)
            return refuse_in_use(lock, &told, err);
        if (!said)
            say_what_is_waited_for(lock, &told, here);
        sleep_between_polls(judge);
        rc = read_lock_file(&now, lock->path, err);
        if (rc || !now.there || !has_same_line(&first, &now))
            return rc;
        if (!here && !is_unchanged(&first, &now)) {
            quiet_ms = clock->now_ms(clock->context);
            if (quiet_ms - begun_ms >= turn_ms)
                return refuse_in_use(lock, &told, err);
        }
        first = now;
    }
}

static int take_lock(struct run_lock *lock, struct judge *judge, struct lr_error *err)
{
    for (;;) {
        bool taken;
        int rc = try_take(lock, &taken, err);
        if (rc)
            return rc;
        if (!taken) {
            if ((rc = wait_for_owner(lock, judge, err)))
                return rc;
            continue;
        }
        if (!judge->broke)
            return 0;
        judge->clock->sleep_ms(judge->clock->context, SETTLE_MS);
        if (!is_anothers(lock))
            return 0;
    }
}

/* Parses lock.new-HOST_ID-PID or lock.old-HOST_ID-PID into its owner. */
static bool read_leftover_name(struct run_owner *owner, const char *name)
{
    char *end;
    if ((strncmp(name, "lock.new-", 9) != 0 && strncmp(name, "lock.old-", 9) != 0) ||
        strspn(name + 9, "0123456789abcdef") != 16 || name[25] != '-')
        return false;
    memset(owner, 0, sizeof(*owner));
    owner->host_id = strtoull(name + 9, NULL, 16);
    owner->pid = strtoull(name + 26, &end, 10);
    return end > name + 26 && *end == '\0';
}

/* Removes private files of killed processes: on this host those of dead processes, of other hosts
 * those an hour older than our lock, by the file system's clock. */
static void remove_leftovers(const struct run_lock *lock, const char *run_dir,
                             const struct judge *judge)
{
    struct stat ours, status;
    DIR *names = fstat(lock->fd, &ours) == 0 ? opendir(run_dir) : NULL;
    for (struct dirent *entry; names && (entry = readdir(names));) {
        struct run_owner owner;
        if (!read_leftover_name(&owner, entry->d_name) ||
            fstatat(dirfd(names), entry->d_name, &status, AT_SYMLINK_NOFOLLOW))
            continue;
        bool here = owner.host_id == judge->self->host_id;
        if (here ? owner.pid == judge->self->pid || !judge->alive(&owner)
                 : ours.st_mtime - status.st_mtime > LEFTOVER_S)
            unlinkat(dirfd(names), entry->d_name, 0);
    }
    if (names)
        closedir(names);
}

static void free_lock(struct run_lock *lock)
{
    if (lock->fd >= 0)
        close(lock->fd);
    lr_free(lock->path);
    lr_free(lock->own);
    lr_free(lock->aside);
    lr_free(lock);
}

int run_lock_take(struct run_lock **out, const char *run_dir, const struct run_owner *self,
                  bool (*alive)(const struct run_owner *owner), const struct run_lock_clock *clock,
                  uint64_t turn_ms, struct lr_error *err)
{
    struct judge judge = {self, alive, clock ? clock : &real_clock, turn_ms, 0, false};
    *out = NULL;
    struct run_lock *lock = lr_calloc(1, sizeof(*lock));
    if (!lock)
        return lr_nomem(err);
    lock->fd = -1;
    lock->path = path_in(run_dir, "lock", NULL);
    lock->own = path_in(run_dir, "lock.new", self);
    lock->aside = path_in(run_dir, "lock.old", self);
    int rc = lock->path && lock->own && lock->aside && write_line(lock, self) == 0
                 ? take_lock(lock, &judge, err)
                 : lr_nomem(err);
    if (rc) {
        free_lock(lock);
    } else {
        remove_leftovers(lock, run_dir, &judge);
        *out = lock;
    }
    return rc;
}

bool run_lock_beat(struct run_lock *lock)
{
    if (!lock)
        return true;
    futimens(lock->fd, NULL); /* a failure shows as silence to other processes */
    return !is_anothers(lock);
}

void run_lock_release(struct run_lock *lock)
{
    if (!lock)
        return;
    if (is_ours(lock))
        unlink(lock->path);
    free_lock(lock);
}

int run_lock_view(struct run_lock_view *view, const char *run_dir, struct lr_error *err)
{
    struct found found;
    struct told told;
    memset(view, 0, sizeof(*view));
    char *path = path_in(run_dir, "lock", NULL);
    int rc = path ? read_lock_file(&found, path, err) : lr_nomem(err);
    lr_free(path);
    if (rc || !found.there || (rc = read_line(&told, &found, err)))
        return rc;
    view->there = true;
    view->owner = told.owner;
    memcpy(view->since, told.since, sizeof(view->since));
    view->known = told.known;
    view->changed = found.changed;
    return 0;
}
