#ifndef LRSEARCH_DATASET_H
#define LRSEARCH_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* From text files to one token file (an llm.c shard: 256 x int32 header {20240520, 1, count}, then
 * uint16 tokens; {20240801, 7, count} and uint32 above 65536). Tokenized once, cached by the
 * content of the text and the settings. The last `val_tokens` of the file are the validation set.
 * The tokenizer is trained on text that lies before them. */

struct dataset_request {
    const char *const *patterns; /* paths or globs, plain or gzip, absolute */
    size_t pattern_count;
    bool bpe;       /* false: bytes */
    uint32_t vocab; /* bytes: at least 256 */
    uint64_t val_tokens;
    uint32_t context;
    const char *cache_dir; /* made when missing */
    /* Called about once a second while it works; may be NULL. */
    void (*progress)(void *context, const char *stage, double share_done);
    void *context_of_progress;
};

struct dataset {
    char path[TRIAL_PATH]; /* absolute */
    uint64_t hash;         /* XXH3-64 of the file, for trial_spec.data_hash */
    uint64_t tokens;       /* in the file */
    uint64_t train_tokens; /* that one epoch gives: whole sequences before the validation set */
    double bytes_per_token;
    uint32_t vocab_used; /* highest token id + 1 */
    bool cached;         /* nothing had to be done */
};

/* 0, or LR_EDATA naming file and mend: no file matches, unreadable, empty, not text, too small for
 * the vocabulary or for the validation set (a quarter of the text at most), damaged gzip. Two
 * processes at once do no harm. */
int dataset_prepare(struct dataset *out, const struct dataset_request *request,
                    struct lr_error *err);

#endif
