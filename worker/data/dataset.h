#ifndef LRSEARCH_DATASET_H
#define LRSEARCH_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "data/token_file.h"
#include "lrsearch/error.h"
#include "lrsearch/stage.h"
#include "lrsearch/trial.h"

/* From text or token files to one DATASET.json (dataset_file.h) that trials name. Text is tokenized
 * once into llm.c shards, cached by the content of the text and the settings; token files are read
 * in place. Validation data are separate: their own files, or the end of the training data. A
 * tokenizer is trained on text before the validation set. With the same val_bytes, validation is
 * the same text at every vocabulary; a plan passes the val_bytes of its first vocabulary to the
 * next ones. */

struct dataset_request {
    const char *const *texts; /* paths or globs, plain or gzip, absolute */
    size_t text_count;
    bool bpe; /* false: bytes */

    const char *const *tokens; /* instead of texts: token files, or DATASET.json */
    size_t token_count;
    const char *const *vals; /* token files for validation; excluded from `tokens` */
    size_t val_count;
    enum token_format format;

    uint32_t vocab;      /* bytes: at least 256 */
    uint64_t val_tokens; /* 0 without val_bytes: no validation set */
    uint64_t val_bytes;  /* of text, instead of val_tokens; 0: not given */
    uint32_t context;
    const char *cache_dir;             /* created if missing */
    const struct stage_report *stages; /* NULL: no reports */
};

struct dataset {
    char path[TRIAL_PATH]; /* of DATASET.json, absolute */
    uint64_t hash;         /* of its content, for trial_spec.data_hash */
    size_t files;
    uint64_t tokens;        /* in all training files, validation at their end included */
    uint64_t train_tokens;  /* of an epoch: whole sequences before the validation set */
    double bytes_per_token; /* of the whole text; 0: not known */
    uint64_t val_tokens;    /* scored tokens */
    uint64_t val_bytes;     /* bytes of text of these tokens; 0: unknown */
    uint32_t vocab_used;    /* highest token id + 1 */
    bool cached;            /* found in the cache */
};

/* 0, or LR_EDATA with the file and the remedy: no file matches, unreadable, empty, not text, too
 * small for the vocabulary or for the validation set (at most a quarter, counted in bytes for text,
 * unless it has its own files), damaged gzip, token files of mixed layouts or with ids of vocab or
 * more. Safe to run in two processes at once. */
int dataset_prepare(struct dataset *out, const struct dataset_request *request,
                    struct lr_error *err);

#endif
