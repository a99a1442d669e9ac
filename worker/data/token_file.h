#ifndef LRSEARCH_TOKEN_FILE_H
#define LRSEARCH_TOKEN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "lrsearch/error.h"

/* A token shard in the layout of llm.c: 256 x int32 header {20240520, 1, count} and uint16 tokens,
 * or {20240801, 7, count} and uint32 tokens; little-endian. Mapped, never read whole. */

#define TOKEN_FILE_HEADER ((size_t)1024)

struct token_file {
    const unsigned char *map;
    size_t size;
    uint64_t count;
    bool wide; /* uint32 */
};

/* LR_EDATA names the file and what is wrong with it. */
int token_file_open(struct token_file *file, const char *path, struct lr_error *err);
void token_file_close(struct token_file *file);
/* Checks header and size of a mapped or made-up file; `name` for messages. */
int token_file_check(struct token_file *file, const char *name, struct lr_error *err);
uint32_t token_file_get(const struct token_file *file, uint64_t index);
void token_file_copy(const struct token_file *file, uint64_t first, size_t count, uint32_t *out);
uint64_t token_file_hash(const struct token_file *file); /* XXH3-64 of all bytes */

/* Writing: a header for `count` tokens at the stream's place, then tokens. Return 0 or -1 (errno).
 */
int token_file_write_header(FILE *out, bool wide, uint64_t count);
int token_file_write(FILE *out, bool wide, const uint32_t *tokens, size_t count);

#endif
