#ifndef LRSEARCH_RUN_LOCK_H
#define LRSEARCH_RUN_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "lrsearch/error.h"

/* RUN_DIR/lock: one coordinator at a time in a directory, also where the journal's flock does not
 * reach other hosts. One line of JSON (host, host_id, pid, started_utc), 0600; its mtime shows
 * other hosts that the owner is alive. */

#define RUN_LOCK_BEAT_MS 15000    /* interval at which the owner calls run_lock_beat() */
#define RUN_LOCK_SILENCE_MS 60000 /* an owner on another host is dead after this silence */
#define RUN_LOCK_WAIT_MS 10000    /* wait for an owner on this host, which may be ending */
#define RUN_LOCK_TURN_MS 30000    /* wait for an owner that holds it for one call (ask, tell) */

struct run_owner {
    char host[64];
    uint64_t host_id; /* equal for two processes only if they see each other's pids */
    uint64_t pid;
};

struct run_lock_clock { /* for tests; NULL: the real clock */
    void *context;
    uint64_t (*now_ms)(void *context);
    void (*sleep_ms)(void *context, uint64_t duration_ms);
};

struct run_lock;

/* Takes the lock of an existing directory. `alive` is called only for owners with self's host_id. A
 * lock whose owner is dead is broken, with a log line; an owner on another host counts as dead
 * after RUN_LOCK_SILENCE_MS without a beat. Otherwise LR_EIO, with the owner and the remedy. Also
 * removes private files of killed processes (lock.new-*, lock.old-*). turn_ms 0: waits
 * RUN_LOCK_WAIT_MS for an owner on this host, and not for one elsewhere that is alive. Above 0:
 * waits so long for either, at shorter and irregular intervals, because many may wait. */
int run_lock_take(struct run_lock **out, const char *run_dir, const struct run_owner *self,
                  bool (*alive)(const struct run_owner *owner), const struct run_lock_clock *clock,
                  uint64_t turn_ms, struct lr_error *err);

/* Renews the lock. False: another process has taken it after too long a silence; writing on would
 * mix two campaigns. NULL: no lock, always true. */
bool run_lock_beat(struct run_lock *lock);

/* The state of the lock, read without taking it. */
struct run_lock_view {
    bool there; /* false: free, and the rest is zero */
    struct run_owner owner;
    char since[32];
    bool known;              /* the line is valid: `owner` and `since` are set */
    struct timespec changed; /* the last beat, by the file system's clock */
};
/* LR_EIO: the lock cannot be read. */
int run_lock_view(struct run_lock_view *view, const char *run_dir, struct lr_error *err);

void run_lock_release(struct run_lock *lock); /* removes it if it is still ours; takes NULL */

#endif
