#ifndef LRSEARCH_HISTORY_H
#define LRSEARCH_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* DIR/history.db: an index over the finished runs whose directories lie in DIR (SQLite; rollback
 * journal, because WAL breaks on NFS and Lustre). All of it can be made again from the runs
 * themselves (lrsearch history --rebuild). Several processes may write at once: each waits for the
 * others, HISTORY_WAIT_MS at most. */

#define HISTORY_FILE "history.db"
#define HISTORY_NAME 256
#define HISTORY_WAIT_MS 20000

struct history_run {
    char run[HISTORY_NAME]; /* its directory, below DIR: the key */
    char name[64];          /* of the campaign */
    char finished_utc[32];  /* "2026-11-26T03:12:44Z" */
    char status[32];        /* answer_status_name() */
    char version[32], host[64];
    uint64_t target_tokens;
    uint32_t target_width;
    double lr, ci90[2];   /* at the target; NaN: not known, as all doubles here */
    uint64_t loss_tokens; /* the longest horizon with a best LR; 0: none */
    double loss;          /* there */
    uint64_t trials, tokens;
    double flops, core_seconds;
    char baseline[HISTORY_NAME]; /* the last part of the path of the run that it was compared with;
                                    "": none */
    double drift_lr, drift_lr_ci90[2], drift_loss, drift_loss_ci90[2];
    bool drifted; /* beyond what its plan tolerates */
};

struct history;

enum history_use {
    HISTORY_READ,  /* *out is NULL with 0 when there is no such file, or an empty one. What a killed
                      writer left half done is undone, where the file can be written. */
    HISTORY_WRITE, /* made when it is not there (0600) */
    HISTORY_REMAKE /* the same; what is no history, or holds values that cannot be, is renamed to
                      history.db.damaged before */
};

/* LR_EDAMAGED: the file is damaged (also a value that history_list() comes upon), no regular file,
 * of another program or of a later version; LR_EIO, LR_ENOSPC, LR_ECREATE as they come. Every text
 * names the file. */
int history_open(struct history **out, const char *dir, enum history_use use, struct lr_error *err);
void history_close(struct history *history); /* NULL is fine */

/* Adds the run, or replaces what was known of it. */
int history_put(struct history *history, const struct history_run *run, struct lr_error *err);
int history_remove(struct history *history, const char *run, struct lr_error *err);

/* The runs, the oldest first (of the same second: by their directories); `name`: only campaigns of
 * that name, NULL: all. lr_free() *runs. */
int history_list(struct history *history, const char *name, struct history_run **runs,
                 size_t *count, struct lr_error *err);
/* The newest run of that name that finished before `run` did, at finished_utc. *found says whether
 * there is one. */
int history_previous(struct history *history, const char *name, const char *run,
                     const char *finished_utc, struct history_run *out, bool *found,
                     struct lr_error *err);

#endif
