#define _XOPEN_SOURCE 700
#include "estimate/random_tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "data/shard_writer.h"
#include "lrsearch/rng.h"

static int write_tokens(const struct trial_spec *spec, uint64_t count, char data_path[TRIAL_PATH],
                        const char *folder, struct lr_error *err)
{
    char stem[TRIAL_PATH - 8];
    struct dataset_file dataset = {.val_first = VAL_AT_END, .vocab_used = spec->vocab};
    struct shard_writer *writer;
    snprintf(stem, sizeof(stem), "%s/random", folder);
    snprintf(data_path, TRIAL_PATH, "%s/random.json", folder);
    int rc = shard_writer_open(&writer, stem, false, SHARD_TOKENS, err);
    for (uint64_t i = 0; i < count && !rc; i++) {
        uint32_t token = (uint32_t)rng_below(spec->seed, RNG_SYNTHETIC, i, spec->vocab);
        rc = shard_writer_put(writer, &token, 1, err);
    }
    rc = rc ? rc : shard_writer_finish(writer, &dataset.train, err);
    rc = rc ? rc : dataset_file_write(&dataset, data_path, err);
    shard_writer_close(writer);
    dataset_file_release(&dataset);
    return rc;
}

void random_tokens_remove(const char *folder)
{
    static const char *const names[] = {"random.json", "random-000.bin"};
    char path[TRIAL_PATH];
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

int random_tokens_make(const struct trial_spec *spec, uint64_t count, char data_path[TRIAL_PATH],
                       char folder[RANDOM_TOKENS_FOLDER], struct lr_error *err)
{
    const char *place = getenv("TMPDIR");
    snprintf(folder, RANDOM_TOKENS_FOLDER, "%s/lrsearch-bench-XXXXXX",
             place && *place ? place : "/tmp");
    if (!mkdtemp(folder))
        return lr_fail_errno(err, LR_ECREATE,
                             "%s: cannot create it (set TMPDIR to a folder that can be written)",
                             folder);
    int rc = write_tokens(spec, count, data_path, folder, err);
    if (rc)
        random_tokens_remove(folder);
    return rc;
}
