/* What is common to text and token files: the cache's folder, and what a dataset is good for. */
#define _XOPEN_SOURCE 700
#include "data/dataset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "data/dataset_make.h"

static int make_dirs(const char *path, struct lr_error *err)
{
    char partial[TRIAL_PATH];
    snprintf(partial, sizeof(partial), "%s", path);
    for (char *at = partial + 1;; at++) {
        char end = *at;
        if (end != '/' && end)
            continue;
        *at = 0;
        if (mkdir(partial, 0700) && errno != EEXIST)
            return lr_fail_errno(err, LR_ECREATE, "%s", partial);
        if (!end)
            return 0;
        *at = end;
    }
}

/* Of token files; of text its bytes are what counts (dataset_text.c). */
static int check_end(const struct dataset *out, const struct dataset_request *request,
                     struct lr_error *err)
{
    if (request->text_count || request->val_tokens * 4 <= out->tokens)
        return 0;
    return lr_fail(err, LR_EDATA,
                   "data: %s: %llu tokens are too few: %llu for validation (data.val_tokens) may "
                   "be a quarter at most, so at least %llu are needed",
                   request->tokens[0], (unsigned long long)out->tokens,
                   (unsigned long long)request->val_tokens,
                   (unsigned long long)request->val_tokens * 4);
}

uint64_t dataset_val_tokens(const struct dataset_file *file, const struct dataset_request *request)
{
    const struct dataset_parts *parts = file->val.count ? &file->val : &file->train;
    uint64_t all = dataset_parts_tokens(parts);
    uint64_t first = dataset_file_val_first(file, request->val_tokens);
    uint64_t there = all > first ? all - first : 0;
    bool whole = request->text_count && file->val_bytes > 0;
    return whole || there < request->val_tokens ? there : request->val_tokens;
}

static int describe(struct dataset *out, const struct dataset_file *file,
                    const struct dataset_request *request, struct lr_error *err)
{
    uint64_t val = dataset_parts_tokens(&file->val), context = request->context;
    const char *key = request->text_count ? "" : "data.tokens: "; /* of text the caller says it */
    out->files = file->train.count;
    out->vocab_used = file->vocab_used;
    out->tokens = dataset_parts_tokens(&file->train);
    out->bytes_per_token = (double)file->text_bytes / (double)out->tokens;
    out->val_tokens = dataset_val_tokens(file, request);
    out->val_bytes = file->val_bytes;
    int rc = file->val.count ? 0 : check_end(out, request, err);
    if (rc)
        return rc;
    uint64_t before =
        file->val.count ? out->tokens : dataset_file_val_first(file, request->val_tokens);
    if (before <= context)
        return lr_fail(err, LR_EDATA,
                       "%s%s: %llu tokens before the validation set do not give one sequence of %u",
                       key, request->text_count ? request->texts[0] : file->train.part[0].path,
                       (unsigned long long)before, request->context);
    if (file->val.count && val <= context)
        return lr_fail(err, LR_EDATA, "data.val: %s: %llu tokens do not give one sequence of %u",
                       file->val.part[0].path, (unsigned long long)val, request->context);
    out->train_tokens = (before - 1) / context * context;
    return 0;
}

int dataset_prepare(struct dataset *out, const struct dataset_request *request,
                    struct lr_error *err)
{
    struct dataset_file file = {0};
    memset(out, 0, sizeof(*out));
    int rc = make_dirs(request->cache_dir, err);
    char *folder = rc ? NULL : realpath(request->cache_dir, NULL);
    if (!rc && !folder)
        rc = lr_fail_errno(err, LR_ECREATE, "%s", request->cache_dir);
    if (!rc && strlen(folder) + 80 > sizeof(out->path))
        rc = lr_fail(err, LR_ECREATE, "%s: the path is too long", folder);
    if (!rc)
        rc = (request->text_count ? dataset_from_text : dataset_from_tokens)(out, &file, request,
                                                                             folder, err);
    if (!rc)
        rc = describe(out, &file, request, err);
    dataset_file_release(&file);
    free(folder);
    return rc;
}
