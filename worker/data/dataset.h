#ifndef LRSEARCH_DATASET_H
#define LRSEARCH_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "data/token_file.h"
#include "lrsearch/error.h"
#include "lrsearch/stage.h"
#include "lrsearch/trial.h"

/* From what people have, text or token files, to one DATASET.json (dataset_file.h) that trials
 * name. Text is tokenized once into llm.c shards, cached by the content of the text and the
 * settings; token files are read where they lie. Validation is kept apart: files of its own, or the
 * end. A tokenizer is trained on text that lies before it. With the same val_bytes, validation is
 * the same text at every vocabulary; what val_tokens stood for at one is val_bytes for the next. */

struct dataset_request {
    const char *const *texts; /* paths or globs, plain or gzip, absolute */
    size_t text_count;
    bool bpe; /* false: bytes */

    const char *const *tokens; /* instead of texts: token files, or DATASET.json */
    size_t token_count;
    const char *const *vals; /* token files for validation; taken out of `tokens` */
    size_t val_count;
    enum token_format format;

    uint32_t vocab;      /* bytes: at least 256 */
    uint64_t val_tokens; /* 0 without val_bytes: nothing is kept apart */
    uint64_t val_bytes;  /* of text, instead of val_tokens; 0: not given */
    uint32_t context;
    const char *cache_dir;             /* made when missing */
    const struct stage_report *stages; /* NULL: nobody listens */
};

struct dataset {
    char path[TRIAL_PATH]; /* of DATASET.json, absolute */
    uint64_t hash;         /* of what it says, for trial_spec.data_hash */
    size_t files;
    uint64_t tokens;        /* in all files for training, the end that is validation with them */
    uint64_t train_tokens;  /* that one epoch gives: whole sequences before the validation set */
    double bytes_per_token; /* of the whole text; 0: not known */
    uint64_t val_tokens;    /* that are scored, */
    uint64_t val_bytes;     /* and the bytes of text behind them; 0: not known */
    uint32_t vocab_used;    /* highest token id + 1 */
    bool cached;            /* nothing had to be done */
};

/* 0, or LR_EDATA naming file and mend: no file matches, unreadable, empty, not text, too small for
 * the vocabulary or for the validation set (a quarter at most, of text of its bytes, unless it has
 * files of its own),
 * damaged gzip, token files of mixed kinds or with ids of vocab or more. Two processes at once do
 * no harm. */
int dataset_prepare(struct dataset *out, const struct dataset_request *request,
                    struct lr_error *err);

#endif
