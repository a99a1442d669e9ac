#ifndef LRSEARCH_WIRE_H
#define LRSEARCH_WIRE_H

#include "lrsearch/error.h"
#include "lrsearch/message.h"

/* Messages as bytes. Frame: u16 protocol, u16 tag, u32 length of what follows; then the fields in
 * the order of their list, little-endian: u32, u64, f64 as IEEE bits, text as u16 length + bytes
 * without a NUL, a struct as its fields. Decoding checks every bound and the exact length. */

#define WIRE_FRAME_MAX 8192 /* no message is longer; a buffer of this size always suffices */

/* Returns the frame's length, or LR_EPROTO when it does not fit into `capacity`. */
int wire_encode(const struct message *message, unsigned char *frame, size_t capacity);
/* 0, or LR_EPROTO with a text that names message and field. On failure *out is zeroed. */
int wire_decode(struct message *out, const unsigned char *frame, size_t length,
                struct lr_error *err);

#endif
