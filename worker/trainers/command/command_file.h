#ifndef LRSEARCH_COMMAND_FILE_H
#define LRSEARCH_COMMAND_FILE_H

#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* What a plan's command is: written once by the coordinator, read by whoever runs a trial. A trial
 * names the file and the hash of its bytes, so that it depends on its spec alone. */

#define COMMAND_ARGUMENTS 64
#define COMMAND_VARIABLES 32

/* X(enumerator, name in the plan) */
#define REPORT_WAY_MAP(X)                                                                          \
    X(REPORT_FD, "fd")         /* JSON lines on a descriptor of its own */                         \
    X(REPORT_PREFIX, "prefix") /* JSON lines on stdout behind a prefix */                          \
    X(REPORT_REGEX, "regex")   /* whatever stdout has that fits */
enum report_way {
#define X(enumerator, name) enumerator,
    REPORT_WAY_MAP(X)
#undef X
};

struct command_setup {
    const char *argv[COMMAND_ARGUMENTS + 1]; /* with placeholders; ends with NULL */
    size_t argc;
    const char *names[COMMAND_VARIABLES], *values[COMMAND_VARIABLES]; /* of the environment */
    size_t variables;
    const char *cwd; /* absolute */
    enum report_way way;
    const char *pattern; /* the prefix or regex */
    uint32_t gpus;       /* per trial */
    double kill_grace_s;
    void *texts; /* owns all texts of a setup that was read; NULL */
};

/* Writes it to folder/command-HASH.json. */
int command_file_write(const struct command_setup *setup, const char *folder, char path[TRIAL_PATH],
                       uint64_t *hash, struct lr_error *err);
/* LR_EIO; LR_EDATA: it is not the file that was written. On 0, command_setup_release() it. */
int command_file_read(struct command_setup *setup, const char *path, uint64_t hash,
                      struct lr_error *err);
void command_setup_release(struct command_setup *setup);
/* The way of that name; false: there is none. */
bool report_way_find(enum report_way *way, const char *name);

#endif
