/* Any bytes as a DATASET.json: what is accepted keeps dataset_file.h's word, and is written so that
 * it reads back the same. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "data/dataset_file.h"
#include "fuzz_input.h"
#include "lrsearch/memory.h"

static void check_parts(const struct dataset_parts *parts)
{
    uint64_t tokens = 0;
    for (size_t i = 0; i < parts->count; i++) {
        const struct dataset_part *part = &parts->part[i];
        DEMAND(part->format != TOKENS_AUTO && part->path[0] == '/');
        DEMAND(part->width == 1 || part->width == 2 || part->width == 4);
        DEMAND(part->begins <= part->size);
        DEMAND(part->tokens >= 1 && part->tokens <= (part->size - part->begins) / part->width);
        DEMAND(tokens + part->tokens > tokens);
        tokens += part->tokens;
    }
    DEMAND(tokens == dataset_parts_tokens(parts));
}

static void demand_same_parts(const struct dataset_parts *a, const struct dataset_parts *b)
{
    DEMAND(a->count == b->count);
    DEMAND(a->count == 0 || memcmp(a->part, b->part, a->count * sizeof(*a->part)) == 0);
}

static void check_good(const struct dataset_file *file, const char *path)
{
    struct dataset_file again;
    struct lr_error err = {0};
    uint64_t hash;
    DEMAND(file->train.count > 0 && file->vocab_used > 0);
    check_parts(&file->train);
    check_parts(&file->val);
    DEMAND(file->val_first == VAL_AT_END || file->val_first <= dataset_parts_tokens(&file->train));
    if (dataset_file_write(file, path, &err) || dataset_file_read(&again, &hash, path, &err)) {
        fprintf(stderr, "%s\n", err.text);
        DEMAND(false);
    }
    DEMAND(unlink(path) == 0);
    demand_same_parts(&file->train, &again.train);
    demand_same_parts(&file->val, &again.val);
    DEMAND(file->vocab_used == again.vocab_used && file->val_first == again.val_first);
    DEMAND(file->text_bytes == again.text_bytes && !strcmp(file->text_hash, again.text_hash));
    DEMAND(file->val_bytes == again.val_bytes && !strcmp(file->model, again.model));
    DEMAND(!strcmp(file->tokenizer, again.tokenizer) &&
           !strcmp(file->model_hash, again.model_hash));
    dataset_file_release(&again);
}

static int parse(struct dataset_file *file, const char *text, size_t size, const char *path)
{
    struct lr_error err = {0};
    int rc = dataset_file_parse(file, text, size, path, &err);
    DEMAND(rc == 0 || err.text[0]);
    DEMAND(rc == 0 || (!file->train.part && !file->val.part));
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dataset_file file;
    char path[128];
    long countdown = fuzz_take_countdown(&data, &size);
    char *text = fuzz_copy(data, size);
    snprintf(path, sizeof(path), "%s/DATASET.json", fuzz_folder());
    int rc = parse(&file, text, size, path);
    if (rc == 0) {
        check_good(&file, path);
        dataset_file_release(&file);
    }
    if (countdown >= 0) {
        lr_memory_fail_after(countdown);
        int with = parse(&file, text, size, path);
        lr_memory_fail_after(-1);
        fuzz_demand_same(with, rc);
        dataset_file_release(&file);
    }
    fuzz_copy_free(text);
    return 0;
}
