#ifndef LRSEARCH_COMMAND_FILE_H
#define LRSEARCH_COMMAND_FILE_H

#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* A plan's command as a file: the coordinator writes it once, every worker that runs a trial reads
 * it. A trial names the file and the hash of its bytes, so its result depends on its spec alone. */

#define COMMAND_ARGUMENTS 64
#define COMMAND_VARIABLES 32
#define COMMAND_LAUNCHER 16 /* words */

/* X(enumerator, name in the plan) */
#define REPORT_WAY_MAP(X)                                                                          \
    X(REPORT_FD, "fd")         /* JSON lines on a separate descriptor */                           \
    X(REPORT_PREFIX, "prefix") /* JSON lines on stdout after a prefix */                           \
    X(REPORT_REGEX, "regex")   /* lines of stdout that match */                                    \
    X(REPORT_FILE, "file")     /* rows of a file that it writes */
enum report_way {
#define X(enumerator, name) enumerator,
    REPORT_WAY_MAP(X)
#undef X
};

#define COMMAND_EXITS 8

/* What means that the training diverged, besides a loss that is not finite. */
struct command_diverged {
    int exits[COMMAND_EXITS]; /* exit statuses */
    size_t exit_count;
    const char *regex; /* a line of stdout or stderr that matches; NULL or "": none */
};

struct command_setup {
    const char *argv[COMMAND_ARGUMENTS + 1]; /* with placeholders; ends with NULL */
    size_t argc;
    const char *names[COMMAND_VARIABLES], *values[COMMAND_VARIABLES]; /* of the environment; values
                                                                       * with placeholders */
    size_t variables;
    const char *cwd; /* absolute, with placeholders */
    enum report_way way;
    const char *pattern; /* the prefix or regex */
    /* way file: its name, with placeholders and wildcards, and what it calls the loss and the
     * tokens or the steps (one of them, or neither: NULL) */
    const char *report_file, *report_loss, *report_tokens, *report_steps;
    struct command_diverged diverged;
    uint32_t gpus; /* per trial */
    double kill_grace_s;
    const char *launcher[COMMAND_LAUNCHER]; /* as in the plan, with placeholders */
    size_t launcher_words;                  /* 0: none */
    uint32_t nodes, cpus;                   /* per trial, of launcher srun; cpus 0: not given */
    void *texts;                            /* owns the texts of a setup that was read; else NULL */
};

/* Writes `setup` to folder/command-HASH.json; sets `path` and *hash. */
int command_file_write(const struct command_setup *setup, const char *folder, char path[TRIAL_PATH],
                       uint64_t *hash, struct lr_error *err);
/* LR_EIO; LR_EDATA: not the file that was written. On success, release with
 * command_setup_release(). */
int command_file_read(struct command_setup *setup, const char *path, uint64_t hash,
                      struct lr_error *err);
void command_setup_release(struct command_setup *setup);
/* Finds the way of that name; false: there is none. */
bool report_way_find(enum report_way *way, const char *name);

#endif
