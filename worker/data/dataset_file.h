#ifndef LRSEARCH_DATASET_FILE_H
#define LRSEARCH_DATASET_FILE_H

#include <stdint.h>
#include "data/token_file.h"
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* DATASET.json: which token files a training reads, in which order, and where its validation data
 * begin. The coordinator writes it once; trials name it and its hash, so that they read the same on
 * every rank and after every restart. `lrsearch tokenize` writes it beside its shards. */

struct dataset_part {
    char path[TRIAL_PATH]; /* in the file: relative to its folder if inside it */
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
    uint64_t val_first;              /* first validation token of `train`; VAL_AT_END: the last
                                        val_tokens */
    uint64_t val_bytes;              /* bytes of the scored text (trial_spec); 0: unknown */
    uint32_t vocab_used;             /* highest token id + 1 */
    uint64_t text_bytes;             /* bytes of text of the tokens of `train`; 0: unknown */
    char text_hash[20], tokenizer[16], model_hash[20]; /* only for tokenized text; otherwise "" */
    char model[TRIAL_PATH]; /* the tokenizer's file, stored as a part's path; "": none */
};

/* Describes a token file as token_file_open() finds it. `path`: as given, or FILE.bin for
 * FILE.idx. */
int dataset_part_of(struct dataset_part *part, const char *path, enum token_format format,
                    struct lr_error *err);
/* Maps the part's file; LR_EDATA if it is gone or has changed. */
int dataset_part_open(struct token_file *file, const struct dataset_part *part,
                      struct lr_error *err);
/* Appends a copy; 0 or LR_ENOMEM. */
int dataset_parts_add(struct dataset_parts *parts, const struct dataset_part *part,
                      struct lr_error *err);
uint64_t dataset_parts_tokens(const struct dataset_parts *parts);
/* Index of the first scored token of a validation set of val_tokens, in `val` or in `train`. It
 * needs a token before it, so in `val` it is token 1. */
uint64_t dataset_file_val_first(const struct dataset_file *dataset, uint64_t val_tokens);

/* Reads the file. *hash: XXH3-64 of its token files' identity and the split, not of their paths, so
 * that a dataset may be moved. LR_EDATA names the file and the error in it. */
int dataset_file_read(struct dataset_file *out, uint64_t *hash, const char *path,
                      struct lr_error *err);
/* Writes a temporary file, syncs and renames it: whole or not at all. */
int dataset_file_write(const struct dataset_file *dataset, const char *path, struct lr_error *err);
void dataset_file_release(struct dataset_file *dataset);

/* Parses the text of a DATASET.json, as dataset_file_read() does; `path` for messages and relative
 * paths. */
int dataset_file_parse(struct dataset_file *out, const char *text, size_t size, const char *path,
                       struct lr_error *err);

#endif
