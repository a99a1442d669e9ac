#ifndef LRSEARCH_TOKEN_FILE_H
#define LRSEARCH_TOKEN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "lrsearch/error.h"
#include "lrsearch/trial.h"

/* One file of tokens, mapped, never read whole; little-endian. Three common layouts:
 *   llmc      256 x int32 header {20240520, 1, count} and uint16 tokens, or {20240801, 7, count}
 *             and uint32 tokens: the shards of llm.c and modded-nanogpt; what this program writes
 *   megatron  FILE.bin, bare tokens, beside FILE.idx, which holds their type and the documents
 *             (Megatron-LM's indexed dataset, version 1)
 *   nanogpt   bare uint16 tokens */

#define TOKEN_FILE_HEADER ((size_t)1024) /* of llmc */

struct token_file {
    const unsigned char *map;
    size_t size;              /* bytes of the whole file */
    const unsigned char *at;  /* the first token */
    unsigned width;           /* bytes of a token: 1, 2 or 4 */
    enum token_format format; /* never TOKENS_AUTO */
    uint64_t count;           /* tokens */
};

/* `format` TOKENS_AUTO: detects the layout from the file; FILE.idx stands for FILE.bin. LR_EDATA
 * with the file, the error and the remedy: unreadable, empty, text, unknown layout, a count that
 * does not match the file, half a token, an index that does not match. */
int token_file_open(struct token_file *file, const char *path, enum token_format format,
                    struct lr_error *err);
void token_file_close(struct token_file *file);
/* Only maps the file: map and size. LR_EDATA: unreadable, no regular file, empty. */
int token_file_map(struct token_file *file, const char *path, struct lr_error *err);

/* Detects or checks the layout of a mapped file and fills in the rest, for token_file_open().
 * `index`, of index_size bytes: FILE.idx, or NULL; `name` for messages. */
int token_file_check(struct token_file *file, const char *name, enum token_format format,
                     const unsigned char *index, size_t index_size, struct lr_error *err);

/* The first token of the document that contains token `index`; `index` itself if the layout has no
 * documents. LR_EDATA: FILE.idx is gone or damaged. */
int token_file_document(const struct token_file *file, const char *path, uint64_t index,
                        uint64_t *first, struct lr_error *err);

uint32_t token_file_get(const struct token_file *file, uint64_t index);
void token_file_copy(const struct token_file *file, uint64_t first, size_t count, uint32_t *out);
/* XXH3-64 of the size and of the first, middle and last 64 KiB: distinguishes files without reading
 * them whole. */
uint64_t token_file_sample_hash(const struct token_file *file);

/* Writing (llmc): a header for `count` tokens at the stream's position, then tokens. Return 0 or -1
 * (errno). */
int token_file_write_header(FILE *out, bool wide, uint64_t count);
int token_file_write(FILE *out, bool wide, const uint32_t *tokens, size_t count);

#endif
