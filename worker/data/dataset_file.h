#ifndef LRSEARCH_DATASET_FILE_H
#define LRSEARCH_DATASET_FILE_H

#include <stdint.h>
#include "data/token_file.h"
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* DATASET.json: which token files a training reads, in which order, and where its validation data
 * begin. The coordinator writes it once (dataset.c); trials name it and its hash, so that they read
 * the same on every rank and after every restart. `lrsearch tokenize` writes it beside its
 * shards. */

struct dataset_part {
    char path[TRIAL_PATH]; /* in the file: from its folder, where it lies in there */
    enum token_format format;
    unsigned width;
    uint64_t size, begins; /* bytes; where the tokens begin */
    uint64_t tokens;
    uint64_t sample_hash; /* token_file_sample_hash() */
};

struct dataset_parts {
    struct dataset_part *part;
    size_t count;
};

#define VAL_AT_END UINT64_MAX

struct dataset_file {
    struct dataset_parts train, val; /* val.count 0: validation is the end of `train` */
    uint64_t val_first;              /* there: its first token; VAL_AT_END: the last val_tokens */
    uint64_t val_bytes;              /* of text that is scored (trial_spec); 0: not known */
    uint32_t vocab_used;             /* highest token id + 1 */
    uint64_t text_bytes;             /* that the tokens of `train` stand for; 0: not known */
    char text_hash[20], tokenizer[16], model_hash[20]; /* of lrsearch tokenize; "" otherwise */
    char model[TRIAL_PATH]; /* the tokenizer's file, as a part's path; "": none */
};

/* A part as token_file_open() finds it. `path`: as given, or FILE.bin for FILE.idx. */
int dataset_part_of(struct dataset_part *part, const char *path, enum token_format format,
                    struct lr_error *err);
/* Maps it; LR_EDATA when it is gone or is not the file that it was. */
int dataset_part_open(struct token_file *file, const struct dataset_part *part,
                      struct lr_error *err);
/* Appends a copy; 0 or LR_ENOMEM. */
int dataset_parts_add(struct dataset_parts *parts, const struct dataset_part *part,
                      struct lr_error *err);
uint64_t dataset_parts_tokens(const struct dataset_parts *parts);
/* The first token that is scored of a validation set of val_tokens, in `val` or in `train`. It has
 * one before it, which the first of `val` has not. */
uint64_t dataset_file_val_first(const struct dataset_file *dataset, uint64_t val_tokens);

/* *hash: XXH3-64 of what its files are and how they are split, not of where they lie, so that a
 * dataset may be moved. LR_EDATA names the file and what is wrong in it. */
int dataset_file_read(struct dataset_file *out, uint64_t *hash, const char *path,
                      struct lr_error *err);
/* Written beside, synced and renamed: whole or not at all. */
int dataset_file_write(const struct dataset_file *dataset, const char *path, struct lr_error *err);
void dataset_file_release(struct dataset_file *dataset);

/* What dataset_file_read() does with the text; `path` for messages and relative paths. */
int dataset_file_parse(struct dataset_file *out, const char *text, size_t size, const char *path,
                       struct lr_error *err);

#endif
