/* Any bytes as Megatron-LM's FILE.idx, beside a FILE.bin whose size the first two bytes tell. */
#include "data/token_file.h"
#include "data/token_index.h"
#include "fuzz_input.h"

enum { BIN_MOST = 4096 };

static void check_index(const unsigned char *bytes, size_t size, uint64_t bin)
{
    struct token_index index;
    struct lr_error err = {0};
    uint64_t first = 0;
    int rc = token_index_read(&index, bytes, size, bin, "x.idx", &err);
    DEMAND(rc == 0 || (rc == LR_EDATA && err.text[0]));
    if (rc)
        return;
    DEMAND(index.tokens * index.width == bin);
    for (uint64_t token = 0; token < index.tokens; token++) {
        uint64_t now = token_index_document(&index, token);
        DEMAND(now == first || now == token); /* a document goes on, or begins */
        first = now;
    }
}

static void check_file(const unsigned char *bytes, size_t size, uint64_t bin)
{
    static const unsigned char tokens[BIN_MOST];
    struct token_file file = {.map = tokens, .size = (size_t)bin};
    struct lr_error err = {0};
    uint32_t sum = 0;
    int rc = token_file_check(&file, "x.bin", TOKENS_AUTO, bytes, size, &err);
    DEMAND(rc == 0 || (rc == LR_EDATA && err.text[0]));
    if (rc)
        return;
    DEMAND(file.format == TOKENS_MEGATRON && file.at == tokens);
    DEMAND(file.count * file.width == bin);
    for (uint64_t i = 0; i < file.count; i++)
        sum |= token_file_get(&file, i);
    DEMAND(sum == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    uint64_t bin = (data[0] + 256u * data[1]) % BIN_MOST;
    char *bytes = fuzz_copy(data + 2, size - 2);
    check_index((const unsigned char *)bytes, size - 2, bin);
    check_file((const unsigned char *)bytes, size - 2, bin);
    fuzz_copy_free(bytes);
    return 0;
}
