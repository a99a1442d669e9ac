/* Any bytes as a token file, as Megatron-LM's index, or as a DATASET.json: no crash, no read
 * outside, and what is accepted keeps its word. The first byte says which. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "data/dataset_file.h"
#include "data/token_file.h"
#include "data/token_index.h"

#define DEMAND(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void token_file(const unsigned char *bytes, size_t size, const char *name,
                       enum token_format format, const unsigned char *index, size_t index_size)
{
    struct token_file file = {.map = bytes, .size = size};
    uint32_t sum = 0;
    if (token_file_check(&file, name, format, index, index_size, NULL))
        return;
    DEMAND(file.format != TOKENS_AUTO);
    DEMAND(file.at >= bytes && (size_t)(file.at - bytes) + file.count * file.width == size);
    for (uint64_t i = 0; i < file.count; i++)
        sum += token_file_get(&file, i);
    DEMAND(token_file_sample_hash(&file) + sum == token_file_sample_hash(&file) + sum);
}

/* Half of the bytes are the tokens, or as many as the index wants. */
static void megatron(const unsigned char *bytes, size_t size)
{
    static const uint64_t sizes[] = {0, 2, 1200, 4096};
    struct token_index index;
    unsigned char tokens[4096] = {0};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        token_file(tokens, (size_t)sizes[i], "x.bin", TOKENS_AUTO, bytes, size);
        if (token_index_read(&index, bytes, size, sizes[i], "x.idx", NULL))
            continue;
        DEMAND(index.tokens * index.width == sizes[i]);
        for (uint64_t token = 0; token < index.tokens; token++)
            DEMAND(token_index_document(&index, token) <= token);
    }
}

static void dataset(const unsigned char *bytes, size_t size)
{
    struct dataset_file file;
    if (dataset_file_parse(&file, (const char *)bytes, size, "/a/dataset.json", NULL))
        return;
    DEMAND(file.train.count > 0 && file.vocab_used > 0);
    for (size_t i = 0; i < file.train.count; i++) {
        const struct dataset_part *part = &file.train.part[i];
        DEMAND(part->begins + part->tokens * part->width <= part->size);
        DEMAND(part->path[0] == '/');
    }
    dataset_file_release(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    unsigned char *bytes = malloc(size); /* its own block: reading past its end is seen */
    DEMAND(bytes);
    memcpy(bytes, data + 1, size - 1);
    if (data[0] % 4 == 0)
        token_file(bytes, size - 1, "x.bin", TOKENS_AUTO, NULL, 0);
    else if (data[0] % 4 == 1)
        token_file(bytes, size - 1, "x", (enum token_format)(data[0] / 4 % 4), NULL, 0);
    else if (data[0] % 4 == 2)
        megatron(bytes, size - 1);
    else
        dataset(bytes, size - 1);
    free(bytes);
    return 0;
}
