#ifndef LRSEARCH_JOURNAL_H
#define LRSEARCH_JOURNAL_H

#include <stddef.h>
#include <stdint.h>
#include "campaign/event.h"
#include "lrsearch/error.h"

/* RUN_DIR/journal.jsonl: one event per line, `{"event":"planned",...,"crc":"8 hex digits"}`; crc is
 * the low 32 bits of XXH3-64 over the line's text before `,"crc"`. Only the coordinator writes it.
 * Doubles keep all their bits (17 digits; NaN and infinities as strings). */

struct journal;

/* Opens or creates it (0600; a symbolic link is LR_ECREATE) and locks it: waits up to 10 s for
 * another process that holds it, then LR_EIO. Passes existing events to `replay` in order. A torn
 * last line is cut off with a warning, unless it is the only line and does not begin like an event.
 * LR_EDAMAGED with path and line number: damage before the last line, or an event that this version
 * does not know. An error of `replay` is returned, with path and line before its text. */
int journal_open(struct journal **out, const char *path,
                 int (*replay)(void *context, const struct event *event, struct lr_error *err),
                 void *context, struct lr_error *err);
/* Writes one line. Durable only after journal_sync(). On failure the file is cut back to its last
 * complete line and every later call fails (LR_ENOSPC when the disk is full). */
int journal_append(struct journal *journal, const struct event *event, struct lr_error *err);
int journal_sync(struct journal *journal, struct lr_error *err); /* fsync of unsynced lines */
/* Syncs it and moves it to `path`, in place of a file there: readers of `path` see all lines so far
 * or none, after a crash too. On failure it keeps its path, and every later write fails. */
int journal_rename(struct journal *journal, const char *path, struct lr_error *err);
size_t journal_count(const struct journal *journal); /* lines, with replayed ones */
/* Passes the events of a journal to `replay`. Writes nothing and takes no lock, so it works on a
 * running campaign. A torn last line is skipped. LR_EIO if the file does not exist. */
int journal_read(const char *path,
                 int (*replay)(void *context, const struct event *event, struct lr_error *err),
                 void *context, struct lr_error *err);
/* journal_read() of RUN_DIR/journal.jsonl, for events of these kinds alone: bits 1 << EVENT_...
 * Other lines have their checksum tested, no more: parsing them takes most of the time. */
int journal_read_run(const char *run_dir, unsigned kinds,
                     int (*replay)(void *context, const struct event *event, struct lr_error *err),
                     void *context, struct lr_error *err);

/* A reader's position; all zero: the beginning. */
struct journal_place {
    int64_t offset;
    size_t lines;
};
/* journal_read() from *place on, which moves behind the last whole line that `replay` accepted, so
 * that a later call reads what was appended. LR_EDAMAGED also if the file ends before *place. */
int journal_read_on(const char *path, struct journal_place *place,
                    int (*replay)(void *context, const struct event *event, struct lr_error *err),
                    void *context, struct lr_error *err);

struct journal_repair {
    size_t kept, dropped;   /* lines; dropped 0: no damage, nothing changed */
    char copy[1100];        /* path of the copy; "": nothing changed */
    struct lr_error damage; /* error and place of the first dropped line */
};

/* Cuts a damaged journal off before its first damaged line: a line that journal_open() or `replay`
 * refuses with LR_EDAMAGED. The file is copied to PATH.damaged-1, -2, ... first, and the events of
 * intact lines behind the cut are passed to `lost`. LR_EIO if another process writes it;
 * LR_EDAMAGED if the line is from another version and not damaged. On failure the file is
 * unchanged. */
int journal_repair(struct journal_repair *repair, const char *path,
                   int (*replay)(void *context, const struct event *event, struct lr_error *err),
                   void (*lost)(void *context, const struct event *event), void *context,
                   struct lr_error *err);
void journal_close(struct journal *journal);

#endif
