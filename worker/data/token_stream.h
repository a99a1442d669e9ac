#ifndef LRSEARCH_TOKEN_STREAM_H
#define LRSEARCH_TOKEN_STREAM_H

#include "data/dataset_file.h"

/* The files of a dataset as one sequence of tokens. */

struct token_stream;

/* Maps all files. LR_EDATA names the file that is gone or has changed. */
int token_stream_open(struct token_stream **out, const struct dataset_parts *parts,
                      struct lr_error *err);
void token_stream_close(struct token_stream *stream);

uint64_t token_stream_count(const struct token_stream *stream);

/* Copies tokens first..first+count-1, which must exist. LR_EDATA: a token id is vocab or more (with
 * file and position), or a file was cut short or its server disappeared. The latter raises SIGBUS,
 * for which token_stream_open() installs a handler; faults elsewhere go to the earlier handler. */
int token_stream_copy(const struct token_stream *stream, uint64_t first, size_t count,
                      uint32_t vocab, uint32_t *out, struct lr_error *err);

/* The highest token id; stops at the first id of vocab or more, with LR_EDATA as above. Reads
 * everything; `progress` (may be NULL) gets the share done now and then. */
int token_stream_highest(const struct token_stream *stream, uint32_t vocab, uint32_t *highest,
                         void (*progress)(const void *context, double share), const void *context,
                         struct lr_error *err);

#endif
