#ifndef LRSEARCH_OWN_FILE_H
#define LRSEARCH_OWN_FILE_H

#include <stdbool.h>
#include <stdio.h>
#include "lrsearch/error.h"

/* Files of ours in folders of ours. Somebody who once could write there may have left symbolic
 * links behind: they are never followed. Files with a temporary name are created new; names that
 * stay are then made by rename(2), which replaces a link and not what it points to. */

/* A new and empty file to be written, with these permissions less the umask. What stands there
 * under its name, left by a killed process, is removed. Closed on exec. -1, NULL: errno. */
int own_file_create(const char *path, unsigned mode);
FILE *own_file_stream(const char *path, unsigned mode);

/* Ends what own_file_stream() began: the file is on disk, closed, and renamed from `temporary` to
 * `path`. written false: writing failed with errno. On an error `temporary` is removed. LR_EIO,
 * LR_ECREATE. */
int own_stream_publish(FILE *file, bool written, const char *temporary, const char *path,
                       struct lr_error *err);

/* Whether a new file may be renamed to `path`: nothing is there, or a regular file. A device or a
 * pipe would be gone for every other program, and so would /dev/stdout, a link into /proc.
 * LR_ECREATE tells the mend. */
int own_place_check(const char *path, struct lr_error *err);

enum own_folder { OWN_FOLDER_NAMED, OWN_FOLDER_INSIDE };

/* Whether nobody else can exchange the files in a folder: it belongs to the effective user, and
 * neither group nor others may write to it. One that the user named may be reached by a symbolic
 * link; one inside it may not be one. LR_ECREATE tells what is wrong and
 * the mend; errno in a word. */
int own_folder_check(const char *path, enum own_folder kind, struct lr_error *err);

/* Whether the last part of a run directory's path is a name that lrsearch gives to something of its
 * own beside the runs: the link `latest`, the data in `cache`, history.db and what SQLite has
 * beside it. */
bool own_name_taken(const char *path);
#define OWN_NAMES "latest, cache and history.db"

#endif
