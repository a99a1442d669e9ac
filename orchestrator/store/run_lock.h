#ifndef LRSEARCH_RUN_LOCK_H
#define LRSEARCH_RUN_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "lrsearch/error.h"

/* RUN_DIR/lock: one coordinator at a time in a directory, on file systems too where the journal's
 * flock does not reach other hosts. One line of JSON (host, host_id, pid, started_utc), 0600; its
 * mtime tells the other hosts that the owner lives. */

#define RUN_LOCK_BEAT_MS 15000    /* the owner's: how often to call run_lock_beat() */
#define RUN_LOCK_SILENCE_MS 60000 /* an owner on another host that is silent so long is dead */
#define RUN_LOCK_WAIT_MS 10000    /* for one on this host, which may just be ending */

struct run_owner {
    char host[64];
    uint64_t host_id; /* equal on two processes only if they see each other's pids */
    uint64_t pid;
};

struct run_lock_clock { /* for tests; a NULL stands for the real one */
    void *context;
    uint64_t (*now_ms)(void *context);
    void (*sleep_ms)(void *context, uint64_t duration_ms);
};

struct run_lock;

/* Takes the lock of a directory that is there. `alive` is asked about owners with self's host_id
 * only. A lock whose owner is gone is broken, with a log line; that of another host after it was
 * silent while this watched. Otherwise LR_EIO, which names the owner and the mend. Who has it also
 * removes what killed processes left of theirs (lock.new-*, lock.old-*). */
int run_lock_take(struct run_lock **out, const char *run_dir, const struct run_owner *self,
                  bool (*alive)(const struct run_owner *owner), const struct run_lock_clock *clock,
                  struct lr_error *err);

/* Tells that the owner lives. False: the lock is another's, who saw no beat for too long; whoever
 * goes on writing mixes two campaigns. NULL is a lock that is never lost. */
bool run_lock_beat(struct run_lock *lock);

/* The lock as one finds it who does not ask for it. */
struct run_lock_view {
    bool there; /* false: nobody holds it, and the rest is zero */
    struct run_owner owner;
    char since[32];
    bool known;              /* the line tells whose it is */
    struct timespec changed; /* the last beat, by the file system's clock */
};
/* LR_EIO: it cannot be read. */
int run_lock_view(struct run_lock_view *view, const char *run_dir, struct lr_error *err);

void run_lock_release(struct run_lock *lock); /* removes it when it is still ours; NULL is fine */

#endif
