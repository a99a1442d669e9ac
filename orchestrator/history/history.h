#ifndef LRSEARCH_HISTORY_H
#define LRSEARCH_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/answer.h"
#include "lrsearch/error.h"

/* DIR/history.db: an index of the finished runs in DIR (SQLite; rollback journal, because WAL
 * breaks on NFS and Lustre). It can be rebuilt from the runs (lrsearch history --rebuild). Several
 * processes may write at once: each waits for the others, at most HISTORY_WAIT_MS. */

#define HISTORY_FILE "history.db"
#define HISTORY_NAME 256
#define HISTORY_WAIT_MS 20000

struct history_run {
    char run[HISTORY_NAME]; /* its directory in DIR: the key */
    char name[64];          /* the campaign's name */
    char finished_utc[32];  /* "2026-11-26T03:12:44Z" */
    char status[32];        /* answer_status_name() */
    char version[32], host[64];
    uint64_t target_tokens;
    uint32_t target_width;
    double lr, ci90[2];   /* at the target; NaN: unknown, as for all doubles here */
    uint64_t loss_tokens; /* longest horizon with a best LR; 0: none */
    double loss;          /* at loss_tokens */
    uint64_t trials, tokens;
    double flops, core_seconds;
    char baseline[HISTORY_NAME]; /* directory name of the baseline; "": not compared */
    double drift_lr, drift_lr_ci90[2], drift_loss, drift_loss_ci90[2];
    bool drifted; /* beyond the plan's tolerance */
};

struct history;

enum history_use {
    HISTORY_READ,  /* *out = NULL and 0 if the file does not exist or is empty. Rolls back a killed
                      writer's transaction where the file can be written. */
    HISTORY_WRITE, /* creates it (0600) if it does not exist */
    HISTORY_REMAKE /* as HISTORY_WRITE; a file that is no history, or has invalid values, is first
                      renamed to history.db.damaged */
};

/* LR_EDAMAGED: the file is damaged (also an invalid value met by history_list()), not a regular
 * file, or of another program or version; LR_EIO, LR_ENOSPC, LR_ECREATE as they occur. Every error
 * text names the file. */
int history_open(struct history **out, const char *dir, enum history_use use, struct lr_error *err);
void history_close(struct history *history); /* takes NULL */

/* Adds the run, or replaces its row. */
int history_put(struct history *history, const struct history_run *run, struct lr_error *err);
int history_remove(struct history *history, const char *run, struct lr_error *err);

/* The runs, oldest first (within a second by directory name). `name`: only campaigns of that name;
 * NULL: all. lr_free() *runs. */
int history_list(struct history *history, const char *name, struct history_run **runs,
                 size_t *count, struct lr_error *err);
/* The newest run of that name that finished before `run`, which finished at finished_utc. *found:
 * there is one. */
int history_previous(struct history *history, const char *name, const char *run,
                     const char *finished_utc, struct history_run *out, bool *found,
                     struct lr_error *err);

#endif
