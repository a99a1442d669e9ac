#include "data/token_index.h"

#include <string.h>
#include "data/little_endian.h"

#define MAGIC "MMIDIDX\0" /* nine bytes, with the final NUL */
enum { MAGIC_SIZE = 9, HEADER = MAGIC_SIZE + 8 + 1 + 8 + 8 };

/* Bytes of a token by its type code; 0: not a token type. */
static unsigned width_of(unsigned code)
{
    enum { UINT8 = 1, INT32 = 4, UINT16 = 8 };
    return code == UINT8 ? 1 : code == INT32 ? 4 : code == UINT16 ? 2 : 0;
}

static uint64_t document_at(const struct token_index *index, uint64_t i)
{
    return u64_at(index->documents + 8 * i);
}

static int check_sequences(struct token_index *index, uint64_t bytes, const char *name,
                           struct lr_error *err)
{
    uint64_t at = 0;
    for (uint64_t i = 0; i < index->sequences; i++) {
        uint32_t length = u32_at(index->lengths + 4 * i);
        if (u64_at(index->offsets + 8 * i) != at)
            return lr_fail(err, LR_EDATA,
                           "%s: sequence %llu does not begin where the one before it ends; write "
                           "the dataset anew with its sequences in order",
                           name, (unsigned long long)i);
        at += (uint64_t)index->width * length;
        if (length > INT32_MAX || at > bytes)
            return lr_fail(err, LR_EDATA,
                           "%s: sequence %llu ends after the %llu bytes of its .bin file: one of "
                           "the two is cut short or damaged",
                           name, (unsigned long long)i, (unsigned long long)bytes);
    }
    index->tokens = at / index->width;
    return at == bytes
               ? 0
               : lr_fail(err, LR_EDATA,
                         "%s: its sequences have %llu bytes, but the .bin file has %llu: one of "
                         "the two is cut short or damaged",
                         name, (unsigned long long)at, (unsigned long long)bytes);
}

static int check_documents(const struct token_index *index, const char *name, struct lr_error *err)
{
    uint64_t last = 0;
    for (uint64_t i = 0; i < index->document_count; i++) {
        uint64_t now = document_at(index, i);
        if (now < last || now > index->sequences || (i == 0 && now != 0))
            return lr_fail(err, LR_EDATA, "%s: document %llu begins at sequence %llu: damaged",
                           name, (unsigned long long)i, (unsigned long long)now);
        last = now;
    }
    return 0;
}

int token_index_read(struct token_index *index, const unsigned char *map, size_t size,
                     uint64_t bytes, const char *name, struct lr_error *err)
{
    memset(index, 0, sizeof(*index));
    if (size < HEADER || memcmp(map, MAGIC, MAGIC_SIZE) != 0)
        return lr_fail(err, LR_EDATA,
                       "%s: is no index of Megatron-LM (it does not begin with MMIDIDX)", name);
    if (u64_at(map + MAGIC_SIZE) != 1)
        return lr_fail(err, LR_EDATA, "%s: version %llu of the index is not known, only 1", name,
                       (unsigned long long)u64_at(map + MAGIC_SIZE));
    unsigned code = map[MAGIC_SIZE + 8];
    index->width = width_of(code);
    if (!index->width)
        return lr_fail(err, LR_EDATA,
                       "%s: tokens of type %u are not known; 1 (uint8), 4 (int32) and 8 (uint16) "
                       "are",
                       name, code);
    index->sequences = u64_at(map + MAGIC_SIZE + 9);
    index->document_count = u64_at(map + MAGIC_SIZE + 17);
    uint64_t rest = size - HEADER; /* so that no product below can overflow */
    if (index->sequences > rest / 12 || index->document_count > rest / 8 ||
        12 * index->sequences + 8 * index->document_count != rest)
        return lr_fail(err, LR_EDATA,
                       "%s: the header says %llu sequences and %llu documents, which does not give "
                       "%zu bytes: it is cut short or damaged",
                       name, (unsigned long long)index->sequences,
                       (unsigned long long)index->document_count, size);
    index->lengths = map + HEADER;
    index->offsets = index->lengths + 4 * index->sequences;
    index->documents = index->offsets + 8 * index->sequences;
    int rc = check_sequences(index, bytes, name, err);
    return rc ? rc : check_documents(index, name, err);
}

uint64_t token_index_document(const struct token_index *index, uint64_t token)
{
    uint64_t low = 0, first = 0; /* the last document that begins at or before the token */
    for (uint64_t high = index->document_count; low < high;) {
        uint64_t middle = low + (high - low) / 2, sequence = document_at(index, middle);
        uint64_t begins = sequence < index->sequences
                              ? u64_at(index->offsets + 8 * sequence) / index->width
                              : index->tokens;
        if (begins <= token) {
            first = begins;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return first;
}
