#ifndef LRSEARCH_TOKEN_INDEX_H
#define LRSEARCH_TOKEN_INDEX_H

#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"

/* Megatron-LM's FILE.idx: "MMIDIDX\0\0", u64 version 1, u8 type, u64 sequences, u64 documents + 1,
 * then int32 lengths, int64 byte offsets of the sequences and int64 first sequences of the
 * documents; little-endian. */

struct token_index {
    const unsigned char *lengths, *offsets, *documents;
    uint64_t sequences, document_count; /* document_count: includes the end */
    unsigned width;                     /* bytes of a token */
    uint64_t tokens;                    /* in all sequences */
};

/* Checks the whole index: its sequences must lie one after the other and have `bytes` bytes in all.
 * `name` is the index file. LR_EDATA. */
int token_index_read(struct token_index *index, const unsigned char *map, size_t size,
                     uint64_t bytes, const char *name, struct lr_error *err);

/* The first token of the document that contains `token` (below index->tokens). */
uint64_t token_index_document(const struct token_index *index, uint64_t token);

#endif
