#ifndef LRSEARCH_OWN_FILE_H
#define LRSEARCH_OWN_FILE_H

#include <stdbool.h>
#include <stdio.h>
#include "lrsearch/error.h"

/* Safe creation of files in our own folders. Symbolic links that another user may have left there
 * are never followed: files are created new under a temporary name, and rename(2) gives the final
 * name, replacing a link, not its target. */

/* Creates an empty file for writing, with permissions `mode` less the umask. A file of that name,
 * left by a killed process, is removed first. Closed on exec. -1 or NULL with errno on failure. */
int own_file_create(const char *path, unsigned mode);
FILE *own_file_stream(const char *path, unsigned mode);

/* Finishes a file of own_file_stream(): syncs and closes it and renames `temporary` to `path`.
 * written false: writing failed with errno. On an error `temporary` is removed. LR_EIO, LR_ENOSPC,
 * LR_ECREATE. */
int own_stream_publish(FILE *file, bool written, const char *temporary, const char *path,
                       struct lr_error *err);

/* Checks that a file may be renamed to `path`: nothing or a regular file is there. LR_ECREATE, with
 * the remedy, for a device, a pipe, or a link into /proc such as /dev/stdout: renaming would remove
 * it for every program. */
int own_place_check(const char *path, struct lr_error *err);

enum own_folder { OWN_FOLDER_NAMED, OWN_FOLDER_INSIDE };

/* Checks that only we can replace the files in a folder: it belongs to the effective user, and
 * neither group nor others may write to it. A folder named by the user may be a symbolic link; one
 * inside it may not. LR_ECREATE with the cause and the remedy; errno is set too. */
int own_folder_check(const char *path, enum own_folder kind, struct lr_error *err);

/* Whether the last part of a run directory's path is a name that lrsearch uses beside the runs: the
 * link `latest`, the folder `cache`, history.db and SQLite's files beside it. */
bool own_name_taken(const char *path);
#define OWN_NAMES "latest, cache and history.db"

#endif
