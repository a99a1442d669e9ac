/* Any bytes as a file of tokens without an index: no read outside, and what is accepted keeps its
 * word. The first byte says what the plan calls it. */
#include "data/token_file.h"
#include "fuzz_input.h"

static void token_file(const char *bytes, size_t size, const char *name, enum token_format format)
{
    struct token_file file = {.map = (const unsigned char *)bytes, .size = size};
    struct lr_error err = {0};
    uint32_t sum = 0;
    int rc = token_file_check(&file, name, format, NULL, 0, &err);
    DEMAND(rc == 0 || (rc == LR_EDATA && err.text[0]));
    if (rc)
        return;
    DEMAND(file.format != TOKENS_AUTO && file.format != TOKENS_MEGATRON);
    DEMAND(format == TOKENS_AUTO || file.format == format);
    DEMAND(file.at >= file.map &&
           (size_t)(file.at - file.map) + file.count * file.width == file.size);
    for (uint64_t i = 0; i < file.count; i++)
        sum |= token_file_get(&file, i);
    DEMAND(file.width == 4 || sum < (uint32_t)1 << 8 * file.width);
    DEMAND(token_file_sample_hash(&file) == token_file_sample_hash(&file));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *bytes = fuzz_copy(data + 1, size - 1);
    token_file(bytes, size - 1, data[0] & 1 ? "x.bin" : "x", (enum token_format)(data[0] / 2 % 4));
    fuzz_copy_free(bytes);
    return 0;
}
