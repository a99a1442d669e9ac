#ifndef LRSEARCH_SHARD_WRITER_H
#define LRSEARCH_SHARD_WRITER_H

#include "data/dataset_file.h"

/* Writes tokens into llm.c shards STEM-000.bin, STEM-001.bin, ... They have temporary names until
 * all are complete. */

#define SHARD_TOKENS ((uint64_t)100000000) /* as modded-nanogpt's */

struct shard_writer;

/* wide: uint32. shard_tokens: SHARD_TOKENS, or fewer. */
int shard_writer_open(struct shard_writer **out, const char *stem, bool wide, uint64_t shard_tokens,
                      struct lr_error *err);
/* LR_ECREATE, LR_EIO, LR_ENOSPC with the shard's name. */
int shard_writer_put(struct shard_writer *writer, const uint32_t *tokens, size_t count,
                     struct lr_error *err);
/* Syncs and renames the shards, and appends them to *parts. LR_EDATA: no tokens were put. */
int shard_writer_finish(struct shard_writer *writer, struct dataset_parts *parts,
                        struct lr_error *err);
uint64_t shard_writer_tokens(const struct shard_writer *writer);  /* so far, in all shards */
uint32_t shard_writer_highest(const struct shard_writer *writer); /* highest token id so far */
/* Without shard_writer_finish() before, removes the files. NULL is fine. */
void shard_writer_close(struct shard_writer *writer);

#endif
