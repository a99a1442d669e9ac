/* mkdtemp() gives a folder an unpredictable name and closes it to other users. */
#define _XOPEN_SOURCE 700 /* mkdtemp, nftw */
#include "estimate/temp_data.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include "data/shard_writer.h"
#include "lrsearch/rng.h"

int temp_folder_make(char folder[TEMP_FOLDER], const char *name, struct lr_error *err)
{
    const char *place = getenv("TMPDIR");
    snprintf(folder, TEMP_FOLDER, "%s/%s-XXXXXX", place && *place ? place : "/tmp", name);
    if (mkdtemp(folder))
        return 0;
    return lr_fail_errno(err, LR_ECREATE,
                         "%s: cannot create it (set TMPDIR to a folder that can be written)",
                         folder);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

void temp_folder_remove(const char *folder)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int write_tokens(const struct trial_spec *spec, uint64_t count, char data_path[TRIAL_PATH],
                        const char *folder, struct lr_error *err)
{
    char stem[TRIAL_PATH - 8];
    struct dataset_file dataset = {.val_first = VAL_AT_END, .vocab_used = spec->vocab};
    struct shard_writer *writer = NULL;
    int rc;
    snprintf(stem, sizeof(stem), "%s/random", folder);
    snprintf(data_path, TRIAL_PATH, "%s/random.json", folder);
    if ((rc = shard_writer_open(&writer, stem, false, SHARD_TOKENS, err)))
        goto out;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t token = (uint32_t)rng_below(spec->seed, RNG_SYNTHETIC, i, spec->vocab);
        if ((rc = shard_writer_put(writer, &token, 1, err)))
            goto out;
    }
    if ((rc = shard_writer_finish(writer, &dataset.train, err)))
        goto out;
    rc = dataset_file_write(&dataset, data_path, err);
out:
    shard_writer_close(writer);
    dataset_file_release(&dataset);
    return rc;
}

int random_tokens_make(const struct trial_spec *spec, uint64_t count, char data_path[TRIAL_PATH],
                       char folder[TEMP_FOLDER], struct lr_error *err)
{
    int rc;
    if ((rc = temp_folder_make(folder, "lrsearch-bench", err)))
        return rc;
    if ((rc = write_tokens(spec, count, data_path, folder, err)))
        temp_folder_remove(folder);
    return rc;
}
