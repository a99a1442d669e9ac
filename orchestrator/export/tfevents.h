#ifndef LRSEARCH_TFEVENTS_H
#define LRSEARCH_TFEVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* TensorBoard's event files. A record is a length and the bytes of a protocol buffer, each followed
 * by its masked CRC-32C (tensorflow/core/lib/io/record_writer.h). The few messages needed are
 * written in protobuf's wire format by hand. */

/* A growing buffer. Zero it before use. After a failure every function does nothing, so that one
 * check at the end suffices. */
struct bytes {
    char *data;
    size_t used, capacity;
    bool failed; /* out of memory */
};

void bytes_release(struct bytes *bytes);

/* ---- protocol buffers: one field of a message each ---- */

void pb_int(struct bytes *out, uint32_t field, uint64_t value);
void pb_double(struct bytes *out, uint32_t field, double value);
void pb_text(struct bytes *out, uint32_t field, const char *text);
/* An embedded message; `part` is released. */
void pb_part(struct bytes *out, uint32_t field, struct bytes *part);

/* ---- events ---- */

/* The first record of every file. */
void tfevents_begin(struct bytes *file, double wall_time);
void tfevents_scalar(struct bytes *file, double wall_time, uint64_t step, const char *tag,
                     double value);
/* A summary of the hparams plugin; `data` (HParamsPluginData) is released. */
void tfevents_hparams(struct bytes *file, double wall_time, const char *tag, struct bytes *data);

uint32_t tfevents_crc32c(const void *bytes, size_t size); /* Castagnoli's, not masked */

#endif
