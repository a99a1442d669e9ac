#ifndef LRSEARCH_TEXT_READER_H
#define LRSEARCH_TEXT_READER_H

#include <stddef.h>
#include "lrsearch/error.h"

/* Text files, plain or gzip (found from their bytes), one after another as one stream. */
struct text_reader;

/* Patterns are paths or globs; files of one glob in sorted order. */
int text_reader_open(struct text_reader **out, const char *const *patterns, size_t count,
                     struct lr_error *err);
/* Bytes read into `buffer` (at most `size`); 0 at the end; negative on error. */
long text_reader_read(struct text_reader *reader, char *buffer, size_t size, struct lr_error *err);
/* Share of the compressed bytes read so far, 0..1, for progress. */
double text_reader_share(const struct text_reader *reader);
void text_reader_close(struct text_reader *reader);

#endif
