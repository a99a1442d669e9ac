#ifndef LRSEARCH_BYTES_H
#define LRSEARCH_BYTES_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that grow. Every function takes a failed one and does nothing then: ask once, at the end.
 * Zero it before use. */
struct bytes {
    char *data;
    size_t used, capacity;
    bool failed; /* no memory */
};

void bytes_add(struct bytes *bytes, const void *data, size_t size);
void bytes_release(struct bytes *bytes);

#endif
