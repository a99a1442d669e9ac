#include "export/bytes.h"

#include <string.h>
#include "lrsearch/memory.h"

void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
    while (!bytes->failed && bytes->capacity - bytes->used < size) {
        char *larger = lr_grow(bytes->data, bytes->capacity, &bytes->capacity, 1);
        bytes->failed = !larger;
        if (larger)
            bytes->data = larger;
    }
    if (bytes->failed || size == 0)
        return;
    memcpy(bytes->data + bytes->used, data, size);
    bytes->used += size;
}

void bytes_release(struct bytes *bytes)
{
    lr_free(bytes->data);
    memset(bytes, 0, sizeof(*bytes));
}
