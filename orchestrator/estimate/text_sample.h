#ifndef LRSEARCH_TEXT_SAMPLE_H
#define LRSEARCH_TEXT_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"
#include "lrsearch/stage.h"

/* Estimates the size of a text, in bytes and in tokens. */

struct text_sample {
    double bytes; /* uncompressed */
    bool whole;   /* all of it was read; false: bytes is extrapolated */
    char *head;   /* its first bytes; owned */
    size_t head_size;
};

/* Reads the texts (paths or globs), a few hundred MB at most. Errors of text_reader.h; after 0,
 * call text_sample_release(). */
int text_sample_read(struct text_sample *out, const char *const *texts, size_t count,
                     const struct stage_report *stages, struct lr_error *err);
void text_sample_release(struct text_sample *sample); /* may be zeroed */

/* Learns a vocabulary of `vocab` tokens on the head. *out: bytes per token. LR_EDATA: too few
 * distinct pieces. */
int text_sample_bytes_per_token(const struct text_sample *sample, uint32_t vocab, double *out,
                                const struct stage_report *stages, struct lr_error *err);

#endif
