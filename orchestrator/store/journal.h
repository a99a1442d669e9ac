#ifndef LRSEARCH_JOURNAL_H
#define LRSEARCH_JOURNAL_H

#include <stddef.h>
#include <stdint.h>
#include "campaign/event.h"
#include "lrsearch/error.h"

/* RUN_DIR/journal.jsonl: one event a line, `{"event":"planned",...,"crc":"8 hex digits"}`; crc is
 * the low 32 bits of XXH3 over the line's text before `,"crc"`. Only the coordinator writes it.
 * Doubles keep all their bits (17 digits; NaN and infinities as strings). */

struct journal;

/* Opens or creates it (0600; a symbolic link is LR_ECREATE) and locks it: another process that
 * holds it is waited for, 10 s at most, then LR_EIO. Existing events are given to `replay` in
 * order. A torn last line is cut off with a warning, unless it is the only one and does not begin
 * as one of ours; damage before the last line is LR_EDAMAGED with path and line number, as is an
 * event that this version does not know. An error of `replay` is handed on after path and line. */
int journal_open(struct journal **out, const char *path,
                 int (*replay)(void *context, const struct event *event, struct lr_error *err),
                 void *context, struct lr_error *err);
/* Writes one line. Durable only after journal_sync(). On failure the file is cut back to its last
 * complete line and every later call fails (LR_ENOSPC when the disk is full). */
int journal_append(struct journal *journal, const struct event *event, struct lr_error *err);
int journal_sync(struct journal *journal, struct lr_error *err); /* fsync, when anything is new */
size_t journal_count(const struct journal *journal);             /* lines, the replayed ones too */
/* Gives the events of a journal to `replay`, writes nothing, takes no lock: for a look at a
 * campaign that may be running. A torn last line is left out. LR_EIO when there is no such file. */
int journal_read(const char *path,
                 int (*replay)(void *context, const struct event *event, struct lr_error *err),
                 void *context, struct lr_error *err);
/* RUN_DIR/journal.jsonl in the same way. */
int journal_read_run(const char *run_dir,
                     int (*replay)(void *context, const struct event *event, struct lr_error *err),
                     void *context, struct lr_error *err);

/* Where a reader stands; all zero: at the beginning. */
struct journal_place {
    int64_t offset;
    size_t lines;
};
/* The same from a place on, which moves behind the last whole line that `replay` took: what was
 * appended meanwhile. LR_EDAMAGED too when the file ends before the place. */
int journal_read_on(const char *path, struct journal_place *place,
                    int (*replay)(void *context, const struct event *event, struct lr_error *err),
                    void *context, struct lr_error *err);

struct journal_repair {
    size_t kept, dropped;   /* lines; dropped 0: nothing is damaged and nothing was changed */
    char copy[1100];        /* the file as it was; "" when nothing was changed */
    struct lr_error damage; /* what is wrong with the first line that was dropped, and its place */
};

/* Cuts a damaged journal off before its first damaged line: one that journal_open() refuses with
 * LR_EDAMAGED, or `replay` does. Before, it is copied to PATH.damaged-1, -2, ... and what was lost
 * is told: the events of intact lines behind the cut. LR_EIO when another process writes it,
 * LR_EDAMAGED when the line is another version's and no damage; on any failure it is as it was. */
int journal_repair(struct journal_repair *repair, const char *path,
                   int (*replay)(void *context, const struct event *event, struct lr_error *err),
                   void (*lost)(void *context, const struct event *event), void *context,
                   struct lr_error *err);
void journal_close(struct journal *journal);

#endif
