/* Element types and sizes of tensors, for the writer and the reader. Sizes are counted without
 * overflow and stay below 2^63, because the header's numbers are signed for most JSON readers. */
#include "data/safetensors.h"

const char *st_dtype_text(enum st_dtype dtype)
{
    switch (dtype) {
#define X(name, text, size)                                                                        \
    case name:                                                                                     \
        return text;
        ST_DTYPE_MAP(X)
#undef X
    case ST_NONE:
        break;
    }
    return NULL;
}

size_t st_dtype_size(enum st_dtype dtype)
{
    switch (dtype) {
#define X(name, text, size)                                                                        \
    case name:                                                                                     \
        return size;
        ST_DTYPE_MAP(X)
#undef X
    case ST_NONE:
        break;
    }
    return 0;
}

int st_tensor_bytes(const struct st_tensor *tensor, uint64_t *bytes, struct lr_error *err)
{
    uint64_t product = st_dtype_size(tensor->dtype);
    *bytes = 0;
    if (product == 0)
        return lr_fail(err, LR_EINVAL, "dtype %d is not known", (int)tensor->dtype);
    if (tensor->rank > ST_RANK_MAX)
        return lr_fail(err, LR_EINVAL, "it has %zu dimensions, and %zu are the most", tensor->rank,
                       ST_RANK_MAX);
    for (size_t i = 0; i < tensor->rank; i++) {
        uint64_t length = tensor->shape[i];
        if (length > INT64_MAX || (length > 0 && product > INT64_MAX / length))
            return lr_fail(err, LR_EINVAL, "its shape is too large to be counted in bytes");
        product *= length;
    }
    *bytes = product;
    return 0;
}
